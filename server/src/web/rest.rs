//! REST under `/api/v1`: lists are `{"items":[…],"next":…}`, errors are RFC 9457 problems, uint256 are strings.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Problem, backend};
use crate::{
    bridge::Bridge,
    reading,
    workflow::{apply, draft},
};

pub(super) type Answer = Result<Json<Value>, Problem>;

pub(super) fn list(items: Vec<Value>) -> Json<Value> {
    Json(json!({"items": items, "next": null}))
}

pub async fn daos(State(bridge): State<Arc<Bridge>>) -> Json<Value> {
    let reading = bridge.reading();
    let source = &reading.source;
    let mut dao = json!({
        "name": reading.dao.name,
        "chain": source.chain(),
        "governor": source.governor,
        "timelock": source.timelock,
        "token": source.token,
        "registry": source.registry,
        "art": source.art,
        "logAnchor": source.log_anchor,
        "validations": source.validations,
        "engines": reading.facts.engines.keys().collect::<Vec<_>>(),
        "block": reading.block,
        "chainTime": reading.chain_time,
        "timelockDelay": reading.settings.timelock_delay,
    });
    if let Some(devnet) = &bridge.config.devnet {
        dao["rpc"] = bridge.config.dao.rpc.replace("ws://", "http://").into();
        dao["accounts"] = json!(devnet.accounts);
    }
    list(vec![dao])
}

pub(super) fn proposal_json(summary: &app::views::ProposalSummary) -> Value {
    json!({
        "chain": summary.chain,
        "governor": summary.governor,
        "proposalId": summary.proposal_id,
        "number": summary.number,
        "state": summary.state,
        "title": summary.title,
        "sentence": summary.sentence,
        "proposer": summary.proposer.address,
        "agent": summary.by_agent,
        "createdAt": summary.created_at,
        "voteStart": summary.vote_start,
        "voteEnd": summary.vote_end,
        "eta": summary.eta,
        "votes": {"for": summary.tally.for_votes, "against": summary.tally.against_votes, "abstain": summary.tally.abstain_votes, "quorum": summary.tally.quorum},
    })
}

#[derive(Debug, Default, Deserialize)]
pub struct ProposalsAsked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    q: String,
}

pub async fn proposals(State(bridge): State<Arc<Bridge>>, Query(asked): Query<ProposalsAsked>) -> Answer {
    if !asked.state.is_empty() && governance::proposal::ProposalState::from_name(&asked.state).is_none() {
        let known: Vec<&str> =
            governance::proposal::ProposalState::ALL.into_iter().map(governance::proposal::ProposalState::name).collect();
        return Err(Problem::new(StatusCode::BAD_REQUEST, format!("state is {}; it must be one of {}.", asked.state, known.join(", "))));
    }
    Ok(list(backend::filtered(&bridge.reading(), &asked.state, &asked.q).iter().map(proposal_json).collect()))
}

pub async fn proposal(State(bridge): State<Arc<Bridge>>, Path(id): Path<String>) -> Answer {
    let reading = bridge.reading();
    let proposal = id.parse().ok().and_then(|id| reading.facts.proposal(id)).ok_or_else(|| Problem::not_found(format!("Proposal {id}")))?;
    let view = reading.proposal_view(proposal, vec![]);
    let mut json = proposal_json(&view.summary);
    json["description"] = view.text.into();
    json["targets"] = json!(view.ids.targets);
    json["values"] = json!(view.ids.values);
    json["calldatas"] = json!(view.ids.calldatas);
    json["descriptionHash"] = view.ids.description_hash.into();
    json["operationId"] = json!({"v4": view.ids.operation_v4, "v5": view.ids.operation_v5, "onChain": view.ids.operation_on_chain});
    json["binding"] = json!(view.binding);
    json["decisionDigest"] = json!(view.text_digest);
    json["actions"] = json!(
        view.actions
            .iter()
            .map(
                |action| json!({"target": action.target.address, "function": action.function, "words": action.words, "known": action.known})
            )
            .collect::<Vec<_>>()
    );
    json["ballots"] = json!(view.votes.iter().map(|vote| json!({"voter": vote.voter.address, "support": vote.support, "weight": vote.weight, "reason": vote.reason, "at": vote.at})).collect::<Vec<_>>());
    Ok(Json(json))
}

pub async fn parameters(State(bridge): State<Arc<Bridge>>) -> Json<Value> {
    let reading = bridge.reading();
    let items = reading
        .facts
        .engines
        .values()
        .flat_map(|engine| reading.parameters(engine))
        .map(|parameter| {
            json!({
                "engine": parameter.engine,
                "key": parameter.key,
                "type": parameter.kind,
                "unit": parameter.unit,
                "value": parameter.json,
                "display": parameter.value,
                "canonical": parameter.canonical,
                "definition": parameter.definition,
                "schema": parameter.definition.json_schema(),
                "changedAt": parameter.changed_at,
                "proposalId": parameter.changed_by.map(|proposal| proposal.proposal_id),
            })
        })
        .collect();
    list(items)
}

