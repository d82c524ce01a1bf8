//! Ids and hashes that others computed: the vectors that Solidity checks too, proposals of governors on public chains,
//! and, for whatever those leave out, an encoder written from the ABI specification alone.

use std::{collections::BTreeMap, path::Path};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use governance::{
    parameter::{key_text, key_word, parameter_set_hash},
    proposal::{ProposalFile, description_hash, operation_id, proposal_id, salt_v4, salt_v5},
};
use proptest::prelude::*;
use serde::Deserialize;

fn file(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[derive(Deserialize)]
struct Cases<T> {
    cases: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetCase {
    name: String,
    engine_name: String,
    engine: B256,
    revision: u64,
    parameters: Vec<Parameter>,
    parameter_set_hash: B256,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    key: B256,
    value: Bytes,
}

#[test]
fn parameter_sets_hash_as_the_registry_hashes_them() {
    let Cases { cases } = serde_json::from_slice::<Cases<SetCase>>(&file("contracts/test/vectors/parameter-set.json")).unwrap();
    assert!(cases.len() >= 10);
    for case in cases {
        let values: BTreeMap<B256, Vec<u8>> = case.parameters.iter().map(|parameter| (parameter.key, parameter.value.to_vec())).collect();
        assert_eq!(values.len(), case.parameters.len(), "{}", case.name);
        assert_eq!(parameter_set_hash(case.engine, case.revision, &values), case.parameter_set_hash, "{}", case.name);
        for parameter in &case.parameters {
            assert_eq!(key_word(&parameter.name), Some(parameter.key), "{}", case.name);
            assert_eq!(key_text(parameter.key).as_ref(), Some(&parameter.name), "{}", case.name);
        }
        assert_eq!(key_word(&case.engine_name).unwrap_or_default(), case.engine, "{}", case.name);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProposalCase {
    name: String,
    #[serde(flatten)]
    file: ProposalFile,
    proposal_id: String,
    #[serde(default)]
    operation_id: KnownOperation,
}

/// Operation ids under the salt rules of OpenZeppelin 4 and 5, where somebody else computed them.
#[derive(Default, Deserialize)]
struct KnownOperation {
    v4: Option<B256>,
    v5: Option<B256>,
}

fn proposals() -> Vec<ProposalCase> {
    serde_json::from_slice::<Cases<ProposalCase>>(&file("tests/vectors/proposals.json")).unwrap().cases
}

#[test]
fn proposals_of_public_chains_have_the_ids_their_governors_gave_them() {
    let cases = proposals();
    assert_eq!(cases.len(), 17);
    let (mut v4, mut v5) = (0, 0);
    for case in cases {
        let ids = case.file.ids().unwrap();
        assert_eq!(ids.proposal_id, case.proposal_id, "{}", case.name);
        if let Some(expected) = case.operation_id.v4 {
            assert_eq!(ids.operation_id.v4, expected, "{}", case.name);
            v4 += 1;
        }
        if let Some(expected) = case.operation_id.v5 {
            assert_eq!(ids.operation_id.v5, expected, "{}", case.name);
            v5 += 1;
        }
    }
    assert!(v4 >= 11 && v5 >= 2, "{v4} and {v5}");
}

#[test]
fn the_vectors_cover_what_is_easily_got_wrong() {
    let cases = proposals();
    let any = |what: &dyn Fn(&ProposalFile) -> bool| cases.iter().any(|case| what(&case.file));
    assert!(any(&|file| file.calldatas.iter().any(|data| data.is_empty())), "empty calldata");
    assert!(
        any(&|file| file.calldatas.iter().zip(&file.values).any(|(data, value)| data.is_empty() && !value.is_zero())),
        "a plain payment"
    );
    assert!(any(&|file| file.calldatas.iter().any(|data| data.len() == 4)), "a bare selector");
    assert!(any(&|file| file.calldatas.iter().any(|data| data.len() > 10_000)), "large calldata");
    assert!(any(&|file| file.targets.len() >= 10), "many calls");
    assert!(any(&|file| file.targets.contains(&file.governor)), "a call to the governor itself");
}

/// `abi.encode` from the specification: a head of static words and offsets, then the tail, in words of 32 bytes.
mod by_hand {
    use super::*;

    fn word(number: usize) -> Vec<u8> {
        U256::from(number).to_be_bytes::<32>().to_vec()
    }

    fn addresses(all: &[Address]) -> Vec<u8> {
        let mut out = word(all.len());
        for address in all {
            out.extend([0; 12]);
            out.extend(address.as_slice());
        }
        out
    }

    fn numbers(all: &[U256]) -> Vec<u8> {
        let mut out = word(all.len());
        for number in all {
            out.extend(number.to_be_bytes::<32>());
        }
        out
    }

    fn byte_strings(all: &[Bytes]) -> Vec<u8> {
        let mut out = word(all.len());
        let mut tail = Vec::new();
        for bytes in all {
            // Offsets count from behind the length.
            out.extend(word(all.len() * 32 + tail.len()));
            tail.extend(word(bytes.len()));
            tail.extend(bytes.iter());
            tail.extend(vec![0; (32 - bytes.len() % 32) % 32]);
        }
        out.extend(tail);
        out
    }

    /// `(address[], uint256[], bytes[], …static words)`.
    pub fn encode(targets: &[Address], values: &[U256], calldatas: &[Bytes], words: &[B256]) -> Vec<u8> {
        let head = (3 + words.len()) * 32;
        let parts = [addresses(targets), numbers(values), byte_strings(calldatas)];
        let mut out = Vec::new();
        let mut offset = head;
        for part in &parts {
            out.extend(word(offset));
            offset += part.len();
        }
        for word in words {
            out.extend(word.as_slice());
        }
        for part in parts {
            out.extend(part);
        }
        out
    }

    pub fn proposal_id(targets: &[Address], values: &[U256], calldatas: &[Bytes], hash: B256) -> U256 {
        keccak256(encode(targets, values, calldatas, &[hash])).into()
    }

    pub fn operation_id(targets: &[Address], values: &[U256], calldatas: &[Bytes], salt: B256) -> B256 {
        keccak256(encode(targets, values, calldatas, &[B256::ZERO, salt]))
    }
}

/// Calls of every shape: none, empty calldata, lengths around a word's, and large ones.
fn any_calls() -> impl Strategy<Value = (Vec<Address>, Vec<U256>, Vec<Bytes>)> {
    let length = prop_oneof![2 => Just(0usize), 3 => 1..8usize, 3 => 28..72usize, 1 => 72..700usize];
    // Drawing every byte by itself would take most of the test's time.
    let calldata = (length, any::<u64>()).prop_map(|(length, seed)| {
        let words = (0u64..).flat_map(move |place| keccak256([seed.to_be_bytes(), place.to_be_bytes()].concat()).0);
        words.take(length).collect::<Vec<u8>>()
    });
    let value = prop_oneof![Just(U256::ZERO), Just(U256::MAX), any::<[u8; 32]>().prop_map(U256::from_be_bytes)];
    let call = (any::<[u8; 20]>().prop_map(Address::from), value, calldata.prop_map(Bytes::from));
    prop::collection::vec(call, 0..7).prop_map(|calls| {
        let mut lists = (Vec::new(), Vec::new(), Vec::new());
        for (target, value, calldata) in calls {
            lists.0.push(target);
            lists.1.push(value);
            lists.2.push(calldata);
        }
        lists
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

    #[test]
    fn ids_are_those_of_an_encoder_written_by_hand((targets, values, calldatas) in any_calls(), text in prop::collection::vec(any::<u8>(), 0..60), governor in any::<[u8; 20]>()) {
        let (hash, governor) = (description_hash(&text), Address::from(governor));
        prop_assert_eq!(hash, keccak256(&text));
        prop_assert_eq!(proposal_id(&targets, &values, &calldatas, hash), by_hand::proposal_id(&targets, &values, &calldatas, hash));
        let mut v5 = hash;
        for (byte, of_governor) in v5.0.iter_mut().zip(governor) {
            *byte ^= of_governor;
        }
        prop_assert_eq!(operation_id(&targets, &values, &calldatas, salt_v4(hash)), by_hand::operation_id(&targets, &values, &calldatas, hash));
        prop_assert_eq!(operation_id(&targets, &values, &calldatas, salt_v5(governor, hash)), by_hand::operation_id(&targets, &values, &calldatas, v5));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn one_changed_byte_of_text_changes_every_id((targets, values, calldatas) in any_calls(), text in "[ -~]{1,60}", at in any::<prop::sample::Index>(), flip in 1u8..=255) {
        let ids = |text: &[u8]| {
            let hash = description_hash(text);
            (proposal_id(&targets, &values, &calldatas, hash), operation_id(&targets, &values, &calldatas, salt_v4(hash)), operation_id(&targets, &values, &calldatas, salt_v5(Address::ZERO, hash)))
        };
        let mut changed = text.clone().into_bytes();
        let place = at.index(changed.len());
        changed[place] ^= flip;
        for other in [changed, format!("{text}\n").into_bytes(), format!(" {text}").into_bytes()] {
            let (before, after) = (ids(text.as_bytes()), ids(&other));
            prop_assert!(before.0 != after.0 && before.1 != after.1 && before.2 != after.2);
        }
    }
}

#[test]
fn a_trailing_newline_makes_another_proposal() {
    let file = |description: &str| -> ProposalFile {
        serde_json::from_value(serde_json::json!({"governor": Address::repeat_byte(1), "targets": [Address::ZERO], "values": [0], "calldatas": ["0x"], "description": description})).unwrap()
    };
    let texts = ["# Slower tides", "# Slower tides\n", "# Slower tides\r\n", "# Slower tides\\n"];
    let ids: Vec<_> = texts.iter().map(|text| file(text).ids().unwrap()).collect();
    for (index, one) in ids.iter().enumerate() {
        for other in &ids[index + 1..] {
            assert_ne!(one.proposal_id, other.proposal_id);
            assert_ne!(one.operation_id, other.operation_id);
        }
    }
}
