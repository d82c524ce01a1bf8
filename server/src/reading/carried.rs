//! What the chain and the engine say about a recommendation: what its proposal calls for, what was executed, what runs.

use alloy_primitives::B256;
use governance::{
    explanation::{
        DecisionRecord,
        links::{Carried, CarriedChange, EngineReport, Revision},
    },
    parameter::key_text,
};

use super::{ProposalFacts, Reading};

/// States in which a proposal will never be executed.
const ENDED: [&str; 3] = ["canceled", "defeated", "expired"];

impl Reading {
    /// The facts that a decision's last links are checked with. `running` is the parameter set its engine last reported.
    pub fn carried(&self, record: &DecisionRecord, digest: B256, running: Option<B256>) -> Carried {
        let mut carried = Carried::default();
        let engine = record.ruled_change().or(record.changes.first()).and_then(|change| self.facts.engines.get(&change.engine));
        let key = record.rule.parameter.as_str();
        if let Some(engine) = engine {
            let drafted_on = engine.revisions.iter().find(|revision| revision.hash == record.based_on);
            carried.before = drafted_on.and_then(|revision| revision.values.get(key)).map(|held| engine.display(key, &held.bytes));
            carried.stored = engine.values.get(key).map(|held| engine.display(key, &held.bytes));
            carried.engine = running.map(|hash| EngineReport {
                hash,
                revision: engine.revisions.iter().find(|revision| revision.hash == hash).map(|revision| revision.revision),
            });
        }
        let Some(proposal) = self.proposal_of(digest) else { return carried };
        carried.calls = self.called_for(proposal);
        carried.ended = ENDED.contains(&proposal.state.as_str()).then(|| proposal.state.clone());
        if let (Some(engine), Some(executed)) = (engine, &proposal.executed)
            && let Some(made) = engine.revisions.iter().find(|revision| revision.moment.transaction == executed.transaction)
        {
            carried.ratified = Some(Revision { number: made.revision, hash: made.hash });
            carried.executed = made
                .changes
                .iter()
                .map(|(key, _, value)| CarriedChange {
                    engine: engine.id.clone(),
                    key: key.clone(),
                    value: engine.display(key, value),
                    based_on: None,
                    digest: made.decision_digest,
                })
                .collect();
            let later = |revision: &&super::RevisionFacts| {
                revision.revision > made.revision && revision.changes.iter().any(|(changed, ..)| changed == key)
            };
            carried.superseded_by = engine.revisions.iter().find(later).map(|revision| revision.revision);
        }
        carried
    }

    /// The parameter changes in a proposal's calls, written as people write the values.
    fn called_for(&self, proposal: &ProposalFacts) -> Vec<CarriedChange> {
        let mut changes = Vec::new();
        for call in self.registry_calls(proposal) {
            let Some(engine) = key_text(call.engine).and_then(|id| self.facts.engines.get(&id)) else { continue };
            for change in &call.changes {
                let key = key_text(change.key).unwrap_or_else(|| change.key.to_string());
                changes.push(CarriedChange {
                    engine: engine.id.clone(),
                    value: engine.display(&key, &change.value),
                    key,
                    based_on: Some(call.expectedHash),
                    digest: call.decisionDigest,
                });
            }
        }
        changes
    }
}
