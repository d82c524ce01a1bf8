//! The devnet as anybody can use it from outside: its JSON-RPC, with the members' accounts unlocked.

use governance::onchain::{Bytes, SolCall, U256, abi::Governor, hex, keccak256};
use serde_json::{Value as Json, json};

use crate::until;

pub const HOUR: u64 = 3_600;
pub const DAY: u64 = 24 * HOUR;

/// Members of the demo, by their place among the devnet's accounts. None of them decides alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    Ines = 0,
    Teodor = 1,
    Wen = 2,
    /// No member, but the auditor whom the DAO lists.
    Vera = 13,
}

#[derive(Clone, Debug)]
pub struct Chain {
    url: String,
    http: reqwest::Client,
    governor: String,
    accounts: Vec<String>,
}

impl Chain {
    pub fn at(url: &str, http: reqwest::Client) -> Self {
        Self { url: url.to_owned(), http, governor: String::new(), accounts: vec![] }
    }

    /// Takes the addresses from what the bridge publishes about the DAO.
    pub fn learn(&mut self, dao: &Json) {
        self.governor = dao["governor"].as_str().expect("a governor").to_owned();
        self.accounts =
            dao["accounts"].as_array().expect("accounts on the devnet").iter().filter_map(Json::as_str).map(str::to_owned).collect();
    }

    pub fn account(&self, member: Member) -> &str {
        &self.accounts[member as usize]
    }

    pub async fn try_call(&self, method: &str, params: Json) -> Option<Json> {
        let asked = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer: Json = self.http.post(&self.url).json(&asked).send().await.ok()?.json().await.ok()?;
        assert!(answer["error"].is_null(), "{method} was refused: {}", answer["error"]);
        Some(answer["result"].clone())
    }

    /// Asks until there is an answer, since a node that was killed is away for a moment.
    pub async fn call(&self, method: &str, params: Json) -> Json {
        until(&format!("an answer to {method}"), async || self.try_call(method, params.clone()).await).await
    }

    pub async fn now(&self) -> u64 {
        quantity(&self.call("eth_getBlockByNumber", json!(["latest", false])).await["timestamp"])
    }

    /// Lets so many seconds pass.
    pub async fn skip(&self, seconds: u64) {
        self.call("evm_increaseTime", json!([seconds])).await;
        self.call("evm_mine", json!([])).await;
    }

    /// Lets time pass until just after a moment.
    pub async fn skip_past(&self, moment: u64) {
        let now = self.now().await;
        self.skip((moment + 1).saturating_sub(now)).await;
    }

    async fn send<C: SolCall>(&self, from: Member, call: C) {
        let transaction =
            json!([{"from": self.account(from), "to": self.governor, "input": hex::encode_prefixed(call.abi_encode()), "gas": "0x7a1200"}]);
        let hash = self.call("eth_sendTransaction", transaction).await;
        let receipt = until("a receipt", async || {
            self.try_call("eth_getTransactionReceipt", json!([hash])).await.filter(|receipt| !receipt.is_null())
        })
        .await;
        assert_eq!(receipt["status"], "0x1", "the chain refused {}", C::SIGNATURE);
    }

    pub async fn vote_for(&self, proposal: &str, members: &[Member]) {
        let id: U256 = proposal.parse().expect("a proposal id");
        for member in members {
            self.send(*member, Governor::castVoteCall { proposalId: id, support: 1 }).await;
        }
    }

    /// Proposes to do nothing (a call to oneself without data), with this text; the proposal's id.
    pub async fn propose_words(&self, from: Member, description: &str) -> String {
        let call = Governor::proposeCall {
            targets: vec![self.account(from).parse().expect("an address")],
            values: vec![U256::ZERO],
            calldatas: vec![Bytes::new()],
            description: description.to_owned(),
        };
        let id = governance::proposal::proposal_id(
            &call.targets,
            &call.values,
            &call.calldatas,
            governance::proposal::description_hash(description),
        );
        self.send(from, call).await;
        id.to_string()
    }

    /// How often the governor said that it executed this proposal.
    pub async fn executions(&self, proposal: &str) -> usize {
        let id: U256 = proposal.parse().expect("a proposal id");
        let topic = keccak256("ProposalExecuted(uint256)");
        let logs =
            self.call("eth_getLogs", json!([{"address": self.governor, "fromBlock": "0x0", "toBlock": "latest", "topics": [topic]}])).await;
        let wanted = format!("{id:#066x}");
        logs.as_array().expect("a list of logs").iter().filter(|log| log["data"] == wanted.as_str()).count()
    }
}

fn quantity(json: &Json) -> u64 {
    json.as_str()
        .and_then(|text| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok())
        .unwrap_or_else(|| panic!("{json} is not a quantity"))
}
