//! Models to try methods on, Shapley's definition to compare them with, and what [`attribute`] itself promises.

use super::*;
use crate::explanation::model::xgboost::tests::{NodeRow, model_file, read};
use crate::explanation::model::{Format, Linear};
use crate::explanation::random::Random;
use proptest::prelude::*;

/// A forest, rows and a background whose values repeat, fall on thresholds and go missing.
#[derive(Debug, Clone)]
pub(super) struct Blend {
    pub model: Model,
    pub rows: Rows,
    pub background: Rows,
}

pub(in super::super) fn linear_model(link: Link, weights: Vec<f64>, intercepts: Vec<f64>, means: Option<Vec<f64>>) -> Model {
    let features = weights.len() / intercepts.len();
    Model {
        format: Format::LinearJson,
        objective: String::new(),
        feature_names: (0..features).map(|at| format!("f{at}")).collect(),
        output_names: (0..intercepts.len()).map(|at| format!("o{at}")).collect(),
        link,
        body: Body::Linear(Linear { features, weights, intercepts, means }),
    }
}

/// A forest of full trees, drawn from a seed.
pub(in super::super) fn forest(features: usize, trees: usize, depth: u32, seed: u64) -> Model {
    let mut random = Random::new(seed);
    let splits = (1i32 << depth) - 1;
    let trees: Vec<Vec<NodeRow>> = (0..trees)
        .map(|_| {
            let mut nodes: Vec<NodeRow> = (0..2 * splits + 1)
                .map(|at| match at < splits {
                    true => {
                        let (feature, threshold) = (random.below(features) as u32, random.below(5) as f32 - 2.0);
                        (2 * at + 1, 2 * at + 2, feature, threshold, random.below(2) == 1, 0.0)
                    }
                    false => (-1, -1, 0, (random.unit() * 20.0 - 10.0) as f32, false, random.below(20) as f32 + 1.0),
                })
                .collect();
            for at in (0..splits as usize).rev() {
                nodes[at].5 = nodes[2 * at + 1].5 + nodes[2 * at + 2].5;
            }
            nodes
        })
        .collect();
    read(&model_file(features, &trees)).unwrap()
}

pub(super) fn blends(features: usize, background: usize) -> impl Strategy<Value = Blend> {
    let value = || prop_oneof![6 => (-3i8..=3).prop_map(f64::from), 1 => Just(f64::NAN)];
    let values = move |rows: usize| prop::collection::vec(value(), rows * features);
    (any::<u64>(), values(2), values(background)).prop_map(move |(seed, rows, background)| Blend {
        model: forest(features, 3, 3, seed),
        rows: Rows::from_values(features, rows),
        background: Rows::from_values(features, background),
    })
}

/// The mean output over the background when only the features in `known` (a bit set) are the row's.
pub(super) fn mean_over(blend: &Blend, row: usize, known: u32) -> f64 {
    let row = blend.rows.row(row);
    let mixed = |other: &[f64]| -> Vec<f64> { (0..row.len()).map(|at| if known >> at & 1 == 1 { row[at] } else { other[at] }).collect() };
    let output = |other| {
        let mut margins = blend.model.predict(&mixed(other));
        blend.model.link().apply(&mut margins);
        margins[0]
    };
    blend.background.iter().map(output).sum::<f64>() / blend.background.len() as f64
}

/// Shapley values straight from their definition.
pub(super) fn shapley(players: usize, value: impl Fn(u32) -> f64) -> Vec<f64> {
    let factorial = |n: usize| (1..=n).product::<usize>() as f64;
    let of = |player: usize| {
        let without = (0u32..1 << players).filter(|known| known >> player & 1 == 0);
        without
            .map(|known| {
                let size = known.count_ones() as usize;
                factorial(size) * factorial(players - size - 1) / factorial(players) * (value(known | 1 << player) - value(known))
            })
            .sum()
    };
    (0..players).map(of).collect()
}

#[test]
fn columns_must_be_the_models() {
    let model = forest(3, 1, 2, 0);
    let refused = attribute(&model, &Rows::new(2), &Request::default()).unwrap_err();
    assert_eq!(refused, AttributionError::Columns { what: "rows", found: 2, needed: 3 });
    let background = Rows::from_values(4, vec![0.0; 4]);
    let refused = attribute(&model, &Rows::new(3), &Request { background: Some(&background), ..Request::default() }).unwrap_err();
    assert_eq!(refused, AttributionError::Columns { what: "background's rows", found: 4, needed: 3 });
    let groups = Groups::none(&["a".into()]);
    let refused = attribute(&model, &Rows::new(3), &Request { groups: Some(&groups), ..Request::default() }).unwrap_err();
    assert_eq!(refused, AttributionError::Columns { what: "groups", found: 1, needed: 3 });
}

