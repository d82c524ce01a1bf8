//! Decisions: what agents recommended, from which numbers, and whether those numbers hold.

mod list;
mod recompute;
mod show;

pub(super) use list::DecisionRows;
pub use list::DecisionsPage;
pub use show::DecisionPage;
