//! The log under load, each figure beside a limit measured in the same run: bare inserts of the same bytes for appends,
//! bare hashing of the same bytes for checking.
//!
//! `LOG_ENTRIES` sets how many entries (10,000 unless told; a million takes a few minutes), `LOG_SECONDS` how long HTTP is
//! measured, `LOG_DATABASE` a database other than a SQLite file in a temporary folder.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::signers::{SignerSync, local::PrivateKeySigner};
use governance::log::{
    Checkpoint, Entry, EntryKind, VerifierKey, leaf_hash,
    statement::{Envelope, StatedEntry, Statement, signing_hash},
};
use sea_orm::{
    EntityTrait, QuerySelect,
    sqlx::{self, sqlite::SqliteSynchronous},
};
use server::{
    bridge::Bridge,
    config::LogConfig,
    log::{Log, Sequencer, fsck},
    store::{Store, entities::log_entry},
};

/// Bytes of one leaf, as of a decision with its signature.
const LEAF: usize = 600;
/// Producers that wait for their entry before they send the next.
const PRODUCERS: usize = 2_048;

fn entry(number: usize) -> Entry {
    let mut entry = Entry::new(EntryKind::Outcome, format!("outcome/bench/{number:012}"), 1_763_300_000 + number as u64)
        .with_fact("agent", "eip155:1:0x70997970c51812dc3a010c7d01b50e0d17dc79c8")
        .with_fact("decision", leaf_hash(&number.to_be_bytes()).to_string());
    let room = LEAF - entry.to_leaf().unwrap().len() - r#""note":"","#.len();
    entry = entry.with_fact("note", "x".repeat(room));
    entry
}

/// A figure, and what it stands beside.
fn say(what: &str, value: String, beside: String) {
    println!("{what:<46} {value:<30} {beside}");
}

#[tokio::main]
async fn main() {
    let count: usize = std::env::var("LOG_ENTRIES").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let dir = tempfile::tempdir().unwrap();
    let url = std::env::var("LOG_DATABASE").unwrap_or_else(|_| format!("sqlite://{}?mode=rwc", dir.path().join("log.db").display()));
    println!("{count} entries of {LEAF} bytes");
    let bare = bare_inserts(dir.path(), count).await;

    let store = Store::open(&url).await.unwrap();
    let log = Log::open(store.clone(), "bench.example/log", &dir.path().join("log.key")).await.unwrap();
    let sequencer = Sequencer::start(store.clone());

    // Each producer waits until its entry is durable.
    let begun = Instant::now();
    let mut producers = Vec::new();
    for producer in 0..PRODUCERS.min(count) {
        let sequencer = sequencer.clone();
        producers.push(tokio::spawn(async move {
            let mut waits = Vec::with_capacity(count / PRODUCERS + 1);
            for number in (producer..count).step_by(PRODUCERS) {
                let entry = entry(number);
                let asked = Instant::now();
                sequencer.append(&entry).await.unwrap();
                waits.push(asked.elapsed());
            }
            waits
        }));
    }
    let mut waits = Vec::with_capacity(count);
    for producer in producers {
        waits.extend(producer.await.unwrap());
    }
    let took = begun.elapsed();
    waits.sort();
    let rate = count as f64 / took.as_secs_f64();
    say(
        "appends, one by one, group commit",
        format!("{rate:.0}/s, p99 {:.1?}", waits[waits.len() * 99 / 100]),
        format!("{:.2} of bare inserts ({bare:.0}/s)", rate / bare),
    );

    let begun = Instant::now();
    let (size, note) = log.publish().await.unwrap();
    say("checkpoint, head to signed note", format!("{:.1?}", begun.elapsed()), format!("of {size} entries"));
    let key: VerifierKey = log.vkey().parse().unwrap();

    let times = 200;
    let begun = Instant::now();
    for number in 0..times {
        log.prove((number * (count / times)) as u64).await.unwrap().unwrap();
    }
    say("inclusion proof from the database", format!("{:.1?}", begun.elapsed() / times as u32), String::new());

    let proof = log.prove(count as u64 / 3).await.unwrap().unwrap();
    let checkpoint = Checkpoint::open(&note, &key, key.name()).unwrap();
    let hashing = per_call(|| {
        for _ in 0..=proof.path.len() {
            std::hint::black_box(governance::log::node_hash(&proof.leaf, &proof.leaf));
        }
    });
    let inclusion = per_call(|| {
        governance::log::merkle::verify_inclusion(proof.leaf, proof.index, proof.size, &proof.path, checkpoint.root).unwrap();
    });
    say(
        "inclusion proof, verified",
        format!("{inclusion:.2?}"),
        format!("{:.2} of its hashes alone", inclusion.as_secs_f64() / hashing.as_secs_f64()),
    );
    let opened = per_call(|| {
        Checkpoint::open(&note, &key, key.name()).unwrap();
    });
    say("checkpoint, verified", format!("{opened:.2?}"), String::new());

    let rows = log_entry::Entity::find().limit(1_000).all(&store.db).await.unwrap();
    let hashing = per_call(|| {
        for row in &rows {
            std::hint::black_box(leaf_hash(&row.leaf));
        }
    }) * (count as u32)
        / 1_000;
    for deep in [false, true] {
        let begun = Instant::now();
        let report = fsck::fsck(&store, std::slice::from_ref(&key), deep).await.unwrap();
        assert_eq!((report.size, report.damage.len()), (count as u64, 0));
        let took = begun.elapsed();
        let what = if deep { "fsck, every entry read as an entry" } else { "fsck, every byte hashed" };
        say(what, format!("{took:.2?}"), format!("{:.1} times hashing alone", took.as_secs_f64() / hashing.as_secs_f64()));
    }
    drop(sequencer);

    let begun = Instant::now();
    let again = Store::open(&url).await.unwrap();
    let log = Log::open(again, "bench.example/log", &dir.path().join("log.key")).await.unwrap();
    let log = log.guarded(&LogConfig::default(), dir.path()).await.unwrap();
    assert_eq!(log.publish().await.unwrap().0, count as u64);
    say("restart, until a checkpoint is served", format!("{:.1?}", begun.elapsed()), String::new());

    over_http(dir.path(), 1, rate).await;
    over_http(dir.path(), 64, rate).await;
}

