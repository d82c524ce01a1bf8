//! Two explanations side by side: where two agents agree about a question and where they do not.
//!
//! Models of different scale cannot be compared attribution by attribution, so weights are compared as shares: what
//! part of everything that moved a side's output this input moved, and which way.

use super::decision::{DecisionRecord, InputAttribution};
use super::summary::{in_the_sentence, recommendation};
use serde::{Deserialize, Serialize};

/// Two decisions on one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Said by rules from the numbers: one sentence.
    pub sentence: String,
    pub first: Side,
    pub second: Side,
    /// Inputs of either, largest difference of share first.
    pub inputs: Vec<ComparedInput>,
    /// Rank agreement of the shared inputs' attributions, −1 to 1 (Kendall's tau-b); `None` with fewer than two.
    pub rank_agreement: Option<f64>,
    /// Shared inputs whose attributions point the same way, of how many.
    pub same_sign: usize,
    pub shared: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    pub agent: String,
    pub model: String,
    pub output: f64,
    pub baseline: f64,
    pub unit: String,
    pub recommended: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComparedInput {
    pub name: String,
    pub label: String,
    /// `None` where this side does not use the input. Values differ where the two looked at different times.
    pub first_value: Option<f64>,
    pub second_value: Option<f64>,
    pub first: Option<f64>,
    pub second: Option<f64>,
    /// Attribution as a part of all attributions' magnitude on its side, so that models of different scale compare.
    pub first_share: Option<f64>,
    pub second_share: Option<f64>,
}

/// Holds two decisions against each other, input by input. Whether they answer the same question is for the caller to
/// have seen to; where they do not, the sentence says so.
pub fn compare(first: &DecisionRecord, second: &DecisionRecord) -> Comparison {
    let (first_total, second_total) = (total(first), total(second));
    let mut inputs: Vec<ComparedInput> = Vec::new();
    for input in first.inputs.iter().chain(second.inputs.iter().filter(|input| first.input(&input.name).is_none())) {
        let (one, other) = (attribution(first, &input.name), attribution(second, &input.name));
        let share = |attribution: Option<f64>, total: f64| attribution.map(|value| if total > 0.0 { value / total } else { 0.0 });
        inputs.push(ComparedInput {
            name: input.name.clone(),
            label: input.label.clone(),
            first_value: first.input(&input.name).and_then(|input| input.value),
            second_value: second.input(&input.name).and_then(|input| input.value),
            first: one,
            second: other,
            first_share: share(one, first_total),
            second_share: share(other, second_total),
        });
    }
    inputs.sort_by(|a, b| b.difference().total_cmp(&a.difference()));
    let pairs: Vec<(f64, f64)> = inputs.iter().filter_map(|input| Some((input.first?, input.second?))).collect();
    let same_sign = pairs.iter().filter(|(one, other)| sign(*one) == sign(*other)).count();
    let (first_side, second_side) = (side(first), side(second));
    Comparison {
        sentence: sentence(first, second, &inputs),
        first: first_side,
        second: second_side,
        rank_agreement: kendall_tau_b(&pairs),
        same_sign,
        shared: pairs.len(),
        inputs,
    }
}

impl ComparedInput {
    /// How far apart the two sides' shares are; an input that a side does not use has none there.
    pub fn difference(&self) -> f64 {
        (self.first_share.unwrap_or(0.0) - self.second_share.unwrap_or(0.0)).abs()
    }
}

fn total(record: &DecisionRecord) -> f64 {
    record.attributions.iter().map(|one| one.value.abs()).sum()
}

fn attribution(record: &DecisionRecord, name: &str) -> Option<f64> {
    record.attributions.iter().find(|one| one.name == name).map(|one| one.value)
}

fn sign(value: f64) -> i8 {
    if value == 0.0 { 0 } else { value.signum() as i8 }
}

fn side(record: &DecisionRecord) -> Side {
    Side {
        agent: record.agent.name.clone(),
        model: format!("{} {}", record.model.name, record.model.version),
        output: record.output.value,
        baseline: record.baseline.value,
        unit: record.output.unit.clone(),
        recommended: record.ruled_change().map_or_else(|| record.rule.current.to_string(), |change| change.to.clone()),
    }
}

/// Kendall's rank correlation with its correction for ties (Kendall 1945): concordant less discordant pairs, over the
/// geometric mean of the pairs untied on either side. `None` where a side has no two different numbers.
fn kendall_tau_b(pairs: &[(f64, f64)]) -> Option<f64> {
    let (mut balance, mut first_untied, mut second_untied) = (0i64, 0u64, 0u64);
    for (at, one) in pairs.iter().enumerate() {
        for other in &pairs[at + 1..] {
            let (first, second) = (sign(one.0 - other.0), sign(one.1 - other.1));
            balance += i64::from(first * second);
            first_untied += u64::from(first != 0);
            second_untied += u64::from(second != 0);
        }
    }
    let untied = (first_untied as f64 * second_untied as f64).sqrt();
    (untied > 0.0).then(|| (balance as f64 / untied).clamp(-1.0, 1.0))
}

