//! What an actor signs to have entries logged: an in-toto Statement in a DSSE envelope, signed as an Ethereum message
//! by the key of the actor's account, so that any wallet can sign it and the operator of a log cannot make one up.
//!
//! Sources: DSSE protocol 1.0.0 (pre-authentication encoding), in-toto Attestation Framework v1 (Statement), EIP-191.

use alloy_primitives::{Address, B256, eip191_hash_message, hex};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ActorSignature, Body, Entry, EntryError, EntryKind, EntryRef, Hash, SignatureScheme};
use crate::explanation::decision::signature::recover;

/// The payload type of a DSSE envelope that holds an in-toto Statement; also the media type of a logged payload.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The `_type` of an in-toto Statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The `predicateType` of statements that are logged here.
pub const PREDICATE_TYPE: &str = "https://wherefore.example/schemas/log-statement/v1";
/// The largest payload, in bytes.
pub const LARGEST_PAYLOAD: usize = 256 * 1024;
/// Entries that one statement may ask for.
pub const MOST_ENTRIES: usize = 256;
/// Bytes of randomness that keep the digest of an erased statement from being guessed, at least.
const SALT: usize = 16;

/// A DSSE envelope with exactly one signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    pub payload_type: String,
    /// Base64.
    pub payload: String,
    pub signatures: Vec<EnvelopeSignature>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeSignature {
    /// The actor's account, CAIP-10.
    pub keyid: String,
    /// Base64 of r, s and v.
    pub sig: String,
}

/// The statement inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "_type")]
    pub kind: String,
    /// What it is about, by digest.
    pub subject: Vec<StatementSubject>,
    pub predicate_type: String,
    pub predicate: Predicate,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementSubject {
    pub name: String,
    pub digest: std::collections::BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// The log that these entries are for, so that nobody can have them logged elsewhere.
    pub log: String,
    /// Random hex, at least 16 bytes.
    pub salt: String,
    pub entries: Vec<StatedEntry>,
}

/// An entry as its actor states it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatedEntry {
    pub kind: EntryKind,
    /// The actor's own name for it, unique among theirs, such as a UUID.
    pub id: String,
    /// Unix seconds.
    pub at: u64,
    #[serde(default)]
    pub refs: Vec<EntryRef>,
    pub facts: Map<String, Value>,
}

/// Entries that were signed for, and what was signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    pub signer: Address,
    /// CAIP-2.
    pub chain: String,
    pub payload: Vec<u8>,
    pub entries: Vec<Entry>,
}

/// Why an envelope is not taken. `at` names the part.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    #[error("{at}: {reason}")]
    Malformed { at: String, reason: String },
    #[error("the payload has {bytes} bytes; {LARGEST_PAYLOAD} is the most")]
    TooLarge { bytes: usize },
    #[error("signatures[0]: the signature was made by {signer}, and keyid is {keyid}")]
    Signer { signer: Address, keyid: String },
    #[error("predicate.log: the statement is for {found:?}; this log is {needed:?}")]
    OtherLog { found: String, needed: String },
    #[error("predicate.entries[{index}]: {error}")]
    Entry { index: usize, error: EntryError },
}

fn malformed(at: impl Into<String>, reason: impl Into<String>) -> StatementError {
    StatementError::Malformed { at: at.into(), reason: reason.into() }
}

/// The pre-authentication encoding of DSSE: what is signed.
pub fn pre_authentication(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend(payload);
    bytes
}

/// What the actor's key signs: the EIP-191 hash of the pre-authentication encoding.
pub fn signing_hash(payload: &[u8]) -> B256 {
    eip191_hash_message(pre_authentication(PAYLOAD_TYPE, payload))
}

impl Envelope {
    /// Wraps a payload and its 65-byte signature.
    pub fn new(payload: &[u8], keyid: impl Into<String>, signature: &[u8]) -> Self {
        let signatures = vec![EnvelopeSignature { keyid: keyid.into(), sig: BASE64.encode(signature) }];
        Self { payload_type: PAYLOAD_TYPE.into(), payload: BASE64.encode(payload), signatures }
    }

