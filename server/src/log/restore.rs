//! Restoring: an empty database is filled with the entries of a mirror, or of a log that is served, and must come to the
//! root of the checkpoint that is signed there. Nothing is signed anew.

use std::{collections::BTreeMap, time::Duration};

use governance::log::{Checkpoint, CheckpointError, Entry, EntryError, Hash, TileError, TilePath, VerifierKey, tile};
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde::Serialize;

use super::{
    LogError, Prepared,
    append::read_frontier,
    append_all, bodies,
    mirror::{Mirror, MirrorError, body_name, largest},
};
use crate::store::{
    Store, Tx,
    entities::{log_body, log_checkpoint, log_entry, log_head},
};

#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("the database is not empty: it has {0} entries. Restore into an empty one, and compare the two")]
    NotEmpty(u64),
    #[error("{url} could not be read: {reason}")]
    Away { url: String, reason: String },
    #[error("{0} is missing where the log is restored from")]
    Missing(String),
    #[error("the checkpoint does not hold: {0}")]
    Checkpoint(#[from] CheckpointError),
    #[error("{path} cannot be read: {source}")]
    Tile { path: String, source: TileError },
    #[error("entry {index} cannot be read: {source}")]
    Entry { index: u64, source: EntryError },
    #[error("entry {index} has the id of an earlier one")]
    Twice { index: u64 },
    #[error("the entries lead to root {computed}, but the checkpoint signs {signed}; nothing was restored")]
    Root { computed: Hash, signed: Hash },
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("the database failed")]
    Store(#[from] sea_orm::DbErr),
}

impl RestoreError {
    /// Whether the same command may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Store(_) | Self::Mirror(MirrorError::Store { .. }))
    }
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
    pub bodies: u64,
    /// Bodies that entries name and that were not there, as `body/…`: erased, never copied, lost, or longer than any
    /// body may be.
    pub missing: Vec<String>,
    /// Bodies that were there and are not what entries name.
    pub damaged: Vec<String>,
}

/// Where a log is restored from.
enum Place {
    Mirror(Box<Mirror>),
    Served { base: String, http: reqwest::Client },
}

impl Place {
    fn open(from: &str) -> Result<Self, RestoreError> {
        if !from.starts_with("http://") && !from.starts_with("https://") {
            return Ok(Self::Mirror(Box::new(Mirror::open(from)?)));
        }
        let away = |error: reqwest::Error| RestoreError::Away { url: from.to_owned(), reason: error.to_string() };
        // A model is large, and the other side may be slow, but not silent.
        let http =
            reqwest::Client::builder().read_timeout(Duration::from_secs(30)).timeout(Duration::from_secs(600)).build().map_err(away)?;
        Ok(Self::Served { base: from.trim_end_matches('/').trim_end_matches("/checkpoint").to_owned(), http })
    }

    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, RestoreError> {
        let (base, http) = match self {
            Self::Mirror(mirror) => return Ok(mirror.get(name).await?),
            Self::Served { base, http } => (base, http),
        };
        let url = format!("{base}/{name}");
        let away = |reason: String| RestoreError::Away { url: url.clone(), reason };
        let mut answer = http.get(&url).send().await.map_err(|error| away(error.without_url().to_string()))?;
        if answer.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !answer.status().is_success() {
            return Err(away(format!("it says {}", answer.status())));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| away(error.without_url().to_string()))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > largest(name) {
                return Err(MirrorError::Large { object: name.to_owned(), most: largest(name) }.into());
            }
        }
        Ok(Some(bytes))
    }

    async fn need(&self, name: &str) -> Result<Vec<u8>, RestoreError> {
        self.get(name).await?.ok_or_else(|| RestoreError::Missing(name.to_owned()))
    }
}

