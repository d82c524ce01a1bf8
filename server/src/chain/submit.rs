//! Submitting: a transaction is signed and stored before it is sent, so that after a crash the same bytes go out again
//! under the same nonce, and nothing is done twice because of us.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::{BlockId, eip2718::Encodable2718},
    network::TxSignerSync,
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::{Node, NodeError};
use crate::{
    source::Source,
    store::{Store, entities::submission},
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

/// An account, and where it sends from. Only one at a time may use an account: nonces are asked of the node.
#[derive(Clone)]
pub struct Submitter {
    pub source: Source,
    pub store: Store,
    pub node: Node,
    key: PrivateKeySigner,
}

impl std::fmt::Debug for Submitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submitter").field("account", &self.key.address()).finish_non_exhaustive()
    }
}

impl Submitter {
    pub fn new(source: Source, store: Store, node: Node, key: PrivateKeySigner) -> Self {
        Self { source, store, node, key }
    }

    pub fn account(&self) -> Address {
        self.key.address()
    }

    /// Sends a call once. `about` and `step` name it: the same name is the same transaction until that has failed. Returns
    /// its hash, or `None` where it was mined already or the node had it.
    pub async fn submit(&self, about: &str, step: &str, to: Address, data: Bytes) -> Result<Option<B256>, SubmitError> {
        let earlier = submission::Entity::find()
            .filter(submission::Column::Source.eq(self.source.key()))
            .filter(submission::Column::ProposalId.eq(about))
            .filter(submission::Column::Step.eq(step))
            .one(&self.store.db)
            .await?;
        if let Some(earlier) = earlier {
            // Sent before: while its nonce is free, the same bytes are the only ones that may go out.
            let used = self.node.nonce(self.account(), BlockId::latest()).await?;
            if used <= earlier.nonce as u64 {
                let raw: Bytes = earlier.raw.parse().map_err(|_| SubmitError::Stored(earlier.transaction.clone()))?;
                return self.send(&raw).await;
            }
            let transaction: B256 = earlier.transaction.parse().map_err(|_| SubmitError::Stored(earlier.transaction.clone()))?;
            if self.node.receipt(transaction).await?.is_some_and(|receipt| receipt.status()) {
                // Mined; the follower will tell.
                return Ok(None);
            }
            let tx = self.store.begin().await?;
            submission::Entity::delete_by_id(earlier.id).exec(&tx.db).await?;
            tx.commit().await?;
        }

        let nonce = self.node.nonce(self.account(), BlockId::pending()).await?;
        let gas = self.node.estimate_gas(self.account(), to, data.clone()).await?;
        let (max_fee, priority) = self.node.fees().await?;
        let mut unsigned = TxEip1559 {
            chain_id: self.source.chain_id,
            nonce,
            gas_limit: gas + gas / 4,
            max_fee_per_gas: max_fee,
            max_priority_fee_per_gas: priority,
            to: TxKind::Call(to),
            value: U256::ZERO,
            access_list: Default::default(),
            input: data,
        };
        let signature = self.key.sign_transaction_sync(&mut unsigned)?;
        let signed: TxEnvelope = unsigned.into_signed(signature).into();
        let raw = signed.encoded_2718();
        let row = submission::ActiveModel {
            source: Set(self.source.key()),
            proposal_id: Set(about.to_owned()),
            step: Set(step.to_owned()),
            nonce: Set(nonce as i64),
            transaction: Set(signed.tx_hash().to_string()),
            raw: Set(hex::encode_prefixed(&raw)),
            ..Default::default()
        };
        let tx = self.store.begin().await?;
        submission::Entity::insert(row).exec_without_returning(&tx.db).await?;
        tx.commit().await?;
        self.send(&raw).await
    }

    async fn send(&self, raw: &[u8]) -> Result<Option<B256>, SubmitError> {
        match self.node.send_raw(raw).await {
            Ok(transaction) => Ok(Some(transaction)),
            // The node has it already: that is what was wanted.
            Err(NodeError::Rpc(error)) if error.as_error_resp().is_some_and(|payload| payload.message.contains("already")) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
