//! Images and metadata under the parameters that run now.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use governance::render::{render, traits};
use serde_json::json;
use tokio::sync::watch;

use super::{Status, seed_of};

#[derive(Clone)]
struct Serving {
    id: String,
    status: watch::Receiver<Status>,
}

pub(super) fn router(id: String, status: watch::Receiver<Status>) -> Router {
    Router::new()
        .route("/image/{file}", get(image))
        .route("/metadata/{seed}", get(metadata))
        .route("/status", get(state))
        .route("/healthz", get(|| async { "ok" }))
        .with_state(Serving { id, status })
}

fn nothing_yet(serving: &Serving) -> Response {
    let refusal = serving.status.borrow().refusal.clone().unwrap_or_else(|| "no parameters have been read yet".into());
    (StatusCode::SERVICE_UNAVAILABLE, format!("{} draws nothing: {refusal}\n", serving.id)).into_response()
}

async fn image(State(serving): State<Serving>, Path(file): Path<String>) -> Response {
    let Some(running) = serving.status.borrow().running.clone() else { return nothing_yet(&serving) };
    let Some(seed) = file.strip_suffix(".svg") else { return StatusCode::NOT_FOUND.into_response() };
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml".to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, format!("\"{}\"", running.hash)),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox".to_owned()),
    ];
    (headers, render(seed_of(seed), &running.look)).into_response()
}

async fn metadata(State(serving): State<Serving>, Path(seed): Path<String>) -> Response {
    let Some(running) = serving.status.borrow().running.clone() else { return nothing_yet(&serving) };
    let name = seed.trim_end_matches(".json");
    let bytes = seed_of(name);
    let attributes: Vec<_> =
        traits(bytes, &running.look).into_iter().map(|(trait_type, value)| json!({"trait_type": trait_type, "value": value})).collect();
    Json(json!({
        "name": format!("Tideline {name}"),
        "description": "A tidal landscape drawn by a governed engine.",
        "image": format!("/image/{name}.svg"),
        "attributes": attributes,
        "provenance": {"seed": alloy_primitives::hex::encode_prefixed(bytes), "engine": serving.id, "engineVersion": env!("CARGO_PKG_VERSION"), "revision": running.revision, "parameterSetHash": running.hash},
    }))
    .into_response()
}

async fn state(State(serving): State<Serving>) -> Response {
    let status = serving.status.borrow().clone();
    Json(json!({
        "engine": serving.id,
        "running": status.running.map(|running| json!({"revision": running.revision, "parameterSetHash": running.hash, "flags": running.flags})),
        "refusal": status.refusal,
    }))
    .into_response()
}
