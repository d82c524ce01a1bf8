//! Which link is at fault when numbers disagree.
//!
//! One altered number spoils every number after it. What follows tells cause from consequence by what still agrees:
//!
//! | what disagrees | and what still agrees | link at fault |
//! |---|---|---|
//! | the file's hash | – | model; nothing is computed from another file |
//! | names of the inputs | – | inputs; nothing can be computed |
//! | the sum, the baseline or an attribution | the model's output for these inputs | attributions |
//! | output (and so the sum) | baseline and every attribution | output |
//! | output and attributions | sum and baseline, which depends on no input | inputs |
//! | output and baseline | the sum | model: another one was explained, or the record was made for another |
//! | output, the sum, and a baseline or attribution | – | output and attributions: two things were altered |
//! | the sum, with no model to ask | the rule gives the change from the sum, not from the output | output |
//! | the sum, with no model to ask | otherwise | attributions |
//! | output, with attributions nobody can compute | the sum | inputs |
//! | output, with attributions nobody can compute | – | output |
//! | the rule's result and the change | the call (or no fact) sides with the change, or only a limit is in the way | rule |
//! | the rule's result and the change | the call sides with the rule, or the change lies outside the rule's own limits | value |
//! | where rule and change start from | the parameter set sides with the rule | value, otherwise rule |
//!
//! Two forgeries look alike to arithmetic: attributions shifted among each other look like inputs of equal output, and
//! one input of an additive model like its attribution and the output together. The likelier one is blamed, as above.
//! The record's digest and signature catch every alteration after signing, these included.

use crate::explanation::decision::DecisionRecord;
use crate::explanation::links::Carried;
use crate::explanation::rule::Decimal;

/// What agrees with what. `None` is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Agreement {
    /// Baseline and attributions add up to the output.
    pub sum: bool,
    pub output: Option<bool>,
    pub baseline: Option<bool>,
    pub attributions: Option<bool>,
    /// The rule gives the change from the recorded sum, and does not from the recorded output.
    pub rule_sides_with_sum: bool,
}

/// The links at fault among those that numbers can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Blame {
    pub inputs: bool,
    pub model: bool,
    pub attributions: bool,
    pub output: bool,
}

impl Agreement {
    pub fn blame(self) -> Blame {
        let none = Blame::default();
        let (inputs, model, attributions, output) = (
            Blame { inputs: true, ..none },
            Blame { model: true, ..none },
            Blame { attributions: true, ..none },
            Blame { output: true, ..none },
        );
        match (self.output, self.baseline.zip(self.attributions)) {
            (Some(true), Some((true, true))) | (Some(true) | None, None) if self.sum => none,
            (Some(true), _) => attributions,
            (Some(false), Some((true, true))) => output,
            (Some(false), Some((false, _))) if self.sum => model,
            (Some(false), _) if self.sum => inputs,
            (Some(false), Some(_)) => Blame { attributions: true, output: true, ..none },
            (Some(false), None) => output,
            (None, _) if self.rule_sides_with_sum => output,
            (None, _) => attributions,
        }
    }
}

/// Whether rule or value is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct RuleBlame {
    pub rule: bool,
    pub value: bool,
}

/// `output` is the one to trust: recomputed where the recorded one is at fault.
pub(super) fn blame_rule(record: &DecisionRecord, output: f64, carried: Option<&Carried>) -> RuleBlame {
    let rule = &record.rule;
    let given = rule.evaluate(output).value;
    let Some(change) = record.ruled_change() else {
        // Recommending no change is right when the rule arrives where it started.
        return RuleBlame { rule: given != rule.current.to_string(), value: unruled(record) };
    };
    let mut blame = RuleBlame { value: unruled(record), rule: false };
    if given != change.to {
        let called = carried
            .and_then(|carried| carried.calls.iter().find(|call| call.key == change.key && call.engine == change.engine))
            .map(|call| call.value.as_str());
        let value = match called {
            Some(called) if called == change.to => false,
            Some(called) if called == given => true,
            _ => !only_a_limit_is_in_the_way(record, output, &change.to) && outside_limits(record, &change.to),
        };
        blame = RuleBlame { rule: !value, value: blame.value || value };
    } else if change.from != rule.current.to_string() {
        let value = carried.and_then(|carried| carried.before.as_ref()).is_some_and(|before| *before == rule.current.to_string());
        blame = RuleBlame { rule: !value, value: blame.value || value };
    }
    blame
}

/// Whether the record recommends changes that no rule speaks of.
fn unruled(record: &DecisionRecord) -> bool {
    record.changes.iter().any(|change| change.key != record.rule.parameter)
}

fn only_a_limit_is_in_the_way(record: &DecisionRecord, output: f64, to: &str) -> bool {
    let rule = &record.rule;
    Decimal::round(rule.factor * output + rule.offset, rule.decimals).is_some_and(|free| free.to_string() == to)
}

/// No factor and offset could lead there.
fn outside_limits(record: &DecisionRecord, to: &str) -> bool {
    let rule = &record.rule;
    let Some(to) = to.parse::<Decimal>().ok().filter(|to| to.decimals() == rule.decimals) else {
        return true;
    };
    let step = rule.max_step.scaled();
    let outside = to.scaled() < rule.min.scaled() || to.scaled() > rule.max.scaled();
    outside || (step > 0 && (to.scaled() - rule.current.scaled()).abs() > step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGREED: Agreement =
        Agreement { sum: true, output: Some(true), baseline: Some(true), attributions: Some(true), rule_sides_with_sum: false };

    #[test]
    fn nobody_is_blamed_where_everything_agrees() {
        assert_eq!(AGREED.blame(), Blame::default());
        let claimed = Agreement { output: None, baseline: None, attributions: None, ..AGREED };
        assert_eq!(claimed.blame(), Blame::default());
        assert_eq!(Agreement { baseline: None, attributions: None, ..AGREED }.blame(), Blame::default());
    }

    #[test]
    fn whatever_disagrees_somebody_is_blamed() {
        let maybe = [None, Some(false), Some(true)];
        for (sum, output) in [(true, 0), (true, 1), (true, 2), (false, 0), (false, 1), (false, 2)] {
            for explained in [None, Some((true, true)), Some((true, false)), Some((false, true)), Some((false, false))] {
                let (baseline, attributions) = explained.map_or((None, None), |(baseline, values)| (Some(baseline), Some(values)));
                // Attributions are never known without the output.
                if maybe[output].is_none() && explained.is_some() {
                    continue;
                }
                let agreement = Agreement { sum, output: maybe[output], baseline, attributions, rule_sides_with_sum: false };
                let wrong = !sum || output == 1 || explained.is_some_and(|(baseline, values)| !baseline || !values);
                assert_eq!(agreement.blame() != Blame::default(), wrong, "{agreement:?}");
            }
        }
    }
}
