//! Bodies that entries name by hash: kept apart from the leaves, so that they can be erased while the proof stays.

use governance::log::Body;
use sea_orm::{ConnectionTrait, EntityTrait};

use super::LogError;
use crate::store::entities::log_body;

/// Salt and bytes of a body, unless it was erased or is kept elsewhere.
pub async fn read_body(db: &impl ConnectionTrait, body: &Body) -> Result<Option<(Vec<u8>, Vec<u8>)>, LogError> {
    let row = log_body::Entity::find_by_id(body.sha256.to_string()).one(db).await?;
    Ok(row.map(|row| (row.salt, row.bytes)))
}
