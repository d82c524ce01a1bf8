use super::*;
use crate::explanation::decision::tests::record;

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
    assert_eq!([short(27.0), short(0.04), short(-3.456), short(12_345.6), short(-0.00001)], ["27", "0.04", "\u{2212}3.46", "12346", "0"]);
    assert_eq!([signed(0.0, 1), signed(-0.01, 1), signed(-2.0, 1)], ["0.0", "0.0", "\u{2212}2.0"]);
}

#[test]
fn what_vanishes_at_the_shown_digits_is_no_reason() {
    let mut faint = record();
    for one in &mut faint.attributions {
        one.value /= 1000.0;
    }
    assert!(one_line(&faint).ends_with("because the model's usual answer is 22.1 tokens/day."));
    assert!(!three_lines(&faint)[1].contains("0.0"));
}

#[test]
fn one_of_a_thing_is_said_in_the_singular() {
    let mut one = record();
    one.inputs[1].value = Some(1.0);
    assert!(one_line(&one).contains("and 1 collector was new (+2.0)"));
    one.inputs[1].name = "cadence".into();
    one.attributions[1].name = "cadence".into();
    assert!(one_line(&one).contains("and 1 a day is offered now (+2.0)"));
}

#[test]
fn numbers_that_differ_are_shown_to_differ() {
    assert_eq!(amounts_apart(&record(), 27.4, 27.402), ("27.400".into(), "27.402 tokens/day".into()));
    assert_eq!(amounts_apart(&record(), 27.4, -3.0), ("27.4".into(), "\u{2212}3.0 tokens/day".into()));
    assert_eq!(amounts_apart(&record(), 27.4, f64::NAN), ("27.4".into(), "no number".into()));
    assert_eq!(amount(&record(), -0.001), "0.0 tokens/day");
}
