//! The log on chain: anchored under the executor's account, asked for by the registry before a decision changes anything,
//! and judged by auditors.

use std::collections::BTreeSet;

use alloy::{eips::BlockId, rpc::types::TransactionReceipt};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolError};
use governance::{
    explanation::find_digest_line,
    log::{
        Anchoring, Checkpoint, Entry, Note,
        anchor::{find_decision, key_hash},
        origin_hash,
    },
    onchain::abi::{Governor, LogAnchor, ParameterRegistry, ValidationRegistry},
    parameter::key_word,
};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use server::{config::Config, reading::ProposalFacts, store::entities::log_checkpoint};

use crate::world::{DAY, Proposal, Site, World, eventually, reverts};

const ORIGIN: &str = "saltmarsh.example/log";

fn with_executor(world: &World) -> impl FnOnce(&mut Config) + use<> {
    let key = world.deployment.executor_key.clone();
    move |config| config.executor_key = Some(key)
}

/// The largest anchor of the bridge's account that the chain has.
async fn latest(world: &World) -> (u64, B256) {
    let call = LogAnchor::latestCall { account: world.deployment.executor, origin: origin_hash(ORIGIN) };
    let found = world.view(world.deployment.log_anchor, call).await;
    (found.size, found.root)
}

async fn receipt(world: &World, transaction: &str) -> TransactionReceipt {
    world.node.receipt(transaction.parse().unwrap()).await.unwrap().unwrap()
}

fn proposal(site: &Site, words: &str) -> ProposalFacts {
    let reading = site.bridge.reading();
    reading.facts.proposals.iter().find(|proposal| proposal.description.lines().next().unwrap().contains(words)).unwrap().clone()
}

async fn in_state(site: &Site, words: &str, state: &str) -> ProposalFacts {
    eventually(async || Some(proposal(site, words)).filter(|found| found.state == state)).await
}

#[tokio::test]
async fn the_newest_checkpoint_is_anchored_and_has_the_logs_own_root() {
    let world = World::at_pace(1.0).await;
    let site = world.bridge_with(with_executor(&world)).await;
    let anchored = eventually(async || {
        let (size, _) = site.bridge.log.publish().await.unwrap();
        (size > 0 && latest(&world).await.0 == size).then_some(size)
    })
    .await;
    // The log may have grown since, so that the checkpoint of that very size is looked up.
    let (size, root) = latest(&world).await;
    assert!(size >= anchored);
    let published = log_checkpoint::Entity::find_by_id(size as i64).one(&site.bridge.store.db).await.unwrap().unwrap();
    let checkpoint = Checkpoint::parse(&Note::parse(&published.note).unwrap().text).unwrap();
    assert_eq!(root, B256::from(checkpoint.root.0));
    assert_eq!(site.bridge.log.prove_at(0, size).await.unwrap().unwrap().1, checkpoint.root);

    // Another root of that size is refused, naming both; the same again is not.
    let call = |root| LogAnchor::anchorCall { origin: origin_hash(ORIGIN), size, root }.abi_encode().into();
    let (executor, contract) = (world.deployment.executor, world.deployment.log_anchor);
    let refusal = reverts(world.node.simulate(executor, contract, call(B256::repeat_byte(1)), BlockId::latest()).await);
    let conflict = LogAnchor::LogAnchorConflict::abi_decode(&refusal).unwrap();
    assert_eq!((conflict.anchored, conflict.given), (root, B256::repeat_byte(1)));
    world.node.simulate(executor, contract, call(root), BlockId::latest()).await.unwrap();

    // The key that signs the log can be checked against the chain.
    let vkey = site.get("/log/vkey").await.text();
    let key = key_hash(&vkey.trim().parse().unwrap());
    let announced = LogAnchor::keyOfCall { account: executor, origin: origin_hash(ORIGIN) };
    eventually(async || (world.view(contract, announced.clone()).await == key).then_some(())).await;

    // A key that was replaced on chain, as by a rotation that was taken back, is announced again each time.
    let other = LogAnchor::announceKeyCall { origin: origin_hash(ORIGIN), vkeyHash: B256::repeat_byte(6) };
    for _ in 0..2 {
        assert!(world.send(executor, contract, other.abi_encode().into()).await);
        eventually(async || (world.view(contract, announced.clone()).await == key).then_some(())).await;
    }
    let told = world.events::<LogAnchor::KeyAnnounced>(contract).await;
    let told: Vec<bool> = told.iter().filter(|(_, told)| told.account == executor).map(|(_, told)| told.vkeyHash == key).collect();
    assert!(told.ends_with(&[true, false, true, false, true]), "{told:?}");

    // What the chain holds is what the reading says, and only of accounts that count.
    let reading = eventually(async || {
        let reading = site.bridge.reading();
        reading.anchors_of(origin_hash(ORIGIN)).first().is_some_and(|anchor| anchor.size >= size).then_some(reading)
    })
    .await;
    let forged = Anchoring { contract, origin: origin_hash(ORIGIN), size: 1_000_000, root: B256::repeat_byte(2) };
    assert!(world.send(world.account("jules"), contract, forged.calldata()).await);
    eventually(async || site.bridge.reading().facts.anchors.iter().any(|anchor| anchor.size == 1_000_000).then_some(())).await;
    let counted: BTreeSet<Address> = site.bridge.reading().anchors_of(origin_hash(ORIGIN)).iter().map(|anchor| anchor.account).collect();
    assert_eq!(counted, BTreeSet::from([executor]));
    assert_eq!(reading.anchor_over(origin_hash(ORIGIN), 0).unwrap().contract, contract.to_string());

    let dao = &site.items("/api/v1/daos").await[0];
    assert_eq!(dao["logAnchor"], json!(contract));
    assert_eq!(dao["validations"], json!(world.deployment.validations));
}

