use super::super::tests::{blends, forest};
use super::super::{Request, attribute};
use super::*;
use crate::explanation::model::Model;
use proptest::prelude::*;

const FEATURES: usize = 9;

/// Rows of whole numbers from −3 to 3.
fn drawn(rows: usize, seed: u64) -> Rows {
    let mut random = Random::new(seed);
    Rows::from_values(FEATURES, (0..rows * FEATURES).map(|_| random.below(7) as f64 - 3.0).collect())
}

fn estimate(model: &Model, rows: &Rows, background: &Rows, samples: usize, seed: u64) -> Attributions {
    let request = Request { method: Some(Method::Permutation), background: Some(background), samples, seed, ..Request::default() };
    attribute(model, rows, &request).unwrap()
}

fn exactly(model: &Model, rows: &Rows, background: &Rows) -> Attributions {
    attribute(model, rows, &Request { method: Some(Method::Exact), background: Some(background), ..Request::default() }).unwrap()
}

fn mean_square_error(found: &[f64], expected: &[f64]) -> f64 {
    found.iter().zip(expected).map(|(found, expected)| (found - expected).powi(2)).sum::<f64>() / expected.len() as f64
}

#[test]
fn the_interval_holds_the_exact_value_19_times_in_20() {
    // With the fewest orders it is nearer to 18 in 20, as deviations are then estimated from few pairs.
    let tries = [(1, 0, 0.90..0.97), (40, 0, 0.90..0.97), (1, 512, 0.935..0.965), (10, 512, 0.935..0.965)];
    for (background, samples, expected_part) in tries {
        let (mut held, mut all) = (0, 0);
        for case in 0..6 {
            let model = forest(FEATURES, 8, 6, case);
            let (rows, background) = (drawn(1, 100 + case), drawn(background, 200 + case));
            let expected = exactly(&model, &rows, &background);
            for seed in 0..60 {
                let found = estimate(&model, &rows, &background, samples, seed);
                for feature in (0..FEATURES).filter(|feature| found.standard_errors(0, 0).unwrap()[*feature] > 0.0) {
                    let (low, high) = found.confidence_interval(0, 0, feature).unwrap();
                    held += usize::from((low..=high).contains(&expected.values(0, 0)[feature]));
                    all += 1;
                }
            }
        }
        let part = held as f64 / all as f64;
        assert!(expected_part.contains(&part) && all > 1500, "{part} of {all} with {samples} samples");
    }
}

#[test]
fn sixteen_times_the_orders_are_a_quarter_of_the_error() {
    let (mut few, mut many) = (0.0, 0.0);
    for case in 0..10 {
        let model = forest(FEATURES, 8, 6, case);
        let (rows, background) = (drawn(1, 100 + case), drawn(10, 200 + case));
        let expected = exactly(&model, &rows, &background);
        for seed in 0..30 {
            let error = |samples| mean_square_error(&estimate(&model, &rows, &background, samples, seed).values, &expected.values);
            few += error(100);
            many += error(1600);
        }
    }
    let ratio = (few / many).sqrt();
    assert!((3.6..4.4).contains(&ratio), "{ratio}");
}

#[test]
fn the_standard_error_is_as_large_as_the_error() {
    let model = forest(FEATURES, 8, 6, 77);
    let (rows, background) = (drawn(1, 1), drawn(12, 2));
    let expected = exactly(&model, &rows, &background);
    let (mut claimed, mut real) = (0.0, 0.0);
    for seed in 0..300 {
        let found = estimate(&model, &rows, &background, 48, seed);
        claimed += found.standard_errors(0, 0).unwrap().iter().map(|error| error * error).sum::<f64>();
        real += mean_square_error(found.values(0, 0), expected.values(0, 0)) * FEATURES as f64;
    }
    assert!((0.9..1.1).contains(&(claimed / real)), "{}", claimed / real);
}

#[test]
fn a_pair_of_orders_is_exact_for_interactions_of_two() {
    // Trees of depth two hold nothing beyond interactions of two features.
    let model = forest(FEATURES, 20, 2, 5);
    let (rows, background) = (drawn(2, 1), drawn(5, 2));
    let (found, expected) = (estimate(&model, &rows, &background, 0, 9), exactly(&model, &rows, &background));
    assert!(found.values.iter().zip(&expected.values).all(|(found, expected)| (found - expected).abs() < 1e-9));
    assert!(found.standard_errors.unwrap().iter().all(|error| *error < 1e-9));
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let model = forest(FEATURES, 8, 6, 1);
    let (rows, background) = (drawn(7, 1), drawn(6, 2));
    let with = |seed, threads| {
        let request =
            Request { method: Some(Method::Permutation), background: Some(&background), samples: 64, seed, threads, ..Request::default() };
        attribute(&model, &rows, &request).unwrap()
    };
    let once = with(5, 1);
    assert_eq!(once, with(5, 3));
    assert_ne!(once.values, with(6, 1).values);
    let alone = estimate(&model, &Rows::one(rows.row(4)), &background, 64, 5);
    assert_eq!(alone.values(0, 0), once.values(4, 0), "a row's neighbours changed it");
}

