//! The envelope that becomes a leaf: what happened, when, by whom, which earlier
//! entries it rests on, and a few small public facts.
//!
//! A leaf is the canonical JSON (RFC 8785) of its envelope, at most 8 KiB; bytes
//! in any other spelling are refused, so an entry has one leaf hash. Everything
//! large is named by its hash and kept elsewhere. What the facts of a kind are,
//! and who may append it, is left to the workflow. Nothing personal belongs here:
//! an entry can never be taken back.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::merkle::Hash;

/// The version of the envelope written here.
pub const VERSION: u8 = 1;

/// The largest leaf, in bytes.
pub const LARGEST_LEAF: usize = 8 * 1024;

/// The largest integer that every reader of JSON keeps exactly: 2^53 − 1.
pub const LARGEST_INTEGER: u64 = (1 << 53) - 1;

/// How deep objects and lists may be nested, the envelope itself included.
const DEEPEST: usize = 32;

/// The longest id, actor or media type, in bytes.
const LONGEST_NAME: usize = 256;

/// What an entry records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// An agent or a person recommended a change, and why.
    Decision,
    /// A reviewer approved or refused a draft.
    Review,
    /// A proposal was made on chain.
    Proposal,
    /// The votes on a proposal when voting closed.
    Tally,
    /// A proposal entered the timelock.
    Queueing,
    /// The timelock carried an operation out.
    Execution,
    /// An engine loaded a ratified parameter set.
    Application,
    /// What came of a decision, beside what was predicted.
    Outcome,
    /// An auditor judged an explanation.
    Verdict,
    /// An earlier entry no longer holds, because the chain was reorganised or it was wrong.
    Correction,
    /// The body of an earlier entry was deleted.
    Erasure,
}

impl EntryKind {
    /// Every kind, in the order of the workflow.
    pub const ALL: [Self; 11] = [
        Self::Decision,
        Self::Review,
        Self::Proposal,
        Self::Tally,
        Self::Queueing,
        Self::Execution,
        Self::Application,
        Self::Outcome,
        Self::Verdict,
        Self::Correction,
        Self::Erasure,
    ];

    /// The kind as it stands in an entry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Review => "review",
            Self::Proposal => "proposal",
            Self::Tally => "tally",
            Self::Queueing => "queueing",
            Self::Execution => "execution",
            Self::Application => "application",
            Self::Outcome => "outcome",
            Self::Verdict => "verdict",
            Self::Correction => "correction",
            Self::Erasure => "erasure",
        }
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An earlier entry that this one rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryRef {
    pub index: u64,
    /// Its leaf hash, so that the reference holds without the log at hand.
    pub leaf: Hash,
}

/// A body kept in the content store, named by its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    pub sha256: Hash,
    /// Its length.
    pub bytes: u64,
    /// Its media type.
    pub media: String,
    /// Whether `sha256` is over a salt of 32 random bytes followed by the body. Salt and body are kept together, and
    /// deleting both leaves a digest from which nothing can be guessed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub salted: bool,
}

impl Body {
    /// Names a body that is public for good.
    pub fn public(bytes: &[u8], media: impl Into<String>) -> Self {
        Self { sha256: Hash::of(bytes), bytes: bytes.len() as u64, media: media.into(), salted: false }
    }

    /// Names a body that may have to be erased one day.
    pub fn erasable(salt: &[u8; 32], bytes: &[u8], media: impl Into<String>) -> Self {
        let sha256 = Hash::of(&[salt.as_slice(), bytes].concat());
        Self { sha256, bytes: bytes.len() as u64, media: media.into(), salted: true }
    }

    /// Whether these are the bytes that were named; `salt` is empty for a body that is not salted.
    pub fn is(&self, salt: &[u8], bytes: &[u8]) -> bool {
        salt.len() == if self.salted { 32 } else { 0 }
            && bytes.len() as u64 == self.bytes
            && Hash::of(&[salt, bytes].concat()) == self.sha256
    }
}

