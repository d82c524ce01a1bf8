//! What programs meet: OFREP and flagd for engines, REST, refusals that say why.

use alloy::eips::BlockId;
use alloy_primitives::{B256, U256};
use alloy_sol_types::{SolCall, SolError};
use governance::{onchain::abi::ParameterRegistry, parameter::key_word};
use reqwest::Method;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, QueryOrder};
use serde_json::{Value, json};
use server::store::{Store, entities::event};

use crate::world::{Answer, Site, TOKEN, World, reverts};

const FLAGS: &str = "/ofrep/v1/evaluate/flags";

async fn ask_flags(site: &Site, etag: &str) -> Answer {
    site.ask(site.request(Method::POST, FLAGS).header("if-none-match", etag).json(&json!({"context": {}}))).await
}

#[tokio::test]
async fn engines_are_served_exactly_what_was_ratified() {
    let world = World::new().await;
    let site = world.bridge().await;
    let hash = world.parameter_set_hash().await.to_string();

    let bulk = site.post(FLAGS, &json!({"context": {"targetingKey": "engine-1"}})).await;
    assert_eq!(bulk.status, 200);
    let etag = bulk.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'));
    let body = bulk.json();
    assert_eq!(body["metadata"]["parameterSetHash"], hash);
    let flags = body["flags"].as_array().unwrap();
    assert_eq!(flags.len(), 12);
    let revision = body["metadata"]["revision"].as_u64().unwrap();
    let mut values = std::collections::BTreeMap::new();
    for flag in flags {
        // Published clients need all of these.
        assert_eq!((flag["reason"].as_str(), flag["variant"].as_str()), (Some("STATIC"), Some(format!("r{revision}").as_str())));
        assert!(!flag["value"].is_null());
        let metadata = flag["metadata"].as_object().unwrap();
        assert!(metadata.values().all(|value| value.is_string() || value.is_number() || value.is_boolean()), "{metadata:?}");
        let canonical: alloy_primitives::Bytes = metadata["canonical"].as_str().unwrap().parse().unwrap();
        values.insert(key_word(flag["key"].as_str().unwrap()).unwrap(), canonical.to_vec());
        if metadata["type"] == "decimal" {
            assert!(flag["value"].to_string().contains('.'), "{} has no fraction", flag["value"]);
        }
    }
    assert_eq!(governance::parameter::parameter_set_hash(key_word("tideline").unwrap(), revision, &values).to_string(), hash);
    let stream = &body["eventStreams"][0];
    assert_eq!(stream["type"], "sse");
    assert!(stream["endpoint"]["requestUri"].is_string() && stream.get("url").is_none());

    for asked in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}")] {
        let unchanged = ask_flags(&site, &asked).await;
        assert_eq!((unchanged.status.as_u16(), unchanged.bytes.len(), unchanged.header("etag")), (304, 0, etag.as_str()));
    }
    assert_eq!(ask_flags(&site, "\"other\"").await.status, 200);

    // Clients that name no engine, no context, or nothing at all.
    for body in [
        json!({"context": {}}),
        json!({}),
        json!({"context": {"engine": "tideline"}}),
        json!({"context": {"targetingKey": "tideline", "other": [1, 2]}}),
    ] {
        assert_eq!(site.post(FLAGS, &body).await.json(), site.post(FLAGS, &json!({})).await.json());
    }
    assert_eq!(site.ask(site.request(Method::POST, FLAGS)).await.status, 200);

    let single = site.post(&format!("{FLAGS}/palette"), &json!({"context": {}})).await;
    assert_eq!(single.status, 200);
    assert_eq!(&single.json(), flags.iter().find(|flag| flag["key"] == "palette").unwrap());
    assert_eq!(site.post(&format!("/engines/tideline{FLAGS}/palette"), &json!({})).await.json(), single.json());
}

