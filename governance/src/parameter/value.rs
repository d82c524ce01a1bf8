//! A value in its three forms: canonical bytes on chain, JSON for engines, text for people.

use alloy_primitives::{B256, I256};
use serde_json::Value as Json;

use super::{Definition, Kind};

/// A typed value. Decimals are scaled integers; how many places they have is in the [`Definition`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Index into the definition's options.
    Choice(u32),
    Toggle(bool),
    Integer(i128),
    Decimal(i128),
    /// 0xRRGGBB.
    Colour(u32),
    /// Unix seconds.
    Time(u64),
    Text(String),
}

/// A value that its definition cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error("{found} is not {needed}")]
    Malformed { found: String, needed: String },
}

fn malformed(found: impl std::fmt::Display, needed: impl Into<String>) -> ValueError {
    let mut found = found.to_string();
    if found.len() > 120 {
        found = found.chars().take(119).chain(['…']).collect();
    }
    ValueError::Malformed { found, needed: needed.into() }
}

impl Value {
    /// The integer that bounds speak of; for text, its length in bytes.
    pub fn raw(&self) -> i128 {
        match self {
            Self::Choice(index) => (*index).into(),
            Self::Toggle(on) => (*on).into(),
            Self::Integer(raw) | Self::Decimal(raw) => *raw,
            Self::Colour(rgb) => (*rgb).into(),
            Self::Time(at) => (*at).into(),
            Self::Text(text) => text.len() as i128,
        }
    }

    fn from_raw(definition: &Definition, raw: i128) -> Result<Self, ValueError> {
        let unreadable = || malformed(raw, format!("a {}", definition.kind.name()));
        Ok(match definition.kind {
            Kind::Choice => {
                Self::Choice(u32::try_from(raw).ok().filter(|index| (*index as usize) < definition.options.len()).ok_or_else(unreadable)?)
            }
            Kind::Toggle => match raw {
                0 => Self::Toggle(false),
                1 => Self::Toggle(true),
                _ => return Err(unreadable()),
            },
            Kind::Integer => Self::Integer(raw),
            Kind::Decimal => Self::Decimal(raw),
            Kind::Colour => Self::Colour(u32::try_from(raw).ok().filter(|rgb| *rgb <= 0xFF_FF_FF).ok_or_else(unreadable)?),
            Kind::Time => Self::Time(u64::try_from(raw).map_err(|_| unreadable())?),
            Kind::Text => return Err(unreadable()),
        })
    }

    /// The bytes that the contract stores and the set's hash covers: a 32-byte two's complement word, or UTF-8.
    pub fn canonical(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            other => B256::from(I256::try_from(other.raw()).unwrap_or_default().into_raw()).to_vec(),
        }
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// When the bytes are not of the definition's type.
    pub fn from_canonical(definition: &Definition, bytes: &[u8]) -> Result<Self, ValueError> {
        let shown = || alloy_primitives::hex::encode_prefixed(&bytes[..bytes.len().min(40)]);
        if definition.kind == Kind::Text {
            return String::from_utf8(bytes.to_vec()).map(Self::Text).map_err(|_| malformed(shown(), "UTF-8 text"));
        }
        let word: [u8; 32] = bytes.try_into().map_err(|_| malformed(shown(), "a 32-byte word"))?;
        let raw = i128::try_from(I256::from_be_bytes(word)).map_err(|_| malformed(shown(), "a number below 2^127"))?;
        Self::from_raw(definition, raw)
    }

    /// The value as engines receive it over OFREP. A decimal always has a fraction (`2.0`); integers beyond 2^53-1 are strings.
    pub fn to_json(&self, definition: &Definition) -> Json {
        match self {
            Self::Choice(_) | Self::Colour(_) => Json::String(self.display(definition)),
            Self::Toggle(on) => Json::Bool(*on),
            Self::Integer(raw) if raw.unsigned_abs() < 1 << 53 => Json::from(*raw as i64),
            Self::Integer(raw) => Json::String(raw.to_string()),
            Self::Decimal(raw) => decimal_text(*raw, definition.decimals)
                .parse::<f64>()
                .ok()
                .and_then(serde_json::Number::from_f64)
                .map_or(Json::Null, Json::Number),
            Self::Time(at) => Json::from(*at),
            Self::Text(text) => Json::String(text.clone()),
        }
    }

    /// Reads what [`Value::to_json`] wrote; bounds are not checked here.
    ///
    /// # Errors
    /// When the JSON is not of the definition's type.
    pub fn from_json(definition: &Definition, json: &Json) -> Result<Self, ValueError> {
        match (definition.kind, json) {
            (Kind::Toggle, Json::Bool(on)) => Ok(Self::Toggle(*on)),
            (Kind::Integer | Kind::Time, Json::Number(number)) if number.is_i64() || number.is_u64() => {
                Self::from_text(definition, &number.to_string())
            }
            (Kind::Decimal, Json::Number(number)) => {
                let scaled = number.as_f64().unwrap_or(f64::NAN) * 10f64.powi(definition.decimals.into());
                let nearest = scaled.round();
                if !nearest.is_finite()
                    || nearest.abs() >= 9_007_199_254_740_992.0
                    || (scaled - nearest).abs() > 1e-6 * nearest.abs().max(1.0)
                {
                    return Err(malformed(json, format!("a number with at most {} decimals", definition.decimals)));
                }
                Ok(Self::Decimal(nearest as i128))
            }
            (Kind::Choice | Kind::Colour | Kind::Text | Kind::Integer | Kind::Decimal, Json::String(text)) => {
                Self::from_text(definition, text)
            }
            _ => Err(malformed(json, format!("a {}", definition.kind.name()))),
        }
    }

