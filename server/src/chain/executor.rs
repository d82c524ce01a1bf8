//! The executor: submits what anyone could submit, and assumes nothing.
//!
//! What is to be done is read from the chain's own state, so there is no list to lose: a succeeded proposal is queued, a
//! queued one is executed as soon as the node's pending block would allow it. The signed transaction is stored before it
//! is sent; after a crash the same bytes go out again under the same nonce, so nothing runs twice because of us, and the
//! timelock itself runs nothing twice.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::{BlockId, eip2718::Encodable2718},
    network::TxSignerSync,
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_sol_types::{SolCall, SolError, SolInterface};
use governance::{
    onchain::abi::{Governor, ParameterRegistry},
    proposal::description_hash,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use tracing::{info, warn};

use super::{Node, NodeError};
use crate::{
    reading::{Facts, ProposalFacts},
    source::Source,
    store::{
        Store,
        entities::{proposal, submission},
    },
};

#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error("the database failed")]
    Store(#[from] sea_orm::DbErr),
    #[error("the transaction could not be signed: {0}")]
    Sign(#[from] alloy::signers::Error),
    #[error("the stored transaction of {0} cannot be read")]
    Stored(String),
}

impl SubmitError {
    /// True when the same step may succeed later without a change.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Node(error) => error.is_transient(),
            Self::Store(_) => true,
            Self::Sign(_) | Self::Stored(_) => false,
        }
    }
}

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

pub struct Executor {
    pub source: Source,
    pub store: Store,
    pub node: Node,
    key: PrivateKeySigner,
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").field("account", &self.key.address()).finish_non_exhaustive()
    }
}

impl Executor {
    pub fn new(source: Source, store: Store, node: Node, key: PrivateKeySigner) -> Self {
        Self { source, store, node, key }
    }

    pub fn account(&self) -> Address {
        self.key.address()
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
        let governor = self.source.governor;
        let (targets, values, calldatas) = (proposal.targets.clone(), proposal.values.clone(), proposal.calldatas.clone());
        let hash = description_hash(&proposal.description);
        let data: Bytes = match step {
            Step::Queue => Governor::queueCall { targets, values, calldatas, descriptionHash: hash }.abi_encode().into(),
            Step::Execute => Governor::executeCall { targets, values, calldatas, descriptionHash: hash }.abi_encode().into(),
        };

        // Whether it would run in the next block is the chain's to say, delays and all.
        if let Err(error) = self.node.simulate(self.account(), governor, data.clone(), BlockId::pending()).await {
            if error.is_transient() {
                return Err(error.into());
            }
            return self.note_obstacle(proposal, step, &error).await;
        }
        if !proposal.obstacle.is_empty() {
            self.set_obstacle(proposal, "").await?;
        }

        let earlier = submission::Entity::find()
            .filter(submission::Column::Source.eq(self.source.key()))
            .filter(submission::Column::ProposalId.eq(proposal.id.to_string()))
            .filter(submission::Column::Step.eq(step.name()))
            .one(&self.store.db)
            .await?;
        if let Some(earlier) = earlier {
            // Sent before: while its nonce is free, the same bytes are the only ones that may go out.
            let used = self.node.nonce(self.account(), BlockId::latest()).await?;
            if used <= earlier.nonce as u64 {
                let raw: Bytes = earlier.raw.parse().map_err(|_| SubmitError::Stored(earlier.transaction.clone()))?;
                return self.send(proposal, step, &raw).await;
            }
            let transaction: B256 = earlier.transaction.parse().map_err(|_| SubmitError::Stored(earlier.transaction.clone()))?;
            if self.node.receipt(transaction).await?.is_some_and(|receipt| receipt.status()) {
                // Mined; the follower will tell.
                return Ok(());
            }
            let tx = self.store.begin().await?;
            submission::Entity::delete_by_id(earlier.id).exec(&tx.db).await?;
            tx.commit().await?;
        }

        let nonce = self.node.nonce(self.account(), BlockId::pending()).await?;
        let gas = self.node.estimate_gas(self.account(), governor, data.clone()).await?;
        let (max_fee, priority) = self.node.fees().await?;
        let mut unsigned = TxEip1559 {
            chain_id: self.source.chain_id,
            nonce,
            gas_limit: gas + gas / 4,
            max_fee_per_gas: max_fee,
            max_priority_fee_per_gas: priority,
            to: TxKind::Call(governor),
            value: U256::ZERO,
            access_list: Default::default(),
            input: data,
        };
        let signature = self.key.sign_transaction_sync(&mut unsigned)?;
        let signed: TxEnvelope = unsigned.into_signed(signature).into();
        let raw = signed.encoded_2718();
        let row = submission::ActiveModel {
            source: Set(self.source.key()),
            proposal_id: Set(proposal.id.to_string()),
            step: Set(step.name().to_owned()),
            nonce: Set(nonce as i64),
            transaction: Set(signed.tx_hash().to_string()),
            raw: Set(hex::encode_prefixed(&raw)),
            ..Default::default()
        };
        let tx = self.store.begin().await?;
        submission::Entity::insert(row).exec_without_returning(&tx.db).await?;
        tx.commit().await?;
        self.send(proposal, step, &raw).await
    }

    async fn send(&self, proposal: &ProposalFacts, step: Step, raw: &[u8]) -> Result<(), SubmitError> {
        match self.node.send_raw(raw).await {
            Ok(transaction) => {
                info!(proposal.id = %proposal.id, step = step.name(), %transaction, "sent the {} of proposal {}", step.name(), proposal.number);
                Ok(())
            }
            // The node has it already: that is what was wanted.
            Err(NodeError::Rpc(error)) if error.as_error_resp().is_some_and(|payload| payload.message.contains("already")) => Ok(()),
            Err(error) => Err(error.into()),
        }
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
        let tx = self.store.begin().await?;
        proposal::Entity::update_many()
            .col_expr(proposal::Column::Obstacle, reason.into())
            .filter(proposal::Column::Source.eq(self.source.key()))
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
            other => format!("the registry refuses it: {other:?}"),
        };
    }
    if let Ok(reason) = alloy_sol_types::Revert::abi_decode(data) {
        return format!("the call reverts: {}", reason.reason);
    }
    format!("the call reverts with {}", hex::encode_prefixed(&data[..data.len().min(68)]))
}
