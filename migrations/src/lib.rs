//! Schema migrations, in order. Each adds first, moves data, and removes in a later one, so that the release before
//! still runs while a migration lands. See `README.md`.

mod m20261120_000001_create_tables;
mod m20261121_000002_add_backgrounds;
mod m20261122_000003_search_the_log;
mod m20261123_000004_index_subjects_once;

use sea_orm_migration::MigrationTrait;
pub use sea_orm_migration::{MigratorTrait, migrator::MigratorTrait as _, sea_orm};

#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261120_000001_create_tables::Migration),
            Box::new(m20261121_000002_add_backgrounds::Migration),
            Box::new(m20261122_000003_search_the_log::Migration),
            Box::new(m20261123_000004_index_subjects_once::Migration),
        ]
    }
}
