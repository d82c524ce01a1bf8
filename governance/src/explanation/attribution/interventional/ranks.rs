//! Rows as small whole numbers: for each value, how many of the thresholds it is tested against it is not below.
//!
//! A split then compares two 16-bit numbers, whatever its test and wherever it sends missing values, and 64 rows are
//! compared together. Each (feature, kind of missing) has a column of ranks, each categorical test one of its own.

use crate::explanation::model::Rows;
use crate::explanation::model::forest::{Forest, Missing, Node, Split, Test};
use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, u16x32};

/// Rows that are handled together.
pub(super) const LANES: usize = 64;
/// One rank for each of the rows of a block.
pub(super) type Lanes = [u16; LANES];

/// Thresholds that fit into one column.
const MOST_RANKS: usize = u16::MAX as usize;
/// Numbers farther from zero than this are not missing to anyone.
const SURELY_PRESENT: f64 = 1e-30;

/// A node, told in ranks: left where the row's rank in `column` is at most `rank`. A leaf leads to itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hop {
    pub column: u32,
    pub left: u32,
    pub right: u32,
    pub rank: u16,
}

#[derive(Debug)]
pub(super) struct Ranking {
    columns: Vec<Column>,
    /// One for each node.
    pub hops: Vec<Hop>,
}

#[derive(Debug)]
struct Column {
    /// Any split of the column, for its feature, kind of missing and categorical set.
    split: Split,
    /// Ascending; empty for a categorical test, whose ranks are 0 (in the set) and 1.
    thresholds: Vec<f64>,
}

impl Ranking {
    pub fn new(forest: &Forest) -> Self {
        let mut columns = Vec::new();
        let mut hops = Vec::with_capacity(forest.nodes.len());
        // By feature and kind of missing: any split, and all thresholds.
        let mut tested: Vec<Option<(Split, Vec<f64>)>> = vec![None; forest.features() * KINDS];
        for (at, node) in forest.nodes.iter().enumerate() {
            let Node::Split(split) = node else {
                hops.push(Hop { column: 0, left: at as u32, right: at as u32, rank: 0 });
                continue;
            };
            let mut column = 0;
            match split.test {
                Test::Below(threshold) => tested[key(split)].get_or_insert_with(|| (*split, Vec::new())).1.push(threshold),
                Test::In(_) => {
                    column = columns.len() as u32;
                    columns.push(Column { split: *split, thresholds: Vec::new() });
                }
            }
            hops.push(Hop { column, left: split.left, right: split.right, rank: 0 });
        }
        let mut firsts = vec![0; tested.len()];
        for (first, tested) in firsts.iter_mut().zip(tested) {
            let Some((split, mut thresholds)) = tested else { continue };
            thresholds.sort_unstable_by(f64::total_cmp);
            thresholds.dedup();
            *first = columns.len();
            columns.extend(thresholds.chunks(MOST_RANKS).map(|part| Column { split, thresholds: part.to_vec() }));
        }
        for (hop, node) in hops.iter_mut().zip(&forest.nodes) {
            if let Node::Split(split) = node
                && let Test::Below(threshold) = split.test
            {
                let below = |column: &&Column| column.thresholds.last().is_some_and(|last| *last < threshold);
                let first = firsts[key(split)];
                let number = first + columns[first..].iter().take_while(below).count();
                hop.column = number as u32;
                hop.rank = columns[number].thresholds.partition_point(|other| *other < threshold) as u16;
            }
        }
        Self { columns, hops }
    }

    /// How many columns a block of rows takes; at least one, so that leaves may name column 0.
    pub fn columns(&self) -> usize {
        self.columns.len().max(1)
    }

    /// Adds up the leaves that the rows of some blocks fall into, tree after tree as [`Forest::predict_into`] does.
    ///
    /// `margins` has one per output for each row, whole blocks of them.
    #[inline(always)]
    pub fn predict(&self, forest: &Forest, ranks: &[Lanes], margins: &mut [f64]) {
        let outputs = forest.outputs();
        margins.chunks_exact_mut(outputs).for_each(|margins| margins.copy_from_slice(&forest.base));
        let mut coming = vec![[0; LANES]; forest.depth() + 2];
        let mut leaves = Vec::new();
        for tree in &forest.trees {
            let (first, count) = (tree.first as usize, tree.count as usize);
            leaves.clear();
            leaves.extend(forest.nodes[first..][..count].iter().filter_map(|node| match node {
                Node::Leaf { values } => Some(*values),
                Node::Split(_) => None,
            }));
            for (ranks, margins) in ranks.chunks_exact(self.columns()).zip(margins.chunks_exact_mut(LANES * outputs)) {
                let numbers = self.leaf_numbers(first as u32, count, ranks, &mut coming);
                for (margins, number) in margins.chunks_exact_mut(outputs).zip(numbers) {
                    let margins = &mut margins[tree.output as usize..][..tree.width as usize];
                    let values = forest.leaf(tree, leaves[number as usize]);
                    margins.iter_mut().zip(values).for_each(|(margin, value)| *margin += value);
                }
            }
        }
    }