#[tokio::test]
async fn a_decision_changes_nothing_before_it_is_logged_and_is_executed_after() {
    let world = World::at_pace(1.0).await;
    // Nobody anchors at first: a bridge without a key only reads.
    let site = world.bridge().await;
    let storms = proposal(&site, "Winter storms");
    world.skip_to(storms.eta.unwrap()).await;
    assert!(world.send(world.account("okke"), world.deployment.governor, Proposal::from(&storms).execute()).await);

    let cadence = proposal(&site, "before the holidays");
    let digest = find_digest_line(&cadence.description).unwrap();
    assert!(world.vote("ines", cadence.id).await);
    world.skip_to(cadence.vote_end + 1).await;
    in_state(&site, "before the holidays", "succeeded").await;
    let (targets, values, calldatas) = (cadence.targets.clone(), cadence.values.clone(), cadence.calldatas.clone());
    let description_hash = governance::proposal::description_hash(&cadence.description);
    let queue = Governor::queueCall { targets, values, calldatas, descriptionHash: description_hash };
    assert!(world.send(world.account("okke"), world.deployment.governor, queue.abi_encode().into()).await);
    world.skip(DAY + 10).await;
    let execute = Proposal::from(&cadence).execute();
    let refusal = reverts(world.node.simulate(world.account("okke"), world.deployment.governor, execute, BlockId::latest()).await);
    let refused = ParameterRegistry::ParameterRegistryDecisionNotLogged::abi_decode(&refusal).unwrap();
    assert_eq!((refused.decisionDigest, refused.account), (digest, world.deployment.executor));

    // The same bridge with a key anchors, shows the decision, and only then executes.
    drop(site);
    let site = world.bridge_with(with_executor(&world)).await;
    let executed = in_state(&site, "before the holidays", "executed").await.executed.unwrap();
    let logged = world.events::<LogAnchor::DecisionLogged>(world.deployment.log_anchor).await;
    let [(block, shown)] = &logged[..] else { panic!("{} decisions were shown", logged.len()) };
    assert_eq!(shown.decisionDigest, digest);
    let anchors = world.events::<LogAnchor::Anchored>(world.deployment.log_anchor).await;
    let covering = anchors.iter().find(|(_, anchor)| anchor.size == shown.size).unwrap();
    assert!(covering.0 <= *block && *block <= executed.block, "anchored, shown, executed: {} {block} {}", covering.0, executed.block);
    assert!(receipt(&world, &executed.transaction).await.status());
    let entry = site.bridge.log.entry(shown.index).await.unwrap().unwrap();
    assert_eq!(find_decision(&entry.leaf).unwrap().1, digest);

    // The entry's page names the anchor that covers it.
    let reading = site.bridge.reading();
    assert!(reading.anchor_over(origin_hash(ORIGIN), shown.index).unwrap().size > shown.index);
}

