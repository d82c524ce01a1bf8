//! The follower: what is stored is what the chain says now, however it was read and whatever happened on the way.

use alloy_primitives::{B256, U256};
use governance::{
    log::{Checkpoint, Entry, EntryKind, TileReader, VerifierKey, merkle, tile::tiles_for_consistency},
    onchain::abi::{Governor, ParameterRegistry},
};
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};
use server::{
    chain::{
        Node,
        follower::{FollowError, Follower},
    },
    log::Log,
    reading::{Facts, served},
    store::{
        Store,
        entities::{event, log_entry, submission},
    },
};

use crate::{
    postgres::Postgres,
    proxy::{Fault, Proxy},
    world::{DAY, World, catch_up, eventually},
};

#[tokio::test]
async fn the_store_tells_the_same_after_reading_from_scratch() {
    let world = World::new().await;
    // Followed step by step as things happen, over HTTP …
    let mut follower = world.follower().await;
    catch_up(&mut follower).await;
    let proposal = world.propose("ines", "A bench by the sluice", vec![(world.account("wen"), U256::from(1), vec![].into())]).await;
    catch_up(&mut follower).await;
    world.pass(&[&proposal]).await;
    catch_up(&mut follower).await;
    let stepwise = world.told(&follower.store).await;
    assert_eq!(stepwise["proposals"].as_array().unwrap().len(), 31);

    // … and in one go afterwards, over WebSocket.
    let mut anew = world.follower_at(&world.deployment.ws, &world.database("anew.db")).await;
    catch_up(&mut anew).await;
    assert_eq!(world.told(&anew.store).await, stepwise);

    if let Some(postgres) = Postgres::start().await {
        let mut elsewhere = world.follower_at(&world.deployment.rpc, &postgres.url).await;
        catch_up(&mut elsewhere).await;
        assert_eq!(world.told(&elsewhere.store).await, stepwise);
    }
}

#[tokio::test]
async fn a_stop_in_the_middle_resumes_where_it_was() {
    let world = World::new().await;
    let mut whole = world.follower().await;
    catch_up(&mut whole).await;

    // A node that refuses long ranges, so that there is a middle.
    let proxy = Proxy::before(&world.deployment.rpc).await;
    proxy.fail(Fault::ShortRanges(100));
    let database = world.database("interrupted.db");
    let mut rounds = 0;
    loop {
        // Each time a new process: nothing but the database remembers.
        let mut follower = world.follower_at(&proxy.url, &database).await;
        let round = loop {
            match follower.round().await {
                Ok(round) => break round,
                Err(error) => assert!(matches!(error, FollowError::Node(_)), "{error}"),
            }
        };
        rounds += 1;
        if !round.behind {
            break;
        }
    }
    assert!(rounds >= 7, "{rounds} rounds for {} blocks", world.deployment.story_block);
    let store = Store::open(&database).await.unwrap();
    assert_eq!(world.told(&store).await, world.told(&whole.store).await);
}

/// Nodes keep the states of a few hundred blocks; a bridge that was away for longer must not need them.
#[tokio::test]
async fn a_history_longer_than_the_node_remembers_is_read() {
    let world = World::new().await;
    // In portions: a node on a busy machine takes longer for all than anyone waits for an answer.
    for _ in 0..10 {
        let _: Value = world.node.raw("anvil_mine", json!(["0xfa", "0x1"])).await.unwrap();
    }
    let mut follower = world.follower().await;
    let first = follower.round().await.unwrap();
    assert!(first.behind);
    let name = world.node.call(world.deployment.governor, Governor::nameCall {}, alloy::eips::BlockId::number(first.block)).await;
    assert!(name.is_err(), "this node remembers block {}", first.block);
    catch_up(&mut follower).await;
    let facts = Facts::load(&follower.store.db, &follower.source).await.unwrap();
    assert_eq!(facts.proposals.len(), 30);
    for proposal in &facts.proposals {
        let state = governance::proposal::ProposalState::from_chain(world.state(proposal.id).await).unwrap();
        assert_eq!(proposal.state, state.name(), "{}", proposal.number);
    }
}

