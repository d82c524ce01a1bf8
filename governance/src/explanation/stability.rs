//! Whether small, realistic noise in the inputs changes the story.
//!
//! Every trial changes all known inputs a little, then asks the model, the rule and the attributions again. Inputs that
//! nothing can change have no noise; what was not known stays so.

use super::attribution::{Request, attribute};
use super::decision::DecisionRecord;
use super::model::{Model, Rows};
use super::random::Random;
use super::ranges::InputRange;
use super::setting::{Setting, SettingError, compare};
use serde::{Deserialize, Serialize};

/// The noise that is tried unless asked otherwise, as a part of each input's range.
pub const USUAL_NOISE: f64 = 0.02;
/// The most trials of one call.
pub const MOST_TRIALS: u32 = 100_000;

/// How inputs are disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Noise {
    /// Nearly normal, with this part of the range as its standard deviation.
    Normal(f64),
    /// Anything up to this part of the range, either way.
    Uniform(f64),
}

impl Noise {
    fn size(self) -> f64 {
        match self {
            Self::Normal(size) | Self::Uniform(size) => size,
        }
    }

    fn draw(self, random: &mut Random) -> f64 {
        match self {
            Self::Normal(size) => size * random.nearly_normal(),
            Self::Uniform(size) => size * (2.0 * random.unit() - 1.0),
        }
    }
}

/// What became of the recommendation and of the reasons under noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stability {
    /// How many noisy copies of the inputs were tried, and from which seed.
    pub trials: u32,
    pub seed: u64,
    /// The noise, as a part of each input's range (or of its size where no range is known).
    pub noise: f64,
    /// Trials that gave the same recommended value.
    pub same_value: u32,
    /// Trials that moved the parameter in the same direction, staying included.
    pub same_direction: u32,
    /// Trials in which the same input weighed most.
    pub same_main_reason: u32,
    /// Lowest and highest recommended value met.
    pub lowest: String,
    pub highest: String,
    /// Per input: the attribution's 5th and 95th percentile over the trials.
    pub bands: Vec<Band>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Band {
    pub name: String,
    pub label: String,
    pub attribution: f64,
    pub low: f64,
    pub high: f64,
}

/// How stable a decision is under nearly normal noise of [`USUAL_NOISE`].
pub fn of(record: &DecisionRecord, model: &Model, ranges: &[InputRange], trials: u32, seed: u64) -> Result<Stability, SettingError> {
    let setting = Setting::of(record, model, ranges)?;
    measure(&setting, Noise::Normal(USUAL_NOISE), trials, seed, &Request::default())
}

/// How stable a setting is; `request` says how to attribute. The same seed gives the same trials.
///
/// Bands come in the model's order. Lowest and highest include the recommendation without noise.
pub fn measure(setting: &Setting<'_>, noise: Noise, trials: u32, seed: u64, request: &Request<'_>) -> Result<Stability, SettingError> {
    if trials > MOST_TRIALS {
        return Err(SettingError::Trials { trials, most: MOST_TRIALS });
    }
    // The row itself comes first, so that one call attributes everything alike.
    let mut rows = Rows::one(&setting.row);
    let mut random = Random::new(seed);
    for _ in 0..trials {
        rows.push((0..setting.row.len()).map(|feature| disturbed(setting, feature, noise, &mut random)).collect::<Vec<_>>());
    }
    // Features are told one by one, whatever was asked.
    let found = attribute(setting.model, &rows, &Request { groups: None, ..request.clone() })?;

    let recommended: Vec<_> = rows.iter().map(|row| setting.recommended(setting.output_for(row))).collect();
    let direction = |row: usize| compare(recommended[row], setting.rule.current);
    let main_reason = |row: usize| {
        let values = found.values(row, setting.output);
        // The first of equals.
        (0..values.len()).rev().max_by(|a, b| values[*a].abs().total_cmp(&values[*b].abs()))
    };
    let first_reason = main_reason(0);
    let count = |same: &dyn Fn(usize) -> bool| (1..rows.len()).filter(|row| same(*row)).count() as u32;
    let band = |(feature, range): (usize, &InputRange)| {
        let attribution = found.values(0, setting.output)[feature];
        let mut over: Vec<f64> = (1..rows.len()).map(|row| found.values(row, setting.output)[feature]).collect();
        over.sort_by(f64::total_cmp);
        let percentile = |part: f64| {
            let rank = (part * over.len() as f64).ceil() as usize;
            over.get(rank.max(1) - 1).copied().unwrap_or(attribution)
        };
        Band { name: range.name.clone(), label: range.label.clone(), attribution, low: percentile(0.05), high: percentile(0.95) }
    };
    let extreme = |chosen: Option<&super::rule::Decimal>| chosen.map(ToString::to_string).unwrap_or_default();
    Ok(Stability {
        trials,
        seed,
        noise: noise.size(),
        same_value: count(&|row| recommended[row] == recommended[0]),
        same_direction: count(&|row| direction(row) == direction(0)),
        same_main_reason: count(&|row| main_reason(row) == first_reason),
        lowest: extreme(recommended.iter().min_by(|a, b| compare(**a, **b))),
        highest: extreme(recommended.iter().max_by(|a, b| compare(**a, **b))),
        bands: setting.ranges.iter().enumerate().map(band).collect(),
    })
}

