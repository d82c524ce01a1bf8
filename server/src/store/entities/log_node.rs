//! The hash of a complete subtree of the log: `2^level` leaves from `number * 2^level`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "log_node")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub level: i32,
    pub number: i64,
    pub hash: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
