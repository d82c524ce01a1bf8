//! Erasing a body: plaintext and salt go, the entry and its proof stay, and the log says so.

use governance::log::{Entry, EntryKind, EntryRef, leaf_hash};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{LogError, append};
use crate::{
    reading::draft_id,
    store::{
        Store, Tx,
        entities::{decision, draft, log_body, log_entry},
    },
};

/// Why nothing was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("the database failed")]
    Store(#[from] sea_orm::DbErr),
    #[error("entry {0} is not in the log")]
    NoEntry(u64),
    #[error("entry {0} names no body, so there is nothing to erase; what stands in an entry itself stays for good")]
    NoBody(u64),
    #[error("the body of entry {0} is not here; it was erased before, or never kept")]
    Gone(u64),
    #[error("the reason has {0} characters; 3 to 200 are needed, and nothing personal belongs in it")]
    Reason(usize),
}

/// Deletes what entry `index` names, and logs that, in one transaction. Entries that name the same bytes lose them too.
///
/// # Errors
/// [`EraseError`] says what was found; nothing has changed then.
pub async fn erase(store: &Store, index: u64, reason: &str, at: u64) -> Result<EntryRef, EraseError> {
    let length = reason.chars().count();
    if !(3..=200).contains(&length) {
        return Err(EraseError::Reason(length));
    }
    let tx = store.begin().await?;
    let row = log_entry::Entity::find_by_id(i64::try_from(index).unwrap_or(-1)).one(&tx.db).await?.ok_or(EraseError::NoEntry(index))?;
    let erased = Entry::parse(&row.leaf).map_err(LogError::from)?;
    let body = erased.body.as_ref().ok_or(EraseError::NoBody(index))?;
    let deleted = log_body::Entity::delete_by_id(body.sha256.to_string()).exec(&tx.db).await?.rows_affected;
    if deleted + erase_record(&tx, &erased).await? == 0 {
        return Err(EraseError::Gone(index));
    }
    let mut entry = Entry::new(EntryKind::Erasure, format!("erasure/{index}"), at)
        .with_fact("reason", reason)
        .with_fact("erased", index)
        .with_fact("sha256", body.sha256.to_string());
    for name in ["digest", "decision", "proposalId", "agent"] {
        if let Some(value) = erased.facts.get(name) {
            entry = entry.with_fact(if name == "digest" { "decision" } else { name }, value.clone());
        }
    }
    entry.refs.push(EntryRef { index, leaf: leaf_hash(&row.leaf) });
    let reference = append(&tx, &entry).await?;
    tx.commit().await?;
    Ok(reference)
}

/// A decision's record is kept with the decisions, and its text stands in the draft that came with it.
async fn erase_record(tx: &Tx, erased: &Entry) -> Result<u64, EraseError> {
    let digest = erased.facts.get("digest").and_then(serde_json::Value::as_str).filter(|_| erased.kind == EntryKind::Decision);
    let Some(digest) = digest else { return Ok(0) };
    if let Ok(parsed) = digest.parse() {
        draft::Entity::delete_many().filter(draft::Column::Id.eq(draft_id(parsed))).exec(&tx.db).await?;
    }
    Ok(decision::Entity::delete_by_id(digest.to_owned()).exec(&tx.db).await?.rows_affected)
}
