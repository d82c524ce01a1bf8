//! The log when its process dies: killed under load, and struck at each of its writes. What was acknowledged is there
//! afterwards, at the index that was told, and the log goes on from it.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use alloy::signers::{SignerSync, local::PrivateKeySigner};
use governance::log::{
    Checkpoint, Entry, EntryKind, VerifierKey,
    merkle::verify_consistency,
    statement::{Envelope, StatedEntry, Statement, signing_hash},
};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use server::{
    config::{AgentConfig, Config, DaoConfig, LogConfig},
    log::{Log, Prepared, append_all, fsck},
    store::{Store, entities::log_entry},
};

use crate::world::{eventually, wallet};

const ORIGIN: &str = "saltmarsh.example/log";

/// A statement that asks for so many entries, signed.
pub fn statement(key: &PrivateKeySigner, name: &str, entries: usize) -> Envelope {
    let Value::Object(facts) = json!({"decision": format!("0x{}", "ab".repeat(32)), "note": "as it should be"}) else { unreachable!() };
    let stated = (0..entries).map(|number| StatedEntry {
        kind: EntryKind::Outcome,
        id: format!("{name}-{number}"),
        at: 60,
        refs: vec![],
        facts: facts.clone(),
    });
    sign(key, stated.collect())
}

/// A statement about these entries, signed.
pub fn sign(key: &PrivateKeySigner, entries: Vec<StatedEntry>) -> Envelope {
    let payload = serde_json::to_vec(&Statement::new(ORIGIN, &[5; 16], entries)).unwrap();
    let signature = key.sign_hash_sync(&signing_hash(&payload)).unwrap();
    Envelope::new(&payload, format!("eip155:31337:{}", key.address()), &signature.as_bytes())
}

/// A bridge without a chain, as a process that can be killed.
struct Killable {
    url: String,
    process: Child,
}

