//! All of an agent's decisions at once: which inputs weigh most, how, and when.
//!
//! Made from the records alone. They may have been made by different models with different inputs; each input then has
//! points only where it was used. Outputs of another unit have no place on the same axis and are left out.

use super::decision::{DecisionRecord, Input};
use super::summary::recommendation;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Attributions of many decisions, input by input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    pub unit: String,
    /// Largest mean magnitude first.
    pub inputs: Vec<InputOverview>,
    /// One per decision, oldest first.
    pub decisions: Vec<DecisionPath>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputOverview {
    pub name: String,
    pub label: String,
    pub unit: String,
    /// Mean of the attributions' magnitudes.
    pub mean_magnitude: f64,
    /// One per decision that has the input, in the order of `decisions`.
    pub points: Vec<SwarmPoint>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SwarmPoint {
    /// Place in `decisions`.
    pub decision: usize,
    pub attribution: f64,
    /// `None` where it was not known.
    pub value: Option<f64>,
    /// Where the value lies among all values of this input, 0 (lowest) to 1 (highest).
    pub relative: Option<f64>,
}

/// The way of one decision from its baseline to its output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionPath {
    /// 0x and the decision's digest.
    pub digest: String,
    pub at: u64,
    /// What to call it: the recommendation in a few words.
    pub label: String,
    pub baseline: f64,
    /// Running totals, adding inputs in the order of `inputs` from the last to the first; ends at the output.
    pub totals: Vec<f64>,
    pub output: f64,
}

/// Those of the decisions that can stand on one axis: their outputs have the newest one's unit. Oldest first.
pub fn comparable<'a>(records: impl IntoIterator<Item = &'a DecisionRecord>) -> Vec<&'a DecisionRecord> {
    let mut records: Vec<_> = records.into_iter().map(|record| (record.at, record.digest(), record)).collect();
    records.sort_by_key(|(at, digest, _)| (*at, *digest));
    let unit = records.last().map(|(_, _, newest)| newest.output.unit.clone());
    records.into_iter().map(|(_, _, record)| record).filter(|record| Some(&record.output.unit) == unit.as_ref()).collect()
}

/// Looks at all [`comparable`] decisions input by input.
///
/// An input is called what its newest decision calls it. It has no point in a decision that does not attribute to it.
pub fn overview<'a>(records: impl IntoIterator<Item = &'a DecisionRecord>) -> Overview {
    let records = comparable(records);
    let mut inputs = Vec::<InputOverview>::new();
    let mut places = HashMap::<&str, usize>::new();
    for (decision, record) in records.iter().enumerate() {
        for (one, input) in record.attributions.iter().filter_map(|one| Some((one, record.input(&one.name)?))) {
            let place = *places.entry(&one.name).or_insert_with(|| {
                inputs.push(without_points(input));
                inputs.len() - 1
            });
            let point = SwarmPoint { decision, attribution: one.value, value: input.value, relative: None };
            inputs[place].points.push(point);
            inputs[place].label.clone_from(&input.label);
            inputs[place].unit.clone_from(&input.unit);
        }
    }
    for input in &mut inputs {
        place_values(&mut input.points);
        input.mean_magnitude = input.points.iter().map(|point| point.attribution.abs()).sum::<f64>() / input.points.len() as f64;
    }
    // Sorting is stable, so inputs of equal weight keep the order in which decisions name them.
    inputs.sort_by(|a, b| b.mean_magnitude.total_cmp(&a.mean_magnitude));
    let decisions = records.iter().map(|record| path(record, &inputs)).collect();
    let unit = records.last().map_or_else(String::new, |newest| newest.output.unit.clone());
    Overview { unit, inputs, decisions }
}

fn without_points(input: &Input) -> InputOverview {
    InputOverview { name: input.name.clone(), label: input.label.clone(), unit: input.unit.clone(), mean_magnitude: 0.0, points: vec![] }
}

/// By rank, so that one outlier does not push all others together: the part of the different values that are lower.
fn place_values(points: &mut [SwarmPoint]) {
    let mut values: Vec<f64> = points.iter().filter_map(|point| point.value).collect();
    values.sort_by(f64::total_cmp);
    for point in points {
        point.relative = point.value.map(|value| {
            let lower = values.partition_point(|other| *other < value);
            let higher = values.len() - values.partition_point(|other| *other <= value);
            if lower + higher == 0 { 0.5 } else { lower as f64 / (lower + higher) as f64 }
        });
    }
}

