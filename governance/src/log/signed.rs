//! Whether the actor of an entry really signed for it, so that the operator of a log cannot speak for others.
//!
//! A signature says by `over` what it is over. Recovering the signer needs no more than that for EIP-712, and needs the
//! statement itself for DSSE, whose encoding is not the statement's hash. That `over` is about the entry's body is a
//! second question: [`check_record`] answers it for decision records. Accounts that are contracts have no key; their
//! signatures do not stand in entries.

use alloy_primitives::{Address, B256, hex};
use sha2::{Digest, Sha256};

use super::entry::{Entry, SignatureScheme};
use super::statement::signing_hash;
use crate::explanation::{DecisionError, DecisionRecord, decision::signature::recover};

/// Why an entry's signature does not speak for its actor.
#[derive(Debug, thiserror::Error)]
pub enum SignedError {
    #[error("the entry carries no signature")]
    Unsigned,
    #[error("the entry is signed but names no actor")]
    NoActor,
    #[error("the actor is {found:?}; a signature needs an account such as eip155:1:0x…")]
    Actor { found: String },
    #[error("the signature is over {found:?}, which is not 0x and 64 hex digits")]
    Over { found: String },
    #[error("the signature is {found:?}, which is not 0x and hex digits")]
    Value { found: String },
    #[error("the signature cannot be read: {0}")]
    Signature(#[from] DecisionError),
    #[error("{signer} signed this, and the entry names {actor}")]
    Stranger { actor: Address, signer: Address },
    #[error("a DSSE signature is over a statement, which is not here")]
    NeedsStatement,
    #[error("the signature is over {over}, and what is here is {computed}")]
    Elsewhere { over: B256, computed: B256 },
}

/// The account that an entry names as its actor: its chain id and address, from CAIP-10.
pub fn actor_account(entry: &Entry) -> Result<(u64, Address), SignedError> {
    let actor = entry.actor.as_deref().ok_or(SignedError::NoActor)?;
    let read = || {
        let (chain, address) = actor.strip_prefix("eip155:")?.split_once(':')?;
        let digits = address.strip_prefix("0x").filter(|digits| digits.len() == 40)?;
        Some((chain.parse().ok()?, Address::from_slice(&hex::decode(digits).ok()?)))
    };
    read().ok_or_else(|| SignedError::Actor { found: actor.to_owned() })
}

/// Recovers the signer of an entry and compares it with the actor. `body` is the entry's body, which DSSE cannot do
/// without: the statement itself.
pub fn check_signature(entry: &Entry, body: Option<&[u8]>) -> Result<Address, SignedError> {
    let signature = entry.signature.as_ref().ok_or(SignedError::Unsigned)?;
    let (_, actor) = actor_account(entry)?;
    let over = over(entry)?;
    let value = hex::decode(&signature.value).map_err(|_| SignedError::Value { found: signature.value.chars().take(140).collect() })?;
    let signed = match signature.scheme {
        SignatureScheme::Eip712 => over,
        SignatureScheme::Dsse => dsse_hash(body.ok_or(SignedError::NeedsStatement)?, over)?,
    };
    let signer = recover(&value, signed)?;
    if signer == actor { Ok(signer) } else { Err(SignedError::Stranger { actor, signer }) }
}

/// Checks that an EIP-712 signature in an entry is over this decision record, for the registry that the record is about.
/// The chain is the one that the actor's account names.
pub fn check_record(entry: &Entry, record: &[u8], registry: Address) -> Result<(), SignedError> {
    let (chain_id, _) = actor_account(entry)?;
    let over = over(entry)?;
    let computed = DecisionRecord::parse(record)?.signing_hash(chain_id, registry);
    if computed == over { Ok(()) } else { Err(SignedError::Elsewhere { over, computed }) }
}

fn over(entry: &Entry) -> Result<B256, SignedError> {
    let text = entry.signature.as_ref().ok_or(SignedError::Unsigned)?.over.as_str();
    let read = text.starts_with("0x").then(|| text.parse().ok()).flatten();
    read.ok_or_else(|| SignedError::Over { found: text.chars().take(80).collect() })
}

/// What a wallet hashes when it signs this statement.
fn dsse_hash(body: &[u8], over: B256) -> Result<B256, SignedError> {
    let computed = B256::from_slice(&Sha256::digest(body));
    if computed == over { Ok(signing_hash(body)) } else { Err(SignedError::Elsewhere { over, computed }) }
}

#[cfg(test)]
mod tests {
    use super::super::entry::{ActorSignature, EntryKind};
    use super::*;
    use k256::ecdsa::SigningKey;

    const STATEMENT: &[u8] = br#"{"_type":"https://in-toto.io/Statement/v1"}"#;

    fn key(byte: u8) -> SigningKey {
        SigningKey::from_slice(&[byte; 32]).unwrap()
    }

