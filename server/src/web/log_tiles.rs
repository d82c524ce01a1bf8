//! The log's C2SP tlog-tiles routes.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};

use super::Problem;
use crate::bridge::Bridge;

const TEXT: &str = "text/plain; charset=utf-8";

pub async fn checkpoint(State(bridge): State<Arc<Bridge>>) -> Result<Response, Problem> {
    let (_, note) = bridge.log.publish().await?;
    Ok(([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "public, max-age=1")], note).into_response())
}

pub async fn vkey(State(bridge): State<Arc<Bridge>>) -> Response {
    (
        [(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "public, max-age=60")],
        bridge.log.vkeys().iter().map(|key| format!("{key}\n")).collect::<String>(),
    )
        .into_response()
}

/// Which witnesses cosign, and how many of them a checkpoint needs, as a C2SP tlog-policy.
pub async fn policy(State(bridge): State<Arc<Bridge>>) -> Response {
    ([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "public, max-age=60")], bridge.log.policy()).into_response()
}

/// A body that an entry names, under its SHA-256; for a salted one, the salt comes first.
pub async fn body(State(bridge): State<Arc<Bridge>>, Path(sha256): Path<String>) -> Result<Response, Problem> {
    let found = match sha256.parse() {
        Ok(hash) => bridge.log.body(hash).await?,
        Err(_) => None,
    };
    let bytes = found.ok_or_else(|| Problem::not_found(format!("The body {sha256}")))?;
    // It may be erased one day.
    Ok(([(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "public, max-age=60")], bytes).into_response())
}

pub async fn tile(State(bridge): State<Arc<Bridge>>, Path(path): Path<String>) -> Result<Response, Problem> {
    let path = format!("tile/{path}");
    let tile = path.parse().map_err(|error: governance::log::TileError| Problem::not_found(error))?;
    let bytes = bridge.log.tile(tile).await?.ok_or_else(|| Problem::not_found(format!("{path}, in a log of this size,")))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")], bytes)
        .into_response())
}
