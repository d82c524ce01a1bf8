//! A decision told in a handful of short paragraphs, and what no explanation of its kind can say.

use super::numbers::{amount, is_share, places, plural, short, spaced, value_text};
use super::{Limit, by_magnitude, fact, in_the_sentence, one_line, parameter, rule_in_words, sentence, signed, vanishes};
use crate::explanation::counterfactual::{Counterfactual, InputChange};
use crate::explanation::decision::{DecisionRecord, Input};
use crate::explanation::stability::Stability;
use crate::explanation::track_record::{TrackRecord, claimed_error};
use serde::{Deserialize, Serialize};

/// What no explanation of this kind says, however it was computed.
pub const LIMITS: [&str; 2] = [
    "It says how the model used what it was given, not what causes what: changing an input in the world need not change what happens the way \
     it changes the model's answer.",
    "It counts from a baseline that somebody chose, and inputs that move together can share the credit in more than one fair way.",
];

/// What is known besides the record. Whatever is missing is left out or said to be missing.
#[derive(Debug, Clone, Copy, Default)]
pub struct More<'a> {
    pub counterfactual: Option<&'a Counterfactual>,
    pub track_record: Option<&'a TrackRecord>,
    pub stability: Option<&'a Stability>,
}

/// A few sentences under a title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paragraph {
    pub title: String,
    pub text: String,
}

/// The whole story: what and why, what the model expected, what would have changed it, how sure it is, and what it
/// does not say.
pub fn full(record: &DecisionRecord, more: &More<'_>) -> Vec<Paragraph> {
    [
        ("What and why", what_and_why(record)),
        ("What the model expected", expected(record)),
        ("What would have changed it", would_change(record, more.counterfactual)),
        ("How sure it is", how_sure(record, more)),
        ("What this does not say", not_said(record)),
    ]
    .into_iter()
    .map(|(title, text)| Paragraph { title: title.into(), text })
    .collect()
}

fn what_and_why(record: &DecisionRecord) -> String {
    let outcome = record.rule.evaluate(record.output.value);
    let held = match outcome.limited_by {
        None | Some(Limit::NoOutput) => "",
        Some(Limit::Step | Limit::Minimum | Limit::Maximum) => " Without that limit the rule would have gone further.",
    };
    format!("{} {} {}{held}", one_line(record), sentence(&record.rule.text), rule_in_words(record, &outcome))
}

fn expected(record: &DecisionRecord) -> String {
    let (output, baseline) = (record.output.value, record.baseline.value);
    let difference = output - baseline;
    let usual = amount(record, baseline);
    let how_unusual = if amount(record, difference) == amount(record, 0.0) {
        format!("about as usual ({usual})")
    } else {
        let word = if difference > 0.0 { "more" } else { "less" };
        // A part of nothing, or of what may change sign, says nothing.
        let part =
            if baseline > 0.0 && output > 0.0 { format!(", or {}%,", short((difference / baseline).abs() * 100.0)) } else { String::new() };
        format!("{}{part} {word} than the usual {usual}", amount(record, difference.abs()))
    };
    let shown: Vec<String> = by_magnitude(record)
        .into_iter()
        .filter(|one| !vanishes(record, one))
        .take(3)
        .map(|one| format!("{} ({})", fact(record, &one.name), signed(one.value, places(record))))
        .collect();
    let moved = if shown.is_empty() { String::new() } else { format!(" What moved it most: {}.", shown.join("; ")) };
    let unknown = record.inputs.iter().filter(|input| input.value.is_none()).count();
    let unknown = match unknown {
        0 => String::new(),
        1 => " 1 input was not known.".into(),
        many => format!(" {many} inputs were not known."),
    };
    let label = record.output.label.trim_end_matches('.');
    format!("{label}: {}, {how_unusual}.{moved}{unknown}", amount(record, output))
}

fn would_change(record: &DecisionRecord, counterfactual: Option<&Counterfactual>) -> String {
    let Some(counterfactual) = counterfactual else {
        return "Nobody looked for a change of the inputs that would have led elsewhere.".into();
    };
    if counterfactual.changes.is_empty() {
        return "No change of the inputs was found that would have led elsewhere.".into();
    }
    let changes: Vec<String> = counterfactual.changes.iter().map(|change| changed(record, change)).collect();
    let (_, unit) = parameter(record);
    let led_to = format!("{}{unit} would have been recommended", counterfactual.recommended);
    format!("Had {}, {led_to}; the model would have said {}.", joined(&changes), amount(record, counterfactual.output))
}

