//! An event as the chain emitted it. `topics` is a JSON list of hex words, `data` is hex.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub source: String,
    pub block_number: i64,
    pub block_hash: String,
    pub timestamp: i64,
    pub transaction: String,
    pub log_index: i64,
    pub contract: String,
    #[sea_orm(column_type = "Text")]
    pub topics: String,
    #[sea_orm(column_type = "Text")]
    pub data: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The event as `E`, if it is one.
    pub fn decoded<E: alloy_sol_types::SolEvent>(&self) -> Option<E> {
        let topics: Vec<alloy_primitives::B256> = serde_json::from_str(&self.topics).ok()?;
        let data: alloy_primitives::Bytes = self.data.parse().ok()?;
        (topics.first() == Some(&E::SIGNATURE_HASH)).then(|| E::decode_raw_log(topics, &data).ok()).flatten()
    }

    /// The first topic, which names the event.
    pub fn signature(&self) -> Option<alloy_primitives::B256> {
        serde_json::from_str::<Vec<alloy_primitives::B256>>(&self.topics).ok()?.first().copied()
    }

    pub fn is_from(&self, contract: alloy_primitives::Address) -> bool {
        self.contract.parse::<alloy_primitives::Address>().is_ok_and(|address| address == contract)
    }
}
