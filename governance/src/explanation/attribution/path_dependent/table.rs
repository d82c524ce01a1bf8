//! Oblivious trees, as CatBoost grows them: all splits of a level ask the same.
//!
//! What such a tree adds to a row's attributions depends on one answer per level alone, so it is worked out once for each
//! combination of answers, by the walk that other trees are walked with, and then looked up.

use super::kernel::{Lanes, Real, VECTORS};
use super::program::Writer;
use super::row::{Room, Walk, walk};
use crate::explanation::model::forest::{self, Node, Test};
use fearless_simd::{Select, Simd, SimdBase};

/// Trees of more levels are walked: their tables would be large, and take long to make.
const DEEPEST: usize = 8;

/// What an oblivious tree adds, by the answers of its levels: bit by bit, 1 is left, the root's lowest.
#[derive(Debug)]
pub(super) struct Table<T> {
    /// Column and threshold of each level.
    levels: Vec<(u32, T)>,
    /// The features asked for, each once.
    features: Vec<u32>,
    /// Per output, answers and feature.
    effects: Vec<T>,
    /// Per output and answers, the leaf's value.
    leaves: Vec<f64>,
}

impl<T: Real> Table<T> {
    fn patterns(&self) -> usize {
        1 << self.levels.len()
    }

    /// What the tree adds to one output, by answers.
    fn effects(&self, offset: u32) -> &[T] {
        let count = self.patterns() * self.features.len();
        &self.effects[offset as usize * count..][..count]
    }

    fn leaves(&self, offset: u32) -> &[f64] {
        &self.leaves[offset as usize * self.patterns()..][..self.patterns()]
    }

    /// Adds the tree's effects on one row, whose leaf's value is returned.
    pub fn explain_one(&self, offset: u32, inputs: &[T], totals: &mut [T]) -> f64 {
        let answers =
            self.levels.iter().enumerate().map(|(level, (column, threshold))| usize::from(inputs[*column as usize] < *threshold) << level);
        let pattern: usize = answers.sum();
        let effects = &self.effects(offset)[pattern * self.features.len()..][..self.features.len()];
        for (feature, effect) in self.features.iter().zip(effects) {
            totals[*feature as usize] += *effect;
        }
        self.leaves(offset)[pattern]
    }

    /// Adds the tree's effects on the rows of a block.
    #[inline(always)]
    pub fn explain<S: Simd>(&self, simd: S, offset: u32, inputs: &[Lanes<S, T>], totals: &mut [Lanes<S, T>], predictions: &mut [f64]) {
        let lanes = T::Native::<S>::LEN;
        let zero = T::Native::<S>::splat(simd, T::near(0.0));
        let (effects, leaves) = (self.effects(offset), self.leaves(offset));
        for v in 0..predictions.len().div_ceil(lanes).min(VECTORS) {
            let mut patterns = zero;
            for (level, (column, threshold)) in self.levels.iter().enumerate() {
                let left = inputs[*column as usize].0[v].simd_lt(T::Native::<S>::splat(simd, *threshold));
                patterns += left.select(T::Native::<S>::splat(simd, T::near((1u32 << level).into())), zero);
            }
            let mut found = [zero; DEEPEST];
            let predictions = predictions[v * lanes..].iter_mut();
            for ((lane, pattern), prediction) in patterns.as_slice().iter().enumerate().zip(predictions) {
                let pattern = pattern.wide() as usize;
                *prediction += leaves[pattern];
                let effects = &effects[pattern * self.features.len()..][..self.features.len()];
                for (found, effect) in found.iter_mut().zip(effects) {
                    found.as_mut_slice()[lane] = *effect;
                }
            }
            for (feature, found) in self.features.iter().zip(found) {
                totals[*feature as usize].0[v] += found;
            }
        }
    }
}

impl<T: Real> Writer<'_, T> {
    /// The places of one split of each level, if all of a level ask the same.
    pub(super) fn levels(&self, tree: &forest::Tree) -> Option<Vec<u32>> {
        let depth = tree.depth as usize;
        if !(1..=DEEPEST).contains(&depth) || tree.count as usize != (2 << depth) - 1 {
            return None;
        }
        // A tree of this depth with so many nodes has all its leaves at the bottom.
        let mut level = vec![tree.first];
        let mut firsts = Vec::new();
        while firsts.len() < depth {
            let Node::Split(first) = self.forest.nodes[level[0] as usize] else { return None };
            let mut below = Vec::with_capacity(2 * level.len());
            for at in &level {
                let Node::Split(split) = self.forest.nodes[*at as usize] else { return None };
                let same = (split.feature, split.test, split.missing) == (first.feature, first.test, first.missing);
                if !same || matches!(split.test, Test::In(_)) {
                    return None;
                }
                below.extend([split.left, split.right]);
            }
            firsts.push(level[0]);
            level = below;
        }
        Some(firsts)
    }

    /// A table in place of the tree that was written last.
    #[inline(always)]
    pub(super) fn tabulate<S: Simd>(&self, simd: S, tree: &forest::Tree, levels: &[u32]) -> Table<T> {
        let program = &self.program;
        let written = program.trees.last().expect("a tree was written");
        let mut features = Vec::new();
        let levels: Vec<(u32, T)> = levels
            .iter()
            .filter_map(|at| match &self.forest.nodes[*at as usize] {
                Node::Split(split) => {
                    if !features.contains(&split.feature) {
                        features.push(split.feature);
                    }
                    let question = self.columns.question(split);
                    Some((question.column, T::near(question.threshold)))
                }
                Node::Leaf { .. } => None,
            })
            .collect();
        let lowest = T::near(f64::NEG_INFINITY);
        let mut inputs = vec![lowest; self.columns.len()];
        let mut totals = vec![T::near(0.0); self.forest.features()];
        let mut room = Room::new(simd, tree.depth as usize, written.points.len());
        let mut table = Table { levels, features, effects: Vec::new(), leaves: Vec::new() };
        for offset in 0..tree.width {
            for pattern in 0..table.patterns() {
                // The smallest values that go right where they should. If others then go right too, where they should
                // not, no row gives these answers, and what is written for them does not matter.
                for (column, _) in &table.levels {
                    inputs[*column as usize] = lowest;
                }
                for (level, (column, threshold)) in table.levels.iter().enumerate() {
                    let value = &mut inputs[*column as usize];
                    if pattern >> level & 1 == 0 && *value < *threshold {
                        *value = *threshold;
                    }
                }
                for feature in &table.features {
                    totals[*feature as usize] = T::near(0.0);
                }
                let constants = program.constants(written, offset);
                walk(simd, Walk { program, tree: written, constants, sets: &[] }, &mut inputs, &mut totals, &mut room);
                table.effects.extend(table.features.iter().map(|feature| totals[*feature as usize]));
                table.leaves.push(program.leaves(written, offset)[room.leaf()]);
            }
        }
        table
    }
}
