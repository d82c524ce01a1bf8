//! What an engine said it runs. `at` is chain time, `received_ms` the wall clock.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "engine_report")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub engine: String,
    pub revision: i64,
    pub hash: String,
    pub build: String,
    pub outcome: String,
    #[sea_orm(column_type = "Text")]
    pub detail: String,
    pub at: i64,
    pub received_ms: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
