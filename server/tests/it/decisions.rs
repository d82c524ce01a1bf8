//! What is refused of a decision and how that is said, what is kept once, and what its files change.

use std::io::{Read, Write};

use alloy_primitives::hex;
use governance::explanation::{DecisionRecord, Model};
use reqwest::Method;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use server::{
    devnet::people,
    store::{
        Store,
        entities::{background, decision, draft, log_entry, model},
    },
    workflow::explain::{MAX_A_DAY, MAX_AGE, MAX_AHEAD, MAX_BACKGROUND, MAX_MODEL, MAX_RECORD},
};

use crate::{
    agents::{hand_in, recent, signed},
    world::{Answer, Site, World, model_file},
};

/// A bridge that has been handed in nothing yet.
async fn empty(world: &World) -> Site {
    world
        .bridge_with(|config| {
            config.records_dir = None;
            config.models.clear();
        })
        .await
}

/// All that handing something in could leave behind.
async fn kept(store: &Store) -> [u64; 5] {
    let db = &store.db;
    [
        decision::Entity::find().count(db).await.unwrap(),
        draft::Entity::find().count(db).await.unwrap(),
        log_entry::Entity::find().count(db).await.unwrap(),
        model::Entity::find().count(db).await.unwrap(),
        background::Entity::find().count(db).await.unwrap(),
    ]
}

fn by_steward(world: &World, record: &Value) -> Value {
    signed(world, record, &people::STEWARD_KEY.parse().unwrap())
}

/// The problem's field, after checking that it says the same in each way it can.
fn blamed(answer: &Answer, status: u16) -> String {
    let detail = answer.problem(status);
    let body = answer.json();
    let field = body["field"].as_str().unwrap_or_else(|| panic!("no field: {detail}")).to_owned();
    assert_eq!(body["errors"][0]["field"], field);
    assert_eq!(body["errors"][0]["pointer"], body["pointer"]);
    field
}

async fn put(site: &Site, what: &str, bytes: &[u8]) -> Answer {
    let sha256 = hex::encode(Model::sha256(bytes));
    site.ask(site.request(Method::PUT, &format!("/api/v1/{what}/{sha256}")).body(bytes.to_vec())).await
}

fn model_bytes() -> Vec<u8> {
    std::fs::read(model_file()).unwrap()
}

#[tokio::test]
async fn a_refusal_names_the_field_and_leaves_nothing_behind() {
    let world = World::new().await;
    let site = empty(&world).await;
    let record = recent(&world).await;
    let before = kept(&site.bridge.store).await;
    let send = async |body: String, kind: &str| {
        site.ask(site.request(Method::POST, "/api/v1/decisions").header("content-type", kind).body(body)).await
    };

    // In form.
    for (pointer, value, field, at) in [
        ("/inputs/1/value", json!("58"), "inputs[1].value", "/inputs/1/value"),
        ("/at", json!(-1), "at", "/at"),
        ("/model/sha256", json!("00"), "model.sha256", "/model/sha256"),
        ("/agent/account", json!("me"), "agent.account", "/agent/account"),
        ("/rule/decimals", json!(99), "rule.decimals", "/rule/decimals"),
        ("/signature/value", json!("0x00"), "signature.value", "/signature/value"),
    ] {
        let mut wrong = record.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        let answer = hand_in(&site, &wrong).await;
        assert_eq!((blamed(&answer, 400).as_str(), answer.json()["pointer"].as_str().unwrap()), (field, at));
    }
    for text in ["", "{", "[]", "{} {}", &record.to_string().replacen("\"at\":", "\"at\":1,\"at\":", 1)] {
        blamed(&send(text.to_owned(), "application/json").await, 400);
    }
    let refusal = send(" ".repeat(MAX_RECORD + 1), "application/json").await.problem(413);
    assert!(refusal.contains(&MAX_RECORD.to_string()), "{refusal}");
    for kind in ["text/plain", "multipart/form-data; boundary=x"] {
        send(record.to_string(), kind).await.problem(415);
    }

    // In who signed.
    let mut unsigned = record.clone();
    unsigned.as_object_mut().unwrap().remove("signature");
    let answer = hand_in(&site, &unsigned).await;
    assert_eq!((blamed(&answer, 401).as_str(), answer.header("www-authenticate")), ("signature", "EIP-712"));
    let mut other = record.clone();
    other["signature"]["signer"] = json!(world.account("ines"));
    assert_eq!(blamed(&hand_in(&site, &other).await, 401), "signature.signer");

    // In time and place.
    let (now, head) = (world.now().await, world.node.head().await.unwrap());
    let elsewhere = record["agent"]["account"].as_str().unwrap().replace("31337", "1");
    for (pointer, value, field) in [
        ("/at", json!(now - MAX_AGE - 1), "at"),
        ("/at", json!(now + MAX_AHEAD + 1), "at"),
        ("/block/number", json!(head + 1), "block.number"),
        ("/block/chain", json!("eip155:1"), "block.chain"),
        ("/agent/account", json!(elsewhere), "agent.account"),
    ] {
        let mut wrong = record.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert_eq!(blamed(&hand_in(&site, &by_steward(&world, &wrong)).await, 422), field);
    }
    assert_eq!(kept(&site.bridge.store).await, before);
    for (pointer, value) in [("/at", json!(now - MAX_AGE + 60)), ("/at", json!(now + MAX_AHEAD - 60)), ("/block/number", json!(head - 1))] {
        let mut right = record.clone();
        *right.pointer_mut(pointer).unwrap() = value;
        assert_eq!(hand_in(&site, &by_steward(&world, &right)).await.status, 201);
    }
}

