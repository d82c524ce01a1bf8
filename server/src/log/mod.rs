//! The explanation log: appending within a workflow's transaction, publishing checkpoints, answering tiles and proofs.
//!
//! The database is the truth. An entry, the hashes of the subtrees it completes and the head move together with the
//! workflow step that caused them; only a committed head is signed. What is hashed and proved is decided in
//! `governance::log`.
//!
//! | file | does |
//! |---|---|
//! | `append` | entries, tree and head, in one transaction |
//! | `sequence` | group commit for entries from outside |
//! | `publish` | signs a committed head as a checkpoint, and serves it once enough witnesses agree |
//! | `read` | entries, tiles and proofs |
//! | `search` | entries by what they are about |
//! | `bodies` | the bytes that entries name by their hash |
//! | `erase` | deletes a body, and says so in the log |
//! | `bundle` | a decision with all that the log says of it |
//! | `export` | the whole log as lines |
//! | `fsck` | checks a stored log against itself |
//! | `standing` | compares the database with its copies, and ends signing when one of them knows better |
//! | `high_water` | the copy of the newest checkpoint, away from the database |
//! | `witnesses` | asks people of the DAO to cosign |
//! | `mirror` | copies tiles, entries and bodies to a folder or an S3-compatible store |
//! | `restore` | fills an empty database from a mirror or from another log |
//! | `keys` | the log's key, and how it is replaced |
//! | `commands` | `wherefore log …` |
//! | `durable` | small files that survive a power cut |

mod append;
mod bodies;
mod bundle;
pub mod commands;
pub(crate) mod durable;
mod erase;
pub mod export;
pub mod fsck;
mod high_water;
pub mod keys;
pub mod mirror;
mod publish;
mod read;
pub mod restore;
pub mod search;
mod sequence;
mod standing;
mod witnesses;

use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use app::views::Assurance;
use governance::log::{EntryError, MerkleError, TileError};
use sea_orm::{DbErr, EntityTrait, PaginatorTrait};

pub use append::{Kept, Prepared, append, append_all, append_with_body};
pub use bodies::read_body;
pub use bundle::Anchor;
pub use erase::{EraseError, erase};
pub use read::{find, read};
pub use sequence::Sequencer;
pub use standing::{Contradiction, Standing};

use crate::config::LogConfig;
use high_water::HighWater;
use keys::Keys;
use mirror::Mirror;
use witnesses::Witnesses;

use crate::store::{
    Store,
    entities::{log_checkpoint, log_head},
};

