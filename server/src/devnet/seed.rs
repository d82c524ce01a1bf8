//! Plays the story on a fresh chain: everything at its own time, in order, the same on every run.
//!
//! Events wait in a queue ordered by time. Most are known from the beginning; a vote's end brings a queueing, a queueing
//! an execution. What the registry and the art token hold is kept alongside, as the story needs it to draft proposals,
//! and compared with the chain at the end.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    path::Path,
};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, sol};
use governance::{
    log::origin_hash,
    onchain::abi::{GenerativeToken, Governor, ParameterRegistry, Timelock, ValidationRegistry, VoteToken},
    parameter::{Definition, ParameterSet, Value},
    proposal::{Action, Call, Compiled, Draft, Known, ParameterInput, ProposalState, compile},
};
use serde_json::json;

use super::{
    DevnetError,
    contracts::{Contracts, define_tideline, engine_word, marsh, tideline},
    file, market,
    people::{DEPLOYER, FIRST_COLLECTOR, FOUNDING_ETHER, PEOPLE, person},
    rpc::Rpc,
    steward::{Advice, Observed, Steward},
    story::{self, Act, Ballot, Basis, DAY, Ending, HAPPENINGS, HOUR, Happening, MOTIONS, Motion, Support},
};

sol! {
    interface Collection {
        function transferFrom(address from, address to, uint256 tokenId) external;
    }
}

/// The bridge is quick: seconds from the end of a vote to the queue, and from the eta to the execution.
const TO_QUEUE: u64 = 480;
const TO_EXECUTE: u64 = 210;
/// An agent's draft is adopted so long after its record was made.
const TO_ADOPT: u64 = 40 * 60;
const GAS: u64 = 12_000_000;
const MAX_FEE: u64 = 3_000_000_000;
const PRIORITY_FEE: u64 = 1_000_000_000;
/// Contracts that are deployed in a block of their own; the others share one.
const APART: usize = 4;
/// Receipts asked for at once.
const RECEIPTS: usize = 32;

/// A proposal as it was seeded.
#[derive(Clone, Debug)]
pub(super) struct Seeded {
    pub title: String,
    pub compiled: Compiled,
    pub ending: Ending,
}

/// What the story left behind.
#[derive(Debug)]
pub(super) struct Played {
    pub contracts: Contracts,
    pub accounts: Vec<Address>,
    pub proposals: Vec<Seeded>,
    pub minted: u64,
    /// The last block of the story.
    pub block: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Happening(usize),
    Propose(usize),
    Vote(usize, usize),
    Withdraw(usize),
    /// The vote should be over.
    Close(usize),
    Execute(usize),
    /// A day begins on which people may buy.
    Market,
    Mint {
        quantity: u64,
        newcomer: bool,
        choice: u64,
    },
    PassOn {
        choice: u64,
    },
}

/// A value in force, as drafts want it.
#[derive(Clone, Debug)]
struct Held {
    definition: Definition,
    value: Value,
    changed_at: u64,
}

/// The registry's contents.
#[derive(Clone, Debug, Default)]
struct Shelf {
    revision: u64,
    held: BTreeMap<String, Held>,
}

impl Shelf {
    fn hash(&self) -> B256 {
        let parameters = self.held.iter().map(|(key, held)| (key.clone(), (held.definition.clone(), held.value.clone()))).collect();
        ParameterSet { engine: story::ENGINE.into(), revision: self.revision, parameters }.hash()
    }

    fn set(&mut self, changes: &[(String, String)], at: u64) -> Result<(), DevnetError> {
        for (key, text) in changes {
            let refused = |reason: String| DevnetError::story(key, reason);
            let held = self.held.get_mut(key).ok_or_else(|| refused("it is no parameter".into()))?;
            let value = Value::from_text(&held.definition, text).map_err(|error| refused(error.to_string()))?;
            held.definition.check(&value, &held.value, held.changed_at, at).map_err(|error| refused(error.to_string()))?;
            held.value = value;
            held.changed_at = at;
        }
        self.revision += 1;
        Ok(())
    }

    fn number(&self, key: &str) -> i128 {
        self.held.get(key).map_or(0, |held| held.value.raw())
    }
}

