//! Comparisons as forests make them: `x < t` on the row's own values, whatever the file compares and scales.
//!
//! What a pipeline does to a feature before a tree sees it (adding, multiplying, dividing, clipping, rounding) never
//! turns its order around within rounding, or turns all of it. So a comparison of the result is a comparison of the
//! feature, and the smallest float for which it changes its answer is found by bisecting over all floats, computing in
//! the width the file computes in. That is exact, which dividing the threshold would not be.

use super::super::forest::{CategorySet, Precision, RawTest};
use super::super::network::{Elementary, Trace};
use super::super::{ModelError, malformed, unsupported};

/// What a node asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
    NotEqual,
    Member,
}

/// A question as a forest asks it.
pub(super) struct Question {
    pub test: RawTest,
    /// Whether "yes" to the test is "yes" to the node.
    pub straight: bool,
    /// What a missing value answers to the node.
    pub missing: bool,
}

/// How the row's values and the numbers made of them are rounded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widths {
    pub row: Precision,
    /// Whether the ensemble compares 32-bit floats.
    pub single: bool,
}

/// Turns a node's comparison with a threshold into a question to the feature.
///
/// `members` are what a `Member` compares with; `work` is what remains of the elementary steps that may be tried.
pub(super) fn question(
    trace: &Trace,
    widths: Widths,
    mode: Mode,
    threshold: f64,
    members: &[f64],
    missing_is_true: bool,
    work: &mut usize,
) -> Result<Question, ModelError> {
    if threshold.is_nan() && mode != Mode::Member {
        return Err(malformed("a tree node", "its threshold is not a number"));
    }
    // Not equal is the one comparison that is true for NaN.
    let answer = |value: f64| match mode {
        _ if value.is_nan() => missing_is_true || mode == Mode::NotEqual,
        Mode::AtMost => value <= threshold,
        Mode::Below => value < threshold,
        Mode::AtLeast => value >= threshold,
        Mode::Above => value > threshold,
        Mode::Equal => value == threshold,
        Mode::NotEqual => value != threshold,
        Mode::Member => members.contains(&value),
    };
    let missing = answer(apply(trace, widths, f64::NAN));
    if matches!(mode, Mode::Equal | Mode::NotEqual | Mode::Member) {
        if trace.path.iter().any(|(elementary, _)| !matches!(elementary, Elementary::Fill(_))) {
            return Err(unsupported("a tree that compares scaled values for equality"));
        }
        let numbers = if mode == Mode::Member { members.to_vec() } else { vec![threshold] };
        return Ok(Question { test: RawTest::In(CategorySet::of_numbers(numbers)), straight: mode != Mode::NotEqual, missing });
    }
    if trace.path.is_empty() {
        let straight = matches!(mode, Mode::AtMost | Mode::Below);
        let inclusive = matches!(mode, Mode::AtMost | Mode::Above);
        return Ok(match bound(threshold, inclusive, widths.row) {
            Some(bound) => Question { test: RawTest::Below(bound), straight, missing },
            // All values are at most infinity: nothing is below its negative, so the answer is always the other one.
            None => Question { test: RawTest::Below(f64::NEG_INFINITY), straight: !straight, missing },
        });
    }
    *work = work.checked_sub(64 * trace.path.len()).ok_or_else(too_much_scaling)?;
    let held = |value: f64| answer(apply(trace, widths, value));
    let [lowest, highest] = [held(f64::NEG_INFINITY), held(f64::INFINITY)];
    if lowest == highest {
        return Ok(Question { test: RawTest::Below(f64::NEG_INFINITY), straight: !lowest, missing });
    }
    let changes = match widths.row {
        Precision::Single => f64::from(single_at(first_where(single_key(f32::NEG_INFINITY), single_key(f32::INFINITY), |key| {
            held(single_at(key).into()) == highest
        }))),
        Precision::Double => {
            double_at(first_where(double_key(f64::NEG_INFINITY), double_key(f64::INFINITY), |key| held(double_at(key)) == highest))
        }
    };
    Ok(Question { test: RawTest::Below(changes), straight: lowest, missing })
}

/// Why pipelines that are too long for so many nodes are refused.
pub(super) fn too_much_scaling() -> ModelError {
    unsupported("more scaling in front of trees than can be folded into them")
}