fn changed(record: &DecisionRecord, change: &InputChange) -> String {
    let known = record.input(&change.name);
    let text = |value: Option<f64>| {
        let input = Input {
            name: change.name.clone(),
            label: known.map_or_else(|| change.label.clone(), |input| input.label.clone()),
            value,
            unit: change.unit.clone(),
            source: String::new(),
            at: String::new(),
        };
        // A share is short of digits as such: 96.97% and 97% should not read the same.
        match value {
            Some(value) if !is_share(&input) => format!("{}{}", short(value), spaced(&input.unit)),
            _ => value_text(&input),
        }
    };
    format!("\u{201c}{}\u{201d} been {} instead of {}", change.label, text(Some(change.to)), text(change.from))
}

fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [many @ .., last] => format!("{} and {last}", many.join(", ")),
    }
}

fn how_sure(record: &DecisionRecord, more: &More<'_>) -> String {
    let mut sentences = Vec::new();
    if let Some(error) = claimed_error(record) {
        let window = record.model.data_window.trim_end_matches('.');
        let on = if window.is_empty() { String::new() } else { format!(" (data: {window})") };
        sentences.push(format!("Its maker says that the model is off by {} on average{on}.", amount(record, error)));
    }
    match more.track_record {
        Some(track) => sentences.push(track.sentence.clone()),
        None => sentences.push("How earlier predictions turned out was not looked at.".into()),
    }
    match more.stability {
        Some(stability) => sentences.push(steady(stability)),
        None => sentences.push("Whether small errors of the inputs would matter was not tried.".into()),
    }
    if record.attributions.iter().any(|one| one.standard_error.is_some()) {
        let largest = record.attributions.iter().filter_map(|one| one.standard_error).fold(0.0, f64::max);
        sentences.push(format!("The attributions are estimates, with a standard error of at most {}.", amount_of_error(record, largest)));
    }
    sentences.join(" ")
}

/// To two digits that count, whatever the size: an error is small where the output is large.
fn amount_of_error(record: &DecisionRecord, error: f64) -> String {
    let places = if error > 0.0 { (1.0 - error.log10().floor()).clamp(0.0, 12.0) as usize } else { 0 };
    format!("{error:.places$}{}", spaced(&record.output.unit))
}

fn steady(stability: &Stability) -> String {
    let trials = stability.trials;
    if trials == 0 {
        return "Whether small errors of the inputs would matter was not tried.".into();
    }
    let noise = short(stability.noise * 100.0);
    let of = |count: u32| if count == trials { "all".to_owned() } else { format!("{count} of {trials}") };
    let range = if stability.lowest == stability.highest {
        format!("The value was always {}", stability.lowest)
    } else {
        format!("The value ran from {} to {}", stability.lowest, stability.highest)
    };
    format!(
        "With noise of {noise}% in the inputs, tried in {}, the value was the same in {}, the direction in {} and the main reason in {}. {range}.",
        plural(trials as usize, "trial", "trials"),
        of(stability.same_value),
        of(stability.same_direction),
        of(stability.same_main_reason),
    )
}

