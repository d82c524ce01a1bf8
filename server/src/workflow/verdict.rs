//! Verdict: an auditor said on chain how far a decision holds. What is said of decisions that are not here is left to the
//! chain: nobody here could tell what it is about.

use governance::{
    explanation::DecisionRecord,
    log::{Entry, EntryKind},
};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{WorkflowError, entry_id, explain, nth, times_corrected};
use crate::{
    log,
    reading::VerdictFacts,
    source::Source,
    store::{
        Tx,
        entities::{decision, event, log_entry},
    },
};

pub async fn record(tx: &Tx, source: &Source, event: &event::Model) -> Result<(), WorkflowError> {
    let Some(verdict) = VerdictFacts::of(event) else { return Ok(()) };
    let Some(row) = decision::Entity::find_by_id(verdict.decision.to_string()).one(&tx.db).await? else { return Ok(()) };
    let base = entry_id(EntryKind::Verdict, source, event);
    let mut entry = Entry::new(EntryKind::Verdict, nth(&base, times_corrected(tx, &base).await?), event.timestamp as u64)
        .with_fact("decision", verdict.decision.to_string())
        .with_fact("verdict", verdict.word())
        .with_fact("response", verdict.response)
        .with_fact("chain", source.chain())
        .with_fact("block", event.block_number)
        .with_fact("transaction", event.transaction.clone());
    if let Ok(record) = DecisionRecord::parse(row.record.as_bytes()) {
        entry = entry.with_fact("agent", record.agent.account);
    }
    if let Some(report) = &verdict.report {
        entry = entry.with_fact("report", report.clone());
    }
    entry.actor = Some(format!("{}:{}", source.chain(), verdict.auditor));
    entry.refs.extend(log::find(&tx.db, &explain::entry_id(verdict.decision)).await?);
    log::append(tx, &entry).await?;
    Ok(())
}

/// The place in the log of what was recorded of a verdict, the last time it was.
pub async fn logged(db: &impl ConnectionTrait, source: &Source, verdict: &VerdictFacts) -> Result<Option<u64>, DbErr> {
    let base = format!("{}/{}/{}/{}", EntryKind::Verdict.name(), source.chain(), verdict.block_hash, verdict.log_index);
    let again = format!("{base}/");
    let index: Option<i64> = log_entry::Entity::find()
        .select_only()
        .column(log_entry::Column::Index)
        .filter(Condition::any().add(log_entry::Column::EntryId.eq(base)).add(log_entry::Column::EntryId.starts_with(again)))
        .order_by_desc(log_entry::Column::Index)
        .into_tuple()
        .one(db)
        .await?;
    Ok(index.map(|index| index as u64))
}
