//! An auditor's day from outside: a bundle checked offline, the log exported, statements logged, bodies erased.

use std::process::{Command, Stdio};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use governance::{
    explanation::DecisionRecord,
    log::{
        CosignerKey, Entry, EntryKind, EntryRef, TlogProof, VerifierKey,
        bundle::{Bundle, Outcome},
        leaf_hash,
        statement::StatedEntry,
    },
};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use server::{
    devnet::people,
    log::{self, EraseError, fsck},
    store::entities::{decision, log_entry},
    workflow::explain,
};

use crate::{
    killed::{sign, statement},
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

/// The file in which the story keeps a decision's record.
fn record_file(world: &World, digest: &str) -> std::path::PathBuf {
    let files = std::fs::read_dir(&world.deployment.decisions).unwrap().flatten().map(|file| file.path());
    let is = |path: &std::path::PathBuf| {
        let read = std::fs::read(path).ok().and_then(|bytes| DecisionRecord::parse(&bytes).ok());
        read.is_some_and(|record| record.digest().to_string() == digest)
    };
    files.filter(|path| path.extension().is_some_and(|end| end == "json")).find(is).expect("the story has its record")
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

/// What others say of a decision, and however much of it, spoils no bundle and hides nothing that the DAO did.
#[tokio::test]
async fn a_bundle_holds_whatever_others_state_of_its_decision() {
    let world = World::new().await;
    let site = world.bridge().await;
    let digest = carried(&site).await;
    let own = log::find(&site.bridge.store.db, &format!("decision/{digest}")).await.unwrap().unwrap();
    let agent = people::STEWARD_KEY.parse().unwrap();
    let Value::Object(facts) = json!({"decision": digest, "proposalId": "7", "decisionDigest": digest}) else { unreachable!() };
    let said = |number: usize, refs: Vec<EntryRef>| StatedEntry {
        kind: EntryKind::Review,
        id: number.to_string(),
        at: 60,
        refs,
        facts: facts.clone(),
    };
    let state = async |entries: Vec<StatedEntry>| site.post("/api/v1/log/statements", &json!(sign(&agent, entries))).await;
    // A reference to what is not there is refused, and the part is named.
    let elsewhere = EntryRef { index: own.index, leaf: governance::log::empty_root() };
    let refused = state(vec![said(0, vec![elsewhere])]).await;
    assert!(refused.problem(422).contains("does not have leaf hash"));
    assert_eq!(refused.json()["field"], "predicate.entries[0].refs[0]");
    let unrelated = site.bridge.log.entry(own.index + 1).await.unwrap().unwrap();
    let unrelated = EntryRef { index: own.index + 1, leaf: leaf_hash(&unrelated.leaf) };
    for part in 0..3 {
        let entries = (0..256).map(|number| said(part * 256 + number, vec![own, unrelated])).collect();
        assert_eq!(state(entries).await.status, 201);
    }
    let key: VerifierKey = site.bridge.log.vkey().parse().unwrap();
    let bundle = Bundle::parse(&site.get(&format!("/api/v1/decisions/{digest}/bundle")).await.bytes).unwrap();
    let report = bundle.verify(Some(&key));
    assert_eq!(report.first_wrong(), None, "{report:#?}");
    let kinds: Vec<EntryKind> = bundle.entries.iter().map(|entry| Entry::parse(entry.leaf.as_bytes()).unwrap().kind).collect();
    for kind in [EntryKind::Proposal, EntryKind::Tally, EntryKind::Queueing, EntryKind::Execution] {
        assert!(kinds.contains(&kind), "{kind} is missing among {kinds:?}");
    }
    assert!(bundle.left_out > 700, "{}", bundle.left_out);
    assert!(report.findings.iter().any(|finding| finding.words.contains("more entries of the log name this decision")));
}

#[tokio::test]
async fn a_proof_and_a_policy_are_for_other_peoples_tools() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::without_chain(dir.path()).await;
    let store = &site.bridge.store;
    let tx = store.begin().await.unwrap();
    log::append(&tx, &Entry::new(EntryKind::Review, "review/1", 5)).await.unwrap();
    tx.commit().await.unwrap();
    let proof: TlogProof = site.get("/api/v1/log/0/tlog-proof").await.text().parse().unwrap();
    let leaf = site.bridge.log.entry(0).await.unwrap().unwrap().leaf;
    let key: VerifierKey = site.bridge.log.vkey().parse().unwrap();
    assert_eq!(proof.for_leaf(leaf_hash(&leaf)).unwrap().verify_entry(&leaf, &key).unwrap().index, 0);

    let file = dir.path().join("policy");
    let verify = async |policy: String| {
        std::fs::write(&file, policy).unwrap();
        let (url, vkey, file) = (format!("{}/log", site.url), key.to_string(), file.clone());
        let run = move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_wherefore"));
            command.args(["verify", &url, "--vkey", &vkey, "--policy"]).arg(file).output().unwrap()
        };
        let done = tokio::task::spawn_blocking(run).await.unwrap();
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    assert_eq!(verify(site.get("/log/policy").await.text()).await.0, Some(0));
    let nobody = CosignerKey::from_seed("north.example/witness", &[3; 32]).unwrap();
    let asking = format!("log {key}\nwitness north {}\nquorum north\n", nobody.verifier());
    let (code, said) = verify(asking).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("does not satisfy the policy: no witness"), "{said}");
    assert_eq!(verify("quorum".into()).await.0, Some(2));
}

