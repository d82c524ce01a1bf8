use super::*;
use crate::explanation::model::Model;
use crate::explanation::model::forest::{Builder, Missing, Node, RawKind, RawNode, RawTest};
use crate::explanation::model::xgboost::tests::{NodeRow, model_file, read};
use proptest::prelude::*;

const FEATURES: usize = 5;

fn explain(model: &Model, row: &[f64]) -> Attributions {
    let mut rows = Rows::new(model.features());
    rows.push(row.iter().copied());
    path_dependent(model.forest().unwrap(), &rows, Arithmetic::Double, 1).unwrap()
}

/// The mean output of a tree when only the features in `known` (a bit set) are known.
fn expectation(forest: &Forest, at: u32, row: &[f64], known: u32) -> f64 {
    match &forest.nodes[at as usize] {
        Node::Leaf { values } => forest.leaf_values[*values as usize],
        Node::Split(split) if known >> split.feature & 1 == 1 => {
            expectation(forest, if forest.goes_left(split, row) { split.left } else { split.right }, row, known)
        }
        Node::Split(split) => {
            split.left_share * expectation(forest, split.left, row, known)
                + (1.0 - split.left_share) * expectation(forest, split.right, row, known)
        }
    }
}

/// Shapley values straight from their definition.
fn by_enumeration(model: &Model, row: &[f64]) -> Vec<f64> {
    let forest = model.forest().unwrap();
    let output = |known: u32| forest.trees.iter().map(|tree| expectation(forest, tree.first, row, known)).sum::<f64>();
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
        (0..FEATURES as u32, -2i8..=2, any::<bool>(), inner.clone(), inner).prop_map(|(feature, threshold, missing_left, left, right)| {
            Shape::Split(feature, f32::from(threshold), missing_left, Box::new(left), Box::new(right))
        })
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

fn any_row() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(prop_oneof![6 => (-3i8..=3).prop_map(f64::from), 1 => Just(f64::NAN)], FEATURES)
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
        let sum = explained.base_values[0] + explained.values.iter().sum::<f64>();
        prop_assert!((sum - model.predict(&row)[0]).abs() < 1e-9);
        prop_assert!(explained.residual(0, 0).abs() < 1e-9);
    }
}

#[test]
fn a_tree_that_is_one_leaf_attributes_nothing() {
    let model = read(&model_file(2, &[vec![(-1, -1, 0, 3.0, false, 1.0)]])).unwrap();
    let explained = explain(&model, &[1.0, 2.0]);
    assert_eq!((explained.base_values, explained.predictions, explained.values), (vec![3.5], vec![3.5], vec![0.0, 0.0]));
}

#[test]
fn the_deepest_tree_that_is_read_can_be_explained() {
    let levels = crate::explanation::model::MAX_DEPTH as i32;
    let mut nodes = Vec::new();
    for level in 0..levels {
        nodes.push((2 * level + 1, 2 * level + 2, 0, level as f32, false, 2.0));
        nodes.push((-1, -1, 0, 1.0, false, 1.0));
    }
    nodes.push((-1, -1, 0, 2.0, false, 1.0));
    let explained = explain(&read(&model_file(1, &[nodes])).unwrap(), &[1000.0]);
    assert_eq!(explained.predictions, [2.5]);
    assert!(explained.residual(0, 0).abs() < 1e-9);
}

/// A tree of any kind of split, with as many values per leaf as it is wide.
#[derive(Debug, Clone)]
enum Branch {
    Leaf(Vec<f64>, f64),
    Split(usize, Question, Missing, Box<Branch>, Box<Branch>),
}

#[derive(Debug, Clone)]
enum Question {
    Below(f64),
    In(Vec<u32>),
}

impl Branch {
    fn cover(&self) -> f64 {
        match self {
            Branch::Leaf(_, cover) => *cover,
            Branch::Split(_, _, _, left, right) => left.cover() + right.cover(),
        }
    }

    fn flatten<'a>(&'a self, nodes: &mut Vec<(&'a Branch, usize, usize)>) -> usize {
        let here = nodes.len();
        nodes.push((self, 0, 0));
        if let Branch::Split(_, _, _, left, right) = self {
            let left = left.flatten(nodes);
            let right = right.flatten(nodes);
            (nodes[here].1, nodes[here].2) = (left, right);
        }
        here
    }
}

fn forest_of(trees: &[(usize, usize, Branch)], outputs: usize, precision: Precision) -> Forest {
    let mut builder = Builder::new(FEATURES, (0..outputs).map(|output| output as f64 / 3.0).collect(), precision, true);
    for (output, width, root) in trees {
        let mut nodes = Vec::new();
        root.flatten(&mut nodes);
        builder
            .tree(*output, *width, nodes.len(), |at| {
                let (branch, left, right) = nodes[at];
                let kind = match branch {
                    Branch::Leaf(values, _) => RawKind::Leaf(values[..*width].into()),
                    Branch::Split(feature, question, missing, ..) => RawKind::Split {
                        feature: *feature,
                        test: match question {
                            Question::Below(threshold) => RawTest::Below(*threshold),
                            Question::In(categories) => {
                                let mut set = CategorySet::default();
                                categories.iter().for_each(|category| set.insert(*category));
                                RawTest::In(set)
                            }
                        },
                        missing: *missing,
                        left,
                        right,
                    },
                };
                Ok(RawNode { cover: Some(branch.cover()), kind })
            })
            .unwrap();
    }
    builder.finish()
}

