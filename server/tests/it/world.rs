//! What a test stands on: a devnet, a database, a bridge, and words for what people do.
//!
//! The story takes seconds to play, so it is played once for each build of the tests; every test goes on from a copy.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::{eips::BlockId, signers::local::PrivateKeySigner};
use alloy_primitives::{Address, B256, Bytes, U256, hex};
use alloy_sol_types::{SolCall, SolEvent};
use governance::{
    onchain::abi::{Governor, ParameterRegistry},
    parameter::key_word,
    proposal::{description_hash, proposal_id},
};
use reqwest::{Method, StatusCode, header::HeaderMap};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use server::{
    bridge::{Bridge, StartError},
    chain::{
        Node, NodeError,
        executor::Executor,
        follower::{Follower, Round},
    },
    config::{AgentConfig, Config, DaoConfig, DevnetConfig, EngineConfig, LogConfig, Named},
    devnet::{self, Deployment, Options, Running, clock, people},
    reading::{Decisions, Facts, ProposalFacts, Reading},
    source::Source,
    store::{Store, entities::log_entry},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

pub const HOUR: u64 = 3_600;
pub const DAY: u64 = 24 * HOUR;
/// The token that the engine of these tests reports with.
pub const TOKEN: &str = "the engine's own token";
/// How long anything is waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The folder of a devnet whose story has been played, made once for each build of the tests.
async fn played() -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("devnet");
    fs::create_dir_all(&home).unwrap();
    // Other tests run in other processes and wait here.
    let lock = File::create(home.join("lock")).unwrap();
    lock.lock().unwrap();
    let (story, stamp) = (home.join("story"), home.join("stamp"));
    let build = format!("{:?}", std::env::current_exe().unwrap().metadata().unwrap().modified().unwrap());
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&build) {
        let _ = fs::remove_dir_all(&story);
        let options = Options { dir: story.clone(), port: 0, pace: 0.0, anvil: None, keep: true };
        devnet::start(options).await.unwrap().stop().await;
        fs::write(&stamp, build).unwrap();
    }
    story
}

/// A devnet of one test.
pub struct World {
    /// `None` while the node is away.
    chain: Option<Running>,
    pub deployment: Deployment,
    pub node: Node,
    options: Options,
    // Last, so that the node ends before its folder goes.
    pub dir: TempDir,
}

/// A proposal as it was made.
#[derive(Clone, Debug)]
pub struct Proposal {
    pub id: U256,
    pub targets: Vec<Address>,
    pub values: Vec<U256>,
    pub calldatas: Vec<Bytes>,
    pub description: String,
}

impl Proposal {
    pub fn execute(&self) -> Bytes {
        let Self { targets, values, calldatas, description, .. } = self.clone();
        Governor::executeCall { targets, values, calldatas, descriptionHash: description_hash(description) }.abi_encode().into()
    }
}

impl From<&ProposalFacts> for Proposal {
    fn from(facts: &ProposalFacts) -> Self {
        let ProposalFacts { id, targets, values, calldatas, description, .. } = facts.clone();
        Self { id, targets, values, calldatas, description }
    }
}

impl World {
    /// A chain that mines only when asked to.
    pub async fn new() -> Self {
        Self::at_pace(0.0).await
    }

    pub async fn at_pace(pace: f64) -> Self {
        let story = played().await;
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("chain");
        fs::create_dir_all(&home).unwrap();
        for file in ["state.json", "deployment.json"] {
            fs::copy(story.join(file), home.join(file)).unwrap();
        }
        let options = Options { dir: home, port: 0, pace, anvil: None, keep: true };
        let chain = devnet::start(options.clone()).await.unwrap();
        assert!(chain.resumed);
        let deployment = chain.deployment.clone();
        let node = Node::connect(&deployment.rpc).await.unwrap();
        Self { chain: Some(chain), deployment, node, options, dir }
    }

    /// Ends the node; it leaves its state behind.
    pub async fn take_node_away(&mut self) {
        self.chain.take().unwrap().stop().await;
    }

    /// Starts the node again where it was.
    pub async fn bring_node_back(&mut self) {
        let port = self.deployment.rpc.rsplit(':').next().unwrap().parse().unwrap();
        self.chain = Some(devnet::start(Options { port, ..self.options.clone() }).await.unwrap());
        self.node = Node::connect(&self.deployment.rpc).await.unwrap();
    }

    pub fn source(&self) -> Source {
        dao(&self.deployment, &self.deployment.rpc, Path::new("")).source()
    }

    pub fn account(&self, slug: &str) -> Address {
        let name = people::person(slug).unwrap().name;
        self.deployment.names.iter().find(|named| named.name == name).unwrap().address
    }

    pub fn executor_key(&self) -> PrivateKeySigner {
        people::EXECUTOR_KEY.parse().unwrap()
    }

