//! What tables and walks cost, to choose between them.
//!
//! Both are exact, so the choice changes speed and the last bits of a result, nothing else.

use super::ranks::{Hop, Ranking};
use super::twigs::is_twig;
use crate::explanation::model::forest::{Forest, Node};

/// The table sizes to choose from, in bits; the last is the most that is ever made.
const CHOICES: [usize; 5] = [6, 8, 10, 12, 14];
/// Measured nanoseconds: a place of a table, a table beside its places, a look-up, a step of a walk against 64 background
/// rows. Only their proportions matter much.
const PLACE: f64 = 7.0;
const TABLE: f64 = 1500.0;
const LOOK_UP: f64 = 1.0;
const STEP: f64 = 38.0;
/// About two days.
const MOST_NANOSECONDS: f64 = 2e14;

/// How a forest falls apart into twigs, for each of the [`CHOICES`].
#[derive(Debug, Default)]
pub(super) struct Survey {
    leaves: f64,
    parts: [Part; CHOICES.len()],
}

#[derive(Debug, Default, Clone, Copy)]
struct Part {
    twigs: f64,
    places: f64,
    /// Leaves that are left to be walked to.
    deep: f64,
}

/// What to do, and about how many seconds it takes one thread.
#[derive(Debug, PartialEq)]
pub(super) struct Choice {
    /// Bits of the largest tables; 0 is to walk everywhere.
    pub most_bits: usize,
    pub seconds: f64,
    pub too_much: bool,
}

impl Survey {
    pub fn of(forest: &Forest, ranking: &Ranking) -> Self {
        let mut survey = Self { leaves: forest.leaves() as f64, ..Self::default() };
        let mut splits = vec![0u32; forest.nodes.len()];
        for at in (0..splits.len()).rev() {
            if let Node::Split(split) = &forest.nodes[at] {
                splits[at] = 1 + splits[split.left as usize] + splits[split.right as usize];
            }
        }
        let mut surveyor = Surveyor { forest, hops: &ranking.hops, splits, on_the_way: vec![0; forest.features()], survey: &mut survey };
        for tree in &forest.trees {
            surveyor.visit(tree.first, 0, [true; CHOICES.len()]);
        }
        survey
    }

    /// The cheapest way to explain so many rows against so large a background.
    pub fn choose(&self, rows: usize, background: usize) -> Choice {
        let (rows, background) = (rows as f64, background as f64);
        // Few leaves that are left to be walked to cost more each, since their ways are walked for them alone.
        let walk = |leaves: f64| rows * leaves.min(self.leaves) * STEP * (background / 64.0).max(1.0);
        let walked = std::iter::once((0, walk(self.leaves)));
        let looked_up = CHOICES.iter().zip(&self.parts).map(|(bits, part)| {
            let tables = part.places * PLACE + part.twigs * (TABLE + background * 4.0);
            (*bits, tables + rows * part.twigs * LOOK_UP + walk(2.0 * part.deep))
        });
        let (most_bits, nanoseconds) = walked.chain(looked_up).min_by(|one, other| one.1.total_cmp(&other.1)).unwrap_or((0, 0.0));
        Choice { most_bits, seconds: nanoseconds / 1e9, too_much: nanoseconds > MOST_NANOSECONDS }
    }
}

struct Surveyor<'a> {
    forest: &'a Forest,
    hops: &'a [Hop],
    /// Of the subtree at each node.
    splits: Vec<u32>,
    /// How often each feature is tested on the way.
    on_the_way: Vec<u8>,
    survey: &'a mut Survey,
}

impl Surveyor<'_> {
    /// Visits a node on whose way so many features are tested; `open` are the choices that have found no twig above it.
    fn visit(&mut self, at: u32, features: usize, mut open: [bool; CHOICES.len()]) {
        let inside = self.splits[at as usize] as usize;
        for (choice, (open, part)) in open.iter_mut().zip(&mut self.survey.parts).enumerate().filter(|(_, (open, _))| **open) {
            if is_twig(features, inside, CHOICES[choice]) {
                part.twigs += 1.0;
                part.places += (1u64 << (features + inside)) as f64;
                *open = false;
            } else if inside == 0 {
                part.deep += 1.0;
            }
        }
        let Node::Split(split) = &self.forest.nodes[at as usize] else { return };
        if open == [false; CHOICES.len()] {
            return;
        }
        let feature = split.feature as usize;
        let new = usize::from(self.on_the_way[feature] == 0);
        self.on_the_way[feature] += 1;
        let hop = self.hops[at as usize];
        for child in [hop.left, hop.right] {
            self.visit(child, features + new, open);
        }
        self.on_the_way[feature] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey() -> Survey {
        let part = Part { twigs: 22_000.0, places: 22_000.0 * 512.0, deep: 0.0 };
        let mut parts = [part; CHOICES.len()];
        parts[0] = Part { twigs: 10_000.0, places: 640_000.0, deep: 80_000.0 };
        Survey { leaves: 88_000.0, parts }
    }

    #[test]
    fn one_row_is_walked_and_many_are_looked_up() {
        assert_eq!(survey().choose(1, 100).most_bits, 0);
        assert_eq!(survey().choose(10_000, 100).most_bits, 8);
    }

    #[test]
    fn what_would_take_days_is_too_much() {
        assert!(!survey().choose(1_000_000, 1_000).too_much);
        assert!(survey().choose(100_000_000_000, 1_000).too_much);
    }
}
