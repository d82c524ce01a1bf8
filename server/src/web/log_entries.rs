//! Log entries for those who look for something: the search over REST, what a filter means here, and the bodies that
//! entries name.

use std::sync::Arc;

use alloy_primitives::{Address, hex};
use app::{
    log_filter::Unreadable,
    views::{LogChoices, LogFilter},
};
use axum::{
    Json,
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use governance::log::{Entry, Subject};
use serde_json::{Value, json};

use super::{Problem, backend::entry_summary, rest::Answer};
use crate::{
    bridge::Bridge,
    log::{LogError, body_of, search::Conditions},
    reading::Reading,
    store::entities::log_entry,
    workflow::refusal::{Fault, Finding, Refusal},
};

/// Entries in an answer unless fewer are asked for, and the most.
const PAGE: u64 = 100;
const LARGEST_PAGE: u64 = 1_000;
/// Proposals that the search form offers.
const PROPOSALS: usize = 200;
/// Later entries that an entry's page lists.
pub const REFERRING: usize = 24;
/// The longest body that a page shows, in bytes.
const LONGEST_SHOWN: usize = 64 * 1024;

/// What a reader's filter looks for, with an agent's short name resolved.
pub fn conditions(reading: &Reading, filter: &LogFilter) -> Conditions {
    let given = |value: &String| (!value.is_empty()).then(|| value.clone());
    let about = [(Subject::Proposal, &filter.proposal), (Subject::Parameter, &filter.parameter), (Subject::Verdict, &filter.verdict)];
    Conditions {
        kind: given(&filter.kind),
        about: about.into_iter().filter_map(|(subject, value)| Some((subject, vec![given(value)?]))).collect(),
        agent: given(&filter.agent).map(|agent| accounts(reading, &agent)).unwrap_or_default(),
        from: filter.from,
        until: filter.until,
        text: filter.text.clone(),
        window: None,
    }
}

/// Every spelling under which entries name an agent: as CAIP-10 and bare, in mixed and in lower case, and as its records do.
fn accounts(reading: &Reading, agent: &str) -> Vec<String> {
    let mut names = vec![agent.to_owned()];
    let known = reading.dao.agents.iter().find(|known| known.slug == agent).map(|known| known.address);
    if let Some(address) = known.or_else(|| agent.rsplit(':').next()?.parse::<Address>().ok()) {
        let (mixed, chain) = (address.to_string(), reading.source.chain());
        let lower = mixed.to_lowercase();
        names.extend([format!("{chain}:{mixed}"), format!("{chain}:{lower}"), mixed, lower]);
        let records = reading.decisions.all.values().map(|decided| &decided.record);
        names.extend(records.filter(|record| record.agent_address() == Some(address)).map(|record| record.agent.account.clone()));
    }
    names.sort();
    names.dedup();
    names
}

/// What the search form offers to choose from.
pub fn choices(reading: &Reading) -> LogChoices {
    let engines = reading.facts.engines.iter();
    LogChoices {
        agents: reading.dao.agents.iter().map(|agent| (agent.slug.clone(), agent.name.clone())).collect(),
        parameters: engines.flat_map(|(engine, facts)| facts.definitions.keys().map(move |key| format!("{engine}/{key}"))).collect(),
        proposals: reading.facts.proposals.iter().rev().take(PROPOSALS).map(|proposal| reading.proposal_ref(proposal)).collect(),
    }
}

/// Reads a filter from the query of an address; a name that means nothing here is refused like a value that does not.
/// `others` are names that the caller reads itself.
pub fn filter_of(pairs: &[(String, String)], others: &[&str]) -> Result<LogFilter, Refusal> {
    let (filter, wrong) = LogFilter::read(|name| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()));
    let mut findings: Vec<Finding> =
        wrong.into_iter().map(|Unreadable { field, detail }| Finding { field: field.to_owned(), detail }).collect();
    for (place, (name, _)) in pairs.iter().enumerate() {
        if !LogFilter::FIELDS.contains(&name.as_str()) && !others.contains(&name.as_str()) {
            let known = [&LogFilter::FIELDS, others].concat().join(", ");
            let name: String = name.chars().take(60).collect();
            findings.push(Finding { detail: format!("{name} is not a condition; these are: {known}."), field: name });
        } else if pairs[..place].iter().any(|(earlier, _)| earlier == name) {
            findings.push(Finding { field: name.clone(), detail: format!("{name} stands twice; once is needed.") });
        }
    }
    match findings.first() {
        None => Ok(filter),
        Some(first) => Err(Refusal { fault: Fault::Malformed, detail: first.detail.clone(), findings }),
    }
}

