//! Decisions over REST: agents hand them in, with their models and backgrounds; everyone reads them.
//!
//! Bodies are read here and not by an extractor, so that one that is too long is refused with the limit it broke.
//! What is named by its hash never changes, and is served as such.

use std::sync::Arc;

use alloy_primitives::{B256, hex};
use app::{AppError, backend::Backend};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use governance::explanation::{Model, VerificationState};
use sea_orm::EntityTrait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Problem,
    backend::Pages,
    ofrep::unchanged,
    rest::{self, Answer},
};
use crate::{
    bridge::Bridge,
    reading::{self, Decided},
    store::entities::{background, model},
    workflow::explain::{self, MAX_BACKGROUND, MAX_MODEL, MAX_RECORD, Published, background_is_named, model_is_named},
};

fn summary(summary: &app::views::DecisionSummary) -> Value {
    json!({
        "digest": summary.digest,
        "agent": {"address": summary.agent.address, "name": summary.agent.name, "slug": summary.agent_slug},
        "question": summary.question,
        "summary": summary.line,
        "at": summary.at,
        "verification": summary.state,
        "proposalId": summary.proposal.as_ref().map(|proposal| &proposal.proposal_id),
        "draft": summary.draft,
    })
}

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    agent: String,
}

pub async fn list(State(bridge): State<Arc<Bridge>>, Query(asked): Query<Asked>) -> Json<Value> {
    let all = bridge.reading().decision_summaries();
    rest::list(all.iter().filter(|one| asked.agent.is_empty() || one.agent_slug == asked.agent).map(summary).collect())
}

fn find(bridge: &Bridge, digest: &str) -> Result<Arc<Decided>, Problem> {
    let found = digest.parse::<B256>().ok().and_then(|digest| bridge.reading().decisions.get(digest).cloned());
    found.ok_or_else(|| Problem::not_found(format!("Decision {digest}")))
}

/// A decision with what the bridge found when it recomputed it. It changes with its proposal and its files.
pub async fn decision(State(bridge): State<Arc<Bridge>>, Path(digest): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let decided = find(&bridge, &digest)?;
    let view = Pages(bridge.clone()).decision(decided.digest.to_string()).await.map_err(problem)?;
    let record = &decided.record;
    let mut json = summary(&view.summary);
    json["lines"] = json!(view.lines);
    json["record"] = serde_json::from_str(&decided.raw).unwrap_or(Value::Null);
    json["recordUrl"] = format!("/api/v1/decisions/{}/record", decided.digest).into();
    json["modelUrl"] = json!(view.model_url);
    let background = reading::decisions::background_of(record).filter(|_| decided.at_hand.background);
    json["backgroundUrl"] = json!(background.map(|sha256| format!("/api/v1/backgrounds/{sha256}")));
    json["checks"] = json!(view.verification.checks().collect::<Vec<_>>());
    json["links"] = json!(view.verification.links);
    json["why"] = json!(view.why);
    json["stale"] = json!(view.stale);
    json["bars"] = json!(view.bars);
    json["whatIfs"] = json!(view.what_ifs);
    json["outcome"] = json!(view.outcome);
    json["ruleSteps"] = json!(view.rule_steps);
    json["binding"] = json!(view.binding);
    json["acceptedBlock"] = json!(decided.accepted_block);
    json["entry"] = json!(view.entry.map(|entry| json!({"index": entry.index, "leafHash": entry.leaf_hash})));
    json["verdicts"] = json!(
        view.verdicts
            .iter()
            .map(|said| json!({"auditor": said.auditor.address, "name": said.auditor.name, "listed": said.listed, "verdict": said.verdict, "response": said.response, "report": said.report, "at": said.at, "transaction": said.transaction, "entry": said.entry}))
            .collect::<Vec<_>>()
    );
    let reading = bridge.reading();
    json["proposal"] = json!(reading.proposal_of(decided.digest).map(|proposal| {
        let summary = reading.summary(proposal);
        json!({"proposalId": summary.proposal_id, "number": summary.number, "state": summary.state, "title": summary.title, "eta": summary.eta})
    }));
    let bytes = serde_json::to_vec(&json).unwrap_or_default();
    let etag = format!("\"{}\"", hex::encode(&Model::sha256(&bytes)[..16]));
    if unchanged(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let about =
        [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CACHE_CONTROL, "no-cache".to_owned()), (header::ETAG, etag)];
    Ok((about, bytes).into_response())
}

/// What never changes under its name; whoever has it already is told so.
fn immutable(headers: &HeaderMap, name: &str, kind: &'static str, bytes: Vec<u8>) -> Response {
    let etag = format!("\"{name}\"");
    let about = [(header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()), (header::ETAG, etag.clone())];
    if unchanged(headers, &etag) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, [(header::CONTENT_TYPE, kind)], bytes).into_response()
}

/// The record's bytes exactly as they were signed and handed in.
pub async fn record(State(bridge): State<Arc<Bridge>>, Path(digest): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let decided = find(&bridge, &digest)?;
    Ok(immutable(&headers, &decided.digest.to_string(), "application/json", decided.raw.clone().into_bytes()))
}

