//! OFREP 0.3 and flagd: ratified parameters for engines, and nothing else.
//!
//! A value is served only when the whole set hashes to what the registry stored; otherwise the request fails rather than
//! hand out what was not ratified. The shape satisfies the stricter published clients: `value`, `variant` and `reason`
//! are always there, a decimal always has a fraction, and the revision travels as the `variant`.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt};
use governance::parameter::Kind;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_stream::wrappers::BroadcastStream;

use crate::{
    bridge::Bridge,
    reading::{EngineFacts, Reading, RevisionFacts, served},
};

#[derive(Debug, Default, Deserialize)]
struct Request {
    #[serde(default)]
    context: serde_json::Map<String, Value>,
}

fn failure(status: StatusCode, key: Option<&str>, code: &str, details: String) -> Response {
    let mut body = json!({"errorCode": code, "errorDetails": details});
    if let Some(key) = key {
        body["key"] = key.into();
    }
    (status, Json(body)).into_response()
}

fn read(body: &Bytes) -> Result<Request, String> {
    if body.is_empty() {
        return Ok(Request::default());
    }
    // A list would otherwise be read as the members in order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err("the body is not an evaluation request: an object is needed".into());
    }
    let request: Request = serde_json::from_slice(body).map_err(|error| format!("the body is not an evaluation request: {error}"))?;
    for (name, value) in request.context.iter().filter(|(name, _)| ["targetingKey", "engine"].contains(&name.as_str())) {
        if !value.is_string() {
            return Err(format!("context.{name} is {value}, a string is needed"));
        }
    }
    Ok(request)
}

/// The engine that is asked for: named in the path or the context, else the only one there is.
fn engine<'a>(reading: &'a Reading, named: Option<&str>, request: &Request) -> Result<&'a EngineFacts, String> {
    let context = |name: &str| request.context.get(name).and_then(Value::as_str);
    let engines = &reading.facts.engines;
    if let Some(named) = named.or(context("engine")) {
        return engines.get(named).ok_or_else(|| format!("engine {named} is not known here"));
    }
    if let Some(found) = context("targetingKey").and_then(|key| engines.get(key)) {
        return Ok(found);
    }
    match engines.len() {
        1 => engines.values().next().ok_or_else(String::new),
        0 => Err("no engine has parameters here yet".into()),
        _ => Err(format!("name the engine in context.engine; there are {}", engines.keys().cloned().collect::<Vec<_>>().join(", "))),
    }
}

fn etag(revision: &RevisionFacts) -> String {
    format!("\"r{}-{}\"", revision.revision, &revision.hash.to_string()[2..18])
}

/// Where a value comes from, as flag metadata (only strings, numbers and booleans may stand there).
fn metadata(reading: &Reading, engine: &EngineFacts, revision: &RevisionFacts, key: &str) -> Value {
    let (Some(held), Some(definition)) = (revision.values.get(key), engine.definitions.get(key)) else { return json!({}) };
    let origin = engine.revisions.iter().find(|found| found.revision == held.revision);
    let mut metadata = json!({
        "engine": engine.id,
        "type": definition.kind.name(),
        "revision": revision.revision,
        "parameterSetHash": revision.hash.to_string(),
        "changedInRevision": held.revision,
        "canonical": held.bytes.to_string(),
    });
    if !definition.unit.is_empty() {
        metadata["unit"] = definition.unit.clone().into();
    }
    if definition.kind == Kind::Decimal {
        metadata["decimals"] = definition.decimals.into();
    }
    if definition.kind == Kind::Choice {
        metadata["options"] = definition.options.join(",").into();
    }
    if let Some(origin) = origin {
        metadata["executedTx"] = origin.moment.transaction.clone().into();
        if let Some(proposal) = reading.facts.executed_in(&origin.moment.transaction) {
            metadata["proposalId"] = proposal.id.to_string().into();
        }
        if !origin.decision_digest.is_zero() {
            metadata["decisionDigest"] = origin.decision_digest.to_string().into();
        }
    }
    metadata
}

fn evaluation(reading: &Reading, engine: &EngineFacts, revision: &RevisionFacts, key: &str) -> Option<Value> {
    let held = revision.values.get(key)?;
    Some(json!({
        "key": key,
        "value": engine.json(key, &held.bytes),
        "variant": format!("r{}", revision.revision),
        "reason": "STATIC",
        "metadata": metadata(reading, engine, revision, key),
    }))
}

fn ratified(engine: &EngineFacts) -> Result<&RevisionFacts, Box<Response>> {
    served(engine).ok_or_else(|| {
        tracing::error!(engine = %engine.id, "the values of {} do not hash to what the registry stored; nothing is served", engine.id);
        Box::new(failure(
            StatusCode::INTERNAL_SERVER_ERROR,
            None,
            "GENERAL",
            format!("the values of {} do not hash to what the registry stored", engine.id),
        ))
    })
}

pub async fn single(state: State<Arc<Bridge>>, Path(key): Path<String>, body: Bytes) -> Response {
    evaluate(&state, None, &key, &body)
}

pub async fn single_of(state: State<Arc<Bridge>>, Path((engine, key)): Path<(String, String)>, body: Bytes) -> Response {
    evaluate(&state, Some(&engine), &key, &body)
}

