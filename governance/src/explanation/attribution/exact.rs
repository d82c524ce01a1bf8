//! Exact Shapley values by enumerating all subsets of features.
//!
//! The definition itself (Shapley 1953; interventional, as in Janzing, Minorics and Blöbaum 2020), for any model: what
//! is not known is taken from each background row in turn. Subsets are visited in Gray-code order, so that each costs one
//! change of the row and one evaluation, and none is stored. For every background row that is 2^d − 2 evaluations, where
//! d counts the features whose values differ from the explained row; the two ends are known already.

use super::game::{Background, Game, Slot};
use super::{AttributionError, Attributions, Method};
use crate::explanation::model::Rows;

/// The most features, or groups, that are enumerated without being asked to.
pub(super) const USUAL_FEATURES: usize = 12;
/// The most features, or groups, that are enumerated at all.
pub(super) const MOST_FEATURES: usize = 16;

pub(super) fn exact(game: &Game<'_>, rows: &Rows) -> Result<Attributions, AttributionError> {
    let players = game.groups.len();
    if players > MOST_FEATURES {
        return Err(AttributionError::TooManyFeatures { method: Method::Exact, features: players, most: MOST_FEATURES });
    }
    let cost = |differing: usize| (1u64 << differing).saturating_sub(2);
    game.attribute(Method::Exact, rows, false, cost, |background, slot| enumerate(game, background, slot))
}

/// Adds one row's attributions to its slot and returns the number of evaluations.
fn enumerate(game: &Game<'_>, background: &Background, slot: Slot<'_>) -> u64 {
    let players = game.groups.len();
    let rows = game.background.len();
    let mut evaluations = 0;
    let mut outputs = vec![0.0; slot.predictions.len()];
    for (at, other) in game.background.iter().enumerate() {
        let differing = game.differing(slot.row, other);
        let weights = Weights::of(differing.len());
        let mut mixed = other.to_vec();
        let mut known = 0usize;
        for step in 1u32..1 << differing.len() {
            let flipped = step.trailing_zeros() as usize;
            known ^= 1 << flipped;
            let from = if known >> flipped & 1 == 1 { slot.row } else { other };
            game.take(differing[flipped], from, &mut mixed);
            let size = known.count_ones() as usize;
            if size == differing.len() {
                outputs.copy_from_slice(slot.predictions);
            } else {
                game.evaluate(&mixed, &mut outputs);
                evaluations += 1;
            }
            for ((output, empty), values) in outputs.iter().zip(background.outputs(at)).zip(slot.values.chunks_exact_mut(players)) {
                // Counted from the empty subset, which changes no attribution and keeps small differences exact.
                let gain = (output - empty) / rows as f64;
                for (bit, player) in differing.iter().enumerate() {
                    let holds = known >> bit & 1 == 1;
                    values[*player] += gain * if holds { weights.with[size] } else { -weights.without[size] };
                }
            }
        }
    }
    evaluations
}

/// How much a subset of each size counts: for those it holds (as the side with the feature) and for the others.
struct Weights {
    with: Vec<f64>,
    without: Vec<f64>,
}

impl Weights {
    fn of(players: usize) -> Self {
        // s! (n − s − 1)! / n!, from one size to the next.
        let mut without = Vec::with_capacity(players + 1);
        let mut weight = 1.0 / players.max(1) as f64;
        for size in 0..players {
            without.push(weight);
            weight *= (size + 1) as f64 / (players - size - 1).max(1) as f64;
        }
        without.push(0.0);
        let with = std::iter::once(0.0).chain(without[..players].iter().copied()).collect();
        Self { with, without }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{blends, mean_over, shapley};
    use super::super::{Request, attribute};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn attributions_are_shapleys_definition(blend in blends(5, 4)) {
            let request = Request { method: Some(Method::Exact), background: Some(&blend.background), ..Request::default() };
            let found = attribute(&blend.model, &blend.rows, &request).unwrap();
            for row in 0..blend.rows.len() {
                let expected = shapley(5, |known| mean_over(&blend, row, known));
                for (found, expected) in found.values(row, 0).iter().zip(expected) {
                    prop_assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
                }
                prop_assert!(found.residual(row, 0).abs() < 1e-9);
            }
        }

        #[test]
        fn evaluations_are_counted_as_spent_and_never_above_what_is_announced(blend in blends(4, 3)) {
            let request = Request { method: Some(Method::Exact), background: Some(&blend.background), ..Request::default() };
            let spent = attribute(&blend.model, &blend.rows, &request).unwrap().evaluations;
            prop_assert!(spent <= (blend.rows.len() * blend.background.len() * 14 + blend.rows.len() + blend.background.len()) as u64);
            let enough = Request { budget: spent, ..request.clone() };
            prop_assert!(attribute(&blend.model, &blend.rows, &enough).is_ok());
            let short = Request { budget: spent - 1, ..request };
            let refused = matches!(attribute(&blend.model, &blend.rows, &short), Err(AttributionError::TooManyEvaluations { .. }));
            prop_assert!(refused);
        }
    }

    #[test]
    fn weights_of_all_subsets_without_a_feature_sum_to_one() {
        for players in 1..=MOST_FEATURES {
            let weights = Weights::of(players);
            let mut choose = 1.0;
            let mut sum = 0.0;
            for size in 0..players {
                sum += choose * weights.without[size];
                choose *= (players - 1 - size) as f64 / (size + 1) as f64;
            }
            assert!((sum - 1.0).abs() < 1e-12, "{players}: {sum}");
        }
    }
}
