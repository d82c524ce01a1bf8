//! The chain's view of the rules: contract interfaces, and calls told in words.

pub mod abi;
mod words;

// The chain's own words for values, for those who build on these rules without a chain library of their own.
pub use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
pub use alloy_sol_types::SolCall;
pub use words::{Context, Worded, in_words, list};
