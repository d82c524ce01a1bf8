//! The chain from what was known to what runs: inputs, model, attributions, output, rule, value, calldata, executed, engine.
//!
//! Each link says whether it holds, and how that was found. One altered number breaks exactly one link: the earliest one
//! that could be at fault. Links after it that would differ only in consequence are judged by what they were made from.
//! The record's seal (its digest and signature) is a link apart: it breaks with any alteration after signing, and the
//! others say where.
//!
//! Links up to the value are forged in [`verification`](super::verification). The last three, from calldata to engine,
//! are made here from plain facts, which whoever follows the chain gathers in [`Carried`].

use super::decision::{DecisionRecord, RecommendedChange};
use super::verification::Check;
use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// The record is the one its digest names, signed by its agent.
    Record,
    /// The inputs are the model's, and lead to the recorded output.
    Inputs,
    /// The model's file is the one the record names.
    Model,
    /// Baseline and attributions are what the method gives, and add up.
    Attributions,
    /// The output is the model's.
    Output,
    /// The rule makes the recommended value of the output.
    Rule,
    /// The recommended value is the rule's.
    Value,
    /// The proposal calls for exactly the recommended changes.
    Calldata,
    /// What was called for was executed.
    Executed,
    /// The engine runs what was executed.
    Engine,
}

impl LinkKind {
    /// In the order of the chain.
    pub const ALL: [Self; 10] = [
        Self::Record,
        Self::Inputs,
        Self::Model,
        Self::Attributions,
        Self::Output,
        Self::Rule,
        Self::Value,
        Self::Calldata,
        Self::Executed,
        Self::Engine,
    ];

    /// What to call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Inputs => "inputs",
            Self::Model => "model",
            Self::Attributions => "attributions",
            Self::Output => "output",
            Self::Rule => "rule",
            Self::Value => "value",
            Self::Calldata => "calldata",
            Self::Executed => "executed",
            Self::Engine => "engine",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Found to be different from what it should be.
    Mismatch,
    /// Could not be checked, for the reason the link gives.
    Unchecked,
    /// Has not happened yet.
    Pending,
    Holds,
}

/// One link, with what was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    pub kind: LinkKind,
    pub state: LinkState,
    /// What was found, in one plain sentence.
    pub sentence: String,
    pub checks: Vec<Check>,
}

impl Link {
    pub(super) fn new(kind: LinkKind, state: LinkState, sentence: impl Into<String>, checks: Vec<Check>) -> Self {
        Self { kind, state, sentence: sentence.into(), checks }
    }
}

/// What the chain and the engine say about a recommendation. What has not happened is empty or `None`.
///
/// Values are written as the rule writes them, such as `25` or `0.0400`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Carried {
    /// What the proposal's registry calls would set, or the draft's while nothing is proposed.
    pub calls: Vec<CarriedChange>,
    /// The value the registry had for the rule's parameter in the parameter set the record is based on.
    pub before: Option<String>,
    /// What became of the proposal, where it can no longer be executed: such as `defeated` or `canceled`.
    pub ended: Option<String>,
    /// What the registry's events say was set by the execution.
    pub executed: Vec<CarriedChange>,
    /// The revision that the execution made.
    pub ratified: Option<Revision>,
    /// The revision that set the rule's parameter again since.
    pub superseded_by: Option<u64>,
    /// What the registry stores for the rule's parameter now.
    pub stored: Option<String>,
    /// The parameter set that the engine last said it loaded.
    pub engine: Option<EngineReport>,
}

/// One parameter's change in a call or an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CarriedChange {
    pub engine: String,
    pub key: String,
    pub value: String,
    /// The parameter set that the call expects; events do not repeat it.
    pub based_on: Option<B256>,
    /// The decision it names; zero for none.
    pub digest: B256,
}

/// A parameter set as the registry numbers and hashes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    pub number: u64,
    pub hash: B256,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineReport {
    pub hash: B256,
    /// The ratified revision that has this hash, if any has.
    pub revision: Option<u64>,
}

/// The links from calldata to engine. Without facts they are unchecked, not pending.
pub fn carried_links(record: &DecisionRecord, carried: Option<&Carried>) -> [Link; 3] {
    let Some(carried) = carried else {
        return [LinkKind::Calldata, LinkKind::Executed, LinkKind::Engine]
            .map(|kind| Link::new(kind, LinkState::Unchecked, "The chain was not asked.", Vec::new()));
    };
    [calldata(record, carried), executed(record, carried), engine(record, carried)]
}

