//! A decision one can turn the knobs of: the model, the rule, the inputs as they were and how far each reaches.
//!
//! What-if questions ([`sensitivity`](super::sensitivity), [`counterfactual`](super::counterfactual),
//! [`stability`](super::stability)) are all asked of a setting.

use super::attribution::AttributionError;
use super::decision::DecisionRecord;
use super::model::Model;
use super::ranges::InputRange;
use super::rule::{Decimal, Rule};
use std::cmp::Ordering;

/// Why a what-if question cannot be asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettingError {
    #[error("the record does not say which of the model's outputs it is about; there are {outputs}")]
    NoOutput { outputs: String },
    #[error("the model's features are {needed}, and the inputs are {found}")]
    Inputs { needed: String, found: String },
    #[error("the model has no output number {output}; it has {outputs}")]
    Output { output: usize, outputs: usize },
    #[error("the range of {name} is from {low} to {high} in steps of {step}, which is none")]
    Range { name: String, low: f64, high: f64, step: f64 },
    #[error("{trials} trials are more than {most}")]
    Trials { trials: u32, most: u32 },
    #[error(transparent)]
    Attribution(#[from] AttributionError),
}

/// A model and a rule, applied to one row.
#[derive(Debug, Clone)]
pub struct Setting<'a> {
    pub model: &'a Model,
    pub rule: &'a Rule,
    /// Which of the model's outputs the rule is about.
    pub output: usize,
    /// The inputs as they were, in the model's order; NaN where one was not known.
    pub row: Vec<f64>,
    /// One per input, in the model's order.
    pub ranges: Vec<InputRange>,
}

/// Which of the model's outputs a record is about: the one it names, or the only one.
pub fn output_of(record: &DecisionRecord, model: &Model) -> Option<usize> {
    let names = model.output_names();
    match &record.output.name {
        // A model of one output may well have no name for it.
        None => (names.len() == 1).then_some(0),
        Some(name) => names.iter().position(|known| known == name),
    }
}

impl<'a> Setting<'a> {
    /// The setting of a published decision. Ranges are taken by name; inputs without one get [`InputRange::of`].
    pub fn of(record: &'a DecisionRecord, model: &'a Model, ranges: &[InputRange]) -> Result<Self, SettingError> {
        let names = model.feature_names();
        let inputs: Vec<_> = names.iter().filter_map(|name| record.input(name)).collect();
        if inputs.len() != names.len() || record.inputs.len() != names.len() {
            let given: Vec<&str> = record.inputs.iter().map(|input| input.name.as_str()).collect();
            return Err(SettingError::Inputs { needed: names.join(", "), found: given.join(", ") });
        }
        let range = |name: &str| ranges.iter().find(|range| range.name == name).cloned();
        Self::new(
            model,
            &record.rule,
            output_of(record, model).ok_or_else(|| SettingError::NoOutput { outputs: model.output_names().join(", ") })?,
            inputs.iter().map(|input| input.value.unwrap_or(f64::NAN)).collect(),
            inputs.iter().map(|input| range(&input.name).unwrap_or_else(|| InputRange::of(input, model))).collect(),
        )
    }

    /// A setting of any model and rule; `row` and `ranges` in the model's order.
    pub fn new(model: &'a Model, rule: &'a Rule, output: usize, row: Vec<f64>, ranges: Vec<InputRange>) -> Result<Self, SettingError> {
        let names = model.feature_names();
        if row.len() != names.len() || !ranges.iter().map(|range| &range.name).eq(names) {
            let given: Vec<&str> = ranges.iter().map(|range| range.name.as_str()).collect();
            return Err(SettingError::Inputs { needed: names.join(", "), found: given.join(", ") });
        }
        if output >= model.outputs() {
            return Err(SettingError::Output { output, outputs: model.outputs() });
        }
        let is_none = |range: &&InputRange| {
            let numbers = [range.low, range.high, range.step, range.width()];
            range.low > range.high || range.step < 0.0 || numbers.iter().any(|number| !number.is_finite())
        };
        if let Some(InputRange { name, low, high, step, .. }) = ranges.iter().find(is_none) {
            return Err(SettingError::Range { name: name.clone(), low: *low, high: *high, step: *step });
        }
        Ok(Self { model, rule, output, row, ranges })
    }

