//! The game that attributions share out: what a model says when some features come from the row that is explained and
//! all others from a background row.
//!
//! Players are features, or groups of them that come and go together. A player whose values are the same on both sides
//! changes nothing and is left out, which is exact and saves evaluations.

use super::groups::Groups;
use super::{AttributionError, Attributions, Method, Space};
use crate::explanation::model::{Model, Rows};

/// A model seen as a game of its features against a background.
#[derive(Debug, Clone, Copy)]
pub(super) struct Game<'a> {
    pub model: &'a Model,
    pub background: &'a Rows,
    pub space: Space,
    /// One player per group; without groups, one per feature.
    pub groups: &'a Groups,
    /// The most evaluations of the model that may be spent in all.
    pub budget: u64,
    pub threads: usize,
}

/// Where one row's results go.
pub(super) struct Slot<'a> {
    pub row: &'a [f64],
    pub predictions: &'a [f64],
    /// Output after output, one per player.
    pub values: &'a mut [f64],
    /// Like `values`; empty where the method makes no errors.
    pub errors: &'a mut [f64],
}

/// The outputs of every background row.
pub(super) struct Background {
    /// Row after row, one per output.
    outputs: Vec<f64>,
    width: usize,
}

impl Background {
    pub fn outputs(&self, row: usize) -> &[f64] {
        &self.outputs[row * self.width..][..self.width]
    }
}

impl Game<'_> {
    /// What the model says of a row, in the game's space.
    pub fn evaluate(&self, row: &[f64], outputs: &mut [f64]) {
        self.model.predict_into(row, outputs);
        if self.space == Space::Probability {
            self.model.link().apply(outputs);
        }
    }

    /// Takes a player's features from a row.
    pub fn take(&self, player: usize, from: &[f64], into: &mut [f64]) {
        for &feature in self.groups.members(player) {
            into[feature] = from[feature];
        }
    }

    /// The players whose values differ between two rows.
    pub fn differing(&self, row: &[f64], other: &[f64]) -> Vec<usize> {
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        let differs = |player: &usize| self.groups.members(*player).iter().any(|&feature| !same(row[feature], other[feature]));
        (0..self.groups.len()).filter(differs).collect()
    }

    /// Attributes every row with `work`, which is told the row's results so far and returns how often it evaluated the
    /// model. `cost` says the same beforehand, for one pair of rows with so many differing players.
    pub fn attribute(
        &self,
        method: Method,
        rows: &Rows,
        estimates: bool,
        cost: impl Fn(usize) -> u64,
        work: impl Fn(&Background, Slot<'_>) -> u64 + Sync,
    ) -> Result<Attributions, AttributionError> {
        self.check_budget(method, rows, cost)?;
        let (players, outputs) = (self.groups.len(), self.model.outputs());
        let mut known = vec![0.0; self.background.len() * outputs];
        for (row, outputs) in self.background.iter().zip(known.chunks_exact_mut(outputs)) {
            self.evaluate(row, outputs);
        }
        let background = Background { outputs: known, width: outputs };
        let mut found = Attributions {
            method,
            features: players,
            outputs,
            base_values: vec![0.0; outputs],
            predictions: vec![0.0; rows.len() * outputs],
            values: vec![0.0; rows.len() * outputs * players],
            standard_errors: estimates.then(|| vec![0.0; rows.len() * outputs * players]),
            evaluations: (self.background.len() + rows.len()) as u64,
            space: self.space,
        };
        for row in 0..self.background.len() {
            for (base, output) in found.base_values.iter_mut().zip(background.outputs(row)) {
                *base += output / self.background.len() as f64;
            }
        }
        for (row, predictions) in rows.iter().zip(found.predictions.chunks_exact_mut(outputs)) {
            self.evaluate(row, predictions);
        }

        let mut errors = found.standard_errors.iter_mut().flat_map(|errors| errors.chunks_exact_mut(outputs * players));
        let slots = rows.iter().zip(found.predictions.chunks_exact(outputs)).zip(found.values.chunks_exact_mut(outputs * players));
        let mut slots: Vec<Slot<'_>> = slots
            .map(|((row, predictions), values)| Slot { row, predictions, values, errors: errors.next().unwrap_or_default() })
            .collect();
        if self.threads <= 1 || slots.len() <= 1 {
            found.evaluations += slots.into_iter().map(|slot| work(&background, slot)).sum::<u64>();
            return Ok(found);
        }
        // Each row is computed alone, so how rows are spread over threads cannot be seen in the result.
        let each = slots.len().div_ceil(self.threads);
        let (work, background) = (&work, &background);
        found.evaluations += std::thread::scope(|scope| {
            let mut running = Vec::new();
            while !slots.is_empty() {
                let part: Vec<Slot<'_>> = slots.drain(..each.min(slots.len())).collect();
                running.push(scope.spawn(move || part.into_iter().map(|slot| work(background, slot)).sum::<u64>()));
            }
            running.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).sum::<u64>()
        });
        Ok(found)
    }

    /// Refuses before anything is computed what would cost too much.
    fn check_budget(&self, method: Method, rows: &Rows, cost: impl Fn(usize) -> u64) -> Result<(), AttributionError> {
        let most = cost(self.groups.len()).saturating_mul(self.background.len() as u64).saturating_mul(rows.len() as u64);
        let once = (self.background.len() + rows.len()) as u64;
        if most.saturating_add(once) <= self.budget {
            return Ok(());
        }
        // Many values may be the same on both sides; only then is it worth counting.
        let pairs = rows.len() as u64 * self.background.len() as u64;
        let mut needed = once;
        if pairs <= self.budget {
            for (row, other) in rows.iter().flat_map(|row| self.background.iter().map(move |other| (row, other))) {
                needed = needed.saturating_add(cost(self.differing(row, other).len()));
            }
        } else {
            needed = most.saturating_add(once);
        }
        if needed > self.budget {
            return Err(AttributionError::TooManyEvaluations { method, needed, budget: self.budget });
        }
        Ok(())
    }
}
