//! What the bridge follows: a DAO's contracts on a chain.

use alloy_primitives::Address;

/// A governor on a chain, with the contracts that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub chain_id: u64,
    pub governor: Address,
    pub timelock: Address,
    pub token: Address,
    pub registry: Address,
    pub art: Option<Address>,
    /// The `LogAnchor`.
    pub log_anchor: Option<Address>,
    /// The `ValidationRegistry`.
    pub validations: Option<Address>,
    pub start_block: u64,
}

impl Source {
    /// CAIP-2.
    pub fn chain(&self) -> String {
        format!("eip155:{}", self.chain_id)
    }

    /// CAIP-10 of the governor: rows of different sources never mix.
    pub fn key(&self) -> String {
        format!("{}:{}", self.chain(), self.governor)
    }

    pub fn addresses(&self) -> Vec<Address> {
        let mut addresses = vec![self.governor, self.timelock, self.token, self.registry];
        addresses.extend([self.art, self.log_anchor, self.validations].into_iter().flatten());
        addresses
    }
}
