use super::super::testing::{FEATURES, any_forest, any_rows, shapley_values};
use super::*;
use crate::explanation::model::forest::{Builder, Missing, Precision, RawKind, RawNode, RawTest};
use proptest::prelude::*;

/// Shapley values straight from the definition of the game, output after output.
fn by_enumeration(forest: &Forest, row: &[f64], background: &Rows) -> Vec<f64> {
    let margin = |row: &[f64], output: usize| {
        let mut margins = vec![0.0; forest.outputs()];
        forest.predict_into(row, &mut margins);
        margins[output]
    };
    let mixed = |known: u32, other: &[f64]| -> Vec<f64> {
        (0..row.len()).map(|at| if known >> at & 1 == 1 { row[at] } else { other[at] }).collect()
    };
    (0..forest.outputs())
        .flat_map(|output| {
            shapley_values(row.len(), |known| {
                background.iter().map(|other| margin(&mixed(known, other), output)).sum::<f64>() / background.len() as f64
            })
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn attributions_are_the_shapley_values_of_mixing_rows_with_the_background(
        forest in any_forest(false), rows in any_rows(1..4), background in any_rows(1..12),
    ) {
        let explained = interventional(&forest, &rows, &background, Arithmetic::Double, 1).unwrap();
        for (row, found) in rows.iter().zip(explained.values.chunks_exact(forest.outputs() * FEATURES)) {
            for (found, expected) in found.iter().zip(by_enumeration(&forest, row, &background)) {
                prop_assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
            }
        }
        for row in 0..rows.len() {
            for output in 0..forest.outputs() {
                prop_assert!(explained.residual(row, output).abs() < 1e-9);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn tables_and_walks_say_the_same(
        forest in any_forest(false), rows in any_rows(1..4), background in any_rows(1..12), most_bits in 1usize..9, threads in 1usize..3,
    ) {
        let prepared = Interventional::new(&forest, &background).unwrap();
        let walked = prepared.attribute_with(&rows, Arithmetic::Double, 1, 0).unwrap();
        let looked_up = prepared.attribute_with(&rows, Arithmetic::Double, threads, most_bits).unwrap();
        for (one, other) in walked.values.iter().zip(&looked_up.values) {
            prop_assert!((one - other).abs() < 1e-11, "{one} is not {other}");
        }
        prop_assert_eq!(&walked.predictions, &looked_up.predictions);
        let single = prepared.attribute_with(&rows, Arithmetic::Single, threads, most_bits).unwrap();
        for (one, other) in walked.values.iter().zip(&single.values) {
            prop_assert!((one - other).abs() < 1e-5 * 30.0, "{one} is not {other}");
        }
    }
}

#[test]
fn a_background_and_rows_must_fit_the_forest() {
    let forest = Builder::new(2, vec![0.0], Precision::Double, false).finish();
    let method = Method::Interventional;
    let explain = |rows: &Rows, background: &Rows| interventional(&forest, rows, background, Arithmetic::Double, 1).map(|_| ());
    let row = Rows::one(&[0.0, 1.0]);
    assert_eq!(explain(&row, &Rows::new(2)), Err(AttributionError::NoBackground { method }));
    let wide = Rows::one(&[0.0; 3]);
    assert_eq!(explain(&row, &wide), Err(AttributionError::Columns { what: "background rows", found: 3, needed: 2 }));
    assert_eq!(explain(&wide, &row), Err(AttributionError::Columns { what: "rows", found: 3, needed: 2 }));
    assert_eq!(explain(&row, &row), Ok(()));
    assert_eq!(explain(&Rows::new(2), &row), Ok(()));
}

/// A tree of so many levels, each testing the next feature, whose splits have one leaf each.
fn chain(features: usize, levels: usize) -> Forest {
    let mut builder = Builder::new(features, vec![0.0], Precision::Double, false);
    let leaf = |value: usize| RawNode { cover: None, kind: RawKind::Leaf(vec![value as f64].into()) };
    builder
        .tree(0, 1, 2 * levels + 1, |at| {
            if at % 2 == 1 || at == 2 * levels {
                return Ok(leaf(at));
            }
            let (feature, test) = (at / 2 % features, RawTest::Below((at / 2) as f64));
            Ok(RawNode { cover: None, kind: RawKind::Split { feature, test, missing: Missing::Left, left: at + 1, right: at + 2 } })
        })
        .unwrap();
    builder.finish()
}

#[test]
fn the_deepest_paths_of_most_features_are_explained() {
    let depth = crate::explanation::model::MAX_DEPTH;
    for features in [1, 40, depth] {
        let forest = chain(features, depth);
        let background = Rows::from_values(features, (0..150 * features).map(|at| (at * 37 % 150) as f64).collect());
        let rows = Rows::from_values(features, (0..200 * features).map(|at| (at * 53 % 160) as f64).collect());
        let prepared = Interventional::new(&forest, &background).unwrap();
        let walked = prepared.attribute_each(&rows, 2).unwrap();
        assert_eq!(walked, prepared.attribute_each(&rows, 1).unwrap());
        let looked_up = prepared.attribute_with(&rows, Arithmetic::Double, 1, 10).unwrap();
        for row in 0..rows.len() {
            assert!(walked.residual(row, 0).abs() < 1e-9 && looked_up.residual(row, 0).abs() < 1e-9);
        }
        for (one, other) in walked.values.iter().zip(&looked_up.values) {
            assert!((one - other).abs() < 1e-9, "{one} is not {other}");
        }
    }
}

#[test]
fn a_background_of_thousands_is_walked_in_parts() {
    let forest = chain(3, 9);
    let background = Rows::from_values(3, (0..3 * 2500).map(|at| (at * 31 % 23) as f64 / 2.0).collect());
    let rows = Rows::from_values(3, (0..30).map(|at| (at * 7 % 10) as f64).collect());
    let prepared = Interventional::new(&forest, &background).unwrap();
    let walked = prepared.attribute_each(&rows, 1).unwrap();
    for (row, found) in rows.iter().zip(walked.values.chunks_exact(3)) {
        for (found, expected) in found.iter().zip(by_enumeration(&forest, row, &background)) {
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        }
    }
}

#[test]
fn forests_of_many_features_are_summed_in_patches() {
    let forest = chain(100, 100);
    let background = Rows::from_values(100, (0..90 * 100).map(|at| (at * 37 % 110) as f64).collect());
    let rows = Rows::from_values(100, (0..70 * 100).map(|at| (at * 53 % 120) as f64).collect());
    let prepared = Interventional::new(&forest, &background).unwrap();
    let walked = prepared.attribute_each(&rows, 1).unwrap();
    let looked_up = prepared.attribute_with(&rows, Arithmetic::Double, 2, 14).unwrap();
    for (one, other) in walked.values.iter().zip(&looked_up.values) {
        assert!((one - other).abs() < 1e-9, "{one} is not {other}");
    }
}