fn place(engine: &str, key: &str) -> String {
    format!("{key} of {engine}")
}

fn calldata(record: &DecisionRecord, carried: &Carried) -> Link {
    let link = |state, sentence: String, checks| Link::new(LinkKind::Calldata, state, sentence, checks);
    match (record.changes.is_empty(), carried.calls.is_empty()) {
        (true, true) => return link(LinkState::Holds, "No change is recommended, and none is called for.".into(), Vec::new()),
        (false, true) => return link(LinkState::Pending, "It was not proposed yet.".into(), Vec::new()),
        _ => {}
    }
    let digest = record.digest();
    let mut checks = Vec::new();
    for change in &record.changes {
        let name = place(&change.engine, &change.key);
        let Some(call) = of(&carried.calls, change) else {
            checks.push(Check::new(format!("call sets {name}"), change.to.as_str(), "not set", false));
            continue;
        };
        checks.push(Check::new(format!("call sets {name}"), change.to.as_str(), call.value.as_str(), call.value == change.to));
        let found = call.based_on.map_or_else(|| "none".into(), |hash| hash.to_string());
        let ok = call.based_on == Some(record.based_on);
        checks.push(Check::new(format!("parameter set expected for {name}"), record.based_on.to_string(), found, ok));
        checks.push(Check::new(format!("decision named for {name}"), digest.to_string(), call.digest.to_string(), call.digest == digest));
    }
    let recommended = |call: &CarriedChange| record.changes.iter().any(|change| change.engine == call.engine && change.key == call.key);
    for (at, call) in carried.calls.iter().enumerate() {
        let again = carried.calls[..at].iter().any(|other| other.engine == call.engine && other.key == call.key);
        if again || !recommended(call) {
            let expected = if again { "set once" } else { "not set" };
            checks.push(Check::new(format!("call sets {}", place(&call.engine, &call.key)), expected, call.value.as_str(), false));
        }
    }
    match checks.iter().find(|check| !check.ok) {
        Some(wrong) => {
            let sentence = format!(
                "The proposal's call is not what the record recommends: {} should be {}, is {}.",
                wrong.name, wrong.expected, wrong.found
            );
            link(LinkState::Mismatch, sentence, checks)
        }
        None => link(
            LinkState::Holds,
            "The proposal's call sets exactly what is recommended, on the same parameter set, and names this record.".into(),
            checks,
        ),
    }
}

fn of<'a>(all: &'a [CarriedChange], change: &RecommendedChange) -> Option<&'a CarriedChange> {
    all.iter().find(|one| one.engine == change.engine && one.key == change.key)
}

/// The events are held against the call, as a call that was altered is the calldata's fault and not the execution's.
fn executed(record: &DecisionRecord, carried: &Carried) -> Link {
    let link = |state, sentence: String, checks| Link::new(LinkKind::Executed, state, sentence, checks);
    if carried.executed.is_empty() {
        return match (&carried.ended, record.changes.is_empty() && carried.calls.is_empty()) {
            (_, true) => link(LinkState::Holds, "There is nothing to execute.".into(), Vec::new()),
            (Some(ended), _) => link(LinkState::Unchecked, format!("The proposal was {ended}, so nothing was executed."), Vec::new()),
            (None, _) => link(LinkState::Pending, "It was not executed yet.".into(), Vec::new()),
        };
    }
    let recommended: Vec<CarriedChange> = record
        .changes
        .iter()
        .map(|change| CarriedChange {
            engine: change.engine.clone(),
            key: change.key.clone(),
            value: change.to.clone(),
            based_on: None,
            digest: record.digest(),
        })
        .collect();
    let expected = if carried.calls.is_empty() { &recommended } else { &carried.calls };
    let same = |one: &CarriedChange, other: &CarriedChange| one.engine == other.engine && one.key == other.key;
    let mut checks = Vec::new();
    for call in expected {
        let name = place(&call.engine, &call.key);
        match carried.executed.iter().find(|event| same(event, call)) {
            Some(event) => {
                checks.push(Check::new(format!("event sets {name}"), call.value.as_str(), event.value.as_str(), event.value == call.value));
                let ok = event.digest == call.digest;
                checks.push(Check::new(format!("decision in the event of {name}"), call.digest.to_string(), event.digest.to_string(), ok));
            }
            None => checks.push(Check::new(format!("event sets {name}"), call.value.as_str(), "no event", false)),
        }
    }
    for event in carried.executed.iter().filter(|event| !expected.iter().any(|call| same(event, call))) {
        checks.push(Check::new(format!("event sets {}", place(&event.engine, &event.key)), "no event", event.value.as_str(), false));
    }
    match checks.iter().find(|check| !check.ok) {
        Some(wrong) => {
            let sentence =
                format!("The registry's events are not what was called: {} should be {}, is {}.", wrong.name, wrong.expected, wrong.found);
            link(LinkState::Mismatch, sentence, checks)
        }
        None => {
            let revision = carried.ratified.map_or_else(String::new, |revision| format!(" as revision {}", revision.number));
            link(LinkState::Holds, format!("The registry took exactly what was called{revision}, naming the same decision."), checks)
        }
    }
}

