//! The follower: reads canonical blocks of a source into the store, and nothing else writes on-chain facts.
//!
//! Each round reads the head, makes sure that what is stored is still canonical (a removed block takes its events along
//! and is told in the log), stores the next range of events with the workflow entries they cause in one transaction, and
//! refreshes what only the chain can say: `state()`, eta and quorum.

use std::{collections::BTreeMap, time::Duration};

use alloy::{eips::BlockId, rpc::types::Log};
use alloy_primitives::{Address, B256, U256};
use governance::{onchain::abi::Governor, proposal::ProposalState};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict};
use tracing::{info, warn};

use super::{Node, NodeError};
use crate::{
    log::LogError,
    reading::Facts,
    source::Source,
    store::{
        Store,
        entities::{block, cursor, event, proposal},
    },
    workflow::{self, WorkflowError},
};

/// Most blocks asked for in one `eth_getLogs`.
const RANGE: u64 = 2_000;
/// How often a node without push is asked for its head.
const POLL: Duration = Duration::from_millis(200);
/// Gaps up to this size are stored block by block, so that a reorg is found exactly.
const CLOSE: u64 = 64;
/// How many stored blocks back a reorg is looked for before starting over.
const MEMORY: u64 = 4_096;

#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error("the database failed")]
    Store(#[from] sea_orm::DbErr),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Workflow(#[from] WorkflowError),
    #[error("the node answers for chain {found}, but this DAO is on chain {needed}; check the RPC address")]
    WrongChain { found: u64, needed: u64 },
    #[error("the node's answers for block {0} do not belong together; asking again")]
    Inconsistent(u64),
}

/// What a round brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    pub block: u64,
    pub chain_time: u64,
    pub new_events: usize,
    pub states_changed: Vec<(String, String)>,
    /// Blocks had left the chain, so that something known before may be gone.
    pub rewound: bool,
    /// More blocks are waiting.
    pub behind: bool,
}

#[derive(Debug)]
pub struct Follower {
    pub source: Source,
    pub store: Store,
    pub node: Node,
    range: u64,
    /// Set until a round that follows a reorg is complete.
    rewound: bool,
    heads: Option<alloy::pubsub::Subscription<alloy::rpc::types::Header>>,
    /// How long to wait before the next round; `None` while behind.
    pause: Option<Duration>,
}

impl Follower {
    pub async fn new(source: Source, store: Store, node: Node) -> Result<Self, FollowError> {
        let found = node.chain_id().await?;
        if found != source.chain_id {
            return Err(FollowError::WrongChain { found, needed: source.chain_id });
        }
        Ok(Self { source, store, node, range: RANGE, rewound: false, heads: None, pause: None })
    }

