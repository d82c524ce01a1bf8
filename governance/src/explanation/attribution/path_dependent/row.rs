//! One tree, walked for one row, with points in the lanes.
//!
//! The same steps and, at each point, the same operations in the same order as in `kernel`, so the same bits: what a
//! click explains equals what a batch does.

use super::columns::members;
use super::kernel::Real;
use super::program::{Kind, Program, Split, Step, Tree, padded};
use crate::explanation::model::forest::CategorySet;
use fearless_simd::{Simd, SimdBase};

/// Numbers at four points.
type Four<S, T> = <T as Real>::Four<S>;

/// What a walk writes while it is under way; see `kernel::Room`.
pub(super) struct Room<S: Simd, T: Real> {
    reaching: Vec<Four<S, T>>,
    outputs: Vec<Four<S, T>>,
    leaves: Vec<u32>,
}

impl<S: Simd, T: Real> Room<S, T> {
    pub fn new(simd: S, depth: usize, points: usize) -> Self {
        let zero = Four::<S, T>::splat(simd, T::near(0.0));
        let (levels, fours) = (depth + 1, padded(points) / 4);
        Self { reaching: vec![zero; levels * fours], outputs: vec![zero; levels * fours], leaves: vec![0; levels + 1] }
    }

    /// The place of the leaf the row fell into, after a walk.
    pub fn leaf(&self) -> usize {
        self.leaves[0] as usize
    }
}

/// What a walk reads; see `kernel::Walk`. All factors must be stored.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a, T> {
    pub program: &'a Program<T>,
    pub tree: &'a Tree<T>,
    pub constants: &'a [T],
    pub sets: &'a [CategorySet],
}

/// A split or a pair, settled for the row.
#[derive(Clone, Copy)]
struct Settled<'a, T> {
    base: T,
    slope: T,
    factors: &'a [T],
    feature: usize,
    leaf: u32,
}

impl<T: Real> Settled<'_, T> {
    #[inline(always)]
    fn at<S: Simd>(&self, simd: S, four: usize) -> Four<S, T> {
        Four::<S, T>::splat(simd, self.base) + Four::<S, T>::splat(simd, self.slope) * load(simd, self.factors, four)
    }

    #[inline(always)]
    fn weigh<S: Simd>(&self, simd: S, four: usize, reaching: Four<S, T>) -> Four<S, T> {
        reaching * load(simd, self.factors, self.factors.len() / 8 + four)
    }
}

/// Factors are padded to whole fours.
#[inline(always)]
fn load<S: Simd, T: Real>(simd: S, numbers: &[T], four: usize) -> Four<S, T> {
    Four::<S, T>::from_slice(simd, &numbers[four * 4..][..4])
}

/// A sum over points, in their order. Points beyond the last have no weight and add nothing.
#[derive(Clone, Copy)]
struct Sum<T>(Option<T>);

impl<T: Real> Sum<T> {
    #[inline(always)]
    fn add<S: Simd>(&mut self, more: Four<S, T>) {
        let first = self.0.map_or(more[0], |before| before + more[0]);
        self.0 = Some(((first + more[1]) + more[2]) + more[3]);
    }
}

/// Walks a tree for one row.
pub(super) fn walk<S: Simd, T: Real>(simd: S, walk: Walk<'_, T>, columns: &mut [T], totals: &mut [T], room: &mut Room<S, T>) {
    simd.vectorize(
        #[inline(always)]
        || match walk.tree.u.len() {
            4 => walk.run::<S, 1>(simd, columns, totals, room),
            _ => walk.run::<S, 0>(simd, columns, totals, room),
        },
    );
}

impl<'a, T: Real> Walk<'a, T> {
    /// Walks the tree, adding to the totals per feature. There are `FOURS` times four points, with their padding.
    #[inline(always)]
    fn run<S: Simd, const FOURS: usize>(self, simd: S, columns: &mut [T], totals: &mut [T], room: &mut Room<S, T>) {
        let fours = if FOURS == 0 { self.tree.u.len() / 4 } else { FOURS };
        for four in 0..fours {
            room.reaching[four] = load(simd, &self.tree.weights, four);
        }
        let (first, last) = self.tree.steps;
        if first == last {
            room.leaves[0] = 0;
        }
        for step in &self.program.steps[first as usize..last as usize] {
            if step.kind == Kind::Lookup {
                let to = self.program.first_lookup as usize + step.waiting as usize;
                let mut answer = [T::near(0.0)];
                members(&[columns[step.constant as usize]], &self.sets[step.split as usize], &mut answer);
                columns[to] = answer[0];
            } else {
                self.step::<S, FOURS>(simd, step, columns, totals, room);
            }
        }
    }

