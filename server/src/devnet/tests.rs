//! The devnet with a real node, as its users meet it.

use std::collections::{BTreeMap, BTreeSet};

use alloy::rpc::types::Log;
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolCall, SolEvent};
use governance::{
    explanation::{Binding, DecisionRecord, Model, VerificationState, binding, find_digest_line, verify},
    log::{Entry, EntryKind, anchor::find_decision, leaf_hash, origin_hash},
    onchain::abi::{GenerativeToken, Governor, LogAnchor, ParameterRegistry, Timelock, VoteToken},
    parameter::key_word,
    proposal::{ProposalState, description_hash, operation_id, proposal_id, salt_v5},
};
use serde_json::{Value as Json, json};

use super::{Deployment, DevnetError, Options, Running, anvil, clock, contracts::engine_word, people, rpc::Rpc, start, story};

struct World {
    running: Running,
    node: Rpc,
    _dir: tempfile::TempDir,
}

impl World {
    async fn new(pace: f64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let running = start(Options { dir: dir.path().into(), port: 0, pace, anvil: None, keep: false }).await.unwrap();
        let node = Rpc::connect(&running.deployment.rpc).unwrap();
        Self { running, node, _dir: dir }
    }

    fn deployment(&self) -> &Deployment {
        &self.running.deployment
    }

    async fn logs<E: SolEvent>(&self, address: Address) -> Vec<E> {
        let filter = json!([{"address": address, "fromBlock": "0x0", "toBlock": "latest", "topics": [E::SIGNATURE_HASH]}]);
        let logs: Vec<Log> = self.node.call("eth_getLogs", filter).await.unwrap();
        logs.iter().map(|log| E::decode_log_validate(&log.inner).unwrap().data).collect()
    }

    async fn proposals(&self) -> Vec<Governor::ProposalCreated> {
        self.logs(self.deployment().governor).await
    }

    async fn proposal(&self, title: &str) -> Governor::ProposalCreated {
        self.proposals().await.into_iter().find(|proposal| proposal.description.contains(title)).unwrap()
    }

    async fn state(&self, proposal: &Governor::ProposalCreated) -> ProposalState {
        let state = self.node.view(self.deployment().governor, Governor::stateCall { proposalId: proposal.proposalId }).await.unwrap();
        ProposalState::from_chain(state).unwrap()
    }

    /// Sends the governor a transaction of anybody's and says whether it succeeded.
    async fn send<C: SolCall>(&self, from: Address, call: C) -> bool {
        self.send_to(self.deployment().governor, from, call).await
    }