#[test]
fn no_rows_give_no_attributions() {
    let model = forest(3, 1, 2, 0);
    let background = Rows::from_values(3, vec![0.0; 3]);
    for method in [Method::PathDependent, Method::Exact, Method::Permutation] {
        let request = Request { method: Some(method), background: Some(&background), ..Request::default() };
        let found = attribute(&model, &Rows::new(3), &request).unwrap();
        assert_eq!((found.rows(), found.values.len()), (0, 0));
    }
}

#[test]
fn the_method_fits_the_model_and_says_why() {
    let (background, empty) = (Rows::from_values(2, vec![0.0; 4]), Rows::new(2));
    let trees = forest(2, 1, 1, 0);
    let sum = linear_model(Link::Identity, vec![1.0, 1.0], vec![0.0], None);
    let method = |model: &Model, background| choose(model, background).map(|(method, _)| method);
    assert_eq!(method(&trees, None), Ok(Method::PathDependent));
    assert_eq!(method(&trees, Some(&background)), Ok(Method::Interventional));
    assert_eq!(method(&trees, Some(&empty)), Ok(Method::PathDependent));
    assert_eq!(method(&sum, Some(&background)), Ok(Method::Linear));
    assert_eq!(method(&sum, None), Err(AttributionError::NoBackground { method: Method::Linear }));
    let mut bare = trees;
    if let Body::Forest(forest) = &mut bare.body {
        forest.covers = false;
    }
    assert_eq!(method(&bare, None), Err(AttributionError::NoCovers));
    assert!(choose(&bare, Some(&background)).unwrap().1.contains("background"));
}

#[test]
fn a_method_for_other_models_is_refused() {
    let sum = linear_model(Link::Identity, vec![1.0], vec![0.0], None);
    let request = |method| Request { method: Some(method), ..Request::default() };
    let refusal = |model: &Model, method| attribute(model, &Rows::one(&[1.0]), &request(method)).unwrap_err().to_string();
    assert_eq!(refusal(&sum, Method::PathDependent), "path-dependent attributions need a forest, and the model is a linear model");
    assert_eq!(refusal(&sum, Method::Interventional), "interventional attributions need a forest, and the model is a linear model");
    assert_eq!(refusal(&forest(1, 1, 1, 0), Method::Linear), "linear attributions need a linear model, and the model is a forest");
    assert_eq!(
        refusal(&sum, Method::IntegratedGradients),
        "integrated-gradients attributions need a network, and the model is a linear model"
    );
    for method in [Method::Exact, Method::Permutation] {
        assert!(refusal(&sum, method).contains("need a background"));
    }
}

#[test]
fn enumeration_stops_at_sixteen_features_or_groups() {
    let model = forest(17, 1, 2, 0);
    let background = Rows::from_values(17, vec![0.0; 17]);
    let row = Rows::from_values(17, vec![1.0; 17]);
    let request = Request { method: Some(Method::Exact), background: Some(&background), ..Request::default() };
    let refused = attribute(&model, &row, &request).unwrap_err();
    assert_eq!(refused, AttributionError::TooManyFeatures { method: Method::Exact, features: 17, most: 16 });
    let groups = Groups::new(model.feature_names(), &[("two".into(), vec![0, 16])]).unwrap();
    assert!(attribute(&model, &row, &Request { groups: Some(&groups), ..request }).is_ok());
}

#[test]
fn more_than_the_budget_is_refused_before_it_is_spent() {
    let model = forest(16, 1, 2, 0);
    let background = Rows::from_values(16, vec![0.0; 16 * 100]);
    let rows = Rows::from_values(16, vec![1.0; 16 * 1000]);
    let request = Request { method: Some(Method::Exact), background: Some(&background), ..Request::default() };
    let refused = attribute(&model, &rows, &request).unwrap_err();
    assert_eq!(
        refused,
        AttributionError::TooManyEvaluations { method: Method::Exact, needed: 65_534 * 100_000 + 1100, budget: 50_000_000 }
    );
}

#[test]
fn more_numbers_than_can_be_held_are_refused() {
    let model = forest(65_536, 1, 1, 0);
    let rows = Rows::from_values(65_536, vec![0.0; 65_536 * 2049]);
    assert!(matches!(attribute(&model, &rows, &Request::default()), Err(AttributionError::TooMuch { .. })));
}

#[test]
fn a_model_that_overflows_is_said_to() {
    let sum = linear_model(Link::Identity, vec![f64::MAX, f64::MAX], vec![0.0], Some(vec![0.0, 0.0]));
    let rows = Rows::from_values(2, vec![0.0, 0.0, 10.0, 10.0]);
    assert_eq!(attribute(&sum, &rows, &Request::default()), Err(AttributionError::NotANumber { row: 1 }));
}
