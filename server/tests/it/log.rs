//! The log as its database keeps it and as its readers meet it, over HTTP.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use governance::log::{
    Checkpoint, Entry, EntryKind, Frontier, Hash, InclusionProof, TileError, TilePath, TileReader, VerifierKey, leaf_hash, merkle, tile,
};
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use server::{
    log::{self, Log, LogError},
    store::{
        Store,
        entities::{log_checkpoint, log_entry, log_head},
    },
};

use crate::{
    postgres::Postgres,
    world::{Site, eventually},
};

pub fn entry(name: impl std::fmt::Display) -> Entry {
    Entry::new(EntryKind::Review, format!("review/{name}"), 1_800_000_000).with_fact("name", name.to_string())
}

pub async fn append(store: &Store, entry: &Entry) -> Result<u64, LogError> {
    let tx = store.begin().await?;
    let reference = log::append(&tx, entry).await?;
    tx.commit().await?;
    Ok(reference.index)
}

/// Appends until the log has `size` entries.
pub async fn grow(store: &Store, size: u64) {
    let tx = store.begin().await.unwrap();
    let from = log_head::Entity::find_by_id(1).one(&tx.db).await.unwrap().map_or(0, |head| head.size as u64);
    for number in from..size {
        log::append(&tx, &entry(number)).await.unwrap();
    }
    tx.commit().await.unwrap();
}

pub async fn head(store: &Store) -> (u64, String) {
    log_head::Entity::find_by_id(1).one(&store.db).await.unwrap().map_or((0, String::new()), |head| (head.size as u64, head.root))
}

/// Fails unless the head is the root of exactly the leaves that are stored.
async fn assert_whole(store: &Store) {
    let rows = log_entry::Entity::find().order_by_asc(log_entry::Column::Index).all(&store.db).await.unwrap();
    let mut frontier = Frontier::new();
    for (place, row) in rows.iter().enumerate() {
        assert_eq!(row.index, place as i64);
        frontier.push(leaf_hash(&row.leaf));
    }
    assert_eq!(head(store).await, (rows.len() as u64, frontier.root().to_string()));
}

#[tokio::test]
async fn an_entry_logged_twice_is_one_entry() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}?mode=rwc", dir.path().join("log.db").display())).await.unwrap();
    let first = append(&store, &entry("a")).await.unwrap();
    append(&store, &entry("b")).await.unwrap();
    let before = head(&store).await;
    // Even when it says something else now: what was logged stays.
    let other = entry("a").with_fact("more", "since then");
    assert_eq!(append(&store, &entry("a")).await.unwrap(), first);
    assert_eq!(append(&store, &other).await.unwrap(), first);
    assert_eq!(head(&store).await, before);
    assert_whole(&store).await;
}

/// As after a restore, which brings only the newest checkpoint: older anchors still have to be shown.
#[tokio::test]
async fn what_was_anchored_at_an_older_size_is_proved_without_a_checkpoint_of_that_size() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::without_chain(dir.path()).await;
    grow(&site.bridge.store, 300).await;
    let log = &site.bridge.log;
    let rows = log_entry::Entity::find().order_by_asc(log_entry::Column::Index).all(&site.bridge.store.db).await.unwrap();
    let mut frontier = Frontier::new();
    for row in &rows {
        frontier.push(leaf_hash(&row.leaf));
        let size = frontier.size();
        if ![1, 3, 255, 256, 257, 300].contains(&size) {
            continue;
        }
        assert!(log_checkpoint::Entity::find_by_id(size as i64).one(&site.bridge.store.db).await.unwrap().is_none());
        for index in [0, size / 2, size - 1] {
            let (path, root) = log.prove_at(index, size).await.unwrap().unwrap();
            assert_eq!(root, frontier.root());
            merkle::verify_inclusion(leaf_hash(&rows[index as usize].leaf), index, size, &path, root).unwrap();
        }
        assert_eq!(log.prove_at(size, size).await.unwrap(), None);
    }
    assert_eq!(log.prove_at(0, 301).await.unwrap(), None);
}

