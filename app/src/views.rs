//! What pages receive: plain values, ready to draw. The server fills them; nothing here computes a rule.
//!
//! Ids and uint256 are decimal strings, hashes 0x-hex, times unix seconds on the chain's clock.

use governance::explanation::{
    Binding, RuleStep, Verification, VerificationState,
    comparison::Comparison,
    links::Carried,
    overview::Overview,
    staleness::Stale,
    track_record::{Outcome, TrackRecord},
    what_if::WhatIfs,
};
use serde::{Deserialize, Serialize};

/// Somebody or something with an address, named where a name is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Party {
    pub address: String,
    /// From the DAO's address book; `None` shows the shortened address alone.
    pub name: Option<String>,
}

impl Party {
    /// `0x1234…abcd`.
    pub fn short(&self) -> String {
        match (self.address.get(..6), self.address.get(self.address.len().saturating_sub(4)..)) {
            (Some(head), Some(tail)) if self.address.len() > 12 => format!("{head}…{tail}"),
            _ => self.address.clone(),
        }
    }

    /// The name, or the shortened address.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.short())
    }
}

/// What every page knows: which DAO this is and how its clock runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    pub dao: Dao,
    /// Present only where the chain is the local devnet.
    pub devnet: Option<Devnet>,
    /// The signed-in person, if any.
    pub actor: Option<Party>,
    /// Block the page speaks of.
    pub block: u64,
    /// That block's time, unix seconds.
    pub chain_time: u64,
    /// Chain seconds that pass in one second of the reader's clock (1.0 on a real chain).
    pub chain_rate: f64,
    /// Why the bridge is not fully working (node away, log read-only); empty when all is well.
    pub warnings: Vec<String>,
    /// The newest checkpoint and the contract to anchor it in, for drafts that change parameters.
    #[serde(default)]
    pub log: Option<governance::log::Anchoring>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dao {
    pub name: String,
    pub about: String,
    /// CAIP-2, such as `eip155:31337`.
    pub chain: String,
    pub chain_id: u64,
    pub chain_name: String,
    pub governor: String,
    pub timelock: String,
    pub token: String,
    pub token_symbol: String,
    pub registry: String,
    /// The generative token's contract.
    pub art: Option<String>,
    pub engines: Vec<String>,
    /// Seconds between queueing and the first moment of execution.
    pub timelock_delay: u64,
    /// Seconds (timestamp clock) or blocks.
    pub voting_delay: u64,
    pub voting_period: u64,
    /// Votes needed to propose, in whole tokens, ready to show.
    pub proposal_threshold: String,
    /// Address book: lower-case address and name.
    pub names: Vec<Party>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Devnet {
    /// JSON-RPC address for people with tools of their own.
    pub rpc: String,
    /// Accounts that the demo wallet can act as.
    pub accounts: Vec<Party>,
}

/// One line of a list of proposals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposalSummary {
    pub chain: String,
    pub governor: String,
    /// uint256 as a decimal string; part of the page's address.
    pub proposal_id: String,
    /// Position in the order of creation, from 1; what people say aloud.
    pub number: u64,
    pub title: String,
    /// What it would change, in one sentence made from the calls.
    pub sentence: String,
    /// pending, active, canceled, defeated, succeeded, queued, expired, executed.
    pub state: String,
    pub proposer: Party,
    /// Whether the text rests on an agent's decision.
    pub by_agent: Option<String>,
    pub changes_parameters: bool,
    pub calls_contracts: bool,
    pub created_at: u64,
    pub vote_start: u64,
    pub vote_end: u64,
    /// When the timelock lets it run; set once queued.
    pub eta: Option<u64>,
    pub tally: Tally,
}

