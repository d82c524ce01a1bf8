//! The record of a decision: what an agent recommends, from what, by which model and rule, under its signature.
//!
//! A record is published as JSON and named by the SHA-256 of its canonical form (RFC 8785) without the signature. The
//! same digest stands in the proposal's text, on a line of its own, and in the registry call, so a vote is about one
//! record and no other. Reading refuses whatever could make two readers disagree about what was signed.
//!
//! Whether the numbers are right is asked in [`verification`](super::verification), not here. What kind of signature a
//! record bears is said in [`signature`]; asking a contract account about its own is left to whoever has a chain.

pub mod signature;

pub use signature::{MAX_SIGNATURE_BYTES, SignatureKind};

use super::rule::{MAX_DECIMALS, Rule};
use super::strict_json;
use alloy_primitives::{Address, B256, Bytes, hex};
use alloy_sol_types::{SolStruct, eip712_domain};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// The schema every record names.
pub const SCHEMA: &str = "/schemas/decision/v1";
/// The largest record that is read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// The most inputs a record may have.
pub const MAX_INPUTS: usize = 64;
/// The most metrics, changes and pieces of evidence a record may have, each.
pub const MAX_ITEMS: usize = 32;
/// The longest text in a record, in characters.
pub const MAX_TEXT: usize = 1000;
/// The most samples or steps a method may have been given.
pub const MAX_SAMPLES: u64 = 65_536;

/// 2^53; a record with more could be written but not read.
const LARGEST_INTEGER: u64 = 9_007_199_254_740_992;

const DIGEST_LINE: &str = "Decision digest: sha256:";

mod signed {
    alloy_sol_types::sol! {
        struct Decision {
            address agent;
            bytes32 decisionDigest;
        }
    }
}

/// Why a record was not accepted, or its signature not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    #[error("the record has {bytes} bytes, more than the {MAX_BYTES} that are read")]
    TooLarge { bytes: usize },
    #[error("{field}: {reason}")]
    Field { field: String, reason: String },
    #[error("the record is not signed")]
    Unsigned,
    #[error("the signature is not a valid one: {reason}")]
    Signature { reason: String },
    #[error("the signature is a contract account's, which only its chain can check")]
    NeedsChain,
}

impl DecisionError {
    fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Field { field: field.into(), reason: reason.into() }
    }
}

impl From<strict_json::Refusal> for DecisionError {
    fn from(refusal: strict_json::Refusal) -> Self {
        Self::Field { field: refusal.field, reason: refusal.reason }
    }
}

/// What an agent recommends, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecisionRecord {
    pub schema: String,
    pub agent: Agent,
    pub question: String,
    /// When the decision was made, in unix seconds.
    pub at: u64,
    /// The block as of which the inputs were read.
    pub block: BlockReference,
    /// The parameter set the decision was made on.
    pub based_on: B256,
    pub model: PublishedModel,
    pub inputs: Vec<Input>,
    /// How the output was attributed, such as `tree-path-dependent`.
    pub method: String,
    /// What the method was told, where there was something to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method_details: Option<MethodDetails>,
    pub baseline: Baseline,
    pub attributions: Vec<InputAttribution>,
    pub output: Output,
    pub rule: Rule,
    pub changes: Vec<RecommendedChange>,
    pub evidence: Vec<Evidence>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<RecordSignature>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Agent {
    /// CAIP-10 account.
    pub account: String,
    pub name: String,
    /// The agent's id in its chain's ERC-8004 registry, as a decimal string.
    #[serde(deserialize_with = "null_or")]
    pub erc8004_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockReference {
    /// CAIP-2 chain.
    pub chain: String,
    pub number: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublishedModel {
    pub name: String,
    pub version: String,
    /// Such as `xgboost-json`.
    pub format: String,
    /// Hash of the model file, 64 lower-case hex digits.
    pub sha256: String,
    /// What the model was trained on, in words.
    pub data_window: String,
    pub metrics: Vec<Metric>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    pub name: String,
    pub value: f64,
    pub unit: String,
}

/// One number the model was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The model's name for it.
    pub name: String,
    pub label: String,
    /// Null where it was not known.
    #[serde(deserialize_with = "null_or")]
    pub value: Option<f64>,
    pub unit: String,
    /// Where it can be read: a CAIP-10 account or a URL.
    pub source: String,
    /// As of when, such as `block 123`.
    pub at: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    pub value: f64,
    pub description: String,
    /// The rows it is the mean output of, for methods that need some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<Background>,
}

/// The published rows that stand for what is usual.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Background {
    /// Hash of their file, 64 lower-case hex digits.
    pub sha256: String,
    /// How many there are.
    pub rows: u64,
    /// How they were drawn, in words. A baseline can be moved by choosing them, so this is part of the claim.
    pub description: String,
}

