//! What pages ask of the server. Object-safe, so that nothing about databases or nodes can follow it into the browser.

use std::sync::Arc;

use async_trait::async_trait;
use governance::proposal::Draft;
use leptos::prelude::*;

use crate::{AppError, views::*};

pub type Answer<T> = Result<T, AppError>;

/// Implemented once, by `server`.
#[async_trait]
pub trait Backend: Send + Sync {
    async fn site(&self, actor: Option<Party>) -> Answer<Site>;
    async fn home(&self) -> Answer<Home>;
    /// Newest first; `state` and `search` narrow the list when not empty.
    async fn proposals(&self, state: String, search: String) -> Answer<Vec<ProposalSummary>>;
    async fn proposal(&self, proposal_id: String) -> Answer<ProposalView>;
    async fn engine(&self, engine: String) -> Answer<EngineView>;
    async fn decisions(&self) -> Answer<Vec<DecisionSummary>>;
    async fn decision(&self, digest: String) -> Answer<DecisionView>;
    async fn agents(&self) -> Answer<Vec<AgentView>>;
    async fn agent(&self, slug: String) -> Answer<AgentView>;
    /// Newest first, below `before`.
    async fn log(&self, filter: LogFilter, before: Option<u64>) -> Answer<LogView>;
    /// What the conditions of a search can be chosen from.
    async fn log_choices(&self) -> Answer<LogChoices>;
    async fn entry(&self, index: u64) -> Answer<EntryView>;
    /// The actor's own drafts and every agent's.
    async fn drafts(&self, actor: Option<Party>) -> Answer<Vec<DraftView>>;
    async fn draft(&self, actor: Option<Party>, id: String) -> Answer<DraftView>;
    /// Creates when `id` is `None`; only the author may change it.
    async fn save_draft(&self, actor: Party, id: Option<String>, draft: Draft) -> Answer<DraftView>;
    async fn delete_draft(&self, actor: Party, id: String) -> Answer<()>;
}

/// The actor of the request being answered, placed in context by `server`.
#[derive(Clone, Debug)]
pub struct CurrentActor(pub Option<Party>);

pub fn get() -> Answer<Arc<dyn Backend>> {
    use_context::<Arc<dyn Backend>>().ok_or_else(|| AppError::Internal("no backend".into()))
}

pub fn actor() -> Option<Party> {
    use_context::<CurrentActor>().and_then(|actor| actor.0)
}

pub fn signed_in() -> Answer<Party> {
    answered(actor().ok_or(AppError::SignIn))
}

/// Gives a server function called over HTTP the status that its error means; a page that is being drawn sets its own.
pub fn answered<T>(answer: Answer<T>) -> Answer<T> {
    let called = use_context::<http::request::Parts>().is_some_and(|parts| parts.uri.path().starts_with("/api/page/"));
    if let (Err(error), true, Some(response)) = (&answer, called, use_context::<leptos_axum::ResponseOptions>()) {
        response.set_status(match error {
            AppError::NotFound(_) => http::StatusCode::NOT_FOUND,
            AppError::Refused(_) => http::StatusCode::UNPROCESSABLE_ENTITY,
            AppError::SignIn => http::StatusCode::UNAUTHORIZED,
            AppError::Internal(_) => http::StatusCode::INTERNAL_SERVER_ERROR,
            AppError::Network(_) => http::StatusCode::BAD_GATEWAY,
        });
    }
    answer
}