    pub fn database(&self, name: &str) -> String {
        format!("sqlite://{}?mode=rwc", self.dir.path().join(name).display())
    }

    /// Chain time of the latest block.
    pub async fn now(&self) -> u64 {
        clock::now(&self.deployment.rpc).await.unwrap()
    }

    /// Moves the chain's clock on and mines a block there.
    pub async fn skip(&self, seconds: u64) -> u64 {
        clock::skip(&self.deployment.rpc, seconds).await.unwrap()
    }

    /// Moves the chain's clock to a moment.
    pub async fn skip_to(&self, moment: u64) -> u64 {
        let now = self.now().await;
        self.skip(moment.saturating_sub(now)).await
    }

    pub async fn mine(&self, blocks: u64) {
        for _ in 0..blocks {
            let _: Value = self.node.raw("evm_mine", json!([])).await.unwrap();
        }
    }

    /// Sends a transaction of anybody's and says whether it succeeded.
    pub async fn send(&self, from: Address, to: Address, input: Bytes) -> bool {
        let transaction = json!([{"from": from, "to": to, "input": input, "gas": "0x7a1200"}]);
        let hash: B256 = self.node.raw("eth_sendTransaction", transaction).await.unwrap();
        eventually(async || self.node.receipt(hash).await.unwrap()).await.status()
    }

    pub async fn view<C: SolCall>(&self, to: Address, call: C) -> C::Return {
        self.node.call(to, call, BlockId::latest()).await.unwrap()
    }

    /// Proposes calls of `(target, wei, calldata)`.
    pub async fn propose(&self, by: &str, title: &str, calls: Vec<(Address, U256, Bytes)>) -> Proposal {
        let description = format!("# {title}\n\nFor a test.\n");
        let (mut targets, mut values, mut calldatas) = (vec![], vec![], vec![]);
        for (target, value, calldata) in calls {
            targets.push(target);
            values.push(value);
            calldatas.push(calldata);
        }
        let id = proposal_id(&targets, &values, &calldatas, description_hash(&description));
        let call = Governor::proposeCall {
            targets: targets.clone(),
            values: values.clone(),
            calldatas: calldatas.clone(),
            description: description.clone(),
        };
        assert!(self.send(self.account(by), self.deployment.governor, call.abi_encode().into()).await, "{title} could not be proposed");
        Proposal { id, targets, values, calldatas, description }
    }

    pub async fn vote(&self, by: &str, proposal: U256) -> bool {
        let call = Governor::castVoteWithReasonCall { proposalId: proposal, support: 1, reason: "yes".into() };
        self.send(self.account(by), self.deployment.governor, call.abi_encode().into()).await
    }

    /// Lets proposals that were just made be voted through.
    pub async fn pass(&self, proposals: &[&Proposal]) {
        let governor = self.deployment.governor;
        let delay = self.view(governor, Governor::votingDelayCall {}).await.to::<u64>();
        self.skip(delay + 1).await;
        for proposal in proposals {
            for voter in ["ines", "teodor", "greywater"] {
                assert!(self.vote(voter, proposal.id).await);
            }
        }
        let period = self.view(governor, Governor::votingPeriodCall {}).await.to::<u64>();
        self.skip(period + 1).await;
    }

    pub async fn state(&self, proposal: U256) -> u8 {
        self.view(self.deployment.governor, Governor::stateCall { proposalId: proposal }).await
    }

    pub async fn eta(&self, proposal: U256) -> u64 {
        self.view(self.deployment.governor, Governor::proposalEtaCall { proposalId: proposal }).await.to()
    }

    /// The registry's own hash of Tideline's parameters.
    pub async fn parameter_set_hash(&self) -> B256 {
        self.view(self.deployment.registry, ParameterRegistry::parameterSetHashCall { engine: key_word("tideline").unwrap() }).await
    }

    /// Every event of a kind since the chain began, with its block.
    pub async fn events<E: SolEvent>(&self, of: Address) -> Vec<(u64, E)> {
        let head = self.node.head().await.unwrap();
        let logs = self.node.logs(&[of], 0, head).await.unwrap();
        let found = logs.iter().filter(|log| log.topic0() == Some(&E::SIGNATURE_HASH));
        found.map(|log| (log.block_number.unwrap(), E::decode_log_validate(&log.inner).unwrap().data)).collect()
    }

    /// A follower over this address of the node, with a database of this name.
    pub async fn follower_at(&self, rpc: &str, database: &str) -> Follower {
        let store = Store::open(database).await.unwrap();
        Follower::new(self.source(), store, Node::connect(rpc).await.unwrap()).await.unwrap()
    }

    pub async fn follower(&self) -> Follower {
        self.follower_at(&self.deployment.rpc, &self.database("follower.db")).await
    }

