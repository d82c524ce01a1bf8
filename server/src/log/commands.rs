//! `wherefore log …`: what the operator of a log does with it.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use governance::log::{SigningKey, VerifierKey};

use super::{
    Log, LogError, erase, fsck, keys,
    restore::{self, RestoreError},
};
use crate::{
    config::Config,
    store::{Store, entities::block},
};
use sea_orm::{EntityTrait, QueryOrder};

#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Fill an empty database with the log of a mirror, or of a bridge that serves it. Nothing is signed anew.
    Restore {
        /// A mirror, `file:///folder` or `s3://bucket/prefix`, or where a log is served, `https://dao.example/log`.
        #[arg(long)]
        from: String,
        /// The log's verifier key, from a source you trust.
        #[arg(long)]
        vkey: String,
        /// `sqlite://file?mode=rwc` or `postgres://…`; its log must be empty.
        #[arg(long, env = "DATABASE_URL")]
        database_url: String,
    },
    /// Replace the log's key: begin, restart the bridge, tell everybody the new vkey, then --finish and restart again.
    RotateKey {
        #[arg(long, default_value = "wherefore.toml")]
        config: PathBuf,
        /// Let the new key take the old one's place.
        #[arg(long, conflicts_with = "lost")]
        finish: bool,
        /// The old key is gone for good: make a new one, which alone signs from now on.
        #[arg(long)]
        lost: bool,
    },
    /// Check the stored log against itself; exits 1 naming the first index that is damaged.
    Fsck {
        #[arg(long, default_value = "wherefore.toml")]
        config: PathBuf,
        /// Also read every entry as an entry, which takes several times as long as hashing it.
        #[arg(long)]
        deep: bool,
        /// A verifier key that signed earlier checkpoints, beside those whose files are still in the data folder.
        #[arg(long)]
        vkey: Vec<String>,
    },
    /// Delete the body that an entry names, and say so in the log. The entry and its proof stay.
    Erase {
        #[arg(long, default_value = "wherefore.toml")]
        config: PathBuf,
        index: u64,
        /// Why, in a few words that stay in the log for good.
        #[arg(long)]
        reason: String,
    },
}

/// Why a command failed, by what the exit code is to say.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Wrong(String),
    #[error("{0}")]
    Away(String),
}

impl From<RestoreError> for CommandError {
    fn from(error: RestoreError) -> Self {
        match error {
            error if error.is_transient() => Self::Away(with_cause(&error)),
            RestoreError::Mirror(error) => Self::Usage(error.to_string()),
            error => Self::Wrong(with_cause(&error)),
        }
    }
}

impl From<LogError> for CommandError {
    fn from(error: LogError) -> Self {
        Self::Wrong(with_cause(&error))
    }
}

