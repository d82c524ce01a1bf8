//! Attributions against a background, and interactions, beside what shap computes for XGBoost's models. The fixtures are
//! made by `fixtures/attributions/make.py`.

use governance::explanation::attribution::{Arithmetic, Interventional, interactions, interventional};
use governance::explanation::{Model, Rows};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    model: serde_json::Value,
    background: Vec<Vec<Option<f64>>>,
    rows: Vec<Vec<Option<f64>>>,
    base: f64,
    margins: Vec<f64>,
    interventional: Vec<Vec<f64>>,
    interactions: Vec<Vec<Vec<f64>>>,
}

const FIXTURES: [(&str, &str); 3] = [
    ("regression", include_str!("fixtures/attributions/regression.json")),
    ("regression with missing values", include_str!("fixtures/attributions/regression-missing.json")),
    ("classification with missing values", include_str!("fixtures/attributions/logistic-missing.json")),
];

fn each(mut check: impl FnMut(&str, &Model, &Fixture)) {
    for (name, text) in FIXTURES {
        let fixture: Fixture = serde_json::from_str(text).unwrap();
        let model = Model::read(&serde_json::to_vec(&fixture.model).unwrap()).unwrap();
        check(name, &model, &fixture);
    }
}

fn rows(of: &[Vec<Option<f64>>]) -> Rows {
    let mut rows = Rows::new(of[0].len());
    of.iter().for_each(|row| rows.push(row.iter().map(|value| value.unwrap_or(f64::NAN))));
    rows
}

/// Relative to the larger of the expected value and one, since margins are of that size.
fn assert_near(name: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{name}: {found} is not {expected}");
}

#[test]
fn interventional_attributions_are_those_of_shap() {
    each(|name, model, fixture| {
        let (background, rows) = (rows(&fixture.background), rows(&fixture.rows));
        for arithmetic in [Arithmetic::Single, Arithmetic::Double] {
            let found = interventional(model.forest().unwrap(), &rows, &background, arithmetic, 1).unwrap();
            assert_near(name, found.base_values[0], fixture.base);
            for (row, expected) in fixture.interventional.iter().enumerate() {
                assert_near(name, found.predictions(row)[0], fixture.margins[row]);
                found.values(row, 0).iter().zip(expected).for_each(|(found, expected)| assert_near(name, *found, *expected));
            }
        }
    });
}

#[test]
fn interactions_are_those_of_shap() {
    each(|name, model, fixture| {
        let found = interactions(model.forest().unwrap(), &rows(&fixture.rows)).unwrap();
        for (row, expected) in fixture.interactions.iter().enumerate() {
            let expected = expected.concat();
            found.matrix(row, 0).iter().zip(&expected).for_each(|(found, expected)| assert_near(name, *found, *expected));
        }
    });
}

#[test]
fn a_row_explained_alone_is_explained_as_among_others() {
    each(|name, model, fixture| {
        let background = rows(&fixture.background);
        let prepared = Interventional::new(model.forest().unwrap(), &background).unwrap();
        let mut many = rows(&fixture.rows);
        for _ in 0..7 {
            many = Rows::from_values(many.columns(), [many.values(), many.values()].concat());
        }
        let found = prepared.attribute(&many, Arithmetic::Double, 1).unwrap();
        let on_two_threads = prepared.attribute(&many, Arithmetic::Double, 2).unwrap();
        assert_eq!(found, on_two_threads, "{name}");
        for (number, row) in many.iter().enumerate().take(12) {
            let alone = prepared.attribute(&Rows::one(row), Arithmetic::Double, 1).unwrap();
            assert_eq!(alone.predictions(0), found.predictions(number), "{name}");
            for (alone, among) in alone.values(0, 0).iter().zip(found.values(number, 0)) {
                assert!((alone - among).abs() < 1e-12, "{name}: {alone} is not {among}");
            }
        }
    });
}
