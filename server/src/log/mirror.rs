//! The mirror: tiles, entries, bodies and the newest checkpoint as plain objects under the names that a C2SP log serves
//! them by, in a folder or an S3-compatible store. Served as files, a mirror is a log that anybody can verify.
//!
//! Tiles are only ever added. Where an object is there already and differs, it stays, and the log's page says so. How far
//! the mirror has come is read from its own checkpoint, which is written last.

use std::{
    collections::HashSet,
    sync::{PoisonError, RwLock},
};

use app::views::MirrorView;
use futures::{StreamExt, TryStreamExt, stream};
use governance::log::{Checkpoint, Entry, EntryKind, Hash, Note, TilePath, tile};
use object_store::{
    Error as StoreError, ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutMode, aws::AmazonS3Builder, local::LocalFileSystem, path::Path,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::Mutex;
use url::Url;

use super::{Log, LogError, bodies};
use crate::{
    store::entities::{background, log_entry, model},
    workflow::explain::MAX_MODEL,
};

/// Objects on their way at once.
const AT_ONCE: usize = 8;
/// The largest tile or bundle, in bytes: a full bundle of the longest entries.
const LARGEST_TILE: usize = 256 * (65_535 + 2);
/// The largest body, in bytes: a model, and some room for a salt and for what may be allowed one day.
const LARGEST_BODY: usize = MAX_MODEL + (64 << 10);
/// Entries whose tiles are on the way together; a multiple of a tile, so that no partial tile is made on the way.
const ENTRIES: u64 = 64 * 256;

#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    #[error("{target:?} is not a place for a mirror: {reason}. Use file:///folder or s3://bucket/prefix")]
    Target { target: String, reason: String },
    #[error("{object} could not be read or written: {source}")]
    Store { object: String, source: Box<StoreError> },
    #[error("{object} is longer than the {most} bytes that it may have")]
    Large { object: String, most: usize },
    #[error("{object} holds something else than this log does, and was left as it is")]
    Contradicts { object: String },
    #[error("{object} cannot be read: {reason}")]
    Unreadable { object: String, reason: String },
}

/// A folder or bucket with objects in it.
#[derive(Debug)]
pub struct Mirror {
    store: Box<dyn ObjectStore>,
    prefix: Path,
    /// Where it is, as anybody may read.
    target: String,
    state: RwLock<State>,
    /// The checkpoint that was copied last, to know without asking that nothing is new.
    copied: RwLock<Option<String>>,
    /// Models and backgrounds that need not be looked at again.
    published: Mutex<HashSet<String>>,
}

#[derive(Debug, Default)]
struct State {
    size: u64,
    /// As anybody may read it.
    problem: Option<String>,
    /// What the server's own log was told last.
    told: Option<String>,
    contradicts: bool,
}

impl Mirror {
    /// A mirror at `file:///folder`, which is made if need be, or `s3://bucket/prefix`, with endpoint and keys in the
    /// usual `AWS_…` environment variables.
    pub fn open(target: &str) -> Result<Self, MirrorError> {
        let failed = |reason: String| MirrorError::Target { target: without_secrets(target), reason };
        let url = Url::parse(target).map_err(|error| failed(error.to_string()))?;
        let (scheme, path) = ObjectStoreScheme::parse(&url).map_err(|error| failed(error.to_string()))?;
        let (store, prefix): (Box<dyn ObjectStore>, Path) = match scheme {
            ObjectStoreScheme::Local => {
                let folder = url.to_file_path().map_err(|()| failed("it does not name a folder".into()))?;
                std::fs::create_dir_all(&folder).map_err(|error| failed(error.to_string()))?;
                let local = LocalFileSystem::new_with_prefix(folder).map_err(|error| failed(error.to_string()))?;
                // Without this a file is there only until the power goes.
                (Box::new(local.with_fsync(true)), Path::default())
            }
            ObjectStoreScheme::AmazonS3 => {
                let s3 = AmazonS3Builder::from_env().with_url(target).build().map_err(|error| failed(error.to_string()))?;
                (Box::new(s3), path)
            }
            other => return Err(failed(format!("{other:?} is not supported"))),
        };
        Ok(Self {
            store,
            prefix,
            target: in_public(&url),
            state: RwLock::default(),
            copied: RwLock::default(),
            published: Mutex::default(),
        })
    }

