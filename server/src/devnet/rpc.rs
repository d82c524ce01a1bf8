//! The few requests that the devnet makes of its own node.

use std::time::Duration;

use alloy::{
    providers::{Provider, RootProvider},
    rpc::client::RpcClient,
};
use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolCall;
use serde_json::{Value, json};

use super::DevnetError;

/// Longer than the node needs to write its state down, during which it answers nobody.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub(super) struct Rpc {
    provider: RootProvider,
}

impl Rpc {
    pub fn connect(url: &str) -> Result<Self, DevnetError> {
        let url = url.parse().map_err(|_| DevnetError::Url(url.to_owned()))?;
        Ok(Self { provider: RootProvider::new(RpcClient::new_http(url)) })
    }

    pub async fn call<T>(&self, method: &'static str, parameters: Value) -> Result<T, DevnetError>
    where
        T: serde::de::DeserializeOwned + Send + Sync + Unpin + std::fmt::Debug + 'static,
    {
        match tokio::time::timeout(PATIENCE, self.provider.raw_request(method.into(), parameters)).await {
            Ok(answer) => answer.map_err(|source| DevnetError::Node { method, source: Box::new(source) }),
            Err(_) => Err(DevnetError::Silent { method }),
        }
    }

    /// A request whose answer does not matter.
    pub async fn send(&self, method: &'static str, parameters: Value) -> Result<(), DevnetError> {
        self.call::<Value>(method, parameters).await.map(drop)
    }

    /// Calls a view function at the latest block.
    pub async fn view<C: SolCall>(&self, to: Address, call: C) -> Result<C::Return, DevnetError> {
        let answer: Bytes = self.call("eth_call", json!([{"to": to, "data": Bytes::from(call.abi_encode())}, "latest"])).await?;
        C::abi_decode_returns(&answer).map_err(|_| DevnetError::Answer(C::SIGNATURE))
    }

    /// Whether a mined transaction succeeded; `None` when it was not mined.
    pub async fn succeeded(&self, transaction: B256) -> Result<Option<bool>, DevnetError> {
        let receipt: Option<Value> = self.call("eth_getTransactionReceipt", json!([transaction])).await?;
        Ok(receipt.map(|receipt| receipt["status"] == "0x1"))
    }
}
