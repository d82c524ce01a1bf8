//! What an entry is about, for searching. Can be built again from the leaves.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "log_subject")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub entry: i64,
    pub subject: String,
    pub value: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
