//! Whether a decision's explanation holds: what was checked, what was found, and the one word for it.
//!
//! The checks are grouped into [links](super::links), from the record's seal to the recommended value and on to the
//! engine; `blame.rs` has the rules by which an alteration is told from its consequences. A link of the explanation that
//! does not hold makes the whole a mismatch. What could not be checked, because the model is not published or the method
//! is not one we can recompute, leaves the explanation a claim. Links after the value say what became of the
//! recommendation; they have states of their own and do not change the explanation's.
//!
//! Whether a record exists, whose browser is computing and what auditors say is known to the caller, who raises or sets
//! the state accordingly.

mod binding;
mod blame;
mod recomputation;
mod story;
mod why;

pub use binding::{Binding, binding};
pub use why::why;

use super::decision::{DecisionError, DecisionRecord};
use super::links::{Carried, Link, LinkKind, LinkState, carried_links};
use super::model::{Model, Rows};
use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How far two numbers that should be equal may lie apart, as a part of the largest of 1, the output, the baseline and
/// (where they were recomputed) the attributions.
///
/// XGBoost computes in 32-bit floats and stays within a tenth of this; a recomputation in 64 bits needs far less.
pub const TOLERANCE: f64 = 1e-5;

/// The attribution method of the reference steward.
pub const METHOD: &str = "tree-path-dependent";

/// How far an explanation can be trusted, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerificationState {
    Mismatch,
    Missing,
    Claimed,
    Recomputed,
    RecomputedHere,
    Attested,
}

impl VerificationState {
    /// The word on the badge.
    pub fn label(self) -> &'static str {
        match self {
            Self::Mismatch => "mismatch",
            Self::Missing => "missing",
            Self::Claimed => "claimed",
            Self::Recomputed => "recomputed",
            Self::RecomputedHere => "recomputed here",
            Self::Attested => "attested",
        }
    }

    /// What the word means, in a sentence.
    pub fn explain(self) -> &'static str {
        match self {
            Self::Mismatch => "At least one number is not what it should be.",
            Self::Missing => "No decision record was found for this proposal.",
            Self::Claimed => "The numbers agree with each other, but nobody could recompute them from the model.",
            Self::Recomputed => "The bridge recomputed every number from the published model and inputs.",
            Self::RecomputedHere => "Your browser recomputed every number from the published model and inputs.",
            Self::Attested => "An independent auditor recomputed it and published a verdict on chain.",
        }
    }
}

impl fmt::Display for VerificationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// One comparison of what the record says with what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    pub expected: String,
    pub found: String,
    pub ok: bool,
}

impl Check {
    pub fn new(name: impl Into<String>, expected: impl Into<String>, found: impl Into<String>, ok: bool) -> Self {
        Self { name: name.into(), expected: expected.into(), found: found.into(), ok }
    }

    /// Two numbers that may lie so far apart. What is not a number agrees with nothing.
    fn close(name: impl Into<String>, expected: f64, found: f64, allowed: f64) -> Self {
        Self::new(name, expected.to_string(), found.to_string(), (expected - found).abs() <= allowed)
    }
}

/// All comparisons, link by link, and what they come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    pub state: VerificationState,
    /// One of each kind, in the order of [`LinkKind::ALL`]; none when there is no record.
    pub links: Vec<Link>,
}

impl Verification {
    /// What is known when there is no record at all.
    pub fn missing() -> Self {
        Self { state: VerificationState::Missing, links: Vec::new() }
    }

    /// Says that the computation ran on the reader's own machine.
    pub fn here(mut self) -> Self {
        if self.state == VerificationState::Recomputed {
            self.state = VerificationState::RecomputedHere;
        }
        self
    }

    /// Says that an independent auditor confirmed the record on chain. A mismatch stays one.
    pub fn attested(mut self) -> Self {
        if self.state >= VerificationState::Claimed {
            self.state = VerificationState::Attested;
        }
        self
    }

    /// Adds the check that the record has the digest by which it is known: from the proposal's text, the registry's
    /// call, the log, or the page's address.
    pub fn with_digest(self, record: &DecisionRecord, expected: B256) -> Self {
        let found = record.digest();
        self.seal(Check::new("record digest", expected.to_string(), found.to_string(), found == expected))
    }

