//! The mirror, and the log that is restored from it.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use governance::log::{Body, Entry, EntryKind, Hash, TilePath, tile};
use sea_orm::{ActiveValue::Set, EntityTrait};
use server::{
    log::{
        LogError,
        mirror::MirrorError,
        restore::{RestoreError, restore},
    },
    store::{
        Store,
        entities::{background, decision, log_body, log_checkpoint, log_entry, model},
    },
};

use crate::{
    log::{append, grow, head},
    standing::config_file,
    witnesses::log_key,
    world::{PATIENCE, Site, eventually},
};

fn target(dir: &Path) -> String {
    format!("file://{}", dir.join("mirror").display())
}

async fn mirrored(dir: &Path) -> Site {
    let to = target(dir);
    Site::guarded(dir, |log| log.mirror = Some(to)).await.unwrap()
}

async fn empty(dir: &Path) -> Store {
    Store::open(&format!("sqlite://{}?mode=rwc", dir.join("restored.db").display())).await.unwrap()
}

/// Publishes and copies.
async fn copy(site: &Site) -> Result<(), LogError> {
    site.bridge.log.advance().await?;
    site.bridge.log.copy_to_mirror().await
}

/// Stores a body that may be erased, and logs it.
async fn with_body(store: &Store, name: &str, kept: bool) -> Hash {
    let body = Body::erasable(&[3; 32], name.as_bytes(), "text/plain");
    let sha256 = body.sha256;
    let mut entry = Entry::new(EntryKind::Review, format!("review/{name}"), 1_800_000_000);
    entry.body = Some(body);
    if kept {
        let row = log_body::ActiveModel { sha256: Set(sha256.to_string()), salt: Set(vec![3; 32]), bytes: Set(name.as_bytes().to_vec()) };
        log_body::Entity::insert(row).exec_without_returning(&store.db).await.unwrap();
    }
    append(store, &entry).await.unwrap();
    sha256
}

#[tokio::test]
async fn a_log_restored_from_its_mirror_is_the_same_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let site = mirrored(dir.path()).await;
    for size in [1, 5, 256, 300] {
        grow(&site.bridge.store, size).await;
        copy(&site).await.unwrap();
    }
    let kept = with_body(&site.bridge.store, "kept", true).await;
    let gone = with_body(&site.bridge.store, "gone", false).await;
    copy(&site).await.unwrap();
    let view = site.bridge.log.assurance().mirror.unwrap();
    assert_eq!((view.size, view.problem), (302, None));

    let store = empty(dir.path()).await;
    let restored = restore(&store, &target(dir.path()), &log_key(dir.path())).await.unwrap();
    assert_eq!((restored.size, restored.bodies), (302, 1));
    assert_eq!(restored.missing, [format!("body/{gone}")]);
    assert_eq!(head(&store).await, head(&site.bridge.store).await);
    assert_eq!(log_body::Entity::find_by_id(kept.to_string()).one(&store.db).await.unwrap().unwrap().bytes, b"kept");

    // The restored database goes on under the copies of the first.
    let original = site.get("/log/checkpoint").await.bytes;
    let paths: Vec<TilePath> = tile::tiles_between(0, 302).chain(tile::bundles_between(0, 302)).collect();
    assert_eq!(paths.len(), 5);
    let mut tiles = Vec::new();
    for path in &paths {
        tiles.push(site.get(&format!("/log/{path}")).await.bytes);
    }
    drop(site);
    store.db.close().await.unwrap();
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.path().join(format!("bridge.db{end}")));
    }
    std::fs::rename(dir.path().join("restored.db"), dir.path().join("bridge.db")).unwrap();
    let site = mirrored(dir.path()).await;
    assert_eq!(site.get("/log/checkpoint").await.bytes, original, "signed anew");
    for (path, bytes) in paths.iter().zip(tiles) {
        assert_eq!(site.get(&format!("/log/{path}")).await.bytes, bytes, "{path}");
    }
    assert_eq!(site.get(&format!("/log/body/{kept}")).await.bytes, [&[3; 32][..], b"kept"].concat());
    assert_eq!(site.get(&format!("/log/body/{gone}")).await.status, 404);
    grow(&site.bridge.store, 310).await;
    copy(&site).await.unwrap();
    assert_eq!(site.bridge.log.assurance().mirror.unwrap().size, 310);
}

