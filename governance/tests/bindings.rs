//! The hand-written contract interfaces against the compiled artifacts: a signature that drifts fails here, before a
//! call reverts or an event is overlooked.

use std::{collections::BTreeMap, path::Path};

use alloy_primitives::{B256, keccak256};
use governance::onchain::abi::{GenerativeToken, Governor, LogAnchor, ParameterRegistry, Timelock, ValidationRegistry, VoteToken};
use serde::Deserialize;

/// The bindings as they are written, for what generated code does not tell: which arguments are indexed, and what a
/// function answers.
const WRITTEN: &str = include_str!("../src/onchain/abi.rs");

#[derive(Deserialize)]
struct Artifact {
    abi: Vec<Item>,
}

/// A function, event or error of a contract's ABI.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    inputs: Vec<Argument>,
    #[serde(default)]
    outputs: Vec<Argument>,
    #[serde(default)]
    state_mutability: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Argument {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    internal_type: String,
    #[serde(default)]
    indexed: bool,
    #[serde(default)]
    components: Vec<Argument>,
}

impl Argument {
    /// The type as it stands in a signature: a struct is the tuple of its members.
    fn in_signature(&self) -> String {
        match self.kind.strip_prefix("tuple") {
            Some(array) => format!("{}{array}", tuple(&self.components)),
            None => self.kind.clone(),
        }
    }

    /// The type as the bindings write it: a struct by its name.
    fn as_written(&self) -> String {
        match self.internal_type.strip_prefix("struct ") {
            Some(path) => path.rsplit('.').next().unwrap_or(path).to_owned(),
            None => self.kind.clone(),
        }
    }
}

fn tuple(arguments: &[Argument]) -> String {
    format!("({})", arguments.iter().map(Argument::in_signature).collect::<Vec<_>>().join(","))
}

impl Item {
    fn signature(&self) -> String {
        format!("{}{}", self.name, tuple(&self.inputs))
    }
}

fn artifact(contract: &str) -> Vec<Item> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("contracts/artifacts/{contract}.json"));
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice::<Artifact>(&text).unwrap().abi
}

/// What the compiled contract has of a kind, by signature.
fn compiled<'a>(abi: &'a [Item], kind: &str) -> BTreeMap<String, &'a Item> {
    abi.iter().filter(|item| item.kind == kind).map(|item| (item.signature(), item)).collect()
}

/// What the generated code of one interface answers to.
struct Generated {
    interface: &'static str,
    contract: &'static str,
    functions: Vec<(String, [u8; 4])>,
    events: Vec<(String, B256)>,
    errors: Vec<(String, [u8; 4])>,
}

/// Signatures with the selectors that the generated code uses for them.
fn pairs<S: Copy>(signatures: &[&str], selectors: &[S]) -> Vec<(String, S)> {
    assert_eq!(signatures.len(), selectors.len());
    signatures.iter().map(|signature| (*signature).to_owned()).zip(selectors.iter().copied()).collect()
}

macro_rules! generated {
    ($interface:ident, $calls:ident, $events:ident, $contract:literal, $errors:expr) => {
        Generated {
            interface: stringify!($interface),
            contract: $contract,
            functions: pairs($interface::$calls::SIGNATURES, $interface::$calls::SELECTORS),
            events: pairs($interface::$events::SIGNATURES, $interface::$events::SELECTORS)
                .into_iter()
                .map(|(signature, topic)| (signature, B256::from(topic)))
                .collect(),
            errors: $errors,
        }
    };
}

fn interfaces() -> [Generated; 7] {
    use LogAnchor::LogAnchorErrors as AnchorRefusals;
    use ParameterRegistry::ParameterRegistryErrors as Refusals;
    [
        generated!(Governor, GovernorCalls, GovernorEvents, "DemoGovernor", vec![]),
        generated!(Timelock, TimelockCalls, TimelockEvents, "TimelockController", vec![]),
        generated!(VoteToken, VoteTokenCalls, VoteTokenEvents, "VoteToken", vec![]),
        generated!(
            ParameterRegistry,
            ParameterRegistryCalls,
            ParameterRegistryEvents,
            "ParameterRegistry",
            pairs(Refusals::SIGNATURES, Refusals::SELECTORS)
        ),
        generated!(LogAnchor, LogAnchorCalls, LogAnchorEvents, "LogAnchor", pairs(AnchorRefusals::SIGNATURES, AnchorRefusals::SELECTORS)),
        generated!(ValidationRegistry, ValidationRegistryCalls, ValidationRegistryEvents, "ValidationRegistry", vec![]),
        generated!(GenerativeToken, GenerativeTokenCalls, GenerativeTokenEvents, "GenerativeToken", vec![]),
    ]
}

/// A declaration as it is written: name, arguments as text, and what follows them.
struct Declaration {
    name: String,
    arguments: Vec<String>,
    rest: String,
}

