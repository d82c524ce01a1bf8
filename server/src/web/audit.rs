//! What auditors take away: a decision's bundle, and the whole log with bodies and proofs. And what they bring:
//! statements that are logged.

use std::sync::Arc;

use alloy_primitives::B256;
use app::views::LogFilter;
use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use governance::log::{Hash, origin_hash, statement::Envelope};
use serde_json::{Value, json};

use super::{
    Problem,
    log_entries::{conditions, filter_of},
};
use crate::{
    bridge::Bridge,
    log::{
        Anchor,
        export::{self, Format},
    },
    workflow::statement,
};

/// Anchors that a bundle names: the newest ones.
const MOST_ANCHORS: usize = 4;

pub async fn bundle(State(bridge): State<Arc<Bridge>>, Path(digest): Path<String>) -> Result<Response, Problem> {
    let missing = || Problem::not_found(format!("A log entry of decision {digest}"));
    let parsed: B256 = digest.parse().map_err(|_| missing())?;
    let reading = bridge.reading();
    let anchors = reading.anchors_of(origin_hash(bridge.log.origin())).into_iter().take(MOST_ANCHORS).map(|anchor| Anchor {
        chain: reading.source.chain(),
        contract: reading.source.log_anchor.unwrap_or_default(),
        account: anchor.account,
        transaction: anchor.moment.transaction.clone(),
        size: anchor.size,
        root: Hash(anchor.root.0),
        growth: Vec::new(),
    });
    let bundle = bridge.log.bundle(&reading.source, parsed, anchors.collect()).await?.ok_or_else(missing)?;
    let name = format!("attachment; filename=\"bundle-{}.json\"", &digest[..digest.len().min(12)]);
    Ok(([(header::CONTENT_DISPOSITION, name)], Json(bundle)).into_response())
}

/// The log, or those entries that a filter finds, as `GET /api/v1/log/entries` has it.
pub async fn export(
    State(bridge): State<Arc<Bridge>>,
    Path(file): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let format = match file.as_str() {
        "export.jsonl" => Format::JsonLines,
        "export.csv" => Format::Csv,
        _ => return Err(Problem::not_found(format!("Export {file}"))),
    };
    let (media, name) = (format.media(), format!("attachment; filename=\"log.{}\"", format.ending()));
    let filter = filter_of(&pairs, &[])?;
    let conditions = (filter != LogFilter::default()).then(|| conditions(&bridge.reading(), &filter));
    let lines = export::lines(bridge.log.clone(), format, conditions).await?;
    let body = Body::from_stream(lines.map(|line| line.map_err(std::io::Error::other)));
    Ok(([(header::CONTENT_TYPE, media.to_owned()), (header::CONTENT_DISPOSITION, name)], body).into_response())
}

/// Logs what a signed statement asks for: 201 with each entry's index and leaf hash. Sent again, it answers the same.
pub async fn state(State(bridge): State<Arc<Bridge>>, Json(envelope): Json<Envelope>) -> Result<Response, Problem> {
    let logged = statement::take(&bridge.sequencer, &bridge.reading(), bridge.log.origin(), &envelope).await?;
    let entries: Vec<Value> = logged.iter().map(|entry| json!({"index": entry.index, "leaf": entry.leaf})).collect();
    bridge.tell(vec!["log"], None);
    Ok((StatusCode::CREATED, Json(json!({"entries": entries}))).into_response())
}