    fn address(key: &SigningKey) -> Address {
        Address::from_raw_public_key(&key.verifying_key().to_encoded_point(false).as_bytes()[1..])
    }

    fn sign(key: &SigningKey, hash: B256) -> String {
        let (signature, id) = key.sign_prehash_recoverable(hash.as_slice()).unwrap();
        hex::encode_prefixed([&signature.to_bytes()[..], &[27 + id.to_byte()]].concat())
    }

    fn entry(scheme: SignatureScheme, over: B256, value: String) -> Entry {
        let mut entry = Entry::new(EntryKind::Decision, "decision/1", 5);
        entry.actor = Some(format!("eip155:31337:{}", address(&key(7))));
        entry.signature = Some(ActorSignature { scheme, over: over.to_string(), value });
        entry
    }

    #[test]
    fn a_key_speaks_for_its_own_account_alone() {
        let over = B256::repeat_byte(3);
        let good = entry(SignatureScheme::Eip712, over, sign(&key(7), over));
        assert_eq!(check_signature(&good, None).unwrap(), address(&key(7)));
        let forged = entry(SignatureScheme::Eip712, over, sign(&key(8), over));
        assert!(matches!(check_signature(&forged, None), Err(SignedError::Stranger { signer, .. }) if signer == address(&key(8))));
        let elsewhere = entry(SignatureScheme::Eip712, B256::repeat_byte(4), sign(&key(7), over));
        assert!(check_signature(&elsewhere, None).is_err());
    }

    #[test]
    fn a_statement_is_signed_through_its_encoding() {
        let over = B256::from_slice(&Sha256::digest(STATEMENT));
        let good = entry(SignatureScheme::Dsse, over, sign(&key(7), signing_hash(STATEMENT)));
        assert_eq!(check_signature(&good, Some(STATEMENT)).unwrap(), address(&key(7)));
        assert!(matches!(check_signature(&good, None), Err(SignedError::NeedsStatement)));
        assert!(matches!(check_signature(&good, Some(b"{}")), Err(SignedError::Elsewhere { .. })));
        // A signature over the hash itself, which is no encoding of the statement.
        let bare = entry(SignatureScheme::Dsse, over, sign(&key(7), over));
        assert!(check_signature(&bare, Some(STATEMENT)).is_err());
    }

    #[test]
    fn what_cannot_be_a_signature_is_named() {
        let over = B256::repeat_byte(3);
        let good = entry(SignatureScheme::Eip712, over, sign(&key(7), over));
        let unsigned = Entry { signature: None, ..good.clone() };
        assert!(matches!(check_signature(&unsigned, None), Err(SignedError::Unsigned)));
        let nobody = Entry { actor: None, ..good.clone() };
        assert!(matches!(check_signature(&nobody, None), Err(SignedError::NoActor)));
        let elsewhere = Entry { actor: Some("solana:1:abc".into()), ..good.clone() };
        assert!(matches!(check_signature(&elsewhere, None), Err(SignedError::Actor { .. })));
        let with = |over: &str, value: &str| {
            let signature = ActorSignature { scheme: SignatureScheme::Eip712, over: over.into(), value: value.into() };
            check_signature(&Entry { signature: Some(signature), ..good.clone() }, None)
        };
        assert!(matches!(with("3333", "0x00"), Err(SignedError::Over { .. })));
        assert!(matches!(with(&over.to_string(), "0xzz"), Err(SignedError::Value { .. })));
        assert!(matches!(with(&over.to_string(), "0x00"), Err(SignedError::Signature(_))));
    }

    #[test]
    fn a_record_is_what_was_signed_only_for_its_own_registry_and_chain() {
        let fixture: serde_json::Value = serde_json::from_slice(include_bytes!("../../tests/fixtures/explanation/decision.json")).unwrap();
        let record = fixture["record"].to_string();
        let registry: Address = fixture["registry"].as_str().unwrap().parse().unwrap();
        let hash: B256 = fixture["signingHash"].as_str().unwrap().parse().unwrap();
        let good = entry(SignatureScheme::Eip712, hash, sign(&key(7), hash));
        let agent = |entry: Entry| Entry { actor: Some("eip155:31337:0x940993B342be9aE7C3b33E22554eea6e7Ed47579".into()), ..entry };
        assert!(check_record(&agent(good.clone()), record.as_bytes(), registry).is_ok());
        assert!(matches!(check_record(&good, record.as_bytes(), Address::repeat_byte(8)), Err(SignedError::Elsewhere { .. })));
        let mainnet = Entry { actor: Some(format!("eip155:1:{}", address(&key(7)))), ..good.clone() };
        assert!(check_record(&mainnet, record.as_bytes(), registry).is_err());
        let altered = record.replacen("How many tokens", "How few tokens", 1);
        assert!(check_record(&good, altered.as_bytes(), registry).is_err());
    }
}