/// The declarations of a kind (`function`, `event`, `error`) in an interface.
fn written(interface: &str, kind: &str) -> Vec<Declaration> {
    let body = WRITTEN.split_once(&format!("interface {interface} {{")).unwrap().1;
    let body = body.split("interface ").next().unwrap();
    body.lines()
        .filter_map(|line| line.trim().strip_prefix(kind)?.strip_prefix(' '))
        .map(|line| {
            let (name, rest) = line.split_once('(').unwrap();
            let (arguments, rest) = rest.split_once(')').unwrap();
            Declaration { name: name.to_owned(), arguments: list(arguments), rest: rest.trim().trim_end_matches(';').to_owned() }
        })
        .collect()
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_function_event_and_error_is_the_contracts_own() {
    for Generated { interface, contract, functions, events, errors } in interfaces() {
        let abi = artifact(contract);
        let (known_functions, known_events, known_errors) = (compiled(&abi, "function"), compiled(&abi, "event"), compiled(&abi, "error"));
        assert!(!functions.is_empty() && !events.is_empty(), "{interface}");
        for (signature, selector) in &functions {
            assert!(known_functions.contains_key(signature), "{contract} has no function {signature}");
            assert_eq!(keccak256(signature)[..4], *selector, "{interface}.{signature}");
        }
        for (signature, topic) in &events {
            assert!(known_events.contains_key(signature), "{contract} has no event {signature}");
            assert_eq!(keccak256(signature), *topic, "{interface}.{signature}");
        }
        for (signature, selector) in &errors {
            assert!(known_errors.contains_key(signature), "{contract} has no error {signature}");
            assert_eq!(keccak256(signature)[..4], *selector, "{interface}.{signature}");
        }
        // Nothing that is written escapes the comparison below.
        assert_eq!(written(interface, "function").len(), functions.len(), "{interface}");
        assert_eq!(written(interface, "event").len(), events.len(), "{interface}");
        assert_eq!(written(interface, "error").len(), errors.len(), "{interface}");
    }
}

#[test]
fn every_error_that_the_registry_declares_can_be_told_in_words() {
    let abi = artifact("ParameterRegistry");
    let known: Vec<String> =
        ParameterRegistry::ParameterRegistryErrors::SIGNATURES.iter().map(|signature| (*signature).to_owned()).collect();
    for signature in compiled(&abi, "error").into_keys().filter(|signature| signature.starts_with("ParameterRegistry")) {
        assert!(known.contains(&signature), "the bindings lack error {signature}");
    }
}

#[test]
fn event_arguments_are_indexed_named_and_ordered_as_the_contract_has_them() {
    for Generated { interface, contract, .. } in interfaces() {
        let abi = artifact(contract);
        for event in written(interface, "event") {
            let found: Vec<&Item> = abi.iter().filter(|item| item.kind == "event" && item.name == event.name).collect();
            let [found] = found[..] else { panic!("{contract} has {} events {}", found.len(), event.name) };
            let expected: Vec<String> = found
                .inputs
                .iter()
                .map(|argument| format!("{} {}{}", argument.as_written(), if argument.indexed { "indexed " } else { "" }, argument.name))
                .collect();
            assert_eq!(event.arguments, expected, "{interface}.{}", event.name);
        }
    }
}

#[test]
fn functions_answer_what_the_contract_answers() {
    for Generated { interface, contract, .. } in interfaces() {
        let abi = artifact(contract);
        for function in written(interface, "function") {
            let types: Vec<String> = function.arguments.iter().map(|argument| argument.split(' ').next().unwrap().to_owned()).collect();
            let found = abi
                .iter()
                .find(|item| {
                    item.kind == "function"
                        && item.name == function.name
                        && item.inputs.iter().map(Argument::as_written).eq(types.iter().cloned())
                })
                .unwrap_or_else(|| panic!("{contract} has no function {}({})", function.name, types.join(",")));
            let (outer, answers) = function.rest.split_once("returns (").unwrap_or((&function.rest, ""));
            let answers: Vec<String> =
                list(answers.trim_end_matches(')')).iter().map(|answer| answer.split(' ').next().unwrap().to_owned()).collect();
            let expected: Vec<String> = found.outputs.iter().map(Argument::as_written).collect();
            assert_eq!(answers, expected, "{interface}.{}", function.name);
            let mutability =
                ["view", "pure", "payable"].into_iter().find(|word| outer.split(' ').any(|part| part == *word)).unwrap_or("nonpayable");
            // What one governor knows by itself, another may have to look up: `pure` may be called as `view`.
            let read_only = mutability == "view" && found.state_mutability == "pure";
            assert!(read_only || mutability == found.state_mutability, "{interface}.{} is {}", function.name, found.state_mutability);
        }
    }
}