    /// Into which leaf of a tree each row of a block falls, counted from the left.
    ///
    /// Nodes stand as a walk comes by them, left before right. So the rows that come to a node are the topmost of `coming`,
    /// as masks, when it is the node's turn.
    #[inline(always)]
    fn leaf_numbers(&self, first: u32, count: usize, ranks: &[Lanes], coming: &mut [Lanes]) -> [u32; LANES] {
        // Numbers of 16 bits, and what is to be added to them: a tree may have more leaves.
        let (mut low, mut high) = ([0u16; LANES], [0u16; LANES]);
        coming[0] = [u16::MAX; LANES];
        let (mut top, mut leaf) = (0, 0u32);
        for (at, hop) in (first..).zip(&self.hops[first as usize..][..count]) {
            if hop.left == at {
                for ((low, high), rows) in low.iter_mut().zip(&mut high).zip(&coming[top]) {
                    *low |= rows & leaf as u16;
                    *high |= rows & (leaf >> 16) as u16;
                }
                leaf += 1;
                top = top.saturating_sub(1);
                continue;
            }
            let (below, above) = coming.split_at_mut(top + 1);
            for ((right, left), rank) in below[top].iter_mut().zip(&mut above[0]).zip(&ranks[hop.column as usize]) {
                let goes_left = if *rank <= hop.rank { u16::MAX } else { 0 };
                *left = *right & goes_left;
                *right &= !goes_left;
            }
            top += 1;
        }
        std::array::from_fn(|lane| u32::from(low[lane]) | u32::from(high[lane]) << 16)
    }

    /// For each node, which rows of some blocks go left, with as many words to a node as there are blocks. What it says
    /// of leaves means nothing.
    pub fn left_goers(&self, ranks: &[Lanes], level: Level) -> Vec<u64> {
        let blocks = ranks.len() / self.columns();
        let mut bits = vec![0; self.hops.len() * blocks];
        dispatch!(level, simd => self.fill_left_goers(simd, ranks, &mut bits));
        bits
    }

    #[inline(always)]
    fn fill_left_goers<S: Simd>(&self, simd: S, ranks: &[Lanes], bits: &mut [u64]) {
        let columns = self.columns();
        for (hop, bits) in self.hops.iter().zip(bits.chunks_exact_mut(ranks.len() / columns)) {
            for (word, ranks) in bits.iter_mut().zip(ranks.chunks_exact(columns)) {
                *word = at_most(simd, &ranks[hop.column as usize], hop.rank);
            }
        }
    }

    /// Ranks of up to [`LANES`] rows from `first` on, a column after another. The last row is repeated to fill up.
    pub fn rank(&self, forest: &Forest, rows: &Rows, first: usize, ranks: &mut [Lanes]) {
        for (column, ranks) in self.columns.iter().zip(ranks) {
            for (lane, rank) in ranks.iter_mut().enumerate() {
                let row = rows.row((first + lane).min(rows.len() - 1));
                *rank = column.rank(forest, forest.rounded(row[column.split.feature as usize]));
            }
        }
    }
}

/// Which ranks are at most this, as bits.
#[inline(always)]
fn at_most<S: Simd>(simd: S, ranks: &Lanes, rank: u16) -> u64 {
    let most = u16x32::splat(simd, rank);
    let half = |ranks: &[u16]| u16x32::from_slice(simd, ranks).simd_le(most).to_bitmask();
    half(&ranks[..LANES / 2]) | half(&ranks[LANES / 2..]) << (LANES / 2)
}

/// Calls with the number of each bit that is set, from the lowest on.
#[inline(always)]
pub(super) fn each_bit(mut word: u64, mut call: impl FnMut(usize)) {
    while word != 0 {
        call(word.trailing_zeros() as usize);
        word &= word - 1;
    }
}

/// Ways to treat missing values.
const KINDS: usize = 5;

fn key(split: &Split) -> usize {
    let kind = match split.missing {
        Missing::Left => 0,
        Missing::Right => 1,
        Missing::AsZero => 2,
        Missing::ZeroToo { left: false } => 3,
        Missing::ZeroToo { left: true } => 4,
    };
    split.feature as usize * KINDS + kind
}

impl Column {
    /// How many thresholds do not send the value left. Those that do are all larger than those that do not.
    fn rank(&self, forest: &Forest, value: f64) -> u16 {
        let goes_left = |test| Split { test, ..self.split }.goes_left(value, &forest.sets);
        if self.thresholds.is_empty() {
            return u16::from(!goes_left(self.split.test));
        }
        if value.abs() > SURELY_PRESENT {
            return self.thresholds.partition_point(|threshold| *threshold <= value) as u16;
        }
        self.thresholds.partition_point(|threshold| !goes_left(Test::Below(*threshold))) as u16
    }
}
