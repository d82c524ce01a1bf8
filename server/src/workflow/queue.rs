//! Queue: a succeeded proposal enters the timelock. Anyone may do it; the executor does, and this records it.

use governance::{log::EntryKind, onchain::abi::Governor};

use super::{WorkflowError, chain_entry};
use crate::{
    log,
    reading::Facts,
    source::Source,
    store::{Tx, entities::event},
};

pub async fn record(tx: &Tx, source: &Source, facts: &Facts, event: &event::Model) -> Result<(), WorkflowError> {
    let Some(queued) = event.decoded::<Governor::ProposalQueued>() else { return Ok(()) };
    let mut entry = chain_entry(tx, EntryKind::Queueing, source, event, queued.proposalId.to_string())
        .await?
        .with_fact("eta", queued.etaSeconds.to_string());
    if let Some(operation) = facts.scheduled.get(&event.transaction) {
        entry = entry.with_fact("operationId", operation.to_string());
    }
    log::append(tx, &entry).await?;
    Ok(())
}
