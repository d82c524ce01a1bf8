//! The whole log as lines: every entry with its body and its proof under one checkpoint, which comes first.

use futures::{Stream, stream};
use governance::log::{Entry, leaf_hash, merkle::prove_inclusion, tile::tiles_for_inclusion};
use serde_json::{Value, json};

use super::{Log, LogError, read_body, search::Conditions};
use crate::store::entities::{decision, log_entry};
use sea_orm::EntityTrait;

/// Entries that are read at a time.
const PAGE: u64 = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A line of JSON for the checkpoint, then one for each entry.
    #[value(name = "jsonl")]
    JsonLines,
    /// A row for each entry; the checkpoint's size and root stand in every row.
    Csv,
}

impl Format {
    pub fn media(self) -> &'static str {
        match self {
            Self::JsonLines => "application/jsonl; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    pub fn ending(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
        }
    }
}

const COLUMNS: [&str; 14] =
    ["index", "kind", "at", "id", "actor", "proposal", "decision", "agent", "facts", "body", "leaf_hash", "size", "root", "proof"];

/// The lines of the log under its newest checkpoint, a page at a time as they are asked for: all entries in order, or
/// with conditions those that meet them, newest first.
pub async fn lines(
    log: Log,
    format: Format,
    conditions: Option<Conditions>,
) -> Result<impl Stream<Item = Result<Vec<u8>, LogError>> + use<>, LogError> {
    let (size, checkpoint) = log.publish().await?;
    let head = match format {
        Format::JsonLines => {
            let mut line = json!({"origin": log.origin(), "size": size, "vkey": log.vkey(), "checkpoint": checkpoint}).to_string();
            line.push('\n');
            line.into_bytes()
        }
        Format::Csv => row(COLUMNS.map(str::to_owned)),
    };
    let root = checkpoint.lines().nth(2).unwrap_or_default().to_owned();
    let first = if conditions.is_some() { size } else { 0 };
    let pages = stream::try_unfold(Some(first), move |from| {
        let (log, root, conditions) = (log.clone(), root.clone(), conditions.clone());
        async move {
            let Some(from) = from else { return Ok(None) };
            let (entries, next) = match &conditions {
                None => {
                    let end = size.min(from + PAGE);
                    (log.range(from, end).await?, (end < size).then_some(end))
                }
                Some(conditions) => {
                    let found = log.search(conditions, Some(from), PAGE).await?;
                    (found.entries, found.older)
                }
            };
            let page = page(&log, format, entries, size, &root).await?;
            Ok(Some((page, next)))
        }
    });
    Ok(futures::StreamExt::chain(stream::once(async { Ok(head) }), pages))
}

async fn page(log: &Log, format: Format, entries: Vec<log_entry::Model>, size: u64, root: &str) -> Result<Vec<u8>, LogError> {
    // Neighbours need the same tiles.
    let mut needed = Vec::new();
    for entry in &entries {
        needed.extend(tiles_for_inclusion(entry.index as u64, size)?);
    }
    needed.sort();
    needed.dedup();
    let mut tiles = log.reader(size, needed).await?;
    let mut text = Vec::new();
    for entry in entries {
        let (index, leaf) = (entry.index as u64, leaf_hash(&entry.leaf));
        let proof = prove_inclusion::<LogError>(index, size, |level, number| tiles.hash(level, number))?;
        let parsed = Entry::parse(&entry.leaf)?;
        let body = body_text(log, &parsed).await?;
        match format {
            Format::JsonLines => {
                let line = json!({"index": index, "leafHash": leaf, "entry": parsed, "body": body, "proof": proof});
                text.extend(line.to_string().into_bytes());
                text.push(b'\n');
            }
            Format::Csv => {
                let fact = |name: &str| parsed.facts.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                let decision = [fact("digest"), fact("decision"), fact("decisionDigest")].into_iter().find(|text| !text.is_empty());
                text.extend(row([
                    index.to_string(),
                    entry.kind,
                    entry.at.to_string(),
                    entry.entry_id,
                    parsed.actor.clone().unwrap_or_default(),
                    fact("proposalId"),
                    decision.unwrap_or_default(),
                    fact("agent"),
                    Value::Object(parsed.facts.clone()).to_string(),
                    body.unwrap_or_default(),
                    leaf.to_string(),
                    size.to_string(),
                    root.to_owned(),
                    proof.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
                ]));
            }
        }
    }
    Ok(text)
}

/// The text that an entry's body names, where it is kept and is text.
pub async fn body_text(log: &Log, entry: &Entry) -> Result<Option<String>, LogError> {
    let Some(body) = &entry.body else { return Ok(None) };
    if let Some((_, bytes)) = read_body(&log.store.db, body).await? {
        return Ok(String::from_utf8(bytes).ok());
    }
    let Some(digest) = entry.facts.get("digest").and_then(Value::as_str) else { return Ok(None) };
    Ok(decision::Entity::find_by_id(digest.to_owned()).one(&log.store.db).await?.map(|row| row.record))
}

/// A line of CSV (RFC 4180). A cell that a spreadsheet would take for a formula gets an apostrophe before it.
fn row<const N: usize>(cells: [String; N]) -> Vec<u8> {
    let cells = cells.map(|cell| {
        let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let cell = if formula { format!("'{cell}") } else { cell };
        if cell.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
    });
    format!("{}\r\n", cells.join(",")).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_and_never_a_formula() {
        let line = row(["a,b".into(), "=1+1".into(), "say \"x\"".into(), "plain".into()]);
        assert_eq!(String::from_utf8(line).unwrap(), "\"a,b\",'=1+1,\"say \"\"x\"\"\",plain\r\n");
    }
}
