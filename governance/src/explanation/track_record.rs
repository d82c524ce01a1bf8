//! What an agent's models said would happen, beside what happened.
//!
//! Observations are the caller's: this knows neither chain nor clock. Errors are plain means, so one bad miss shows.

use super::decision::DecisionRecord;
use super::summary::{amount, plural};
use serde::{Deserialize, Serialize};

/// The metric by which a model's maker claims an error, in the unit of the output.
const CLAIMED: &str = "mae";
/// Fewer known outcomes make no line.
const LINE_NEEDS: usize = 3;

/// One prediction and, once it is known, what was observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// 0x and the decision's digest.
    pub digest: String,
    /// When the decision was made, in unix seconds.
    pub at: u64,
    pub predicted: f64,
    /// What would have been said without a model, such as last week's value.
    pub naive: Option<f64>,
    pub observed: Option<f64>,
    /// Why there is nothing observed, where there is not.
    pub why_not: Option<String>,
}

/// How the predictions did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrackRecord {
    pub label: String,
    pub unit: String,
    /// Oldest first.
    pub outcomes: Vec<Outcome>,
    /// How many have an observation.
    pub known: usize,
    /// Mean of observed less predicted: negative means that it promised too much.
    pub bias: Option<f64>,
    pub mean_absolute_error: Option<f64>,
    pub naive_absolute_error: Option<f64>,
    /// Least-squares line of observed over predicted: 1 and 0 are perfect. `None` with fewer than three known.
    pub calibration_slope: Option<f64>,
    pub calibration_intercept: Option<f64>,
    /// Part of the known outcomes within the error the model's maker claims.
    pub within_claimed_error: Option<f64>,
    /// Said by rules from the numbers.
    pub sentence: String,
}

/// A decision and what is known of its outcome.
#[derive(Debug, Clone)]
pub struct Prediction<'a> {
    pub record: &'a DecisionRecord,
    /// What would have been said without a model, in the output's unit.
    pub naive: Option<f64>,
    pub observed: Option<f64>,
    /// Why there is nothing observed, where there is not.
    pub why_not: Option<String>,
}

