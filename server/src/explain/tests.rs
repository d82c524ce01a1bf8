//! What the command prints and refuses, for the steward's own model.

use super::*;
use clap::Parser;
use serde_json::Value;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: ExplainArgs,
}

struct Desk {
    dir: tempfile::TempDir,
    model: Model,
}

impl Desk {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), model: Model::read(&std::fs::read(model_file()).unwrap()).unwrap() }
    }

    fn keep(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn header(&self) -> String {
        self.model.feature_names().join(",")
    }
}

fn model_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("agents/cadence-steward/model.json")
}

/// What the command writes, and what it remarks.
fn explain(words: &[&str], json: bool) -> Result<(String, String), ExplainError> {
    let model = model_file().display().to_string();
    let line = ["explain", "--model", &model].into_iter().map(str::to_owned);
    let args = Line::try_parse_from(line.chain(words.iter().map(|word| (*word).to_owned()))).unwrap().args;
    let (mut out, mut remarks) = (Vec::new(), Vec::new());
    run(&args, json, &mut out, |remark| remarks.push(remark.to_owned()))?;
    Ok((String::from_utf8(out).unwrap(), remarks.join("\n")))
}

#[test]
fn json_begins_with_the_keys_that_others_rely_on_and_adds_up() {
    let desk = Desk::new();
    let rows = desk.keep("rows.csv", &format!("{}\n0.97,40,38,12,,0.04,18\n0.5,20,21,3,9,0.05,20\n", desk.header()));
    let (text, remarks) = explain(&["--rows", &rows, "--precision", "double"], true).unwrap();
    assert_eq!(remarks, "");
    let start = r#"{"method":"path-dependent","output_names":["#;
    assert!(text.starts_with(start), "{}", &text[..80]);
    let mut at = 0;
    for key in ["method", "output_names", "features", "base_values", "predictions", "attributions", "elapsed_us", "load_us"] {
        let found = text.find(&format!("\"{key}\":")).unwrap();
        assert!(found >= at, "{key} does not come in its turn");
        at = found;
    }
    let read: Value = serde_json::from_str(&text).unwrap();
    let number = |pointer: &str| read.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {pointer}"));
    let first = desk.model.predict(&[0.97, 40.0, 38.0, 12.0, f64::NAN, 0.04, 18.0]);
    assert_eq!(number("/predictions/0/0"), first[0]);
    for row in 0..2 {
        let attributions = read["attributions"][row][0].as_array().unwrap();
        assert_eq!(attributions.len(), desk.model.features());
        let sum: f64 = attributions.iter().map(|value| value.as_f64().unwrap()).sum();
        assert!((number("/base_values/0") + sum - number(&format!("/predictions/{row}/0"))).abs() < 1e-9);
    }
    assert!(number("/elapsed_us") > 0.0 && number("/load_us") > 0.0 && number("/residual_max") < 1e-9);
    assert_eq!((read["space"].as_str(), read["features"].as_array().unwrap().len()), (Some("margin"), desk.model.features()));
}

