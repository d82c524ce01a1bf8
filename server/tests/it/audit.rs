//! An auditor's day from outside: a bundle checked offline, the log exported, statements logged, bodies erased.

use std::process::{Command, Stdio};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use governance::log::{
    Entry, EntryKind, VerifierKey,
    bundle::{Bundle, Outcome},
    leaf_hash,
};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use server::{
    log::{self, EraseError, fsck},
    store::entities::{decision, log_entry},
};

use crate::{
    killed::statement,
    world::{Site, World, eventually, wallet},
};

/// A decision that was carried all the way: proposed, voted on, queued and executed.
async fn carried(site: &Site) -> String {
    let decisions = site.items("/api/v1/decisions").await;
    let executed = site.items("/api/v1/proposals?state=executed").await;
    let is_executed = |id: &Value| executed.iter().any(|proposal| proposal["proposalId"] == *id);
    let found = decisions.iter().find(|decision| is_executed(&decision["proposalId"]));
    found.expect("the story has an executed decision")["digest"].as_str().unwrap().to_owned()
}

fn outcomes(bundle: &Bundle, key: &VerifierKey) -> Vec<(String, String)> {
    let wrong = |outcome| outcome == Outcome::Wrong;
    bundle
        .verify(Some(key))
        .findings
        .into_iter()
        .filter(|finding| wrong(finding.outcome))
        .map(|finding| (finding.about, finding.words))
        .collect()
}