#[tokio::test]
async fn a_listed_auditors_word_is_beside_the_decision_and_in_the_log() {
    let world = World::new().await;
    let site = world.bridge().await;
    let decisions = site.items("/api/v1/decisions").await;
    let attested: Vec<&Value> = decisions.iter().filter(|decision| decision["verification"] == "attested").collect();
    assert_eq!(attested.len(), 1, "the one that the story's auditor looked into");
    let newest = decisions[0]["digest"].as_str().unwrap().to_owned();
    assert_eq!(decisions[0]["verification"], "recomputed");

    let say = async |who: &str, response: u8, report: &str| {
        let call = ValidationRegistry::validationResponseCall {
            requestHash: newest.parse().unwrap(),
            response,
            responseURI: report.into(),
            responseHash: B256::ZERO,
            tag: B256::ZERO,
        };
        assert!(world.send(world.account(who), world.deployment.validations, call.abi_encode().into()).await);
    };
    let decision = async || site.get(&format!("/api/v1/decisions/{newest}")).await.json();
    let told = async |count: usize| {
        eventually(async || {
            let decision = decision().await;
            (decision["verdicts"].as_array().unwrap().len() == count).then_some(decision)
        })
        .await
    };

    // A member is not on the list, however sure.
    say("jules", 100, "javascript:alert(1)").await;
    let found = told(1).await;
    assert_eq!(found["verification"], "recomputed");
    assert_eq!(found["verdicts"][0]["listed"], false);
    assert_eq!(found["verdicts"][0]["report"], Value::Null, "nothing that could be run is shown as a link");

    say("vera", 90, "https://audit.example/1").await;
    let found = told(2).await;
    assert_eq!(found["verification"], "attested");
    let verdict = &found["verdicts"][0];
    assert_eq!(
        (&verdict["name"], &verdict["verdict"], &verdict["report"]),
        (&json!("Vera Lindqvist"), &json!("holds"), &json!("https://audit.example/1"))
    );

    // Its log entry says the same, refers to the decision, and names who spoke.
    let index = verdict["entry"].as_u64().unwrap();
    let entry = Entry::parse(&site.bridge.log.entry(index).await.unwrap().unwrap().leaf).unwrap();
    assert_eq!((entry.kind.name(), &entry.facts["verdict"], &entry.facts["response"]), ("verdict", &json!("holds"), &json!(90)));
    assert_eq!(entry.facts["decision"], json!(newest));
    assert!(entry.actor.unwrap().ends_with(&world.account("vera").to_string()));
    let [reference] = entry.refs[..] else { panic!("{} references", entry.refs.len()) };
    let referred = Entry::parse(&site.bridge.log.entry(reference.index).await.unwrap().unwrap().leaf).unwrap();
    assert_eq!(referred.id, format!("decision/{newest}"));

    // She thinks again, and her newer word counts.
    say("vera", 10, "").await;
    let found = eventually(async || {
        let found = decision().await;
        (found["verdicts"][0]["verdict"] == "fails").then_some(found)
    })
    .await;
    assert_eq!(found["verification"], "recomputed");
    assert_eq!(found["verdicts"].as_array().unwrap().len(), 2);

    // About what nobody here has seen, the log says nothing.
    let size = site.bridge.log.size().await.unwrap();
    let stranger = ValidationRegistry::validationResponseCall {
        requestHash: B256::repeat_byte(0x77),
        response: 100,
        responseURI: String::new(),
        responseHash: B256::ZERO,
        tag: B256::ZERO,
    };
    assert!(world.send(world.account("vera"), world.deployment.validations, stranger.abi_encode().into()).await);
    eventually(async || site.bridge.reading().facts.verdicts.iter().any(|said| said.decision == B256::repeat_byte(0x77)).then_some(()))
        .await;
    assert_eq!(site.bridge.log.size().await.unwrap(), size);
}

