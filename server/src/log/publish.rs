//! Checkpoints: only a committed head that continues every copy is signed, and each size once. It is served when enough
//! witnesses have cosigned it.

use governance::log::{Checkpoint, Note};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::mpsc;

use super::{Log, LogError};
use crate::store::entities::{log_checkpoint, log_head};

impl Log {
    /// The newest checkpoint that is served, as size and note. Without witnesses that is of the committed head, signed now
    /// if need be; with witnesses, and while the log is read-only, it is the last that [`Log::advance`] published.
    pub async fn publish(&self) -> Result<(u64, String), LogError> {
        if self.around.witnesses.is_none() && self.store.standing.check().is_ok() {
            return self.advance().await;
        }
        match self.published().await? {
            Some(published) => Ok(published),
            None => self.advance().await,
        }
    }

    /// The newest checkpoint that was published.
    pub(super) async fn published(&self) -> Result<Option<(u64, String)>, LogError> {
        let newest = log_checkpoint::Entity::find().order_by_desc(log_checkpoint::Column::Size).one(&self.store.db).await?;
        Ok(newest.map(|row| (row.size as u64, row.note)))
    }

    /// Signs the committed head, has it cosigned, and publishes it once enough witnesses agree; returns the newest
    /// checkpoint that is published. May take as long as witnesses take to answer, at most five seconds.
    ///
    /// # Errors
    /// [`LogError::ReadOnly`] when a copy is ahead or contradicts; [`LogError::Unwitnessed`] when nothing was published
    /// yet and too few witnesses agree.
    pub async fn advance(&self) -> Result<(u64, String), LogError> {
        let head = log_head::Entity::find_by_id(1).one(&self.store.db).await?.map_or(0, |head| head.size);
        if let Some(done) = log_checkpoint::Entity::find_by_id(head).one(&self.store.db).await?
            && let Ok(note) = Note::parse(&done.note)
            && self.keys.have_all_signed(&note)
            && self.around.witnesses.as_ref().is_none_or(|witnesses| !witnesses.have_more_to_ask(&note))
        {
            self.around.set_waiting(None);
            return Ok((head as u64, done.note));
        }

        let _turn = self.around.publishing.lock().await;
        self.store.standing.check()?;
        let head = self.trusted_head().await?;
        let checkpoint = Checkpoint { origin: self.origin().to_owned(), size: head.size(), root: head.root() };
        let mut note = self.sign(&checkpoint).await?;
        // From here on the signature may leave: a database that knows nothing of it would be found out.
        if let Some(high_water) = &self.around.high_water {
            high_water.raise(&checkpoint, &note)?;
        }
        let Some(witnesses) = &self.around.witnesses else {
            return Ok((checkpoint.size, self.store_checkpoint(checkpoint.size, &note).await?));
        };

        let mut stored = None;
        if witnesses.are_enough(&note) {
            stored = Some(self.store_checkpoint(checkpoint.size, &note).await?);
        }
        let (tell, mut told) = mpsc::channel(1);
        let asking = witnesses.ask_all(self, &checkpoint, note.clone(), tell);
        let storing = async {
            while let Some(cosignature) = told.recv().await {
                note.add(cosignature);
                // Each is worth storing by itself: a slow witness must not hold back what the quick ones said.
                if witnesses.are_enough(&note) {
                    stored = Some(self.store_checkpoint(checkpoint.size, &note).await?);
                }
            }
            Ok::<_, LogError>(())
        };
        let (asked, done) = tokio::join!(asking, storing);
        done?;
        asked?;
        if let Some(stored) = stored {
            self.around.set_waiting(None);
            return Ok((checkpoint.size, stored));
        }
        let waiting = witnesses.in_words(&note);
        self.around.set_waiting(Some(waiting.clone()));
        self.published().await?.ok_or(LogError::Unwitnessed(waiting))
    }

    /// The checkpoint with a signature of every key, and what others added to it before.
    pub(super) async fn sign(&self, checkpoint: &Checkpoint) -> Result<Note, LogError> {
        let text = checkpoint.text();
        // What could not be opened again is not signed.
        Checkpoint::parse(&text)?;
        let failed = |error| LogError::Sign(governance::log::CheckpointError::Note(error));
        let mut note = Note { signatures: self.keys.sign(&text).map_err(failed)?, text };
        if let Some(row) = log_checkpoint::Entity::find_by_id(checkpoint.size as i64).one(&self.store.db).await? {
            let before = Note::parse(&row.note).map_err(failed)?;
            if before.text != note.text {
                return Err(LogError::Damaged { found: format!("checkpoint {:?}", before.text), computed: format!("{:?}", note.text) });
            }
            before.signatures.into_iter().for_each(|signature| note.add(signature));
        }
        Ok(note)
    }

    /// Stores a checkpoint, which is what publishes it. Signatures that another process added are kept.
    pub(super) async fn store_checkpoint(&self, size: u64, note: &Note) -> Result<String, LogError> {
        let tx = self.store.begin().await?;
        let row = log_checkpoint::ActiveModel { size: Set(size as i64), note: Set(note.to_string()) };
        // Writing before reading: SQLite lets nobody write who has read what another process wrote over since.
        log_checkpoint::Entity::insert(row)
            .on_conflict_do_nothing_on([log_checkpoint::Column::Size])
            .exec_without_returning(&tx.db)
            .await?;
        let mut note = note.clone();
        let row = log_checkpoint::Entity::find_by_id(size as i64).lock_exclusive().one(&tx.db).await?;
        let before = row.map_or_else(|| note.to_string(), |row| row.note);
        if let Ok(before) = Note::parse(&before)
            && before.text == note.text
        {
            before.signatures.into_iter().for_each(|signature| note.add(signature));
        }
        let text = note.to_string();
        if text != before {
            let update = log_checkpoint::Entity::update_many().col_expr(log_checkpoint::Column::Note, text.clone().into());
            update.filter(log_checkpoint::Column::Size.eq(size as i64)).exec(&tx.db).await?;
        }
        tx.commit().await?;
        Ok(text)
    }
}
