//! A leaf of the explanation log, with the exact bytes that were hashed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "log_entry")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub index: i64,
    pub entry_id: String,
    pub kind: String,
    pub at: i64,
    pub leaf: Vec<u8>,
    pub leaf_hash: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
