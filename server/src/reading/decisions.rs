//! Decision records, read from their signed bytes and checked against their models.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use alloy_primitives::{B256, Bytes};
use app::views::{DecisionSummary, ProposalRef};
use governance::explanation::{
    Binding, Check, DecisionRecord, Model, Rows, Verification, VerificationState,
    decision::SignatureKind,
    find_digest_line,
    model::table,
    one_line,
    verification::{Known, verify_with},
    what_if::{WhatIfs, what_ifs},
};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{ProposalFacts, Reading};
use crate::{
    chain::signature::Preparation,
    source::Source,
    store::entities::{background, decision, model},
};

/// A record with what the bridge found when it recomputed it.
#[derive(Clone, Debug)]
pub struct Decided {
    pub digest: B256,
    pub record: DecisionRecord,
    /// The stored bytes.
    pub raw: String,
    pub verification: Verification,
    /// Empty where the model is not here or cannot be asked.
    pub what_ifs: WhatIfs,
    pub at_hand: AtHand,
    /// The block as of which a contract account accepted the signature.
    pub accepted_block: Option<u64>,
}

/// Which of the files that a record names are published here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AtHand {
    pub model: bool,
    pub background: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// By digest.
    pub all: BTreeMap<B256, Arc<Decided>>,
}

impl Decisions {
    /// Reads every record; those already checked in `before` with the same files at hand are kept as they are.
    pub async fn load(db: &impl ConnectionTrait, source: &Source, before: &Self) -> Result<Self, DbErr> {
        let models = model::Entity::find().select_only().column(model::Column::Sha256).into_tuple().all(db).await?;
        let backgrounds = background::Entity::find().select_only().column(background::Column::Sha256).into_tuple().all(db).await?;
        let (models, backgrounds) = (HashSet::<String>::from_iter(models), HashSet::<String>::from_iter(backgrounds));
        let at_hand = |record: &DecisionRecord| AtHand {
            model: models.contains(&record.model.sha256),
            background: background_of(record).is_some_and(|sha256| backgrounds.contains(sha256)),
        };
        let mut files = Files::default();
        let mut all = BTreeMap::new();
        for row in decision::Entity::find().order_by_asc(decision::Column::ReceivedAt).all(db).await? {
            let Ok(digest) = row.digest.parse::<B256>() else { continue };
            if let Some(known) = before.all.get(&digest).filter(|known| at_hand(&known.record) == known.at_hand) {
                all.insert(digest, known.clone());
                continue;
            }
            let Ok(record) = DecisionRecord::parse(row.record.as_bytes()) else {
                tracing::error!(table = "decision", id = %row.digest, "a stored decision record cannot be read");
                continue;
            };
            let (at_hand, accepted_block) = (at_hand(&record), row.accepted_block.map(|block| block as u64));
            let verification = recompute(db, source, &record, accepted_block, &mut files).await?;
            let what_ifs = files.what_ifs(db, &record).await?;
            all.insert(digest, Arc::new(Decided { digest, record, raw: row.record, verification, what_ifs, at_hand, accepted_block }));
        }
        Ok(Self { all })
    }

    pub fn get(&self, digest: B256) -> Option<&Arc<Decided>> {
        self.all.get(&digest)
    }
}

/// Models and backgrounds that were read already. `None` is a file that is not here, or cannot be read.
#[derive(Debug, Default)]
pub struct Files {
    models: BTreeMap<String, Option<Arc<Model>>>,
    /// By their own hash and the model's, which says what their columns are.
    backgrounds: BTreeMap<(String, String), Option<Arc<Rows>>>,
}

impl Files {
    async fn model(&mut self, db: &impl ConnectionTrait, sha256: &str) -> Result<Option<Arc<Model>>, DbErr> {
        if let Some(known) = self.models.get(sha256) {
            return Ok(known.clone());
        }
        let read = match model::Entity::find_by_id(sha256).one(db).await? {
            Some(row) => tokio::task::spawn_blocking(move || Model::read(&row.bytes).ok().map(Arc::new)).await.unwrap_or_default(),
            None => None,
        };
        self.models.insert(sha256.to_owned(), read.clone());
        Ok(read)
    }

    /// What other inputs would have led to, where the model is here.
    async fn what_ifs(&mut self, db: &impl ConnectionTrait, record: &DecisionRecord) -> Result<WhatIfs, DbErr> {
        let Some(model) = self.model(db, &record.model.sha256).await? else { return Ok(WhatIfs::default()) };
        let record = record.clone();
        // A model that takes other inputs than the record has is a mismatch already, and can be asked nothing.
        let asked = tokio::task::spawn_blocking(move || what_ifs(&record, &model).unwrap_or_default());
        Ok(asked.await.unwrap_or_default())
    }

    async fn background(
        &mut self,
        db: &impl ConnectionTrait,
        sha256: &str,
        model: &Model,
        model_sha256: &str,
    ) -> Result<Option<Arc<Rows>>, DbErr> {
        let key = (sha256.to_owned(), model_sha256.to_owned());
        if let Some(known) = self.backgrounds.get(&key) {
            return Ok(known.clone());
        }
        let row = background::Entity::find_by_id(sha256).one(db).await?;
        let read = row.and_then(|row| table::read(&row.bytes, model.feature_names()).ok()).map(|read| Arc::new(read.rows));
        self.backgrounds.insert(key, read.clone());
        Ok(read)
    }
}

