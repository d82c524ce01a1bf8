//! What the chain holds of the explanation log: roots by the account that anchored them, decisions shown to be logged, and
//! what the registry asks of decisions.
//!
//! Anyone may anchor anything under their own account, so that a root says nothing without its account. Those that count
//! here are the timelock's, this bridge's own, and the account that the DAO named in a requirement.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256};
use app::views::AnchorView;
use governance::{
    onchain::abi::{LogAnchor, ParameterRegistry},
    parameter::key_text,
};

use super::{Facts, Moment, ProposalFacts, Reading};
use crate::store::entities::event;

/// Anchors that a page shows at most.
const SHOWN: usize = 5;

/// A root that an account anchored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    pub account: Address,
    /// SHA-256 of the log's origin line.
    pub origin: B256,
    /// Entries that the root covers.
    pub size: u64,
    pub root: B256,
    pub moment: Moment,
}

/// What the registry asks of a decision before it may change an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The `LogAnchor` that is asked.
    pub anchor: Address,
    /// Whose anchors count.
    pub account: Address,
    pub origin: B256,
    /// Whether a change that names no decision is refused too.
    pub always: bool,
}

impl Facts {
    pub(super) fn take_anchor(&mut self, event: &event::Model, moment: Moment) {
        if let Some(anchored) = event.decoded::<LogAnchor::Anchored>() {
            let LogAnchor::Anchored { account, origin, size, root } = anchored;
            self.anchors.push(Anchor { account, origin, size, root, moment });
        } else if let Some(logged) = event.decoded::<LogAnchor::DecisionLogged>() {
            self.logged.insert((logged.account, logged.origin, logged.decisionDigest));
        } else if let Some(announced) = event.decoded::<LogAnchor::KeyAnnounced>() {
            self.log_keys.entry((announced.account, announced.origin)).or_default().push(announced.vkeyHash);
        }
    }

    pub(super) fn take_requirement(&mut self, event: &event::Model) {
        let Some(changed) = event.decoded::<ParameterRegistry::LogRequirementChanged>() else { return };
        let Some(engine) = key_text(changed.engine) else { return };
        let ParameterRegistry::LogRequirement { anchor, account, origin, always } = changed.requirement;
        if anchor.is_zero() {
            self.requirements.remove(&engine);
        } else {
            self.requirements.insert(engine, Requirement { anchor, account, origin, always });
        }
    }

    /// The anchors of a log that these accounts made, the largest size first. What others anchored under the same origin
    /// is theirs to answer for, and must never decide what this bridge believes of its own log.
    pub fn anchored(&self, origin: B256, by: &BTreeSet<Address>) -> Vec<&Anchor> {
        let mut found: Vec<&Anchor> =
            self.anchors.iter().filter(|anchor| anchor.origin == origin && by.contains(&anchor.account)).collect();
        found.sort_by_key(|anchor| (std::cmp::Reverse(anchor.size), anchor.moment.block));
        found
    }

    /// The decisions that a waiting proposal rests on and that the registry wants to see logged first, each with what is
    /// asked of it; those that were shown to be logged are left out.
    pub(crate) fn to_be_logged(&self, calls: impl Iterator<Item = ParameterRegistry::setParametersCall>) -> Vec<(B256, &Requirement)> {
        let mut found: Vec<(B256, &Requirement)> = Vec::new();
        for call in calls.filter(|call| !call.decisionDigest.is_zero()) {
            let Some(asked) = key_text(call.engine).and_then(|engine| self.requirements.get(&engine)) else { continue };
            let logged = self.logged.contains(&(asked.account, asked.origin, call.decisionDigest));
            if !logged && !found.contains(&(call.decisionDigest, asked)) {
                found.push((call.decisionDigest, asked));
            }
        }
        found
    }
}

impl Reading {
    /// The accounts that answer for a log's anchors: this bridge's, and those that the DAO named for it in a requirement.
    pub fn anchorers(&self, origin: B256) -> BTreeSet<Address> {
        let asked = |asked: &&Requirement| asked.origin == origin && Some(asked.anchor) == self.source.log_anchor;
        self.facts.requirements.values().filter(asked).map(|asked| asked.account).chain(self.executor).collect()
    }

