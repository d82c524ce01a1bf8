//! The running bridge: its store, its log, the current reading, and who is told when something changes.

use std::{
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    signers::local::PrivateKeySigner,
};
use governance::{
    log::{Anchoring, Checkpoint, Hash, Note, origin_hash},
    onchain::abi::{Governor, LogAnchor, Timelock, VoteToken},
};
use serde::Serialize;
use tokio::sync::{broadcast, watch};
use tracing::{error, info, warn};

use crate::{
    chain::{
        Node,
        anchorer::Anchorer,
        executor::Executor,
        follower::{FollowError, Follower, Round},
        submit::Submitter,
    },
    config::{Config, EngineConfig},
    log::{Log, LogError, Sequencer},
    reading::{Decisions, Facts, Reading, Settings},
    source::Source,
    store::{Store, entities::proposal},
    wall_ms,
    workflow::{
        WorkflowError,
        explain::{self, Accepted, Origin, Published},
        outcome,
    },
};

/// Told to every open page and engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub block: u64,
    pub chain_time: u64,
    /// proposals, parameters, engines, decisions, drafts, log, block.
    pub what: Vec<&'static str>,
    /// One sentence for people who listen rather than look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Whether the node answers, as of the last round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    pub followed: bool,
    pub problem: Option<String>,
}