/// What else somebody needs to run the method again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodDetails {
    /// Orders of inputs that were tried, or steps of a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
    /// What the random choices were drawn from, as [`attribute`](super::attribute) draws them. With samples it makes an
    /// estimate repeatable to the last bit, and it is verified as such; other generators leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Width of the numbers computed with, such as `single` or `double`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arithmetic: Option<String>,
    /// What it cost: how often the model, or one of its trees, was evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluations: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InputAttribution {
    pub name: String,
    pub value: f64,
    /// For estimates: how far the value may be off, as one standard deviation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Which of the model's outputs it is, by the model's name for it; needed where the model has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub label: String,
    pub value: f64,
    pub unit: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecommendedChange {
    pub engine: String,
    pub key: String,
    pub from: String,
    pub to: String,
}

/// Something published that the decision also rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    pub cid: String,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordSignature {
    /// `eip712` for the 65 bytes of a key, `eip1271` for whatever a contract account accepts.
    pub scheme: String,
    pub signer: Address,
    /// r, s and v, or the contract's own format, or that wrapped after ERC-6492 while there is no contract yet.
    pub value: Bytes,
}

/// Null is allowed, leaving the field out is not: both would otherwise read the same under different digests.
fn null_or<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

impl DecisionRecord {
    /// Reads a published record, or says which field is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecisionError> {
        if bytes.len() > MAX_BYTES {
            return Err(DecisionError::TooLarge { bytes: bytes.len() });
        }
        let mut read = strict_json::read(bytes)?;
        let record: Self = strict_json::typed(&read)?;
        record.validate()?;
        record.reads_as_written(&mut read)?;
        Ok(record)
    }

    /// Checks what [`parse`](Self::parse) checks beyond the shape; for records built in code before signing.
    pub fn validate(&self) -> Result<(), DecisionError> {
        let wrong = |field: &str, reason: &str| Err(DecisionError::field(field, reason));
        if self.schema != SCHEMA {
            return Err(DecisionError::field("schema", format!("it is not {SCHEMA}")));
        }
        for (field, text) in self.texts() {
            check_text(&field, text)?;
        }
        if self.agent_address().is_none() {
            return wrong("agent.account", "it is not an account such as eip155:1:0x…");
        }
        if self.block.chain.strip_prefix("eip155:").is_none_or(|id| id.parse::<u64>().is_err()) {
            return wrong("block.chain", "it is not a chain such as eip155:1");
        }
        if self.model.sha256.len() != 64 || !is_lower_hex(&self.model.sha256) {
            return wrong("model.sha256", "it is not 64 lower-case hex digits");
        }
        for (field, count, most) in [
            ("inputs", self.inputs.len(), MAX_INPUTS),
            ("attributions", self.attributions.len(), MAX_INPUTS),
            ("model.metrics", self.model.metrics.len(), MAX_ITEMS),
            ("changes", self.changes.len(), MAX_ITEMS),
            ("evidence", self.evidence.len(), MAX_ITEMS),
        ] {
            if count > most {
                return Err(DecisionError::field(field, format!("{count} of them, more than {most}")));
            }
        }
        if self.inputs.is_empty() {
            return wrong("inputs", "there are none");
        }
        for (field, number) in self.numbers() {
            if !number.is_finite() {
                return Err(DecisionError::field(field, "it is not a number"));
            }
        }
        no_repetition("inputs", "name", self.inputs.iter().map(|input| input.name.as_str()))?;
        no_repetition("attributions", "name", self.attributions.iter().map(|one| one.name.as_str()))?;
        no_repetition("changes", "key", self.changes.iter().map(|change| (&change.engine, &change.key)))?;
        let inputs: HashSet<&str> = self.inputs.iter().map(|input| input.name.as_str()).collect();
        if let Some(at) = self.attributions.iter().position(|one| !inputs.contains(one.name.as_str())) {
            return Err(DecisionError::field(format!("attributions[{at}].name"), "there is no such input"));
        }
        self.validate_method()?;
        self.validate_rule()?;
        self.signature.as_ref().map_or(Ok(()), |signature| signature.kind().map(|_| ()))
    }

    fn validate_method(&self) -> Result<(), DecisionError> {
        if let Some(background) = &self.baseline.background
            && (background.sha256.len() != 64 || !is_lower_hex(&background.sha256))
        {
            return Err(DecisionError::field("baseline.background.sha256", "it is not 64 lower-case hex digits"));
        }
        if let Some(at) = self.attributions.iter().position(|one| one.standard_error.is_some_and(|error| error < 0.0)) {
            return Err(DecisionError::field(format!("attributions[{at}].standardError"), "it is negative"));
        }
        let details = self.method_details.clone().unwrap_or_default();
        if details.samples.is_some_and(|samples| samples == 0 || samples > MAX_SAMPLES) {
            return Err(DecisionError::field("methodDetails.samples", format!("it is not between 1 and {MAX_SAMPLES}")));
        }
        let background = self.baseline.background.as_ref().map(|background| background.rows);
        for (field, number) in [
            ("methodDetails.seed", details.seed),
            ("methodDetails.evaluations", details.evaluations),
            ("baseline.background.rows", background),
        ] {
            if number.is_some_and(|number| number > LARGEST_INTEGER) {
                return Err(DecisionError::field(field, "it is beyond 2^53, where JSON readers differ"));
            }
        }
        Ok(())
    }

    fn validate_rule(&self) -> Result<(), DecisionError> {
        let rule = &self.rule;
        if rule.decimals > MAX_DECIMALS {
            return Err(DecisionError::field("rule.decimals", format!("it is more than {MAX_DECIMALS}")));
        }
        for (field, value) in
            [("rule.current", rule.current), ("rule.min", rule.min), ("rule.max", rule.max), ("rule.maxStep", rule.max_step)]
        {
            if value.decimals() != rule.decimals {
                let reason = format!("{value} does not have {} digits after the point", rule.decimals);
                return Err(DecisionError::field(field, reason));
            }
        }
        if rule.min.scaled() > rule.max.scaled() {
            return Err(DecisionError::field("rule.min", "it is larger than rule.max"));
        }
        if rule.max_step.scaled() < 0 {
            return Err(DecisionError::field("rule.maxStep", "it is negative"));
        }
        Ok(())
    }

    /// Refuses a spelling that this type would write differently, since its digest would then differ too.
    fn reads_as_written(&self, read: &mut Value) -> Result<(), DecisionError> {
        let mut written = self.unsigned();
        let (Some(read), Some(written)) = (read.as_object_mut(), written.as_object_mut()) else {
            return Err(DecisionError::field("the record", "it is not an object"));
        };
        read.remove("signature");
        let differs = |key: &&String| read.get(*key).map(canonical_bytes) != written.get(*key).map(canonical_bytes);
        match read.keys().chain(written.keys()).find(differs) {
            Some(field) => Err(DecisionError::field(field, "it is not written in its canonical form")),
            None => Ok(()),
        }
    }

    /// The name of this record: SHA-256 of its canonical JSON (RFC 8785) without the signature.
    pub fn digest(&self) -> B256 {
        B256::from_slice(&Sha256::digest(canonical_bytes(&self.unsigned())))
    }

    fn unsigned(&self) -> Value {
        let mut value = serde_json::to_value(self).expect("a record holds only what JSON can say");
        if let Some(fields) = value.as_object_mut() {
            fields.remove("signature");
        }
        value
    }

    /// What the agent signs (EIP-712), for the registry and chain the decision is about.
    pub fn signing_hash(&self, chain_id: u64, registry: Address) -> B256 {
        let domain = eip712_domain! {
            name: "Wherefore",
            version: "1",
            chain_id: chain_id,
            verifying_contract: registry,
        };
        let agent = self.agent_address().unwrap_or_default();
        signed::Decision { agent, decisionDigest: self.digest() }.eip712_signing_hash(&domain)
    }

    /// Whoever's key made the signature, recovered from it. Equal to [`agent_address`](Self::agent_address) when the
    /// agent signed this record for this registry and chain. Contract accounts have no key: [`DecisionError::NeedsChain`].
    pub fn signer(&self, chain_id: u64, registry: Address) -> Result<Address, DecisionError> {
        match self.signature_kind()? {
            SignatureKind::Eoa { signature } => signature::recover(&signature, self.signing_hash(chain_id, registry)),
            SignatureKind::Contract { .. } | SignatureKind::Counterfactual { .. } => Err(DecisionError::NeedsChain),
        }
    }

    /// Which check the signature needs: a recovery, a question to the signer's contract, or first its deployment.
    pub fn signature_kind(&self) -> Result<SignatureKind, DecisionError> {
        self.signature.as_ref().ok_or(DecisionError::Unsigned)?.kind()
    }

    /// The address in the agent's CAIP-10 account; always there in a record that was parsed.
    pub fn agent_address(&self) -> Option<Address> {
        let (chain, address) = self.agent.account.strip_prefix("eip155:")?.split_once(':')?;
        chain.parse::<u64>().ok()?;
        let digits = address.strip_prefix("0x").filter(|digits| digits.len() == 40)?;
        hex::decode(digits).ok().map(|bytes| Address::from_slice(&bytes))
    }

    /// The input of this name.
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// The change the rule is about.
    pub fn ruled_change(&self) -> Option<&RecommendedChange> {
        self.changes.iter().find(|change| change.key == self.rule.parameter)
    }

    fn texts(&self) -> Vec<(String, &str)> {
        let mut texts: Vec<(String, &str)> = vec![
            ("agent.name".into(), &self.agent.name),
            ("question".into(), &self.question),
            ("model.name".into(), &self.model.name),
            ("model.version".into(), &self.model.version),
            ("model.format".into(), &self.model.format),
            ("model.dataWindow".into(), &self.model.data_window),
            ("method".into(), &self.method),
            ("baseline.description".into(), &self.baseline.description),
            ("output.label".into(), &self.output.label),
            ("output.unit".into(), &self.output.unit),
            ("rule.parameter".into(), &self.rule.parameter),
            ("rule.text".into(), &self.rule.text),
        ];
        let details = self.method_details.as_ref();
        for (field, text) in [
            ("agent.erc8004Id", self.agent.erc8004_id.as_ref()),
            ("baseline.background.description", self.baseline.background.as_ref().map(|background| &background.description)),
            ("output.name", self.output.name.as_ref()),
            ("methodDetails.arithmetic", details.and_then(|details| details.arithmetic.as_ref())),
        ] {
            texts.extend(text.map(|text| (field.to_owned(), text.as_str())));
        }
        for (at, metric) in self.model.metrics.iter().enumerate() {
            texts.push((format!("model.metrics[{at}].name"), &metric.name));
            texts.push((format!("model.metrics[{at}].unit"), &metric.unit));
        }
        for (at, input) in self.inputs.iter().enumerate() {
            for (field, text) in
                [("name", &input.name), ("label", &input.label), ("unit", &input.unit), ("source", &input.source), ("at", &input.at)]
            {
                texts.push((format!("inputs[{at}].{field}"), text));
            }
        }
        for (at, change) in self.changes.iter().enumerate() {
            for (field, text) in [("engine", &change.engine), ("key", &change.key), ("from", &change.from), ("to", &change.to)] {
                texts.push((format!("changes[{at}].{field}"), text));
            }
        }
        for (at, evidence) in self.evidence.iter().enumerate() {
            texts.push((format!("evidence[{at}].cid"), &evidence.cid));
            texts.push((format!("evidence[{at}].label"), &evidence.label));
        }
        texts
    }

    fn numbers(&self) -> Vec<(String, f64)> {
        let mut numbers = vec![
            ("baseline.value".to_owned(), self.baseline.value),
            ("output.value".to_owned(), self.output.value),
            ("rule.factor".to_owned(), self.rule.factor),
            ("rule.offset".to_owned(), self.rule.offset),
        ];
        let all = self.model.metrics.iter().enumerate();
        numbers.extend(all.map(|(at, metric)| (format!("model.metrics[{at}].value"), metric.value)));
        let all = self.inputs.iter().enumerate();
        numbers.extend(all.filter_map(|(at, input)| Some((format!("inputs[{at}].value"), input.value?))));
        let all = self.attributions.iter().enumerate();
        numbers.extend(all.clone().map(|(at, one)| (format!("attributions[{at}].value"), one.value)));
        numbers.extend(all.filter_map(|(at, one)| Some((format!("attributions[{at}].standardError"), one.standard_error?))));
        numbers
    }
}

