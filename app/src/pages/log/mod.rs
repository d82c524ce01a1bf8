//! The explanation log: what was written down, in an order nobody can change, with a proof for each entry.

mod entry;
mod list;
mod steps;

pub use entry::EntryPage;
pub use list::LogPage;