/// What the actor signed, so that the operator of a log cannot speak for others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActorSignature {
    pub scheme: SignatureScheme,
    /// What the signature is over, 0x and 64 hex digits: the EIP-712 signing hash of what the body holds, or the
    /// SHA-256 of the statement that a DSSE envelope carries.
    pub over: String,
    /// 0x and hex: r, s and v.
    pub value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignatureScheme {
    /// EIP-712 typed data, signed by the key of the actor's account.
    Eip712,
    /// A DSSE pre-authentication encoding, signed as an Ethereum message (EIP-191) by the key of the actor's account.
    Dsse,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The version of the envelope, 1.
    pub v: u8,
    pub kind: EntryKind,
    /// Names what happened: appending the same id twice yields one entry.
    pub id: String,
    /// Chain time in unix seconds. Order in the log is by index, not by this.
    pub at: u64,
    /// The account that acted, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    pub refs: Vec<EntryRef>,
    /// Small public facts: strings, booleans, integers within ±(2^53 − 1), and
    /// lists and objects of these. Larger integers are written as decimal strings.
    pub facts: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// The actor's own signature, where there is one and it is short enough to stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<ActorSignature>,
}

/// Why an envelope cannot become a leaf, or bytes are not one. `at` is the place
/// in the envelope, as a JSON pointer.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    #[error("the entry has {bytes} bytes, a leaf takes {LARGEST_LEAF}")]
    TooLarge { bytes: usize },
    #[error("the entry is not JSON")]
    NotJson(#[source] serde_json::Error),
    #[error("{at} stands twice in the entry")]
    Duplicate { at: String },
    #[error("{at} is null; what is absent is left out")]
    Null { at: String },
    #[error("{at} is {found}, which is not an integer within ±(2^53 − 1)")]
    Number { at: String, found: String },
    #[error("{at} is nested deeper than {DEEPEST} levels")]
    TooDeep { at: String },
    #[error("{at} is empty, longer than {LONGEST_NAME} bytes, or has spaces or control characters")]
    Name { at: &'static str },
    #[error("{at} has the name of a part of the envelope, which no fact may have")]
    Reserved { at: String },
    #[error("version {found} of the envelope is not known here")]
    Version { found: u8 },
    #[error("the entry does not have the fields of an envelope")]
    Shape(#[source] serde_json::Error),
    #[error("the entry is not in canonical form, from byte {offset} on")]
    NotCanonical { offset: usize },
}

impl Entry {
    /// An entry with no actor, references, facts or body yet.
    pub fn new(kind: EntryKind, id: impl Into<String>, at: u64) -> Self {
        let (id, refs, facts) = (id.into(), Vec::new(), Map::new());
        Self { v: VERSION, kind, id, at, actor: None, refs, facts, body: None, signature: None }
    }

    /// Adds a fact, replacing one of the same name.
    pub fn with_fact(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.facts.insert(name.into(), value.into());
        self
    }

    /// The bytes of the leaf. They are stored and served as they are, and never
    /// written anew.
    pub fn to_leaf(&self) -> Result<Vec<u8>, EntryError> {
        if self.v != VERSION {
            return Err(EntryError::Version { found: self.v });
        }
        check_name("/id", &self.id)?;
        self.actor.iter().try_for_each(|actor| check_name("/actor", actor))?;
        self.body.iter().try_for_each(|body| check_name("/body/media", &body.media))?;
        self.signature.iter().try_for_each(|signature| check_name("/signature/value", &signature.value))?;
        self.facts.iter().try_for_each(|(name, value)| check_fact(name, value, &mut Place(vec!["facts".into()])))?;
        let envelope = serde_json::to_value(self).map_err(EntryError::Shape)?;
        // Before canonicalising, which would round large integers without a word.
        check_value(&envelope, &mut Place::default())?;
        let leaf = serde_json_canonicalizer::to_vec(&envelope).map_err(EntryError::Shape)?;
        if leaf.len() > LARGEST_LEAF {
            return Err(EntryError::TooLarge { bytes: leaf.len() });
        }
        Ok(leaf)
    }

    /// Reads a leaf, refusing all bytes but the canonical ones.
    pub fn parse(leaf: &[u8]) -> Result<Self, EntryError> {
        if leaf.len() > LARGEST_LEAF {
            return Err(EntryError::TooLarge { bytes: leaf.len() });
        }
        check_duplicates(leaf)?;
        let envelope: Value = serde_json::from_slice(leaf).map_err(EntryError::NotJson)?;
        check_value(&envelope, &mut Place::default())?;
        let entry = Self::deserialize(envelope).map_err(EntryError::Shape)?;
        let canonical = entry.to_leaf()?;
        if canonical != leaf {
            let same = canonical.iter().zip(leaf).take_while(|(a, b)| a == b).count();
            return Err(EntryError::NotCanonical { offset: same });
        }
        Ok(entry)
    }
}

fn check_name(at: &'static str, name: &str) -> Result<(), EntryError> {
    let unfit = |c: char| c.is_whitespace() || c.is_control();
    if name.is_empty() || name.len() > LONGEST_NAME || name.contains(unfit) {
        return Err(EntryError::Name { at });
    }
    Ok(())
}

/// Where in the envelope a check has arrived.
#[derive(Default)]
struct Place(Vec<String>);

impl Place {
    fn within<T>(&mut self, step: impl ToString, check: impl FnOnce(&mut Self) -> T) -> T {
        self.0.push(step.to_string());
        let found = check(self);
        self.0.pop();
        found
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "/{}", step.replace('~', "~0").replace('/', "~1")))
    }
}

