//! The bytes that entries name by their hash: decision records, models, and what may be erased.

use std::collections::HashMap;

use governance::log::{Body, Entry, EntryKind, Hash};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::{Log, LogError};
use crate::store::entities::{background, decision, log_body, log_entry, model};

/// What an entry names: its body, and the model that a decision rests on.
pub(super) fn named_by(entry: &Entry) -> Vec<Hash> {
    let model = entry.facts.get("modelSha256").and_then(|text| text.as_str());
    let model = model.and_then(|text| text.trim_start_matches("0x").parse().ok());
    entry.body.iter().map(|body| body.sha256).chain(model).collect()
}

/// Salt and bytes of a body, unless it was erased or is kept elsewhere.
pub async fn read_body(db: &impl ConnectionTrait, body: &Body) -> Result<Option<(Vec<u8>, Vec<u8>)>, LogError> {
    let row = log_body::Entity::find_by_id(body.sha256.to_string()).one(db).await?;
    Ok(row.map(|row| (row.salt, row.bytes)))
}

/// Salt and bytes of what an entry names: its decision's record, or what is kept under its digest. Rows can be damaged; a
/// body is its hash.
pub async fn body_of(db: &impl ConnectionTrait, entry: &Entry) -> Result<Option<(Vec<u8>, Vec<u8>)>, LogError> {
    let Some(named) = &entry.body else { return Ok(None) };
    let digest = entry.facts.get("digest").and_then(|text| text.as_str()).filter(|_| entry.kind == EntryKind::Decision);
    if let Some(digest) = digest
        && let Some(row) = decision::Entity::find_by_id(digest).one(db).await?
        && named.is(&[], row.record.as_bytes())
    {
        return Ok(Some((Vec::new(), row.record.into_bytes())));
    }
    Ok(read_body(db, named).await?.filter(|(salt, bytes)| named.is(salt, bytes)))
}

impl Log {
    /// The bytes with this SHA-256, if they are kept here: a salted body comes with its salt in front, since that is what
    /// was hashed.
    pub async fn body(&self, sha256: Hash) -> Result<Option<Vec<u8>>, LogError> {
        let (db, name) = (&self.store.db, sha256.to_string());
        let found = if let Some(row) = log_body::Entity::find_by_id(&name).one(db).await? {
            Some([row.salt, row.bytes].concat())
        } else if let Some(row) = model::Entity::find_by_id(&name).one(db).await? {
            Some(row.bytes)
        } else if let Some(row) = background::Entity::find_by_id(&name).one(db).await? {
            Some(row.bytes)
        } else {
            self.record(sha256).await?
        };
        // Rows can be damaged; a body is its hash.
        Ok(found.filter(|bytes| Hash::of(bytes) == sha256))
    }

    /// A decision record, which is stored under its digest rather than under the hash of the bytes it came in.
    async fn record(&self, sha256: Hash) -> Result<Option<Vec<u8>>, LogError> {
        let mut records = self.around.records.lock().await;
        let more = log_entry::Entity::find()
            .filter(log_entry::Column::Kind.eq(EntryKind::Decision.name()))
            .filter(log_entry::Column::Index.gte(records.read))
            .order_by_asc(log_entry::Column::Index)
            .all(&self.store.db)
            .await?;
        for row in more {
            records.read = row.index + 1;
            let Ok(entry) = Entry::parse(&row.leaf) else { continue };
            if let (Some(body), Some(digest)) = (&entry.body, entry.facts.get("digest").and_then(|text| text.as_str())) {
                records.digests.insert(body.sha256, digest.to_owned());
            }
        }
        let Some(digest) = records.digests.get(&sha256) else { return Ok(None) };
        Ok(decision::Entity::find_by_id(digest).one(&self.store.db).await?.map(|row| row.record.into_bytes()))
    }
}

/// Which decision has which body, read from the log as it grows.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The index of the first entry that was not read yet.
    read: i64,
    digests: HashMap<Hash, String>,
}