#[tokio::test]
async fn a_transaction_rolled_back_leaves_the_head_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::without_chain(dir.path()).await;
    let store = &site.bridge.store;
    grow(store, 3).await;
    let (before, published) = (head(store).await, site.get("/log/checkpoint").await.text());
    let tx = store.begin().await.unwrap();
    log::append(&tx, &entry("never")).await.unwrap();
    // Only what is committed is signed, whenever it is asked for.
    assert_eq!(log_checkpoint::Entity::find().all(&store.db).await.unwrap().len(), 2);
    drop(tx);
    assert_eq!(head(store).await, before);
    assert_eq!(site.get("/log/checkpoint").await.text(), published);
    assert_eq!(append(store, &entry("after-all")).await.unwrap(), 3);
    assert_whole(store).await;
}

/// Everything a reader checks, from nothing but HTTP and the verifier key.
async fn assert_provable(site: &Site, size: u64, earlier: &[(u64, Hash)]) -> Hash {
    let key: VerifierKey = site.get("/log/vkey").await.text().trim().parse().unwrap();
    let note = site.get("/log/checkpoint").await.text();
    let checkpoint = Checkpoint::open(&note, &key, "saltmarsh.example/log").unwrap();
    assert_eq!(checkpoint.size, size);

    // All tiles and bundles that a log of this size has.
    let mut tiles: BTreeMap<TilePath, Vec<u8>> = BTreeMap::new();
    for path in tile::tiles_between(0, size) {
        let answer = site.get(&format!("/log/{path}")).await;
        assert_eq!(answer.status, 200, "{path}");
        tiles.insert(path, answer.bytes);
    }
    let mut leaves = Vec::new();
    for path in tile::bundles_between(0, size) {
        let answer = site.get(&format!("/log/{path}")).await;
        assert_eq!(answer.status, 200, "{path}");
        leaves.extend(tile::decode_bundle(&answer.bytes, path.width()).unwrap().into_iter().map(<[u8]>::to_vec));
    }
    assert_eq!(leaves.len() as u64, size);
    let mut reader = TileReader::new(size, |path| Ok::<_, TileError>(tiles[&path].clone()));
    let mut read = |level, index| reader.hash(level, index).map_err(|_| merkle::MerkleError::Outside { index, size });
    assert_eq!(merkle::root_at(size, &mut read).unwrap(), checkpoint.root);
    for (old, root) in earlier {
        let proof = merkle::prove_consistency(*old, size, &mut read).unwrap();
        merkle::verify_consistency(*old, size, &proof, *root, checkpoint.root).unwrap();
    }
    for index in [0, 1, size / 2, size - 2, size - 1] {
        let leaf = &leaves[index as usize];
        let path = merkle::prove_inclusion(index, size, &mut read).unwrap();
        merkle::verify_inclusion(leaf_hash(leaf), index, size, &path, checkpoint.root).unwrap();
        let served: InclusionProof = serde_json::from_slice(&site.get(&format!("/api/v1/log/{index}/proof")).await.bytes).unwrap();
        assert_eq!(served.path, path);
        assert_eq!(served.verify_entry(leaf, &key).unwrap().checkpoint, checkpoint);
        let mut other = leaf.clone();
        other[10] ^= 1;
        assert!(served.verify_entry(&other, &key).is_err());
    }
    checkpoint.root
}

#[tokio::test]
async fn tiles_and_proofs_hold_where_a_tile_becomes_full() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::without_chain(dir.path()).await;
    let mut earlier = Vec::new();
    for size in [2, 255, 256, 257, 511, 513] {
        grow(&site.bridge.store, size).await;
        let root = assert_provable(&site, size, &earlier).await;
        earlier.push((size, root));
    }
    // What is not there yet, or never will be, is not served.
    for path in [
        "tile/0/001.p/255",
        "tile/0/003",
        "tile/1/000",
        "tile/0/002.p/2",
        "tile/entries/002.p/2",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/0",
        "tile/x/000",
        "tile/64/000",
    ] {
        let answer = site.get(&format!("/log/{path}")).await;
        // A narrower view of a tile that is there may be served; what it holds must then be a beginning of it.
        match answer.status.as_u16() {
            200 => assert_eq!(path, "tile/0/001.p/255"),
            _ => drop(answer.problem(404)),
        }
    }
    let full = site.get("/log/tile/0/000").await;
    assert!(full.header("cache-control").contains("immutable"));
    assert_eq!(site.get("/log/tile/0/000.p/17").await.bytes, full.bytes[..17 * 32]);
    assert!(site.get("/log/checkpoint").await.header("cache-control").contains("max-age=1"));
}