/// Fills the empty log in `store` from `from`, a mirror's URL or the address where a log is served, if it is what `key`
/// signed. All or nothing, but for bodies, which may be missing.
pub async fn restore(store: &Store, from: &str, key: &VerifierKey) -> Result<Restored, RestoreError> {
    let from = Place::open(from)?;
    let note = String::from_utf8_lossy(&from.need("checkpoint").await?).into_owned();
    let checkpoint = Checkpoint::open(&note, key, key.name())?;

    let tx = store.begin().await?;
    if let Some(head) = log_head::Entity::find_by_id(1).one(&tx.db).await? {
        return Err(RestoreError::NotEmpty(head.size as u64));
    }
    if log_entry::Entity::find().one(&tx.db).await?.is_some() {
        return Err(RestoreError::NotEmpty(1));
    }
    let named = take_in(&tx, &from, checkpoint.size).await?;
    let head = log_head::Entity::find_by_id(1).one(&tx.db).await?;
    let computed = head.as_ref().map_or_else(|| Ok(governance::log::empty_root()), |head| read_frontier(head).map(|edge| edge.root()))?;
    if computed != checkpoint.root {
        return Err(RestoreError::Root { computed, signed: checkpoint.root });
    }
    let row = log_checkpoint::ActiveModel { size: Set(checkpoint.size as i64), note: Set(note) };
    log_checkpoint::Entity::insert(row).exec_without_returning(&tx.db).await?;
    let mut restored =
        Restored { origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root, bodies: 0, missing: vec![], damaged: vec![] };
    for (sha256, salted) in named {
        take_in_body(&tx, &from, sha256, salted, &mut restored).await?;
    }
    tx.commit().await?;
    Ok(restored)
}

/// Appends every entry, as its bytes were; returns what the entries name, each once, and whether any of them says that it
/// is salted. An entry can name as its model what another salts, and that must not stand in the way.
async fn take_in(tx: &Tx, from: &Place, size: u64) -> Result<BTreeMap<Hash, bool>, RestoreError> {
    let mut named = BTreeMap::new();
    for path in tile::bundles_between(0, size) {
        let bundle = bundle(from, path).await?;
        let leaves = tile::decode_bundle(&bundle, path.width());
        let leaves = leaves.map_err(|source| RestoreError::Tile { path: path.to_string(), source })?;
        let first = path.start();
        let mut entries = Vec::with_capacity(leaves.len());
        for (index, leaf) in (first..).zip(leaves) {
            entries.push(Entry::parse(leaf).map_err(|source| RestoreError::Entry { index, source })?);
        }
        // Entries are canonical, so the same bytes are stored again.
        let prepared = entries.iter().map(Prepared::new).collect::<Result<Vec<_>, _>>()?;
        for (index, reference) in (first..).zip(append_all(tx, prepared).await?) {
            if reference.index != index {
                return Err(RestoreError::Twice { index });
            }
        }
        for entry in &entries {
            let salted = entry.body.as_ref().filter(|body| body.salted).map(|body| body.sha256);
            for sha256 in bodies::named_by(entry) {
                *named.entry(sha256).or_default() |= Some(sha256) == salted;
            }
        }
    }
    Ok(named)
}

/// A bundle; where only the full one is kept, its beginning.
async fn bundle(from: &Place, path: TilePath) -> Result<Vec<u8>, RestoreError> {
    if let Some(bytes) = from.get(&path.to_string()).await? {
        return Ok(bytes);
    }
    let full = from.need(&path.full().to_string()).await.map_err(|_| RestoreError::Missing(path.to_string()))?;
    let leaves = tile::decode_bundle(&full, path.full().width());
    let leaves = leaves.map_err(|source| RestoreError::Tile { path: path.full().to_string(), source })?;
    let beginning = leaves.into_iter().take(path.width().into());
    tile::encode_bundle(beginning).map_err(|source| RestoreError::Tile { path: path.to_string(), source })
}

async fn take_in_body(tx: &Tx, from: &Place, sha256: Hash, salted: bool, restored: &mut Restored) -> Result<(), RestoreError> {
    let name = body_name(sha256);
    let bytes = match from.get(&name).await {
        Ok(Some(bytes)) => bytes,
        // What is longer than any body cannot be what was named; the log is restored without it.
        Ok(None) | Err(RestoreError::Mirror(MirrorError::Large { .. })) => {
            restored.missing.push(name);
            return Ok(());
        }
        Err(failed) => return Err(failed),
    };
    if Hash::of(&bytes) != sha256 || salted && bytes.len() < 32 {
        restored.damaged.push(name);
        return Ok(());
    }
    let (salt, bytes) = bytes.split_at(if salted { 32 } else { 0 });
    let row = log_body::ActiveModel { sha256: Set(sha256.to_string()), salt: Set(salt.to_vec()), bytes: Set(bytes.to_vec()) };
    log_body::Entity::insert(row).on_conflict_do_nothing_on([log_body::Column::Sha256]).exec_without_returning(&tx.db).await?;
    restored.bodies += 1;
    Ok(())
}
