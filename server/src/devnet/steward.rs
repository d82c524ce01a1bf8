//! The cadence steward's past: the records it would have published, computed with its model from what the story's chain
//! held at the time, and signed with its key.

use alloy::signers::{SignerSync, local::PrivateKeySigner};
use alloy_primitives::{Address, B256, hex};
use governance::explanation::{
    DecisionRecord, Model, Rule,
    decision::{Agent, Baseline, BlockReference, Input, InputAttribution, Output, PublishedModel, RecommendedChange, RecordSignature, SCHEMA},
    rule::Decimal,
    summary,
};
use serde::Deserialize;

use super::{
    DevnetError,
    anvil::CHAIN_ID,
    people::{STEWARD_KEY, person},
    story,
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
    pub record: DecisionRecord,
    pub digest: B256,
    /// As published.
    pub file: Vec<u8>,
    pub from: String,
    pub to: String,
    pub demand: String,
    pub why: String,
}

pub(super) struct Steward {
    model: Model,
    card: Card,
    key: PrivateKeySigner,
    art: Address,
    registry: Address,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Card {
    name: String,
    version: String,
    format: String,
    data_window: String,
    output: CardOutput,
    metrics: Vec<governance::explanation::decision::Metric>,
}

#[derive(Deserialize)]
struct CardOutput {
    label: String,
    unit: String,
}

impl Steward {
    pub fn new(art: Address, registry: Address) -> Result<Self, DevnetError> {
        let failed = |error: &dyn std::fmt::Display| DevnetError::story("the cadence steward", error.to_string());
        let model = Model::from_xgboost_json(MODEL).map_err(|error| failed(&error))?;
        let card = serde_json::from_str(CARD).map_err(|error| failed(&error))?;
        let key = STEWARD_KEY.parse().map_err(|error| failed(&error))?;
        Ok(Self { model, card, key, art, registry })
    }

    /// What it recommends, seeing this.
    pub fn advise(&self, seen: &Observed) -> Result<Advice, DevnetError> {
        let account = self.key.address();
        let inputs = self.inputs(seen);
        let row: Vec<f32> = inputs.iter().map(|input| input.value.map_or(f32::NAN, |value| value as f32)).collect();
        let explained = governance::explanation::explain(&self.model, &row);
        let rule = Rule {
            parameter: "mint.cadence".into(),
            text: "Offer nine tokens for every ten we expect to be wanted.".into(),
            factor: 0.9,
            offset: 0.0,
            decimals: 0,
            current: Decimal::new(seen.cadence, 0),
            min: Decimal::new(1, 0),
            max: Decimal::new(60, 0),
            max_step: Decimal::new(12, 0),
        };
        let (from, to) = (rule.current.to_string(), rule.evaluate(explained.output).value);
        let attributions = self.model.feature_names().iter().zip(&explained.values).map(|(name, value)| InputAttribution { name: name.clone(), value: *value }).collect();
        let mut record = DecisionRecord {
            schema: SCHEMA.into(),
            agent: Agent { account: format!("eip155:{CHAIN_ID}:{account}"), name: person("cadence-steward").map_or("", |agent| agent.name).into(), erc8004_id: None },
            question: "How many tokens a day should be offered next week?".into(),
            at: seen.at,
            block: BlockReference { chain: format!("eip155:{CHAIN_ID}"), number: seen.block },
            based_on: seen.parameter_set,
            model: PublishedModel {
                name: self.card.name.clone(),
                version: self.card.version.clone(),
                format: self.card.format.clone(),
                sha256: hex::encode(Model::sha256(MODEL)),
                data_window: self.card.data_window.clone(),
                metrics: self.card.metrics.clone(),
            },
            inputs,
            method: "tree-path-dependent".into(),
            baseline: Baseline { value: explained.base_value, description: "the model's mean prediction, weighted by training cover".into() },
            attributions,
            output: Output { label: self.card.output.label.clone(), value: explained.output, unit: self.card.output.unit.clone() },
            rule,
            changes: vec![RecommendedChange { engine: story::ENGINE.into(), key: "mint.cadence".into(), from: from.clone(), to: to.clone() }],
            evidence: vec![],
            signature: None,
        };
        let failed = |error: &dyn std::fmt::Display| DevnetError::story("the cadence steward's record", error.to_string());
        let signature = self.key.sign_hash_sync(&record.signing_hash(CHAIN_ID, self.registry)).map_err(|error| failed(&error))?;
        record.signature = Some(RecordSignature { scheme: "eip712".into(), signer: account, value: signature.as_bytes().to_vec().into() });

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
        Ok(Advice { record, digest, file, from, to, demand, why })
    }

    fn inputs(&self, seen: &Observed) -> Vec<Input> {
        let art = format!("eip155:{CHAIN_ID}:{}", self.art);
        let registry = format!("eip155:{CHAIN_ID}:{}", self.registry);
        let input = |name: &str, label: &str, value: f64, unit: &str, source: &str| Input {
            name: name.into(),
            label: label.into(),
            value: Some(value),
            unit: unit.into(),
            source: source.into(),
            at: format!("block {}", seen.block),
        };
        vec![
            input("fill_7d", "Share of offered mints taken, last 7 days", seen.fill_7d, "", &art),
            input("mints_7d", "Tokens minted, last 7 days", seen.mints_7d as f64, "", &art),
            input("mints_prev_7d", "Tokens minted, the 7 days before", seen.mints_prev_7d as f64, "", &art),
            input("new_collectors_7d", "New collectors, last 7 days", seen.new_collectors_7d as f64, "", &art),
            input("transfers_7d", "Tokens passed on, last 7 days", seen.transfers_7d as f64, "", &art),
            input("price_eth", "Mint price", seen.price_eth, "ETH", &registry),
            input("cadence", "Tokens offered a day now", seen.cadence as f64, "tokens/day", &registry),
        ]
    }
}
