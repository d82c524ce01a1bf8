//! Models as people publish them, read without trusting the file.
//!
//! Whatever library made it, a model becomes one of three things that can be evaluated and explained: a [`Forest`] of
//! decision trees, a [`Linear`] model, or a small feed-forward [`Network`]. Everything is checked once on reading (sizes,
//! indices, cycles, depth, finite numbers); after that, evaluation needs no further checks. What a file asks for and its
//! reader cannot do is refused by name rather than computed wrongly.
//!
//! Outputs are margins: what the model sums up before its [`Link`] turns it into a probability or a rate.

mod catboost;
mod document;
pub mod forest;
mod json;
mod lightgbm;
pub mod linear;
pub mod network;
mod onnx;
mod rows;
pub mod table;
mod ubjson;
pub(super) mod xgboost;

pub use forest::Forest;
pub use linear::Linear;
pub use network::Network;
pub use rows::Rows;

use alloy_primitives::B256;
use document::Document;
use sha2::{Digest, Sha256};
use std::fmt;

/// The largest model file that is read, in bytes.
pub const MAX_BYTES: usize = 256 * 1024 * 1024;
/// The most tree nodes a model may have, over all its trees.
pub const MAX_NODES: usize = 8_000_000;
/// The most numbers that all leaves of a model may hold together.
pub const MAX_LEAF_VALUES: usize = 32_000_000;
/// The most splits between a root and a leaf. Trees are walked recursively, and a browser's stack is small.
pub const MAX_DEPTH: usize = 128;
/// The most features a model may have.
pub const MAX_FEATURES: usize = 65_536;
/// The most outputs (classes or targets) a model may have.
pub const MAX_OUTPUTS: usize = 4_096;

/// Why a model was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("the model has {bytes} bytes, more than the {MAX_BYTES} that are read")]
    TooLarge { bytes: usize },
    #[error("the model is not {format}: {reason}")]
    NotThatFormat { format: Format, reason: String },
    #[error("the model's format was not recognised; XGBoost JSON or UBJSON, LightGBM text, CatBoost JSON, ONNX and linear JSON are read")]
    UnknownFormat,
    #[error("the model is malformed at {place}: {reason}")]
    Malformed { place: String, reason: String },
    #[error("unsupported model: {what}")]
    Unsupported { what: String },
}

pub(super) fn malformed(place: impl Into<String>, reason: impl Into<String>) -> ModelError {
    ModelError::Malformed { place: place.into(), reason: reason.into() }
}

pub(super) fn unsupported(what: impl Into<String>) -> ModelError {
    ModelError::Unsupported { what: what.into() }
}

/// The file formats that are read, by the names decision records and the command line use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    XgboostJson,
    XgboostUbjson,
    LightgbmText,
    CatboostJson,
    Onnx,
    LinearJson,
}

impl Format {
    pub const ALL: [Self; 6] =
        [Self::XgboostJson, Self::XgboostUbjson, Self::LightgbmText, Self::CatboostJson, Self::Onnx, Self::LinearJson];

    pub fn name(self) -> &'static str {
        match self {
            Self::XgboostJson => "xgboost-json",
            Self::XgboostUbjson => "xgboost-ubjson",
            Self::LightgbmText => "lightgbm-text",
            Self::CatboostJson => "catboost-json",
            Self::Onnx => "onnx",
            Self::LinearJson => "linear-json",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What turns margins into the output people speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Margins are the output.
    Identity,
    /// One margin is the log-odds of a probability.
    Logistic,
    /// A margin per class; probabilities are their softmax.
    Softmax,
    /// A margin per class, each the log-odds of its own probability, then scaled to a sum of one.
    OneVersusAll,
    /// The margin is the logarithm of a rate.
    Log,
}

impl Link {
    /// Turns a row's margins into probabilities or rates, in place.
    pub fn apply(self, margins: &mut [f64]) {
        let logistic = |margin: f64| 1.0 / (1.0 + (-margin).exp());
        match self {
            Self::Identity => {}
            Self::Logistic => margins.iter_mut().for_each(|margin| *margin = logistic(*margin)),
            Self::Log => margins.iter_mut().for_each(|margin| *margin = margin.exp()),
            Self::Softmax => {
                let largest = margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                margins.iter_mut().for_each(|margin| *margin = (*margin - largest).exp());
                let sum: f64 = margins.iter().sum();
                margins.iter_mut().for_each(|margin| *margin /= sum);
            }
            Self::OneVersusAll => {
                margins.iter_mut().for_each(|margin| *margin = logistic(*margin));
                let sum: f64 = margins.iter().sum();
                margins.iter_mut().for_each(|margin| *margin /= sum);
            }
        }
    }
}

/// A model, whatever it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub(super) format: Format,
    /// What it was trained for, in its library's words, such as `reg:squarederror`; empty where the file does not say.
    pub(super) objective: String,
    pub(super) feature_names: Vec<String>,
    pub(super) output_names: Vec<String>,
    pub(super) link: Link,
    pub(super) body: Body,
}

/// What computes the margins.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    Forest(Forest),
    Linear(Linear),
    Network(Network),
}

impl Model {
    /// Reads a model in whichever format it is.
    pub fn read(bytes: &[u8]) -> Result<Self, ModelError> {
        let format = detect(bytes).ok_or(ModelError::UnknownFormat)?;
        Self::read_as(bytes, format)
    }