    /// The anchors of the log called `origin`, the largest size first: of those who answer for them, and of the timelock,
    /// whose anchors are as true as what was voted for; those above the log's size are not.
    pub fn anchors_of(&self, origin: B256) -> Vec<&Anchor> {
        let (timelock, size) = (self.source.timelock, self.log.as_ref().map_or(0, |newest| newest.size));
        let mut accounts = self.anchorers(origin);
        accounts.insert(timelock);
        let mut found = self.facts.anchored(origin, &accounts);
        found.retain(|anchor| anchor.account != timelock || anchor.size <= size);
        found
    }

    /// The largest anchors that count, for the page about the log.
    pub fn anchor_views(&self, origin: B256) -> Vec<AnchorView> {
        self.anchors_of(origin).into_iter().take(SHOWN).map(|anchor| self.anchor_view(anchor)).collect()
    }

    /// The first anchor on chain that covers the entry at `index`.
    pub fn anchor_over(&self, origin: B256, index: u64) -> Option<AnchorView> {
        let covering = self.anchors_of(origin).into_iter().filter(|anchor| anchor.size > index);
        covering.min_by_key(|anchor| (anchor.moment.block, anchor.size)).map(|anchor| self.anchor_view(anchor))
    }

    /// The decisions that must be shown to be logged before this proposal can run.
    pub fn to_be_logged(&self, proposal: &ProposalFacts) -> Vec<(B256, &Requirement)> {
        self.facts.to_be_logged(self.registry_calls(proposal))
    }

    fn anchor_view(&self, anchor: &Anchor) -> AnchorView {
        AnchorView {
            chain: self.source.chain(),
            contract: self.source.log_anchor.unwrap_or_default().to_string(),
            account: self.party(anchor.account),
            origin: anchor.origin.to_string(),
            size: anchor.size,
            root: anchor.root.to_string(),
            block: anchor.moment.block,
            at: anchor.moment.at,
            transaction: anchor.moment.transaction.clone(),
            finalized: anchor.moment.block <= self.settings.finalized,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(account: u8, size: u64) -> Anchor {
        let moment = Moment { block: 100 - size, ..Moment::default() };
        Anchor { account: Address::repeat_byte(account), origin: B256::repeat_byte(7), size, root: B256::repeat_byte(8), moment }
    }

    #[test]
    fn a_strangers_anchor_does_not_count() {
        let facts = Facts { anchors: vec![anchor(1, 5), anchor(2, 90), anchor(1, 9), anchor(3, 7)], ..Facts::default() };
        let ours = BTreeSet::from([Address::repeat_byte(1), Address::repeat_byte(3)]);
        let sizes: Vec<u64> = facts.anchored(B256::repeat_byte(7), &ours).iter().map(|anchor| anchor.size).collect();
        assert_eq!(sizes, [9, 7, 5]);
        assert!(facts.anchored(B256::repeat_byte(6), &ours).is_empty(), "another log");
    }

    #[test]
    fn only_decisions_that_are_asked_for_and_not_yet_logged_are_to_be_logged() {
        let engine = governance::parameter::key_word("tideline").unwrap();
        let call = |engine, byte| ParameterRegistry::setParametersCall {
            engine,
            expectedHash: B256::ZERO,
            decisionDigest: B256::repeat_byte(byte),
            changes: vec![],
        };
        let asked =
            Requirement { anchor: Address::repeat_byte(5), account: Address::repeat_byte(9), origin: B256::repeat_byte(7), always: false };
        let mut facts = Facts::default();
        let wanted = |facts: &Facts| {
            let calls = [call(engine, 1), call(engine, 1), call(engine, 0), call(B256::repeat_byte(b'x'), 2)];
            facts.to_be_logged(calls.into_iter()).into_iter().map(|(digest, _)| digest).collect::<Vec<_>>()
        };
        assert!(wanted(&facts).is_empty(), "nothing is asked");
        facts.requirements.insert("tideline".into(), asked.clone());
        assert_eq!(wanted(&facts), [B256::repeat_byte(1)]);
        facts.logged.insert((Address::repeat_byte(8), asked.origin, B256::repeat_byte(1)));
        assert_eq!(wanted(&facts), [B256::repeat_byte(1)], "another account's log");
        facts.logged.insert((asked.account, asked.origin, B256::repeat_byte(1)));
        assert!(wanted(&facts).is_empty());
    }
}