    /// Reads what a person typed, or what [`Value::display`] wrote.
    ///
    /// # Errors
    /// Names what was typed and what the type needs.
    pub fn from_text(definition: &Definition, text: &str) -> Result<Self, ValueError> {
        let trimmed = text.trim();
        match definition.kind {
            Kind::Choice => definition
                .options
                .iter()
                .position(|option| option == trimmed)
                .map(|index| Self::Choice(index as u32))
                .ok_or_else(|| malformed(trimmed, format!("one of {}", definition.options.join(", ")))),
            Kind::Toggle => match trimmed {
                "true" | "on" | "1" => Ok(Self::Toggle(true)),
                "false" | "off" | "0" => Ok(Self::Toggle(false)),
                _ => Err(malformed(trimmed, "on or off")),
            },
            Kind::Integer => trimmed.parse().map(Self::Integer).map_err(|_| malformed(trimmed, "a whole number")),
            Kind::Time => trimmed.parse().map(Self::Time).map_err(|_| malformed(trimmed, "a time in unix seconds")),
            Kind::Decimal => parse_decimal(trimmed, definition.decimals)
                .map(Self::Decimal)
                .ok_or_else(|| malformed(trimmed, format!("a number with at most {} decimals", definition.decimals))),
            Kind::Colour => trimmed
                .strip_prefix('#')
                .filter(|hex| hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
                .and_then(|hex| u32::from_str_radix(hex, 16).ok())
                .map(Self::Colour)
                .ok_or_else(|| malformed(trimmed, "a colour such as #12324A")),
            Kind::Text => Ok(Self::Text(text.to_owned())),
        }
    }

    /// The value as people say it, with its unit: a time is a date. Not read back.
    pub fn in_words(&self, definition: &Definition) -> String {
        match self {
            Self::Time(at) => crate::calendar::date_time(*at),
            Self::Text(text) => format!("“{text}”"),
            _ if definition.unit.is_empty() => self.display(definition),
            _ => format!("{} {}", self.display(definition), definition.unit),
        }
    }

    /// The value for people, without its unit. [`Value::from_text`] reads it back.
    pub fn display(&self, definition: &Definition) -> String {
        match self {
            Self::Choice(index) => definition.options.get(*index as usize).cloned().unwrap_or_else(|| format!("option {index}")),
            Self::Toggle(on) => if *on { "on" } else { "off" }.into(),
            Self::Integer(raw) => raw.to_string(),
            Self::Decimal(raw) => decimal_text(*raw, definition.decimals),
            Self::Colour(rgb) => format!("#{rgb:06X}"),
            Self::Time(at) => at.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// `1234` with 2 places is `12.34`.
pub(crate) fn decimal_text(raw: i128, decimals: u8) -> String {
    if decimals == 0 {
        return raw.to_string();
    }
    let digits = format!("{:0>width$}", raw.unsigned_abs(), width = usize::from(decimals) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(decimals));
    format!("{}{whole}.{fraction}", if raw < 0 { "-" } else { "" })
}

fn parse_decimal(text: &str, decimals: u8) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) || fraction.len() > usize::from(decimals) {
        return None;
    }
    let raw: i128 = format!("{whole}{fraction:0<width$}", width = usize::from(decimals)).parse().ok()?;
    Some(if negative { -raw } else { raw })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(decimals: u8) -> Definition {
        Definition {
            kind: Kind::Decimal,
            decimals,
            min: -10_000_000,
            max: 10_000_000,
            max_step: 0,
            min_interval: 0,
            locked_after: 0,
            guardian: None,
            unit: String::new(),
            options: vec![],
        }
    }

    #[test]
    fn a_whole_decimal_keeps_its_fraction_in_json() {
        assert_eq!(Value::Decimal(20_000).to_json(&decimal(4)).to_string(), "2.0");
    }

    #[test]
    fn what_was_typed_wrongly_is_named() {
        let definition = Definition { kind: Kind::Choice, options: vec!["dawn".into(), "kelp".into()], max: 1, min: 0, ..decimal(0) };
        let refused = Value::from_text(&definition, "noon").unwrap_err();
        assert_eq!(refused.to_string(), "noon is not one of dawn, kelp");
    }

    proptest! {
        #[test]
        fn every_form_of_a_decimal_reads_back(raw in -10_000_000i128..10_000_000, decimals in 0u8..7) {
            let definition = decimal(decimals);
            let value = Value::Decimal(raw);
            prop_assert_eq!(&Value::from_text(&definition, &value.display(&definition)).unwrap(), &value);
            prop_assert_eq!(&Value::from_json(&definition, &value.to_json(&definition)).unwrap(), &value);
            prop_assert_eq!(&Value::from_canonical(&definition, &value.canonical()).unwrap(), &value);
        }

        #[test]
        fn no_input_makes_reading_panic(text in ".{0,64}", kind in 0usize..7) {
            let kinds = [Kind::Choice, Kind::Toggle, Kind::Integer, Kind::Decimal, Kind::Colour, Kind::Time, Kind::Text];
            let definition = Definition { kind: kinds[kind], options: vec!["a".into()], ..decimal(3) };
            if let Ok(value) = Value::from_text(&definition, &text) {
                let _ = (value.canonical(), value.to_json(&definition), definition.check_bounds(&value));
            }
            let _ = Value::from_canonical(&definition, text.as_bytes());
        }
    }
}
