//! How much each input moved a model's output, exactly: path-dependent TreeSHAP.
//!
//! This is Algorithm 2 of Lundberg, Erion and Lee, *Consistent Individualized Feature Attribution for Tree Ensembles*
//! (2018), in 64-bit floats. What is not known is averaged over by the cover the training data left on each side of a
//! split. Other ways of averaging (over a background data set) are left to others, and so is speed in bulk.

use super::model::{Model, Node, Tree};
use serde::Serialize;

/// An output, taken apart: `base_value` plus all `values` is `output`, up to `residual`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attribution {
    /// The model's mean output, weighted by training cover.
    pub base_value: f64,
    /// One value per feature, in the model's order.
    pub values: Vec<f64>,
    /// What the model says for this row.
    pub output: f64,
    /// What rounding left over: `output - base_value - sum(values)`.
    pub residual: f64,
}

/// Attributes the model's output for one row to the model's features. NaN means missing.
pub fn explain(model: &Model, row: &[f32]) -> Attribution {
    let mut values = vec![0.0; model.feature_names().len()];
    let mut walk = Walk { row, values: &mut values, arena: Vec::new() };
    for tree in model.trees() {
        walk.arena.clear();
        walk.visit(tree, 0, 0, Taken { feature: None, zero: 1.0, one: 1.0 });
    }
    let base_value = model.base_value();
    let output = model.predict(row);
    let residual = output - base_value - values.iter().sum::<f64>();
    Attribution { base_value, values, output, residual }
}

/// A feature met on the way to a node: the part of rows that flow on when it is not known (`zero`) and when it is
/// (`one`, either 0 or 1).
#[derive(Clone, Copy)]
struct Taken {
    feature: Option<usize>,
    zero: f64,
    one: f64,
}

/// A feature of the path with the summed weight of all subsets that hold as many features as its place says.
#[derive(Clone, Copy)]
struct Step {
    taken: Taken,
    weight: f64,
}

struct Walk<'a> {
    row: &'a [f32],
    values: &'a mut [f64],
    /// The paths of all nodes from the root down to the present one, one after another.
    arena: Vec<Step>,
}

impl Walk<'_> {
    /// Visits a node whose parent's path begins at `parent`; on return the arena is as it was.
    fn visit(&mut self, tree: &Tree, at: usize, parent: usize, taken: Taken) {
        let start = self.arena.len();
        self.arena.extend_from_within(parent..);
        extend(&mut self.arena, start, taken);
        match &tree.nodes[at] {
            Node::Leaf { value } => {
                let path = &self.arena[start..];
                for (place, step) in path.iter().enumerate() {
                    if let Some(feature) = step.taken.feature {
                        let weight = weight_without(path, place);
                        self.values[feature] += weight * (step.taken.one - step.taken.zero) * value;
                    }
                }
            }
            Node::Split(split) => {
                let mut before = Taken { feature: None, zero: 1.0, one: 1.0 };
                let met = self.arena[start..].iter().position(|step| step.taken.feature == Some(split.feature));
                if let Some(place) = met {
                    before = self.arena[start + place].taken;
                    unwind(&mut self.arena, start, place);
                }
                let left = split.goes_left(self.row);
                let sides = [(split.left, split.left_share, left), (split.right, 1.0 - split.left_share, !left)];
                for (child, share, goes) in sides {
                    let taken = Taken {
                        feature: Some(split.feature),
                        zero: (before.zero * share).max(f64::MIN_POSITIVE),
                        one: if goes { before.one } else { 0.0 },
                    };
                    self.visit(tree, child, start, taken);
                }
            }
        }
        self.arena.truncate(start);
    }
}

/// Adds a feature to the path that begins at `start`, moving weight to the subsets that hold one more.
fn extend(arena: &mut Vec<Step>, start: usize, taken: Taken) {
    let length = arena.len() - start;
    arena.push(Step { taken, weight: if length == 0 { 1.0 } else { 0.0 } });
    let path = &mut arena[start..];
    let total = (length + 1) as f64;
    for place in (0..length).rev() {
        let weight = path[place].weight;
        path[place + 1].weight += taken.one * weight * (place + 1) as f64 / total;
        path[place].weight = taken.zero * weight * (length - place) as f64 / total;
    }
}

/// Undoes one [`extend`], place by place from the end: what each place weighed before it.
struct Unwinding {
    taken: Taken,
    last: usize,
    carried: f64,
}

impl Unwinding {
    fn of(path: &[Step], place: usize) -> Self {
        let last = path.len() - 1;
        Self { taken: path[place].taken, last, carried: path[last].weight }
    }

    /// The weight at `place` without the feature, given its weight with it. Places come in falling order from the
    /// last but one.
    fn weight(&mut self, place: usize, with: f64) -> f64 {
        let total = (self.last + 1) as f64;
        let larger = (self.last - place) as f64;
        if self.taken.one == 0.0 {
            return with * total / (self.taken.zero * larger);
        }
        let without = self.carried * total / ((place + 1) as f64 * self.taken.one);
        self.carried = with - without * self.taken.zero * larger / total;
        without
    }
}

/// Takes the feature at `place` off the path that begins at `start`.
fn unwind(arena: &mut Vec<Step>, start: usize, place: usize) {
    let path = &mut arena[start..];
    let mut unwinding = Unwinding::of(path, place);
    for at in (0..path.len() - 1).rev() {
        path[at].weight = unwinding.weight(at, path[at].weight);
    }
    for at in place..path.len() - 1 {
        path[at].taken = path[at + 1].taken;
    }
    arena.pop();
}

