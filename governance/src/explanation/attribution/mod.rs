//! How much each feature moved a model's output.
//!
//! A method is exact wherever exactness exists, and [`attribute`] picks the exact one when it is not told which. Every
//! result says which method it was, what it counts from, what rounding left over and what it cost.

mod exact;
mod game;
pub mod gradients;
pub mod groups;
pub mod interactions;
mod interventional;
mod lanes;
mod linear;
mod path_dependent;
mod permutation;
mod quadrature;
mod space;
#[cfg(test)]
mod testing;
#[cfg(test)]
pub(super) mod tests;

use super::model::{Body, Link, Model, Rows};
use game::Game;
use serde::{Deserialize, Serialize};

pub use groups::Groups;
pub use interactions::{Interactions, Pair, interactions};
pub use interventional::{Interventional, interventional};
pub use path_dependent::{PathDependent, path_dependent};
pub use space::Space;

/// The most numbers that one call attributes: rows times outputs times features.
const MOST_NUMBERS: usize = 1 << 27;

/// How an output is attributed to features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// TreeSHAP; what is not known is averaged by the training cover of each split. Exact.
    PathDependent,
    /// TreeSHAP; what is not known is taken from each background row in turn. Exact.
    Interventional,
    /// Weight times distance from the background's mean. Exact for linear models.
    Linear,
    /// Shapley values over all subsets of features against a background. Exact, for few features.
    Exact,
    /// Shapley values estimated over random orders of the features, against a background, with standard errors.
    Permutation,
    /// Gradients along the way from the background's mean to the row, for networks.
    IntegratedGradients,
}

impl Method {
    pub const ALL: [Self; 6] =
        [Self::PathDependent, Self::Interventional, Self::Linear, Self::Exact, Self::Permutation, Self::IntegratedGradients];

    /// The name the command line uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::PathDependent => "path-dependent",
            Self::Interventional => "interventional",
            Self::Linear => "linear",
            Self::Exact => "exact",
            Self::Permutation => "permutation",
            Self::IntegratedGradients => "integrated-gradients",
        }
    }

    /// The name decision records use: tree methods say so.
    pub fn record_name(self) -> &'static str {
        match self {
            Self::PathDependent => "tree-path-dependent",
            Self::Interventional => "tree-interventional",
            other => other.name(),
        }
    }

    /// Reads either name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name || method.record_name() == name)
    }
}

/// Width of the floating-point numbers attributions of trees are computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arithmetic {
    /// 32 bits in the inner loops, many rows at once: within 1e-5 of the output's scale.
    Single,
    /// 64 bits: within 1e-12 of the output's scale.
    #[default]
    Double,
}

/// What is asked for beyond model and rows.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// `None` picks the exact method that fits the model and the background.
    pub method: Option<Method>,
    /// Rows that stand for what is usual; what the baseline is the mean output of.
    pub background: Option<&'a Rows>,
    pub arithmetic: Arithmetic,
    /// At least 1; more than one only where there are threads.
    pub threads: usize,
    /// Orders of features that sampling tries for each row, at least; or steps of a path.
    pub samples: usize,
    /// What random choices are drawn from; the same seed, the same result.
    pub seed: u64,
    /// What attributions are to add up to.
    pub space: Space,
    /// Features to tell as one; the result then counts groups where it would count features.
    pub groups: Option<&'a Groups>,
    /// How often exact and sampled attributions may evaluate the model in all.
    pub budget: u64,
}

impl Default for Request<'_> {
    fn default() -> Self {
        Self {
            method: None,
            background: None,
            arithmetic: Arithmetic::Double,
            threads: 1,
            samples: 256,
            seed: 0,
            space: Space::Margin,
            groups: None,
            budget: 50_000_000,
        }
    }
}

/// Outputs of rows, taken apart: per row and output, `base_values` plus all `values` is the prediction, up to the residual.
/// Everything is in margins unless `space` says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributions {
    pub method: Method,
    pub features: usize,
    pub outputs: usize,
    /// One per output.
    pub base_values: Vec<f64>,
    /// Row after row, one per output.
    pub predictions: Vec<f64>,
    /// Row after row, output after output, one per feature.
    pub values: Vec<f64>,
    /// For estimates: like `values`, the standard error of each.
    pub standard_errors: Option<Vec<f64>>,
    /// How often the model, or one tree of it for tree methods, was evaluated or walked.
    pub evaluations: u64,
    /// What the numbers add up to.
    pub space: Space,
}

