//! Every durable write may fail, or succeed and be reported as failed. After either, a restart goes on correctly.

use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use alloy_primitives::U256;
use governance::log::Entry;
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait, QueryOrder};
use server::store::{
    Store,
    entities::{cursor, decision, draft, event, log_entry, log_head},
};

use crate::world::{Proposal, Site, World, catch_up};

/// Makes a kind of write to a table fail, until [`mend`]. Each fault has a name of its own: a pooled connection may
/// still believe in a trigger that another one dropped, and SQLite would refuse to make it again.
async fn breaks(store: &Store, table: &str, write: &str) -> String {
    static FAULTS: AtomicU32 = AtomicU32::new(0);
    let name = format!("broken_{}", FAULTS.fetch_add(1, Ordering::Relaxed));
    let sql = format!("CREATE TRIGGER {name} BEFORE {write} ON \"{table}\" BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
    store.db.execute_unprepared(&sql).await.unwrap();
    name
}

async fn mend(store: &Store, fault: &str) {
    store.db.execute_unprepared(&format!("DROP TRIGGER {fault}")).await.unwrap();
}

/// What must move together or not at all. Entries without their bodies' digests, which are salted anew each time.
async fn held(store: &Store) -> (Option<cursor::Model>, u64, u64, Vec<Entry>) {
    let db = &store.db;
    let cursor = cursor::Entity::find().one(db).await.unwrap();
    let size = log_head::Entity::find_by_id(1).one(db).await.unwrap().map_or(0, |head| head.size as u64);
    let rows = log_entry::Entity::find().order_by_asc(log_entry::Column::Index).all(db).await.unwrap();
    let entries = rows.iter().map(|row| {
        let entry = Entry::parse(&row.leaf).unwrap();
        Entry { body: entry.body.filter(|body| !body.salted), ..entry }
    });
    (cursor, event::Entity::find().count(db).await.unwrap(), size, entries.collect())
}

fn copied(from: &Path, to: &Path) -> String {
    for end in ["", "-wal"] {
        let name = |path: &Path| path.with_file_name(format!("{}{end}", path.file_name().unwrap().display()));
        if name(from).exists() {
            std::fs::copy(name(from), name(to)).unwrap();
        }
    }
    format!("sqlite://{}?mode=rwc", to.display())
}

#[tokio::test]
async fn a_round_of_the_follower_is_stored_whole_or_not_at_all() {
    let world = World::new().await;
    let base = world.dir.path().join("base.db");
    let mut follower = world.follower_at(&world.deployment.rpc, &world.database("base.db")).await;
    catch_up(&mut follower).await;
    let storms = server::reading::Facts::load(&follower.store.db, &follower.source)
        .await
        .unwrap()
        .proposals
        .into_iter()
        .find(|proposal| proposal.state == "queued")
        .unwrap();
    follower.store.db.clone().close().await.unwrap();
    drop(follower);

    // One round with something of everything: a proposal, an execution, a new parameter set.
    world.propose("ines", "A bench by the sluice", vec![(world.account("wen"), U256::from(1), vec![].into())]).await;
    world.skip_to(storms.eta.unwrap()).await;
    assert!(world.send(world.account("okke"), world.deployment.governor, Proposal::from(&storms).execute()).await);
    let undisturbed = world.dir.path().join("undisturbed.db");
    let mut follower = world.follower_at(&world.deployment.rpc, &copied(&base, &undisturbed)).await;
    catch_up(&mut follower).await;
    let expected = (world.told(&follower.store).await, held(&follower.store).await);

    let writes = [
        ("block", "INSERT"),
        ("event", "INSERT"),
        ("proposal", "INSERT"),
        ("revision_seen", "INSERT"),
        ("log_entry", "INSERT"),
        ("log_subject", "INSERT"),
        ("log_body", "INSERT"),
        ("log_head", "UPDATE"),
        ("cursor", "INSERT"),
        ("cursor", "UPDATE"),
    ];
    for (case, (table, write)) in writes.into_iter().enumerate() {
        let url = copied(&base, &world.dir.path().join(format!("case-{case}.db")));
        let mut follower = world.follower_at(&world.deployment.rpc, &url).await;
        let before = held(&follower.store).await;
        let fault = breaks(&follower.store, table, write).await;
        follower.round().await.expect_err(table);
        assert_eq!(held(&follower.store).await, before, "{write} of {table} failed, and left something behind");
        mend(&follower.store, &fault).await;
        drop(follower);
        let mut follower = world.follower_at(&world.deployment.rpc, &url).await;
        catch_up(&mut follower).await;
        assert_eq!((world.told(&follower.store).await, held(&follower.store).await), expected, "after {write} of {table} failed");
    }

    // It was stored, but nobody was told: the next process reads on and finds nothing to repeat.
    let mut follower = world.follower_at(&world.deployment.rpc, &format!("sqlite://{}", undisturbed.display())).await;
    assert_eq!(catch_up(&mut follower).await.new_events, 0);
    assert_eq!((world.told(&follower.store).await, held(&follower.store).await), expected);
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_stored_is_not_given_out() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::without_chain(dir.path()).await;
    let store = &site.bridge.store;
    let first = site.get("/log/checkpoint").await.text();
    let tx = store.begin().await.unwrap();
    server::log::append(&tx, &governance::log::Entry::new(governance::log::EntryKind::Review, "review/1", 1_800_000_000)).await.unwrap();
    tx.commit().await.unwrap();
    let fault = breaks(store, "log_checkpoint", "INSERT").await;
    let refusal = site.get("/log/checkpoint").await.problem(500);
    assert!(refusal.starts_with("Something went wrong on our side. Reference "), "{refusal}");
    mend(store, &fault).await;
    assert_ne!(site.get("/log/checkpoint").await.text(), first);
}

#[tokio::test]
async fn a_decision_is_taken_in_whole_or_not_at_all() {
    let world = World::new().await;
    let site = world.bridge_with(|config| config.records_dir = None).await;
    let store = &site.bridge.store;
    let record = crate::agents::recent(&world).await.to_string();
    let hand_in = async || site.ask(site.request(reqwest::Method::POST, "/api/v1/decisions").body(record.clone())).await;
    let counted = async || {
        let db = &store.db;
        (
            decision::Entity::find().count(db).await.unwrap(),
            draft::Entity::find().count(db).await.unwrap(),
            log_entry::Entity::find().count(db).await.unwrap(),
        )
    };
    let before = counted().await;
    for (table, write) in
        [("decision", "INSERT"), ("log_entry", "INSERT"), ("log_subject", "INSERT"), ("log_head", "UPDATE"), ("draft", "INSERT")]
    {
        let fault = breaks(store, table, write).await;
        hand_in().await.problem(500);
        mend(store, &fault).await;
        assert_eq!(counted().await, before, "{write} of {table} failed, and left something behind");
        assert_eq!(site.items("/api/v1/decisions").await.len(), 0);
    }
    for status in [201, 200] {
        assert_eq!(hand_in().await.status, status);
        assert_eq!(counted().await, (before.0 + 1, before.1 + 1, before.2 + 2), "the decision and its review");
    }
}
