//! `wherefore decision`: a decision record as a file, checked without a bridge, or handed in to one.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use alloy_primitives::Address;
use clap::Subcommand;
use governance::explanation::{
    DecisionRecord, Link, Model, Verification, VerificationState,
    decision::SignatureKind,
    links::LinkState,
    model::table,
    verification::{Known, verify_with},
};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::workflow::explain::{MAX_BACKGROUND, MAX_MODEL};

#[derive(Clone, Debug, Subcommand)]
pub enum DecisionCommand {
    /// Check a record without asking anyone: its form, its sums, its rule; with the files it names also its numbers.
    Check {
        /// The record (`-` reads standard input).
        file: PathBuf,
        /// The model that the record names.
        #[arg(long)]
        model: Option<PathBuf>,
        /// The background that the record names.
        #[arg(long)]
        background: Option<PathBuf>,
        /// The registry that the record was signed for; without it the signature is not checked.
        #[arg(long)]
        registry: Option<Address>,
    },
    /// Hand a signed record in, then publish its model and background.
    Submit {
        /// The record (`-` reads standard input).
        file: PathBuf,
        #[arg(long, default_value = "http://127.0.0.1:3000")]
        bridge: String,
        #[arg(long)]
        model: Option<PathBuf>,
        #[arg(long)]
        background: Option<PathBuf>,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Wrong(String),
    #[error("{0}")]
    Away(String),
}

/// What checking a record found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    pub digest: String,
    pub verification: VerificationState,
    /// What was said of the signature.
    pub signature: &'static str,
    pub links: Vec<Link>,
}

/// What became of a record that was handed in.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Submitted {
    pub digest: String,
    /// False when the bridge had it already.
    pub new: bool,
    pub url: String,
    /// As the bridge sees it, after the files were published.
    pub verification: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<Value>,
}

fn read(path: &Path) -> Result<Vec<u8>, SubmitError> {
    let read = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    read.map_err(|error| SubmitError::Usage(format!("{} could not be read: {error}", path.display())))
}

fn parse(path: &Path, bytes: &[u8]) -> Result<DecisionRecord, SubmitError> {
    DecisionRecord::parse(bytes).map_err(|error| SubmitError::Wrong(format!("{}: {error}", path.display())))
}

/// Checks a record with what is at hand.
pub fn check(file: &Path, model: Option<&Path>, background: Option<&Path>, registry: Option<Address>) -> Result<Checked, SubmitError> {
    let record = parse(file, &read(file)?)?;
    let wrong = |path: &Path, error: &dyn std::fmt::Display| SubmitError::Wrong(format!("{}: {error}", path.display()));
    let model = match model {
        Some(path) => {
            let bytes = read(path)?;
            Some((Model::sha256(&bytes), Model::read(&bytes).map_err(|error| wrong(path, &error))?))
        }
        None => None,
    };
    let background = match (background, &model) {
        (Some(path), Some((_, model))) => {
            let bytes = read(path)?;
            Some((Model::sha256(&bytes), table::read(&bytes, model.feature_names()).map_err(|error| wrong(path, &error))?.rows))
        }
        (Some(_), None) => return Err(SubmitError::Usage("--background needs --model, which says what its columns are".into())),
        (None, _) => None,
    };
    let known = Known {
        model: model.as_ref().map(|(_, model)| model),
        model_sha256: model.as_ref().map(|(hash, _)| *hash),
        background: background.as_ref().map(|(_, rows)| rows),
        background_sha256: background.as_ref().map(|(hash, _)| *hash),
        carried: None,
    };
    let verification = verify_with(&record, &known);
    let (verification, signature) = signed(verification, &record, registry);
    Ok(Checked { digest: record.digest().to_string(), verification: verification.state, signature, links: verification.links })
}

fn signed(verification: Verification, record: &DecisionRecord, registry: Option<Address>) -> (Verification, &'static str) {
    let chain = record.block.chain.strip_prefix("eip155:").and_then(|id| id.parse().ok());
    match (record.signature_kind(), registry, chain) {
        (Err(_), None, _) => (verification, "not signed"),
        (Ok(SignatureKind::Contract { .. } | SignatureKind::Counterfactual { .. }), ..) => {
            (verification, "a contract account's, which only its chain can check")
        }
        (_, Some(registry), Some(chain)) => {
            let valid = record.signer(chain, registry).is_ok_and(|signer| Some(signer) == record.agent_address());
            (verification.with_signature(record, chain, registry), if valid { "valid" } else { "not valid" })
        }
        _ => (verification, "not checked; --registry says what it was made for"),
    }
}

