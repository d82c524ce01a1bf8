//! The executor: does what anybody could do, once, and keeps nobody waiting.

use alloy::eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use governance::{
    onchain::abi::{GenerativeToken, Governor, ParameterRegistry, Timelock, VoteToken},
    parameter::{Kind, key_word},
};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use server::store::entities::submission;

use crate::{
    proxy::{Fault, Proxy},
    world::{DAY, Proposal, World, eventually, reverts},
};

/// The first block whose time is not before `moment`.
async fn first_block_at(world: &World, moment: u64) -> u64 {
    let mut number = world.node.head().await.unwrap();
    while world.node.block(number - 1).await.unwrap().header.timestamp >= moment {
        number -= 1;
    }
    number
}

#[tokio::test]
async fn a_succeeded_proposal_is_queued_and_executed_without_privilege() {
    let world = World::at_pace(1.0).await;
    let site = world.bridge_with(|config| config.executor_key = Some(world.deployment.executor_key.clone())).await;
    let gauges =
        site.bridge.reading().facts.proposals.iter().find(|proposal| proposal.description.contains("storm gauges")).unwrap().clone();
    assert_eq!(gauges.state, "active");
    let known = async |state: &str| {
        let proposal = site.bridge.reading().facts.proposal(gauges.id).unwrap().clone();
        (proposal.state == state).then_some(proposal)
    };

    world.skip_to(gauges.vote_end - 3).await;
    let queued = eventually(async || known("queued").await).await;
    // The deadline itself is the last moment of the vote. Anchors of the log make blocks of their own in between.
    let allowed = first_block_at(&world, queued.vote_end + 1).await;
    let at = queued.queued.unwrap().block;
    assert!(at >= allowed && at <= allowed + 4, "queued in block {at}, allowed from {allowed}");

    let eta = queued.eta.unwrap();
    world.skip_to(eta - 3).await;
    let executed = eventually(async || known("executed").await).await.executed.unwrap();
    let allowed = first_block_at(&world, eta).await;
    assert!(executed.at >= eta);
    assert!(executed.block >= allowed && executed.block <= allowed + 1, "executed in block {}, allowed from {allowed}", executed.block);
    let receipt = world.node.receipt(executed.transaction.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(receipt.from, world.deployment.executor);
    assert_eq!(
        world
            .events::<Governor::ProposalExecuted>(world.deployment.governor)
            .await
            .iter()
            .filter(|(_, event)| event.proposalId == gauges.id)
            .count(),
        1
    );
}

/// Every call that changes what is governed, with arguments that the timelock itself could give.
fn setters(world: &World) -> Vec<(&'static str, Address, Bytes)> {
    let deployment = &world.deployment;
    let (engine, somebody) = (key_word("tideline").unwrap(), deployment.executor);
    let definition = governance::parameter::Definition {
        kind: Kind::Toggle,
        decimals: 0,
        min: 0,
        max: 1,
        max_step: 0,
        min_interval: 0,
        locked_after: 0,
        guardian: None,
        unit: String::new(),
        options: vec![],
    };
    let parameter =
        ParameterRegistry::Parameter { key: key_word("new").unwrap(), definition: definition.to_abi(), value: vec![0; 32].into() };
    let proposer = alloy_primitives::keccak256("PROPOSER_ROLE");
    let mut calls: Vec<(&'static str, Address, Vec<u8>)> = vec![
        (
            "defineParameters",
            deployment.registry,
            ParameterRegistry::defineParametersCall { engine, parameters: vec![parameter] }.abi_encode(),
        ),
        (
            "setParameters",
            deployment.registry,
            ParameterRegistry::setParametersCall { engine, expectedHash: B256::ZERO, decisionDigest: B256::ZERO, changes: vec![] }
                .abi_encode(),
        ),
        ("setObserver", deployment.registry, ParameterRegistry::setObserverCall { engine, observer: somebody }.abi_encode()),
        ("updateDelay", deployment.timelock, Timelock::updateDelayCall { newDelay: U256::ZERO }.abi_encode()),
        ("grantRole", deployment.timelock, Timelock::grantRoleCall { role: proposer, account: somebody }.abi_encode()),
        ("revokeRole", deployment.timelock, Timelock::revokeRoleCall { role: proposer, account: deployment.governor }.abi_encode()),
        ("cancel", deployment.timelock, Timelock::cancelCall { id: B256::ZERO }.abi_encode()),
        ("setVotingDelay", deployment.governor, Governor::setVotingDelayCall { newVotingDelay: Default::default() }.abi_encode()),
        ("setVotingPeriod", deployment.governor, Governor::setVotingPeriodCall { newVotingPeriod: 1 }.abi_encode()),
        ("setProposalThreshold", deployment.governor, Governor::setProposalThresholdCall { newProposalThreshold: U256::ZERO }.abi_encode()),
        ("updateQuorumNumerator", deployment.governor, Governor::updateQuorumNumeratorCall { newQuorumNumerator: U256::ZERO }.abi_encode()),
        (
            "setLateQuorumVoteExtension",
            deployment.governor,
            Governor::setLateQuorumVoteExtensionCall { newVoteExtension: Default::default() }.abi_encode(),
        ),
        (
            "relay",
            deployment.governor,
            Governor::relayCall { target: deployment.token, value: U256::ZERO, data: Bytes::new() }.abi_encode(),
        ),
        ("updateTimelock", deployment.governor, Governor::updateTimelockCall { newTimelock: somebody }.abi_encode()),
        ("setBaseURI", deployment.art, GenerativeToken::setBaseURICall { baseURI: "x".into() }.abi_encode()),
        ("setContractURI", deployment.art, GenerativeToken::setContractURICall { newContractURI: "x".into() }.abi_encode()),
    ];
    // The timelock's own way in: `schedule` and `scheduleBatch`, which the bindings have no use for.
    alloy_sol_types::sol! {
        function schedule(address target, uint256 value, bytes data, bytes32 predecessor, bytes32 salt, uint256 delay) external;
        function scheduleBatch(address[] targets, uint256[] values, bytes[] payloads, bytes32 predecessor, bytes32 salt, uint256 delay) external;
    }
    let delay = U256::from(30 * DAY);
    calls.push((
        "schedule",
        deployment.timelock,
        scheduleCall { target: somebody, value: U256::ZERO, data: Bytes::new(), predecessor: B256::ZERO, salt: B256::ZERO, delay }
            .abi_encode(),
    ));
    calls.push((
        "scheduleBatch",
        deployment.timelock,
        scheduleBatchCall {
            targets: vec![somebody],
            values: vec![U256::ZERO],
            payloads: vec![Bytes::new()],
            predecessor: B256::ZERO,
            salt: B256::ZERO,
            delay,
        }
        .abi_encode(),
    ));
    calls.into_iter().map(|(name, target, data)| (name, target, data.into())).collect()
}

#[tokio::test]
async fn the_executor_account_holds_no_role() {
    let world = World::new().await;
    let executor = world.deployment.executor;
    for (name, target, data) in setters(&world) {
        let refusal = reverts(world.node.simulate(executor, target, data, BlockId::latest()).await);
        assert!(refusal.len() >= 4, "{name} is refused without a word");
    }
    assert_eq!(world.view(world.deployment.token, VoteToken::getVotesCall { account: executor }).await, U256::ZERO);
    assert_eq!(world.view(world.deployment.token, VoteToken::balanceOfCall { account: executor }).await, U256::ZERO);
    for role in ["PROPOSER_ROLE", "CANCELLER_ROLE", "EXECUTOR_ROLE", ""] {
        let role = if role.is_empty() { B256::ZERO } else { alloy_primitives::keccak256(role) };
        assert!(!world.view(world.deployment.timelock, Timelock::hasRoleCall { role, account: executor }).await);
    }
}

/// Where a crash may fall: the signed transaction is stored, and then …
#[tokio::test]
async fn executed_once_even_if_restarted_between_signing_and_sending() {
    // … it never left, or it arrived and the answer was lost.
    for fault in [Fault::LoseRequests("eth_sendRawTransaction"), Fault::LoseAnswers("eth_sendRawTransaction")] {
        let world = World::new().await;
        let proxy = Proxy::before(&world.deployment.rpc).await;
        let executor = world.deployment.executor;
        let nonce = world.node.nonce(executor, BlockId::latest()).await.unwrap();
        let mut desk = world.desk_at(&proxy.url).await;
        desk.turns(1).await;
        let storms = desk.proposal("Winter storms").await;
        world.skip_to(storms.eta.unwrap()).await;
        // What ended meanwhile is queued in the same turn; only the storms are of interest here.
        proxy.fail(fault.clone());
        desk.turn().await;
        let stored =
            submission::Entity::find().all(&desk.follower.store.db).await.unwrap().into_iter().find(|row| row.step == "execute").unwrap();
        assert_eq!(proxy.passed("eth_sendRawTransaction") > 0, matches!(fault, Fault::LoseAnswers(_)));
        drop(desk);

        // Another process, with nothing but the database.
        let mut desk = world.desk().await;
        desk.turns(3).await;
        let executed: Vec<u64> = world
            .events::<Governor::ProposalExecuted>(world.deployment.governor)
            .await
            .into_iter()
            .filter(|(_, event)| event.proposalId == storms.id)
            .map(|(block, _)| block)
            .collect();
        assert_eq!(executed.len(), 1, "{fault:?}");
        let moment = desk.proposal("Winter storms").await.executed.unwrap();
        assert_eq!(moment.transaction, stored.transaction, "another transaction than the one that was signed");
        let rows = submission::Entity::find().all(&desk.follower.store.db).await.unwrap();
        let used = world.node.nonce(executor, BlockId::latest()).await.unwrap() - nonce;
        assert_eq!(used, rows.len() as u64, "{fault:?}: a nonce for each step, and no more");
    }
}

#[tokio::test]
async fn another_account_first_is_fine() {
    let world = World::new().await;
    let proxy = Proxy::before(&world.deployment.rpc).await;
    let executor = world.deployment.executor;
    let nonce = world.node.nonce(executor, BlockId::latest()).await.unwrap();
    let mut desk = world.desk_at(&proxy.url).await;
    desk.turns(1).await;
    let storms = desk.proposal("Winter storms").await;
    world.skip_to(storms.eta.unwrap()).await;
    proxy.fail(Fault::LoseRequests("eth_sendRawTransaction"));
    desk.turn().await;
    // While ours is on its way, a member does it by hand.
    assert!(world.send(world.account("okke"), world.deployment.governor, Proposal::from(&storms).execute()).await);
    proxy.fail(Fault::None);
    desk.turns(2).await;
    let found = desk.proposal("Winter storms").await;
    assert_eq!((found.state.as_str(), found.obstacle.as_str()), ("executed", ""));
    let receipt = world.node.receipt(found.executed.unwrap().transaction.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(receipt.from, world.account("okke"));

    // The nonce that was meant for it serves the next step.
    let gauges = desk.proposal("storm gauges").await;
    assert_eq!(gauges.state, "queued");
    world.skip_to(gauges.eta.unwrap()).await;
    desk.turns(2).await;
    assert_eq!(desk.proposal("storm gauges").await.state, "executed");
    assert_eq!(world.node.nonce(executor, BlockId::latest()).await.unwrap() - nonce, 2);
}

#[tokio::test]
async fn a_call_that_would_fail_is_told_and_does_not_block_others() {
    let world = World::new().await;
    let mut desk = world.desk().await;
    let ether = U256::from(10).pow(U256::from(18));
    let palace =
        world.propose("ines", "A palace for the gauges", vec![(world.account("wen"), ether * U256::from(5_000), Bytes::new())]).await;
    let bench = world.propose("teodor", "A bench by the sluice", vec![(world.account("wen"), ether / U256::from(10), Bytes::new())]).await;
    world.pass(&[&palace, &bench]).await;
    desk.turns(2).await;
    assert_eq!(desk.proposal("palace").await.state, "queued");
    assert_eq!(desk.proposal("palace").await.obstacle, "", "its time has not come yet");

    world.skip_to(world.eta(bench.id).await).await;
    desk.turns(2).await;
    let (found, other) = (desk.proposal("palace").await, desk.proposal("bench").await);
    assert_eq!(other.state, "executed");
    assert_eq!(found.state, "queued");
    assert!(found.obstacle.contains("revert"), "{:?}", found.obstacle);

    // What stood in the way goes away, and so does the complaint.
    let _: Value = world.node.raw("anvil_setBalance", json!([world.deployment.timelock, ether * U256::from(6_000)])).await.unwrap();
    world.mine(1).await;
    desk.turns(2).await;
    let found = desk.proposal("palace").await;
    assert_eq!((found.state.as_str(), found.obstacle.as_str()), ("executed", ""));
}

#[tokio::test]
async fn a_change_drafted_on_older_parameters_is_told_as_such() {
    let world = World::new().await;
    let mut desk = world.desk().await;
    desk.turns(1).await;
    let storms = desk.proposal("Winter storms").await;
    let mut anew = Proposal::from(&storms);
    let call = (anew.targets.remove(0), U256::ZERO, anew.calldatas.remove(0));
    let again = world.propose("ines", "Storms, once more", vec![call]).await;
    world.pass(&[&again]).await;
    desk.turns(2).await;
    world.skip_to(world.eta(again.id).await).await;
    desk.turns(2).await;
    assert_eq!(desk.proposal("Winter storms").await.state, "executed");
    let found = desk.proposal("once more").await;
    assert_eq!(
        (found.state.as_str(), found.obstacle.as_str()),
        ("queued", "the parameters changed after this was drafted, so the registry refuses it")
    );
}

#[tokio::test]
async fn after_a_reorg_the_same_transaction_goes_out_again() {
    let world = World::new().await;
    let mut desk = world.desk().await;
    desk.turns(1).await;
    let storms = desk.proposal("Winter storms").await;
    world.skip_to(storms.eta.unwrap()).await;
    let snapshot: Value = world.node.raw("evm_snapshot", json!([])).await.unwrap();
    desk.turns(2).await;
    let first = desk.proposal("Winter storms").await.executed.unwrap();
    let _: bool = world.node.raw("evm_revert", json!([snapshot])).await.unwrap();
    world.mine(1).await;
    desk.turns(3).await;
    let second = desk.proposal("Winter storms").await.executed.unwrap();
    assert_eq!(second.transaction, first.transaction);
}

/// Without automatic mining a transaction waits in the pool; it is not sent a second time meanwhile.
#[tokio::test]
async fn a_transaction_that_waits_to_be_mined_is_not_repeated() {
    let world = World::new().await;
    let executor = world.deployment.executor;
    let mut desk = world.desk().await;
    desk.turns(1).await;
    let storms = desk.proposal("Winter storms").await;
    world.skip_to(storms.eta.unwrap()).await;
    let nonce = world.node.nonce(executor, BlockId::latest()).await.unwrap();
    let _: Value = world.node.raw("evm_setAutomine", json!([false])).await.unwrap();
    desk.turns(4).await;
    let steps = submission::Entity::find().all(&desk.follower.store.db).await.unwrap().len() as u64;
    assert_eq!(world.node.nonce(executor, BlockId::pending()).await.unwrap() - nonce, steps);
    world.mine(1).await;
    desk.turns(2).await;
    assert_eq!(desk.proposal("Winter storms").await.state, "executed");
    assert_eq!(world.node.nonce(executor, BlockId::latest()).await.unwrap() - nonce, steps);
}
