//! A model's output as one input moves and all others stay.
//!
//! For trees this is exact: the output is a staircase, and each tree is walked once for all values of the input, so
//! that only thresholds which the other inputs leave in reach cost anything. For other models it is a grid.

use super::model::forest::{Forest, Missing, NEARLY_ZERO, Node, Split, Test, Tree};
use super::ranges::InputRange;
use super::setting::Setting;

/// Points of the grid for models without thresholds.
pub(super) const GRID: usize = 128;
/// Beyond so many additions a staircase is summed step by step instead of tree by tree, which rounds a little differently.
const MOST_ADDITIONS: usize = 100_000_000;

/// Values of the input, `first` to `last`, that make sense and share one output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece {
    pub first: f64,
    pub last: f64,
    pub output: f64,
}

impl Piece {
    /// The value nearest to `from`; any will do when that is not known.
    pub fn nearest(&self, from: f64) -> f64 {
        if from.is_nan() { self.first } else { from.clamp(self.first, self.last) }
    }
}

/// The output over the input's range, in rising order of the input. Every piece is one value where the model has no trees.
pub(super) fn profile(setting: &Setting<'_>, row: &[f64], feature: usize) -> Vec<Piece> {
    let range = &setting.ranges[feature];
    let Some(forest) = setting.model.forest() else {
        return grid(setting, row, feature);
    };
    let steps = staircase(forest, row, feature, setting.output);
    let ends = steps.iter().skip(1).map(|(start, _)| *start).chain([f64::INFINITY]);
    steps.iter().zip(ends).filter_map(|((start, output), end)| piece(forest, range, *start, end, *output)).collect()
}

/// The pieces of the input's range that some tree tells apart, whatever the other inputs are. Outputs are left out (NaN).
pub(super) fn all_pieces(setting: &Setting<'_>, feature: usize) -> Vec<Piece> {
    let range = &setting.ranges[feature];
    let Some(forest) = setting.model.forest() else {
        return points(range).map(|value| Piece { first: value, last: value, output: f64::NAN }).collect();
    };
    let mut starts = vec![f64::NEG_INFINITY];
    for node in &forest.nodes {
        if let Node::Split(split) = node
            && split.feature as usize == feature
        {
            starts.extend(turns(forest, split));
        }
    }
    starts.sort_by(f64::total_cmp);
    starts.dedup();
    let ends = starts.iter().skip(1).copied().chain([f64::INFINITY]);
    starts.iter().zip(ends).filter_map(|(start, end)| piece(forest, range, *start, end, f64::NAN)).collect()
}

fn grid(setting: &Setting<'_>, row: &[f64], feature: usize) -> Vec<Piece> {
    let mut row = row.to_vec();
    let mut at = |value: f64| {
        row[feature] = value;
        Piece { first: value, last: value, output: setting.output_for(&row) }
    };
    points(&setting.ranges[feature]).map(&mut at).collect()
}

fn points(range: &InputRange) -> impl Iterator<Item = f64> {
    let mut before = f64::NAN;
    (0..GRID).map(|at| range.nearest(range.low + range.width() * at as f64 / (GRID - 1) as f64)).filter(move |value| {
        let is_new = *value != before;
        before = *value;
        is_new && range.low <= *value && *value <= range.high
    })
}

/// What makes sense of the values that trees see from `start` to before `end`.
fn piece(forest: &Forest, range: &InputRange, start: f64, end: f64, output: f64) -> Option<Piece> {
    // Without a grid, the threshold itself and the float before it as trees see them; with one, every value that is
    // rounded to them counts.
    let (from, to) = match range.grid() {
        None => (seen_from(forest, start), seen_before(forest, end)),
        Some(_) => (rounded_from(forest, start), rounded_from(forest, end).next_down()),
    };
    let (first, last) = (range.at_least(from.max(range.low)), range.at_most(to.min(range.high)));
    (first <= last).then_some(Piece { first, last, output })
}

/// The smallest value as trees see values that is not below a threshold.
fn seen_from(forest: &Forest, start: f64) -> f64 {
    let seen = forest.rounded(start);
    if seen >= start { seen } else { f64::from((seen as f32).next_up()) }
}

/// The largest value as trees see values that is below a threshold.
fn seen_before(forest: &Forest, end: f64) -> f64 {
    let from = seen_from(forest, end);
    let is_single = forest.rounded(from.next_down()) == from;
    if is_single { f64::from((from as f32).next_down()) } else { from.next_down() }
}

