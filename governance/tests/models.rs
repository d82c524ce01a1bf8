//! Model files against the libraries that wrote them: margins, base values and path-dependent attributions of models of
//! every kind. `fixtures/models/make.py` made them.

use governance::explanation::model::{Body, Format};
use governance::explanation::{Attributions, Method, Model, Request, Rows, attribute};
use proptest::prelude::*;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expected {
    library: String,
    rows: Vec<Vec<Option<f64>>>,
    /// Row by row, one per output.
    margins: Vec<Vec<f64>>,
    /// One per output. These and attributions are absent where the library gives none.
    base_values: Option<Vec<f64>>,
    /// Row by row, output by output, one per feature.
    attributions: Option<Vec<Vec<Vec<f64>>>>,
}

struct Case {
    name: String,
    expected: Expected,
    /// The model as every file of the directory has it.
    models: Vec<Model>,
}

const MODELS: [&str; 3] = ["model.json", "model.ubj", "model.txt"];

fn directories() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models");
    let mut directories: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    directories.retain(|path| path.join("expected.json").exists());
    directories.sort();
    directories
}

fn cases() -> Vec<Case> {
    directories().iter().map(|directory| case(directory)).collect()
}

fn case(directory: &Path) -> Case {
    let name = directory.file_name().unwrap().to_string_lossy().into_owned();
    let expected = serde_json::from_slice(&fs::read(directory.join("expected.json")).unwrap()).unwrap();
    let mut models = Vec::new();
    for file in MODELS {
        if let Ok(bytes) = fs::read(directory.join(file)) {
            models.push(Model::read(&bytes).unwrap_or_else(|error| panic!("{name}, {file}: {error}")));
        }
    }
    assert!(!models.is_empty(), "{name} has a model");
    Case { name, expected, models }
}

fn rows(expected: &Expected, features: usize) -> Rows {
    let mut rows = Rows::new(features);
    for row in &expected.rows {
        assert_eq!(row.len(), features);
        rows.push(row.iter().map(|value| value.unwrap_or(f64::NAN)));
    }
    rows
}

/// The greatest distance between what was found and what was expected.
fn distance<'a>(found: impl IntoIterator<Item = &'a f64>, expected: impl IntoIterator<Item = &'a f64>) -> f64 {
    let (found, expected): (Vec<_>, Vec<_>) = (found.into_iter().collect(), expected.into_iter().collect());
    assert_eq!(found.len(), expected.len());
    // Unlike `max`, a sum does not pass over NaN.
    found
        .iter()
        .zip(&expected)
        .map(|(found, expected)| (*found - *expected).abs())
        .fold(0.0, |worst, next| if next <= worst { worst } else { next })
}

/// What numbers of the model's size are compared to: the libraries add up 32-bit floats, except LightGBM and CatBoost.
fn tolerance(case: &Case) -> f64 {
    let scale = case.expected.margins.iter().flatten().fold(1.0f64, |scale, margin| scale.max(margin.abs()));
    let single = case.expected.library.starts_with("xgboost");
    scale * if single { 3e-6 } else { 2e-8 }
}

fn path_dependent(model: &Model, rows: &Rows) -> Attributions {
    attribute(model, rows, &Request { method: Some(Method::PathDependent), ..Request::default() }).unwrap()
}

#[test]
fn models_of_every_library_and_kind_are_there() {
    let names: Vec<String> = cases().into_iter().map(|case| case.name).collect();
    for beginning in ["xgboost-1.7", "xgboost-2.1", "xgboost-3.2", "xgboost-3.4", "lightgbm", "catboost"] {
        assert!(names.iter().filter(|name| name.starts_with(beginning)).count() >= 4, "{beginning}: {names:?}");
    }
}

#[test]
fn margins_are_those_of_the_library() {
    for case in cases() {
        for model in &case.models {
            let rows = rows(&case.expected, model.features());
            for (row, margins) in rows.iter().zip(&case.expected.margins) {
                let found = model.predict(row);
                let distance = distance(&found, margins);
                assert!(distance <= tolerance(&case), "{}: {found:?} is not {margins:?} ({distance:e}) for {row:?}", case.name);
            }
        }
    }
}

#[test]
fn base_values_and_attributions_are_those_of_the_library() {
    let mut compared = 0;
    for case in cases() {
        let Some(base_values) = &case.expected.base_values else { continue };
        for model in &case.models {
            let rows = rows(&case.expected, model.features());
            let found = path_dependent(model, &rows);
            let off = distance(&found.base_values, base_values);
            assert!(off <= tolerance(&case), "{}: {:?} is not {base_values:?} ({off:e})", case.name, found.base_values);
            let Some(attributions) = &case.expected.attributions else { continue };
            for (row, outputs) in attributions.iter().enumerate() {
                for (output, values) in outputs.iter().enumerate() {
                    let found = found.values(row, output);
                    let off = distance(found, values);
                    assert!(off <= tolerance(&case), "{}, row {row}, output {output}: {found:?} is not {values:?} ({off:e})", case.name);
                }
            }
            compared += 1;
        }
    }
    assert!(compared >= 40, "only {compared} models have attributions to compare with");
}

#[test]
fn a_model_is_the_same_whichever_file_it_was_read_from() {
    let mut compared = 0;
    for case in cases() {
        if let [json, ubjson] = &case.models[..] {
            assert_eq!((json.format(), ubjson.format()), (Format::XgboostJson, Format::XgboostUbjson));
            assert!(json.body() == ubjson.body() && json.feature_names() == ubjson.feature_names(), "{}", case.name);
            assert_eq!((json.output_names(), json.link(), json.objective()), (ubjson.output_names(), ubjson.link(), ubjson.objective()));
            compared += 1;
        }
    }
    assert!(compared >= 10, "only {compared} models in two files");
}

#[test]
fn files_cut_short_are_refused() {
    for directory in directories() {
        for file in MODELS {
            let Ok(bytes) = fs::read(directory.join(file)) else { continue };
            // What follows the trees of a LightGBM file is not needed.
            let end = if file == "model.txt" { bytes.windows(12).position(|part| part == b"end of trees").unwrap() } else { bytes.len() };
            for cut in (0..end).step_by(end / 50 + 1).chain([end - 1]) {
                assert!(Model::read(&bytes[..cut]).is_err(), "{} cut at {cut}", directory.join(file).display());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn whatever_becomes_of_a_file_it_is_read_or_refused(
        file in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        copied in prop::option::of((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1usize..40)),
    ) {
        static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
            let small = |bytes: &Vec<u8>| bytes.len() < 20_000;
            directories().iter().flat_map(|directory| MODELS.map(|file| fs::read(directory.join(file)))).flatten().filter(small).collect()
        });
        let mut bytes = FILES[file.index(FILES.len())].clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some((from, to, length)) = copied {
            let from = from.index(bytes.len() - length);
            let to = to.index(bytes.len() - length);
            bytes.copy_within(from..from + length, to);
        }
        if let Ok(model) = Model::read(&bytes)
            && model.features() < 1000
        {
            let row = vec![0.5; model.features()];
            prop_assert_eq!(model.predict(&row).len(), model.outputs());
        }
    }
}

#[test]
fn linear_boosters_are_linear_models() {
    let linear = cases().into_iter().filter(|case| matches!(case.models[0].body(), Body::Linear(_))).count();
    assert!(linear >= 2, "{linear} linear models");
}