    #[inline(always)]
    fn step<S: Simd, const FOURS: usize>(self, simd: S, step: &Step, columns: &[T], totals: &mut [T], room: &mut Room<S, T>) {
        let fours = if FOURS == 0 { self.tree.u.len() / 4 } else { FOURS };
        let Room { reaching, outputs, leaves } = room;
        let (depth, waiting) = (step.depth as usize * fours, step.waiting as usize);
        let splits = || &self.program.splits[step.split as usize..];
        let constants = &self.constants[step.constant as usize..];
        match step.kind {
            Kind::Down => {
                let (part, _) = self.part(&splits()[0], columns, 0, 0);
                for four in 0..fours {
                    let (share, from) = (part.at(simd, four), reaching[depth + four]);
                    reaching[depth + fours + four] = from * share;
                }
            }
            Kind::Across => {
                for four in 0..fours {
                    let (from, one) = (reaching[depth + four], reaching[depth + fours + four]);
                    reaching[depth + fours + four] = from - one;
                }
            }
            Kind::Nodes => {
                let (part, leaf) = self.part(&splits()[0], columns, leaves[waiting], leaves[waiting + 1]);
                leaves[waiting] = leaf;
                let mut moved = Sum(None);
                for four in 0..fours {
                    let second = outputs[(waiting + 1) * fours + four];
                    let (output, effect) = combine(simd, &part, four, reaching[depth + four], outputs[waiting * fours + four], second);
                    outputs[waiting * fours + four] = output;
                    moved.add::<S>(effect);
                }
                subtract(totals, &part, moved);
            }
            Kind::NodePair => {
                let pair = self.pair(&splits()[1], constants, columns);
                let (part, leaf) = self.part(&splits()[0], columns, leaves[waiting], pair.leaf);
                leaves[waiting] = leaf;
                let (mut moved, mut reaching_two) = (Sum(None), Sum(None));
                for four in 0..fours {
                    let (from, one) = (reaching[depth + four], reaching[depth + fours + four]);
                    reaching_two.add::<S>(pair.weigh(simd, four, from - one));
                    let (output, effect) = combine(simd, &part, four, from, outputs[waiting * fours + four], pair.at(simd, four));
                    outputs[waiting * fours + four] = output;
                    moved.add::<S>(effect);
                }
                subtract(totals, &part, moved);
                subtract(totals, &pair, reaching_two);
            }
            Kind::NodeLeaf => {
                let split = &splits()[0];
                let (part, leaf) = self.part(split, columns, leaves[waiting], split.leaf);
                leaves[waiting] = leaf;
                let mut moved = Sum(None);
                for four in 0..fours {
                    let first = outputs[waiting * fours + four];
                    let (output, effect) =
                        combine(simd, &part, four, reaching[depth + four], first, Four::<S, T>::splat(simd, constants[0]));
                    outputs[waiting * fours + four] = output;
                    moved.add::<S>(effect);
                }
                subtract(totals, &part, moved);
            }
            Kind::Pairs => {
                let one = self.pair(&splits()[1], constants, columns);
                let two = self.pair(&splits()[2], &constants[5..], columns);
                let (part, leaf) = self.part(&splits()[0], columns, one.leaf, two.leaf);
                leaves[waiting] = leaf;
                let (mut moved, mut reaching_one, mut reaching_two) = (Sum(None), Sum(None), Sum(None));
                for four in 0..fours {
                    let (from, share) = (reaching[depth + four], part.at(simd, four));
                    let to_one = from * share;
                    reaching_one.add::<S>(one.weigh(simd, four, to_one));
                    reaching_two.add::<S>(two.weigh(simd, four, from - to_one));
                    let (output, effect) = combine(simd, &part, four, from, one.at(simd, four), two.at(simd, four));
                    outputs[waiting * fours + four] = output;
                    moved.add::<S>(effect);
                }
                subtract(totals, &part, moved);
                subtract(totals, &one, reaching_one);
                subtract(totals, &two, reaching_two);
            }
            Kind::PairLeaf => {
                let one = self.pair(&splits()[1], constants, columns);
                let split = &splits()[0];
                let (part, leaf) = self.part(split, columns, one.leaf, split.leaf);
                leaves[waiting] = leaf;
                let (mut moved, mut reaching_one) = (Sum(None), Sum(None));
                for four in 0..fours {
                    let (from, share) = (reaching[depth + four], part.at(simd, four));
                    reaching_one.add::<S>(one.weigh(simd, four, from * share));
                    let (output, effect) = combine(simd, &part, four, from, one.at(simd, four), Four::<S, T>::splat(simd, constants[5]));
                    outputs[waiting * fours + four] = output;
                    moved.add::<S>(effect);
                }
                subtract(totals, &part, moved);
                subtract(totals, &one, reaching_one);
            }
            Kind::Pair => {
                let pair = self.pair(&splits()[0], constants, columns);
                leaves[waiting] = pair.leaf;
                let mut all = Sum(None);
                for from in &reaching[..fours] {
                    all.add::<S>(*from);
                }
                subtract(totals, &pair, all);
            }
            Kind::Lookup => {}
        }
    }

