//! The links from the record's seal to the recommended value, each with its checks and a sentence.

use super::blame::{Agreement, Blame, RuleBlame, blame_rule};
use super::recomputation::{Attempt, Explained, Explanation, Recomputation, recompute};
use super::{Check, Known, TOLERANCE};
use crate::explanation::attribution::Method;
use crate::explanation::decision::DecisionRecord;
use crate::explanation::links::{Link, LinkKind, LinkState};
use crate::explanation::summary::{amount, amounts_apart, in_the_sentence, plural};

/// A path of finitely many steps leaves a gap. Where nobody can walk it again, so much is allowed for.
const PATH_GAP: f64 = 1e-2;

/// From the record to the value, in order; the record's seal is still to be checked.
pub(super) fn links(record: &DecisionRecord, known: &Known<'_>) -> Vec<Link> {
    let attempt = recompute(record, known);
    let sum = Sum::of(record, &attempt);
    let output = match &attempt {
        Attempt::Done(done) => Some(done),
        _ => None,
    };
    let attributions = output_explained(&attempt).map(|explained| attribution_checks(record, output, explained));
    let rule = |output: f64| record.rule.evaluate(output).value;
    let to = record.ruled_change().map_or_else(|| record.rule.current.to_string(), |change| change.to.clone());
    let blame = Agreement {
        sum: sum.check.ok,
        output: output.map(|done| Check::close("output", record.output.value, done.output, done.tolerance()).ok),
        baseline: attributions.as_ref().map(|(baseline, _)| baseline.ok),
        attributions: attributions.as_ref().map(|(_, each)| each.iter().all(|check| check.ok)),
        rule_sides_with_sum: rule(sum.value) == to && rule(record.output.value) != to,
    }
    .blame();

    // Whoever altered the output alone left the change as it was; whoever altered both is still right by the rule.
    let right_output = output.map_or(sum.value, |done| done.output);
    let mut ruling = (record.output.value, blame_rule(record, record.output.value, known.carried));
    if blame.output && ruling.1 != RuleBlame::default() {
        ruling = (right_output, blame_rule(record, right_output, known.carried));
    }
    vec![
        Link::new(LinkKind::Record, LinkState::Unchecked, "Neither the record's digest nor its signature was checked.", Vec::new()),
        inputs_link(record, &attempt, blame),
        model_link(record, &attempt, blame),
        attributions_link(record, &attempt, blame, &sum, attributions),
        output_link(record, &attempt, blame, &sum),
        rule_link(record, ruling),
        value_link(record, ruling),
    ]
}

/// Says what came of the seal's checks.
pub(super) fn seal(link: &mut Link) {
    let of = |name: &str| link.checks.iter().find(|check| check.name == name);
    let (digest, signature) = (of("record digest"), of("signature"));
    link.state = if link.checks.iter().all(|check| check.ok) { LinkState::Holds } else { LinkState::Mismatch };
    link.sentence = match (digest.map(|check| check.ok), signature.map(|check| (check.ok, check.found.as_str()))) {
        (Some(false), Some((false, _))) => "The record is neither the one its digest names nor what its agent signed.".into(),
        (Some(false), _) => "The record is not the one its digest names.".into(),
        (_, Some((false, "no signature"))) => "The record is not signed.".into(),
        (_, Some((false, _))) => "The record is not what its agent signed for this registry.".into(),
        (Some(true), Some((true, _))) => "The record is the one its digest names, and its agent signed it.".into(),
        (None, Some((true, _))) => "The agent signed this record.".into(),
        (Some(true), None) => "The record is the one its digest names.".into(),
        (None, None) => link.sentence.clone(),
    };
}

/// Baseline and attributions against the output.
struct Sum {
    value: f64,
    check: Check,
}

impl Sum {
    fn of(record: &DecisionRecord, attempt: &Attempt) -> Self {
        let value = record.baseline.value + record.attributions.iter().map(|one| one.value).sum::<f64>();
        let (output, baseline) = (record.output.value, record.baseline.value);
        let path = Method::from_name(&record.method) == Some(Method::IntegratedGradients);
        let allowed = match attempt {
            Attempt::Done(done) => match explained(done) {
                Some(explained) => done.tolerance() + if path { explained.residual.abs() } else { 0.0 },
                None if path => done.tolerance() / TOLERANCE * PATH_GAP,
                None => done.tolerance(),
            },
            _ => (if path { PATH_GAP } else { TOLERANCE }) * output.abs().max(baseline.abs()).max(1.0),
        };
        Self { value, check: Check::close("additivity", output, value, allowed) }
    }
}

