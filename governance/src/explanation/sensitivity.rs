//! How the recommendation moves as one input moves across its range, the rule included.
//!
//! For trees the curve is exact: all steps of the output within the range, with the values on both sides of each. Where
//! that is more than can be drawn, the steps that move the recommendation most are kept, then those of the output. For
//! other models it is a grid.

use super::decision::DecisionRecord;
use super::model::Model;
use super::profile::profile;
use super::ranges::InputRange;
use super::setting::{Setting, SettingError, number};
use serde::{Deserialize, Serialize};

/// Points of a curve, at most, unless asked otherwise.
pub const USUAL_POINTS: usize = 240;

/// One input moved from `low` to `high` while all others stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Curve {
    /// The model's name for the input.
    pub name: String,
    pub label: String,
    pub unit: String,
    /// Where the input stood; `None` where it was not known.
    pub at: Option<f64>,
    /// In rising order of `value`. Steps are kept: two points of the same recommendation at both ends of each flat piece.
    pub points: Vec<CurvePoint>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CurvePoint {
    pub value: f64,
    /// The model's output there.
    pub output: f64,
    /// What the rule makes of it, as the registry would store it.
    pub recommended: String,
    /// The same as a number, for drawing.
    pub number: f64,
}

/// A curve per input of a decision, in the model's order. Inputs that cannot be changed have curves too.
pub fn curves(record: &DecisionRecord, model: &Model, ranges: &[InputRange]) -> Result<Vec<Curve>, SettingError> {
    let setting = Setting::of(record, model, ranges)?;
    Ok((0..setting.row.len()).map(|feature| curve(&setting, feature, USUAL_POINTS)).collect())
}

/// The curve of one input, of at most so many points (two at least).
///
/// # Panics
/// When the setting has no such feature.
pub fn curve(setting: &Setting<'_>, feature: usize, most_points: usize) -> Curve {
    let range = &setting.ranges[feature];
    let point = |value: f64, output: f64| {
        let recommended = setting.recommended(output);
        CurvePoint { value, output, recommended: recommended.to_string(), number: number(recommended) }
    };
    let pieces: Vec<(CurvePoint, f64)> =
        profile(setting, &setting.row, feature).into_iter().map(|piece| (point(piece.first, piece.output), piece.last)).collect();
    let kept = kept_steps(&pieces, most_points.saturating_sub(2) / 2);
    let mut points = Vec::new();
    for (at, (first, last)) in pieces.iter().enumerate() {
        // A piece is drawn from its first value where the step before it is kept, to its last where the one after is.
        if at == 0 || kept[at - 1] {
            points.push(first.clone());
        }
        if (at + 1 == pieces.len() || kept[at]) && (*last > first.value || at > 0 && !kept[at - 1]) {
            points.push(CurvePoint { value: *last, ..first.clone() });
        }
    }
    let at = Some(setting.row[feature]).filter(|value| !value.is_nan());
    Curve { name: range.name.clone(), label: range.label.clone(), unit: range.unit.clone(), at, points }
}

/// Which of the steps between pieces are kept: the largest, by the recommendation and then by the output.
fn kept_steps(pieces: &[(CurvePoint, f64)], most: usize) -> Vec<bool> {
    let steps = pieces.windows(2).map(|pair| (&pair[0].0, &pair[1].0));
    let sizes: Vec<(f64, f64)> = steps.map(|(a, b)| ((b.number - a.number).abs(), (b.output - a.output).abs())).collect();
    let mut by_size: Vec<usize> = (0..sizes.len()).collect();
    by_size.sort_by(|a, b| sizes[*b].0.total_cmp(&sizes[*a].0).then(sizes[*b].1.total_cmp(&sizes[*a].1)).then(a.cmp(b)));
    let mut kept = vec![false; sizes.len()];
    by_size.into_iter().take(most).for_each(|at| kept[at] = true);
    kept
}

#[cfg(test)]
mod tests {
    use super::super::attribution::tests::{forest, linear_model};
    use super::super::model::Link;
    use super::super::ranges::tests::range;
    use super::super::rule::tests::cadence_rule;
    use super::*;
    use proptest::prelude::*;

    /// What a reader of the curve takes for the recommendation at a value: that of the nearest point at or before it.
    fn drawn(curve: &Curve, value: f64) -> &CurvePoint {
        curve.points.iter().rev().find(|point| point.value <= value).unwrap()
    }

    proptest! {
        #[test]
        fn a_curve_says_what_model_and_rule_say_everywhere(
            seed in any::<u64>(), row in prop::collection::vec((-3i8..=3).prop_map(f64::from), 3), values in prop::collection::vec(-3.0..3.0f64, 10),
        ) {
            let model = forest(3, 6, 4, seed);
            let rule = cadence_rule();
            let ranges = (0..3).map(|at| range(&format!("f{at}"), -3.0, 3.0)).collect();
            let setting = Setting::new(&model, &rule, 0, row, ranges).unwrap();
            for feature in 0..3 {
                let curve = curve(&setting, feature, USUAL_POINTS);
                prop_assert!(curve.points.is_sorted_by(|a, b| a.value < b.value));
                prop_assert_eq!((curve.points[0].value, curve.points[curve.points.len() - 1].value), (-3.0, 3.0));
                let ends: Vec<f64> = curve.points.iter().map(|point| point.value).collect();
                for value in values.iter().map(|value| f64::from(*value as f32)).chain(ends) {
                    let mut row = setting.row.clone();
                    row[feature] = value;
                    let output = model.predict(&row)[0];
                    let point = drawn(&curve, value);
                    prop_assert_eq!((point.output, &point.recommended), (output, &rule.evaluate(output).value));
                }
            }
        }

        #[test]
        fn thinning_keeps_the_steps_of_the_recommendation(seed in any::<u64>()) {
            // 1001 possible steps of a quarter each; the rule rounds most of them away.
            let model = forest(2, 60, 4, seed);
            let rule = super::super::rule::Rule { factor: 0.02, ..cadence_rule() };
            let ranges = (0..2).map(|at| range(&format!("f{at}"), -3.0, 3.0)).collect();
            let setting = Setting::new(&model, &rule, 0, vec![0.0; 2], ranges).unwrap();
            let (whole, thin) = (curve(&setting, 0, usize::MAX), curve(&setting, 0, 8));
            prop_assert!(thin.points.len() <= 8);
            let steps = whole.points.windows(2).filter(|pair| pair[0].number != pair[1].number).count();
            prop_assert!(steps <= 3, "the case is not the one meant");
            for point in &whole.points {
                prop_assert_eq!(&drawn(&thin, point.value).recommended, &point.recommended);
            }
        }
    }

    #[test]
    fn other_models_are_drawn_on_a_grid() {
        let model = linear_model(Link::Identity, vec![2.0, 1.0], vec![0.0], None);
        let rule = cadence_rule();
        let ranges = vec![range("f0", 0.0, 20.0), InputRange { whole: true, ..range("f1", 0.0, 3.0) }];
        let setting = Setting::new(&model, &rule, 0, vec![5.0, f64::NAN], ranges).unwrap();
        let curve_of_unknown = curve(&setting, 1, USUAL_POINTS);
        let values: Vec<_> = curve_of_unknown.points.iter().map(|point| (point.value, point.recommended.as_str())).collect();
        assert_eq!(values, [(0.0, "9"), (1.0, "10"), (2.0, "11"), (3.0, "12")]);
        assert_eq!(curve_of_unknown.at, None);
        // The second input is not known, so neither is the output: the value stays.
        assert!(curve(&setting, 0, USUAL_POINTS).points.iter().all(|point| point.recommended == "18"));
    }
}