/// Who owns what, and who bought when.
#[derive(Debug, Default)]
struct Ledger {
    /// Owner of each token; token 1 stands first.
    owners: Vec<Address>,
    /// When, by whom, how many.
    mints: Vec<(u64, Address, u64)>,
    passed_on: Vec<u64>,
    first_mint: BTreeMap<Address, u64>,
    newcomers: usize,
    /// Cadence from a moment on, since the first definition.
    cadences: Vec<(u64, i128)>,
    /// Who missed out yesterday and comes again.
    returning: u64,
}

impl Ledger {
    fn minted_between(&self, after: u64, until: u64) -> u64 {
        self.mints.iter().filter(|(at, ..)| *at > after && *at <= until).map(|(.., quantity)| quantity).sum()
    }

    fn minted_on_day_of(&self, at: u64) -> u64 {
        self.mints.iter().filter(|(minted, ..)| minted / DAY == at / DAY).map(|(.., quantity)| quantity).sum()
    }

    fn cadence_at(&self, at: u64) -> i128 {
        self.cadences.iter().rev().find(|(since, _)| *since <= at).or(self.cadences.first()).map_or(0, |(_, cadence)| *cadence)
    }
}

struct Play<'a> {
    node: &'a Rpc,
    accounts: Vec<Address>,
    contracts: Contracts,
    steward: Steward,
    ledger_steward: Steward,
    decisions: &'a Path,
    queue: BinaryHeap<Reverse<(u64, u64, Event)>>,
    queued: u64,
    time: u64,
    block: u64,
    shelf: Shelf,
    ledger: Ledger,
    proposals: BTreeMap<usize, Seeded>,
    /// The decision that a proposal rests on.
    digests: BTreeMap<usize, B256>,
    /// What each proposal does to the registry once it runs.
    changes: BTreeMap<usize, Vec<(String, String)>>,
    sent: Vec<(B256, String)>,
    records: usize,
}

/// Plays the whole story on a chain that is at its first block. Decision records go to the folder `decisions`.
pub(super) async fn play(node: &Rpc, decisions: &Path) -> Result<Played, DevnetError> {
    let accounts: Vec<Address> = node.call("eth_accounts", json!([])).await?;
    let deployer = *accounts.get(DEPLOYER).ok_or_else(|| DevnetError::story("the accounts", "too few of them"))?;
    let contracts = Contracts::foreseen(deployer);
    let steward = Steward::cadence(contracts.art, contracts.registry)?;
    let ledger_steward = Steward::ledger(contracts.art, contracts.registry)?;
    let mut play = Play {
        node,
        accounts,
        contracts,
        steward,
        ledger_steward,
        decisions,
        queue: BinaryHeap::new(),
        queued: 0,
        time: story::GENESIS,
        block: 0,
        shelf: Shelf::default(),
        ledger: Ledger::default(),
        proposals: BTreeMap::new(),
        digests: BTreeMap::new(),
        changes: BTreeMap::new(),
        sent: Vec::new(),
        records: 0,
    };
    node.send("evm_setAutomine", json!([false])).await?;
    play.found().await?;
    play.plan()?;
    while let Some(Reverse((at, _, event))) = play.queue.pop() {
        if at >= story::ARRIVAL {
            break;
        }
        play.step(at, event).await?;
    }
    play.mine(story::ARRIVAL).await?;
    play.check().await?;
    node.send("evm_setAutomine", json!([true])).await?;
    Ok(Played {
        contracts: play.contracts,
        accounts: play.accounts,
        proposals: play.proposals.into_values().collect(),
        minted: play.ledger.owners.len() as u64,
        block: play.block,
    })
}

