//! Replacing the log's key, and losing it.

use std::process::Command;

use governance::log::{Checkpoint, Note, VerifierKey};

use crate::{log::grow, standing::config_file, witnesses::ORIGIN, world::Site};

fn rotate(config: &std::path::Path, words: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wherefore"));
    command.args(["log", "rotate-key", "--config"]).arg(config).args(words).env_remove("DATABASE_URL");
    command.output().unwrap()
}

async fn published(site: &Site) -> (Note, Vec<VerifierKey>) {
    let note = Note::parse(site.get("/log/checkpoint").await.bytes).unwrap();
    (note, site.get("/log/vkey").await.text().lines().map(|line| line.parse().unwrap()).collect())
}

#[tokio::test]
async fn while_a_key_is_replaced_readers_of_the_old_one_and_of_the_new_one_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let site = Site::without_chain(home).await;
    grow(&site.bridge.store, 3).await;
    let (_, old) = published(&site).await;
    assert_eq!(old.len(), 1);
    drop(site);

    let config = config_file(home, |_| {}).await;
    assert_eq!(rotate(&config, &["--finish"]).status.code(), Some(1));
    let begun = rotate(&config, &["--json"]);
    assert_eq!(begun.status.code(), Some(0), "{}", String::from_utf8_lossy(&begun.stderr));
    assert_eq!(rotate(&config, &[]).status.code(), Some(1));

    let site = Site::without_chain(home).await;
    // The size that was signed before, and a new one.
    for size in [3, 4] {
        grow(&site.bridge.store, size).await;
        let (note, keys) = published(&site).await;
        assert_eq!((keys.len(), &keys[1]), (2, &old[0]));
        let said: serde_json::Value = serde_json::from_slice(&begun.stdout).unwrap();
        assert_eq!(keys[0].to_string(), said["vkey"]);
        for key in &keys {
            assert_eq!(Checkpoint::open(note.to_string(), key, ORIGIN).unwrap().size, size);
        }
        assert_eq!(site.bridge.log.vkey(), keys[0].to_string());
    }
    drop(site);

    assert_eq!(rotate(&config, &["--finish"]).status.code(), Some(0));
    let site = Site::without_chain(home).await;
    grow(&site.bridge.store, 5).await;
    let (note, keys) = published(&site).await;
    assert_eq!((keys.len(), note.signatures.len()), (1, 1));
    assert!(Checkpoint::open(note.to_string(), &keys[0], ORIGIN).is_ok());
    assert!(Checkpoint::open(note.to_string(), &old[0], ORIGIN).is_err());
    let retired = std::fs::read_dir(home).unwrap().any(|file| file.unwrap().file_name().to_string_lossy().contains(".retired-"));
    assert!(retired, "the old key is not destroyed without being asked");
}

#[tokio::test]
async fn no_key_is_invented_for_a_log_that_is_not_empty() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let site = Site::without_chain(home).await;
    grow(&site.bridge.store, 3).await;
    let (_, old) = published(&site).await;
    drop(site);
    let config = config_file(home, |_| {}).await;
    assert_eq!(rotate(&config, &["--lost"]).status.code(), Some(1), "the key is there");

    std::fs::remove_file(home.join("log.key")).unwrap();
    let refused = Site::guarded(home, |_| {}).await.map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("rotate-key --lost") && refused.contains("log.key"), "{refused}");
    assert!(!home.join("log.key").exists(), "a key was made silently");

    let made = rotate(&config, &["--lost"]);
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    let site = Site::without_chain(home).await;
    grow(&site.bridge.store, 4).await;
    let (note, keys) = published(&site).await;
    assert!(keys != old && Checkpoint::open(note.to_string(), &keys[0], ORIGIN).is_ok_and(|checkpoint| checkpoint.size == 4));
}
