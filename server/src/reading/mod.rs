//! What the raw facts say, read anew whenever they change: proposals, engines, the art, decisions. Never stored.
//!
//! A better reading therefore improves everything old at once, and a reorg needs no repair here.

mod anchors;
mod art;
mod carried;
pub mod decisions;
mod engines;
mod entries;
mod explanations;
mod facts;
mod outcomes;
mod proposals;
pub mod text;
mod verdicts;

pub use anchors::{Anchor, Requirement};
pub use art::{INPUTS, Observation, observations};
pub use decisions::{Decided, Decisions, draft_id};
pub use engines::{EngineFacts, RevisionFacts, served};
pub use facts::{Facts, Mint, Moment, ProposalFacts, VoteFacts};
pub use proposals::operation;
pub use verdicts::VerdictFacts;

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256};
use app::views::Party;
use governance::{log::Anchoring, onchain::Context, proposal::Known};

use crate::{config::DaoConfig, source::Source};

/// Everything that pages and the API read from, as of one block.
#[derive(Clone, Debug)]
pub struct Reading {
    pub source: Source,
    pub dao: Arc<DaoConfig>,
    pub facts: Arc<Facts>,
    pub decisions: Arc<Decisions>,
    pub block: u64,
    pub chain_time: u64,
    /// What the contracts' own calls say, read again every few seconds and when a state changes.
    pub settings: Arc<Settings>,
    /// The newest checkpoint, and the contract to anchor it in.
    pub log: Option<Anchoring>,
    /// The account that this bridge queues, executes and anchors with, where it has a key.
    pub executor: Option<Address>,
}

/// Settings read from the contracts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub timelock_delay: u64,
    pub voting_delay: u64,
    pub voting_period: u64,
    pub proposal_threshold: alloy_primitives::U256,
    pub token_symbol: String,
    pub treasury_wei: alloy_primitives::U256,
    /// The newest block that the chain calls final; 0 where it does not say.
    pub finalized: u64,
}

impl Reading {
    /// The address book: configured names, agents, and the DAO's own contracts.
    pub fn names(&self) -> BTreeMap<Address, String> {
        let mut names: BTreeMap<Address, String> = BTreeMap::from([
            (self.source.governor, "the Governor".into()),
            (self.source.timelock, "the treasury (timelock)".into()),
            (self.source.token, format!("{} token", self.settings.token_symbol)),
            (self.source.registry, "the parameter registry".into()),
        ]);
        if let Some(art) = self.source.art {
            names.insert(art, "the art token".into());
        }
        names.extend(self.source.log_anchor.map(|anchor| (anchor, "the log anchor".into())));
        names.extend(self.source.validations.map(|validations| (validations, "the validation registry".into())));
        names.extend(self.dao.auditors.iter().map(|named| (named.address, named.name.clone())));
        names.extend(self.dao.names.iter().map(|named| (named.address, named.name.clone())));
        names
    }

    pub fn party(&self, address: Address) -> Party {
        Party { address: address.to_string(), name: self.names().get(&address).cloned() }
    }

    /// What words about calls may refer to.
    pub fn context(&self) -> Context {
        let definitions = self
            .facts
            .engines
            .iter()
            .flat_map(|(engine, facts)| {
                facts.definitions.iter().map(|(key, definition)| ((engine.clone(), key.clone()), definition.clone()))
            })
            .collect();
        Context {
            names: self.names(),
            definitions,
            registry: self.source.registry,
            governor: self.source.governor,
            timelock: self.source.timelock,
            token: self.source.token,
            art: self.source.art.unwrap_or_default(),
            log_anchor: self.source.log_anchor.unwrap_or_default(),
            validations: self.source.validations.unwrap_or_default(),
            token_symbol: self.settings.token_symbol.clone(),
        }
    }

    /// What a draft is compiled against.
    pub fn known(&self) -> Known {
        let engines = self
            .facts
            .engines
            .iter()
            .map(|(engine, facts)| {
                let parameters = facts
                    .values
                    .iter()
                    .filter_map(|(key, held)| {
                        let definition = facts.definitions.get(key)?;
                        let value = governance::parameter::Value::from_canonical(definition, &held.bytes).ok()?;
                        Some((key.clone(), (definition.clone(), value.display(definition), held.counts_from())))
                    })
                    .collect();
                (engine.clone(), (facts.revisions.last().map_or(B256::ZERO, |revision| revision.hash), parameters))
            })
            .collect();
        Known { governor: self.source.governor, registry: self.source.registry, now: self.chain_time, engines, log: self.log }
    }
}
