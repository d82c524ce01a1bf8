//! Decision trees over features, from whatever library they came.
//!
//! Readers hand their trees to a [`Builder`], which checks them and lays them out in one way: nodes of a tree stand
//! together, the root first, every left child right after its parent, so that every child stands after its parent. A
//! split asks one question of one feature; "yes" is left. Libraries that say it otherwise are translated on reading:
//! `x <= t` becomes `x < next_up(t)`, and "in the set goes right" swaps the children.

use super::{MAX_DEPTH, MAX_LEAF_VALUES, MAX_NODES, ModelError, malformed, unsupported};
use std::collections::BTreeSet;

/// Share given at least to each side of a split, so that a side nobody was trained on cannot divide by zero.
const SMALLEST_SHARE: f64 = 1e-12;
/// LightGBM takes numbers this near to zero for zero; there, this is a 32-bit float.
pub(in super::super) const NEARLY_ZERO: f64 = 1e-35_f32 as f64;

/// A sum of trees.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    pub(in super::super) features: usize,
    /// What every sum starts from, one per output.
    pub(in super::super) base: Vec<f64>,
    pub(in super::super) precision: Precision,
    /// Whether the file says how the training rows were spread over the leaves. Without that there is no path-dependent
    /// attribution, and all shares are one half.
    pub(in super::super) covers: bool,
    pub(in super::super) trees: Vec<Tree>,
    /// Of all trees; children are named by their place here.
    pub(in super::super) nodes: Vec<Node>,
    pub(in super::super) leaf_values: Vec<f64>,
    pub(in super::super) sets: Vec<CategorySet>,
}

/// How a row's values are rounded before any comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// To 32-bit floats: XGBoost, CatBoost, ONNX.
    Single,
    /// Not at all: LightGBM.
    Double,
}

/// One tree: where its nodes stand and which outputs its leaves add to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tree {
    /// The root's place.
    pub(in super::super) first: u32,
    pub(in super::super) count: u32,
    /// The first output it adds to.
    pub(in super::super) output: u32,
    /// How many outputs, one after another, a leaf adds to.
    pub(in super::super) width: u32,
    /// Most splits between root and leaf.
    pub(in super::super) depth: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Node {
    /// Where in `leaf_values` the tree's `width` values stand.
    Leaf {
        values: u32,
    },
    Split(Split),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    pub(in super::super) feature: u32,
    pub(in super::super) test: Test,
    pub(in super::super) missing: Missing,
    /// Always the next node.
    pub(in super::super) left: u32,
    pub(in super::super) right: u32,
    /// The part of the training cover that went left, strictly between 0 and 1.
    pub(in super::super) left_share: f64,
}

/// The question a split asks; "yes" is left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Test {
    /// The value is smaller than this. Never NaN; may be infinite.
    Below(f64),
    /// The value, cut to a whole number, is in this set ([`CategorySet::contains`]). Negative and unknown categories are
    /// in none.
    In(u32),
}

/// Where a row goes whose value is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Left,
    Right,
    /// NaN is taken for zero (LightGBM's missing type None).
    AsZero,
    /// Zero is missing too (LightGBM's missing type Zero).
    ZeroToo {
        left: bool,
    },
}

/// A set of categories; or, for ONNX, of numbers that are compared as they are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CategorySet {
    /// Categories as bits, 64 to a word.
    words: Vec<u64>,
    /// Categories so far beyond the others that bits up to them would cost more memory than the file that lists them.
    far: BTreeSet<u32>,
    members: usize,
    /// Whether values between -1 and 0 are category 0, as cutting them gives and LightGBM has it, or none.
    cut_to_zero: bool,
    /// In rising order; where there are any, there are no categories.
    numbers: Vec<f64>,
}

impl CategorySet {
    /// From bits, 64 to a word. Values between -1 and 0 are category 0.
    pub(in super::super) fn from_words(words: Vec<u64>) -> Self {
        let members = words.iter().map(|word| word.count_ones() as usize).sum();
        Self { words, far: BTreeSet::new(), members, cut_to_zero: true, numbers: Vec::new() }
    }

    /// A set of numbers that are compared as they are, without being cut to whole ones. None may be NaN.
    pub(in super::super) fn of_numbers(numbers: impl IntoIterator<Item = f64>) -> Self {
        // Adding zero makes the negative zero a positive one.
        let mut numbers: Vec<f64> = numbers.into_iter().map(|number| number + 0.0).collect();
        numbers.sort_by(f64::total_cmp);
        Self { numbers, ..Self::default() }
    }

