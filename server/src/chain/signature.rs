//! Whether a contract account accepts a signature (ERC-1271), also before it exists (ERC-6492).
//!
//! The question is one `eth_call` of init code, `governance/contracts/src/SignatureCheck.sol`: it calls the account, or
//! first its factory, within limits of gas, and what it would deploy is the answer. Nothing is sent, and nothing of ours
//! stands on the chain. Signatures of keys are recovered in `governance` and never come here.

use std::sync::LazyLock;

use alloy::eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, hex};
use alloy_sol_types::SolValue;

use super::{Node, NodeError};

/// Twice a question, a preparation, and what it takes to put them.
const GAS: u64 = 14_000_000;
/// The most bytes that init code may have (EIP-3860).
const MAX_INIT_CODE: usize = 49_152;

static CODE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let artifact: serde_json::Value =
        serde_json::from_str(include_str!("../../../governance/contracts/artifacts/SignatureCheck.json")).unwrap_or_default();
    artifact.pointer("/bytecode/object").and_then(serde_json::Value::as_str).and_then(|code| hex::decode(code).ok()).unwrap_or_default()
});

/// What readies an account that does not exist yet, or is not up to date: `calldata`, sent to `factory`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparation {
    pub factory: Address,
    pub calldata: Bytes,
}

/// Asks `account` as of a block whether `signature` over `hash` is its own. An account without code says no, unless
/// `preparation` gives it some.
///
/// # Errors
/// Only when the node could not be asked. What accounts and factories do is an answer, whatever it is.
pub async fn check(
    node: &Node,
    account: Address,
    hash: B256,
    signature: &Bytes,
    preparation: Option<&Preparation>,
    at: BlockId,
) -> Result<bool, NodeError> {
    let (factory, calldata) = preparation.map_or_else(Default::default, |found| (found.factory, found.calldata.clone()));
    let arguments = (account, hash, signature.clone(), factory, calldata).abi_encode_params();
    let code = Bytes::from([CODE.as_slice(), &arguments].concat());
    // No account could have been given a question of this length.
    if code.len() > MAX_INIT_CODE {
        return Ok(false);
    }
    let answer = node.run(code, GAS, at).await?;
    match answer.as_ref() {
        [zeros @ .., last] if zeros.len() == 31 && zeros.iter().all(|byte| *byte == 0) && *last <= 1 => Ok(*last == 1),
        _ => Err(NodeError::Answer("a question about a signature")),
    }
}
