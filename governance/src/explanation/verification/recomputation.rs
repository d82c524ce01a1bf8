//! What the published model says about a record's inputs, or why it was not asked.

use super::{Check, Known, TOLERANCE};
use crate::explanation::attribution::{Arithmetic, Method, Request, attribute};
use crate::explanation::decision::{DecisionRecord, InputAttribution};
use crate::explanation::model::{Body, Model, Rows};
use alloy_primitives::hex;

/// Estimates may lie so many standard errors apart.
const STANDARD_ERRORS: f64 = 4.0;
/// The error a record claims for itself is believed up to so many times the one found here.
const BELIEVED: f64 = 4.0;
/// Integrated gradients of an unknown number of steps may lie so far apart, as a part of the numbers' size.
const STEPS_UNKNOWN: f64 = 1e-2;
/// The most walks of a tree (or evaluations, for other models) that one record may cost its verifiers.
const MOST_WORK: u64 = 200_000_000;

/// What came of asking the model.
pub(super) enum Attempt {
    /// There is no model, or nobody computed its hash.
    NoModel {
        why: &'static str,
    },
    /// The file is not the one the record names.
    OtherModel {
        check: Check,
    },
    /// The model and the record name different inputs.
    OtherInputs {
        check: Check,
    },
    /// The record does not say, or wrongly says, which of the model's outputs it is about.
    NoSuchOutput {
        why: String,
        check: Option<Check>,
    },
    Done(Recomputation),
}

/// The model's answer for the recorded inputs.
pub(super) struct Recomputation {
    pub output: f64,
    pub explained: Explained,
}

pub(super) enum Explained {
    /// The attributions could not be computed again.
    Not {
        why: String,
    },
    /// The background at hand is not the one the record names.
    OtherBackground {
        check: Check,
    },
    As(Explanation),
}

pub(super) struct Explanation {
    pub method: Method,
    pub baseline: f64,
    /// The model's features and their attributions.
    pub values: Vec<(String, f64)>,
    standard_errors: Option<Vec<f64>>,
    /// What the method itself leaves over.
    pub residual: f64,
    /// The same samples from the same seed by a model without transcendental functions: equal to the last bit.
    pub repeatable: bool,
    steps_unknown: bool,
}

impl Recomputation {
    /// How far numbers may lie apart. Only recomputed numbers count, so that a forged one cannot widen it.
    pub fn tolerance(&self) -> f64 {
        let mut scale = self.output.abs().max(1.0);
        if let Explained::As(explanation) = &self.explained {
            scale = explanation.values.iter().map(|(_, value)| value.abs()).fold(scale.max(explanation.baseline.abs()), f64::max);
        }
        TOLERANCE * scale
    }
}

impl Explanation {
    /// How far a recorded attribution of this feature may lie from the one found here.
    pub fn allowed(&self, feature: usize, recorded: &InputAttribution, tolerance: f64) -> f64 {
        if self.repeatable {
            return 0.0;
        }
        if self.steps_unknown {
            return tolerance / TOLERANCE * STEPS_UNKNOWN;
        }
        let Some(found) = self.standard_errors.as_ref().map(|errors| errors[feature]) else {
            return tolerance;
        };
        let claimed = recorded.standard_error.unwrap_or(found).min(BELIEVED * found);
        STANDARD_ERRORS * found.hypot(claimed) + tolerance
    }
}

/// Asks the model, if it is the right one.
pub(super) fn recompute(record: &DecisionRecord, known: &Known<'_>) -> Attempt {
    if let Some(found) = known.model_sha256.map(hex::encode).filter(|found| *found != record.model.sha256) {
        return Attempt::OtherModel { check: Check::new("model hash", record.model.sha256.as_str(), found, false) };
    }
    let Some(model) = known.model else {
        return Attempt::NoModel { why: "The model is not published" };
    };
    if known.model_sha256.is_none() {
        return Attempt::NoModel { why: "The fingerprint of the model's file was not computed" };
    }
    let names = model.feature_names();
    let given: Vec<&str> = record.inputs.iter().map(|input| input.name.as_str()).collect();
    if names.len() != given.len() || !names.iter().all(|name| given.contains(&name.as_str())) {
        return Attempt::OtherInputs { check: Check::new("inputs", names.join(", "), given.join(", "), false) };
    }
    let output = match output_of(record, model) {
        Ok(output) => output,
        Err(no_output) => return no_output,
    };
    let row: Vec<f64> = names.iter().map(|name| record.input(name).and_then(|input| input.value).unwrap_or(f64::NAN)).collect();
    Attempt::Done(Recomputation { output: model.predict(&row)[output], explained: explain(record, known, model, &row, output) })
}