    pub(in super::super) fn insert(&mut self, category: u32) {
        let (word, bit) = (category as usize / 64, 1 << (category % 64));
        if word >= self.words.len() {
            if word > 4 * (self.members + 4) {
                self.members += usize::from(self.far.insert(category));
                return;
            }
            self.words.resize(word + 1, 0);
        }
        self.members += usize::from(self.words[word] & bit == 0);
        self.words[word] |= bit;
    }

    /// The values, in rising order, from which on [`contains`](Self::contains) answers differently than just before.
    pub fn turns(&self) -> Vec<f64> {
        if !self.numbers.is_empty() {
            return self.numbers.iter().flat_map(|number| [*number, number.next_up()]).collect();
        }
        let near = |category: usize| self.words.get(category / 64).is_some_and(|word| word >> (category % 64) & 1 == 1);
        let holds = |category: usize| near(category) || u32::try_from(category).is_ok_and(|category| self.far.contains(&category));
        let turns = |category: &usize| holds(*category) != (*category > 0 && holds(*category - 1));
        let value = |category: usize| match category {
            // Everything beyond −1 is cut to category 0, where it is cut at all.
            0 if self.cut_to_zero => (-1.0f64).next_up(),
            category => category as f64,
        };
        let beyond = self.far.iter().flat_map(|category| [*category as usize, *category as usize + 1]);
        let mut candidates: Vec<usize> = (0..=self.words.len() * 64).chain(beyond).collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates.into_iter().filter(turns).map(value).collect()
    }

    /// Whether the value, cut to a whole number, is a category of the set; or is one of its numbers.
    pub fn contains(&self, value: f64) -> bool {
        if !self.numbers.is_empty() {
            return self.numbers.binary_search_by(|number| number.total_cmp(&(value + 0.0))).is_ok();
        }
        let above_least = if self.cut_to_zero { value > -1.0 } else { value >= 0.0 };
        // Comparisons are false for NaN.
        if !(above_least && value < f64::from(u32::MAX)) {
            return false;
        }
        let category = value as u32;
        match self.words.get(category as usize / 64) {
            Some(word) if word >> (category % 64) & 1 == 1 => true,
            _ => self.far.contains(&category),
        }
    }
}

impl FromIterator<u32> for CategorySet {
    fn from_iter<I: IntoIterator<Item = u32>>(categories: I) -> Self {
        let mut set = Self::default();
        categories.into_iter().for_each(|category| set.insert(category));
        set
    }
}

impl Split {
    /// The side a value takes. It is to be rounded already ([`Forest::rounded`]).
    #[inline]
    pub fn goes_left(&self, value: f64, sets: &[CategorySet]) -> bool {
        let mut value = value;
        match self.missing {
            Missing::Left if value.is_nan() => return true,
            Missing::Right if value.is_nan() => return false,
            Missing::AsZero if value.is_nan() => value = 0.0,
            Missing::ZeroToo { left } if value.is_nan() || value.abs() <= NEARLY_ZERO => return left,
            _ => {}
        }
        match self.test {
            Test::Below(threshold) => value < threshold,
            Test::In(set) => sets[set as usize].contains(value),
        }
    }
}

impl Forest {
    pub fn features(&self) -> usize {
        self.features
    }

    pub fn outputs(&self) -> usize {
        self.base.len()
    }

    /// Whether attributions can depend on paths, that is, whether the file has covers.
    pub fn has_covers(&self) -> bool {
        self.covers
    }

    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    pub fn leaves(&self) -> usize {
        self.nodes.iter().filter(|node| matches!(node, Node::Leaf { .. })).count()
    }

    pub fn depth(&self) -> usize {
        self.trees.iter().map(|tree| tree.depth as usize).max().unwrap_or(0)
    }

    /// A value as the trees see it.
    #[inline]
    pub fn rounded(&self, value: f64) -> f64 {
        match self.precision {
            Precision::Single => f64::from(value as f32),
            Precision::Double => value,
        }
    }

    #[inline]
    pub(in super::super) fn goes_left(&self, split: &Split, row: &[f64]) -> bool {
        let value = row.get(split.feature as usize).copied().unwrap_or(f64::NAN);
        split.goes_left(self.rounded(value), &self.sets)
    }

    /// A leaf's values.
    #[inline]
    pub(in super::super) fn leaf(&self, tree: &Tree, values: u32) -> &[f64] {
        &self.leaf_values[values as usize..][..tree.width as usize]
    }

