//! What auditors said of decisions on chain, and whose word makes a decision *attested*.
//!
//! Anyone may answer. The newest answer of an account is its word; only auditors that the DAO lists count, and no agent
//! attests its own decisions.

use alloy_primitives::{Address, B256};
use app::views::VerdictView;
use governance::{explanation::Verification, onchain::abi::ValidationRegistry};

use super::{Decided, Facts, Moment, Reading};
use crate::store::entities::event;

/// From this response on, of 100, a decision is said to hold.
const HOLDS: u8 = 80;
/// From this one on it is said to be doubtful.
const DOUBTFUL: u8 = 40;
/// Longest address of a report that is kept, in bytes.
const LONGEST_REPORT: usize = 200;

/// An answer in the validation registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictFacts {
    pub auditor: Address,
    /// The decision's digest.
    pub decision: B256,
    /// 0 to 100.
    pub response: u8,
    /// Where the auditor explains.
    pub report: Option<String>,
    pub moment: Moment,
    /// Which event it is, for finding its log entry.
    pub block_hash: String,
    pub log_index: u64,
}

impl VerdictFacts {
    /// Reads an event; `None` of another one.
    pub fn of(event: &event::Model) -> Option<Self> {
        let said = event.decoded::<ValidationRegistry::ValidationResponse>()?;
        Some(Self {
            auditor: said.validatorAddress,
            decision: said.requestHash,
            // The contract refuses more; a registry of another make may not.
            response: said.response.min(100),
            report: Some(said.responseURI).filter(|address| is_report(address)),
            moment: Moment { block: event.block_number as u64, at: event.timestamp as u64, transaction: event.transaction.clone() },
            block_hash: event.block_hash.clone(),
            log_index: event.log_index as u64,
        })
    }

    /// The response in a word: `holds`, `doubtful` or `fails`.
    pub fn word(&self) -> &'static str {
        match self.response {
            HOLDS.. => "holds",
            DOUBTFUL.. => "doubtful",
            _ => "fails",
        }
    }
}

/// Whether a text may be shown as a link: it comes from strangers.
fn is_report(address: &str) -> bool {
    address.len() <= LONGEST_REPORT
        && ["https://", "http://", "ipfs://"].iter().any(|scheme| address.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
        && address.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'\\' | b'`'))
}

impl Facts {
    pub(super) fn take_verdict(&mut self, event: &event::Model) {
        self.verdicts.extend(VerdictFacts::of(event));
    }

    /// What each auditor says of a decision now, the newest first.
    pub fn verdicts_on(&self, decision: B256) -> Vec<&VerdictFacts> {
        let mut current: Vec<&VerdictFacts> = Vec::new();
        for verdict in self.verdicts.iter().rev().filter(|verdict| verdict.decision == decision) {
            if current.iter().all(|later| later.auditor != verdict.auditor) {
                current.push(verdict);
            }
        }
        current
    }
}

impl Reading {
    fn is_listed(&self, auditor: Address) -> bool {
        self.dao.auditors.iter().any(|listed| listed.address == auditor)
    }

    /// What was found of a decision, with what listed auditors say of it now. A mismatch stays one.
    pub fn verification(&self, decided: &Decided) -> Verification {
        let agent = decided.record.agent_address();
        let says_so =
            |verdict: &&VerdictFacts| verdict.response >= HOLDS && self.is_listed(verdict.auditor) && Some(verdict.auditor) != agent;
        let verification = decided.verification.clone();
        if self.facts.verdicts_on(decided.digest).iter().any(says_so) { verification.attested() } else { verification }
    }

    /// A verdict as pages show it; `entry` is its place in the log.
    pub fn verdict_view(&self, verdict: &VerdictFacts, entry: Option<u64>) -> VerdictView {
        VerdictView {
            auditor: self.party(verdict.auditor),
            listed: self.is_listed(verdict.auditor),
            verdict: verdict.word().into(),
            response: verdict.response,
            report: verdict.report.clone(),
            at: verdict.moment.at,
            transaction: verdict.moment.transaction.clone(),
            entry,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(auditor: u8, decision: u8, response: u8) -> VerdictFacts {
        VerdictFacts {
            auditor: Address::repeat_byte(auditor),
            decision: B256::repeat_byte(decision),
            response,
            report: None,
            moment: Moment::default(),
            block_hash: String::new(),
            log_index: 0,
        }
    }

    #[test]
    fn the_newest_word_of_each_auditor_counts() {
        let facts = Facts { verdicts: vec![said(1, 9, 100), said(2, 9, 50), said(1, 8, 0), said(1, 9, 10)], ..Facts::default() };
        let words: Vec<_> = facts.verdicts_on(B256::repeat_byte(9)).iter().map(|verdict| (verdict.auditor[0], verdict.word())).collect();
        assert_eq!(words, [(1, "fails"), (2, "doubtful")]);
    }

    #[test]
    fn responses_become_words_at_forty_and_eighty() {
        let words = [0, 39, 40, 79, 80, 100].map(|response| said(1, 1, response).word());
        assert_eq!(words, ["fails", "fails", "doubtful", "doubtful", "holds", "holds"]);
    }

    #[test]
    fn only_short_plain_addresses_of_reports_are_shown() {
        for good in ["https://audit.example/7", "http://localhost/", "ipfs://bafy"] {
            assert!(is_report(good), "{good}");
        }
        let long = format!("https://audit.example/{}", "a".repeat(200));
        for bad in
            ["", "https://", "javascript:alert(1)", "data:text/html,x", "https://a b", "https://a\"onclick=", "ftp://a", "https://é", &long]
        {
            assert!(!is_report(bad), "{bad}");
        }
    }
}
