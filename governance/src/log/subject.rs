//! What an entry is about, so that a log can be searched: the proposal, the decision, the agent, the engine, the
//! parameters and the verdict that its facts name. An index over these can always be built again from the leaves.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entry::{Entry, EntryKind};

/// The longest value that is looked for, in bytes.
const LONGEST: usize = 256;

/// A thing that entries are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// A proposal id, as a decimal string.
    Proposal,
    /// A decision digest.
    Decision,
    /// The account of an agent, CAIP-10 or an address, as the entry has it.
    Agent,
    /// The account that acted.
    Actor,
    Engine,
    /// `engine/key`.
    Parameter,
    /// What an auditor said: `holds`, `doubtful` or `fails`.
    Verdict,
}

impl Subject {
    pub const ALL: [Self; 7] = [Self::Proposal, Self::Decision, Self::Agent, Self::Actor, Self::Engine, Self::Parameter, Self::Verdict];

    /// The word that stands in indexes and queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Proposal => "proposal",
            Self::Decision => "decision",
            Self::Agent => "agent",
            Self::Actor => "actor",
            Self::Engine => "engine",
            Self::Parameter => "parameter",
            Self::Verdict => "verdict",
        }
    }
}

/// Every subject of an entry, each once, in order.
pub fn subjects(entry: &Entry) -> Vec<(Subject, String)> {
    let mut found = Vec::new();
    let text = |name: &str| entry.facts.get(name).and_then(Value::as_str).map(str::to_owned);
    found.extend(entry.actor.clone().map(|actor| (Subject::Actor, actor)));
    found.extend(text("proposalId").map(|id| (Subject::Proposal, id)));
    for name in ["decision", "decisionDigest"] {
        found.extend(text(name).map(|digest| (Subject::Decision, digest)));
    }
    if entry.kind == EntryKind::Decision {
        found.extend(text("digest").map(|digest| (Subject::Decision, digest)));
    }
    found.extend(text("agent").map(|agent| (Subject::Agent, agent)));
    found.extend(text("engine").map(|engine| (Subject::Engine, engine)));
    if let Some(Value::Array(sets)) = entry.facts.get("parameterSets") {
        let engines = sets.iter().filter_map(|set| set.get("engine")?.as_str());
        found.extend(engines.map(|engine| (Subject::Engine, engine.to_owned())));
    }
    if let Some(Value::Array(parameters)) = entry.facts.get("parameters") {
        found.extend(parameters.iter().filter_map(Value::as_str).map(|parameter| (Subject::Parameter, parameter.to_owned())));
    }
    found.extend(text("verdict").map(|verdict| (Subject::Verdict, verdict)));
    // What no name can be is not looked for, and databases would choke on it.
    found.retain(|(_, value)| (1..=LONGEST).contains(&value.len()) && !value.contains(char::is_control));
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_entry_is_about_what_its_facts_name() {
        let mut entry = Entry::new(EntryKind::Decision, "decision/0x01", 5)
            .with_fact("digest", "0x01")
            .with_fact("agent", "eip155:1:0xaa")
            .with_fact("engine", "tideline")
            .with_fact("parameters", json!(["tideline/palette", "tideline/swell"]));
        entry.actor = Some("eip155:1:0xaa".into());
        let found: Vec<_> = subjects(&entry).into_iter().map(|(subject, value)| format!("{} {value}", subject.name())).collect();
        let expected = [
            "decision 0x01",
            "agent eip155:1:0xaa",
            "actor eip155:1:0xaa",
            "engine tideline",
            "parameter tideline/palette",
            "parameter tideline/swell",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_no_name_can_be_is_left_out() {
        let long = "x".repeat(257);
        for value in ["", "a\u{0}b", long.as_str()] {
            let entry = Entry::new(EntryKind::Outcome, "outcome/1", 5).with_fact("agent", value);
            assert_eq!(subjects(&entry), [], "{value:?}");
        }
    }

    #[test]
    fn a_set_that_an_execution_stored_names_its_engine_once() {
        let entry = Entry::new(EntryKind::Execution, "execution/1", 5)
            .with_fact("proposalId", "7")
            .with_fact("parameterSets", json!([{"engine": "tideline"}, {"engine": "tideline"}]));
        assert_eq!(subjects(&entry), [(Subject::Proposal, "7".into()), (Subject::Engine, "tideline".into())]);
    }
}