fn explained(done: &Recomputation) -> Option<&Explanation> {
    match &done.explained {
        Explained::As(explained) => Some(explained),
        _ => None,
    }
}

fn output_explained(attempt: &Attempt) -> Option<&Explanation> {
    match attempt {
        Attempt::Done(done) => explained(done),
        _ => None,
    }
}

/// The baseline's check, and those of all attributions.
fn attribution_checks(record: &DecisionRecord, done: Option<&Recomputation>, explained: &Explanation) -> (Check, Vec<Check>) {
    let tolerance = done.map_or(TOLERANCE, Recomputation::tolerance);
    let each = explained.values.iter().enumerate().map(|(feature, (name, found))| {
        let title = format!("attribution of {name}");
        match record.attributions.iter().find(|one| one.name == *name) {
            Some(one) => Check::close(title, one.value, *found, explained.allowed(feature, one, tolerance)),
            None => Check::new(title, "none", found.to_string(), false),
        }
    });
    (Check::close("baseline", record.baseline.value, explained.baseline, tolerance), each.collect())
}

/// Why the model was not asked, without a full stop.
fn not_asked(attempt: &Attempt) -> String {
    match attempt {
        Attempt::NoModel { why } => (*why).to_owned(),
        Attempt::OtherModel { .. } => "The model's file is not the one that the record names".into(),
        Attempt::OtherInputs { .. } => "The model takes other inputs".into(),
        Attempt::NoSuchOutput { why, .. } => why.clone(),
        Attempt::Done(_) => String::new(),
    }
}

fn inputs_link(record: &DecisionRecord, attempt: &Attempt, blame: Blame) -> Link {
    let link = |state, sentence: String, checks| Link::new(LinkKind::Inputs, state, sentence, checks);
    let names = || {
        let names = record.inputs.iter().map(|input| input.name.as_str()).collect::<Vec<_>>().join(", ");
        Check::new("inputs", names.clone(), names, true)
    };
    match attempt {
        Attempt::OtherInputs { check } => {
            link(LinkState::Mismatch, "The record's inputs are not those that the model takes.".into(), vec![check.clone()])
        }
        Attempt::Done(done) if blame.inputs => {
            let (recorded, found) = amounts_apart(record, record.output.value, done.output);
            let sentence = format!("From these inputs the model computes {found}, where the record says {recorded}.");
            let output = Check::new("output from these inputs", record.output.value.to_string(), done.output.to_string(), false);
            link(LinkState::Mismatch, sentence, vec![names(), output])
        }
        Attempt::Done(_) if blame.model => {
            link(LinkState::Unchecked, "The model names these inputs, but does not give the recorded numbers.".into(), vec![names()])
        }
        Attempt::Done(done) if blame.output && (blame.attributions || explained(done).is_none()) => link(
            LinkState::Unchecked,
            "The recorded numbers contradict each other, so they do not tell about the inputs.".into(),
            vec![names()],
        ),
        Attempt::Done(done) => {
            let count = record.inputs.len();
            let led_to = if blame.output { "attributions" } else { "output" };
            let unknown = record.inputs.iter().filter(|input| input.value.is_none()).count();
            let unknown = if unknown == 0 { String::new() } else { format!(", {unknown} of them not known") };
            let check = if blame.output {
                names()
            } else {
                Check::new("output from these inputs", record.output.value.to_string(), done.output.to_string(), true)
            };
            let sentence = format!("{}{unknown}, given to the model, lead to the recorded {led_to}.", plural(count, "input", "inputs"));
            let sentence = if count == 1 { sentence.replace(" lead to ", " leads to ") } else { sentence };
            let checks = if blame.output { vec![check] } else { vec![names(), check] };
            link(LinkState::Holds, sentence, checks)
        }
        other => link(LinkState::Unchecked, format!("They were not given to the model. {}.", not_asked(other)), Vec::new()),
    }
}

