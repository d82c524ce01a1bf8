//! A decision in words, and as the bars of a plot, from its numbers alone.
//!
//! Sentences follow fixed rules, so the same record always reads the same and nothing is said that the record does not
//! hold. Inputs and parameters of the reference steward have words of their own; any other is called by its label or
//! key. Markup, colours and sizes are left to the pages.

mod full;
mod numbers;

pub use full::{LIMITS, More, Paragraph, full};
pub use numbers::{amount, places, signed, value_text};
pub(super) use numbers::{amounts_apart, plural};

use super::decision::{DecisionRecord, InputAttribution};
use super::rule::{Limit, RuleOutcome};
use numbers::{short, spaced};
use serde::{Deserialize, Serialize};

/// At most so many reasons stand in the one line.
const REASONS: usize = 2;
/// An attribution smaller than this part of the largest is no reason worth a line.
const WORTH_SAYING: f64 = 0.15;

/// The decision in one line: what to do, and mainly why.
///
/// Such as "Raise mints offered from 18 to 25 a day, mainly because 97% of last week's mints were taken (+4.1) and 58
/// collectors were new (+2.0)."
pub fn one_line(record: &DecisionRecord) -> String {
    format!("{}, {}.", recommendation(record), reasons(record))
}

/// The decision in three lines: what and why, what the model expects, and how the rule makes a value of it.
pub fn three_lines(record: &DecisionRecord) -> [String; 3] {
    let unit = spaced(&record.output.unit);
    let counted = places(record);
    let expectation = format!(
        "{}: {:.counted$}{unit}, where {:.counted$} is usual{}.",
        record.output.label,
        record.output.value,
        record.baseline.value,
        against(record),
    );
    let outcome = record.rule.evaluate(record.output.value);
    let rule = format!("{} {}", sentence(&record.rule.text), rule_in_words(record, &outcome));
    [one_line(record), expectation, rule]
}

/// One bar of the waterfall from the baseline to the output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    pub name: String,
    pub label: String,
    /// The input's value as a reader would write it.
    pub value_text: String,
    pub attribution: f64,
    /// The running total before this input.
    pub start: f64,
    /// The running total after it.
    pub end: f64,
}

/// The way from the baseline to the output, largest attribution first.
pub fn waterfall(record: &DecisionRecord) -> Vec<Bar> {
    let mut total = record.baseline.value;
    by_magnitude(record)
        .into_iter()
        .map(|one| {
            let input = record.input(&one.name);
            let start = total;
            total += one.value;
            Bar {
                name: one.name.clone(),
                label: input.map_or_else(|| one.name.clone(), |input| input.label.clone()),
                value_text: input.map_or_else(String::new, value_text),
                attribution: one.value,
                start,
                end: total,
            }
        })
        .collect()
}

fn by_magnitude(record: &DecisionRecord) -> Vec<&InputAttribution> {
    let mut sorted: Vec<_> = record.attributions.iter().collect();
    sorted.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
    sorted
}

/// The parameter's name in a sentence, and what follows its value.
fn parameter(record: &DecisionRecord) -> (&str, &'static str) {
    match record.rule.parameter.as_str() {
        "mint.cadence" => ("mints offered", " a day"),
        "mint.price" => ("the mint price", " ETH"),
        "royalty" => ("the royalty", "%"),
        other => (other, ""),
    }
}

/// What to do, without a full stop: "Raise mints offered from 18 to 25 a day".
pub(super) fn recommendation(record: &DecisionRecord) -> String {
    let rule = &record.rule;
    let (name, unit) = parameter(record);
    let Some(change) = record.ruled_change() else {
        return format!("Keep {name} at {}{unit}", rule.current);
    };
    let direction = match (change.from.parse::<f64>(), change.to.parse::<f64>()) {
        (Ok(from), Ok(to)) if to > from => "Raise",
        (Ok(from), Ok(to)) if to < from => "Lower",
        (Ok(_), Ok(_)) => return format!("Keep {name} at {}{unit}", change.to),
        _ => "Change",
    };
    format!("{direction} {name} from {} to {}{unit}", change.from, change.to)
}