#[tokio::test]
async fn a_flag_that_cannot_be_evaluated_is_refused_as_ofrep_says() {
    let world = World::new().await;
    let site = world.bridge().await;
    let told = |answer: &Answer| {
        let body = answer.json();
        assert!(body["errorDetails"].as_str().is_some_and(|details| !details.is_empty()), "{body}");
        (
            answer.status.as_u16(),
            body["errorCode"].as_str().unwrap_or_default().to_owned(),
            body["key"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let (refused, nobody) =
        (|status: u16, code: &str, key: &str| (status, code.to_owned(), key.to_owned()), json!({"context": {"engine": "nobody"}}));
    let unknown = site.post(&format!("{FLAGS}/nothing"), &json!({"context": {}})).await;
    assert_eq!(told(&unknown), refused(404, "FLAG_NOT_FOUND", "nothing"));
    for broken in ["{", "[]", "\"x\"", "{\"context\": 1}", "{\"context\": {\"targetingKey\": 7}}"] {
        let single = site.ask(site.request(Method::POST, &format!("{FLAGS}/palette")).body(broken)).await;
        assert_eq!(told(&single), refused(400, "PARSE_ERROR", "palette"), "{broken}");
        let bulk = site.ask(site.request(Method::POST, FLAGS).body(broken)).await;
        assert_eq!(told(&bulk), refused(400, "PARSE_ERROR", ""), "{broken}");
    }
    assert_eq!(told(&site.post(FLAGS, &nobody).await), refused(400, "INVALID_CONTEXT", ""));
    assert_eq!(told(&site.post(&format!("{FLAGS}/palette"), &nobody).await), refused(400, "INVALID_CONTEXT", "palette"));
}

#[tokio::test]
async fn flagd_reads_the_same_values() {
    let world = World::new().await;
    let site = world.bridge().await;
    let answer = site.get("/flagd/tideline.json").await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["metadata"]["flagSetId"], "tideline");
    for flag in site.post(FLAGS, &json!({})).await.json()["flags"].as_array().unwrap() {
        let synced = &body["flags"][flag["key"].as_str().unwrap()];
        assert_eq!(synced["state"], "ENABLED");
        assert_eq!(synced["variants"][synced["defaultVariant"].as_str().unwrap()], flag["value"]);
    }
    let etag = answer.header("etag").to_owned();
    let unchanged = site.ask(site.request(Method::GET, "/flagd/tideline.json").header("if-none-match", &etag)).await;
    assert_eq!((unchanged.status.as_u16(), unchanged.bytes.len()), (304, 0));
    assert_eq!(site.get("/flagd/nobody.json").await.status, 404);
    assert_eq!(site.get("/flagd/tideline").await.status, 404);
}

#[tokio::test]
async fn browsers_of_other_sites_may_read_flags() {
    let world = World::new().await;
    let site = world.idle_bridge().await;
    let preflight = site
        .ask(
            site.request(Method::OPTIONS, FLAGS)
                .header("origin", "https://plates.example")
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "content-type,if-none-match,authorization"),
        )
        .await;
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
    let allowed = preflight.header("access-control-allow-headers").to_lowercase();
    assert!(["content-type", "authorization", "if-none-match"].iter().all(|name| allowed.contains(name)), "{allowed}");
    let answer = site.ask(site.request(Method::POST, FLAGS).header("origin", "https://plates.example").json(&json!({}))).await;
    assert_eq!(answer.header("access-control-expose-headers").to_lowercase(), "etag");
}

#[tokio::test]
async fn a_served_set_that_does_not_hash_is_not_served() {
    let world = World::new().await;
    drop(world.bridge().await);
    // Somebody wrote into the database: the inscription now reads otherwise.
    let store = Store::open(&world.database("bridge.db")).await.unwrap();
    let rows = event::Entity::find().order_by_desc(event::Column::BlockNumber).all(&store.db).await.unwrap();
    let (row, mut change) = rows
        .into_iter()
        .find_map(|row| {
            row.decoded::<ParameterRegistry::ParameterChanged>()
                .filter(|change| change.key == key_word("inscription").unwrap())
                .map(|change| (row, change))
        })
        .unwrap();
    change.newValue = b"the gauge reads low".to_vec().into();
    let data = alloy_sol_types::SolEvent::encode_data(&change);
    let mut row: event::ActiveModel = row.into();
    row.data = Set(alloy_primitives::hex::encode_prefixed(data));
    row.update(&store.db).await.unwrap();
    drop(store);

    let site = world.bridge().await;
    for path in [FLAGS, "/ofrep/v1/evaluate/flags/palette"] {
        let answer = site.post(path, &json!({"context": {}})).await;
        assert_eq!(answer.status, 500, "{path}: {}", answer.text());
        assert!(answer.json()["errorDetails"].as_str().unwrap().contains("do not hash to what the registry stored"));
    }
    assert_eq!(site.get("/flagd/tideline.json").await.status, 500);
    let engine = site.get("/api/v1/engines/tideline").await.json();
    assert_eq!(engine["status"], "refused");
    assert_eq!(engine["ratified"]["parameterSetHash"], world.parameter_set_hash().await.to_string());
    assert_ne!(engine["served"], engine["ratified"]);
    // People can still read what was decided.
    assert_eq!(site.get("/parameters/tideline").await.status, 200);
    assert_eq!(site.items("/api/v1/proposals").await.len(), 30);
}

#[tokio::test]
async fn out_of_bounds_values_are_named_by_page_and_contract_alike() {
    let world = World::new().await;
    let site = world.bridge().await;
    assert_eq!(site.get("/render/tideline/1.svg?swell=0.9").await.header("content-type"), "image/svg+xml");
    for (query, words) in [
        ("swell=1.5", "swell: 1.500 is outside 0.000 to 1.000"),
        ("layers=3", "layers: 3 is outside 4 to 40"),
        ("nothing=1", "nothing is not a parameter of tideline"),
        ("ink=blue", "ink: "),
    ] {
        let refusal = site.get(&format!("/render/tideline/1.svg?{query}")).await.problem(400);
        assert!(refusal.starts_with(words), "{refusal}");
    }

    let (engine, hash) = (key_word("tideline").unwrap(), world.parameter_set_hash().await);
    let set = async |key: &str, raw: i64, expected: B256| {
        let value = alloy_primitives::I256::try_from(raw).unwrap().to_be_bytes::<32>().to_vec().into();
        let change = ParameterRegistry::Change { key: key_word(key).unwrap(), value };
        let call =
            ParameterRegistry::setParametersCall { engine, expectedHash: expected, decisionDigest: B256::ZERO, changes: vec![change] };
        world.node.simulate(world.deployment.timelock, world.deployment.registry, call.abi_encode().into(), BlockId::latest()).await
    };
    let refused = ParameterRegistry::ParameterRegistryOutOfBounds::abi_decode_validate(&reverts(set("swell", 1_500, hash).await)).unwrap();
    assert_eq!(
        (refused.key, refused.value.as_i64(), refused.min.as_i64(), refused.max.as_i64()),
        (key_word("swell").unwrap(), 1_500, 0, 1_000)
    );
    let refused = ParameterRegistry::ParameterRegistryOutOfBounds::abi_decode_validate(&reverts(set("layers", -1, hash).await)).unwrap();
    assert_eq!((refused.value.as_i64(), refused.min.as_i64(), refused.max.as_i64()), (-1, 4, 40));
    let stale =
        ParameterRegistry::ParameterRegistryStale::abi_decode_validate(&reverts(set("layers", 20, B256::repeat_byte(1)).await)).unwrap();
    assert_eq!((stale.expected, stale.actual), (B256::repeat_byte(1), hash));
    assert!(set("layers", 20, hash).await.is_ok());
}

#[tokio::test]
async fn what_is_not_here_is_a_problem_that_says_so() {
    let world = World::new().await;
    let site = world.bridge().await;
    for path in [
        "/api/v1/proposals/123",
        "/api/v1/proposals/not-a-number",
        "/api/v1/decisions/0x00",
        &format!("/api/v1/decisions/{}", B256::repeat_byte(3)),
        "/api/v1/engines/nobody",
        "/api/v1/engines/nobody/observations",
        "/api/v1/models/00",
        "/api/v1/log/999999/proof",
        "/api/v1/nothing",
        "/api/nothing",
        "/schemas/decision/v9",
        "/render/nobody/1.svg",
        "/render/tideline/1.svg?revision=999",
        "/log/tile/0/999",
        "/assets/nothing.js",
        "/engine/nobody/status",
    ] {
        let detail = site.get(path).await.problem(404);
        assert!(detail.ends_with("was not found here."), "{path}: {detail}");
    }
    let refusal = site.get("/api/v1/proposals?state=ratified").await.problem(400);
    assert!(refusal.contains("must be one of pending, active"), "{refusal}");
    for page in ["/proposals/123", "/decisions/0x00", "/nothing", "/log/999999"] {
        let answer = site.get(page).await;
        assert_eq!(answer.status, 404, "{page}");
        assert!(answer.header("content-type").starts_with("text/html"));
    }
    // What cannot even be read is refused in the same shape.
    site.get("/api/v1/log/first/proof").await.problem(400);
    site.ask(site.request(Method::POST, "/auth/verify").header("content-type", "application/json").body("{")).await.problem(400);
    site.ask(site.request(Method::POST, "/auth/verify").body("{}")).await.problem(415);
    site.ask(site.request(Method::DELETE, "/api/v1/daos")).await.problem(405);
}

#[tokio::test]
async fn lists_and_numbers_have_the_shapes_that_others_rely_on() {
    let world = World::new().await;
    let site = world.bridge().await;
    for path in [
        "/api/v1/daos",
        "/api/v1/proposals",
        "/api/v1/parameters",
        "/api/v1/engines",
        "/api/v1/decisions",
        "/api/v1/agents",
        "/api/v1/drafts",
    ] {
        let body = site.get(path).await.json();
        assert!(!body["items"].as_array().unwrap().is_empty(), "{path}");
        assert!(body.get("next").is_some(), "{path}");
    }
    let dao = &site.items("/api/v1/daos").await[0];
    assert_eq!(dao["chain"], "eip155:31337");
    for name in ["governor", "timelock", "token", "registry"] {
        assert!(dao[name].as_str().unwrap().parse::<alloy_primitives::Address>().is_ok());
    }
    assert_eq!(dao["rpc"], world.deployment.rpc);
    let proposals = site.items("/api/v1/proposals").await;
    for proposal in &proposals {
        assert!(proposal["proposalId"].as_str().unwrap().parse::<U256>().is_ok());
        let id: U256 = proposal["proposalId"].as_str().unwrap().parse().unwrap();
        let state = governance::proposal::ProposalState::from_chain(world.state(id).await).unwrap();
        assert_eq!(proposal["state"], state.name());
    }
    let queued = site.items("/api/v1/proposals?state=queued").await;
    assert_eq!(queued.len(), 1);
    assert!(queued[0]["eta"].is_u64());
    let one = site.get(&format!("/api/v1/proposals/{}", queued[0]["proposalId"].as_str().unwrap())).await.json();
    let file: governance::proposal::ProposalFile = serde_json::from_value(one.clone()).unwrap();
    assert_eq!(file.ids().unwrap().proposal_id, one["proposalId"]);
    assert_eq!(file.ids().unwrap().operation_id.v5.to_string(), one["operationId"]["onChain"]);
}

#[tokio::test]
async fn a_foreign_origin_changes_nothing() {
    let world = World::new().await;
    let site = world.idle_bridge().await;
    for path in ["/api/v1/decisions", "/auth/logout", "/auth/verify", "/api/page/save_draft", "/devnet/skip", "/devnet/rpc"] {
        for origin in ["https://evil.example", "null", &format!("{}.evil.example", site.url)] {
            let answer = site.ask(site.request(Method::POST, path).header("origin", origin).json(&json!({}))).await;
            assert_eq!(answer.problem(403), "This request came from another site.", "{path} from {origin}");
        }
    }
    let own = site.ask(site.request(Method::POST, "/auth/logout").header("origin", &site.url)).await;
    assert_eq!(own.status, 204);
    assert_eq!(site.ask(site.request(Method::POST, "/auth/logout")).await.status, 204);
}

#[tokio::test]
async fn too_many_changes_from_one_address_are_asked_to_wait() {
    let world = World::new().await;
    let site = world.idle_bridge().await;
    // The minute may turn meanwhile, so twice the allowance and a little more.
    let mut admitted = 0;
    let refused = loop {
        let answer = site.ask(site.request(Method::POST, "/auth/logout")).await;
        if answer.status != 204 {
            break answer;
        }
        admitted += 1;
        assert!(admitted <= 245, "nobody is asked to wait");
    };
    assert!(admitted >= 120, "{admitted}");
    refused.problem(429);
    assert_eq!(refused.header("retry-after"), "60");
    // Reading, and engines, are not held up by it.
    assert_eq!(site.get("/healthz").await.status, 200);
    assert_ne!(site.post(FLAGS, &json!({})).await.status, 429);
}

#[tokio::test]
async fn an_engine_reports_with_its_own_token_only() {
    let world = World::new().await;
    let site = world.bridge().await;
    let hash = world.parameter_set_hash().await.to_string();
    let revision = site.get("/api/v1/engines/tideline").await.json()["ratified"]["revision"].as_u64().unwrap();
    let report = |hash: &str, accepted: bool| json!({"revision": revision, "parameterSetHash": hash, "build": "tideline 1", "accepted": accepted, "detail": ""});
    let send = async |engine: &str, token: Option<&str>, report: Value| {
        let mut request = site.request(Method::POST, &format!("/api/v1/engines/{engine}/reports")).json(&report);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        site.ask(request).await
    };
    for token in [None, Some(""), Some("guess"), Some(&TOKEN[..5])] {
        send("tideline", token, report(&hash, true)).await.problem(401);
    }
    send("nobody", Some(TOKEN), report(&hash, true)).await.problem(401);
    assert_eq!(site.get("/api/v1/engines/tideline").await.json()["status"], "silent");

    // An acceptance of something that was never ratified is kept, but logged as nothing.
    let logged = async || site.bridge.log.size().await.unwrap();
    let before = logged().await;
    assert_eq!(send("tideline", Some(TOKEN), report(&B256::repeat_byte(9).to_string(), true)).await.status, 204);
    assert_eq!(logged().await, before);
    assert_eq!(site.get("/api/v1/engines/tideline").await.json()["status"], "behind");
    for _ in 0..3 {
        assert_eq!(send("tideline", Some(TOKEN), report(&hash, true)).await.status, 204);
        assert_eq!(logged().await, before + 1);
    }
    assert_eq!(site.get("/api/v1/engines/tideline").await.json()["status"], "in-step");
    assert_eq!(send("tideline", Some(TOKEN), report(&hash, false)).await.status, 204);
    assert_eq!(site.get("/api/v1/engines/tideline").await.json()["status"], "refused");
    let long = json!({"revision": revision, "parameterSetHash": hash, "build": "x".repeat(121), "accepted": true});
    send("tideline", Some(TOKEN), long).await.problem(422);
}
