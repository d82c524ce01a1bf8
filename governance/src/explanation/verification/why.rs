//! Why a badge says what it says: what was computed, by whom, and what was not.

use super::{Verification, VerificationState};
use crate::explanation::links::{LinkKind, LinkState};

/// The grounds for the badge, in plain sentences made from the checks themselves.
pub fn why(verification: &Verification) -> Vec<String> {
    let explanation = || verification.links.iter().filter(|link| link.kind <= LinkKind::Value);
    let said = |state: LinkState| explanation().filter(move |link| link.state == state).map(|link| link.sentence.clone());
    let mut sentences = vec![verification.state.explain().to_owned()];
    match verification.state {
        VerificationState::Missing => return sentences,
        VerificationState::Mismatch => {
            sentences.extend(said(LinkState::Mismatch));
            let holding: Vec<&str> = explanation().filter(|link| link.state == LinkState::Holds).map(|link| link.kind.label()).collect();
            if !holding.is_empty() {
                sentences.push(format!("What still holds: {}.", holding.join(", ")));
            }
        }
        VerificationState::Claimed | VerificationState::Recomputed | VerificationState::RecomputedHere | VerificationState::Attested => {
            sentences.extend(said(LinkState::Holds));
            let difference = verification.largest_difference();
            if explanation().any(|link| link.kind == LinkKind::Output && link.state == LinkState::Holds) {
                sentences.push(if difference == 0.0 {
                    "No number computed again differs from the record's.".into()
                } else {
                    format!("The largest difference to the record's numbers is {difference:.0e}.")
                });
            }
        }
    }
    sentences.extend(said(LinkState::Unchecked));
    sentences.push("Nobody checked here that the inputs are what their sources said at the time.".into());
    sentences
}
