//! A chain of one's own: Anvil with the demo collective on it, a year into its story, and a clock that runs faster.
//!
//! `start` brings it up, playing the [`story`] when there is no earlier state, and keeps the clock moving until `stop`.
//! Everything on chain is the same on every fresh start, ids included. The bridge that follows this chain is no part of
//! it: signed decision records are left in a folder, to be handed in as anybody would.

mod anvil;
pub mod clock;
mod contracts;
mod market;
pub mod people;
mod rpc;
mod seed;
mod steward;
pub mod story;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::transports::TransportError;
use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::JoinSet;

use anvil::{Anvil, CHAIN_ID};
use people::{PEOPLE, Role};
use rpc::Rpc;

/// How often the state is copied to a second file, in case the program ends while the first is being written.
const COPY_INTERVAL: Duration = Duration::from_secs(60);

/// How to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the chain's state, keys and records live.
    pub dir: PathBuf,
    /// The node's port; 0 for any that is free.
    pub port: u16,
    /// Chain seconds in a second of wall time, at least 1; 0 lets nothing be mined without a transaction.
    pub pace: f64,
    /// The program, where it is not to be looked for.
    pub anvil: Option<PathBuf>,
    /// Continue from an earlier state and leave one behind; otherwise the chain is new and goes with the process.
    pub keep: bool,
}

/// What is where on the devnet; `deployment.json` in its folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    pub chain_id: u64,
    pub rpc: String,
    pub ws: String,
    pub governor: Address,
    pub timelock: Address,
    pub token: Address,
    pub registry: Address,
    pub art: Address,
    pub log_anchor: Address,
    pub validations: Address,
    pub engine: String,
    pub deploy_block: u64,
    /// The last block of the story; later ones are the visitor's.
    pub story_block: u64,
    pub dao: Dao,
    pub names: Vec<Named>,
    /// Whom the demo wallet may act as.
    pub accounts: Vec<Address>,
    /// Whose decision records are published; the first is the steward that goes on deciding.
    pub agents: Vec<AgentAccount>,
    /// Whose verdicts count.
    pub auditors: Vec<Named>,
    pub executor: Address,
    /// Files with the private keys of agent and executor, which are worth nothing elsewhere.
    pub agent_key: PathBuf,
    pub executor_key: PathBuf,
    /// Folder of signed decision records.
    pub decisions: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dao {
    pub name: String,
    pub about: String,
}

/// A known address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub address: Address,
    pub name: String,
    pub about: String,
    /// Of agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentAccount {
    pub address: Address,
    pub name: String,
    pub about: String,
    pub slug: String,
}

