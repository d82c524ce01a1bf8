//! The first tables: raw chain facts, drafts, decisions, models, engine reports, sessions, submissions and the log.

use sea_orm_migration::{prelude::*, schema::*};

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261120_000001_create_tables"
    }
}

fn table(name: &'static str) -> TableCreateStatement {
    Table::create().table(Alias::new(name)).if_not_exists().to_owned()
}

fn unique(name: &'static str, of: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = index(name, of, columns);
    index.unique();
    index
}

fn index(name: &'static str, of: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(name).table(Alias::new(of)).if_not_exists().to_owned();
    for column in columns {
        index.col(Alias::new(*column));
    }
    index
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            // How far a source (a governor on a chain) has been followed.
            table("cursor").col(string("source").primary_key()).col(big_integer("block_number")).col(string("block_hash")).to_owned(),
            // Canonical blocks the follower remembers, to find where a reorg began.
            table("block")
                .col(big_integer("id").auto_increment().primary_key())
                .col(string("source"))
                .col(big_integer("number"))
                .col(string("hash"))
                .col(big_integer("timestamp"))
                .to_owned(),
            // Events as the chain emitted them.
            table("event")
                .col(big_integer("id").auto_increment().primary_key())
                .col(string("source"))
                .col(big_integer("block_number"))
                .col(string("block_hash"))
                .col(big_integer("timestamp"))
                .col(string("transaction"))
                .col(big_integer("log_index"))
                .col(string("contract"))
                .col(text("topics"))
                .col(text("data"))
                .to_owned(),
            // What the chain says of a proposal beyond its events.
            table("proposal")
                .col(big_integer("id").auto_increment().primary_key())
                .col(string("source"))
                .col(string("proposal_id"))
                .col(string("state"))
                .col(big_integer_null("eta"))
                .col(string("quorum"))
                .col(text("obstacle"))
                .to_owned(),
            // Transactions that the executor signed, kept so that a restart sends the same one again.
            table("submission")
                .col(big_integer("id").auto_increment().primary_key())
                .col(string("source"))
                .col(string("proposal_id"))
                .col(string("step"))
                .col(big_integer("nonce"))
                .col(string("transaction"))
                .col(text("raw"))
                .to_owned(),
            table("draft")
                .col(string("id").primary_key())
                .col(string("author"))
                .col(boolean("public"))
                .col(text("body"))
                .col(big_integer("updated_at"))
                .to_owned(),
            // Decision records exactly as they were signed.
            table("decision")
                .col(string("digest").primary_key())
                .col(string("agent"))
                .col(text("record"))
                .col(big_integer("received_at"))
                .to_owned(),
            // Model bytes by content.
            table("model").col(string("sha256").primary_key()).col(binary("bytes")).to_owned(),
            table("engine_report")
                .col(big_integer("id").auto_increment().primary_key())
                .col(string("engine"))
                .col(big_integer("revision"))
                .col(string("hash"))
                .col(string("build"))
                .col(string("outcome"))
                .col(text("detail"))
                .col(big_integer("at"))
                .col(big_integer("received_ms"))
                .to_owned(),
            // Wall-clock moment at which the follower stored a revision, to measure delivery.
            table("revision_seen")
                .col(big_integer("id").auto_increment().primary_key())
                .col(string("engine"))
                .col(big_integer("revision"))
                .col(big_integer("seen_ms"))
                .to_owned(),
            table("session").col(string("id").primary_key()).col(text("data")).col(big_integer("expires_at")).to_owned(),
            table("log_entry")
                .col(big_integer("index").primary_key())
                .col(string("entry_id"))
                .col(string("kind"))
                .col(big_integer("at"))
                .col(binary("leaf"))
                .col(string("leaf_hash"))
                .to_owned(),
            // Hashes of complete subtrees; tiles and proofs are read from these.
            table("log_node")
                .col(big_integer("id").auto_increment().primary_key())
                .col(integer("level"))
                .col(big_integer("number"))
                .col(string("hash"))
                .to_owned(),
            table("log_head")
                .col(integer("id").primary_key())
                .col(big_integer("size"))
                .col(string("root"))
                .col(binary("frontier"))
                .to_owned(),
            table("log_checkpoint").col(big_integer("size").primary_key()).col(text("note")).to_owned(),
        ];
        for table in tables {
            manager.create_table(table).await?;
        }
        let indexes = [
            unique("block_by_number", "block", &["source", "number"]),
            unique("event_once", "event", &["source", "block_hash", "log_index"]),
            index("event_in_order", "event", &["source", "block_number", "log_index"]),
            unique("proposal_once", "proposal", &["source", "proposal_id"]),
            unique("submission_once", "submission", &["source", "proposal_id", "step"]),
            index("report_by_engine", "engine_report", &["engine", "id"]),
            unique("revision_seen_once", "revision_seen", &["engine", "revision"]),
            unique("log_entry_once", "log_entry", &["entry_id"]),
            unique("log_node_once", "log_node", &["level", "number"]),
        ];
        for index in indexes {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in [
            "log_checkpoint",
            "log_head",
            "log_node",
            "log_entry",
            "session",
            "revision_seen",
            "engine_report",
            "model",
            "decision",
            "draft",
            "submission",
            "proposal",
            "event",
            "block",
            "cursor",
        ] {
            manager.drop_table(Table::drop().table(Alias::new(name)).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}
