//! A whole parameter set and its hash. The exact encoding stands here and in `ParameterRegistry.sol`, nowhere else.

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::SolValue;

use super::{Definition, Value};

/// An engine's values at a revision, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParameterSet {
    pub engine: String,
    pub revision: u64,
    pub parameters: BTreeMap<String, (Definition, Value)>,
}

impl ParameterSet {
    pub fn hash(&self) -> B256 {
        let values = self.parameters.iter().map(|(key, (_, value))| (key_word(key).unwrap_or_default(), value.canonical())).collect();
        parameter_set_hash(key_word(&self.engine).unwrap_or_default(), self.revision, &values)
    }
}

/// keccak256(abi.encode(engine, revision, keys ascending, keccak256 of each value's canonical bytes)).
pub fn parameter_set_hash(engine: B256, revision: u64, values: &BTreeMap<B256, Vec<u8>>) -> B256 {
    let keys: Vec<B256> = values.keys().copied().collect();
    let hashes: Vec<B256> = values.values().map(keccak256).collect();
    keccak256((engine, revision, keys, hashes).abi_encode_params())
}

/// A key or engine id as its 32-byte word: ASCII, left-aligned. `None` unless `[a-z0-9._-]{1,32}`.
pub fn key_word(key: &str) -> Option<B256> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    if key.is_empty() || key.len() > 32 || !key.bytes().all(allowed) {
        return None;
    }
    let mut word = [0; 32];
    word[..key.len()].copy_from_slice(key.as_bytes());
    Some(word.into())
}

/// The reverse of [`key_word`].
pub fn key_text(word: B256) -> Option<String> {
    let length = word.iter().position(|byte| *byte == 0).unwrap_or(32);
    let text = std::str::from_utf8(&word[..length]).ok()?;
    (key_word(text)? == word).then(|| text.to_owned())
}

/// A key for people: `mint.cadence` is "Mint cadence".
pub fn label(key: &str) -> String {
    let spaced = key.replace(['.', '_', '-'], " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_odd_ones_are_refused() {
        assert_eq!(key_text(key_word("mint.price").unwrap()).as_deref(), Some("mint.price"));
        for odd in ["", "Mint", "mint/price", "a234567890123456789012345678901234"] {
            assert_eq!(key_word(odd), None, "{odd}");
        }
    }

    #[test]
    fn words_sort_as_their_keys_do() {
        assert!(key_word("mint.open").unwrap() < key_word("mint.price").unwrap());
    }
}
