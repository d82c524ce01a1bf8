//! The explanation log: appending within a workflow's transaction, publishing checkpoints, answering tiles and proofs.
//!
//! The database is the truth. An entry, the hashes of the subtrees it completes and the head move together with the
//! workflow step that caused them; only a committed head is signed. What is hashed and proved is decided in
//! `governance::log`.

use std::{collections::HashMap, path::Path, sync::Arc};

use governance::log::{
    Checkpoint, Entry, EntryError, EntryRef, Frontier, Hash, InclusionProof, MerkleError, SigningKey, TileKind, TilePath, leaf_hash,
    merkle::prove_inclusion,
    tile::{encode_bundle, encode_hashes},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::store::{
    Store, Tx,
    entities::{log_checkpoint, log_entry, log_head, log_node},
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

/// Appends within `tx`. An entry whose id is already logged is left as it is and its reference returned.
pub async fn append(tx: &Tx, entry: &Entry) -> Result<EntryRef, LogError> {
    let leaf = entry.to_leaf()?;
    if let Some(row) = log_entry::Entity::find().filter(log_entry::Column::EntryId.eq(&entry.id)).one(&tx.db).await? {
        return Ok(EntryRef { index: row.index as u64, leaf: leaf_hash(&row.leaf) });
    }
    let (old_size, old_root, mut frontier) = match log_head::Entity::find_by_id(1).one(&tx.db).await? {
        None => (0, String::new(), Frontier::new()),
        Some(head) => {
            let frontier = Frontier::from_bytes(&head.frontier)?;
            let computed = frontier.root().to_string();
            if computed != head.root || frontier.size() != head.size as u64 {
                return Err(LogError::Damaged { found: head.root, computed });
            }
            (head.size, head.root, frontier)
        }
    };

    let hash = leaf_hash(&leaf);
    let mut completed = Vec::new();
    let index = frontier.push_each(hash, |level, number, hash| completed.push((level, number, hash)));
    log_entry::Entity::insert(log_entry::ActiveModel {
        index: Set(index as i64),
        entry_id: Set(entry.id.clone()),
        kind: Set(entry.kind.name().to_owned()),
        at: Set(entry.at as i64),
        leaf: Set(leaf),
        leaf_hash: Set(hash.to_string()),
    })
    .exec_without_returning(&tx.db)
    .await?;
    for (level, number, hash) in completed.into_iter().filter(|(level, ..)| *level > 0) {
        let node = log_node::ActiveModel {
            level: Set(level.into()),
            number: Set(number as i64),
            hash: Set(hash.to_string()),
            ..Default::default()
        };
        log_node::Entity::insert(node).exec_without_returning(&tx.db).await?;
    }

    let root = frontier.root().to_string();
    if old_size == 0 && old_root.is_empty() {
        let head = log_head::ActiveModel { id: Set(1), size: Set(1), root: Set(root), frontier: Set(frontier.to_bytes()) };
        log_head::Entity::insert(head).exec_without_returning(&tx.db).await?;
    } else {
        let moved = log_head::Entity::update_many()
            .col_expr(log_head::Column::Size, (old_size + 1).into())
            .col_expr(log_head::Column::Root, root.into())
            .col_expr(log_head::Column::Frontier, frontier.to_bytes().into())
            .filter(log_head::Column::Id.eq(1))
            .filter(log_head::Column::Size.eq(old_size))
            .filter(log_head::Column::Root.eq(old_root))
            .exec(&tx.db)
            .await?;
        if moved.rows_affected != 1 {
            return Err(LogError::HeadMoved(old_size as u64));
        }
    }
    Ok(EntryRef { index, leaf: hash })
}

/// The entry logged under an id, for references.
pub async fn find(db: &impl ConnectionTrait, entry_id: &str) -> Result<Option<EntryRef>, LogError> {
    let row = log_entry::Entity::find().filter(log_entry::Column::EntryId.eq(entry_id)).one(db).await?;
    Ok(row.map(|row| EntryRef { index: row.index as u64, leaf: leaf_hash(&row.leaf) }))
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

    /// Signs the committed head if it has no checkpoint yet; returns the newest checkpoint's size and note.
    pub async fn publish(&self) -> Result<(u64, String), LogError> {
        let head = log_head::Entity::find_by_id(1).one(&self.store.db).await?;
        let frontier = head.as_ref().map_or_else(|| Ok(Frontier::new()), |head| Frontier::from_bytes(&head.frontier))?;
        let size = frontier.size();
        if let Some(published) = log_checkpoint::Entity::find_by_id(size as i64).one(&self.store.db).await? {
            return Ok((size, published.note));
        }
        let checkpoint = Checkpoint { origin: self.origin().to_owned(), size, root: frontier.root() };
        let note = checkpoint.sign(&self.key)?.to_string();
        let row = log_checkpoint::ActiveModel { size: Set(size as i64), note: Set(note.clone()) };
        let tx = self.store.begin().await?;
        log_checkpoint::Entity::insert(row).on_conflict_do_nothing_on([log_checkpoint::Column::Size]).exec(&tx.db).await?;
        tx.commit().await?;
        Ok((size, note))
    }

    /// Entries below `before`, newest first.
    pub async fn entries(&self, before: Option<u64>, limit: u64) -> Result<Vec<log_entry::Model>, LogError> {
        let mut query = log_entry::Entity::find().order_by_desc(log_entry::Column::Index).limit(limit);
        if let Some(before) = before {
            query = query.filter(log_entry::Column::Index.lt(before as i64));
        }
        Ok(query.all(&self.store.db).await?)
    }

    pub async fn entry(&self, index: u64) -> Result<Option<log_entry::Model>, LogError> {
        let Ok(index) = i64::try_from(index) else { return Ok(None) };
        Ok(log_entry::Entity::find_by_id(index).one(&self.store.db).await?)
    }

    /// Proof that entry `index` is covered by the newest checkpoint.
    pub async fn prove(&self, index: u64) -> Result<Option<InclusionProof>, LogError> {
        let Some(row) = self.entry(index).await? else { return Ok(None) };
        let (size, checkpoint) = self.publish().await?;
        // Which hashes the proof needs depends only on index and size: ask once for the list, then read and build.
        let mut needed = Vec::new();
        prove_inclusion::<MerkleError>(index, size, |level, number| {
            needed.push((level, number));
            Ok(Hash([0; 32]))
        })?;
        let mut hashes = HashMap::new();
        for (level, number) in needed {
            hashes.insert((level, number), self.node(level, number).await?);
        }
        let path = prove_inclusion::<MerkleError>(index, size, |level, number| Ok(hashes[&(level, number)]))?;
        Ok(Some(InclusionProof { index, size, leaf: leaf_hash(&row.leaf), path, checkpoint }))
    }

    async fn node(&self, level: u8, number: u64) -> Result<Hash, LogError> {
        let found = if level == 0 {
            self.entry(number).await?.map(|row| row.leaf_hash)
        } else {
            let node = log_node::Entity::find()
                .filter(log_node::Column::Level.eq(i32::from(level)))
                .filter(log_node::Column::Number.eq(number as i64));
            node.one(&self.store.db).await?.map(|row| row.hash)
        };
        let found = found.unwrap_or_default();
        parse_hash(&found).ok_or(LogError::Damaged { found, computed: format!("subtree {number} at level {level}") })
    }

    /// The bytes of a tile or entry bundle; `None` when the log is not that large.
    pub async fn tile(&self, path: TilePath) -> Result<Option<Vec<u8>>, LogError> {
        let (size, _) = self.publish().await?;
        if !path.fits(size) {
            return Ok(None);
        }
        let (start, end) = (path.start() as i64, path.start() as i64 + i64::from(path.width()));
        let leaves = || {
            log_entry::Entity::find()
                .filter(log_entry::Column::Index.gte(start))
                .filter(log_entry::Column::Index.lt(end))
                .order_by_asc(log_entry::Column::Index)
        };
        let damaged = |found: String| LogError::Damaged { found, computed: path.to_string() };
        Ok(Some(match path.kind() {
            TileKind::Entries => encode_bundle(leaves().all(&self.store.db).await?.into_iter().map(|row| row.leaf))
                .map_err(|error| damaged(error.to_string()))?,
            TileKind::Hashes { level } => {
                let texts: Vec<String> = if level == 0 {
                    leaves().all(&self.store.db).await?.into_iter().map(|row| row.leaf_hash).collect()
                } else {
                    log_node::Entity::find()
                        .filter(log_node::Column::Level.eq(i32::from(level) * 8))
                        .filter(log_node::Column::Number.gte(start))
                        .filter(log_node::Column::Number.lt(end))
                        .order_by_asc(log_node::Column::Number)
                        .all(&self.store.db)
                        .await?
                        .into_iter()
                        .map(|row| row.hash)
                        .collect()
                };
                let hashes: Vec<Hash> =
                    texts.iter().map(|text| parse_hash(text).ok_or_else(|| damaged(text.clone()))).collect::<Result<_, _>>()?;
                if hashes.len() != usize::from(path.width()) {
                    return Err(damaged(format!("{} of {} hashes", hashes.len(), path.width())));
                }
                encode_hashes(&hashes)
            }
        }))
    }
}

fn parse_hash(text: &str) -> Option<Hash> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}
