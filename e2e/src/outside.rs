//! Programs that others wrote, run against the bridge: published clients and an independent verifier.

use std::path::{Path, PathBuf};

use tokio::process::Command;

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Python with what `clients/requirements.txt` names: `WHEREFORE_PYTHON`, as the Makefile sets it, or the system's.
fn python() -> PathBuf {
    std::env::var_os("WHEREFORE_PYTHON").map_or_else(|| {
        let made = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"))).map(|cache| cache.join("wherefore/python/bin/python"));
        made.filter(|python| python.exists()).unwrap_or_else(|| "python3".into())
    }, PathBuf::from)
}

async fn run(program: &Path, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).current_dir(here()).output().await.unwrap_or_else(|error| panic!("{} did not start: {error}", program.display()));
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
