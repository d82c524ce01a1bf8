//! Agents that are contract accounts: their word is their contract's, also before it stands on the chain.

use alloy::{
    eips::BlockId,
    signers::{SignerSync, local::PrivateKeySigner},
};
use alloy_primitives::{Address, B256, Bytes, U256, b256, hex, keccak256};
use alloy_sol_types::{SolCall, SolValue, sol};
use governance::explanation::{DecisionRecord, decision::RecordSignature};
use serde_json::{Value, json};
use server::{
    chain::signature::{Preparation, check},
    config::AgentConfig,
};

use crate::{
    agents::{hand_in, recent},
    world::{Site, World, eventually, wallet},
};

sol! {
    function create(address owner, bytes32 salt) external returns (address);
}

const WRAPPED: B256 = b256!("6492649264926492649264926492649264926492649264926492649264926492");

fn code(artifact: &str) -> Vec<u8> {
    let artifact: Value = serde_json::from_str(artifact).unwrap();
    hex::decode(artifact["bytecode"]["object"].as_str().unwrap()).unwrap()
}

fn wallet_code(owner: Address) -> Vec<u8> {
    [code(include_str!("../../../governance/contracts/artifacts/SmartWallet.json")), owner.abi_encode()].concat()
}

async fn deploy(world: &World, code: Vec<u8>) -> Address {
    let transaction = json!([{"from": world.account("ines"), "input": hex::encode_prefixed(code), "gas": "0x7a1200"}]);
    let hash: B256 = world.node.raw("eth_sendTransaction", transaction).await.unwrap();
    eventually(async || world.node.receipt(hash).await.unwrap()).await.contract_address.unwrap()
}

async fn factory(world: &World) -> Address {
    deploy(world, code(include_str!("../../../governance/contracts/artifacts/SmartWalletFactory.json"))).await
}

/// Where the factory will put the owner's wallet, and what makes it.
fn foreseen(factory: Address, owner: Address) -> (Address, Preparation) {
    let salt = B256::repeat_byte(7);
    let address = factory.create2(salt, keccak256(wallet_code(owner)));
    (address, Preparation { factory, calldata: createCall { owner, salt }.abi_encode().into() })
}

fn by_key(key: &PrivateKeySigner, hash: B256) -> Bytes {
    key.sign_hash_sync(&hash).unwrap().as_bytes().to_vec().into()
}

async fn bridge(world: &World, account: Address) -> Site {
    world
        .bridge_with(|config| {
            config.records_dir = None;
            let agent = AgentConfig { slug: "collective".into(), name: "Collective".into(), address: account, about: String::new() };
            config.dao.agents.push(agent);
        })
        .await
}

/// A record of the account's own, and the hash it signs.
async fn unsigned(world: &World, account: Address) -> (DecisionRecord, B256) {
    let mut record = DecisionRecord::parse(recent(world).await.to_string().as_bytes()).unwrap();
    record.agent.account = format!("eip155:31337:{account}");
    record.signature = None;
    let hash = record.signing_hash(world.deployment.chain_id, world.deployment.registry);
    (record, hash)
}

fn with_signature(record: &DecisionRecord, account: Address, value: Bytes) -> Value {
    let signature = RecordSignature { scheme: "eip1271".into(), signer: account, value };
    json!(DecisionRecord { signature: Some(signature), ..record.clone() })
}

#[tokio::test]
async fn a_contract_account_signs_by_its_own_rule() {
    let world = World::new().await;
    let (owner, stranger) = (wallet(5), wallet(6));
    let account = deploy(&world, wallet_code(owner.address())).await;
    let site = bridge(&world, account).await;
    let (record, hash) = unsigned(&world, account).await;

    let refused = hand_in(&site, &with_signature(&record, account, by_key(&stranger, hash))).await;
    let detail = refused.problem(401);
    assert!(detail.contains(&account.to_string()) && detail.contains("as of block"), "{detail}");
    assert_eq!(refused.json()["field"], "signature");
    let elsewhere = record.signing_hash(world.deployment.chain_id, world.deployment.token);
    hand_in(&site, &with_signature(&record, account, by_key(&owner, elsewhere))).await.problem(401);
    assert_eq!(site.items("/api/v1/decisions").await.len(), 0);

    let accepted = hand_in(&site, &with_signature(&record, account, by_key(&owner, hash))).await;
    assert_eq!(accepted.status, 201, "{}", accepted.text());
    let found = site.get(accepted.header("location")).await.json();
    assert_eq!(found["acceptedBlock"].as_u64(), Some(world.node.head().await.unwrap()));
    let signature = found["checks"].as_array().unwrap().iter().find(|check| check["name"] == "signature").unwrap().clone();
    assert_eq!(signature["ok"], true);
    assert_ne!(found["verification"], "mismatch");
    assert_eq!(hand_in(&site, &with_signature(&record, account, by_key(&owner, hash))).await.status, 200);
}