/// What stands in the log, parsed.
async fn entries(store: &Store) -> Vec<Entry> {
    let rows = log_entry::Entity::find().order_by_asc(log_entry::Column::Index).all(&store.db).await.unwrap();
    rows.iter().map(|row| Entry::parse(&row.leaf).unwrap()).collect()
}

/// Fails unless the log at the later checkpoint begins with the log at the earlier one, checked from its tiles.
async fn assert_consistent(log: &Log, earlier: &str, later: &str) {
    let key: VerifierKey = log.vkey().parse().unwrap();
    let open = |note| Checkpoint::open(note, &key, key.name()).unwrap();
    let (earlier, later) = (open(earlier), open(later));
    let mut tiles = std::collections::BTreeMap::new();
    for path in tiles_for_consistency(earlier.size, later.size).unwrap() {
        tiles.insert(path, log.tile(path).await.unwrap().unwrap());
    }
    let mut reader = TileReader::new(later.size, |path| Ok::<_, governance::log::TileError>(tiles[&path].clone()));
    let proof = merkle::prove_consistency(earlier.size, later.size, |level, index| {
        reader.hash(level, index).map_err(|_| merkle::MerkleError::Outside { index, size: later.size })
    })
    .unwrap();
    merkle::verify_consistency(earlier.size, later.size, &proof, earlier.root, later.root).unwrap();
}

/// `longer`: the other branch already overtook the removed one when the follower looks again.
async fn a_reorg(longer: bool) {
    let world = World::new().await;
    let governor = world.deployment.governor;
    let mut follower = world.follower().await;
    let log = Log::open(follower.store.clone(), "test.example/log", &world.dir.path().join("log.key")).await.unwrap();
    catch_up(&mut follower).await;
    let before = world.told(&follower.store).await;
    let facts = Facts::load(&follower.store.db, &follower.source).await.unwrap();
    let storms = facts.proposals.iter().find(|proposal| proposal.state == "queued").unwrap().clone();
    let show = facts.proposals.iter().find(|proposal| proposal.description.contains("winter show")).unwrap().clone();

    let snapshot: Value = world.node.raw("evm_snapshot", json!([])).await.unwrap();
    assert!(world.vote("ines", show.id).await);
    let bench = world.propose("ines", "A bench by the sluice", vec![(world.account("wen"), U256::from(1), vec![].into())]).await;
    world.skip_to(storms.eta.unwrap()).await;
    assert!(world.send(world.account("okke"), governor, execution(&storms)).await);
    catch_up(&mut follower).await;
    let facts = Facts::load(&follower.store.db, &follower.source).await.unwrap();
    assert!(facts.proposal(bench.id).is_some());
    assert_eq!(facts.proposal(storms.id).unwrap().state, "executed");
    assert_eq!(facts.proposal(show.id).unwrap().votes.len(), show.votes.len() + 1);
    let applied = served(&facts.engines["tideline"]).unwrap().hash;
    let (size, published) = log.publish().await.unwrap();
    let logged = entries(&follower.store).await;
    assert_eq!(logged.len() as u64, size);

    let reverted: bool = world.node.raw("evm_revert", json!([snapshot])).await.unwrap();
    assert!(reverted);
    if longer {
        // The other branch has events of its own, where the removed ones were.
        assert!(world.vote("greywater", show.id).await);
        world.mine(8).await;
    } else {
        world.mine(1).await;
    }
    let round = catch_up(&mut follower).await;
    assert!(round.rewound);
    assert!(!catch_up(&mut follower).await.rewound);

    let facts = Facts::load(&follower.store.db, &follower.source).await.unwrap();
    assert!(facts.proposal(bench.id).is_none(), "the proposal is still told of");
    assert_eq!(facts.proposal(storms.id).unwrap().state, "queued");
    assert!(facts.proposal(storms.id).unwrap().executed.is_none());
    let votes = &facts.proposal(show.id).unwrap().votes;
    assert!(!votes.iter().any(|vote| vote.voter == world.account("ines")));
    assert_eq!(votes.len(), show.votes.len() + usize::from(longer));
    let set = served(&facts.engines["tideline"]).unwrap();
    assert_ne!(set.hash, applied);
    assert_eq!(set.hash, world.parameter_set_hash().await);
    for row in event::Entity::find().order_by_desc(event::Column::BlockNumber).all(&follower.store.db).await.unwrap().into_iter().take(20) {
        let canonical = world.node.block(row.block_number as u64).await.unwrap().header.hash;
        assert_eq!(row.block_hash.parse::<B256>().unwrap(), canonical);
    }

    // Nothing was edited: the log goes on, and says what no longer holds.
    let (_, now) = log.publish().await.unwrap();
    assert_consistent(&log, &published, &now).await;
    let after = entries(&follower.store).await;
    assert_eq!(after[..logged.len()], logged[..]);
    let corrections: Vec<&Entry> = after[logged.len()..].iter().filter(|entry| entry.kind == EntryKind::Correction).collect();
    let corrected: Vec<(EntryKind, Value)> = corrections
        .iter()
        .map(|entry| &after[entry.refs[0].index as usize])
        .map(|entry| (entry.kind, entry.facts["proposalId"].clone()))
        .collect();
    assert_eq!(corrected, [(EntryKind::Proposal, json!(bench.id.to_string())), (EntryKind::Execution, json!(storms.id.to_string()))]);
    for (correction, (kind, _)) in corrections.iter().zip(&corrected) {
        let earlier = &after[correction.refs[0].index as usize];
        assert_eq!((earlier.kind, correction.facts["reason"].clone()), (*kind, json!("reorg")));
    }

    // Apart from what the log remembers, it is as if the removed blocks had never been.
    let mut now = world.told(&follower.store).await;
    let mut anew = world.follower_at(&world.deployment.rpc, &world.database("anew.db")).await;
    catch_up(&mut anew).await;
    let mut expected = world.told(&anew.store).await;
    if !longer {
        assert_eq!(expected["summaries"], before["summaries"]);
    }
    for told in [&mut now, &mut expected] {
        told.as_object_mut().unwrap().remove("log");
    }
    assert_eq!(now, expected);
}

