//! Checks a whole log from outside: its checkpoint's signature, every entry, and that they hash to the signed root.

use std::time::Duration;

use governance::log::{Checkpoint, Entry, Frontier, TilePath, VerifierKey, leaf_hash, tile};
use reqwest::Client;
use serde::Serialize;

/// Largest answer that is read, in bytes: a full bundle of the longest entries.
const LARGEST: usize = 256 * (65_535 + 2);

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub origin: String,
    pub size: u64,
    pub root: String,
    pub entries_read: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("{url} could not be read: {reason}")]
    Away { url: String, reason: String },
    #[error("{0}")]
    Wrong(String),
}

async fn fetch(http: &Client, url: String) -> Result<Vec<u8>, VerifyError> {
    let away = |reason: String| VerifyError::Away { url: url.clone(), reason };
    let mut answer = http.get(&url).send().await.map_err(|error| away(error.without_url().to_string()))?;
    if !answer.status().is_success() {
        return Err(away(format!("it says {}", answer.status())));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| away(error.without_url().to_string()))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST {
            return Err(VerifyError::Wrong(format!("{url} answers with more than {LARGEST} bytes")));
        }
    }
    Ok(bytes)
}

/// Verifies the log at `url` (the part before `/checkpoint`) against a verifier key that the caller trusts.
///
/// # Errors
/// [`VerifyError::Wrong`] names the first thing that does not hold; [`VerifyError::Away`] says what could not be read.
pub async fn log(url: &str, vkey: &str) -> Result<Report, VerifyError> {
    let base = url.trim_end_matches('/').trim_end_matches("/checkpoint");
    let key: VerifierKey = vkey.trim().parse().map_err(|error| VerifyError::Wrong(format!("the verifier key cannot be read: {error}")))?;
    let http = Client::builder().timeout(Duration::from_secs(20)).build().unwrap_or_default();
    let note = fetch(&http, format!("{base}/checkpoint")).await?;
    let checkpoint =
        Checkpoint::open(&note, &key, key.name()).map_err(|error| VerifyError::Wrong(format!("the checkpoint does not hold: {error}")))?;

    let mut frontier = Frontier::new();
    while frontier.size() < checkpoint.size {
        let number = frontier.size() / 256;
        let width = (checkpoint.size - number * 256).min(256) as u16;
        let path = TilePath::entries(number, width).map_err(|error| VerifyError::Wrong(error.to_string()))?;
        let bundle = fetch(&http, format!("{base}/{path}")).await?;
        for leaf in tile::decode_bundle(&bundle, width).map_err(|error| VerifyError::Wrong(format!("{path}: {error}")))? {
            Entry::parse(leaf).map_err(|error| VerifyError::Wrong(format!("entry {}: {error}", frontier.size())))?;
            frontier.push(leaf_hash(leaf));
        }
    }
    if frontier.root() != checkpoint.root {
        return Err(VerifyError::Wrong(format!("the entries hash to {}, but the checkpoint signs {}", frontier.root(), checkpoint.root)));
    }
    Ok(Report { origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root.to_string(), entries_read: frontier.size() })
}
