//! A world of one's own: the demo as `make run` starts it, on free ports and in a folder that goes with it.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::{Browser, Chain, until};

const START_PATIENCE: Duration = Duration::from_secs(120);
const STOP_PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct World {
    /// Where the bridge serves its pages.
    pub base: String,
    pub chain: Chain,
    /// Where the engine serves its pictures.
    pub engine: String,
    http: reqwest::Client,
    supervisor: Child,
    dir: Option<TempDir>,
}

impl World {
    /// Starts devnet, bridge, engine and agent. The chain's clock runs no faster than the wall's, so that time passes
    /// when the test lets it.
    pub async fn start() -> Self {
        let binary = binary();
        let dir = tempfile::Builder::new().prefix("wherefore-").tempdir().expect("a folder for the world");
        let [port, chain_port, engine_port] = free_ports();
        let output = std::fs::File::create(dir.path().join("demo.log")).expect("the demo's log");
        let supervisor = Command::new(&binary)
            .args(["demo", "--pace", "1", "--dir"])
            .arg(dir.path())
            .args(["--port", &port.to_string(), "--chain-port", &chain_port.to_string(), "--engine-port", &engine_port.to_string()])
            // It stops when its input closes, so it does not outlive a test that is killed.
            .env("WHEREFORE_SUPERVISED", "1")
            .stdin(Stdio::piped())
            .stderr(output.try_clone().expect("the demo's log"))
            .stdout(output)
            .spawn()
            .unwrap_or_else(|error| panic!("{} did not start: {error}", binary.display()));
        let local = |port: u16| format!("http://127.0.0.1:{port}");
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("an HTTP client");
        let mut world = Self {
            base: local(port),
            chain: Chain::at(&local(chain_port), http.clone()),
            engine: local(engine_port),
            http,
            supervisor,
            dir: Some(dir),
        };
        world.wait_until_open().await;
        world
    }