    #[inline(always)]
    fn part(self, split: &Split<T>, columns: &[T], leaf_one: u32, leaf_two: u32) -> (Settled<'a, T>, u32) {
        let side = usize::from(columns[split.column as usize] < split.threshold);
        let base = [split.base[1], split.base[0]][side];
        let leaf = if base > T::near(0.5) { leaf_one } else { leaf_two };
        (self.settle(split, columns, base, [split.slope[1], split.slope[0]][side], split.base[2], leaf), leaf)
    }

    #[inline(always)]
    fn pair(self, split: &Split<T>, constants: &[T], columns: &[T]) -> Settled<'a, T> {
        let [left_value, right_value, mean, left_slope, right_slope] = *constants.first_chunk().expect("a pair has five constants");
        let side = usize::from(columns[split.column as usize] < split.threshold);
        let leaf = split.leaf + 1 - side as u32;
        self.settle(split, columns, [right_value, left_value][side], [right_slope, left_slope][side], mean, leaf)
    }

    /// Sees whether a split above, for the same feature, sent the row elsewhere.
    #[inline(always)]
    fn settle(self, split: &Split<T>, columns: &[T], base: T, slope: T, elsewhere: T, leaf: u32) -> Settled<'a, T> {
        let outside = |column: u32, lower: T, upper: T| {
            let value = columns[column as usize];
            // Where there is no bound, it is NaN, and comparisons are false.
            (value < lower) | (value >= upper)
        };
        let mut away = outside(split.column, split.lower, split.upper);
        let (first, count) = split.bounds;
        if count > 0 {
            for other in &self.program.bounds[first as usize..][..count as usize] {
                away |= outside(other.column, other.lower, other.upper);
            }
        }
        let away = usize::from(away);
        let factors = &self.program.factors[split.factors as usize..][..2 * self.tree.u.len()];
        Settled { base: [base, elsewhere][away], slope: [slope, T::near(0.0)][away], factors, feature: split.feature as usize, leaf }
    }
}

/// A split's output, and at each point what it moved.
#[inline(always)]
fn combine<S: Simd, T: Real>(
    simd: S,
    part: &Settled<'_, T>,
    four: usize,
    reaching: Four<S, T>,
    first: Four<S, T>,
    second: Four<S, T>,
) -> (Four<S, T>, Four<S, T>) {
    let difference = first - second;
    (second + part.at(simd, four) * difference, part.weigh(simd, four, reaching) * difference)
}

#[inline(always)]
fn subtract<T: Real>(totals: &mut [T], settled: &Settled<'_, T>, sum: Sum<T>) {
    if let Some(sum) = sum.0 {
        totals[settled.feature] -= settled.slope * sum;
    }
}