    /// Reads one range. Call again at once while [`Round::behind`].
    pub async fn round(&mut self) -> Result<Round, FollowError> {
        let key = self.source.key();
        let head = self.node.head().await?;
        // Number and hash of the block that the next one has to follow.
        let mut before = None;
        let mut from = match cursor::Entity::find_by_id(&key).one(&self.store.db).await? {
            None => self.source.start_block,
            Some(at) => {
                let canonical = self.canonical(head, at.block_number as u64).await?;
                if canonical.as_ref() == Some(&at.block_hash) {
                    before = at.block_hash.parse::<B256>().ok().map(|hash| (at.block_number as u64, hash));
                    at.block_number as u64 + 1
                } else {
                    self.rewind(head, &at).await?
                }
            }
        };
        if from > head {
            // Nothing new, but time may have moved a state: read it at the head we know.
            from = head + 1;
        }
        let to = head.min(from.saturating_add(self.range - 1)).max(from.saturating_sub(1));
        let logs = if from <= to { self.read_logs(from, to).await? } else { vec![] };

        // Blocks to remember: all of a short range, else those with events and the last one.
        let mut numbers: Vec<u64> = logs.iter().filter_map(|log| log.block_number).collect();
        if to + 1 - from.min(to + 1) <= CLOSE {
            numbers.extend(from..=to);
        }
        numbers.push(to);
        if from <= to {
            numbers.push(from);
        }
        numbers.sort_unstable();
        numbers.dedup();
        let mut blocks = BTreeMap::new();
        for number in numbers {
            let header = self.node.block(number).await?.header;
            // A reorg while we ask: what was read so far is of another branch.
            if before.is_some_and(|(last, hash)| last + 1 == number && header.parent_hash != hash) {
                return Err(FollowError::Inconsistent(number));
            }
            before = Some((number, header.hash));
            blocks.insert(number, (header.hash, header.timestamp));
        }
        for log in &logs {
            let number = log.block_number.unwrap_or_default();
            if blocks.get(&number).map(|(hash, _)| *hash) != log.block_hash {
                return Err(FollowError::Inconsistent(number));
            }
        }
        let (hash, chain_time) = blocks[&to];

        let states = self.states(&logs, to, to < head).await?;

        let tx = self.store.begin().await?;
        for (number, (hash, timestamp)) in blocks.iter().filter(|(number, _)| **number >= from) {
            let row = block::ActiveModel {
                source: Set(key.clone()),
                number: Set(*number as i64),
                hash: Set(hash.to_string()),
                timestamp: Set(*timestamp as i64),
                ..Default::default()
            };
            let replace = OnConflict::columns([block::Column::Source, block::Column::Number])
                .update_columns([block::Column::Hash, block::Column::Timestamp])
                .to_owned();
            block::Entity::insert(row).on_conflict(replace).exec_without_returning(&tx.db).await?;
        }
        if from <= to && to % 256 == 0 {
            block::Entity::delete_many()
                .filter(block::Column::Source.eq(&key))
                .filter(block::Column::Number.lt(to.saturating_sub(MEMORY) as i64))
                .exec(&tx.db)
                .await?;
        }
        let mut rows = Vec::with_capacity(logs.len());
        for log in &logs {
            let (hash, timestamp) = blocks[&log.block_number.unwrap_or_default()];
            let row = raw_event(&key, log, hash, timestamp);
            event::Entity::insert(event::ActiveModel { id: sea_orm::ActiveValue::NotSet, ..row.clone().into() })
                .exec_without_returning(&tx.db)
                .await?;
            rows.push(row);
        }
        let states_changed = save_states(&tx, &key, &states).await?;
        if !rows.is_empty() || !states_changed.is_empty() {
            let facts = Facts::load(&tx.db, &self.source).await?;
            for row in &rows {
                workflow::record(&tx, &self.source, &facts, row).await?;
            }
            for (id, state) in &states_changed {
                workflow::vote::closed(&tx, &self.source, &facts, id.parse().unwrap_or_default(), state, chain_time).await?;
            }
        }
        let replace =
            OnConflict::column(cursor::Column::Source).update_columns([cursor::Column::BlockNumber, cursor::Column::BlockHash]).to_owned();
        let at = cursor::ActiveModel { source: Set(key.clone()), block_number: Set(to as i64), block_hash: Set(hash.to_string()) };
        cursor::Entity::insert(at).on_conflict(replace).exec_without_returning(&tx.db).await?;
        tx.commit().await?;

        let rewound = std::mem::take(&mut self.rewound);
        if !rows.is_empty() {
            info!(source = %key, block.from = from, block.to = to, events = rows.len(), "followed blocks {from} to {to}: {} events", rows.len());
        }
        Ok(Round { block: to, chain_time, new_events: rows.len(), states_changed, rewound, behind: to < head })
    }

    async fn canonical(&self, head: u64, number: u64) -> Result<Option<String>, FollowError> {
        if number > head {
            return Ok(None);
        }
        Ok(Some(self.node.block(number).await?.header.hash.to_string()))
    }

    /// Asks for logs, with a smaller range when the node finds it too large.
    async fn read_logs(&mut self, from: u64, to: u64) -> Result<Vec<Log>, FollowError> {
        match self.node.logs(&self.source.addresses(), from, to).await {
            Ok(mut logs) => {
                self.range = (self.range * 2).min(RANGE);
                logs.retain(|log| !log.removed);
                logs.sort_by_key(|log| (log.block_number, log.log_index));
                Ok(logs)
            }
            Err(error) => {
                if !error.is_transient() && to > from {
                    self.range = (to - from).div_ceil(2).max(1);
                    warn!(source = %self.source.key(), range = self.range, "the node refused a range of {} blocks; asking for {}", to - from + 1, self.range);
                }
                Err(error.into())
            }
        }
    }

