//! A decision record exactly as it was signed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "decision")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub digest: String,
    pub agent: String,
    #[sea_orm(column_type = "Text")]
    pub record: String,
    pub received_at: i64,
    /// Where the agent is a contract account: the block as of which it accepted the signature.
    pub accepted_block: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
