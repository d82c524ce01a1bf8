//! Calls in plain words. Decoded when read, so that a better decoder improves every old proposal at once.
//! A selector that is not known is said to be unknown; nothing is guessed.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256, utils::format_units};
use alloy_sol_types::SolCall;

use super::abi::{GenerativeToken, Governor, LogAnchor, ParameterRegistry, Timelock, ValidationRegistry, VoteToken};
use crate::parameter::{Definition, Value, key_text, label};

/// What the words may refer to.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Address book.
    pub names: BTreeMap<Address, String>,
    /// Per engine and key.
    pub definitions: BTreeMap<(String, String), Definition>,
    pub registry: Address,
    pub governor: Address,
    pub timelock: Address,
    pub token: Address,
    pub art: Address,
    /// Zero where the DAO has none.
    pub log_anchor: Address,
    /// Zero where the DAO has none.
    pub validations: Address,
    pub token_symbol: String,
}

/// A call told in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worded {
    pub function: String,
    pub words: String,
    /// Name, type and value of each argument.
    pub arguments: Vec<(String, String, String)>,
    /// False when the selector is unknown at this target.
    pub known: bool,
}

impl Context {
    pub fn name(&self, address: Address) -> String {
        self.names.get(&address).cloned().unwrap_or_else(|| {
            let full = address.to_checksum(None);
            format!("{}…{}", &full[..6], &full[full.len() - 4..])
        })
    }

    fn value(&self, engine: &str, key: &str, bytes: &[u8]) -> String {
        let definition = self.definitions.get(&(engine.to_owned(), key.to_owned()));
        definition
            .and_then(|definition| Some(Value::from_canonical(definition, bytes).ok()?.in_words(definition)))
            .unwrap_or_else(|| hex::encode_prefixed(bytes))
    }
}

/// Seconds as people say them.
fn duration(seconds: U256) -> String {
    let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
    let of = |unit: u64, name: &str| format!("{} {name}{}", seconds / unit, if seconds / unit == 1 { "" } else { "s" });
    match seconds {
        0 => "no time".into(),
        s if s % 86_400 == 0 => of(86_400, "day"),
        s if s % 3_600 == 0 => of(3_600, "hour"),
        s if s % 60 == 0 => of(60, "minute"),
        _ => of(1, "second"),
    }
}