/// A verdict whose block leaves the chain is corrected in the log and no longer counts.
#[tokio::test]
async fn a_verdict_that_a_reorg_takes_away_is_corrected() {
    let world = World::new().await;
    let site = world.bridge().await;
    let newest = site.items("/api/v1/decisions").await[0]["digest"].as_str().unwrap().to_owned();
    let state = async || site.get(&format!("/api/v1/decisions/{newest}")).await.json()["verification"].as_str().unwrap().to_owned();
    let snapshot: Value = world.node.raw("evm_snapshot", json!([])).await.unwrap();
    let call = ValidationRegistry::validationResponseCall {
        requestHash: newest.parse().unwrap(),
        response: 100,
        responseURI: String::new(),
        responseHash: B256::ZERO,
        tag: B256::ZERO,
    };
    assert!(world.send(world.account("vera"), world.deployment.validations, call.abi_encode().into()).await);
    eventually(async || (state().await == "attested").then_some(())).await;
    let judged = site.bridge.log.size().await.unwrap() - 1;

    let _: bool = world.node.raw("evm_revert", json!([snapshot])).await.unwrap();
    // Another branch: its blocks have other times, so that their hashes differ.
    world.skip(7).await;
    world.mine(3).await;
    eventually(async || (state().await == "recomputed").then_some(())).await;
    let last = site.bridge.log.size().await.unwrap() - 1;
    let entry = Entry::parse(&site.bridge.log.entry(last).await.unwrap().unwrap().leaf).unwrap();
    assert_eq!(entry.kind.name(), "correction");
    assert_eq!(entry.refs[0].index, judged);
}

/// A draft that changes parameters ends with the anchor of the newest checkpoint, and a grant does not.
#[tokio::test]
async fn a_drafted_change_carries_the_anchor_and_is_told_without_it() {
    let world = World::new().await;
    let site = world.bridge().await;
    let reading = site.bridge.reading();
    let known = reading.known();
    let log = known.log.unwrap();
    let (size, _) = site.bridge.log.publish().await.unwrap();
    assert!(log.size > 0 && log.size <= size);
    let engine = &reading.facts.engines["tideline"];
    let draft = governance::proposal::Draft {
        title: "Mirror them".into(),
        actions: vec![governance::proposal::Action::Change {
            engine: "tideline".into(),
            based_on: engine.revisions.last().unwrap().hash,
            changes: vec![governance::proposal::ParameterInput { key: "mirror".into(), value: "on".into() }],
        }],
        ..Default::default()
    };
    let compiled = governance::proposal::compile(&draft, &known, Some(world.account("ines"))).unwrap();
    assert_eq!(compiled.calls.last().unwrap().target, world.deployment.log_anchor);
    assert!(world.send(world.account("ines"), world.deployment.governor, compiled.propose_calldata.clone()).await);
    let made = eventually(async || {
        let reading = site.bridge.reading();
        let made = reading.proposal_made_of(&compiled)?.clone();
        Some(reading.summary(&made))
    })
    .await;
    assert!(made.changes_parameters && !made.calls_contracts, "{}", made.sentence);
    assert!(!made.sentence.contains("log"), "{}", made.sentence);

    // The log has grown by the proposal's own entry, and the draft is still known by what it became.
    let later = eventually(async || site.bridge.reading().log.filter(|later| later.size > log.size)).await;
    let again = governance::proposal::compile(
        &draft,
        &governance::proposal::Known { log: Some(later), ..known.clone() },
        Some(world.account("ines")),
    )
    .unwrap();
    assert_ne!(again.proposal_id, compiled.proposal_id);
    assert_eq!(site.bridge.reading().proposal_made_of(&again).unwrap().id.to_string(), compiled.proposal_id);

    // Once ratified, the timelock has anchored under its own account, in the same transaction as the change.
    let proposal = Proposal::from(site.bridge.reading().proposal_made_of(&compiled).unwrap());
    world.pass(&[&proposal]).await;
    let (targets, values, calldatas) = (proposal.targets.clone(), proposal.values.clone(), proposal.calldatas.clone());
    let description_hash = governance::proposal::description_hash(&proposal.description);
    let queue = Governor::queueCall { targets, values, calldatas, descriptionHash: description_hash };
    assert!(world.send(world.account("okke"), world.deployment.governor, queue.abi_encode().into()).await);
    world.skip(DAY + 10).await;
    assert!(world.send(world.account("okke"), world.deployment.governor, proposal.execute()).await);
    let call = LogAnchor::rootOfCall { account: world.deployment.timelock, origin: origin_hash(ORIGIN), size: log.size };
    assert_eq!(world.view(world.deployment.log_anchor, call).await, log.root);
    let mirror = ParameterRegistry::valueOfCall { engine: key_word("tideline").unwrap(), key: key_word("mirror").unwrap() };
    assert_eq!(U256::from_be_slice(&world.view(world.deployment.registry, mirror).await), U256::from(1));
    eventually(async || {
        let anchors = site.bridge.reading();
        anchors.anchors_of(origin_hash(ORIGIN)).iter().any(|anchor| anchor.account == world.deployment.timelock).then_some(())
    })
    .await;
}