fn engine(record: &DecisionRecord, carried: &Carried) -> Link {
    let link = |state, sentence: String, checks| Link::new(LinkKind::Engine, state, sentence, checks);
    if carried.executed.is_empty() {
        return match (&carried.ended, record.changes.is_empty() && carried.calls.is_empty()) {
            (_, true) => link(LinkState::Holds, "The engine has nothing new to load.".into(), Vec::new()),
            (Some(_), _) => link(LinkState::Unchecked, "Nothing was executed, so there is nothing to load.".into(), Vec::new()),
            (None, _) => link(LinkState::Pending, "The engine has nothing to load until the change is executed.".into(), Vec::new()),
        };
    }
    let set = carried.executed.iter().find(|event| event.key == record.rule.parameter);
    let mut checks = Vec::new();
    if let (Some(event), Some(stored), None) = (set, &carried.stored, carried.superseded_by) {
        checks.push(Check::new("stored value", event.value.as_str(), stored.as_str(), *stored == event.value));
        if *stored != event.value {
            let sentence = format!("The registry stores {stored} where {} was set, and no later revision says why.", event.value);
            return link(LinkState::Mismatch, sentence, checks);
        }
    }
    let standing = match (carried.superseded_by, &carried.stored) {
        (Some(revision), _) => format!(" The value was superseded by revision {revision}."),
        (None, Some(_)) => " The value is still in force.".into(),
        (None, None) => String::new(),
    };
    let (Some(ratified), Some(report)) = (carried.ratified, carried.engine) else {
        let missing = if carried.ratified.is_none() { "The revision's hash is not known." } else { "The engine has not reported yet." };
        let state = if carried.ratified.is_none() { LinkState::Unchecked } else { LinkState::Pending };
        return link(state, format!("{missing}{standing}"), checks);
    };
    let revision = if report.hash == ratified.hash { Some(ratified.number) } else { report.revision };
    let found = report.hash.to_string();
    match revision {
        Some(number) if number == ratified.number => {
            checks.push(Check::new("engine's parameter set", ratified.hash.to_string(), found, report.hash == ratified.hash));
            if report.hash == ratified.hash {
                let sentence = format!("The engine reports the parameter set of revision {number}, as ratified.{standing}");
                return link(LinkState::Holds, sentence, checks);
            }
            link(LinkState::Mismatch, format!("The engine reports a hash that is not that of revision {number}."), checks)
        }
        Some(number) if number > ratified.number => {
            checks.push(Check::new("engine's parameter set", format!("revision {} or later", ratified.number), found, true));
            link(
                LinkState::Holds,
                format!("The engine reports the parameter set of the later revision {number}, as ratified.{standing}"),
                checks,
            )
        }
        Some(number) => {
            link(LinkState::Pending, format!("The engine still reports the parameter set of revision {number}.{standing}"), checks)
        }
        None => {
            checks.push(Check::new("engine's parameter set", ratified.hash.to_string(), found, false));
            link(LinkState::Mismatch, "The engine reports a parameter set that was never ratified.".into(), checks)
        }
    }
}

#[cfg(test)]
mod tests;
