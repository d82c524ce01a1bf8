//! A JSON-RPC node, over HTTP or WebSocket. Every answer is bounded in time; every failure says whether to try again.

use std::time::Duration;

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    network::TransactionBuilder,
    providers::{DynProvider, Provider, ProviderBuilder, WsConnect},
    rpc::types::{Block, Filter, Log, TransactionReceipt, TransactionRequest},
    transports::TransportError,
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_sol_types::SolCall;

const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct Node {
    provider: DynProvider,
    pub url: String,
}

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error("the node did not answer within {} s", PATIENCE.as_secs())]
    Silent,
    #[error("the node refused: {0}")]
    Rpc(#[from] TransportError),
    #[error("the node's answer to {0} could not be read")]
    Answer(&'static str),
    #[error("the node has no block {0}")]
    NoBlock(String),
    #[error("{0} is not a JSON-RPC address")]
    Address(String),
}

impl NodeError {
    /// True when the same question may be answered later. A revert is an answer, not a failure of the node.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Rpc(error) => error.as_error_resp().is_none(),
            Self::Silent | Self::NoBlock(_) => true,
            Self::Answer(_) | Self::Address(_) => false,
        }
    }

    /// For pages: an RPC address may hold a key, and transport errors quote it.
    pub fn in_public(&self) -> String {
        match self {
            Self::Rpc(error) => match error.as_error_resp() {
                Some(answer) => format!("the node refused: {}", answer.message),
                None => "the node cannot be reached".into(),
            },
            other => other.to_string(),
        }
    }

    /// What a contract reverted with, if this is a revert.
    pub fn revert_data(&self) -> Option<Bytes> {
        match self {
            Self::Rpc(error) => error.as_error_resp().and_then(|payload| payload.as_revert_data()),
            _ => None,
        }
    }
}

impl Node {
    pub async fn connect(url: &str) -> Result<Self, NodeError> {
        let builder = ProviderBuilder::new().disable_recommended_fillers();
        let provider = if url.starts_with("ws") {
            // A broken connection is to fail at once: the follower knows best when to try again.
            let socket = WsConnect::new(url).with_max_retries(1).with_retry_interval(Duration::from_millis(100));
            tokio::time::timeout(PATIENCE, builder.connect_ws(socket)).await.map_err(|_| NodeError::Silent)??.erased()
        } else {
            tokio::time::timeout(PATIENCE, builder.connect(url)).await.map_err(|_| NodeError::Silent)??.erased()
        };
        Ok(Self { provider, url: url.to_owned() })
    }

    async fn patiently<T>(&self, call: impl Future<Output = Result<T, TransportError>>) -> Result<T, NodeError> {
        match tokio::time::timeout(PATIENCE, call).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(NodeError::Silent),
        }
    }

    pub async fn chain_id(&self) -> Result<u64, NodeError> {
        self.patiently(async { self.provider.get_chain_id().await }).await
    }

    pub async fn head(&self) -> Result<u64, NodeError> {
        self.patiently(async { self.provider.get_block_number().await }).await
    }

    pub async fn block(&self, number: u64) -> Result<Block, NodeError> {
        self.block_at(BlockNumberOrTag::Number(number)).await
    }

    pub async fn block_at(&self, tag: BlockNumberOrTag) -> Result<Block, NodeError> {
        let block = self.patiently(async { self.provider.get_block_by_number(tag).await }).await?;
        block.ok_or_else(|| NodeError::NoBlock(tag.to_string()))
    }

    /// Logs of `addresses` from block `from` to `to`, both included.
    pub async fn logs(&self, addresses: &[Address], from: u64, to: u64) -> Result<Vec<Log>, NodeError> {
        let filter = Filter::new().address(addresses.to_vec()).from_block(from).to_block(to);
        self.patiently(async { self.provider.get_logs(&filter).await }).await
    }

    /// Calls a view function at a block.
    pub async fn call<C: SolCall>(&self, to: Address, call: C, at: BlockId) -> Result<C::Return, NodeError> {
        let answer = self.simulate(Address::ZERO, to, call.abi_encode().into(), at).await?;
        C::abi_decode_returns(&answer).map_err(|_| NodeError::Answer(C::SIGNATURE))
    }

    /// Runs calldata without sending it; a revert is an error with [`NodeError::revert_data`].
    pub async fn simulate(&self, from: Address, to: Address, data: Bytes, at: BlockId) -> Result<Bytes, NodeError> {
        let mut request = TransactionRequest::default().with_to(to).with_input(data);
        if from != Address::ZERO {
            request = request.with_from(from);
        }
        self.patiently(async { self.provider.call(request).block(at).await }).await
    }

    /// Runs init code without sending it, and returns the code it would deploy.
    pub async fn run(&self, code: Bytes, gas: u64, at: BlockId) -> Result<Bytes, NodeError> {
        let request = TransactionRequest { to: Some(TxKind::Create), gas: Some(gas), ..Default::default() }.with_input(code);
        self.patiently(async { self.provider.call(request).block(at).await }).await
    }

    pub async fn estimate_gas(&self, from: Address, to: Address, data: Bytes) -> Result<u64, NodeError> {
        let request = TransactionRequest { from: Some(from), to: Some(TxKind::Call(to)), ..Default::default() }.with_input(data);
        self.patiently(async { self.provider.estimate_gas(request).block(BlockId::pending()).await }).await
    }

    /// Max fee and priority fee per gas, in wei.
    pub async fn fees(&self) -> Result<(u128, u128), NodeError> {
        let fees = self.patiently(async { self.provider.estimate_eip1559_fees().await }).await?;
        Ok((fees.max_fee_per_gas, fees.max_priority_fee_per_gas))
    }

    pub async fn nonce(&self, account: Address, at: BlockId) -> Result<u64, NodeError> {
        self.patiently(async { self.provider.get_transaction_count(account).block_id(at).await }).await
    }

    pub async fn balance(&self, account: Address) -> Result<U256, NodeError> {
        self.patiently(async { self.provider.get_balance(account).await }).await
    }

    pub async fn send_raw(&self, raw: &[u8]) -> Result<B256, NodeError> {
        self.patiently(async { self.provider.send_raw_transaction(raw).await.map(|pending| *pending.tx_hash()) }).await
    }

    pub async fn receipt(&self, transaction: B256) -> Result<Option<TransactionReceipt>, NodeError> {
        self.patiently(async { self.provider.get_transaction_receipt(transaction).await }).await
    }

    /// New heads pushed by the node, where it can (WebSocket); `None` over HTTP.
    pub async fn subscribe(&self) -> Option<alloy::pubsub::Subscription<alloy::rpc::types::Header>> {
        if !self.url.starts_with("ws") {
            return None;
        }
        self.provider.subscribe_blocks().await.ok()
    }

    /// Any other request, as it is; for the devnet's clock.
    pub async fn raw<T: serde::de::DeserializeOwned + Send + Sync + Unpin + std::fmt::Debug + 'static>(
        &self,
        method: &'static str,
        parameters: serde_json::Value,
    ) -> Result<T, NodeError> {
        self.patiently(async { self.provider.raw_request(method.into(), parameters).await }).await
    }
}
