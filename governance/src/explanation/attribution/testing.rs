//! Small forests of every kind and Shapley values straight from their definition, for tests.

use crate::explanation::model::Rows;
use crate::explanation::model::forest::{Builder, CategorySet, Forest, Missing, Precision, RawKind, RawNode, RawTest};
use proptest::prelude::*;

pub const FEATURES: usize = 5;

#[derive(Debug, Clone)]
enum Shape {
    Leaf(Vec<f64>, f64),
    Split(usize, RawTest, Missing, Box<Shape>, Box<Shape>),
}

impl Shape {
    /// Appends this shape's nodes and returns its place and cover.
    fn lay_out(&self, width: usize, covers: bool, nodes: &mut Vec<RawNode<'static>>) -> (usize, f64) {
        let here = nodes.len();
        let known = |cover| covers.then_some(cover);
        match self {
            Self::Leaf(values, cover) => {
                nodes.push(RawNode { cover: known(*cover), kind: RawKind::Leaf(values[..width].to_vec().into()) });
                (here, *cover)
            }
            Self::Split(feature, test, missing, left, right) => {
                nodes.push(RawNode { cover: None, kind: RawKind::Leaf(vec![].into()) });
                let (left, left_cover) = left.lay_out(width, covers, nodes);
                let (right, right_cover) = right.lay_out(width, covers, nodes);
                let kind = RawKind::Split { feature: *feature, test: test.clone(), missing: *missing, left, right };
                nodes[here] = RawNode { cover: known(left_cover + right_cover), kind };
                (here, left_cover + right_cover)
            }
        }
    }
}

fn any_missing() -> impl Strategy<Value = Missing> {
    prop_oneof![Just(Missing::Left), Just(Missing::Right), Just(Missing::AsZero), any::<bool>().prop_map(|left| Missing::ZeroToo { left }),]
}

// Few thresholds, so that paths repeat features and rows fall on thresholds.
fn any_test() -> impl Strategy<Value = RawTest> {
    prop_oneof![
        4 => (-2i8..=2).prop_map(|threshold| RawTest::Below(f64::from(threshold))),
        1 => Just(RawTest::Below(f64::INFINITY)),
        2 => prop::collection::vec(0u32..4, 0..3).prop_map(|categories| {
            let mut set = CategorySet::default();
            categories.into_iter().for_each(|category| set.insert(category));
            RawTest::In(set)
        }),
    ]
}

fn any_shape(features: usize, depth: u32) -> impl Strategy<Value = Shape> {
    let leaf = (prop::collection::vec(-10f64..10.0, 3), prop_oneof![4 => 0.1..50.0, 1 => Just(0.0)])
        .prop_map(|(values, cover)| Shape::Leaf(values, cover));
    leaf.prop_recursive(depth, 60, 2, move |inner| {
        (0..features, any_test(), any_missing(), inner.clone(), inner)
            .prop_map(|(feature, test, missing, left, right)| Shape::Split(feature, test, missing, Box::new(left), Box::new(right)))
    })
}

/// Forests over so many features: one to three outputs, leaves of one or several values, all tests and kinds of missing.
pub fn any_forest_over(features: usize, depth: u32, covers: bool) -> impl Strategy<Value = Forest> {
    let trees = prop::collection::vec((any_shape(features, depth), 0usize..3, 1usize..=3), 1..4);
    (trees, 1usize..=3, any::<bool>()).prop_map(move |(trees, outputs, single)| {
        let base = (0..outputs).map(|output| output as f64 - 0.5).collect();
        let precision = if single { Precision::Single } else { Precision::Double };
        let mut builder = Builder::new(features, base, precision, covers);
        for (shape, output, width) in trees {
            let output = output % outputs;
            let width = width.min(outputs - output);
            let mut nodes = Vec::new();
            shape.lay_out(width, covers, &mut nodes);
            builder.tree(output, width, nodes.len(), |at| Ok(nodes[at].clone())).unwrap();
        }
        builder.finish()
    })
}

pub fn any_forest(covers: bool) -> impl Strategy<Value = Forest> {
    any_forest_over(FEATURES, 6, covers)
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![8 => (-3i8..=3).prop_map(f64::from), 1 => Just(f64::NAN), 1 => Just(1e-36), 1 => Just(0.999_999_999)]
}

pub fn any_rows_of(columns: usize, count: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Rows> {
    prop::collection::vec(prop::collection::vec(any_value(), columns), count).prop_map(move |rows| {
        let mut found = Rows::new(columns);
        rows.into_iter().for_each(|row| found.push(row));
        found
    })
}

pub fn any_rows(count: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Rows> {
    any_rows_of(FEATURES, count)
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|factor| factor as f64).product()
}

/// Shapley values of a game over `players`, whose coalitions are bit sets.
pub fn shapley_values(players: usize, game: impl Fn(u32) -> f64) -> Vec<f64> {
    let worth: Vec<f64> = (0u32..1 << players).map(game).collect();
    (0..players)
        .map(|player| {
            (0..1usize << players)
                .filter(|known| known >> player & 1 == 0)
                .map(|known| {
                    let size = known.count_ones() as usize;
                    let weight = factorial(size) * factorial(players - size - 1) / factorial(players);
                    weight * (worth[known | 1 << player] - worth[known])
                })
                .sum()
        })
        .collect()
}
