//! Decisions: what agents recommended, from which numbers, and whether those numbers hold.

mod certainty;
mod head;
mod list;
mod opinions;
mod otherwise;
mod recompute;
mod record;
mod show;
mod verdicts;

pub(super) use list::DecisionRows;
pub use list::DecisionsPage;
pub use show::DecisionPage;
