//! Vote: votes are cast from wallets and read from the chain; when voting has closed, the tally is logged.

use alloy_primitives::U256;
use governance::log::{Entry, EntryKind};
use serde_json::{Value, json};

use super::{WorkflowError, restate};
use crate::{
    log::Kept,
    reading::{Facts, ProposalFacts},
    source::Source,
    store::Tx,
};

/// Characters of a voter's reason that are kept with a tally.
const REASON: usize = 500;

/// Logs the tally of a proposal that is in `state` now, if that means that voting has closed. After a reorg the tally
/// is compared with the one that was logged, and corrected where it differs.
pub async fn closed(tx: &Tx, source: &Source, facts: &Facts, id: U256, state: &str, now: u64) -> Result<(), WorkflowError> {
    let outcome = match state {
        "succeeded" | "queued" | "executed" | "expired" => "passed",
        "defeated" => "defeated",
        _ => return Ok(()),
    };
    let Some(proposal) = facts.proposal(id) else { return Ok(()) };
    let sum = |support: u8| {
        let weights = proposal.votes.iter().filter(|vote| vote.support == support).map(|vote| vote.weight);
        weights.fold(U256::ZERO, U256::saturating_add).to_string()
    };
    let base = format!("tally/{}/{}/{id}", source.chain(), source.governor);
    let mut entry = Entry::new(EntryKind::Tally, base, proposal.vote_end.min(now))
        .with_fact("chain", source.chain())
        .with_fact("governor", source.governor.to_string())
        .with_fact("proposalId", id.to_string())
        .with_fact("outcome", outcome)
        .with_fact("against", sum(0))
        .with_fact("for", sum(1))
        .with_fact("abstain", sum(2))
        .with_fact("voters", proposal.votes.len());
    if let Some(quorum) = proposal.quorum {
        entry = entry.with_fact("quorum", quorum.to_string());
    }
    if let Some(digest) = proposal.text_digest() {
        entry = entry.with_fact("decisionDigest", digest.to_string());
    }
    restate(tx, entry, Some(Kept::erasable(ballots(proposal).to_string().into_bytes(), "application/json"))).await
}

/// Who voted how, with their reasons: large, and not for an entry that stays for good.
fn ballots(proposal: &ProposalFacts) -> Value {
    let votes: Vec<Value> = proposal
        .votes
        .iter()
        .map(|vote| {
            json!({
                "voter": vote.voter,
                "support": vote.support,
                "weight": vote.weight.to_string(),
                "reason": vote.reason.chars().take(REASON).collect::<String>(),
                "transaction": vote.moment.transaction,
            })
        })
        .collect();
    json!({ "votes": votes })
}