/// What `x < …` has to compare with to mean `x <= threshold`, or `x < threshold`; nothing where that is always true.
fn bound(threshold: f64, inclusive: bool, row: Precision) -> Option<f64> {
    if inclusive && threshold == f64::INFINITY {
        return None;
    }
    Some(match row {
        Precision::Double if inclusive => threshold.next_up(),
        Precision::Double => threshold,
        Precision::Single => {
            // A threshold between two floats is rounded so that every float stays on its side.
            let near = threshold as f32;
            let beyond = if inclusive { f64::from(near) <= threshold } else { f64::from(near) < threshold };
            f64::from(if beyond { near.next_up() } else { near })
        }
    })
}

/// A feature's value as the ensemble sees it.
fn apply(trace: &Trace, widths: Widths, value: f64) -> f64 {
    let round = |value: f64, single: bool| if single { f64::from(value as f32) } else { value };
    let value = trace.path.iter().fold(value, |value, (elementary, single)| {
        let made = match elementary {
            Elementary::Add(by) => value + by,
            Elementary::Multiply(by) => value * by,
            Elementary::Divide(by) => value / by,
            Elementary::Fill(with) if value.is_nan() => *with,
            Elementary::Fill(_) => value,
            Elementary::Clip { low, high } => value.clamp(*low, *high),
            Elementary::Round => f64::from(value as f32),
        };
        // One operation on 32-bit floats, computed in 64 bits and rounded, is that operation in 32.
        round(made, *single)
    });
    round(value, widths.single)
}

/// The smallest key from `low` to `high` for which a condition holds that is false at `low` and true at `high`.
fn first_where(low: i64, high: i64, holds: impl Fn(i64) -> bool) -> i64 {
    let (mut no, mut yes) = (i128::from(low), i128::from(high));
    while yes - no > 1 {
        let middle = no + (yes - no) / 2;
        if holds(middle as i64) { yes = middle } else { no = middle }
    }
    yes as i64
}

/// Floats in their order as whole numbers, and back.
fn single_key(value: f32) -> i64 {
    let bits = value.to_bits() as i32;
    i64::from(bits ^ (((bits >> 31) as u32) >> 1) as i32)
}

fn single_at(key: i64) -> f32 {
    let bits = key as i32;
    f32::from_bits((bits ^ (((bits >> 31) as u32) >> 1) as i32) as u32)
}

