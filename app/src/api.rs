//! Every server function: who is asking, ask the backend, map the answer. The whole list of endpoints is this file.

use governance::proposal::Draft;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::backend;
use crate::{AppError, views::*};

#[server(name = ReadSite, prefix = "/api/page", endpoint = "site")]
pub async fn site() -> Result<Site, AppError> {
    backend::answered(backend::get()?.site(backend::actor()).await)
}

#[server(name = ReadHome, prefix = "/api/page", endpoint = "home")]
pub async fn home() -> Result<Home, AppError> {
    backend::answered(backend::get()?.home().await)
}

#[server(name = ReadProposals, prefix = "/api/page", endpoint = "proposals")]
pub async fn proposals(state: String, search: String) -> Result<Vec<ProposalSummary>, AppError> {
    backend::answered(backend::get()?.proposals(state, search).await)
}

#[server(name = ReadProposal, prefix = "/api/page", endpoint = "proposal")]
pub async fn proposal(proposal_id: String) -> Result<ProposalView, AppError> {
    backend::answered(backend::get()?.proposal(proposal_id).await)
}

#[server(name = ReadEngine, prefix = "/api/page", endpoint = "engine")]
pub async fn engine(engine: String) -> Result<EngineView, AppError> {
    backend::answered(backend::get()?.engine(engine).await)
}

#[server(name = ReadDecisions, prefix = "/api/page", endpoint = "decisions")]
pub async fn decisions() -> Result<Vec<DecisionSummary>, AppError> {
    backend::answered(backend::get()?.decisions().await)
}

#[server(name = ReadDecision, prefix = "/api/page", endpoint = "decision")]
pub async fn decision(digest: String) -> Result<DecisionView, AppError> {
    backend::answered(backend::get()?.decision(digest).await)
}

#[server(name = ReadAgents, prefix = "/api/page", endpoint = "agents")]
pub async fn agents() -> Result<Vec<AgentView>, AppError> {
    backend::answered(backend::get()?.agents().await)
}

#[server(name = ReadAgent, prefix = "/api/page", endpoint = "agent")]
pub async fn agent(slug: String) -> Result<AgentView, AppError> {
    backend::answered(backend::get()?.agent(slug).await)
}

#[server(name = ReadLog, prefix = "/api/page", endpoint = "log", input = server_fn::codec::Json)]
pub async fn log(filter: LogFilter, before: Option<u64>) -> Result<LogView, AppError> {
    backend::answered(backend::get()?.log(filter, before).await)
}

#[server(name = ReadLogChoices, prefix = "/api/page", endpoint = "log_choices")]
pub async fn log_choices() -> Result<LogChoices, AppError> {
    backend::answered(backend::get()?.log_choices().await)
}

#[server(name = ReadEntry, prefix = "/api/page", endpoint = "entry")]
pub async fn entry(index: u64) -> Result<EntryView, AppError> {
    backend::answered(backend::get()?.entry(index).await)
}

#[server(name = ReadDrafts, prefix = "/api/page", endpoint = "drafts")]
pub async fn drafts() -> Result<Vec<DraftView>, AppError> {
    backend::answered(backend::get()?.drafts(backend::actor()).await)
}

#[server(name = ReadDraft, prefix = "/api/page", endpoint = "draft")]
pub async fn draft(id: String) -> Result<DraftView, AppError> {
    backend::answered(backend::get()?.draft(backend::actor(), id).await)
}

#[server(name = SaveDraft, prefix = "/api/page", endpoint = "save_draft", input = server_fn::codec::Json)]
pub async fn save_draft(id: Option<String>, draft: Draft) -> Result<DraftView, AppError> {
    backend::answered(backend::get()?.save_draft(backend::signed_in()?, id, draft).await)
}

#[server(name = DeleteDraft, prefix = "/api/page", endpoint = "delete_draft")]
pub async fn delete_draft(id: String) -> Result<(), AppError> {
    backend::answered(backend::get()?.delete_draft(backend::signed_in()?, id).await)
}