#[tokio::test]
async fn a_log_is_restored_from_where_it_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::without_chain(dir.path()).await;
    grow(&site.bridge.store, 260).await;
    with_body(&site.bridge.store, "kept", true).await;
    let store = empty(dir.path()).await;
    let restored = restore(&store, &format!("{}/log", site.url), &log_key(dir.path())).await.unwrap();
    assert_eq!((restored.size, restored.bodies, restored.missing.len()), (261, 1, 0));
    assert_eq!(head(&store).await, head(&site.bridge.store).await);
    let again = restore(&store, &format!("{}/log", site.url), &log_key(dir.path())).await;
    assert!(matches!(again, Err(RestoreError::NotEmpty(261))));
}

#[tokio::test]
async fn a_mirror_that_was_tampered_with_restores_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let site = mirrored(dir.path()).await;
    grow(&site.bridge.store, 5).await;
    with_body(&site.bridge.store, "kept", true).await;
    copy(&site).await.unwrap();
    let store = empty(dir.path()).await;
    let key = log_key(dir.path());

    let stranger = governance::log::SigningKey::from_seed(key.name(), &[9; 32]).unwrap();
    assert!(matches!(restore(&store, &target(dir.path()), stranger.verifier()).await, Err(RestoreError::Checkpoint(_))));
    let bundle = dir.path().join("mirror/tile/entries/000.p/6");
    let whole = std::fs::read(&bundle).unwrap();
    // Another entry, in the right form.
    let place = whole.windows(10).position(|some| some == b"\"name\":\"3\"").unwrap();
    let mut other = whole.clone();
    other[place + 8] = b'9';
    std::fs::write(&bundle, &other).unwrap();
    assert!(matches!(restore(&store, &target(dir.path()), &key).await, Err(RestoreError::Root { .. })));
    std::fs::write(&bundle, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(restore(&store, &target(dir.path()), &key).await, Err(RestoreError::Tile { .. })));
    std::fs::remove_file(&bundle).unwrap();
    assert!(matches!(restore(&store, &target(dir.path()), &key).await, Err(RestoreError::Missing(_))));
    assert_eq!(log_entry::Entity::find().all(&store.db).await.unwrap().len(), 0);
    assert_eq!(log_checkpoint::Entity::find().all(&store.db).await.unwrap().len(), 0);

    std::fs::write(&bundle, &whole).unwrap();
    let body = std::fs::read_dir(dir.path().join("mirror/body")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&body, "something else").unwrap();
    let restored = restore(&store, &target(dir.path()), &key).await.unwrap();
    assert_eq!((restored.size, restored.bodies, restored.damaged.len()), (6, 0, 1));
}