/// `GET /api/v1/log/entries`: newest first; `next` is where to go on.
pub async fn entries(State(bridge): State<Arc<Bridge>>, Query(pairs): Query<Vec<(String, String)>>) -> Answer {
    let filter = filter_of(&pairs, &["before", "limit"])?;
    let number = |name: &str| -> Result<Option<u64>, Refusal> {
        let Some((_, text)) = pairs.iter().find(|(known, _)| known == name).filter(|(_, text)| !text.is_empty()) else { return Ok(None) };
        let short: String = text.chars().take(60).collect();
        let read = text.parse().ok().filter(|number| *number <= i64::MAX as u64);
        read.map(Some).ok_or_else(|| Refusal::of(Fault::Malformed, name, format!("{name} is “{short}”; it must be a whole number.")))
    };
    let (before, limit) = (number("before")?, number("limit")?.unwrap_or(PAGE));
    if !(1..=LARGEST_PAGE).contains(&limit) {
        let detail = format!("limit is {limit}; it must be 1 to {LARGEST_PAGE}.");
        return Err(Refusal::of(Fault::Malformed, "limit", detail).into());
    }
    let reading = bridge.reading();
    let found = bridge.log.search(&conditions(&reading, &filter), before, limit).await?;
    let next = found.older.map(|older| filter.address("/api/v1/log/entries", &format!("before={older}&limit={limit}")));
    let items: Vec<Value> = found.entries.iter().map(|row| entry_json(&reading, row)).collect();
    Ok(Json(json!({"items": items, "next": next})))
}

fn entry_json(reading: &Reading, row: &log_entry::Model) -> Value {
    let entry = Entry::parse(&row.leaf).ok();
    json!({
        "index": row.index,
        "kind": row.kind,
        "at": row.at,
        "id": row.entry_id,
        "leafHash": row.leaf_hash,
        "actor": entry.as_ref().and_then(|entry| entry.actor.clone()),
        "facts": entry.as_ref().map(|entry| &entry.facts),
        "refs": entry.as_ref().map(|entry| &entry.refs),
        "body": entry.as_ref().and_then(|entry| entry.body.clone()),
        "sentence": entry_summary(reading, row).sentence,
    })
}

/// The body of an entry, as a page shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BodyView {
    pub text: Option<String>,
    /// Why there is no text.
    pub missing: Option<String>,
    /// Hex digits.
    pub salt: String,
    pub href: Option<String>,
}

/// Finds the body that an entry names and says what can be shown of it.
pub async fn body(bridge: &Bridge, entry: Option<&Entry>, index: u64) -> Result<BodyView, LogError> {
    let Some((entry, named)) = entry.and_then(|entry| Some((entry, entry.body.as_ref()?))) else { return Ok(BodyView::default()) };
    let Some((salt, bytes)) = body_of(&bridge.store.db, entry).await? else {
        let missing = if named.salted {
            "Erased: the text and the salt that its digest is over were deleted, so that nothing can be guessed from what is left."
        } else {
            "The body is not kept here. Whoever has it can compare its fingerprint."
        };
        return Ok(BodyView { missing: Some(missing.into()), ..BodyView::default() });
    };
    let view = BodyView { salt: hex::encode(salt), href: Some(format!("/api/v1/log/{index}/body")), ..BodyView::default() };
    Ok(match String::from_utf8(bytes) {
        Ok(text) if text.len() <= LONGEST_SHOWN => BodyView { text: Some(text), ..view },
        Ok(text) => BodyView { missing: Some(format!("It has {} bytes, which is too much to show here.", text.len())), ..view },
        Err(_) => BodyView { missing: Some(format!("It is no text, but {}.", named.media)), ..view },
    })
}

/// `GET /api/v1/log/{index}/body`: the bytes, for whoever compares their digest. Never shown as anything by a browser.
pub async fn body_bytes(State(bridge): State<Arc<Bridge>>, Path(index): Path<u64>) -> Result<Response, Problem> {
    let row = bridge.log.entry(index).await?;
    let entry = row.and_then(|row| Entry::parse(&row.leaf).ok()).ok_or_else(|| Problem::not_found(format!("Entry {index}")))?;
    let (_, bytes) = body_of(&bridge.store.db, &entry).await?.ok_or_else(|| Problem::not_found(format!("The body of entry {index}")))?;
    let about = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        // It may be erased, and is then to be gone.
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"entry-{index}-body\"")),
    ];
    Ok((about, bytes).into_response())
}