fn output_of(record: &DecisionRecord, model: &Model) -> Result<usize, Attempt> {
    let names = model.output_names();
    match &record.output.name {
        // A model of one output may well have no name for it.
        None if names.len() == 1 => Ok(0),
        None => Err(Attempt::NoSuchOutput {
            why: format!("The model has {} outputs, and the record does not say which one it is about", names.len()),
            check: None,
        }),
        Some(name) => names.iter().position(|known| known == name).ok_or_else(|| Attempt::NoSuchOutput {
            why: format!("The model has no output named {name}"),
            check: Some(Check::new("output name", name.as_str(), names.iter().take(20).cloned().collect::<Vec<_>>().join(", "), false)),
        }),
    }
}

fn explain(record: &DecisionRecord, known: &Known<'_>, model: &Model, row: &[f64], output: usize) -> Explained {
    let not = |why: String| Explained::Not { why };
    let Some(method) = Method::from_name(&record.method) else {
        return not(format!("{} is not a method that can be computed here", record.method));
    };
    let needed = match method {
        Method::PathDependent => false,
        // Linear models may hold the means of their features.
        Method::Linear => record.baseline.background.is_some(),
        _ => true,
    };
    let background = match background(record, known, needed) {
        Ok(background) => background,
        Err(why) => return why,
    };
    let details = record.method_details.clone().unwrap_or_default();
    let standard = Request::default();
    let samples = details.samples.and_then(|samples| usize::try_from(samples).ok());
    let single = details.arithmetic.as_deref() == Some("single");
    let request = Request {
        method: Some(method),
        background,
        arithmetic: if single { Arithmetic::Single } else { Arithmetic::Double },
        samples: samples.unwrap_or(standard.samples),
        seed: details.seed.unwrap_or(standard.seed),
        ..standard
    };
    if let Err(why) = affordable(work(model, method, request.samples, background)) {
        return not(why);
    }
    let found = match attribute(model, &Rows::one(row), &request) {
        Ok(found) => found,
        Err(error) => return not(error.to_string()),
    };
    // Networks may use functions whose last bit differs from machine to machine.
    let deterministic = !matches!(model.body(), Body::Network(_));
    let sampled = method == Method::Permutation;
    Explained::As(Explanation {
        method,
        baseline: found.base_values[output],
        values: model.feature_names().iter().cloned().zip(found.values(0, output).iter().copied()).collect(),
        standard_errors: found.standard_errors(0, output).map(<[f64]>::to_vec),
        residual: found.residual(0, output),
        repeatable: sampled && deterministic && samples.is_some() && details.seed.is_some(),
        steps_unknown: method == Method::IntegratedGradients && samples.is_none(),
    })
}

fn background<'a>(record: &DecisionRecord, known: &Known<'a>, needed: bool) -> Result<Option<&'a Rows>, Explained> {
    if !needed {
        return Ok(None);
    }
    let not = |why: &str| Explained::Not { why: why.into() };
    let named = record.baseline.background.as_ref().ok_or_else(|| not("the record does not name the background its method needs"))?;
    if let Some(found) = known.background_sha256.map(hex::encode).filter(|found| *found != named.sha256) {
        return Err(Explained::OtherBackground { check: Check::new("background hash", named.sha256.as_str(), found, false) });
    }
    let rows = known.background.ok_or_else(|| not("the background is not published"))?;
    if known.background_sha256.is_none() {
        return Err(not("the fingerprint of the background was not computed"));
    }
    if rows.len() as u64 != named.rows {
        let check = Check::new("background rows", named.rows.to_string(), rows.len().to_string(), false);
        return Err(Explained::OtherBackground { check });
    }
    Ok(Some(rows))
}

/// Records come from strangers, and a server verifies each.
fn affordable(work: u64) -> Result<(), String> {
    if work <= MOST_WORK {
        return Ok(());
    }
    Err(format!("computing them again would take {work} steps, more than the {MOST_WORK} that are tried"))
}

/// About how many trees would be walked, or how often another model evaluated, at most.
fn work(model: &Model, method: Method, samples: usize, background: Option<&Rows>) -> u64 {
    let features = model.features() as u64;
    let rows = background.map_or(1, |rows| rows.len().max(1) as u64);
    let evaluations = match method {
        Method::PathDependent | Method::Linear => 1,
        Method::Interventional => rows,
        Method::IntegratedGradients => samples as u64,
        Method::Exact => rows.saturating_mul(1u64.checked_shl(model.features().min(63) as u32).unwrap_or(u64::MAX)),
        // Orders are rounded up to whole passes of pairs over the background.
        Method::Permutation => (samples as u64).saturating_add(rows.saturating_mul(4)).saturating_add(64).saturating_mul(features),
    };
    evaluations.saturating_mul(model.forest().map_or(1, |forest| forest.trees().max(1) as u64))
}

#[cfg(test)]
mod tests;
