//! What only the devnet has: a demo wallet's JSON-RPC, its accounts, and a clock that a visitor may move.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Problem, Web};
use crate::{bridge::Bridge, devnet::clock};

/// What a wallet needs, and nothing that moves the chain otherwise.
const METHODS: [&str; 16] = [
    "eth_chainId",
    "eth_accounts",
    "eth_blockNumber",
    "eth_call",
    "eth_estimateGas",
    "eth_gasPrice",
    "eth_maxPriorityFeePerGas",
    "eth_feeHistory",
    "eth_getBalance",
    "eth_getCode",
    "eth_getTransactionCount",
    "eth_getTransactionByHash",
    "eth_getTransactionReceipt",
    "eth_sendTransaction",
    "personal_sign",
    "eth_signTypedData_v4",
];

pub async fn rpc(State(web): State<Web>, Json(request): Json<Value>) -> Result<Response, Problem> {
    let method = request.get("method").and_then(Value::as_str).unwrap_or_default();
    if !METHODS.contains(&method) {
        let error = json!({"jsonrpc": "2.0", "id": request.get("id"), "error": {"code": -32601, "message": format!("{method} is not offered by the demo wallet")}});
        return Ok(Json(error).into_response());
    }
    let rpc = web.bridge.config.dao.rpc.replace("ws://", "http://");
    let away =
        |error: reqwest::Error| Problem::new(StatusCode::BAD_GATEWAY, format!("The devnet does not answer: {}", error.without_url()));
    let answer = web.http.post(rpc).json(&request).timeout(std::time::Duration::from_secs(10)).send().await.map_err(away)?;
    Ok(Json(answer.json::<Value>().await.map_err(away)?).into_response())
}

pub async fn accounts(State(bridge): State<Arc<Bridge>>) -> Json<Value> {
    use alloy::eips::BlockId;
    use governance::onchain::abi::VoteToken;
    let reading = bridge.reading();
    let node = bridge.node().await;
    let mut accounts = Vec::new();
    for account in bridge.config.devnet.iter().flat_map(|devnet| &devnet.accounts) {
        let votes = match &node {
            Some(node) => node.call(reading.source.token, VoteToken::getVotesCall { account: *account }, BlockId::latest()).await.ok(),
            None => None,
        };
        let about = reading.dao.names.iter().find(|named| named.address == *account).map(|named| named.about.clone());
        accounts.push(json!({"address": account, "name": reading.party(*account).label(), "about": about, "votes": votes.map(crate::reading::text::tokens)}));
    }
    Json(json!(accounts))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    seconds: u64,
}

/// Moves the devnet's clock ahead, at most thirty days at a time.
pub async fn skip(State(bridge): State<Arc<Bridge>>, Json(asked): Json<Skip>) -> Result<Json<Value>, Problem> {
    if asked.seconds == 0 || asked.seconds > 30 * 86_400 {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("seconds is {}; it must be 1 to {}.", asked.seconds, 30 * 86_400),
        ));
    }
    let rpc = bridge.config.dao.rpc.replace("ws://", "http://");
    let now = clock::skip(&rpc, asked.seconds)
        .await
        .map_err(|error| Problem::new(StatusCode::BAD_GATEWAY, format!("The devnet's clock could not be moved: {error}")))?;
    Ok(Json(json!({"chainTime": now})))
}