/// The parts of an envelope. A fact of the same name could be taken for one by a reader that only looks for bytes, as
/// the contract does that checks whether a decision was logged.
const PARTS: [&str; 9] = ["v", "kind", "id", "at", "actor", "refs", "facts", "body", "signature"];

fn check_fact(name: &str, value: &Value, place: &mut Place) -> Result<(), EntryError> {
    place.within(name, |place| {
        if PARTS.contains(&name) {
            return Err(EntryError::Reserved { at: place.to_string() });
        }
        if place.0.len() > DEEPEST {
            return Err(EntryError::TooDeep { at: place.to_string() });
        }
        match value {
            Value::Object(facts) => facts.iter().try_for_each(|(name, value)| check_fact(name, value, place)),
            Value::Array(items) => items.iter().enumerate().try_for_each(|(i, item)| check_fact(&i.to_string(), item, place)),
            _ => Ok(()),
        }
    })
}

/// Finds a value that readers in different languages would not agree on.
fn check_value(value: &Value, place: &mut Place) -> Result<(), EntryError> {
    if place.0.len() > DEEPEST {
        return Err(EntryError::TooDeep { at: place.to_string() });
    }
    match value {
        Value::Null => Err(EntryError::Null { at: place.to_string() }),
        Value::Number(number) => match number.as_i64() {
            Some(integer) if integer.unsigned_abs() <= LARGEST_INTEGER => Ok(()),
            _ => Err(EntryError::Number { at: place.to_string(), found: number.to_string() }),
        },
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(i, item)| place.within(i, |place| check_value(item, place)))
        }
        Value::Object(fields) => fields.iter().try_for_each(|(key, value)| place.within(key, |place| check_value(value, place))),
        Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

/// Finds a key that stands twice in one object, which parsing to a map would hide.
fn check_duplicates(json: &[u8]) -> Result<(), EntryError> {
    let mut duplicate = None;
    let mut reader = serde_json::Deserializer::from_slice(json);
    let scan = Unique { place: &mut Place::default(), duplicate: &mut duplicate };
    let read = scan.deserialize(&mut reader).and_then(|()| reader.end());
    match (duplicate, read) {
        (Some(at), _) => Err(EntryError::Duplicate { at }),
        (None, read) => read.map_err(EntryError::NotJson),
    }
}