    /// Finds the newest stored block that is still canonical, removes what came after it, and tells so in the log.
    async fn rewind(&mut self, head: u64, at: &cursor::Model) -> Result<u64, FollowError> {
        let key = self.source.key();
        let remembered =
            block::Entity::find().filter(block::Column::Source.eq(&key)).order_by_desc(block::Column::Number).all(&self.store.db).await?;
        let mut kept: Option<block::Model> = None;
        for stored in remembered {
            if self.canonical(head, stored.number as u64).await? == Some(stored.hash.clone()) {
                kept = Some(stored);
                break;
            }
        }
        let base = kept.as_ref().map_or(self.source.start_block as i64 - 1, |block| block.number);
        warn!(source = %key, from = base + 1, to = at.block_number, "reorg: blocks {} to {} are no longer canonical", base + 1, at.block_number);

        let tx = self.store.begin().await?;
        let removed = event::Entity::find()
            .filter(event::Column::Source.eq(&key))
            .filter(event::Column::BlockNumber.gt(base))
            .order_by_asc(event::Column::BlockNumber)
            .order_by_asc(event::Column::LogIndex)
            .all(&tx.db)
            .await?;
        for row in &removed {
            workflow::correct(&tx, &self.source, row).await?;
            if let Some(created) = row.decoded::<Governor::ProposalCreated>() {
                proposal::Entity::delete_many()
                    .filter(proposal::Column::Source.eq(&key))
                    .filter(proposal::Column::ProposalId.eq(created.proposalId.to_string()))
                    .exec(&tx.db)
                    .await?;
            }
        }
        // A final state may have come from a removed block: let the chain say it again.
        proposal::Entity::update_many()
            .col_expr(proposal::Column::State, "pending".into())
            .filter(proposal::Column::Source.eq(&key))
            .exec(&tx.db)
            .await?;
        event::Entity::delete_many()
            .filter(event::Column::Source.eq(&key))
            .filter(event::Column::BlockNumber.gt(base))
            .exec(&tx.db)
            .await?;
        block::Entity::delete_many().filter(block::Column::Source.eq(&key)).filter(block::Column::Number.gt(base)).exec(&tx.db).await?;
        match &kept {
            Some(block) => {
                cursor::Entity::update_many()
                    .col_expr(cursor::Column::BlockNumber, block.number.into())
                    .col_expr(cursor::Column::BlockHash, block.hash.clone().into())
                    .filter(cursor::Column::Source.eq(&key))
                    .exec(&tx.db)
                    .await?;
            }
            None => {
                cursor::Entity::delete_many().filter(cursor::Column::Source.eq(&key)).exec(&tx.db).await?;
            }
        }
        tx.commit().await?;
        self.rewound = true;
        Ok((base + 1) as u64)
    }

    /// Asks the chain for the state of every proposal that may still move, new ones included.
    ///
    /// Nodes forget the states of old blocks, so that while `behind` new proposals are only noted; the head tells the rest.
    async fn states(&self, logs: &[Log], block: u64, behind: bool) -> Result<Vec<proposal::ActiveModel>, FollowError> {
        let key = self.source.key();
        let at = BlockId::number(block);
        let mut open: BTreeMap<String, Option<proposal::Model>> = proposal::Entity::find()
            .filter(proposal::Column::Source.eq(&key))
            .filter(
                proposal::Column::State.is_not_in(ProposalState::ALL.into_iter().filter(|state| state.is_final()).map(ProposalState::name)),
            )
            .all(&self.store.db)
            .await?
            .into_iter()
            .map(|row| (row.proposal_id.clone(), Some(row)))
            .collect();
        for log in logs.iter().filter(|log| log.address() == self.source.governor) {
            if let Ok(created) = log.log_decode::<Governor::ProposalCreated>() {
                open.entry(created.inner.data.proposalId.to_string()).or_insert(None);
            }
        }
        if behind {
            let noted = |id| proposal::ActiveModel {
                source: Set(key.clone()),
                proposal_id: Set(id),
                state: Set("pending".into()),
                eta: Set(None),
                quorum: Set(String::new()),
                obstacle: Set(String::new()),
                ..Default::default()
            };
            return Ok(open.into_iter().filter(|(_, row)| row.is_none()).map(|(id, _)| noted(id)).collect());
        }
        let mut states = Vec::with_capacity(open.len());
        for (id, row) in open {
            let proposal_id: U256 = id.parse().unwrap_or_default();
            let governor = self.source.governor;
            let number = self.node.call(governor, Governor::stateCall { proposalId: proposal_id }, at).await?;
            let state = ProposalState::from_chain(number).map_or_else(|| format!("state {number}"), |state| state.name().to_owned());
            let eta = match state.as_str() {
                "queued" | "executed" => {
                    u64::try_from(self.node.call(governor, Governor::proposalEtaCall { proposalId: proposal_id }, at).await?)
                        .ok()
                        .filter(|eta| *eta > 0)
                }
                _ => None,
            };
            // A node that mines between the two calls answers the second from another block. Nothing is queued
            // without a moment to run at, so what is known stays, and the next round asks again.
            if state == "queued" && eta.is_none() {
                continue;
            }
            let known = row.as_ref().map(|row| row.quorum.clone()).filter(|quorum| !quorum.is_empty());
            let quorum = match known {
                Some(quorum) => quorum,
                None if state == "pending" => String::new(),
                None => {
                    let snapshot = self.node.call(governor, Governor::proposalSnapshotCall { proposalId: proposal_id }, at).await?;
                    self.node
                        .call(governor, Governor::quorumCall { timepoint: snapshot }, at)
                        .await
                        .map(|quorum| quorum.to_string())
                        .unwrap_or_default()
                }
            };
            states.push(proposal::ActiveModel {
                source: Set(key.clone()),
                proposal_id: Set(id),
                state: Set(state),
                eta: Set(eta.or(row.as_ref().and_then(|row| row.eta.map(|eta| eta as u64))).map(|eta| eta as i64)),
                quorum: Set(quorum),
                obstacle: Set(row.map(|row| row.obstacle).unwrap_or_default()),
                ..Default::default()
            });
        }
        Ok(states)
    }

