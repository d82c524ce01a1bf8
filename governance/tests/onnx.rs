//! ONNX files against onnxruntime's scores and the training libraries' margins. `fixtures/onnx/make.py` made them.

use governance::explanation::Rows;
use governance::explanation::attribution::gradients::integrated_gradients;
use governance::explanation::model::{Body, Format, Link, Model, Network};
use proptest::prelude::*;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What the file's 32-bit arithmetic may make of a score, relative to the largest score of the case.
const TOLERANCE: f64 = 1e-6;

#[derive(Deserialize)]
struct Case {
    features: usize,
    rows: Vec<Vec<Option<f64>>>,
    scores: Vec<Vec<Option<f64>>>,
    margins: Option<Vec<Vec<Option<f64>>>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx")
}

fn bytes(name: &str) -> Vec<u8> {
    let path = folder().join(format!("{name}.onnx"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn model(name: &str) -> Model {
    Model::read_as(&bytes(name), Format::Onnx).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn case(name: &str) -> Case {
    serde_json::from_slice(&std::fs::read(folder().join(format!("{name}.json"))).unwrap()).unwrap()
}

fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "onnx"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn numbers(row: &[Option<f64>]) -> Vec<f64> {
    row.iter().map(|value| value.unwrap_or(f64::NAN)).collect()
}

/// The greatest distance of two tables, relative to the largest number of the second, and to at least 1.
fn distance(found: &[Vec<f64>], expected: &[Vec<f64>]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let pairs = || found.iter().zip(expected).flat_map(|(found, expected)| found.iter().zip(expected));
    let scale = pairs().map(|(_, expected)| expected.abs()).filter(|scale| scale.is_finite()).fold(1.0, f64::max);
    let apart = |(found, expected): (&f64, &f64)| match (found.is_nan(), expected.is_nan()) {
        (true, true) => 0.0,
        (false, false) => (found - expected).abs() / scale,
        _ => f64::INFINITY,
    };
    pairs().map(apart).fold(0.0, f64::max)
}

/// Of two columns that say the same, the second, which is the only one the model has.
fn matching(columns: &[f64], outputs: usize) -> Vec<f64> {
    if outputs == 1 { vec![columns[columns.len() - 1]] } else { columns.to_vec() }
}

#[test]
fn scores_are_onnxruntimes_own() {
    let names = names();
    assert!(names.len() >= 45, "{} cases", names.len());
    for name in names {
        let (model, case) = (model(&name), case(&name));
        assert_eq!(model.features(), case.features, "{name}");
        let mut scores = Vec::new();
        for row in &case.rows {
            let mut margins = model.predict(&numbers(row));
            model.link().apply(&mut margins);
            // This network's output is the logarithm of what the link makes.
            if name == "hand-layers" {
                margins.iter_mut().for_each(|share| *share = share.ln());
            }
            scores.push(margins);
        }
        let expected: Vec<Vec<f64>> = case.scores.iter().map(|row| matching(&numbers(row), model.outputs())).collect();
        assert!(expected.iter().all(|row| row.len() == model.outputs()), "{name}");
        let distance = distance(&scores, &expected);
        assert!(distance < TOLERANCE, "{name}: {distance:e}");
    }
}

#[test]
fn margins_are_those_of_the_libraries() {
    let mut compared = 0;
    for name in names() {
        let (model, case) = (model(&name), case(&name));
        let Some(expected) = case.margins else { continue };
        let found: Vec<Vec<f64>> = case.rows.iter().map(|row| model.predict(&numbers(row))).collect();
        let mut expected: Vec<Vec<f64>> = expected.iter().map(|row| numbers(row)).collect();
        // The margins of a softmax may differ by a constant.
        let mut found = found;
        if model.link() == Link::Softmax {
            for row in found.iter_mut().chain(&mut expected) {
                let mean = row.iter().sum::<f64>() / row.len() as f64;
                row.iter_mut().for_each(|margin| *margin -= mean);
            }
        }
        let distance = distance(&found, &expected);
        assert!(distance < TOLERANCE, "{name}: {distance:e}");
        compared += 1;
    }
    assert!(compared >= 12, "{compared} cases have margins");
}

#[test]
fn models_become_what_they_are() {
    let kind = |name: &str| match model(name).body() {
        Body::Forest(_) => "forest",
        Body::Linear(_) => "linear",
        Body::Network(_) => "network",
    };
    for name in ["sk-tree-64", "sk-scaler-forest", "sk-columns-forest", "sk-imputer-forest", "xgb-poisson", "lgb-binary", "hand-rooted"] {
        assert_eq!(kind(name), "forest", "{name}");
        assert!(!model(name).forest().unwrap().has_covers(), "{name}");
    }
    for name in ["sk-ridge", "sk-logistic", "sk-scaler-ridge", "sk-scalers-64", "sk-columns-logistic", "sk-poisson", "sk-svc"] {
        assert_eq!(kind(name), "linear", "{name}");
    }
    for name in ["sk-mlp", "sk-mlp-binary", "sk-normalizer-ridge", "sk-imputer-logistic", "hand-layers"] {
        assert_eq!(kind(name), "network", "{name}");
    }
}

#[test]
fn links_outputs_and_names_are_the_files() {
    let said = |name: &str| {
        let model = model(name);
        (model.link(), model.output_names().join(" "))
    };
    assert_eq!(said("sk-logistic"), (Link::Logistic, "1".into()));
    assert_eq!(said("sk-logistic-words"), (Link::Logistic, "yes".into()));
    assert_eq!(said("sk-logistic-three"), (Link::Softmax, "0 1 2".into()));
    assert_eq!(said("sk-boosting-binary"), (Link::Logistic, "1".into()));
    assert_eq!(said("sk-forest-binary"), (Link::Identity, "1".into()));
    assert_eq!(said("sk-mlp-binary").0, Link::Logistic);
    assert_eq!(said("sk-mlp-three"), (Link::Softmax, "0 1 2".into()));
    assert_eq!(said("xgb-poisson").0, Link::Log);
    assert_eq!(said("hand-classes"), (Link::Softmax, "low mid high".into()));
    assert_eq!(model("hand-average").feature_names(), ["load", "reserve", "slope", "age"]);
    assert_eq!(model("sk-named-columns").feature_names(), ["load", "reserve", "slope", "age"]);
    assert_eq!(model("sk-tree").feature_names(), ["f0", "f1", "f2", "f3"]);
    assert_eq!(model("lgb-binary").objective(), "TreeEnsembleClassifier");
}

fn network(model: &Model) -> &Network {
    match model.body() {
        Body::Network(network) => network,
        _ => panic!("not a network"),
    }
}

#[test]
fn gradients_of_real_networks_are_what_differences_say() {
    for name in ["sk-mlp-three", "sk-mlp-sigmoid", "hand-layers", "hand-64-layers", "sk-normalizer-ridge"] {
        let (model, case) = (model(name), case(name));
        let network = network(&model);
        let (mut worst, mut compared) = (0f64, 0);
        for row in case.rows.iter().map(|row| numbers(row)) {
            for output in 0..model.outputs() {
                let gradient = network.gradient(&row, output);
                for feature in 0..row.len() {
                    // Inputs may be 32-bit floats, so steps are too: exact there, and large enough.
                    let step = f64::from((row[feature].abs().max(1.0) * 1e-3) as f32);
                    let at = |by: f64| {
                        let mut row = row.clone();
                        row[feature] = f64::from((row[feature] + by) as f32);
                        (row[feature], model.predict(&row)[output])
                    };
                    let slope = |(x, y): (f64, f64), (to, there): (f64, f64)| (there - y) / (to - x);
                    let (before, here, after) = (at(-step), at(0.0), at(step));
                    let (left, right) = (slope(before, here), slope(here, after));
                    // At a corner, or where it bends much, both sides differ.
                    if (left - right).abs() < 1e-3 * (1.0 + left.abs()) {
                        worst = worst.max((gradient[feature] - slope(before, after)).abs() / (1.0 + left.abs()));
                        compared += 1;
                    }
                }
            }
        }
        assert!(compared > 50, "{name}: {compared} compared");
        assert!(worst < 1e-3, "{name}: {worst:e}");
    }
}

#[test]
fn integrated_gradients_account_for_the_whole_output() {
    for name in ["sk-mlp", "sk-mlp-binary", "sk-mlp-three", "sk-imputer-logistic", "hand-layers", "hand-64-layers"] {
        let (model, case) = (model(name), case(name));
        let mut rows = Rows::new(case.features);
        case.rows.iter().for_each(|row| rows.push(numbers(row)));
        let found = integrated_gradients(network(&model), &rows, Some(&rows), 2_000).unwrap();
        for row in 0..rows.len() {
            for output in 0..found.outputs {
                let scale = found.predictions(row)[output].abs().max(found.base_values[output].abs()).max(1.0);
                let residual = found.residual(row, output).abs();
                assert!(residual < 1e-8 * scale, "{name}, row {row}, output {output}: {residual:e} of {scale}");
            }
        }
    }
}

#[test]
fn a_truncated_file_is_refused_or_says_less_but_never_panics() {
    for name in ["sk-tree", "hand-rooted", "hand-layers", "sk-logistic-three"] {
        let bytes = bytes(name);
        for end in 0..bytes.len() {
            if let Ok(model) = Model::read_as(&bytes[..end], Format::Onnx) {
                model.predict(&vec![0.5; model.features()]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]
    #[test]
    fn no_change_of_bytes_makes_the_reader_panic(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        doubled in proptest::option::of((any::<prop::sample::Index>(), any::<prop::sample::Index>())),
    ) {
        const CASES: [&str; 7] =
            ["sk-tree", "hand-rooted", "hand-layers", "hand-classes", "sk-columns-forest", "sk-imputer-logistic", "sk-mlp-binary"];
        let mut bytes = bytes(CASES[which.index(CASES.len())]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some((from, to)) = doubled {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            let piece = bytes[from.min(to)..from.max(to)].to_vec();
            bytes.splice(to..to, piece);
        }
        if let Ok(model) = Model::read_as(&bytes, Format::Onnx) {
            let row = vec![0.5; model.features()];
            prop_assert_eq!(model.predict(&row).len(), model.outputs());
            if let Body::Network(network) = model.body() {
                prop_assert_eq!(network.gradient(&row, 0).len(), model.features());
            }
        }
    }
}
