//! Interventional TreeSHAP: what is not known is taken from each background row in turn.
//!
//! The game is v(S) = the mean, over background rows z, of the forest's margin where features in S have the explained
//! row's values and all others have z's; the base value is v(∅), the mean margin of the background. Attributions are the
//! exact Shapley values of that game (Lundberg et al., *From local explanations to global understanding with explainable
//! AI for trees*, 2020).

mod bulk;
mod cost;
mod ranks;
mod table;
mod turns;
mod twigs;
mod walk;

use super::{Arithmetic, AttributionError, Attributions, Method, Space};
use crate::explanation::model::{Forest, Rows};
use cost::Survey;
use fearless_simd::{Level, dispatch};
use ranks::{LANES, Lanes, Ranking};
use std::sync::OnceLock;
use walk::Walker;

/// Bytes that ranks of the background may take.
const MOST_RANK_BYTES: usize = 256 << 20;

/// Attributes every output of every row to the forest's features, against a background. NaN means missing.
///
/// Callers that explain rows one by one should keep an [`Interventional`] instead.
///
/// # Errors
/// As [`Interventional::new`] and [`Interventional::attribute`].
pub fn interventional(
    forest: &Forest,
    rows: &Rows,
    background: &Rows,
    arithmetic: Arithmetic,
    threads: usize,
) -> Result<Attributions, AttributionError> {
    Interventional::new(forest, background)?.attribute(rows, arithmetic, threads)
}

/// A forest and a background, prepared for explaining any number of rows.
#[derive(Debug)]
pub struct Interventional<'a> {
    forest: &'a Forest,
    background: &'a Rows,
    base_values: Vec<f64>,
    ranking: Ranking,
    /// Of the background, block after block.
    background_ranks: Vec<Lanes>,
    level: Level,
    survey: Survey,
    /// For walks, made by the first.
    left_goers: OnceLock<Vec<u64>>,
}

impl<'a> Interventional<'a> {
    /// Prepares to explain rows of a forest against a background.
    ///
    /// # Errors
    /// When there is no background row, or it has other columns than the forest has features.
    pub fn new(forest: &'a Forest, background: &'a Rows) -> Result<Self, AttributionError> {
        if background.is_empty() {
            return Err(AttributionError::NoBackground { method: Method::Interventional });
        }
        check_columns("background rows", background, forest)?;
        let ranking = Ranking::new(forest);
        let bytes = background.len().div_ceil(LANES).saturating_mul(ranking.columns()).saturating_mul(size_of::<Lanes>());
        if bytes > MOST_RANK_BYTES {
            let what = format!(
                "{} background rows against a model of so many categorical splits would take {} MB, at most {} are taken",
                background.len(),
                bytes >> 20,
                MOST_RANK_BYTES >> 20
            );
            return Err(AttributionError::TooMuch { what });
        }
        let mut background_ranks = vec![[0; LANES]; ranking.columns() * background.len().div_ceil(LANES)];
        for (block, ranks) in background_ranks.chunks_exact_mut(ranking.columns()).enumerate() {
            ranking.rank(forest, background, block * LANES, ranks);
        }
        let level = Level::new();
        let base_values = mean_margins(forest, background.len(), &ranking, &background_ranks, level);
        Ok(Self {
            forest,
            background,
            base_values,
            survey: Survey::of(forest, &ranking),
            ranking,
            background_ranks,
            level,
            left_goers: OnceLock::new(),
        })
    }

    /// The mean margins of the background, one per output.
    pub fn base_values(&self) -> &[f64] {
        &self.base_values
    }

    /// Attributes every output of every row.
    ///
    /// The result does not depend on `threads`, nor on what other rows hold. How many there are decides whether trees are
    /// walked or tables are made, which are both exact and differ in the last digits of `arithmetic`; where bytes are to
    /// be compared, see [`attribute_each`](Self::attribute_each).
    ///
    /// # Errors
    /// When the rows have other columns than the forest has features, or so many of them would take days.
    pub fn attribute(&self, rows: &Rows, arithmetic: Arithmetic, threads: usize) -> Result<Attributions, AttributionError> {
        let choice = self.survey.choose(rows.len(), self.background.len());
        if choice.too_much {
            let what = format!(
                "explaining {} rows against {} background rows would take about {:.0} days; take a smaller background",
                rows.len(),
                self.background.len(),
                choice.seconds / 86_400.0
            );
            return Err(AttributionError::TooMuch { what });
        }
        self.attribute_with(rows, arithmetic, threads, choice.most_bits)
    }

    /// Like [`attribute`](Self::attribute), in 64 bits and by walking the trees for each row, so that a row explained
    /// alone gets the same bytes as among any number of others.
    ///
    /// # Errors
    /// When the rows have other columns than the forest has features.
    pub fn attribute_each(&self, rows: &Rows, threads: usize) -> Result<Attributions, AttributionError> {
        self.attribute_with(rows, Arithmetic::Double, threads, 0)
    }

    /// Uses tables of at most so many bits, and walks the trees for leaves that need larger ones.
    fn attribute_with(
        &self,
        rows: &Rows,
        arithmetic: Arithmetic,
        threads: usize,
        most_bits: usize,
    ) -> Result<Attributions, AttributionError> {
        let forest = self.forest;
        check_columns("rows", rows, forest)?;
        let (features, outputs) = (forest.features(), forest.outputs());
        let mut found = Attributions {
            method: Method::Interventional,
            features,
            outputs,
            base_values: self.base_values.clone(),
            predictions: vec![0.0; rows.len() * outputs],
            values: vec![0.0; rows.len() * outputs * features],
            standard_errors: None,
            evaluations: ((rows.len() + self.background.len()) * forest.trees()) as u64,
            space: Space::Margin,
        };
        if most_bits == 0 {
            for (row, margins) in rows.iter().zip(found.predictions.chunks_exact_mut(outputs)) {
                forest.predict_into(row, margins);
            }
            Walker::new(self).attribute(rows, threads, &mut found.values);
            return Ok(found);
        }
        match arithmetic {
            Arithmetic::Single => bulk::attribute::<f32>(self, rows, most_bits, threads, &mut found),
            Arithmetic::Double => bulk::attribute::<f64>(self, rows, most_bits, threads, &mut found),
        }
        let deep: Vec<u32> = forest.trees.iter().flat_map(|tree| twigs::cut(forest, tree, most_bits).1).collect();
        if !deep.is_empty() {
            Walker::for_leaves(self, &deep).attribute(rows, threads, &mut found.values);
        }
        Ok(found)
    }
}

fn check_columns(what: &'static str, rows: &Rows, forest: &Forest) -> Result<(), AttributionError> {
    match rows.columns() {
        found if found == forest.features() || rows.is_empty() => Ok(()),
        found => Err(AttributionError::Columns { what, found, needed: forest.features() }),
    }
}

fn mean_margins(forest: &Forest, rows: usize, ranking: &Ranking, ranks: &[Lanes], level: Level) -> Vec<f64> {
    let outputs = forest.outputs();
    let mut sums = vec![0.0; outputs];
    let mut margins = vec![0.0; LANES * outputs];
    for (block, ranks) in ranks.chunks_exact(ranking.columns()).enumerate() {
        dispatch!(level, _simd => ranking.predict(forest, ranks, &mut margins));
        for margins in margins.chunks_exact(outputs).take(rows - block * LANES) {
            sums.iter_mut().zip(margins).for_each(|(sum, margin)| *sum += margin);
        }
    }
    sums.iter_mut().for_each(|sum| *sum /= rows as f64);
    sums
}

#[cfg(test)]
mod tests;
