//! What an entry is about is indexed once, whoever indexes it.

use sea_orm_migration::prelude::*;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261123_000004_index_subjects_once"
    }
}

fn index(name: &str) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(Alias::new("log_subject")).if_not_exists();
    for column in ["subject", "value", "entry"] {
        index.col(Alias::new(column));
    }
    index
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Two processes that indexed an older log together may have left rows twice.
        let twice = "DELETE FROM log_subject WHERE id NOT IN (SELECT MIN(id) FROM log_subject GROUP BY subject, value, entry)";
        manager.get_connection().execute_unprepared(twice).await?;
        manager.create_index(index("log_subject_once").unique().to_owned()).await?;
        // The same columns without uniqueness: nothing is found by it that the new one does not find.
        manager.drop_index(Index::drop().name("log_subject_by_value").table(Alias::new("log_subject")).if_exists().to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index("log_subject_by_value")).await?;
        manager.drop_index(Index::drop().name("log_subject_once").table(Alias::new("log_subject")).if_exists().to_owned()).await
    }
}