/// The smallest number at all that trees see at or above a threshold.
fn rounded_from(forest: &Forest, start: f64) -> f64 {
    let from = seen_from(forest, start);
    let before = seen_before(forest, from);
    if !from.is_finite() || !before.is_finite() {
        return from;
    }
    let middle = before + (from - before) / 2.0;
    match (forest.rounded(middle.next_down()) >= from, forest.rounded(middle) >= from) {
        (true, _) => middle.next_down(),
        (_, true) => middle,
        _ => middle.next_up().min(from),
    }
}

/// The values at which a split may answer differently than just before, in rising order.
fn turns(forest: &Forest, split: &Split) -> Vec<f64> {
    let mut turns = match split.test {
        Test::Below(threshold) => vec![threshold],
        Test::In(set) => forest.sets[set as usize].turns(),
    };
    if let Missing::ZeroToo { .. } = split.missing {
        // Around zero the split answers as for a missing value; these are the ends of what it takes for zero.
        turns.extend([-NEARLY_ZERO, NEARLY_ZERO.next_up()]);
        turns.sort_by(f64::total_cmp);
    }
    turns
}

/// Where the output's pieces begin, as trees see values, and the output on each.
fn staircase(forest: &Forest, row: &[f64], feature: usize, output: usize) -> Vec<(f64, f64)> {
    let mut walk = Walk { forest, row, feature, steps: Vec::new() };
    let mut trees = 0;
    // Start, tree, and the tree's value from there on.
    let mut changes: Vec<(f64, usize, f64)> = Vec::new();
    for tree in forest.trees.iter().filter(|tree| (tree.output..tree.output + tree.width).contains(&(output as u32))) {
        walk.visit(tree.first, f64::NEG_INFINITY, f64::INFINITY);
        for (start, values) in walk.steps.drain(..) {
            changes.push((start, trees, leaf(forest, tree, values, output)));
        }
        trees += 1;
    }
    changes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let starts = changes.chunk_by(|a, b| a.0 == b.0).count();
    let tree_by_tree = starts.saturating_mul(trees) <= MOST_ADDITIONS;

    let mut values = vec![0.0; trees];
    let mut sum = forest.base[output];
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for together in changes.chunk_by(|a, b| a.0 == b.0) {
        for (_, tree, value) in together {
            sum += value - values[*tree];
            values[*tree] = *value;
        }
        if tree_by_tree {
            // In the order in which a prediction adds, so that both round alike.
            sum = values.iter().fold(forest.base[output], |sum, value| sum + value);
        }
        if steps.last().is_none_or(|(_, before)| *before != sum) {
            steps.push((together[0].0, sum));
        }
    }
    if steps.is_empty() {
        steps.push((f64::NEG_INFINITY, sum));
    }
    steps
}

fn leaf(forest: &Forest, tree: &Tree, values: u32, output: usize) -> f64 {
    forest.leaf(tree, values)[output - tree.output as usize]
}

struct Walk<'a> {
    forest: &'a Forest,
    row: &'a [f64],
    feature: usize,
    /// Where each piece of the tree begins and which leaf it is, in rising order.
    steps: Vec<(f64, u32)>,
}

