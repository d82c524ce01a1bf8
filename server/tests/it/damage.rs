//! What `fsck` and outside verifiers find when a stored log is damaged, or is not what it was.

use std::{path::PathBuf, process::Command};

use governance::log::{Entry, EntryKind, VerifierKey};
use sea_orm::{ConnectionTrait, EntityTrait, Statement};
use server::{
    log::{self, Log, Prepared, append_all, fsck},
    store::{
        Store,
        entities::{log_body, log_entry},
    },
};

use crate::world::Site;

async fn grow(store: &Store, from: u64, to: u64) {
    let tx = store.begin().await.unwrap();
    let entries = (from..to).map(|number| Prepared::new(&Entry::new(EntryKind::Review, format!("review/{number}"), 5 + number)).unwrap());
    append_all(&tx, entries.collect()).await.unwrap();
    tx.commit().await.unwrap();
}

/// A generator of numbers that are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// One byte of a leaf, of a hash, of the tree, of a checkpoint or of a body: each is found, and named by its index.
#[tokio::test]
async fn any_flipped_byte_is_named_by_its_index() {
    const SIZE: u64 = 600;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}?mode=rwc", dir.path().join("log.db").display())).await.unwrap();
    let log = Log::open(store.clone(), "test.example/log", &dir.path().join("log.key")).await.unwrap();
    for (from, to) in [(0, 1), (1, 256), (256, SIZE)] {
        grow(&store, from, to).await;
        log.publish().await.unwrap();
    }
    let key: VerifierKey = log.vkey().lines().next().unwrap().parse().unwrap();
    let check = async || fsck::fsck(&store, std::slice::from_ref(&key), true).await.unwrap();
    assert_eq!(check().await.damage, []);

    // Each column that counts, as a blob, so that one byte of it can be changed whatever it holds.
    let columns = [
        ("log_entry", "leaf", "\"index\"", "entry"),
        ("log_entry", "leaf_hash", "\"index\"", "entry"),
        ("log_entry", "entry_id", "\"index\"", "entry"),
        ("log_entry", "kind", "\"index\"", "entry"),
        ("log_node", "hash", "id", "hash"),
        ("log_checkpoint", "note", "size", "checkpoint"),
        ("log_head", "root", "id", "head"),
        ("log_head", "frontier", "id", "head"),
    ];
    let mut numbers = Numbers(20_261_120);
    let backend = store.db.get_database_backend();
    let times = std::env::var("WHEREFORE_FLIPS").ok().and_then(|text| text.parse().ok()).unwrap_or(120);
    for time in 0..times {
        let (table, column, order, what) = columns[time % columns.len()];
        let query = format!("SELECT {order} AS place, CAST({column} AS BLOB) AS bytes FROM {table} ORDER BY {order}");
        let rows = store.db.query_all_raw(Statement::from_string(backend, query)).await.unwrap();
        let row = &rows[numbers.below(rows.len() as u64) as usize];
        let place: i64 = row.try_get("", "place").unwrap();
        let before: Vec<u8> = row.try_get("", "bytes").unwrap();
        let mut after = before.clone();
        let byte = numbers.below(after.len() as u64) as usize;
        let is_bytes = matches!(column, "leaf" | "frontier");
        let other = |old: u8, one: u8, two: u8| if old == one { two } else { one };
        after[byte] = match column {
            _ if is_bytes => after[byte] ^ 1,
            // Another digit, so that it may still be a hash.
            "leaf_hash" | "hash" | "root" => other(after[byte], b'0', b'1'),
            _ => other(after[byte], b'Z', b'Y'),
        };
        let cast = if is_bytes { "?" } else { "CAST(? AS TEXT)" };
        let write = async |bytes: Vec<u8>| {
            let sql = format!("UPDATE {table} SET {column} = {cast} WHERE {order} = ?");
            store.db.execute_raw(Statement::from_sql_and_values(backend, sql, [bytes.into(), place.into()])).await.unwrap();
        };
        write(after).await;
        let found = check().await.damage;
        let named = found.first().unwrap_or_else(|| panic!("byte {byte} of {table}.{column} at {place} was changed unseen"));
        assert_eq!(named.what, what, "{table}.{column} at {place}: {named:?}");
        if what == "entry" || what == "checkpoint" {
            assert_eq!(named.index, place as u64, "{named:?}");
        }
        write(before).await;
    }
    assert_eq!(check().await.damage, []);
}