#[tokio::test]
async fn a_bundle_tells_the_whole_story_and_names_what_was_changed() {
    let world = World::new().await;
    let site = world.bridge().await;
    let digest = carried(&site).await;
    // The follower's first rounds log the story; the tally and the outcome come last.
    let bytes = eventually(async || {
        let answer = site.get(&format!("/api/v1/decisions/{digest}/bundle")).await;
        let text = answer.text();
        (answer.status == 200 && ["execution", "tally"].iter().all(|kind| text.contains(&format!(r#"\"kind\":\"{kind}\""#))))
            .then_some(answer.bytes)
    })
    .await;
    let bundle = Bundle::parse(&bytes).unwrap();
    let schema = jsonschema::validator_for(&site.get("/schemas/bundle/v1").await.json()).unwrap();
    assert!(schema.is_valid(&serde_json::from_slice(&bytes).unwrap()), "the published schema does not fit");
    let schema = jsonschema::validator_for(&site.get("/schemas/log-entry/v1").await.json()).unwrap();
    for entry in &bundle.entries {
        assert!(schema.is_valid(&serde_json::from_str(&entry.leaf).unwrap()), "the published schema does not fit {}", entry.leaf);
    }
    let key: VerifierKey = site.bridge.log.vkey().lines().next().unwrap().parse().unwrap();
    let report = bundle.verify(Some(&key));
    assert_eq!(report.first_wrong(), None, "{report:#?}");
    let kinds: Vec<EntryKind> = bundle.entries.iter().map(|entry| Entry::parse(entry.leaf.as_bytes()).unwrap().kind).collect();
    for kind in [EntryKind::Decision, EntryKind::Proposal, EntryKind::Tally, EntryKind::Queueing, EntryKind::Execution] {
        assert!(kinds.contains(&kind), "{kind} is missing among {kinds:?}");
    }
    let holds = |about: &str| report.findings.iter().any(|finding| finding.about == about && finding.outcome == Outcome::Holds);
    assert!(holds("checkpoint") && holds("record") && holds("signature") && holds("explanation") && holds("story"));

    // Whatever is changed is what is named.
    let changed = |change: fn(&mut Bundle)| {
        let mut other = bundle.clone();
        change(&mut other);
        outcomes(&other, &key).first().cloned().expect("the change is seen")
    };
    assert_eq!(changed(|bundle| bundle.checkpoint = bundle.checkpoint.replacen("saltmarsh", "saltmarch", 1)).0, "checkpoint");
    let first = format!("entry {}", bundle.entries[0].index);
    assert_eq!(changed(|bundle| bundle.entries[0].leaf = bundle.entries[0].leaf.replacen("\"at\":1", "\"at\":2", 1)).0, first);
    assert_eq!(changed(|bundle| bundle.entries[0].path.reverse()).0, first);
    assert_eq!(changed(|bundle| bundle.entries[0].index += 1).0, format!("entry {}", bundle.entries[0].index + 1));
    assert_eq!(changed(|bundle| bundle.record = bundle.record.take().map(|text| text.replacen("0.", "1.", 1))).0, "record");
    assert_eq!(changed(|bundle| bundle.chain_id += 1).0, "signature");
    let broken = changed(|bundle| {
        let model = BASE64.decode(bundle.model.take().unwrap()).unwrap();
        bundle.model = Some(BASE64.encode(String::from_utf8(model).unwrap().replacen("1.5460027E1", "1.6460027E1", 1)));
    });
    assert_eq!(broken.0, "explanation", "{broken:?}");
    let stranger = governance::log::SigningKey::from_seed("saltmarsh.example/log", &[9; 32]).unwrap().verifier().clone();
    assert_eq!(outcomes(&bundle, &stranger)[0].0, "checkpoint");
    let alone = bundle.verify(None);
    assert!(alone.first_wrong().is_none() && alone.findings[0].outcome == Outcome::Open);

    // As a user of the command line.
    let file = world.dir.path().join("bundle.json");
    let verify = |bytes: &[u8], arguments: &[&str]| {
        std::fs::write(&file, bytes).unwrap();
        let done =
            Command::new(env!("CARGO_BIN_EXE_wherefore")).arg("verify").arg(&file).args(arguments).stdin(Stdio::null()).output().unwrap();
        (done.status.code(), [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat())
    };
    let (code, said) = verify(&bytes, &["--vkey", &key.to_string()]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("holds  explanation  recomputed from the model"), "{said}");
    let forged = String::from_utf8(bytes.clone()).unwrap().replacen("0.9", "0.8", 1);
    assert_eq!(verify(forged.as_bytes(), &["--vkey", &key.to_string()]).0, Some(1));
    let (code, said) = verify(b"{}", &[]);
    assert_eq!(code, Some(1));
    assert!(said.contains("this is not a bundle"), "{said}");
    assert_eq!(verify(&bytes, &["--vkey", "nonsense"]).0, Some(2));
    std::fs::remove_file(&file).unwrap();
    let missing = Command::new(env!("CARGO_BIN_EXE_wherefore")).arg("verify").arg(&file).output().unwrap();
    assert_eq!(missing.status.code(), Some(2));
}

#[tokio::test]
async fn an_export_has_every_entry_with_its_body_and_proof() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::without_chain(dir.path()).await;
    let store = &site.bridge.store;
    let tx = store.begin().await.unwrap();
    for number in 0..300 {
        let entry = Entry::new(EntryKind::Review, format!("review/{number}"), 5).with_fact("note", "say \"a, b\"");
        let body = log::Kept::erasable(format!("body {number}").into_bytes(), "text/plain");
        log::append_with_body(&tx, entry, body).await.unwrap();
    }
    tx.commit().await.unwrap();
    let lines = site.get("/api/v1/log/export.jsonl").await.text();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 301);
    let key: VerifierKey = lines[0]["vkey"].as_str().unwrap().lines().next().unwrap().parse().unwrap();
    for (place, line) in lines[1..].iter().enumerate() {
        let leaf = serde_json::from_value::<Entry>(line["entry"].clone()).unwrap().to_leaf().unwrap();
        let proof: governance::log::InclusionProof = serde_json::from_value(json!({
            "index": line["index"], "size": 300, "leaf": line["leafHash"], "path": line["proof"], "checkpoint": lines[0]["checkpoint"],
        }))
        .unwrap();
        assert_eq!(proof.index, place as u64);
        proof.verify_entry(&leaf, &key).unwrap();
        assert_eq!(line["body"], format!("body {place}"));
    }
    let csv = site.get("/api/v1/log/export.csv").await;
    assert!(csv.header("content-type").starts_with("text/csv"));
    assert_eq!(csv.text().matches("\r\n").count(), 301);
    assert!(csv.text().starts_with("index,kind,at,id,"));

    let some = site.get("/api/v1/log/export.jsonl?text=review/29").await.text();
    let found: Vec<Value> = some.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    let indexes: Vec<u64> = found.iter().map(|line| line["index"].as_u64().unwrap()).collect();
    assert_eq!(indexes, [299, 298, 297, 296, 295, 294, 293, 292, 291, 290, 29]);
    site.get("/api/v1/log/export.csv?colour=red").await.problem(400);

    let out = dir.path().join("log.csv");
    let (url, target) = (site.url.clone(), out.clone());
    let export = move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wherefore"));
        command.args(["audit", "export", "--bridge", &url, "--format", "csv", "--out"]).arg(target).output().unwrap()
    };
    let written = tokio::task::spawn_blocking(export).await.unwrap();
    assert!(written.status.success());
    assert_eq!(std::fs::read(&out).unwrap(), csv.bytes);
}

#[tokio::test]
async fn a_statement_is_logged_for_its_signer_alone_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let agent = wallet(7);
    let site = Site::without_chain_for(dir.path(), agent.address()).await;
    let envelope = json!(statement(&agent, "first", 3));
    let schema = jsonschema::validator_for(&site.get("/schemas/log-statement/v1").await.json()).unwrap();
    let stated = BASE64.decode(envelope["payload"].as_str().unwrap()).unwrap();
    assert!(schema.is_valid(&serde_json::from_slice(&stated).unwrap()), "the published schema does not fit");
    let logged = site.post("/api/v1/log/statements", &envelope).await;
    assert_eq!(logged.status, 201, "{}", logged.text());
    let entries = logged.json()["entries"].clone();
    assert_eq!(entries.as_array().unwrap().len(), 3);
    assert_eq!(site.post("/api/v1/log/statements", &envelope).await.json()["entries"], entries, "the same again is the same");
    let row = site.bridge.log.entry(entries[1]["index"].as_u64().unwrap()).await.unwrap().unwrap();
    assert_eq!(json!(leaf_hash(&row.leaf)), entries[1]["leaf"]);
    let entry = Entry::parse(&row.leaf).unwrap();
    let (salt, payload) = log::read_body(&site.bridge.store.db, entry.body.as_ref().unwrap()).await.unwrap().unwrap();
    assert!(entry.body.unwrap().is(&salt, &payload));

    let size = site.bridge.log.size().await.unwrap();
    let stranger = site.post("/api/v1/log/statements", &json!(statement(&wallet(8), "second", 1))).await;
    assert!(stranger.problem(403).contains("neither an agent nor an auditor"));
    let mut forged = envelope.clone();
    forged["payload"] = BASE64.encode(b"{}").into();
    assert!(site.post("/api/v1/log/statements", &forged).await.problem(401).contains("was made by"));
    let mut other = envelope.clone();
    other["payloadType"] = "application/json".into();
    site.post("/api/v1/log/statements", &other).await.problem(400);
    assert_eq!(site.bridge.log.size().await.unwrap(), size, "nothing of what was refused is logged");
}

#[tokio::test]
async fn what_is_erased_is_gone_and_its_proof_stays() {
    let world = World::new().await;
    let site = world.bridge().await;
    let digest = carried(&site).await;
    let store = &site.bridge.store;
    let index = log::find(&store.db, &format!("decision/{digest}")).await.unwrap().unwrap().index;
    assert!(matches!(log::erase(store, index, "x", 9).await, Err(EraseError::Reason(1))));
    assert!(matches!(log::erase(store, 1 << 40, "as they asked", 9).await, Err(EraseError::NoEntry(_))));
    let erasure = log::erase(store, index, "as its author asked", 9).await.unwrap();
    assert!(matches!(log::erase(store, index, "as its author asked", 9).await, Err(EraseError::Gone(_))));
    assert_eq!(decision::Entity::find_by_id(digest.clone()).one(&store.db).await.unwrap(), None);

    let key: VerifierKey = site.bridge.log.vkey().lines().next().unwrap().parse().unwrap();
    let row = log_entry::Entity::find_by_id(index as i64).one(&store.db).await.unwrap().unwrap();
    site.bridge.log.prove(index).await.unwrap().unwrap().verify_entry(&row.leaf, &key).unwrap();
    let told = log::read(&store.db, erasure).await.unwrap().unwrap();
    assert_eq!((told.kind, told.refs[0].index), (EntryKind::Erasure, index));
    let report = fsck::fsck(store, std::slice::from_ref(&key), true).await.unwrap();
    assert_eq!(report.damage, []);
    // A bundle made now says that the record is gone, and the rest of it still holds.
    let bundle = site.bridge.log.bundle(&site.bridge.reading().source, digest.parse().unwrap(), vec![]).await.unwrap().unwrap();
    let report = bundle.verify(Some(&key));
    assert_eq!((bundle.record.as_ref(), report.first_wrong()), (None, None));
    assert!(report.findings.iter().any(|finding| finding.words.contains("was erased")));
}
