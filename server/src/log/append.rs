//! Appending: entries get contiguous indexes, the subtrees they complete are kept, and the head moves by
//! compare-and-swap, all in the caller's transaction.

use std::collections::HashMap;

use governance::log::{Entry, EntryRef, Frontier, Hash, leaf_hash, subjects};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::LogError;
use crate::store::{
    Tx,
    entities::{log_entry, log_head, log_node, log_subject},
};

/// Rows that one statement writes. Six values each, and SQLite takes 32,766 values in a statement.
const ROWS: usize = 1_000;

/// Appends within `tx`. An entry whose id is already logged is left as it is and its reference returned.
pub async fn append(tx: &Tx, entry: &Entry) -> Result<EntryRef, LogError> {
    let mut references = append_all(tx, std::slice::from_ref(entry)).await?;
    references.pop().ok_or(LogError::HeadMoved(0))
}

/// Appends several entries within `tx`, in order; one reference for each. The same id twice is one entry.
pub async fn append_all(tx: &Tx, entries: &[Entry]) -> Result<Vec<EntryRef>, LogError> {
    tx.standing.check()?;
    let leaves = entries.iter().map(Entry::to_leaf).collect::<Result<Vec<_>, _>>()?;
    let mut known = logged(&tx.db, entries).await?;
    let head = log_head::Entity::find_by_id(1).one(&tx.db).await?;
    let mut frontier = match &head {
        None => Frontier::new(),
        Some(head) => read_frontier(head)?,
    };

    let mut references = Vec::with_capacity(entries.len());
    let (mut rows, mut nodes, mut about) = (Vec::new(), Vec::new(), Vec::new());
    for (entry, leaf) in entries.iter().zip(leaves) {
        if let Some(reference) = known.get(&entry.id) {
            references.push(*reference);
            continue;
        }
        let hash = leaf_hash(&leaf);
        let index = frontier.push_each(hash, |level, number, hash| {
            if kept(level) {
                nodes.push(log_node::ActiveModel {
                    level: Set(level.into()),
                    number: Set(number as i64),
                    hash: Set(hash.to_string()),
                    ..Default::default()
                });
            }
        });
        about.extend(subjects(entry).into_iter().map(|(subject, value)| log_subject::ActiveModel {
            entry: Set(index as i64),
            subject: Set(subject.name().to_owned()),
            value: Set(value),
            ..Default::default()
        }));
        rows.push(log_entry::ActiveModel {
            index: Set(index as i64),
            entry_id: Set(entry.id.clone()),
            kind: Set(entry.kind.name().to_owned()),
            at: Set(entry.at as i64),
            leaf: Set(leaf),
            leaf_hash: Set(hash.to_string()),
        });
        let reference = EntryRef { index, leaf: hash };
        known.insert(entry.id.clone(), reference);
        references.push(reference);
    }
    if rows.is_empty() {
        return Ok(references);
    }
    insert(&tx.db, rows).await?;
    insert(&tx.db, nodes).await?;
    insert(&tx.db, about).await?;
    move_head(&tx.db, head, &frontier).await?;
    Ok(references)
}

/// Whether hashes of this level are stored: those that stand in tiles above the leaves'. Others are worked out.
fn kept(level: u8) -> bool {
    level > 0 && level.is_multiple_of(8)
}

/// Those of the entries that are in the log already, by id.
async fn logged(db: &impl ConnectionTrait, entries: &[Entry]) -> Result<HashMap<String, EntryRef>, LogError> {
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
