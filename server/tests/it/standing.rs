//! A log that knows less than one of its copies refuses to go on: each copy alone is enough to find out.

use std::{path::Path, process::Stdio};

use governance::log::{Checkpoint, Hash, Note};
use sea_orm::ConnectionTrait;
use server::{
    bridge::StartError,
    log::{Contradiction, LogError},
};

use crate::{
    log::{append, entry, grow},
    witnesses::{Running, log_key, running},
    world::Site,
};

const HIGH_WATER: &str = "log.high-water";

/// A log of six entries whose database was put back to an older copy with three.
struct SetBack {
    dir: tempfile::TempDir,
    witness: Running,
    /// The root at six entries.
    root: Hash,
}

async fn set_back() -> SetBack {
    let dir = tempfile::tempdir().unwrap();
    let (home, backup) = (dir.path(), dir.path().join("backup.db"));
    let witness = running(home, "north").await;
    let config = witness.config.clone();
    let site = Site::guarded(home, |log| log.witnesses = vec![config]).await.unwrap();
    grow(&site.bridge.store, 3).await;
    site.bridge.log.advance().await.unwrap();
    site.bridge.store.db.execute_unprepared(&format!("VACUUM INTO '{}'", backup.display())).await.unwrap();
    grow(&site.bridge.store, 6).await;
    let (size, note) = site.bridge.log.advance().await.unwrap();
    assert_eq!(size, 6);
    let root = Checkpoint::parse(&Note::parse(note).unwrap().text).unwrap().root;
    site.bridge.store.db.clone().close().await.unwrap();
    drop(site);
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(home.join(format!("bridge.db{end}")));
    }
    std::fs::rename(backup, home.join("bridge.db")).unwrap();
    SetBack { dir, witness, root }
}

fn refused(opened: Result<Site, StartError>) -> Contradiction {
    match opened.map(|_| ()) {
        Err(StartError::Log(LogError::ReadOnly(found))) => *found,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_high_water_copy_alone_finds_an_older_database() {
    let SetBack { dir, root, .. } = set_back().await;
    let found = refused(Site::guarded(dir.path(), |_| {}).await);
    assert!(found.copy.contains("high-water"));
    assert_eq!((found.size, found.root, found.stored, found.computed), (6, Some(root), 3, None));
    // It is still an older database the next time, and the copy is still there.
    refused(Site::guarded(dir.path(), |_| {}).await);
    let elsewhere = dir.path().join("elsewhere");
    std::fs::rename(dir.path().join(HIGH_WATER), &elsewhere).unwrap();
    refused(Site::guarded(dir.path(), |log| log.high_water = Some(elsewhere)).await);
}

#[tokio::test]
async fn a_witness_alone_finds_an_older_database() {
    let SetBack { dir, witness, root } = set_back().await;
    std::fs::remove_file(dir.path().join(HIGH_WATER)).unwrap();
    let config = witness.config.clone();
    let found = refused(Site::guarded(dir.path(), |log| log.witnesses = vec![config]).await);
    assert!(found.copy.contains("north"));
    assert_eq!((found.size, found.root, found.stored), (6, Some(root), 3));
}

#[tokio::test]
async fn a_witness_that_only_names_its_size_is_enough_at_start() {
    let SetBack { dir, witness, .. } = set_back().await;
    std::fs::remove_file(dir.path().join(HIGH_WATER)).unwrap();
    // The same witness without the part of its interface that shows what it saw.
    let (inner, http) = (witness.config.url.clone(), reqwest::Client::new());
    let forward = async move |body: axum::body::Bytes| {
        let answer = http.post(format!("{inner}/add-checkpoint")).body(body).send().await.unwrap();
        (axum::http::StatusCode::from_u16(answer.status().as_u16()).unwrap(), answer.bytes().await.unwrap())
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = axum::Router::new().route("/add-checkpoint", axum::routing::post(forward));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let config = server::config::WitnessConfig { url, ..witness.config.clone() };
    let found = refused(Site::guarded(dir.path(), |log| log.witnesses = vec![config]).await);
    assert_eq!((found.size, found.root, found.stored), (6, None, 3));
}

#[tokio::test]
async fn an_anchor_alone_finds_an_older_database_and_everything_says_so() {
    let SetBack { dir, root, .. } = set_back().await;
    std::fs::remove_file(dir.path().join(HIGH_WATER)).unwrap();
    // Nothing else knows better, so it starts: that the others refuse is the copies' doing.
    let site = Site::guarded(dir.path(), |_| {}).await.unwrap();
    let (log, store) = (&site.bridge.log, &site.bridge.store);
    append(store, &entry("on-the-wrong-branch")).await.unwrap();
    let before = site.get("/log/checkpoint").await.text();
    log.compare_anchor(0, governance::log::empty_root()).await.unwrap();
    let error = log.compare_anchor(6, root).await.unwrap_err();
    assert!(matches!(&error, LogError::ReadOnly(found) if found.stored == 4), "{error}");

    let refused = append(store, &entry("more")).await.unwrap_err();
    assert!(refused.to_string().contains("read-only") && refused.to_string().contains("6 entries"), "{refused}");
    assert_eq!(log.size().await.unwrap(), 4);
    assert!(matches!(log.advance().await, Err(LogError::ReadOnly(_)) | Ok((4, _))));
    // What was published stays readable.
    assert_eq!(site.get("/log/checkpoint").await.text(), before);
    assert_eq!(site.get("/api/v1/log/1/proof").await.status, 200);
    assert!(log.assurance().read_only.is_some_and(|why| why.contains("the anchor on chain")));
    for page in ["/log", "/proposals", "/decisions"] {
        assert!(site.get(page).await.text().contains("explanation log is read-only"), "{page}");
    }
}

#[tokio::test]
async fn a_rewritten_database_of_the_same_size_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::guarded(dir.path(), |_| {}).await.unwrap();
    grow(&site.bridge.store, 3).await;
    site.bridge.log.advance().await.unwrap();
    drop(site);
    std::fs::rename(dir.path().join("bridge.db"), dir.path().join("first.db")).unwrap();
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.path().join(format!("bridge.db{end}")));
    }
    // Another history with the same key, made where the copy does not see it.
    let aside = dir.path().join("aside");
    let site = Site::guarded(dir.path(), |log| log.high_water = Some(aside)).await.unwrap();
    for number in 7..10 {
        append(&site.bridge.store, &entry(number)).await.unwrap();
    }
    site.bridge.log.advance().await.unwrap();
    drop(site);
    let found = refused(Site::guarded(dir.path(), |_| {}).await);
    assert_eq!((found.size, found.stored), (3, 3));
    assert!(found.computed.is_some() && found.computed != found.root);
}

