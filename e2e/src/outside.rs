//! Programs run from outside: published clients, an independent verifier, and our own command line.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::world::binary;

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Python with what `clients/requirements.txt` names: where `make clients` puts it, or where `WHEREFORE_PYTHON` says.
fn python() -> PathBuf {
    let beside = || Some(std::env::current_exe().ok()?.ancestors().nth(4)?.join("venv/bin/python"));
    let made = std::env::var_os("WHEREFORE_PYTHON").map(PathBuf::from).or_else(beside).filter(|python| python.exists());
    made.expect("the Python client is installed: `make clients`")
}

async fn run(program: &Path, arguments: &[&str]) -> String {
    let done = Command::new(program)
        .args(arguments)
        .current_dir(here())
        .output()
        .await
        .unwrap_or_else(|error| panic!("{} did not start: {error}", program.display()));
    let said = [done.stdout, done.stderr].map(|words| String::from_utf8_lossy(&words).into_owned()).concat();
    assert!(done.status.success(), "{} {} failed:\n{said}", program.display(), arguments.join(" "));
    said
}

/// Checks the whole log with a verifier that shares no code with us.
pub async fn verify_log(base: &str) -> String {
    run(&python(), &["verify_log.py", &format!("{base}/log")]).await
}

/// One of the JavaScript clients in `clients/`.
pub async fn javascript_client(name: &str, base: &str) -> String {
    run(Path::new("node"), &["--experimental-eventsource", &format!("clients/{name}"), base]).await
}

pub async fn python_client(name: &str, base: &str) -> String {
    run(&python(), &[&format!("clients/{name}"), base]).await
}

/// Checks a decision's bundle with the command line: its exit code, and everything it said.
pub async fn verify_bundle(file: &Path, vkey: &str) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    // A folder without anything of the bridge's, as on an auditor's own machine.
    command.arg("verify").arg(file).args(["--vkey", vkey.trim()]).current_dir(file.parent().expect("a folder"));
    let done = command.output().await.expect("the command line starts");
    (done.status.code(), [done.stdout, done.stderr].map(|words| String::from_utf8_lossy(&words).into_owned()).concat())
}
