//! Bridges on PostgreSQL: one does there what it does on SQLite, and two share a database.

use governance::{
    log::{Frontier, leaf_hash},
    onchain::abi::Governor,
};
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::json;
use server::store::{
    Store,
    entities::{log_entry, log_head},
};

use crate::{
    postgres::Postgres,
    world::{TOKEN, World, eventually},
};

const FLAGS: &str = "/ofrep/v1/evaluate/flags";

#[tokio::test]
async fn a_bridge_on_postgresql_answers_as_one_on_sqlite_does() {
    let Some(postgres) = Postgres::start().await else { return };
    let world = World::new().await;
    let high_water = world.dir.path().join("other.high-water");
    let other = world.bridge_with(|config| {
        config.database_url = postgres.url.clone();
        // Another log with the same key: beside each other they would contradict.
        config.log.high_water = Some(high_water);
    });
    let (one, other) = (world.bridge().await, other.await);
    for path in [
        "/api/v1/proposals",
        "/api/v1/parameters",
        "/api/v1/decisions",
        "/api/v1/drafts",
        "/api/v1/agents",
        "/flagd/tideline.json",
        "/feed.json",
    ] {
        let (one, other) = (one.get(path).await, other.get(path).await);
        assert_eq!((one.status.as_u16(), other.status.as_u16()), (200, 200), "{path}");
        if path != "/feed.json" {
            assert_eq!(one.json(), other.json(), "{path}");
        }
    }
    assert_eq!(one.post(FLAGS, &json!({})).await.json(), other.post(FLAGS, &json!({})).await.json());
    assert_eq!(one.bridge.log.size().await.unwrap(), other.bridge.log.size().await.unwrap());
    for page in ["/", "/proposals", "/parameters/tideline", "/decisions", "/agents", "/log", "/log/0", "/drafts"] {
        assert_eq!(other.get(page).await.status, 200, "{page}");
    }
    let report = json!({"revision": 1, "parameterSetHash": "0x00", "build": "b", "accepted": true});
    let reported = other.request(reqwest::Method::POST, "/api/v1/engines/tideline/reports").bearer_auth(TOKEN).json(&report);
    assert_eq!(other.ask(reported).await.status, 204);
    assert_eq!(other.get("/auth/nonce").await.status, 200);
}

#[tokio::test]
async fn two_bridges_on_one_database_do_everything_once() {
    let Some(postgres) = Postgres::start().await else { return };
    let world = World::at_pace(1.0).await;
    let key = world.deployment.executor_key.clone();
    let mut sites = Vec::new();
    for _ in 0..2 {
        let site = world.bridge_with(|config| {
            config.database_url = postgres.url.clone();
            config.executor_key = Some(key.clone());
        });
        sites.push(site.await);
    }
    let storms = sites[0].bridge.reading().facts.proposals.iter().find(|proposal| proposal.state == "queued").unwrap().clone();
    world.skip_to(storms.eta.unwrap()).await;
    for site in &sites {
        eventually(async || (site.bridge.reading().facts.proposal(storms.id)?.state == "executed").then_some(())).await;
    }
    let executed = world.events::<Governor::ProposalExecuted>(world.deployment.governor).await;
    assert_eq!(executed.iter().filter(|(_, event)| event.proposalId == storms.id).count(), 1);
    let hash = world.parameter_set_hash().await.to_string();
    for site in &sites {
        eventually(async || (site.post(FLAGS, &json!({})).await.json()["metadata"]["parameterSetHash"] == hash).then_some(())).await;
    }

    let store = Store::open(&postgres.url).await.unwrap();
    let mut frontier = Frontier::new();
    for row in log_entry::Entity::find().order_by_asc(log_entry::Column::Index).all(&store.db).await.unwrap() {
        assert_eq!(frontier.push(leaf_hash(&row.leaf)), row.index as u64);
    }
    let head = log_head::Entity::find_by_id(1).one(&store.db).await.unwrap().unwrap();
    assert!(head.size as u64 >= frontier.size());
}
