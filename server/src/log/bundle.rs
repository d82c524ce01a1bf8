//! Putting a decision's bundle together: its record, its files, and every entry that tells of it with its proof.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use governance::{
    explanation::DecisionRecord,
    log::{
        Entry, EntryKind, SignatureScheme, Subject,
        bundle::{Bundle, BundledAnchor, BundledBody, BundledEntry, FORMAT, MOST_ENTRIES},
        subjects,
    },
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::Value;

use super::{Log, LogError, read_body, search::Conditions};
use crate::{
    source::Source,
    store::entities::{background, decision, log_entry, model},
};

/// The largest model that is put into a bundle, in bytes; a larger one is fetched by its hash.
const LARGEST_MODEL: usize = 4 << 20;

/// Bytes of bodies that a bundle takes.
const LARGEST_BODIES: u64 = 8 << 20;
/// Entries of one kind about one thing that a bundle takes.
const SHARE: u64 = 32;
/// What a proposal goes through.
const STEPS: [EntryKind; 5] = [EntryKind::Tally, EntryKind::Queueing, EntryKind::Execution, EntryKind::Correction, EntryKind::Erasure];

/// A root on chain, as whoever reads the chain knows it; the proof is added here.
pub type Anchor = BundledAnchor;

impl Log {
    /// The bundle of a decision; `None` when the log has no such decision under its newest checkpoint. `first` are entries
    /// that must not be left out, such as those of auditors that the DAO lists. `anchors` come without their proof of growth,
    /// and those above the checkpoint are left out.
    pub async fn bundle(&self, source: &Source, digest: B256, first: &[u64], anchors: Vec<Anchor>) -> Result<Option<Bundle>, LogError> {
        let (size, checkpoint) = self.publish().await?;
        let Some((rows, left_out)) = self.entries_about(digest, first, size).await? else { return Ok(None) };
        let db = &self.store.db;
        let mut entries = Vec::with_capacity(rows.len());
        let (mut bodies, mut room) = (BTreeMap::new(), LARGEST_BODIES);
        for row in rows {
            let index = row.index as u64;
            let body = Entry::parse(&row.leaf)?.body;
            if let Some(body) = body.filter(|body| body.bytes <= room && !bodies.contains_key(&body.sha256.to_string()))
                && let Some((salt, bytes)) = read_body(db, &body).await?
            {
                room -= body.bytes;
                let kept = BundledBody { salt: alloy_primitives::hex::encode(salt), bytes: BASE64.encode(bytes) };
                bodies.insert(body.sha256.to_string(), kept);
            }
            let leaf = String::from_utf8(row.leaf)
                .map_err(|_| LogError::Damaged { found: "no UTF-8".into(), computed: format!("leaf {index}") })?;
            entries.push(BundledEntry { index, leaf, path: self.path(index, size).await? });
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
            left_out,
            bodies,
            anchors: grown,
            model: model_file,
            background: background_file,
        }))
    }

    /// The entries below `size` that tell of a decision, and how many there are besides: its own, those of the proposals
    /// that carried it, the engine's of what they changed, and whatever these refer to. Anyone may say something of a
    /// decision, so each kind has its share of the room.
    async fn entries_about(&self, digest: B256, first: &[u64], size: u64) -> Result<Option<(Vec<log_entry::Model>, u64)>, LogError> {
        let name = digest.to_string();
        let Some(own) = super::find(&self.store.db, &format!("decision/{name}")).await?.filter(|own| own.index < size) else {
            return Ok(None);
        };
        let mut wanted: BTreeSet<u64> = first.iter().copied().chain([own.index]).collect();
        for said in ["review", "outcome"] {
            wanted.extend(super::find(&self.store.db, &format!("{said}/{name}")).await?.map(|entry| entry.index));
        }
        let mut about = 0;
        for kind in EntryKind::ALL {
            let (found, all) = self.about(Subject::Decision, &name, kind).await?;
            wanted.extend(found);
            about += all;
        }
        let text = |entry: &Entry, name: &str| entry.facts.get(name).and_then(Value::as_str).map(str::to_owned);
        for row in self.rows(&wanted, size).await?.iter().filter(|row| row.kind == EntryKind::Proposal.name()) {
            let entry = Entry::parse(&row.leaf)?;
            if text(&entry, "decisionDigest").as_ref() == Some(&name)
                && let Some(proposal) = text(&entry, "proposalId")
            {
                for kind in STEPS {
                    wanted.extend(self.about(Subject::Proposal, &proposal, kind).await?.0);
                }
            }
        }
        for row in self.rows(&wanted, size).await? {
            let entry = Entry::parse(&row.leaf)?;
            // What somebody else states may refer to anything.
            if entry.signature.as_ref().is_some_and(|signature| signature.scheme == SignatureScheme::Dsse) {
                continue;
            }
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
        let rows = self.rows(&wanted, size).await?;
        let told = rows
            .iter()
            .filter(|row| Entry::parse(&row.leaf).is_ok_and(|entry| subjects(&entry).contains(&(Subject::Decision, name.clone()))));
        let left_out = about.saturating_sub(told.count() as u64);
        Ok(Some((rows, left_out)))
    }

    /// The newest entries of a kind that are about something, and how many there are in all.
    async fn about(&self, subject: Subject, value: &str, kind: EntryKind) -> Result<(Vec<u64>, u64), LogError> {
        let conditions =
            Conditions { kind: Some(kind.name().into()), about: vec![(subject, vec![value.to_owned()])], ..Conditions::default() };
        let found = self.search(&conditions, None, SHARE).await?;
        let all = if found.entries.len() as u64 == SHARE { self.count(&conditions).await?.0 } else { found.entries.len() as u64 };
        Ok((found.entries.into_iter().map(|row| row.index as u64).collect(), all))
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
