//! Appending: entries get contiguous indexes, the subtrees they complete are kept, and the head moves by
//! compare-and-swap, all in the caller's transaction.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use governance::log::{Body, Entry, EntryKind, EntryRef, Frontier, Hash, Subject, leaf_hash, subjects};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::LogError;
use crate::store::{
    Tx,
    entities::{log_body, log_entry, log_head, log_node, log_subject},
};

/// Rows that one statement writes. Six values each, and SQLite takes 32,766 values in a statement.
const ROWS: usize = 1_000;

/// An entry with its leaf: checked and hashed before anyone waits for the database.
#[derive(Clone, Debug)]
pub struct Prepared {
    id: String,
    kind: EntryKind,
    at: u64,
    subjects: Vec<(Subject, String)>,
    leaf: Vec<u8>,
    hash: Hash,
    kept: Option<Arc<Kept>>,
}

/// A body to be kept with the entries that name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub body: Body,
    /// 32 bytes where the body is salted, else none.
    pub salt: Vec<u8>,
    pub bytes: Vec<u8>,
}

impl Kept {
    /// A body that may have to be erased one day, under a salt of its own.
    pub fn erasable(bytes: Vec<u8>, media: &str) -> Self {
        let salt: [u8; 32] = rand::random();
        Self { body: Body::erasable(&salt, &bytes, media), salt: salt.to_vec(), bytes }
    }
}

impl Prepared {
    pub fn new(entry: &Entry) -> Result<Self, LogError> {
        let leaf = entry.to_leaf()?;
        let (hash, subjects) = (leaf_hash(&leaf), subjects(entry));
        Ok(Self { id: entry.id.clone(), kind: entry.kind, at: entry.at, subjects, leaf, hash, kept: None })
    }

    /// The same, with what the entry's body names. It is kept only if the entry is new.
    pub fn with_body(mut entry: Entry, kept: Arc<Kept>) -> Result<Self, LogError> {
        entry.body = Some(kept.body.clone());
        Ok(Self { kept: Some(kept), ..Self::new(&entry)? })
    }
}

/// Appends within `tx`. An entry whose id is already logged is left as it is and its reference returned.
pub async fn append(tx: &Tx, entry: &Entry) -> Result<EntryRef, LogError> {
    let mut references = append_all(tx, vec![Prepared::new(entry)?]).await?;
    references.pop().ok_or(LogError::HeadMoved(0))
}

/// The same for an entry with a body to keep.
pub async fn append_with_body(tx: &Tx, entry: Entry, kept: Kept) -> Result<EntryRef, LogError> {
    let mut references = append_all(tx, vec![Prepared::with_body(entry, Arc::new(kept))?]).await?;
    references.pop().ok_or(LogError::HeadMoved(0))
}

/// Appends several entries within `tx`, in order; one reference for each. The same id twice is one entry.
pub async fn append_all(tx: &Tx, entries: Vec<Prepared>) -> Result<Vec<EntryRef>, LogError> {
    tx.standing.check()?;
    // Where several servers share a database, whoever reads the head first goes first; SQLite has one writer anyway.
    let head = log_head::Entity::find_by_id(1).lock_exclusive().one(&tx.db).await?;
    let mut known = logged(&tx.db, &entries).await?;
    let mut frontier = match &head {
        None => Frontier::new(),
        Some(head) => read_frontier(head)?,
    };

    let mut references = Vec::with_capacity(entries.len());
    let (mut rows, mut nodes, mut about) = (Vec::new(), Vec::new(), Vec::new());
    let mut bodies = BTreeMap::new();
    for Prepared { id, kind, at, subjects, leaf, hash, kept } in entries {
        if let Some(reference) = known.get(&id) {
            references.push(*reference);
            continue;
        }
        let index = frontier.push_each(hash, |level, number, hash| {
            if stored(level) {
                nodes.push(log_node::ActiveModel {
                    level: Set(level.into()),
                    number: Set(number as i64),
                    hash: Set(hash.to_string()),
                    ..Default::default()
                });
            }
        });
        about.extend(subjects.into_iter().map(|(subject, value)| log_subject::ActiveModel {
            entry: Set(index as i64),
            subject: Set(subject.name().to_owned()),
            value: Set(value),
            ..Default::default()
        }));
        rows.push(log_entry::ActiveModel {
            index: Set(index as i64),
            entry_id: Set(id.clone()),
            kind: Set(kind.name().to_owned()),
            at: Set(at as i64),
            leaf: Set(leaf),
            leaf_hash: Set(hash.to_string()),
        });
        bodies.extend(kept.map(|kept| (kept.body.sha256.0, kept)));
        let reference = EntryRef { index, leaf: hash };
        known.insert(id, reference);
        references.push(reference);
    }
    if rows.is_empty() {
        return Ok(references);
    }
    insert(&tx.db, rows).await?;
    insert(&tx.db, nodes).await?;
    insert(&tx.db, about).await?;
    for kept in bodies.into_values() {
        let Kept { body, salt, bytes } = Arc::unwrap_or_clone(kept);
        let row = log_body::ActiveModel { sha256: Set(body.sha256.to_string()), salt: Set(salt), bytes: Set(bytes) };
        log_body::Entity::insert(row).on_conflict_do_nothing_on([log_body::Column::Sha256]).exec_without_returning(&tx.db).await?;
    }
    move_head(&tx.db, head, &frontier).await?;
    Ok(references)
}