#[tokio::test]
async fn a_fork_shown_by_a_witness_ends_signing_while_the_bridge_runs() {
    let dir = tempfile::tempdir().unwrap();
    let (home, other) = (dir.path(), dir.path().join("other"));
    std::fs::create_dir(&other).unwrap();
    log_key(home);
    std::fs::copy(home.join("log.key"), other.join("log.key")).unwrap();
    let witness = running(home, "north").await;
    let (ours, theirs) = (witness.config.clone(), witness.config.clone());
    let one = Site::guarded(home, |log| log.witnesses = vec![ours]).await.unwrap();
    let two = Site::guarded(&other, |log| log.witnesses = vec![theirs]).await.unwrap();
    // Both are empty so far. Then each goes its own way with the same key.
    append(&one.bridge.store, &entry("one")).await.unwrap();
    append(&two.bridge.store, &entry("two")).await.unwrap();
    append(&two.bridge.store, &entry("three")).await.unwrap();
    one.bridge.log.advance().await.unwrap();
    let error = two.bridge.log.advance().await.unwrap_err();
    assert!(matches!(&error, LogError::ReadOnly(found) if found.size == 1 && found.computed.is_some()), "{error}");
    assert!(append(&two.bridge.store, &entry("four")).await.is_err());
    append(&one.bridge.store, &entry("five")).await.unwrap();
}

#[tokio::test]
async fn a_copy_that_is_found_ahead_while_the_bridge_runs_ends_signing() {
    let SetBack { dir, .. } = set_back().await;
    let ahead = std::fs::read(dir.path().join(HIGH_WATER)).unwrap();
    std::fs::remove_file(dir.path().join(HIGH_WATER)).unwrap();
    let site = Site::guarded(dir.path(), |_| {}).await.unwrap();
    std::fs::write(dir.path().join(HIGH_WATER), &ahead).unwrap();
    append(&site.bridge.store, &entry("unseen")).await.unwrap();
    assert!(matches!(site.bridge.log.advance().await, Err(LogError::ReadOnly(_))));
    assert_eq!(std::fs::read(dir.path().join(HIGH_WATER)).unwrap(), ahead);
    // Everybody reads why, and nobody where the copy is.
    let home = dir.path().display().to_string();
    for public in [site.bridge.log.read_only().unwrap(), site.get("/log").await.text(), site.bridge.log.warnings().join("\n")] {
        assert!(public.contains("the high-water copy holds the log at 6 entries") && !public.contains(&home), "{public}");
    }
    assert!(append(&site.bridge.store, &entry("more")).await.is_err());
    // The last checkpoint before is still served.
    let served = Note::parse(site.get("/log/checkpoint").await.bytes).unwrap();
    assert_eq!(Checkpoint::parse(&served.text).unwrap().size, 3);
}

#[tokio::test]
async fn a_process_that_finds_an_older_database_exits_with_1_and_names_the_copy() {
    let SetBack { dir, .. } = set_back().await;
    let served = serve(dir.path(), |_| {}).await;
    assert_eq!(served.status.code(), Some(1));
    let said = String::from_utf8_lossy(&served.stderr).into_owned();
    let last = said.lines().find(|line| line.starts_with("wherefore: ")).unwrap();
    assert!(last.contains(&dir.path().join(HIGH_WATER).display().to_string()), "{last}");
    assert!(said.contains("6 entries") && said.contains("wherefore log restore"), "{said}");
}

/// `wherefore serve` on the database in `dir`, until it ends by itself.
async fn serve(dir: &Path, adjust: impl FnOnce(&mut server::config::LogConfig)) -> std::process::Output {
    let config = config_file(dir, adjust).await;
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_wherefore"));
    command.args(["serve", "--config"]).arg(config).stdin(Stdio::null()).env_remove("DATABASE_URL").kill_on_drop(true);
    tokio::time::timeout(crate::world::PATIENCE, command.output()).await.expect("it did not end").unwrap()
}

/// The configuration of a bridge without a chain over the database in `dir`, as a file.
pub async fn config_file(dir: &Path, adjust: impl FnOnce(&mut server::config::LogConfig)) -> std::path::PathBuf {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::without_chain(scratch.path()).await;
    let mut config = site.bridge.config.clone();
    config.listen.set_port(0);
    config.database_url = format!("sqlite://{}?mode=rwc", dir.join("bridge.db").display());
    config.data_dir = dir.to_owned();
    config.dao.engines.clear();
    adjust(&mut config.log);
    let file = dir.join("wherefore.toml");
    std::fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
    file
}