const OUTPUTS: usize = 3;

fn any_branch() -> impl Strategy<Value = Branch> {
    let leaf = (prop::collection::vec(-10f64..10.0, OUTPUTS), prop_oneof![4 => 0.1f64..50.0, 1 => Just(0.0)])
        .prop_map(|(values, cover)| Branch::Leaf(values, cover));
    let threshold = prop_oneof![
        6 => (-2i8..=2).prop_map(f64::from),
        2 => Just(0.1),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(f64::INFINITY),
    ];
    let question = prop_oneof![
        3 => threshold.prop_map(Question::Below),
        1 => prop::collection::vec(0u32..5, 0..4).prop_map(Question::In),
    ];
    let missing = prop_oneof![
        Just(Missing::Left),
        Just(Missing::Right),
        Just(Missing::AsZero),
        any::<bool>().prop_map(|left| Missing::ZeroToo { left }),
    ];
    leaf.prop_recursive(6, 40, 2, move |inner| {
        (0..FEATURES, question.clone(), missing.clone(), inner.clone(), inner).prop_map(|(feature, question, missing, left, right)| {
            Branch::Split(feature, question, missing, Box::new(left), Box::new(right))
        })
    })
}

/// A tree of a few levels of one question each.
fn any_oblivious() -> impl Strategy<Value = Branch> {
    let missing = prop_oneof![Just(Missing::Left), Just(Missing::Right), Just(Missing::AsZero)];
    let threshold = prop_oneof![4 => (-2i8..=2).prop_map(f64::from), 1 => Just(0.1), 1 => Just(f64::NEG_INFINITY)];
    let level = (0..FEATURES, threshold, missing);
    let leaf = (prop::collection::vec(-10f64..10.0, OUTPUTS), 0.1f64..50.0);
    (prop::collection::vec(level, 1..5), prop::collection::vec(leaf, 16)).prop_map(|(levels, leaves)| {
        let mut row: Vec<Branch> = leaves[..1 << levels.len()].iter().map(|(values, cover)| Branch::Leaf(values.clone(), *cover)).collect();
        for (feature, threshold, missing) in levels {
            let pairs = row.chunks(2).map(|pair| {
                let (left, right) = (Box::new(pair[0].clone()), Box::new(pair[1].clone()));
                Branch::Split(feature, Question::Below(threshold), missing, left, right)
            });
            row = pairs.collect();
        }
        row.remove(0)
    })
}

fn any_forest() -> impl Strategy<Value = Forest> {
    let tree = (0..OUTPUTS, 1..=OUTPUTS, prop_oneof![3 => any_branch().boxed(), 1 => any_oblivious().boxed()])
        .prop_map(|(output, width, root)| (output, width.min(OUTPUTS - output), root));
    (prop::collection::vec(tree, 1..20), prop_oneof![Just(Precision::Single), Just(Precision::Double)])
        .prop_map(|(trees, precision)| forest_of(&trees, OUTPUTS, precision))
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (-3i8..=4).prop_map(f64::from),
        2 => prop_oneof![Just(f64::NAN), Just(0.1), Just(-0.0), Just(1e-36), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(1e300)],
        1 => -3.0f64..4.0,
    ]
}

fn any_rows() -> impl Strategy<Value = Rows> {
    prop::collection::vec(prop::collection::vec(any_value(), FEATURES), 1..600).prop_map(|rows| Rows::from_values(FEATURES, rows.concat()))
}