impl Walk<'_> {
    /// Follows the values from `low` to before `high` down from a node.
    fn visit(&mut self, at: u32, low: f64, high: f64) {
        match &self.forest.nodes[at as usize] {
            Node::Leaf { values } => self.steps.push((low, *values)),
            Node::Split(split) if split.feature as usize != self.feature => {
                let left = self.forest.goes_left(split, self.row);
                self.visit(if left { split.left } else { split.right }, low, high);
            }
            // The common case of the next, without a list.
            Node::Split(Split {
                test: Test::Below(threshold),
                missing: Missing::Left | Missing::Right | Missing::AsZero,
                left,
                right,
                ..
            }) => {
                if low < *threshold {
                    self.visit(*left, low, high.min(*threshold));
                }
                if *threshold < high || low >= *threshold {
                    self.visit(*right, low.max(*threshold), high);
                }
            }
            Node::Split(split) => {
                let answer = |value: f64| split.goes_left(value, &self.forest.sets);
                let child = |left: bool| if left { split.left } else { split.right };
                let (mut from, mut left) = (low, answer(low));
                for turn in turns(self.forest, split).into_iter().filter(|turn| low < *turn && *turn < high) {
                    if answer(turn) != left {
                        self.visit(child(left), from, turn);
                        (from, left) = (turn, !left);
                    }
                }
                self.visit(child(left), from, high);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::attribution::tests::forest;
    use super::super::model::forest::{Builder, CategorySet, Precision, RawKind, RawNode, RawTest};
    use super::super::model::{Body, Model};
    use super::super::random::Random;
    use super::super::ranges::tests::range;
    use super::super::rule::tests::cadence_rule;
    use super::*;
    use proptest::prelude::*;

    /// A forest of one feature with every kind of split, as seen in that precision.
    fn odd_forest(precision: Precision, seed: u64) -> Model {
        let mut random = Random::new(seed);
        let mut builder = Builder::new(2, vec![0.25], precision, false);
        for _ in 0..4 {
            builder
                .tree(0, 1, 7, |at| {
                    if at >= 3 {
                        return Ok(RawNode { cover: None, kind: RawKind::Leaf(vec![random.below(9) as f64].into()) });
                    }
                    let test = if random.below(2) == 0 {
                        RawTest::Below([-1.5, 0.1, 0.0, 2.0, 1e-36][random.below(5)])
                    } else {
                        let mut set = CategorySet::default();
                        (0..3).for_each(|_| set.insert(random.below(6) as u32));
                        RawTest::In(set)
                    };
                    let missing = [Missing::Left, Missing::AsZero, Missing::ZeroToo { left: random.below(2) == 0 }][random.below(3)];
                    let feature = usize::from(random.below(5) == 0);
                    Ok(RawNode { cover: None, kind: RawKind::Split { feature, test, missing, left: 2 * at + 1, right: 2 * at + 2 } })
                })
                .unwrap();
        }
        Model { body: Body::Forest(builder.finish()), ..forest(2, 1, 1, 0) }
    }

    fn covers(pieces: &[Piece], value: f64) -> Option<f64> {
        pieces.iter().find(|piece| (piece.first..=piece.last).contains(&value)).map(|piece| piece.output)
    }

    proptest! {
        #[test]
        fn a_profile_is_the_model_at_every_value(
            seed in any::<u64>(), single in any::<bool>(), other in -2i8..4, whole in any::<bool>(), values in prop::collection::vec(-3.0..8.0f64, 20),
        ) {
            let model = odd_forest(if single { Precision::Single } else { Precision::Double }, seed);
            let rule = cadence_rule();
            let ranges = vec![InputRange { whole, ..range("f0", -3.0, 8.0) }, range("f1", -3.0, 8.0)];
            let setting = Setting::new(&model, &rule, 0, vec![0.0, f64::from(other)], ranges).unwrap();
            let pieces = profile(&setting, &setting.row, 0);
            let marks = [-3.0, -1.0, -0.5, 0.0, 0.05, 1.0, 2.0, 3.0, 4.5, 5.0, 6.0, 8.0];
            for value in values.into_iter().chain(marks).filter(|value| !whole || value.fract() == 0.0) {
                let value = model.forest().unwrap().rounded(value);
                prop_assert_eq!(covers(&pieces, value), Some(model.predict(&[value, f64::from(other)])[0]), "at {}", value);
            }
            for piece in &pieces {
                for value in [piece.first, piece.last] {
                    prop_assert_eq!(piece.output, model.predict(&[value, f64::from(other)])[0], "at {}", value);
                }
            }
            prop_assert!(pieces.is_sorted_by(|a, b| a.last < b.first));
        }
    }

    #[test]
    fn steps_of_a_grid_fall_on_the_side_they_are_rounded_to() {
        // As 32-bit floats, 0.1 is the threshold itself; as a double it lies below it.
        let mut builder = Builder::new(1, vec![0.0], Precision::Single, false);
        let node = |at: usize| {
            let leaf = |value: f64| RawKind::Leaf(vec![value].into());
            let test = RawTest::Below(f64::from(0.1f32));
            let split = RawKind::Split { feature: 0, test, missing: Missing::Left, left: 1, right: 2 };
            Ok(RawNode { cover: None, kind: [split, leaf(1.0), leaf(2.0)][at].clone() })
        };
        builder.tree(0, 1, 3, node).unwrap();
        let model = Model { body: Body::Forest(builder.finish()), ..forest(1, 1, 1, 0) };
        let rule = cadence_rule();
        let tenths = InputRange { step: 0.1, ..range("f0", 0.0, 1.0) };
        let setting = Setting::new(&model, &rule, 0, vec![0.0], vec![tenths]).unwrap();
        let expected = [Piece { first: 0.0, last: 0.0, output: 1.0 }, Piece { first: 0.1, last: 1.0, output: 2.0 }];
        assert_eq!(profile(&setting, &setting.row, 0), expected);
    }
}
