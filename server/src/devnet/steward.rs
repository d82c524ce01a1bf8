//! The stewards' past: the records they would have published, computed with their models from what the story's chain held
//! at the time, and signed with their keys.

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256};
use governance::explanation::{DecisionRecord, Model, decision::Input, summary};

use super::{
    DevnetError,
    anvil::CHAIN_ID,
    people::{LEDGER_KEY, STEWARD_KEY},
    story,
};
use crate::{
    agent::{self, Inputs},
    reading::INPUTS,
};

/// A steward's name, model, card and key.
type Identity = (&'static str, &'static [u8], &'static str, &'static str);

const CADENCE: Identity = (
    "Cadence steward",
    include_bytes!("../../agents/cadence-steward/model.json"),
    include_str!("../../agents/cadence-steward/card.json"),
    STEWARD_KEY,
);
const LEDGER: Identity = (
    "Ledger steward",
    include_bytes!("../../agents/ledger-steward/model.json"),
    include_str!("../../agents/ledger-steward/card.json"),
    LEDGER_KEY,
);

/// What the chain says of demand at a moment.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    pub at: u64,
    pub block: u64,
    pub parameter_set: B256,
    pub fill_7d: f64,
    pub mints_7d: u64,
    pub mints_prev_7d: u64,
    pub new_collectors_7d: u64,
    pub transfers_7d: u64,
    pub price_eth: f64,
    pub cadence: i128,
}

/// A signed record, and what a proposal says of it.
#[derive(Clone, Debug)]
pub(super) struct Advice {
    pub digest: B256,
    /// As published.
    pub file: Vec<u8>,
    pub from: String,
    pub to: String,
    pub demand: String,
    pub why: String,
}

pub(super) struct Steward {
    steward: agent::Steward,
    key: PrivateKeySigner,
    art: Address,
    registry: Address,
}

impl Steward {
    /// Whose advice members adopt in the story.
    pub fn cadence(art: Address, registry: Address) -> Result<Self, DevnetError> {
        Self::new(CADENCE, art, registry)
    }

    /// Who answers the same question with another model.
    pub fn ledger(art: Address, registry: Address) -> Result<Self, DevnetError> {
        Self::new(LEDGER, art, registry)
    }

    fn new((name, bytes, card, key): Identity, art: Address, registry: Address) -> Result<Self, DevnetError> {
        let failed = |error: &dyn std::fmt::Display| DevnetError::story(name, error.to_string());
        let model = Model::read(bytes).map_err(|error| failed(&error))?;
        let card = serde_json::from_str(card).map_err(|error| failed(&error))?;
        let steward = agent::Steward::new(name, model, bytes, &card).map_err(|error| failed(&error))?;
        let key = key.parse().map_err(|error| failed(&error))?;
        Ok(Self { steward, key, art, registry })
    }

    /// What it recommends, seeing this; `None` when nothing should change.
    pub fn advise(&self, seen: &Observed) -> Result<Option<Advice>, DevnetError> {
        let failed = |error: &dyn std::fmt::Display| DevnetError::story("a steward's record", error.to_string());
        let inputs = Inputs {
            engine: story::ENGINE.into(),
            chain: format!("eip155:{CHAIN_ID}"),
            chain_id: CHAIN_ID,
            registry: self.registry,
            block: seen.block,
            at: seen.at,
            based_on: seen.parameter_set.to_string(),
            observed: self.observed(seen),
            current: seen.cadence,
            min: 1,
            max: 60,
            max_step: 12,
        };
        let record = agent::decide(&self.steward, &inputs, self.key.address()).map_err(|error| failed(&error))?;
        let Some(record) = record else { return Ok(None) };
        let record = agent::sign(record, &self.key, CHAIN_ID, self.registry).map_err(|error| failed(&error))?;

        // Read back as anybody will, so that what is published is what was signed.
        let mut file = serde_json::to_vec_pretty(&record).map_err(|error| failed(&error))?;
        file.push(b'\n');
        let digest = record.digest();
        let read = DecisionRecord::parse(&file).map_err(|error| failed(&error))?;
        if read.digest() != digest {
            return Err(failed(&"it reads back under another digest"));
        }
        let demand = format!("{:.1}", record.output.value);
        let why = summary::one_line(&record);
        let change = record.changes.first().ok_or_else(|| failed(&"it recommends no change"))?;
        Ok(Some(Advice { digest, from: change.from.clone(), to: change.to.clone(), file, demand, why }))
    }

    fn observed(&self, seen: &Observed) -> Vec<Input> {
        let values = [
            seen.fill_7d,
            seen.mints_7d as f64,
            seen.mints_prev_7d as f64,
            seen.new_collectors_7d as f64,
            seen.transfers_7d as f64,
            seen.price_eth,
            seen.cadence as f64,
        ];
        let inputs = INPUTS.iter().zip(values).map(|((name, label, unit, of_registry), value)| Input {
            name: (*name).into(),
            label: (*label).into(),
            value: Some(value),
            unit: (*unit).into(),
            source: format!("eip155:{CHAIN_ID}:{}", if *of_registry { self.registry } else { self.art }),
            at: format!("block {}", seen.block),
        });
        inputs.collect()
    }
}
