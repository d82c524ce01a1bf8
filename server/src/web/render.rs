//! Images: the procedural engine's look under any ratified revision, what the engine itself serves, and fixed assets.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use governance::{
    parameter::Value,
    render::{Look, render},
};

use super::{Problem, Web};
use crate::{bridge::Bridge, engine::seed_of};

const SVG: &str = "image/svg+xml";
/// Largest answer passed on from an engine, in bytes.
const LARGEST: usize = 2 << 20;

/// `/render/{engine}/{seed}.svg?revision=…&key=value…`: a seed under a ratified revision, with values of the query in
/// place of its own. What a proposal would look like is therefore shown with the very function that engines run.
pub async fn image(
    State(bridge): State<Arc<Bridge>>,
    Path((engine, file)): Path<(String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    let reading = bridge.reading();
    let facts = reading.facts.engines.get(&engine).ok_or_else(|| Problem::not_found(format!("Engine {engine}")))?;
    let seed = file.strip_suffix(".svg").ok_or_else(|| Problem::not_found(&file))?;
    let revision = match query.get("revision") {
        None => facts.revisions.last(),
        Some(number) => facts.revisions.iter().find(|revision| revision.revision.to_string() == *number),
    };
    let revision = revision.ok_or_else(|| Problem::not_found("That revision"))?;
    let mut flags: BTreeMap<String, serde_json::Value> =
        revision.values.iter().map(|(key, held)| (key.clone(), facts.json(key, &held.bytes))).collect();
    for (key, text) in query.iter().filter(|(key, _)| *key != "revision") {
        let definition = facts
            .definitions
            .get(key)
            .ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, format!("{key} is not a parameter of {engine}.")))?;
        let refuse = |reason: String| Problem::new(StatusCode::BAD_REQUEST, format!("{key}: {reason}."));
        let value = Value::from_text(definition, text).map_err(|error| refuse(error.to_string()))?;
        definition.check_bounds(&value).map_err(|error| refuse(error.to_string()))?;
        flags.insert(key.clone(), value.to_json(definition));
    }
    let look = Look::from_flags(&flags).map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
    let cache = if query.contains_key("revision") { "public, max-age=86400" } else { "no-cache" };
    Ok(([(header::CONTENT_TYPE, SVG), (header::CACHE_CONTROL, cache)], render(seed_of(seed), &look)).into_response())
}

/// `/engine/{engine}/…`: what the engine's own process serves, so that pages need no other origin.
pub async fn from_engine(State(web): State<Web>, Path((engine, path)): Path<(String, String)>) -> Result<Response, Problem> {
    let config = web.bridge.engine_config(&engine).ok_or_else(|| Problem::not_found(format!("Engine {engine}")))?;
    let base = config.url.as_ref().ok_or_else(|| Problem::not_found(format!("An address of engine {engine}")))?;
    if path.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
        return Err(Problem::not_found(path));
    }
    let away =
        |error: reqwest::Error| Problem::new(StatusCode::BAD_GATEWAY, format!("Engine {engine} does not answer: {}", error.without_url()));
    let mut answer = web.http.get(format!("{base}/{path}")).timeout(std::time::Duration::from_secs(5)).send().await.map_err(away)?;
    let status = answer.status();
    let kind = answer.headers().get(header::CONTENT_TYPE).cloned().unwrap_or_else(|| header::HeaderValue::from_static("text/plain"));
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(away)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST {
            return Err(Problem::new(StatusCode::BAD_GATEWAY, format!("Engine {engine} answered with more than {LARGEST} bytes.")));
        }
    }
    Ok((status, [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, header::HeaderValue::from_static("no-cache"))], bytes)
        .into_response())
}

pub async fn asset(Path(file): Path<String>) -> Result<Response, Problem> {
    let (_, kind, bytes) = *app::assets::ALL.iter().find(|(name, ..)| *name == file).ok_or_else(|| Problem::not_found(&file))?;
    let mut answer = ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=60")], bytes).into_response();
    if file == "explainer.js" {
        // A worker lives by the policy of its own script: our module, its WASM, and our own files to read.
        let policy = header::HeaderValue::from_static("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'");
        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(answer)
}
