//! Explain: a signed decision record arrives, is recomputed and logged; its model is published when its hash was signed for.

use alloy_primitives::B256;
use governance::{
    explanation::{DecisionRecord, Model},
    log::{Body, Entry, EntryKind, Hash},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::{WorkflowError, draft};
use crate::{
    log,
    reading::Reading,
    store::{
        Store,
        entities::{decision, model},
    },
};

/// Largest model that is published here, in bytes.
pub const MAX_MODEL: usize = 8 << 20;
/// Decisions that one agent may hand in within a day of chain time.
const MAX_A_DAY: usize = 48;

/// Names a decision's log entry.
pub fn entry_id(digest: B256) -> String {
    format!("decision/{digest}")
}

/// Takes a decision record in. The same record again changes nothing.
pub async fn accept(store: &Store, reading: &Reading, bytes: &[u8], now: u64) -> Result<B256, WorkflowError> {
    let record = DecisionRecord::parse(bytes).map_err(|error| WorkflowError::Refused(error.to_string()))?;
    let raw = std::str::from_utf8(bytes).map_err(|_| WorkflowError::Refused("the record is not UTF-8".into()))?;
    let source = &reading.source;
    let signer = record.signer(source.chain_id, source.registry).map_err(|error| WorkflowError::Refused(error.to_string()))?;
    if record.agent_address() != Some(signer) {
        return Err(WorkflowError::Forbidden(format!("The record names agent {}, but {signer} signed it.", record.agent.account)));
    }
    let Some(agent) = reading.dao.agent(signer) else {
        return Err(WorkflowError::Forbidden(format!(
            "{signer} is not an agent of this DAO. Its operators name agents in the configuration."
        )));
    };
    let digest = record.digest();
    let tx = store.begin().await?;
    if decision::Entity::find_by_id(digest.to_string()).one(&tx.db).await?.is_some() {
        return Ok(digest);
    }
    let today = decision::Entity::find()
        .filter(decision::Column::Agent.eq(signer.to_string()))
        .filter(decision::Column::ReceivedAt.gt(now.saturating_sub(86_400) as i64))
        .all(&tx.db)
        .await?;
    if today.len() >= MAX_A_DAY {
        return Err(WorkflowError::Refused(format!(
            "{} has handed in {MAX_A_DAY} decisions within a day of chain time, which is the most.",
            agent.name
        )));
    }
    let row = decision::ActiveModel {
        digest: Set(digest.to_string()),
        agent: Set(signer.to_string()),
        record: Set(raw.to_owned()),
        received_at: Set(now as i64),
    };
    decision::Entity::insert(row).exec_without_returning(&tx.db).await?;

    let mut entry = Entry::new(EntryKind::Decision, entry_id(digest), record.at)
        .with_fact("digest", digest.to_string())
        .with_fact("agent", record.agent.account.clone())
        .with_fact("modelSha256", record.model.sha256.clone())
        .with_fact("basedOn", record.based_on.to_string());
    entry.actor = Some(format!("{}:{signer}", source.chain()));
    entry.body = Some(Body { sha256: Hash::of(bytes), bytes: bytes.len() as u64, media: "application/json".into() });
    let logged = log::append(&tx, &entry).await?;
    draft::from_decision(&tx, &record, digest, signer, now).await?;
    // Records taken in before the chain was first read cannot be checked against what was in force.
    if reading.block > 0 {
        super::review::record(&tx, reading, &record, digest, logged, now).await?;
    }
    tx.commit().await?;
    tracing::info!(decision.digest = %digest, agent = %agent.slug, "decision {digest} of {} accepted", agent.name);
    Ok(digest)
}

/// Publishes a model's bytes. Whoever brings them needs no right of their own: a signed decision already named this hash.
pub async fn publish_model(store: &Store, reading: &Reading, sha256: &str, bytes: &[u8]) -> Result<(), WorkflowError> {
    if bytes.len() > MAX_MODEL {
        return Err(WorkflowError::Refused(format!("the model has {} bytes; {MAX_MODEL} is the most", bytes.len())));
    }
    let found = alloy_primitives::hex::encode(Model::sha256(bytes));
    if found != sha256 {
        return Err(WorkflowError::Refused(format!("the bytes have sha256 {found}, not {sha256}")));
    }
    if !reading.decisions.all.values().any(|decided| decided.record.model.sha256 == sha256) {
        return Err(WorkflowError::Forbidden(format!("no decision here names model {sha256}; hand the signed decision in first")));
    }
    Model::from_xgboost_json(bytes).map_err(|error| WorkflowError::Refused(format!("the model cannot be read: {error}")))?;
    let tx = store.begin().await?;
    let row = model::ActiveModel { sha256: Set(sha256.to_owned()), bytes: Set(bytes.to_vec()) };
    model::Entity::insert(row).on_conflict_do_nothing_on([model::Column::Sha256]).exec(&tx.db).await?;
    tx.commit().await?;
    Ok(())
}
