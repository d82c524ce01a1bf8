//! Backgrounds beside models, and where a contract account accepted a decision's signature.

use sea_orm_migration::{prelude::*, schema::*};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261121_000002_add_backgrounds"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Rows that stand for what is usual, by content.
        let table = Table::create()
            .table(Alias::new("background"))
            .if_not_exists()
            .col(string("sha256").primary_key())
            .col(binary("bytes"))
            .to_owned();
        manager.create_table(table).await?;
        // Null where a key signed, which needs no chain.
        if !manager.has_column("decision", "accepted_block").await? {
            let column = Table::alter().table(Alias::new("decision")).add_column(big_integer_null("accepted_block")).to_owned();
            manager.alter_table(column).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table(Alias::new("decision")).drop_column(Alias::new("accepted_block")).to_owned()).await?;
        manager.drop_table(Table::drop().table(Alias::new("background")).if_exists().to_owned()).await
    }
}
