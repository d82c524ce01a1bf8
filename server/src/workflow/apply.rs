//! Apply: a ratified set is served, and an engine says which set it runs.

use governance::log::{Entry, EntryKind};
use governance::onchain::abi::ParameterRegistry;
use governance::parameter::key_text;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict};
use serde::{Deserialize, Serialize};

use super::WorkflowError;
use crate::{
    log,
    reading::{Reading, served},
    store::{
        Store, Tx,
        entities::{engine_report, event, revision_seen},
    },
    wall_ms,
};

/// Remembers when a revision reached the bridge, to measure how long engines take.
pub async fn ratified(tx: &Tx, event: &event::Model) -> Result<(), WorkflowError> {
    let Some(set) = event.decoded::<ParameterRegistry::ParameterSetChanged>() else { return Ok(()) };
    let row = revision_seen::ActiveModel {
        engine: Set(key_text(set.engine).unwrap_or_else(|| set.engine.to_string())),
        revision: Set(set.revision as i64),
        seen_ms: Set(wall_ms() as i64),
        ..Default::default()
    };
    // A revision that a reorg brings again is measured again.
    let replace = OnConflict::columns([revision_seen::Column::Engine, revision_seen::Column::Revision])
        .update_column(revision_seen::Column::SeenMs)
        .to_owned();
    revision_seen::Entity::insert(row).on_conflict(replace).exec_without_returning(&tx.db).await?;
    Ok(())
}

/// What an engine says it runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    pub revision: u64,
    /// The hash it computed from the values it loaded.
    pub parameter_set_hash: String,
    pub build: String,
    pub accepted: bool,
    #[serde(default)]
    pub detail: String,
}

/// Records an engine's report; the first acceptance of a ratified set is logged. False for a mere sign of life.
pub async fn report(store: &Store, reading: &Reading, engine: &str, report: &Report) -> Result<bool, WorkflowError> {
    let facts = reading.facts.engines.get(engine).ok_or_else(|| WorkflowError::NotFound(format!("Engine {engine}")))?;
    for (what, text, most) in
        [("build", &report.build, 120), ("detail", &report.detail, 500), ("parameterSetHash", &report.parameter_set_hash, 66)]
    {
        if text.len() > most {
            return Err(WorkflowError::Refused(format!("{what} has {} bytes; {most} is the most", text.len())));
        }
    }
    let ratified = served(facts).filter(|revision| {
        report.accepted && revision.revision == report.revision && revision.hash.to_string() == report.parameter_set_hash
    });
    let tx = store.begin().await?;
    let last = engine_report::Entity::find()
        .filter(engine_report::Column::Engine.eq(engine))
        .order_by_desc(engine_report::Column::Id)
        .one(&tx.db)
        .await?;
    let outcome = if report.accepted { "accepted" } else { "refused" };
    let same = last
        .as_ref()
        .is_some_and(|last| last.revision == report.revision as i64 && last.hash == report.parameter_set_hash && last.outcome == outcome);
    if let Some(last) = last.filter(|_| same) {
        // A heartbeat: the first moment stays, only the last sign of life moves.
        engine_report::Entity::update_many()
            .col_expr(engine_report::Column::At, (reading.chain_time as i64).into())
            .filter(engine_report::Column::Id.eq(last.id))
            .exec(&tx.db)
            .await?;
    } else {
        let row = engine_report::ActiveModel {
            engine: Set(engine.to_owned()),
            revision: Set(report.revision as i64),
            hash: Set(report.parameter_set_hash.clone()),
            build: Set(report.build.clone()),
            outcome: Set(outcome.to_owned()),
            detail: Set(report.detail.clone()),
            at: Set(reading.chain_time as i64),
            received_ms: Set(wall_ms() as i64),
            ..Default::default()
        };
        engine_report::Entity::insert(row).exec_without_returning(&tx.db).await?;
    }
    if let Some(revision) = ratified {
        let id = format!("application/{engine}/{}/{}", revision.revision, revision.hash);
        let entry = Entry::new(EntryKind::Application, id, reading.chain_time)
            .with_fact("engine", engine)
            .with_fact("revision", revision.revision)
            .with_fact("parameterSetHash", revision.hash.to_string())
            .with_fact("build", report.build.clone());
        log::append(&tx, &entry).await?;
    }
    tx.commit().await?;
    Ok(!same)
}
