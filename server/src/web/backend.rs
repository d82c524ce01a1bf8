//! `app::Backend` over the reading, the store and the workflow: what pages ask, answered.

use std::sync::Arc;

use alloy_primitives::Address;
use app::{
    AppError,
    backend::{Answer, Backend},
    views::*,
};
use async_trait::async_trait;
use governance::{
    log::{Entry, Subject, origin_hash},
    proposal::Draft,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::{
    Problem, log_entries,
    problem::{for_page, reference},
};
use crate::{
    bridge::Bridge,
    log::{LogError, search::Conditions},
    reading::{Reading, served, text},
    store::entities::{draft as draft_row, engine_report, log_entry, revision_seen},
    wall_ms,
    workflow::{draft, explain, review, verdict},
};

/// Entries on one page of the log.
const PAGE: u64 = 50;
/// An engine that has not spoken for this long is called silent.
const SILENT_MS: u64 = 60_000;

#[derive(Debug)]
pub struct Pages(pub Arc<Bridge>);

fn internal(cause: impl std::fmt::Display) -> AppError {
    AppError::Internal(reference(cause))
}

/// Summaries narrowed by state and search, newest first.
pub fn filtered(reading: &Reading, state: &str, search: &str) -> Vec<ProposalSummary> {
    let needle = search.trim().to_lowercase();
    reading
        .summaries()
        .into_iter()
        .filter(|summary| state.is_empty() || summary.state == state)
        .filter(|summary| {
            let number = format!("#{}", summary.number);
            needle.is_empty()
                || [&summary.title, &summary.sentence, &summary.proposal_id, &summary.proposer.label(), &summary.proposer.address, &number]
                    .iter()
                    .any(|text| text.to_lowercase().contains(&needle))
        })
        .collect()
}

/// An agent with its decisions, what became of them, and what they have in common.
pub fn agent_view(reading: &Reading, agent: &crate::config::AgentConfig) -> AgentView {
    let decisions: Vec<DecisionSummary> =
        reading.decision_summaries().into_iter().filter(|summary| summary.agent_slug == agent.slug).collect();
    let proposals: Vec<ProposalSummary> = reading
        .facts
        .proposals
        .iter()
        .rev()
        .filter(|proposal| {
            proposal.proposer == agent.address
                || proposal.text_digest().is_some_and(|digest| decisions.iter().any(|decision| decision.digest == digest.to_string()))
        })
        .map(|proposal| reading.summary(proposal))
        .collect();
    let model = reading
        .decisions
        .all
        .values()
        .filter(|decided| decided.record.agent_address() == Some(agent.address))
        .max_by_key(|decided| decided.record.at)
        .map(|decided| format!("{} {}", decided.record.model.name, decided.record.model.version));
    AgentView {
        slug: agent.slug.clone(),
        party: Party { address: agent.address.to_string(), name: Some(agent.name.clone()) },
        about: agent.about.clone(),
        model,
        first_seen: decisions.iter().map(|decision| decision.at).min().unwrap_or_default(),
        decisions,
        proposals,
        overview: reading.overview_of(agent.address),
        track_record: reading.track_record_by(agent.address),
    }
}

/// Verdicts that a decision's page lists.
const MOST_VERDICTS: usize = 40;

/// A decision with everything its page shows.
pub async fn decision_view(bridge: &Bridge, digest: &str) -> Answer<DecisionView> {
    let reading = bridge.reading();
    let decided = digest
        .parse()
        .ok()
        .and_then(|digest| reading.decisions.get(digest))
        .ok_or_else(|| AppError::NotFound(format!("Decision {digest}")))?;
    let row = log_entry::Entity::find()
        .filter(log_entry::Column::EntryId.eq(explain::entry_id(decided.digest)))
        .one(&bridge.store.db)
        .await
        .map_err(internal)?;
    let running = match decided.record.changes.first() {
        Some(change) => last_report(bridge, &change.engine).await.map_err(internal)?,
        None => None,
    };
    let running = running.filter(|report| report.outcome == "accepted").and_then(|report| report.hash.parse().ok());
    let mut view = reading.decision_view(decided, row.map(|row| entry_summary(&reading, &row)), running);
    // Anyone may say anything on chain: those whom the DAO lists come first, then the newest others.
    let mut said = reading.facts.verdicts_on(decided.digest);
    said.sort_by_key(|said| !reading.is_listed(said.auditor));
    for said in said.into_iter().take(MOST_VERDICTS) {
        let entry = verdict::logged(&bridge.store.db, &reading.source, said).await.map_err(internal)?;
        view.verdicts.push(reading.verdict_view(said, entry));
    }
    Ok(view)
}

pub(super) fn entry_summary(reading: &Reading, row: &log_entry::Model) -> EntrySummary {
    // What is stored was checked when it was taken; an entry that cannot be read any more still has its place.
    let entry = Entry::parse(&row.leaf).ok();
    EntrySummary {
        index: row.index as u64,
        kind: row.kind.clone(),
        sentence: entry.as_ref().map_or_else(|| row.kind.clone(), |entry| reading.entry_sentence(&row.kind, entry)),
        at: row.at as u64,
        leaf_hash: row.leaf_hash.clone(),
        subject: entry.and_then(|entry| reading.subject(&row.kind, &entry)),
    }
}

/// What an engine last said of itself.
async fn last_report(bridge: &Bridge, engine: &str) -> Result<Option<engine_report::Model>, sea_orm::DbErr> {
    engine_report::Entity::find()
        .filter(engine_report::Column::Engine.eq(engine))
        .order_by_desc(engine_report::Column::Id)
        .one(&bridge.store.db)
        .await
}

/// Ratified, served and running, with one sentence about the three.
pub async fn engine_view(bridge: &Bridge, id: &str) -> Result<EngineView, Problem> {
    let reading = bridge.reading();
    let facts = reading.facts.engines.get(id).ok_or_else(|| Problem::not_found(format!("Engine {id}")))?;
    let name = bridge.engine_config(id).map_or_else(|| id.to_owned(), |config| config.name.clone());
    let as_view = |revision: Option<&crate::reading::RevisionFacts>| {
        revision.map_or_else(Revision::default, |revision| Revision {
            revision: revision.revision,
            hash: revision.hash.to_string(),
            at: revision.moment.at,
        })
    };
    let (ratified, served) = (as_view(facts.revisions.last()), as_view(served(facts)));
    let report = last_report(bridge, id).await?;
    let seen = revision_seen::Entity::find()
        .filter(revision_seen::Column::Engine.eq(id))
        .filter(revision_seen::Column::Revision.eq(ratified.revision as i64))
        .one(&bridge.store.db)
        .await?;
    let delivery_ms = report
        .as_ref()
        .zip(seen)
        .filter(|(report, seen)| report.revision == seen.revision && report.outcome == "accepted")
        .and_then(|(report, seen)| u64::try_from(report.received_ms - seen.seen_ms).ok());
    let running = report.map(|report| EngineReport {
        revision: report.revision as u64,
        hash: report.hash,
        build: report.build,
        outcome: report.outcome,
        detail: report.detail,
        at: report.at as u64,
    });
    let last_sign = bridge.engine_sign(id);
    let silent = last_sign.is_none_or(|at| wall_ms().saturating_sub(at) > SILENT_MS);
    let (status, status_sentence) = match &running {
        _ if served.hash != ratified.hash => {
            ("refused", "The bridge's own values do not hash to what the chain stored, so it serves nothing until they do.".to_owned())
        }
        None => ("silent", format!("{name} has not reported yet.")),
        Some(running) if running.outcome != "accepted" => ("refused", format!("{name} refused what it was served: {}", running.detail)),
        Some(running) if running.hash != ratified.hash => {
            ("behind", format!("{name} still runs revision {}, while revision {} is ratified.", running.revision, ratified.revision))
        }
        Some(_) if silent => ("silent", format!("{name} last ran what was ratified, but has not been heard of for more than a minute.")),
        Some(_) => ("in-step", format!("{name} runs exactly what was ratified: revision {}.", ratified.revision)),
    };
    Ok(EngineView {
        id: id.to_owned(),
        name,
        ratified,
        served,
        running,
        status: status.into(),
        status_sentence,
        delivery_ms,
        parameters: reading.parameters(facts),
        history: reading.revisions(facts),
        samples: samples(bridge, id, silent, facts.revisions.last().map_or(0, |revision| revision.revision)),
    })
}

/// Six images: the engine's own while it is heard of, else drawn here under the ratified revision.
fn samples(bridge: &Bridge, id: &str, silent: bool, revision: u64) -> Vec<String> {
    let own = !silent && bridge.engine_config(id).is_some_and(|config| config.url.is_some());
    let prefix = if own { format!("/engine/{id}/image") } else { format!("/render/{id}") };
    (1..=6).map(|seed| format!("{prefix}/{seed}.svg?revision={revision}")).collect()
}

impl Pages {
    fn reading(&self) -> Arc<Reading> {
        self.0.reading()
    }

    async fn engine_of_page(&self, id: &str) -> Answer<EngineView> {
        if !self.reading().facts.engines.contains_key(id) {
            return Err(AppError::NotFound(format!("Engine {id}")));
        }
        engine_view(&self.0, id).await.map_err(|_| internal(format!("engine {id} could not be shown")))
    }

    async fn entries_about(&self, reading: &Reading, proposal_id: &str) -> Answer<Vec<EntrySummary>> {
        let about = vec![(Subject::Proposal, vec![proposal_id.to_owned()])];
        let found = self.0.log.search(&Conditions { about, ..Conditions::default() }, None, PAGE).await.map_err(internal)?;
        Ok(found.entries.iter().rev().map(|row| entry_summary(reading, row)).collect())
    }

    fn draft_view(&self, reading: &Reading, row: draft_row::Model) -> Answer<DraftView> {
        let body: Draft = serde_json::from_str(&row.body).map_err(|error| internal(format!("draft {}: {error}", row.id)))?;
        let author: Address = row.author.parse().unwrap_or_default();
        let (compiled, findings) = match review::check(reading, &body, (!row.public).then_some(author)) {
            Ok(compiled) => (Some(compiled), vec![]),
            Err(findings) => (None, findings),
        };
        let decided = body.decision_digest.and_then(|digest| reading.decisions.get(digest));
        let made = compiled.as_ref().and_then(|compiled| reading.proposal_made_of(compiled));
        let proposal = made.or_else(|| body.decision_digest.and_then(|digest| reading.proposal_of(digest)));
        let agent = reading.dao.agent(author).map(|agent| agent.name.clone());
        Ok(DraftView {
            id: row.id,
            draft: body,
            author: Party { name: agent.or(reading.party(author).name), address: row.author },
            public: row.public,
            updated_at: row.updated_at as u64,
            compiled,
            findings,
            decision: decided.map(|decided| reading.decision_summary(decided)),
            proposal: proposal.map(|proposal| reading.proposal_ref(proposal)),
        })
    }
}

fn address_of(party: &Party) -> Answer<Address> {
    party.address.parse().map_err(|_| AppError::SignIn)
}

#[async_trait]
impl Backend for Pages {
    async fn site(&self, actor: Option<Party>) -> Answer<Site> {
        let reading = self.reading();
        let config = &self.0.config;
        let names = reading.names().into_iter().map(|(address, name)| Party { address: address.to_string(), name: Some(name) }).collect();
        let source = &reading.source;
        Ok(Site {
            dao: Dao {
                name: reading.dao.name.clone(),
                about: reading.dao.about.clone(),
                chain: source.chain(),
                chain_id: source.chain_id,
                chain_name: reading.dao.chain_name.clone(),
                governor: source.governor.to_string(),
                timelock: source.timelock.to_string(),
                token: source.token.to_string(),
                token_symbol: reading.settings.token_symbol.clone(),
                registry: source.registry.to_string(),
                art: source.art.map(|art| art.to_string()),
                engines: reading.facts.engines.keys().cloned().collect(),
                timelock_delay: reading.settings.timelock_delay,
                voting_delay: reading.settings.voting_delay,
                voting_period: reading.settings.voting_period,
                proposal_threshold: text::tokens(reading.settings.proposal_threshold),
                names,
            },
            devnet: config.devnet.as_ref().map(|devnet| Devnet {
                rpc: config.dao.rpc.replace("ws://", "http://"),
                accounts: devnet.accounts.iter().map(|account| reading.party(*account)).collect(),
            }),
            actor,
            block: reading.block,
            chain_time: reading.chain_time,
            chain_rate: config.devnet.as_ref().map_or(1.0, |devnet| devnet.pace),
            warnings: self.0.warnings(),
            log: reading.log,
        })
    }

    async fn home(&self) -> Answer<Home> {
        let reading = self.reading();
        let summaries = reading.summaries();
        let of = |states: &[&str]| summaries.iter().filter(|summary| states.contains(&summary.state.as_str())).cloned().collect::<Vec<_>>();
        let engine = reading.facts.engines.keys().next().cloned().ok_or_else(|| {
            AppError::Refused("The registry has no parameters yet, or the chain has not been read. Try again in a moment.".into())
        })?;
        let engine = self.engine_of_page(&engine).await?;
        Ok(Home {
            deciding: of(&["active", "pending", "succeeded"]),
            waiting: of(&["queued"]),
            changes: engine.history.iter().take(4).cloned().collect(),
            decisions: reading.decision_summaries().into_iter().take(4).collect(),
            log_size: self.0.log.size().await.map_err(internal)?,
            members: reading.facts.members.iter().filter(|member| **member != reading.source.timelock).count() as u64,
            treasury: format!("{} ETH", text::ether(reading.settings.treasury_wei)),
            minted: reading.facts.mints.iter().map(|mint| mint.quantity).sum(),
            engine,
        })
    }

    async fn proposals(&self, state: String, search: String) -> Answer<Vec<ProposalSummary>> {
        Ok(filtered(&self.reading(), &state, &search))
    }

    async fn proposal(&self, proposal_id: String) -> Answer<ProposalView> {
        let reading = self.reading();
        let proposal = proposal_id
            .parse()
            .ok()
            .and_then(|id| reading.facts.proposal(id))
            .ok_or_else(|| AppError::NotFound(format!("Proposal {proposal_id}")))?;
        let entries = self.entries_about(&reading, &proposal.id.to_string()).await?;
        Ok(reading.proposal_view(proposal, entries))
    }

    async fn engine(&self, engine: String) -> Answer<EngineView> {
        self.engine_of_page(&engine).await
    }

    async fn decisions(&self) -> Answer<Vec<DecisionSummary>> {
        Ok(self.reading().decision_summaries())
    }

    async fn decision(&self, digest: String) -> Answer<DecisionView> {
        decision_view(&self.0, &digest).await
    }

    async fn agents(&self) -> Answer<Vec<AgentView>> {
        let reading = self.reading();
        Ok(reading.dao.agents.iter().map(|agent| agent_view(&reading, agent)).collect())
    }

    async fn agent(&self, slug: String) -> Answer<AgentView> {
        let reading = self.reading();
        let agent =
            reading.dao.agents.iter().find(|agent| agent.slug == slug).ok_or_else(|| AppError::NotFound(format!("Agent {slug}")))?;
        Ok(agent_view(&reading, agent))
    }

    async fn log(&self, filter: LogFilter, before: Option<u64>) -> Answer<LogView> {
        let reading = self.reading();
        let (size, checkpoint) = match self.0.log.publish().await {
            // Nothing is published yet: the page shows what there is, and its top says who is missing.
            Err(LogError::Unwitnessed(_) | LogError::ReadOnly(_)) => (0, String::new()),
            done => done.map_err(internal)?,
        };
        let conditions = log_entries::conditions(&reading, &filter);
        let page = self.0.log.search(&conditions, before, PAGE).await.map_err(internal)?;
        let (found, searched_from) = self.0.log.count(&conditions).await.map_err(internal)?;
        let root = checkpoint.lines().nth(2).unwrap_or_default().to_owned();
        Ok(LogView {
            size,
            root,
            origin: self.0.log.origin().to_owned(),
            vkey: self.0.log.vkey(),
            checkpoint,
            older: page.older,
            entries: page.entries.iter().map(|row| entry_summary(&reading, row)).collect(),
            found,
            searched_from: (searched_from > 0).then_some(searched_from),
            growth: self.0.log.growth(size).await.map_err(internal)?,
            filter,
            assurance: Assurance { anchors: reading.anchor_views(origin_hash(self.0.log.origin())), ..self.0.log.assurance() },
        })
    }

    async fn log_choices(&self) -> Answer<LogChoices> {
        Ok(log_entries::choices(&self.reading()))
    }

    async fn entry(&self, index: u64) -> Answer<EntryView> {
        let reading = self.reading();
        let row = self.0.log.entry(index).await.map_err(internal)?.ok_or_else(|| AppError::NotFound(format!("Entry {index}")))?;
        let proof = match self.0.log.prove(index).await {
            Err(why @ (LogError::Unwitnessed(_) | LogError::ReadOnly(_))) => {
                return Err(AppError::Refused(format!("Entry {index} has no proof yet: {why}")));
            }
            done => done.map_err(internal)?,
        };
        let proof =
            proof.ok_or_else(|| AppError::NotFound(format!("A signed checkpoint over entry {index}, which was written meanwhile,")))?;
        let entry = Entry::parse(&row.leaf).ok();
        let mut refs = Vec::new();
        for reference in entry.iter().flat_map(|entry| &entry.refs) {
            if let Some(earlier) = self.0.log.entry(reference.index).await.map_err(internal)? {
                refs.push(entry_summary(&reading, &earlier));
            }
        }
        let later = self.0.log.referring(index, log_entries::REFERRING).await.map_err(internal)?;
        let body = log_entries::body(&self.0, entry.as_ref(), index).await.map_err(internal)?;
        Ok(EntryView {
            summary: entry_summary(&reading, &row),
            leaf: String::from_utf8_lossy(&row.leaf).into_owned(),
            refs,
            proof,
            vkey: self.0.log.vkey(),
            anchor: reading.anchor_over(origin_hash(self.0.log.origin()), index),
            body: body.text,
            body_missing: body.missing,
            body_salt: body.salt,
            body_href: body.href,
            referred_by: later.iter().map(|row| entry_summary(&reading, row)).collect(),
        })
    }

    async fn drafts(&self, actor: Option<Party>) -> Answer<Vec<DraftView>> {
        let reading = self.reading();
        let reader = actor.as_ref().map(address_of).transpose()?;
        let rows = draft::visible_to(&self.0.store, reader).await.map_err(for_page)?;
        rows.into_iter().map(|row| self.draft_view(&reading, row)).collect()
    }

    async fn draft(&self, actor: Option<Party>, id: String) -> Answer<DraftView> {
        let reader = actor.as_ref().map(address_of).transpose()?;
        let row = draft::get(&self.0.store, reader, &id).await.map_err(for_page)?;
        self.draft_view(&self.reading(), row)
    }

    async fn save_draft(&self, actor: Party, id: Option<String>, body: Draft) -> Answer<DraftView> {
        let reading = self.reading();
        let author = address_of(&actor)?;
        let id = draft::save(&self.0.store, author, id, &body, reading.chain_time).await.map_err(for_page)?;
        let row = draft::get(&self.0.store, Some(author), &id).await.map_err(for_page)?;
        self.draft_view(&reading, row)
    }

    async fn delete_draft(&self, actor: Party, id: String) -> Answer<()> {
        draft::delete(&self.0.store, address_of(&actor)?, &id).await.map_err(for_page)
    }
}
