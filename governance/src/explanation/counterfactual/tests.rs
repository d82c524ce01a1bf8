use super::super::attribution::tests::{forest, linear_model};
use super::super::model::Link;
use super::super::model::xgboost::tests::{model_file, read};
use super::super::ranges::tests::range;
use super::super::rule::Rule;
use super::super::rule::tests::cadence_rule;
use super::*;
use proptest::prelude::*;

fn whole(features: usize) -> Vec<InputRange> {
    (0..features).map(|at| InputRange { whole: true, ..range(&format!("f{at}"), -3.0, 3.0) }).collect()
}

/// A rule that leaves an output nearly as it is.
fn plain_rule(current: i128) -> Rule {
    Rule {
        factor: 1.0,
        current: Decimal::new(current, 0),
        min: Decimal::new(-1000, 0),
        max: Decimal::new(1000, 0),
        max_step: Decimal::new(0, 0),
        ..cadence_rule()
    }
}

fn any_goal() -> impl Strategy<Value = Goal> {
    let decimal = || (-25i128..25).prop_map(|value| Decimal::new(value, 0));
    prop_oneof![
        Just(Goal::DifferentValue),
        Just(Goal::OppositeDirection),
        Just(Goal::NoChange),
        decimal().prop_map(Goal::AtLeast),
        decimal().prop_map(Goal::AtMost),
    ]
}

