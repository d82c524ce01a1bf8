//! The rule that turns a model's output into a parameter's value, stated so that anyone can evaluate it.
//!
//! `recommended = round(factor × output + offset)`, kept within the largest allowed step from the current value, then
//! within the parameter's bounds. After rounding everything is a whole number of the smallest unit, so that a value
//! is exactly the one the registry would store. The registry's own checks are left to it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The most digits after the point that a parameter may have.
pub const MAX_DECIMALS: u8 = 18;
/// The most digits a decimal may have in all.
const MAX_DIGITS: usize = 30;
/// Outputs beyond this are treated as this; every parameter's bounds are far inside.
const LARGEST: f64 = 1e15;

/// An exact decimal with a fixed number of digits after the point, such as `0.0400`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    scaled: i128,
    decimals: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a decimal such as 18 or 0.0400")]
pub struct NotADecimal {
    text: String,
}

impl Decimal {
    /// `scaled` units of the last of `decimals` digits after the point.
    pub fn new(scaled: i128, decimals: u8) -> Self {
        Self { scaled, decimals }
    }

    /// The value in units of its last digit: 400 for `0.0400`.
    pub fn scaled(&self) -> i128 {
        self.scaled
    }

    pub fn decimals(&self) -> u8 {
        self.decimals
    }

    /// Rounds half away from zero, judging the number by the shortest decimal that stands for it: what a reader sees
    /// printed is what is rounded.
    pub fn round(value: f64, decimals: u8) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let text = value.clamp(-LARGEST, LARGEST).to_string();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let kept = fraction.len().min(usize::from(decimals));
        let mut scaled: i128 = format!("{whole}{}", &fraction[..kept]).parse().ok()?;
        scaled *= power_of_ten(usize::from(decimals) - kept);
        if fraction.as_bytes().get(kept).is_some_and(|digit| *digit >= b'5') {
            scaled += 1;
        }
        Some(Self { scaled: if negative { -scaled } else { scaled }, decimals })
    }

    /// The same value with another number of digits after the point, rounded half away from zero where digits go.
    fn rescaled(self, decimals: u8) -> i128 {
        if decimals >= self.decimals {
            return self.scaled.saturating_mul(power_of_ten(usize::from(decimals - self.decimals)));
        }
        let divisor = power_of_ten(usize::from(self.decimals - decimals));
        let (whole, rest) = (self.scaled / divisor, self.scaled % divisor);
        if rest.abs() >= divisor - rest.abs() { whole + rest.signum() } else { whole }
    }
}

/// Saturates where 128 bits end; decimals in records stay far below.
fn power_of_ten(exponent: usize) -> i128 {
    u32::try_from(exponent).ok().and_then(|exponent| 10i128.checked_pow(exponent)).unwrap_or(i128::MAX)
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.scaled < 0 { "-" } else { "" };
        let width = usize::from(self.decimals) + 1;
        let digits = format!("{:0>width$}", self.scaled.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(self.decimals));
        if fraction.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fraction}") }
    }
}

impl FromStr for Decimal {
    type Err = NotADecimal;

    /// Reads the one spelling [`Display`](fmt::Display) writes: no plus, no leading zeros, no exponent, no `-0`.
    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        let refused = || NotADecimal { text: text.chars().take(40).collect() };
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        if whole.len() + fraction.len() > MAX_DIGITS || fraction.len() > usize::from(MAX_DECIMALS) {
            return Err(refused());
        }
        let digits = format!("{whole}{fraction}");
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refused());
        }
        let magnitude: i128 = digits.parse().map_err(|_| refused())?;
        let scaled = if text.starts_with('-') { -magnitude } else { magnitude };
        let decimal = Self { scaled, decimals: fraction.len() as u8 };
        if decimal.to_string() == text { Ok(decimal) } else { Err(refused()) }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How a model's output becomes the value of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Key of the parameter.
    pub parameter: String,
    /// The rule in one sentence.
    pub text: String,
    pub factor: f64,
    pub offset: f64,
    /// Digits after the point of the parameter and of the four values below.
    pub decimals: u8,
    pub current: Decimal,
    pub min: Decimal,
    pub max: Decimal,
    /// The largest step from `current`; 0 means that any step is allowed.
    pub max_step: Decimal,
}

/// What held the rule back from what the model alone would have recommended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    Step,
    Minimum,
    Maximum,
    /// The output was not a number, so nothing changes.
    NoOutput,
}

