//! One module per address: each fetches what its page needs and arranges components around it.

mod agents;
mod decisions;
mod drafts;
mod home;
pub(crate) mod log;
mod not_found;
mod parameters;
mod proposals;

pub use agents::{AgentPage, AgentsPage};
pub use decisions::{DecisionPage, DecisionsPage};
pub use drafts::{DraftPage, DraftsPage, NewDraftPage};
pub use home::HomePage;
pub use log::{EntryPage, LogPage};
pub use not_found::NotFoundPage;
pub use parameters::{EnginePage, ParametersPage};
pub use proposals::{ProposalPage, ProposalsPage};
