//! A forest, put into the order in which its trees are walked, with every constant worked out.
//!
//! Let u = 1 - t, where t is a point of the quadrature. A split sends on to its first child the part
//! F = base + slope·r of what reaches it, and the rest to its second; base and slope depend on the side a row takes, and
//! r is u. A row that goes to the first child has F = 1 - u·(share of the second), one that does not F = u·(share of the
//! first). Where the path has met the feature before, with a product W of shares, r is W·u / (W + (1-W)·t), and a row
//! that failed the feature above is split by shares alone.
//!
//! To make a tree's walk short, a split whose children are both leaves (a pair) has no step of its own but is done with
//! its parent's, and the first child is the one that has more below it.

use super::columns::{Columns, Question};
use super::kernel::Real;
use super::table::Table;
use crate::explanation::attribution::lanes::with_vectors;
use crate::explanation::attribution::quadrature::gauss_legendre;
use crate::explanation::model::forest::{self, Forest, Node};
use fearless_simd::Level;

/// Up to this many points, factors of repeated features are stored; beyond, where models are large, they are worked out
/// at every step.
pub(super) const STORED: usize = 10;
pub(super) const NONE: u32 = u32::MAX;

/// Room for so many points' factors: whole vectors of four, for walks with points in the lanes.
pub(super) fn padded(points: usize) -> usize {
    points.next_multiple_of(4)
}

/// The constants of a forest, for floats of one width.
#[derive(Debug)]
pub(super) struct Program<T> {
    pub trees: Vec<Tree<T>>,
    pub steps: Vec<Step>,
    pub splits: Vec<Split<T>>,
    /// Per tree and output, what leaves add to their parents.
    pub constants: Vec<T>,
    /// For splits that need more than their own.
    pub bounds: Vec<Bound<T>>,
    /// r and g of each repeated split at all points, each padded, and before them, for each tree, those of other splits.
    pub factors: Vec<T>,
    /// Per tree and output, the values of its leaves in the order of the walk.
    pub leaves: Vec<f64>,
    /// Columns that are filled from rows; those for lookups come after them.
    pub first_lookup: u32,
    pub lookups: usize,
}

#[derive(Debug)]
pub(super) struct Tree<T> {
    /// First step and the one after the last.
    pub steps: (u32, u32),
    /// u = 1 - t and the weight, for each point, and zeroes after them ([`padded`]).
    pub u: Vec<T>,
    pub weights: Vec<T>,
    /// t, not rounded.
    pub points: Vec<f64>,
    pub first_constant: usize,
    /// Constants per output.
    pub constants: usize,
    pub first_leaf: usize,
    /// Leaves per output.
    pub leaves: usize,
    /// In place of steps, if the tree is oblivious.
    pub table: Option<Table<T>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub kind: Kind,
    /// Whether no split of the step repeats a feature of its path.
    pub plain: bool,
    /// Splits above it.
    pub depth: u16,
    /// Results that wait to be combined.
    pub waiting: u16,
    /// The first of the step's splits.
    pub split: u32,
    /// The first of the step's constants, within the tree's.
    pub constant: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Looks up which rows' categories are in a set: those of column `constant`, in set `split`, for lookup column
    /// `waiting`.
    Lookup,
    /// Goes down to the first child.
    Down,
    /// Goes over to the second child.
    Across,
    /// Combines two children that were walked.
    Nodes,
    /// Combines a child that was walked and a pair.
    NodePair,
    /// Combines a child that was walked and a leaf.
    NodeLeaf,
    /// Two pairs.
    Pairs,
    /// A pair and a leaf.
    PairLeaf,
    /// A pair that is a whole tree.
    Pair,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Split<T> {
    pub column: u32,
    pub feature: u32,
    /// Left is below.
    pub threshold: T,
    /// Rows that splits above, for the same feature, send here are not below this (NaN: no bound) …
    pub lower: T,
    /// … but below this, …
    pub upper: T,
    /// … and within these bounds for other columns: the first and their number.
    pub bounds: (u32, u32),
    /// For rows that go left, that go right, and that a split above sends elsewhere.
    pub base: [T; 3],
    pub slope: [T; 2],
    /// The place, in the order of the walk, of the first leaf that is a child.
    pub leaf: u32,
    /// Where r and g stand; `NONE` when they are not stored.
    pub factors: u32,
    /// Product of the shares of splits above for the same feature.
    pub share_above: f64,
}

/// Where values must lie for a row to be sent here by splits above.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound<T> {
    pub column: u32,
    pub lower: T,
    pub upper: T,
}