fn double_key(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

fn double_at(key: i64) -> f64 {
    f64::from_bits((key ^ (((key >> 63) as u64) >> 1) as i64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asks(question: &Question, value: f64) -> bool {
        if value.is_nan() {
            return question.missing;
        }
        let yes = match &question.test {
            RawTest::Below(threshold) => value < *threshold,
            RawTest::In(set) => set.contains(value),
        };
        yes == question.straight
    }

    const MODES: [Mode; 6] = [Mode::AtMost, Mode::Below, Mode::AtLeast, Mode::Above, Mode::Equal, Mode::NotEqual];

    fn compares(mode: Mode, value: f64, threshold: f64) -> bool {
        match mode {
            Mode::AtMost => value <= threshold,
            Mode::Below => value < threshold,
            Mode::AtLeast => value >= threshold,
            Mode::Above => value > threshold,
            Mode::Equal => value == threshold,
            Mode::NotEqual => value != threshold,
            Mode::Member => unreachable!("it has no threshold"),
        }
    }

    fn plain(mode: Mode, threshold: f64, row: Precision) -> Question {
        let widths = Widths { row, single: row == Precision::Single };
        let trace = Trace { feature: 0, path: vec![] };
        question(&trace, widths, mode, threshold, &[], false, &mut 0).unwrap()
    }

    #[test]
    fn every_comparison_is_exact_around_its_threshold_and_at_the_ends() {
        let thresholds = [0.0, -0.0, 1.0, -2.5, f64::from(f32::MAX), f64::from(f32::MIN_POSITIVE), f64::INFINITY, f64::NEG_INFINITY, 0.1];
        for (threshold, mode) in thresholds.into_iter().flat_map(|threshold| MODES.map(|mode| (threshold, mode))) {
            let near = threshold as f32;
            for value in [near.next_down(), near, near.next_up(), 0.0, -0.0, f32::MAX, f32::INFINITY, f32::NEG_INFINITY] {
                let found = asks(&plain(mode, threshold, Precision::Single), value.into());
                assert_eq!(found, compares(mode, value.into(), threshold), "{value} {mode:?} {threshold} in 32 bits");
            }
            for value in [threshold.next_down(), threshold, threshold.next_up(), 0.0, f64::MAX, f64::INFINITY, f64::NEG_INFINITY] {
                let found = asks(&plain(mode, threshold, Precision::Double), value);
                assert_eq!(found, compares(mode, value, threshold), "{value} {mode:?} {threshold} in 64 bits");
            }
        }
    }

    #[test]
    fn a_missing_value_answers_as_it_is_told_and_is_not_equal_to_anything() {
        let trace = Trace { feature: 0, path: vec![] };
        let widths = Widths { row: Precision::Single, single: true };
        for mode in MODES {
            for told in [false, true] {
                let question = question(&trace, widths, mode, 1.0, &[], told, &mut 0).unwrap();
                assert_eq!(question.missing, told || mode == Mode::NotEqual, "{mode:?}");
            }
        }
        let filled = Trace { feature: 0, path: vec![(Elementary::Fill(3.0), true)] };
        assert!(question(&filled, widths, Mode::Above, 2.0, &[], false, &mut 1000).unwrap().missing);
        assert!(!question(&filled, widths, Mode::Above, 3.0, &[], true, &mut 1000).unwrap().missing);
    }

    #[test]
    fn members_are_compared_as_they_are() {
        let trace = Trace { feature: 0, path: vec![] };
        let widths = Widths { row: Precision::Single, single: true };
        let question = question(&trace, widths, Mode::Member, 0.0, &[3.0, 2.5, -1.0, -0.0], false, &mut 0).unwrap();
        for (value, member) in [(3.0, true), (2.5, true), (2.0, false), (-1.0, true), (3.5, false), (0.0, true), (-0.5, false)] {
            assert_eq!(asks(&question, value), member, "{value}");
        }
    }

    #[test]
    fn equality_of_scaled_values_and_endless_scaling_are_refused() {
        let trace = Trace { feature: 0, path: vec![(Elementary::Add(1.0), true)] };
        let widths = Widths { row: Precision::Single, single: true };
        assert!(question(&trace, widths, Mode::Equal, 1.0, &[], false, &mut 1000).is_err());
        assert!(question(&trace, widths, Mode::Below, 1.0, &[], false, &mut 63).is_err());
        assert!(question(&trace, widths, Mode::Below, f64::NAN, &[], false, &mut 1000).is_err());
    }

    #[test]
    fn the_order_of_keys_is_that_of_floats() {
        let floats = [f32::NEG_INFINITY, -1.0, -1e-45, -0.0, 0.0, 1e-45, 1.0, f32::INFINITY];
        assert!(
            floats
                .windows(2)
                .all(|pair| single_key(pair[0]) < single_key(pair[1]) && double_key(pair[0].into()) < double_key(pair[1].into()))
        );
        assert!(floats.iter().all(|&float| single_at(single_key(float)).to_bits() == float.to_bits()));
        assert!(floats.iter().all(|&float| double_at(double_key(float.into())).to_bits() == f64::from(float).to_bits()));
    }

    fn any_elementary() -> impl Strategy<Value = Elementary> {
        let factor = prop_oneof![0.01..100.0f32, -100.0..-0.01f32].prop_map(f64::from);
        prop_oneof![
            (-100.0..100.0f32).prop_map(|by| Elementary::Add(by.into())),
            factor.clone().prop_map(Elementary::Multiply),
            factor.prop_map(Elementary::Divide),
            (-5.0..0.0f32, 0.0..5.0f32).prop_map(|(low, high)| Elementary::Clip { low: low.into(), high: high.into() }),
        ]
    }

    proptest! {
        #[test]
        fn folding_a_pipeline_into_a_threshold_changes_no_answer(
            path in proptest::collection::vec(any_elementary(), 1..4),
            mode in 0..4usize,
            at in -10.0..10.0f32,
            others in proptest::collection::vec(-10.0..10.0f32, 8),
            single in any::<bool>(),
        ) {
            let widths = Widths { row: if single { Precision::Single } else { Precision::Double }, single };
            let trace = Trace { feature: 0, path: path.into_iter().map(|elementary| (elementary, single)).collect() };
            // A threshold that a value near really has.
            let threshold = apply(&trace, widths, at.into());
            let question = question(&trace, widths, MODES[mode], threshold, &[], false, &mut 1000).unwrap();
            let mut values: Vec<f64> = others.into_iter().map(f64::from).collect();
            let mut near = at;
            for _ in 0..20 {
                values.push(near.into());
                near = near.next_down();
            }
            values.extend([f64::from(at).next_up(), f64::from(at.next_up()), f64::INFINITY, f64::NEG_INFINITY]);
            for value in values {
                let value = if single { f64::from(value as f32) } else { value };
                prop_assert_eq!(asks(&question, value), compares(MODES[mode], apply(&trace, widths, value), threshold), "at {}", value);
            }
        }
    }
}
