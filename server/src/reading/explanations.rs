//! Explanations for people: one decision from its inputs to the engine, beside what others made of the question, and all
//! of an agent's decisions at once.

use alloy_primitives::B256;
use app::views::{DecisionView, EntrySummary, OtherOpinion};
use governance::explanation::{
    Binding, DecisionRecord,
    comparison::compare,
    links::{Carried, carried_links},
    overview::{Overview, comparable, overview},
    staleness::{Current, Stale, staleness},
    summary::{More, full, three_lines, waterfall},
    track_record::{Outcome, Prediction, TrackRecord, track_record},
    verification::why,
};

use super::{Decided, Reading};

/// Decisions on one question this near to each other are opinions on the same moment.
const SAME_TIME: u64 = 86_400;
/// An overview of fewer decisions shows nothing.
const FEWEST: usize = 2;

impl Reading {
    /// Everything a decision's page shows. `running` is the parameter set that its engine last reported.
    pub fn decision_view(&self, decided: &Decided, entry: Option<EntrySummary>, running: Option<B256>) -> DecisionView {
        let record = &decided.record;
        let binding = self.proposal_of(decided.digest).map_or(Binding::Missing, |proposal| self.binding(proposal));
        let carried = self.carried(record, decided.digest, running);
        let mut verification = self.verification(decided);
        // What became of it is asked anew each time; the rest was computed when the record was read.
        let on_chain = carried_links(record, Some(&carried));
        verification.links.retain(|link| on_chain.iter().all(|other| other.kind != link.kind));
        verification.links.extend(on_chain);
        let record_so_far = self.track_record_of(record);
        let more = More {
            counterfactual: decided.what_ifs.counterfactuals.first(),
            track_record: record_so_far.as_ref(),
            stability: decided.what_ifs.stability.as_ref(),
        };
        let attributed: f64 = record.attributions.iter().map(|one| one.value).sum();
        DecisionView {
            // With their places in the log, which only the store knows.
            verdicts: Vec::new(),
            validations: self.source.validations.map(|validations| validations.to_string()),
            summary: self.decision_summary(decided),
            lines: three_lines(record).to_vec(),
            raw: decided.raw.clone(),
            model_url: decided.at_hand.model.then(|| format!("/api/v1/models/{}", record.model.sha256)),
            background_url: (record.baseline.background.as_ref())
                .filter(|_| decided.at_hand.background)
                .map(|background| format!("/api/v1/backgrounds/{}", background.sha256)),
            why: why(&verification),
            verification,
            stale: self.stale(record, &carried),
            carried,
            bars: waterfall(record),
            rule_steps: record.rule.evaluate(record.output.value).steps,
            rule_unit: self.unit_of(record),
            residual: record.output.value - record.baseline.value - attributed,
            full: full(record, &more).into_iter().map(|paragraph| format!("{}: {}", paragraph.title, paragraph.text)).collect(),
            what_ifs: decided.what_ifs.clone(),
            others: self.other_opinions(decided),
            outcome: self.outcome(decided),
            binding,
            entry,
            record: record.clone(),
        }
    }

    fn unit_of(&self, record: &DecisionRecord) -> String {
        let engine = record.ruled_change().and_then(|change| self.facts.engines.get(&change.engine));
        engine.and_then(|engine| engine.definitions.get(&record.rule.parameter)).map_or_else(String::new, |found| found.unit.clone())
    }

    /// What has changed since a decision, of its agent, model, rule and the parameters it rests on.
    fn stale(&self, record: &DecisionRecord, carried: &Carried) -> Option<Stale> {
        let agent = record.agent_address()?;
        let newest = self.records_of(agent).into_iter().max_by_key(|known| known.at)?;
        let engine = record.changes.first().and_then(|change| self.facts.engines.get(&change.engine));
        // A set that was never in force is the one that a waiting proposal will leave; it is not outdated.
        let was_in_force = |engine: &&super::EngineFacts| engine.revisions.iter().any(|revision| revision.hash == record.based_on);
        let in_force = engine.filter(was_in_force).and_then(|engine| engine.revisions.last());
        staleness(
            record,
            &Current {
                agent_model_sha256: Some(&newest.model.sha256),
                rule: Some(&newest.rule),
                agent_revoked: self.dao.agent(agent).is_none(),
                based_on: in_force.map(|revision| revision.hash),
                made: carried.ratified.map(|revision| revision.hash),
            },
        )
    }

    /// Other agents' decisions on the same question at that time.
    fn other_opinions(&self, decided: &Decided) -> Vec<OtherOpinion> {
        let record = &decided.record;
        let mut others: Vec<&Decided> = self
            .decisions
            .all
            .values()
            .map(AsRef::as_ref)
            .filter(|other| {
                other.record.question == record.question
                    && other.record.agent.account != record.agent.account
                    && other.record.at.abs_diff(record.at) <= SAME_TIME
            })
            .collect();
        others.sort_by_key(|other| (other.record.at.abs_diff(record.at), other.digest));
        let opinion = |other: &Decided| OtherOpinion { summary: self.decision_summary(other), comparison: compare(record, &other.record) };
        others.into_iter().take(3).map(opinion).collect()
    }

    fn decided_by(&self, agent: alloy_primitives::Address) -> impl Iterator<Item = &Decided> {
        self.decisions.all.values().map(AsRef::as_ref).filter(move |decided| decided.record.agent_address() == Some(agent))
    }

    fn records_of(&self, agent: alloy_primitives::Address) -> Vec<&DecisionRecord> {
        self.decided_by(agent).map(|decided| &decided.record).collect()
    }

    /// All of an agent's comparable decisions; `None` with fewer than two.
    pub fn overview_of(&self, agent: alloy_primitives::Address) -> Option<Overview> {
        let records = comparable(self.records_of(agent));
        (records.len() >= FEWEST).then(|| overview(records))
    }

    /// How an agent's predictions did; `None` where nothing on chain could show it.
    pub fn track_record_by(&self, agent: alloy_primitives::Address) -> Option<TrackRecord> {
        let known: Vec<(&DecisionRecord, Outcome)> =
            self.decided_by(agent).filter_map(|decided| Some((&decided.record, self.outcome(decided)?))).collect();
        let predictions: Vec<Prediction<'_>> = known
            .into_iter()
            .map(|(record, outcome)| Prediction { record, naive: outcome.naive, observed: outcome.observed, why_not: outcome.why_not })
            .collect();
        (!predictions.is_empty()).then(|| track_record(&predictions))
    }

    fn track_record_of(&self, record: &DecisionRecord) -> Option<TrackRecord> {
        self.track_record_by(record.agent_address()?)
    }
}