impl Killable {
    async fn start(config: &Path, url: &str) -> Self {
        let process = Command::new(env!("CARGO_BIN_EXE_wherefore"))
            .args(["serve", "--config"])
            .arg(config)
            .env_remove("DATABASE_URL")
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let http = reqwest::Client::new();
        let healthy = format!("{url}/healthz");
        eventually(async || http.get(&healthy).send().await.ok().filter(|answer| answer.status().is_success()).map(drop)).await;
        Self { url: url.to_owned(), process }
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn config(dir: &Path, listen: std::net::SocketAddr, agent: &PrivateKeySigner) -> Config {
    Config {
        listen,
        public_url: format!("http://{listen}"),
        database_url: format!("sqlite://{}?mode=rwc", dir.join("bridge.db").display()),
        data_dir: dir.to_owned(),
        records_dir: None,
        models: vec![],
        executor_key: None,
        log: LogConfig { origin: ORIGIN.into(), ..LogConfig::default() },
        writes_a_minute: u32::MAX,
        dao: DaoConfig {
            agents: vec![AgentConfig { slug: "steward".into(), name: "Steward".into(), address: agent.address(), about: String::new() }],
            rpc: "http://127.0.0.1:9".into(),
            ..crate::world::nobodys_dao()
        },
        devnet: None,
    }
}

/// Two hundred kills take a minute and a half; the usual test run is content with fewer. `WHEREFORE_KILLS` says how many.
#[tokio::test]
async fn killed_under_load_it_keeps_what_it_acknowledged() {
    let kills: usize = std::env::var("WHEREFORE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(25);
    let dir = tempfile::tempdir().unwrap();
    let agent = wallet(7);
    let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{listen}");
    let file = dir.path().join("wherefore.toml");
    let config = config(dir.path(), listen, &agent);
    std::fs::write(&file, toml::to_string(&config).unwrap()).unwrap();

    // By the entry's id: index and leaf hash, as told.
    let mut acknowledged: BTreeMap<String, (u64, String)> = BTreeMap::new();
    let mut checkpoints: Vec<Vec<u8>> = Vec::new();
    let mut unanswered: Vec<(String, Envelope)> = Vec::new();
    for round in 0..kills {
        let bridge = Killable::start(&file, &url).await;
        let http = reqwest::Client::new();
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..6 {
            // What nobody answered the last time is sent again, by its own id.
            let again = unanswered.split_off(unanswered.len().saturating_sub(2));
            let (http, url, agent) = (http.clone(), bridge.url.clone(), agent.clone());
            writers.spawn(async move {
                let (mut told, mut pending) = (Vec::new(), again);
                for number in 0.. {
                    if pending.is_empty() {
                        let name = format!("{round}-{writer}-{number}");
                        pending.push((name.clone(), statement(&agent, &name, 1 + number % 3)));
                    }
                    let (name, envelope) = pending.last().unwrap();
                    let answer = match http.post(format!("{url}/api/v1/log/statements")).json(envelope).send().await {
                        Ok(answer) => answer,
                        Err(_) => break,
                    };
                    assert_eq!(answer.status(), 201);
                    let Ok(answer) = answer.json::<Value>().await else { break };
                    for (place, entry) in answer["entries"].as_array().unwrap().iter().enumerate() {
                        let id = format!("outcome/eip155:31337:{}/{name}-{place}", agent.address());
                        told.push((id, (entry["index"].as_u64().unwrap(), entry["leaf"].as_str().unwrap().to_owned())));
                    }
                    pending.pop();
                }
                (told, pending)
            });
        }
        // At another moment each time.
        tokio::time::sleep(Duration::from_millis(20 + (round as u64 * 37) % 260)).await;
        if let Ok(answer) = http.get(format!("{url}/log/checkpoint")).send().await {
            checkpoints.push(answer.bytes().await.unwrap().to_vec());
        }
        bridge.kill();
        for (told, pending) in writers.join_all().await {
            for (id, place) in told {
                let before = acknowledged.insert(id.clone(), place.clone());
                assert!(before.is_none_or(|before| before == place), "{id} was told two places");
            }
            unanswered.extend(pending);
        }
    }

    let store = Store::open(&config.database_url).await.unwrap();
    let rows = log_entry::Entity::find().all(&store.db).await.unwrap();
    let stored: BTreeMap<&str, (u64, &str)> =
        rows.iter().map(|row| (row.entry_id.as_str(), (row.index as u64, row.leaf_hash.as_str()))).collect();
    for (id, (index, leaf)) in &acknowledged {
        assert_eq!(stored.get(id.as_str()), Some(&(*index, leaf.as_str())), "{id} was acknowledged");
    }
    assert!(acknowledged.len() >= 3 * kills, "{} entries were acknowledged in {kills} lives", acknowledged.len());
    let log = Log::open(store.clone(), ORIGIN, &dir.path().join("log.key")).await.unwrap();
    let key: VerifierKey = log.vkey().lines().next().unwrap().parse().unwrap();
    let report = fsck::fsck(&store, std::slice::from_ref(&key), true).await.unwrap();
    assert_eq!((report.damage, report.size), (vec![], rows.len() as u64));

    // Every checkpoint that anyone saw is one that the log grew from.
    let (size, note) = log.publish().await.unwrap();
    let now = Checkpoint::open(&note, &key, ORIGIN).unwrap();
    let mut last = 0;
    for seen in &checkpoints {
        let seen = Checkpoint::open(seen, &key, ORIGIN).unwrap();
        assert!(seen.size >= last, "a checkpoint of {} follows one of {last}", seen.size);
        last = seen.size;
        if seen.size > 0 {
            let growth = log.prove_growth(seen.size, size).await.unwrap();
            verify_consistency(seen.size, size, &growth, seen.root, now.root).unwrap();
        }
    }
    println!(
        "{kills} kills: {} entries acknowledged, {} in the log, {} checkpoints seen",
        acknowledged.len(),
        rows.len(),
        checkpoints.len()
    );
}

/// What the struck process does: appends three entries one after the other, saying each index once it is durable.
#[tokio::test]
#[ignore = "only as a process of the test below"]
async fn appends_three_entries() {
    let store = Store::open(&std::env::var("STRUCK_DATABASE").unwrap()).await.unwrap();
    println!("opened");
    for number in 0..3 {
        let tx = store.begin().await.unwrap();
        let entry = Entry::new(EntryKind::Outcome, format!("outcome/struck/{}/{number}", std::process::id()), 5);
        let told = append_all(&tx, vec![Prepared::new(&entry).unwrap()]).await.unwrap();
        tx.commit().await.unwrap();
        println!("acknowledged {} {}", told[0].index, told[0].leaf);
    }
    println!("finished");
}

/// An error of the disk, a full disk or a kill at each write that an append makes; after each the log is whole.
#[tokio::test]
async fn struck_at_any_write_it_is_whole_and_holds_what_it_acknowledged() {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        println!("skipped: strace is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("struck.db").display());
    Store::open(&url).await.unwrap().db.close().await.unwrap();
    let mut acknowledged: Vec<(u64, String)> = Vec::new();
    let mut strikes = 0;
    for calls in ["pwrite64", "fsync,fdatasync"] {
        for fault in ["error=EIO", "error=ENOSPC", "signal=SIGKILL"] {
            for nth in 1..=60 {
                let struck = Command::new("strace")
                    .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")])
                    .args(["-e", &format!("inject={calls}:{fault}:when={nth}")])
                    .arg(std::env::current_exe().unwrap())
                    .args(["--exact", "killed::appends_three_entries", "--ignored", "--nocapture"])
                    .env("STRUCK_DATABASE", &url)
                    .stderr(Stdio::null())
                    .output()
                    .unwrap();
                let said = String::from_utf8_lossy(&struck.stdout).into_owned();
                for line in said.lines().filter_map(|line| line.strip_prefix("acknowledged ")) {
                    let (index, leaf) = line.split_once(' ').unwrap();
                    acknowledged.push((index.parse().unwrap(), leaf.to_owned()));
                }
                let store = Store::open(&url).await.unwrap();
                let report = fsck::fsck(&store, &[], true).await.unwrap();
                assert_eq!(report.damage, [], "{fault} at {calls} {nth}");
                for (index, leaf) in &acknowledged {
                    let row = log_entry::Entity::find_by_id(*index as i64).one(&store.db).await.unwrap();
                    assert_eq!(
                        row.map(|row| row.leaf_hash).as_ref(),
                        Some(leaf),
                        "{fault} at {calls} {nth}: entry {index} was acknowledged"
                    );
                }
                store.db.close().await.unwrap();
                if said.contains("finished") {
                    // Nothing was struck any more.
                    break;
                }
                strikes += 1;
            }
        }
    }
    assert!(strikes >= 12, "only {strikes} strikes");
    println!("{strikes} strikes, {} entries acknowledged", acknowledged.len());
}

/// What does not fit is refused with nothing left of it, and once there is room again the log goes on where it was.
#[tokio::test]
async fn a_full_disk_refuses_and_recovers_without_repair() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("full.db").display());
    let store = Store::open(&url).await.unwrap();
    let append = async |name: &str, bytes: usize| {
        let tx = store.begin().await.map_err(|error| error.to_string())?;
        let entry = Entry::new(EntryKind::Outcome, format!("outcome/{name}"), 5).with_fact("note", "x".repeat(bytes));
        append_all(&tx, vec![Prepared::new(&entry).unwrap()]).await.map_err(|error| error.to_string())?;
        tx.commit().await.map_err(|error| error.to_string())
    };
    append("before", 10).await.unwrap();
    // SQLite's own limit stands for a disk without room: the file may not grow.
    let limit = async |pages: u32| {
        use sea_orm::ConnectionTrait;
        store.db.execute_unprepared(&format!("PRAGMA max_page_count = {pages}")).await.unwrap();
    };
    let begun = Instant::now();
    let mut refused = 0;
    for number in 0..40 {
        limit(1).await;
        if append(&format!("full-{number}"), 7_000).await.is_err() {
            refused += 1;
        }
    }
    assert!(refused > 0, "nothing was refused in {:?}", begun.elapsed());
    limit(1_000_000).await;
    // Each connection has a limit of its own; those that still have the small one give way.
    let store = Store::open(&url).await.unwrap();
    let report = fsck::fsck(&store, &[], true).await.unwrap();
    assert_eq!(report.damage, []);
    let tx = store.begin().await.unwrap();
    let entry = Entry::new(EntryKind::Outcome, "outcome/after", 5).with_fact("note", "x".repeat(7_000));
    let told = append_all(&tx, vec![Prepared::new(&entry).unwrap()]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(told[0].index, report.size);
}
