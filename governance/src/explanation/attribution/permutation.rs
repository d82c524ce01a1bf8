//! Shapley values estimated over random orders of the features, for any model and any number of features.
//!
//! Features move from a background row to the explained row one after another, in a random order and then in the
//! reverse of it; what the output moves by is theirs (Castro, Gómez and Tejada 2009; the reversed twin cancels the error
//! of all interactions of two features: Mitchell, Cooper, Frank and Holmes 2022). Each way telescopes, and every background
//! row is used equally often, so nothing is left over. Standard errors are of the differences between pairs of the same
//! background row: that every background row was used is no source of error. Kernel SHAP is left out: see
//! `paired_orders_err_less_than_paired_coalitions` in the tests, where it needs more evaluations for the same error.
//!
//! The same seed gives the same orders everywhere, and a row's result depends neither on its neighbours nor on threads.

use super::game::{Background, Game, Slot};
use super::{AttributionError, Attributions, Method};
use crate::explanation::model::Rows;
use crate::explanation::random::Random;

/// At least so many pairs beyond one per background row, so that the standard error can be trusted with 1.96.
const LEAST_FREEDOM: usize = 30;

/// `samples` orders are rounded up to whole passes of pairs over the background, two passes at least.
pub(super) fn permutation(game: &Game<'_>, rows: &Rows, samples: usize, seed: u64) -> Result<Attributions, AttributionError> {
    let background = game.background.len();
    let passes = samples.div_ceil(2).div_ceil(background).max(1 + LEAST_FREEDOM.div_ceil(background)).max(2);
    // With two features a pair is all orders there are, and another would say the same.
    let passes_of = move |differing: usize| if differing <= 2 { 1 } else { passes };
    let cost = |differing: usize| 2 * (differing as u64).saturating_sub(1) * passes_of(differing) as u64;
    let walk = |known: &Background, slot: Slot<'_>| sample(game, known, slot, passes_of, Random::new(seed));
    game.attribute(Method::Permutation, rows, true, cost, walk)
}

/// Adds one row's estimates to its slot and returns the number of evaluations.
fn sample(game: &Game<'_>, background: &Background, slot: Slot<'_>, passes: impl Fn(usize) -> usize, mut random: Random) -> u64 {
    let players = game.groups.len();
    let rows = game.background.len() as f64;
    let mut evaluations = 0;
    let mut outputs = vec![0.0; slot.predictions.len()];
    let mut before = outputs.clone();
    let mut pair = vec![0.0; slot.values.len()];
    let mut means = pair.clone();
    let mut squares = pair.clone();
    let mut mixed = slot.row.to_vec();
    for (at, other) in game.background.iter().enumerate() {
        let mut order = game.differing(slot.row, other);
        let passes = passes(order.len());
        means.fill(0.0);
        squares.fill(0.0);
        for pass in 1..=passes {
            random.shuffle(&mut order);
            pair.fill(0.0);
            for _ in 0..2 {
                order.reverse();
                mixed.copy_from_slice(other);
                before.copy_from_slice(background.outputs(at));
                for (place, &player) in order.iter().enumerate() {
                    game.take(player, slot.row, &mut mixed);
                    if place + 1 == order.len() {
                        outputs.copy_from_slice(slot.predictions);
                    } else {
                        game.evaluate(&mixed, &mut outputs);
                        evaluations += 1;
                    }
                    for (output, (now, before)) in outputs.iter().zip(&mut before).enumerate() {
                        pair[output * players + player] += 0.5 * (now - *before);
                        *before = *now;
                    }
                }
            }
            // Welford's running mean and sum of squares.
            for ((now, mean), square) in pair.iter().zip(&mut means).zip(&mut squares) {
                let away = now - *mean;
                *mean += away / pass as f64;
                *square += away * (now - *mean);
            }
        }
        for (value, mean) in slot.values.iter_mut().zip(&means) {
            *value += mean / rows;
        }
        if passes > 1 {
            // Holds variances until the end.
            for (error, square) in slot.errors.iter_mut().zip(&squares) {
                *error += square / (passes - 1) as f64 / passes as f64 / (rows * rows);
            }
        }
    }
    slot.errors.iter_mut().for_each(|error| *error = error.sqrt());
    evaluations
}

#[cfg(test)]
mod tests;