/// Alterations that leave the sums right, and the field each is found in once the model is there.
fn forged(record: &Value) -> Vec<(&'static str, Value)> {
    let number = |value: &Value| value.as_f64().unwrap();
    let mut all = Vec::new();
    let mut alter = |field, change: &dyn Fn(&mut Value)| {
        let mut altered = record.clone();
        change(&mut altered);
        all.push((field, altered));
    };
    alter("attributions[0].value", &|record| {
        let (first, second) = (number(&record["attributions"][0]["value"]), number(&record["attributions"][1]["value"]));
        record["attributions"][0]["value"] = json!(first + 1.0);
        record["attributions"][1]["value"] = json!(second - 1.0);
    });
    alter("baseline.value", &|record| {
        let (base, first) = (number(&record["baseline"]["value"]), number(&record["attributions"][0]["value"]));
        record["baseline"]["value"] = json!(base + 1.0);
        record["attributions"][0]["value"] = json!(first - 1.0);
    });
    alter("inputs", &|record| {
        let fill = record["inputs"].as_array_mut().unwrap().iter_mut().find(|input| input["name"] == "fill_7d").unwrap();
        fill["value"] = json!(if number(&fill["value"]) < 0.5 { 0.99 } else { 0.01 });
    });
    all
}

#[tokio::test]
async fn what_does_not_add_up_is_refused_with_every_part_that_is_to_blame() {
    let world = World::new().await;
    let site = empty(&world).await;
    let record = recent(&world).await;
    let before = kept(&site.bridge.store).await;

    // Wrong in itself: no model is needed to see it.
    let mut unsound = record.clone();
    unsound["output"]["value"] = json!(record["output"]["value"].as_f64().unwrap() + 1.0);
    let answer = hand_in(&site, &by_steward(&world, &unsound)).await;
    blamed(&answer, 422);
    let mut wish = record.clone();
    wish["changes"][0]["to"] = json!("59");
    assert_eq!(blamed(&hand_in(&site, &by_steward(&world, &wish)).await, 422), "changes[0].to");
    assert_eq!(kept(&site.bridge.store).await, before);

    // Wrong by the model.
    assert_eq!(hand_in(&site, &record).await.status, 201);
    assert_eq!(put(&site, "models", &model_bytes()).await.status, 201);
    let before = kept(&site.bridge.store).await;
    let checkpoint = site.get("/log/checkpoint").await.bytes;
    for (field, altered) in forged(&record) {
        let answer = hand_in(&site, &by_steward(&world, &altered)).await;
        assert_eq!(blamed(&answer, 422), field, "{}", answer.text());
    }
    assert_eq!(kept(&site.bridge.store).await, before);
    assert_eq!(site.get("/log/checkpoint").await.bytes, checkpoint);
    assert_eq!(site.items("/api/v1/decisions").await.len(), 1);
}

