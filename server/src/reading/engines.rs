//! An engine's ratified values: definitions, current set, and every revision with what it changed.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes};
use governance::{
    onchain::abi::ParameterRegistry,
    parameter::{Definition, ParameterSet, Value, key_text, key_word, parameter_set_hash},
};

use super::Moment;

/// A key's canonical bytes and when they were ratified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub bytes: Bytes,
    pub changed_at: u64,
    pub revision: u64,
    /// True until the first change: a definition's own value starts no interval.
    pub initial: bool,
}

impl Held {
    /// What the registry's `changedAt` says.
    pub fn counts_from(&self) -> u64 {
        if self.initial { 0 } else { self.changed_at }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionFacts {
    pub revision: u64,
    /// As the registry computed it from its own storage.
    pub hash: B256,
    /// Zero when no decision was bound in.
    pub decision_digest: B256,
    pub moment: Moment,
    /// Key, old bytes (empty when defined) and new bytes.
    pub changes: Vec<(String, Bytes, Bytes)>,
    /// The values in force from here on.
    pub values: BTreeMap<String, Held>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineFacts {
    pub id: String,
    pub word: B256,
    pub definitions: BTreeMap<String, Definition>,
    pub values: BTreeMap<String, Held>,
    pub revisions: Vec<RevisionFacts>,
    pending: Vec<(String, Bytes, Bytes)>,
}

impl EngineFacts {
    pub(super) fn of(engines: &mut BTreeMap<String, Self>, word: B256) -> &mut Self {
        let id = key_text(word).unwrap_or_else(|| word.to_string());
        engines.entry(id.clone()).or_insert_with(|| Self { id, word, ..Self::default() })
    }

    pub(super) fn define(&mut self, event: &ParameterRegistry::ParameterDefined, moment: &Moment) {
        let key = key_text(event.key).unwrap_or_else(|| event.key.to_string());
        if let Some(definition) = Definition::from_abi(&event.definition) {
            self.definitions.insert(key.clone(), definition);
        }
        self.hold(key, Bytes::new(), event.value.clone(), event.revision, moment);
    }

    pub(super) fn change(&mut self, event: &ParameterRegistry::ParameterChanged, moment: &Moment) {
        let key = key_text(event.key).unwrap_or_else(|| event.key.to_string());
        self.hold(key, event.oldValue.clone(), event.newValue.clone(), event.revision, moment);
    }

    fn hold(&mut self, key: String, old: Bytes, new: Bytes, revision: u64, moment: &Moment) {
        let held = Held { bytes: new.clone(), changed_at: moment.at, revision, initial: old.is_empty() && !self.values.contains_key(&key) };
        self.values.insert(key.clone(), held);
        self.pending.push((key, old, new));
    }

    pub(super) fn ratify(&mut self, event: &ParameterRegistry::ParameterSetChanged, moment: &Moment) {
        self.revisions.push(RevisionFacts {
            revision: event.revision,
            hash: event.parameterSetHash,
            decision_digest: event.decisionDigest,
            moment: moment.clone(),
            changes: std::mem::take(&mut self.pending),
            values: self.values.clone(),
        });
    }

    /// The set at a revision, typed; `None` when a value cannot be read by its definition.
    pub fn set_at(&self, revision: u64) -> Option<ParameterSet> {
        let found = self.revisions.iter().rev().find(|found| found.revision == revision)?;
        let parameters = found
            .values
            .iter()
            .map(|(key, held)| {
                let definition = self.definitions.get(key)?;
                Some((key.clone(), (definition.clone(), Value::from_canonical(definition, &held.bytes).ok()?)))
            })
            .collect::<Option<_>>()?;
        Some(ParameterSet { engine: self.id.clone(), revision, parameters })
    }

    /// The JSON that engines receive for a key's bytes.
    pub fn json(&self, key: &str, bytes: &[u8]) -> serde_json::Value {
        let Some(definition) = self.definitions.get(key) else { return serde_json::Value::Null };
        Value::from_canonical(definition, bytes).map_or(serde_json::Value::Null, |value| value.to_json(definition))
    }

    /// The text for people of a key's bytes, without unit.
    pub fn display(&self, key: &str, bytes: &[u8]) -> String {
        let read = self
            .definitions
            .get(key)
            .and_then(|definition| Value::from_canonical(definition, bytes).ok().map(|value| value.display(definition)));
        read.unwrap_or_else(|| alloy_primitives::hex::encode_prefixed(bytes))
    }
}

/// The revision that may be served: the newest whose values hash to what the registry stored. First promise.
pub fn served(engine: &EngineFacts) -> Option<&RevisionFacts> {
    let newest = engine.revisions.last()?;
    let values = newest.values.iter().map(|(key, held)| Some((key_word(key)?, held.bytes.to_vec()))).collect::<Option<_>>()?;
    (parameter_set_hash(engine.word, newest.revision, &values) == newest.hash).then_some(newest)
}
