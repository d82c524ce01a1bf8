//! Reading: entries, tiles, and proofs built from tiles.

use std::collections::BTreeMap;

use governance::log::Hash;
use governance::log::{
    Entry, EntryRef, InclusionProof, TileKind, TilePath, TileReader, leaf_hash,
    merkle::{prove_consistency, prove_inclusion},
    tile::{encode_bundle, encode_hashes, tiles_for_consistency, tiles_for_inclusion},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Log, LogError, append::parse_hash};
use crate::store::entities::{log_entry, log_node};

/// The entry logged under an id, for references.
pub async fn find(db: &impl ConnectionTrait, entry_id: &str) -> Result<Option<EntryRef>, LogError> {
    let row = log_entry::Entity::find().filter(log_entry::Column::EntryId.eq(entry_id)).one(db).await?;
    Ok(row.map(|row| EntryRef { index: row.index as u64, leaf: leaf_hash(&row.leaf) }))
}

/// The leaf hash at an index.
pub async fn leaf_at(db: &impl ConnectionTrait, index: u64) -> Result<Option<Hash>, LogError> {
    let Ok(index) = i64::try_from(index) else { return Ok(None) };
    Ok(log_entry::Entity::find_by_id(index).one(db).await?.map(|row| leaf_hash(&row.leaf)))
}

/// The entry that a reference names.
pub async fn read(db: &impl ConnectionTrait, reference: EntryRef) -> Result<Option<Entry>, LogError> {
    let row = log_entry::Entity::find_by_id(reference.index as i64).one(db).await?;
    Ok(row.map(|row| Entry::parse(&row.leaf)).transpose()?)
}

impl Log {
    /// Entries from `from` to below `end`, in order.
    pub(super) async fn range(&self, from: u64, end: u64) -> Result<Vec<log_entry::Model>, LogError> {
        let within = log_entry::Entity::find()
            .filter(log_entry::Column::Index.gte(from as i64))
            .filter(log_entry::Column::Index.lt(end as i64))
            .order_by_asc(log_entry::Column::Index);
        Ok(within.all(&self.store.db).await?)
    }

    pub async fn entry(&self, index: u64) -> Result<Option<log_entry::Model>, LogError> {
        let Ok(index) = i64::try_from(index) else { return Ok(None) };
        Ok(log_entry::Entity::find_by_id(index).one(&self.store.db).await?)
    }

    /// Proof that entry `index` is covered by the newest checkpoint. `None` when there is no such entry, or no
    /// checkpoint over it yet.
    pub async fn prove(&self, index: u64) -> Result<Option<InclusionProof>, LogError> {
        let Some(row) = self.entry(index).await? else { return Ok(None) };
        let (size, checkpoint) = self.publish().await?;
        if index >= size {
            return Ok(None);
        }
        let path = self.path(index, size).await?;
        Ok(Some(InclusionProof { index, size, leaf: leaf_hash(&row.leaf), path, checkpoint }))
    }

    /// The hashes beside the way from entry `index` to the root at `size`.
    pub(super) async fn path(&self, index: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        let mut tiles = self.reader(size, tiles_for_inclusion(index, size)?).await?;
        prove_inclusion::<LogError>(index, size, |level, number| tiles.hash(level, number))
    }

    /// The way from entry `index` to the root of the log at `size`, and that root. Both come from the stored tiles, so that
    /// it needs no checkpoint of that size: whoever anchored it answers for it. `None` when the log at `size` does not have
    /// the entry, or this log is not that large.
    pub async fn prove_at(&self, index: u64, size: u64) -> Result<Option<(Vec<Hash>, Hash)>, LogError> {
        if index >= size || size > self.size().await? {
            return Ok(None);
        }
        Ok(Some((self.path(index, size).await?, self.root_at(size).await?)))
    }

    /// Proof that the log at `new` is the log at `old` and what was appended since. `new` is not above the log's size.
    pub async fn prove_growth(&self, old: u64, new: u64) -> Result<Vec<Hash>, LogError> {
        let mut tiles = self.reader(new, tiles_for_consistency(old, new)?).await?;
        prove_consistency::<LogError>(old, new, |level, number| tiles.hash(level, number))
    }

    /// A reader over these tiles of the log at `size`, fetched beforehand.
    pub(super) async fn reader(
        &self,
        size: u64,
        needed: Vec<TilePath>,
    ) -> Result<TileReader<impl FnMut(TilePath) -> Result<Vec<u8>, LogError> + use<>>, LogError> {
        let mut tiles = BTreeMap::new();
        for path in needed {
            tiles.insert(path, self.stored_tile(path).await?);
        }
        Ok(TileReader::new(size, move |path| {
            tiles.get(&path).cloned().ok_or_else(|| LogError::Damaged { found: "nothing".into(), computed: path.to_string() })
        }))
    }

    /// The bytes of a tile or entry bundle; `None` when no checkpoint covers it.
    pub async fn tile(&self, path: TilePath) -> Result<Option<Vec<u8>>, LogError> {
        let (size, _) = self.publish().await?;
        if path.fits(size) { self.stored_tile(path).await.map(Some) } else { Ok(None) }
    }

    /// The bytes of a tile or bundle that the log is large enough for.
    pub(super) async fn stored_tile(&self, path: TilePath) -> Result<Vec<u8>, LogError> {
        let (start, end) = (path.start() as i64, path.start() as i64 + i64::from(path.width()));
        let leaves = || {
            log_entry::Entity::find()
                .filter(log_entry::Column::Index.gte(start))
                .filter(log_entry::Column::Index.lt(end))
                .order_by_asc(log_entry::Column::Index)
        };
        let db = &self.store.db;
        let damaged = |found: String| LogError::Damaged { found, computed: path.to_string() };
        let whole = |found: usize| {
            if found == usize::from(path.width()) { Ok(()) } else { Err(damaged(format!("{found} of {} rows", path.width()))) }
        };
        match path.kind() {
            TileKind::Entries => {
                let found: Vec<Vec<u8>> = leaves().select_only().column(log_entry::Column::Leaf).into_tuple().all(db).await?;
                whole(found.len())?;
                Ok(encode_bundle(found)?)
            }
            TileKind::Hashes { level } => {
                let found: Vec<String> = if level == 0 {
                    leaves().select_only().column(log_entry::Column::LeafHash).into_tuple().all(db).await?
                } else {
                    log_node::Entity::find()
                        .select_only()
                        .column(log_node::Column::Hash)
                        .filter(log_node::Column::Level.eq(i32::from(level) * 8))
                        .filter(log_node::Column::Number.gte(start))
                        .filter(log_node::Column::Number.lt(end))
                        .order_by_asc(log_node::Column::Number)
                        .into_tuple()
                        .all(db)
                        .await?
                };
                whole(found.len())?;
                let hashes: Vec<Hash> =
                    found.iter().map(|text| parse_hash(text).ok_or_else(|| damaged(text.clone()))).collect::<Result<_, _>>()?;
                Ok(encode_hashes(&hashes))
            }
        }
    }
}
