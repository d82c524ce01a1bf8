//! The cadence steward's past: the records it would have published, computed with its model from what the story's chain
//! held at the time, and signed with its key.

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256};
use governance::explanation::{DecisionRecord, Model, decision::Input, summary};

use super::{DevnetError, anvil::CHAIN_ID, people::STEWARD_KEY, story};
use crate::{
    agent::{self, Inputs},
    reading::INPUTS,
};

const MODEL: &[u8] = include_bytes!("../../agents/cadence-steward/model.json");
const CARD: &str = include_str!("../../agents/cadence-steward/card.json");

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
    pub fn new(art: Address, registry: Address) -> Result<Self, DevnetError> {
        let failed = |error: &dyn std::fmt::Display| DevnetError::story("the cadence steward", error.to_string());
        let model = Model::from_xgboost_json(MODEL).map_err(|error| failed(&error))?;
        let card = serde_json::from_str(CARD).map_err(|error| failed(&error))?;
        let steward = agent::Steward::new(model, MODEL, &card).map_err(|error| failed(&error))?;
        let key = STEWARD_KEY.parse().map_err(|error| failed(&error))?;
        Ok(Self { steward, key, art, registry })
    }

    /// What it recommends, seeing this.
    pub fn advise(&self, seen: &Observed) -> Result<Advice, DevnetError> {
        let failed = |error: &dyn std::fmt::Display| DevnetError::story("the cadence steward's record", error.to_string());
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
        let record = record.ok_or_else(|| failed(&"it would change nothing"))?;
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
        Ok(Advice { digest, from: change.from.clone(), to: change.to.clone(), file, demand, why })
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