/// An input's value with noise, among the values that make sense. A draw is made for every input, so that what becomes of
/// one does not depend on what is known of another.
fn disturbed(setting: &Setting<'_>, feature: usize, noise: Noise, random: &mut Random) -> f64 {
    let (value, range) = (setting.row[feature], &setting.ranges[feature]);
    let away = noise.draw(random) * range.width();
    if value.is_nan() || !setting.can_change(feature) {
        return value;
    }
    // A value outside of its range may stay there.
    let reach = InputRange { low: range.low.min(value), high: range.high.max(value), ..range.clone() };
    reach.nearest(value + away)
}

#[cfg(test)]
mod tests {
    use super::super::attribution::tests::{forest, linear_model};
    use super::super::model::Link;
    use super::super::ranges::tests::range;
    use super::super::rule::tests::cadence_rule;
    use super::super::rule::{Decimal, Rule};
    use super::*;
    use proptest::prelude::*;

    fn ranges(features: usize) -> Vec<InputRange> {
        (0..features).map(|at| range(&format!("f{at}"), -10.0, 10.0)).collect()
    }

    #[test]
    fn without_noise_nothing_changes() {
        let (model, rule) = (forest(3, 5, 4, 1), cadence_rule());
        let setting = Setting::new(&model, &rule, 0, vec![1.0, -2.0, f64::NAN], ranges(3)).unwrap();
        let found = measure(&setting, Noise::Uniform(0.0), 50, 7, &Request::default()).unwrap();
        assert_eq!([found.same_value, found.same_direction, found.same_main_reason], [50; 3]);
        assert_eq!(found.lowest, found.highest);
        assert!(found.bands.iter().all(|band| band.low == band.attribution && band.high == band.attribution));
    }

    #[test]
    fn bands_are_the_percentiles_of_the_noise() {
        // φ is the noise itself: uniform from −2 to 2, so its 5th and 95th percentile are ∓1.8.
        let model = linear_model(Link::Identity, vec![1.0, 0.0], vec![0.0], Some(vec![0.0, 0.0]));
        let rule =
            Rule { factor: 1.0, current: Decimal::new(0, 0), min: Decimal::new(-60, 0), max_step: Decimal::new(0, 0), ..cadence_rule() };
        let setting = Setting::new(&model, &rule, 0, vec![0.0, 3.0], ranges(2)).unwrap();
        let found = measure(&setting, Noise::Uniform(0.1), 20_000, 7, &Request::default()).unwrap();
        let band = &found.bands[0];
        assert!((band.low + 1.8).abs() < 0.03 && (band.high - 1.8).abs() < 0.03 && band.attribution == 0.0, "{band:?}");
        // Half of the outputs, −0.5 to 0.5 of −2 to 2, are a quarter: rounded to 0.
        assert!(found.same_value.abs_diff(5000) < 300, "{}", found.same_value);
        assert_eq!((found.lowest.as_str(), found.highest.as_str()), ("-2", "2"));
        assert_eq!(found.same_direction, found.same_value);
    }

    #[test]
    fn noise_keeps_to_what_makes_sense() {
        let (model, rule) = (forest(4, 1, 1, 0), cadence_rule());
        let mut ranges = ranges(4);
        ranges[0].whole = true;
        ranges[1].immutable = true;
        let setting = Setting::new(&model, &rule, 0, vec![3.0, 4.0, f64::NAN, 9.9], ranges).unwrap();
        let mut random = Random::new(1);
        for _ in 0..500 {
            let row: Vec<f64> = (0..4).map(|feature| disturbed(&setting, feature, Noise::Normal(0.5), &mut random)).collect();
            assert!(row[0].fract() == 0.0 && (-10.0..=10.0).contains(&row[0]));
            assert!(row[1] == 4.0 && row[2].is_nan() && (-10.0..=10.0).contains(&row[3]));
        }
    }

    #[test]
    fn too_many_trials_and_models_without_attributions_are_refused() {
        let (model, rule) = (linear_model(Link::Identity, vec![1.0], vec![0.0], None), cadence_rule());
        let setting = Setting::new(&model, &rule, 0, vec![1.0], ranges(1)).unwrap();
        let refused = measure(&setting, Noise::Normal(0.1), MOST_TRIALS + 1, 0, &Request::default()).unwrap_err();
        assert_eq!(refused.to_string(), "100001 trials are more than 100000");
        let refused = measure(&setting, Noise::Normal(0.1), 1, 0, &Request::default()).unwrap_err();
        assert!(matches!(refused, SettingError::Attribution(_)));
        let background = Rows::one(&[0.0]);
        let request = Request { background: Some(&background), ..Request::default() };
        assert!(measure(&setting, Noise::Normal(0.1), 1, 0, &request).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn a_seed_gives_one_answer_and_counts_are_of_trials(seed in any::<u64>(), trials in 0u32..60) {
            let (model, rule) = (forest(3, 5, 4, seed), cadence_rule());
            let setting = Setting::new(&model, &rule, 0, vec![1.0, -2.0, 0.5], ranges(3)).unwrap();
            let found = measure(&setting, Noise::Normal(0.1), trials, seed, &Request::default()).unwrap();
            prop_assert_eq!(&found, &measure(&setting, Noise::Normal(0.1), trials, seed, &Request::default()).unwrap());
            prop_assert!(found.same_value <= found.same_direction && found.same_direction <= trials);
            prop_assert!(found.bands.iter().all(|band| band.low <= band.high));
        }
    }
}
