//! Reading parameters over OFREP, checking them against the chain, and reporting.

use std::{collections::BTreeMap, time::Duration};

use alloy::eips::BlockId;
use alloy_primitives::B256;
use futures::StreamExt;
use governance::{
    onchain::abi::ParameterRegistry,
    parameter::{Definition, Kind, Value, key_word, parameter_set_hash},
    render::Look,
};
use reqwest::{Client, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;
use tracing::{info, warn};

use super::{EngineArgs, Running, Status};
use crate::chain::Node;

/// Without a push, look again this often.
const POLL: Duration = Duration::from_secs(5);
/// A report is repeated this often, as a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(15);
const BUILD: &str = concat!("tideline ", env!("CARGO_PKG_VERSION"));

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bulk {
    flags: Vec<Flag>,
    metadata: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    event_streams: Vec<EventStream>,
}

#[derive(Debug, Deserialize)]
struct Flag {
    key: String,
    #[serde(default)]
    value: serde_json::Value,
    #[serde(default)]
    metadata: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventStream {
    endpoint: Option<Endpoint>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    request_uri: String,
}

/// Why a served set is not run.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the bridge does not answer: {0}")]
    Away(String),
    #[error("{0}: {1}")]
    Value(String, String),
    #[error("the served values hash to {computed}, but the chain has {on_chain}")]
    Hash { computed: B256, on_chain: B256 },
    #[error("the chain could not be asked: {0}")]
    Chain(#[from] crate::chain::NodeError),
    #[error("the look cannot be drawn: {0}")]
    Look(String),
}

impl Refusal {
    /// True when it says nothing about the values themselves.
    fn is_transient(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Chain(_))
    }
}

struct Reader {
    args: EngineArgs,
    token: String,
    http: Client,
    node: Option<Node>,
    etag: Option<String>,
}

pub(super) async fn follow(args: EngineArgs, token: String, status: watch::Sender<Status>) {
    let http = Client::builder().connect_timeout(Duration::from_secs(3)).build().unwrap_or_default();
    let mut reader = Reader { args, token, http, node: None, etag: None };
    let mut stream: Option<Pushes> = None;
    let mut reported = tokio::time::Instant::now() - HEARTBEAT;
    loop {
        let events = match reader.load(&status).await {
            Ok(events) => events,
            Err(refusal) => {
                let told = refusal.to_string();
                let before = status.borrow().clone();
                if before.refusal.as_deref() != Some(&told) {
                    warn!("engine {}: {told}", reader.args.id);
                    if !refusal.is_transient() {
                        reader.report(&before, Some(&told)).await;
                    }
                    status.send_modify(|status| status.refusal = Some(told));
                }
                reader.etag = None;
                None
            }
        };
        let current = status.borrow().clone();
        if current.refusal.is_none() && (reported.elapsed() >= HEARTBEAT || events.is_some()) && reader.report(&current, None).await {
            reported = tokio::time::Instant::now();
        }
        if stream.is_none()
            && let Some(uri) = events
        {
            stream = reader.listen(&uri).await;
            if stream.is_some() {
                // What changed between the reading and the listening would otherwise be missed until the next poll.
                continue;
            }
        }
        // A refused set is looked at again soon: the node may only have been a block behind.
        let pause = if current.refusal.is_some() { Duration::from_millis(250) } else { POLL };
        match stream.as_mut() {
            None => tokio::time::sleep(pause.min(Duration::from_secs(1))).await,
            Some(pushes) => match tokio::time::timeout(pause, pushes.next()).await {
                Ok(Some(())) | Err(_) => {}
                Ok(None) => {
                    stream = None;
                    reader.etag = None;
                }
            },
        }
    }
}

impl Reader {
    /// Loads the set if it changed; returns the event stream's address when something was loaded.
    async fn load(&mut self, status: &watch::Sender<Status>) -> Result<Option<String>, Refusal> {
        let away = |error: reqwest::Error| Refusal::Away(error.without_url().to_string());
        let mut request = self
            .http
            .post(format!("{}/ofrep/v1/evaluate/flags", self.args.bridge))
            .timeout(Duration::from_secs(5))
            .json(&json!({"context": {"targetingKey": self.args.id, "engine": self.args.id}}));
        if let Some(etag) = &self.etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let answer = request.send().await.map_err(away)?;
        if answer.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        if !answer.status().is_success() {
            return Err(Refusal::Away(format!("it says {}", answer.status())));
        }
        let etag = answer.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let bulk: Bulk = answer.json().await.map_err(away)?;
        let uri = bulk.event_streams.iter().find_map(|stream| stream.endpoint.as_ref()).map(|endpoint| endpoint.request_uri.clone());
        let running = self.check(bulk).await?;
        info!("engine {} runs revision {} ({})", self.args.id, running.revision, running.hash);
        status.send_replace(Status { running: Some(running.into()), refusal: None });
        self.etag = etag;
        Ok(Some(uri.unwrap_or_default()))
    }

    /// First promise: the hash of the values as served must be the one that the registry has on chain.
    async fn check(&mut self, bulk: Bulk) -> Result<Running, Refusal> {
        let word = key_word(&self.args.id).ok_or_else(|| Refusal::Value(self.args.id.clone(), "not an engine id".into()))?;
        let revision = bulk
            .metadata
            .get("revision")
            .and_then(serde_json::Value::as_u64)
            .ok_or_else(|| Refusal::Value("metadata.revision".into(), "missing".into()))?;
        let mut values = BTreeMap::new();
        let mut flags = BTreeMap::new();
        for flag in bulk.flags {
            let refuse = |reason: String| Refusal::Value(flag.key.clone(), reason);
            let key = key_word(&flag.key).ok_or_else(|| refuse("not a parameter key".into()))?;
            let definition = shape(&flag.metadata).ok_or_else(|| refuse("its type is not told".into()))?;
            let value = Value::from_json(&definition, &flag.value).map_err(|error| refuse(error.to_string()))?;
            values.insert(key, value.canonical());
            flags.insert(flag.key, flag.value);
        }
        let computed = parameter_set_hash(word, revision, &values);
        let node = match &self.node {
            Some(node) => node.clone(),
            None => self.node.insert(Node::connect(&self.args.rpc).await?).clone(),
        };
        let on_chain = node
            .call(self.args.registry, ParameterRegistry::parameterSetHashCall { engine: word }, BlockId::latest())
            .await
            .inspect_err(|_| self.node = None)?;
        if computed != on_chain {
            return Err(Refusal::Hash { computed, on_chain });
        }
        let look = Look::from_flags(&flags).map_err(|error| Refusal::Look(error.to_string()))?;
        Ok(Running { revision, hash: computed, flags, look })
    }

    /// Tells the bridge what runs here, or what was refused.
    async fn report(&self, status: &Status, refusal: Option<&str>) -> bool {
        let Some(running) = status.running.as_ref() else { return false };
        let report = json!({
            "revision": running.revision,
            "parameterSetHash": running.hash,
            "build": BUILD,
            "accepted": refusal.is_none(),
            "detail": refusal.unwrap_or_default().chars().take(300).collect::<String>(),
        });
        let url = format!("{}/api/v1/engines/{}/reports", self.args.bridge, self.args.id);
        match self.http.post(url).bearer_auth(&self.token).timeout(Duration::from_secs(5)).json(&report).send().await {
            Ok(answer) if answer.status().is_success() => true,
            Ok(answer) => {
                warn!("engine {}: the bridge did not take the report: {}", self.args.id, answer.status());
                false
            }
            Err(_) => false,
        }
    }

    async fn listen(&self, uri: &str) -> Option<Pushes> {
        let answer = self.http.get(format!("{}{uri}", self.args.bridge)).header(header::ACCEPT, "text/event-stream").send().await.ok()?;
        answer.status().is_success().then(|| Pushes { bytes: answer.bytes_stream().boxed(), rest: String::new() })
    }
}

/// Type, places and options, as far as reading a value needs them.
fn shape(metadata: &serde_json::Map<String, serde_json::Value>) -> Option<Definition> {
    let kind: Kind = serde_json::from_value(metadata.get("type")?.clone()).ok()?;
    let decimals =
        metadata.get("decimals").and_then(serde_json::Value::as_u64).unwrap_or(0).try_into().ok().filter(|places: &u8| *places <= 18)?;
    let options = metadata
        .get("options")
        .and_then(serde_json::Value::as_str)
        .map(|options| options.split(',').map(str::to_owned).collect())
        .unwrap_or_default();
    Some(Definition {
        kind,
        decimals,
        min: i128::MIN,
        max: i128::MAX,
        max_step: 0,
        min_interval: 0,
        locked_after: 0,
        guardian: None,
        unit: String::new(),
        options,
    })
}

/// Events of an SSE stream that ask for another evaluation.
struct Pushes {
    bytes: futures::stream::BoxStream<'static, reqwest::Result<axum::body::Bytes>>,
    rest: String,
}

impl Pushes {
    /// The next push; `None` when the stream ended.
    async fn next(&mut self) -> Option<()> {
        loop {
            if let Some(end) = self.rest.find("\n\n") {
                let event: String = self.rest.drain(..end + 2).collect();
                if event.lines().any(|line| line.starts_with("data:") && line.contains("refetchEvaluation")) {
                    return Some(());
                }
                continue;
            }
            if self.rest.len() > 64 * 1024 {
                return None;
            }
            let bytes = self.bytes.next().await?.ok()?;
            self.rest.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
}
