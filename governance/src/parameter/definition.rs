//! What a parameter may be: its type, hard bounds, step, interval and lock.

use alloy_primitives::I256;
use serde::{Deserialize, Serialize};

use super::{Value, value::decimal_text};
use crate::{calendar::date_time, onchain::abi::ParameterRegistry as abi};

/// The seven types, after Art Blocks' post-mint parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Choice,
    Toggle,
    Integer,
    Decimal,
    Colour,
    Time,
    Text,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Choice => "choice",
            Self::Toggle => "toggle",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Colour => "colour",
            Self::Time => "time",
            Self::Text => "text",
        }
    }
}

/// A parameter's definition, as ratified. Bounds are raw integers: a decimal's are scaled by `10^decimals`.
///
/// The contract keeps int256; here they are `i128`, and a definition outside that range is refused when read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    pub kind: Kind,
    #[serde(default)]
    pub decimals: u8,
    /// Lowest raw value; for text, the shortest length in bytes.
    #[serde(with = "as_text")]
    pub min: i128,
    /// Highest raw value; for text, the greatest length in bytes.
    #[serde(with = "as_text")]
    pub max: i128,
    /// Greatest raw move in one change; 0 is no limit.
    #[serde(with = "as_text", default = "zero")]
    pub max_step: i128,
    /// Seconds that must pass between two changes.
    #[serde(default)]
    pub min_interval: u64,
    /// Unix second after which it can never change again; 0 is never.
    #[serde(default)]
    pub locked_after: u64,
    /// Range in which the guardian may act; `None` when it may not.
    #[serde(default)]
    pub guardian: Option<(String, String)>,
    #[serde(default)]
    pub unit: String,
    #[serde(default)]
    pub options: Vec<String>,
}

fn zero() -> i128 {
    0
}

/// i128 as a decimal string: JSON numbers stop being exact at 2^53.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &i128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i128, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// Why a change would not be accepted, with what was found and what was needed. The contract has an error of each kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{found} is outside {min} to {max}")]
    OutOfBounds { found: String, min: String, max: String },
    #[error("moving from {from} to {to} is more than the {step} allowed at once")]
    StepTooLarge { from: String, to: String, step: String },
    #[error("it may change again from {}, not before", date_time(*.0))]
    TooSoon(u64),
    #[error("it has been locked since {}", date_time(*.0))]
    Locked(u64),
    #[error("{0} is already its value")]
    Unchanged(String),
}

impl Definition {
    /// Whether `value` is inside the hard bounds.
    ///
    /// # Errors
    /// [`Refusal::OutOfBounds`] names the value and the bounds in display form.
    pub fn check_bounds(&self, value: &Value) -> Result<(), Refusal> {
        let raw = value.raw();
        if raw < self.min || raw > self.max {
            let measure = |raw: i128| match self.kind {
                Kind::Text => format!("{raw} bytes"),
                Kind::Time => date_time(raw.max(0) as u64),
                Kind::Choice => self.options.get(raw.max(0) as usize).cloned().unwrap_or_else(|| raw.to_string()),
                _ => decimal_text(raw, self.decimals),
            };
            let found = if self.kind == Kind::Text { measure(raw) } else { value.display(self) };
            return Err(Refusal::OutOfBounds { found, min: measure(self.min), max: measure(self.max) });
        }
        Ok(())
    }

    /// Whether the contract would accept a move from `current` (last changed at `changed_at`) to `value` at `now`.
    ///
    /// # Errors
    /// The first [`Refusal`] that the contract would meet.
    pub fn check(&self, value: &Value, current: &Value, changed_at: u64, now: u64) -> Result<(), Refusal> {
        if value == current {
            return Err(Refusal::Unchanged(value.display(self)));
        }
        if self.locked_after != 0 && now > self.locked_after {
            return Err(Refusal::Locked(self.locked_after));
        }
        if self.min_interval != 0 && now < now_allowed(changed_at, self.min_interval) {
            return Err(Refusal::TooSoon(now_allowed(changed_at, self.min_interval)));
        }
        self.check_bounds(value)?;
        if self.max_step > 0 && matches!(self.kind, Kind::Integer | Kind::Decimal | Kind::Time) {
            let step = value.raw().abs_diff(current.raw());
            if step > self.max_step.unsigned_abs() {
                return Err(Refusal::StepTooLarge {
                    from: current.display(self),
                    to: value.display(self),
                    step: decimal_text(self.max_step, self.decimals),
                });
            }
        }
        Ok(())
    }