async fn engine_json(bridge: &Bridge, id: &str) -> Result<Value, Problem> {
    let view = backend::engine_view(bridge, id).await?;
    Ok(json!({
        "id": view.id,
        "name": view.name,
        "status": view.status,
        "ratified": {"revision": view.ratified.revision, "parameterSetHash": view.ratified.hash},
        "served": {"revision": view.served.revision, "parameterSetHash": view.served.hash},
        "running": view.running.map(|running| json!({"revision": running.revision, "parameterSetHash": running.hash, "build": running.build, "outcome": running.outcome, "detail": running.detail})),
        "deliveryMs": view.delivery_ms,
    }))
}

pub async fn engines(State(bridge): State<Arc<Bridge>>) -> Answer {
    let mut items = Vec::new();
    for id in bridge.reading().facts.engines.keys() {
        items.push(engine_json(&bridge, id).await?);
    }
    Ok(list(items))
}

pub async fn engine(State(bridge): State<Arc<Bridge>>, Path(id): Path<String>) -> Answer {
    Ok(Json(engine_json(&bridge, &id).await?))
}

/// What stewards read: the demand that the chain shows, each number with its source.
pub async fn observations(State(bridge): State<Arc<Bridge>>, Path(id): Path<String>) -> Answer {
    let reading = bridge.reading();
    let found = reading::observations(&reading.source, &reading.facts, &id, reading.block, reading.chain_time);
    let items = found.ok_or_else(|| Problem::not_found(format!("Engine {id} with mint.cadence and mint.price")))?;
    let hash = reading.facts.engines.get(&id).and_then(|engine| engine.revisions.last()).map(|revision| revision.hash);
    Ok(Json(
        json!({"items": items, "next": null, "block": reading.block, "chain": reading.source.chain(), "at": reading.chain_time, "parameterSetHash": hash}),
    ))
}

pub async fn report(
    State(bridge): State<Arc<Bridge>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(report): Json<apply::Report>,
) -> Result<StatusCode, Problem> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    if !bridge.is_engine(&id, token) {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, format!("Engine {id} reports with its own token in the Authorization header.")));
    }
    let new = apply::report(&bridge.store, &bridge.reading(), &id, &report).await?;
    bridge.heard_of(&id);
    if new {
        bridge.tell(
            vec!["engines", "log"],
            Some(format!("{id} {} revision {}", if report.accepted { "runs" } else { "refused" }, report.revision)),
        );
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Public drafts only: a person's drafts are private until they are proposed.
pub async fn drafts(State(bridge): State<Arc<Bridge>>) -> Answer {
    let rows = draft::visible_to(&bridge.store, None).await?;
    Ok(list(rows.into_iter().map(|row| json!({"id": row.id, "author": row.author, "updatedAt": row.updated_at, "draft": serde_json::from_str::<Value>(&row.body).unwrap_or_default()})).collect()))
}

pub async fn proof(State(bridge): State<Arc<Bridge>>, Path(index): Path<u64>) -> Answer {
    let proof = bridge.log.prove(index).await?.ok_or_else(|| Problem::not_found(format!("Entry {index}")))?;
    Ok(Json(json!(proof)))
}

/// Published JSON Schemas.
pub async fn schema(Path(path): Path<String>) -> Result<Response, Problem> {
    let text = match path.as_str() {
        "decision/v1" | "decision/v1.json" => include_str!("../../schemas/decision-v1.json"),
        "linear-model/v1" | "linear-model/v1.json" => include_str!("../../schemas/linear-model-v1.json"),
        "log-entry/v1" | "log-entry/v1.json" => include_str!("../../schemas/log-entry-v1.json"),
        "log-statement/v1" | "log-statement/v1.json" => include_str!("../../schemas/log-statement-v1.json"),
        "bundle/v1" | "bundle/v1.json" => include_str!("../../schemas/bundle-v1.json"),
        _ => return Err(Problem::not_found(format!("Schema {path}"))),
    };
    Ok(([(header::CONTENT_TYPE, "application/schema+json")], text).into_response())
}

pub async fn healthz() -> &'static str {
    "ok"
}

/// Ready once the chain has been read and still is.
pub async fn readyz(State(bridge): State<Arc<Bridge>>) -> Response {
    let health = bridge.health();
    match (&health.problem, health.followed) {
        (None, true) => "ready".into_response(),
        (problem, _) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, problem.clone().unwrap_or_else(|| "reading the chain for the first time".into()))
                .into_response()
        }
    }
}
