//! Settings of a bridge: a TOML file, or what the devnet wrote. Secrets are named by file, never written here.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use crate::source::Source;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// As people type it: `https://dao.example`. Sign-in messages are bound to its host.
    #[serde(default = "default_public_url")]
    pub public_url: String,
    /// `sqlite://file?mode=rwc` or `postgres://…`; the environment's `DATABASE_URL` wins.
    #[serde(default = "default_database")]
    pub database_url: String,
    /// Where the log's key lives.
    #[serde(default = "default_data")]
    pub data_dir: PathBuf,
    /// Signed decision records to take in at start, checked like any other.
    #[serde(default)]
    pub records_dir: Option<PathBuf>,
    /// Models to publish at start.
    #[serde(default)]
    pub models: Vec<PathBuf>,
    /// Key of the account that queues and executes; it holds no role. Without it the bridge only reads.
    #[serde(default)]
    pub executor_key: Option<PathBuf>,
    #[serde(default)]
    pub log: LogConfig,
    /// Requests that change something, taken from one address in a minute.
    #[serde(default = "default_writes")]
    pub writes_a_minute: u32,
    pub dao: DaoConfig,
    #[serde(default)]
    pub devnet: Option<DevnetConfig>,
}

/// The explanation log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// Its name: the origin line of every checkpoint.
    pub origin: String,
    /// A copy of the newest checkpoint, best on another disk than the database: a log that is behind it is refused.
    /// `log.high-water` in the data folder unless told otherwise.
    pub high_water: Option<PathBuf>,
    /// Seconds between two anchors of a log that grows, at least 1; a decision that waits for one is anchored at once.
    pub anchor_every: u64,
    /// How many witnesses must have cosigned a checkpoint before it is published; 0 publishes at once.
    pub witness_quorum: usize,
    /// Where copies of the log go: `file:///folder` or `s3://bucket/prefix`, with the usual `AWS_…` variables.
    pub mirror: Option<String>,
    /// Who is asked to cosign each checkpoint.
    pub witnesses: Vec<WitnessConfig>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            origin: "wherefore.local/log".into(),
            high_water: None,
            anchor_every: 3_600,
            witnesses: vec![],
            witness_quorum: 0,
            mirror: None,
        }
    }
}

/// A C2SP tlog-witness that cosigns the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// What pages and the policy call it; no spaces.
    pub name: String,
    /// Its submission prefix: what stands before `/add-checkpoint`.
    pub url: String,
    /// Its verifier key, of type Ed25519 cosignature.
    pub vkey: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DaoConfig {
    pub name: String,
    #[serde(default)]
    pub about: String,
    /// `http://`, `https://`, `ws://` or `wss://`.
    pub rpc: String,
    pub chain_id: u64,
    #[serde(default)]
    pub chain_name: String,
    pub governor: Address,
    pub timelock: Address,
    pub token: Address,
    pub registry: Address,
    #[serde(default)]
    pub art: Option<Address>,
    /// The `LogAnchor` that keeps the log's roots. A contract named only later is followed from then on.
    #[serde(default)]
    pub log_anchor: Option<Address>,
    /// The `ValidationRegistry` that auditors publish their verdicts to.
    #[serde(default)]
    pub validations: Option<Address>,
    /// Auditors whose verdicts count: only theirs make a decision *attested*.
    #[serde(default)]
    pub auditors: Vec<Named>,
    #[serde(default)]
    pub start_block: u64,
    #[serde(default)]
    pub names: Vec<Named>,
    #[serde(default)]
    pub engines: Vec<EngineConfig>,
    #[serde(default)]
    pub agents: Vec<AgentConfig>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    pub address: Address,
    pub name: String,
    #[serde(default)]
    pub about: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineConfig {
    pub id: String,
    pub name: String,
    /// File with the token that the engine reports with.
    pub token_file: PathBuf,
    /// Where the engine serves images, for the page to show; optional.
    #[serde(default)]
    pub url: Option<String>,
}

/// An agent whose signed decisions are accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentConfig {
    pub slug: String,
    pub name: String,
    pub address: Address,
    #[serde(default)]
    pub about: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DevnetConfig {
    /// Accounts that the demo wallet may act as.
    pub accounts: Vec<Address>,
    /// Chain seconds in a second of wall time.
    pub pace: f64,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 3000))
}

fn default_public_url() -> String {
    "http://127.0.0.1:3000".into()
}

fn default_database() -> String {
    "sqlite://wherefore.db?mode=rwc".into()
}

fn default_data() -> PathBuf {
    PathBuf::from(".")
}

fn default_writes() -> u32 {
    120
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{path} could not be read: {source}. Make it, or name another with --config.")]
    Read { path: String, source: std::io::Error },
    #[error("{path} is not a valid configuration: {source}")]
    Parse { path: String, source: Box<toml::de::Error> },
}

impl Config {
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.display().to_string(), source })?;
        let mut config: Self =
            toml::from_str(&text).map_err(|source| ConfigError::Parse { path: path.display().to_string(), source: Box::new(source) })?;
        if let Ok(url) = std::env::var("DATABASE_URL") {
            config.database_url = url;
        }
        Ok(config)
    }
}

impl DaoConfig {
    pub fn source(&self) -> Source {
        Source {
            chain_id: self.chain_id,
            governor: self.governor,
            timelock: self.timelock,
            token: self.token,
            registry: self.registry,
            art: self.art,
            log_anchor: self.log_anchor,
            validations: self.validations,
            start_block: self.start_block,
        }
    }

    pub fn agent(&self, address: Address) -> Option<&AgentConfig> {
        self.agents.iter().find(|agent| agent.address == address)
    }
}
