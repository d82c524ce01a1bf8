//! The whole demo: devnet, bridge, engine and agent, each a process of its own, started, watched and stopped together.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use clap::Args;
use tokio::process::{Child, Command};

use crate::{
    config::{AgentConfig, Config, DaoConfig, DevnetConfig, EngineConfig, LogConfig, Named},
    devnet::{Deployment, story::LOG_ORIGIN},
};

#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Where everything is kept; a second start goes on from there.
    #[arg(long, env = "WHEREFORE_DIR", default_value = ".wherefore")]
    pub dir: PathBuf,
    /// Where the bridge serves its pages.
    #[arg(long, env = "PORT", default_value_t = 3000)]
    pub port: u16,
    #[arg(long, env = "CHAIN_PORT", default_value_t = 8545)]
    pub chain_port: u16,
    #[arg(long, env = "ENGINE_PORT", default_value_t = 3001)]
    pub engine_port: u16,
    /// Chain seconds that pass in one second.
    #[arg(long, env = "PACE", default_value_t = 20.0)]
    pub pace: f64,
}

#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error("Port {port} is taken, so {what} cannot start. Stop what uses it, or choose another with {option}=….")]
    PortTaken { port: u16, what: &'static str, option: &'static str },
    #[error("{what} did not start: {reason}")]
    Start { what: &'static str, reason: String },
    #[error("{path} could not be written: {source}")]
    File { path: String, source: std::io::Error },
}

/// Set for children: they stop when their standard input closes, so that none outlives the supervisor.
pub const SUPERVISED: &str = "WHEREFORE_SUPERVISED";
/// Seconds between two anchors: the devnet's days are short.
const ANCHOR_EVERY: u64 = 5;
/// A child that keeps dying within this time is started again more and more slowly.
const QUICK: Duration = Duration::from_secs(10);

/// Starts everything and watches over it until Ctrl-C.
pub async fn run(args: DemoArgs) -> Result<(), DemoError> {
    for (port, what, option) in
        [(args.port, "the bridge", "PORT"), (args.chain_port, "the devnet", "CHAIN_PORT"), (args.engine_port, "the engine", "ENGINE_PORT")]
    {
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            return Err(DemoError::PortTaken { port, what, option });
        }
    }
    let file = |path: &Path| {
        let path = path.display().to_string();
        move |source| DemoError::File { path, source }
    };
    std::fs::create_dir_all(&args.dir).map_err(file(&args.dir))?;
    let dir = std::fs::canonicalize(&args.dir).map_err(file(&args.dir))?;
    let chain = dir.join("chain");
    let exe = std::env::current_exe().map_err(file(Path::new("wherefore")))?;

    let chain_port = args.chain_port.to_string();
    let pace = args.pace.to_string();
    let chain_text = chain.display().to_string();
    let fresh = !chain.join("deployment.json").exists();
    println!(
        "{}",
        if fresh { "Telling the collective's first year on a local chain …" } else { "Going on with the chain as it was left …" }
    );
    let mut devnet =
        Watched::start("the devnet", &exe, &dir, &["devnet", "--dir", &chain_text, "--port", &chain_port, "--pace", &pace, "--keep"])?;
    let deployment = devnet_ready(&mut devnet, &chain, args.chain_port).await?;

    let token_file = dir.join("engine.token");
    if !token_file.exists() {
        write_secret(&token_file, &alloy_primitives::hex::encode(rand::random::<[u8; 24]>()))?;
    }
    let config = config(&args, &dir, &deployment, &token_file);
    let config_file = dir.join("wherefore.toml");
    let text = toml::to_string_pretty(&config).map_err(|error| DemoError::Start { what: "the bridge", reason: error.to_string() })?;
    std::fs::write(&config_file, text).map_err(file(&config_file))?;

    println!("Starting the bridge …");
    let bridge_url = format!("http://127.0.0.1:{}", args.port);
    let mut bridge = Watched::start("the bridge", &exe, &dir, &["serve", "--config", &config_file.display().to_string()])?;
    bridge.wait_for(&format!("{bridge_url}/readyz"), Duration::from_secs(120)).await?;

    println!("Starting the engine and the agent …");
    let rpc = format!("http://127.0.0.1:{}", args.chain_port);
    let engine_listen = format!("127.0.0.1:{}", args.engine_port);
    let registry = deployment.registry.to_string();
    let engine = Watched::start(
        "the engine",
        &exe,
        &dir,
        &[
            "engine",
            "--id",
            &deployment.engine,
            "--bridge",
            &bridge_url,
            "--rpc",
            &rpc,
            "--registry",
            &registry,
            "--token-file",
            &token_file.display().to_string(),
            "--listen",
            &engine_listen,
        ],
    )?;
    let steward = deployment.agents.first().ok_or_else(|| DemoError::Start { what: "the agent", reason: "the devnet has none".into() })?;
    let key_file = chain.join("keys").join(format!("{}.key", steward.slug)).display().to_string();
    let model = model_file(&steward.slug).display().to_string();
    let agent = Watched::start(
        "the agent",
        &exe,
        &dir,
        &["agent", &steward.slug, "--bridge", &bridge_url, "--key-file", &key_file, "--model", &model],
    )?;

    println!(
        "\n  {} is open at {bridge_url}\n  chain: {rpc} (id {})   engine: http://{engine_listen}   logs: {}\n  Ctrl-C stops everything; `make run` goes on from here, `make reset` starts over.\n",
        deployment.dao.name,
        deployment.chain_id,
        dir.join("logs").display()
    );

    let mut all = [devnet, bridge, engine, agent];
    loop {
        tokio::select! {
            () = crate::stopped() => break,
            () = tokio::time::sleep(Duration::from_millis(300)) => {}
        }
        for child in &mut all {
            child.mend();
        }
    }
    println!("Stopping …");
    // In the reverse order of starting, so that nobody talks to what is gone.
    for child in all.into_iter().rev() {
        child.stop().await;
    }
    Ok(())
}

