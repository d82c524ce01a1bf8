//! Checks a stored log against itself: every leaf's hash and index, every stored hash of the tree, the head, and every
//! checkpoint that was signed. Names what is damaged by its index.

use std::collections::BTreeSet;

use governance::log::{Checkpoint, Entry, EntryKind, Frontier, Hash, Note, VerifierKey, leaf_hash};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;

use super::{LogError, append::parse_hash, body_of};
use crate::store::{
    Store,
    entities::{log_body, log_checkpoint, log_entry, log_head, log_node},
};

/// Entries that are read at a time.
const PAGE: u64 = 8_192;
/// Findings after which looking further says no more.
const MOST: usize = 100;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// `entry`, `hash`, `head`, `checkpoint` or `body`.
    pub what: &'static str,
    /// Index of the entry; for a hash the first entry below it, for a checkpoint its size.
    pub index: u64,
    pub words: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub size: u64,
    pub root: String,
    pub checkpoints: u64,
    pub bodies: u64,
    /// In the order in which they were found, at most a hundred.
    pub damage: Vec<Damage>,
}

struct Check {
    report: Report,
    frontier: Frontier,
    /// Roots that checkpoints of these sizes must have, ascending.
    wanted: std::collections::VecDeque<(u64, Hash)>,
    deep: bool,
    /// Entries whose body is not here or not what they name, until an erasure tells of them.
    bodiless: BTreeSet<u64>,
    /// The body that was looked up last: neighbours often name the same.
    last_body: Option<(Hash, bool)>,
}

/// Checks the log in `store`. `keys` are those that may have signed its checkpoints; `deep` also reads every entry as
/// an entry, which takes several times as long as hashing it.
pub async fn fsck(store: &Store, keys: &[VerifierKey], deep: bool) -> Result<Report, LogError> {
    let mut check = Check {
        report: Report::default(),
        frontier: Frontier::new(),
        wanted: Default::default(),
        deep,
        bodiless: BTreeSet::new(),
        last_body: None,
    };
    check.checkpoints(store, keys).await?;
    check.entries(store).await?;
    check.head(store).await?;
    check.bodies(store).await?;
    check.report.size = check.frontier.size();
    check.report.root = check.frontier.root().to_string();
    Ok(check.report)
}

impl Check {
    fn found(&mut self, what: &'static str, index: u64, words: impl Into<String>) {
        if self.report.damage.len() < MOST {
            self.report.damage.push(Damage { what, index, words: words.into() });
        }
    }

    /// Whether each checkpoint was signed for its size; its root is compared when the tree has grown to it.
    async fn checkpoints(&mut self, store: &Store, keys: &[VerifierKey]) -> Result<(), LogError> {
        let sizes: Vec<i64> = log_checkpoint::Entity::find()
            .select_only()
            .column(log_checkpoint::Column::Size)
            .order_by_asc(log_checkpoint::Column::Size)
            .into_tuple()
            .all(&store.db)
            .await?;
        for size in sizes {
            self.report.checkpoints += 1;
            // One by one: a database may hold text that is none, and refuses the whole answer then.
            let row = match log_checkpoint::Entity::find_by_id(size).one(&store.db).await {
                Ok(Some(row)) => row,
                Ok(None) => continue,
                Err(error) => {
                    self.found("checkpoint", size as u64, format!("the checkpoint at {size} cannot be read: {error}"));
                    continue;
                }
            };
            let size = size as u64;
            match keys.iter().find_map(|key| Checkpoint::open(&row.note, key, key.name()).ok()) {
                None => {
                    self.found("checkpoint", size, format!("the checkpoint at {size} is not signed by a key of the log"));
                    // Whoever signed it, the log should have had this root.
                    let read = Note::parse(&row.note).ok().and_then(|note| Checkpoint::parse(&note.text).ok());
                    self.wanted.extend(read.filter(|read| read.size == size).map(|read| (size, read.root)));
                }
                Some(signed) if signed.size != size => {
                    self.found("checkpoint", size, format!("the checkpoint kept for {size} was signed for {}", signed.size));
                }
                Some(signed) => self.wanted.push_back((size, signed.root)),
            }
        }
        self.reached();
        Ok(())
    }

    /// Compares the tree with the checkpoints of the size that it has now.
    fn reached(&mut self) {
        while self.wanted.front().is_some_and(|(size, _)| *size <= self.frontier.size()) {
            let Some((size, signed)) = self.wanted.pop_front() else { return };
            let root = self.frontier.root();
            if root != signed {
                self.found("checkpoint", size, format!("the first {size} entries hash to {root}, and {signed} was signed"));
            }
        }
    }