/// One line of the computation, for display.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleStep {
    pub label: String,
    pub value: String,
}

/// The value a rule arrives at, and how it got there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleOutcome {
    pub steps: Vec<RuleStep>,
    /// The recommended value, with exactly the rule's decimals.
    pub value: String,
    /// The last limit that changed the value.
    pub limited_by: Option<Limit>,
}

impl Rule {
    /// Applies the rule to a model's output, keeping every step.
    pub fn evaluate(&self, output: f64) -> RuleOutcome {
        let mut steps = Vec::new();
        let mut step = |label: String, value: String| steps.push(RuleStep { label, value });
        let decimal = |scaled: i128| Decimal::new(scaled, self.decimals).to_string();
        let mut limited_by = None;

        step("The model's output".into(), output.to_string());
        let multiplied = self.factor * output;
        if self.factor != 1.0 {
            step(format!("times {}", self.factor), multiplied.to_string());
        }
        let sum = multiplied + self.offset;
        if self.offset != 0.0 {
            let word = if self.offset < 0.0 { "less" } else { "plus" };
            step(format!("{word} {}", self.offset.abs()), sum.to_string());
        }

        let current = self.current.rescaled(self.decimals);
        let Some(rounded) = Decimal::round(sum, self.decimals) else {
            step("not a number, so the current value stays".into(), decimal(current));
            return RuleOutcome { steps, value: decimal(current), limited_by: Some(Limit::NoOutput) };
        };
        let mut value = rounded.scaled;
        step(format!("rounded to {}", digits(self.decimals)), decimal(value));

        let largest_step = self.max_step.rescaled(self.decimals);
        if largest_step > 0 {
            let near = value.clamp(current.saturating_sub(largest_step), current.saturating_add(largest_step));
            if near != value {
                value = near;
                limited_by = Some(Limit::Step);
                step(format!("at most {} away from {}", self.max_step, self.current), decimal(value));
            }
        }
        // Not `clamp`, which would panic on a rule whose bounds are crossed.
        let (min, max) = (self.min.rescaled(self.decimals), self.max.rescaled(self.decimals));
        for (limit, bound, outside, word) in [(Limit::Maximum, max, value > max, "at most"), (Limit::Minimum, min, value < min, "at least")]
        {
            if outside {
                value = bound;
                limited_by = Some(limit);
                step(format!("{word} {}", decimal(bound)), decimal(value));
            }
        }
        RuleOutcome { steps, value: decimal(value), limited_by }
    }
}