fn write_secret(path: &Path, text: &str) -> Result<(), DemoError> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let failed = |source| DemoError::File { path: path.display().to_string(), source };
    let mut made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    made.write_all(text.as_bytes()).map_err(|source| DemoError::File { path: path.display().to_string(), source })
}

/// An agent's model: beside the sources, or in the folder that `WHEREFORE_AGENTS` names.
fn model_file(agent: &str) -> PathBuf {
    let folder =
        std::env::var_os("WHEREFORE_AGENTS").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("agents"), PathBuf::from);
    folder.join(agent).join("model.json")
}

/// Waits until the devnet has written its deployment and its clock runs.
async fn devnet_ready(devnet: &mut Watched, chain: &Path, port: u16) -> Result<Deployment, DemoError> {
    let deadline = Instant::now() + Duration::from_secs(180);
    loop {
        let ready = std::fs::read(chain.join("deployment.json")).ok().and_then(|bytes| serde_json::from_slice::<Deployment>(&bytes).ok());
        if let Some(deployment) = ready
            && tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok()
        {
            return Ok(deployment);
        }
        devnet.still_starting(deadline)?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn config(args: &DemoArgs, dir: &Path, deployment: &Deployment, token_file: &Path) -> Config {
    let chain = dir.join("chain");
    Config {
        listen: (Ipv4Addr::LOCALHOST, args.port).into(),
        public_url: format!("http://127.0.0.1:{}", args.port),
        database_url: std::env::var("DATABASE_URL").unwrap_or_else(|_| format!("sqlite://{}?mode=rwc", dir.join("bridge.db").display())),
        data_dir: dir.to_owned(),
        records_dir: Some(chain.join("decisions")),
        models: deployment.agents.iter().map(|agent| model_file(&agent.slug)).collect(),
        executor_key: Some(chain.join("keys/executor.key")),
        log: LogConfig { origin: LOG_ORIGIN.into(), anchor_every: ANCHOR_EVERY, ..LogConfig::default() },
        writes_a_minute: 120,
        dao: DaoConfig {
            name: deployment.dao.name.clone(),
            about: deployment.dao.about.clone(),
            rpc: format!("ws://127.0.0.1:{}", args.chain_port),
            chain_id: deployment.chain_id,
            chain_name: "local devnet".into(),
            governor: deployment.governor,
            timelock: deployment.timelock,
            token: deployment.token,
            registry: deployment.registry,
            art: Some(deployment.art),
            log_anchor: Some(deployment.log_anchor),
            validations: Some(deployment.validations),
            auditors: deployment
                .auditors
                .iter()
                .map(|named| Named { address: named.address, name: named.name.clone(), about: named.about.clone() })
                .collect(),
            start_block: deployment.deploy_block,
            names: deployment
                .names
                .iter()
                .map(|named| Named { address: named.address, name: named.name.clone(), about: named.about.clone() })
                .collect(),
            engines: vec![EngineConfig {
                id: deployment.engine.clone(),
                name: "Tideline".into(),
                token_file: token_file.to_owned(),
                url: Some(format!("http://127.0.0.1:{}", args.engine_port)),
            }],
            agents: deployment
                .agents
                .iter()
                .map(|agent| AgentConfig {
                    slug: agent.slug.clone(),
                    name: agent.name.clone(),
                    address: agent.address,
                    about: agent.about.clone(),
                })
                .collect(),
        },
        devnet: Some(DevnetConfig { accounts: deployment.accounts.clone(), pace: args.pace }),
    }
}

/// A child process that is started again when it dies.
struct Watched {
    what: &'static str,
    exe: PathBuf,
    dir: PathBuf,
    args: Vec<String>,
    child: Child,
    started: Instant,
    deaths: u32,
    again_at: Option<Instant>,
}

impl Watched {
    fn start(what: &'static str, exe: &Path, dir: &Path, args: &[&str]) -> Result<Self, DemoError> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let child = spawn(what, exe, dir, &args)?;
        Ok(Self { what, exe: exe.to_owned(), dir: dir.to_owned(), args, child, started: Instant::now(), deaths: 0, again_at: None })
    }

    fn log(dir: &Path, args: &[String]) -> PathBuf {
        dir.join("logs").join(format!("{}.log", args.first().map_or("wherefore", String::as_str)))
    }

    /// Fails with the child's last words when it has died or takes too long.
    fn still_starting(&mut self, deadline: Instant) -> Result<(), DemoError> {
        let ended = self.child.try_wait().ok().flatten();
        if ended.is_some() || Instant::now() > deadline {
            let said = std::fs::read_to_string(Self::log(&self.dir, &self.args)).unwrap_or_default();
            let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned();
            return Err(DemoError::Start { what: self.what, reason: last });
        }
        Ok(())
    }

    async fn wait_for(&mut self, url: &str, patience: Duration) -> Result<(), DemoError> {
        let http = reqwest::Client::new();
        let deadline = Instant::now() + patience;
        loop {
            if http.get(url).timeout(Duration::from_secs(2)).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            self.still_starting(deadline)?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Starts the child again if it died.
    fn mend(&mut self) {
        if let Some(at) = self.again_at {
            if Instant::now() >= at {
                self.again_at = None;
                match spawn(self.what, &self.exe, &self.dir, &self.args) {
                    Ok(child) => {
                        self.child = child;
                        self.started = Instant::now();
                    }
                    Err(error) => {
                        eprintln!("{error}");
                        self.again_at = Some(Instant::now() + QUICK);
                    }
                }
            }
            return;
        }
        if let Ok(Some(status)) = self.child.try_wait() {
            self.deaths = if self.started.elapsed() < QUICK { self.deaths + 1 } else { 0 };
            let pause = Duration::from_millis(200 * 2u64.pow(self.deaths.min(6)));
            println!("{} ended ({status}); starting it again.", self.what);
            self.again_at = Some(Instant::now() + pause);
        }
    }

    async fn stop(mut self) {
        // Closing its input asks it to stop; it gets time to write its state down.
        drop(self.child.stdin.take());
        if tokio::time::timeout(Duration::from_secs(25), self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

fn spawn(what: &'static str, exe: &Path, dir: &Path, args: &[String]) -> Result<Child, DemoError> {
    let log = Watched::log(dir, args);
    let failed = |source: std::io::Error| DemoError::Start { what, reason: source.to_string() };
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let output = std::fs::OpenOptions::new().create(true).append(true).open(&log).map_err(failed)?;
    let errors = output.try_clone().map_err(failed)?;
    Command::new(exe)
        .args(args)
        .env(SUPERVISED, "1")
        .env_remove("PORT")
        .stdin(Stdio::piped())
        .stdout(output)
        .stderr(errors)
        // Ctrl-C reaches the supervisor only, which stops the others in order.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)
}
