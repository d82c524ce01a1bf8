//! What-if questions asked of the reference steward's own decision and model.

use governance::explanation::counterfactual::{Goal, Limits, nearest, search};
use governance::explanation::decision::DecisionRecord;
use governance::explanation::model::{Model, Rows};
use governance::explanation::sensitivity::curves;
use governance::explanation::{Decimal, Method, Request, Setting, attribute, stability};
use std::path::Path;
use std::time::Instant;

fn file(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn model() -> Model {
    Model::read(&file("../server/agents/cadence-steward/model.json")).unwrap()
}

fn record() -> DecisionRecord {
    let fixture: serde_json::Value = serde_json::from_slice(&file("tests/fixtures/explanation/decision.json")).unwrap();
    DecisionRecord::parse(&serde_json::to_vec(&fixture["record"]).unwrap()).unwrap()
}

/// Rows XGBoost's fixture holds, those with every value known.
fn known_rows() -> Rows {
    let fixture: serde_json::Value = serde_json::from_slice(&file("tests/fixtures/explanation/steward.json")).unwrap();
    let mut rows = Rows::new(7);
    for case in fixture["cases"].as_array().unwrap() {
        let row: Vec<_> = case["row"].as_array().unwrap().iter().filter_map(serde_json::Value::as_f64).collect();
        if row.len() == 7 {
            rows.push(row);
        }
    }
    rows
}

#[test]
fn the_smallest_changes_of_a_decision_lead_where_they_say() {
    let (model, record) = (model(), record());
    let started = Instant::now();
    let found = nearest(&record, &model, &[]).unwrap();
    println!("{:?}: {found:#?}", started.elapsed());
    assert!(found.single_proven && found.several_proven && !found.already);
    let setting = Setting::of(&record, &model, &[]).unwrap();
    for one in found.single.iter().chain(&found.several) {
        let mut row = setting.row.clone();
        for change in &one.changes {
            let at = model.feature_names().iter().position(|name| *name == change.name).unwrap();
            assert!((setting.ranges[at].low..=setting.ranges[at].high).contains(&change.to));
            row[at] = change.to;
        }
        assert_eq!(one.recommended, record.rule.evaluate(model.predict(&row)[0]).value);
        assert_ne!(one.recommended, "22");
    }
    assert!(found.single.is_sorted_by(|a, b| a.distance <= b.distance));
    // No whole step of a single count does it sooner.
    for (at, range) in setting.ranges.iter().enumerate().filter(|(at, range)| range.whole && !setting.row[*at].is_nan()) {
        let told = found.single.iter().find(|one| one.changes[0].name == range.name).map(|one| one.changes[0].to);
        let away = told.map_or(f64::INFINITY, |to| (to - setting.row[at]).abs());
        for value in (0..=range.high as u32).map(f64::from).filter(|value| (value - setting.row[at]).abs() < away) {
            let mut row = setting.row.clone();
            row[at] = value;
            assert_eq!(record.rule.evaluate(model.predict(&row)[0]).value, "22", "{} at {value}", range.name);
        }
    }
}

#[test]
fn a_far_goal_takes_several_inputs_or_is_said_to_be_unproven() {
    let (model, record) = (model(), record());
    let setting = Setting::of(&record, &model, &[]).unwrap();
    let started = Instant::now();
    for goal in [Goal::AtLeast(Decimal::new(30, 0)), Goal::OppositeDirection, Goal::NoChange, Goal::AtMost(Decimal::new(10, 0))] {
        let found = search(&setting, goal, Limits::default());
        println!("{:?} {goal:?}: {:?} proven {}", started.elapsed(), found.smallest(), found.several_proven);
        assert!(found.smallest().is_some() || found.several_proven);
    }
}

#[test]
fn curves_of_the_steward_are_monotone_where_its_training_was() {
    let (model, record) = (model(), record());
    let started = Instant::now();
    let curves = curves(&record, &model, &[]).unwrap();
    println!("{:?}, {:?} points", started.elapsed(), curves.iter().map(|curve| curve.points.len()).collect::<Vec<_>>());
    assert_eq!(curves.len(), 7);
    for curve in &curves {
        let rising = curve.points.is_sorted_by(|a, b| a.number <= b.number);
        let falling = curve.points.is_sorted_by(|a, b| a.number >= b.number);
        match curve.name.as_str() {
            "fill_7d" | "mints_7d" | "new_collectors_7d" | "transfers_7d" => assert!(rising, "{}", curve.name),
            "price_eth" => assert!(falling),
            _ => {}
        }
        assert!(curve.points.len() >= 2);
    }
    assert_eq!(curves[4].at, None);
}

#[test]
fn a_little_noise_is_tried_with_the_models_own_attributions() {
    let (model, record) = (model(), record());
    let started = Instant::now();
    let found = stability::of(&record, &model, &[], 500, 1).unwrap();
    println!("{:?}: {found:#?}", started.elapsed());
    assert_eq!(found.trials, 500);
    let (lowest, highest): (i32, i32) = (found.lowest.parse().unwrap(), found.highest.parse().unwrap());
    assert!(lowest <= 22 && highest >= 22);
    for (band, own) in found.bands.iter().zip(&record.attributions) {
        assert_eq!(band.name, own.name);
        assert!((band.attribution - own.value).abs() < 1e-4);
    }
    assert!(found.same_value < 500, "noise of this size moves the output by more than one unit");
    assert!(found.same_direction > 400);
}

#[test]
fn sampled_attributions_of_the_steward_agree_with_enumerated_ones() {
    let (model, rows) = (model(), known_rows());
    let background = rows.clone();
    let some = Rows::from_values(7, rows.values()[..7 * 5].to_vec());
    let request = |method| Request { method: Some(method), background: Some(&background), samples: 4000, seed: 3, ..Request::default() };
    let exact = attribute(&model, &some, &request(Method::Exact)).unwrap();
    let sampled = attribute(&model, &some, &request(Method::Permutation)).unwrap();
    let errors = sampled.standard_errors.as_ref().unwrap();
    let squares = exact.values.iter().zip(&sampled.values).zip(errors).filter(|(_, error)| **error > 1e-12);
    let scores: Vec<f64> = squares.map(|((exact, sampled), error)| ((exact - sampled) / error).powi(2)).collect();
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    assert!((0.4..2.0).contains(&mean), "mean squared z-score {mean} of {}", scores.len());
    for row in 0..5 {
        assert!(exact.residual(row, 0).abs() < 1e-9 && sampled.residual(row, 0).abs() < 1e-9);
    }
}