/// A body that was changed, or taken away without a word, is named by the entry that names it; one that was erased is not.
#[tokio::test]
async fn a_body_that_is_gone_without_an_erasure_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}?mode=rwc", dir.path().join("log.db").display())).await.unwrap();
    let mut bodies = Vec::new();
    for number in 0..4 {
        let tx = store.begin().await.unwrap();
        let kept = log::Kept::erasable(format!("body {number}").into_bytes(), "text/plain");
        bodies.push(kept.body.sha256.to_string());
        log::append_with_body(&tx, Entry::new(EntryKind::Tally, format!("tally/{number}"), 5), kept).await.unwrap();
        tx.commit().await.unwrap();
    }
    log::erase(&store, 1, "as its author asked", 9).await.unwrap();
    let damage = async || fsck::fsck(&store, &[], true).await.unwrap().damage;
    assert_eq!(damage().await, []);
    log_body::Entity::delete_by_id(bodies[2].clone()).exec(&store.db).await.unwrap();
    store.db.execute_unprepared(&format!("UPDATE log_body SET bytes = CAST('x' AS BLOB) WHERE sha256 = '{}'", bodies[3])).await.unwrap();
    let found: Vec<(&str, u64)> = damage().await.iter().map(|damage| (damage.what, damage.index)).collect();
    assert_eq!(found, [("body", 2), ("body", 3)]);
}

#[tokio::test]
async fn a_missing_entry_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}?mode=rwc", dir.path().join("log.db").display())).await.unwrap();
    grow(&store, 0, 20).await;
    log_entry::Entity::delete_by_id(7).exec(&store.db).await.unwrap();
    let found = fsck::fsck(&store, &[], false).await.unwrap().damage;
    assert_eq!((found[0].what, found[0].index), ("entry", 7), "{found:?}");
}

/// A verifier that shares no code with us: Go's own, of its module proxy's checksum database.
fn verifier() -> Option<PathBuf> {
    let beside = || Some(std::env::current_exe().ok()?.ancestors().nth(4)?.join("verifier"));
    let made = std::env::var_os("WHEREFORE_VERIFIER").map(PathBuf::from).or_else(beside).filter(|program| program.exists());
    if made.is_none() {
        println!("skipped: the verifier in Go is not built (make verifier)");
    }
    made
}

#[tokio::test]
async fn another_verifier_accepts_a_grown_log_and_refuses_a_tampered_one() {
    let Some(verifier) = verifier() else { return };
    let dir = tempfile::tempdir().unwrap();
    let site = Site::without_chain(dir.path()).await;
    let (store, state) = (&site.bridge.store, dir.path().join("seen"));
    let verify = async || {
        let vkey = site.get("/log/vkey").await.text();
        let (program, url, state) = (verifier.clone(), format!("{}/log", site.url), state.clone());
        let ran = tokio::task::spawn_blocking(move || {
            Command::new(program).args([url.as_str(), vkey.lines().next().unwrap()]).arg(state).output().unwrap()
        });
        let done = ran.await.unwrap();
        let said = [done.stdout, done.stderr].map(|words| String::from_utf8_lossy(&words).into_owned()).concat();
        (done.status.success(), said)
    };
    let mut last = 0;
    // At the edges of tiles, and once idle.
    for size in [1, 255, 256, 257, 511, 513, 700, 700] {
        grow(store, last, size).await;
        let (good, said) = verify().await;
        assert!(good, "at {size}: {said}");
        assert!(last == 0 || said.contains(&format!("grown from {last}")), "{said}");
        last = size;
    }
    let row = log_entry::Entity::find_by_id(300).one(&store.db).await.unwrap().unwrap();
    let tampered = String::from_utf8(row.leaf).unwrap().replace("review/300", "review/301").into_bytes();
    let change = Statement::from_sql_and_values(
        store.db.get_database_backend(),
        "UPDATE log_entry SET leaf = ? WHERE \"index\" = 300",
        [tampered.into()],
    );
    store.db.execute_raw(change).await.unwrap();
    let (good, said) = verify().await;
    assert!(!good && said.contains("entry 300"), "{said}");
    let key: VerifierKey = site.bridge.log.vkey().lines().next().unwrap().parse().unwrap();
    let found = fsck::fsck(store, &[key], false).await.unwrap().damage;
    assert_eq!((found[0].what, found[0].index), ("entry", 300));
}

/// Sizes at which a tile of some level fills up, and the longest entry.
#[tokio::test]
async fn a_log_is_whole_where_the_second_level_fills_up() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::without_chain(dir.path()).await;
    let store = &site.bridge.store;
    let key: VerifierKey = site.bridge.log.vkey().lines().next().unwrap().parse().unwrap();
    let mut last = 0;
    for size in [65_535, 65_536, 65_537, 70_000] {
        grow(store, last, size).await;
        let (published, _) = site.bridge.log.publish().await.unwrap();
        assert_eq!(published, size);
        for index in [0, 255, 256, 65_534, size - 1] {
            let proof = site.bridge.log.prove(index).await.unwrap().unwrap();
            proof.verify(&key).unwrap();
        }
        last = size;
    }
    let report = fsck::fsck(store, &[key], false).await.unwrap();
    assert_eq!((report.size, report.checkpoints, report.damage), (70_000, 5, vec![]));
}
