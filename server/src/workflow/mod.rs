//! The way of a change, verb by verb: draft, review, propose, (vote,) queue, execute, apply, explain.
//!
//! A step commits its row and its log entry in one transaction; what is to be done next is read from the rows
//! themselves (a succeeded proposal is to be queued, a queued one whose time has come is to be executed), so that a
//! crash leaves nothing behind that has to be mended. Votes are cast from wallets and read from the chain like any
//! other event; `vote` only logs the tally.

pub mod apply;
pub mod draft;
pub mod execute;
pub mod explain;
pub mod outcome;
pub mod propose;
pub mod queue;
pub mod refusal;
pub mod review;
pub mod statement;
pub mod verdict;
pub mod vote;

use alloy_sol_types::SolEvent;
use governance::{
    log::{Entry, EntryKind},
    onchain::abi::{Governor, ParameterRegistry, ValidationRegistry},
};
use sea_orm::DbErr;

use crate::{
    log::{self, Kept, LogError},
    reading::Facts,
    source::Source,
    store::{Tx, entities::event},
};

#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    #[error("the database failed")]
    Store(#[from] DbErr),
    #[error(transparent)]
    Log(#[from] LogError),
    /// What was sent cannot be accepted; the text says what was found and what is needed.
    #[error("{0}")]
    Refused(String),
    #[error("{0} was not found here")]
    NotFound(String),
    #[error("{0}")]
    Forbidden(String),
    /// As [`Refused`](Self::Refused), with the parts that are to blame.
    #[error(transparent)]
    Unacceptable(#[from] refusal::Refusal),
}

/// Records the step that an event completes.
pub async fn record(tx: &Tx, source: &Source, facts: &Facts, event: &event::Model) -> Result<(), WorkflowError> {
    let Some(signature) = event.signature() else { return Ok(()) };
    if event.is_from(source.governor) {
        match signature {
            Governor::ProposalCreated::SIGNATURE_HASH => propose::record(tx, source, facts, event).await?,
            Governor::ProposalQueued::SIGNATURE_HASH => queue::record(tx, source, facts, event).await?,
            Governor::ProposalExecuted::SIGNATURE_HASH => execute::record(tx, source, facts, event).await?,
            _ => {}
        }
    } else if event.is_from(source.registry) && signature == ParameterRegistry::ParameterSetChanged::SIGNATURE_HASH {
        apply::ratified(tx, event).await?;
    } else if source.validations.is_some_and(|validations| event.is_from(validations)) {
        verdict::record(tx, source, event).await?;
    }
    Ok(())
}

/// Tells in the log that an event's block is no longer canonical. Nothing is edited.
pub async fn correct(tx: &Tx, source: &Source, event: &event::Model) -> Result<(), WorkflowError> {
    let Some(kind) = logged_kind(source, event) else { return Ok(()) };
    let base = entry_id(kind, source, event);
    let times = times_corrected(tx, &base).await?;
    let Some(earlier) = log::find(&tx.db, &nth(&base, times)).await? else { return Ok(()) };
    let mut entry = Entry::new(EntryKind::Correction, nth(&format!("correction/{base}"), times), event.timestamp as u64)
        .with_fact("reason", "reorg")
        .with_fact("block", event.block_number)
        .with_fact("blockHash", event.block_hash.clone())
        .with_fact("transaction", event.transaction.clone());
    // Whoever looks for the proposal finds the correction too.
    if let Some(id) = log::read(&tx.db, earlier).await?.and_then(|earlier| earlier.facts.get("proposalId").cloned()) {
        entry = entry.with_fact("proposalId", id);
    }
    entry.refs.push(earlier);
    log::append(tx, &entry).await?;
    Ok(())
}

/// How often an event has left the chain: when its block comes back, it is told again under a name of its own.
async fn times_corrected(tx: &Tx, base: &str) -> Result<u32, WorkflowError> {
    for times in 0.. {
        if log::find(&tx.db, &nth(&format!("correction/{base}"), times)).await?.is_none() {
            return Ok(times);
        }
    }
    Ok(0)
}

/// Logs what the chain says now. Where the same was logged and still holds, nothing happens; where something else was,
/// that is corrected first. The entry's id is the name of what it tells.
async fn restate(tx: &Tx, mut entry: Entry, kept: Option<Kept>) -> Result<(), WorkflowError> {
    let base = entry.id.clone();
    let times = times_corrected(tx, &base).await?;
    entry.id = nth(&base, times);
    if let Some(reference) = log::find(&tx.db, &entry.id).await? {
        let standing = log::read(&tx.db, reference).await?;
        if standing.as_ref().is_some_and(|standing| standing.facts == entry.facts) {
            return Ok(());
        }
        let mut correction = Entry::new(EntryKind::Correction, nth(&format!("correction/{base}"), times), entry.at)
            .with_fact("reason", "the chain tells otherwise since a reorg");
        for name in ["proposalId", "decision"] {
            if let Some(value) = entry.facts.get(name) {
                correction = correction.with_fact(name, value.clone());
            }
        }
        correction.refs.push(reference);
        log::append(tx, &correction).await?;
        entry.id = nth(&base, times + 1);
    }
    match kept {
        Some(kept) => log::append_with_body(tx, entry, kept).await?,
        None => log::append(tx, &entry).await?,
    };
    Ok(())
}

fn nth(id: &str, times: u32) -> String {
    if times == 0 { id.to_owned() } else { format!("{id}/{times}") }
}

fn logged_kind(source: &Source, event: &event::Model) -> Option<EntryKind> {
    let from_validations = source.validations.is_some_and(|validations| event.is_from(validations));
    match event.signature()? {
        ValidationRegistry::ValidationResponse::SIGNATURE_HASH if from_validations => Some(EntryKind::Verdict),
        _ if !event.is_from(source.governor) => None,
        Governor::ProposalCreated::SIGNATURE_HASH => Some(EntryKind::Proposal),
        Governor::ProposalQueued::SIGNATURE_HASH => Some(EntryKind::Queueing),
        Governor::ProposalExecuted::SIGNATURE_HASH => Some(EntryKind::Execution),
        _ => None,
    }
}

/// Names an event's log entry: the same event in another block is another entry.
fn entry_id(kind: EntryKind, source: &Source, event: &event::Model) -> String {
    format!("{}/{}/{}/{}", kind.name(), source.chain(), event.block_hash, event.log_index)
}

/// The envelope of an on-chain step.
async fn chain_entry(tx: &Tx, kind: EntryKind, source: &Source, event: &event::Model, proposal_id: String) -> Result<Entry, WorkflowError> {
    let base = entry_id(kind, source, event);
    let id = nth(&base, times_corrected(tx, &base).await?);
    Ok(Entry::new(kind, id, event.timestamp as u64)
        .with_fact("chain", source.chain())
        .with_fact("governor", source.governor.to_string())
        .with_fact("proposalId", proposal_id)
        .with_fact("block", event.block_number)
        .with_fact("transaction", event.transaction.clone()))
}