fn digits(decimals: u8) -> String {
    match decimals {
        0 => "a whole number".into(),
        1 => "1 digit after the point".into(),
        more => format!("{more} digits after the point"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in super::super) fn cadence_rule() -> Rule {
        Rule {
            parameter: "mint.cadence".into(),
            text: "Offer nine tokens for every ten we expect to be wanted.".into(),
            factor: 0.9,
            offset: 0.0,
            decimals: 0,
            current: Decimal::new(18, 0),
            min: Decimal::new(1, 0),
            max: Decimal::new(60, 0),
            max_step: Decimal::new(12, 0),
        }
    }

    fn price_rule() -> Rule {
        let amount = |text: &str| text.parse().unwrap();
        Rule {
            parameter: "mint.price".into(),
            factor: 1.0,
            offset: -0.01,
            decimals: 4,
            current: amount("0.0400"),
            min: amount("0.0050"),
            max: amount("0.5000"),
            max_step: amount("0.0200"),
            ..cadence_rule()
        }
    }

    #[test]
    fn an_output_becomes_a_value_step_by_step() {
        let outcome = cadence_rule().evaluate(27.4);
        assert_eq!(outcome.value, "25");
        assert_eq!(outcome.limited_by, None);
        let lines: Vec<_> = outcome.steps.iter().map(|s| (s.label.as_str(), s.value.as_str())).collect();
        assert_eq!(lines, [("The model's output", "27.4"), ("times 0.9", "24.66"), ("rounded to a whole number", "25")]);
    }

    #[test]
    fn a_large_step_is_shortened_and_says_so() {
        let outcome = cadence_rule().evaluate(90.0);
        assert_eq!((outcome.value.as_str(), outcome.limited_by), ("30", Some(Limit::Step)));
        let outcome = cadence_rule().evaluate(0.0);
        assert_eq!((outcome.value.as_str(), outcome.limited_by), ("6", Some(Limit::Step)));
    }

    #[test]
    fn bounds_come_after_the_step() {
        let near_the_floor = Rule { current: Decimal::new(4, 0), ..cadence_rule() };
        let outcome = near_the_floor.evaluate(-50.0);
        assert_eq!((outcome.value.as_str(), outcome.limited_by), ("1", Some(Limit::Minimum)));
        let labels: Vec<_> = outcome.steps.iter().map(|s| s.label.as_str()).collect();
        assert_eq!(labels[3..], ["at most 12 away from 4", "at least 1"]);
        let free = Rule { max_step: Decimal::new(0, 0), ..cadence_rule() };
        let outcome = free.evaluate(1e300);
        assert_eq!((outcome.value.as_str(), outcome.limited_by), ("60", Some(Limit::Maximum)));
    }

    #[test]
    fn decimals_keep_their_digits() {
        let outcome = price_rule().evaluate(0.05);
        assert_eq!(outcome.value, "0.0400");
        assert_eq!(outcome.steps[1].label, "less 0.01");
        assert_eq!(price_rule().evaluate(9.0).value, "0.0600");
        assert_eq!(price_rule().evaluate(-9.0).value, "0.0200");
    }

    #[test]
    fn without_an_output_nothing_changes() {
        let outcome = cadence_rule().evaluate(f64::NAN);
        assert_eq!((outcome.value.as_str(), outcome.limited_by), ("18", Some(Limit::NoOutput)));
        assert_eq!(cadence_rule().evaluate(f64::INFINITY).limited_by, Some(Limit::NoOutput));
    }

    #[test]
    fn halves_are_rounded_away_from_zero_as_printed() {
        let round = |value, decimals| Decimal::round(value, decimals).unwrap().to_string();
        assert_eq!(round(22.5, 0), "23");
        assert_eq!(round(-22.5, 0), "-23");
        assert_eq!(round(22.499_999_999_999_996, 0), "22");
        // The double nearest to 1.115 lies below it; a reader sees 1.115.
        assert_eq!(round(1.115, 2), "1.12");
        assert_eq!(round(-0.004, 2), "0.00");
        assert_eq!(round(0.1, 4), "0.1000");
        assert_eq!(round(1e-7, 4), "0.0000");
        assert_eq!(round(7.0, 18), "7.000000000000000000");
    }

    #[test]
    fn only_one_spelling_of_a_decimal_is_read() {
        for text in ["0", "18", "-3", "0.0400", "-0.5", "123456789012.000000000000000001"] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), text);
        }
        for text in ["", "+1", "01", "-0", "-0.00", "1.", ".5", "1e3", "0x1", " 1", "1 ", "1,5", "٣", "--1", "1.1.1"] {
            assert!(text.parse::<Decimal>().is_err(), "{text:?} was read");
        }
        assert!("1".repeat(31).parse::<Decimal>().is_err());
    }

    proptest! {
        #[test]
        fn a_decimal_survives_being_written_and_read(scaled in any::<i64>(), decimals in 0..=MAX_DECIMALS) {
            let decimal = Decimal::new(scaled.into(), decimals);
            prop_assert_eq!(decimal.to_string().parse::<Decimal>().unwrap(), decimal);
        }

        #[test]
        fn the_value_is_within_bounds_and_step_whatever_the_output(
            output in any::<f64>(), factor in -1e6..1e6f64, current in 1i128..60, step in 0i128..30,
        ) {
            let rule = Rule {
                factor, current: Decimal::new(current, 0), max_step: Decimal::new(step, 0), ..cadence_rule()
            };
            let value: i128 = rule.evaluate(output).value.parse().unwrap();
            prop_assert!((1..=60).contains(&value));
            prop_assert!(step == 0 || (value - current).abs() <= step);
        }

        #[test]
        fn rounding_stays_within_half_a_unit(value in -1e9..1e9f64, decimals in 0u8..5) {
            let rounded: f64 = Decimal::round(value, decimals).unwrap().to_string().parse().unwrap();
            // The difference of two floats of this size is itself only known to a few units in their last place.
            let half = 0.5 * 10f64.powi(-i32::from(decimals)) + 4.0 * f64::EPSILON * value.abs();
            prop_assert!((rounded - value).abs() <= half * (1.0 + 1e-9));
        }
    }
}
