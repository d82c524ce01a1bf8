//! What the DAO decides: the list, and each proposal's page.

mod list;
mod show;

pub use list::ProposalsPage;
pub use show::ProposalPage;