impl Play<'_> {
    fn account(&self, slug: &str) -> Result<Address, DevnetError> {
        let person = person(slug).ok_or_else(|| DevnetError::story(slug, "nobody has this name"))?;
        Ok(self.accounts[person.account])
    }

    fn at(&mut self, time: u64, event: Event) {
        self.queued += 1;
        self.queue.push(Reverse((time, self.queued, event)));
    }

    /// Mines a block at `time`, or a second after the last if that is over.
    async fn mine(&mut self, time: u64) -> Result<(), DevnetError> {
        self.time = time.max(self.time + 1);
        self.block += 1;
        self.node.send("evm_setNextBlockTimestamp", json!([self.time])).await?;
        self.node.send("evm_mine", json!([])).await
    }

    async fn send(
        &mut self,
        what: impl Into<String>,
        from: Address,
        to: Option<Address>,
        value: U256,
        data: Bytes,
    ) -> Result<(), DevnetError> {
        let mut transaction = json!({
            "from": from, "value": value, "input": data, "gas": format!("{GAS:#x}"),
            "maxFeePerGas": format!("{MAX_FEE:#x}"), "maxPriorityFeePerGas": format!("{PRIORITY_FEE:#x}"),
        });
        if let Some(to) = to {
            transaction["to"] = json!(to);
        }
        let hash: B256 = self.node.call("eth_sendTransaction", json!([transaction])).await?;
        self.sent.push((hash, what.into()));
        Ok(())
    }

    async fn call<C: SolCall>(&mut self, what: impl Into<String>, from: Address, to: Address, call: C) -> Result<(), DevnetError> {
        self.send(what, from, Some(to), U256::ZERO, call.abi_encode().into()).await
    }

    /// Deploys the contracts, fills the treasury, and lets everybody choose who votes for them.
    async fn found(&mut self) -> Result<(), DevnetError> {
        let deployer = self.accounts[DEPLOYER];
        for (step, (name, code)) in self.contracts.deployments(&self.accounts).into_iter().enumerate() {
            self.send(format!("deploying {name}"), deployer, None, U256::ZERO, code).await?;
            if step < APART {
                self.mine(story::GENESIS + 60 * (step as u64 + 1)).await?;
            }
        }
        self.mine(story::GENESIS + 60 * (APART as u64 + 1)).await?;
        for founder in ["ines", "teodor"] {
            let from = self.account(founder)?;
            self.send("filling the treasury", from, Some(self.contracts.timelock), marsh(FOUNDING_ETHER), Bytes::new()).await?;
        }
        self.mine(story::GENESIS + HOUR).await?;
        for person in PEOPLE.iter().filter(|person| person.marsh > 0) {
            let delegatee = self.account(if person.delegate.is_empty() { person.slug } else { person.delegate })?;
            self.call(
                format!("{} delegating", person.name),
                self.accounts[person.account],
                self.contracts.token,
                VoteToken::delegateCall { delegatee },
            )
            .await?;
        }
        self.mine(story::GENESIS + 2 * HOUR).await
    }

    fn plan(&mut self) -> Result<(), DevnetError> {
        for (place, (at, _)) in HAPPENINGS.iter().enumerate() {
            self.at(moment(at)?, Event::Happening(place));
        }
        for (place, motion) in MOTIONS.iter().enumerate() {
            self.at(moment(motion.at)?, Event::Propose(place));
        }
        self.at(market::OPENS, Event::Market);
        Ok(())
    }

    async fn step(&mut self, at: u64, event: Event) -> Result<(), DevnetError> {
        match event {
            Event::Happening(place) => {
                let (from, to, call) = match HAPPENINGS[place].1 {
                    Happening::Delegate(who, through) => (
                        self.account(who)?,
                        self.contracts.token,
                        VoteToken::delegateCall { delegatee: self.account(through)? }.abi_encode(),
                    ),
                    Happening::Give(who, whom, amount) => (
                        self.account(who)?,
                        self.contracts.token,
                        VoteToken::transferCall { to: self.account(whom)?, value: marsh(amount) }.abi_encode(),
                    ),
                    Happening::Verdict(who, on, response, report) => {
                        let place = MOTIONS.iter().position(|motion| motion.title == on);
                        let digest = place.and_then(|place| self.digests.get(&place));
                        let call = ValidationRegistry::validationResponseCall {
                            requestHash: *digest.ok_or_else(|| DevnetError::story(on, "it rests on no decision yet"))?,
                            response,
                            responseURI: report.into(),
                            responseHash: B256::ZERO,
                            tag: B256::ZERO,
                        };
                        (self.account(who)?, self.contracts.validations, call.abi_encode())
                    }
                };
                self.send("a happening", from, Some(to), U256::ZERO, call.into()).await?;
                self.mine(at).await
            }
            Event::Propose(place) => self.propose(at, place).await,
            Event::Vote(place, ballot) => self.vote(at, place, MOTIONS[place].votes[ballot]).await,
            Event::Withdraw(place) => {
                let (targets, values, calldatas, hash) = self.operation(place);
                let by = self.account(MOTIONS[place].by)?;
                self.call(
                    MOTIONS[place].title,
                    by,
                    self.contracts.governor,
                    Governor::cancelCall { targets, values, calldatas, descriptionHash: hash },
                )
                .await?;
                self.mine(at).await
            }
            Event::Close(place) => self.close(at, place).await,
            Event::Execute(place) => self.execute(at, place).await,
            Event::Market => {
                self.open_market(at);
                Ok(())
            }
            Event::Mint { quantity, newcomer, choice } => self.mint(at, quantity, newcomer, choice).await,
            Event::PassOn { choice } => self.pass_on(at, choice).await,
        }
    }

    async fn propose(&mut self, at: u64, place: usize) -> Result<(), DevnetError> {
        let motion = &MOTIONS[place];
        let by = self.account(motion.by)?;
        let shelf = self.shelf_for(motion, at)?;
        let (mut title, mut text) = (motion.title.to_owned(), motion.text.to_owned());
        let mut digest = None;
        let mut recommended = None;
        match motion.basis {
            Basis::None => {}
            Basis::Scout => digest = Some(unpublished(motion.title)),
            Basis::Steward => {
                let seen = self.observe(at - TO_ADOPT, &shelf);
                let advice =
                    self.steward.advise(&seen)?.ok_or_else(|| DevnetError::story(motion.title, "the steward would change nothing"))?;
                for (brace, value) in [("{from}", &advice.from), ("{to}", &advice.to), ("{demand}", &advice.demand), ("{why}", &advice.why)]
                {
                    title = title.replace(brace, value);
                    text = text.replace(brace, value);
                }
                self.publish(&advice)?;
                if let Some(other) = self.ledger_steward.advise(&seen)? {
                    self.publish(&other)?;
                }
                digest = Some(advice.digest);
                self.digests.insert(place, advice.digest);
                recommended = Some(advice.to);
            }
        }

        let mut changes = Vec::new();
        let actions =
            motion.acts.iter().map(|act| self.action(act, &shelf, recommended.as_deref(), &mut changes)).collect::<Result<_, _>>()?;
        let draft = Draft { title: title.clone(), text, actions, decision_digest: digest };
        let compiled = compile(&draft, &self.known(&shelf, at), Some(by))
            .map_err(|errors| DevnetError::story(&title, errors.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")))?;
        self.send(title.clone(), by, Some(self.contracts.governor), U256::ZERO, compiled.propose_calldata.clone()).await?;
        self.mine(at).await?;
        self.proposals.insert(place, Seeded { title, compiled, ending: motion.ending });
        if !changes.is_empty() {
            self.changes.insert(place, changes);
        }

        let opens = self.time + story::VOTING_DELAY;
        let period = self.node.view(self.contracts.governor, Governor::votingPeriodCall {}).await?;
        for (ballot, (.., hours, _)) in motion.votes.iter().enumerate() {
            self.at(opens + (hours * HOUR as f64) as u64, Event::Vote(place, ballot));
        }
        if let Ending::Canceled(hours) = motion.ending {
            self.at(self.time + hours * HOUR, Event::Withdraw(place));
        } else {
            self.at(opens + period.to::<u64>() + TO_QUEUE, Event::Close(place));
        }
        Ok(())
    }

    /// The parameters a proposal is drafted on: those in force, or those after what is still to run.
    fn shelf_for(&self, motion: &Motion, at: u64) -> Result<Shelf, DevnetError> {
        let mut shelf = self.shelf.clone();
        if let Some(first) = motion.after {
            let place = MOTIONS.iter().position(|earlier| earlier.title == first);
            let changes = place
                .and_then(|place| self.changes.get(&place))
                .ok_or_else(|| DevnetError::story(motion.title, format!("{first} is not waiting")))?;
            shelf.set(changes, at)?;
        }
        Ok(shelf)
    }

    fn known(&self, shelf: &Shelf, at: u64) -> Known {
        let parameters = shelf
            .held
            .iter()
            .map(|(key, held)| (key.clone(), (held.definition.clone(), held.value.display(&held.definition), held.changed_at)))
            .collect();
        Known {
            governor: self.contracts.governor,
            registry: self.contracts.registry,
            now: at,
            // There was no bridge yet whose log could have been anchored.
            log: None,
            engines: BTreeMap::from([(story::ENGINE.to_owned(), (shelf.hash(), parameters))]),
        }
    }

    fn action(
        &self,
        act: &Act,
        shelf: &Shelf,
        recommended: Option<&str>,
        changed: &mut Vec<(String, String)>,
    ) -> Result<Action, DevnetError> {
        let Contracts { token, timelock, governor, registry, art, log_anchor, .. } = self.contracts;
        let call = |target: Address, data: Vec<u8>| Action::Call(Call { target, value: U256::ZERO, calldata: data.into() });
        let mut change = |changes: Vec<(String, String)>| {
            changed.clone_from(&changes);
            let changes = changes.into_iter().map(|(key, value)| ParameterInput { key, value }).collect();
            Action::Change { engine: story::ENGINE.into(), based_on: shelf.hash(), changes }
        };
        Ok(match *act {
            Act::DefineTideline => call(registry, define_tideline().to_vec()),
            Act::ObserveTideline => {
                call(registry, ParameterRegistry::setObserverCall { engine: engine_word(), observer: art }.abi_encode())
            }
            Act::Set(values) => change(values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()),
            Act::Cadence => {
                let value = recommended.ok_or_else(|| DevnetError::story("mint.cadence", "no agent recommended it"))?;
                change(vec![("mint.cadence".into(), value.to_owned())])
            }
            Act::Ether(to, thousandths) => Action::Call(Call {
                target: self.account(to)?,
                value: U256::from(thousandths) * U256::from(10u64).pow(U256::from(15u64)),
                calldata: Bytes::new(),
            }),
            Act::Marsh(to, amount) => call(token, VoteToken::transferCall { to: self.account(to)?, value: marsh(amount) }.abi_encode()),
            Act::VotingPeriod(seconds) => call(governor, Governor::setVotingPeriodCall { newVotingPeriod: seconds as u32 }.abi_encode()),
            Act::Quorum(percent) => {
                call(governor, Governor::updateQuorumNumeratorCall { newQuorumNumerator: U256::from(percent) }.abi_encode())
            }
            Act::TimelockDelay(seconds) => call(timelock, Timelock::updateDelayCall { newDelay: U256::from(seconds) }.abi_encode()),
            Act::BaseUri(address) => call(art, GenerativeToken::setBaseURICall { baseURI: address.into() }.abi_encode()),
            Act::RequireLogged => {
                let requirement = ParameterRegistry::LogRequirement {
                    anchor: log_anchor,
                    account: self.account("executor")?,
                    origin: origin_hash(story::LOG_ORIGIN),
                    always: false,
                };
                call(registry, ParameterRegistry::setLogRequirementCall { engine: engine_word(), requirement }.abi_encode())
            }
            Act::ContractUri(address) => call(art, GenerativeToken::setContractURICall { newContractURI: address.into() }.abi_encode()),
        })
    }

    async fn vote(&mut self, at: u64, place: usize, (who, support, _, reason): Ballot) -> Result<(), DevnetError> {
        let proposal = self.id(place);
        let support = match support {
            Support::Against => 0,
            Support::For => 1,
            Support::Abstain => 2,
        };
        let what = format!("{who} voting on {}", MOTIONS[place].title);
        let (from, governor) = (self.account(who)?, self.contracts.governor);
        if reason.is_empty() {
            self.call(what, from, governor, Governor::castVoteCall { proposalId: proposal, support }).await?;
        } else {
            self.call(what, from, governor, Governor::castVoteWithReasonCall { proposalId: proposal, support, reason: reason.into() })
                .await?;
        }
        self.mine(at).await
    }

    /// Queues what passed. A quorum reached late moves the end; then this comes again.
    async fn close(&mut self, at: u64, place: usize) -> Result<(), DevnetError> {
        let proposal = self.id(place);
        let deadline = self.node.view(self.contracts.governor, Governor::proposalDeadlineCall { proposalId: proposal }).await?.to::<u64>();
        if deadline >= at {
            self.at(deadline + TO_QUEUE, Event::Close(place));
            return Ok(());
        }
        // `state` looks at the latest block's time, so there has to be one after the end.
        self.mine(at).await?;
        if self.state(place).await? != Some(ProposalState::Succeeded) {
            return Ok(());
        }
        let (targets, values, calldatas, hash) = self.operation(place);
        let executor = self.account("executor")?;
        self.call(
            format!("queueing {}", MOTIONS[place].title),
            executor,
            self.contracts.governor,
            Governor::queueCall { targets, values, calldatas, descriptionHash: hash },
        )
        .await?;
        self.mine(at + 2).await?;
        let eta = self.node.view(self.contracts.governor, Governor::proposalEtaCall { proposalId: proposal }).await?.to::<u64>();
        self.at(eta + TO_EXECUTE, Event::Execute(place));
        Ok(())
    }

    async fn execute(&mut self, at: u64, place: usize) -> Result<(), DevnetError> {
        let (targets, values, calldatas, hash) = self.operation(place);
        let executor = self.account("executor")?;
        self.call(
            format!("executing {}", MOTIONS[place].title),
            executor,
            self.contracts.governor,
            Governor::executeCall { targets, values, calldatas, descriptionHash: hash },
        )
        .await?;
        self.mine(at).await?;
        if MOTIONS[place].acts.iter().any(|act| matches!(act, Act::DefineTideline)) {
            self.shelf.revision += 1;
            self.shelf.held = tideline()
                .into_iter()
                .map(|(key, (definition, value))| (key.to_owned(), Held { definition, value, changed_at: 0 }))
                .collect();
        }
        if let Some(changes) = self.changes.get(&place) {
            self.shelf.set(changes, self.time)?;
        }
        self.ledger.cadences.push((self.time, self.shelf.number("mint.cadence")));
        Ok(())
    }

    /// Plans a day's purchases as the offer and the crowd allow.
    fn open_market(&mut self, midnight: u64) {
        let wanted = market::wanted(midnight) + self.ledger.returning;
        let offered = self.shelf.number("mint.cadence").max(0) as u64;
        let count = if self.shelf.number("mint.open") == 1 { wanted.min(offered) } else { 0 };
        self.ledger.returning = (wanted - count) / 2;
        for (choice, purchase) in market::purchases(midnight, count).into_iter().enumerate() {
            let choice = midnight / DAY * 100 + choice as u64;
            self.at(midnight + purchase.second, Event::Mint { quantity: purchase.quantity, newcomer: purchase.newcomer, choice });
        }
        for choice in 0..market::chance("resales", midnight / DAY, 1 + self.ledger.owners.len() as u64 / 90) {
            let choice = midnight / DAY * 100 + choice;
            self.at(midnight + 9 * HOUR + market::chance("resale", choice, 12 * HOUR), Event::PassOn { choice });
        }
        self.at(midnight + DAY, Event::Market);
    }

    async fn mint(&mut self, at: u64, quantity: u64, newcomer: bool, choice: u64) -> Result<(), DevnetError> {
        // The cadence may have fallen since the morning.
        let left = (self.shelf.number("mint.cadence").max(0) as u64).saturating_sub(self.ledger.minted_on_day_of(at));
        let quantity = quantity.min(left);
        if quantity == 0 || self.shelf.number("mint.open") == 0 {
            return Ok(());
        }
        let buyer = self.buyer(newcomer, choice);
        let price = U256::from(self.shelf.number("mint.price").unsigned_abs()) * U256::from(10u64).pow(U256::from(14u64));
        let call = GenerativeToken::mintCall { quantity: U256::from(quantity) }.abi_encode();
        self.send(
            format!("minting {quantity} on day {}", at / DAY),
            buyer,
            Some(self.contracts.art),
            price * U256::from(quantity),
            call.into(),
        )
        .await?;
        self.mine(at).await?;
        self.ledger.owners.extend((0..quantity).map(|_| buyer));
        self.ledger.mints.push((self.time, buyer, quantity));
        self.ledger.first_mint.entry(buyer).or_insert(self.time);
        Ok(())
    }

    /// A collector nobody has seen, or one of those who bought before, members among them.
    fn buyer(&mut self, newcomer: bool, choice: u64) -> Address {
        let unseen = self.accounts.get(FIRST_COLLECTOR + self.ledger.newcomers).copied();
        if let Some(unseen) = unseen.filter(|_| newcomer || self.ledger.newcomers < 3) {
            self.ledger.newcomers += 1;
            return unseen;
        }
        let members = ["noor", "jules", "sable", "lowell"];
        match market::chance("buyer", choice, 6) {
            0 => person(members[market::chance("member", choice, 4) as usize])
                .map_or(self.accounts[FIRST_COLLECTOR], |person| self.accounts[person.account]),
            _ => self.accounts[FIRST_COLLECTOR + market::chance("collector", choice, self.ledger.newcomers as u64) as usize],
        }
    }

    async fn pass_on(&mut self, at: u64, choice: u64) -> Result<(), DevnetError> {
        let token = market::chance("token", choice, self.ledger.owners.len() as u64) as usize;
        let Some(owner) = self.ledger.owners.get(token).copied() else { return Ok(()) };
        let to = self.accounts[FIRST_COLLECTOR + market::chance("receiver", choice, self.ledger.newcomers as u64) as usize];
        if to == owner {
            return Ok(());
        }
        let call = Collection::transferFromCall { from: owner, to, tokenId: U256::from(token + 1) };
        self.call(format!("passing on plate {}", token + 1), owner, self.contracts.art, call).await?;
        self.mine(at).await?;
        self.ledger.owners[token] = to;
        self.ledger.passed_on.push(self.time);
        Ok(())
    }

    /// Leaves a signed record for whoever follows the chain.
    fn publish(&mut self, advice: &Advice) -> Result<(), DevnetError> {
        self.records += 1;
        let path = self.decisions.join(format!("{:02}-{:x}.json", self.records, advice.digest));
        std::fs::write(&path, &advice.file).map_err(file(&path))
    }

    /// What the chain says of demand at `at`, for a recommendation on the parameters of `shelf`.
    fn observe(&self, at: u64, shelf: &Shelf) -> Observed {
        let ledger = &self.ledger;
        let week = ledger.minted_between(at - 7 * DAY, at);
        let offered: i128 = (0..7).map(|day| ledger.cadence_at(at - day * DAY)).sum();
        let rounded = |value: f64| (value * 10_000.0).round() / 10_000.0;
        Observed {
            at,
            block: self.block,
            parameter_set: shelf.hash(),
            fill_7d: if offered > 0 { rounded((week as f64 / offered as f64).min(1.0)) } else { 0.0 },
            mints_7d: week,
            mints_prev_7d: ledger.minted_between(at - 14 * DAY, at - 7 * DAY),
            new_collectors_7d: ledger.first_mint.values().filter(|first| **first > at - 7 * DAY && **first <= at).count() as u64,
            transfers_7d: ledger.passed_on.iter().filter(|passed| **passed > at - 7 * DAY && **passed <= at).count() as u64,
            price_eth: rounded(shelf.number("mint.price") as f64 / 10_000.0),
            cadence: shelf.number("mint.cadence"),
        }
    }

    fn id(&self, place: usize) -> U256 {
        self.proposals.get(&place).and_then(|seeded| seeded.compiled.proposal_id.parse().ok()).unwrap_or_default()
    }

    fn operation(&self, place: usize) -> (Vec<Address>, Vec<U256>, Vec<Bytes>, B256) {
        let Some(Seeded { compiled, .. }) = self.proposals.get(&place) else { return Default::default() };
        let calls = &compiled.calls;
        (
            calls.iter().map(|call| call.target).collect(),
            calls.iter().map(|call| call.value).collect(),
            calls.iter().map(|call| call.calldata.clone()).collect(),
            compiled.description_hash,
        )
    }

    async fn state(&self, place: usize) -> Result<Option<ProposalState>, DevnetError> {
        let state = self.node.view(self.contracts.governor, Governor::stateCall { proposalId: self.id(place) }).await?;
        Ok(ProposalState::from_chain(state))
    }

    /// Everything sent must have succeeded, and the chain must hold what the story says.
    async fn check(&self) -> Result<(), DevnetError> {
        for some in self.sent.chunks(RECEIPTS) {
            let answers = futures::future::try_join_all(some.iter().map(|(hash, _)| self.node.succeeded(*hash))).await?;
            if let Some(((_, what), answer)) = some.iter().zip(answers).find(|(_, answer)| *answer != Some(true)) {
                let reason = if answer.is_none() { "it was not mined" } else { "it reverted" };
                return Err(DevnetError::story(what, reason));
            }
        }
        for (place, seeded) in &self.proposals {
            let expected = match seeded.ending {
                Ending::Executed => ProposalState::Executed,
                Ending::Defeated => ProposalState::Defeated,
                Ending::Canceled(_) => ProposalState::Canceled,
                Ending::Queued => ProposalState::Queued,
                Ending::Active => ProposalState::Active,
                Ending::Pending => ProposalState::Pending,
            };
            let found = self.state(*place).await?;
            if found != Some(expected) {
                return Err(DevnetError::story(&seeded.title, format!("it is {found:?}, not {expected:?}")));
            }
        }
        let hash = self.node.view(self.contracts.registry, ParameterRegistry::parameterSetHashCall { engine: engine_word() }).await?;
        let minted = self.node.view(self.contracts.art, GenerativeToken::totalMintedCall {}).await?;
        let block: U256 = self.node.call("eth_blockNumber", json!([])).await?;
        if hash != self.shelf.hash() || minted != U256::from(self.ledger.owners.len()) || block != U256::from(self.block) {
            return Err(DevnetError::story(
                "the end",
                format!("the chain is at block {block} with {minted} plates and parameter set {hash}"),
            ));
        }
        Ok(())
    }
}

/// The digest of a record that its maker kept.
fn unpublished(title: &str) -> B256 {
    use sha2::{Digest, Sha256};
    B256::from_slice(&Sha256::digest(format!("palette-scout: {title}")))
}

/// Unix seconds of `YYYY-MM-DD HH:MM`, UTC.
fn moment(text: &str) -> Result<u64, DevnetError> {
    let wrong = || DevnetError::story(text, "it is not a time such as 2026-01-31 18:20");
    let mut numbers = text.split(['-', ' ', ':']).map(|part| part.parse::<i64>().map_err(|_| wrong()));
    let mut next = || numbers.next().unwrap_or_else(|| Err(wrong()));
    let (year, month, day, hour, minute) = (next()?, next()?, next()?, next()?, next()?);
    // Days since 1970-03-01 in years that begin in March, so that the leap day comes last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day - 1 - 719_468;
    u64::try_from(((days * 24 + hour) * 60 + minute) * 60).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_utc() {
        assert_eq!(moment("1970-01-01 00:00").unwrap(), 0);
        assert_eq!(moment("2025-11-10 08:00").unwrap(), story::GENESIS);
        assert_eq!(moment("2026-11-16 09:00").unwrap(), story::ARRIVAL);
        assert_eq!(moment("2028-02-29 23:59").unwrap(), 1_835_481_540);
        assert!(moment("tomorrow").is_err());
    }

    #[test]
    fn the_story_is_told_in_order_by_people_who_are_in_it() {
        let times: Vec<u64> = MOTIONS.iter().map(|motion| moment(motion.at).unwrap()).collect();
        assert!(times.is_sorted());
        for motion in MOTIONS {
            let voters = motion.votes.iter().map(|(who, ..)| *who);
            for slug in voters.chain([motion.by]) {
                assert!(person(slug).is_some_and(|person| person.marsh > 0 && person.delegate.is_empty()), "{slug} in {}", motion.title);
            }
        }
    }
}
