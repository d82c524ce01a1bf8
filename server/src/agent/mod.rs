//! A reference steward, a process of its own that knows nothing but the bridge's public API: it reads what the chain
//! shows of demand, asks its model, applies its stated rule, signs the decision and hands it in.

mod decide;

use std::{path::PathBuf, time::Duration};

use alloy::signers::local::PrivateKeySigner;
use clap::Args;
use governance::explanation::Model;
use reqwest::Client;
use serde_json::Value;
use tracing::{info, warn};

pub use decide::{Inputs, Steward, decide, sign};

#[derive(Clone, Debug, Args)]
pub struct AgentArgs {
    /// Which steward to run.
    pub name: String,
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    pub bridge: String,
    /// File with the agent's private key in hex.
    #[arg(long)]
    pub key_file: PathBuf,
    /// The steward's model; its card is `card.json` beside it.
    #[arg(long)]
    pub model: PathBuf,
    /// Engine to watch.
    #[arg(long, default_value = "tideline")]
    pub engine: String,
    /// Seconds between two looks.
    #[arg(long, default_value_t = 10)]
    pub every: u64,
    /// Look once, then stop.
    #[arg(long)]
    pub once: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error("{0} is not a steward known here; there are cadence-steward and ledger-steward")]
    Unknown(String),
    #[error("{path} could not be read: {source}")]
    File { path: String, source: std::io::Error },
    #[error("the key in {0} is not a private key in hex")]
    Key(String),
    #[error("the model cannot be used: {0}")]
    Model(String),
    #[error("the bridge does not answer: {0}")]
    Away(String),
    #[error("the bridge refused: {0}")]
    Refused(String),
    #[error("the bridge's answer has no {0}")]
    Answer(&'static str),
}

/// Runs until stopped, or once.
pub async fn run(args: AgentArgs) -> Result<(), AgentError> {
    let name = match args.name.as_str() {
        "cadence-steward" => "Cadence steward",
        "ledger-steward" => "Ledger steward",
        _ => return Err(AgentError::Unknown(args.name)),
    };
    let read = |path: &PathBuf| std::fs::read(path).map_err(|source| AgentError::File { path: path.display().to_string(), source });
    let key: PrivateKeySigner =
        String::from_utf8_lossy(&read(&args.key_file)?).trim().parse().map_err(|_| AgentError::Key(args.key_file.display().to_string()))?;
    let bytes = read(&args.model)?;
    let card: Value =
        serde_json::from_slice(&read(&args.model.with_file_name("card.json"))?).map_err(|error| AgentError::Model(error.to_string()))?;
    let model = Model::read(&bytes).map_err(|error| AgentError::Model(error.to_string()))?;
    let steward = Steward::new(name, model, &bytes, &card)?;
    let http = Client::builder().timeout(Duration::from_secs(10)).build().unwrap_or_default();
    loop {
        match look(&args, &http, &key, &steward, &bytes).await {
            Ok(Some(digest)) => info!("handed in decision {digest}"),
            Ok(None) => {}
            Err(error) if args.once => return Err(error),
            Err(error) => warn!("{error}"),
        }
        if args.once {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(args.every.max(1))).await;
    }
}

async fn get(http: &Client, url: String) -> Result<Value, AgentError> {
    let away = |error: reqwest::Error| AgentError::Away(error.without_url().to_string());
    let answer = http.get(url).send().await.map_err(away)?;
    if !answer.status().is_success() {
        return Err(AgentError::Away(format!("it says {}", answer.status())));
    }
    answer.json().await.map_err(away)
}

fn items(list: &Value) -> Result<&Vec<Value>, AgentError> {
    list.get("items").and_then(Value::as_array).ok_or(AgentError::Answer("items"))
}

/// One look: decides at most once for each ratified parameter set and week of chain time.
async fn look(
    args: &AgentArgs,
    http: &Client,
    key: &PrivateKeySigner,
    steward: &Steward,
    model: &[u8],
) -> Result<Option<String>, AgentError> {
    let base = format!("{}/api/v1", args.bridge);
    let daos = get(http, format!("{base}/daos")).await?;
    let dao = items(&daos)?.first().ok_or(AgentError::Answer("daos"))?.clone();
    let observed = get(http, format!("{base}/engines/{}/observations", args.engine)).await?;
    let parameters = get(http, format!("{base}/parameters")).await?;
    let inputs = Inputs::read(&dao, &observed, items(&parameters)?, &args.engine)?;

    let made = get(http, format!("{base}/decisions?agent={}", args.name)).await?;
    for earlier in items(&made)? {
        let digest = earlier.get("digest").and_then(Value::as_str).ok_or(AgentError::Answer("digest"))?;
        let at = earlier.get("at").and_then(Value::as_u64).unwrap_or_default();
        if inputs.at < at + 7 * 86_400 {
            let record = get(http, format!("{base}/decisions/{digest}")).await?;
            if record.pointer("/record/basedOn").and_then(Value::as_str) == Some(&inputs.based_on) {
                return Ok(None);
            }
        }
    }
    let Some(record) = decide(steward, &inputs, key.address())? else { return Ok(None) };
    let record = sign(record, key, inputs.chain_id, inputs.registry)?;
    let body = serde_json::to_vec(&record).map_err(|error| AgentError::Model(error.to_string()))?;
    let away = |error: reqwest::Error| AgentError::Away(error.without_url().to_string());
    let answer = http.post(format!("{base}/decisions")).header("content-type", "application/json").body(body).send().await.map_err(away)?;
    if !answer.status().is_success() {
        return Err(AgentError::Refused(answer.text().await.unwrap_or_default()));
    }
    let digest = record.digest().to_string();
    let published = http.put(format!("{base}/models/{}", record.model.sha256)).body(model.to_vec()).send().await.map_err(away)?;
    if !published.status().is_success() {
        warn!("the model was not published: {}", published.text().await.unwrap_or_default());
    }
    Ok(Some(digest))
}
