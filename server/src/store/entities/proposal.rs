//! What the chain's own calls say of a proposal: `state()`, `proposalEta()`, `quorum()`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "proposal")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub source: String,
    pub proposal_id: String,
    pub state: String,
    pub eta: Option<i64>,
    pub quorum: String,
    #[sea_orm(column_type = "Text")]
    pub obstacle: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