impl ProposalSummary {
    pub fn href(&self) -> String {
        format!("/proposals/{}", self.proposal_id)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Whole tokens with thousands separators, such as `12,400`.
    pub for_votes: String,
    pub against_votes: String,
    pub abstain_votes: String,
    /// Shares of the votes cast, 0..1.
    pub for_share: f64,
    pub against_share: f64,
    pub abstain_share: f64,
    /// For + Abstain that must be cast; empty while the snapshot is not past.
    pub quorum: String,
    /// Progress towards quorum, 0..1 and beyond.
    pub quorum_share: f64,
    pub voters: u64,
}

/// Everything on a proposal's page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposalView {
    pub summary: ProposalSummary,
    /// The proposal's text exactly as proposed (Markdown, untrusted).
    pub text: String,
    pub decision: Option<DecisionSummary>,
    pub binding: Binding,
    /// Digest named by the text, if any.
    pub text_digest: Option<String>,
    /// Digest carried by the registry calls, if any.
    pub call_digest: Option<String>,
    pub gallery: Option<Gallery>,
    pub actions: Vec<ActionView>,
    pub changes: Vec<ChangeLine>,
    pub votes: Vec<VoteView>,
    pub timeline: Vec<TimelineStep>,
    pub ids: Ids,
    pub entries: Vec<EntrySummary>,
}

/// Images of the same seeds under two parameter sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gallery {
    pub engine: String,
    pub pairs: Vec<GalleryPair>,
    /// True when the change has no effect on images.
    pub same: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GalleryPair {
    pub label: String,
    pub before: String,
    pub after: String,
}

/// A parameter's move from one value to another, in display form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeLine {
    pub engine: String,
    pub key: String,
    pub label: String,
    pub kind: String,
    pub unit: String,
    pub from: String,
    pub to: String,
    /// Why the contract would refuse it now; empty when it would not.
    pub refusal: Option<String>,
}