    /// The bounds in words, for people.
    pub fn in_words(&self) -> String {
        let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
        let mut parts = vec![match self.kind {
            Kind::Choice => format!("one of {}", self.options.join(", ")),
            Kind::Toggle => "on or off".into(),
            Kind::Colour => "any colour".into(),
            Kind::Text => format!("{} to {} bytes of text", self.min, self.max),
            Kind::Time => format!("between {} and {}", date_time(self.min.max(0) as u64), date_time(self.max.max(0) as u64)),
            Kind::Integer | Kind::Decimal => {
                format!("between {} and {}{unit}", decimal_text(self.min, self.decimals), decimal_text(self.max, self.decimals))
            }
        }];
        if self.max_step > 0 {
            parts.push(format!("at most {}{unit} at a time", decimal_text(self.max_step, self.decimals)));
        }
        if self.min_interval > 0 {
            parts.push(match self.min_interval {
                86_400 => "at most once a day".into(),
                seconds if seconds % 86_400 == 0 => format!("at most once in {} days", seconds / 86_400),
                seconds => format!("at most once in {seconds} seconds"),
            });
        }
        if self.locked_after > 0 {
            parts.push(format!("fixed for good after {}", date_time(self.locked_after)));
        }
        parts.join(", ")
    }

    /// JSON Schema (draft 2020-12) of the value that engines receive.
    pub fn json_schema(&self) -> serde_json::Value {
        use serde_json::json;
        let number = |raw: i128| raw as f64 / 10f64.powi(self.decimals.into());
        match self.kind {
            Kind::Choice => json!({"type": "string", "enum": self.options}),
            Kind::Toggle => json!({"type": "boolean"}),
            Kind::Integer => json!({"type": "integer", "minimum": self.min as i64, "maximum": self.max as i64}),
            Kind::Decimal => {
                json!({"type": "number", "minimum": number(self.min), "maximum": number(self.max), "multipleOf": 10f64.powi(-i32::from(self.decimals))})
            }
            Kind::Colour => json!({"type": "string", "pattern": "^#[0-9A-F]{6}$"}),
            Kind::Time => json!({"type": "integer", "minimum": self.min as i64, "maximum": self.max as i64, "description": "unix seconds"}),
            Kind::Text => json!({"type": "string", "maxLength": self.max as i64}),
        }
    }

    /// The contract's form of this definition.
    pub fn to_abi(&self) -> abi::Definition {
        let word = |raw: i128| I256::try_from(raw).unwrap_or_default();
        let guardian =
            self.guardian.as_ref().and_then(|(low, high)| Some((low.parse::<i128>().ok()?, high.parse::<i128>().ok()?))).unwrap_or((1, 0));
        abi::Definition {
            kind: match self.kind {
                Kind::Choice => abi::ParameterType::Choice,
                Kind::Toggle => abi::ParameterType::Toggle,
                Kind::Integer => abi::ParameterType::Integer,
                Kind::Decimal => abi::ParameterType::Decimal,
                Kind::Colour => abi::ParameterType::Colour,
                Kind::Time => abi::ParameterType::Time,
                Kind::Text => abi::ParameterType::Text,
            },
            decimals: self.decimals,
            min: word(self.min),
            max: word(self.max),
            maxStep: alloy_primitives::U256::from(self.max_step.unsigned_abs()),
            minInterval: self.min_interval,
            lockedAfter: self.locked_after,
            guardianMin: word(guardian.0),
            guardianMax: word(guardian.1),
            unit: self.unit.clone(),
            options: self.options.clone(),
        }
    }

    /// Reads the contract's form; `None` for an unset type or numbers beyond `i128`.
    pub fn from_abi(found: &abi::Definition) -> Option<Self> {
        let kind = match found.kind {
            abi::ParameterType::Choice => Kind::Choice,
            abi::ParameterType::Toggle => Kind::Toggle,
            abi::ParameterType::Integer => Kind::Integer,
            abi::ParameterType::Decimal => Kind::Decimal,
            abi::ParameterType::Colour => Kind::Colour,
            abi::ParameterType::Time => Kind::Time,
            abi::ParameterType::Text => Kind::Text,
            _ => return None,
        };
        let number = |word: I256| i128::try_from(word).ok();
        let guardian = (number(found.guardianMin)?, number(found.guardianMax)?);
        Some(Self {
            kind,
            decimals: found.decimals,
            min: number(found.min)?,
            max: number(found.max)?,
            max_step: i128::try_from(found.maxStep).ok()?,
            min_interval: found.minInterval,
            locked_after: found.lockedAfter,
            guardian: (guardian.0 <= guardian.1).then(|| (guardian.0.to_string(), guardian.1.to_string())),
            unit: found.unit.clone(),
            options: found.options.clone(),
        })
    }
}

/// First moment at which a parameter changed at `changed_at` may change again.
pub fn now_allowed(changed_at: u64, min_interval: u64) -> u64 {
    changed_at.saturating_add(min_interval)
}