#[tokio::test]
async fn a_decision_handed_in_by_many_at_once_is_stored_once() {
    let world = World::new().await;
    let site = empty(&world).await;
    let record = recent(&world).await;
    let before = kept(&site.bridge.store).await;
    let answers = futures::future::join_all((0..8).map(|_| hand_in(&site, &record))).await;
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(201), count(200)), (1, 7));
    assert!(answers.iter().all(|answer| answer.bytes == answers[0].bytes));
    let after = kept(&site.bridge.store).await;
    assert_eq!([after[0], after[1], after[2]], [before[0] + 1, before[1] + 1, before[2] + 2], "the decision, its draft and its review");

    // The same, spelt differently, is the same; under another signature it is not.
    let pretty = serde_json::to_string_pretty(&record).unwrap();
    let again = site.ask(site.request(Method::POST, "/api/v1/decisions").body(pretty)).await;
    assert_eq!((again.status.as_u16(), &again.bytes), (200, &answers[0].bytes));
    let mut twin = record.clone();
    let value = record["signature"]["value"].as_str().unwrap();
    twin["signature"]["value"] = format!("{}{}", &value[..value.len() - 4], "00ff").into();
    assert_eq!(blamed(&hand_in(&site, &twin).await, 409), "signature");

    // What is known stays known, however old it has become.
    world.skip(MAX_AGE + 1_000).await;
    crate::world::eventually(async || (site.bridge.reading().block == world.node.head().await.unwrap()).then_some(())).await;
    assert_eq!(hand_in(&site, &record).await.status, 200);
    assert_eq!(kept(&site.bridge.store).await[0], after[0]);
}

