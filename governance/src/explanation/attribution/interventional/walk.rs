//! One row against the whole background at once: a walk down every tree, with the background as bits.
//!
//! A leaf counts for a mix of row x and background row z only if every feature tested on the way to it agrees with x or
//! with z. With p features on which only x agrees and q on which only z does, the leaf's value v adds
//! v·(p−1)!·q!/(p+q)! to each of the former and −v·p!·(q−1)!/(p+q)! to each of the latter. The walk carries which
//! background rows can still come along, and turns back where none can.

use super::Interventional;
use super::ranks::{LANES, each_bit};
use crate::explanation::model::Rows;
use crate::explanation::model::forest::{Forest, Node, Tree};

/// The most bytes of background bits kept at a time; a larger background is walked in parts.
const MOST_BYTES: usize = 256 << 20;

pub(super) struct Walker<'a> {
    prepared: &'a Interventional<'a>,
    weights: Weights,
    /// For each node, whether it leads to leaves that are to be counted; empty if all do.
    counted: Vec<bool>,
}

impl<'a> Walker<'a> {
    /// For all leaves.
    pub fn new(prepared: &'a Interventional<'a>) -> Self {
        Self { prepared, weights: Weights::new(prepared.forest.depth()), counted: Vec::new() }
    }

    /// For the leaves at some nodes only.
    pub fn for_leaves(prepared: &'a Interventional<'a>, leaves: &[u32]) -> Self {
        let nodes = &prepared.forest.nodes;
        let mut counted = vec![false; nodes.len()];
        leaves.iter().for_each(|leaf| counted[*leaf as usize] = true);
        for at in (0..nodes.len()).rev() {
            if let Node::Split(split) = &nodes[at] {
                counted[at] = counted[split.left as usize] || counted[split.right as usize];
            }
        }
        Self { counted, ..Self::new(prepared) }
    }

    /// Adds the attributions of each row to `values`, laid out as in `Attributions`.
    pub fn attribute(&self, rows: &Rows, threads: usize, values: &mut [f64]) {
        let fits = |words: usize| self.prepared.forest.nodes.len() * words * 8 <= MOST_BYTES;
        match self.prepared.background.len().div_ceil(64) {
            0 => {}
            1 => self.in_parts::<1>(rows, threads, values),
            _ if !fits(2) => self.in_parts::<1>(rows, threads, values),
            2 => self.in_parts::<2>(rows, threads, values),
            _ if !fits(4) => self.in_parts::<2>(rows, threads, values),
            3..=4 => self.in_parts::<4>(rows, threads, values),
            _ if !fits(16) => self.in_parts::<4>(rows, threads, values),
            _ => self.in_parts::<16>(rows, threads, values),
        }
    }

    /// Takes 64·N background rows at a time.
    fn in_parts<const N: usize>(&self, rows: &Rows, threads: usize, values: &mut [f64]) {
        let Interventional { forest, background, ranking, background_ranks, level, left_goers, .. } = self.prepared;
        let per_row = forest.features() * forest.outputs();
        let per_thread = rows.len().div_ceil(threads.max(1)).max(1);
        for (part, ranks) in background_ranks.chunks(N * ranking.columns()).enumerate() {
            let mut all = [0; N];
            for number in 0..(background.len() - part * 64 * N).min(64 * N) {
                all[number / 64] |= 1 << (number % 64);
            }
            let make = || {
                let mut whole = ranks.to_vec();
                whole.resize(N * ranking.columns(), [0; LANES]);
                ranking.left_goers(&whole, *level)
            };
            let made;
            let bits = if background_ranks.len() == ranks.len() {
                left_goers.get_or_init(make)
            } else {
                made = make();
                &made
            };
            let walk_rows = |first: usize, values: &mut [f64]| {
                let mut walk = Walk {
                    forest,
                    left_goers: bits.as_chunks::<N>().0,
                    counted: &self.counted,
                    weights: &self.weights,
                    share: 1.0 / background.len() as f64,
                    path: Vec::new(),
                    failed: [[0; 64]; N],
                };
                for (number, values) in values.chunks_exact_mut(per_row).enumerate() {
                    for tree in forest.trees.iter().filter(|tree| self.counted.get(tree.first as usize) != Some(&false)) {
                        walk.visit(tree, rows.row(first + number), values, tree.first, all);
                    }
                }
            };
            let mut parts = values.chunks_mut(per_thread * per_row).enumerate();
            let Some((_, own)) = parts.next() else { continue };
            if per_thread == rows.len() {
                walk_rows(0, own);
            } else {
                std::thread::scope(|scope| {
                    let walk_rows = &walk_rows;
                    parts.for_each(|(thread, values)| _ = scope.spawn(move || walk_rows(thread * per_thread, values)));
                    walk_rows(0, own);
                });
            }
        }
    }
}