    /// Adds up the leaves a row falls into.
    pub fn predict_into(&self, row: &[f64], margins: &mut [f64]) {
        margins.copy_from_slice(&self.base);
        for tree in &self.trees {
            let mut at = tree.first;
            let values = loop {
                match &self.nodes[at as usize] {
                    Node::Leaf { values } => break *values,
                    Node::Split(split) => at = if self.goes_left(split, row) { split.left } else { split.right },
                }
            };
            for (margin, value) in margins[tree.output as usize..].iter_mut().zip(self.leaf(tree, values)) {
                *margin += value;
            }
        }
    }

    /// The mean margins, weighted by training cover, with no feature known; one per output.
    pub fn base_values(&self) -> Vec<f64> {
        let mut means = self.base.clone();
        let mut open = Vec::new();
        for tree in &self.trees {
            open.push((tree.first, 1.0));
            while let Some((at, share)) = open.pop() {
                match &self.nodes[at as usize] {
                    Node::Leaf { values } => {
                        for (mean, value) in means[tree.output as usize..].iter_mut().zip(self.leaf(tree, *values)) {
                            *mean += share * value;
                        }
                    }
                    Node::Split(split) => {
                        open.push((split.right, share * (1.0 - split.left_share)));
                        open.push((split.left, share * split.left_share));
                    }
                }
            }
        }
        means
    }
}

/// A node as a reader found it.
#[derive(Debug, Clone)]
pub(in super::super) struct RawNode<'a> {
    /// Training cover, where the file has it.
    pub cover: Option<f64>,
    pub kind: RawKind<'a>,
}

#[derive(Debug, Clone)]
pub(in super::super) enum RawKind<'a> {
    /// As many values as the tree is wide.
    Leaf(std::borrow::Cow<'a, [f64]>),
    /// The one value of a leaf of a tree that adds to one output.
    Value(f64),
    Split {
        feature: usize,
        test: RawTest,
        missing: Missing,
        /// Places within the tree, as the file counts them.
        left: usize,
        right: usize,
    },
}

#[derive(Debug, Clone)]
pub(in super::super) enum RawTest {
    Below(f64),
    In(CategorySet),
}

/// Puts a forest together, checking every tree it is given.
#[derive(Debug)]
pub(in super::super) struct Builder {
    forest: Forest,
}

impl Builder {
    /// For trees over so many features, whose sums start from `base`.
    pub fn new(features: usize, base: Vec<f64>, precision: Precision, covers: bool) -> Self {
        Self {
            forest: Forest {
                features,
                base,
                precision,
                covers,
                trees: Vec::new(),
                nodes: Vec::new(),
                leaf_values: Vec::new(),
                sets: Vec::new(),
            },
        }
    }

    /// Makes room for so many nodes, which the file is known to hold.
    pub fn expect(&mut self, nodes: usize) {
        let nodes = nodes.min(MAX_NODES);
        self.forest.nodes.reserve_exact(nodes);
        self.forest.leaf_values.reserve_exact(nodes / 2 + 1);
    }

    pub fn has_covers(&self) -> bool {
        self.forest.covers
    }