/// Shapley values of every output, straight from their definition.
fn enumerated(forest: &Forest, row: &[f64]) -> Vec<f64> {
    fn mean(forest: &Forest, at: u32, offset: u32, row: &[f64], known: u32) -> f64 {
        match &forest.nodes[at as usize] {
            Node::Leaf { values } => forest.leaf_values[(values + offset) as usize],
            Node::Split(split) if known >> split.feature & 1 == 1 => {
                mean(forest, if forest.goes_left(split, row) { split.left } else { split.right }, offset, row, known)
            }
            Node::Split(split) => {
                split.left_share * mean(forest, split.left, offset, row, known)
                    + (1.0 - split.left_share) * mean(forest, split.right, offset, row, known)
            }
        }
    }
    let factorial = |n: usize| (1..=n).product::<usize>() as f64;
    let mut values = vec![0.0; OUTPUTS * FEATURES];
    for known in 0u32..1 << FEATURES {
        let size = known.count_ones() as usize;
        for tree in &forest.trees {
            for offset in 0..tree.width {
                let mean = mean(forest, tree.first, offset, row, known);
                let values = &mut values[(tree.output + offset) as usize * FEATURES..][..FEATURES];
                for (feature, value) in values.iter_mut().enumerate() {
                    if known >> feature & 1 == 1 {
                        *value += factorial(size - 1) * factorial(FEATURES - size) / factorial(FEATURES) * mean;
                    } else {
                        *value -= factorial(size) * factorial(FEATURES - size - 1) / factorial(FEATURES) * mean;
                    }
                }
            }
        }
    }
    values
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

/// Every kind of vectors this machine has.
fn levels() -> Vec<Level> {
    let best = Level::new();
    let mut levels = vec![best];
    #[cfg(target_arch = "x86_64")]
    {
        levels.extend(best.as_avx2().map(Level::Avx2));
        levels.extend(best.as_sse2().map(Level::Sse2));
    }
    levels
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_kind_of_split_is_attributed_by_the_definition(forest in any_forest(), rows in any_rows()) {
        let double = path_dependent(&forest, &rows, Arithmetic::Double, 1).unwrap();
        let single = path_dependent(&forest, &rows, Arithmetic::Single, 1).unwrap();
        for (number, row) in rows.iter().enumerate().take(4) {
            let expected = enumerated(&forest, row);
            for output in 0..OUTPUTS {
                for feature in 0..FEATURES {
                    let expected = expected[output * FEATURES + feature];
                    let found = double.values(number, output)[feature];
                    prop_assert!((found - expected).abs() < 1e-12 * 200.0, "{found} is not {expected}");
                    let found = single.values(number, output)[feature];
                    prop_assert!((found - expected).abs() < 1e-5 * 200.0, "{found} is not near {expected}");
                }
            }
        }
    }

    #[test]
    fn predictions_are_the_forests_bit_for_bit(forest in any_forest(), rows in any_rows()) {
        for arithmetic in [Arithmetic::Single, Arithmetic::Double] {
            let found = path_dependent(&forest, &rows, arithmetic, 1).unwrap();
            for (number, row) in rows.iter().enumerate() {
                let mut expected = vec![0.0; OUTPUTS];
                forest.predict_into(row, &mut expected);
                prop_assert_eq!(bits(found.predictions(number)), bits(&expected));
            }
        }
    }

    #[test]
    fn a_row_has_the_same_bits_in_every_vector_thread_and_crowd(forest in any_forest(), rows in any_rows()) {
        for arithmetic in [Arithmetic::Single, Arithmetic::Double] {
            let ready = PathDependent::new(&forest, arithmetic).unwrap();
            let found = ready.attribute(&rows, 1);
            for level in levels() {
                let other = ready.attribute_with(level, &rows, 3);
                prop_assert_eq!(bits(&found.values), bits(&other.values));
                prop_assert_eq!(bits(&found.predictions), bits(&other.predictions));
            }
            let last = rows.len() - 1;
            let alone = ready.attribute(&Rows::one(rows.row(last)), 1);
            prop_assert_eq!(bits(&found.values[last * OUTPUTS * FEATURES..]), bits(&alone.values));
        }
    }
}

/// A chain of splits on as many features; only its end has a value, 1, and a row gets there when no value is missing.
fn chain(length: usize, share: f32) -> Model {
    let mut nodes: Vec<NodeRow> = Vec::new();
    for level in 0..length as i32 {
        let cover = 1024.0 * share.powi(level);
        nodes.push((2 * level + 2, 2 * level + 1, level as u32, 1.0, false, cover));
        nodes.push((-1, -1, 0, 0.0, false, cover * (1.0 - share)));
    }
    nodes.push((-1, -1, 0, 1.0, false, 1024.0 * share.powi(length as i32)));
    read(&model_file(length, &[nodes])).unwrap()
}

#[test]
fn the_deepest_tree_of_different_features_is_attributed_exactly() {
    let length = crate::explanation::model::MAX_DEPTH;
    // A power of two, so that covers are exact in 32 bits.
    let share = 0.5f64;
    let model = chain(length, share as f32);
    let end = share.powi(length as i32);
    let mut row = vec![0.0; length];
    let found = explain(&model, &row);
    for value in &found.values {
        // All features are alike, so they share what is to be shared.
        assert!((value - (1.0 - end) / length as f64).abs() < 1e-14, "{value}");
    }
    row[77] = f64::NAN;
    let found = explain(&model, &row);
    let expected = -share * (1.0 - end) / (length as f64 * (1.0 - share));
    assert!((found.values[77] - expected).abs() < 1e-14, "{} is not {expected}", found.values[77]);
    assert!(found.residual(0, 0).abs() < 1e-13);
}

#[test]
fn a_forest_without_covers_is_refused() {
    let forest = Builder::new(1, vec![0.0], Precision::Single, false).finish();
    assert_eq!(PathDependent::new(&forest, Arithmetic::Single).unwrap_err(), AttributionError::NoCovers);
}

#[test]
fn no_rows_are_no_attributions() {
    let model = chain(3, 0.5);
    let found = path_dependent(model.forest().unwrap(), &Rows::new(3), Arithmetic::Single, 4).unwrap();
    assert_eq!((found.values.len(), found.predictions.len()), (0, 0));
}
