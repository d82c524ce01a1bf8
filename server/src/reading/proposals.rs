//! Proposals for people: sentence, tally, calls in words, timeline, gallery, ids.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::SolCall;
use app::views::*;
use governance::{
    calendar::date_time,
    log::anchor::anchored_by,
    onchain::{abi::ParameterRegistry, in_words, list},
    parameter::{Definition, Value, key_text, key_word, label, parameter_set_hash},
    proposal::{Compiled, description_hash, operation_id, salt_v4, salt_v5},
};

use super::{EngineFacts, ProposalFacts, Reading, text};

/// Seeds of the gallery; the same ones for every proposal, so that eyes learn them.
pub const SEEDS: [&str; 3] = ["1", "2", "3"];
const IMAGE_KEYS: [&str; 7] = ["ink", "inscription", "layers", "mirror", "moon.rarity", "palette", "swell"];

/// Operation ids of a proposal under both salt rules.
pub fn operation(proposal: &ProposalFacts, governor: alloy_primitives::Address) -> (B256, B256) {
    let hash = description_hash(&proposal.description);
    let id = |salt| operation_id(&proposal.targets, &proposal.values, &proposal.calldatas, salt);
    (id(salt_v4(hash)), id(salt_v5(governor, hash)))
}

impl Reading {
    pub(super) fn registry_calls<'a>(
        &'a self,
        proposal: &'a ProposalFacts,
    ) -> impl Iterator<Item = ParameterRegistry::setParametersCall> + 'a {
        proposal.targets.iter().zip(&proposal.calldatas).filter(|(target, _)| **target == self.source.registry).filter_map(|(_, data)| {
            (data.get(..4) == Some(&ParameterRegistry::setParametersCall::SELECTOR))
                .then(|| ParameterRegistry::setParametersCall::abi_decode_validate(data).ok())
                .flatten()
        })
    }

    /// Decision digests in the registry calls, zero where a call names none.
    pub fn call_digests(&self, proposal: &ProposalFacts) -> Vec<B256> {
        self.registry_calls(proposal).map(|call| call.decisionDigest).collect()
    }

    /// Whether a call does nothing but anchor this log at a size that it has, which changes nothing that people govern. Any
    /// other anchor is told like every call.
    fn only_anchors(&self, target: alloy_primitives::Address, value: U256, data: &[u8]) -> bool {
        let anchored = self.source.log_anchor.and_then(|contract| anchored_by(contract, target, value, data));
        anchored.is_some_and(|anchored| {
            self.log.as_ref().is_some_and(|newest| anchored.origin == newest.origin && anchored.size <= newest.size)
        })
    }

    /// The proposal that a compiled draft became: the same text and calls. The log may have grown in between, so that
    /// the anchor at its end is another one.
    pub fn proposal_made_of(&self, compiled: &Compiled) -> Option<&ProposalFacts> {
        let without_anchor = |calls: Vec<(alloy_primitives::Address, U256, Bytes)>| {
            calls.into_iter().filter(|(target, value, data)| !self.only_anchors(*target, *value, data)).collect::<Vec<_>>()
        };
        let drafted = without_anchor(compiled.calls.iter().map(|call| (call.target, call.value, call.calldata.clone())).collect());
        self.facts.proposals.iter().rev().filter(|proposal| proposal.description == compiled.description).find(|proposal| {
            let calls = proposal.targets.iter().zip(&proposal.values).zip(&proposal.calldatas);
            without_anchor(calls.map(|((target, value), data)| (*target, *value, data.clone())).collect()) == drafted
        })
    }

    /// The parameter changes of a proposal: from what is (or, once executed, was) in force.
    pub fn change_lines(&self, proposal: &ProposalFacts) -> Vec<ChangeLine> {
        let mut lines = Vec::new();
        for call in self.registry_calls(proposal) {
            let Some(engine) = key_text(call.engine).and_then(|id| self.facts.engines.get(&id)) else { continue };
            let based_on = engine.revisions.iter().find(|revision| revision.hash == call.expectedHash).or(engine.revisions.last());
            let open = !matches!(proposal.state.as_str(), "executed" | "defeated" | "canceled" | "expired");
            for change in &call.changes {
                let Some(key) = key_text(change.key) else { continue };
                let from = based_on.and_then(|revision| revision.values.get(&key)).map(|held| held.bytes.clone()).unwrap_or_default();
                let mut line = change_line(engine, &key, &from, &change.value);
                if open {
                    line.refusal = self.refusal(engine, &key, &change.value, call.expectedHash);
                }
                lines.push(line);
            }
        }
        lines
    }

    /// Why the contract would refuse this value if the call ran at this block, in words.
    fn refusal(&self, engine: &EngineFacts, key: &str, bytes: &[u8], expected: B256) -> Option<String> {
        let definition = engine.definitions.get(key)?;
        let held = engine.values.get(key)?;
        if engine.revisions.last().is_some_and(|revision| revision.hash != expected) {
            return Some(match self.brought_by(engine, expected) {
                Some(earlier) => {
                    format!("it was drafted on the parameters as proposal {earlier} will leave them, and can run only after that one.")
                }
                None if engine.revisions.iter().any(|revision| revision.hash == expected) => {
                    "the parameters have changed since it was drafted.".into()
                }
                None => "the parameters are not the ones it was drafted on.".into(),
            });
        }
        let (new, current) = (Value::from_canonical(definition, bytes).ok()?, Value::from_canonical(definition, &held.bytes).ok()?);
        definition.check(&new, &current, held.counts_from(), self.chain_time).err().map(|refusal| format!("{refusal}."))
    }

    /// The open proposal that would turn the set in force into the one with this hash.
    fn brought_by(&self, engine: &EngineFacts, hash: B256) -> Option<u64> {
        let current = engine.revisions.last()?;
        let open =
            self.facts.proposals.iter().filter(|proposal| matches!(proposal.state.as_str(), "pending" | "active" | "succeeded" | "queued"));
        for proposal in open {
            for call in self.registry_calls(proposal).filter(|call| call.engine == engine.word && call.expectedHash == current.hash) {
                let mut values: BTreeMap<B256, Vec<u8>> =
                    current.values.iter().filter_map(|(key, held)| Some((key_word(key)?, held.bytes.to_vec()))).collect();
                values.extend(call.changes.into_iter().map(|change| (change.key, change.value.to_vec())));
                if parameter_set_hash(engine.word, current.revision + 1, &values) == hash {
                    return Some(proposal.number);
                }
            }
        }
        None
    }

    pub fn actions(&self, proposal: &ProposalFacts) -> Vec<ActionView> {
        let context = self.context();
        (proposal.targets.iter().zip(&proposal.values).zip(&proposal.calldatas))
            .map(|((target, value), data)| {
                let worded = in_words(&context, *target, *value, data);
                ActionView {
                    target: self.party(*target),
                    value: if value.is_zero() { String::new() } else { format!("{} ETH", text::ether(*value)) },
                    function: worded.function,
                    words: worded.words,
                    arguments: worded.arguments.into_iter().map(|(name, kind, value)| Argument { name, kind, value }).collect(),
                    calldata: data.to_string(),
                    known: worded.known,
                }
            })
            .collect()
    }

    /// What it would change, in one sentence.
    fn sentence(&self, proposal: &ProposalFacts, changes: &[ChangeLine]) -> String {
        let mut parts: Vec<String> = Vec::new();
        if !changes.is_empty() {
            let moves: Vec<String> = changes.iter().map(move_in_words).collect();
            parts.push(list(&moves));
        }
        let context = self.context();
        let others: Vec<String> = (proposal.targets.iter().zip(&proposal.values).zip(&proposal.calldatas))
            .filter(|((target, _), data)| {
                **target != self.source.registry || data.get(..4) != Some(&ParameterRegistry::setParametersCall::SELECTOR)
            })
            .filter(|((target, value), data)| !self.only_anchors(**target, **value, data))
            .map(|((target, value), data)| lower_first(&in_words(&context, *target, *value, data).words))
            .collect();
        parts.extend(others);
        let mut sentence = list(&parts);
        if let Some(first) = sentence.get(..1) {
            sentence = format!("{}{}.", first.to_uppercase(), &sentence[1..]);
        }
        sentence
    }

    fn tally(&self, proposal: &ProposalFacts) -> Tally {
        let sum = |support: u8| {
            proposal.votes.iter().filter(|vote| vote.support == support).map(|vote| vote.weight).fold(U256::ZERO, U256::saturating_add)
        };
        let (against, for_votes, abstain) = (sum(0), sum(1), sum(2));
        let cast = against.saturating_add(for_votes).saturating_add(abstain);
        Tally {
            for_votes: text::tokens(for_votes),
            against_votes: text::tokens(against),
            abstain_votes: text::tokens(abstain),
            for_share: text::share(for_votes, cast),
            against_share: text::share(against, cast),
            abstain_share: text::share(abstain, cast),
            quorum: proposal.quorum.map(text::tokens).unwrap_or_default(),
            quorum_share: proposal.quorum.map_or(0.0, |quorum| text::share(for_votes.saturating_add(abstain), quorum)),
            voters: proposal.votes.len() as u64,
        }
    }

    pub fn summary(&self, proposal: &ProposalFacts) -> ProposalSummary {
        let changes = self.change_lines(proposal);
        let decided = proposal.text_digest();
        let by_agent = decided.and_then(|digest| self.decisions.get(digest)).map(|decided| decided.record.agent.name.clone());
        let anchors = (proposal.targets.iter().zip(&proposal.values).zip(&proposal.calldatas))
            .filter(|((target, value), data)| self.only_anchors(**target, **value, data))
            .count();
        let own_calls = self.registry_calls(proposal).count() + anchors;
        ProposalSummary {
            chain: self.source.chain(),
            governor: self.source.governor.to_string(),
            proposal_id: proposal.id.to_string(),
            number: proposal.number,
            title: text::title(&proposal.description),
            sentence: self.sentence(proposal, &changes),
            state: proposal.state.clone(),
            proposer: self.party(proposal.proposer),
            by_agent: by_agent.or_else(|| decided.map(|_| "an agent".into())),
            changes_parameters: !changes.is_empty(),
            calls_contracts: proposal.targets.len() > own_calls,
            created_at: proposal.created.at,
            vote_start: proposal.vote_start,
            vote_end: proposal.vote_end,
            eta: proposal.eta,
            tally: self.tally(proposal),
        }
    }

    /// Newest first.
    pub fn summaries(&self) -> Vec<ProposalSummary> {
        self.facts.proposals.iter().rev().map(|proposal| self.summary(proposal)).collect()
    }

    fn gallery(&self, proposal: &ProposalFacts, changes: &[ChangeLine]) -> Option<Gallery> {
        let call = self.registry_calls(proposal).next()?;
        let engine = self.facts.engines.get(&key_text(call.engine)?)?;
        let base = engine.revisions.iter().find(|revision| revision.hash == call.expectedHash).or(engine.revisions.last())?;
        let overrides: Vec<String> = changes
            .iter()
            .filter(|change| IMAGE_KEYS.contains(&change.key.as_str()))
            .map(|change| format!("{}={}", change.key, urlencoded(&change.to)))
            .collect();
        let pairs = SEEDS
            .iter()
            .map(|seed| {
                let before = format!("/render/{}/{seed}.svg?revision={}", engine.id, base.revision);
                let after = if overrides.is_empty() { before.clone() } else { format!("{before}&{}", overrides.join("&")) };
                GalleryPair { label: format!("Seed {seed}"), before, after }
            })
            .collect();
        Some(Gallery { engine: engine.id.clone(), pairs, same: overrides.is_empty() })
    }

    fn timeline(&self, proposal: &ProposalFacts) -> Vec<TimelineStep> {
        let state = proposal.state.as_str();
        let step = |verb: &str, label: &str, status: &str, detail: String| TimelineStep {
            verb: verb.into(),
            label: label.into(),
            status: status.into(),
            at: None,
            until: None,
            detail,
            transaction: None,
        };
        let mut steps = Vec::new();
        if let Some(decided) = proposal.text_digest().and_then(|digest| self.decisions.get(digest)) {
            steps.push(TimelineStep {
                at: Some(decided.record.at),
                ..step("draft", "Drafted", "done", format!("by {}", decided.record.agent.name))
            });
        }
        steps.push(TimelineStep {
            at: Some(proposal.created.at),
            transaction: Some(proposal.created.transaction.clone()),
            ..step("propose", "Proposed", "done", format!("by {}", self.party(proposal.proposer).label()))
        });
        let tally = self.tally(proposal);
        let votes = format!("{} for, {} against, {} abstaining", tally.for_votes, tally.against_votes, tally.abstain_votes);
        steps.push(match state {
            "pending" => TimelineStep {
                until: Some(proposal.vote_start),
                ..step("vote", "Voting opens", "now", "Votes count as held when voting opens.".into())
            },
            "active" => TimelineStep { until: Some(proposal.vote_end), ..step("vote", "Voting", "now", votes) },
            "canceled" if proposal.votes.is_empty() => TimelineStep {
                at: proposal.canceled.as_ref().map(|moment| moment.at),
                ..step("vote", "Withdrawn", "failed", "before any vote was cast".into())
            },
            "canceled" => {
                TimelineStep { at: proposal.canceled.as_ref().map(|moment| moment.at), ..step("vote", "Canceled", "failed", votes) }
            }
            "defeated" => {
                let why = if tally.quorum_share < 1.0 { format!("{votes}; the quorum of {} was not reached", tally.quorum) } else { votes };
                TimelineStep { at: Some(proposal.vote_end), ..step("vote", "Defeated", "failed", why) }
            }
            _ => TimelineStep { at: Some(proposal.vote_end), ..step("vote", "Passed", "done", votes) },
        });
        if matches!(state, "canceled" | "defeated" | "expired") {
            return steps;
        }
        let undecided = matches!(state, "pending" | "active");
        steps.push(match &proposal.queued {
            Some(moment) => TimelineStep {
                at: Some(moment.at),
                transaction: Some(moment.transaction.clone()),
                ..step("queue", "Queued in the timelock", "done", String::new())
            },
            None => step("queue", "Queue in the timelock", if state == "succeeded" { "now" } else { "next" }, proposal.obstacle.clone()),
        });
        steps.push(match &proposal.executed {
            Some(moment) => TimelineStep {
                at: Some(moment.at),
                transaction: Some(moment.transaction.clone()),
                ..step("execute", "Executed", "done", "by the bridge or anyone else; no privilege is needed".into())
            },
            None => TimelineStep {
                until: proposal.eta,
                ..step(
                    "execute",
                    "Execute",
                    if state == "queued" { "now" } else { "next" },
                    if undecided || proposal.obstacle.is_empty() { String::new() } else { proposal.obstacle.clone() },
                )
            },
        });
        if self.registry_calls(proposal).next().is_some() {
            let applied = proposal.executed.as_ref().map(|moment| moment.at);
            steps.push(TimelineStep {
                at: applied,
                ..step("apply", "Engine runs it", if applied.is_some() { "done" } else { "next" }, String::new())
            });
        }
        steps
    }

    pub fn proposal_view(&self, proposal: &ProposalFacts, entries: Vec<EntrySummary>) -> ProposalView {
        let changes = self.change_lines(proposal);
        let cast = proposal.votes.iter().map(|vote| vote.weight).fold(U256::ZERO, U256::saturating_add);
        let mut votes: Vec<_> = proposal.votes.iter().collect();
        votes.sort_by_key(|vote| std::cmp::Reverse(vote.weight));
        let (v4, v5) = operation(proposal, self.source.governor);
        let text_digest = proposal.text_digest();
        let call_digest = self.call_digests(proposal).into_iter().find(|digest| !digest.is_zero());
        let decided = text_digest.or(call_digest).and_then(|digest| self.decisions.get(digest));
        ProposalView {
            summary: self.summary(proposal),
            text: proposal.description.clone(),
            decision: decided.map(|decided| self.decision_summary(decided)),
            binding: self.binding(proposal),
            text_digest: text_digest.map(|digest| digest.to_string()),
            call_digest: call_digest.map(|digest| digest.to_string()),
            gallery: self.gallery(proposal, &changes),
            actions: self.actions(proposal),
            changes,
            votes: votes
                .into_iter()
                .map(|vote| VoteView {
                    voter: self.party(vote.voter),
                    support: match vote.support {
                        0 => "against".into(),
                        1 => "for".into(),
                        2 => "abstain".into(),
                        other => format!("option {other}"),
                    },
                    weight: text::tokens(vote.weight),
                    share: text::share(vote.weight, cast),
                    reason: vote.reason.chars().take(4_000).collect(),
                    at: vote.moment.at,
                    transaction: vote.moment.transaction.clone(),
                })
                .collect(),
            timeline: self.timeline(proposal),
            ids: Ids {
                proposal_id: proposal.id.to_string(),
                description_hash: description_hash(&proposal.description).to_string(),
                operation_v4: v4.to_string(),
                operation_v5: v5.to_string(),
                operation_on_chain: proposal
                    .queued
                    .as_ref()
                    .and_then(|moment| self.facts.scheduled.get(&moment.transaction))
                    .map(B256::to_string),
                governor: self.source.governor.to_string(),
                targets: proposal.targets.iter().map(ToString::to_string).collect(),
                values: proposal.values.iter().map(ToString::to_string).collect(),
                calldatas: proposal.calldatas.iter().map(ToString::to_string).collect(),
            },
            entries,
        }
    }

    /// The revisions of an engine, newest first, each with what it changed and why.
    pub fn revisions(&self, engine: &EngineFacts) -> Vec<RevisionView> {
        engine
            .revisions
            .iter()
            .rev()
            .map(|revision| RevisionView {
                engine: engine.id.clone(),
                revision: revision.revision,
                hash: revision.hash.to_string(),
                at: revision.moment.at,
                changes: revision.changes.iter().map(|(key, old, new)| change_line(engine, key, old, new)).collect(),
                proposal: self.facts.executed_in(&revision.moment.transaction).map(|proposal| self.proposal_ref(proposal)),
                decision_digest: (!revision.decision_digest.is_zero()).then(|| revision.decision_digest.to_string()),
                transaction: revision.moment.transaction.clone(),
            })
            .collect()
    }

    pub fn parameters(&self, engine: &EngineFacts) -> Vec<ParameterView> {
        let revisions = self.revisions(engine);
        engine
            .values
            .iter()
            .filter_map(|(key, held)| {
                let definition = engine.definitions.get(key)?;
                let mut history: Vec<ParameterChangeView> = engine
                    .revisions
                    .iter()
                    .zip(revisions.iter().rev())
                    .flat_map(|(facts, view)| {
                        facts.changes.iter().filter(|(changed, ..)| changed == key).map(move |(_, old, new)| ParameterChangeView {
                            revision: facts.revision,
                            from: if old.is_empty() { String::new() } else { engine.display(key, old) },
                            to: engine.display(key, new),
                            at: facts.moment.at,
                            proposal: view.proposal.clone(),
                            why: self
                                .decisions
                                .get(facts.decision_digest)
                                .map(|decided| governance::explanation::one_line(&decided.record)),
                            number: engine.json(key, new).as_f64(),
                        })
                    })
                    .collect();
                history.reverse();
                Some(ParameterView {
                    engine: engine.id.clone(),
                    key: key.clone(),
                    label: label(key),
                    kind: definition.kind.name().into(),
                    unit: definition.unit.clone(),
                    value: engine.display(key, &held.bytes),
                    json: engine.json(key, &held.bytes),
                    bounds: definition.in_words(),
                    definition: definition.clone(),
                    canonical: held.bytes.to_string(),
                    changed_at: held.changed_at,
                    changed_by: history.first().and_then(|change| change.proposal.clone()),
                    history,
                })
            })
            .collect()
    }
}

