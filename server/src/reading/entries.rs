//! Log entries for people: what each says in one sentence, and where to read more.

use alloy_primitives::{B256, U256};
use governance::log::Entry;
use serde_json::Value;

use super::{Reading, draft_id, text};

type Facts = serde_json::Map<String, Value>;

/// Names that a sentence needs and an entry does not carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Names {
    /// The proposal's title in quotation marks, or words for one that is gone.
    proposal: String,
    /// The agent whose decision it is about.
    agent: Option<String>,
    /// The account that acted.
    actor: Option<String>,
}

impl Reading {
    /// What an entry of the log says, in one sentence without a full stop.
    pub fn entry_sentence(&self, kind: &str, entry: &Entry) -> String {
        let fact = |name: &str| entry.facts.get(name).and_then(Value::as_str).unwrap_or_default();
        let proposal = fact("proposalId").parse().ok().and_then(|id| self.facts.proposal(id));
        let account = |account: &str| account.rsplit(':').next().and_then(|address| address.parse().ok());
        // A decision's text may be erased; the entries about it still name its agent's account.
        let agent = self
            .decision_named(&entry.facts)
            .map(|decided| decided.record.agent.name.clone())
            .or_else(|| account(fact("agent")).and_then(|address| self.dao.agent(address)).map(|agent| agent.name.clone()));
        let names = Names {
            proposal: proposal.map_or_else(
                || "a proposal that is no longer on the chain".to_owned(),
                |proposal| format!("“{}”", text::title(&proposal.description)),
            ),
            agent,
            actor: entry.actor.as_deref().and_then(account).map(|address| self.party(address).label()),
        };
        sentence(kind, entry, &names)
    }

    /// Links a logged entry to the page of what it is about; `None` where there is no such page.
    pub fn subject(&self, kind: &str, entry: &Entry) -> Option<String> {
        let fact = |name: &str| entry.facts.get(name).and_then(Value::as_str);
        match kind {
            "decision" | "outcome" | "verdict" => self.decision_named(&entry.facts).map(|decided| format!("/decisions/{}", decided.digest)),
            // The draft that came with a decision goes where the decision goes.
            "review" => self.decision_named(&entry.facts).map(|decided| format!("/drafts/{}", draft_id(decided.digest))),
            "proposal" | "tally" | "queueing" | "execution" => {
                let id: U256 = fact("proposalId")?.parse().ok()?;
                self.facts.proposal(id).map(|_| format!("/proposals/{id}"))
            }
            "application" => fact("engine").map(|engine| format!("/parameters/{engine}")),
            "correction" | "erasure" => entry.refs.first().map(|earlier| format!("/log/{}", earlier.index)),
            _ => None,
        }
    }

    fn decision_named(&self, facts: &Facts) -> Option<&super::Decided> {
        ["digest", "decision"].into_iter().find_map(|name| {
            let digest: B256 = facts.get(name)?.as_str()?.parse().ok()?;
            self.decisions.get(digest).map(AsRef::as_ref)
        })
    }
}

fn sentence(kind: &str, entry: &Entry, names: &Names) -> String {
    let fact = |name: &str| entry.facts.get(name).and_then(Value::as_str).unwrap_or_default();
    let Names { proposal, agent, actor } = names;
    let (agent, begins) = (agent.as_deref().unwrap_or("an agent"), agent.as_deref().unwrap_or("An agent"));
    let earlier = entry.refs.first().map_or_else(|| "an earlier entry".to_owned(), |earlier| format!("entry {}", earlier.index));
    match kind {
        "decision" => format!("{begins} signed a decision"),
        "review" => match entry.facts.get("findings").and_then(Value::as_array).map_or(0, Vec::len) {
            0 => format!("The bridge found nothing against what {agent} recommends"),
            1 => format!("The bridge found one thing against what {agent} recommends"),
            many => format!("The bridge found {many} things against what {agent} recommends"),
        },
        "proposal" => format!("{} was proposed", capital(proposal)),
        "tally" => format!("{} {}", capital(proposal), counted(&entry.facts)),
        "outcome" => match (number(fact("predicted")), number(fact("observed"))) {
            (Some(predicted), Some(observed)) => {
                format!("{begins} predicted {predicted:.1} {unit}; it became {observed:.1}", unit = fact("unit"))
            }
            (None, Some(observed)) => format!("What {agent} predicted became {observed:.1} {}", fact("unit")),
            (_, None) => {
                let why = fact("unobserved").trim_end_matches('.');
                let why = if why.is_empty() { String::new() } else { format!(". {why}") };
                format!("What came of a prediction of {agent} cannot be told{why}")
            }
        },
        "erasure" => format!("The body of {earlier} was erased: {}", fact("reason")),
        "queueing" => format!("{} entered the timelock", capital(proposal)),
        "execution" => format!("{} was executed", capital(proposal)),
        "application" => {
            format!("{} runs revision {}", fact("engine"), entry.facts.get("revision").map_or_else(String::new, ToString::to_string))
        }
        "verdict" => {
            let auditor = actor.as_deref().unwrap_or("Somebody");
            match fact("verdict") {
                "holds" => format!("{auditor} looked into a decision of {agent}: it holds"),
                "doubtful" => format!("{auditor} looked into a decision of {agent}: it is doubtful"),
                _ => format!("{auditor} looked into a decision of {agent}: it does not hold"),
            }
        }
        // A block that left is named; what was summed over many blocks has none.
        "correction" if entry.facts.contains_key("block") => format!("{} no longer holds: its block left the chain", capital(&earlier)),
        "correction" => format!("{} no longer holds: the chain tells otherwise since some blocks left it", capital(&earlier)),
        other => other.to_owned(),
    }
}

