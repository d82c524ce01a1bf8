//! Numbers as a reader would write them.

use crate::explanation::decision::{DecisionRecord, Input};

/// An input's value as a reader would write it: shares in per cent, with its unit.
pub fn value_text(input: &Input) -> String {
    match input.value {
        None => "not known".into(),
        Some(share) if is_share(input) => format!("{}%", short(share * 100.0)),
        Some(value) => format!("{}{}", short(value), spaced(&input.unit)),
    }
}

pub(super) fn is_share(input: &Input) -> bool {
    input.unit.is_empty() && input.label.starts_with("Share of ")
}

/// An attribution with its sign, to as many digits as the output's size makes meaningful.
pub fn signed(value: f64, places: usize) -> String {
    let digits = format!("{:.places$}", value.abs());
    let vanishes = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    match (vanishes, value < 0.0) {
        (true, _) => digits,
        (false, true) => format!("\u{2212}{digits}"),
        (false, false) => format!("+{digits}"),
    }
}

/// Digits after the point that are worth showing next to this record's output.
pub fn places(record: &DecisionRecord) -> usize {
    let scale = record.output.value.abs().max(record.baseline.value.abs());
    match scale {
        large if large >= 10.0 => 1,
        middle if middle >= 1.0 => 2,
        _ => 4,
    }
}

/// A number in the output's unit, to the digits that are worth showing.
pub fn amount(record: &DecisionRecord, value: f64) -> String {
    written(value, places(record)) + &spaced(&record.output.unit)
}

/// Two numbers that differ, with enough digits to see it.
pub(in crate::explanation) fn amounts_apart(record: &DecisionRecord, first: f64, second: f64) -> (String, String) {
    let most = 17;
    let places = (places(record)..most).find(|places| written(first, *places) != written(second, *places)).unwrap_or(most);
    let second = if second.is_finite() { written(second, places) + &spaced(&record.output.unit) } else { written(second, places) };
    (written(first, places), second)
}

/// So many digits after the point, with a minus that is one, and never minus zero.
fn written(value: f64, places: usize) -> String {
    if !value.is_finite() {
        return "no number".into();
    }
    let digits = format!("{:.places$}", value.abs());
    let vanishes = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if value < 0.0 && !vanishes { format!("\u{2212}{digits}") } else { digits }
}

/// A count with its noun: "1 input", "3 inputs".
pub(in crate::explanation) fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A number for a sentence: at most four digits after the point, and none that are zero at the end.
pub(in crate::explanation) fn short(value: f64) -> String {
    let places = match value.abs() {
        large if large >= 1000.0 => 0,
        middle if middle >= 10.0 => 1,
        small if small >= 1.0 => 2,
        _ => 4,
    };
    let text = format!("{value:.places$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    match text.strip_prefix('-') {
        Some("0") => "0".into(),
        Some(digits) => format!("\u{2212}{digits}"),
        None => text.into(),
    }
}

/// A unit as it follows its number.
pub(in crate::explanation) fn spaced(unit: &str) -> String {
    match unit {
        "" => String::new(),
        "%" => "%".into(),
        unit => format!(" {unit}"),
    }
}
