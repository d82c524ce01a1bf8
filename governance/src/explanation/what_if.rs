//! Everything a page says about other inputs, computed in one go: by the bridge when it reads a record, and again, to the
//! last digit, by whoever recomputes it.

use super::counterfactual::{Counterfactual, nearest};
use super::decision::DecisionRecord;
use super::model::Model;
use super::ranges::InputRange;
use super::sensitivity::{Curve, curves};
use super::setting::{Setting, SettingError};
use super::stability::{self, Stability};
use serde::{Deserialize, Serialize};

/// Noisy copies of the inputs that are tried.
const TRIALS: u32 = 200;
/// What the noise is drawn from; any number does, as long as it is always the same.
const SEED: u64 = 0;
/// Counterfactuals that are worth a reader's time.
const MOST_COUNTERFACTUALS: usize = 3;

/// What other inputs would have led to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WhatIfs {
    /// How far each input can reach, in the model's order.
    pub ranges: Vec<InputRange>,
    /// One per input, in the model's order.
    pub curves: Vec<Curve>,
    /// The smallest change of several inputs, where it is smaller than any of one; then the smallest of single ones.
    pub counterfactuals: Vec<Counterfactual>,
    /// Whether the first of them is proven to be the smallest there is.
    pub proven: bool,
    pub stability: Option<Stability>,
}

/// Asks the model and the rule about other inputs than the record's.
pub fn what_ifs(record: &DecisionRecord, model: &Model) -> Result<WhatIfs, SettingError> {
    let ranges = Setting::of(record, model, &[])?.ranges;
    let nearest = nearest(record, model, &ranges)?;
    let proven = if nearest.several.is_some() { nearest.several_proven } else { nearest.single_proven && nearest.several_proven };
    let counterfactuals = nearest.several.into_iter().chain(nearest.single).take(MOST_COUNTERFACTUALS).collect();
    let curves = curves(record, model, &ranges)?;
    // Attributing hundreds of copies may be too much for some methods; the rest stands without.
    let stability = stability::of(record, model, &ranges, TRIALS, SEED).ok();
    Ok(WhatIfs { ranges, curves, counterfactuals, proven, stability })
}
