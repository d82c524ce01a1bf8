//! Whether what an explanation was made from has changed since.
//!
//! A stale explanation may be right about its own time; it says nothing about now. Gathering what is current (the
//! agent's model, its rule, the registry) is left to the caller.

use super::decision::DecisionRecord;
use super::rule::Rule;
use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

/// How things are now. What is not known is `None` and makes nothing stale.
#[derive(Debug, Clone, Copy, Default)]
pub struct Current<'a> {
    /// Hash of the model file the agent uses now, 64 lower-case hex digits.
    pub agent_model_sha256: Option<&'a str>,
    /// The rule the agent applies to this parameter now. `current` is not compared, as it follows the parameter.
    pub rule: Option<&'a Rule>,
    /// The agent's account may no longer speak for it.
    pub agent_revoked: bool,
    /// Hash of the engine's parameter set now.
    pub based_on: Option<B256>,
    /// The set that executing this very decision made: being outdated by one's own success is no fault.
    pub made: Option<B256>,
}

/// What has changed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stale {
    /// One plain sentence for each change.
    pub changes: Vec<String>,
}

/// What changed since the record was made; `None` when nothing did that is known.
pub fn staleness(record: &DecisionRecord, now: &Current<'_>) -> Option<Stale> {
    let mut changes = Vec::new();
    if now.agent_revoked {
        changes.push(format!("The agent {} was revoked since.", record.agent.name));
    }
    if now.agent_model_sha256.is_some_and(|sha256| sha256 != record.model.sha256) {
        changes.push(format!("The agent uses another model than {} {} now.", record.model.name, record.model.version));
    }
    if let Some(rule) = now.rule.filter(|rule| rule.parameter == record.rule.parameter) {
        changes.extend(rule_change(&record.rule, rule));
    }
    if now.based_on.is_some_and(|hash| hash != record.based_on && Some(hash) != now.made) {
        changes.push("The engine's parameters changed since, so the decision rests on values that are no longer in force.".into());
    }
    (!changes.is_empty()).then_some(Stale { changes })
}

fn rule_change(then: &Rule, now: &Rule) -> Option<String> {
    let pairs = [
        ("factor", then.factor.to_string(), now.factor.to_string()),
        ("offset", then.offset.to_string(), now.offset.to_string()),
        ("number of decimals", then.decimals.to_string(), now.decimals.to_string()),
        ("minimum", then.min.to_string(), now.min.to_string()),
        ("maximum", then.max.to_string(), now.max.to_string()),
        ("largest step", then.max_step.to_string(), now.max_step.to_string()),
    ];
    let changed: Vec<String> =
        pairs.into_iter().filter(|(_, then, now)| then != now).map(|(what, then, now)| format!("{what} from {then} to {now}")).collect();
    match (changed.is_empty(), then.text == now.text) {
        (false, _) => Some(format!("The agent's rule for {} changed since: {}.", then.parameter, changed.join(", "))),
        (true, false) => Some(format!("The agent's rule for {} is put in other words now.", then.parameter)),
        (true, true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::decision::tests::record;
    use super::*;

    #[test]
    fn an_explanation_of_today_is_not_stale() {
        let record = record();
        assert_eq!(staleness(&record, &Current::default()), None);
        let same = Current {
            agent_model_sha256: Some(&record.model.sha256),
            rule: Some(&record.rule),
            agent_revoked: false,
            based_on: Some(record.based_on),
            made: None,
        };
        assert_eq!(staleness(&record, &same), None);
    }

    #[test]
    fn each_change_is_said_in_words() {
        let record = record();
        let other = "00".repeat(32);
        let mut rule = record.rule.clone();
        rule.factor = 0.8;
        rule.max_step = "6".parse().unwrap();
        let now = Current {
            agent_model_sha256: Some(&other),
            rule: Some(&rule),
            agent_revoked: true,
            based_on: Some(B256::repeat_byte(1)),
            made: None,
        };
        assert_eq!(
            staleness(&record, &now).unwrap().changes,
            [
                "The agent Cadence steward was revoked since.",
                "The agent uses another model than tideline-demand 1.0.0 now.",
                "The agent's rule for mint.cadence changed since: factor from 0.9 to 0.8, largest step from 12 to 6.",
                "The engine's parameters changed since, so the decision rests on values that are no longer in force.",
            ]
        );
    }

    #[test]
    fn a_decision_is_not_outdated_by_its_own_execution() {
        let made = Some(B256::repeat_byte(1));
        assert_eq!(staleness(&record(), &Current { based_on: made, made, ..Current::default() }), None);
        assert!(staleness(&record(), &Current { based_on: made, made: None, ..Current::default() }).is_some());
    }

    #[test]
    fn a_rule_follows_the_parameter_it_starts_from() {
        let record = record();
        let mut rule = record.rule.clone();
        rule.current = "25".parse().unwrap();
        assert_eq!(staleness(&record, &Current { rule: Some(&rule), ..Current::default() }), None);
        rule.text = "Offer a little less than is wanted.".into();
        let stale = staleness(&record, &Current { rule: Some(&rule), ..Current::default() }).unwrap();
        assert_eq!(stale.changes, ["The agent's rule for mint.cadence is put in other words now."]);
    }
}