/// A split on the way from the root.
struct Above<T> {
    feature: u32,
    column: u32,
    threshold: T,
    left: bool,
    share: f64,
    /// Whether nothing above it asks for the same feature.
    new: bool,
}

/// How the constants of a step's leaves follow from their values.
enum Recipe {
    Leaf(u32),
    Pair { left: u32, right: u32, left_share: f64 },
}

/// Writes a forest's program, tree by tree.
pub(super) struct Writer<'a, T> {
    pub forest: &'a Forest,
    pub columns: &'a Columns,
    pub program: Program<T>,
    path: Vec<Above<T>>,
    recipes: Vec<Recipe>,
    constants: u32,
    /// Where the values of the tree's leaves stand in the forest, in the order of the walk.
    leaves: Vec<u32>,
    most_features: usize,
}

impl<T: Real> Program<T> {
    pub fn of(forest: &Forest, columns: &Columns) -> Self {
        let program = Self {
            trees: Vec::with_capacity(forest.trees.len()),
            steps: Vec::new(),
            splits: Vec::new(),
            constants: Vec::new(),
            bounds: Vec::new(),
            factors: Vec::new(),
            leaves: Vec::new(),
            first_lookup: columns.len() as u32,
            lookups: if forest.sets.is_empty() { 0 } else { 2 * forest.depth() + 2 },
        };
        let mut writer =
            Writer { forest, columns, program, path: Vec::new(), recipes: Vec::new(), constants: 0, leaves: Vec::new(), most_features: 0 };
        for tree in &forest.trees {
            writer.tree(tree);
        }
        writer.program
    }

    /// What leaves of a tree add to their parents, for one of its outputs.
    pub fn constants(&self, tree: &Tree<T>, offset: u32) -> &[T] {
        &self.constants[tree.first_constant + offset as usize * tree.constants..][..tree.constants]
    }

    /// Values of a tree's leaves in the order of the walk, for one of its outputs.
    pub fn leaves(&self, tree: &Tree<T>, offset: u32) -> &[f64] {
        &self.leaves[tree.first_leaf + offset as usize * tree.leaves..][..tree.leaves]
    }
}

