//! The node's process: where the program is, how it is started, and that it never outlives whoever started it.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin, Command},
    time::{Instant, sleep, timeout},
};

use super::{DevnetError, file, people, rpc::Rpc};

pub(super) const CHAIN_ID: u64 = 31_337;
const STATE_INTERVAL: &str = "5";
/// States kept for questions about recent blocks. All of them would fill a disk within hours.
const RECENT_STATES: &str = "256";
const START_PATIENCE: Duration = Duration::from_secs(30);
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// Waits for a line; when its other end closes instead, whoever held it is gone, and the node is to end in good order.
const WATCHDOG: &str = r#"read -r word
[ "$word" = released ] && exit
kill -TERM "$1" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    kill -0 "$1" 2>/dev/null || exit
    sleep 1
done
kill -KILL "$1" 2>/dev/null
"#;

/// A running node.
#[derive(Debug)]
pub(super) struct Anvil {
    child: Child,
    /// The watchdog's end of the pipe: closing it ends the node.
    leash: Option<ChildStdin>,
}

impl Anvil {
    /// Starts the node on `port`, from `state` if that file is there, with its clock at `time`.
    pub async fn start(program: &Path, port: u16, state: &Path, log: &Path, time: u64) -> Result<(Self, Rpc), DevnetError> {
        let refused = |reason: String| DevnetError::Start { program: program.display().to_string(), reason };
        let output = std::fs::File::create(log).map_err(file(log))?;
        let errors = output.try_clone().map_err(file(log))?;
        let mut child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .args(["--chain-id", &CHAIN_ID.to_string(), "--timestamp", &time.to_string()])
            .args(["--mnemonic", people::PHRASE, "--accounts", &people::ACCOUNTS.to_string()])
            .args(["--order", "fifo", "--prune-history", RECENT_STATES, "--quiet"])
            .arg("--state")
            .arg(state)
            .args(["--state-interval", STATE_INTERVAL])
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            // Ctrl-C is for us: the node is ended by us, once its state is written.
            .process_group(0)
            .spawn()
            .map_err(|error| refused(error.to_string()))?;

        let id = child.id().map(|id| id.to_string()).unwrap_or_default();
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog", &id])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let leash = match watchdog {
            Ok(mut watchdog) => watchdog.stdin.take(),
            Err(error) => {
                let _ = child.kill().await;
                return Err(refused(format!("sh, which watches over it, did not start: {error}")));
            }
        };

        let mut anvil = Self { child, leash };
        let node = Rpc::connect(&format!("http://127.0.0.1:{port}"))?;
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            if let Ok(Some(status)) = anvil.child.try_wait() {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing").trim().to_owned();
                anvil.release().await;
                return Err(refused(format!("it ended with {status}; its last words were: {last}")));
            }
            if node.call::<String>("eth_chainId", json!([])).await.is_ok() {
                return Ok((anvil, node));
            }
            if Instant::now() > deadline {
                anvil.stop().await;
                return Err(refused(format!("it did not answer within {} seconds", START_PATIENCE.as_secs())));
            }
            sleep(Duration::from_millis(30)).await;
        }
    }

    /// Waits until the node ends by itself.
    pub async fn ended(&mut self) -> String {
        self.child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string())
    }

    /// Ends the node, after it has written its state down.
    pub async fn stop(mut self) {
        if let Some(id) = self.child.id() {
            let _ = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
        }
        if timeout(STOP_PATIENCE, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
        self.release().await;
    }

    /// Sends the watchdog home.
    async fn release(&mut self) {
        if let Some(mut leash) = self.leash.take() {
            let _ = leash.write_all(b"released\n").await;
        }
    }
}

/// Finds the program: as given, in `WHEREFORE_ANVIL`, among the contracts' packages, or on the path.
pub(super) fn find(given: Option<&Path>) -> Result<PathBuf, DevnetError> {
    if let Some(path) =
        given.map(Path::to_owned).or_else(|| std::env::var_os("WHEREFORE_ANVIL").filter(|named| !named.is_empty()).map(PathBuf::from))
    {
        return if path.is_file() { Ok(path) } else { Err(DevnetError::NoSuchAnvil(path.display().to_string())) };
    }
    let here = std::env::current_dir().ok();
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let beginnings = here.iter().chain([&source]).flat_map(|start| start.ancestors());
    for folder in beginnings.map(|folder| folder.join("governance/contracts/node_modules")) {
        if let Some(found) = packaged(&folder) {
            return Ok(found);
        }
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join("anvil")).find(|program| program.is_file()).ok_or(DevnetError::NoAnvil)
}

/// The program itself rather than the script around it: signals sent to the script would not all reach the program.
fn packaged(modules: &Path) -> Option<PathBuf> {
    let packages = std::fs::read_dir(modules.join("@foundry-rs")).ok()?;
    let binary = packages
        .flatten()
        .filter(|package| package.file_name().to_string_lossy().starts_with("anvil-"))
        .map(|package| package.path().join("bin/anvil"))
        .find(|program| program.is_file());
    binary.or_else(|| Some(modules.join(".bin/anvil")).filter(|program| program.is_file()))
}

/// The port, once it is known to be free; another free one for 0.
pub(super) fn free_port(port: u16) -> Result<u16, DevnetError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|_| DevnetError::PortTaken(port))
}
