//! Inclusion proofs and decisions as the log makes them, written down for the contract that checks them.
//!
//! `contracts/test/vectors/log.json` is what this program gives; `WHEREFORE_WRITE_VECTORS=1` writes it anew. Forge checks
//! `LogAnchor.sol` against the same file.

use std::{collections::BTreeMap, convert::Infallible, path::Path};

use alloy_primitives::{Address, B256, hex};
use governance::log::{
    Anchoring, Checkpoint, Entry, EntryKind, EntryRef, Frontier, Hash, MerkleError,
    anchor::{find_decision, origin_hash, record_decision},
    leaf_hash,
    merkle::{prove_inclusion, root_at, verify_inclusion},
};
use serde_json::{Value, json};

const ORIGIN: &str = "saltmarsh.example/log";

/// A log in memory.
struct Log {
    entries: Vec<Vec<u8>>,
    nodes: BTreeMap<(u8, u64), Hash>,
}

impl Log {
    fn of(entries: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let (mut frontier, mut nodes) = (Frontier::new(), BTreeMap::new());
        let entries: Vec<_> = entries.into_iter().collect();
        for entry in &entries {
            frontier.push_each(leaf_hash(entry), |level, index, hash| {
                nodes.insert((level, index), hash);
            });
        }
        Self { entries, nodes }
    }

    fn root(&self, size: u64) -> Hash {
        root_at(size, |level, index| Ok::<_, Infallible>(self.nodes[&(level, index)])).unwrap_or_else(|never| match never {})
    }

    fn prove(&self, index: u64, size: u64) -> Vec<Hash> {
        prove_inclusion(index, size, |level, index| Ok::<_, MerkleError>(self.nodes[&(level, index)])).unwrap()
    }
}

fn hex_of(hash: Hash) -> String {
    hex::encode_prefixed(hash.0)
}

/// Sizes around every power of two that matters, and indexes at both edges and within.
fn inclusions() -> Vec<Value> {
    let log = Log::of((0..1_000u64).map(|i| i.to_be_bytes().to_vec()));
    let mut cases = Vec::new();
    for size in [1u64, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 255, 256, 257, 1_000] {
        let mut indexes = vec![0, 1, size / 3, size / 2, size.saturating_sub(2), size - 1];
        indexes.retain(|index| *index < size);
        indexes.sort_unstable();
        indexes.dedup();
        for index in indexes {
            let (leaf, root, proof) = (leaf_hash(&log.entries[index as usize]), log.root(size), log.prove(index, size));
            verify_inclusion(leaf, index, size, &proof, root).unwrap();
            cases.push(json!({
                "size": size,
                "index": index,
                "leaf": hex_of(leaf),
                "root": hex_of(root),
                "proof": proof.into_iter().map(hex_of).collect::<Vec<_>>(),
            }));
        }
    }
    cases
}

fn decision(digest: B256) -> Entry {
    let mut entry = Entry::new(EntryKind::Decision, format!("decision/{digest}"), 1_794_819_600)
        .with_fact("digest", digest.to_string())
        .with_fact("agent", "eip155:31337:0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f")
        .with_fact("parameters", json!(["tideline/mint.cadence"]));
    entry.actor = Some("eip155:31337:0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f".into());
    entry
}

/// Decisions in a log of thirteen entries; one tries to pass for another by what its facts say.
fn decisions() -> Vec<Value> {
    let digest = |byte| B256::repeat_byte(byte);
    let plain = decision(digest(0x3c));
    let boastful = decision(digest(0xe0))
        .with_fact("note", format!(r#"}},"id":"decision/{}","kind":"decision","refs":["#, digest(0x3c)))
        .with_fact("words", "潮 — marée 🌊");
    let mut resting = decision(digest(0x09));
    resting.refs.push(EntryRef { index: 4, leaf: leaf_hash(&plain.to_leaf().unwrap()) });
    let named = [("plain", 4u64, plain), ("boastful", 7, boastful), ("last, with a reference", 12, resting)];

    let mut entries: Vec<Vec<u8>> = (0..13u64).map(|i| i.to_be_bytes().to_vec()).collect();
    for (_, index, entry) in &named {
        entries[*index as usize] = entry.to_leaf().unwrap();
    }
    let log = Log::of(entries);
    let cases = named.into_iter().map(|(name, index, _)| {
        let (size, envelope) = (13, &log.entries[index as usize]);
        let checkpoint = Checkpoint { origin: ORIGIN.into(), size, root: log.root(size) };
        let anchored = Anchoring::of(&checkpoint, Address::repeat_byte(3)).unwrap();
        let call = record_decision(Address::repeat_byte(9), envelope, index, &log.prove(index, size), &anchored).unwrap();
        let (_, digest) = find_decision(envelope).unwrap();
        json!({
            "name": name,
            "envelope": hex::encode_prefixed(envelope),
            "offset": call.offset.to::<u64>(),
            "digest": digest,
            "size": size,
            "index": index,
            "root": hex_of(checkpoint.root),
            "proof": call.proof,
        })
    });
    cases.collect()
}

#[test]
fn the_vectors_that_the_contract_checks_are_what_the_log_gives() {
    let document = json!({
        "about": "Leaves, roots and inclusion proofs of RFC 6962 trees whose entry i is the eight big-endian bytes of i, and decisions whose digest the contract reads from their leaves. Written by governance/tests/anchors.rs.",
        "origin": { "line": ORIGIN, "sha256": origin_hash(ORIGIN) },
        "inclusions": inclusions(),
        "decisions": decisions(),
    });
    let text = format!("{}\n", serde_json::to_string_pretty(&document).unwrap());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts/test/vectors/log.json");
    if std::env::var_os("WHEREFORE_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "log.json is not what the log gives; run this test with WHEREFORE_WRITE_VECTORS=1 and look at what changed");
}
