//! Linear and logistic models: a weighted sum of the features.
//!
//! Their plain JSON form says no more than that:
//!
//! ```json
//! {
//!   "format": "linear",
//!   "version": 1,
//!   "features": ["load", "reserve"],
//!   "outputs": ["p"],
//!   "weights": [0.25, -1.5],
//!   "intercept": 0.1,
//!   "link": "logistic",
//!   "means": [40.0, 0.3]
//! }
//! ```
//!
//! With several outputs, `weights` is a list of lists, one per output and of one number per feature each, and
//! `intercept` a list of one number per output. `link` is `identity`, `logistic`, `softmax` or `log`; the margins are
//! always the weighted sums. `outputs` (named `output` or `output0`, `output1`, … without it) and `means`, the features'
//! means in training, may be left out; everything else is needed, and nothing else may be there. The schema is
//! `server/schemas/linear-model-v1.json`.

use super::{Body, Format, Link, MAX_FEATURES, MAX_OUTPUTS, Model, ModelError, malformed, unsupported};
use serde::Deserialize;
use std::collections::HashSet;

/// The largest file that is read, in bytes. Reading takes some twenty times as much.
const MAX_JSON_BYTES: usize = 16 * 1024 * 1024;

/// A weighted sum per output.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    pub(in super::super) features: usize,
    /// Output-major: the weights of the first output, then of the second.
    pub(in super::super) weights: Vec<f64>,
    /// One per output.
    pub(in super::super) intercepts: Vec<f64>,
    /// The features' means in training, where the file has them: the baseline when there is no background.
    pub(in super::super) means: Option<Vec<f64>>,
}

impl Linear {
    /// A missing feature makes the margin missing too.
    pub fn predict_into(&self, row: &[f64], margins: &mut [f64]) {
        for (margin, (weights, intercept)) in margins.iter_mut().zip(self.weights.chunks_exact(self.features).zip(&self.intercepts)) {
            *margin =
                intercept + weights.iter().enumerate().map(|(at, weight)| weight * row.get(at).copied().unwrap_or(f64::NAN)).sum::<f64>();
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    version: u64,
    features: Vec<String>,
    outputs: Option<Vec<String>>,
    weights: Weights,
    intercept: Intercept,
    link: LinkName,
    means: Option<Vec<f64>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "weights are a list of numbers, or a list of such lists")]
enum Weights {
    One(Vec<f64>),
    Several(Vec<Vec<f64>>),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "an intercept is a number, or a list of numbers")]