    /// Opens the envelope: checks the signature, then reads the statement, and makes the entries it asks for in the
    /// log called `origin`. Whether the signer may have them logged is for the caller to say.
    pub fn open(&self, origin: &str) -> Result<Stated, StatementError> {
        if self.payload_type != PAYLOAD_TYPE {
            return Err(malformed("payloadType", format!("it is {:?}; {PAYLOAD_TYPE:?} is needed", self.payload_type)));
        }
        if self.payload.len() > LARGEST_PAYLOAD.div_ceil(3) * 4 {
            return Err(StatementError::TooLarge { bytes: self.payload.len() / 4 * 3 });
        }
        let payload = BASE64.decode(&self.payload).map_err(|_| malformed("payload", "it is not base64"))?;
        let [signed] = self.signatures.as_slice() else {
            return Err(malformed("signatures", format!("there are {}; exactly one is needed", self.signatures.len())));
        };
        let signature = BASE64.decode(&signed.sig).map_err(|_| malformed("signatures[0].sig", "it is not base64"))?;
        let signer = recover(&signature, signing_hash(&payload)).map_err(|error| malformed("signatures[0].sig", error.to_string()))?;
        let (chain, account) = signed.keyid.rsplit_once(':').unwrap_or_default();
        if account.parse() != Ok(signer) || !chain.starts_with("eip155:") {
            return Err(StatementError::Signer { signer, keyid: signed.keyid.chars().take(120).collect() });
        }
        let statement: Statement =
            serde_json::from_slice(&payload).map_err(|error| malformed("payload", format!("it is not a statement: {error}")))?;
        let signature = ActorSignature {
            scheme: SignatureScheme::Dsse,
            over: format!("0x{}", Hash::of(&payload)),
            value: hex::encode_prefixed(signature),
        };
        let entries = statement.entries(origin, &format!("{chain}:{signer}"), &signature, &payload)?;
        Ok(Stated { signer, chain: chain.to_owned(), payload, entries })
    }
}

impl Statement {
    /// A statement about entries for the log called `origin`.
    pub fn new(origin: impl Into<String>, salt: &[u8], entries: Vec<StatedEntry>) -> Self {
        let predicate = Predicate { log: origin.into(), salt: hex::encode(salt), entries };
        Self { kind: STATEMENT_TYPE.into(), subject: Vec::new(), predicate_type: PREDICATE_TYPE.into(), predicate }
    }