/// Walks through JSON, keeping nothing but the keys of the objects it is in.
struct Unique<'a> {
    place: &'a mut Place,
    duplicate: &'a mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON in which no key stands twice")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Self { place, duplicate } = self;
        let mut seen = HashSet::new();
        while let Some(key) = fields.next_key::<String>()? {
            place.within(&key, |place| {
                if seen.contains(&key) {
                    *duplicate = Some(place.to_string());
                    return Err(A::Error::custom("a key stands twice"));
                }
                fields.next_value_seed(Unique { place, duplicate })
            })?;
            seen.insert(key);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { place, duplicate } = self;
        let mut index = 0u32;
        while place.within(index, |place| items.next_element_seed(Unique { place, duplicate }))?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::merkle::leaf_hash;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn entry() -> Entry {
        Entry {
            actor: Some("eip155:31337:0x70997970c51812dc3a010c7d01b50e0d17dc79c8".into()),
            refs: vec![EntryRef { index: 4, leaf: leaf_hash(b"before") }],
            body: Some(Body::public(b"record", "application/json")),
            ..Entry::new(EntryKind::Decision, "decision:1", 1_763_300_000)
        }
        .with_fact("parameter", "mint.cadence")
        .with_fact("step", -7)
        .with_fact("limited", true)
        .with_fact("changes", json!([{ "to": "25", "from": "18" }]))
    }

    fn with_facts(facts: Value) -> Entry {
        let Value::Object(facts) = facts else { panic!("facts are an object") };
        Entry { facts, ..Entry::new(EntryKind::Outcome, "outcome:1", 1) }
    }

    /// A small leaf with these bytes as its facts.
    fn leaf_with(facts: &str) -> Vec<u8> {
        format!(r#"{{"at":1,"facts":{facts},"id":"a","kind":"review","refs":[],"v":1}}"#).into_bytes()
    }

    #[test]
    fn a_leaf_is_the_canonical_json_of_its_entry() {
        let leaf = String::from_utf8(entry().to_leaf().unwrap()).unwrap();
        let expected = concat!(
            r#"{"actor":"eip155:31337:0x70997970c51812dc3a010c7d01b50e0d17dc79c8","at":1763300000,"#,
            r#""body":{"bytes":6,"media":"application/json","sha256":"SHA"},"#,
            r#""facts":{"changes":[{"from":"18","to":"25"}],"limited":true,"parameter":"mint.cadence","step":-7},"#,
            r#""id":"decision:1","kind":"decision","refs":[{"index":4,"leaf":"LEAF"}],"v":1}"#,
        );
        let expected = expected.replace("SHA", &Hash::of(b"record").to_string());
        assert_eq!(leaf, expected.replace("LEAF", &leaf_hash(b"before").to_string()));
        assert_eq!(Entry::parse(leaf.as_bytes()).unwrap(), entry());
    }

    #[test]
    fn what_is_absent_is_left_out() {
        let leaf = Entry::new(EntryKind::Review, "a", 1).to_leaf().unwrap();
        assert_eq!(leaf, leaf_with("{}"));
        assert_eq!(Entry::parse(&leaf).unwrap().actor, None);
    }

    #[test]
    fn every_kind_is_written_by_its_name() {
        for kind in EntryKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            let leaf = Entry::new(kind, "a", 1).to_leaf().unwrap();
            assert_eq!(Entry::parse(&leaf).unwrap().kind, kind);
        }
    }

    #[test]
    fn keys_are_ordered_as_javascript_orders_them() {
        // U+FB33 sorts before U+1F600 as a code point, and after it in UTF-16.
        let leaf = with_facts(json!({ "\u{fb33}": 1, "\u{1f600}": 2, "a": 3 })).to_leaf().unwrap();
        assert!(String::from_utf8(leaf).unwrap().contains("{\"a\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}"));
    }

    #[test]
    fn numbers_that_readers_could_disagree_on_are_refused() {
        let limit = LARGEST_INTEGER as i64;
        assert!(with_facts(json!({ "most": limit, "least": -limit })).to_leaf().is_ok());
        for value in [json!(limit + 1), json!(-limit - 1), json!(u64::MAX), json!(i64::MIN), json!(0.5), json!(1.0)] {
            let refusal = with_facts(json!({ "list": [{ "a/b": value }] })).to_leaf().unwrap_err();
            assert!(matches!(&refusal, EntryError::Number { at, .. } if at == "/facts/list/0/a~1b"), "{refusal}");
        }
        for number in ["1.0", "1e2", "-0", "0.1", "9007199254740992", "-9007199254740992", "18446744073709551616"] {
            let refusal = Entry::parse(&leaf_with(&format!(r#"{{"n":{number}}}"#))).unwrap_err();
            assert!(matches!(&refusal, EntryError::Number { at, .. } if at == "/facts/n"), "{number}: {refusal}");
        }
        let late = Entry { at: LARGEST_INTEGER + 1, ..entry() }.to_leaf();
        assert!(matches!(late, Err(EntryError::Number { at, .. }) if at == "/at"));
        let mut far = entry();
        far.refs[0].index = u64::MAX;
        assert!(matches!(far.to_leaf(), Err(EntryError::Number { at, .. }) if at == "/refs/0/index"));
    }

    #[test]
    fn null_is_refused_wherever_it_stands() {
        let refusal = with_facts(json!({ "a": [null] })).to_leaf().unwrap_err();
        assert!(matches!(refusal, EntryError::Null { at } if at == "/facts/a/0"));
        let leaf = br#"{"actor":null,"at":1,"facts":{},"id":"a","kind":"review","refs":[],"v":1}"#;
        assert!(matches!(Entry::parse(leaf), Err(EntryError::Null { at }) if at == "/actor"));
    }

    #[test]
    fn a_key_that_stands_twice_is_named() {
        let refusal = Entry::parse(&leaf_with(r#"{"a":[{"b":1,"b":1}]}"#)).unwrap_err();
        assert!(matches!(&refusal, EntryError::Duplicate { at } if at == "/facts/a/0/b"), "{refusal}");
        let escaped = Entry::parse(&leaf_with(r#"{"b":1,"\u0062":1}"#)).unwrap_err();
        assert!(matches!(&escaped, EntryError::Duplicate { at } if at == "/facts/b"), "{escaped}");
        let leaf = br#"{"at":1,"at":1,"facts":{},"id":"a","kind":"review","refs":[],"v":1}"#;
        assert!(matches!(Entry::parse(leaf), Err(EntryError::Duplicate { at }) if at == "/at"));
    }

    #[test]
    fn a_leaf_in_any_other_spelling_is_refused() {
        let offset = |leaf: &[u8]| match Entry::parse(leaf) {
            Err(EntryError::NotCanonical { offset }) => offset,
            other => panic!("{}: {other:?}", String::from_utf8_lossy(leaf)),
        };
        assert_eq!(offset(br#"{ "at":1,"facts":{},"id":"a","kind":"review","refs":[],"v":1}"#), 1);
        assert_eq!(offset(br#"{"facts":{},"at":1,"id":"a","kind":"review","refs":[],"v":1}"#), 2);
        assert_eq!(offset(br#"{"at":1,"facts":{},"id":"\u0061","kind":"review","refs":[],"v":1}"#), 25);
        offset(&[leaf_with("{}").as_slice(), b"\n"].concat());
        offset(&leaf_with(r#"{"a":"\/"}"#));
        offset(&leaf_with(r#"{"b":1,"a":1}"#));
        let capital = format!(r#"{{"index":1,"leaf":"{}"}}"#, leaf_hash(b"").to_string().to_uppercase());
        let leaf = String::from_utf8(leaf_with("{}")).unwrap().replace("[]", &format!("[{capital}]"));
        assert!(matches!(Entry::parse(leaf.as_bytes()), Err(EntryError::Shape(_))));
    }

    #[test]
    fn bytes_that_are_no_envelope_are_refused() {
        for json in ["", "{", "\u{feff}{}", r#"{"at":01}"#, "{} {}", r#"{"a":"\ud800"}"#, "{\"a\":\"\n\"}"] {
            assert!(matches!(Entry::parse(json.as_bytes()), Err(EntryError::NotJson(_))), "{json:?}");
        }
        assert!(matches!(Entry::parse(b"{\"a\":\"\xff\"}"), Err(EntryError::NotJson(_))));
        for json in [
            "{}",
            "[]",
            "1",
            r#"{"at":1,"extra":1,"facts":{},"id":"a","kind":"review","refs":[],"v":1}"#,
            r#"{"at":-1,"facts":{},"id":"a","kind":"review","refs":[],"v":1}"#,
            r#"{"at":1,"facts":[],"id":"a","kind":"review","refs":[],"v":1}"#,
            r#"{"at":1,"facts":{},"id":"a","kind":"Review","refs":[],"v":1}"#,
            r#"{"at":1,"facts":{},"id":"a","kind":"review","v":1}"#,
        ] {
            assert!(matches!(Entry::parse(json.as_bytes()), Err(EntryError::Shape(_))), "{json}");
        }
        let later = String::from_utf8(leaf_with("{}")).unwrap().replace(r#""v":1"#, r#""v":2"#);
        assert!(matches!(Entry::parse(later.as_bytes()), Err(EntryError::Version { found: 2 })));
    }

    #[test]
    fn a_leaf_of_eight_kibibytes_is_the_largest() {
        let room = LARGEST_LEAF - leaf_with(r#"{"a":""}"#).len();
        let filled = |length: usize| Entry::new(EntryKind::Review, "a", 1).with_fact("a", "x".repeat(length));
        let leaf = filled(room).to_leaf().unwrap();
        assert_eq!(leaf.len(), LARGEST_LEAF);
        assert!(Entry::parse(&leaf).is_ok());
        assert!(matches!(filled(room + 1).to_leaf(), Err(EntryError::TooLarge { bytes: 8193 })));
        assert!(matches!(Entry::parse(&[b' '; 8193]), Err(EntryError::TooLarge { bytes: 8193 })));
    }

    #[test]
    fn facts_nested_without_end_are_refused() {
        let nested = |depth| with_facts(json!({ "a": (0..depth).fold(json!(1), |inner, _| json!([inner])) }));
        let deep = nested(DEEPEST - 2).to_leaf().unwrap();
        assert!(Entry::parse(&deep).is_ok());
        assert!(matches!(nested(DEEPEST - 1).to_leaf(), Err(EntryError::TooDeep { .. })));
        let bomb = format!(r#"{{"a":{}{}}}"#, "[".repeat(4000), "]".repeat(4000));
        assert!(Entry::parse(&leaf_with(&bomb)).is_err());
    }

    #[test]
    fn no_fact_is_named_like_a_part_of_the_envelope() {
        for facts in [json!({ "id": "decision/1" }), json!({ "a": [{ "kind": "decision" }] }), json!({ "a": { "refs": [] } })] {
            assert!(matches!(with_facts(facts).to_leaf(), Err(EntryError::Reserved { .. })));
        }
        let refusal = Entry::parse(&leaf_with(r#"{"a":{"id":"decision/1"}}"#)).unwrap_err();
        assert!(matches!(&refusal, EntryError::Reserved { at } if at == "/facts/a/id"), "{refusal}");
    }

    #[test]
    fn a_salted_body_is_known_only_with_its_salt() {
        let body = Body::erasable(&[9; 32], b"Ines", "text/plain");
        assert!(body.is(&[9; 32], b"Ines"));
        assert!(!body.is(&[8; 32], b"Ines") && !body.is(&[9; 32], b"Inez") && !body.is(&[], b"Ines"));
        assert_ne!(body.sha256, Body::public(b"Ines", "text/plain").sha256);
        assert!(Body::public(b"Ines", "text/plain").is(&[], b"Ines"));
        let leaf = Entry { body: Some(body), ..entry() }.to_leaf().unwrap();
        assert!(String::from_utf8(leaf).unwrap().contains(r#""salted":true"#));
    }

    #[test]
    fn a_name_without_visible_characters_is_refused() {
        for id in ["", " ", "a b", "a\n", "\u{0}", &"x".repeat(257)] {
            assert!(matches!(Entry { id: id.into(), ..entry() }.to_leaf(), Err(EntryError::Name { at: "/id" })));
        }
        let nobody = Entry { actor: Some(String::new()), ..entry() };
        assert!(matches!(nobody.to_leaf(), Err(EntryError::Name { at: "/actor" })));
    }

    fn any_fact() -> impl Strategy<Value = Value> {
        let limit = LARGEST_INTEGER as i64;
        let leaf =
            prop_oneof![any::<bool>().prop_map(Value::from), (-limit..=limit).prop_map(Value::from), ".{0,12}".prop_map(Value::from),];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("_.{0,6}", inner, 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_entry_reads_back_from_its_leaf(
            kind in prop::sample::select(&EntryKind::ALL[..]),
            id in "[!-~]{1,40}",
            at in 0..=LARGEST_INTEGER,
            actor in prop::option::of("[a-z0-9:]{1,60}"),
            refs in prop::collection::vec((0..=LARGEST_INTEGER, any::<[u8; 32]>()), 0..4),
            facts in prop::collection::btree_map("_.{0,8}", any_fact(), 0..5),
        ) {
            let refs = refs.into_iter().map(|(index, leaf)| EntryRef { index, leaf: Hash(leaf) }).collect();
            let facts = facts.into_iter().collect();
            let entry = Entry { actor, refs, facts, ..Entry::new(kind, id, at) };
            let leaf = entry.to_leaf().unwrap();
            prop_assert_eq!(Entry::parse(&leaf).unwrap(), entry);
        }

        #[test]
        fn any_change_to_a_leaf_is_another_entry_or_none(byte in any::<prop::sample::Index>(), with in any::<u8>()) {
            let leaf = entry().to_leaf().unwrap();
            let mut changed = leaf.clone();
            changed[byte.index(leaf.len())] = with;
            if let Ok(read) = Entry::parse(&changed) {
                prop_assert_eq!(read.to_leaf().unwrap(), changed.clone());
                prop_assert_eq!(read == entry(), changed == leaf);
            }
        }
    }
}