/// What a feature earns at a leaf, by the numbers p of features on which only x agrees and q on which only z does.
struct Weights {
    sizes: usize,
    /// (p−1)!·q!/(p+q)! at p·sizes + q; zero for p = 0. With p and q exchanged: what the others lose.
    earned: Vec<f64>,
}

impl Weights {
    /// For at most `depth` features on a path.
    fn new(depth: usize) -> Self {
        let sizes = depth + 1;
        let mut earned = vec![0.0; sizes * sizes];
        for p in 1..sizes {
            // (p−1)!·q!/(p+q)! is 1/p for q = 0, and grows by q/(p+q) from one q to the next.
            let mut weight = 1.0 / p as f64;
            for q in 0..sizes - p {
                weight *= if q == 0 { 1.0 } else { q as f64 / (p + q) as f64 };
                earned[p * sizes + q] = weight;
            }
        }
        Self { sizes, earned }
    }

    fn earned(&self, p: usize, q: usize) -> f64 {
        self.earned[p * self.sizes + q]
    }
}

/// A feature tested on the way to a node: whether x passes all its tests, and which background rows do.
#[derive(Clone, Copy)]
struct Step<const N: usize> {
    feature: u32,
    x: bool,
    z: [u64; N],
}

struct Walk<'a, const N: usize> {
    forest: &'a Forest,
    left_goers: &'a [[u64; N]],
    counted: &'a [bool],
    weights: &'a Weights,
    /// What one background row weighs.
    share: f64,
    path: Vec<Step<N>>,
    /// At a leaf, on how many features each background row disagrees.
    failed: [[u8; 64]; N],
}

impl<const N: usize> Walk<'_, N> {
    /// Visits a node to which the background rows in `along` can come with x; on return the path is as it was.
    fn visit(&mut self, tree: &Tree, row: &[f64], values: &mut [f64], at: u32, along: [u64; N]) {
        let split = match &self.forest.nodes[at as usize] {
            Node::Leaf { values: leaf } => return self.earn(tree, values, *leaf, along),
            Node::Split(split) => split,
        };
        let lefts = self.left_goers[at as usize];
        let left = self.forest.goes_left(split, row);
        let met = self.path.iter().position(|step| step.feature == split.feature);
        let place = met.unwrap_or(self.path.len());
        if met.is_none() {
            self.path.push(Step { feature: split.feature, x: true, z: [u64::MAX; N] });
        }
        let before = self.path[place];
        for (child, goes, flip) in [(split.left, left, 0), (split.right, !left, u64::MAX)] {
            let x = before.x && goes;
            let z: [u64; N] = std::array::from_fn(|word| before.z[word] & (lefts[word] ^ flip));
            let along = if x { along } else { std::array::from_fn(|word| along[word] & z[word]) };
            if along.iter().any(|word| *word != 0) && self.counted.get(child as usize) != Some(&false) {
                self.path[place] = Step { feature: split.feature, x, z };
                self.visit(tree, row, values, child, along);
            }
        }
        match met {
            Some(place) => self.path[place] = before,
            None => _ = self.path.pop(),
        }
    }

    /// Adds a leaf's value to the features x and z disagree on, for each background row that came along.
    fn earn(&mut self, tree: &Tree, values: &mut [f64], leaf: u32, along: [u64; N]) {
        let q = self.path.iter().filter(|step| !step.x).count();
        self.failed.iter_mut().zip(along).filter(|(_, word)| *word != 0).for_each(|(failed, _)| *failed = [0; 64]);
        for step in self.path.iter().filter(|step| step.x) {
            for (word, failed) in self.failed.iter_mut().enumerate() {
                each_bit(along[word] & !step.z[word], |bit| failed[bit] += 1);
            }
        }
        let mut lost = 0.0;
        if q > 0 {
            for (word, failed) in self.failed.iter().enumerate() {
                each_bit(along[word], |bit| lost -= self.weights.earned(q, usize::from(failed[bit])));
            }
        }
        let (features, leaf) = (self.forest.features, self.forest.leaf(tree, leaf));
        for step in &self.path {
            let mut part = lost;
            if step.x {
                part = 0.0;
                for (word, failed) in self.failed.iter().enumerate() {
                    each_bit(along[word] & !step.z[word], |bit| part += self.weights.earned(usize::from(failed[bit]), q));
                }
            }
            for (offset, value) in leaf.iter().enumerate() {
                values[(tree.output as usize + offset) * features + step.feature as usize] += part * self.share * value;
            }
        }
    }
}
