//! The fold of raw events into what happened, in the order of the chain.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolEvent;
use governance::onchain::abi::{GenerativeToken, Governor, ParameterRegistry, Timelock, VoteToken};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};

use super::{Anchor, EngineFacts, Requirement, VerdictFacts};
use crate::{
    source::Source,
    store::entities::{event, proposal},
};

/// Where on the chain something happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    pub block: u64,
    pub at: u64,
    pub transaction: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoteFacts {
    pub voter: Address,
    pub support: u8,
    pub weight: U256,
    pub reason: String,
    pub moment: Moment,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalFacts {
    pub id: U256,
    /// From 1, in the order of creation.
    pub number: u64,
    pub proposer: Address,
    pub targets: Vec<Address>,
    pub values: Vec<U256>,
    pub calldatas: Vec<Bytes>,
    pub description: String,
    pub vote_start: u64,
    pub vote_end: u64,
    pub created: Moment,
    pub votes: Vec<VoteFacts>,
    pub queued: Option<Moment>,
    pub executed: Option<Moment>,
    pub canceled: Option<Moment>,
    /// From `state()`.
    pub state: String,
    pub eta: Option<u64>,
    pub quorum: Option<U256>,
    /// Why the executor could not carry it on, if so.
    pub obstacle: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mint {
    pub to: Address,
    pub first: u64,
    pub quantity: u64,
    pub at: u64,
    pub block: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub proposals: Vec<ProposalFacts>,
    pub(super) by_id: BTreeMap<U256, usize>,
    pub engines: BTreeMap<String, EngineFacts>,
    pub mints: Vec<Mint>,
    /// Times of transfers between collectors.
    pub transfers: Vec<u64>,
    pub collectors: BTreeMap<Address, u64>,
    pub members: BTreeSet<Address>,
    /// Operations the timelock scheduled, by the transaction that did.
    pub scheduled: BTreeMap<String, B256>,
    /// Roots that anybody anchored, in the order of the chain; [`Facts::anchored`] tells whose.
    pub anchors: Vec<Anchor>,
    /// Decisions that were shown to be in a log: by whose anchors, in which log, and the digest.
    pub logged: BTreeSet<(Address, B256, B256)>,
    /// Hashes of the vkeys that accounts announced for a log, in the order of the chain; the last of each counts.
    pub log_keys: BTreeMap<(Address, B256), Vec<B256>>,
    /// What the registry asks of decisions, by engine.
    pub requirements: BTreeMap<String, Requirement>,
    /// What anybody said of decisions, in the order of the chain.
    pub verdicts: Vec<VerdictFacts>,
}

impl Facts {
    pub async fn load(db: &impl ConnectionTrait, source: &Source) -> Result<Self, DbErr> {
        let events = event::Entity::find()
            .filter(event::Column::Source.eq(source.key()))
            .order_by_asc(event::Column::BlockNumber)
            .order_by_asc(event::Column::LogIndex)
            .all(db)
            .await?;
        let states = proposal::Entity::find().filter(proposal::Column::Source.eq(source.key())).all(db).await?;
        let mut facts = Self::default();
        for event in &events {
            facts.take(source, event);
        }
        facts.join_states(&states);
        Ok(facts)
    }

    /// Whether these states are the ones already joined.
    pub fn holds(&self, states: &[proposal::Model]) -> bool {
        states.iter().all(|row| {
            row.proposal_id.parse().ok().and_then(|id| self.proposal(id)).is_none_or(|proposal| {
                proposal.state == row.state
                    && proposal.eta == row.eta.map(|eta| eta as u64)
                    && proposal.quorum == row.quorum.parse().ok()
                    && proposal.obstacle == row.obstacle
            })
        })
    }

    /// Puts what `state()` said beside what the events said.
    pub fn join_states(&mut self, states: &[proposal::Model]) {
        for row in states {
            let Some(proposal) = row.proposal_id.parse().ok().and_then(|id| self.by_id.get(&id)).map(|index| &mut self.proposals[*index])
            else {
                continue;
            };
            proposal.state.clone_from(&row.state);
            proposal.eta = row.eta.map(|eta| eta as u64);
            proposal.quorum = row.quorum.parse().ok();
            proposal.obstacle.clone_from(&row.obstacle);
        }
    }

    pub fn proposal(&self, id: U256) -> Option<&ProposalFacts> {
        self.by_id.get(&id).map(|index| &self.proposals[*index])
    }

    /// The proposal that a transaction executed.
    pub fn executed_in(&self, transaction: &str) -> Option<&ProposalFacts> {
        self.proposals.iter().find(|proposal| proposal.executed.as_ref().is_some_and(|moment| moment.transaction == transaction))
    }

    fn of(&mut self, id: U256) -> Option<&mut ProposalFacts> {
        self.by_id.get(&id).map(|index| &mut self.proposals[*index])
    }

    fn take(&mut self, source: &Source, event: &event::Model) {
        let moment = Moment { block: event.block_number as u64, at: event.timestamp as u64, transaction: event.transaction.clone() };
        let Some(signature) = event.signature() else { return };
        if event.is_from(source.governor) {
            self.take_governor(event, signature, moment);
        } else if event.is_from(source.registry) {
            self.take_registry(event, signature, &moment);
        } else if event.is_from(source.timelock) {
            if let Some(scheduled) = event.decoded::<Timelock::CallScheduled>() {
                self.scheduled.insert(moment.transaction, scheduled.id);
            }
        } else if event.is_from(source.token) {
            if let Some(moved) = event.decoded::<VoteToken::Transfer>() {
                self.members.insert(moved.to);
            }
        } else if source.log_anchor.is_some_and(|anchor| event.is_from(anchor)) {
            self.take_anchor(event, moment);
        } else if source.validations.is_some_and(|validations| event.is_from(validations)) {
            self.take_verdict(event);
        } else if source.art.is_some_and(|art| event.is_from(art)) {
            if let Some(minted) = event.decoded::<GenerativeToken::Minted>() {
                let number = |value: U256| u64::try_from(value).unwrap_or(u64::MAX);
                self.mints.push(Mint {
                    to: minted.to,
                    first: number(minted.firstTokenId),
                    quantity: number(minted.quantity),
                    at: moment.at,
                    block: moment.block,
                });
                self.collectors.entry(minted.to).or_insert(moment.at);
            } else if event.decoded::<GenerativeToken::Transfer>().is_some_and(|moved| !moved.from.is_zero()) {
                self.transfers.push(moment.at);
            }
        }
    }

    fn take_governor(&mut self, event: &event::Model, signature: B256, moment: Moment) {
        match signature {
            Governor::ProposalCreated::SIGNATURE_HASH => {
                let Some(created) = event.decoded::<Governor::ProposalCreated>() else { return };
                self.by_id.insert(created.proposalId, self.proposals.len());
                self.proposals.push(ProposalFacts {
                    id: created.proposalId,
                    number: self.proposals.len() as u64 + 1,
                    proposer: created.proposer,
                    targets: created.targets,
                    values: created.values,
                    calldatas: created.calldatas,
                    description: created.description,
                    vote_start: u64::try_from(created.voteStart).unwrap_or(u64::MAX),
                    vote_end: u64::try_from(created.voteEnd).unwrap_or(u64::MAX),
                    created: moment,
                    votes: vec![],
                    queued: None,
                    executed: None,
                    canceled: None,
                    state: "pending".into(),
                    eta: None,
                    quorum: None,
                    obstacle: String::new(),
                });
            }
            Governor::VoteCast::SIGNATURE_HASH => {
                let Some(vote) = event.decoded::<Governor::VoteCast>() else { return };
                if let Some(proposal) = self.of(vote.proposalId) {
                    proposal.votes.push(VoteFacts {
                        voter: vote.voter,
                        support: vote.support,
                        weight: vote.weight,
                        reason: vote.reason,
                        moment,
                    });
                }
            }
            Governor::VoteCastWithParams::SIGNATURE_HASH => {
                let Some(vote) = event.decoded::<Governor::VoteCastWithParams>() else { return };
                if let Some(proposal) = self.of(vote.proposalId) {
                    proposal.votes.push(VoteFacts {
                        voter: vote.voter,
                        support: vote.support,
                        weight: vote.weight,
                        reason: vote.reason,
                        moment,
                    });
                }
            }
            Governor::ProposalQueued::SIGNATURE_HASH => {
                let Some(queued) = event.decoded::<Governor::ProposalQueued>() else { return };
                if let Some(proposal) = self.of(queued.proposalId) {
                    proposal.queued = Some(moment);
                }
            }
            Governor::ProposalExecuted::SIGNATURE_HASH => {
                let Some(executed) = event.decoded::<Governor::ProposalExecuted>() else { return };
                if let Some(proposal) = self.of(executed.proposalId) {
                    proposal.executed = Some(moment);
                }
            }
            Governor::ProposalCanceled::SIGNATURE_HASH => {
                let Some(canceled) = event.decoded::<Governor::ProposalCanceled>() else { return };
                if let Some(proposal) = self.of(canceled.proposalId) {
                    proposal.canceled = Some(moment);
                }
            }
            Governor::ProposalExtended::SIGNATURE_HASH => {
                let Some(extended) = event.decoded::<Governor::ProposalExtended>() else { return };
                if let Some(proposal) = self.of(extended.proposalId) {
                    proposal.vote_end = extended.extendedDeadline;
                }
            }
            _ => {}
        }
    }

    fn take_registry(&mut self, event: &event::Model, signature: B256, moment: &Moment) {
        match signature {
            ParameterRegistry::ParameterDefined::SIGNATURE_HASH => {
                let Some(defined) = event.decoded::<ParameterRegistry::ParameterDefined>() else { return };
                EngineFacts::of(&mut self.engines, defined.engine).define(&defined, moment);
            }
            ParameterRegistry::ParameterChanged::SIGNATURE_HASH => {
                let Some(changed) = event.decoded::<ParameterRegistry::ParameterChanged>() else { return };
                EngineFacts::of(&mut self.engines, changed.engine).change(&changed, moment);
            }
            ParameterRegistry::LogRequirementChanged::SIGNATURE_HASH => self.take_requirement(event),
            ParameterRegistry::ParameterSetChanged::SIGNATURE_HASH => {
                let Some(set) = event.decoded::<ParameterRegistry::ParameterSetChanged>() else { return };
                EngineFacts::of(&mut self.engines, set.engine).ratify(&set, moment);
            }
            _ => {}
        }
    }
}