impl<T: Real> Writer<'_, T> {
    fn tree(&mut self, tree: &forest::Tree) {
        let (first_step, first_split) = (self.program.steps.len(), self.program.splits.len());
        let first_bound = self.program.bounds.len();
        self.leaves.clear();
        (self.constants, self.most_features) = (0, 0);
        self.recipes.clear();
        if let Node::Split(_) = self.forest.nodes[tree.first as usize] {
            self.split(tree.first, 0);
        } else {
            self.leaf(tree.first);
        }
        let (first_constant, first_leaf) = (self.program.constants.len(), self.program.leaves.len());
        for offset in 0..tree.width {
            self.program.leaves.extend(self.leaves.iter().map(|at| self.forest.leaf_values[(at + offset) as usize]));
            for recipe in &self.recipes {
                let value = |at: u32| self.forest.leaf_values[(at + offset) as usize];
                match *recipe {
                    Recipe::Leaf(at) => self.program.constants.push(T::near(value(at))),
                    Recipe::Pair { left, right, left_share } => {
                        let (left, right) = (value(left), value(right));
                        let difference = left - right;
                        let mean = left_share * left + (1.0 - left_share) * right;
                        let parts = [left, right, mean, (left_share - 1.0) * difference, left_share * difference];
                        self.program.constants.extend(parts.map(T::near));
                    }
                }
            }
        }
        let points = gauss_legendre(self.most_features.div_ceil(2).max(1));
        let padding = padded(points.len()) - points.len();
        let pad = |factor: &dyn Fn(f64) -> f64| {
            let factors = points.iter().map(|(t, _)| T::near(factor(*t)));
            factors.chain(std::iter::repeat_n(T::near(0.0), padding)).collect::<Vec<T>>()
        };
        let plain = self.program.factors.len() as u32;
        let u = pad(&|t| 1.0 - t);
        self.program.factors.extend(&u);
        self.program.factors.extend(pad(&|_| 1.0));
        for split in &mut self.program.splits[first_split..] {
            if split.share_above == 1.0 {
                split.factors = plain;
            } else if points.len() <= STORED {
                split.factors = self.program.factors.len() as u32;
                for which in [|(r, _): (f64, f64)| r, |(_, g): (f64, f64)| g] {
                    self.program.factors.extend(points.iter().map(|(t, _)| T::near(which(split.again(*t)))));
                    self.program.factors.extend(std::iter::repeat_n(T::near(0.0), padding));
                }
            }
        }
        self.program.trees.push(Tree {
            steps: (first_step as u32, self.program.steps.len() as u32),
            u,
            weights: points.iter().map(|(_, weight)| T::near(*weight)).chain(std::iter::repeat_n(T::near(0.0), padding)).collect(),
            points: points.iter().map(|(t, _)| *t).collect(),
            first_constant,
            constants: self.constants as usize,
            first_leaf,
            leaves: self.leaves.len(),
            table: None,
        });
        if let Some(levels) = self.levels(tree) {
            let table = with_vectors!(Level::new(), simd => self.tabulate(simd, tree, &levels));
            // What the table was made from is needed no more.
            self.program.steps.truncate(first_step);
            self.program.splits.truncate(first_split);
            self.program.bounds.truncate(first_bound);
            self.program.constants.truncate(first_constant);
            self.program.leaves.truncate(first_leaf);
            self.program.factors.truncate(plain as usize);
            if let Some(tree) = self.program.trees.last_mut() {
                (tree.steps, tree.table) = ((0, 0), Some(table));
            }
        }
    }

    /// How much is below a node: 0 for a leaf, 1 for a pair.
    fn size(&self, at: u32) -> u8 {
        let leaf = |at: u32| matches!(self.forest.nodes[at as usize], Node::Leaf { .. });
        match &self.forest.nodes[at as usize] {
            Node::Leaf { .. } => 0,
            Node::Split(split) if leaf(split.left) && leaf(split.right) => 1,
            Node::Split(_) => 2,
        }
    }

    /// Writes the steps of a split that is not a pair's, or of a pair that is the root.
    fn split(&mut self, at: u32, waiting: usize) {
        let Node::Split(split) = self.forest.nodes[at as usize] else { return };
        let depth = self.path.len();
        let (left, right) = (self.size(split.left), self.size(split.right));
        let mirrored = right > left;
        let (first, second) = if mirrored { (split.right, split.left) } else { (split.left, split.right) };
        let place = self.program.splits.len();
        let mut plain = self.push(&split, mirrored, 2 * depth);
        let constant = self.constants;
        let step = |writer: &mut Self, kind, plain| {
            writer.program.steps.push(Step { kind, plain, depth: depth as u16, waiting: waiting as u16, split: place as u32, constant });
        };
        match (left.max(right), left.min(right)) {
            (0, _) => {
                self.pair_leaves(&split, place);
                step(self, Kind::Pair, plain);
            }
            (1, 1) => {
                plain &= self.child_pair(&split, place, !mirrored, first, 2 * depth + 2);
                plain &= self.child_pair(&split, place, mirrored, second, 2 * depth + 3);
                step(self, Kind::Pairs, plain);
            }
            (1, _) => {
                plain &= self.child_pair(&split, place, !mirrored, first, 2 * depth + 2);
                self.child_leaf(second, place);
                step(self, Kind::PairLeaf, plain);
            }
            (_, 2) => {
                step(self, Kind::Down, plain);
                self.child(&split, place, true, first, waiting);
                step(self, Kind::Across, plain);
                self.child(&split, place, false, second, waiting + 1);
                step(self, Kind::Nodes, plain);
            }
            (_, size) => {
                step(self, Kind::Down, plain);
                let kind = if size == 1 { Kind::NodePair } else { Kind::NodeLeaf };
                if size == 1 {
                    plain &= self.child_pair(&split, place, mirrored, second, 2 * depth + 3);
                } else {
                    self.child_leaf(second, place);
                }
                self.child(&split, place, !mirrored, first, waiting);
                step(self, kind, plain);
            }
        }
    }

    fn child(&mut self, split: &forest::Split, place: usize, left: bool, child: u32, waiting: usize) {
        self.enter(split, place, left);
        self.split(child, waiting);
        self.path.pop();
    }

    /// Writes a pair that is done with its parent; returns whether it is plain.
    fn child_pair(&mut self, split: &forest::Split, place: usize, left: bool, child: u32, lookup: usize) -> bool {
        let Node::Split(pair) = self.forest.nodes[child as usize] else { return true };
        self.enter(split, place, left);
        let place = self.program.splits.len();
        let plain = self.push(&pair, false, lookup);
        self.pair_leaves(&pair, place);
        self.path.pop();
        plain
    }

    fn child_leaf(&mut self, child: u32, parent: usize) {
        let values = self.leaf(child);
        self.recipes.push(Recipe::Leaf(values));
        self.constants += 1;
        self.program.splits[parent].leaf = self.leaf_place(1);
    }

    fn pair_leaves(&mut self, split: &forest::Split, place: usize) {
        let (left, right) = (self.leaf(split.left), self.leaf(split.right));
        self.recipes.push(Recipe::Pair { left, right, left_share: split.left_share });
        self.constants += 5;
        self.program.splits[place].leaf = self.leaf_place(2);
    }

    fn leaf(&mut self, at: u32) -> u32 {
        let Node::Leaf { values } = self.forest.nodes[at as usize] else { return 0 };
        self.leaves.push(values);
        values
    }

    /// The place of the leaf that was written so many leaves ago.
    fn leaf_place(&self, ago: usize) -> u32 {
        (self.leaves.len() - ago) as u32
    }

    fn enter(&mut self, split: &forest::Split, place: usize, left: bool) {
        let Split { column, threshold, .. } = self.program.splits[place];
        let share = if left { split.left_share } else { 1.0 - split.left_share };
        let new = !self.path.iter().any(|above| above.feature == split.feature);
        self.path.push(Above { feature: split.feature, column, threshold, left, share, new });
    }

    /// Adds a split, whose answers are looked up into this place if they must be; returns whether its feature is new on
    /// the path.
    fn push(&mut self, split: &forest::Split, mirrored: bool, lookup: usize) -> bool {
        let Question { mut column, mut threshold, set } = self.columns.question(split);
        if let Some(set) = set {
            self.program.steps.push(Step {
                kind: Kind::Lookup,
                plain: true,
                depth: 0,
                waiting: lookup as u16,
                split: set,
                constant: column,
            });
            (column, threshold) = (self.program.first_lookup + lookup as u32, 0.5);
        }
        let (left, right) = (split.left_share, 1.0 - split.left_share);
        let (base, slope) = if mirrored { ([0.0, 1.0, right], [right, -left]) } else { ([1.0, 0.0, left], [-right, left]) };
        let nowhere = T::near(f64::NAN);
        let mut pushed = Split {
            column,
            feature: split.feature,
            threshold: T::near(threshold),
            lower: nowhere,
            upper: nowhere,
            bounds: (self.program.bounds.len() as u32, 0),
            base: base.map(T::near),
            slope: slope.map(T::near),
            leaf: 0,
            factors: NONE,
            share_above: 1.0,
        };
        let first = self.program.bounds.len();
        self.program.bounds.push(Bound { column, lower: nowhere, upper: nowhere });
        for above in self.path.iter().filter(|above| above.feature == split.feature) {
            pushed.share_above *= above.share;
            let place = self.program.bounds[first..].iter().position(|bound| bound.column == above.column);
            let place = place.map_or(self.program.bounds.len(), |place| first + place);
            if place == self.program.bounds.len() {
                self.program.bounds.push(Bound { column: above.column, lower: nowhere, upper: nowhere });
            }
            let Bound { lower, upper, .. } = &mut self.program.bounds[place];
            // The tighter of two bounds is enough, and NaN is none.
            if above.left && (upper.wide().is_nan() || above.threshold < *upper) {
                *upper = above.threshold;
            } else if !above.left && (lower.wide().is_nan() || above.threshold > *lower) {
                *lower = above.threshold;
            }
        }
        let own = self.program.bounds.swap_remove(first);
        (pushed.lower, pushed.upper) = (own.lower, own.upper);
        pushed.bounds.1 = (self.program.bounds.len() - first) as u32;
        self.program.splits.push(pushed);
        let new = pushed.share_above == 1.0;
        if new {
            self.most_features = self.most_features.max(self.path.iter().filter(|above| above.new).count() + 1);
        }
        new
    }
}

impl<T> Split<T> {
    /// r and g at this point: how much of what reaches the split its sides exchange, and minus the slope of that.
    pub fn again(&self, t: f64) -> (f64, f64) {
        let reaching = self.share_above + (1.0 - self.share_above) * t;
        (self.share_above * (1.0 - t) / reaching, self.share_above / (reaching * reaching))
    }
}