impl Attributions {
    pub fn rows(&self) -> usize {
        self.predictions.len() / self.outputs
    }

    pub fn predictions(&self, row: usize) -> &[f64] {
        &self.predictions[row * self.outputs..][..self.outputs]
    }

    /// The features' attributions for one output of one row.
    pub fn values(&self, row: usize, output: usize) -> &[f64] {
        &self.values[(row * self.outputs + output) * self.features..][..self.features]
    }

    pub fn standard_errors(&self, row: usize, output: usize) -> Option<&[f64]> {
        let errors = self.standard_errors.as_ref()?;
        Some(&errors[(row * self.outputs + output) * self.features..][..self.features])
    }

    /// For estimates: the interval in which a feature's attribution lies with a confidence of 95 %; nearer to 92 % where
    /// few orders were tried.
    pub fn confidence_interval(&self, row: usize, output: usize, feature: usize) -> Option<(f64, f64)> {
        let away = 1.96 * self.standard_errors(row, output)?[feature];
        let value = self.values(row, output)[feature];
        Some((value - away, value + away))
    }

    /// What a reader must know of the space, where there is something to know.
    pub fn space_note(&self) -> Option<&'static str> {
        self.space.note()
    }

    /// What rounding left over: prediction less base value less all attributions.
    pub fn residual(&self, row: usize, output: usize) -> f64 {
        self.predictions(row)[output] - self.base_values[output] - self.values(row, output).iter().sum::<f64>()
    }
}