#[tokio::test]
async fn a_checkpoint_is_published_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::without_chain(dir.path()).await;
    site.bridge.start().unwrap();
    for size in 1..=3 {
        grow(&site.bridge.store, size).await;
        let committed = Instant::now();
        let published =
            eventually(async || log_checkpoint::Entity::find_by_id(size as i64).one(&site.bridge.store.db).await.unwrap()).await;
        assert!(committed.elapsed() < Duration::from_secs(1), "{:?}", committed.elapsed());
        let key = site.bridge.log.vkey().parse().expect("the bridge's own key");
        Checkpoint::open(&published.note, &key, site.bridge.log.origin()).expect("the checkpoint opens with the published key");
    }
}

/// Two processes append to one database: each append lands once, after the other's, or fails and may be tried again.
async fn two_writers(url: &str) {
    let (one, other) = (Store::open(url).await.unwrap(), Store::open(url).await.unwrap());
    append(&one, &entry("first")).await.unwrap();

    // The second wants to write while the first has written and not committed: it waits, and goes on from there.
    let first = async {
        let tx = one.begin().await?;
        log::append(&tx, &entry("ours")).await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
        tx.commit().await?;
        Ok::<_, LogError>(())
    };
    let second = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let tx = other.begin().await?;
        log::append(&tx, &entry("theirs")).await?;
        tx.commit().await?;
        Ok::<_, LogError>(())
    };
    let (first, second) = tokio::join!(first, second);
    first.unwrap();
    second.unwrap();
    assert_eq!(head(&one).await.0, 3);
    assert_whole(&other).await;

    // Many at once, each until it is in.
    let mut writers = tokio::task::JoinSet::new();
    for (writer, store) in [one.clone(), other.clone()].into_iter().enumerate() {
        writers.spawn(async move {
            for number in 0..20 {
                let entry = entry(format!("{writer}/{number}"));
                while append(&store, &entry).await.is_err() {
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
            }
        });
    }
    writers.join_all().await;
    assert_eq!(head(&other).await.0, 43);
    assert_whole(&one).await;
}

#[tokio::test]
async fn two_writers_never_make_two_roots() {
    let dir = tempfile::tempdir().unwrap();
    two_writers(&format!("sqlite://{}?mode=rwc", dir.path().join("shared.db").display())).await;
    if let Some(postgres) = Postgres::start().await {
        two_writers(&postgres.url).await;
    }
}

#[tokio::test]
async fn two_publishers_sign_the_same_checkpoint_once() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("shared.db").display());
    let key = dir.path().join("log.key");
    let stores = [Store::open(&url).await.unwrap(), Store::open(&url).await.unwrap()];
    let [one, other] = stores.clone();
    let logs = [Log::open(one, "test.example/log", &key).await.unwrap(), Log::open(other, "test.example/log", &key).await.unwrap()];
    assert_eq!(logs[0].vkey(), logs[1].vkey());
    grow(&stores[0], 5).await;
    let (one, other) = tokio::join!(logs[0].publish(), logs[1].publish());
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(log_checkpoint::Entity::find().all(&stores[1].db).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_damaged_head_is_not_built_upon() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}?mode=rwc", dir.path().join("log.db").display())).await.unwrap();
    grow(&store, 3).await;
    let (size, root) = head(&store).await;
    store.db.execute_unprepared("UPDATE log_head SET root = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='").await.unwrap();
    let refused = append(&store, &entry("more")).await.unwrap_err();
    assert!(matches!(&refused, LogError::Damaged { computed, .. } if *computed == root), "{refused}");
    assert_eq!(head(&store).await.0, size);
    assert_eq!(log_entry::Entity::find().all(&store.db).await.unwrap().len(), 3);
}