fn evaluate(bridge: &Bridge, named: Option<&str>, key: &str, body: &Bytes) -> Response {
    let request = match read(body) {
        Ok(request) => request,
        Err(details) => return failure(StatusCode::BAD_REQUEST, Some(key), "PARSE_ERROR", details),
    };
    let reading = bridge.reading();
    let engine = match engine(&reading, named, &request) {
        Ok(engine) => engine,
        Err(details) => return failure(StatusCode::BAD_REQUEST, Some(key), "INVALID_CONTEXT", details),
    };
    let revision = match ratified(engine) {
        Ok(revision) => revision,
        Err(refusal) => return *refusal,
    };
    match evaluation(&reading, engine, revision, key) {
        Some(found) => ([(header::CACHE_CONTROL, "no-cache")], Json(found)).into_response(),
        None => failure(StatusCode::NOT_FOUND, Some(key), "FLAG_NOT_FOUND", format!("{key} is not a parameter of {}", engine.id)),
    }
}

pub async fn bulk(state: State<Arc<Bridge>>, headers: HeaderMap, body: Bytes) -> Response {
    evaluate_all(&state, None, &headers, &body)
}

pub async fn bulk_of(state: State<Arc<Bridge>>, Path(engine): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    evaluate_all(&state, Some(&engine), &headers, &body)
}

fn evaluate_all(bridge: &Bridge, named: Option<&str>, headers: &HeaderMap, body: &Bytes) -> Response {
    let request = match read(body) {
        Ok(request) => request,
        Err(details) => return failure(StatusCode::BAD_REQUEST, None, "PARSE_ERROR", details),
    };
    let reading = bridge.reading();
    let engine = match engine(&reading, named, &request) {
        Ok(engine) => engine,
        Err(details) => return failure(StatusCode::BAD_REQUEST, None, "INVALID_CONTEXT", details),
    };
    let revision = match ratified(engine) {
        Ok(revision) => revision,
        Err(refusal) => return *refusal,
    };
    let etag = etag(revision);
    if unchanged(headers, &etag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    let flags: Vec<Value> = revision.values.keys().filter_map(|key| evaluation(&reading, engine, revision, key)).collect();
    let body = json!({
        "flags": flags,
        "metadata": {"engine": engine.id, "version": revision.revision, "revision": revision.revision, "parameterSetHash": revision.hash.to_string()},
        "eventStreams": [{"type": "sse", "endpoint": {"requestUri": format!("/ofrep/v1/events?engine={}", engine.id)}, "inactivityDelaySec": 120}],
    });
    ([(header::ETAG, etag), (header::CACHE_CONTROL, "no-cache".to_owned())], Json(body)).into_response()
}

/// Whether whoever asks has this already.
pub(super) fn unchanged(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|asked| asked.split(',').any(|one| one.trim().trim_start_matches("W/") == etag))
}

#[derive(Debug, Deserialize)]
pub struct Asked {
    engine: Option<String>,
}

/// Tells a client to evaluate again whenever the ratified set changed (ADR 0008 of the protocol).
pub async fn events(State(bridge): State<Arc<Bridge>>, Query(asked): Query<Asked>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = BroadcastStream::new(bridge.changes.subscribe()).filter_map(move |change| {
        let bridge = bridge.clone();
        let asked = asked.engine.clone();
        async move {
            // After a gap the client had better look again, too.
            if let Ok(change) = &change
                && !change.what.contains(&"parameters")
            {
                return None;
            }
            let reading = bridge.reading();
            let engine = asked.as_ref().map_or_else(|| reading.facts.engines.values().next(), |id| reading.facts.engines.get(id))?;
            let revision = served(engine)?;
            let data = json!({"type": "refetchEvaluation", "etag": etag(revision), "lastModified": revision.moment.at});
            Event::default().id(format!("{}", revision.revision)).event("message").json_data(data).ok().map(Ok)
        }
    });
    Sse::new(changes).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// `GET /flagd/{engine}.json`: flagd's HTTP sync.
pub async fn flagd(State(bridge): State<Arc<Bridge>>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    let reading = bridge.reading();
    let Some(engine) = file.strip_suffix(".json").and_then(|id| reading.facts.engines.get(id)) else {
        return failure(StatusCode::NOT_FOUND, None, "FLAG_NOT_FOUND", format!("{file} is not an engine's flags"));
    };
    let revision = match ratified(engine) {
        Ok(revision) => revision,
        Err(refusal) => return *refusal,
    };
    let etag = etag(revision);
    if unchanged(&headers, &etag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    let variant = format!("r{}", revision.revision);
    let flags: serde_json::Map<String, Value> = revision
        .values
        .iter()
        .map(|(key, held)| {
            let flag = json!({
                "state": "ENABLED",
                "variants": {variant.as_str(): engine.json(key, &held.bytes)},
                "defaultVariant": variant,
                "metadata": metadata(&reading, engine, revision, key),
            });
            (key.clone(), flag)
        })
        .collect();
    let body = json!({
        "$schema": "https://flagd.dev/schema/v0/flags.json",
        "flags": flags,
        "metadata": {"flagSetId": engine.id, "version": revision.revision.to_string(), "parameterSetHash": revision.hash.to_string()},
    });
    ([(header::ETAG, etag), (header::CACHE_CONTROL, "no-cache".to_owned())], Json(body)).into_response()
}