fn model_link(record: &DecisionRecord, attempt: &Attempt, blame: Blame) -> Link {
    let link = |state, sentence: String, checks| Link::new(LinkKind::Model, state, sentence, checks);
    let hash = || Check::new("model hash", record.model.sha256.as_str(), record.model.sha256.as_str(), true);
    match attempt {
        Attempt::OtherModel { check } => link(
            LinkState::Mismatch,
            "The model's file is not the one that the record names: its fingerprint differs.".into(),
            vec![check.clone()],
        ),
        Attempt::NoModel { why } => link(LinkState::Unchecked, format!("{why}."), Vec::new()),
        Attempt::Done(done) if blame.model => {
            let found = explained(done).map_or(f64::NAN, |explained| explained.baseline);
            let (recorded, shown) = amounts_apart(record, record.baseline.value, found);
            let sentence = format!(
                "The model starts from {shown} where the record says {recorded}, which depends on no input: another model was explained."
            );
            let check = Check::new("baseline of the model", record.baseline.value.to_string(), found.to_string(), false);
            link(LinkState::Mismatch, sentence, vec![hash(), check])
        }
        _ => link(LinkState::Holds, "The model's file has the fingerprint that the record names.".into(), vec![hash()]),
    }
}

fn attributions_link(record: &DecisionRecord, attempt: &Attempt, blame: Blame, sum: &Sum, compared: Option<(Check, Vec<Check>)>) -> Link {
    let link = |state, sentence: String, checks| Link::new(LinkKind::Attributions, state, sentence, checks);
    // A sum that the output spoils is shown with the output.
    let sums = || if sum.check.ok || blame.attributions { vec![sum.check.clone()] } else { Vec::new() };
    if let Attempt::Done(Recomputation { explained: Explained::OtherBackground { check }, .. }) = attempt {
        let sentence = "The background is not the one that the record names, so its baseline cannot be what they count from.";
        return link(LinkState::Mismatch, sentence.into(), [sums(), vec![check.clone()]].concat());
    }
    let (baseline, each) = match compared {
        Some((baseline, each)) if !blame.inputs && !blame.model => (baseline, each),
        _ if blame.attributions => {
            let (recorded, added) = amounts_apart(record, record.output.value, sum.value);
            let sentence = format!("Baseline and attributions add up to {added}, where the output is {recorded}.");
            return link(LinkState::Mismatch, sentence, sums());
        }
        _ => {
            let why = match attempt {
                Attempt::Done(_) if blame.inputs => "the inputs are not those they were computed from".into(),
                Attempt::Done(_) if blame.model => "the model is not the one they were computed from".into(),
                Attempt::Done(Recomputation { explained: Explained::Not { why }, .. }) => why.clone(),
                other => in_the_sentence(&not_asked(other)),
            };
            let add_up =
                if sum.check.ok { "They add up to the output, but were not computed again" } else { "They were not computed again" };
            return link(LinkState::Unchecked, format!("{add_up}: {why}."), sums());
        }
    };
    let checks = [sums(), vec![baseline.clone()], each.clone()].concat();
    if blame.attributions {
        let wrong: Vec<&str> = [&baseline].into_iter().chain(&each).filter(|check| !check.ok).map(|check| check.name.as_str()).collect();
        let (recorded, added) = amounts_apart(record, record.output.value, sum.value);
        let sentence = match wrong.as_slice() {
            [] => format!("Baseline and attributions add up to {added}, where the output is {recorded}."),
            [one] => format!("The {one} is not what the method gives for this model and these inputs."),
            [first, rest @ ..] => {
                format!("The {first} and {} more are not what the method gives for this model and these inputs.", rest.len())
            }
        };
        return link(LinkState::Mismatch, sentence, checks);
    }
    let Some(explained) = output_explained(attempt) else {
        return link(LinkState::Unchecked, "They were not computed again.".into(), checks);
    };
    let repeated = if explained.repeatable { ", to the last bit" } else { "" };
    let method = explained.method.record_name();
    let count = each.len();
    let verb = if count == 1 { "was" } else { "were" };
    let add_up = if sum.check.ok { " They add up to the output." } else { "" };
    let sentence = format!(
        "The baseline and {} {verb} computed again ({method}) and agree{repeated}.{add_up}",
        plural(count, "attribution", "attributions")
    );
    link(LinkState::Holds, sentence, checks)
}