/// How a vote ended, in the words that follow the proposal's title.
fn counted(facts: &Facts) -> String {
    let outcome = match facts.get("outcome").and_then(Value::as_str) {
        Some("passed") => "passed",
        _ => "was defeated",
    };
    let weight = |name: &str| facts.get(name).and_then(Value::as_str)?.parse::<U256>().ok();
    let sides = [("for", " for"), ("against", " against"), ("abstain", " abstaining")];
    let sides: Vec<String> = sides
        .into_iter()
        .filter_map(|(name, words)| Some((weight(name)?, words)))
        .filter(|(votes, _)| !votes.is_zero())
        .map(|(votes, words)| format!("{}{words}", text::tokens(votes)))
        .collect();
    if sides.is_empty() { outcome.to_owned() } else { format!("{outcome} with {}", sides.join(", ")) }
}

fn number(decimal: &str) -> Option<f64> {
    decimal.parse().ok().filter(|number: &f64| number.is_finite())
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use governance::log::{EntryKind, EntryRef, Hash};

    use super::*;

    fn says(kind: EntryKind, facts: &[(&str, &str)], names: &Names) -> String {
        let mut entry = Entry::new(kind, "a", 1);
        for (name, value) in facts {
            entry = entry.with_fact(*name, *value);
        }
        entry.refs.push(EntryRef { index: 12, leaf: Hash::of(b"twelve") });
        sentence(kind.name(), &entry, names)
    }

    fn known() -> Names {
        Names { proposal: "“Winter storms”".into(), agent: Some("Cadence steward".into()), actor: Some("Vera Lindqvist".into()) }
    }

    #[test]
    fn a_vote_result_says_who_won_and_by_how_much() {
        let marsh = |tokens: &str| format!("{tokens}{}", "0".repeat(18));
        let facts = [("outcome", "passed"), ("for", &*marsh("44000")), ("against", &*marsh("9000")), ("abstain", "0")];
        assert_eq!(says(EntryKind::Tally, &facts, &known()), "“Winter storms” passed with 44,000 for, 9,000 against");
        assert_eq!(says(EntryKind::Tally, &[("outcome", "defeated")], &known()), "“Winter storms” was defeated");
    }

    #[test]
    fn an_outcome_says_both_numbers() {
        let facts = [("predicted", "41.32"), ("observed", "38.857"), ("unit", "tokens/day")];
        assert_eq!(says(EntryKind::Outcome, &facts, &known()), "Cadence steward predicted 41.3 tokens/day; it became 38.9");
        let why = [facts[0], ("unobserved", "Minting was paused.")];
        assert!(says(EntryKind::Outcome, &why, &known()).ends_with("cannot be told. Minting was paused"));
        let unseen = says(EntryKind::Outcome, &facts[..1], &known());
        assert_eq!(unseen, "What came of a prediction of Cadence steward cannot be told");
        assert!(!says(EntryKind::Outcome, &[("predicted", "inf"), ("observed", "NaN")], &known()).contains("NaN"));
    }

    #[test]
    fn corrections_and_erasures_name_the_entry_that_they_are_about() {
        assert_eq!(
            says(EntryKind::Erasure, &[("reason", "asked for by its author")], &known()),
            "The body of entry 12 was erased: asked for by its author"
        );
        assert_eq!(says(EntryKind::Correction, &[("block", "7")], &known()), "Entry 12 no longer holds: its block left the chain");
        assert!(says(EntryKind::Correction, &[], &known()).contains("tells otherwise"));
    }

    #[test]
    fn who_is_not_known_is_not_named() {
        assert_eq!(
            says(EntryKind::Verdict, &[("verdict", "holds")], &known()),
            "Vera Lindqvist looked into a decision of Cadence steward: it holds"
        );
        assert_eq!(
            says(EntryKind::Verdict, &[("verdict", "fails")], &Names::default()),
            "Somebody looked into a decision of an agent: it does not hold"
        );
        assert_eq!(says(EntryKind::Decision, &[], &Names::default()), "An agent signed a decision");
    }

    #[test]
    fn every_kind_has_a_sentence() {
        for kind in EntryKind::ALL {
            assert_ne!(says(kind, &[], &known()), kind.name());
        }
    }
}
