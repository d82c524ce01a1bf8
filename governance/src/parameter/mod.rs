//! Governed parameters: types and bounds, canonical bytes, and the hash that says which set an engine runs.
//!
//! The registry contract enforces the same rules; `contracts/test/vectors` holds what both must compute.

mod definition;
mod set;
mod value;

pub use definition::{Definition, Kind, Refusal, now_allowed};
pub use set::{ParameterSet, key_text, key_word, label, parameter_set_hash};
pub use value::{Value, ValueError};