/// Takes a record in: 201 when it is new, 200 with the same body when it was here.
pub async fn decide(State(bridge): State<Arc<Bridge>>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    is_json(&headers)?;
    let body = whole(&headers, body, "a decision record", MAX_RECORD).await?;
    let accepted = bridge.accept_decision(&body).await?;
    let status = if accepted.new { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("/api/v1/decisions/{}", accepted.digest);
    let answer = json!({"digest": accepted.digest, "draft": reading::draft_id(accepted.digest)});
    Ok((status, [(header::LOCATION, location)], Json(answer)).into_response())
}

/// Refuses what says that it is something else. What says nothing is taken at its word when it is read.
fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let kind = kind.to_str().unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("The body is {kind}; a decision record is application/json.")))
}

/// Reads a body to its end, unless that is too far.
async fn whole(headers: &HeaderMap, body: Body, what: &str, most: usize) -> Result<Bytes, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(explain::too_large(what, most).into());
    }
    axum::body::to_bytes(body, most).await.map_err(|error| {
        let limit = std::error::Error::source(&error).is_some_and(|source| source.to_string().contains("limit"));
        if limit { Problem::from(explain::too_large(what, most)) } else { Problem::new(StatusCode::BAD_REQUEST, error.to_string()) }
    })
}

/// A file's answer: what it is, and what became of the decisions that name it.
fn published(sha256: &str, bytes: usize, format: Option<&str>, found: &Published) -> Response {
    let status = if found.new { StatusCode::CREATED } else { StatusCode::OK };
    let decisions: Vec<Value> = found
        .decisions
        .iter()
        .map(|(digest, state): &(B256, VerificationState)| json!({"digest": digest, "verification": state}))
        .collect();
    (status, Json(json!({"sha256": sha256, "bytes": bytes, "format": format, "decisions": decisions}))).into_response()
}

pub async fn model(State(bridge): State<Arc<Bridge>>, Path(sha256): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let row =
        model::Entity::find_by_id(&sha256).one(&bridge.store.db).await?.ok_or_else(|| Problem::not_found(format!("Model {sha256}")))?;
    Ok(immutable(&headers, &sha256, kind_of(&row.bytes), row.bytes))
}

/// What a file looks like; nothing that a browser would run.
fn kind_of(bytes: &[u8]) -> &'static str {
    match bytes.trim_ascii_start().first() {
        Some(b'{' | b'[') => "application/json",
        _ => "application/octet-stream",
    }
}

pub async fn publish_model(
    State(bridge): State<Arc<Bridge>>,
    Path(sha256): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    // Before so many bytes are read.
    model_is_named(&bridge.reading(), &sha256)?;
    let body = whole(&headers, body, "a model", MAX_MODEL).await?;
    let found = bridge.publish_model(&sha256, &body).await?;
    let format =
        bridge.reading().decisions.all.values().find(|one| one.record.model.sha256 == sha256).map(|one| one.record.model.format.clone());
    Ok(published(&sha256, body.len(), format.as_deref(), &found))
}

pub async fn background(State(bridge): State<Arc<Bridge>>, Path(sha256): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let row = background::Entity::find_by_id(&sha256)
        .one(&bridge.store.db)
        .await?
        .ok_or_else(|| Problem::not_found(format!("Background {sha256}")))?;
    let kind = if kind_of(&row.bytes) == "application/json" { "application/json" } else { "text/csv; charset=utf-8" };
    Ok(immutable(&headers, &sha256, kind, row.bytes))
}

pub async fn publish_background(
    State(bridge): State<Arc<Bridge>>,
    Path(sha256): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    background_is_named(&bridge.reading(), &sha256)?;
    let body = whole(&headers, body, "a background", MAX_BACKGROUND).await?;
    let found = bridge.publish_background(&sha256, &body).await?;
    let format = if kind_of(&body) == "application/json" { "json" } else { "csv" };
    Ok(published(&sha256, body.len(), Some(format), &found))
}

pub async fn agents(State(bridge): State<Arc<Bridge>>) -> Json<Value> {
    let reading = bridge.reading();
    let agents = reading.dao.agents.iter();
    rest::list(
        agents.map(|agent| json!({"slug": agent.slug, "name": agent.name, "address": agent.address, "about": agent.about})).collect(),
    )
}

/// An agent with what it decided and what became of that.
pub async fn agent(State(bridge): State<Arc<Bridge>>, Path(slug): Path<String>) -> Answer {
    let view = Pages(bridge).agent(slug).await.map_err(problem)?;
    let states = [VerificationState::Mismatch, VerificationState::Claimed, VerificationState::Recomputed, VerificationState::Attested];
    let counted = |state| view.decisions.iter().filter(|decision| decision.state == state).count();
    Ok(Json(json!({
        "slug": view.slug,
        "name": view.party.name,
        "address": view.party.address,
        "about": view.about,
        "model": view.model,
        "firstSeen": (!view.decisions.is_empty()).then_some(view.first_seen),
        "verification": states.map(|state| json!({"state": state, "decisions": counted(state)})),
        "decisions": view.decisions.iter().map(summary).collect::<Vec<_>>(),
        "proposals": view.proposals.iter().map(rest::proposal_json).collect::<Vec<_>>(),
    })))
}

/// What a page would be told, for programs.
pub(super) fn problem(error: AppError) -> Problem {
    match error {
        AppError::NotFound(what) => Problem::not_found(what),
        AppError::Refused(detail) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail),
        // It was logged where it happened.
        other => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, other.to_string()),
    }
}