    /// The next round: at once while behind, else when the node tells of a new head or a moment has passed.
    pub async fn next(&mut self) -> Result<Round, FollowError> {
        if let Some(pause) = self.pause {
            match self.heads.as_mut() {
                None => tokio::time::sleep(pause).await,
                Some(heads) => {
                    if let Ok(Err(_)) = tokio::time::timeout(pause.max(Duration::from_secs(2)), heads.recv()).await {
                        // The subscription ended; the next failure or success below decides what to do.
                        self.heads = None;
                    }
                }
            }
        }
        let answer = self.round().await;
        match &answer {
            Ok(round) => {
                self.pause = (!round.behind).then_some(POLL);
                if self.heads.is_none() && !round.behind {
                    self.heads = self.node.subscribe().await;
                }
            }
            Err(error) => {
                self.pause = Some(self.pause.map_or(POLL, |pause| (pause * 2).min(Duration::from_secs(2))));
                self.heads = None;
                let lost = matches!(error, FollowError::Node(error) if error.is_transient());
                // A connection that broke is not mended by asking again.
                if lost && let Ok(node) = Node::connect(&self.node.url).await {
                    self.node = node;
                }
            }
        }
        answer
    }
}

async fn save_states(tx: &crate::store::Tx, key: &str, states: &[proposal::ActiveModel]) -> Result<Vec<(String, String)>, FollowError> {
    let before: BTreeMap<String, String> = proposal::Entity::find()
        .filter(proposal::Column::Source.eq(key))
        .all(&tx.db)
        .await?
        .into_iter()
        .map(|row| (row.proposal_id, row.state))
        .collect();
    let mut changed = Vec::new();
    for row in states {
        let (id, state) = (row.proposal_id.clone().unwrap(), row.state.clone().unwrap());
        if before.get(&id) != Some(&state) {
            changed.push((id, state));
        }
        let replace = OnConflict::columns([proposal::Column::Source, proposal::Column::ProposalId])
            .update_columns([proposal::Column::State, proposal::Column::Eta, proposal::Column::Quorum])
            .to_owned();
        proposal::Entity::insert(row.clone()).on_conflict(replace).exec_without_returning(&tx.db).await?;
    }
    Ok(changed)
}

fn raw_event(source: &str, log: &Log, hash: B256, timestamp: u64) -> event::Model {
    let topics: Vec<String> = log.topics().iter().map(B256::to_string).collect();
    event::Model {
        id: 0,
        source: source.to_owned(),
        block_number: log.block_number.unwrap_or_default() as i64,
        block_hash: hash.to_string(),
        timestamp: timestamp as i64,
        transaction: log.transaction_hash.unwrap_or_default().to_string(),
        log_index: log.log_index.unwrap_or_default() as i64,
        contract: Address::to_string(&log.address()),
        topics: serde_json::to_string(&topics).unwrap_or_default(),
        data: log.data().data.to_string(),
    }
}