/// Hands a record in, and publishes what it names.
pub async fn submit(file: &Path, bridge: &str, model: Option<&Path>, background: Option<&Path>) -> Result<Submitted, SubmitError> {
    let bytes = read(file)?;
    let record = parse(file, &bytes)?;
    // Before anything is sent: files that are not the ones the record names would only be refused later.
    let model = named_file(model, MAX_MODEL, "model.sha256", Some(&record.model.sha256))?;
    let background_named = record.baseline.background.as_ref().map(|background| &background.sha256);
    let background = named_file(background, MAX_BACKGROUND, "baseline.background.sha256", background_named)?;

    let http = Client::builder().timeout(Duration::from_secs(60)).build().unwrap_or_default();
    let base = format!("{}/api/v1", bridge.trim_end_matches('/'));
    let answer = send(http.post(format!("{base}/decisions")).header("content-type", "application/json").body(bytes)).await?;
    let new = answer.status() == StatusCode::CREATED;
    let digest = json(answer).await?.get("digest").and_then(Value::as_str).unwrap_or_default().to_owned();
    let publish = async |what: &str, file: Option<(String, Vec<u8>)>| match file {
        Some((sha256, bytes)) => json(send(http.put(format!("{base}/{what}/{sha256}")).body(bytes)).await?).await.map(Some),
        None => Ok::<_, SubmitError>(None),
    };
    // A background's columns are the model's.
    let model = publish("models", model).await?;
    let background = publish("backgrounds", background).await?;
    let url = format!("{base}/decisions/{digest}");
    let found = json(send(http.get(&url)).await?).await?;
    let verification = found.get("verification").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Submitted { digest, new, url, verification, model, background })
}

fn named_file(path: Option<&Path>, most: usize, field: &str, named: Option<&String>) -> Result<Option<(String, Vec<u8>)>, SubmitError> {
    let Some(path) = path else { return Ok(None) };
    let bytes = read(path)?;
    if bytes.len() > most {
        return Err(SubmitError::Wrong(format!("{} has {} bytes; {most} is the most that a bridge takes", path.display(), bytes.len())));
    }
    let found = alloy_primitives::hex::encode(Model::sha256(&bytes));
    match named {
        Some(named) if *named == found => Ok(Some((found, bytes))),
        named => {
            let named = named.map_or("nothing", String::as_str);
            Err(SubmitError::Wrong(format!("{} has sha256 {found}; {field} of the record is {named}", path.display())))
        }
    }
}

/// Sends, and turns a refusal into its own words.
async fn send(request: RequestBuilder) -> Result<Response, SubmitError> {
    let answer = request.send().await.map_err(|error| SubmitError::Away(format!("the bridge does not answer: {}", error.without_url())))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let text = answer.text().await.unwrap_or_default();
    let problem: Value = serde_json::from_str(&text).unwrap_or_default();
    let said = |name: &str| problem.get(name).and_then(Value::as_str);
    let detail = said("detail").map_or_else(|| status.to_string(), str::to_owned);
    let mut words = said("field").filter(|field| !detail.contains(field)).map_or_else(String::new, |field| format!("{field}: "));
    words.push_str(&detail);
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(SubmitError::Away(format!("the bridge cannot take it now ({}): {words}", status.as_u16())));
    }
    Err(SubmitError::Wrong(format!("the bridge refused it ({}): {words}", status.as_u16())))
}

async fn json(answer: Response) -> Result<Value, SubmitError> {
    answer.json().await.map_err(|error| SubmitError::Away(format!("the bridge's answer cannot be read: {}", error.without_url())))
}

/// The findings for people: a line for each link.
pub fn in_words(checked: &Checked) -> String {
    let mut text = format!("Decision {}: {}.\nSignature: {}.\n", checked.digest, checked.verification, checked.signature);
    for link in &checked.links {
        let state = match link.state {
            LinkState::Holds => "holds",
            LinkState::Mismatch => "MISMATCH",
            LinkState::Unchecked => "unchecked",
            LinkState::Pending => continue,
        };
        text.push_str(&format!("  {:<13}{state:<10} {}\n", link.kind.label(), link.sentence));
        for check in link.checks.iter().filter(|check| !check.ok) {
            text.push_str(&format!("  {:<23} {}: {}, found {}\n", "", check.name, check.expected, check.found));
        }
    }
    text
}