#[tokio::test]
async fn what_contradicts_in_a_mirror_is_left_there_and_shown() {
    let dir = tempfile::tempdir().unwrap();
    let site = mirrored(dir.path()).await;
    grow(&site.bridge.store, 3).await;
    copy(&site).await.unwrap();
    let tile = dir.path().join("mirror/tile/0/000.p/4");
    std::fs::write(&tile, "not this").unwrap();
    grow(&site.bridge.store, 4).await;
    let refused = copy(&site).await.unwrap_err();
    assert!(matches!(&refused, LogError::Mirror(MirrorError::Contradicts { object }) if object == "tile/0/000.p/4"), "{refused}");
    assert_eq!(std::fs::read(&tile).unwrap(), b"not this");
    let view = site.bridge.log.assurance().mirror.unwrap();
    assert_eq!(view.size, 3);
    assert!(view.problem.unwrap().contains("tile/0/000.p/4"));
    assert!(site.get("/log").await.text().contains("tile/0/000.p/4"), "the page does not show it");
    // The log itself goes on.
    grow(&site.bridge.store, 5).await;
    std::fs::remove_file(&tile).unwrap();
    copy(&site).await.unwrap();
    assert_eq!(site.bridge.log.assurance().mirror.unwrap().size, 5);
    assert!(site.bridge.log.warnings().is_empty());

    // A mirror of another log with the same name is not overwritten either.
    drop(site);
    for file in ["bridge.db", "bridge.db-wal", "bridge.db-shm", "log.high-water"] {
        let _ = std::fs::remove_file(dir.path().join(file));
    }
    let before = std::fs::read(dir.path().join("mirror/checkpoint")).unwrap();
    let site = mirrored(dir.path()).await;
    append(&site.bridge.store, &Entry::new(EntryKind::Review, "review/other", 5)).await.unwrap();
    assert!(matches!(copy(&site).await, Err(LogError::Mirror(MirrorError::Contradicts { .. }))));
    assert_eq!(std::fs::read(dir.path().join("mirror/checkpoint")).unwrap(), before);
}

#[tokio::test]
async fn a_body_that_another_entry_names_as_its_model_is_restored_with_its_salt() {
    let dir = tempfile::tempdir().unwrap();
    let site = mirrored(dir.path()).await;
    let store = &site.bridge.store;
    let body = with_body(store, "tally", true).await;
    let decision = Entry::new(EntryKind::Decision, "decision/1", 1_800_000_000).with_fact("modelSha256", format!("0x{body}"));
    append(store, &decision).await.unwrap();
    copy(&site).await.unwrap();
    let store = empty(dir.path()).await;
    let restored = restore(&store, &target(dir.path()), &log_key(dir.path())).await.unwrap();
    assert_eq!((restored.size, restored.bodies, restored.missing, restored.damaged), (2, 1, vec![], vec![]));
    let row = log_body::Entity::find_by_id(body.to_string()).one(&store.db).await.unwrap().unwrap();
    assert_eq!((row.salt.as_slice(), row.bytes.as_slice()), (&[3; 32][..], &b"tally"[..]));
}

#[tokio::test]
async fn models_and_backgrounds_that_are_published_after_their_decision_was_copied_are_copied_too() {
    let dir = tempfile::tempdir().unwrap();
    let site = mirrored(dir.path()).await;
    let store = &site.bridge.store;
    let (first, second, rows) = (b"a model".as_slice(), b"another model".as_slice(), b"a,b\n1,2\n".as_slice());
    let decision = Entry::new(EntryKind::Decision, "decision/1", 5).with_fact("modelSha256", format!("0x{}", Hash::of(first)));
    append(store, &decision).await.unwrap();
    copy(&site).await.unwrap();
    let there = |bytes: &[u8]| std::fs::read(dir.path().join(format!("mirror/body/{}", Hash::of(bytes)))).ok();
    let publish = async |bytes: &[u8]| {
        let row = model::ActiveModel { sha256: Set(Hash::of(bytes).to_string()), bytes: Set(bytes.to_vec()) };
        model::Entity::insert(row).exec_without_returning(&store.db).await.unwrap();
    };
    publish(first).await;
    let row = background::ActiveModel { sha256: Set(Hash::of(rows).to_string()), bytes: Set(rows.to_vec()) };
    background::Entity::insert(row).exec_without_returning(&store.db).await.unwrap();
    // Without any new entry.
    copy(&site).await.unwrap();
    assert_eq!((there(first).as_deref(), there(rows).as_deref()), (Some(first), Some(rows)));
    publish(second).await;
    copy(&site).await.unwrap();
    assert_eq!(there(second).as_deref(), Some(second));
}

