//! What log entries are about, and the bodies they name that may be erased.

use sea_orm_migration::{prelude::*, schema::*};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000003_search_the_log"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            Table::create()
                .table(Alias::new("log_subject"))
                .if_not_exists()
                .col(big_integer("id").auto_increment().primary_key())
                .col(big_integer("entry"))
                .col(string("subject"))
                .col(string("value"))
                .to_owned(),
            Table::create()
                .table(Alias::new("log_body"))
                .if_not_exists()
                .col(string("sha256").primary_key())
                .col(binary("salt"))
                .col(binary("bytes"))
                .to_owned(),
        ];
        for table in tables {
            manager.create_table(table).await?;
        }
        let index = Index::create()
            .name("log_subject_by_value")
            .table(Alias::new("log_subject"))
            .if_not_exists()
            .col(Alias::new("subject"))
            .col(Alias::new("value"))
            .col(Alias::new("entry"))
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["log_body", "log_subject"] {
            manager.drop_table(Table::drop().table(Alias::new(name)).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}