fn change_line(engine: &EngineFacts, key: &str, from: &[u8], to: &[u8]) -> ChangeLine {
    let definition = engine.definitions.get(key);
    ChangeLine {
        engine: engine.id.clone(),
        key: key.into(),
        label: label(key),
        kind: definition.map_or_else(String::new, |definition| definition.kind.name().into()),
        unit: definition.map_or_else(String::new, |definition: &Definition| definition.unit.clone()),
        from: if from.is_empty() { String::new() } else { engine.display(key, from) },
        to: engine.display(key, to),
        refusal: None,
    }
}

fn move_in_words(change: &ChangeLine) -> String {
    let unit = if change.unit.is_empty() { String::new() } else { format!(" {}", change.unit) };
    let name = change.label.to_lowercase();
    match change.kind.as_str() {
        "toggle" => format!("turn {name} {}", change.to),
        "integer" | "decimal" => match (change.from.parse::<f64>(), change.to.parse::<f64>()) {
            (Ok(from), Ok(to)) if to > from => format!("raise {name} from {} to {}{unit}", change.from, change.to),
            (Ok(from), Ok(to)) if to < from => format!("lower {name} from {} to {}{unit}", change.from, change.to),
            _ => format!("set {name} to {}{unit}", change.to),
        },
        "text" => format!("change {name} to “{}”", change.to),
        "time" => match (change.from.parse(), change.to.parse()) {
            (Ok(from), Ok(to)) => format!("move {name} from {} to {}", date_time(from), date_time(to)),
            _ => format!("set {name} to {}", change.to),
        },
        _ if change.from.is_empty() => format!("set {name} to {}", change.to),
        _ => format!("change {name} from {} to {}", change.from, change.to),
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn urlencoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