#[derive(Debug)]
pub struct Bridge {
    pub config: Config,
    pub store: Store,
    pub log: Log,
    /// Where statements from outside wait for the log's next transaction.
    pub sequencer: Sequencer,
    pub changes: broadcast::Sender<Change>,
    reading: RwLock<Arc<Reading>>,
    head: watch::Sender<u64>,
    health: RwLock<Health>,
    /// What the store held when the reading was made.
    read: RwLock<Held>,
    node: tokio::sync::RwLock<Option<Node>>,
    tokens: Vec<(String, String)>,
    /// Wall-clock milliseconds of each engine's last sign of life.
    signs: RwLock<std::collections::BTreeMap<String, u64>>,
    /// The hour of chain time in which outcomes were last looked for.
    settled: AtomicU64,
    /// Size of the anchor that the log was last compared with.
    compared: AtomicU64,
    /// What goes on in the background.
    work: std::sync::Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the database could not be opened: {0}")]
    Store(#[from] sea_orm::DbErr),
    #[error(transparent)]
    Log(#[from] crate::log::LogError),
    #[error("{path} could not be read: {source}")]
    File { path: String, source: std::io::Error },
    #[error("the executor's key in {0} is not a private key in hex")]
    Key(String),
}

fn read(path: &std::path::Path) -> Result<Vec<u8>, StartError> {
    std::fs::read(path).map_err(|source| StartError::File { path: path.display().to_string(), source })
}

impl Bridge {
    pub async fn open(config: Config) -> Result<Arc<Self>, StartError> {
        std::fs::create_dir_all(&config.data_dir)
            .map_err(|source| StartError::File { path: config.data_dir.display().to_string(), source })?;
        let store = Store::open(&config.database_url).await?;
        let log = Log::open(store.clone(), &config.log.origin, &config.data_dir.join("log.key")).await?;
        // Before anything is appended or signed.
        let log = log.guarded(&config.log, &config.data_dir).await?;
        let source = config.dao.source();
        let executor = executor_key(&config)?.map(|key| key.address());
        let mut tokens = Vec::new();
        for engine in &config.dao.engines {
            tokens.push((engine.id.clone(), String::from_utf8_lossy(&read(&engine.token_file)?).trim().to_owned()));
        }
        let facts = Facts::load(&store.db, &source).await?;
        let decisions = Decisions::load(&store.db, &source, &Decisions::default()).await?;
        let (block, chain_time) = last_block(&store, &source).await?;
        let reading = Reading {
            source,
            dao: Arc::new(config.dao.clone()),
            facts: Arc::new(facts),
            decisions: Arc::new(decisions),
            block,
            chain_time,
            settings: Arc::default(),
            log: None,
            executor,
        };
        compare_with_chain(&log, &reading, &config.dao.rpc).await?;
        let bridge = Arc::new(Self {
            config,
            sequencer: Sequencer::start(store.clone()),
            store,
            log,
            changes: broadcast::channel(64).0,
            reading: RwLock::new(Arc::new(reading)),
            head: watch::channel(0).0,
            health: RwLock::default(),
            read: RwLock::default(),
            node: tokio::sync::RwLock::new(None),
            tokens,
            signs: RwLock::default(),
            settled: AtomicU64::default(),
            compared: AtomicU64::default(),
            work: std::sync::Mutex::default(),
        });
        bridge.take_in_records().await?;
        match bridge.publish().await {
            // Nothing is wrong here; the page says whom it waits for.
            Err(LogError::Unwitnessed(why)) => warn!("no checkpoint is published yet: {why}"),
            done => done?,
        }
        Ok(bridge)
    }

    /// Signs what was appended, so that drafts and anchors can name it.
    async fn publish(&self) -> Result<(), crate::log::LogError> {
        let (size, note) = self.log.advance().await?;
        let Some(contract) = self.reading().source.log_anchor else { return Ok(()) };
        if self.reading().log.is_some_and(|newest| newest.size == size) {
            return Ok(());
        }
        let text = Note::parse(&note).map_err(governance::log::CheckpointError::from)?.text;
        let newest = Anchoring::of(&Checkpoint::parse(&text)?, contract);
        self.swap(|reading| reading.log = newest);
        Ok(())
    }

    /// Signed records and models that the operator put beside the configuration; accepted by the same rules as over HTTP.
    async fn take_in_records(&self) -> Result<(), StartError> {
        if let Some(folder) = &self.config.records_dir {
            let entries = std::fs::read_dir(folder).map_err(|source| StartError::File { path: folder.display().to_string(), source })?;
            let mut files: Vec<_> = entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.extension().is_some_and(|end| end == "json"))
                .collect();
            files.sort();
            for file in files {
                let at = self.reading().chain_time;
                let taken = explain::accept(&self.store, &self.reading(), None, &read(&file)?, Origin::Operator, at).await;
                if let Err(refusal) = taken {
                    warn!(file = %file.display(), "record {} was not accepted: {refusal}", file.display());
                }
            }
            self.reread_decisions().await?;
        }
        for file in &self.config.models {
            let bytes = read(file)?;
            let sha256 = alloy_primitives::hex::encode(governance::explanation::Model::sha256(&bytes));
            if let Err(refusal) = explain::publish_model(&self.store, &self.reading(), &sha256, &bytes, self.reading().chain_time).await {
                warn!(file = %file.display(), "model {} was not published: {refusal}", file.display());
            }
        }
        self.reread_decisions().await?;
        Ok(())
    }

    pub fn reading(&self) -> Arc<Reading> {
        self.reading.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn swap(&self, edit: impl FnOnce(&mut Reading)) {
        let mut held = self.reading.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut next = (**held).clone();
        edit(&mut next);
        *held = Arc::new(next);
    }

    pub fn health(&self) -> Health {
        self.health.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// What every page says at its top when not all is well.
    pub fn warnings(&self) -> Vec<String> {
        let health = self.health();
        let mut warnings = Vec::new();
        if let Some(problem) = &health.problem {
            let block = self.reading().block;
            warnings.push(match self.log.read_only() {
                // Whatever happens on the chain has to be written down, so it waits for the log.
                Some(_) => format!("Until then the chain is not followed: what you see is as of block {block}."),
                None => format!("The chain cannot be read right now ({problem}). What you see is as of block {block}."),
            });
        } else if !health.followed {
            warnings.push("Reading the chain for the first time; what you see is not complete yet.".into());
        }
        // What is wrong with the log comes first: it is what the rest follows from.
        warnings.splice(0..0, self.log.warnings());
        warnings
    }

    pub async fn node(&self) -> Option<Node> {
        self.node.read().await.clone()
    }

    pub fn engine_config(&self, engine: &str) -> Option<&EngineConfig> {
        self.config.dao.engines.iter().find(|config| config.id == engine)
    }

    /// Whether `token` is the one this engine reports with. Compared by hash, so that time tells nothing.
    pub fn is_engine(&self, engine: &str, token: &str) -> bool {
        let hash = |text: &str| alloy_primitives::keccak256(text);
        self.tokens.iter().any(|(id, known)| id == engine && !known.is_empty() && hash(known) == hash(token))
    }

    /// Notes that an engine was heard of just now.
    pub fn heard_of(&self, engine: &str) {
        self.signs.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(engine.to_owned(), wall_ms());
    }

    pub fn engine_sign(&self, engine: &str) -> Option<u64> {
        self.signs.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(engine).copied()
    }

    pub fn tell(&self, what: Vec<&'static str>, note: Option<String>) {
        let reading = self.reading();
        // Nobody listening is fine.
        let _ = self.changes.send(Change { block: reading.block, chain_time: reading.chain_time, what, note });
    }

    pub async fn reread_decisions(&self) -> Result<(), sea_orm::DbErr> {
        let before = self.reading();
        let decisions = Decisions::load(&self.store.db, &before.source, &before.decisions).await?;
        self.swap(|reading| reading.decisions = Arc::new(decisions));
        Ok(())
    }

    /// Takes a decision in and tells everyone, once.
    pub async fn accept_decision(&self, bytes: &[u8]) -> Result<Accepted, WorkflowError> {
        let (reading, node) = (self.reading(), self.node().await);
        let accepted = explain::accept(&self.store, &reading, node.as_ref(), bytes, Origin::Submitted, reading.chain_time).await?;
        // It may be another replica that has taken it in already.
        if accepted.new || reading.decisions.get(accepted.digest).is_none() {
            self.reread_decisions().await?;
        }
        if accepted.new {
            let agent = self.reading().decisions.get(accepted.digest).map(|decided| decided.record.agent.name.clone()).unwrap_or_default();
            self.tell(vec!["decisions", "drafts", "log"], Some(format!("{agent} recommends a change")));
        }
        Ok(accepted)
    }

    pub async fn publish_model(&self, sha256: &str, bytes: &[u8]) -> Result<Published, WorkflowError> {
        let reading = self.reading();
        let published = explain::publish_model(&self.store, &reading, sha256, bytes, reading.chain_time).await?;
        self.published(published).await
    }

    pub async fn publish_background(&self, sha256: &str, bytes: &[u8]) -> Result<Published, WorkflowError> {
        let reading = self.reading();
        let published = explain::publish_background(&self.store, &reading, sha256, bytes, reading.chain_time).await?;
        self.published(published).await
    }

    async fn published(&self, published: Published) -> Result<Published, WorkflowError> {
        self.reread_decisions().await?;
        if published.new {
            self.tell(vec!["decisions", "log"], None);
        }
        Ok(published)
    }

    async fn after_round(&self, round: &Round) -> Result<(), sea_orm::DbErr> {
        let before = self.reading();
        let (held, read) = (Held::by(&self.store).await?, *self.read.read().unwrap_or_else(std::sync::PoisonError::into_inner));
        // Another bridge on the same database may have stored what this one finds there.
        let mut moved = round.new_events > 0 || !round.states_changed.is_empty() || round.rewound || held.last_event != read.last_event;
        let facts = if moved {
            Arc::new(Facts::load(&self.store.db, &before.source).await?)
        } else {
            // Only a state, an obstacle or an eta may have moved: cheap to join again.
            let states = load_states(&self.store, &before.source).await?;
            moved = !before.facts.holds(&states);
            if moved {
                let mut facts = (*before.facts).clone();
                facts.join_states(&states);
                Arc::new(facts)
            } else {
                before.facts.clone()
            }
        };
        if (held.decisions, held.models, held.backgrounds) != (read.decisions, read.models, read.backgrounds) {
            self.reread_decisions().await?;
        }
        *self.read.write().unwrap_or_else(std::sync::PoisonError::into_inner) = held;
        self.swap(|reading| {
            reading.facts = facts;
            reading.block = round.block;
            reading.chain_time = round.chain_time;
        });
        {
            let mut health = self.health.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            *health = Health { followed: health.followed || !round.behind, problem: None };
        }
        self.head.send_replace(round.block);
        // Also without news of anchors: those that are known become final as the chain grows.
        self.compare_with_anchors(&self.reading()).await;
        // Predictions are about days; once an hour of chain time is often enough.
        let settle =
            round.rewound || !round.behind && self.settled.swap(round.chain_time / 3_600, Ordering::Relaxed) != round.chain_time / 3_600;
        if settle && let Err(failed) = outcome::settle(&self.store, &self.reading()).await {
            error!("outcomes could not be logged: {failed}");
        }
        if moved {
            let after = self.reading();
            let note = round.states_changed.last().and_then(|(id, state)| {
                let proposal = after.facts.proposal(id.parse().ok()?)?;
                Some(format!("Proposal {} is now {state}", proposal.number))
            });
            let ratified = |reading: &Reading| {
                reading.facts.engines.values().map(|engine| engine.revisions.last().map(|revision| revision.hash)).collect::<Vec<_>>()
            };
            let mut what = vec!["proposals", "log"];
            if ratified(&before) != ratified(&after) {
                what.push("parameters");
            }
            self.tell(what, note);
        } else if round.block != before.block {
            self.tell(vec!["block"], None);
        }
        Ok(())
    }

    /// Compares the log with its largest final anchor, once. A contradiction is told by the log itself, from then on.
    async fn compare_with_anchors(&self, reading: &Reading) {
        let origin = origin_hash(self.log.origin());
        let anchors = reading.facts.anchored(origin, &reading.anchorers(origin));
        let Some(newest) = anchors.into_iter().find(|anchor| anchor.moment.block <= reading.settings.finalized) else { return };
        if self.compared.swap(newest.size, Ordering::Relaxed) == newest.size {
            return;
        }
        match self.log.compare_anchor(newest.size, Hash(newest.root.0)).await {
            Ok(()) | Err(LogError::ReadOnly(_)) => {}
            Err(failed) => {
                // Asked again with the next block.
                self.compared.store(0, Ordering::Relaxed);
                error!("the log could not be compared with its anchor: {failed}");
            }
        }
    }

    async fn read_settings(&self, node: &Node) -> Result<(), crate::chain::NodeError> {
        let Source { governor, timelock, token, .. } = self.reading().source;
        let at = BlockId::latest();
        let number = |value: alloy_primitives::U256| u64::try_from(value).unwrap_or(u64::MAX);
        let settings = Settings {
            timelock_delay: number(node.call(timelock, Timelock::getMinDelayCall {}, at).await?),
            voting_delay: number(node.call(governor, Governor::votingDelayCall {}, at).await?),
            voting_period: number(node.call(governor, Governor::votingPeriodCall {}, at).await?),
            proposal_threshold: node.call(governor, Governor::proposalThresholdCall {}, at).await?,
            token_symbol: node.call(token, VoteToken::symbolCall {}, at).await?,
            treasury_wei: node.balance(timelock).await?,
            // Not every chain has a notion of it.
            finalized: node.block_at(BlockNumberOrTag::Finalized).await.map_or(0, |block| block.header.number),
        };
        if *self.reading().settings != settings {
            self.swap(|reading| reading.settings = Arc::new(settings));
        }
        Ok(())
    }

    fn failed(&self, error: &FollowError) {
        let problem = match error {
            FollowError::Node(node) => node.in_public(),
            FollowError::Store(_) => "the database failed".to_owned(),
            _ if self.log.read_only().is_some() => "nothing new can be recorded while the explanation log is read-only".to_owned(),
            other => other.to_string(),
        };
        let mut health = self.health.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if health.problem.as_deref() != Some(&problem) {
            warn!("the chain could not be followed: {error}");
            health.problem = Some(problem);
        }
    }

    /// Starts following, executing and publishing; returns at once.
    pub fn start(self: &Arc<Self>) -> Result<(), StartError> {
        let key = executor_key(&self.config)?;
        let mut work = vec![tokio::spawn(follow(self.clone()))];
        if let Some(key) = key {
            work.push(tokio::spawn(execute(self.clone(), key)));
        } else {
            info!("no executor key: this bridge reads and explains, others must queue and execute");
        }
        work.extend([tokio::spawn(publish(self.clone())), tokio::spawn(mirror(self.clone())), tokio::spawn(index(self.clone()))]);
        *self.work.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = work;
        Ok(())
    }

    /// Ends what [`start`](Self::start) began, wherever it is. What was not committed is done by the next one.
    pub fn stop(&self) {
        for work in self.work.lock().unwrap_or_else(std::sync::PoisonError::into_inner).drain(..) {
            work.abort();
        }
    }
}

/// The key of the account that queues, executes and anchors, if there is one.
fn executor_key(config: &Config) -> Result<Option<PrivateKeySigner>, StartError> {
    let Some(path) = &config.executor_key else { return Ok(None) };
    let text = String::from_utf8_lossy(&read(path)?).trim().to_owned();
    text.parse().map(Some).map_err(|_| StartError::Key(path.display().to_string()))
}

async fn last_block(store: &Store, source: &Source) -> Result<(u64, u64), sea_orm::DbErr> {
    use crate::store::entities::block;
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
    let row =
        block::Entity::find().filter(block::Column::Source.eq(source.key())).order_by_desc(block::Column::Number).one(&store.db).await?;
    Ok(row.map_or((0, 0), |row| (row.number as u64, row.timestamp as u64)))
}

/// How far the store's tables have grown, to notice what another process wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Held {
    last_event: Option<i64>,
    decisions: u64,
    models: u64,
    backgrounds: u64,
}

impl Held {
    async fn by(store: &Store) -> Result<Self, sea_orm::DbErr> {
        use crate::store::entities::{background, decision, event, model};
        use sea_orm::{EntityTrait, PaginatorTrait, QueryOrder, QuerySelect};
        let last_event = event::Entity::find()
            .select_only()
            .column(event::Column::Id)
            .order_by_desc(event::Column::Id)
            .into_tuple()
            .one(&store.db)
            .await?;
        Ok(Self {
            last_event,
            decisions: decision::Entity::find().count(&store.db).await?,
            models: model::Entity::find().count(&store.db).await?,
            backgrounds: background::Entity::find().count(&store.db).await?,
        })
    }
}

async fn load_states(store: &Store, source: &Source) -> Result<Vec<proposal::Model>, sea_orm::DbErr> {
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
    proposal::Entity::find().filter(proposal::Column::Source.eq(source.key())).all(&store.db).await
}

async fn follow(bridge: Arc<Bridge>) {
    let source = bridge.reading().source.clone();
    loop {
        let started = match Node::connect(&bridge.config.dao.rpc).await {
            Ok(node) => {
                *bridge.node.write().await = Some(node.clone());
                Follower::new(source.clone(), bridge.store.clone(), node).await
            }
            Err(error) => Err(error.into()),
        };
        match started {
            Err(error) => {
                bridge.failed(&error);
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
            Ok(mut follower) => {
                let mut settings_read: Option<SystemTime> = None;
                loop {
                    let round = match follower.next().await {
                        Ok(round) => round,
                        Err(error) => {
                            bridge.failed(&error);
                            // The follower may have connected anew; the executor goes with it.
                            *bridge.node.write().await = Some(follower.node.clone());
                            continue;
                        }
                    };
                    if let Err(error) = bridge.after_round(&round).await {
                        error!("the reading could not be made: {error}");
                    }
                    let stale = settings_read.is_none_or(|at| at.elapsed().is_ok_and(|age| age > Duration::from_secs(15)));
                    if stale || !round.states_changed.is_empty() {
                        *bridge.node.write().await = Some(follower.node.clone());
                        match bridge.read_settings(&follower.node).await {
                            Ok(()) => settings_read = Some(SystemTime::now()),
                            Err(error) => warn!("the DAO's settings could not be read: {error}"),
                        }
                    }
                }
            }
        }
    }
}

/// Compares the log with what the chain says of it right now. The database may be an old one, and then its own copy of the
/// chain is as old; a node that does not answer is asked again by the follower, whose findings are compared as well.
async fn compare_with_chain(log: &Log, reading: &Reading, rpc: &str) -> Result<(), LogError> {
    let Some(contract) = reading.source.log_anchor.filter(|contract| !contract.is_zero()) else { return Ok(()) };
    let Ok(Ok(node)) = tokio::time::timeout(Duration::from_secs(3), Node::connect(rpc)).await else { return Ok(()) };
    // What another chain holds at this address is nothing to compare with; the follower says that it is the wrong one.
    if !node.chain_id().await.is_ok_and(|id| id == reading.source.chain_id) {
        return Ok(());
    }
    let origin = origin_hash(log.origin());
    for account in reading.anchorers(origin) {
        let latest = node.call(contract, LogAnchor::latestCall { account, origin }, BlockId::finalized()).await;
        if let Ok(latest) = latest
            && latest.size > 0
        {
            log.compare_anchor(latest.size, Hash(latest.root.0)).await?;
        }
    }
    Ok(())
}

async fn execute(bridge: Arc<Bridge>, key: PrivateKeySigner) {
    let mut head = bridge.head.subscribe();
    let mut anchorer = Anchorer::new(bridge.log.clone(), Duration::from_secs(bridge.config.log.anchor_every));
    loop {
        // A new block, or a moment: a state may become due without an event.
        let _ = tokio::time::timeout(Duration::from_millis(500), head.changed()).await;
        if !bridge.health().followed {
            continue;
        }
        let Some(node) = bridge.node().await else { continue };
        let reading = bridge.reading();
        // One after the other: both use the account's nonces. A decision is shown before what rests on it is tried.
        anchorer.round(&Submitter::new(reading.source.clone(), bridge.store.clone(), node.clone(), key.clone()), &reading).await;
        Executor::new(reading.source.clone(), bridge.store.clone(), node, key.clone()).round(&reading.facts).await;
    }
}

/// Makes entries findable that were logged before there was an index.
async fn index(bridge: Arc<Bridge>) {
    match bridge.log.index_missing().await {
        Ok(0) => {}
        Ok(count) => info!("{count} older log entries were indexed for searching"),
        Err(failed) => error!("older log entries could not be indexed for searching; the next start goes on: {failed}"),
    }
}

/// Publishes a checkpoint within a second of any new entry, and sweeps up now and then.
async fn publish(bridge: Arc<Bridge>) {
    let mut every = tokio::time::interval(Duration::from_millis(500));
    for tick in 0_u64.. {
        every.tick().await;
        // Every ten minutes.
        if tick % 1_200 == 0
            && let Err(failed) = crate::store::Sessions(bridge.store.clone()).forget_expired().await
        {
            error!("expired sessions could not be deleted: {failed}");
        }
        match bridge.publish().await {
            // Said once, when it was found; pages repeat it.
            Ok(()) | Err(LogError::ReadOnly(_) | LogError::Unwitnessed(_)) => {}
            Err(failed) => error!("the checkpoint could not be published: {failed}"),
        }
    }
}

/// Copies what was published to the mirror, if there is one.
async fn mirror(bridge: Arc<Bridge>) {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        // What goes wrong is kept for the log's page, and tried again.
        let _ = bridge.log.copy_to_mirror().await;
    }
}
