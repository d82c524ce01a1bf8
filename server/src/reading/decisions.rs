//! Decision records, read from their signed bytes and checked against their models.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::B256;
use app::views::{DecisionSummary, DecisionView, EntrySummary, ProposalRef};
use governance::explanation::{
    Binding, DecisionRecord, Model, Verification, VerificationState, find_digest_line, one_line, three_lines, verify, waterfall,
};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryOrder, QuerySelect};

use super::{ProposalFacts, Reading};
use crate::{
    source::Source,
    store::entities::{decision, model},
};

/// A record with what the bridge found when it recomputed it.
#[derive(Clone, Debug)]
pub struct Decided {
    pub digest: B256,
    pub record: DecisionRecord,
    /// The stored bytes.
    pub raw: String,
    pub verification: Verification,
    pub model_published: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// By digest.
    pub all: BTreeMap<B256, Arc<Decided>>,
}

impl Decisions {
    /// Reads every record; those already checked in `before` with the same model at hand are kept as they are.
    pub async fn load(db: &impl ConnectionTrait, source: &Source, before: &Self) -> Result<Self, DbErr> {
        let published: Vec<String> = model::Entity::find().select_only().column(model::Column::Sha256).into_tuple().all(db).await?;
        let mut models: BTreeMap<String, Option<Model>> = BTreeMap::new();
        let mut all = BTreeMap::new();
        for row in decision::Entity::find().order_by_asc(decision::Column::ReceivedAt).all(db).await? {
            let Ok(digest) = row.digest.parse::<B256>() else { continue };
            let Ok(record) = DecisionRecord::parse(row.record.as_bytes()) else {
                tracing::error!(table = "decision", id = %row.digest, "a stored decision record cannot be read");
                continue;
            };
            let model_published = published.contains(&record.model.sha256);
            if let Some(known) = before.all.get(&digest).filter(|known| known.model_published == model_published) {
                all.insert(digest, known.clone());
                continue;
            }
            let sha256 = record.model.sha256.clone();
            if model_published && !models.contains_key(&sha256) {
                let bytes = model::Entity::find_by_id(&sha256).one(db).await?.map(|row| row.bytes).unwrap_or_default();
                models.insert(sha256.clone(), Model::from_xgboost_json(&bytes).ok());
            }
            let model = models.get(&sha256).and_then(Option::as_ref);
            let hash = model.and_then(|_| sha256.parse::<B256>().ok());
            let verification = verify(&record, model, hash).with_signature(&record, source.chain_id, source.registry);
            all.insert(digest, Arc::new(Decided { digest, record, raw: row.record, verification, model_published }));
        }
        Ok(Self { all })
    }

    pub fn get(&self, digest: B256) -> Option<&Arc<Decided>> {
        self.all.get(&digest)
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
            state: decided.verification.state,
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

    pub fn decision_view(&self, decided: &Decided, entry: Option<EntrySummary>) -> DecisionView {
        let record = &decided.record;
        let binding = self.proposal_of(decided.digest).map_or(Binding::Missing, |proposal| self.binding(proposal));
        DecisionView {
            summary: self.decision_summary(decided),
            lines: three_lines(record).to_vec(),
            raw: decided.raw.clone(),
            model_url: decided.model_published.then(|| format!("/api/v1/models/{}", record.model.sha256)),
            checks: decided.verification.checks.clone(),
            bars: waterfall(record),
            rule_steps: record.rule.evaluate(record.output.value).steps,
            binding,
            entry,
            record: record.clone(),
        }
    }

    /// Whether a proposal's text, its registry calls and the published record agree.
    pub fn binding(&self, proposal: &ProposalFacts) -> Binding {
        let text = proposal.text_digest();
        let calls = self.call_digests(proposal);
        let record = text.or_else(|| calls.iter().copied().find(|digest| !digest.is_zero())).and_then(|digest| self.decisions.get(digest));
        governance::explanation::binding(text, &calls, record.map(|decided| &decided.record))
    }

    pub fn verification_of(&self, digest: B256) -> VerificationState {
        self.decisions.get(digest).map_or(VerificationState::Missing, |decided| decided.verification.state)
    }
}

/// The id of the public draft that a decision comes with.
pub fn draft_id(digest: B256) -> String {
    format!("decision-{}", alloy_primitives::hex::encode(&digest[..8]))
}
