//! The engine's process: it runs only what bridge and chain agree on, and keeps the last good set otherwise.

use std::path::Path;

use reqwest::StatusCode;
use serde_json::Value;
use server::engine::{self, EngineArgs};

use crate::{
    postgres::free_port,
    proxy::Proxy,
    world::{Proposal, Site, World, eventually},
};

struct Engine {
    url: String,
    http: reqwest::Client,
}

impl Engine {
    fn start(world: &World, site: &Site, rpc: &str) -> Self {
        let port = free_port();
        let args = EngineArgs {
            id: "tideline".into(),
            bridge: site.url.clone(),
            rpc: rpc.to_owned(),
            registry: world.deployment.registry,
            token_file: Path::new(world.dir.path()).join("engine.token"),
            listen: ([127, 0, 0, 1], port).into(),
        };
        tokio::spawn(async move { engine::run(args).await.unwrap() });
        Self { url: format!("http://127.0.0.1:{port}"), http: reqwest::Client::new() }
    }

    async fn status(&self) -> Option<Value> {
        self.http.get(format!("{}/status", self.url)).send().await.ok()?.json().await.ok()
    }

    /// Waits until it runs a set with this hash, and nothing else is offered.
    async fn runs(&self, hash: &str) {
        eventually(async || {
            self.status().await.filter(|status| status["running"]["parameterSetHash"] == hash && status["refusal"].is_null()).map(drop)
        })
        .await;
    }

    async fn refuses(&self, words: &str) -> Value {
        eventually(async || self.status().await.filter(|status| status["refusal"].as_str().is_some_and(|refusal| refusal.contains(words))))
            .await
    }

    async fn image(&self) -> (StatusCode, String) {
        let answer = self.http.get(format!("{}/image/7.svg", self.url)).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }
}

#[tokio::test]
async fn an_engine_runs_only_what_the_chain_says_and_keeps_the_last_good_set() {
    // Two chains with one story, until the storms are executed on the first.
    let (world, elsewhere) = (World::new().await, World::new().await);
    let site = world.bridge().await;
    let before = world.parameter_set_hash().await.to_string();
    let rpc = Proxy::before(&world.deployment.rpc).await;
    let engine = Engine::start(&world, &site, &rpc.url);
    engine.runs(&before).await;
    let (status, image) = engine.image().await;
    assert_eq!(status, 200);
    eventually(async || (site.get("/api/v1/engines/tideline").await.json()["status"] == "in-step").then_some(())).await;

    // The node that the engine asks knows nothing of what the bridge will serve next.
    rpc.lead_to(&elsewhere.deployment.rpc);
    let storms = site.bridge.reading().facts.proposals.iter().find(|proposal| proposal.state == "queued").unwrap().clone();
    world.skip_to(storms.eta.unwrap()).await;
    assert!(world.send(world.account("okke"), world.deployment.governor, Proposal::from(&storms).execute()).await);
    let after = world.parameter_set_hash().await.to_string();
    assert_ne!(after, before);
    let refused = engine.refuses("but the chain has").await;
    assert!(refused["refusal"].as_str().unwrap().contains(&after));
    assert_eq!(refused["running"]["parameterSetHash"], before);
    assert_eq!(engine.image().await, (StatusCode::OK, image.clone()));
    eventually(async || (site.get("/api/v1/engines/tideline").await.json()["status"] == "refused").then_some(())).await;

    // Once both agree, it follows within seconds.
    rpc.lead_to(&world.deployment.rpc);
    engine.runs(&after).await;
    assert_ne!(engine.image().await.1, image);
    eventually(async || (site.get("/api/v1/engines/tideline").await.json()["status"] == "in-step").then_some(())).await;

    // A bridge that is away takes nothing from it.
    drop(site);
    let away = engine.refuses("the bridge does not answer").await;
    assert_eq!(away["running"]["parameterSetHash"], after);
    assert_eq!(engine.image().await.0, 200);
}

#[tokio::test]
async fn an_engine_that_was_never_shown_a_ratified_set_draws_nothing() {
    let (world, elsewhere) = (World::new().await, World::new().await);
    let storms = world.eta(queued(&elsewhere).await.id).await;
    elsewhere.skip_to(storms).await;
    assert!(elsewhere.send(elsewhere.account("okke"), elsewhere.deployment.governor, queued(&elsewhere).await.execute()).await);
    let site = world.bridge().await;
    let engine = Engine::start(&world, &site, &elsewhere.deployment.rpc);
    let status = engine.refuses("but the chain has").await;
    assert_eq!(status["running"], Value::Null);
    let (status, words) = engine.image().await;
    assert_eq!(status, 503);
    assert!(words.starts_with("tideline draws nothing: the served values hash to"), "{words}");
}

/// The storms, which wait in the timelock at the end of the story.
async fn queued(world: &World) -> Proposal {
    let mut desk = world.desk().await;
    crate::world::catch_up(&mut desk.follower).await;
    Proposal::from(&desk.proposal("Winter storms").await)
}