/// Why there is no devnet, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    #[error("Anvil was not found; run `npm install` in governance/contracts, or name the program in WHEREFORE_ANVIL.")]
    NoAnvil,
    #[error("There is no Anvil at {0}; name another program, or none to have it looked for.")]
    NoSuchAnvil(String),
    #[error("Port {0} is already in use; stop the program that holds it, or choose another port.")]
    PortTaken(u16),
    #[error("Anvil ({program}) did not start: {reason}")]
    Start { program: String, reason: String },
    #[error("{path} could not be read or written.")]
    File { path: String, source: std::io::Error },
    #[error("{0} is not a node's address such as http://127.0.0.1:8545.")]
    Url(String),
    #[error("The devnet's node refused {method}.")]
    Node { method: &'static str, source: Box<TransportError> },
    #[error("The devnet's node did not answer {method}.")]
    Silent { method: &'static str },
    #[error("The devnet's node answered {0} with something else.")]
    Answer(&'static str),
    #[error("The story does not play at \"{step}\": {reason}.")]
    Story { step: String, reason: String },
}

impl DevnetError {
    fn story(step: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Story { step: step.into(), reason: reason.into() }
    }
}

fn file(path: &Path) -> impl FnOnce(std::io::Error) -> DevnetError {
    let path = path.display().to_string();
    move |source| DevnetError::File { path, source }
}

/// A devnet that runs. Dropping it ends the node as well, in good order, a moment later.
#[derive(Debug)]
pub struct Running {
    pub deployment: Deployment,
    /// True when an earlier state was continued.
    pub resumed: bool,
    anvil: Anvil,
    /// Ends with it: the pace, and the copying of the state.
    background: JoinSet<()>,
    state: Option<PathBuf>,
}

impl Running {
    /// Waits until the node ends by itself, and says how.
    pub async fn ended(&mut self) -> String {
        self.anvil.ended().await
    }

    /// Ends the node. Its state stays if it was to be kept.
    pub async fn stop(mut self) {
        self.background.shutdown().await;
        let state = self.state.take();
        self.anvil.stop().await;
        if let Some(state) = state {
            let _ = std::fs::remove_file(state);
        }
    }
}

/// Starts the devnet, from its earlier state if there is one to continue.
pub async fn start(options: Options) -> Result<Running, DevnetError> {
    let program = anvil::find(options.anvil.as_deref())?;
    let port = anvil::free_port(options.port)?;
    let dir = std::path::absolute(&options.dir).map_err(file(&options.dir))?;
    std::fs::create_dir_all(&dir).map_err(file(&dir))?;
    let home = Home {
        state: dir.join("state.json"),
        copy: dir.join("state.previous.json"),
        deployment: dir.join("deployment.json"),
        log: dir.join("anvil.log"),
        dir,
    };

    let resumed = if options.keep { home.resume(&program, port).await? } else { None };
    let was_resumed = resumed.is_some();
    let (anvil, node, deployment) = match resumed {
        Some(running) => running,
        None => home.begin(&program, port).await?,
    };
    home.record(&deployment)?;

    let mut background = JoinSet::new();
    if options.pace > 0.0 {
        background.spawn(clock::keep_pace(node, options.pace));
    }
    if options.keep {
        background.spawn(home.clone().keep_a_copy());
    }
    let state = (!options.keep).then_some(home.state);
    Ok(Running { deployment, resumed: was_resumed, anvil, background, state })
}

/// The devnet's folder.
#[derive(Clone, Debug)]
struct Home {
    dir: PathBuf,
    state: PathBuf,
    copy: PathBuf,
    deployment: PathBuf,
    log: PathBuf,
}

impl Home {
    /// Continues where an earlier run ended, its clock included. `None` where there is nothing whole to continue.
    async fn resume(&self, program: &Path, port: u16) -> Result<Option<(Anvil, Rpc, Deployment)>, DevnetError> {
        let read = |path: &Path| std::fs::read(path).ok();
        let Some(deployment) = read(&self.deployment).and_then(|bytes| serde_json::from_slice::<Deployment>(&bytes).ok()) else {
            return Ok(None);
        };
        let whole = |path: &Path| read(path).and_then(|bytes| time_of_state(&bytes));
        let time = match whole(&self.state) {
            Some(time) => time,
            None => {
                let Some(time) = whole(&self.copy) else { return Ok(None) };
                tracing::warn!("the devnet's state was not written completely; continuing from the copy before it");
                std::fs::copy(&self.copy, &self.state).map_err(file(&self.state))?;
                time
            }
        };
        let (anvil, node) = Anvil::start(program, port, &self.state, &self.log, time + 1).await?;
        let block: U256 = node.call("eth_blockNumber", json!([])).await?;
        if block < U256::from(deployment.story_block) {
            tracing::warn!("the devnet's state is from before the end of its story; beginning anew");
            anvil.stop().await;
            return Ok(None);
        }
        let (rpc, ws) = urls(port);
        Ok(Some((anvil, node, Deployment { rpc, ws, ..deployment })))
    }

    /// Begins a new chain and plays the story on it.
    async fn begin(&self, program: &Path, port: u16) -> Result<(Anvil, Rpc, Deployment), DevnetError> {
        for old in [&self.state, &self.copy, &self.deployment] {
            if old.exists() {
                std::fs::remove_file(old).map_err(file(old))?;
            }
        }
        let decisions = self.dir.join("decisions");
        if decisions.exists() {
            std::fs::remove_dir_all(&decisions).map_err(file(&decisions))?;
        }
        let keys = self.dir.join("keys");
        for folder in [&decisions, &keys] {
            std::fs::create_dir_all(folder).map_err(file(folder))?;
        }
        let (agent_key, executor_key) = (keys.join("cadence-steward.key"), keys.join("executor.key"));
        for (path, key) in [(&agent_key, people::STEWARD_KEY), (&executor_key, people::EXECUTOR_KEY)] {
            std::fs::write(path, format!("{key}\n")).map_err(file(path))?;
        }

        let (anvil, node) = Anvil::start(program, port, &self.state, &self.log, story::GENESIS).await?;
        let played = match seed::play(&node, &decisions).await {
            Ok(played) => played,
            Err(error) => {
                anvil.stop().await;
                return Err(error);
            }
        };
        let deployment = describe(&played, port, [agent_key, executor_key, decisions]);
        tracing::info!(
            block = played.block,
            proposals = played.proposals.len(),
            plates = played.minted,
            "the devnet is at block {} with {} proposals and {} plates",
            played.block,
            played.proposals.len(),
            played.minted
        );
        Ok((anvil, node, deployment))
    }

    fn record(&self, deployment: &Deployment) -> Result<(), DevnetError> {
        let mut text = serde_json::to_string_pretty(deployment).unwrap_or_default();
        text.push('\n');
        // Written aside first: a half-written file would cost the whole chain.
        let aside = self.dir.join("deployment.json.new");
        std::fs::write(&aside, text).map_err(file(&aside))?;
        std::fs::rename(&aside, &self.deployment).map_err(file(&self.deployment))
    }

    /// Copies the state now and then, whenever it is whole.
    async fn keep_a_copy(self) {
        let mut ticks = tokio::time::interval(COPY_INTERVAL);
        loop {
            ticks.tick().await;
            let (state, copy) = (self.state.clone(), self.copy.clone());
            let copying = tokio::task::spawn_blocking(move || {
                let bytes = std::fs::read(&state).ok().filter(|bytes| time_of_state(bytes).is_some())?;
                let aside = copy.with_extension("new");
                std::fs::write(&aside, bytes).and_then(|()| std::fs::rename(&aside, &copy)).ok()
            });
            let _ = copying.await;
        }
    }
}

/// The time of the last block in a state file; `None` when the file is not whole.
fn time_of_state(bytes: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct State {
        block: Environment,
    }
    #[derive(Deserialize)]
    struct Environment {
        timestamp: U256,
    }
    let state: State = serde_json::from_slice(bytes).ok()?;
    u64::try_from(state.block.timestamp).ok()
}

fn urls(port: u16) -> (String, String) {
    (format!("http://127.0.0.1:{port}"), format!("ws://127.0.0.1:{port}"))
}

fn describe(played: &seed::Played, port: u16, [agent_key, executor_key, decisions]: [PathBuf; 3]) -> Deployment {
    let contracts = &played.contracts;
    let of = |person: &people::Person| played.accounts[person.account];
    let known = |address, name: &str, about: &str| Named { address, name: name.into(), about: about.into(), slug: None };
    let people = PEOPLE.iter().map(|person| Named {
        slug: (person.role == Role::Agent).then(|| person.slug.to_owned()),
        ..known(of(person), person.name, person.about)
    });
    let houses = [
        known(contracts.governor, "Saltmarsh Governor", "Counts votes and passes on what won."),
        known(contracts.timelock, "Saltmarsh Treasury", "The timelock: holds the money and runs what was decided, after a delay."),
        known(contracts.token, "Saltmarsh Vote", "The voting token, MARSH."),
        known(contracts.registry, "Parameter registry", "Holds Tideline's parameters; only the timelock writes."),
        known(contracts.art, "Tideline", "The plates, TIDE."),
        known(contracts.log_anchor, "Log anchor", "Keeps what the explanation log has said of itself, for good."),
        known(contracts.validations, "Validation registry", "Holds what auditors say of agents' decisions."),
    ];
    let agents = ["cadence-steward", "ledger-steward"].map(|slug| {
        let agent = people::person(slug).expect("the stewards are in the story");
        AgentAccount { address: of(agent), name: agent.name.into(), about: agent.about.into(), slug: agent.slug.into() }
    });
    let auditors = PEOPLE.iter().filter(|person| person.role == Role::Auditor).map(|person| known(of(person), person.name, person.about));
    let executor = people::person("executor").expect("the executor is in the story");
    let (rpc, ws) = urls(port);
    Deployment {
        chain_id: CHAIN_ID,
        rpc,
        ws,
        governor: contracts.governor,
        timelock: contracts.timelock,
        token: contracts.token,
        registry: contracts.registry,
        art: contracts.art,
        log_anchor: contracts.log_anchor,
        validations: contracts.validations,
        engine: story::ENGINE.into(),
        deploy_block: 1,
        story_block: played.block,
        dao: Dao { name: story::COLLECTIVE.into(), about: story::ABOUT.into() },
        names: people.chain(houses).collect(),
        accounts: PEOPLE.iter().filter(|person| matches!(person.role, Role::Member | Role::Auditor)).map(of).collect(),
        agents: agents.into(),
        auditors: auditors.collect(),
        executor: of(executor),
        agent_key,
        executor_key,
        decisions,
    }
}