fn execution(proposal: &server::reading::ProposalFacts) -> alloy_primitives::Bytes {
    crate::world::Proposal::from(proposal).execute()
}

#[tokio::test]
async fn a_reorg_takes_its_events_along_and_is_told_in_the_log() {
    a_reorg(true).await;
}

#[tokio::test]
async fn a_branch_that_is_still_shorter_counts_as_well() {
    a_reorg(false).await;
}

#[tokio::test]
async fn pages_forget_what_a_reorg_took_away() {
    let world = World::new().await;
    let site = world.bridge().await;
    let snapshot: Value = world.node.raw("evm_snapshot", json!([])).await.unwrap();
    let bench = world.propose("ines", "A bench by the sluice", vec![(world.account("wen"), U256::from(1), vec![].into())]).await;
    let page = format!("/api/v1/proposals/{}", bench.id);
    eventually(async || (site.get(&page).await.status == 200).then_some(())).await;
    let _: bool = world.node.raw("evm_revert", json!([snapshot])).await.unwrap();
    world.mine(2).await;
    eventually(async || (site.get(&page).await.status == 404).then_some(())).await;
    assert_eq!(site.items("/api/v1/proposals").await.len(), 30);
    let size = site.bridge.log.size().await.unwrap();
    let last = site.get(&format!("/log/{}", size - 1)).await.text();
    assert!(last.contains("no longer holds"), "the log's page does not tell of it");
}

