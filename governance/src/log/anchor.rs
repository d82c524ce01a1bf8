//! A checkpoint, and the proof that a decision was logged, as calls to the contract that keeps roots (`LogAnchor.sol`).
//!
//! The contract knows a log by the account that anchors it and by the hash of its origin. It reads no JSON: it is told
//! where in a leaf the decision's id stands, and compares bytes. Who sends these calls, and when, is left to the caller.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;

use super::checkpoint::Checkpoint;
use super::merkle::{Hash, MerkleError, leaf_hash, verify_inclusion};
use super::note::VerifierKey;
use crate::onchain::abi::LogAnchor;

/// What stands in a decision's leaf before and after the 64 hex digits of its digest: the end of `facts`, the id, the
/// kind, and the beginning of `refs`. No fact has any of these names and strings escape their quotes, so that the whole
/// stands in one place only. `LogAnchor.sol` has the same two.
const BEFORE: &[u8] = br#"},"id":"decision/0x"#;
const AFTER: &[u8] = br#"","kind":"decision","refs":["#;
const DIGITS: usize = 64;

/// Why a proof would be refused by the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    #[error("the entry is not a decision under its own digest, so nothing in it could be recorded")]
    NoDecision,
    #[error("the proof does not lead from the entry to the anchored root")]
    Inclusion(#[from] MerkleError),
}

/// The hash that the contract knows a log by: SHA-256 of the origin line, without its newline.
pub fn origin_hash(origin: &str) -> B256 {
    B256::from(Hash::of(origin.as_bytes()).0)
}

/// What `announceKey` takes: SHA-256 of the vkey text, without a newline.
pub fn key_hash(key: &VerifierKey) -> B256 {
    B256::from(Hash::of(key.to_string().as_bytes()).0)
}

/// A root to be anchored, and the contract that keeps it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Anchoring {
    /// The `LogAnchor`.
    pub contract: Address,
    pub origin: B256,
    pub size: u64,
    pub root: B256,
}

impl Anchoring {
    /// What a checkpoint says, for `contract`; `None` of an empty log, which the contract refuses.
    pub fn of(checkpoint: &Checkpoint, contract: Address) -> Option<Self> {
        let (origin, root) = (origin_hash(&checkpoint.origin), B256::from(checkpoint.root.0));
        (checkpoint.size > 0).then_some(Self { contract, origin, size: checkpoint.size, root })
    }

    /// Calldata of `LogAnchor.anchor`.
    pub fn calldata(&self) -> Bytes {
        LogAnchor::anchorCall { origin: self.origin, size: self.size, root: self.root }.abi_encode().into()
    }
}

/// What a call anchors, if it does nothing else. Whether that is true of a log is another question.
pub fn anchored_by(contract: Address, target: Address, value: U256, calldata: &[u8]) -> Option<Anchoring> {
    if target != contract || contract.is_zero() || !value.is_zero() {
        return None;
    }
    let call = LogAnchor::anchorCall::abi_decode_validate(calldata).ok().filter(|call| call.abi_encode() == calldata)?;
    Some(Anchoring { contract, origin: call.origin, size: call.size, root: call.root })
}

/// Where in a decision's leaf the sequence begins that the contract looks for, and the digest in it.
pub fn find_decision(envelope: &[u8]) -> Option<(usize, B256)> {
    let length = BEFORE.len() + DIGITS + AFTER.len();
    envelope.windows(length).enumerate().find_map(|(offset, found)| {
        let (before, rest) = found.split_at(BEFORE.len());
        let (digits, after) = rest.split_at(DIGITS);
        let lower = digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if before != BEFORE || after != AFTER || !lower {
            return None;
        }
        Some((offset, std::str::from_utf8(digits).ok()?.parse().ok()?))
    })
}

