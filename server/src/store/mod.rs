//! The store: raw facts in SQLite or PostgreSQL. Nothing decoded is kept; see `reading` for what is made of it.

pub mod entities;
mod sessions;

use std::{sync::Arc, time::Duration};

use migrations::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

pub use sessions::Sessions;

use crate::log::Standing;

/// A connection pool and, for writers, a turn: SQLite has one writer at a time, and waiting here beats failing there.
#[derive(Clone, Debug)]
pub struct Store {
    pub db: DatabaseConnection,
    /// Whether the log in this database may still be signed and appended to.
    pub standing: Standing,
    turn: Arc<Mutex<()>>,
}

/// A transaction that holds the writer's turn until it ends. Dropping it rolls back.
#[derive(Debug)]
pub struct Tx {
    pub db: DatabaseTransaction,
    pub standing: Standing,
    _turn: OwnedMutexGuard<()>,
}

impl Tx {
    pub async fn commit(self) -> Result<(), DbErr> {
        self.db.commit().await
    }
}

impl Store {
    /// Opens `sqlite://file`, `sqlite::memory:` or `postgres://…` and applies the migrations.
    pub async fn open(url: &str) -> Result<Self, DbErr> {
        let mut options = ConnectOptions::new(url);
        options.sqlx_logging(false).connect_timeout(Duration::from_secs(10));
        if url.starts_with("sqlite") {
            use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
            options.map_sqlx_sqlite_opts(|sqlite| {
                sqlite
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    // The log acknowledges only what is durable.
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(Duration::from_secs(10))
            });
            // Readers do not wait for the writer; without a number there would be one connection for all.
            options.max_connections(if url.contains(":memory:") { 1 } else { 8 });
        }
        let db = Database::connect(options).await?;
        Migrator::up(&db, None).await?;
        Ok(Self { db, standing: Standing::default(), turn: Arc::default() })
    }

    pub async fn begin(&self) -> Result<Tx, DbErr> {
        let turn = self.turn.clone().lock_owned().await;
        // A transaction that reads before it writes would be refused once another process wrote in between; beginning as a
        // writer waits for its turn instead. PostgreSQL takes no notice.
        let options =
            TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..TransactionOptions::default() };
        Ok(Tx { db: self.db.begin_with_options(options).await?, standing: self.standing.clone(), _turn: turn })
    }
}