    /// Adds a tree of `count` nodes whose root is node 0; `node` is asked for each that can be reached, once.
    ///
    /// Its leaves add to `width` outputs, beginning with `output`.
    pub fn tree<'a>(
        &mut self,
        output: usize,
        width: usize,
        count: usize,
        mut node: impl FnMut(usize) -> Result<RawNode<'a>, ModelError>,
    ) -> Result<(), ModelError> {
        let number = self.forest.trees.len();
        let place = |at: usize| format!("tree {number}, node {at}");
        if count == 0 {
            return Err(malformed(format!("tree {number}"), "it has no nodes"));
        }
        if width == 0 || output + width > self.forest.base.len() {
            let outputs = self.forest.base.len();
            return Err(malformed(format!("tree {number}"), format!("it adds to output {output} of {outputs}")));
        }
        let first = self.forest.nodes.len();
        let mut covers: Vec<f64> = Vec::with_capacity(if self.forest.covers { count } else { 0 });
        let mut reached = vec![false; count];
        let mut deepest = 0;
        // The file's place, the depth, and the split whose right child this is.
        let mut open = vec![(0usize, 0usize, None::<usize>)];
        while let Some((source, depth, above)) = open.pop() {
            if std::mem::replace(&mut reached[source], true) {
                return Err(malformed(place(source), "it is reached twice"));
            }
            if depth > MAX_DEPTH {
                return Err(unsupported(format!("tree {number} is deeper than {MAX_DEPTH}")));
            }
            deepest = deepest.max(depth);
            let here = self.forest.nodes.len();
            if here >= MAX_NODES {
                return Err(unsupported(format!("more than {MAX_NODES} nodes")));
            }
            if let Some(above) = above
                && let Node::Split(split) = &mut self.forest.nodes[above]
            {
                split.right = here as u32;
            }
            let RawNode { cover, kind } = node(source)?;
            if self.forest.covers {
                match cover {
                    Some(cover) if cover.is_finite() && cover >= 0.0 => covers.push(cover),
                    Some(cover) => return Err(malformed(place(source), format!("{cover} is not a cover"))),
                    None => return Err(malformed(place(source), "it has no cover")),
                }
            }
            match kind {
                RawKind::Leaf(values) => self.leaf(number, source, width, &values)?,
                RawKind::Value(value) => self.leaf(number, source, width, &[value])?,
                RawKind::Split { feature, test, missing, left, right } => {
                    if feature >= self.forest.features {
                        let features = self.forest.features;
                        return Err(malformed(place(source), format!("feature {feature} of a model with {features}")));
                    }
                    if let Some(child) = [left, right].into_iter().find(|child| *child >= count) {
                        return Err(malformed(place(source), format!("its child is node {child} of {count}")));
                    }
                    let test = match test {
                        RawTest::Below(threshold) if threshold.is_nan() => {
                            return Err(malformed(place(source), "its threshold is not a number"));
                        }
                        RawTest::Below(threshold) => Test::Below(threshold),
                        RawTest::In(set) => {
                            self.forest.sets.push(set);
                            Test::In(self.forest.sets.len() as u32 - 1)
                        }
                    };
                    self.forest.nodes.push(Node::Split(Split {
                        feature: feature as u32,
                        test,
                        missing,
                        left: here as u32 + 1,
                        right: 0,
                        left_share: 0.5,
                    }));
                    open.push((right, depth + 1, Some(here)));
                    open.push((left, depth + 1, None));
                }
            }
        }
        let nodes = &mut self.forest.nodes[first..];
        if self.forest.covers {
            for node in nodes.iter_mut() {
                if let Node::Split(split) = node {
                    split.left_share = share(covers[split.left as usize - first], covers[split.right as usize - first]);
                }
            }
        }
        let tree =
            Tree { first: first as u32, count: nodes.len() as u32, output: output as u32, width: width as u32, depth: deepest as u32 };
        self.forest.trees.push(tree);
        Ok(())
    }

    fn leaf(&mut self, number: usize, source: usize, width: usize, values: &[f64]) -> Result<(), ModelError> {
        let place = || format!("tree {number}, node {source}");
        if values.len() != width {
            return Err(malformed(place(), format!("{} values in a leaf of {width}", values.len())));
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(malformed(place(), "its value is not finite"));
        }
        let at = self.forest.leaf_values.len();
        if at + width > MAX_LEAF_VALUES {
            return Err(unsupported(format!("more than {MAX_LEAF_VALUES} values in leaves")));
        }
        self.forest.leaf_values.extend_from_slice(values);
        self.forest.nodes.push(Node::Leaf { values: at as u32 });
        Ok(())
    }

    pub fn finish(self) -> Forest {
        self.forest
    }
}

fn share(left: f64, right: f64) -> f64 {
    if left + right <= 0.0 {
        return 0.5;
    }
    (left / (left + right)).clamp(SMALLEST_SHARE, 1.0 - SMALLEST_SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_far_category_costs_no_more_than_a_near_one() {
        let set: CategorySet = [3, u32::MAX - 1, 1 << 30].into_iter().collect();
        assert!(set.words.len() <= 16);
        assert!([3.0, f64::from(u32::MAX - 1), f64::from(1 << 30)].into_iter().all(|category| set.contains(category)));
        assert!([2.0, f64::from(u32::MAX), 1e300, f64::INFINITY, f64::NAN, -3.0].into_iter().all(|category| !set.contains(category)));
    }

    #[test]
    fn values_just_below_zero_are_category_zero_only_where_they_are_cut() {
        assert!(CategorySet::from_words(vec![1]).contains(-0.5));
        assert!(!CategorySet::from_iter([0]).contains(-0.5));
        assert!(CategorySet::from_iter([0]).contains(-0.0));
        assert!(!CategorySet::from_words(vec![1]).contains(-1.0));
    }

    proptest! {
        #[test]
        fn a_set_holds_what_was_put_in(categories in prop::collection::vec(prop_oneof![0u32..200, 0u32..100_000, any::<u32>()], 0..60)) {
            let set: CategorySet = categories.iter().copied().collect();
            for category in 0..300 {
                prop_assert_eq!(set.contains(f64::from(category)), categories.contains(&category));
            }
            prop_assert!(categories.iter().filter(|category| **category != u32::MAX).all(|category| set.contains(f64::from(*category))));
            prop_assert!(set.words.len() <= 4 * (categories.len() + 4) + 1);
        }
    }
}