fn tokens(amount: U256) -> String {
    let text = format_units(amount, 18).unwrap_or_else(|_| amount.to_string());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn short(word: B256) -> String {
    let full = word.to_string();
    format!("{}…{}", &full[..6], &full[full.len() - 4..])
}

fn role(role: B256) -> String {
    ["PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE", "TIMELOCK_ADMIN_ROLE"]
        .into_iter()
        .find(|name| keccak256(name) == role)
        .map_or_else(|| if role.is_zero() { "DEFAULT_ADMIN_ROLE".into() } else { role.to_string() }, str::to_owned)
}

/// Tells a call in words.
pub fn in_words(context: &Context, target: Address, value: U256, calldata: &Bytes) -> Worded {
    let sent = if value.is_zero() { String::new() } else { format!("{} ETH", tokens(value)) };
    if calldata.is_empty() {
        let words = if value.is_zero() {
            format!("Call {} with nothing", context.name(target))
        } else {
            format!("Send {sent} to {}", context.name(target))
        };
        return Worded { function: "transfer of ETH".into(), words, arguments: vec![], known: true };
    }
    let mut worded = decode(context, target, calldata).unwrap_or_else(|| Worded {
        function: format!("unknown function {}", hex::encode_prefixed(&calldata[..calldata.len().min(4)])),
        words: format!("Call a function of {} that is not known here", context.name(target)),
        arguments: vec![],
        known: false,
    });
    if !sent.is_empty() {
        worded.words = format!("{}, sending {sent} along", worded.words);
    }
    worded
}

fn known<C: SolCall>(words: String, arguments: Vec<(&str, &str, String)>) -> Option<Worded> {
    let arguments = arguments.into_iter().map(|(name, kind, value)| (name.to_owned(), kind.to_owned(), value)).collect();
    Some(Worded { function: C::SIGNATURE.to_owned(), words, arguments, known: true })
}

fn decode(context: &Context, target: Address, data: &[u8]) -> Option<Worded> {
    let selector: [u8; 4] = data.get(..4)?.try_into().ok()?;
    let full = |address: Address| match context.names.get(&address) {
        Some(name) => format!("{name} ({})", address.to_checksum(None)),
        None => address.to_checksum(None),
    };
    if target == context.registry {
        match selector {
            ParameterRegistry::setParametersCall::SELECTOR => {
                let call = ParameterRegistry::setParametersCall::abi_decode_validate(data).ok()?;
                let engine = key_text(call.engine)?;
                let moves: Vec<(String, String)> = call
                    .changes
                    .iter()
                    .map(|change| {
                        let key = key_text(change.key).unwrap_or_else(|| change.key.to_string());
                        let value = context.value(&engine, &key, &change.value);
                        (key, value)
                    })
                    .collect();
                let words = format!(
                    "Set {} of {engine}",
                    list(&moves.iter().map(|(key, value)| format!("{} to {value}", label(key).to_lowercase())).collect::<Vec<_>>())
                );
                let mut arguments = vec![
                    ("engine", "bytes32", engine.clone()),
                    ("expectedHash", "bytes32", call.expectedHash.to_string()),
                    ("decisionDigest", "bytes32", call.decisionDigest.to_string()),
                ];
                arguments.extend(moves.iter().map(|(key, value)| ("change", "(bytes32,bytes)", format!("{key} = {value}"))));
                return known::<ParameterRegistry::setParametersCall>(words, arguments);
            }
            ParameterRegistry::defineParametersCall::SELECTOR => {
                let call = ParameterRegistry::defineParametersCall::abi_decode_validate(data).ok()?;
                let keys: Vec<String> = call.parameters.iter().filter_map(|parameter| key_text(parameter.key)).collect();
                let engine = key_text(call.engine)?;
                return known::<ParameterRegistry::defineParametersCall>(
                    format!("Define {} for {engine}", list(&keys)),
                    vec![("engine", "bytes32", engine), ("keys", "bytes32[]", keys.join(", "))],
                );
            }
            ParameterRegistry::setObserverCall::SELECTOR => {
                let call = ParameterRegistry::setObserverCall::abi_decode_validate(data).ok()?;
                return known::<ParameterRegistry::setObserverCall>(
                    format!("Tell {} about every parameter change", context.name(call.observer)),
                    vec![("observer", "address", full(call.observer))],
                );
            }
            ParameterRegistry::setLogRequirementCall::SELECTOR => {
                let call = ParameterRegistry::setLogRequirementCall::abi_decode_validate(data).ok()?;
                let (engine, asked) = (key_text(call.engine)?, call.requirement);
                let words = match (asked.anchor.is_zero(), asked.always) {
                    (true, _) => format!("Let decisions change {engine} whether they were logged or not"),
                    (false, true) => {
                        format!("Let nothing change {engine} but decisions in the log that {} anchors", context.name(asked.account))
                    }
                    (false, false) => {
                        format!(
                            "Let an agent's decision change {engine} only once it is in the log that {} anchors",
                            context.name(asked.account)
                        )
                    }
                };
                return known::<ParameterRegistry::setLogRequirementCall>(
                    words,
                    vec![
                        ("engine", "bytes32", engine),
                        ("anchor", "address", full(asked.anchor)),
                        ("account", "address", full(asked.account)),
                        ("origin", "bytes32", asked.origin.to_string()),
                        ("always", "bool", asked.always.to_string()),
                    ],
                );
            }
            _ => {}
        }
    }
    if target == context.governor {
        match selector {
            Governor::setVotingDelayCall::SELECTOR => {
                let call = Governor::setVotingDelayCall::abi_decode_validate(data).ok()?;
                let delay = U256::from(call.newVotingDelay);
                return known::<Governor::setVotingDelayCall>(
                    format!("Let votes begin {} after a proposal is made", duration(delay)),
                    vec![("newVotingDelay", "uint48", delay.to_string())],
                );
            }
            Governor::setVotingPeriodCall::SELECTOR => {
                let call = Governor::setVotingPeriodCall::abi_decode_validate(data).ok()?;
                let period = U256::from(call.newVotingPeriod);
                return known::<Governor::setVotingPeriodCall>(
                    format!("Keep votes open for {}", duration(period)),
                    vec![("newVotingPeriod", "uint32", period.to_string())],
                );
            }
            Governor::setProposalThresholdCall::SELECTOR => {
                let call = Governor::setProposalThresholdCall::abi_decode_validate(data).ok()?;
                let words = format!("Ask for {} {} of votes to make a proposal", tokens(call.newProposalThreshold), context.token_symbol);
                return known::<Governor::setProposalThresholdCall>(
                    words,
                    vec![("newProposalThreshold", "uint256", call.newProposalThreshold.to_string())],
                );
            }
            Governor::updateQuorumNumeratorCall::SELECTOR => {
                let call = Governor::updateQuorumNumeratorCall::abi_decode_validate(data).ok()?;
                return known::<Governor::updateQuorumNumeratorCall>(
                    format!("Set the quorum to {}% of all votes", call.newQuorumNumerator),
                    vec![("newQuorumNumerator", "uint256", call.newQuorumNumerator.to_string())],
                );
            }
            Governor::setLateQuorumVoteExtensionCall::SELECTOR => {
                let call = Governor::setLateQuorumVoteExtensionCall::abi_decode_validate(data).ok()?;
                let extension = U256::from(call.newVoteExtension);
                return known::<Governor::setLateQuorumVoteExtensionCall>(
                    format!("Leave at least {} to answer when quorum is reached late", duration(extension)),
                    vec![("newVoteExtension", "uint48", extension.to_string())],
                );
            }
            _ => {}
        }
    }
    if target == context.timelock {
        match selector {
            Timelock::updateDelayCall::SELECTOR => {
                let call = Timelock::updateDelayCall::abi_decode_validate(data).ok()?;
                return known::<Timelock::updateDelayCall>(
                    format!("Make every decision wait {} before it runs", duration(call.newDelay)),
                    vec![("newDelay", "uint256", call.newDelay.to_string())],
                );
            }
            Timelock::grantRoleCall::SELECTOR => {
                let call = Timelock::grantRoleCall::abi_decode_validate(data).ok()?;
                let words = format!("Give {} the timelock's {}", context.name(call.account), role(call.role));
                return known::<Timelock::grantRoleCall>(
                    words,
                    vec![("role", "bytes32", role(call.role)), ("account", "address", full(call.account))],
                );
            }
            Timelock::revokeRoleCall::SELECTOR => {
                let call = Timelock::revokeRoleCall::abi_decode_validate(data).ok()?;
                let words = format!("Take the timelock's {} from {}", role(call.role), context.name(call.account));
                return known::<Timelock::revokeRoleCall>(
                    words,
                    vec![("role", "bytes32", role(call.role)), ("account", "address", full(call.account))],
                );
            }
            _ => {}
        }
    }
    if target == context.token {
        match selector {
            VoteToken::transferCall::SELECTOR => {
                let call = VoteToken::transferCall::abi_decode_validate(data).ok()?;
                let words = format!("Send {} {} to {}", tokens(call.value), context.token_symbol, context.name(call.to));
                return known::<VoteToken::transferCall>(
                    words,
                    vec![("to", "address", full(call.to)), ("value", "uint256", call.value.to_string())],
                );
            }
            VoteToken::approveCall::SELECTOR => {
                let call = VoteToken::approveCall::abi_decode_validate(data).ok()?;
                let words = format!("Allow {} to take up to {} {}", context.name(call.spender), tokens(call.value), context.token_symbol);
                return known::<VoteToken::approveCall>(
                    words,
                    vec![("spender", "address", full(call.spender)), ("value", "uint256", call.value.to_string())],
                );
            }
            VoteToken::delegateCall::SELECTOR => {
                let call = VoteToken::delegateCall::abi_decode_validate(data).ok()?;
                return known::<VoteToken::delegateCall>(
                    format!("Delegate the treasury's votes to {}", context.name(call.delegatee)),
                    vec![("delegatee", "address", full(call.delegatee))],
                );
            }
            _ => {}
        }
    }
    if target == context.log_anchor && !target.is_zero() {
        match selector {
            LogAnchor::anchorCall::SELECTOR => {
                let call = LogAnchor::anchorCall::abi_decode_validate(data).ok()?;
                let entries = if call.size == 1 { "entry" } else { "entries" };
                return known::<LogAnchor::anchorCall>(
                    format!("Write down on chain what the explanation log says with {} {entries}", call.size),
                    vec![
                        ("origin", "bytes32", call.origin.to_string()),
                        ("size", "uint64", call.size.to_string()),
                        ("root", "bytes32", call.root.to_string()),
                    ],
                );
            }
            LogAnchor::announceKeyCall::SELECTOR => {
                let call = LogAnchor::announceKeyCall::abi_decode_validate(data).ok()?;
                return known::<LogAnchor::announceKeyCall>(
                    "Say which key signs the explanation log".into(),
                    vec![("origin", "bytes32", call.origin.to_string()), ("vkeyHash", "bytes32", call.vkeyHash.to_string())],
                );
            }
            LogAnchor::recordDecisionCall::SELECTOR => {
                let call = LogAnchor::recordDecisionCall::abi_decode_validate(data).ok()?;
                return known::<LogAnchor::recordDecisionCall>(
                    format!(
                        "Show that entry {} of the explanation log that {} anchors is a decision",
                        call.index,
                        context.name(call.account)
                    ),
                    vec![
                        ("account", "address", full(call.account)),
                        ("origin", "bytes32", call.origin.to_string()),
                        ("index", "uint64", call.index.to_string()),
                        ("size", "uint64", call.size.to_string()),
                    ],
                );
            }
            LogAnchor::requireLoggedCall::SELECTOR => {
                let call = LogAnchor::requireLoggedCall::abi_decode_validate(data).ok()?;
                return known::<LogAnchor::requireLoggedCall>(
                    format!(
                        "Go on only if entry {} of the explanation log that {} anchors is this one",
                        call.index,
                        context.name(call.account)
                    ),
                    vec![
                        ("account", "address", full(call.account)),
                        ("origin", "bytes32", call.origin.to_string()),
                        ("leaf", "bytes32", call.leaf.to_string()),
                        ("index", "uint64", call.index.to_string()),
                        ("size", "uint64", call.size.to_string()),
                    ],
                );
            }
            _ => {}
        }
    }
    if target == context.validations && !target.is_zero() && selector == ValidationRegistry::validationResponseCall::SELECTOR {
        let call = ValidationRegistry::validationResponseCall::abi_decode_validate(data).ok()?;
        return known::<ValidationRegistry::validationResponseCall>(
            format!("Say that decision {} holds to {} of 100", short(call.requestHash), call.response),
            vec![
                ("requestHash", "bytes32", call.requestHash.to_string()),
                ("response", "uint8", call.response.to_string()),
                ("responseURI", "string", call.responseURI),
                ("responseHash", "bytes32", call.responseHash.to_string()),
                ("tag", "bytes32", call.tag.to_string()),
            ],
        );
    }
    if target == context.art {
        match selector {
            GenerativeToken::setBaseURICall::SELECTOR => {
                let call = GenerativeToken::setBaseURICall::abi_decode_validate(data).ok()?;
                return known::<GenerativeToken::setBaseURICall>(
                    format!("Serve token metadata from {}", call.baseURI),
                    vec![("baseURI", "string", call.baseURI)],
                );
            }
            GenerativeToken::setContractURICall::SELECTOR => {
                let call = GenerativeToken::setContractURICall::abi_decode_validate(data).ok()?;
                return known::<GenerativeToken::setContractURICall>(
                    format!("Describe the collection at {}", call.newContractURI),
                    vec![("newContractURI", "string", call.newContractURI)],
                );
            }
            _ => {}
        }
    }
    None
}

/// "a, b and c".
pub fn list(items: &[String]) -> String {
    match items {
        [] => "nothing".into(),
        [one] => one.clone(),
        [firsts @ .., last] => format!("{} and {last}", firsts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_selector_is_said_to_be_unknown() {
        let worded = in_words(&Context::default(), Address::repeat_byte(3), U256::ZERO, &Bytes::from_static(&[1, 2, 3, 4, 5]));
        assert!(!worded.known);
        assert_eq!(worded.function, "unknown function 0x01020304");
    }

    #[test]
    fn a_transfer_names_the_payee_and_not_the_token() {
        let payee = Address::repeat_byte(9);
        let context = Context {
            names: BTreeMap::from([(payee, "Ines".into())]),
            token: Address::repeat_byte(4),
            token_symbol: "MARSH".into(),
            ..Context::default()
        };
        let call = VoteToken::transferCall { to: payee, value: U256::from(25u64) * U256::from(10u64).pow(U256::from(17u64)) };
        let worded = in_words(&context, context.token, U256::ZERO, &call.abi_encode().into());
        assert_eq!(worded.words, "Send 2.5 MARSH to Ines");
    }

    #[test]
    fn what_is_asked_of_decisions_is_said_whole() {
        let (anchor, executor) = (Address::repeat_byte(5), Address::repeat_byte(9));
        let context = Context {
            names: BTreeMap::from([(executor, "Bridge executor".into())]),
            registry: Address::repeat_byte(2),
            log_anchor: anchor,
            ..Context::default()
        };
        let words = |anchor, always| {
            let requirement = ParameterRegistry::LogRequirement { anchor, account: executor, origin: B256::repeat_byte(7), always };
            let call = ParameterRegistry::setLogRequirementCall { engine: crate::parameter::key_word("tideline").unwrap(), requirement };
            in_words(&context, context.registry, U256::ZERO, &call.abi_encode().into()).words
        };
        assert_eq!(words(anchor, false), "Let an agent's decision change tideline only once it is in the log that Bridge executor anchors");
        assert_eq!(words(anchor, true), "Let nothing change tideline but decisions in the log that Bridge executor anchors");
        assert_eq!(words(Address::ZERO, true), "Let decisions change tideline whether they were logged or not");
    }

    #[test]
    fn an_anchor_is_told_where_the_dao_has_one_and_nowhere_else() {
        let call = LogAnchor::anchorCall { origin: B256::repeat_byte(7), size: 41, root: B256::repeat_byte(8) };
        let data = Bytes::from(call.abi_encode());
        let context = Context { log_anchor: Address::repeat_byte(5), ..Context::default() };
        let worded = in_words(&context, context.log_anchor, U256::ZERO, &data);
        assert_eq!(worded.words, "Write down on chain what the explanation log says with 41 entries");
        assert!(!in_words(&context, Address::repeat_byte(6), U256::ZERO, &data).known);
        assert!(!in_words(&Context::default(), Address::ZERO, U256::ZERO, &data).known);
    }

    #[test]
    fn truncated_calldata_does_not_decode() {
        let context = Context { token: Address::repeat_byte(4), ..Context::default() };
        for length in 4..40 {
            let data: Bytes = [&VoteToken::transferCall::SELECTOR[..], &vec![7; length]].concat().into();
            assert!(!in_words(&context, context.token, U256::ZERO, &data).known);
        }
    }
}