fn canonical_bytes(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).expect("every JSON value has a canonical form")
}

/// Texts stand on pages and in sentences, so they may be short of neither meaning nor manners. Only values a parameter
/// may really have, units, and sources may be empty.
fn check_text(field: &str, text: &str) -> Result<(), DecisionError> {
    let may_be_empty = [".unit", ".from", ".to", ".source", ".at", ".dataWindow", ".description"];
    if text.is_empty() && !may_be_empty.iter().any(|end| field.ends_with(end)) {
        return Err(DecisionError::field(field, "it is empty"));
    }
    if text.chars().count() > MAX_TEXT {
        return Err(DecisionError::field(field, format!("it is longer than {MAX_TEXT} characters")));
    }
    // A line break could fake a digest line; a direction override could turn a sentence around.
    let unprintable = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    if text.chars().any(unprintable) {
        return Err(DecisionError::field(field, "it holds a character that cannot be seen"));
    }
    Ok(())
}

fn no_repetition<T: Eq + std::hash::Hash>(list: &str, field: &str, mut names: impl Iterator<Item = T>) -> Result<(), DecisionError> {
    let mut seen = HashSet::new();
    match names.position(|name| !seen.insert(name)) {
        Some(at) => Err(DecisionError::field(format!("{list}[{at}].{field}"), "it stands there twice")),
        None => Ok(()),
    }
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The line by which a proposal's text names the decision it rests on.
pub fn digest_line(digest: B256) -> String {
    format!("{DIGEST_LINE}{}", hex::encode(digest))
}

/// The decision a proposal's text names. A text that names two different ones names none.
pub fn find_digest_line(text: &str) -> Option<B256> {
    let mut digests = text.lines().filter_map(|line| {
        let digits = line.trim_end().strip_prefix(DIGEST_LINE)?;
        (digits.len() == 64 && is_lower_hex(digits)).then(|| digits.parse::<B256>().ok())?
    });
    let first = digests.next()?;
    digests.all(|other| other == first).then_some(first)
}

#[cfg(test)]
pub(super) mod tests;
