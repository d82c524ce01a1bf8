//! Signed decisions coming in, models beside them, and who is refused.

use governance::explanation::DecisionRecord;
use reqwest::Method;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use server::{agent, devnet::people, store::entities::log_entry};

use crate::world::{Answer, Site, World, model_file, wallet};

pub async fn hand_in(site: &Site, record: &Value) -> Answer {
    site.post("/api/v1/decisions", record).await
}

/// A record of the story, as if the steward had made it just now.
pub async fn recent(world: &World) -> Value {
    let files = std::fs::read_dir(&world.deployment.decisions).unwrap();
    let file = files.flatten().map(|file| file.path()).filter(|path| path.extension().is_some_and(|end| end == "json")).min().unwrap();
    let mut record: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    record["at"] = world.now().await.into();
    record["block"]["number"] = world.node.head().await.unwrap().into();
    signed(world, &record, &people::STEWARD_KEY.parse().unwrap())
}

/// Signs a record with a key, as if it were its agent's.
pub fn signed(world: &World, record: &Value, key: &alloy::signers::local::PrivateKeySigner) -> Value {
    let record = DecisionRecord::parse(record.to_string().as_bytes()).unwrap();
    json!(agent::sign(record, key, world.deployment.chain_id, world.deployment.registry).unwrap())
}

#[tokio::test]
async fn only_what_an_agent_signed_is_taken_in_and_only_once() {
    let world = World::new().await;
    let site = world.bridge_with(|config| config.records_dir = None).await;
    let record = recent(&world).await;
    let logged = async || log_entry::Entity::find().count(&site.bridge.store.db).await.unwrap();
    let before = logged().await;

    let mut unsigned = record.clone();
    unsigned.as_object_mut().unwrap().remove("signature");
    let refusal = hand_in(&site, &unsigned).await.problem(401);
    assert!(refusal.contains("sign"), "{refusal}");
    unsigned["signature"] = Value::Null;
    hand_in(&site, &unsigned).await.problem(401);

    // Signed by somebody else in the agent's name.
    let refusal = hand_in(&site, &signed(&world, &record, &wallet(9))).await.problem(401);
    assert!(refusal.contains(&wallet(9).address().to_string()) && refusal.contains("signed it"), "{refusal}");

    // Signed properly, by an account that is nobody's agent.
    let mut stranger = record.clone();
    stranger["agent"]["account"] = format!("eip155:31337:{}", wallet(9).address()).into();
    let refusal = hand_in(&site, &signed(&world, &stranger, &wallet(9))).await.problem(403);
    assert!(refusal.contains("is not an agent of this DAO"), "{refusal}");

    // Changed after signing: in what it says, in what it rests on, in when.
    for (pointer, value) in [
        ("/question", json!("Shall we?")),
        ("/at", json!(record["at"].as_u64().unwrap() + 1)),
        ("/basedOn", json!(format!("0x{}", "11".repeat(32)))),
    ] {
        let mut tampered = record.clone();
        *tampered.pointer_mut(pointer).unwrap() = value;
        let refusal = hand_in(&site, &tampered).await.problem(401);
        assert!(refusal.contains("signed it"), "{pointer}: {refusal}");
    }
    // Signed for another registry.
    let parsed = DecisionRecord::parse(record.to_string().as_bytes()).unwrap();
    let steward = people::STEWARD_KEY.parse().unwrap();
    let elsewhere = agent::sign(parsed, &steward, 31_337, world.deployment.token).unwrap();
    hand_in(&site, &json!(elsewhere)).await.problem(401);

    for broken in [json!({}), json!("record"), json!({"schema": "/schemas/decision/v1"})] {
        hand_in(&site, &broken).await.problem(400);
    }
    let mut more = record.clone();
    more["extra"] = json!(1);
    hand_in(&site, &more).await.problem(400);
    assert_eq!(logged().await, before);
    assert_eq!(site.items("/api/v1/decisions").await.len(), 0);

    let accepted = hand_in(&site, &record).await;
    assert_eq!(accepted.status, 201, "{}", accepted.text());
    let digest = accepted.json()["digest"].as_str().unwrap().to_owned();
    assert_eq!(digest, parsed_digest(&record));
    let after = logged().await;
    assert!(after > before);
    let found = site.get(accepted.header("location")).await.json();
    assert_eq!(found["record"], record);
    assert_eq!(found["verification"], "claimed", "its model is not here yet");

    let again = hand_in(&site, &record).await;
    assert_eq!((again.status.as_u16(), &again.bytes, again.header("location")), (200, &accepted.bytes, accepted.header("location")));
    assert_eq!(logged().await, after);
    assert_eq!(site.items("/api/v1/decisions").await.len(), 1);
    assert_eq!(site.items("/api/v1/drafts").await.len(), 1);
}

fn parsed_digest(record: &Value) -> String {
    DecisionRecord::parse(record.to_string().as_bytes()).unwrap().digest().to_string()
}

#[tokio::test]
async fn a_model_is_published_only_under_the_hash_that_a_decision_names() {
    let world = World::new().await;
    let site = world
        .bridge_with(|config| {
            config.records_dir = None;
            config.models.clear();
        })
        .await;
    let model = std::fs::read(model_file()).unwrap();
    let record = recent(&world).await;
    let named = record["model"]["sha256"].as_str().unwrap();
    let publish = async |sha256: &str, bytes: &[u8]| {
        site.ask(site.request(Method::PUT, &format!("/api/v1/models/{sha256}")).body(bytes.to_vec())).await
    };

    let refusal = publish(named, &model).await.problem(403);
    assert!(refusal.contains("no decision here names"), "{refusal}");
    assert_eq!(hand_in(&site, &record).await.status, 201);

    let refusal = publish(named, b"{}").await.problem(422);
    assert!(refusal.contains("the bytes have sha256"), "{refusal}");
    let other = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    publish(other, b"{}").await.problem(403);
    site.get(&format!("/api/v1/models/{named}")).await.problem(404);

    for status in [201, 200] {
        let published = publish(named, &model).await;
        assert_eq!(published.status, status, "{}", published.text());
        assert_eq!(published.json()["decisions"][0]["verification"], "recomputed");
    }
    assert_eq!(site.get(&format!("/api/v1/models/{named}")).await.bytes, model);
    let found = site.items("/api/v1/decisions").await;
    assert_eq!(found[0]["verification"], "recomputed");
}

#[tokio::test]
async fn a_steward_uses_nothing_but_the_public_api() {
    let world = World::new().await;
    let site = world.bridge().await;
    let before = site.items("/api/v1/decisions").await.len();
    // Another set and another week: time to look again.
    world.skip(8 * crate::world::DAY).await;
    crate::world::eventually(async || (site.bridge.reading().block == world.node.head().await.unwrap()).then_some(())).await;
    let args = agent::AgentArgs {
        name: "cadence-steward".into(),
        bridge: site.url.clone(),
        key_file: world.deployment.agent_key.clone(),
        model: model_file(),
        engine: "tideline".into(),
        every: 1,
        once: true,
    };
    agent::run(args.clone()).await.unwrap();
    let found = site.items("/api/v1/decisions").await;
    assert_eq!(found.len(), before + 1);
    assert_eq!(found[0]["verification"], "recomputed");
    // It does not say the same twice.
    agent::run(args).await.unwrap();
    assert_eq!(site.items("/api/v1/decisions").await.len(), found.len());
}
