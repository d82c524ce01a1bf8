//! The steward's decision: pure from inputs to record.

use alloy::signers::{SignerSync, local::PrivateKeySigner};
use alloy_primitives::{Address, B256};
use governance::explanation::{
    Decimal, DecisionRecord, Method, Model, Request, Rows, Rule, attribute,
    decision::{
        Agent, Baseline, BlockReference, Input, InputAttribution, Metric, Output, PublishedModel, RecommendedChange, RecordSignature,
        SCHEMA,
    },
};
use serde_json::Value;

use super::AgentError;

/// Nine tokens for every ten that are expected to be wanted.
const FACTOR: f64 = 0.9;
const KEY: &str = "mint.cadence";

/// A model with its published card, and who uses it.
#[derive(Debug)]
pub struct Steward {
    name: String,
    model: Model,
    published: PublishedModel,
}

impl Steward {
    pub fn new(name: &str, model: Model, bytes: &[u8], card: &Value) -> Result<Self, AgentError> {
        let text = |name: &str| {
            card.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| AgentError::Model(format!("card.json has no {name}")))
        };
        let metrics = card.get("metrics").and_then(Value::as_array).cloned().unwrap_or_default();
        let metrics: Vec<Metric> = metrics.into_iter().filter_map(|metric| serde_json::from_value(metric).ok()).take(8).collect();
        let sha256 = alloy_primitives::hex::encode(Model::sha256(bytes));
        if text("sha256")? != sha256 {
            return Err(AgentError::Model(format!("card.json is of another model; the file has sha256 {sha256}")));
        }
        let published = PublishedModel {
            name: text("name")?,
            version: text("version")?,
            format: model.format().name().into(),
            sha256,
            data_window: text("dataWindow")?,
            metrics,
        };
        Ok(Self { name: name.to_owned(), model, published })
    }
}

/// What the steward was told, as of one block.
#[derive(Clone, Debug)]
pub struct Inputs {
    pub engine: String,
    pub chain: String,
    pub chain_id: u64,
    pub registry: Address,
    pub block: u64,
    pub at: u64,
    pub based_on: String,
    pub observed: Vec<Input>,
    /// Value and bounds of `mint.cadence`.
    pub current: i128,
    pub min: i128,
    pub max: i128,
    pub max_step: i128,
}

impl Inputs {
    /// Reads the answers of the bridge's API.
    pub fn read(dao: &Value, observed: &Value, parameters: &[Value], engine: &str) -> Result<Self, AgentError> {
        let chain = dao.get("chain").and_then(Value::as_str).ok_or(AgentError::Answer("chain"))?.to_owned();
        let chain_id = chain.strip_prefix("eip155:").and_then(|id| id.parse().ok()).ok_or(AgentError::Answer("chain id"))?;
        let registry =
            dao.get("registry").and_then(Value::as_str).and_then(|address| address.parse().ok()).ok_or(AgentError::Answer("registry"))?;
        let number = |value: &Value, name: &'static str| value.get(name).and_then(Value::as_u64).ok_or(AgentError::Answer(name));
        let cadence = parameters
            .iter()
            .find(|parameter| {
                parameter.get("engine").and_then(Value::as_str) == Some(engine) && parameter.get("key").and_then(Value::as_str) == Some(KEY)
            })
            .ok_or(AgentError::Answer("mint.cadence"))?;
        let raw = |pointer: &str| {
            cadence
                .pointer(pointer)
                .and_then(|value| value.as_str().map_or_else(|| value.as_i64().map(i128::from), |text| text.parse().ok()))
                .ok_or(AgentError::Answer("bounds of mint.cadence"))
        };
        Ok(Self {
            engine: engine.to_owned(),
            chain,
            chain_id,
            registry,
            block: number(observed, "block")?,
            at: number(observed, "at")?,
            based_on: observed.get("parameterSetHash").and_then(Value::as_str).ok_or(AgentError::Answer("parameterSetHash"))?.to_owned(),
            observed: serde_json::from_value(observed.get("items").cloned().unwrap_or_default())
                .map_err(|_| AgentError::Answer("observations"))?,
            current: raw("/value")?,
            min: raw("/definition/min")?,
            max: raw("/definition/max")?,
            max_step: raw("/definition/max_step")?,
        })
    }
}

/// Decides; `None` when nothing should change.
pub fn decide(steward: &Steward, inputs: &Inputs, agent: Address) -> Result<Option<DecisionRecord>, AgentError> {
    let mut row = Vec::new();
    let mut used = Vec::new();
    for name in steward.model.feature_names() {
        let input = inputs
            .observed
            .iter()
            .find(|input| input.name == *name)
            .ok_or_else(|| AgentError::Model(format!("it needs {name}, which the bridge does not observe")))?;
        row.push(input.value.unwrap_or(f64::NAN));
        used.push(input.clone());
    }
    let attribution =
        attribute(&steward.model, &Rows::one(&row), &Request::default()).map_err(|error| AgentError::Model(error.to_string()))?;
    let (output, base_value) = (attribution.predictions[0], attribution.base_values[0]);
    let whole = |value: i128| Decimal::new(value, 0);
    let rule = Rule {
        parameter: KEY.into(),
        text: "Offer nine tokens for every ten we expect to be wanted.".into(),
        factor: FACTOR,
        offset: 0.0,
        decimals: 0,
        current: whole(inputs.current),
        min: whole(inputs.min),
        max: whole(inputs.max),
        max_step: whole(inputs.max_step),
    };
    let outcome = rule.evaluate(output);
    let from = inputs.current.to_string();
    if outcome.value == from {
        return Ok(None);
    }
    let based_on: B256 = inputs.based_on.parse().map_err(|_| AgentError::Answer("parameterSetHash"))?;
    Ok(Some(DecisionRecord {
        schema: SCHEMA.into(),
        agent: Agent { account: format!("{}:{agent}", inputs.chain), name: steward.name.clone(), erc8004_id: None },
        question: "How many tokens a day should be offered next week?".into(),
        at: inputs.at,
        block: BlockReference { chain: inputs.chain.clone(), number: inputs.block },
        based_on,
        model: steward.published.clone(),
        attributions: used
            .iter()
            .zip(&attribution.values)
            .map(|(input, value)| InputAttribution { name: input.name.clone(), value: *value, standard_error: None })
            .collect(),
        inputs: used,
        method: attribution.method.record_name().into(),
        method_details: None,
        baseline: Baseline { value: base_value, description: baseline(attribution.method).into(), background: None },
        output: Output { name: None, label: "Demand expected next week".into(), value: output, unit: "tokens/day".into() },
        changes: vec![RecommendedChange { engine: inputs.engine.clone(), key: KEY.into(), from, to: outcome.value }],
        rule,
        evidence: vec![],
        signature: None,
    }))
}

/// What the baseline is, in words.
fn baseline(method: Method) -> &'static str {
    match method {
        Method::PathDependent => "the model's mean prediction, weighted by training cover",
        Method::Linear => "the model's prediction for the mean of its training data",
        _ => "the model's mean prediction over its background",
    }
}

/// Signs a record with the agent's key (EIP-712).
pub fn sign(mut record: DecisionRecord, key: &PrivateKeySigner, chain_id: u64, registry: Address) -> Result<DecisionRecord, AgentError> {
    let signature = key.sign_hash_sync(&record.signing_hash(chain_id, registry)).map_err(|error| AgentError::Model(error.to_string()))?;
    record.signature =
        Some(RecordSignature { scheme: "eip712".into(), signer: key.address(), value: signature.as_bytes().to_vec().into() });
    Ok(record)
}
