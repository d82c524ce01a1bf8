//! Invented explanations for tests: an agent that decides weekly how many tokens to offer, and every kind of nasty number.

use governance::explanation::{
    Bar,
    comparison::{ComparedInput, Comparison, Side},
    links::{Link, LinkKind, LinkState},
    overview::{DecisionPath, InputOverview, Overview, SwarmPoint},
    sensitivity::{Curve, CurvePoint},
    stability::{Band, Stability},
    track_record::{Outcome, TrackRecord},
    verification::Check,
};

use super::Contributions;

pub const WEEK: u64 = 7 * 86_400;
pub const START: u64 = 1_778_486_400;

pub const INPUTS: [(&str, &str, &str); 9] = [
    ("fill_7d", "Share of offered mints taken, last 7 days", ""),
    ("transfers_7d", "Tokens passed on, last 7 days", ""),
    ("new_collectors_7d", "New collectors, last 7 days", ""),
    ("mints_7d", "Tokens minted, last 7 days", ""),
    ("cadence", "Tokens offered a day now", "tokens/day"),
    ("price_eth", "Mint price", "ETH"),
    ("mints_prev_7d", "Tokens minted, the 7 days before", ""),
    ("listings", "Tokens listed for resale", ""),
    ("holders_top10", "Share held by the ten largest holders", ""),
];

pub fn contributions() -> Contributions {
    let parts = [
        ("20", -4.28),
        ("44", -0.609),
        ("7 tokens/day", 0.571),
        ("0.04 ETH", -0.445),
        ("12", 0.31),
        ("63%", -0.262),
        ("31", 0.118),
        ("5", -0.04),
        ("41%", 0.0),
    ];
    let labels = [1, 3, 4, 5, 2, 0, 6, 7, 8].map(|index| INPUTS[index]);
    let mut total = 15.4;
    let bars = parts
        .into_iter()
        .zip(labels)
        .map(|((value, attribution), (name, label, _))| {
            let start = total;
            total += attribution;
            bar(name, label, value, attribution, start)
        })
        .collect();
    Contributions { baseline: 15.4, output: total, unit: "tokens/day".into(), bars, link: None }
}

pub fn bar(name: &str, label: &str, value: &str, attribution: f64, start: f64) -> Bar {
    Bar { name: name.into(), label: label.into(), value_text: value.into(), attribution, start, end: start + attribution }
}

/// Bars of these sizes, one after the other.
pub fn bars(parts: &[f64]) -> Contributions {
    let mut total = 0.5;
    let bars: Vec<Bar> = parts
        .iter()
        .enumerate()
        .map(|(index, part)| {
            let start = total;
            total += part;
            bar(&format!("x{index}"), &format!("Input number {index}"), "3.2", *part, start)
        })
        .collect();
    Contributions { baseline: 0.5, output: total, unit: String::new(), bars, link: None }
}

/// The same noise every time, in −1 to 1.
pub fn noise(seed: u64) -> f64 {
    let mut bits = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits ^= bits >> 29;
    bits = bits.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits ^= bits >> 32;
    (bits % 20_001) as f64 / 10_000.0 - 1.0
}