/// The smallest distance over all rows of whole numbers that change at most so many inputs.
fn by_brute_force(setting: &Setting<'_>, goal: Goal, inputs: usize) -> Option<f64> {
    let search = Search::of(setting, goal);
    let mut best: Option<f64> = None;
    for code in 0..7usize.pow(4) {
        let row: Vec<f64> = (0..4).map(|at| (code / 7usize.pow(at) % 7) as f64 - 3.0).collect();
        let changed: Vec<usize> = (0..4).filter(|at| row[*at] != setting.row[*at]).collect();
        if changed.len() <= inputs
            && changed.iter().all(|at| setting.can_change(*at))
            && search.is_reached_by(setting.recommended(setting.output_for(&row)))
        {
            let distance = changed.iter().map(|at| search.distance(*at, row[*at])).sum::<f64>();
            best = Some(best.map_or(distance, |best| best.min(distance)));
        }
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_smaller_is_found_by_trying_everything(
        seed in any::<u64>(), row in prop::collection::vec((-3i8..=3).prop_map(f64::from), 4),
        current in -15i128..15, goal in any_goal(), inputs in 1usize..=3, fixed in 0usize..6,
    ) {
        let model = forest(4, 3, 3, seed);
        let rule = plain_rule(current);
        let mut ranges = whole(4);
        if let Some(range) = ranges.get_mut(fixed) {
            range.immutable = true;
        }
        let setting = Setting::new(&model, &rule, 0, row, ranges).unwrap();
        let found = search(&setting, goal, Limits { inputs, ..Limits::default() });
        prop_assert!(found.single_proven && found.several_proven);
        let expected = by_brute_force(&setting, goal, inputs);
        if found.already {
            prop_assert_eq!(expected, Some(0.0));
            return Ok(());
        }
        let distance = found.smallest().map(|found| found.distance);
        prop_assert!(match (distance, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
            (found, expected) => found == expected,
        }, "{distance:?} is not {expected:?}");
        prop_assert_eq!(found.single.first().map(|found| found.distance), by_brute_force(&setting, goal, 1));
        for found in found.single.iter().chain(&found.several) {
            // What is told is what the model and the rule say.
            let mut row = setting.row.clone();
            for change in &found.changes {
                let at = change.name[1..].parse::<usize>().unwrap();
                prop_assert_eq!(change.from, Some(row[at]));
                prop_assert!(at != fixed && (-3.0..=3.0).contains(&change.to) && change.to.fract() == 0.0);
                row[at] = change.to;
            }
            prop_assert_eq!(found.output, model.predict(&row)[0]);
            prop_assert_eq!(&found.recommended, &rule.evaluate(found.output).value);
        }
    }

    #[test]
    fn of_a_linear_model_the_change_is_found_to_the_digit(
        weights in prop::collection::vec(prop_oneof![-3.0..-0.5f64, 0.5..3.0f64], 3), least in 1i128..4,
    ) {
        let model = linear_model(Link::Identity, weights.clone(), vec![0.0], None);
        let rule = plain_rule(0);
        let ranges = (0..3).map(|at| range(&format!("f{at}"), -10.0, 10.0)).collect();
        let setting = Setting::new(&model, &rule, 0, vec![0.0; 3], ranges).unwrap();
        let found = search(&setting, Goal::AtLeast(Decimal::new(least, 0)), Limits::default());
        // Half of one below is rounded up to it.
        let largest = weights.iter().map(|weight| weight.abs()).fold(0.0, f64::max);
        let expected = (least as f64 - 0.5) / largest / 20.0;
        prop_assert!((found.single[0].distance - expected).abs() < 1e-9, "{} is not {expected}", found.single[0].distance);
        prop_assert!(!found.single_proven && !found.several_proven);
    }
}

#[test]
fn a_threshold_is_named_to_its_last_digit() {
    let nodes = vec![(1, 2, 0, 31.5, true, 4.0), (-1, -1, 0, 10.0, false, 3.0), (-1, -1, 0, 20.0, false, 1.0)];
    let model = read(&model_file(1, &[nodes])).unwrap();
    let rule = plain_rule(0);
    let change = |from: f64, range: InputRange| {
        let setting = Setting::new(&model, &rule, 0, vec![from], vec![range]).unwrap();
        search(&setting, Goal::DifferentValue, Limits::default()).single.first().map(|found| found.changes[0].to)
    };
    let free = || range("f0", 0.0, 100.0);
    assert_eq!(change(20.0, free()), Some(31.5));
    assert_eq!(change(40.0, free()), Some(f64::from(31.5f32.next_down())));
    assert_eq!(change(40.0, InputRange { whole: true, ..free() }), Some(31.0));
    assert_eq!(change(20.0, InputRange { step: 0.2, ..free() }), Some(31.6));
    assert_eq!(change(20.0, InputRange { high: 31.0, ..free() }), None);
    assert_eq!(change(20.0, InputRange { immutable: true, ..free() }), None);
    // From an unknown value, any change counts as the whole range.
    assert_eq!(change(f64::NAN, free()), Some(31.5));
}

#[test]
fn what_no_input_can_do_alone_several_do_together() {
    // Each of three inputs adds 10 from 1 on.
    let stump = |feature| vec![(1, 2, feature, 1.0, true, 2.0), (-1, -1, 0, 0.0, false, 1.0), (-1, -1, 0, 10.0, false, 1.0)];
    let model = read(&model_file(3, &[stump(0), stump(1), stump(2)])).unwrap();
    let rule = plain_rule(0);
    let mut ranges: Vec<_> = (0..3).map(|at| range(&format!("f{at}"), 0.0, 10.0)).collect();
    ranges[1].high = 5.0;
    let setting = Setting::new(&model, &rule, 0, vec![0.0; 3], ranges).unwrap();
    let of = |least, inputs| search(&setting, Goal::AtLeast(Decimal::new(least, 0)), Limits { inputs, ..Limits::default() });
    let two = of(20, 3);
    assert!(two.single.is_empty() && two.several_proven);
    let several = two.several.unwrap();
    assert_eq!(several.changes.iter().map(|change| (change.name.as_str(), change.to)).collect::<Vec<_>>(), [("f0", 1.0), ("f2", 1.0)]);
    assert_eq!((several.distance, several.recommended.as_str()), (0.2, "21"));
    assert_eq!(of(30, 3).several.unwrap().changes.len(), 3);
    assert_eq!(of(30, 2).several, None);
    assert_eq!(of(10, 3).several, None, "one input is enough");
}

#[test]
fn a_search_cut_short_says_so() {
    let model = forest(8, 40, 6, 3);
    let rule = plain_rule(0);
    let ranges: Vec<_> = whole(8);
    let setting = Setting::new(&model, &rule, 0, vec![0.0; 8], ranges).unwrap();
    let goal = Goal::AtLeast(Decimal::new(60, 0));
    let short = search(&setting, goal, Limits { inputs: 3, budget: 400 });
    assert!(short.single_proven && !short.several_proven, "{short:?}");
    let long = search(&setting, goal, Limits { inputs: 3, budget: 100_000_000 });
    assert!(long.several_proven);
}