/// The call that shows the contract a decision, entry `index` of the log that `account` anchored as `anchored` says; `path`
/// leads from there to the anchored root.
///
/// # Errors
/// Whatever the contract would refuse by itself. That `account` has anchored this is for the chain to say.
pub fn record_decision(
    account: Address,
    envelope: &[u8],
    index: u64,
    path: &[Hash],
    anchored: &Anchoring,
) -> Result<LogAnchor::recordDecisionCall, AnchorError> {
    let (offset, _) = find_decision(envelope).ok_or(AnchorError::NoDecision)?;
    verify_inclusion(leaf_hash(envelope), index, anchored.size, path, Hash(anchored.root.0))?;
    Ok(LogAnchor::recordDecisionCall {
        account,
        origin: anchored.origin,
        envelope: envelope.to_vec().into(),
        offset: U256::from(offset),
        index,
        size: anchored.size,
        proof: path.iter().map(|hash| B256::from(hash.0)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::entry::{Entry, EntryKind, EntryRef};
    use super::super::merkle::{Frontier, prove_inclusion, testing::Forest};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const ORIGIN: &str = "saltmarsh.example/log";

    fn decision(digest: B256) -> Entry {
        let mut entry = Entry::new(EntryKind::Decision, format!("decision/{digest}"), 5)
            .with_fact("digest", digest.to_string())
            .with_fact("note", format!(r#"}},"id":"decision/{digest}","kind":"decision","refs":["#));
        entry.actor = Some("eip155:1:0xaa".into());
        entry
    }

    /// The way to the root about the second of three entries, the first and last of which are single bytes.
    fn proven(leaf: &[u8]) -> (Vec<Hash>, Anchoring) {
        let forest = Forest::from_entries([b"a".to_vec(), leaf.to_vec(), b"b".to_vec()]);
        let checkpoint = Checkpoint { origin: ORIGIN.into(), size: 3, root: forest.root(3) };
        let path = prove_inclusion(1, 3, |level, index| forest.read(level, index)).unwrap();
        (path, Anchoring::of(&checkpoint, Address::repeat_byte(3)).unwrap())
    }

    fn record(account: Address, leaf: &[u8]) -> Result<LogAnchor::recordDecisionCall, AnchorError> {
        let (path, anchored) = proven(leaf);
        record_decision(account, leaf, 1, &path, &anchored)
    }

    #[test]
    fn a_logged_decision_becomes_a_call_that_names_the_place_of_its_id() {
        let digest = B256::repeat_byte(0xa7);
        let leaf = decision(digest).to_leaf().unwrap();
        let call = record(Address::repeat_byte(9), &leaf).unwrap();
        assert_eq!((call.index, call.size, call.proof.len()), (1, 3, 2));
        assert_eq!(call.origin, origin_hash(ORIGIN));
        let offset = call.offset.to::<usize>();
        assert!(leaf[offset..].starts_with(br#"},"id":"decision/0xa7a7"#));
        // What the facts quote is not taken for it, though it comes first.
        assert!(leaf[..offset].windows(8).any(|bytes| bytes == br#"decision"#));
        assert_eq!(find_decision(&leaf), Some((offset, digest)));
    }

    #[test]
    fn entries_of_other_kinds_cannot_be_recorded() {
        for kind in EntryKind::ALL.into_iter().filter(|kind| *kind != EntryKind::Decision) {
            let leaf = Entry::new(kind, format!("decision/{}", B256::repeat_byte(1)), 5).to_leaf().unwrap();
            assert_eq!(record(Address::ZERO, &leaf), Err(AnchorError::NoDecision), "{kind}");
        }
        let shouted = Entry::new(EntryKind::Decision, format!("decision/0x{}", "AB".repeat(32)), 5).to_leaf().unwrap();
        assert_eq!(find_decision(&shouted), None);
    }

    #[test]
    fn a_proof_of_something_else_is_refused_before_the_contract_would() {
        let leaf = decision(B256::repeat_byte(1)).to_leaf().unwrap();
        let other = decision(B256::repeat_byte(2)).to_leaf().unwrap();
        let (path, good) = proven(&leaf);
        let refused = |leaf: &[u8], index: u64, path: &[Hash], anchored: Anchoring| {
            matches!(record_decision(Address::ZERO, leaf, index, path, &anchored), Err(AnchorError::Inclusion(_)))
        };
        assert!(!refused(&leaf, 1, &path, good));
        assert!(refused(&other, 1, &path, good));
        assert!(refused(&leaf, 0, &path, good));
        assert!(refused(&leaf, 1, &path[..1], good));
        assert!(refused(&leaf, 1, &path, Anchoring { size: 5, ..good }));
        assert!(refused(&leaf, 1, &path, Anchoring { root: B256::repeat_byte(5), ..good }));
    }

    #[test]
    fn an_empty_log_is_not_anchored() {
        let empty = Checkpoint { origin: ORIGIN.into(), size: 0, root: Frontier::new().root() };
        assert_eq!(Anchoring::of(&empty, Address::repeat_byte(3)), None);
    }

    #[test]
    fn only_a_plain_anchor_call_counts_as_one() {
        let contract = Address::repeat_byte(3);
        let data = Anchoring { contract, origin: origin_hash(ORIGIN), size: 4, root: B256::repeat_byte(5) }.calldata();
        let found = anchored_by(contract, contract, U256::ZERO, &data).unwrap();
        assert_eq!((found.origin, found.size, found.root), (origin_hash(ORIGIN), 4, B256::repeat_byte(5)));
        assert_eq!(anchored_by(contract, Address::repeat_byte(4), U256::ZERO, &data), None);
        assert_eq!(anchored_by(contract, contract, U256::from(1), &data), None);
        assert_eq!(anchored_by(contract, contract, U256::ZERO, &data[..99]), None);
        assert_eq!(anchored_by(Address::ZERO, Address::ZERO, U256::ZERO, &data), None);
        assert_eq!(anchored_by(contract, contract, U256::ZERO, &[&data[..], &[0]].concat()), None);
    }

    proptest! {
        /// Whatever facts and references a decision has, its own id is found, and nowhere else.
        #[test]
        fn the_id_of_a_decision_is_found_once(
            digest in any::<[u8; 32]>(),
            words in prop::collection::btree_map("[a-z\"}{,:\\\\]{1,12}", "[a-z0-9\"}{,:\\\\/\\[]{0,90}", 0..6),
            refs in prop::collection::vec(any::<(u32, [u8; 32])>(), 0..4),
        ) {
            let digest = B256::from(digest);
            let mut entry = decision(digest).with_fact("words", json!(words.into_values().collect::<Vec<_>>()));
            entry.refs = refs.into_iter().map(|(index, leaf)| EntryRef { index: index.into(), leaf: Hash(leaf) }).collect();
            let leaf = entry.to_leaf().unwrap();
            let (offset, found) = find_decision(&leaf).unwrap();
            prop_assert_eq!(found, digest);
            prop_assert_eq!(find_decision(&leaf[offset + 1..]), None);
        }
    }
}