    /// A follower and an executor that take turns, over this address of the node.
    pub async fn desk_at(&self, rpc: &str) -> Desk {
        let follower = self.follower_at(rpc, &self.database("desk.db")).await;
        let executor = Executor::new(self.source(), follower.store.clone(), Node::connect(rpc).await.unwrap(), self.executor_key());
        Desk { follower, executor }
    }

    pub async fn desk(&self) -> Desk {
        self.desk_at(&self.deployment.rpc).await
    }

    /// What pages, API and log say, after everything was followed into this store.
    pub async fn told(&self, store: &Store) -> Value {
        let source = self.source();
        let facts = Facts::load(&store.db, &source).await.unwrap();
        let decisions = Decisions::load(&store.db, &source, &Decisions::default()).await.unwrap();
        let reading = Reading {
            dao: Arc::new(dao(&self.deployment, &self.deployment.rpc, Path::new(""))),
            block: self.node.head().await.unwrap(),
            chain_time: self.now().await,
            source,
            facts: Arc::new(facts),
            decisions: Arc::new(decisions),
            settings: Arc::default(),
            log: None,
            executor: None,
        };
        let engines: Vec<Value> =
            reading.facts.engines.values().map(|engine| json!([reading.revisions(engine), reading.parameters(engine)])).collect();
        let proposals: Vec<Value> = reading.facts.proposals.iter().map(|proposal| json!(reading.proposal_view(proposal, vec![]))).collect();
        let kinds = ["proposal", "queueing", "execution", "correction"];
        let entries = log_entry::Entity::find()
            .filter(log_entry::Column::Kind.is_in(kinds))
            .order_by_asc(log_entry::Column::Index)
            .all(&store.db)
            .await
            .unwrap();
        let leaves: Vec<String> = entries.iter().map(|entry| String::from_utf8(entry.leaf.clone()).unwrap()).collect();
        let members: Vec<&Address> = reading.facts.members.iter().collect();
        json!({"summaries": reading.summaries(), "proposals": proposals, "engines": engines, "log": leaves, "members": members, "mints": reading.facts.mints.len(), "transfers": reading.facts.transfers})
    }

    /// A running bridge with its own database, served on a free port.
    pub async fn bridge(&self) -> Site {
        self.bridge_with(|_| {}).await
    }

    pub async fn bridge_with(&self, adjust: impl FnOnce(&mut Config)) -> Site {
        let site = Site::open(self.dir.path(), &self.deployment, adjust).await;
        site.bridge.start().unwrap();
        site.wait_until_ready().await;
        site
    }

    /// The same, but not following anything.
    pub async fn idle_bridge(&self) -> Site {
        Site::open(self.dir.path(), &self.deployment, |_| {}).await
    }
}

/// A DAO whose chain is not there.
fn nobody() -> Deployment {
    let nobody = Address::ZERO;
    Deployment {
        chain_id: 31_337,
        rpc: "http://127.0.0.1:9".into(),
        ws: "ws://127.0.0.1:9".into(),
        governor: nobody,
        timelock: nobody,
        token: nobody,
        registry: nobody,
        art: nobody,
        log_anchor: nobody,
        validations: nobody,
        engine: "tideline".into(),
        deploy_block: 1,
        story_block: 1,
        dao: devnet::Dao { name: "Nobody".into(), about: String::new() },
        names: vec![],
        accounts: vec![],
        agents: vec![],
        auditors: vec![],
        executor: nobody,
        agent_key: PathBuf::new(),
        executor_key: PathBuf::new(),
        decisions: PathBuf::new(),
    }
}

/// The configuration of [`nobody`].
pub fn nobodys_dao() -> DaoConfig {
    DaoConfig { engines: vec![], ..dao(&nobody(), "http://127.0.0.1:9", Path::new(".")) }
}

fn dao(deployment: &Deployment, rpc: &str, dir: &Path) -> DaoConfig {
    DaoConfig {
        name: deployment.dao.name.clone(),
        about: deployment.dao.about.clone(),
        rpc: rpc.to_owned(),
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
            token_file: dir.join("engine.token"),
            url: None,
        }],
        agents: deployment
            .agents
            .iter()
            .map(|agent| AgentConfig { slug: agent.slug.clone(), name: agent.name.clone(), address: agent.address, about: String::new() })
            .collect(),
    }
}

pub fn model_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("agents/cadence-steward/model.json")
}

/// Follows until nothing is left to read, and sums the rounds up.
pub async fn catch_up(follower: &mut Follower) -> Round {
    let mut all = Round::default();
    loop {
        let round = follower.round().await.unwrap();
        all = Round { new_events: all.new_events + round.new_events, rewound: all.rewound || round.rewound, ..round };
        if !all.behind {
            return all;
        }
    }
}

