//! The log under load, each figure beside a limit measured in the same run: bare inserts of the same bytes for appends,
//! bare hashing of the same bytes for checking.
//!
//! `LOG_ENTRIES` sets how many entries (10,000 unless told; a million takes a few minutes), `LOG_DATABASE` a database
//! other than a SQLite file in a temporary folder.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use governance::log::{Checkpoint, Entry, EntryKind, VerifierKey, leaf_hash};
use sea_orm::sqlx::{self, sqlite::SqliteSynchronous};
use server::{
    log::{Log, Sequencer},
    store::Store,
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

struct Figure {
    what: String,
    value: String,
    beside: String,
}

fn say(figures: &mut Vec<Figure>, what: &str, value: String, beside: String) {
    println!("{what:<46} {value:<26} {beside}");
    figures.push(Figure { what: what.into(), value, beside });
}

#[tokio::main]
async fn main() {
    let count: usize = std::env::var("LOG_ENTRIES").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let dir = tempfile::tempdir().unwrap();
    let url = std::env::var("LOG_DATABASE").unwrap_or_else(|_| format!("sqlite://{}?mode=rwc", dir.path().join("log.db").display()));
    println!("{count} entries of {LEAF} bytes");
    let mut figures = Vec::new();
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
        &mut figures,
        "appends, one by one, group commit",
        format!("{rate:.0}/s, p99 {:.1?}", waits[waits.len() * 99 / 100]),
        format!("{:.2} of bare inserts ({bare:.0}/s)", rate / bare),
    );

    let begun = Instant::now();
    let (size, note) = log.publish().await.unwrap();
    say(&mut figures, "checkpoint, head to signed note", format!("{:.1?}", begun.elapsed()), format!("of {size} entries"));
    let key: VerifierKey = log.vkey().parse().unwrap();

    let times = 200;
    let begun = Instant::now();
    for number in 0..times {
        log.prove((number * (count / times)) as u64).await.unwrap().unwrap();
    }
    say(&mut figures, "inclusion proof from the database", format!("{:.1?}", begun.elapsed() / times as u32), String::new());

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
        &mut figures,
        "inclusion proof, verified",
        format!("{inclusion:.2?}"),
        format!("{:.2} of its hashes alone", inclusion.as_secs_f64() / hashing.as_secs_f64()),
    );
    let opened = per_call(|| {
        Checkpoint::open(&note, &key, key.name()).unwrap();
    });
    say(&mut figures, "checkpoint, verified", format!("{opened:.2?}"), String::new());

    let begun = Instant::now();
    drop(sequencer);
    let again = Store::open(&url).await.unwrap();
    let log = Log::open(again, "bench.example/log", &dir.path().join("log.key")).await.unwrap();
    assert_eq!(log.publish().await.unwrap().0, count as u64);
    say(&mut figures, "restart to checkpoint", format!("{:.1?}", begun.elapsed()), String::new());
    assert!(figures.iter().all(|figure| !figure.what.is_empty() && !figure.value.is_empty() && figure.beside.len() < 200));
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