    async fn send_to<C: SolCall>(&self, to: Address, from: Address, call: C) -> bool {
        let transaction = json!([{"from": from, "to": to, "input": alloy_primitives::Bytes::from(call.abi_encode()), "gas": "0x7a1200"}]);
        let hash: B256 = self.node.call("eth_sendTransaction", transaction).await.unwrap();
        loop {
            if let Some(succeeded) = self.node.succeeded(hash).await.unwrap() {
                return succeeded;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// What a bridge would do: anchors a log that holds the decision, here nothing else, and shows it.
    async fn log_decision(&self, digest: B256) {
        let (origin, executor) = (origin_hash(story::LOG_ORIGIN), self.deployment().executor);
        let leaf = Entry::new(EntryKind::Decision, format!("decision/{digest}"), 1).to_leaf().unwrap();
        let (offset, _) = find_decision(&leaf).unwrap();
        let anchor = LogAnchor::anchorCall { origin, size: 1, root: B256::from(leaf_hash(&leaf).0) };
        let record = LogAnchor::recordDecisionCall {
            account: executor,
            origin,
            envelope: leaf.into(),
            offset: U256::from(offset),
            index: 0,
            size: 1,
            proof: vec![],
        };
        assert!(self.send_to(self.deployment().log_anchor, executor, anchor).await);
        assert!(self.send_to(self.deployment().log_anchor, executor, record).await);
    }

    async fn parameter(&self, key: &str) -> U256 {
        let call = ParameterRegistry::valueOfCall { engine: engine_word(), key: key_word(key).unwrap() };
        U256::from_be_slice(&self.node.view(self.deployment().registry, call).await.unwrap())
    }

    async fn skip(&self, seconds: u64) -> u64 {
        clock::skip(&self.deployment().rpc, seconds).await.unwrap()
    }
}

fn queue(proposal: &Governor::ProposalCreated) -> Governor::queueCall {
    let Governor::ProposalCreated { targets, values, calldatas, description, .. } = proposal.clone();
    Governor::queueCall { targets, values, calldatas, descriptionHash: description_hash(description) }
}

fn execute(proposal: &Governor::ProposalCreated) -> Governor::executeCall {
    let Governor::queueCall { targets, values, calldatas, descriptionHash } = queue(proposal);
    Governor::executeCall { targets, values, calldatas, descriptionHash }
}

fn title(proposal: &Governor::ProposalCreated) -> String {
    proposal.description.lines().next().unwrap_or_default().trim_start_matches("# ").to_owned()
}

/// When the story, the contracts or the model change, this changes: look at the difference, then write it into the file.
#[tokio::test]
async fn a_fresh_devnet_has_the_same_ids_for_everybody() {
    let world = World::new(0.0).await;
    let deployment = world.deployment();
    let mut proposals = Vec::new();
    for proposal in world.proposals().await {
        let hash = description_hash(&proposal.description);
        assert_eq!(proposal.proposalId, proposal_id(&proposal.targets, &proposal.values, &proposal.calldatas, hash));
        let operation = operation_id(&proposal.targets, &proposal.values, &proposal.calldatas, salt_v5(deployment.governor, hash));
        proposals.push(json!({
            "title": title(&proposal),
            "proposalId": proposal.proposalId.to_string(),
            "operation": operation,
            "decision": find_digest_line(&proposal.description),
            "state": world.state(&proposal).await.name(),
        }));
    }
    let parameters = world.node.view(deployment.registry, ParameterRegistry::parameterSetHashCall { engine: engine_word() }).await.unwrap();
    let found = json!({
        "governor": deployment.governor, "timelock": deployment.timelock, "token": deployment.token, "registry": deployment.registry, "art": deployment.art,
        "storyBlock": deployment.story_block, "time": clock::now(&deployment.rpc).await.unwrap(), "parameterSetHash": parameters, "proposals": proposals,
    });
    let expected: Json = serde_json::from_str(include_str!("snapshot.json")).unwrap();
    assert_eq!(found, expected, "found:\n{}", serde_json::to_string_pretty(&found).unwrap());
    world.running.stop().await;
}

#[tokio::test]
async fn every_state_this_governor_knows_can_be_seen() {
    let world = World::new(0.0).await;
    let mut seen = BTreeSet::new();
    for proposal in world.proposals().await {
        seen.insert(world.state(&proposal).await.name());
    }
    // A TimelockController's operations do not expire, so this governor never says `expired`.
    assert_eq!(seen, BTreeSet::from(["active", "canceled", "defeated", "executed", "pending", "queued"]));

    let gauges = world.proposal("storm gauges").await;
    world.skip(40 * 60).await;
    assert_eq!(world.state(&gauges).await, ProposalState::Succeeded);
    world.running.stop().await;
}

#[tokio::test]
async fn nobody_but_the_timelock_administers_it() {
    let world = World::new(0.0).await;
    let deployment = world.deployment();
    let mut holders: BTreeMap<B256, BTreeSet<Address>> = BTreeMap::new();
    for granted in world.logs::<Timelock::RoleGranted>(deployment.timelock).await {
        holders.entry(granted.role).or_default().insert(granted.account);
    }
    // Granted once and never revoked, so these are all there ever were.
    assert_eq!(world.logs::<Timelock::RoleRevoked>(deployment.timelock).await, []);
    let only = |account| BTreeSet::from([account]);
    assert_eq!(
        holders,
        BTreeMap::from([
            (B256::ZERO, only(deployment.timelock)),
            (keccak256("PROPOSER_ROLE"), only(deployment.governor)),
            (keccak256("CANCELLER_ROLE"), only(deployment.governor)),
            (keccak256("EXECUTOR_ROLE"), only(Address::ZERO)),
        ])
    );
    let registry_owner = world.node.view(deployment.registry, ParameterRegistry::timelockCall {}).await.unwrap();
    assert_eq!(registry_owner, deployment.timelock);
    for account in [deployment.executor, deployment.agents[0].address] {
        assert_eq!(world.node.view(deployment.token, VoteToken::getVotesCall { account }).await.unwrap(), U256::ZERO);
    }
    world.running.stop().await;
}

#[tokio::test]
async fn the_stewards_records_can_be_recomputed_and_are_bound_to_their_proposals() {
    let world = World::new(0.0).await;
    let deployment = world.deployment();
    let files: [&[u8]; 2] =
        [include_bytes!("../../agents/cadence-steward/model.json"), include_bytes!("../../agents/ledger-steward/model.json")];
    let models = files.map(|bytes| (Model::read(bytes).unwrap(), Model::sha256(bytes)));
    let mut records = BTreeMap::new();
    for entry in std::fs::read_dir(&deployment.decisions).unwrap() {
        let record = DecisionRecord::parse(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
        let signer = record.signer(deployment.chain_id, deployment.registry).unwrap();
        assert_eq!(record.agent_address(), Some(signer));
        let Some(place) = deployment.agents.iter().position(|agent| agent.address == signer) else { panic!("{signer} is no agent") };
        let (model, hash) = &models[place];
        assert_eq!(verify(&record, Some(model), Some(*hash)).state, VerificationState::Recomputed, "{}", record.question);
        records.insert(record.digest(), record);
    }
    assert_eq!(records.values().filter(|record| record.agent.name == "Cadence steward").count(), 6);
    assert!(records.len() > 8, "the other steward decided as well: {}", records.len());

    let mut bound = 0;
    let mut missing = Vec::new();
    for proposal in world.proposals().await {
        let Some(digest) = find_digest_line(&proposal.description) else { continue };
        let calls = proposal.calldatas.iter().filter_map(|data| ParameterRegistry::setParametersCall::abi_decode_validate(data).ok());
        let calls: Vec<_> = calls.collect();
        let digests: Vec<B256> = calls.iter().map(|call| call.decisionDigest).collect();
        match binding(Some(digest), &digests, records.get(&digest)) {
            Binding::Verified => {
                bound += 1;
                assert!(calls.iter().all(|call| call.expectedHash == records[&digest].based_on));
            }
            Binding::Missing => missing.push(title(&proposal)),
            Binding::Mismatch => panic!("{} does not fit its record", title(&proposal)),
        }
    }
    assert_eq!(bound, 6);
    assert_eq!(missing, ["Ember for February", "Bloom for midsummer"]);
    world.running.stop().await;
}

#[tokio::test]
async fn titles_say_what_the_steward_recommends() {
    let world = World::new(0.0).await;
    for proposal in world.proposals().await {
        assert!(!proposal.description.contains(['{', '}']), "{}", proposal.description);
        let moved = |word: &str| {
            let title = title(&proposal);
            let (to, from) = title
                .strip_prefix("Offer ")?
                .split_once(&format!(" tokens a day, {word} from "))
                .map(|(to, from)| (to.to_owned(), from.to_owned()))?;
            Some((to.parse::<u64>().unwrap(), from.parse::<u64>().unwrap()))
        };
        assert!(moved("up").is_none_or(|(to, from)| to > from), "{}", title(&proposal));
        assert!(moved("down").is_none_or(|(to, from)| to < from), "{}", title(&proposal));
    }
    world.running.stop().await;
}

/// The storms wait in the timelock, and the steward's proposal is drafted on what they leave.
#[tokio::test]
async fn what_is_under_way_can_be_carried_through_by_a_visitor() {
    let world = World::new(0.0).await;
    let deployment = world.deployment();
    let (ines, executor) = (deployment.accounts[0], deployment.executor);
    let storms = world.proposal(story::WINTER_STORMS).await;
    let cadence = world.proposal("before the holidays").await;
    assert_eq!(world.parameter("palette").await, U256::from(1));

    let eta = world.node.view(deployment.governor, Governor::proposalEtaCall { proposalId: storms.proposalId }).await.unwrap().to::<u64>();
    let now = clock::now(&deployment.rpc).await.unwrap();
    assert!((2 * story::HOUR..4 * story::HOUR).contains(&(eta - now)), "{}", eta - now);
    assert!(!world.send(executor, execute(&storms)).await, "the delay is not over");
    world.skip(eta - now).await;
    assert!(world.send(executor, execute(&storms)).await);
    assert_eq!((world.parameter("palette").await, world.parameter("swell").await), (U256::from(3), U256::from(550)));

    assert!(world.send(ines, Governor::castVoteCall { proposalId: cadence.proposalId, support: 1 }).await);
    world.skip(3 * story::DAY).await;
    assert_eq!(world.state(&cadence).await, ProposalState::Succeeded);
    assert!(world.send(executor, queue(&cadence)).await);
    world.skip(story::DAY + 1).await;
    let before = world.parameter("mint.cadence").await;
    assert!(!world.send(executor, execute(&cadence)).await, "its decision is in no anchored log");
    world.log_decision(find_digest_line(&cadence.description).unwrap()).await;
    assert!(world.send(executor, execute(&cadence)).await);
    assert!(world.parameter("mint.cadence").await > before);
    world.running.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_blocks_logs_and_receipts_and_the_clock_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { dir: dir.path().into(), port: 0, pace: 20.0, anvil: None, keep: true };
    let logs = json!([{"fromBlock": "0x0", "toBlock": "latest"}]);

    let first = start(options.clone()).await.unwrap();
    assert!(!first.resumed);
    let node = Rpc::connect(&first.deployment.rpc).unwrap();
    let skipped = clock::skip(&first.deployment.rpc, story::DAY).await.unwrap();
    let before: Vec<Log> = node.call("eth_getLogs", logs.clone()).await.unwrap();
    let deployment = first.deployment.clone();
    first.stop().await;

    let second = start(options).await.unwrap();
    assert!(second.resumed);
    assert_eq!(Deployment { rpc: deployment.rpc.clone(), ws: deployment.ws.clone(), ..second.deployment.clone() }, deployment);
    let node = Rpc::connect(&second.deployment.rpc).unwrap();
    let after: Vec<Log> = node.call("eth_getLogs", logs).await.unwrap();
    assert_eq!(after, before);
    let oldest = before[0].transaction_hash.unwrap();
    assert_eq!(node.succeeded(oldest).await.unwrap(), Some(true));
    let block: Json = node.call("eth_getBlockByNumber", json!(["0x1", true])).await.unwrap();
    assert_eq!(block["transactions"][0]["hash"], json!(oldest));
    let now = clock::skip(&second.deployment.rpc, 0).await.unwrap();
    assert!(now > skipped && now < skipped + story::HOUR, "{now} follows {skipped}");
    let minted = node.view(second.deployment.art, GenerativeToken::totalMintedCall {}).await.unwrap();
    assert!(minted > U256::from(300));
    second.stop().await;
}

#[tokio::test]
async fn a_state_that_was_not_written_completely_is_taken_from_its_copy_or_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { dir: dir.path().into(), port: 0, pace: 0.0, anvil: None, keep: true };
    start(options.clone()).await.unwrap().stop().await;
    let (state, copy) = (dir.path().join("state.json"), dir.path().join("state.previous.json"));
    let whole = std::fs::read(&state).unwrap();
    std::fs::write(&copy, &whole).unwrap();
    std::fs::write(&state, &whole[..whole.len() / 2]).unwrap();

    let from_copy = start(options.clone()).await.unwrap();
    assert!(from_copy.resumed);
    from_copy.stop().await;

    std::fs::write(&state, "{").unwrap();
    std::fs::write(&copy, "{").unwrap();
    let anew = start(options).await.unwrap();
    assert!(!anew.resumed);
    anew.stop().await;
}

#[tokio::test]
async fn the_clock_runs_at_its_pace_and_can_be_moved_from_outside() {
    let world = World::new(20.0).await;
    let url = &world.deployment().rpc;
    let before = clock::now(url).await.unwrap();
    let moved = world.skip(3 * story::DAY).await;
    assert!(moved >= before + 3 * story::DAY);
    tokio::time::sleep(std::time::Duration::from_millis(3_500)).await;
    let later = clock::now(url).await.unwrap();
    assert!((40..120).contains(&(later - moved)), "{} chain seconds in three and a half", later - moved);
    world.running.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let refused = anvil::free_port(port).unwrap_err();
    assert!(matches!(refused, DevnetError::PortTaken(taken) if taken == port));
    assert_eq!(refused.to_string(), format!("Port {port} is already in use; stop the program that holds it, or choose another port."));
}

#[test]
fn keys_belong_to_the_accounts_they_are_named_after() {
    use alloy::signers::local::PrivateKeySigner;
    let address = |key: &str| key.parse::<PrivateKeySigner>().unwrap().address();
    assert_eq!(address(people::STEWARD_KEY).to_string(), "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f");
    assert_eq!(address(people::EXECUTOR_KEY).to_string(), "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720");
    assert_eq!(people::person("cadence-steward").map(|agent| agent.account), Some(8));
    assert_eq!(address(people::LEDGER_KEY).to_string(), "0x2546BcD3c84621e976D8185a91A922aE77ECEc30");
    assert_eq!(people::person("ledger-steward").map(|agent| agent.account), Some(16));
    assert_eq!(people::person("executor").map(|executor| executor.account), Some(9));
}