fn not_said(record: &DecisionRecord) -> String {
    let description = record.baseline.description.trim_end_matches('.');
    let mut text = LIMITS.join(" ");
    if !description.is_empty() {
        text.push_str(&format!(" Here the baseline is {}", in_the_sentence(description)));
        if let Some(background) = &record.baseline.background {
            text.push_str(&format!(", over {}", plural(usize::try_from(background.rows).unwrap_or(usize::MAX), "row", "rows")));
            let drawn = background.description.trim_end_matches('.');
            if !drawn.is_empty() {
                text.push_str(&format!(" ({})", in_the_sentence(drawn)));
            }
        }
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explanation::decision::Background;
    use crate::explanation::decision::tests::record;

    fn text(record: &DecisionRecord, more: &More<'_>, title: &str) -> String {
        full(record, more).into_iter().find(|paragraph| paragraph.title == title).unwrap().text
    }

    fn counterfactual() -> Counterfactual {
        Counterfactual {
            changes: vec![
                InputChange {
                    name: "fill_7d".into(),
                    label: "Share of offered mints taken, last 7 days".into(),
                    unit: String::new(),
                    from: Some(0.97),
                    to: 0.6,
                },
                InputChange { name: "price_eth".into(), label: "Mint price".into(), unit: "ETH".into(), from: None, to: 0.08 },
            ],
            output: 19.8,
            recommended: "18".into(),
            distance: 0.5,
        }
    }

    #[test]
    fn the_whole_story_has_five_short_paragraphs() {
        let story = full(&record(), &More::default());
        let titles: Vec<&str> = story.iter().map(|paragraph| paragraph.title.as_str()).collect();
        assert_eq!(
            titles,
            ["What and why", "What the model expected", "What would have changed it", "How sure it is", "What this does not say"]
        );
        for paragraph in &story {
            assert!(paragraph.text.ends_with('.') && !paragraph.text.contains("..") && !paragraph.text.contains("  "), "{paragraph:?}");
            assert!(paragraph.text.split_whitespace().count() < 90, "{paragraph:?}");
        }
        assert_eq!(
            story[0].text,
            "Raise mints offered from 18 to 25 a day, mainly because 97% of last week's mints were taken (+4.1) and 58 collectors were new \
             (+2.0). Offer nine tokens for every ten we expect to be wanted. That is 24.7, which gives 25."
        );
        assert_eq!(
            story[1].text,
            "Demand expected next week: 27.4 tokens/day, 5.3 tokens/day, or 24%, more than the usual 22.1 tokens/day. What moved it most: \
             97% of last week's mints were taken (+4.1); 58 collectors were new (+2.0); a token costs 0.04 ETH (\u{2212}0.8)."
        );
    }

    #[test]
    fn a_counterfactual_is_told_in_the_readers_units() {
        let counterfactual = counterfactual();
        let more = More { counterfactual: Some(&counterfactual), ..More::default() };
        assert_eq!(
            text(&record(), &more, "What would have changed it"),
            "Had \u{201c}Share of offered mints taken, last 7 days\u{201d} been 60% instead of 97% and \u{201c}Mint price\u{201d} been 0.08 ETH \
             instead of not known, 18 a day would have been recommended; the model would have said 19.8 tokens/day."
        );
    }

    #[test]
    fn how_sure_it_is_rests_on_trials_and_outcomes() {
        let stability = Stability {
            trials: 200,
            seed: 1,
            noise: 0.02,
            same_value: 170,
            same_direction: 200,
            same_main_reason: 199,
            lowest: "23".into(),
            highest: "26".into(),
            bands: vec![],
        };
        let track = crate::explanation::track_record::track_record(&[]);
        let more = More { stability: Some(&stability), track_record: Some(&track), counterfactual: None };
        assert_eq!(
            text(&record(), &more, "How sure it is"),
            "Its maker says that the model is off by 1.2 tokens/day on average (data: simulated). There are no predictions yet. With noise of \
             2% in the inputs, tried in 200 trials, the value was the same in 170 of 200, the direction in all and the main reason in 199 of \
             200. The value ran from 23 to 26."
        );
    }

    #[test]
    fn an_estimate_is_called_one() {
        let mut estimated = record();
        estimated.attributions[0].standard_error = Some(0.0213);
        assert!(text(&estimated, &More::default(), "How sure it is").ends_with("with a standard error of at most 0.021 tokens/day."));
    }

    #[test]
    fn what_is_not_said_names_the_baseline_that_was_chosen() {
        let mut chosen = record();
        chosen.baseline.background =
            Some(Background { sha256: "00".repeat(32), rows: 1, description: "The first week of the training data.".into() });
        let text = text(&chosen, &More::default(), "What this does not say");
        assert!(text.starts_with(LIMITS[0]) && text.contains(LIMITS[1]));
        assert!(text.ends_with(
            "Here the baseline is the model's mean prediction, weighted by training cover, over 1 row (the first week of the training data)."
        ));
    }

    #[test]
    fn an_answer_as_usual_is_called_that() {
        let mut usual = record();
        usual.output.value = 22.1;
        usual.inputs[2].value = None;
        let expected = text(&usual, &More::default(), "What the model expected");
        assert!(expected.starts_with("Demand expected next week: 22.1 tokens/day, about as usual (22.1 tokens/day)."), "{expected}");
        assert!(expected.ends_with("1 input was not known."), "{expected}");
    }
}
