//! The embedded procedural engine, a process of its own: it knows the bridge only as an OFREP endpoint that takes
//! reports and the chain only as a JSON-RPC node, and runs a set of parameters only when both name the same hash.

mod client;
mod serve;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use alloy_primitives::B256;
use clap::Args;
use governance::render::Look;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

/// How the engine is told where things are.
#[derive(Clone, Debug, Args)]
pub struct EngineArgs {
    /// Engine id in the registry.
    #[arg(long, default_value = "tideline")]
    pub id: String,
    /// The bridge: where OFREP is served and reports go.
    #[arg(long, env = "OFREP_ENDPOINT", default_value = "http://127.0.0.1:3000")]
    pub bridge: String,
    /// A node of the chain, asked for the registry's own hash.
    #[arg(long)]
    pub rpc: String,
    /// The parameter registry's address.
    #[arg(long)]
    pub registry: alloy_primitives::Address,
    /// File with the token that this engine reports with.
    #[arg(long)]
    pub token_file: std::path::PathBuf,
    /// Where to serve images and metadata.
    #[arg(long, default_value = "127.0.0.1:3001")]
    pub listen: SocketAddr,
}

/// What the engine runs now.
#[derive(Clone, Debug)]
pub struct Running {
    pub revision: u64,
    pub hash: B256,
    pub flags: BTreeMap<String, serde_json::Value>,
    pub look: Look,
}

/// What it runs, and why it would not run what it was last offered.
#[derive(Clone, Debug, Default)]
pub struct Status {
    pub running: Option<Arc<Running>>,
    pub refusal: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the token in {path} could not be read: {source}")]
    Token { path: String, source: std::io::Error },
    #[error("{listen} is taken: {source}. Stop what uses it, or choose another with --listen.")]
    Listen { listen: SocketAddr, source: std::io::Error },
    #[error("the engine's web server stopped: {0}")]
    Serve(std::io::Error),
    #[error(transparent)]
    Node(#[from] crate::chain::NodeError),
}

/// Runs until stopped.
pub async fn run(args: EngineArgs) -> Result<(), EngineError> {
    let token = std::fs::read_to_string(&args.token_file)
        .map_err(|source| EngineError::Token { path: args.token_file.display().to_string(), source })?;
    let listener =
        tokio::net::TcpListener::bind(args.listen).await.map_err(|source| EngineError::Listen { listen: args.listen, source })?;
    let (status, seen) = watch::channel(Status::default());
    tracing::info!("engine {} serves on http://{}", args.id, args.listen);
    let app = serve::router(args.id.clone(), seen);
    tokio::spawn(client::follow(args, token.trim().to_owned(), status));
    axum::serve(listener, app).await.map_err(EngineError::Serve)
}

/// The seed that a name stands for: 32 bytes in 0x-hex as they are, anything else by its sha256.
pub fn seed_of(name: &str) -> [u8; 32] {
    name.parse::<B256>().map_or_else(|_| Sha256::digest(name.as_bytes()).into(), |word| word.0)
}