fn sentence(first: &DecisionRecord, second: &DecisionRecord, inputs: &[ComparedInput]) -> String {
    let agents = if first.agent.name == second.agent.name {
        ("The first decision".to_owned(), "the second".to_owned())
    } else {
        (first.agent.name.clone(), second.agent.name.clone())
    };
    let (one, other) = (in_the_sentence(&recommendation(first)), in_the_sentence(&recommendation(second)));
    let what = if one == other {
        format!("Both recommend to {one}")
    } else {
        format!("{} recommends to {one}, {} to {other}", agents.0, agents.1)
    };
    let main = |record: &DecisionRecord| {
        let largest = record.attributions.iter().filter(|one| one.value != 0.0).max_by(|a, b| a.value.abs().total_cmp(&b.value.abs()))?;
        Some(label(record, largest))
    };
    let why = match (main(first), main(second)) {
        (Some(one), Some(other)) if one == other => format!("; on both sides \u{201c}{one}\u{201d} weighs most"),
        (Some(one), Some(other)) => {
            format!("; what weighs most is \u{201c}{one}\u{201d} on the first side and \u{201c}{other}\u{201d} on the second")
        }
        _ => String::new(),
    };
    let apart = inputs.first().filter(|input| input.difference() >= 0.005).map_or_else(String::new, |input| {
        let share = |share: Option<f64>| share.map_or_else(|| "not used".to_owned(), percent);
        let (one, other) = (share(input.first_share), share(input.second_share));
        format!(", and they differ most about \u{201c}{}\u{201d} ({one} of the weight against {other})", input.label)
    });
    let question = if first.question == second.question { "" } else { "; they were not asked the same question" };
    format!("{what}{why}{apart}{question}.")
}

fn label(record: &DecisionRecord, one: &InputAttribution) -> String {
    record.input(&one.name).map_or_else(|| one.name.clone(), |input| input.label.clone())
}

/// With its sign, but none on nothing.
fn percent(share: f64) -> String {
    let whole = (share * 100.0).round();
    match whole {
        0.0 => "0%".into(),
        less if less < 0.0 => format!("\u{2212}{}%", -less),
        more => format!("+{more}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::decision::tests::record;
    use super::*;
    use proptest::prelude::*;

    fn other() -> DecisionRecord {
        let mut other = record();
        other.agent.name = "Price steward".into();
        other.inputs[1].name = "wind".into();
        other.inputs[1].label = "Wind".into();
        other.attributions[1].name = "wind".into();
        other.attributions[0].value = -1.0;
        other.attributions[1].value = 2.0;
        other.attributions[2].value = -1.0;
        other.changes[0].to = "12".into();
        other
    }

    #[test]
    fn shares_make_models_of_different_scale_comparable() {
        let mut loud = record();
        loud.attributions.iter_mut().for_each(|one| one.value *= 100.0);
        let comparison = compare(&record(), &loud);
        assert!(comparison.inputs.iter().all(|input| input.difference() < 1e-12));
        assert_eq!((comparison.same_sign, comparison.shared, comparison.rank_agreement), (3, 3, Some(1.0)));
        let shares: f64 = comparison.inputs.iter().map(|input| input.first_share.unwrap().abs()).sum();
        assert!((shares - 1.0).abs() < 1e-12);
    }

    #[test]
    fn inputs_of_one_side_are_kept_and_the_largest_difference_comes_first() {
        let comparison = compare(&record(), &other());
        let seen: Vec<_> =
            comparison.inputs.iter().map(|input| (input.name.as_str(), input.first.is_some(), input.second.is_some())).collect();
        assert_eq!(seen, [("fill_7d", true, true), ("wind", false, true), ("new_collectors_7d", true, false), ("price_eth", true, true)]);
        assert_eq!((comparison.same_sign, comparison.shared), (1, 2));
        // One side has no order of its two shared inputs.
        assert_eq!(comparison.rank_agreement, None);
        assert_eq!(
            comparison.sentence,
            "Cadence steward recommends to raise mints offered from 18 to 25 a day, Price steward to lower mints offered from 18 to \
             12 a day; what weighs most is \u{201c}Share of offered mints taken, last 7 days\u{201d} on the first side and \
             \u{201c}Wind\u{201d} on the second, and they differ most about \u{201c}Share of offered mints taken, last 7 \
             days\u{201d} (+59% of the weight against \u{2212}25%)."
        );
    }

    #[test]
    fn agreement_is_said_as_such() {
        assert_eq!(
            compare(&record(), &record()).sentence,
            "Both recommend to raise mints offered from 18 to 25 a day; on both sides \u{201c}Share of offered mints taken, last 7 \
             days\u{201d} weighs most."
        );
        let mut other = record();
        other.question = "How many?".into();
        assert!(compare(&record(), &other).sentence.ends_with("; they were not asked the same question."));
    }

    #[test]
    fn tau_b_is_scipys() {
        // scipy.stats.kendalltau([12, 2, 1, 12, 2], [1, 4, 7, 1, 0])
        let pairs = [(12.0, 1.0), (2.0, 4.0), (1.0, 7.0), (12.0, 1.0), (2.0, 0.0)];
        assert!((kendall_tau_b(&pairs).unwrap() - -0.471_404_520_791_031_73).abs() < 1e-12);
        assert_eq!(kendall_tau_b(&[(1.0, 2.0)]), None);
        assert_eq!(kendall_tau_b(&[]), None);
    }

    proptest! {
        #[test]
        fn comparing_is_the_same_from_either_side(a in proptest::collection::vec(-9.0..9.0f64, 3), b in proptest::collection::vec(-9.0..9.0f64, 3)) {
            let with = |values: &[f64]| {
                let mut record = record();
                record.attributions.iter_mut().zip(values).for_each(|(one, value)| one.value = *value);
                record
            };
            let (here, there) = (compare(&with(&a), &with(&b)), compare(&with(&b), &with(&a)));
            prop_assert_eq!(here.rank_agreement, there.rank_agreement);
            prop_assert_eq!(here.same_sign, there.same_sign);
            prop_assert!(here.rank_agreement.is_none_or(|tau| (-1.0..=1.0).contains(&tau)));
        }
    }
}
