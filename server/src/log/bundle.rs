//! Putting a decision's bundle together: its record, its files, and every entry that tells of it with its proof.

use std::collections::BTreeSet;

use alloy_primitives::B256;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use governance::{
    explanation::DecisionRecord,
    log::{
        Entry, EntryKind, Subject,
        bundle::{Bundle, BundledAnchor, BundledBody, BundledEntry, FORMAT, MOST_ENTRIES},
    },
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;

use super::{Log, LogError, read_body};
use crate::{
    source::Source,
    store::entities::{background, decision, log_entry, log_subject, model},
};

/// The largest model that is put into a bundle, in bytes; a larger one is fetched by its hash.
const LARGEST_MODEL: usize = 4 << 20;

/// A root on chain, as whoever reads the chain knows it; the proof is added here.
pub type Anchor = BundledAnchor;

impl Log {
    /// The bundle of a decision; `None` when the log has no such decision under its newest checkpoint. `anchors` come
    /// without their proof of growth, and those above the checkpoint are left out.
    pub async fn bundle(&self, source: &Source, digest: B256, anchors: Vec<Anchor>) -> Result<Option<Bundle>, LogError> {
        let (size, checkpoint) = self.publish().await?;
        let rows = self.entries_about(digest, size).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let db = &self.store.db;
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let index = row.index as u64;
            let body = Entry::parse(&row.leaf)?.body;
            let body = match &body {
                Some(body) => read_body(db, body)
                    .await?
                    .map(|(salt, bytes)| BundledBody { salt: alloy_primitives::hex::encode(salt), bytes: BASE64.encode(bytes) }),
                None => None,
            };
            let leaf = String::from_utf8(row.leaf)
                .map_err(|_| LogError::Damaged { found: "no UTF-8".into(), computed: format!("leaf {index}") })?;
            entries.push(BundledEntry { index, leaf, path: self.path(index, size).await?, body });
        }
        let record = decision::Entity::find_by_id(digest.to_string()).one(db).await?.map(|row| row.record);
        let parsed = record.as_ref().and_then(|text| DecisionRecord::parse(text.as_bytes()).ok());
        let (mut model_file, mut background_file) = (None, None);
        if let Some(record) = &parsed {
            let row = model::Entity::find_by_id(record.model.sha256.clone()).one(db).await?;
            model_file = row.filter(|row| row.bytes.len() <= LARGEST_MODEL).map(|row| BASE64.encode(row.bytes));
        }
        if let (Some(named), Some(_)) = (parsed.as_ref().and_then(|record| record.baseline.background.as_ref()), &model_file) {
            let row = background::Entity::find_by_id(named.sha256.clone()).one(db).await?;
            background_file = row.map(|row| BASE64.encode(row.bytes));
        }
        let mut grown = Vec::new();
        for mut anchor in anchors.into_iter().filter(|anchor| (1..=size).contains(&anchor.size)) {
            anchor.growth = self.prove_growth(anchor.size, size).await?;
            grown.push(anchor);
        }
        Ok(Some(Bundle {
            format: FORMAT.into(),
            decision: digest,
            chain_id: source.chain_id,
            registry: source.registry,
            vkey: self.vkey(),
            checkpoint,
            record,
            entries,
            anchors: grown,
            model: model_file,
            background: background_file,
        }))
    }

    /// Every entry below `size` that tells of a decision: its own, those of the proposals that carried it, the engine's
    /// of what they changed, and whatever these refer to.
    async fn entries_about(&self, digest: B256, size: u64) -> Result<Vec<log_entry::Model>, LogError> {
        let mut wanted = self.about(Subject::Decision, &digest.to_string()).await?;
        let of_decision = self.rows(&wanted, size).await?;
        if !of_decision.iter().any(|row| row.kind == EntryKind::Decision.name()) {
            return Ok(Vec::new());
        }
        let text = |entry: &Entry, name: &str| entry.facts.get(name).and_then(Value::as_str).map(str::to_owned);
        for row in of_decision.iter().filter(|row| row.kind == EntryKind::Proposal.name()) {
            let entry = Entry::parse(&row.leaf)?;
            if text(&entry, "decisionDigest").as_deref() == Some(digest.to_string().as_str())
                && let Some(proposal) = text(&entry, "proposalId")
            {
                wanted.extend(self.about(Subject::Proposal, &proposal).await?);
            }
        }
        for row in self.rows(&wanted, size).await? {
            let entry = Entry::parse(&row.leaf)?;
            wanted.extend(entry.refs.iter().map(|reference| reference.index));
            let Some(Value::Array(sets)) = entry.facts.get("parameterSets") else { continue };
            for set in sets {
                let part = |name: &str| set.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                if let (Some(engine), Some(revision), Some(hash)) = (part("engine"), part("revision"), part("parameterSetHash")) {
                    let applied = super::find(&self.store.db, &format!("application/{engine}/{revision}/{hash}")).await?;
                    wanted.extend(applied.map(|reference| reference.index));
                }
            }
        }
        self.rows(&wanted, size).await
    }

    /// Indexes of the entries that are about something, lowest first.
    async fn about(&self, subject: Subject, value: &str) -> Result<BTreeSet<u64>, LogError> {
        let found: Vec<i64> = log_subject::Entity::find()
            .select_only()
            .column(log_subject::Column::Entry)
            .filter(log_subject::Column::Subject.eq(subject.name()))
            .filter(log_subject::Column::Value.eq(value))
            .order_by_asc(log_subject::Column::Entry)
            .limit(MOST_ENTRIES as u64)
            .into_tuple()
            .all(&self.store.db)
            .await?;
        Ok(found.into_iter().map(|index| index as u64).collect())
    }

    async fn rows(&self, indexes: &BTreeSet<u64>, size: u64) -> Result<Vec<log_entry::Model>, LogError> {
        let wanted: Vec<i64> = indexes.iter().filter(|index| **index < size).take(MOST_ENTRIES).map(|index| *index as i64).collect();
        let rows = log_entry::Entity::find()
            .filter(log_entry::Column::Index.is_in(wanted))
            .order_by_asc(log_entry::Column::Index)
            .all(&self.store.db)
            .await?;
        Ok(rows)
    }
}