#[tokio::test]
async fn a_model_longer_than_a_tile_is_restored_over_http_and_what_is_longer_than_any_body_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::without_chain(dir.path()).await;
    let store = &site.bridge.store;
    // A little more than a full bundle of the longest entries, and more than a body may have.
    for (name, length) in [("long", 17 << 20), ("too-long", 33 << 20)] {
        let bytes = vec![b'm'; length];
        let sha256 = Hash::of(&bytes);
        let decision = Entry::new(EntryKind::Decision, format!("decision/{name}"), 5).with_fact("modelSha256", format!("0x{sha256}"));
        append(store, &decision).await.unwrap();
        let row = model::ActiveModel { sha256: Set(sha256.to_string()), bytes: Set(bytes) };
        model::Entity::insert(row).exec_without_returning(&store.db).await.unwrap();
    }
    let too_long = Hash::of(&vec![b'm'; 33 << 20]);
    let restored = restore(&empty(dir.path()).await, &format!("{}/log", site.url), &log_key(dir.path())).await.unwrap();
    assert_eq!((restored.size, restored.bodies, restored.missing), (2, 1, vec![format!("body/{too_long}")]));
}

#[tokio::test]
async fn what_goes_wrong_with_a_mirror_is_told_without_saying_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let site = mirrored(dir.path()).await;
    grow(&site.bridge.store, 3).await;
    copy(&site).await.unwrap();
    // A file where a folder has to be.
    std::fs::remove_dir_all(dir.path().join("mirror/tile")).unwrap();
    std::fs::write(dir.path().join("mirror/tile"), "in the way").unwrap();
    grow(&site.bridge.store, 4).await;
    let (place, error) = (dir.path().display().to_string(), copy(&site).await.unwrap_err());
    assert!(error.to_string().contains(&place), "the operator is told: {error}");
    let view = site.bridge.log.assurance().mirror.unwrap();
    assert_eq!((view.target.as_str(), view.size), ("the mirror", 3));
    let problem = view.problem.unwrap();
    assert!(problem.contains("tile/") && problem.contains("could not be read or written"), "{problem}");
    let page = site.get("/log").await.text();
    assert!(page.contains("could not be read or written"), "{page}");
    for public in [problem, page, site.bridge.log.warnings().join("\n")] {
        assert!(!public.contains(&place) && !public.contains("file://") && !public.contains("os error"), "{public}");
    }
}

#[tokio::test]
async fn what_was_erased_leaves_the_mirror_too() {
    let dir = tempfile::tempdir().unwrap();
    let site = mirrored(dir.path()).await;
    let store = &site.bridge.store;
    let (erased, kept) = (with_body(store, "erased", true).await, with_body(store, "kept", true).await);
    copy(&site).await.unwrap();
    let file = |sha256: Hash| dir.path().join(format!("mirror/body/{sha256}"));
    assert!(file(erased).exists() && file(kept).exists());
    log_body::Entity::delete_by_id(erased.to_string()).exec(&store.db).await.unwrap();
    let mut erasure = Entry::new(EntryKind::Erasure, "erasure/1", 1_800_000_001);
    erasure.refs.push(server::log::find(&store.db, "review/erased").await.unwrap().unwrap());
    append(store, &erasure).await.unwrap();
    copy(&site).await.unwrap();
    assert!(!file(erased).exists() && file(kept).exists());
}

