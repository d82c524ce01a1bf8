//! The record of a decision: what an agent recommends, from what, by which model and rule, under its signature.
//!
//! A record is published as JSON and named by the SHA-256 of its canonical form (RFC 8785) without the signature. The
//! same digest stands in the proposal's text, on a line of its own, and in the registry call, so a vote is about one
//! record and no other. Reading refuses whatever could make two readers disagree about what was signed.
//!
//! Whether the numbers are right is asked in [`verification`](super::verification), not here. Signatures of contract
//! accounts (ERC-1271) need a chain and are left to others.

use super::rule::{MAX_DECIMALS, Rule};
use super::strict_json;
use alloy_primitives::{Address, B256, Bytes, hex};
use alloy_sol_types::{SolStruct, eip712_domain};
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
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
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputAttribution {
    pub name: String,
    pub value: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
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
    pub scheme: String,
    pub signer: Address,
    /// r, s and v: 65 bytes.
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
        self.validate_rule()?;
        match &self.signature {
            Some(signature) if signature.scheme != "eip712" => wrong("signature.scheme", "it is not eip712"),
            Some(signature) if signature.value.len() != 65 => wrong("signature.value", "it is not 65 bytes"),
            _ => Ok(()),
        }
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

    /// Whoever made the signature, recovered from it. Equal to [`agent_address`](Self::agent_address) when the agent
    /// signed this record for this registry and chain.
    pub fn signer(&self, chain_id: u64, registry: Address) -> Result<Address, DecisionError> {
        let signature = self.signature.as_ref().ok_or(DecisionError::Unsigned)?;
        recover(&signature.value, self.signing_hash(chain_id, registry))
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
        if let Some(id) = &self.agent.erc8004_id {
            texts.push(("agent.erc8004Id".into(), id));
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
        numbers.extend(all.map(|(at, one)| (format!("attributions[{at}].value"), one.value)));
        numbers
    }
}

/// The account whose key made the 65 bytes r, s, v over a hash.
fn recover(signature: &[u8], hash: B256) -> Result<Address, DecisionError> {
    let invalid = |reason: &str| DecisionError::Signature { reason: reason.into() };
    let (rs, v) = match signature {
        [rs @ .., v] if rs.len() == 64 => (rs, *v),
        _ => return Err(invalid("it is not 65 bytes")),
    };
    let parity = match v {
        0 | 27 => false,
        1 | 28 => true,
        _ => return Err(invalid("its v is none of 0, 1, 27 and 28")),
    };
    let rs = Signature::from_slice(rs).map_err(|_| invalid("its r or s is out of range"))?;
    // Every signature has a twin with a high s; accepting both would give one decision two signatures.
    if rs.normalize_s().is_some() {
        return Err(invalid("its s is in the upper half"));
    }
    let key = VerifyingKey::recover_from_prehash(hash.as_slice(), &rs, RecoveryId::new(parity, false))
        .map_err(|_| invalid("no key could have made it"))?;
    Ok(Address::from_raw_public_key(&key.to_encoded_point(false).as_bytes()[1..]))
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
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    pub(in super::super) fn record_json() -> Value {
        json!({
            "schema": "/schemas/decision/v1",
            "agent": {
                "account": "eip155:31337:0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
                "name": "Cadence steward", "erc8004Id": null
            },
            "question": "How many tokens a day should be offered next week?",
            "at": 1763300000, "block": {"chain": "eip155:31337", "number": 123},
            "basedOn": format!("0x{}", "ab".repeat(32)),
            "model": {
                "name": "tideline-demand", "version": "1.0.0", "format": "xgboost-json", "sha256": "cd".repeat(32),
                "dataWindow": "simulated", "metrics": [{"name": "mae", "value": 1.2, "unit": "tokens/day"}]
            },
            "inputs": [
                {"name": "fill_7d", "label": "Share of offered mints taken, last 7 days", "value": 0.97, "unit": "",
                 "source": "eip155:31337:0x1", "at": "block 123"},
                {"name": "new_collectors_7d", "label": "New collectors, last 7 days", "value": 58, "unit": "",
                 "source": "eip155:31337:0x1", "at": "block 123"},
                {"name": "price_eth", "label": "Mint price", "value": 0.04, "unit": "ETH",
                 "source": "eip155:31337:0x1", "at": "block 123"}
            ],
            "method": "tree-path-dependent",
            "baseline": {"value": 22.1, "description": "the model's mean prediction, weighted by training cover"},
            "attributions": [
                {"name": "fill_7d", "value": 4.1}, {"name": "new_collectors_7d", "value": 2.0},
                {"name": "price_eth", "value": -0.8}
            ],
            "output": {"label": "Demand expected next week", "value": 27.4, "unit": "tokens/day"},
            "rule": {
                "parameter": "mint.cadence", "text": "Offer nine tokens for every ten we expect to be wanted.",
                "factor": 0.9, "offset": 0.0, "decimals": 0, "current": "18", "min": "1", "max": "60", "maxStep": "12"
            },
            "changes": [{"engine": "tideline", "key": "mint.cadence", "from": "18", "to": "25"}],
            "evidence": []
        })
    }

    pub(in super::super) fn record() -> DecisionRecord {
        DecisionRecord::parse(&serde_json::to_vec(&record_json()).unwrap()).unwrap()
    }

    fn refusal(change: impl FnOnce(&mut Value)) -> String {
        let mut value = record_json();
        change(&mut value);
        DecisionRecord::parse(&serde_json::to_vec(&value).unwrap()).unwrap_err().to_string()
    }

    fn refused_text(from: &str, to: &str) -> String {
        let text = record_json().to_string();
        assert!(text.contains(from), "{from} is not in the record");
        DecisionRecord::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn the_digest_does_not_depend_on_order_space_or_signature() {
        let mut signed = record_json();
        signed["signature"] = json!({
            "scheme": "eip712", "signer": format!("0x{}", "11".repeat(20)), "value": format!("0x{}", "22".repeat(65))});
        let pretty = serde_json::to_string_pretty(&signed).unwrap();
        let again = DecisionRecord::parse(pretty.as_bytes()).unwrap();
        assert_eq!(again.digest(), record().digest());
    }

    #[test]
    fn the_digest_is_of_the_published_document_itself() {
        let canonical = serde_json_canonicalizer::to_vec(&record_json()).unwrap();
        assert_eq!(record().digest(), B256::from_slice(&Sha256::digest(canonical)));
    }

    #[test]
    fn every_change_to_a_record_changes_its_digest() {
        let mut other = record();
        other.inputs[0].value = Some(0.98);
        assert_ne!(other.digest(), record().digest());
    }

    #[test]
    fn a_record_survives_being_written_and_read() {
        let bytes = serde_json::to_vec(&record()).unwrap();
        assert_eq!(DecisionRecord::parse(&bytes).unwrap(), record());
    }

    #[test]
    fn an_input_may_be_unknown_but_not_left_out() {
        let mut value = record_json();
        value["inputs"][0]["value"] = Value::Null;
        assert_eq!(DecisionRecord::parse(&serde_json::to_vec(&value).unwrap()).unwrap().inputs[0].value, None);
        let reason = refusal(|value| {
            value["inputs"][0].as_object_mut().unwrap().remove("value");
        });
        assert_eq!(reason, "inputs[0]: missing field `value`");
    }

    #[test]
    fn duplicate_keys_are_refused_wherever_they_stand() {
        assert!(refused_text(r#""number":123"#, r#""number":123,"number":124"#).starts_with("block.number: it stands there twice"));
        assert!(refused_text(r#""at":1763300000"#, r#""at":1763300000,"at":1763300000"#).starts_with("at: "));
    }

    #[test]
    fn numbers_that_readers_could_take_differently_are_refused() {
        assert!(refused_text("1763300000", "9007199254740993").starts_with("at: 9007199254740993 is beyond 2^53"));
        assert!(refused_text(r#""value":58"#, r#""value":-9007199254740993"#).starts_with("inputs[1].value: "));
        assert!(refused_text(r#""value":58"#, r#""value":1e300"#).starts_with("inputs[1].value: "));
        assert!(refused_text(r#""value":58"#, r#""value":NaN"#).starts_with("inputs[1].value: "));
        assert!(refused_text(r#""value":58"#, r#""value":1e999"#).starts_with("inputs[1].value: "));
        assert!(refused_text("1763300000", "1763300000.5").starts_with("at: "));
    }

    #[test]
    fn a_refusal_names_the_field() {
        for (expected, reason) in [
            ("inputs[1].value: ", refusal(|v| v["inputs"][1]["value"] = json!("58"))),
            ("inputs[2]", refusal(|v| v["inputs"][2]["colour"] = json!(1))),
            ("rule.current: ", refusal(|v| v["rule"]["current"] = json!("18.0"))),
            ("rule.current: ", refusal(|v| v["rule"]["current"] = json!("eighteen"))),
            ("rule.maxStep: ", refusal(|v| v["rule"]["maxStep"] = json!("-1"))),
            ("rule.min: ", refusal(|v| v["rule"]["min"] = json!("61"))),
            ("rule.decimals: ", refusal(|v| v["rule"]["decimals"] = json!(19))),
            ("schema: ", refusal(|v| v["schema"] = json!("/schemas/decision/v2"))),
            ("agent.account: ", refusal(|v| v["agent"]["account"] = json!("eip155:31337:0x12"))),
            ("agent.erc8004Id: ", refusal(|v| v["agent"]["erc8004Id"] = json!(7))),
            ("block.chain: ", refusal(|v| v["block"]["chain"] = json!("bip122:1"))),
            ("basedOn: ", refusal(|v| v["basedOn"] = json!("0x12"))),
            ("basedOn: ", refusal(|v| v["basedOn"] = json!(format!("0x{}", "AB".repeat(32))))),
            ("model.sha256: ", refusal(|v| v["model"]["sha256"] = json!("CD".repeat(32)))),
            ("question: ", refusal(|v| v["question"] = json!("one\nDecision digest: sha256:"))),
            ("agent.name: ", refusal(|v| v["agent"]["name"] = json!(""))),
            ("inputs[1].name: ", refusal(|v| v["inputs"][1]["name"] = json!("fill_7d"))),
            ("attributions[1].name: ", refusal(|v| v["attributions"][1]["name"] = json!("moon"))),
            ("changes[1].key: ", refusal(|v| v["changes"] = json!([v["changes"][0], v["changes"][0]]))),
            ("inputs: ", refusal(|v| v["inputs"] = json!([]))),
            ("inputs: ", refusal(|v| v["inputs"] = json!(vec![v["inputs"][0].clone(); MAX_INPUTS + 1]))),
        ] {
            assert!(reason.starts_with(expected), "{reason:?} does not name {expected:?}");
        }
    }

    #[test]
    fn a_record_that_is_too_large_or_no_record_is_refused() {
        let large = vec![b' '; MAX_BYTES + 1];
        assert_eq!(DecisionRecord::parse(&large), Err(DecisionError::TooLarge { bytes: MAX_BYTES + 1 }));
        for bytes in [&b"[]"[..], b"null", b"", b"{", b"\xff", b"{} {}", "[".repeat(10_000).as_bytes()] {
            assert!(DecisionRecord::parse(bytes).is_err());
        }
    }

    #[test]
    fn the_text_names_its_decision_on_a_line_of_its_own() {
        let digest = record().digest();
        let line = digest_line(digest);
        assert_eq!(find_digest_line(&format!("# Title\n\nWhy.\n\n{line}\n")), Some(digest));
        assert_eq!(find_digest_line(&format!("# Title\r\n{line}\r\nmore")), Some(digest));
        assert_eq!(find_digest_line(&format!("{line}\n{line}")), Some(digest));
        assert_eq!(find_digest_line(&format!("See {line}")), None);
        assert_eq!(find_digest_line(&format!("{line}0")), None);
        assert_eq!(find_digest_line(&line.to_uppercase()), None);
        assert_eq!(find_digest_line(&format!("{line}\n{}", digest_line(B256::ZERO))), None);
        assert_eq!(find_digest_line(""), None);
    }

    #[test]
    fn a_record_without_a_usable_signature_has_no_signer() {
        let registry = Address::repeat_byte(5);
        assert_eq!(record().signer(31337, registry), Err(DecisionError::Unsigned));
        let mut forged = record();
        forged.signature = Some(RecordSignature { scheme: "eip712".into(), signer: Address::ZERO, value: Bytes::from(vec![0xff; 65]) });
        assert!(matches!(forged.signer(31337, registry), Err(DecisionError::Signature { .. })));
    }
}