/// Whether hashes of this level are stored: those that stand in tiles above the leaves'. Others are worked out.
fn stored(level: u8) -> bool {
    level > 0 && level.is_multiple_of(8)
}

/// Those of the entries that are in the log already, by id.
async fn logged(db: &impl ConnectionTrait, entries: &[Prepared]) -> Result<HashMap<String, EntryRef>, LogError> {
    let mut known = HashMap::new();
    for some in entries.chunks(ROWS) {
        let rows: Vec<(String, i64, String)> = log_entry::Entity::find()
            .select_only()
            .columns([log_entry::Column::EntryId, log_entry::Column::Index, log_entry::Column::LeafHash])
            .filter(log_entry::Column::EntryId.is_in(some.iter().map(|entry| entry.id.as_str())))
            .into_tuple()
            .all(db)
            .await?;
        for (id, index, hash) in rows {
            let leaf = parse_hash(&hash).ok_or(LogError::Damaged { found: hash, computed: format!("leaf {index}") })?;
            known.insert(id, EntryRef { index: index as u64, leaf });
        }
    }
    Ok(known)
}

async fn insert<A>(db: &impl ConnectionTrait, rows: Vec<A>) -> Result<(), LogError>
where
    A: sea_orm::ActiveModelTrait,
{
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        <A::Entity as EntityTrait>::insert_many(rows.by_ref().take(ROWS)).exec_without_returning(db).await?;
    }
    Ok(())
}

/// The growing edge of the tree that a head row stands for.
pub(super) fn read_frontier(head: &log_head::Model) -> Result<Frontier, LogError> {
    let frontier = Frontier::from_bytes(&head.frontier)?;
    let computed = frontier.root().to_string();
    if computed != head.root || frontier.size() != head.size as u64 {
        return Err(LogError::Damaged { found: head.root.clone(), computed });
    }
    Ok(frontier)
}

/// Only from the head that was read: whoever else moved it in between wins, and this transaction is rolled back.
async fn move_head(db: &impl ConnectionTrait, old: Option<log_head::Model>, frontier: &Frontier) -> Result<(), LogError> {
    let (size, root, edge) = (frontier.size() as i64, frontier.root().to_string(), frontier.to_bytes());
    let Some(old) = old else {
        let head = log_head::ActiveModel { id: Set(1), size: Set(size), root: Set(root), frontier: Set(edge) };
        return match log_head::Entity::insert(head).exec_without_returning(db).await {
            Err(error) if matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_))) => Err(LogError::HeadMoved(0)),
            done => Ok(done.map(drop)?),
        };
    };
    let moved = log_head::Entity::update_many()
        .col_expr(log_head::Column::Size, size.into())
        .col_expr(log_head::Column::Root, root.into())
        .col_expr(log_head::Column::Frontier, edge.into())
        .filter(log_head::Column::Id.eq(1))
        .filter(log_head::Column::Size.eq(old.size))
        .filter(log_head::Column::Root.eq(old.root))
        .exec(db)
        .await?;
    if moved.rows_affected == 1 { Ok(()) } else { Err(LogError::HeadMoved(old.size as u64)) }
}

pub(super) fn parse_hash(text: &str) -> Option<Hash> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}