fn path(record: &DecisionRecord, inputs: &[InputOverview]) -> DecisionPath {
    let mut total = record.baseline.value;
    let totals = inputs
        .iter()
        .rev()
        .map(|input| {
            total += record.attributions.iter().find(|one| one.name == input.name).map_or(0.0, |one| one.value);
            total
        })
        .collect();
    DecisionPath {
        digest: record.digest().to_string(),
        at: record.at,
        label: recommendation(record),
        baseline: record.baseline.value,
        totals,
        output: record.output.value,
    }
}

#[cfg(test)]
mod tests {
    use super::super::decision::InputAttribution;
    use super::super::decision::tests::record;
    use super::*;

    /// A decision with another value and attribution of its first input, so much later.
    fn later(seconds: u64, value: Option<f64>, attribution: f64) -> DecisionRecord {
        let mut record = record();
        record.at += seconds;
        record.inputs[0].value = value;
        record.output.value += attribution - record.attributions[0].value;
        record.attributions[0].value = attribution;
        record
    }

    #[test]
    fn inputs_stand_in_the_order_of_their_mean_magnitude() {
        let seen = overview(&[later(1, Some(0.2), -1.0), record()]);
        let names: Vec<&str> = seen.inputs.iter().map(|input| input.name.as_str()).collect();
        assert_eq!(names, ["fill_7d", "new_collectors_7d", "price_eth"]);
        assert!((seen.inputs[0].mean_magnitude - (4.1 + 1.0) / 2.0).abs() < 1e-12);
        assert_eq!((seen.unit.as_str(), seen.inputs[2].unit.as_str()), ("tokens/day", "ETH"));
    }

    #[test]
    fn decisions_are_told_oldest_first_from_baseline_to_output() {
        let (old, new) = (record(), later(1, Some(0.2), -1.0));
        let seen = overview([&new, &old]);
        assert_eq!(seen.decisions[0].digest, old.digest().to_string());
        assert_eq!(seen.decisions[0].label, "Raise mints offered from 18 to 25 a day");
        for decision in &seen.decisions {
            assert!((decision.totals[2] - decision.output).abs() < 1e-9);
            // The input that weighs least comes first.
            assert!((decision.totals[0] - (decision.baseline - 0.8)).abs() < 1e-9);
        }
    }

    #[test]
    fn values_are_placed_by_rank_and_unknown_ones_nowhere() {
        let values = [Some(0.2), Some(0.9), None, Some(0.2), Some(1e9)];
        let records: Vec<_> = values.into_iter().zip(0..).map(|(value, at)| later(at, value, 1.0)).collect();
        let relative: Vec<_> = overview(&records)
            .inputs
            .iter()
            .find(|input| input.name == "fill_7d")
            .unwrap()
            .points
            .iter()
            .map(|point| point.relative)
            .collect();
        assert_eq!(relative, [Some(0.0), Some(2.0 / 3.0), None, Some(0.0), Some(1.0)]);
        let alone = overview(&[record()]);
        assert_eq!(alone.inputs[0].points[0].relative, Some(0.5));
    }

    #[test]
    fn an_input_that_only_some_decisions_use_has_points_only_there() {
        let mut other = later(5, Some(0.5), 1.0);
        other.inputs[1].name = "wind".into();
        other.attributions[1] = InputAttribution { name: "wind".into(), value: -9.0, standard_error: None };
        let seen = overview(&[record(), other]);
        assert_eq!(seen.inputs.len(), 4);
        assert_eq!(seen.inputs[0].name, "wind");
        assert_eq!(seen.inputs[0].points.iter().map(|point| point.decision).collect::<Vec<_>>(), [1]);
        assert!(seen.decisions.iter().all(|decision| decision.totals.len() == 4));
    }

    #[test]
    fn outputs_of_another_unit_stay_out_and_nothing_gives_nothing() {
        let mut other = record();
        other.output.unit = "ETH".into();
        let newest = later(9, Some(0.5), 1.0);
        let records = [other, newest];
        assert_eq!(comparable(&records).len(), 1);
        assert_eq!(overview(&records).decisions.len(), 1);
        let nothing = overview(&[]);
        assert_eq!((nothing.inputs.len(), nothing.decisions.len(), nothing.unit.as_str()), (0, 0, ""));
    }
}