/// The same calls that a reorg took back happen again, in other blocks.
#[tokio::test]
async fn what_a_reorg_took_away_may_come_again() {
    let world = World::new().await;
    let mut follower = world.follower().await;
    catch_up(&mut follower).await;
    let storms = Facts::load(&follower.store.db, &follower.source)
        .await
        .unwrap()
        .proposals
        .into_iter()
        .find(|proposal| proposal.state == "queued")
        .unwrap();
    for _ in 0..3 {
        let snapshot: Value = world.node.raw("evm_snapshot", json!([])).await.unwrap();
        world.skip_to(storms.eta.unwrap()).await;
        assert!(world.send(world.account("okke"), world.deployment.governor, execution(&storms)).await);
        catch_up(&mut follower).await;
        assert_eq!(Facts::load(&follower.store.db, &follower.source).await.unwrap().proposal(storms.id).unwrap().state, "executed");
        let _: bool = world.node.raw("evm_revert", json!([snapshot])).await.unwrap();
        world.mine(1).await;
        catch_up(&mut follower).await;
        assert_eq!(Facts::load(&follower.store.db, &follower.source).await.unwrap().proposal(storms.id).unwrap().state, "queued");
    }
    // Time moved as well, so that voting on other proposals closed.
    let all = entries(&follower.store).await;
    let kinds: Vec<EntryKind> = all.iter().rev().map(|entry| entry.kind).filter(|kind| *kind != EntryKind::Tally).take(6).collect();
    assert_eq!(kinds, [EntryKind::Correction, EntryKind::Execution].repeat(3));
    assert_eq!(submission::Entity::find().all(&follower.store.db).await.unwrap(), []);
}

async fn a_node_goes_away(over: fn(&World) -> String, refusals: usize) {
    let mut world = World::new().await;
    let mut follower = world.follower_at(&over(&world), &world.database("follower.db")).await;
    while follower.next().await.unwrap().behind {}
    let head = world.node.head().await.unwrap();

    world.take_node_away().await;
    for _ in 0..refusals {
        let error = follower.next().await.unwrap_err();
        assert!(matches!(&error, FollowError::Node(node) if node.is_transient()), "{error:?}");
    }
    world.bring_node_back().await;
    world.skip(DAY).await;
    let round = eventually(async || follower.next().await.ok().filter(|round| round.block > head)).await;
    assert_eq!(round.chain_time, world.now().await);
    let facts = Facts::load(&follower.store.db, &follower.source).await.unwrap();
    assert!(facts.proposals.iter().any(|proposal| proposal.state == "succeeded"), "what time decided is not seen");
}

#[tokio::test]
async fn a_node_that_goes_away_is_waited_for() {
    a_node_goes_away(|world| world.deployment.rpc.clone(), 3).await;
}

#[tokio::test]
async fn a_websocket_that_breaks_is_opened_again() {
    // Each refusal is ten seconds of patience here.
    a_node_goes_away(|world| world.deployment.ws.clone(), 1).await;
}

#[tokio::test]
async fn another_chain_id_is_refused() {
    let world = World::new().await;
    for rpc in [&world.deployment.rpc, &world.deployment.ws] {
        let source = server::source::Source { chain_id: 1, ..world.source() };
        let store = Store::open("sqlite::memory:").await.unwrap();
        let refused = Follower::new(source, store, Node::connect(rpc).await.unwrap()).await.unwrap_err();
        assert!(matches!(refused, FollowError::WrongChain { found: 31_337, needed: 1 }));
        assert_eq!(refused.to_string(), "the node answers for chain 31337, but this DAO is on chain 1; check the RPC address");
    }
}

#[tokio::test]
async fn rows_of_another_dao_in_the_same_database_are_left_alone() {
    let world = World::new().await;
    let store = Store::open(&world.database("shared.db")).await.unwrap();
    let ours = world.source();
    // The same contracts under another governor: only the token's and the registry's events are seen twice.
    let other = server::source::Source { governor: world.deployment.art, ..world.source() };
    for source in [&ours, &other] {
        let mut follower = Follower::new(source.clone(), store.clone(), world.node.clone()).await.unwrap();
        catch_up(&mut follower).await;
    }
    let (ours, other) = (Facts::load(&store.db, &ours).await.unwrap(), Facts::load(&store.db, &other).await.unwrap());
    assert_eq!((ours.proposals.len(), other.proposals.len()), (30, 0));
    assert_eq!(ours.engines["tideline"].revisions.len(), other.engines["tideline"].revisions.len());
    let created = world.events::<Governor::ProposalCreated>(world.deployment.governor).await;
    assert_eq!(created.len(), ours.proposals.len());
    let sets = world.events::<ParameterRegistry::ParameterSetChanged>(world.deployment.registry).await;
    assert_eq!(sets.len(), ours.engines["tideline"].revisions.len());
}