    async fn wait_until_open(&mut self) {
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            // The supervisor prints its address once everything has been started.
            let told = std::fs::read_to_string(self.dir().join("demo.log")).unwrap_or_default();
            if told.contains("is open at") {
                break;
            }
            let ended = self.supervisor.try_wait().ok().flatten();
            assert!(ended.is_none() && Instant::now() < deadline, "the demo did not start: {told}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.in_step().await;
        let dao = self.api("/api/v1/daos").await["items"][0].clone();
        self.chain.learn(&dao);
    }

    pub fn dir(&self) -> &Path {
        self.dir.as_ref().expect("the folder is there until the end").path()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub async fn open_browser(&self) -> Browser {
        Browser::open(&self.base).await
    }

    /// A page or file as anybody gets it: without scripts, cookies or a session.
    pub async fn fetch(&self, path: &str) -> reqwest::Response {
        self.http.get(self.url(path)).send().await.unwrap_or_else(|error| panic!("{path} was not served: {error}"))
    }

    pub async fn text(&self, path: &str) -> String {
        let answer = self.fetch(path).await;
        let status = answer.status();
        assert!(status.is_success(), "{path} was answered with {status}");
        answer.text().await.expect("a whole answer")
    }

    pub async fn api(&self, path: &str) -> Json {
        let text = self.text(path).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path} is not JSON ({error}): {text}"))
    }

    /// The API's answer, where a bridge that is being started again may not give one.
    pub async fn try_api(&self, path: &str) -> Option<Json> {
        self.http.get(self.url(path)).timeout(Duration::from_secs(5)).send().await.ok()?.error_for_status().ok()?.json().await.ok()
    }

    pub async fn proposal(&self, id: &str) -> Json {
        self.api(&format!("/api/v1/proposals/{id}")).await
    }

    /// The first proposal whose title has these words.
    pub async fn proposal_titled(&self, words: &str) -> Json {
        let all = self.api("/api/v1/proposals").await;
        let found = all["items"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|proposal| proposal["title"].as_str().is_some_and(|title| title.contains(words)));
        found.unwrap_or_else(|| panic!("no proposal is about “{words}”")).clone()
    }

    /// Waits until the bridge says that a proposal is in this state.
    pub async fn becomes(&self, id: &str, state: &str) -> Json {
        until(&format!("proposal {id} to be {state}"), async || {
            let proposal = self.try_api(&format!("/api/v1/proposals/{id}")).await?;
            (proposal["state"] == state).then_some(proposal)
        })
        .await
    }

    /// Waits until an agent has drafted something that nobody has proposed yet.
    pub async fn draft_nobody_took_up(&self) -> Json {
        until("a draft that nobody has taken up", async || {
            let drafts = self.try_api("/api/v1/drafts").await?;
            drafts["items"]
                .as_array()?
                .iter()
                .find(|draft| draft["draft"]["decisionDigest"].is_string() && draft["decision"]["proposal"].is_null())
                .cloned()
        })
        .await
    }

    pub async fn tideline(&self) -> Json {
        self.api("/api/v1/engines/tideline").await
    }

    /// Waits until what is ratified is also served and running.
    pub async fn in_step(&self) -> Json {
        until("the engine to be in step", async || {
            let engine = self.try_api("/api/v1/engines/tideline").await?;
            let hash = &engine["ratified"]["parameterSetHash"];
            (engine["status"] == "in-step"
                && engine["served"]["parameterSetHash"] == *hash
                && engine["running"]["parameterSetHash"] == *hash)
                .then_some(engine)
        })
        .await
    }

    /// Waits until a revision later than this one is ratified, served and running.
    pub async fn in_step_after(&self, revision: u64) -> Json {
        until(&format!("a revision after {revision} to run"), async || {
            self.try_api("/api/v1/engines/tideline").await.filter(|engine| engine["ratified"]["revision"].as_u64() > Some(revision))
        })
        .await;
        self.in_step().await
    }

    /// The value of a flag, as an engine asks for it.
    pub async fn flag(&self, key: &str) -> Json {
        let answer = self
            .http
            .post(self.url(&format!("/ofrep/v1/evaluate/flags/{key}")))
            .json(&serde_json::json!({"context": {"engine": "tideline"}}))
            .send()
            .await
            .expect("OFREP answers");
        answer.json::<Json>().await.expect("OFREP answers in JSON")["value"].clone()
    }

    /// What the engine draws for a seed.
    pub async fn picture(&self, seed: &str) -> Vec<u8> {
        let answer = self.fetch(&format!("/engine/tideline/image/{seed}.svg")).await;
        assert!(answer.status().is_success(), "the engine draws nothing: {}", answer.status());
        answer.bytes().await.expect("a whole picture").to_vec()
    }

    /// Whether the bridge reads the chain.
    pub async fn is_ready(&self) -> bool {
        self.http.get(self.url("/readyz")).send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// The log's own key, as an operator would have it who turned liar.
    pub fn log_key(&self) -> governance::log::SigningKey {
        let dir = self.dir.as_ref().expect("the world's folder");
        let seed: [u8; 32] = std::fs::read(dir.path().join("log.key")).expect("the log's key").try_into().expect("32 bytes");
        governance::log::SigningKey::from_seed("saltmarsh.example/log", &seed).expect("a key")
    }

    /// Entries in the signed checkpoint.
    pub async fn log_size(&self) -> u64 {
        self.text("/log/checkpoint")
            .await
            .lines()
            .nth(1)
            .and_then(|line| line.parse().ok())
            .expect("a checkpoint has its size in the second line")
    }

    /// The supervised process with this subcommand.
    pub fn process(&self, subcommand: &str) -> Option<u32> {
        children(self.supervisor.id()).into_iter().find(|id| {
            std::fs::read(format!("/proc/{id}/cmdline"))
                .is_ok_and(|line| line.split(|byte| *byte == 0).nth(1) == Some(subcommand.as_bytes()))
        })
    }

    /// The chain's node, which the devnet's process looks after.
    pub fn node(&self) -> Option<u32> {
        let is_node = |id: &u32| std::fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.trim() == "anvil");
        children(self.process("devnet")?).into_iter().find(is_node)
    }

    /// Waits until the devnet runs another node than this one, which holds its port until its state is written. Whatever
    /// is asked of the chain before may go to the node that is ending, and be forgotten with it.
    pub async fn node_after(&self, earlier: Option<u32>) {
        until("the devnet to come back", async || self.node().filter(|id| Some(*id) != earlier)).await;
        until("the chain to be followed again", async || self.is_ready().await.then_some(())).await;
    }

    /// Ends the node without warning.
    pub fn kill_node(&self) -> bool {
        self.node().is_some_and(kill)
    }

    /// Ends one of the demo's processes without warning.
    pub fn kill(&self, subcommand: &str) -> bool {
        self.process(subcommand).is_some_and(kill)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let deadline = Instant::now() + STOP_PATIENCE;
        while self.supervisor.try_wait().is_ok_and(|ended| ended.is_none()) {
            if Instant::now() > deadline {
                let _killed = self.supervisor.kill();
                let _reaped = self.supervisor.wait();
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        if std::thread::panicking()
            && let Some(dir) = self.dir.take()
        {
            eprintln!("What the processes said is kept in {}", dir.keep().join("logs").display());
        }
    }
}

fn kill(id: u32) -> bool {
    Command::new("kill").args(["-KILL", &id.to_string()]).status().is_ok_and(|status| status.success())
}

/// The processes that a process started, by what the system says.
pub fn children(id: u32) -> Vec<u32> {
    // Any of its threads may have started them.
    let threads = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let ids: Vec<String> = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok()).collect();
    ids.iter().flat_map(|ids| ids.split_whitespace()).filter_map(|id| id.parse().ok()).collect()
}

/// The built binary: beside the tests' own folder, or where `WHEREFORE_BIN` says.
pub(crate) fn binary() -> PathBuf {
    let beside = || Some(std::env::current_exe().ok()?.parent()?.parent()?.join("wherefore"));
    let found = std::env::var_os("WHEREFORE_BIN").map(PathBuf::from).or_else(beside).filter(|path| path.exists());
    found.expect("the binary is built first: `make build`")
}

fn free_ports() -> [u16; 3] {
    let held = [0; 3].map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"));
    held.map(|listener| listener.local_addr().expect("its port").port())
}