#[tokio::test]
async fn an_erased_record_and_an_erased_statement_leave_the_mirror_unless_they_are_kept_for_another() {
    let dir = tempfile::tempdir().unwrap();
    let site = mirrored(dir.path()).await;
    let store = &site.bridge.store;
    // As a decision's record is kept, and as a statement is.
    let record = br#"{"a":"record"}"#;
    let row = decision::ActiveModel {
        digest: Set("0xd1".into()),
        agent: Set("eip155:31337:0xaa".into()),
        record: Set(String::from_utf8(record.to_vec()).unwrap()),
        received_at: Set(5),
        accepted_block: Set(None),
    };
    decision::Entity::insert(row).exec_without_returning(&store.db).await.unwrap();
    let mut decided = Entry::new(EntryKind::Decision, "decision/1", 5).with_fact("digest", "0xd1");
    decided.body = Some(Body::public(record, "application/json"));
    append(store, &decided).await.unwrap();
    let mut files = vec![Hash::of(record)];
    for said in [&b"a statement"[..], b"a statement that is a model too"] {
        let body = Body::public(said, "text/plain");
        files.push(body.sha256);
        let row = log_body::ActiveModel { sha256: Set(body.sha256.to_string()), salt: Set(vec![]), bytes: Set(said.to_vec()) };
        log_body::Entity::insert(row).exec_without_returning(&store.db).await.unwrap();
        let mut stated = Entry::new(EntryKind::Review, format!("review/{}", body.sha256), 5);
        stated.body = Some(body);
        append(store, &stated).await.unwrap();
    }
    let model = model::ActiveModel { sha256: Set(files[2].to_string()), bytes: Set(b"a statement that is a model too".to_vec()) };
    model::Entity::insert(model).exec_without_returning(&store.db).await.unwrap();
    copy(&site).await.unwrap();
    let there = || files.iter().map(|sha256| dir.path().join(format!("mirror/body/{sha256}")).exists()).collect::<Vec<_>>();
    assert_eq!(there(), [true; 3]);
    for index in 0..3 {
        server::log::erase(store, index, "as its author asked", 9).await.unwrap();
    }
    copy(&site).await.unwrap();
    assert_eq!(there(), [false, false, true]);
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An S3 that runs here, as `moto_server` from PyPI speaks it; its path is in `WHEREFORE_S3_SERVER`.
async fn s3() -> Option<(Killed, String)> {
    let Ok(program) = std::env::var("WHEREFORE_S3_SERVER") else {
        eprintln!("skipped: WHEREFORE_S3_SERVER does not name an S3 server, such as moto_server from PyPI");
        return None;
    };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let server = Command::new(program).args(["-p", &port]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (server, url) = (Killed(server), format!("http://127.0.0.1:{port}"));
    let made = eventually(async || reqwest::Client::new().put(format!("{url}/marsh")).send().await.ok()).await;
    assert_eq!(made.status(), 200);
    Some((server, url))
}

#[tokio::test]
async fn a_log_is_mirrored_to_s3_and_restored_from_there() {
    let Some((_server, url)) = s3().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let site = Site::without_chain(dir.path()).await;
    grow(&site.bridge.store, 300).await;
    with_body(&site.bridge.store, "kept", true).await;
    let expected = head(&site.bridge.store).await;
    drop(site);
    let config = config_file(dir.path(), |log| log.mirror = Some("s3://marsh/copies/log".into())).await;
    let wherefore = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wherefore"));
        command.args(words).stdin(Stdio::null()).env_remove("DATABASE_URL");
        for (name, value) in [
            ("AWS_ENDPOINT", url.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "eu-north-1"),
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "b"),
        ] {
            command.env(name, value);
        }
        command
    };
    let bridge = Killed(wherefore(&["serve", "--config", &config.display().to_string()]).spawn().unwrap());
    let vkey = log_key(dir.path()).to_string();
    let restored = async |name: &str| {
        let database = format!("sqlite://{}?mode=rwc", dir.path().join(name).display());
        let words = ["log", "restore", "--from", "s3://marsh/copies/log", "--vkey", &vkey, "--database-url", &database, "--json"];
        let done = tokio::process::Command::from(wherefore(&words)).output();
        (tokio::time::timeout(PATIENCE, done).await.unwrap().unwrap(), database)
    };
    let mut attempt = 0;
    // The checkpoint comes last; before it, there is nothing to restore.
    let (done, database) = eventually(async || {
        attempt += 1;
        Some(restored(&format!("restored-{attempt}.db")).await).filter(|(done, _)| done.status.success())
    })
    .await;
    drop(bridge);
    let told: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((told["size"].as_u64(), told["bodies"].as_u64()), (Some(301), Some(1)));
    assert_eq!(head(&Store::open(&database).await.unwrap()).await, expected);
}
