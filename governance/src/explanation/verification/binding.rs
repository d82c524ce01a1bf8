//! Whether a proposal's text, its registry calls and the published record name the same decision.

use crate::explanation::decision::DecisionRecord;
use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

/// Whether a proposal and its decision name each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// Two of the text, the calls and the record disagree.
    Mismatch,
    /// At least one of them does not name a decision, or the record is not there.
    Missing,
    /// Text, calls and record name the same decision.
    Verified,
}

impl Binding {
    pub fn label(self) -> &'static str {
        match self {
            Self::Mismatch => "mismatch",
            Self::Missing => "missing",
            Self::Verified => "verified",
        }
    }

    /// What the word means, in a sentence.
    pub fn explain(self) -> &'static str {
        match self {
            Self::Mismatch => "The proposal's text, its calls and the published record do not name the same decision.",
            Self::Missing => "The proposal does not name a published decision both in its text and in its calls.",
            Self::Verified => "The proposal's text, its calls and the published record name the same decision.",
        }
    }
}

/// Compares the digest in a proposal's text with those in its registry calls and with the record itself.
///
/// A call's zero digest means that it rests on no decision. A record that recommends no change needs no call.
pub fn binding(text_digest: Option<B256>, call_digests: &[B256], record: Option<&DecisionRecord>) -> Binding {
    let text_digest = text_digest.filter(|digest| !digest.is_zero());
    let record_digest = record.map(DecisionRecord::digest);
    let in_calls = call_digests.iter().copied().filter(|digest| !digest.is_zero());
    let named: Vec<B256> = text_digest.into_iter().chain(in_calls).collect();
    if let Some(first) = record_digest.or_else(|| named.first().copied())
        && named.iter().any(|digest| *digest != first)
    {
        return Binding::Mismatch;
    }
    let Some(record) = record else {
        return Binding::Missing;
    };
    let every_call_names_one = call_digests.iter().all(|digest| !digest.is_zero());
    let a_call_is_needed = !record.changes.is_empty();
    if text_digest.is_some() && every_call_names_one && (!call_digests.is_empty() || !a_call_is_needed) {
        Binding::Verified
    } else {
        Binding::Missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explanation::decision::tests::record;

    #[test]
    fn a_proposal_is_bound_when_text_calls_and_record_agree() {
        let record = record();
        let (digest, other) = (record.digest(), B256::repeat_byte(7));
        let some = Some(&record);
        assert_eq!(binding(Some(digest), &[digest], some), Binding::Verified);
        assert_eq!(binding(Some(digest), &[digest, digest], some), Binding::Verified);

        assert_eq!(binding(None, &[], some), Binding::Missing);
        assert_eq!(binding(None, &[digest], some), Binding::Missing);
        assert_eq!(binding(Some(digest), &[], some), Binding::Missing);
        assert_eq!(binding(Some(digest), &[B256::ZERO], some), Binding::Missing);
        assert_eq!(binding(Some(digest), &[digest, B256::ZERO], some), Binding::Missing);
        assert_eq!(binding(Some(digest), &[digest], None), Binding::Missing);
        assert_eq!(binding(None, &[], None), Binding::Missing);

        assert_eq!(binding(Some(digest), &[other], some), Binding::Mismatch);
        assert_eq!(binding(Some(other), &[other], some), Binding::Mismatch);
        assert_eq!(binding(Some(digest), &[digest, other], some), Binding::Mismatch);
        assert_eq!(binding(Some(digest), &[other], None), Binding::Mismatch);
        assert_eq!(binding(None, &[other], some), Binding::Mismatch);
    }

    #[test]
    fn a_record_that_changes_nothing_is_bound_by_the_text_alone() {
        let mut staying = record();
        staying.changes.clear();
        assert_eq!(binding(Some(staying.digest()), &[], Some(&staying)), Binding::Verified);
    }
}
