//! A body that an entry names and that may be erased, with its salt.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "log_body")]
pub struct Model {
    /// As the entry names it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sha256: String,
    pub salt: Vec<u8>,
    pub bytes: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
