//! Agents: who they are, which model they use, and what came of their advice.

mod list;
mod show;

pub use list::AgentsPage;
pub use show::AgentPage;