/// Holds predictions against what was observed. Label and unit are the newest decision's; decisions whose output has
/// another unit are left out.
pub fn track_record(predictions: &[Prediction<'_>]) -> TrackRecord {
    let mut sorted: Vec<_> = predictions.iter().map(|one| (one.record.at, one.record.digest(), one)).collect();
    sorted.sort_by_key(|(at, digest, _)| (*at, *digest));
    let newest = sorted.last().map(|(_, _, one)| one.record);
    sorted.retain(|(_, _, one)| newest.is_some_and(|newest| newest.output.unit == one.record.output.unit));
    let outcomes: Vec<Outcome> = sorted
        .iter()
        .map(|(at, digest, one)| Outcome {
            digest: digest.to_string(),
            at: *at,
            predicted: one.record.output.value,
            naive: finite(one.naive),
            observed: finite(one.observed),
            why_not: finite(one.observed).is_none().then(|| one.why_not.clone().unwrap_or_else(|| "It was not observed yet.".into())),
        })
        .collect();

    let known: Vec<(f64, f64)> = outcomes.iter().filter_map(|one| Some((one.predicted, one.observed?))).collect();
    let naive: Vec<f64> = outcomes.iter().filter_map(|one| Some((one.observed? - one.naive?).abs())).collect();
    let beside: Vec<f64> = outcomes.iter().filter_map(|one| one.naive.and(Some((one.observed? - one.predicted).abs()))).collect();
    let line = least_squares(&known);
    let mut track = TrackRecord {
        label: newest.map_or_else(String::new, |newest| newest.output.label.clone()),
        unit: newest.map_or_else(String::new, |newest| newest.output.unit.clone()),
        known: known.len(),
        bias: mean(known.iter().map(|(predicted, observed)| observed - predicted)),
        mean_absolute_error: mean(known.iter().map(|(predicted, observed)| (observed - predicted).abs())),
        naive_absolute_error: mean(naive.iter().copied()),
        calibration_slope: line.map(|(slope, _)| slope),
        calibration_intercept: line.map(|(_, intercept)| intercept),
        within_claimed_error: mean(sorted.iter().filter_map(|(_, _, one)| {
            let error = (finite(one.observed)? - one.record.output.value).abs();
            Some(if error <= claimed_error(one.record)? { 1.0 } else { 0.0 })
        })),
        outcomes,
        sentence: String::new(),
    };
    track.sentence =
        newest.map_or_else(|| "There are no predictions yet.".into(), |newest| sentence(newest, &track, mean(beside.into_iter())));
    track
}

/// The mean absolute error that the model's maker claims.
pub fn claimed_error(record: &DecisionRecord) -> Option<f64> {
    let metric = record.model.metrics.iter().find(|metric| metric.name == CLAIMED && metric.unit == record.output.unit)?;
    Some(metric.value)
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// Slope and intercept of the line through (predicted, observed) with the least squares.
fn least_squares(known: &[(f64, f64)]) -> Option<(f64, f64)> {
    if known.len() < LINE_NEEDS {
        return None;
    }
    let count = known.len() as f64;
    let (x, y) = (known.iter().map(|(x, _)| x).sum::<f64>() / count, known.iter().map(|(_, y)| y).sum::<f64>() / count);
    let spread: f64 = known.iter().map(|(one, _)| (one - x).powi(2)).sum();
    // Equal predictions, up to rounding, have no slope.
    if spread <= 1e-12 * count * x.abs().max(1.0).powi(2) {
        return None;
    }
    let slope = known.iter().map(|(one, other)| (one - x) * (other - y)).sum::<f64>() / spread;
    Some((slope, y - slope * x))
}

/// `beside` is the model's own error where there is a naive one.
fn sentence(newest: &DecisionRecord, track: &TrackRecord, beside: Option<f64>) -> String {
    let (Some(bias), Some(error)) = (track.bias, track.mean_absolute_error) else {
        return match track.outcomes.len() {
            1 => "What came of the one prediction is not known yet.".into(),
            many => format!("What came of the {many} predictions is not known yet."),
        };
    };
    let shown = |value: f64| amount(newest, value);
    let nothing = shown(0.0);
    let of = plural(track.outcomes.len(), "prediction", "predictions");
    let (know, off) = if track.known == 1 { ("is known", "it was") } else { ("are known", "they were") };
    let error_text = if shown(error) == nothing { "right".into() } else { format!("off by {}", shown(error)) };
    let mean = if track.known == 1 { "" } else { " on average" };
    let leaning = match shown(bias.abs()) {
        // A single error has a direction; many have a leaning.
        even if even == nothing => String::new(),
        _ if track.known == 1 && bias < 0.0 => ", having promised too much".into(),
        _ if track.known == 1 => ", having promised too little".into(),
        much if bias < 0.0 => format!(" and promised {much} too much"),
        little => format!(" and promised {little} too little"),
    };
    let naive = match (beside, track.naive_absolute_error) {
        (Some(beside), Some(naive)) => {
            let subject = if track.known == 1 { "it" } else { "they" };
            let than = if shown(beside) == shown(naive) {
                "as far off as".to_owned()
            } else if beside < naive {
                "closer than".to_owned()
            } else {
                "further off than".to_owned()
            };
            let verb = if track.known == 1 { "was" } else { "were" };
            format!("; {subject} {verb} {than} a guess without a model, which was off by {}", shown(naive))
        }
        _ => String::new(),
    };
    format!("Of {of} {} {know}: {off} {error_text}{mean}{leaning}{naive}.", track.known)
}

#[cfg(test)]
mod tests {
    use super::super::decision::tests::record;
    use super::*;

    /// So many decisions, each with what was predicted, guessed and observed.
    fn tracked(all: &[(f64, Option<f64>, Option<f64>)]) -> TrackRecord {
        let records: Vec<DecisionRecord> = all
            .iter()
            .enumerate()
            .map(|(at, (predicted, _, _))| {
                let mut record = record();
                record.at += at as u64;
                record.output.value = *predicted;
                record
            })
            .collect();
        let predictions: Vec<_> = records
            .iter()
            .zip(all)
            .map(|(record, (_, naive, observed))| Prediction { record, naive: *naive, observed: *observed, why_not: None })
            .collect();
        track_record(&predictions)
    }

    #[test]
    fn errors_are_counted_where_outcomes_are_known() {
        let track = tracked(&[(10.0, Some(4.0), Some(8.0)), (20.0, Some(16.0), Some(21.0)), (30.0, None, None)]);
        assert_eq!((track.outcomes.len(), track.known), (3, 2));
        assert_eq!(track.bias, Some(-0.5));
        assert_eq!(track.mean_absolute_error, Some(1.5));
        assert_eq!(track.naive_absolute_error, Some(4.5));
        // The record's maker claims 1.2.
        assert_eq!(track.within_claimed_error, Some(0.5));
        assert_eq!((track.calibration_slope, track.outcomes[2].why_not.as_deref()), (None, Some("It was not observed yet.")));
        assert_eq!(
            track.sentence,
            "Of 3 predictions 2 are known: they were off by 1.5 tokens/day on average and promised 0.5 tokens/day too much; \
             they were closer than a guess without a model, which was off by 4.5 tokens/day."
        );
    }

    #[test]
    fn a_model_that_tells_half_the_way_has_a_slope_of_one_half() {
        let track = tracked(&[(0.0, None, Some(5.0)), (10.0, None, Some(10.0)), (30.0, None, Some(20.0))]);
        assert!((track.calibration_slope.unwrap() - 0.5).abs() < 1e-12);
        assert!((track.calibration_intercept.unwrap() - 5.0).abs() < 1e-12);
        assert_eq!(tracked(&[(7.0, None, Some(5.0)); 4]).calibration_slope, None);
    }

    #[test]
    fn few_outcomes_are_said_in_the_singular() {
        assert_eq!(tracked(&[]).sentence, "There are no predictions yet.");
        assert_eq!(tracked(&[(3.0, None, None)]).sentence, "What came of the one prediction is not known yet.");
        assert_eq!(tracked(&[(3.0, None, None); 2]).sentence, "What came of the 2 predictions is not known yet.");
        let one = tracked(&[(20.0, Some(25.0), Some(18.0))]);
        assert_eq!(
            one.sentence,
            "Of 1 prediction 1 is known: it was off by 2.0 tokens/day, having promised too much; it was closer than a guess \
             without a model, which was off by 7.0 tokens/day."
        );
        let right = tracked(&[(20.0, None, Some(20.0)), (25.0, None, Some(25.0))]);
        assert_eq!(right.sentence, "Of 2 predictions 2 are known: they were right on average.");
    }

    #[test]
    fn what_is_not_a_number_was_not_observed() {
        let track = tracked(&[(3.0, Some(f64::NAN), Some(f64::INFINITY)), (4.0, None, Some(4.0))]);
        assert_eq!((track.known, track.naive_absolute_error), (1, None));
    }

    #[test]
    fn a_claim_in_another_unit_is_no_claim() {
        let mut record = record();
        assert_eq!(claimed_error(&record), Some(1.2));
        record.model.metrics[0].unit = "ETH".into();
        assert_eq!(claimed_error(&record), None);
    }
}
