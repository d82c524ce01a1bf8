//! Execute: the timelock carried a proposal out. The executor only submits; this records what the chain shows.

use governance::{log::EntryKind, onchain::abi::Governor};

use super::{WorkflowError, chain_entry};
use crate::{
    log,
    reading::{Facts, operation},
    source::Source,
    store::{Tx, entities::event},
};

pub async fn record(tx: &Tx, source: &Source, facts: &Facts, event: &event::Model) -> Result<(), WorkflowError> {
    let Some(executed) = event.decoded::<Governor::ProposalExecuted>() else { return Ok(()) };
    let mut entry = chain_entry(tx, EntryKind::Execution, source, event, executed.proposalId.to_string()).await?;
    if let Some(proposal) = facts.proposal(executed.proposalId) {
        let (_, v5) = operation(proposal, source.governor);
        let scheduled = proposal.queued.as_ref().and_then(|moment| facts.scheduled.get(&moment.transaction)).copied();
        entry = entry.with_fact("operationId", scheduled.unwrap_or(v5).to_string());
    }
    // One execution may change several engines, each more than once: each is told with the hash that it left behind.
    let sets: Vec<serde_json::Value> = facts
        .engines
        .values()
        .filter_map(|engine| {
            let last = engine.revisions.iter().rev().find(|revision| revision.moment.transaction == event.transaction)?;
            Some((engine, last))
        })
        .map(|(engine, revision)| serde_json::json!({"engine": engine.id, "revision": revision.revision, "parameterSetHash": revision.hash.to_string()}))
        .collect();
    if !sets.is_empty() {
        entry = entry.with_fact("parameterSets", sets);
    }
    log::append(tx, &entry).await?;
    Ok(())
}
