//! What came of a prediction, as far as the chain shows it.
//!
//! A model that predicts how many tokens are wanted a day is compared with how many were minted in the week after its
//! decision. Where nearly all that was offered went, more may have been wanted than the chain can show, and nothing is
//! claimed to be observed.

use governance::explanation::{DecisionRecord, track_record::Outcome};

use super::{Decided, Facts, Reading};

const DAY: u64 = 86_400;
/// How long after a decision its prediction is about.
const HORIZON: u64 = 7 * DAY;
/// From this share of the offer on, a week counts as sold out.
const SOLD_OUT: f64 = 0.97;

/// Whether the record predicts daily demand for the tokens of an engine, and of which.
fn demand_of(record: &DecisionRecord) -> Option<&str> {
    let about = record.rule.parameter == "mint.cadence" && record.output.unit == "tokens/day";
    about.then(|| record.changes.first().map(|change| change.engine.as_str())).flatten()
}

/// Tokens minted and tokens offered in the week after `from`.
fn week(facts: &Facts, engine: &str, from: u64) -> Option<(f64, f64)> {
    let engine = facts.engines.get(engine)?;
    let minted: u64 = facts.mints.iter().filter(|mint| mint.at > from && mint.at <= from + HORIZON).map(|mint| mint.quantity).sum();
    let cadence = |at: u64| {
        let revision = engine.revisions.iter().rev().find(|revision| revision.moment.at <= at)?;
        engine.json("mint.cadence", &revision.values.get("mint.cadence")?.bytes).as_f64()
    };
    let offered: f64 = (0..7).map(|day| cadence(from + day * DAY)).sum::<Option<f64>>()?;
    Some((minted as f64, offered))
}

impl Reading {
    /// The same, once nothing that is still to come can change it.
    pub fn settled(&self, decided: &Decided) -> Option<Outcome> {
        (self.chain_time >= decided.record.at + HORIZON).then(|| self.outcome(decided)).flatten()
    }

    /// What was predicted and what was seen; `None` where nothing on chain could show it.
    pub fn outcome(&self, decided: &Decided) -> Option<Outcome> {
        let record = &decided.record;
        let engine = demand_of(record)?;
        let mut outcome = Outcome {
            digest: decided.digest.to_string(),
            at: record.at,
            predicted: record.output.value,
            naive: record.input("mints_7d").and_then(|input| input.value).map(|mints| mints / 7.0),
            observed: None,
            why_not: None,
        };
        if self.chain_time < record.at + HORIZON {
            outcome.why_not = Some("The week it is about is not over yet.".into());
            return Some(outcome);
        }
        let (minted, offered) = week(&self.facts, engine, record.at)?;
        if offered > 0.0 && minted >= SOLD_OUT * offered {
            outcome.why_not =
                Some(format!("Nearly all that was offered went ({minted:.0} of {offered:.0}), so how many more were wanted is not known."));
        } else {
            outcome.observed = Some(minted / 7.0);
        }
        Some(outcome)
    }
}
