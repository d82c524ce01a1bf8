//! The explanation log: appending within a workflow's transaction, publishing checkpoints, answering tiles and proofs.
//!
//! The database is the truth. An entry, the hashes of the subtrees it completes and the head move together with the
//! workflow step that caused them; only a committed head is signed. What is hashed and proved is decided in
//! `governance::log`.
//!
//! | file | does |
//! |---|---|
//! | `append` | entries, tree and head, in one transaction |
//! | `publish` | signs a committed head as a checkpoint |
//! | `read` | entries, tiles and proofs |
//! | `search` | entries by what they are about |

mod append;
mod publish;
mod read;
pub mod search;

use std::{path::Path, sync::Arc};

use governance::log::{EntryError, MerkleError, SigningKey, TileError};
use sea_orm::{DbErr, EntityTrait};

pub use append::{append, append_all};
pub use read::find;

use crate::store::{Store, entities::log_head};

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
    #[error("the checkpoint could not be signed: {0}")]
    Sign(#[from] governance::log::CheckpointError),
    #[error("the log key {path} could not be read or made: {reason}")]
    Key { path: String, reason: String },
}

/// The log of this bridge: its store and its key.
#[derive(Clone)]
pub struct Log {
    store: Store,
    key: Arc<SigningKey>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("origin", &self.key.name()).finish_non_exhaustive()
    }
}

impl Log {
    /// Opens the log with the key in `file`, making one on first use.
    pub fn open(store: Store, origin: &str, file: &Path) -> Result<Self, LogError> {
        let failed = |reason: String| LogError::Key { path: file.display().to_string(), reason };
        let seed: [u8; 32] = match std::fs::read(file) {
            Ok(bytes) => bytes.try_into().map_err(|bytes: Vec<u8>| failed(format!("it has {} bytes, 32 are needed", bytes.len())))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                use std::{io::Write, os::unix::fs::OpenOptionsExt};
                let seed: [u8; 32] = rand::random();
                let mut made = std::fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(file)
                    .map_err(|error| failed(error.to_string()))?;
                made.write_all(&seed).and_then(|()| made.sync_all()).map_err(|error| failed(error.to_string()))?;
                seed
            }
            Err(error) => return Err(failed(error.to_string())),
        };
        let key = SigningKey::from_seed(origin, &seed).map_err(|error| failed(error.to_string()))?;
        Ok(Self { store, key: Arc::new(key) })
    }

    pub fn origin(&self) -> &str {
        self.key.name()
    }

    /// The verifier key in vkey text form.
    pub fn vkey(&self) -> String {
        self.key.verifier().to_string()
    }

    pub async fn size(&self) -> Result<u64, LogError> {
        Ok(log_head::Entity::find_by_id(1).one(&self.store.db).await?.map_or(0, |head| head.size as u64))
    }
}