    fn place(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// An object's bytes; `None` when it is not there. What is longer than [`largest`] is not read.
    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, MirrorError> {
        let failed = |source| MirrorError::Store { object: name.to_owned(), source: Box::new(source) };
        match self.store.get(&self.place(name)).await {
            Ok(found) if found.meta.size > largest(name) as u64 => Err(MirrorError::Large { object: name.to_owned(), most: largest(name) }),
            Ok(found) => Ok(Some(found.bytes().await.map_err(failed)?.to_vec())),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(source) => Err(failed(source)),
        }
    }

    async fn has(&self, name: &str) -> Result<bool, MirrorError> {
        match self.store.head(&self.place(name)).await {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(source) => Err(MirrorError::Store { object: name.to_owned(), source: Box::new(source) }),
        }
    }

    /// Adds an object. One that is there already must hold the same bytes.
    async fn add(&self, name: &str, bytes: Vec<u8>) -> Result<(), MirrorError> {
        let put = self.store.put_opts(&self.place(name), bytes.clone().into(), PutMode::Create.into()).await;
        match put {
            Ok(_) => Ok(()),
            Err(StoreError::AlreadyExists { .. }) => match self.get(name).await {
                Ok(there) if there.as_ref() == Some(&bytes) => Ok(()),
                Ok(_) | Err(MirrorError::Large { .. }) => Err(MirrorError::Contradicts { object: name.to_owned() }),
                Err(failed) => Err(failed),
            },
            Err(source) => Err(MirrorError::Store { object: name.to_owned(), source: Box::new(source) }),
        }
    }

    async fn remove(&self, name: &str) -> Result<(), MirrorError> {
        match self.store.delete(&self.place(name)).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(source) => Err(MirrorError::Store { object: name.to_owned(), source: Box::new(source) }),
        }
    }

    /// The mirror's own checkpoint; its signatures are for readers to check.
    async fn checkpoint(&self) -> Result<Option<(Checkpoint, Vec<u8>)>, MirrorError> {
        let unreadable = |reason: String| MirrorError::Unreadable { object: "checkpoint".into(), reason };
        let Some(bytes) = self.get("checkpoint").await? else { return Ok(None) };
        let note = Note::parse(&bytes).map_err(|error| unreadable(error.to_string()))?;
        Ok(Some((Checkpoint::parse(&note.text).map_err(|error| unreadable(error.to_string()))?, bytes)))
    }

    pub(super) fn view(&self) -> MirrorView {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        MirrorView { target: self.target.clone(), size: state.size, problem: state.problem.clone() }
    }