    fn entries(self, origin: &str, actor: &str, signature: &ActorSignature, payload: &[u8]) -> Result<Vec<Entry>, StatementError> {
        for (at, found, needed) in [("_type", &self.kind, STATEMENT_TYPE), ("predicateType", &self.predicate_type, PREDICATE_TYPE)] {
            if found != needed {
                return Err(malformed(at, format!("it is {found:?}; {needed:?} is needed")));
            }
        }
        let Predicate { log, salt, entries } = self.predicate;
        if log != origin {
            return Err(StatementError::OtherLog { found: log, needed: origin.into() });
        }
        if hex::decode(&salt).map_or(0, |salt| salt.len()) < SALT {
            return Err(malformed("predicate.salt", format!("at least {SALT} random bytes in hex are needed")));
        }
        if !(1..=MOST_ENTRIES).contains(&entries.len()) {
            return Err(malformed("predicate.entries", format!("there are {}; 1 to {MOST_ENTRIES} are taken", entries.len())));
        }
        let body = Body::public(payload, PAYLOAD_TYPE);
        let made = entries.into_iter().enumerate().map(|(index, stated)| {
            let StatedEntry { kind, id, at, refs, facts } = stated;
            if !matches!(kind, EntryKind::Review | EntryKind::Outcome) {
                let reason = format!("a {kind} is not taken from a statement; review and outcome are");
                return Err(malformed(format!("predicate.entries[{index}].kind"), reason));
            }
            let entry = Entry {
                actor: Some(actor.to_owned()),
                refs,
                facts,
                body: Some(body.clone()),
                signature: Some(signature.clone()),
                // Whoever signs names entries among their own, so that nobody can take another's name first.
                ..Entry::new(kind, format!("{kind}/{actor}/{id}"), at)
            };
            entry.to_leaf().map_err(|error| StatementError::Entry { index, error })?;
            Ok(entry)
        });
        made.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k256::ecdsa::SigningKey;
    use serde_json::json;

    const LOG: &str = "saltmarsh.example/log";

    fn key() -> SigningKey {
        SigningKey::from_slice(&[7; 32]).unwrap()
    }

    fn account(key: &SigningKey) -> Address {
        Address::from_public_key(key.verifying_key())
    }

    fn stated(kind: EntryKind, id: &str) -> StatedEntry {
        let Value::Object(facts) = json!({ "decision": "0x01", "note": "as expected" }) else { unreachable!() };
        StatedEntry { kind, id: id.into(), at: 5, refs: vec![], facts }
    }

    fn sign(payload: &[u8]) -> Envelope {
        let (signature, parity) = key().sign_prehash_recoverable(signing_hash(payload).as_slice()).unwrap();
        let mut bytes = signature.to_bytes().to_vec();
        bytes.push(27 + parity.to_byte());
        Envelope::new(payload, format!("eip155:1:{}", account(&key())), &bytes)
    }

    fn signed(statement: &Statement) -> Envelope {
        sign(&serde_json::to_vec(statement).unwrap())
    }

    #[test]
    fn the_encoding_is_that_of_the_specification() {
        let encoded = pre_authentication("http://example.com/HelloWorld", b"hello world");
        assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn what_was_signed_becomes_entries_of_the_signer() {
        let statement = Statement::new(LOG, &[1; 16], vec![stated(EntryKind::Outcome, "a"), stated(EntryKind::Review, "b")]);
        let opened = signed(&statement).open(LOG).unwrap();
        let actor = format!("eip155:1:{}", account(&key()));
        assert_eq!(opened.signer, account(&key()));
        assert_eq!(
            opened.entries.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>(),
            [format!("outcome/{actor}/a"), format!("review/{actor}/b")]
        );
        for entry in &opened.entries {
            assert_eq!(entry.actor.as_ref(), Some(&actor));
            assert!(entry.body.as_ref().unwrap().is(&[], &opened.payload));
        }
    }

    #[test]
    fn a_statement_that_was_changed_has_another_signer() {
        let statement = Statement::new(LOG, &[1; 16], vec![stated(EntryKind::Outcome, "a")]);
        let mut envelope = signed(&statement);
        let changed = String::from_utf8(BASE64.decode(&envelope.payload).unwrap()).unwrap().replace("as expected", "otherwise!!");
        envelope.payload = BASE64.encode(changed);
        assert!(matches!(envelope.open(LOG), Err(StatementError::Signer { .. })));
    }

    #[test]
    fn a_statement_for_another_log_or_of_another_form_is_refused() {
        let good = Statement::new(LOG, &[1; 16], vec![stated(EntryKind::Outcome, "a")]);
        assert!(matches!(signed(&good).open("other.example/log"), Err(StatementError::OtherLog { .. })));
        let refused = |statement: &Statement, part: &str| {
            let refusal = signed(statement).open(LOG).unwrap_err().to_string();
            assert!(refusal.starts_with(part), "{refusal}");
        };
        refused(&Statement { kind: "x".into(), ..good.clone() }, "_type");
        refused(&Statement { predicate_type: "x".into(), ..good.clone() }, "predicateType");
        refused(&Statement::new(LOG, &[1; 15], good.predicate.entries.clone()), "predicate.salt");
        refused(&Statement::new(LOG, &[1; 16], vec![]), "predicate.entries");
        refused(&Statement::new(LOG, &[1; 16], vec![stated(EntryKind::Outcome, "a"); 257]), "predicate.entries");
        refused(&Statement::new(LOG, &[1; 16], vec![stated(EntryKind::Execution, "a")]), "predicate.entries[0].kind");
        refused(&Statement::new(LOG, &[1; 16], vec![stated(EntryKind::Outcome, "a b")]), "predicate.entries[0]: /id");
        assert!(matches!(sign(b"{}").open(LOG), Err(StatementError::Malformed { .. })));
        let other = Envelope { payload_type: "application/json".into(), ..signed(&good) };
        assert!(other.open(LOG).unwrap_err().to_string().starts_with("payloadType"));
        let unsigned = Envelope { signatures: vec![], ..signed(&good) };
        assert!(unsigned.open(LOG).unwrap_err().to_string().starts_with("signatures: there are 0"));
    }
}