#[tokio::test]
async fn fsck_names_what_is_damaged_on_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::without_chain(dir.path()).await;
    let store = &site.bridge.store;
    let tx = store.begin().await.unwrap();
    for number in 0..9 {
        log::append(&tx, &Entry::new(EntryKind::Review, format!("review/{number}"), 5)).await.unwrap();
    }
    tx.commit().await.unwrap();
    site.bridge.log.publish().await.unwrap();
    let file = dir.path().join("wherefore.toml");
    std::fs::write(&file, toml::to_string(&site.bridge.config).unwrap()).unwrap();
    let fsck = async || {
        let file = file.clone();
        let run =
            move || Command::new(env!("CARGO_BIN_EXE_wherefore")).args(["log", "fsck", "--deep", "--config"]).arg(file).output().unwrap();
        let done = tokio::task::spawn_blocking(run).await.unwrap();
        (done.status.code(), [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat())
    };
    let (code, said) = fsck().await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("The log is whole: 9 entries"), "{said}");
    // Checkpoints that a key signed which has been replaced since are still the log's.
    let (key, retired) = (dir.path().join("log.key"), dir.path().join("log.key.retired-00000000"));
    std::fs::rename(&key, &retired).unwrap();
    std::fs::write(&key, [3; 32]).unwrap();
    assert_eq!(fsck().await.0, Some(0));
    use sea_orm::ConnectionTrait;
    store.db.execute_unprepared("UPDATE log_entry SET leaf = CAST('{}' AS BLOB) WHERE \"index\" = 4").await.unwrap();
    let (code, said) = fsck().await;
    assert_eq!(code, Some(1));
    assert!(said.contains("damaged at index 4"), "{said}");
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
    // Whoever still has the record cannot bring it back.
    let (record, reading) = (std::fs::read(record_file(&world, &digest)).unwrap(), site.bridge.reading());
    let again = explain::accept(store, &reading, None, &record, explain::Origin::Operator, 9).await;
    assert!(again.unwrap_err().to_string().contains("was erased here"));
    // A bundle made now says that the record is gone, and the rest of it still holds.
    let bundle = site.bridge.log.bundle(&site.bridge.reading().source, digest.parse().unwrap(), &[], vec![]).await.unwrap().unwrap();
    let report = bundle.verify(Some(&key));
    assert_eq!((bundle.record.as_ref(), report.first_wrong()), (None, None));
    assert!(report.findings.iter().any(|finding| finding.words.contains("was erased")));
}