    /// What it holds that this log does not.
    pub(super) fn contradiction(&self) -> Option<String> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.problem.clone().filter(|_| state.contradicts)
    }

    fn note(&self, edit: impl FnOnce(&mut State)) {
        edit(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A target as anybody may read it: of a store its scheme and bucket, of a folder nothing.
fn in_public(target: &Url) -> String {
    match target.host_str() {
        Some(bucket) if target.scheme() != "file" => format!("{}://{bucket}", target.scheme()),
        _ => "the mirror".into(),
    }
}

/// An error as anybody may read it. What a store says of itself names paths and addresses.
fn for_everybody(error: &LogError) -> String {
    match error {
        LogError::Mirror(MirrorError::Store { object, .. }) => {
            format!("{object} could not be read or written in the mirror; the server's own log says why")
        }
        LogError::Mirror(MirrorError::Target { .. }) => "the mirror cannot be used; the server's own log says why".into(),
        other => other.to_string(),
    }
}

/// A target as its operator may see it.
fn without_secrets(target: &str) -> String {
    let Ok(mut url) = Url::parse(target) else { return target.to_owned() };
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    url.to_string()
}

/// Where a body stands.
pub(super) fn body_name(sha256: Hash) -> String {
    format!("body/{sha256}")
}

/// The most bytes that an object of this name is read with.
pub(super) fn largest(name: &str) -> usize {
    if name.starts_with("body/") { LARGEST_BODY } else { LARGEST_TILE }
}

impl Log {
    /// Copies to the mirror what was published since: entries, their bodies, models and backgrounds. Without a mirror, or
    /// when nothing is new, does nothing.
    ///
    /// # Errors
    /// Whatever goes wrong is also kept for the log's page.
    pub async fn copy_to_mirror(&self) -> Result<(), LogError> {
        let Some(mirror) = &self.around.mirror else { return Ok(()) };
        // Copies what is published, never what is in doubt.
        self.store.standing.check()?;
        let copied = self.copy_what_is_new(mirror).await;
        match &copied {
            Ok(()) => mirror.note(|state| *state = State { size: state.size, ..State::default() }),
            Err(error) => {
                let (told, text) = (error.to_string(), for_everybody(error));
                let contradicts = matches!(error, LogError::Mirror(MirrorError::Contradicts { .. }));
                mirror.note(|state| {
                    if state.told.as_ref() != Some(&told) {
                        tracing::warn!("the mirror could not be brought up to date: {told}");
                    }
                    (state.problem, state.told, state.contradicts) = (Some(text), Some(told), contradicts);
                });
            }
        }
        copied
    }

    async fn copy_what_is_new(&self, mirror: &Mirror) -> Result<(), LogError> {
        let Some((size, note)) = self.published().await? else { return Ok(()) };
        let known = mirror.copied.read().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(&note);
        if !known {
            self.copy(mirror, size, &note).await?;
            *mirror.copied.write().unwrap_or_else(PoisonError::into_inner) = Some(note);
            mirror.note(|state| state.size = size);
        }
        // A model is published when its decision has long been logged and copied.
        self.copy_published(mirror).await
    }

    /// Copies the models and backgrounds that the mirror does not have.
    async fn copy_published(&self, mirror: &Mirror) -> Result<(), LogError> {
        let db = &self.store.db;
        let mut names: Vec<String> = model::Entity::find().select_only().column(model::Column::Sha256).into_tuple().all(db).await?;
        let backgrounds = background::Entity::find().select_only().column(background::Column::Sha256);
        names.extend(backgrounds.into_tuple::<String>().all(db).await?);
        let mut seen = mirror.published.lock().await;
        for name in names.into_iter().filter(|name| !seen.contains(name)).collect::<Vec<_>>() {
            if let Ok(sha256) = name.parse()
                && !mirror.has(&body_name(sha256)).await?
                && let Some(bytes) = self.body(sha256).await?
            {
                mirror.add(&body_name(sha256), bytes).await?;
            }
            // A damaged row is for `wherefore log fsck` to tell, and would be read in vain again and again.
            seen.insert(name);
        }
        Ok(())
    }

    async fn copy(&self, mirror: &Mirror, size: u64, note: &str) -> Result<(), LogError> {
        let contradicts = || MirrorError::Contradicts { object: "checkpoint".into() };
        let mut from = 0;
        if let Some((there, bytes)) = mirror.checkpoint().await? {
            // Another process of this log may have been faster; what it copied must still be ours.
            if there.origin != self.origin() || there.size > self.size().await? || self.root_at(there.size).await? != there.root {
                return Err(contradicts().into());
            }
            mirror.note(|state| state.size = there.size);
            if there.size > size || bytes == note.as_bytes() {
                return Ok(());
            }
            from = there.size;
        }
        while from < size {
            let to = size.min((from / ENTRIES + 1) * ENTRIES);
            let tiles: Vec<TilePath> = tile::tiles_between(from, to).chain(tile::bundles_between(from, to)).collect();
            stream::iter(tiles)
                .map(async |path| {
                    mirror.add(&path.to_string(), self.stored_tile(path).await?).await?;
                    Ok::<_, LogError>(())
                })
                .buffer_unordered(AT_ONCE)
                .try_collect::<()>()
                .await?;
            self.copy_bodies(mirror, from, to).await?;
            from = to;
        }
        // Last, since it promises the rest.
        let put = mirror.store.put(&mirror.place("checkpoint"), note.as_bytes().to_vec().into()).await;
        put.map_err(|source| MirrorError::Store { object: "checkpoint".into(), source: Box::new(source) })?;
        Ok(())
    }

    /// Copies the bodies that these entries name, and takes away those that they say are erased.
    async fn copy_bodies(&self, mirror: &Mirror, from: u64, to: u64) -> Result<(), LogError> {
        let mut next = from as i64;
        loop {
            let rows = log_entry::Entity::find()
                .filter(log_entry::Column::Index.gte(next))
                .filter(log_entry::Column::Index.lt(to as i64))
                .order_by_asc(log_entry::Column::Index)
                .limit(256)
                .all(&self.store.db)
                .await?;
            let Some(last) = rows.last() else { return Ok(()) };
            next = last.index + 1;
            for row in &rows {
                let Ok(entry) = Entry::parse(&row.leaf) else { continue };
                for sha256 in bodies::named_by(&entry) {
                    if let Some(bytes) = self.body(sha256).await? {
                        mirror.add(&body_name(sha256), bytes).await?;
                    }
                }
                if entry.kind == EntryKind::Erasure {
                    self.remove_erased(mirror, &entry).await?;
                }
            }
        }
    }

    /// What was erased here must not live on there: salted bodies, decision records and statements alike. A body that is
    /// still kept here, because another entry or a model has the same bytes, stays.
    async fn remove_erased(&self, mirror: &Mirror, erasure: &Entry) -> Result<(), LogError> {
        for reference in &erasure.refs {
            let Some(row) = self.entry(reference.index).await? else { continue };
            let Ok(entry) = Entry::parse(&row.leaf) else { continue };
            let Some(body) = entry.body else { continue };
            if self.body(body.sha256).await?.is_none() {
                mirror.remove(&body_name(body.sha256)).await?;
            }
        }
        Ok(())
    }
}