#[tokio::test]
async fn an_account_that_is_not_deployed_yet_signs_through_its_factory() {
    let world = World::new().await;
    let owner = wallet(5);
    let factory = factory(&world).await;
    let (account, preparation) = foreseen(factory, owner.address());
    let site = bridge(&world, account).await;
    let (record, hash) = unsigned(&world, account).await;
    let wrap = |preparation: &Preparation, signature: Bytes| {
        let parts = (preparation.factory, preparation.calldata.clone(), signature).abi_encode_params();
        Bytes::from([parts.as_slice(), WRAPPED.as_slice()].concat())
    };

    // Without its factory nobody is there to ask.
    hand_in(&site, &with_signature(&record, account, by_key(&owner, hash))).await.problem(401);
    // A factory that makes another wallet does not speak for this one.
    let (_, other) = foreseen(factory, wallet(6).address());
    hand_in(&site, &with_signature(&record, account, wrap(&other, by_key(&wallet(6), hash)))).await.problem(401);
    hand_in(&site, &with_signature(&record, account, wrap(&preparation, by_key(&wallet(6), hash)))).await.problem(401);
    let accepted = hand_in(&site, &with_signature(&record, account, wrap(&preparation, by_key(&owner, hash)))).await;
    assert_eq!(accepted.status, 201, "{}", accepted.text());
    let deployed: Bytes = world.node.raw("eth_getCode", json!([account, "latest"])).await.unwrap();
    assert!(deployed.is_empty(), "asking deploys nothing");

    // Once it is there, it is asked directly; a wrapping that is no longer needed does no harm.
    assert!(world.send(world.account("ines"), factory, preparation.calldata.clone()).await);
    let node = &world.node;
    let signature = by_key(&owner, hash);
    for preparation in [None, Some(&preparation)] {
        assert!(check(node, account, hash, &signature, preparation, BlockId::latest()).await.unwrap());
        assert!(!check(node, account, B256::ZERO, &signature, preparation, BlockId::latest()).await.unwrap());
    }
}

#[tokio::test]
async fn an_account_that_answers_oddly_says_no() {
    let world = World::new().await;
    let awkward = code(include_str!("../../../governance/contracts/artifacts/AwkwardWallet.json"));
    let ask = async |account: Address, signature: &[u8], preparation: Option<&Preparation>| {
        let signature = Bytes::copy_from_slice(signature);
        check(&world.node, account, B256::ZERO, &signature, preparation, BlockId::latest()).await.unwrap()
    };
    let mut accounts = Vec::new();
    for habit in 0_u64..8 {
        let account = deploy(&world, [awkward.clone(), U256::from(habit).abi_encode()].concat()).await;
        assert_eq!(ask(account, b"", None).await, habit == 7, "habit {habit}");
        accounts.push(account);
    }
    // As factories they are no better: one reverts, one works for ever.
    let nobody = Address::repeat_byte(0x77);
    for factory in &accounts {
        let preparation = Preparation { factory: *factory, calldata: Bytes::new() };
        assert!(!ask(nobody, b"", Some(&preparation)).await);
        assert!(!ask(accounts[4], b"", Some(&preparation)).await, "an account that works for ever, asked twice");
    }
    // An account of a key is no contract, and too long a question is never put.
    assert!(!ask(world.account("ines"), &[1; 65], None).await);
    assert!(!ask(accounts[7], &vec![1; 60_000], None).await);
    assert!(ask(accounts[7], &vec![1; 16 * 1024], None).await);
}