    /// The model's output for a row.
    pub fn output_for(&self, row: &[f64]) -> f64 {
        self.model.predict(row)[self.output]
    }

    /// What the rule makes of an output.
    pub fn recommended(&self, output: f64) -> Decimal {
        // The rule writes its value itself, with the rule's decimals.
        self.rule.evaluate(output).value.parse().unwrap_or(self.rule.current)
    }

    /// Whether an input can be changed at all.
    pub fn can_change(&self, feature: usize) -> bool {
        let range = &self.ranges[feature];
        !range.immutable && range.width() > 0.0
    }
}

/// Which of two decimals is larger, however many digits each has.
pub(super) fn compare(one: Decimal, other: Decimal) -> Ordering {
    let decimals = one.decimals().max(other.decimals());
    let scaled = |decimal: Decimal| {
        let tens = 10i128.checked_pow(u32::from(decimals - decimal.decimals())).unwrap_or(i128::MAX);
        decimal.scaled().saturating_mul(tens)
    };
    scaled(one).cmp(&scaled(other))
}

/// A decimal as a number, for drawing.
pub(super) fn number(decimal: Decimal) -> f64 {
    decimal.to_string().parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::super::decision::tests::record;
    use super::super::model::xgboost::tests::{model_file, read};
    use super::super::ranges::tests::range;
    use super::*;

    fn stump(feature: u32, threshold: f32) -> Vec<(i32, i32, u32, f32, bool, f32)> {
        vec![(1, 2, feature, threshold, true, 4.0), (-1, -1, 0, 1.0, false, 3.0), (-1, -1, 0, 2.0, false, 1.0)]
    }

    fn model() -> Model {
        let mut file = model_file(3, &[stump(0, 40.5), stump(1, 0.03), stump(2, 0.9)]);
        file["learner"]["feature_names"] = serde_json::json!(["new_collectors_7d", "price_eth", "fill_7d"]);
        read(&file).unwrap()
    }

    #[test]
    fn a_record_is_put_in_the_models_order_with_ranges_of_its_own() {
        let (record, model) = (record(), model());
        let given = range("price_eth", 0.0, 0.5);
        let setting = Setting::of(&record, &model, std::slice::from_ref(&given)).unwrap();
        assert_eq!(setting.row, [58.0, 0.04, 0.97]);
        assert_eq!(setting.ranges[1], given);
        let reach = |at: usize| (setting.ranges[at].low, setting.ranges[at].high, setting.ranges[at].whole);
        assert_eq!([reach(0), reach(2)], [(0.0, 116.0, true), (0.0, 1.0, false)]);
        assert_eq!(setting.ranges[0].label, "New collectors, last 7 days");
    }

    #[test]
    fn an_unknown_input_reaches_as_far_as_the_trees_ask() {
        let mut record = record();
        record.inputs[1].value = None;
        let model = model();
        let setting = Setting::of(&record, &model, &[]).unwrap();
        assert_eq!((setting.ranges[0].low, setting.ranges[0].high, setting.ranges[0].whole), (0.0, 41.0, true));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (mut other, model) = (record(), model());
        let backwards = Setting::of(&other, &model, &[range("price_eth", 1.0, 0.0)]).unwrap_err();
        assert_eq!(backwards.to_string(), "the range of price_eth is from 1 to 0 in steps of 0, which is none");
        let endless = Setting::of(&other, &model, &[range("price_eth", f64::NAN, 1.0)]);
        assert!(matches!(endless, Err(SettingError::Range { .. })));
        let setting = Setting::of(&other, &model, &[]).unwrap();
        let refused = Setting::new(&model, setting.rule, 1, setting.row.clone(), setting.ranges.clone()).unwrap_err();
        assert_eq!(refused, SettingError::Output { output: 1, outputs: 1 });
        other.inputs[0].name = "wind".into();
        assert!(Setting::of(&other, &model, &[]).unwrap_err().to_string().contains("the inputs are wind, "));
    }

    #[test]
    fn decimals_compare_by_what_they_stand_for() {
        let compared = |one: &str, other: &str| compare(one.parse().unwrap(), other.parse().unwrap());
        assert_eq!(compared("0.0400", "0.04"), Ordering::Equal);
        assert_eq!(compared("18", "17.9999"), Ordering::Greater);
        assert_eq!(compared("-1", "0.5"), Ordering::Less);
    }
}