#[tokio::test]
async fn an_agent_may_hand_in_only_so_many_a_day() {
    let world = World::new().await;
    let site = empty(&world).await;
    let mut record = recent(&world).await;
    let at = record["at"].as_u64().unwrap();
    for number in 0..MAX_A_DAY {
        record["at"] = json!(at - number);
        let answer = hand_in(&site, &by_steward(&world, &record)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    record["at"] = json!(at - MAX_A_DAY);
    let late = by_steward(&world, &record);
    let answer = hand_in(&site, &late).await;
    assert!(answer.problem(429).contains(&MAX_A_DAY.to_string()));
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
    world.skip(25 * crate::world::HOUR).await;
    crate::world::eventually(async || (site.bridge.reading().block == world.node.head().await.unwrap()).then_some(())).await;
    assert_eq!(hand_in(&site, &late).await.status, 201);
}

#[tokio::test]
async fn a_claim_that_the_model_refutes_is_told_to_everyone() {
    let world = World::new().await;
    let site = empty(&world).await;
    let (_, false_claim) = forged(&recent(&world).await).remove(0);
    let accepted = hand_in(&site, &by_steward(&world, &false_claim)).await;
    assert_eq!(accepted.status, 201);
    let location = accepted.header("location").to_owned();
    assert_eq!(site.get(&location).await.json()["verification"], "claimed");
    let before = kept(&site.bridge.store).await[2];

    let published = put(&site, "models", &model_bytes()).await;
    assert_eq!(published.status, 201);
    let digest = accepted.json()["digest"].clone();
    assert_eq!(published.json()["decisions"], json!([{"digest": digest, "verification": "mismatch"}]));
    let entry = log_entry::Entity::find().all(&site.bridge.store.db).await.unwrap().pop().unwrap();
    let leaf: Value = serde_json::from_slice(&entry.leaf).unwrap();
    assert_eq!((leaf["kind"].as_str(), &leaf["facts"]["decision"]), (Some("review"), &digest));
    assert!(leaf["facts"]["findings"].as_array().unwrap().iter().any(|finding| finding.as_str().unwrap().starts_with("attribution of ")));
    assert_eq!(leaf["refs"].as_array().unwrap().len(), 1);
    assert_eq!(kept(&site.bridge.store).await[2], before + 1);
    assert_eq!(site.get(&location).await.json()["verification"], "mismatch");

    // Told once.
    assert_eq!(put(&site, "models", &model_bytes()).await.status, 200);
    assert_eq!(kept(&site.bridge.store).await[2], before + 1);
}

#[tokio::test]
async fn models_and_backgrounds_have_limits_and_never_change() {
    let world = World::new().await;
    let site = empty(&world).await;
    let header = Model::read(&model_bytes()).unwrap().feature_names().join(",");
    let rows = format!("{header}\n0.9,40,38,12,9,0.04,18\n0.5,20,21,3,9,0.05,20\n");
    let mut record = recent(&world).await;
    let named = |bytes: &[u8]| hex::encode(Model::sha256(bytes));
    record["baseline"]["background"] = json!({"sha256": named(rows.as_bytes()), "rows": 2, "description": "two weeks"});
    put(&site, "backgrounds", rows.as_bytes()).await.problem(403);
    let accepted = hand_in(&site, &by_steward(&world, &record)).await;
    assert_eq!(accepted.status, 201, "{}", accepted.text());

    // A length alone is enough to be refused; the bytes are not waited for.
    let sha256 = record["model"]["sha256"].as_str().unwrap();
    for (path, most) in [(format!("models/{sha256}"), MAX_MODEL), (format!("backgrounds/{}", named(rows.as_bytes())), MAX_BACKGROUND)] {
        let host = site.url.trim_start_matches("http://").to_owned();
        let request = format!("PUT /api/v1/{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", most + 1);
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(host).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer);
            answer
        });
        let answer = answer.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains(&most.to_string()), "{answer}");
    }

    // A background's columns are the model's.
    let refusal = put(&site, "backgrounds", rows.as_bytes()).await.problem(409);
    assert!(refusal.contains(sha256), "{refusal}");
    assert_eq!(put(&site, "models", &model_bytes()).await.status, 201);
    let unnamed = site.request(Method::PUT, &format!("/api/v1/backgrounds/{}", named(rows.as_bytes()))).body("x");
    assert!(site.ask(unnamed).await.problem(422).contains("sha256"));
    for status in [201, 200] {
        assert_eq!(put(&site, "backgrounds", rows.as_bytes()).await.status, status);
    }

    let digest = accepted.json()["digest"].as_str().unwrap().to_owned();
    let decision = site.get(&format!("/api/v1/decisions/{digest}")).await.json();
    assert_eq!(decision["verification"], "recomputed", "{decision:#}");
    for (path, kind, bytes) in [
        (format!("/api/v1/models/{sha256}"), "application/json", model_bytes()),
        (decision["backgroundUrl"].as_str().unwrap().to_owned(), "text/csv; charset=utf-8", rows.into_bytes()),
        (decision["recordUrl"].as_str().unwrap().to_owned(), "application/json", by_steward(&world, &record).to_string().into_bytes()),
    ] {
        let first = site.get(&path).await;
        assert_eq!((first.status.as_u16(), first.header("content-type")), (200, kind));
        assert!(first.bytes == bytes, "{path}");
        assert!(first.header("cache-control").contains("immutable"));
        let again = site.ask(site.request(Method::GET, &path).header("if-none-match", first.header("etag"))).await;
        assert_eq!((again.status.as_u16(), again.bytes.len()), (304, 0));
    }
    // What may change is asked for again, and answered shortly while it has not.
    let path = format!("/api/v1/decisions/{digest}");
    let etag = site.get(&path).await.header("etag").to_owned();
    assert_eq!(site.ask(site.request(Method::GET, &path).header("if-none-match", &etag)).await.status, 304);
    // A background that cannot be read is none.
    let mut other = record.clone();
    other["baseline"]["background"]["sha256"] = json!(named(b"a,b\n1,2\n"));
    assert_eq!(hand_in(&site, &by_steward(&world, &other)).await.status, 201);
    let refusal = put(&site, "backgrounds", b"a,b\n1,2\n").await.problem(422);
    assert!(refusal.contains("2 columns"), "{refusal}");
}

#[tokio::test]
async fn a_decision_and_its_agent_are_told_in_full() {
    let world = World::new().await;
    let site = world.bridge().await;
    let listed = site.items("/api/v1/decisions").await;
    let proposed = listed.iter().find(|decision| decision["proposalId"].is_string()).unwrap();
    let decision = site.get(&format!("/api/v1/decisions/{}", proposed["digest"].as_str().unwrap())).await.json();
    for (key, value) in proposed.as_object().unwrap() {
        assert_eq!(decision[key], *value, "{key}");
    }
    assert_eq!(decision["lines"].as_array().unwrap().len(), 3);
    assert_eq!(decision["proposal"]["proposalId"], proposed["proposalId"]);
    assert!(decision["proposal"]["state"].is_string() && decision["entry"]["index"].is_u64());
    assert_eq!(decision["links"].as_array().unwrap().len(), 10);
    assert!(!decision["checks"].as_array().unwrap().is_empty());

    let agent = site.get("/api/v1/agents/cadence-steward").await.json();
    let own: Vec<_> = listed.iter().filter(|decision| decision["agent"]["slug"] == "cadence-steward").collect();
    assert_eq!((agent["slug"].as_str(), agent["decisions"].as_array().unwrap().len()), (Some("cadence-steward"), own.len()));
    let counted: u64 = agent["verification"].as_array().unwrap().iter().map(|state| state["decisions"].as_u64().unwrap()).sum();
    assert_eq!(counted, own.len() as u64);
    site.get("/api/v1/agents/nobody").await.problem(404);
}

