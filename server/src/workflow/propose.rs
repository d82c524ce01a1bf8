//! Propose: a proposal appeared on chain. Its text and calls are bound to the decision they rest on, if any.

use governance::{log::EntryKind, onchain::abi::Governor, proposal::description_hash};

use super::{WorkflowError, chain_entry, explain};
use crate::{
    log,
    reading::Facts,
    source::Source,
    store::{Tx, entities::event},
};

pub async fn record(tx: &Tx, source: &Source, facts: &Facts, event: &event::Model) -> Result<(), WorkflowError> {
    let Some(created) = event.decoded::<Governor::ProposalCreated>() else { return Ok(()) };
    let mut entry = chain_entry(tx, EntryKind::Proposal, source, event, created.proposalId.to_string())
        .await?
        .with_fact("descriptionHash", description_hash(&created.description).to_string());
    entry.actor = Some(format!("{}:{}", source.chain(), created.proposer));
    if let Some(digest) = facts.proposal(created.proposalId).and_then(|proposal| proposal.text_digest()) {
        entry = entry.with_fact("decisionDigest", digest.to_string());
        entry.refs.extend(log::find(&tx.db, &explain::entry_id(digest)).await?);
    }
    log::append(tx, &entry).await?;
    Ok(())
}
