//! What the art token's events say of demand: the inputs that stewards read, each with its source.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use serde::Serialize;

use super::Facts;
use crate::source::Source;

/// One measured input.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    pub name: String,
    pub label: String,
    pub value: f64,
    pub unit: String,
    /// CAIP-10 of the contract whose events it was counted from.
    pub source: String,
    /// `block N`.
    pub at: String,
}

const DAY: u64 = 86_400;

/// Name, label and unit of every input, and whether it is read from the registry rather than the art token.
pub const INPUTS: [(&str, &str, &str, bool); 7] = [
    ("fill_7d", "Share of offered mints taken, last 7 days", "", false),
    ("mints_7d", "Tokens minted, last 7 days", "", false),
    ("mints_prev_7d", "Tokens minted, the 7 days before", "", false),
    ("new_collectors_7d", "New collectors, last 7 days", "", false),
    ("transfers_7d", "Tokens passed on, last 7 days", "", false),
    ("price_eth", "Mint price", "ETH", true),
    ("cadence", "Tokens offered a day now", "tokens/day", true),
];

/// Measures an engine's demand as of `now` (chain time) and `block`.
pub fn observations(source: &Source, facts: &Facts, engine: &str, block: u64, now: u64) -> Option<Vec<Observation>> {
    let parameters = facts.engines.get(engine)?;
    let number = |key: &str| {
        let held = parameters.values.get(key)?;
        parameters.json(key, &held.bytes).as_f64()
    };
    let (cadence, price) = (number("mint.cadence")?, number("mint.price")?);
    let within = |at: u64, from: u64, to: u64| at > now.saturating_sub(from) && at <= now.saturating_sub(to);
    let minted =
        |from: u64, to: u64| facts.mints.iter().filter(|mint| within(mint.at, from, to)).map(|mint| mint.quantity).sum::<u64>() as f64;
    let week = minted(7 * DAY, 0);
    // What was offered: each of the last seven days at the cadence then in force.
    let cadence_at = |at: u64| {
        let revision = parameters.revisions.iter().rev().find(|revision| revision.moment.at <= at).or(parameters.revisions.first());
        revision
            .and_then(|revision| revision.values.get("mint.cadence"))
            .and_then(|held| parameters.json("mint.cadence", &held.bytes).as_f64())
            .unwrap_or(cadence)
    };
    let offered: f64 = (0..7).map(|day| cadence_at(now.saturating_sub(day * DAY))).sum();
    let new_collectors = {
        let recent: BTreeSet<Address> =
            facts.collectors.iter().filter(|(_, since)| within(**since, 7 * DAY, 0)).map(|(collector, _)| *collector).collect();
        recent.len() as f64
    };
    let transfers = facts.transfers.iter().filter(|at| within(**at, 7 * DAY, 0)).count() as f64;
    let art = source.art.map_or_else(String::new, |art| format!("{}:{art}", source.chain()));
    let registry = format!("{}:{}", source.chain(), source.registry);
    let round = |value: f64| (value * 10_000.0).round() / 10_000.0;
    let values = [
        if offered > 0.0 { (week / offered).min(1.0) } else { 0.0 },
        week,
        minted(14 * DAY, 7 * DAY),
        new_collectors,
        transfers,
        price,
        cadence,
    ];
    let observed = INPUTS.iter().zip(values).map(|((name, label, unit, of_registry), value)| Observation {
        name: (*name).into(),
        label: (*label).into(),
        value: round(value),
        unit: (*unit).into(),
        source: if *of_registry { registry.clone() } else { art.clone() },
        at: format!("block {block}"),
    });
    Some(observed.collect())
}