#[tokio::test]
async fn the_published_schema_and_the_reader_agree() {
    let world = World::new().await;
    let site = empty(&world).await;
    let schema = site.get("/schemas/decision/v1").await.json();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let reads = |record: &Value| DecisionRecord::parse(record.to_string().as_bytes()).is_ok();
    let mut files = 0;
    for file in std::fs::read_dir(&world.deployment.decisions).unwrap().flatten() {
        let record: Value = serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap();
        assert!(schema.is_valid(&record) && reads(&record), "{}", file.path().display());
        files += 1;
    }
    assert!(files > 3);

    // Whatever is left out, added or of another kind is refused by both.
    let record = recent(&world).await;
    let mut places = Vec::new();
    walk(&record, String::new(), &mut places);
    assert!(places.len() > 80);
    for (place, key) in places {
        let object = |record: &mut Value| record.pointer_mut(&place).unwrap().as_object_mut().unwrap().clone();
        let mut changed = record.clone();
        let mut without = object(&mut changed);
        without.remove(&key);
        *changed.pointer_mut(&place).unwrap() = Value::Object(without);
        assert_eq!(schema.is_valid(&changed), reads(&changed), "{place} without {key}");
        for other in [Value::Null, json!({}), json!([1]), json!(true), json!("\u{7}")] {
            let mut changed = record.clone();
            let mut with = object(&mut changed);
            with.insert(key.clone(), other.clone());
            *changed.pointer_mut(&place).unwrap() = Value::Object(with);
            // The reader knows more than a schema can say, never less.
            assert!(schema.is_valid(&changed) || !reads(&changed), "{place}/{key} as {other}");
        }
        let mut changed = record.clone();
        let mut more = object(&mut changed);
        more.insert("more".into(), json!(1));
        *changed.pointer_mut(&place).unwrap() = Value::Object(more);
        assert!(!schema.is_valid(&changed) && !reads(&changed), "{place} with more");
    }
}

/// Every key of every object, with the pointer to the object.
fn walk(value: &Value, place: String, places: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                places.push((place.clone(), key.clone()));
                walk(inner, format!("{place}/{key}"), places);
            }
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(at, inner)| walk(inner, format!("{place}/{at}"), places)),
        _ => {}
    }
}

/// A proposed decision's page has plots; each is there as a drawing, as a table and as data.
#[tokio::test]
async fn plots_can_be_taken_away_as_files() {
    let world = World::new().await;
    let site = world.bridge().await;
    let listed = site.items("/api/v1/decisions").await;
    let decision = listed.iter().find(|decision| decision["agent"]["slug"] == "cadence-steward").unwrap();
    let digest = decision["digest"].as_str().unwrap();
    for base in [
        format!("/api/v1/decisions/{digest}/plots/waterfall"),
        format!("/api/v1/decisions/{digest}/plots/force"),
        format!("/api/v1/decisions/{digest}/plots/sensitivity"),
        format!("/api/v1/decisions/{digest}/plots/stability"),
        "/api/v1/agents/cadence-steward/plots/beeswarm".into(),
        "/api/v1/agents/cadence-steward/plots/paths".into(),
        "/api/v1/agents/cadence-steward/plots/dependence-price_eth".into(),
        "/api/v1/agents/cadence-steward/plots/over-time".into(),
    ] {
        assert!(site.get(&format!("{base}.svg")).await.text().starts_with("<svg"), "{base}");
        assert!(site.get(&format!("{base}.csv")).await.text().lines().count() > 1, "{base}");
        assert!(!site.get(&format!("{base}.json")).await.json().is_null(), "{base}");
    }
    site.get(&format!("/api/v1/decisions/{digest}/plots/pie.svg")).await.problem(404);
    site.get(&format!("/api/v1/decisions/{digest}/plots/waterfall.png")).await.problem(404);
}
