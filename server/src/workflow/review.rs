//! Review: what the bridge itself checks of a draft before anyone is asked to propose it.
//!
//! The checks are rules of `governance`; here they are run against what is in force, and for an agent's decision the
//! result is logged. Human approvals come in a later step of the product.

use alloy_primitives::B256;
use governance::{
    explanation::DecisionRecord,
    log::{Entry, EntryKind, EntryRef},
    proposal::{Compiled, Draft, compile},
};

use super::{WorkflowError, draft};
use crate::{log, reading::Reading, store::Tx};

/// Compiles a draft against the chain as it is, or lists everything that stops it.
pub fn check(reading: &Reading, draft: &Draft, proposer: Option<alloy_primitives::Address>) -> Result<Compiled, Vec<String>> {
    compile(draft, &reading.known(), proposer).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

/// Logs what the checks found of an agent's recommendation.
pub async fn record(
    tx: &Tx,
    reading: &Reading,
    record: &DecisionRecord,
    digest: B256,
    decision: EntryRef,
    now: u64,
) -> Result<(), WorkflowError> {
    let findings = check(reading, &draft::recommended(record, digest), None).err().unwrap_or_default();
    let mut entry = Entry::new(EntryKind::Review, format!("review/{digest}"), now)
        .with_fact("decision", digest.to_string())
        .with_fact("findings", findings.iter().map(|finding| finding.chars().take(200).collect::<String>()).collect::<Vec<_>>());
    entry.refs.push(decision);
    log::append(tx, &entry).await?;
    Ok(())
}