/// Which of the files that a record names are here.
pub async fn at_hand(db: &impl ConnectionTrait, record: &DecisionRecord) -> Result<AtHand, DbErr> {
    let model = model::Entity::find().filter(model::Column::Sha256.eq(record.model.sha256.as_str())).count(db).await? > 0;
    let background = match background_of(record) {
        Some(sha256) => background::Entity::find().filter(background::Column::Sha256.eq(sha256)).count(db).await? > 0,
        None => false,
    };
    Ok(AtHand { model, background })
}

/// Compares a record with itself and with what is published of its model and background.
pub async fn recompute(
    db: &impl ConnectionTrait,
    source: &Source,
    record: &DecisionRecord,
    accepted_block: Option<u64>,
    files: &mut Files,
) -> Result<Verification, DbErr> {
    let sha256 = record.model.sha256.as_str();
    let model = files.model(db, sha256).await?;
    let background = match (&model, background_of(record)) {
        (Some(model), Some(background)) => files.background(db, background, model, sha256).await?,
        _ => None,
    };
    let copy = record.clone();
    // Some methods evaluate a model many thousand times; others wait for this thread.
    let computed = tokio::task::spawn_blocking(move || {
        // The files are stored under the hashes of their bytes.
        let known = Known {
            model: model.as_deref(),
            model_sha256: model.as_ref().and_then(|_| copy.model.sha256.parse().ok()),
            background: background.as_deref(),
            background_sha256: background.as_ref().and_then(|_| background_of(&copy)?.parse().ok()),
            carried: None,
        };
        verify_with(&copy, &known)
    });
    let verification = computed.await.map_err(|stopped| DbErr::Custom(format!("a decision could not be recomputed: {stopped}")))?;
    let verification = verification.with_signature(record, source.chain_id, source.registry);
    Ok(match accepted_block {
        Some(_) => verification.with_contract_answer(record, true),
        None => verification,
    })
}

/// The comparisons that found a difference.
pub fn failed(verification: &Verification) -> impl Iterator<Item = &Check> {
    verification.checks().filter(|check| !check.ok)
}

/// The hash of the background that a record names.
pub fn background_of(record: &DecisionRecord) -> Option<&str> {
    record.baseline.background.as_ref().map(|background| background.sha256.as_str())
}

/// What to ask a contract account, where one signed the record.
pub fn contract_signature(record: &DecisionRecord) -> Option<(Bytes, Option<Preparation>)> {
    match record.signature_kind() {
        Ok(SignatureKind::Contract { signature }) => Some((signature, None)),
        Ok(SignatureKind::Counterfactual { factory, calldata, signature }) => Some((signature, Some(Preparation { factory, calldata }))),
        Ok(SignatureKind::Eoa { .. }) | Err(_) => None,
    }
}

impl ProposalFacts {
    /// The decision digest that the text names.
    pub fn text_digest(&self) -> Option<B256> {
        find_digest_line(&self.description)
    }
}

impl Reading {
    /// The proposal that a decision became, if any.
    pub fn proposal_of(&self, digest: B256) -> Option<&ProposalFacts> {
        self.facts.proposals.iter().rev().find(|proposal| proposal.text_digest() == Some(digest))
    }

    pub fn proposal_ref(&self, proposal: &ProposalFacts) -> ProposalRef {
        ProposalRef { proposal_id: proposal.id.to_string(), number: proposal.number, title: super::text::title(&proposal.description) }
    }

    pub fn decision_summary(&self, decided: &Decided) -> DecisionSummary {
        let address = decided.record.agent_address().unwrap_or_default();
        let agent = self.dao.agents.iter().find(|agent| agent.address == address);
        DecisionSummary {
            digest: decided.digest.to_string(),
            agent: app::views::Party { address: address.to_string(), name: Some(decided.record.agent.name.clone()) },
            agent_slug: agent.map_or_else(|| address.to_string(), |agent| agent.slug.clone()),
            question: decided.record.question.clone(),
            line: one_line(&decided.record),
            at: decided.record.at,
            state: self.verification(decided).state,
            proposal: self.proposal_of(decided.digest).map(|proposal| self.proposal_ref(proposal)),
            draft: Some(draft_id(decided.digest)),
        }
    }

    /// Newest first.
    pub fn decision_summaries(&self) -> Vec<DecisionSummary> {
        let mut all: Vec<_> = self.decisions.all.values().map(|decided| self.decision_summary(decided)).collect();
        all.sort_by(|a, b| (b.at, &b.digest).cmp(&(a.at, &a.digest)));
        all
    }

    /// Whether a proposal's text, its registry calls and the published record agree.
    pub fn binding(&self, proposal: &ProposalFacts) -> Binding {
        let text = proposal.text_digest();
        let calls = self.call_digests(proposal);
        let record = text.or_else(|| calls.iter().copied().find(|digest| !digest.is_zero())).and_then(|digest| self.decisions.get(digest));
        governance::explanation::binding(text, &calls, record.map(|decided| &decided.record))
    }

    pub fn verification_of(&self, digest: B256) -> VerificationState {
        self.decisions.get(digest).map_or(VerificationState::Missing, |decided| self.verification(decided).state)
    }
}

/// The id of the public draft that a decision comes with.
pub fn draft_id(digest: B256) -> String {
    format!("decision-{}", alloy_primitives::hex::encode(&digest[..8]))
}
