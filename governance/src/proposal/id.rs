//! Proposal and timelock operation ids, as OpenZeppelin's Governor and TimelockController compute them.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue;

/// keccak256 of the raw bytes: never trimmed, unescaped or reformatted, since one byte makes another proposal.
pub fn description_hash(description: impl AsRef<[u8]>) -> B256 {
    keccak256(description)
}

/// `Governor.hashProposal`. Neither chain nor governor is part of it: key by (chain, governor, id).
pub fn proposal_id(targets: &[Address], values: &[U256], calldatas: &[Bytes], description_hash: B256) -> U256 {
    keccak256((targets, values, calldatas, description_hash).abi_encode_params()).into()
}

/// `TimelockController.hashOperationBatch` without predecessor, as the governor schedules.
pub fn operation_id(targets: &[Address], values: &[U256], payloads: &[Bytes], salt: B256) -> B256 {
    keccak256((targets, values, payloads, B256::ZERO, salt).abi_encode_params())
}

/// Salt of OpenZeppelin 4.x: the description hash itself.
pub fn salt_v4(description_hash: B256) -> B256 {
    description_hash
}

/// Salt of OpenZeppelin 5.x: the governor's address, left-aligned, XOR the description hash.
pub fn salt_v5(governor: Address, description_hash: B256) -> B256 {
    let mut salt = description_hash;
    salt.iter_mut().zip(governor.iter()).for_each(|(byte, of_governor)| *byte ^= of_governor);
    salt
}