/// Why the log could not be read or extended.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("the database failed")]
    Store(#[from] DbErr),
    #[error("the entry cannot be logged: {0}")]
    Entry(#[from] EntryError),
    #[error("the log's tree is damaged: {0}")]
    Tree(#[from] MerkleError),
    #[error("the log's tiles are damaged: {0}")]
    Tile(#[from] TileError),
    #[error("the log's head moved from {0} while it was being extended; try again")]
    HeadMoved(u64),
    #[error("the stored head row does not match: found root {found}, computed {computed}")]
    Damaged { found: String, computed: String },
    #[error("the log stopped while the entry waited; send it again")]
    Stopped,
    #[error("the checkpoint could not be signed: {0}")]
    Sign(#[from] governance::log::CheckpointError),
    #[error("the log key {path} cannot be used: {reason}")]
    Key { path: String, reason: String },
    #[error("the explanation log is read-only: {0}")]
    ReadOnly(Box<Contradiction>),
    #[error(
        "the high-water copy {path} cannot be used: {reason}. It holds the newest checkpoint that was signed; put it back, or move it away and say so publicly"
    )]
    HighWater { path: String, reason: String },
    #[error("the log's witnesses are not set up: {0}")]
    Witnesses(String),
    #[error("no checkpoint is published yet: {0}")]
    Unwitnessed(String),
    #[error("the mirror cannot be used: {0}")]
    Mirror(#[from] mirror::MirrorError),
}

/// The log of this bridge: its store, its keys, and what keeps it honest.
#[derive(Clone)]
pub struct Log {
    store: Store,
    keys: Arc<Keys>,
    around: Arc<Around>,
}

/// What stands around a log, and what goes on there.
#[derive(Debug, Default)]
struct Around {
    high_water: Option<HighWater>,
    witnesses: Option<Witnesses>,
    mirror: Option<Mirror>,
    /// Held while a checkpoint is signed and published.
    publishing: tokio::sync::Mutex<()>,
    /// Why the newest checkpoint is not published yet.
    waiting: RwLock<Option<String>>,
    records: tokio::sync::Mutex<bodies::Records>,
}

impl Around {
    fn set_waiting(&self, why: Option<String>) {
        let mut waiting = self.waiting.write().unwrap_or_else(PoisonError::into_inner);
        if let (Some(why), None) = (&why, &*waiting) {
            tracing::warn!("the newest checkpoint is not published: {why}");
        }
        *waiting = why;
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("origin", &self.origin()).finish_non_exhaustive()
    }
}

impl Log {
    /// Opens the log with the key in `file`, making one for a log that is empty.
    ///
    /// # Errors
    /// When there is no key and the log is not empty: a new key for it must be wished for.
    pub async fn open(store: Store, origin: &str, file: &Path) -> Result<Self, LogError> {
        let keys = match Keys::load(origin, file)? {
            Some(keys) => keys,
            None => {
                let signed = log_checkpoint::Entity::find().count(&store.db).await? > 0;
                if signed || log_head::Entity::find_by_id(1).one(&store.db).await?.is_some() {
                    return Err(LogError::Key {
                        path: file.display().to_string(),
                        reason: "it is not there, and the log is not empty. Put the key back from its backup; if it is lost for \
                                 good, run `wherefore log rotate-key --lost` and tell everybody who verifies the log"
                            .into(),
                    });
                }
                Keys::make(origin, file)?
            }
        };
        Ok(Self { store, keys: Arc::new(keys), around: Arc::default() })
    }

    /// Sets up what `config` puts around the log, and compares the database with every copy that can be reached.
    ///
    /// # Errors
    /// [`LogError::ReadOnly`] when a copy is ahead of the database or contradicts it: then the process should end.
    pub async fn guarded(self, config: &LogConfig, data_dir: &Path) -> Result<Self, LogError> {
        let file = config.high_water.clone().unwrap_or_else(|| data_dir.join("log.high-water"));
        let around = Around {
            high_water: Some(HighWater::new(file, self.origin())),
            witnesses: Witnesses::new(&config.witnesses, config.witness_quorum, &self.keys.verifiers())?,
            mirror: config.mirror.as_deref().map(Mirror::open).transpose()?,
            ..Around::default()
        };
        let log = Self { around: Arc::new(around), ..self };
        log.trusted_head().await?;
        if let Some(witnesses) = &log.around.witnesses {
            witnesses.compare(&log).await?;
        }
        Ok(log)
    }

    pub fn origin(&self) -> &str {
        self.keys.newest().name()
    }

    /// The verifier key in vkey text form; the new one while a key is being replaced.
    pub fn vkey(&self) -> String {
        self.keys.newest().verifier().to_string()
    }

    /// Every verifier key that new checkpoints can be checked with, newest first.
    pub fn vkeys(&self) -> Vec<String> {
        self.keys.verifiers().iter().map(ToString::to_string).collect()
    }

    /// The witnesses and their quorum as a C2SP tlog-policy; without witnesses, one that asks for the log's key only.
    pub fn policy(&self) -> String {
        match &self.around.witnesses {
            Some(witnesses) => witnesses.policy().to_string(),
            None => self.vkeys().iter().map(|key| format!("log {key}\n")).chain(["quorum none\n".to_owned()]).collect(),
        }
    }

    pub async fn size(&self) -> Result<u64, LogError> {
        Ok(log_head::Entity::find_by_id(1).one(&self.store.db).await?.map_or(0, |head| head.size as u64))
    }

    /// What keeps the log honest, for its page. Anchors are added by whoever reads the chain.
    pub fn assurance(&self) -> Assurance {
        Assurance {
            anchors: vec![],
            witnesses: self.around.witnesses.as_ref().map(Witnesses::views).unwrap_or_default(),
            mirror: self.around.mirror.as_ref().map(Mirror::view),
            read_only: self.read_only(),
        }
    }

    /// What every page says of the log when not all is well.
    pub fn warnings(&self) -> Vec<String> {
        let waiting = self.around.waiting.read().unwrap_or_else(PoisonError::into_inner).clone();
        let waiting = waiting.map(|why| format!("The newest checkpoint of the explanation log is not published: {why}."));
        let mirror = self.around.mirror.as_ref().and_then(Mirror::contradiction);
        let mirror = mirror.map(|why| format!("The mirror of the explanation log does not agree with it: {why}."));
        self.read_only().into_iter().chain(waiting).chain(mirror).collect()
    }
}