    /// Adds the check that the record's agent signed it for this registry. [`verify`] cannot do so by itself: a
    /// signature is made for one registry on one chain, which the record does not name.
    ///
    /// A contract account's signature leaves the seal unchecked, whatever its digest; [`with_contract_answer`](Self::with_contract_answer) adds what
    /// its chain says.
    pub fn with_signature(mut self, record: &DecisionRecord, chain_id: u64, registry: Address) -> Self {
        let agent = record.agent_address();
        let recovered = record.signer(chain_id, registry);
        let claimed = record.signature.as_ref().map(|signature| signature.signer);
        if recovered == Err(DecisionError::NeedsChain) && claimed == agent {
            if let Some(link) = self.links.iter_mut().find(|link| link.kind == LinkKind::Record && link.state != LinkState::Mismatch) {
                let digest = if link.state == LinkState::Holds { "The record is the one its digest names. " } else { "" };
                link.sentence = format!("{digest}A contract account signed it, and only its chain can say whether that holds.");
                link.state = LinkState::Unchecked;
            }
            return self;
        }
        let ok = matches!(&recovered, Ok(signer) if Some(*signer) == agent && Some(*signer) == claimed);
        let found = match recovered {
            Ok(signer) if ok || Some(signer) != agent => signer.to_string(),
            Ok(signer) => format!("{signer}, where the record names {}", claimed.unwrap_or_default()),
            Err(DecisionError::Unsigned) => "no signature".into(),
            Err(DecisionError::NeedsChain) => format!("the contract account {}", claimed.unwrap_or_default()),
            Err(error) => error.to_string(),
        };
        self.seal(Check::new("signature", agent.unwrap_or_default().to_string(), found, ok))
    }

    /// Adds what the agent's contract account answered when its chain was asked about the signature (ERC-1271).
    pub fn with_contract_answer(self, record: &DecisionRecord, valid: bool) -> Self {
        let agent = record.agent_address();
        let claimed = record.signature.as_ref().map(|signature| signature.signer);
        let ok = valid && claimed.is_some() && claimed == agent;
        let found = match (claimed, valid) {
            (None, _) => "no signature".into(),
            (Some(signer), true) => signer.to_string(),
            (Some(signer), false) => format!("refused by {signer}"),
        };
        self.seal(Check::new("signature", agent.unwrap_or_default().to_string(), found, ok))
    }

    fn seal(mut self, check: Check) -> Self {
        let ok = check.ok;
        if let Some(link) = self.links.iter_mut().find(|link| link.kind == LinkKind::Record) {
            link.checks.push(check);
            story::seal(link);
        }
        if !ok {
            self.state = VerificationState::Mismatch;
        }
        self
    }

    /// Every comparison, in the order of the chain.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.links.iter().flat_map(|link| &link.checks)
    }

    pub fn link(&self, kind: LinkKind) -> Option<&Link> {
        self.links.iter().find(|link| link.kind == kind)
    }

    /// Where the record was altered, as far as that can be told: the first link that does not hold, the seal last, as
    /// it breaks with any alteration.
    pub fn broken(&self) -> Option<LinkKind> {
        let broken = |seal: bool| {
            let wrong = |link: &&Link| link.state == LinkState::Mismatch && (link.kind == LinkKind::Record) == seal;
            self.links.iter().find(wrong).map(|link| link.kind)
        };
        broken(false).or_else(|| broken(true))
    }

    /// The largest distance between a number of the record and the one computed, among outputs and attributions.
    pub fn largest_difference(&self) -> f64 {
        let computed = |name: &str| matches!(name, "additivity" | "output" | "baseline") || name.starts_with("attribution of ");
        let numbers = self.checks().filter(|check| computed(&check.name));
        numbers.filter_map(|check| Some((check.expected.parse::<f64>().ok()? - check.found.parse::<f64>().ok()?).abs())).fold(0.0, f64::max)
    }
}

/// What is known besides the record, as it was fetched.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    pub model: Option<&'a Model>,
    /// Hash of the model's file as fetched.
    pub model_sha256: Option<B256>,
    /// The rows that stand for what is usual, for methods that need some.
    pub background: Option<&'a Rows>,
    /// Hash of their file as fetched.
    pub background_sha256: Option<B256>,
    /// What the chain and the engine say.
    pub carried: Option<&'a Carried>,
}

/// Compares a record with itself and, where the model is published, with what the model says.
///
/// `model_sha256` is the hash of the model file as it was fetched. Digest and signature are checks of their own:
/// [`Verification::with_digest`], [`Verification::with_signature`].
pub fn verify(record: &DecisionRecord, model: Option<&Model>, model_sha256: Option<B256>) -> Verification {
    verify_with(record, &Known { model, model_sha256, ..Known::default() })
}

/// Like [`verify`], with a background and the chain's facts.
pub fn verify_with(record: &DecisionRecord, known: &Known<'_>) -> Verification {
    let mut links = story::links(record, known);
    let state = |kind: LinkKind| links.iter().find(|link| link.kind == kind).map(|link| link.state);
    let computed = [LinkKind::Inputs, LinkKind::Model, LinkKind::Attributions, LinkKind::Output];
    let state = if links.iter().any(|link| link.state == LinkState::Mismatch) {
        VerificationState::Mismatch
    } else if computed.into_iter().all(|kind| state(kind) == Some(LinkState::Holds)) {
        VerificationState::Recomputed
    } else {
        VerificationState::Claimed
    };
    links.extend(carried_links(record, known.carried));
    Verification { state, links }
}

#[cfg(test)]
mod tests;
