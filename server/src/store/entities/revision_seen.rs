//! Wall-clock moment at which a revision was stored, to measure delivery.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revision_seen")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub engine: String,
    pub revision: i64,
    pub seen_ms: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
