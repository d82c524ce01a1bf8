//! A draft and what it becomes: calls, text and the ids that the chain will give them, all known before signing.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use serde::{Deserialize, Serialize};

use super::{description_hash, operation_id, proposal_id, salt_v4, salt_v5};
use crate::{
    log::Anchoring,
    onchain::abi::{Governor, ParameterRegistry},
    parameter::{Definition, Value, key_word, label},
};

/// Longest text of a proposal, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;
const MAX_TITLE: usize = 200;
const MAX_ACTIONS: usize = 40;

/// What an author edits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Draft {
    pub title: String,
    /// Markdown.
    pub text: String,
    pub actions: Vec<Action>,
    /// The decision that it rests on: 0x + sha256.
    #[serde(default)]
    pub decision_digest: Option<B256>,
}

/// One thing that would happen, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum Action {
    /// Changes of one engine's parameters, made together as one revision.
    #[serde(rename_all = "camelCase")]
    Change { engine: String, based_on: B256, changes: Vec<ParameterInput> },
    /// A contract call as it is.
    Call(Call),
}

/// A new value as its author wrote it; its definition says how to read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterInput {
    pub key: String,
    pub value: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub target: Address,
    /// Wei.
    pub value: U256,
    pub calldata: Bytes,
}

/// What is known about an engine when a draft is compiled: each key's definition, value and time of last change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    pub governor: Address,
    pub registry: Address,
    /// Chain time, unix seconds.
    pub now: u64,
    /// Per engine: the hash of its set, and its parameters.
    pub engines: BTreeMap<String, (B256, KnownParameters)>,
    /// The newest checkpoint and the contract to anchor it in, where the DAO has one. A draft that changes parameters
    /// then ends with this anchor, so that what the log said when the DAO decided is on chain under the timelock's own
    /// account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Anchoring>,
}

/// By key: definition, value as text, and when it last changed (0 for never).
pub type KnownParameters = BTreeMap<String, (Definition, String, u64)>;

/// A draft as the chain will see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Compiled {
    /// The exact text that is hashed.
    pub description: String,
    pub calls: Vec<Call>,
    /// Decimal.
    pub proposal_id: String,
    pub description_hash: B256,
    pub operation_v4: B256,
    pub operation_v5: B256,
    /// Calldata of `Governor.propose`.
    pub propose_calldata: Bytes,
}

/// Why a draft cannot become a proposal. Each names where, what was found and what was needed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    #[error("The title is empty; give the proposal a name.")]
    NoTitle,
    #[error("The title has {0} bytes; {MAX_TITLE} is the most, and it must be one line.")]
    Title(usize),
    #[error("The text has {0} bytes; {MAX_TEXT} is the most.")]
    TextTooLong(usize),
    #[error("There is nothing to do; add a parameter change or a call.")]
    NoActions,
    #[error("There are {0} actions; {MAX_ACTIONS} is the most.")]
    TooManyActions(usize),
    #[error("Engine {0} is not known here.")]
    UnknownEngine(String),
    #[error("{0} is not a parameter of {1}.")]
    UnknownKey(String, String),
    #[error("{0} is changed twice.")]
    Twice(String),
    #[error("{label}: {reason}.")]
    Value { key: String, label: String, reason: String },
    #[error("The draft was made on parameter set {found}, but {current} is in force now; review the values and save again.")]
    Stale { found: B256, current: B256 },
}