/// Which way the change goes, seen from the model's output: 1 up, -1 down, 0 neither.
fn direction(record: &DecisionRecord) -> f64 {
    let Some(change) = record.ruled_change() else {
        return 0.0;
    };
    let (Ok(from), Ok(to)) = (change.from.parse::<f64>(), change.to.parse::<f64>()) else {
        return 0.0;
    };
    if from == to || record.rule.factor == 0.0 { 0.0 } else { (to - from).signum() * record.rule.factor.signum() }
}

fn reasons(record: &DecisionRecord) -> String {
    let direction = direction(record);
    let sorted = by_magnitude(record);
    let largest = sorted.first().map_or(0.0, |one| one.value.abs());
    let chosen: Vec<String> = sorted
        .into_iter()
        // Without a direction the largest count, whichever way they push.
        .filter(|one| one.value != 0.0 && (direction == 0.0 || one.value.signum() == direction))
        .filter(|one| one.value.abs() >= WORTH_SAYING * largest && !vanishes(record, one))
        .take(REASONS)
        .map(|one| format!("{} ({})", fact(record, &one.name), signed(one.value, places(record))))
        .collect();
    if chosen.is_empty() {
        let places = places(record);
        let unit = spaced(&record.output.unit);
        return format!("because the model's usual answer is {:.places$}{unit}", record.baseline.value);
    }
    format!("mainly because {}", chosen.join(" and "))
}

/// The largest input that spoke against the change, if it is worth saying.
fn against(record: &DecisionRecord) -> String {
    let direction = direction(record);
    let sorted = by_magnitude(record);
    let largest = sorted.first().map_or(0.0, |one| one.value.abs());
    sorted
        .into_iter()
        .find(|one| one.value * direction < 0.0)
        .filter(|one| one.value.abs() >= WORTH_SAYING * largest && !vanishes(record, one))
        .map(|one| format!("; what speaks against it most is that {} ({})", fact(record, &one.name), signed(one.value, places(record))))
        .unwrap_or_default()
}

/// Whether nothing is left of an attribution at the digits that are shown.
fn vanishes(record: &DecisionRecord, one: &InputAttribution) -> bool {
    signed(one.value, places(record)) == signed(0.0, places(record))
}

/// What an input says, as a clause.
fn fact(record: &DecisionRecord, name: &str) -> String {
    let Some(input) = record.input(name) else {
        return name.to_owned();
    };
    let text = value_text(input);
    let Some(value) = input.value else {
        return format!("\u{201c}{}\u{201d} is not known", input.label);
    };
    let count = short(value);
    let one = value == 1.0;
    match name {
        "fill_7d" => format!("{text} of last week's mints were taken"),
        "mints_7d" if one => "1 token was minted last week".into(),
        "mints_7d" => format!("{count} tokens were minted last week"),
        "mints_prev_7d" if one => "1 token was minted the week before".into(),
        "mints_prev_7d" => format!("{count} tokens were minted the week before"),
        "new_collectors_7d" if one => "1 collector was new".into(),
        "new_collectors_7d" => format!("{count} collectors were new"),
        "transfers_7d" if one => "1 token changed hands".into(),
        "transfers_7d" => format!("{count} tokens changed hands"),
        "price_eth" => format!("a token costs {text}"),
        "cadence" if one => "1 a day is offered now".into(),
        "cadence" => format!("{count} a day are offered now"),
        _ => format!("\u{201c}{}\u{201d} is {text}", input.label),
    }
}

fn rule_in_words(record: &DecisionRecord, outcome: &RuleOutcome) -> String {
    let limit = match outcome.limited_by {
        None => String::new(),
        Some(Limit::Step) => format!(", the largest step of {} from {}", record.rule.max_step, record.rule.current),
        Some(Limit::Minimum) => ", the least that is allowed".into(),
        Some(Limit::Maximum) => ", the most that is allowed".into(),
        Some(Limit::NoOutput) => ", unchanged for want of an output".into(),
    };
    let computed = record.rule.factor * record.output.value + record.rule.offset;
    format!("That is {}, which gives {}{limit}.", short(computed), outcome.value)
}

/// A sentence's beginning as it stands within another.
pub(super) fn in_the_sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests;