/// Asks again until there is an answer.
pub async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// The words of a refusal by a contract.
pub fn reverts(answer: Result<Bytes, NodeError>) -> Bytes {
    let error = answer.expect_err("the call was not refused");
    error.revert_data().unwrap_or_else(|| panic!("not a revert: {error}"))
}

/// Follower and executor, taking turns as the bridge lets them.
pub struct Desk {
    pub follower: Follower,
    pub executor: Executor,
}

impl Desk {
    pub async fn facts(&self) -> Facts {
        Facts::load(&self.follower.store.db, &self.follower.source).await.unwrap()
    }

    /// The proposal whose title has these words.
    pub async fn proposal(&self, words: &str) -> ProposalFacts {
        self.facts().await.proposals.into_iter().find(|proposal| proposal.description.lines().next().unwrap().contains(words)).unwrap()
    }

    /// Reads the chain, then does what is due.
    pub async fn turn(&mut self) {
        catch_up(&mut self.follower).await;
        self.executor.round(&self.facts().await).await;
    }

    /// Takes turns and reads what came of the last.
    pub async fn turns(&mut self, times: usize) {
        for _ in 0..times {
            self.turn().await;
        }
        catch_up(&mut self.follower).await;
    }
}

/// A bridge on a port of its own, and a client that speaks to it.
pub struct Site {
    pub bridge: Arc<Bridge>,
    pub url: String,
    pub http: reqwest::Client,
    server: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
        // Another bridge may go on with its database.
        self.bridge.stop();
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.text()))
    }

    /// The sentence of a refusal, which must be an RFC 9457 problem with this status.
    pub fn problem(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let body = self.json();
        assert_eq!(body["status"], status);
        assert!(body["title"].is_string() && body["type"].is_string());
        body["detail"].as_str().unwrap().to_owned()
    }
}

impl Site {
    async fn open(dir: &Path, deployment: &Deployment, adjust: impl FnOnce(&mut Config)) -> Self {
        Self::try_open(dir, deployment, adjust).await.unwrap()
    }

    async fn try_open(dir: &Path, deployment: &Deployment, adjust: impl FnOnce(&mut Config)) -> Result<Self, StartError> {
        fs::write(dir.join("engine.token"), TOKEN).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listen = listener.local_addr().unwrap();
        let url = format!("http://{listen}");
        let mut config = Config {
            listen,
            public_url: url.clone(),
            database_url: format!("sqlite://{}?mode=rwc", dir.join("bridge.db").display()),
            data_dir: dir.to_owned(),
            records_dir: Some(deployment.decisions.clone()),
            models: vec![model_file()],
            executor_key: None,
            log: LogConfig { origin: "saltmarsh.example/log".into(), anchor_every: 1, ..LogConfig::default() },
            writes_a_minute: 120,
            dao: dao(deployment, &deployment.ws, dir),
            devnet: Some(DevnetConfig { accounts: deployment.accounts.clone(), pace: 1.0 }),
        };
        adjust(&mut config);
        let bridge = Bridge::open(config).await?;
        let app = server::web::router(bridge.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Ok(Self { bridge, url, http: reqwest::Client::new(), server })
    }

    /// A bridge whose chain is not there; good for what needs none.
    pub async fn without_chain(dir: &Path) -> Self {
        Self::guarded(dir, |_| {}).await.unwrap()
    }

    /// The same with a log of other settings, which may keep it from starting.
    pub async fn guarded(dir: &Path, adjust: impl FnOnce(&mut LogConfig)) -> Result<Self, StartError> {
        Self::chainless(dir, |config| adjust(&mut config.log)).await
    }

    /// The same with one agent.
    pub async fn without_chain_for(dir: &Path, agent: Address) -> Self {
        let steward = AgentConfig { slug: "steward".into(), name: "Steward".into(), address: agent, about: String::new() };
        Self::chainless(dir, |config| config.dao.agents.push(steward)).await.unwrap()
    }

    async fn chainless(dir: &Path, adjust: impl FnOnce(&mut Config)) -> Result<Self, StartError> {
        Self::try_open(dir, &nobody(), |config| {
            config.records_dir = None;
            config.models.clear();
            adjust(config);
        })
        .await
    }

    pub async fn wait_until_ready(&self) {
        eventually(async || self.get("/readyz").await.status.is_success().then_some(())).await;
        // The first reading of the settings comes a moment later.
        eventually(async || (self.bridge.reading().settings.timelock_delay > 0).then_some(())).await;
    }

    pub async fn ask(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        Answer { status, headers, bytes: answer.bytes().await.unwrap().to_vec() }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(self.request(Method::POST, path).json(body)).await
    }

    /// A list of the REST API.
    pub async fn items(&self, path: &str) -> Vec<Value> {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()["items"].as_array().unwrap().clone()
    }
}

/// A wallet of a test.
pub fn wallet(byte: u8) -> PrivateKeySigner {
    hex::encode([byte; 32]).parse().unwrap()
}
