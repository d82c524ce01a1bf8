//! A decision in words, and as the bars of a plot, from its numbers alone.
//!
//! Sentences follow fixed rules, so the same record always reads the same and nothing is said that the record does not
//! hold. Inputs and parameters of the reference steward have words of their own; any other is called by its label or
//! key. Markup, colours and sizes are left to the pages.

use super::decision::{DecisionRecord, Input, InputAttribution};
use super::rule::{Limit, RuleOutcome};
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

/// An input's value as a reader would write it: shares in per cent, with its unit.
pub fn value_text(input: &Input) -> String {
    match input.value {
        None => "not known".into(),
        Some(share) if is_share(input) => format!("{}%", short(share * 100.0)),
        Some(value) => format!("{}{}", short(value), spaced(&input.unit)),
    }
}

fn is_share(input: &Input) -> bool {
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

fn recommendation(record: &DecisionRecord) -> String {
    let rule = &record.rule;
    let (name, unit) = match rule.parameter.as_str() {
        "mint.cadence" => ("mints offered", " a day"),
        "mint.price" => ("the mint price", " ETH"),
        "royalty" => ("the royalty", "%"),
        other => (other, ""),
    };
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
        .filter(|one| one.value.abs() >= WORTH_SAYING * largest)
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
        .filter(|one| one.value.abs() >= WORTH_SAYING * largest)
        .map(|one| format!("; what speaks against it most is that {} ({})", fact(record, &one.name), signed(one.value, places(record))))
        .unwrap_or_default()
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

/// At most four digits after the point, and none that are zero at the end.
fn short(value: f64) -> String {
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

fn spaced(unit: &str) -> String {
    match unit {
        "" => String::new(),
        "%" => "%".into(),
        unit => format!(" {unit}"),
    }
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::super::decision::tests::record;
    use super::*;

    #[test]
    fn a_raise_is_explained_by_what_pushed_up() {
        assert_eq!(
            one_line(&record()),
            "Raise mints offered from 18 to 25 a day, mainly because 97% of last week's mints were taken (+4.1) and 58 \
             collectors were new (+2.0)."
        );
    }

    #[test]
    fn three_lines_give_the_expectation_and_the_rule() {
        let [_, expectation, rule] = three_lines(&record());
        assert_eq!(
            expectation,
            "Demand expected next week: 27.4 tokens/day, where 22.1 is usual; what speaks against it most is that a \
             token costs 0.04 ETH (\u{2212}0.8)."
        );
        assert_eq!(rule, "Offer nine tokens for every ten we expect to be wanted. That is 24.7, which gives 25.");
    }

    #[test]
    fn a_lowering_is_explained_by_what_pushed_down() {
        let mut lower = record();
        lower.changes[0].to = "12".into();
        assert_eq!(one_line(&lower), "Lower mints offered from 18 to 12 a day, mainly because a token costs 0.04 ETH (\u{2212}0.8).");
    }

    #[test]
    fn with_nothing_pushing_that_way_the_usual_answer_is_the_reason() {
        let mut lower = record();
        lower.changes[0].to = "12".into();
        lower.attributions.truncate(2);
        assert!(one_line(&lower).ends_with("because the model's usual answer is 22.1 tokens/day."));
    }

    #[test]
    fn keeping_a_value_is_said_as_such() {
        let mut staying = record();
        staying.changes.clear();
        assert!(one_line(&staying).starts_with("Keep mints offered at 18 a day, mainly because 97%"));
    }

    #[test]
    fn a_limit_is_said_with_its_cause() {
        let mut far = record();
        far.output.value = 90.0;
        assert!(three_lines(&far)[2].ends_with("That is 81, which gives 30, the largest step of 12 from 18."));
    }

    #[test]
    fn unknown_inputs_and_parameters_go_by_their_own_names() {
        let mut other = record();
        other.rule.parameter = "swell".into();
        other.changes[0].key = "swell".into();
        other.inputs[0].name = "wind".into();
        other.attributions[0].name = "wind".into();
        other.inputs[1].value = None;
        assert_eq!(
            one_line(&other),
            "Raise swell from 18 to 25, mainly because \u{201c}Share of offered mints taken, last 7 days\u{201d} is 97% \
             (+4.1) and \u{201c}New collectors, last 7 days\u{201d} is not known (+2.0)."
        );
    }

    #[test]
    fn the_waterfall_leads_from_baseline_to_output_largest_first() {
        let bars = waterfall(&record());
        assert_eq!(bars.iter().map(|bar| bar.name.as_str()).collect::<Vec<_>>(), ["fill_7d", "new_collectors_7d", "price_eth"]);
        assert_eq!(bars[0].start, 22.1);
        assert!(bars.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert!((bars[2].end - 27.4).abs() < 1e-9);
        assert_eq!((bars[0].value_text.as_str(), bars[2].value_text.as_str()), ("97%", "0.04 ETH"));
    }

    #[test]
    fn numbers_are_short_and_minus_is_a_minus() {
        assert_eq!(
            [short(27.0), short(0.04), short(-3.456), short(12_345.6), short(-0.00001)],
            ["27", "0.04", "\u{2212}3.46", "12346", "0"]
        );
        assert_eq!([signed(0.0, 1), signed(-0.01, 1), signed(-2.0, 1)], ["0.0", "0.0", "\u{2212}2.0"]);
    }
}