fn output_link(record: &DecisionRecord, attempt: &Attempt, blame: Blame, sum: &Sum) -> Link {
    let link = |state, sentence: String, checks| Link::new(LinkKind::Output, state, sentence, checks);
    let recorded = record.output.value;
    match attempt {
        Attempt::NoSuchOutput { why, check: Some(check) } => link(LinkState::Mismatch, format!("{why}."), vec![check.clone()]),
        Attempt::Done(done) if blame.output => {
            let (shown, found) = amounts_apart(record, recorded, done.output);
            let sentence = format!("The model computes {found} from these inputs, where the record says {shown}.");
            let output = Check::new("output", recorded.to_string(), done.output.to_string(), false);
            let sums = if sum.check.ok || blame.attributions { None } else { Some(sum.check.clone()) };
            link(LinkState::Mismatch, sentence, [output].into_iter().chain(sums).collect())
        }
        _ if blame.output => {
            let (shown, added) = amounts_apart(record, recorded, sum.value);
            let sentence =
                format!("Baseline and attributions add up to {added}, which also leads to the change, where the record says {shown}.");
            link(LinkState::Mismatch, sentence, vec![sum.check.clone()])
        }
        Attempt::Done(_) if blame.inputs => {
            link(LinkState::Unchecked, "It was not compared: the inputs are not those it was computed from.".into(), Vec::new())
        }
        Attempt::Done(_) if blame.model => {
            link(LinkState::Unchecked, "It was not compared: the model is not the one it was computed with.".into(), Vec::new())
        }
        Attempt::Done(done) => {
            let check = Check::new("output", recorded.to_string(), done.output.to_string(), true);
            link(LinkState::Holds, format!("The model computes the recorded {}.", amount(record, recorded)), vec![check])
        }
        other => link(LinkState::Unchecked, format!("It was not computed again. {}.", not_asked(other)), Vec::new()),
    }
}

fn rule_link(record: &DecisionRecord, (output, blame): (f64, RuleBlame)) -> Link {
    let link = |state, sentence: String, checks| Link::new(LinkKind::Rule, state, sentence, checks);
    let given = record.rule.evaluate(output).value;
    let current = record.rule.current.to_string();
    let (from, to) = match record.ruled_change() {
        Some(change) => (change.from.clone(), change.to.clone()),
        None => (current.clone(), current.clone()),
    };
    if blame.rule {
        let (sentence, check) = if given != to {
            let sentence = format!("From {} the rule makes {given}, where {to} is recommended.", amount(record, output));
            (sentence, Check::new("rule", to, given, false))
        } else {
            let sentence = format!("The rule starts from {current}, where the change starts from {from}.");
            (sentence, Check::new("current value", from, current, false))
        };
        return link(LinkState::Mismatch, sentence, vec![check]);
    }
    if blame.value && given != to {
        let sentence = format!("From {} the rule makes {given}, within its limits.", amount(record, output));
        return link(LinkState::Holds, sentence, Vec::new());
    }
    let what = if record.ruled_change().is_some() { "as recommended" } else { "so nothing changes" };
    let sentence = format!("From {} the rule makes {given}, {what}.", amount(record, output));
    link(LinkState::Holds, sentence, vec![Check::new("rule", to, given, true)])
}

fn value_link(record: &DecisionRecord, (output, blame): (f64, RuleBlame)) -> Link {
    let link = |state, sentence: String, checks| Link::new(LinkKind::Value, state, sentence, checks);
    let given = record.rule.evaluate(output).value;
    let current = record.rule.current.to_string();
    let mut checks = Vec::new();
    let mut sentence = match record.ruled_change() {
        None => format!("{} stays at {current}.", record.rule.parameter),
        Some(change) if blame.rule => format!("{} is recommended; the rule is at fault, not the value.", change.to),
        Some(change) => format!("{} is to go from {} to {}, which is the rule's value.", change.key, change.from, change.to),
    };
    if let Some(change) = record.ruled_change().filter(|_| !blame.rule) {
        checks.push(Check::new("value", given.as_str(), change.to.as_str(), change.to == given));
        checks.push(Check::new("current value", current.as_str(), change.from.as_str(), change.from == current));
        if change.to != given {
            sentence = format!("{} is recommended, where the rule makes {given}.", change.to);
        } else if change.from != current {
            sentence = format!("The change starts from {}, where the parameter was {current}.", change.from);
        }
    }
    for change in record.changes.iter().filter(|change| change.key != record.rule.parameter) {
        checks.push(Check::new(format!("rule of {}", change.key), "a rule that gives it", change.to.as_str(), false));
        sentence = format!("No rule gives the change of {} to {}.", change.key, change.to);
    }
    let state = if checks.iter().all(|check| check.ok) { LinkState::Holds } else { LinkState::Mismatch };
    link(state, sentence, checks)
}