pub fn overview(decisions: usize, inputs: usize) -> Overview {
    let name = |input: usize| INPUTS.get(input).map_or_else(|| format!("x{input}"), |one| one.0.to_owned());
    let label = |input: usize| INPUTS.get(input).map_or_else(|| format!("Input number {input}"), |one| one.1.to_owned());
    let relative = |decision: usize, input: usize| (noise((decision * 71 + input * 13) as u64) + 1.0) / 2.0;
    let attribution = |decision: usize, input: usize| {
        let weight = 4.0 / (1.0 + input as f64) * if input % 3 == 1 { -1.0 } else { 1.0 };
        let curve = (relative(decision, input) * 2.0 - 1.0) * weight;
        if input == 4 { curve.max(-0.1) } else { curve + 0.2 * weight * noise((decision * 7 + input) as u64) }
    };
    let mut list: Vec<InputOverview> = (0..inputs)
        .map(|input| {
            let points: Vec<SwarmPoint> = (0..decisions)
                .map(|decision| {
                    let known = !(input == 7 && decision % 5 == 0);
                    SwarmPoint {
                        decision,
                        attribution: attribution(decision, input),
                        value: known.then(|| (relative(decision, input) * 80.0).round()),
                        relative: known.then(|| relative(decision, input)),
                    }
                })
                .collect();
            let mean_magnitude = points.iter().map(|point| point.attribution.abs()).sum::<f64>() / decisions.max(1) as f64;
            InputOverview { name: name(input), label: label(input), unit: String::new(), mean_magnitude, points }
        })
        .collect();
    list.sort_by(|a, b| b.mean_magnitude.total_cmp(&a.mean_magnitude));
    let decisions = (0..decisions)
        .map(|decision| {
            let mut total = 15.4;
            let totals: Vec<f64> = list
                .iter()
                .rev()
                .map(|input| {
                    total += input.points[decision].attribution;
                    total
                })
                .collect();
            DecisionPath {
                digest: format!("0x{decision:064x}"),
                at: START + WEEK * decision as u64,
                label: format!("Offer {total:.0} a day"),
                baseline: 15.4,
                totals,
                output: total,
            }
        })
        .collect();
    Overview { unit: "tokens/day".into(), inputs: list, decisions }
}

pub fn curves() -> Vec<Curve> {
    let shapes: [(usize, f64, f64, f64, Option<f64>); 6] = [
        (0, 0.0, 1.0, 9.0, Some(0.63)),
        (1, 0.0, 60.0, -6.0, Some(20.0)),
        (2, 0.0, 90.0, 4.0, Some(12.0)),
        (5, 0.01, 0.2, -2.5, Some(0.04)),
        (7, 0.0, 40.0, -1.2, None),
        (8, 0.0, 1.0, 0.02, Some(0.41)),
    ];
    shapes
        .into_iter()
        .map(|(input, low, high, weight, at)| {
            let (name, label, unit) = INPUTS[input];
            let points = (0..=48)
                .map(|step| {
                    let part = f64::from(step) / 48.0;
                    let output = 10.3
                        + weight * ((part * 6.0).floor() / 6.0 - 0.4)
                        + 0.15 * weight * (part * 9.0).sin() * f64::from(u8::from(weight.abs() > 1.0));
                    let recommended = (output * 0.9).round().clamp(4.0, 19.0);
                    CurvePoint { value: low + (high - low) * part, output, recommended: recommended.to_string(), number: recommended }
                })
                .collect();
            Curve { name: name.into(), label: label.into(), unit: unit.into(), at, points }
        })
        .collect()
}

pub fn track_record() -> TrackRecord {
    let outcomes = (0..26)
        .map(|week| {
            let season = 14.0 + 5.0 * (week as f64 / 4.0).sin();
            let predicted = season + 1.6 * noise(week * 3 + 1);
            let observed = season * 1.05 - 0.8 + 1.8 * noise(week * 5 + 2);
            let known = week < 24 && week != 9;
            Outcome {
                digest: format!("0x{week:064x}"),
                at: START + WEEK * week,
                predicted,
                naive: Some(season + 3.0 * noise(week * 11)),
                observed: known.then_some(observed),
                why_not: (!known).then(|| if week == 9 { "mints were paused that week".into() } else { "the week is not over".into() }),
            }
        })
        .collect();
    TrackRecord {
        label: "Demand expected next week".into(),
        unit: "tokens/day".into(),
        outcomes,
        known: 23,
        bias: Some(-0.21),
        mean_absolute_error: Some(1.42),
        naive_absolute_error: Some(2.1),
        calibration_slope: Some(0.91),
        calibration_intercept: Some(1.05),
        within_claimed_error: Some(0.74),
        sentence: "Off by 1.4 tokens a day on average, where last week’s demand alone would have been off by 2.1.".into(),
    }
}