enum Intercept {
    One(f64),
    Several(Vec<f64>),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum LinkName {
    Identity,
    Logistic,
    Softmax,
    Log,
}

/// Reads the plain JSON form.
pub(super) fn read_json(bytes: &[u8]) -> Result<Model, ModelError> {
    if bytes.len() > MAX_JSON_BYTES {
        return Err(unsupported(format!("a linear model of {} bytes, more than {MAX_JSON_BYTES}", bytes.len())));
    }
    let file: File = serde_json::from_slice(bytes)
        .map_err(|error| ModelError::NotThatFormat { format: Format::LinearJson, reason: error.to_string() })?;
    if file.format != "linear" {
        return Err(ModelError::NotThatFormat { format: Format::LinearJson, reason: format!("its format is {:?}", file.format) });
    }
    if file.version != 1 {
        return Err(unsupported(format!("version {} of linear models; version 1 is read", file.version)));
    }
    let features = file.features.len();
    check_names("features", &file.features, MAX_FEATURES)?;
    let rows = match file.weights {
        Weights::One(row) => vec![row],
        Weights::Several(rows) => rows,
    };
    let outputs = rows.len();
    if outputs == 0 || outputs > MAX_OUTPUTS {
        return Err(malformed("weights", format!("{outputs} outputs, from 1 to {MAX_OUTPUTS} are read")));
    }
    if let Some((at, row)) = rows.iter().enumerate().find(|(_, row)| row.len() != features) {
        return Err(malformed(format!("weights[{at}]"), format!("{} weights for {features} features", row.len())));
    }
    let intercepts = match file.intercept {
        Intercept::One(intercept) => vec![intercept],
        Intercept::Several(intercepts) => intercepts,
    };
    if intercepts.len() != outputs {
        return Err(malformed("intercept", format!("{} intercepts for {outputs} outputs", intercepts.len())));
    }
    if let Some(means) = file.means.as_ref().filter(|means| means.len() != features) {
        return Err(malformed("means", format!("{} means for {features} features", means.len())));
    }
    let output_names = match file.outputs {
        Some(names) => names,
        None if outputs == 1 => vec!["output".into()],
        None => (0..outputs).map(|output| format!("output{output}")).collect(),
    };
    check_names("outputs", &output_names, MAX_OUTPUTS)?;
    if output_names.len() != outputs {
        return Err(malformed("outputs", format!("{} names for {outputs} outputs", output_names.len())));
    }
    let link = match file.link {
        LinkName::Identity => Link::Identity,
        LinkName::Logistic => Link::Logistic,
        LinkName::Softmax if outputs == 1 => return Err(malformed("link", "the softmax of one output is always 1")),
        LinkName::Softmax => Link::Softmax,
        LinkName::Log => Link::Log,
    };
    Ok(Model {
        format: Format::LinearJson,
        objective: String::new(),
        feature_names: file.features,
        output_names,
        link,
        body: Body::Linear(Linear { features, weights: rows.concat(), intercepts, means: file.means }),
    })
}

fn check_names(place: &str, names: &[String], most: usize) -> Result<(), ModelError> {
    if names.is_empty() || names.len() > most {
        return Err(malformed(place, format!("{} names, from 1 to {most} are read", names.len())));
    }
    let mut seen = HashSet::new();
    match names.iter().find(|name| name.is_empty() || !seen.insert(name.as_str())) {
        Some(name) if name.is_empty() => Err(malformed(place, "an empty name")),
        Some(twice) => Err(malformed(place, format!("{twice} stands there twice"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn one() -> Value {
        json!({"format": "linear", "version": 1, "features": ["a", "b"], "weights": [2.0, -1.0], "intercept": 0.5, "link": "logistic"})
    }

    fn several() -> Value {
        json!({
            "format": "linear", "version": 1, "features": ["a", "b"], "outputs": ["x", "y", "z"], "link": "softmax",
            "weights": [[1, 2], [3, 4], [5, 6]], "intercept": [0, 0.5, -1], "means": [0.1, 0.2],
        })
    }

    fn read(file: &Value) -> Result<Model, ModelError> {
        Model::read_as(&serde_json::to_vec(file).unwrap(), Format::LinearJson)
    }

    #[test]
    fn a_model_of_one_output_is_read() {
        let model = read(&one()).unwrap();
        assert_eq!(model.predict(&[3.0, 4.0]), [2.5]);
        assert_eq!((model.output_names(), model.link()), (&["output".to_owned()][..], Link::Logistic));
        assert!(model.predict(&[3.0])[0].is_nan());
    }

    #[test]
    fn a_model_of_several_outputs_is_read() {
        let model = read(&several()).unwrap();
        assert_eq!(model.predict(&[1.0, 10.0]), [21.0, 43.5, 64.0]);
        assert_eq!(model.feature_names(), ["a", "b"]);
        assert_eq!(model.output_names(), ["x", "y", "z"]);
        let Body::Linear(linear) = model.body() else { panic!("not linear") };
        assert_eq!(linear.means, Some(vec![0.1, 0.2]));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_place() {
        let with = |mut file: Value, key: &str, value: Value| {
            file[key] = value;
            read(&file).unwrap_err().to_string()
        };
        assert!(with(one(), "format", json!("affine")).contains("affine"));
        assert!(with(one(), "version", json!(2)).contains("version 2"));
        assert!(with(one(), "features", json!(["a"])).contains("weights[0]: 2 weights for 1 features"));
        assert!(with(one(), "features", json!(["a", "a"])).contains("a stands there twice"));
        assert!(with(one(), "features", json!([])).contains("0 names"));
        assert!(with(one(), "features", json!(["a", ""])).contains("an empty name"));
        assert!(with(one(), "outputs", json!(["p", "q"])).contains("2 names for 1 outputs"));
        assert!(with(one(), "weights", json!([[1, 2], [3]])).contains("weights[1]: 1 weights"));
        assert!(with(one(), "weights", json!([])).contains("0 weights"));
        assert!(with(one(), "weights", json!("1, 2")).contains("weights are a list"));
        assert!(with(one(), "weights", json!([null, 1])).contains("weights are a list"));
        assert!(with(one(), "intercept", json!([1, 2])).contains("2 intercepts"));
        assert!(with(one(), "means", json!([1])).contains("1 means for 2 features"));
        assert!(with(one(), "link", json!("probit")).contains("probit"));
        assert!(with(one(), "link", json!("softmax")).contains("always 1"));
        assert!(with(one(), "comment", json!("hello")).contains("unknown field `comment`"));
        for key in ["format", "version", "features", "weights", "intercept", "link"] {
            let mut file = one();
            file.as_object_mut().unwrap().remove(key);
            assert!(read(&file).unwrap_err().to_string().contains(&format!("missing field `{key}`")));
        }
        let twice = br#"{"format":"linear","format":"linear","version":1,"features":["a"],"weights":[1],"intercept":0,"link":"identity"}"#;
        assert!(Model::read_as(twice, Format::LinearJson).unwrap_err().to_string().contains("duplicate field"));
        let huge = br#"{"format":"linear","version":1,"features":["a"],"weights":[1e999],"intercept":0,"link":"identity"}"#;
        assert!(Model::read_as(huge, Format::LinearJson).is_err());
        assert!(Model::read_as(&[b' '; MAX_JSON_BYTES + 1], Format::LinearJson).unwrap_err().to_string().contains("more than"));
    }

    proptest! {
        #[test]
        fn no_change_of_a_byte_makes_the_reader_panic(at in 0..1000usize, byte in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = serde_json::to_vec(&several()).unwrap();
            let at = at % bytes.len();
            bytes[at] = byte;
            if cut {
                bytes.truncate(at);
            }
            if let Ok(model) = Model::read_as(&bytes, Format::LinearJson) {
                prop_assert_eq!(model.predict(&[1.0, 2.0]).len(), model.outputs());
            }
        }
    }
}
