//! The demo's contracts: their code, and the parameters that Tideline begins with.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use alloy_sol_types::SolValue;
use governance::{
    onchain::abi::ParameterRegistry,
    parameter::{Definition, Kind, Value, key_word},
};

use super::{
    people::{PEOPLE, TREASURY_MARSH},
    story,
};

/// Addresses of the deployed contracts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contracts {
    pub token: Address,
    pub timelock: Address,
    pub governor: Address,
    pub registry: Address,
    pub art: Address,
    pub log_anchor: Address,
    pub validations: Address,
}

impl Contracts {
    /// Where they will be: a contract's address follows from its deployer and the deployer's count of transactions.
    ///
    /// The timelock can so name its governor before that exists, and nobody ever holds a right to set it up.
    pub fn foreseen(deployer: Address) -> Self {
        let at = |nonce| deployer.create(nonce);
        Self { token: at(0), timelock: at(1), governor: at(2), registry: at(3), art: at(4), log_anchor: at(5), validations: at(6) }
    }

    /// Code with constructor arguments, in the order of deployment.
    pub fn deployments(&self, accounts: &[Address]) -> [(&'static str, Bytes); 7] {
        let holders = PEOPLE.iter().filter(|person| person.marsh > 0).map(|person| (accounts[person.account], marsh(person.marsh)));
        let (holders, amounts): (Vec<Address>, Vec<U256>) = holders.chain([(self.timelock, marsh(TREASURY_MARSH))]).unzip();
        let token = ("Saltmarsh Vote".to_owned(), "MARSH".to_owned(), holders, amounts).abi_encode_params();
        // Anybody may execute, and nobody but the timelock itself may change its roles.
        let timelock =
            (U256::from(story::FIRST_TIMELOCK_DELAY), vec![self.governor], vec![Address::ZERO], Address::ZERO).abi_encode_params();
        let governor = (
            "Saltmarsh Governor".to_owned(),
            self.token,
            self.timelock,
            U256::from(story::VOTING_DELAY),
            U256::from(story::FIRST_VOTING_PERIOD),
            marsh(story::THRESHOLD),
            U256::from(story::FIRST_QUORUM),
            U256::from(story::LATE_QUORUM_EXTENSION),
        )
            .abi_encode_params();
        let registry = self.timelock.abi_encode();
        let art = (
            "Tideline".to_owned(),
            "TIDE".to_owned(),
            self.timelock,
            self.registry,
            engine_word(),
            "https://gateway.saltmarsh.example/tideline/".to_owned(),
            "https://gateway.saltmarsh.example/tideline.json".to_owned(),
        )
            .abi_encode_params();
        let code = |artifact: &str, arguments: Vec<u8>| Bytes::from([bytecode(artifact), arguments].concat());
        [
            ("VoteToken", code(include_str!("../../../governance/contracts/artifacts/VoteToken.json"), token)),
            ("TimelockController", code(include_str!("../../../governance/contracts/artifacts/TimelockController.json"), timelock)),
            ("DemoGovernor", code(include_str!("../../../governance/contracts/artifacts/DemoGovernor.json"), governor)),
            ("ParameterRegistry", code(include_str!("../../../governance/contracts/artifacts/ParameterRegistry.json"), registry)),
            ("GenerativeToken", code(include_str!("../../../governance/contracts/artifacts/GenerativeToken.json"), art)),
            ("LogAnchor", code(include_str!("../../../governance/contracts/artifacts/LogAnchor.json"), vec![])),
            ("ValidationRegistry", code(include_str!("../../../governance/contracts/artifacts/ValidationRegistry.json"), vec![])),
        ]
    }
}

fn bytecode(artifact: &str) -> Vec<u8> {
    #[derive(serde::Deserialize)]
    struct Artifact {
        bytecode: Code,
    }
    #[derive(serde::Deserialize)]
    struct Code {
        object: String,
    }
    let artifact: Artifact = serde_json::from_str(artifact).expect("artifacts are part of this program");
    hex::decode(artifact.bytecode.object).expect("bytecode is hex")
}

/// Whole MARSH in the token's smallest unit.
pub(super) fn marsh(whole: u64) -> U256 {
    U256::from(whole) * U256::from(10u64).pow(U256::from(18u64))
}

pub(super) fn engine_word() -> B256 {
    key_word(story::ENGINE).expect("the engine's id is a key")
}

/// Tideline's twelve parameters with their first values.
pub(super) fn tideline() -> BTreeMap<&'static str, (Definition, Value)> {
    let plain = |kind, min, max| Definition {
        kind,
        decimals: 0,
        min,
        max,
        max_step: 0,
        min_interval: 0,
        locked_after: 0,
        guardian: None,
        unit: String::new(),
        options: vec![],
    };
    let palettes = ["dawn", "kelp", "ember", "slate", "bloom"].map(str::to_owned).to_vec();
    let integer = |min, max, max_step, unit: &str| Definition { max_step, unit: unit.into(), ..plain(Kind::Integer, min, max) };
    let decimal =
        |decimals, min, max, max_step, unit: &str| Definition { decimals, max_step, unit: unit.into(), ..plain(Kind::Decimal, min, max) };
    BTreeMap::from([
        ("ink", (plain(Kind::Colour, 0, 0xFF_FF_FF), Value::Colour(0x12_32_4A))),
        ("inscription", (plain(Kind::Text, 0, 48), Value::Text("first light".into()))),
        ("layers", (integer(4, 40, 8, "bands"), Value::Integer(12))),
        ("mint.cadence", (Definition { min_interval: story::DAY, ..integer(1, 60, 12, "tokens/day") }, Value::Integer(18))),
        ("mint.open", (plain(Kind::Toggle, 0, 1), Value::Toggle(true))),
        ("mint.price", (decimal(4, 50, 5_000, 200, "ETH"), Value::Decimal(400))),
        ("mirror", (plain(Kind::Toggle, 0, 1), Value::Toggle(false))),
        ("moon.rarity", (integer(0, 100, 0, "%"), Value::Integer(20))),
        ("palette", (Definition { options: palettes, ..plain(Kind::Choice, 0, 4) }, Value::Choice(0))),
        ("royalty", (decimal(2, 0, 1_000, 250, "%"), Value::Decimal(500))),
        // From 2025-11-01 to 2030-01-01; at first the end of 2026-12-30.
        ("season.closes", (plain(Kind::Time, 1_761_955_200, 1_893_456_000), Value::Time(1_798_675_200))),
        ("swell", (decimal(3, 0, 1_000, 250, ""), Value::Decimal(350))),
    ])
}

/// Calldata that defines them.
pub(super) fn define_tideline() -> Bytes {
    use alloy_sol_types::SolCall;
    let parameters = tideline()
        .into_iter()
        .map(|(key, (definition, value))| ParameterRegistry::Parameter {
            key: key_word(key).expect("parameters have keys"),
            definition: definition.to_abi(),
            value: value.canonical().into(),
        })
        .collect();
    ParameterRegistry::defineParametersCall { engine: engine_word(), parameters }.abi_encode().into()
}