pub fn comparison() -> Comparison {
    let shares: [(usize, Option<f64>, Option<f64>); 7] = [
        (1, Some(-0.61), Some(0.12)),
        (0, Some(-0.04), Some(0.44)),
        (4, Some(0.09), Some(-0.02)),
        (5, Some(-0.07), None),
        (3, Some(-0.1), Some(-0.15)),
        (7, None, Some(-0.2)),
        (2, Some(0.05), Some(0.0)),
    ];
    let inputs = shares
        .into_iter()
        .map(|(input, first, second)| ComparedInput {
            name: INPUTS[input].0.into(),
            label: INPUTS[input].1.into(),
            first_value: first.map(|_| 20.0),
            second_value: second.map(|_| 22.0),
            first: first.map(|part| part * 7.0),
            second: second.map(|part| part * 3.0),
            first_share: first,
            second_share: second,
        })
        .collect();
    let side = |agent: &str, model: &str, output, recommended: &str| Side {
        agent: agent.into(),
        model: model.into(),
        output,
        baseline: 15.4,
        unit: "tokens/day".into(),
        recommended: recommended.into(),
    };
    Comparison {
        sentence:
            "They agree that too much is offered, and disagree on why: tokens passed on weigh most for one, the share taken for the other."
                .into(),
        first: side("Cadence steward", "demand 1.4", 10.3, "9"),
        second: side("Quiet keeper", "keeper 0.2", 12.8, "12"),
        inputs,
        rank_agreement: Some(0.2),
        same_sign: 2,
        shared: 5,
    }
}

pub fn stability() -> Stability {
    let bands = contributions()
        .bars
        .into_iter()
        .enumerate()
        .map(|(index, bar)| {
            let sway = 0.35 + 0.5 * noise(index as u64).abs();
            Band {
                name: bar.name,
                label: bar.label,
                attribution: bar.attribution,
                low: bar.attribution - sway,
                high: bar.attribution + sway * 0.8,
            }
        })
        .collect();
    Stability {
        trials: 200,
        seed: 7,
        noise: 0.05,
        same_value: 163,
        same_direction: 200,
        same_main_reason: 196,
        lowest: "8".into(),
        highest: "11".into(),
        bands,
    }
}

pub fn links() -> Vec<Link> {
    use LinkState::{Holds, Mismatch, Pending, Unchecked};
    let check = |name: &str, expected: &str, found: &str| Check {
        name: name.into(),
        expected: expected.into(),
        found: found.into(),
        ok: expected == found,
    };
    let of = |kind, state, sentence: &str, checks: Vec<Check>| Link { kind, state, sentence: sentence.into(), checks };
    vec![
        of(LinkKind::Record, Holds, "The proposal’s text names this record.", vec![check("digest", "0x51c9…e2", "0x51c9…e2")]),
        of(
            LinkKind::Inputs,
            Holds,
            "All nine inputs were read again at block 654.",
            vec![check("fill_7d", "0.63", "0.63"), check("price_eth", "0.04", "0.04")],
        ),
        of(
            LinkKind::Model,
            Holds,
            "The model’s file has the fingerprint that the record names.",
            vec![check("sha256", "77ab…10", "77ab…10")],
        ),
        of(LinkKind::Attributions, Holds, "Recomputed from the model; the largest difference is 2.1×10⁻⁹.", vec![]),
        of(LinkKind::Output, Mismatch, "The model gives another output than the record says.", vec![check("output", "10.3", "10.26")]),
        of(LinkKind::Rule, Holds, "The rule makes 9 of it.", vec![]),
        of(LinkKind::Value, Holds, "The proposal sets the value that the rule gave.", vec![]),
        of(LinkKind::Calldata, Unchecked, "The calls could not be read from this node.", vec![]),
        of(LinkKind::Executed, Pending, "Waits in the timelock for two more days.", vec![]),
        of(LinkKind::Engine, Pending, "Has not happened yet.", vec![]),
    ]
}
