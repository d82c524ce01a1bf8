//! Checking without trusting: a whole log from outside (its checkpoint's signature, every entry, and that they hash to
//! the signed root), or a decision's bundle offline. And fetching all that an auditor may want to keep.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Subcommand;
use governance::log::{
    Bundle, Checkpoint, Entry, Frontier, TilePath, VerifierKey,
    bundle::{self, Outcome},
    leaf_hash, tile,
};
use reqwest::Client;
use serde::Serialize;

use crate::log::export::Format;

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
    /// What was asked for cannot be done; the text says why.
    #[error("{0}")]
    Usage(String),
}

#[derive(Clone, Debug, Subcommand)]
pub enum AuditCommand {
    /// Every entry of a log with its body and its proof, as JSON Lines or CSV.
    Export {
        #[arg(long, default_value = "http://127.0.0.1:3000")]
        bridge: String,
        #[arg(long, value_enum, default_value = "jsonl")]
        format: Format,
        /// Where to write; standard output without it.
        #[arg(long)]
        out: Option<PathBuf>,
    },
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

/// Checks a bundle file offline. Whether all of it holds is for [`bundle::Report::first_wrong`] to say.
///
/// # Errors
/// [`VerifyError::Usage`] when the file or the key cannot be read, [`VerifyError::Wrong`] when it is no bundle.
pub fn bundle(file: &str, vkey: Option<&str>) -> Result<bundle::Report, VerifyError> {
    let mut bytes = Vec::new();
    // One byte more than is read shows that there is more.
    let most = bundle::LARGEST as u64 + 1;
    let read = match file {
        "-" => std::io::stdin().lock().take(most).read_to_end(&mut bytes),
        file => std::fs::File::open(file).and_then(|opened| opened.take(most).read_to_end(&mut bytes)),
    };
    read.map_err(|error| VerifyError::Usage(format!("{file} could not be read: {error}")))?;
    let key = vkey.map(|text| text.trim().parse::<VerifierKey>()).transpose();
    let key = key.map_err(|error| VerifyError::Usage(format!("the verifier key cannot be read: {error}")))?;
    let bundle = Bundle::parse(&bytes).map_err(|error| VerifyError::Wrong(format!("{file}: {error}")))?;
    Ok(bundle.verify(key.as_ref()))
}

/// The findings for people: a line for each, what is wrong in capitals.
pub fn in_words(report: &bundle::Report) -> String {
    let mut text = format!("Decision {}\n", report.decision);
    for finding in &report.findings {
        let outcome = match finding.outcome {
            Outcome::Holds => "holds",
            Outcome::Wrong => "WRONG",
            Outcome::Open => "open",
        };
        text.push_str(&format!("  {outcome:<6} {:<12} {}\n", finding.about, finding.words));
    }
    let open = report.findings.iter().filter(|finding| finding.outcome == Outcome::Open).count();
    let wrong = report.findings.iter().filter(|finding| finding.outcome == Outcome::Wrong).count();
    let verdict = match (wrong, open) {
        (0, 0) => "Everything holds.".to_owned(),
        (0, open) => format!("Nothing is wrong; {open} cannot be told from the bundle alone."),
        (wrong, _) => format!("{wrong} wrong."),
    };
    text.push_str(&verdict);
    text.push('\n');
    text
}

/// Fetches the export of a bridge's log; returns how many bytes were written.
pub async fn export(bridge: &str, format: Format, out: Option<&Path>) -> Result<u64, VerifyError> {
    let url = format!("{}/api/v1/log/export.{}", bridge.trim_end_matches('/'), format.ending());
    let away = |reason: String| VerifyError::Away { url: url.clone(), reason };
    let mut answer = Client::new().get(&url).send().await.map_err(|error| away(error.without_url().to_string()))?;
    if !answer.status().is_success() {
        return Err(away(format!("it says {}", answer.status())));
    }
    let mut target: Box<dyn Write> = match out {
        None => Box::new(std::io::stdout().lock()),
        Some(path) => {
            let file = std::fs::File::create(path);
            Box::new(file.map_err(|error| VerifyError::Usage(format!("{} cannot be written: {error}", path.display())))?)
        }
    };
    let mut written = 0;
    while let Some(chunk) = answer.chunk().await.map_err(|error| away(error.without_url().to_string()))? {
        target.write_all(&chunk).map_err(|error| VerifyError::Usage(format!("the export cannot be written: {error}")))?;
        written += chunk.len() as u64;
    }
    target.flush().map_err(|error| VerifyError::Usage(format!("the export cannot be written: {error}")))?;
    Ok(written)
}
