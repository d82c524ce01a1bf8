//! The explanation log: what was written down, in an order nobody can change, with a proof for each entry.

mod anchored;
mod bundle;
mod entry;
mod growth;
mod honest;
mod list;
mod memory;
mod search;
mod steps;

pub use bundle::Bundle;
pub use entry::EntryPage;
pub use list::LogPage;
pub use search::verdict_words;
