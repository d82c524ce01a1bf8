//! Checkpoints: only a committed head is signed, and each size once.

use governance::log::{Checkpoint, Frontier};
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::{Log, LogError};
use crate::store::entities::{log_checkpoint, log_head};

impl Log {
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
}