/// Turns a draft into calls, text and ids.
///
/// `proposer`, when known, is bound into the text (`#proposer=0x…`), so that nobody can propose the same first and cancel it.
///
/// # Errors
/// Everything that stops it, not only the first.
pub fn compile(draft: &Draft, known: &Known, proposer: Option<Address>) -> Result<Compiled, Vec<DraftError>> {
    let mut errors = Vec::new();
    let title = draft.title.trim();
    if title.is_empty() {
        errors.push(DraftError::NoTitle);
    } else if title.len() > MAX_TITLE || title.contains('\n') {
        errors.push(DraftError::Title(title.len()));
    }
    if draft.text.len() > MAX_TEXT {
        errors.push(DraftError::TextTooLong(draft.text.len()));
    }
    if draft.actions.is_empty() {
        errors.push(DraftError::NoActions);
    }
    if draft.actions.len() > MAX_ACTIONS {
        errors.push(DraftError::TooManyActions(draft.actions.len()));
    }

    let mut calls = Vec::new();
    for action in draft.actions.iter().take(MAX_ACTIONS) {
        match action {
            Action::Call(call) => calls.push(call.clone()),
            Action::Change { engine, based_on, changes } => {
                let Some(((current, parameters), engine_word)) = known.engines.get(engine).zip(key_word(engine)) else {
                    errors.push(DraftError::UnknownEngine(engine.clone()));
                    continue;
                };
                if based_on != current {
                    errors.push(DraftError::Stale { found: *based_on, current: *current });
                }
                if changes.is_empty() {
                    errors.push(DraftError::NoActions);
                }
                let mut encoded: Vec<ParameterRegistry::Change> = Vec::new();
                for change in changes {
                    let Some(((definition, value, changed_at), key)) = parameters.get(&change.key).zip(key_word(&change.key)) else {
                        errors.push(DraftError::UnknownKey(change.key.clone(), engine.clone()));
                        continue;
                    };
                    if encoded.iter().any(|earlier| earlier.key == key) {
                        errors.push(DraftError::Twice(change.key.clone()));
                        continue;
                    }
                    let refused = |reason: String| DraftError::Value { key: change.key.clone(), label: label(&change.key), reason };
                    let current = Value::from_text(definition, value);
                    match Value::from_text(definition, &change.value) {
                        Err(error) => errors.push(refused(error.to_string())),
                        Ok(new) => {
                            let checked = match &current {
                                // A lock or interval may be over by the time the timelock runs: only what can never pass is refused here.
                                Ok(current) => definition.check(
                                    &new,
                                    current,
                                    *changed_at,
                                    known.now.max(changed_at.saturating_add(definition.min_interval)),
                                ),
                                Err(_) => definition.check_bounds(&new),
                            };
                            match checked {
                                Err(refusal) => errors.push(refused(refusal.to_string())),
                                Ok(()) => encoded.push(ParameterRegistry::Change { key, value: new.canonical().into() }),
                            }
                        }
                    }
                }
                let call = ParameterRegistry::setParametersCall {
                    engine: engine_word,
                    expectedHash: *based_on,
                    decisionDigest: draft.decision_digest.unwrap_or_default(),
                    changes: encoded,
                };
                calls.push(Call { target: known.registry, value: U256::ZERO, calldata: call.abi_encode().into() });
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let changes_parameters = draft.actions.iter().any(|action| matches!(action, Action::Change { .. }));
    if let Some(log) = known.log.filter(|_| changes_parameters) {
        calls.push(Call { target: log.contract, value: U256::ZERO, calldata: log.calldata() });
    }

    let description = describe(draft, title, proposer);
    let targets: Vec<Address> = calls.iter().map(|call| call.target).collect();
    let values: Vec<U256> = calls.iter().map(|call| call.value).collect();
    let calldatas: Vec<Bytes> = calls.iter().map(|call| call.calldata.clone()).collect();
    let hash = description_hash(&description);
    Ok(Compiled {
        proposal_id: proposal_id(&targets, &values, &calldatas, hash).to_string(),
        description_hash: hash,
        operation_v4: operation_id(&targets, &values, &calldatas, salt_v4(hash)),
        operation_v5: operation_id(&targets, &values, &calldatas, salt_v5(known.governor, hash)),
        propose_calldata: Governor::proposeCall { targets, values, calldatas, description: description.clone() }.abi_encode().into(),
        description,
        calls,
    })
}

/// The proposal's text: title, body, the decision's digest on a line of its own, and the proposer's claim last.
fn describe(draft: &Draft, title: &str, proposer: Option<Address>) -> String {
    let mut text = format!("# {title}\n");
    if !draft.text.trim().is_empty() {
        text.push_str(&format!("\n{}\n", draft.text.trim_end()));
    }
    if let Some(digest) = draft.decision_digest {
        text.push_str(&format!("\n{}\n", crate::explanation::digest_line(digest)));
    }
    if let Some(proposer) = proposer {
        // Governor reads exactly the last 52 bytes, with lower-case `0x`.
        text.push_str(&format!("\n#proposer={proposer:#x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::Kind;

    fn known() -> Known {
        let cadence = Definition {
            kind: Kind::Integer,
            decimals: 0,
            min: 1,
            max: 60,
            max_step: 12,
            min_interval: 86_400,
            locked_after: 0,
            guardian: None,
            unit: "tokens/day".into(),
            options: vec![],
        };
        let parameters = BTreeMap::from([("mint.cadence".to_owned(), (cadence, "18".to_owned(), 1_000))]);
        Known {
            governor: Address::repeat_byte(1),
            registry: Address::repeat_byte(2),
            now: 2_000,
            engines: BTreeMap::from([("tideline".to_owned(), (B256::repeat_byte(7), parameters))]),
            log: None,
        }
    }

    #[test]
    fn a_change_of_parameters_anchors_the_log_last_and_other_drafts_do_not() {
        let log = Anchoring { contract: Address::repeat_byte(5), origin: B256::repeat_byte(6), size: 41, root: B256::repeat_byte(8) };
        let with_log = Known { log: Some(log), ..known() };
        let (before, after) = (compile(&draft("20"), &known(), None).unwrap(), compile(&draft("20"), &with_log, None).unwrap());
        assert_eq!(after.calls.len(), before.calls.len() + 1);
        assert_eq!(after.calls[..before.calls.len()], before.calls);
        let last = after.calls.last().unwrap();
        assert_eq!((last.target, last.value, &last.calldata), (log.contract, U256::ZERO, &log.calldata()));
        assert_ne!(before.proposal_id, after.proposal_id);

        let grant = Draft { actions: vec![Action::Call(Call { value: U256::from(5), ..Call::default() })], ..draft("20") };
        assert_eq!(compile(&grant, &with_log, None).unwrap(), compile(&grant, &known(), None).unwrap());
    }

    fn draft(value: &str) -> Draft {
        let changes = vec![ParameterInput { key: "mint.cadence".into(), value: value.into() }];
        Draft {
            title: "Offer more".into(),
            text: "Because.".into(),
            actions: vec![Action::Change { engine: "tideline".into(), based_on: B256::repeat_byte(7), changes }],
            decision_digest: Some(B256::repeat_byte(9)),
        }
    }

    #[test]
    fn a_value_out_of_bounds_names_the_bound() {
        let errors = compile(&draft("61"), &known(), None).unwrap_err();
        assert_eq!(errors[0].to_string(), "Mint cadence: 61 is outside 1 to 60.");
    }

    #[test]
    fn a_step_too_far_names_the_step() {
        let errors = compile(&draft("31"), &known(), None).unwrap_err();
        assert_eq!(errors[0].to_string(), "Mint cadence: moving from 18 to 31 is more than the 12 allowed at once.");
    }

    #[test]
    fn a_draft_on_an_older_set_is_stale() {
        let mut older = draft("20");
        if let Action::Change { based_on, .. } = &mut older.actions[0] {
            *based_on = B256::ZERO;
        }
        assert!(matches!(compile(&older, &known(), None).unwrap_err()[0], DraftError::Stale { .. }));
    }

    #[test]
    fn the_text_binds_the_decision_and_ends_with_the_proposer() {
        let proposer = Address::repeat_byte(0xAB);
        let compiled = compile(&draft("20"), &known(), Some(proposer)).unwrap();
        assert_eq!(crate::explanation::find_digest_line(&compiled.description), Some(B256::repeat_byte(9)));
        let tail = &compiled.description[compiled.description.len() - 52..];
        assert_eq!(tail, format!("#proposer={proposer:#x}"));
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let mut bad = draft("900");
        bad.title = String::new();
        bad.actions.push(Action::Change { engine: "unknown".into(), based_on: B256::ZERO, changes: vec![] });
        assert_eq!(compile(&bad, &known(), None).unwrap_err().len(), 3);
    }
}