#[test]
fn the_bytes_of_a_seed_are_the_same_everywhere() {
    let found = estimate(&forest(FEATURES, 8, 6, 1), &drawn(1, 1), &drawn(6, 2), 64, 5);
    let bits = |values: &[f64]| values.iter().fold(0u64, |hash, value| hash.rotate_left(7) ^ value.to_bits());
    assert_eq!((bits(&found.values), found.evaluations), (2_929_659_654_441_497_146, 535));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn nothing_is_left_over(blend in blends(6, 4), samples in 0usize..100, seed in any::<u64>()) {
        let request = Request {
            method: Some(Method::Permutation), background: Some(&blend.background), samples, seed, ..Request::default()
        };
        let found = attribute(&blend.model, &blend.rows, &request).unwrap();
        for row in 0..2 {
            prop_assert!(found.residual(row, 0).abs() < 1e-9);
        }
        // What is announced is what is spent, to the last evaluation.
        let within = |budget| attribute(&blend.model, &blend.rows, &Request { budget, ..request.clone() }).is_ok();
        prop_assert!(within(found.evaluations));
        prop_assert!(!within(found.evaluations - 1));
    }
}

/// Kernel SHAP (Lundberg and Lee 2017) with coalitions drawn by their kernel weight in pairs of complements (Covert and
/// Lee 2021), each pair on a background row of its own: the least-squares fit whose sum is the output's difference.
fn kernel(model: &Model, row: &[f64], background: &Rows, pairs: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    let weight = |size: usize| 1.0 / (size * (FEATURES - size)) as f64;
    let total: f64 = (1..FEATURES).map(weight).sum();
    let mut normal = vec![vec![0.0; FEATURES + 1]; FEATURES];
    let base = background.iter().map(|other| model.predict(other)[0]).sum::<f64>() / background.len() as f64;
    for pair in 0..pairs {
        let other = background.row(pair % background.len());
        let mut left = random.unit() * total;
        let size = (1..FEATURES)
            .find(|size| {
                left -= weight(*size);
                left < 0.0
            })
            .unwrap_or(FEATURES - 1);
        let mut order: Vec<usize> = (0..FEATURES).collect();
        random.shuffle(&mut order);
        for (known, start) in [(&order[..size], model.predict(other)[0]), (&order[size..], model.predict(other)[0])] {
            let mut mixed = other.to_vec();
            known.iter().for_each(|at| mixed[*at] = row[*at]);
            // From this background row's own output; what its output adds to the baseline is no attribution.
            let gain = model.predict(&mixed)[0] - start;
            for &a in known {
                known.iter().for_each(|b| normal[a][*b] += 1.0);
                normal[a][FEATURES] += gain;
            }
        }
    }
    let whole = model.predict(row)[0] - base;
    // A φ = b − λ 1 with Σφ = whole: solved for b and for 1.
    let solve = |right: &dyn Fn(usize) -> f64| -> Vec<f64> {
        let mut rows: Vec<Vec<f64>> = (0..FEATURES)
            .map(|at| {
                let mut r = normal[at].clone();
                r[FEATURES] = right(at);
                r
            })
            .collect();
        for pivot in 0..FEATURES {
            let largest = (pivot..FEATURES).max_by(|a, b| rows[*a][pivot].abs().total_cmp(&rows[*b][pivot].abs())).unwrap();
            rows.swap(pivot, largest);
            let lead = rows[pivot].clone();
            for row in (0..FEATURES).filter(|row| *row != pivot) {
                let times = rows[row][pivot] / lead[pivot];
                rows[row].iter_mut().zip(&lead).for_each(|(value, lead)| *value -= times * lead);
            }
        }
        (0..FEATURES).map(|at| rows[at][FEATURES] / rows[at][at]).collect()
    };
    let (free, ones) = (solve(&|at| normal[at][FEATURES]), solve(&|_| 1.0));
    let over = (free.iter().sum::<f64>() - whole) / ones.iter().sum::<f64>();
    free.iter().zip(&ones).map(|(free, one)| free - over * one).collect()
}

#[test]
fn paired_orders_err_less_than_paired_coalitions() {
    for (depth, passes) in [(3, 2), (3, 8), (6, 2), (6, 8), (6, 32)] {
        let (mut orders, mut coalitions) = (0.0, 0.0);
        for case in 0..10 {
            let model = forest(FEATURES, 8, depth, case);
            let (rows, background) = (drawn(1, 100 + case), drawn(30, 200 + case));
            let expected = exactly(&model, &rows, &background);
            for seed in 0..10 {
                let found = estimate(&model, &rows, &background, 60 * passes, seed);
                orders += mean_square_error(&found.values, &expected.values);
                // As many evaluations as the orders spent; a pair of coalitions costs two.
                let pairs = (found.evaluations as usize - 31) / 2;
                coalitions += mean_square_error(&kernel(&model, rows.row(0), &background, pairs, seed), &expected.values);
            }
        }
        println!("depth {depth}, {passes} passes: orders {}, coalitions {}", (orders / 100.0).sqrt(), (coalitions / 100.0).sqrt());
        assert!(orders < coalitions);
    }
}
