//! The executor: submits what anyone could submit, and assumes nothing.
//!
//! What is to be done is read from the chain's own state, so there is no list to lose: a succeeded proposal is queued, a
//! queued one is executed as soon as the node's pending block would allow it. Nothing is sent twice because of us, and the
//! timelock itself runs nothing twice.

use alloy::{eips::BlockId, signers::local::PrivateKeySigner};
use alloy_primitives::{Address, Bytes, hex};
use alloy_sol_types::{SolCall, SolError, SolInterface};
use governance::{
    onchain::abi::{Governor, ParameterRegistry},
    proposal::description_hash,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tracing::{info, warn};

use super::{
    Node, NodeError,
    submit::{SubmitError, Submitter},
};
use crate::{
    reading::{Facts, ProposalFacts},
    source::Source,
    store::{Store, entities::proposal},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Queue,
    Execute,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Execute => "execute",
        }
    }
}

#[derive(Debug)]
pub struct Executor {
    submitter: Submitter,
}

impl Executor {
    pub fn new(source: Source, store: Store, node: Node, key: PrivateKeySigner) -> Self {
        Self { submitter: Submitter::new(source, store, node, key) }
    }

    pub fn account(&self) -> Address {
        self.submitter.account()
    }

    /// Submits every step that is due. One proposal's failure does not keep the others waiting.
    pub async fn round(&self, facts: &Facts) {
        for proposal in &facts.proposals {
            let step = match proposal.state.as_str() {
                "succeeded" => Step::Queue,
                "queued" => Step::Execute,
                _ => continue,
            };
            if let Err(error) = self.advance(proposal, step).await {
                warn!(proposal.id = %proposal.id, step = step.name(), transient = error.is_transient(), "could not {} proposal {}: {error}", step.name(), proposal.number);
            }
        }
    }

    async fn advance(&self, proposal: &ProposalFacts, step: Step) -> Result<(), SubmitError> {
        let governor = self.submitter.source.governor;
        let (targets, values, calldatas) = (proposal.targets.clone(), proposal.values.clone(), proposal.calldatas.clone());
        let hash = description_hash(&proposal.description);
        let data: Bytes = match step {
            Step::Queue => Governor::queueCall { targets, values, calldatas, descriptionHash: hash }.abi_encode().into(),
            Step::Execute => Governor::executeCall { targets, values, calldatas, descriptionHash: hash }.abi_encode().into(),
        };

        // Whether it would run in the next block is the chain's to say, delays and all.
        if let Err(error) = self.submitter.node.simulate(self.account(), governor, data.clone(), BlockId::pending()).await {
            if error.is_transient() {
                return Err(error.into());
            }
            return self.note_obstacle(proposal, step, &error).await;
        }
        if !proposal.obstacle.is_empty() {
            self.set_obstacle(proposal, "").await?;
        }

        if let Some(transaction) = self.submitter.submit(&proposal.id.to_string(), step.name(), governor, data).await? {
            info!(proposal.id = %proposal.id, step = step.name(), %transaction, "sent the {} of proposal {}", step.name(), proposal.number);
        }
        Ok(())
    }

    /// A refusal by the chain: not yet due, done by another, or a call that would fail. Only the last is worth telling.
    async fn note_obstacle(&self, proposal: &ProposalFacts, step: Step, error: &NodeError) -> Result<(), SubmitError> {
        let due = step == Step::Queue || proposal.eta.is_some_and(|eta| eta > 0);
        let reason = match error.revert_data().as_deref() {
            // Not ready, or another account was first: the state says so soon enough.
            Some(data) if not_due(data) => return Ok(()),
            Some(data) if data.is_empty() => "the call reverts without a reason".to_owned(),
            Some(data) => in_words(data),
            None => error.to_string(),
        };
        if due && proposal.obstacle != reason {
            warn!(proposal.id = %proposal.id, step = step.name(), "proposal {} cannot be {}d now: {reason}", proposal.number, step.name().trim_end_matches('e'));
            self.set_obstacle(proposal, &reason).await?;
        }
        Ok(())
    }

    async fn set_obstacle(&self, proposal: &ProposalFacts, reason: &str) -> Result<(), SubmitError> {
        let tx = self.submitter.store.begin().await?;
        proposal::Entity::update_many()
            .col_expr(proposal::Column::Obstacle, reason.into())
            .filter(proposal::Column::Source.eq(self.submitter.source.key()))
            .filter(proposal::Column::ProposalId.eq(proposal.id.to_string()))
            .exec(&tx.db)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

/// `TimelockUnexpectedOperationState` and `GovernorUnexpectedProposalState`: the time has not come, or it is over.
fn not_due(data: &[u8]) -> bool {
    let selector = |signature: &str| alloy_primitives::keccak256(signature)[..4].to_vec();
    data.get(..4).is_some_and(|found| {
        found == selector("TimelockUnexpectedOperationState(bytes32,bytes32)")
            || found == selector("GovernorUnexpectedProposalState(uint256,uint8,bytes32)")
    })
}

fn in_words(data: &[u8]) -> String {
    if let Ok(error) = ParameterRegistry::ParameterRegistryErrors::abi_decode(data) {
        return match error {
            ParameterRegistry::ParameterRegistryErrors::ParameterRegistryStale(_) => {
                "the parameters changed after this was drafted, so the registry refuses it".into()
            }
            ParameterRegistry::ParameterRegistryErrors::ParameterRegistryDecisionNotLogged(refused) if refused.decisionDigest.is_zero() => {
                "the registry asks that every change rest on a logged decision, and this one names none".into()
            }
            ParameterRegistry::ParameterRegistryErrors::ParameterRegistryDecisionNotLogged(_) => {
                "the registry waits for its decision to be shown in the anchored log".into()
            }
            other => format!("the registry refuses it: {other:?}"),
        };
    }
    if let Ok(reason) = alloy_sol_types::Revert::abi_decode(data) {
        return format!("the call reverts: {}", reason.reason);
    }
    format!("the call reverts with {}", hex::encode_prefixed(&data[..data.len().min(68)]))
}