/// One call, in words, with the bytes behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionView {
    pub target: Party,
    /// ETH, ready to show; empty when none.
    pub value: String,
    /// `setParameters(bytes32,bytes32,bytes32,(bytes32,bytes)[])`, or "unknown function 0x…".
    pub function: String,
    /// Plain words: "Send 2.5 ETH to Ines".
    pub words: String,
    pub arguments: Vec<Argument>,
    pub calldata: String,
    /// False when the selector is not known and `words` only says so.
    pub known: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Argument {
    pub name: String,
    pub kind: String,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VoteView {
    pub voter: Party,
    /// for, against, abstain.
    pub support: String,
    pub weight: String,
    pub share: f64,
    /// As cast, untrusted plain text.
    pub reason: String,
    pub at: u64,
    pub transaction: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineStep {
    /// draft, propose, vote, queue, execute, apply, explain.
    pub verb: String,
    pub label: String,
    /// done, now, next, failed.
    pub status: String,
    pub at: Option<u64>,
    /// Counts down to this moment when `now` or `next`.
    pub until: Option<u64>,
    pub detail: String,
    pub transaction: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ids {
    pub proposal_id: String,
    pub description_hash: String,
    /// Salt rule of OpenZeppelin 4.x.
    pub operation_v4: String,
    /// Salt rule of OpenZeppelin 5.x.
    pub operation_v5: String,
    /// What the chain scheduled, once queued.
    pub operation_on_chain: Option<String>,
    pub governor: String,
    pub targets: Vec<String>,
    pub values: Vec<String>,
    pub calldatas: Vec<String>,
}

/// The home page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Home {
    pub deciding: Vec<ProposalSummary>,
    pub waiting: Vec<ProposalSummary>,
    pub changes: Vec<RevisionView>,
    pub decisions: Vec<DecisionSummary>,
    pub engine: EngineView,
    pub log_size: u64,
    pub members: u64,
    pub treasury: String,
    pub minted: u64,
}

/// An engine: what was ratified, what is served, what it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineView {
    pub id: String,
    pub name: String,
    pub ratified: Revision,
    pub served: Revision,
    /// `None` until an engine has reported.
    pub running: Option<EngineReport>,
    /// in-step, behind, refused, silent.
    pub status: String,
    /// One plain sentence about `status`.
    pub status_sentence: String,
    /// Seconds of wall time from the executing block's arrival to the engine running it, latest change.
    pub delivery_ms: Option<u64>,
    pub parameters: Vec<ParameterView>,
    pub history: Vec<RevisionView>,
    /// Images of the engine's look now.
    pub samples: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    pub revision: u64,
    pub hash: String,
    pub at: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineReport {
    pub revision: u64,
    pub hash: String,
    pub build: String,
    /// accepted or refused.
    pub outcome: String,
    pub detail: String,
    pub at: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterView {
    pub engine: String,
    pub key: String,
    pub label: String,
    /// choice, toggle, integer, decimal, colour, time, text.
    pub kind: String,
    pub unit: String,
    /// Ready to show.
    pub value: String,
    /// As engines receive it.
    pub json: serde_json::Value,
    /// Bounds in words: "between 1 and 60, at most 12 at a time, at most once a day".
    pub bounds: String,
    pub definition: governance::parameter::Definition,
    pub canonical: String,
    pub changed_at: u64,
    pub changed_by: Option<ProposalRef>,
    pub history: Vec<ParameterChangeView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterChangeView {
    pub revision: u64,
    pub from: String,
    pub to: String,
    pub at: u64,
    pub proposal: Option<ProposalRef>,
    /// Why, in one line, where a decision says so.
    pub why: Option<String>,
    /// Numeric form of `to`, for the small chart.
    pub number: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalRef {
    pub proposal_id: String,
    pub number: u64,
    pub title: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RevisionView {
    pub engine: String,
    pub revision: u64,
    pub hash: String,
    pub at: u64,
    pub changes: Vec<ChangeLine>,
    pub proposal: Option<ProposalRef>,
    pub decision_digest: Option<String>,
    pub transaction: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionSummary {
    /// 0x + sha256; part of the page's address.
    pub digest: String,
    pub agent: Party,
    /// The agent's short name, part of its page's address.
    pub agent_slug: String,
    pub question: String,
    /// One line, made from the numbers.
    pub line: String,
    pub at: u64,
    pub state: VerificationState,
    pub proposal: Option<ProposalRef>,
    pub draft: Option<String>,
}

impl DecisionSummary {
    pub fn href(&self) -> String {
        format!("/decisions/{}", self.digest)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionView {
    pub summary: DecisionSummary,
    /// Three lines, made from the numbers.
    pub lines: Vec<String>,
    pub record: governance::explanation::DecisionRecord,
    /// The stored record's exact bytes, for recomputing in the browser.
    pub raw: String,
    /// Where the model's bytes are served; `None` when it was not published.
    pub model_url: Option<String>,
    /// Where its background's bytes are served, for a method that needs one.
    pub background_url: Option<String>,
    /// Every link as the bridge found it.
    pub verification: Verification,
    /// Why the badge is what it is, line by line.
    pub why: Vec<String>,
    pub stale: Option<Stale>,
    /// What chain and engine said, for the last links.
    pub carried: Carried,
    pub bars: Vec<governance::explanation::Bar>,
    pub rule_steps: Vec<RuleStep>,
    /// Unit of the parameter that the rule is about.
    pub rule_unit: String,
    /// What rounding left over: output less baseline less all attributions.
    pub residual: f64,
    /// The explanation in a handful of paragraphs.
    pub full: Vec<String>,
    /// Empty where the model was not published or cannot be asked.
    pub what_ifs: WhatIfs,
    pub others: Vec<OtherOpinion>,
    pub outcome: Option<Outcome>,
    pub binding: Binding,
    pub entry: Option<EntrySummary>,
    pub verdicts: Vec<VerdictView>,
    /// The contract that verdicts are published to, where the DAO has one.
    pub validations: Option<String>,
}

/// Another decision on the same question, beside this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OtherOpinion {
    pub summary: DecisionSummary,
    pub comparison: Comparison,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentView {
    pub slug: String,
    pub party: Party,
    pub about: String,
    pub model: Option<String>,
    pub decisions: Vec<DecisionSummary>,
    pub first_seen: u64,
    pub proposals: Vec<ProposalSummary>,
    /// All its decisions at once; `None` with fewer than two.
    pub overview: Option<Overview>,
    /// What it predicted beside what was seen; `None` where nothing on chain could show it.
    pub track_record: Option<TrackRecord>,
}

/// A line of the explanation log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntrySummary {
    pub index: u64,
    pub kind: String,
    pub sentence: String,
    pub at: u64,
    pub leaf_hash: String,
    /// Page of what it is about.
    pub subject: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogView {
    pub size: u64,
    pub root: String,
    pub origin: String,
    pub vkey: String,
    pub checkpoint: String,
    pub entries: Vec<EntrySummary>,
    /// Index to pass as `before` for older entries.
    pub older: Option<u64>,
    /// How many entries the filter finds in all.
    pub found: u64,
    /// What was asked for.
    pub filter: LogFilter,
    /// Words were looked for in entries from this index on only; `None` when all entries were looked at.
    pub searched_from: Option<u64>,
    /// Moments, and how many entries tell of something until then; oldest first, a few dozen of them.
    pub growth: Vec<(u64, u64)>,
    pub assurance: Assurance,
}

/// What a search of the log offers to choose from, beside kinds and verdicts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogChoices {
    /// Short names and names.
    pub agents: Vec<(String, String)>,
    /// `engine/key`.
    pub parameters: Vec<String>,
    /// Ids, numbers and titles, newest first, at most a few hundred.
    pub proposals: Vec<ProposalRef>,
}

/// What a reader looks for in the log; an empty filter finds everything. Conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogFilter {
    pub kind: String,
    /// A proposal id, decimal.
    pub proposal: String,
    /// An agent's slug or account.
    pub agent: String,
    /// `engine/key`.
    pub parameter: String,
    /// `holds`, `doubtful` or `fails`.
    pub verdict: String,
    /// Unix seconds, inclusive.
    pub from: Option<u64>,
    /// Unix seconds, exclusive.
    pub until: Option<u64>,
    /// Words to find in the entry's text.
    pub text: String,
}

/// What keeps the log honest beside its own signature.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Assurance {
    /// The newest anchor on chain, by the account that this bridge or the timelock anchors with.
    pub anchors: Vec<AnchorView>,
    pub witnesses: Vec<WitnessView>,
    /// Where copies of the tiles go and how far they have come.
    pub mirror: Option<MirrorView>,
    /// Why nothing is signed or appended any more; `None` when all is well.
    pub read_only: Option<String>,
}

/// A size and root of the log that the chain holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnchorView {
    /// CAIP-2.
    pub chain: String,
    /// The `LogAnchor` contract.
    pub contract: String,
    pub account: Party,
    /// sha256 of the origin line, 0x and hex.
    pub origin: String,
    pub size: u64,
    /// 0x and hex.
    pub root: String,
    pub block: u64,
    pub at: u64,
    pub transaction: String,
    /// Whether the block is final.
    pub finalized: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WitnessView {
    pub name: String,
    pub vkey: String,
    /// Size of the newest checkpoint it cosigned.
    pub size: Option<u64>,
    /// When it did, unix seconds by its own clock.
    pub at: Option<u64>,
    /// What went wrong the last time it was asked.
    pub problem: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MirrorView {
    /// Where, without secrets.
    pub target: String,
    pub size: u64,
    pub problem: Option<String>,
}

/// What an auditor said of a decision on chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictView {
    pub auditor: Party,
    /// Whether the DAO lists the auditor; only those make a decision *attested*.
    pub listed: bool,
    /// `holds`, `doubtful` or `fails`.
    pub verdict: String,
    /// 0 to 100, as ERC-8004 has it.
    pub response: u8,
    /// Where the auditor explains, if anywhere.
    pub report: Option<String>,
    pub at: u64,
    pub transaction: String,
    /// Its log entry.
    pub entry: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryView {
    pub summary: EntrySummary,
    /// The leaf's exact text.
    pub leaf: String,
    pub refs: Vec<EntrySummary>,
    pub proof: governance::log::InclusionProof,
    pub vkey: String,
    /// The first anchor on chain that covers it.
    pub anchor: Option<AnchorView>,
    /// The text of the body, where it is text, not erased and at most 64 KiB.
    pub body: Option<String>,
    /// Why there is no body to show, where the entry names one.
    pub body_missing: Option<String>,
    /// The salt that its digest is over, as hex digits; empty where it is not salted.
    pub body_salt: String,
    /// Where the body's bytes can be fetched, while they are here.
    pub body_href: Option<String>,
    /// Later entries that refer to this one, oldest first, at most a few dozen.
    pub referred_by: Vec<EntrySummary>,
}

/// A draft as its author sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DraftView {
    pub id: String,
    pub draft: governance::proposal::Draft,
    pub author: Party,
    /// An agent's drafts are public; a person's are private.
    pub public: bool,
    pub updated_at: u64,
    pub compiled: Option<governance::proposal::Compiled>,
    /// What stops it, each with what to do.
    pub findings: Vec<String>,
    pub decision: Option<DecisionSummary>,
    /// Set once the chain has it.
    pub proposal: Option<ProposalRef>,
}