    /// Reads a model that is said to be in this format.
    pub fn read_as(bytes: &[u8], format: Format) -> Result<Self, ModelError> {
        if bytes.len() > MAX_BYTES {
            return Err(ModelError::TooLarge { bytes: bytes.len() });
        }
        match format {
            Format::XgboostJson => xgboost::read_json(bytes),
            Format::XgboostUbjson => ubjson::read(bytes),
            Format::LightgbmText => lightgbm::read(bytes),
            Format::CatboostJson => catboost::read(bytes),
            Format::Onnx => onnx::read(bytes),
            Format::LinearJson => linear::read_json(bytes),
        }
    }

    /// The hash by which a decision record names its model: SHA-256 of the file as published.
    pub fn sha256(bytes: &[u8]) -> B256 {
        B256::from_slice(&Sha256::digest(bytes))
    }

    pub fn format(&self) -> Format {
        self.format
    }

    pub fn objective(&self) -> &str {
        &self.objective
    }

    /// Names of the features, in the order in which a row holds them.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// Names of the outputs: one for a regression or a binary classification, one per class otherwise.
    pub fn output_names(&self) -> &[String] {
        &self.output_names
    }

    pub fn features(&self) -> usize {
        self.feature_names.len()
    }

    pub fn outputs(&self) -> usize {
        self.output_names.len()
    }

    pub fn link(&self) -> Link {
        self.link
    }

    pub fn body(&self) -> &Body {
        &self.body
    }

    pub fn forest(&self) -> Option<&Forest> {
        match &self.body {
            Body::Forest(forest) => Some(forest),
            _ => None,
        }
    }

    /// The margins of one row, one per output. NaN means missing, and so does everything beyond the end of a short row.
    pub fn predict(&self, row: &[f64]) -> Vec<f64> {
        let mut margins = vec![0.0; self.outputs()];
        self.predict_into(row, &mut margins);
        margins
    }

    /// Like [`predict`](Self::predict), into a slice of as many numbers as there are outputs.
    pub fn predict_into(&self, row: &[f64], margins: &mut [f64]) {
        match &self.body {
            Body::Forest(forest) => forest.predict_into(row, margins),
            Body::Linear(linear) => linear.predict_into(row, margins),
            Body::Network(network) => network.predict_into(row, margins),
        }
    }
}

/// The format a file looks like, by how it begins; what it really is, reading it shows.
fn detect(bytes: &[u8]) -> Option<Format> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    match text {
        [b'{', rest @ ..] => match rest.trim_ascii_start().first()? {
            b'"' | b'}' => detect_json(text),
            // The length of a name stands where JSON has a quote.
            _ => Some(Format::XgboostUbjson),
        },
        [b't', b'r', b'e', b'e', space, ..] if space.is_ascii_whitespace() => Some(Format::LightgbmText),
        // The tag of an ONNX file's version, producer, graph or operator sets, whichever was written first.
        _ => matches!(bytes.first()?, 0x08 | 0x12 | 0x1A | 0x3A | 0x42).then_some(Format::Onnx),
    }
}

/// Which JSON format it is, by the first field of the outermost object that only one of them has.
fn detect_json(text: &[u8]) -> Option<Format> {
    let mut found = None;
    let mut json = json::Json::new(text);
    let read = json.object(|json, name| {
        found = match name {
            "learner" => Some(Format::XgboostJson),
            "oblivious_trees" | "trees" | "features_info" | "model_info" | "scale_and_bias" => Some(Format::CatboostJson),
            "format" => (json.text()? == "linear").then_some(Format::LinearJson),
            _ => return json.skip(),
        };
        // That was enough.
        if found.is_some() { Err(json.broken("")) } else { Ok(()) }
    });
    match (found, read) {
        (None, Ok(())) => None,
        // Reading it as the format most files have says what is wrong with it.
        (None, Err(_)) => Some(Format::XgboostJson),
        (found, _) => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formats_are_told_apart_by_how_they_begin() {
        let cases: [(&[u8], Option<Format>); 16] = [
            (b"{\"learner\":{", Some(Format::XgboostJson)),
            (b"\xEF\xBB\xBF \r\n{ \n \"version\": [1,\"}\"],\n \"learner\"  : 1", Some(Format::XgboostJson)),
            (b"{L\0\0\0\0\0\0\0\x07learner{", Some(Format::XgboostUbjson)),
            (b"{i\x07learner{", Some(Format::XgboostUbjson)),
            (b"{\"features_info\":{},\"oblivious_trees\":[]}", Some(Format::CatboostJson)),
            (b"{\"weights\": [[1]], \"format\": \"linear\"}", Some(Format::LinearJson)),
            (b"tree\nversion=v4\n", Some(Format::LightgbmText)),
            (b"tree\r\nversion=v4\r\n", Some(Format::LightgbmText)),
            (b"\x08\x0A\x12\x08skl2onnx", Some(Format::Onnx)),
            (b"{}", None),
            (b"{\"format\": \"square\"}", None),
            (b"trees", None),
            (b"", None),
            (b"{", None),
            (b"PK\x03\x04", None),
            (b"{\"a\": [", Some(Format::XgboostJson)),
        ];
        for (bytes, format) in cases {
            assert_eq!(detect(bytes), format, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Model::read(&bytes);
            for format in Format::ALL {
                let _ = Model::read_as(&bytes, format);
            }
        }
    }
}