/// The weight of all subsets of the path that leave out the feature at `place`.
fn weight_without(path: &[Step], place: usize) -> f64 {
    let mut unwinding = Unwinding::of(path, place);
    (0..path.len() - 1).rev().map(|at| unwinding.weight(at, path[at].weight)).sum()
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{NodeRow, model_file, read};
    use super::*;
    use proptest::prelude::*;

    const FEATURES: usize = 5;

    /// The mean output of a tree when only the features in `known` (a bit set) are known.
    fn expectation(tree: &Tree, at: usize, row: &[f32], known: u32) -> f64 {
        match &tree.nodes[at] {
            Node::Leaf { value } => *value,
            Node::Split(split) if known >> split.feature & 1 == 1 => {
                expectation(tree, if split.goes_left(row) { split.left } else { split.right }, row, known)
            }
            Node::Split(split) => {
                split.left_share * expectation(tree, split.left, row, known)
                    + (1.0 - split.left_share) * expectation(tree, split.right, row, known)
            }
        }
    }

    /// Shapley values straight from their definition.
    fn by_enumeration(model: &Model, row: &[f32]) -> Vec<f64> {
        let output = |known: u32| model.trees().iter().map(|tree| expectation(tree, 0, row, known)).sum::<f64>();
        let factorial = |n: usize| (1..=n).product::<usize>() as f64;
        (0..FEATURES)
            .map(|feature| {
                (0u32..1 << FEATURES)
                    .filter(|known| known >> feature & 1 == 0)
                    .map(|known| {
                        let size = known.count_ones() as usize;
                        let weight = factorial(size) * factorial(FEATURES - size - 1) / factorial(FEATURES);
                        weight * (output(known | 1 << feature) - output(known))
                    })
                    .sum()
            })
            .collect()
    }

    #[derive(Debug, Clone)]
    enum Shape {
        Leaf(f32, f32),
        Split(u32, f32, bool, Box<Shape>, Box<Shape>),
    }

    impl Shape {
        /// Appends this shape's nodes and returns its index and cover.
        fn lay_out(&self, nodes: &mut Vec<NodeRow>) -> (i32, f32) {
            let here = nodes.len();
            match self {
                Shape::Leaf(value, cover) => {
                    nodes.push((-1, -1, 0, *value, false, *cover));
                    (here as i32, *cover)
                }
                Shape::Split(feature, threshold, missing_left, left, right) => {
                    nodes.push((0, 0, *feature, *threshold, *missing_left, 0.0));
                    let (left, left_cover) = left.lay_out(nodes);
                    let (right, right_cover) = right.lay_out(nodes);
                    (nodes[here].0, nodes[here].1, nodes[here].5) = (left, right, left_cover + right_cover);
                    (here as i32, left_cover + right_cover)
                }
            }
        }
    }

    fn any_shape() -> impl Strategy<Value = Shape> {
        let leaf = (-10f32..10.0, prop_oneof![4 => 0.1f32..50.0, 1 => Just(0.0)]).prop_map(|(value, cover)| Shape::Leaf(value, cover));
        // Few thresholds, so that paths repeat features and rows fall on thresholds.
        leaf.prop_recursive(6, 40, 2, |inner| {
            (0..FEATURES as u32, -2i8..=2, any::<bool>(), inner.clone(), inner).prop_map(
                |(feature, threshold, missing_left, left, right)| {
                    Shape::Split(feature, f32::from(threshold), missing_left, Box::new(left), Box::new(right))
                },
            )
        })
    }

    fn any_model() -> impl Strategy<Value = Model> {
        prop::collection::vec(any_shape(), 1..4).prop_map(|shapes| {
            let trees: Vec<_> = shapes
                .iter()
                .map(|shape| {
                    let mut nodes = Vec::new();
                    shape.lay_out(&mut nodes);
                    nodes
                })
                .collect();
            read(&model_file(FEATURES, &trees)).unwrap()
        })
    }

    fn any_row() -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec(prop_oneof![6 => (-3i8..=3).prop_map(f32::from), 1 => Just(f32::NAN)], FEATURES)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn attributions_are_the_shapley_values_of_conditional_expectations(model in any_model(), row in any_row()) {
            let explained = explain(&model, &row);
            for (found, expected) in explained.values.iter().zip(by_enumeration(&model, &row)) {
                prop_assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
            }
        }

        #[test]
        fn attributions_account_for_the_whole_output(model in any_model(), row in any_row()) {
            let explained = explain(&model, &row);
            let sum = explained.base_value + explained.values.iter().sum::<f64>();
            prop_assert!((sum - model.predict(&row)).abs() < 1e-9);
            prop_assert!((explained.output - sum - explained.residual).abs() < 1e-9);
        }
    }

    #[test]
    fn a_tree_that_is_one_leaf_attributes_nothing() {
        let model = read(&model_file(2, &[vec![(-1, -1, 0, 3.0, false, 1.0)]])).unwrap();
        let explained = explain(&model, &[1.0, 2.0]);
        assert_eq!((explained.base_value, explained.output, explained.values), (3.5, 3.5, vec![0.0, 0.0]));
    }

    #[test]
    fn the_deepest_tree_that_is_read_can_be_explained() {
        let levels = super::super::model::MAX_DEPTH as i32;
        let mut nodes = Vec::new();
        for level in 0..levels {
            nodes.push((2 * level + 1, 2 * level + 2, 0, level as f32, false, 2.0));
            nodes.push((-1, -1, 0, 1.0, false, 1.0));
        }
        nodes.push((-1, -1, 0, 2.0, false, 1.0));
        let explained = explain(&read(&model_file(1, &[nodes])).unwrap(), &[1000.0]);
        assert_eq!(explained.output, 2.5);
        assert!(explained.residual.abs() < 1e-9);
    }
}