/// Why nothing was attributed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttributionError {
    #[error("{method} attributions need {needed}, and the model is {found}", method = method.name())]
    NotForThisModel { method: Method, needed: &'static str, found: &'static str },
    #[error("{method} attributions need a background: rows that stand for what is usual", method = method.name())]
    NoBackground { method: Method },
    #[error(
        "the model has no covers, as ONNX files have none, so path-dependent attributions cannot be computed; give a background for interventional ones"
    )]
    NoCovers,
    #[error("the {what} have {found} columns where the model has {needed} features")]
    Columns { what: &'static str, found: usize, needed: usize },
    #[error("{features} features or groups are too many for {method}; at most {most}", method = method.name())]
    TooManyFeatures { method: Method, features: usize, most: usize },
    #[error("{method} attributions would evaluate the model {needed} times, more than the {budget} allowed; give fewer rows, fewer background rows or groups of features", method = method.name())]
    TooManyEvaluations { method: Method, needed: u64, budget: u64 },
    #[error("row {row} of the {what} has no value for feature {feature}, and a linear model says nothing without")]
    MissingValue { what: &'static str, row: usize, feature: usize },
    #[error("the model does not give a number for row {row}")]
    NotANumber { row: usize },
    #[error("attributions in probability were asked for, and the model gives {found}")]
    NoProbability { found: &'static str },
    #[error("{what}")]
    TooMuch { what: String },
}

/// The method that fits a model and a background, exact wherever that can be had, and why in a sentence.
pub fn choose(model: &Model, background: Option<&Rows>) -> Result<(Method, &'static str), AttributionError> {
    let background = background.filter(|rows| !rows.is_empty());
    match (&model.body, background) {
        (Body::Forest(_), Some(_)) => {
            Ok((Method::Interventional, "trees and a background were given: each input is compared with the background's rows, exactly"))
        }
        (Body::Forest(forest), None) if forest.has_covers() => Ok((
            Method::PathDependent,
            "trees were given without a background: what is not known is averaged as the training data were spread, exactly",
        )),
        (Body::Forest(_), None) => Err(AttributionError::NoCovers),
        (Body::Linear(linear), None) if linear.means.is_none() => Err(AttributionError::NoBackground { method: Method::Linear }),
        (Body::Linear(_), _) => Ok((Method::Linear, "a weighted sum: each weight times the distance from the mean, exactly")),
        (Body::Network(_), Some(_)) if model.features() <= exact::USUAL_FEATURES => {
            Ok((Method::Exact, "a network with few inputs: all subsets of them are tried, exactly"))
        }
        (Body::Network(_), Some(_)) => {
            Ok((Method::Permutation, "a network with many inputs: random orders of them are tried, with a standard error for each"))
        }
        (Body::Network(_), None) => {
            Ok((Method::IntegratedGradients, "a network without a background: gradients are followed from a row of zeros"))
        }
    }
}

/// Attributes every output of every row to the model's features, or to groups of them.
///
/// Exact attributions take up to 12 features when chosen for the caller and up to 16 when asked for.
pub fn attribute(model: &Model, rows: &Rows, request: &Request<'_>) -> Result<Attributions, AttributionError> {
    validate(model, rows, request)?;
    let method = match request.method {
        Some(method) => method,
        None => usual(model, request)?,
    };
    let needs = |needed: &'static str| AttributionError::NotForThisModel { method, needed, found: kind(model) };
    let background = request.background.filter(|rows| !rows.is_empty());
    let must = || background.ok_or(AttributionError::NoBackground { method });
    let singles = Groups::none(model.feature_names());
    let game = |background| Game {
        model,
        background,
        // Rescaling begins from margins.
        space: if request.space == Space::Probability { Space::Probability } else { Space::Margin },
        groups: request.groups.unwrap_or(&singles),
        budget: request.budget,
        threads: request.threads,
    };
    let (arithmetic, threads) = (request.arithmetic, request.threads.max(1));
    let mut found = match (method, &model.body) {
        (Method::PathDependent, Body::Forest(forest)) => path_dependent(forest, rows, arithmetic, threads)?,
        (Method::Interventional, Body::Forest(forest)) => interventional(forest, rows, must()?, arithmetic, threads)?,
        (Method::PathDependent | Method::Interventional, _) => return Err(needs("a forest")),
        (Method::Linear, Body::Linear(model)) => linear::linear(model, rows, background)?,
        (Method::Linear, _) => return Err(needs("a linear model")),
        (Method::Exact, _) => exact::exact(&game(must()?), rows)?,
        (Method::Permutation, _) => permutation::permutation(&game(must()?), rows, request.samples, request.seed)?,
        (Method::IntegratedGradients, Body::Network(network)) => {
            gradients::integrated_gradients(network, rows, background, request.samples)?
        }
        (Method::IntegratedGradients, _) => return Err(needs("a network")),
    };
    if let Some(groups) = request.groups
        && Groups::way(method) == groups::Way::Summed
    {
        found = groups.sum(&found);
    }
    if request.space != Space::Margin && found.space == Space::Margin {
        space::rescale(&mut found, model.link)?;
    }
    let all = &found;
    let numbers = |row: usize| all.predictions(row).iter().chain((0..all.outputs).flat_map(move |output| all.values(row, output)));
    match (0..all.rows()).find(|row| numbers(*row).any(|number| !number.is_finite())) {
        Some(row) => Err(AttributionError::NotANumber { row }),
        None => Ok(found),
    }
}

/// [`choose`], and for probabilities of several classes the methods that can give them.
fn usual(model: &Model, request: &Request<'_>) -> Result<Method, AttributionError> {
    let players = request.groups.map_or(model.features(), Groups::len);
    let of_game = if players <= exact::USUAL_FEATURES { Method::Exact } else { Method::Permutation };
    let of_classes = request.space == Space::Probability && matches!(model.link, Link::Softmax | Link::OneVersusAll);
    if of_classes && request.background.is_some_and(|rows| !rows.is_empty()) {
        return Ok(of_game);
    }
    match choose(model, request.background)?.0 {
        // Groups may make few of many.
        Method::Exact | Method::Permutation => Ok(of_game),
        method => Ok(method),
    }
}

fn kind(model: &Model) -> &'static str {
    match model.body {
        Body::Forest(_) => "a forest",
        Body::Linear(_) => "a linear model",
        Body::Network(_) => "a network",
    }
}

fn validate(model: &Model, rows: &Rows, request: &Request<'_>) -> Result<(), AttributionError> {
    let needed = model.features();
    let columns = |what, found| if found == needed { Ok(()) } else { Err(AttributionError::Columns { what, found, needed }) };
    columns("rows", rows.columns())?;
    if let Some(background) = request.background {
        columns("background's rows", background.columns())?;
    }
    if let Some(groups) = request.groups {
        columns("groups", groups.features())?;
    }
    let numbers = rows.len().saturating_mul(model.outputs()).saturating_mul(needed);
    if numbers > MOST_NUMBERS {
        let what = format!(
            "{} rows times {} outputs times {needed} features are {numbers} numbers; at most {MOST_NUMBERS} are attributed at once",
            rows.len(),
            model.outputs()
        );
        return Err(AttributionError::TooMuch { what });
    }
    if request.space != Space::Margin {
        space::check(model.link)?;
    }
    Ok(())
}