/// Signed statements of so many entries each, over HTTP, from as many clients as wait for an answer each.
async fn over_http(dir: &Path, entries: usize, in_process: f64) {
    const CLIENTS: usize = 64;
    let seconds: u64 = std::env::var("LOG_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let agent: PrivateKeySigner = alloy_primitives::hex::encode([7; 32]).parse().unwrap();
    let dir = dir.join(format!("http-{entries}"));
    std::fs::create_dir_all(&dir).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = format!(
        "database_url = \"sqlite://{dir}/bridge.db?mode=rwc\"\ndata_dir = \"{dir}\"\npublic_url = \"{url}\"\nwrites_a_minute = {most}\n\
         [log]\norigin = \"bench.example/log\"\n[dao]\nname = \"Nobody\"\nrpc = \"http://127.0.0.1:9\"\nchain_id = 1\n\
         governor = \"{zero}\"\ntimelock = \"{zero}\"\ntoken = \"{zero}\"\nregistry = \"{zero}\"\n\
         [[dao.agents]]\nslug = \"steward\"\nname = \"Steward\"\naddress = \"{}\"\n",
        agent.address(),
        dir = dir.display(),
        most = u32::MAX,
        zero = alloy_primitives::Address::ZERO,
    );
    let bridge = Bridge::open(toml::from_str(&config).unwrap()).await.unwrap();
    let app = server::web::router(bridge.clone()).into_make_service_with_connect_info::<std::net::SocketAddr>();
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });

    let until = Instant::now() + Duration::from_secs(seconds);
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let (agent, url, http) = (agent.clone(), format!("{url}/api/v1/log/statements"), reqwest::Client::new());
        clients.push(tokio::spawn(async move {
            let mut waits = Vec::new();
            let mut signing = Duration::ZERO;
            for number in 0.. {
                if Instant::now() > until {
                    break;
                }
                let begun = Instant::now();
                let body = serde_json::to_vec(&statement(&agent, &format!("{client}-{number}"), entries)).unwrap();
                signing += begun.elapsed();
                let asked = Instant::now();
                let answer = http.post(&url).header("content-type", "application/json").body(body).send().await.unwrap();
                assert_eq!(answer.status(), 201);
                answer.bytes().await.unwrap();
                waits.push(asked.elapsed());
            }
            (waits, signing)
        }));
    }
    let (mut waits, mut signing) = (Vec::new(), Duration::ZERO);
    for client in clients {
        let (waited, signed) = client.await.unwrap();
        waits.extend(waited);
        signing += signed;
    }
    waits.sort();
    let rate = (waits.len() * entries) as f64 / seconds as f64;
    say(
        &format!("signed statements over HTTP, {entries} entries each"),
        format!("{rate:.0} entries/s, p99 {:.1?}", waits[waits.len() * 99 / 100]),
        format!("{:.2} of in process; the clients, on the same cores, signed for {:.1} s", rate / in_process, signing.as_secs_f64()),
    );
    serving.abort();
}

fn statement(key: &PrivateKeySigner, name: &str, entries: usize) -> Envelope {
    let facts = serde_json::json!({"decision": leaf_hash(name.as_bytes()).to_string(), "note": "x".repeat(120)});
    let serde_json::Value::Object(facts) = facts else { unreachable!() };
    let stated = (0..entries).map(|number| StatedEntry {
        kind: EntryKind::Outcome,
        id: format!("{name}-{number}"),
        at: 60,
        refs: vec![],
        facts: facts.clone(),
    });
    let payload = serde_json::to_vec(&Statement::new("bench.example/log", &[5; 16], stated.collect())).unwrap();
    let signature = key.sign_hash_sync(&signing_hash(&payload)).unwrap();
    Envelope::new(&payload, format!("eip155:1:{}", key.address()), &signature.as_bytes())
}

/// Time of one call, over about a quarter of a second.
fn per_call(mut call: impl FnMut()) -> Duration {
    let (begun, mut calls) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_millis(250) {
        for _ in 0..16 {
            call();
        }
        calls += 16;
    }
    begun.elapsed() / calls
}

/// Rows a second when nothing but the same bytes are written: a prepared statement, as many rows in a transaction.
async fn bare_inserts(dir: &Path, count: usize) -> f64 {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(dir.join("bare.db"))
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("CREATE TABLE row (number INTEGER PRIMARY KEY, name TEXT UNIQUE, bytes BLOB)").execute(&pool).await.unwrap();
    let bytes: Arc<[u8]> = vec![7; LEAF].into();
    let begun = Instant::now();
    for group in (0..count).collect::<Vec<_>>().chunks(PRODUCERS) {
        let mut tx = pool.begin().await.unwrap();
        for number in group {
            let insert = sqlx::query("INSERT INTO row VALUES (?, ?, ?)").bind(*number as i64);
            insert.bind(format!("outcome/bench/{number:012}")).bind(bytes.to_vec()).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    count as f64 / begun.elapsed().as_secs_f64()
}