    async fn entries(&mut self, store: &Store) -> Result<(), LogError> {
        loop {
            let from = self.frontier.size();
            let page = log_entry::Entity::find()
                .filter(log_entry::Column::Index.gte(from as i64))
                .order_by_asc(log_entry::Column::Index)
                .limit(PAGE)
                .all(&store.db)
                .await;
            let rows = match page {
                Ok(rows) => rows,
                Err(error) => return self.unreadable(store, from, error).await,
            };
            if rows.is_empty() {
                break;
            }
            let mut nodes = Vec::new();
            for row in rows {
                let index = self.frontier.size();
                if row.index as u64 != index {
                    self.found("entry", index, format!("entry {index} is missing; the next one here is {}", row.index));
                    return Ok(());
                }
                let hash = leaf_hash(&row.leaf);
                self.frontier.push_each(hash, |level, number, hash| {
                    if level > 0 && level.is_multiple_of(8) {
                        nodes.push((level, number, hash));
                    }
                });
                self.entry(store, index, &row, hash).await?;
                self.reached();
            }
            self.nodes(store, nodes).await?;
        }
        if let Some((size, _)) = self.wanted.front().copied() {
            let words = format!("a checkpoint was signed at {size}, and there are only {} entries", self.frontier.size());
            self.found("checkpoint", size, words);
        }
        Ok(())
    }

    /// Finds the entry because of which a page cannot be read.
    async fn unreadable(&mut self, store: &Store, from: u64, error: sea_orm::DbErr) -> Result<(), LogError> {
        for index in from..from + PAGE {
            if let Err(error) = log_entry::Entity::find_by_id(index as i64).one(&store.db).await {
                self.found("entry", index, format!("entry {index} cannot be read: {error}"));
                return Ok(());
            }
        }
        Err(error.into())
    }

    async fn entry(&mut self, store: &Store, index: u64, row: &log_entry::Model, hash: Hash) -> Result<(), LogError> {
        if parse_hash(&row.leaf_hash) != Some(hash) {
            self.found("entry", index, format!("the bytes of entry {index} hash to {hash}, and {} is kept beside them", row.leaf_hash));
            return Ok(());
        }
        if !self.deep {
            return Ok(());
        }
        let entry = match Entry::parse(&row.leaf) {
            Err(error) => {
                self.found("entry", index, format!("entry {index} is not an entry: {error}"));
                return Ok(());
            }
            Ok(entry) => entry,
        };
        if entry.id != row.entry_id || entry.kind.name() != row.kind || entry.at as i64 != row.at {
            self.found("entry", index, format!("id, kind or time beside entry {index} differ from those in it"));
        }
        if entry.kind == EntryKind::Erasure {
            self.bodiless.retain(|index| entry.refs.iter().all(|erased| erased.index != *index));
        }
        if let Some(named) = &entry.body {
            let known = self.last_body.filter(|(sha256, _)| *sha256 == named.sha256);
            let kept = match known {
                Some((_, kept)) => kept,
                None => body_of(&store.db, &entry).await?.is_some(),
            };
            self.last_body = Some((named.sha256, kept));
            if !kept {
                self.bodiless.insert(index);
            }
        }
        Ok(())
    }

    async fn nodes(&mut self, store: &Store, computed: Vec<(u8, u64, Hash)>) -> Result<(), LogError> {
        for (level, number, hash) in computed {
            let row = log_node::Entity::find()
                .filter(log_node::Column::Level.eq(i32::from(level)))
                .filter(log_node::Column::Number.eq(number as i64))
                .one(&store.db)
                .await?;
            let kept = row.map_or_else(|| "nothing".to_owned(), |row| row.hash);
            if parse_hash(&kept) != Some(hash) {
                let words = format!("subtree {number} of level {level} hashes to {hash}, and {kept} is kept");
                self.found("hash", number << level, words);
            }
        }
        Ok(())
    }

    async fn head(&mut self, store: &Store) -> Result<(), LogError> {
        let head = log_head::Entity::find_by_id(1).one(&store.db).await?;
        let (size, root) = (self.frontier.size(), self.frontier.root());
        match head {
            None if size == 0 => {}
            None => self.found("head", size, "the head is missing"),
            Some(head) => match super::append::read_frontier(&head) {
                Err(error) => self.found("head", size, error.to_string()),
                Ok(kept) if kept.size() != size || kept.root() != root => {
                    let words = format!("the head is at {} with root {}, and the entries give {size} and {root}", kept.size(), kept.root());
                    self.found("head", size, words);
                }
                Ok(_) => {}
            },
        }
        Ok(())
    }

    /// Every body that is kept is its digest; and with `deep`, what an entry names is here unless it was erased.
    async fn bodies(&mut self, store: &Store) -> Result<(), LogError> {
        for index in std::mem::take(&mut self.bodiless) {
            let words = format!("what entry {index} names is missing or damaged, and no erasure tells of it");
            self.found("body", index, words);
        }
        let mut last = String::new();
        loop {
            let rows = log_body::Entity::find()
                .filter(log_body::Column::Sha256.gt(&last))
                .order_by_asc(log_body::Column::Sha256)
                .limit(256)
                .all(&store.db)
                .await?;
            let Some(row) = rows.last() else { return Ok(()) };
            last.clone_from(&row.sha256);
            for row in rows {
                self.report.bodies += 1;
                let found = Hash::of(&[row.salt, row.bytes].concat());
                // With `deep` the entry that names it was told above.
                if !self.deep && parse_hash(&row.sha256) != Some(found) {
                    self.found("body", 0, format!("the body kept as {} has sha256 {found}; --deep says which entry names it", row.sha256));
                }
            }
        }
    }
}
