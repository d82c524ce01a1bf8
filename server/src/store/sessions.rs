//! Sessions in the store, as tower-sessions wants them.

use async_trait::async_trait;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, Set, sea_query::OnConflict};
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};

use super::{Store, entities::session};

#[derive(Clone, Debug)]
pub struct Sessions(pub Store);

impl Sessions {
    /// Deletes what can never be loaded again.
    pub async fn forget_expired(&self) -> std::result::Result<(), DbErr> {
        let tx = self.0.begin().await?;
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        session::Entity::delete_many().filter(session::Column::ExpiresAt.lt(now)).exec(&tx.db).await?;
        tx.commit().await
    }
}

fn backend(error: impl std::fmt::Display) -> Error {
    Error::Backend(error.to_string())
}

#[async_trait]
impl SessionStore for Sessions {
    async fn save(&self, record: &Record) -> Result<()> {
        let row = session::ActiveModel {
            id: Set(record.id.to_string()),
            data: Set(serde_json::to_string(record).map_err(|error| Error::Encode(error.to_string()))?),
            expires_at: Set(record.expiry_date.unix_timestamp()),
        };
        let replace =
            OnConflict::column(session::Column::Id).update_columns([session::Column::Data, session::Column::ExpiresAt]).to_owned();
        let tx = self.0.begin().await.map_err(backend)?;
        session::Entity::insert(row).on_conflict(replace).exec(&tx.db).await.map_err(backend)?;
        tx.commit().await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(row) = session::Entity::find_by_id(id.to_string()).one(&self.0.db).await.map_err(backend)? else { return Ok(None) };
        let record: Record = serde_json::from_str(&row.data).map_err(|error| Error::Decode(error.to_string()))?;
        Ok((record.expiry_date > time::OffsetDateTime::now_utc()).then_some(record))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let tx = self.0.begin().await.map_err(backend)?;
        session::Entity::delete_by_id(id.to_string()).exec(&tx.db).await.map_err(backend)?;
        tx.commit().await.map_err(backend)
    }
}