fn with_cause(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| cause.to_string()).filter(|cause| !error.to_string().contains(cause));
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// Runs a command and returns what to print.
pub async fn run(command: LogCommand, json: bool) -> Result<String, CommandError> {
    match command {
        LogCommand::Restore { from, vkey, database_url } => {
            let key: VerifierKey = vkey.trim().parse().map_err(|error| CommandError::Usage(format!("--vkey: {error}")))?;
            let store = Store::open(&database_url)
                .await
                .map_err(|error| CommandError::Away(format!("the database could not be opened: {error}")))?;
            let restored = restore::restore(&store, &from, &key).await?;
            if json {
                return serde_json::to_string(&restored).map_err(|error| CommandError::Wrong(error.to_string()));
            }
            let mut told = format!("Restored {} entries of {}, with root {}.", restored.size, restored.origin, restored.root);
            told += &format!("\n{} bodies were restored, {} are missing.", restored.bodies, restored.missing.len());
            restored.missing.iter().for_each(|name| told += &format!("\nmissing  {name}"));
            restored.damaged.iter().for_each(|name| told += &format!("\ndamaged  {name}"));
            Ok(told)
        }
        LogCommand::RotateKey { config, finish, lost } => {
            let config = Config::load(&config).map_err(|error| CommandError::Usage(error.to_string()))?;
            let (origin, file) = (&config.log.origin, config.data_dir.join("log.key"));
            let (key, next) = if lost {
                (
                    keys::replace_lost(origin, &file)?,
                    "It alone signs from the next start on. Tell everybody who verifies the log, and its witnesses.",
                )
            } else if finish {
                (
                    keys::finish_rotation(origin, &file)?,
                    "It alone signs from the next start on. The old key stands beside it as .retired-…: store it away or destroy it.",
                )
            } else {
                (
                    keys::begin_rotation(origin, &file)?,
                    "From the next start on checkpoints carry both signatures. Tell everybody who verifies the log, and its witnesses; then run this with --finish.",
                )
            };
            Ok(if json { serde_json::json!({"vkey": key.to_string()}).to_string() } else { format!("The new key is\n{key}\n{next}") })
        }
        LogCommand::Fsck { config, deep, vkey } => {
            // Only the store: a log that contradicts its copies is just what is to be looked at.
            let config = Config::load(&config).map_err(|error| CommandError::Usage(error.to_string()))?;
            let store = open_store(&config).await?;
            let mut keys = kept_keys(&config);
            for text in vkey {
                keys.push(text.trim().parse().map_err(|error| CommandError::Usage(format!("--vkey: {error}")))?);
            }
            let report = fsck::fsck(&store, &keys, deep).await?;
            if let Some(first) = report.damage.first() {
                let more = report.damage.len() - 1;
                let more = if more == 0 { String::new() } else { format!("; {more} more") };
                return Err(CommandError::Wrong(format!("the log is damaged at index {}: {}{more}", first.index, first.words)));
            }
            if json {
                return serde_json::to_string(&report).map_err(|error| CommandError::Wrong(error.to_string()));
            }
            let fsck::Report { size, root, checkpoints, bodies, .. } = report;
            Ok(format!("The log is whole: {size} entries with root {root}, {checkpoints} checkpoints, {bodies} bodies."))
        }
        LogCommand::Erase { config, index, reason } => {
            let (_, store) = open(&config).await?;
            // Entries go by the time of the chain, as far as it was followed.
            let block = block::Entity::find().order_by_desc(block::Column::Timestamp).one(&store.db).await;
            let block = block.map_err(|error| CommandError::Wrong(with_cause(&error)))?;
            let now = block.map_or(crate::wall_ms() / 1_000, |block| block.timestamp as u64);
            let erasure = erase::erase(&store, index, &reason, now).await.map_err(|error| CommandError::Wrong(with_cause(&error)))?;
            let told =
                format!("What entry {index} named is erased; entry {} says so. Its mirror follows with the next copy.", erasure.index);
            Ok(if json { serde_json::json!({"erased": index, "entry": erasure.index}).to_string() } else { told })
        }
    }
}

/// The log that a configuration names, compared with its copies.
async fn open(config: &Path) -> Result<(Log, Store), CommandError> {
    let config = Config::load(config).map_err(|error| CommandError::Usage(error.to_string()))?;
    let store = open_store(&config).await?;
    let log = Log::open(store.clone(), &config.log.origin, &config.data_dir.join("log.key")).await?;
    Ok((log.guarded(&config.log, &config.data_dir).await?, store))
}

async fn open_store(config: &Config) -> Result<Store, CommandError> {
    let store = Store::open(&config.database_url).await;
    store.map_err(|error| CommandError::Away(format!("the database could not be opened: {error}")))
}

/// The keys whose files are in the data folder: those that sign, and those that did before they were replaced.
fn kept_keys(config: &Config) -> Vec<VerifierKey> {
    let files = std::fs::read_dir(&config.data_dir).into_iter().flatten().flatten();
    let keys = files.filter(|file| file.file_name().to_string_lossy().starts_with("log.key")).filter_map(|file| {
        let seed: [u8; 32] = std::fs::read(file.path()).ok()?.try_into().ok()?;
        Some(SigningKey::from_seed(&config.log.origin, &seed).ok()?.verifier().clone())
    });
    keys.collect()
}
