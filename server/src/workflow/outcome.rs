//! Outcome: what came of a decision's prediction, logged once the chain can show it.

use governance::log::{Entry, EntryKind};

use super::{WorkflowError, explain, restate};
use crate::{log, reading::Reading, store::Store};

/// Logs the outcome of every decision whose time has come, in one transaction; those logged before stay as they are,
/// unless the chain shows something else now. Returns how many decisions have an outcome.
pub async fn settle(store: &Store, reading: &Reading) -> Result<usize, WorkflowError> {
    let mut settled = Vec::new();
    for decided in reading.decisions.all.values() {
        if let Some(outcome) = reading.settled(decided) {
            settled.push((decided, outcome));
        }
    }
    if settled.is_empty() {
        return Ok(0);
    }
    let tx = store.begin().await?;
    for (decided, outcome) in &settled {
        let record = &decided.record;
        let engine = record.changes.first().map(|change| change.engine.clone()).unwrap_or_default();
        let mut entry = Entry::new(EntryKind::Outcome, format!("outcome/{}", decided.digest), outcome.at)
            .with_fact("decision", decided.digest.to_string())
            .with_fact("agent", record.agent.account.clone())
            .with_fact("engine", engine)
            .with_fact("parameters", record.changes.iter().map(|change| format!("{}/{}", change.engine, change.key)).collect::<Vec<_>>())
            .with_fact("unit", record.output.unit.clone())
            // Decimal strings: an entry has no floats.
            .with_fact("predicted", outcome.predicted.to_string());
        if let Some(observed) = outcome.observed {
            entry = entry.with_fact("observed", observed.to_string());
        }
        if let Some(why_not) = &outcome.why_not {
            entry = entry.with_fact("unobserved", why_not.clone());
        }
        entry.refs.extend(log::find(&tx.db, &explain::entry_id(decided.digest)).await?);
        restate(&tx, entry, None).await?;
    }
    tx.commit().await?;
    Ok(settled.len())
}
