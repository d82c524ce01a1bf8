//! What is known about an input besides its value: how far it can reach, and what it may be changed to.

use super::decision::Input;
use super::model::Model;
use super::model::forest::{Forest, Node, Test};
use serde::{Deserialize, Serialize};

/// How far an input reaches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputRange {
    /// The model's name for it.
    pub name: String,
    pub label: String,
    pub unit: String,
    /// The lowest and highest value that make sense; also what a change or noise is measured by.
    pub low: f64,
    pub high: f64,
    /// Nothing can change it, nor is it measured with noise.
    pub immutable: bool,
    /// Only whole numbers make sense.
    pub whole: bool,
    /// Only whole multiples of this make sense; 0 where any number does.
    pub step: f64,
}

impl InputRange {
    /// A range for an input of which nothing else is known.
    ///
    /// A share reaches from 0 to 1, any other value from 0 to twice itself. Where that says nothing, because the value is
    /// 0 or not known, the range is that of the thresholds at which the model's trees split, or else from 0 to 1. An input
    /// is whole when its value is and the trees split it at whole and half numbers only, as they do between counts.
    pub fn of(input: &Input, model: &Model) -> Self {
        let feature = model.feature_names().iter().position(|name| *name == input.name);
        let thresholds = feature.zip(model.forest()).map(|(feature, forest)| thresholds(forest, feature)).unwrap_or_default();
        let is_share = input.unit.is_empty() && input.label.starts_with("Share of ");
        let (low, high) = match (input.value, thresholds.first(), thresholds.last()) {
            (value, _, _) if is_share && value.is_none_or(|value| (0.0..=1.0).contains(&value)) => (0.0, 1.0),
            (Some(value), _, _) if value != 0.0 => ((2.0 * value).min(0.0), (2.0 * value).max(0.0)),
            (_, Some(first), Some(last)) if *last > 0.0 || *first < 0.0 => (first.min(0.0), last.max(0.0)),
            _ => (0.0, 1.0),
        };
        let is_whole = |value: f64| value.fract() == 0.0;
        let whole = !is_share
            && input.value.is_none_or(is_whole)
            && !thresholds.is_empty()
            && thresholds.iter().all(|threshold| is_whole(2.0 * threshold));
        Self {
            name: input.name.clone(),
            label: input.label.clone(),
            unit: input.unit.clone(),
            low,
            high: if whole { high.ceil() } else { high },
            immutable: false,
            whole,
            step: 0.0,
        }
    }

    pub fn width(&self) -> f64 {
        self.high - self.low
    }

    /// The distance between values that make sense, where only some do.
    pub fn grid(&self) -> Option<f64> {
        if self.step > 0.0 { Some(self.step) } else { self.whole.then_some(1.0) }
    }

    /// The smallest value of at least this that makes sense.
    pub(super) fn at_least(&self, value: f64) -> f64 {
        let Some(grid) = self.grid() else { return value };
        // Division may land one multiple off.
        let count = (value / grid).round();
        [count - 1.0, count]
            .into_iter()
            .map(|count| multiple(count, grid))
            .find(|found| *found >= value)
            .unwrap_or(multiple(count + 1.0, grid))
    }

    /// The largest value of at most this that makes sense.
    pub(super) fn at_most(&self, value: f64) -> f64 {
        let Some(grid) = self.grid() else { return value };
        let count = (value / grid).round();
        [count + 1.0, count]
            .into_iter()
            .map(|count| multiple(count, grid))
            .find(|found| *found <= value)
            .unwrap_or(multiple(count - 1.0, grid))
    }

    /// The nearest value that makes sense.
    pub(super) fn nearest(&self, value: f64) -> f64 {
        let within = value.clamp(self.low, self.high);
        let snapped = self.grid().map_or(within, |grid| multiple((within / grid).round(), grid));
        if snapped > self.high {
            self.at_most(self.high)
        } else if snapped < self.low {
            self.at_least(self.low)
        } else {
            snapped
        }
    }
}

/// So many steps of a grid. Dividing by 10 000 gives the decimal a reader sees; multiplying by 0.0001 would not.
fn multiple(count: f64, grid: f64) -> f64 {
    let per_one = (1.0 / grid).round();
    let is_decimal = per_one >= 1.0 && (per_one * grid - 1.0).abs() < 1e-9;
    let found = if is_decimal { count / per_one } else { count * grid };
    // Not −0.
    found + 0.0
}

/// Every finite threshold at which a forest splits a feature, in rising order.
fn thresholds(forest: &Forest, feature: usize) -> Vec<f64> {
    let of = |node: &Node| match node {
        Node::Split(split) if split.feature as usize == feature => match split.test {
            Test::Below(threshold) if threshold.is_finite() => Some(threshold),
            _ => None,
        },
        _ => None,
    };
    let mut found: Vec<f64> = forest.nodes.iter().filter_map(of).collect();
    found.sort_by(f64::total_cmp);
    found.dedup();
    found
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in super::super) fn range(name: &str, low: f64, high: f64) -> InputRange {
        InputRange { name: name.into(), label: name.into(), unit: String::new(), low, high, immutable: false, whole: false, step: 0.0 }
    }

    #[test]
    fn values_are_moved_to_those_that_make_sense() {
        let price = InputRange { step: 0.0001, ..range("price", 0.0, 0.1) };
        assert_eq!([price.at_least(0.04661), price.at_most(0.04661), price.nearest(0.04664)], [0.0467, 0.0466, 0.0466]);
        assert_eq!([price.at_least(0.0003), price.at_most(0.0003)], [0.0003, 0.0003]);
        let count = InputRange { whole: true, ..range("count", 0.0, 9.5) };
        assert_eq!([count.at_least(-0.5), count.nearest(99.0), count.nearest(3.4)], [0.0, 9.0, 3.0]);
        let thirds = InputRange { step: 0.3, ..range("thirds", 0.0, 3.0) };
        assert_eq!(thirds.at_least(0.31), 0.6);
        assert_eq!(range("any", 0.0, 1.0).at_least(0.123), 0.123);
    }

    proptest! {
        #[test]
        fn a_moved_value_stays_on_its_side(value in -1e4..1e4f64, step in prop_oneof![Just(0.0001), Just(0.25), Just(1.0), Just(0.3), Just(7.0)]) {
            let range = InputRange { step, ..range("x", -1e4, 1e4) };
            let (below, above) = (range.at_most(value), range.at_least(value));
            prop_assert!(below <= value && value <= above && above - below <= step * 1.001, "{below} {value} {above}");
        }
    }
}