#[test]
fn the_same_row_in_csv_and_json_is_explained_the_same() {
    let desk = Desk::new();
    let named: Vec<String> = desk.model.feature_names().iter().enumerate().map(|(at, name)| format!("{name:?}: {at}")).collect();
    let values = "0,1,2,3,4,5,6";
    let mut answers = Vec::new();
    for (name, text) in [
        ("rows.csv", format!("{}\n{values}\n", desk.header())),
        ("rows.json", format!("[[{values}]]")),
        ("named.json", format!("{{\"rows\": [{{{}}}]}}", named.join(", "))),
        ("other.csv", format!("a,b,c,d,e,f,g\n{values}\n")),
    ] {
        let path = desk.keep(name, &text);
        let (text, remarks) = explain(&["--rows", &path, "--threads", "1"], true).unwrap();
        assert_eq!(remarks.contains("in the model's order"), name == "other.csv", "{remarks}");
        let read: Value = serde_json::from_str(&text).unwrap();
        answers.push((read["predictions"].clone(), read["attributions"].clone()));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn features_are_told_in_groups() {
    let desk = Desk::new();
    let rows = desk.keep("rows.csv", &format!("{}\n0.97,40,38,12,9,0.04,18\n", desk.header()));
    let names = desk.model.feature_names();
    let single: Value = serde_json::from_str(&explain(&["--rows", &rows], true).unwrap().0).unwrap();
    let one = |feature: usize| single["attributions"][0][0][feature].as_f64().unwrap();
    let json = desk.keep("groups.json", &format!("{{\"first two\": [{:?}, {:?}]}}", names[0], names[1]));
    let lines = desk.keep("groups.txt", &format!("first two: {}, {}\n", names[0], names[1]));
    for groups in [json, lines] {
        let (text, _) = explain(&["--rows", &rows, "--groups", &groups], true).unwrap();
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["features"].as_array().unwrap().len(), names.len() - 1);
        assert_eq!(read["features"][0], "first two");
        assert_eq!(read["groups"]["first two"], serde_json::json!([names[0], names[1]]));
        assert!((read["attributions"][0][0][0].as_f64().unwrap() - one(0) - one(1)).abs() < 1e-9);
        let (text, _) = explain(&["--rows", &rows, "--groups", &groups], false).unwrap();
        assert!(text.contains("first two") && text.contains("2 inputs"), "{text}");
    }
    let wrong = desk.keep("wrong.json", r#"{"moon": ["tide"]}"#);
    let refusal = explain(&["--rows", &rows, "--groups", &wrong], true).unwrap_err();
    assert!(matches!(&refusal, ExplainError::Wrong(text) if text.contains("tide")), "{refusal}");
    let twice = desk.keep("twice.json", &format!("{{\"a\": [{:?}], \"b\": [{:?}]}}", names[0], names[0]));
    assert!(matches!(explain(&["--rows", &rows, "--groups", &twice], true), Err(ExplainError::Wrong(_))));
}

#[test]
fn with_a_background_the_baseline_is_its_mean() {
    let desk = Desk::new();
    let rows = desk.keep("rows.csv", &format!("{}\n0.97,40,38,12,9,0.04,18\n", desk.header()));
    let background = desk.keep("background.csv", &format!("{}\n0.5,20,21,3,9,0.05,20\n0.9,44,30,12,4,0.03,18\n", desk.header()));
    let mean = (desk.model.predict(&[0.5, 20.0, 21.0, 3.0, 9.0, 0.05, 20.0])[0]
        + desk.model.predict(&[0.9, 44.0, 30.0, 12.0, 4.0, 0.03, 18.0])[0])
        / 2.0;
    let words = ["--rows", &rows, "--background", &background, "--precision", "double"];
    let mut values = Vec::new();
    for method in ["auto", "interventional", "exact"] {
        let (text, _) = explain(&[&words[..], &["--method", method]].concat(), true).unwrap();
        let read: Value = serde_json::from_str(&text).unwrap();
        assert!((read["base_values"][0].as_f64().unwrap() - mean).abs() < 1e-6);
        assert_eq!((read["background_rows"].as_u64(), read["background_sha256"].as_str().map(str::len)), (Some(2), Some(64)));
        values.push(read["attributions"][0][0].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect::<Vec<_>>());
    }
    for other in &values[1..] {
        assert!(values[0].iter().zip(other).all(|(a, b)| (a - b).abs() < 1e-6), "{values:?}");
    }
    // A regression has no probability.
    assert!(matches!(explain(&["--rows", &rows, "--space", "probability"], true), Err(ExplainError::Usage(_))));
}

#[test]
fn the_text_is_for_people() {
    let desk = Desk::new();
    let row = "0.97,40,38,12,,0.04,18\n".repeat(7);
    let rows = desk.keep("rows.csv", &format!("{}\n{row}", desk.header()));
    let (text, _) = explain(&["--rows", &rows], false).unwrap();
    for part in ["path-dependent", "7 rows", "a row", "Row 1: ", "Row 5: ", "and 2 more rows", "missing", "█"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("Row 6"));
}

#[test]
fn wrong_files_and_wrong_wishes_are_told_apart() {
    let desk = Desk::new();
    let rows = desk.keep("rows.csv", &format!("{}\n0.97,40,38,12,9,0.04,18\n", desk.header()));
    let usage = |words: &[&str]| match explain(words, true) {
        Err(ExplainError::Usage(text)) => text,
        other => panic!("{words:?}: {other:?}"),
    };
    let wrong = |words: &[&str]| match explain(words, true) {
        Err(ExplainError::Wrong(text)) => text,
        other => panic!("{words:?}: {other:?}"),
    };
    assert!(usage(&["--rows", "nowhere.csv"]).contains("nowhere.csv could not be read"));
    assert!(usage(&["--rows", &rows, "--samples", "0"]).contains("--samples"));
    let short = desk.keep("short.csv", "fill_7d\n1\n");
    assert!(wrong(&["--rows", &short]).contains("no column is named"));
    let empty = desk.keep("empty.csv", &desk.header());
    assert!(wrong(&["--rows", &rows, "--background", &empty]).contains("the background has no rows"));
    assert!(wrong(&["--rows", &rows, "--format", "lightgbm-text"]).contains("model.json"));
    // No rows are no mistake.
    let (text, _) = explain(&["--rows", &empty], true).unwrap();
    assert!(text.contains(r#""predictions":[],"attributions":[]"#));
    for words in [["--method", "guess"], ["--format", "pickle"], ["--space", "log"], ["--precision", "half"]] {
        let line = ["explain", "--model", "m", "--rows", "r"].into_iter().chain(words);
        assert!(Line::try_parse_from(line).is_err());
    }
}
