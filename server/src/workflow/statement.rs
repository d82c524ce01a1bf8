//! Statements: an account that the DAO lists signs what it has reviewed or observed, and has that logged.

use std::sync::Arc;

use alloy_primitives::Address;
use governance::log::{
    Body, EntryRef,
    statement::{Envelope, PAYLOAD_TYPE, Stated, StatementError},
};

use super::{
    WorkflowError,
    refusal::{Fault, Refusal},
};
use crate::{
    log::{Kept, LogError, Prepared, Sequencer},
    reading::Reading,
};

/// How far ahead of the chain an entry's time may be, in seconds.
const MAX_AHEAD: u64 = 15 * 60;

/// Logs what an envelope's statement asks for; one reference for each entry, in order. The same envelope again gives
/// the same references.
pub async fn take(sequencer: &Sequencer, reading: &Reading, origin: &str, envelope: &Envelope) -> Result<Vec<EntryRef>, WorkflowError> {
    let Stated { signer, chain, payload, entries } = envelope.open(origin).map_err(unreadable)?;
    let here = reading.source.chain();
    if chain != here {
        return Err(
            Refusal::of(Fault::Contradiction, "signatures[0].keyid", format!("The account is on {chain}; this DAO is on {here}.")).into()
        );
    }
    if !listed(reading, signer) {
        let detail = format!("{signer} is neither an agent nor an auditor of this DAO. Its operators name both in the configuration.");
        return Err(Refusal::of(Fault::NotAllowed, "signatures[0].keyid", detail).into());
    }
    let latest = reading.chain_time + MAX_AHEAD;
    if let Some((index, entry)) = entries.iter().enumerate().find(|(_, entry)| entry.at > latest) {
        let detail = format!("It is {} seconds ahead of the chain; {MAX_AHEAD} are allowed.", entry.at - reading.chain_time);
        return Err(Refusal::of(Fault::Contradiction, format!("predicate.entries[{index}].at"), detail).into());
    }
    // The statement holds its own salt, so its digest tells nothing once it is erased.
    let kept = Arc::new(Kept { body: Body::public(&payload, PAYLOAD_TYPE), salt: Vec::new(), bytes: payload });
    let prepared = entries.into_iter().map(|entry| Prepared::with_body(entry, kept.clone())).collect::<Result<Vec<_>, LogError>>()?;
    sequencer.append_all(prepared).await.map_err(|error| {
        tracing::error!("a statement could not be logged: {error}");
        Refusal::new(Fault::NotNow, "The log cannot take entries right now; nothing is lost by sending the same again later.").into()
    })
}

fn listed(reading: &Reading, account: Address) -> bool {
    let auditor = || reading.dao.auditors.iter().any(|auditor| auditor.address == account);
    reading.dao.agents.iter().any(|agent| agent.address == account) || auditor()
}

fn unreadable(error: StatementError) -> Refusal {
    let detail = error.to_string();
    let (fault, field) = match &error {
        StatementError::TooLarge { .. } => (Fault::TooLarge, "payload"),
        StatementError::Signer { .. } => (Fault::Unsigned, "signatures[0].sig"),
        StatementError::OtherLog { .. } => (Fault::Contradiction, "predicate.log"),
        StatementError::Malformed { at, .. } => (Fault::Malformed, at.as_str()),
        StatementError::Entry { index, .. } => return Refusal::of(Fault::Malformed, format!("predicate.entries[{index}]"), detail),
    };
    Refusal::of(fault, field, detail)
}
