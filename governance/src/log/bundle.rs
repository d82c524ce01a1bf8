//! A decision bundle: one decision with all that the log says of it, complete enough to be kept and checked offline
//! with nothing but the log's verifier key.
//!
//! Checking follows the same way that the decision went: the checkpoint's signature, each entry's form and place in the
//! tree, what entries say of one another, the record that the decision entry names, its signature, and its numbers,
//! recomputed from the model where the bundle carries it. What only the chain can confirm is listed as such.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, hex};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Body, Checkpoint, Entry, EntryKind, Hash, VerifierKey, leaf_hash,
    merkle::{verify_consistency, verify_inclusion},
    signed::check_record,
};
use crate::explanation::{
    DecisionRecord, Model, VerificationState,
    decision::SignatureKind,
    model::table,
    verification::{Known, verify_with},
};

/// What stands in every bundle's `format`.
pub const FORMAT: &str = "wherefore.bundle/v1";
/// The largest bundle that is read, in bytes.
pub const LARGEST: usize = 64 << 20;
/// Entries that one bundle holds at most.
pub const MOST_ENTRIES: usize = 512;

/// A decision and what the log holds of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bundle {
    /// [`FORMAT`].
    pub format: String,
    /// The decision's digest.
    pub decision: B256,
    /// What the record was signed for.
    pub chain_id: u64,
    pub registry: Address,
    /// The log's verifier key, as the log itself gives it. Trust one from elsewhere.
    pub vkey: String,
    /// The signed note that covers every entry below.
    pub checkpoint: String,
    /// The decision record's exact text; absent once it has been erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// In the order of the log.
    pub entries: Vec<BundledEntry>,
    /// How many more entries of the log name the decision: what strangers say of it may be more than a bundle takes.
    #[serde(default)]
    pub left_out: u64,
    /// What entries name and is kept apart, by its SHA-256; absent once erased, or where it is large.
    #[serde(default)]
    pub bodies: BTreeMap<String, BundledBody>,
    /// Sizes and roots that the chain is said to hold.
    #[serde(default)]
    pub anchors: Vec<BundledAnchor>,
    /// The model file, base64; left out where it is large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The background file, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundledEntry {
    pub index: u64,
    /// The leaf's exact text.
    pub leaf: String,
    /// The hashes beside the way to the checkpoint's root.
    pub path: Vec<Hash>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundledBody {
    /// Hex, without 0x; empty for a body that is not salted.
    pub salt: String,
    /// Base64.
    pub bytes: String,
}

/// That the chain holds this root for this size, and the proof that the checkpoint grew from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundledAnchor {
    /// CAIP-2.
    pub chain: String,
    pub contract: Address,
    pub account: Address,
    pub transaction: String,
    pub size: u64,
    pub root: Hash,
    /// From the anchored size to the checkpoint's.
    pub growth: Vec<Hash>,
}

/// How one thing that was checked came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Holds,
    Wrong,
    /// Cannot be told offline, or from what the bundle holds.
    Open,
}

/// One thing that was checked, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `checkpoint`, `entry 17`, `record`, `signature`, `explanation`, `story` or `anchor`.
    pub about: String,
    pub outcome: Outcome,
    pub words: String,
}

/// What checking a bundle found, in the order in which it was checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    pub decision: String,
    pub findings: Vec<Finding>,
}

impl Report {
    /// The first thing that is wrong.
    pub fn first_wrong(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.outcome == Outcome::Wrong)
    }

    fn holds(&mut self, about: impl Into<String>, words: impl Into<String>) {
        self.add(about, Outcome::Holds, words);
    }

    fn wrong(&mut self, about: impl Into<String>, words: impl Into<String>) {
        self.add(about, Outcome::Wrong, words);
    }

    fn open(&mut self, about: impl Into<String>, words: impl Into<String>) {
        self.add(about, Outcome::Open, words);
    }

    fn add(&mut self, about: impl Into<String>, outcome: Outcome, words: impl Into<String>) {
        self.findings.push(Finding { about: about.into(), outcome, words: words.into() });
    }
}

/// Why bytes are not a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("the bundle has {bytes} bytes; {LARGEST} is the most that is read")]
    TooLarge { bytes: usize },
    #[error("this is not a bundle: {0}")]
    NotJson(#[from] serde_json::Error),
    #[error("the bundle's format is {found:?}; {FORMAT:?} is read here")]
    Format { found: String },
    #[error("the bundle has {found} entries; 1 to {MOST_ENTRIES} are read")]
    Entries { found: usize },
}

impl Bundle {
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > LARGEST {
            return Err(BundleError::TooLarge { bytes: bytes.len() });
        }
        let bundle: Self = serde_json::from_slice(bytes)?;
        if bundle.format != FORMAT {
            return Err(BundleError::Format { found: bundle.format });
        }
        if !(1..=MOST_ENTRIES).contains(&bundle.entries.len()) {
            return Err(BundleError::Entries { found: bundle.entries.len() });
        }
        Ok(bundle)
    }

    /// Checks all of it. `trusted` is the log's verifier key from a source that the reader trusts; without one the
    /// bundle's own is used, which says so.
    pub fn verify(&self, trusted: Option<&VerifierKey>) -> Report {
        let mut report = Report { decision: self.decision.to_string(), ..Report::default() };
        let Some(checkpoint) = self.check_checkpoint(trusted, &mut report) else { return report };
        let entries = self.check_entries(&checkpoint, &mut report);
        self.check_refs(&entries, &mut report);
        self.check_record(&entries, &mut report);
        self.check_story(&entries, &mut report);
        self.check_anchors(&checkpoint, &mut report);
        report
    }

    fn check_checkpoint(&self, trusted: Option<&VerifierKey>, report: &mut Report) -> Option<Checkpoint> {
        let own: Result<VerifierKey, _> = self.vkey.trim().parse();
        let key = match (trusted, &own) {
            (Some(trusted), _) => trusted.clone(),
            (None, Ok(own)) => {
                report.open(
                    "checkpoint",
                    "the verifier key is the bundle's own; give --vkey from a source you trust to be sure whose log it is",
                );
                own.clone()
            }
            (None, Err(error)) => {
                report.wrong("checkpoint", format!("the bundle's verifier key cannot be read: {error}"));
                return None;
            }
        };
        match Checkpoint::open(&self.checkpoint, &key, key.name()) {
            Ok(checkpoint) => {
                let words = format!("{} signed a log of {} entries with root {}", key.name(), checkpoint.size, checkpoint.root);
                report.holds("checkpoint", words);
                Some(checkpoint)
            }
            Err(error) => {
                let other = own.ok().filter(|own| *own != key);
                let other = other.map_or_else(String::new, |own| format!("; the bundle says that {own} made it"));
                report.wrong("checkpoint", format!("it is not one that {key} signed: {error}{other}"));
                None
            }
        }
    }

    /// The entries that are what they should be and where they should be.
    fn check_entries(&self, checkpoint: &Checkpoint, report: &mut Report) -> BTreeMap<u64, (Entry, Hash)> {
        let mut found = BTreeMap::new();
        let mut last = None;
        for bundled in &self.entries {
            let about = format!("entry {}", bundled.index);
            if last.is_some_and(|last| last >= bundled.index) {
                report.wrong(&about, "it stands after an entry with a higher or the same number");
            }
            last = Some(bundled.index);
            let entry = match Entry::parse(bundled.leaf.as_bytes()) {
                Ok(entry) => entry,
                Err(error) => {
                    report.wrong(&about, error.to_string());
                    continue;
                }
            };
            let leaf = leaf_hash(bundled.leaf.as_bytes());
            if let Err(error) = verify_inclusion(leaf, bundled.index, checkpoint.size, &bundled.path, checkpoint.root) {
                report.wrong(&about, format!("the {} entry is not in the log that was signed: {error}", entry.kind));
                continue;
            }
            report.holds(&about, format!("{} {}, in the log", entry.kind, entry.id));
            let kept = entry.body.as_ref().and_then(|body| Some((body, self.bodies.get(&body.sha256.to_string())?)));
            if let Some((body, kept)) = kept {
                check_body(&about, body, kept, report);
            }
            found.insert(bundled.index, (entry, leaf));
        }
        found
    }

    /// What entries say of one another: a reference names the leaf that stands there.
    fn check_refs(&self, entries: &BTreeMap<u64, (Entry, Hash)>, report: &mut Report) {
        for (index, (entry, _)) in entries {
            for reference in &entry.refs {
                let about = format!("entry {index}");
                if reference.index >= *index {
                    report.wrong(&about, format!("it refers to entry {}, which is not before it", reference.index));
                }
                match entries.get(&reference.index) {
                    Some((_, leaf)) if *leaf != reference.leaf => {
                        report.wrong(&about, format!("it refers to entry {} by another leaf hash", reference.index));
                    }
                    Some(_) => {}
                    None => report.open(&about, format!("it refers to entry {}, which the bundle leaves out", reference.index)),
                }
            }
        }
    }

    fn check_record(&self, entries: &BTreeMap<u64, (Entry, Hash)>, report: &mut Report) {
        let id = format!("decision/{}", self.decision);
        let Some((entry, _)) = entries.values().find(|(entry, _)| entry.kind == EntryKind::Decision && entry.id == id) else {
            return report.wrong("record", format!("no entry of the bundle is decision {}", self.decision));
        };
        let Some(text) = &self.record else {
            let erased = entries.values().any(|(entry, _)| entry.kind == EntryKind::Erasure);
            let words = if erased { "the record was erased; its entry stands" } else { "the bundle leaves the record out" };
            return report.open("record", words);
        };
        match &entry.body {
            Some(body) if body.is(&[], text.as_bytes()) => {
                report.holds("record", format!("its bytes are those that the log names, {}", body.sha256))
            }
            Some(body) => {
                return report
                    .wrong("record", format!("its bytes have sha256 {}, and the log names {}", Hash::of(text.as_bytes()), body.sha256));
            }
            None => return report.wrong("record", "its entry names no record"),
        }
        let record = match DecisionRecord::parse(text.as_bytes()) {
            Ok(record) => record,
            Err(error) => return report.wrong("record", error.to_string()),
        };
        if record.digest() != self.decision {
            return report.wrong("record", format!("its digest is {}, and the bundle is about {}", record.digest(), self.decision));
        }
        self.check_signature(entry, text, &record, report);
        self.check_explanation(&record, report);
    }

    fn check_signature(&self, entry: &Entry, text: &str, record: &DecisionRecord, report: &mut Report) {
        match record.signature_kind() {
            Err(error) => report.wrong("signature", error.to_string()),
            Ok(SignatureKind::Contract { .. } | SignatureKind::Counterfactual { .. }) => {
                report.open("signature", "it is a contract account's, which only its chain can check");
            }
            Ok(SignatureKind::Eoa { .. }) => match record.signer(self.chain_id, self.registry) {
                Ok(signer) if Some(signer) == record.agent_address() => {
                    report.holds("signature", format!("{} signed the record, as {signer}", record.agent.name));
                }
                Ok(signer) => report.wrong("signature", format!("{signer} signed it, not the agent, {}", record.agent.account)),
                Err(error) => report.wrong("signature", error.to_string()),
            },
        }
        if entry.signature.is_some()
            && let Err(error) = check_record(entry, text.as_bytes(), self.registry)
        {
            report.wrong("signature", format!("the one in the log: {error}"));
        }
    }

    fn check_explanation(&self, record: &DecisionRecord, report: &mut Report) {
        let file = |name: &str, text: &Option<String>| {
            text.as_ref().map(|text| BASE64.decode(text).map_err(|_| format!("the {name} in the bundle is not base64"))).transpose()
        };
        let (model, background) = match (file("model", &self.model), file("background", &self.background)) {
            (Ok(model), Ok(background)) => (model, background),
            (Err(error), _) | (_, Err(error)) => return report.wrong("explanation", error),
        };
        let read = match model.as_ref().map(|bytes| Model::read(bytes)).transpose() {
            Ok(read) => read,
            Err(error) => return report.wrong("explanation", format!("the model cannot be read: {error}")),
        };
        let rows = match (&read, &background) {
            (Some(model), Some(bytes)) => match table::read(bytes, model.feature_names()) {
                Ok(table) => Some(table.rows),
                Err(error) => return report.wrong("explanation", format!("the background cannot be read: {error}")),
            },
            _ => None,
        };
        let verification = verify_with(
            record,
            &Known {
                model: read.as_ref(),
                model_sha256: model.as_ref().map(|bytes| Model::sha256(bytes)),
                background: rows.as_ref(),
                background_sha256: background.as_ref().map(|bytes| Model::sha256(bytes)),
                carried: None,
            },
        );
        let checks = verification.checks().count();
        match verification.state {
            VerificationState::Mismatch => {
                for check in verification.checks().filter(|check| !check.ok).take(8) {
                    report
                        .wrong("explanation", format!("{}: the record has {}, and {} was found", check.name, check.expected, check.found));
                }
                if verification.checks().all(|check| check.ok) {
                    report.wrong("explanation", "the record contradicts itself");
                }
            }
            VerificationState::Claimed | VerificationState::Missing => {
                report.open("explanation", "its sums and its rule hold; the bundle leaves the model out, so the rest cannot be recomputed");
            }
            _ => report.holds("explanation", format!("recomputed from the model: {checks} numbers agree with the record")),
        }
    }

    /// That the entries tell one story: each is about this decision or a proposal that carried it.
    fn check_story(&self, entries: &BTreeMap<u64, (Entry, Hash)>, report: &mut Report) {
        let digest = self.decision.to_string();
        let text = |entry: &Entry, name: &str| entry.facts.get(name).and_then(Value::as_str).map(str::to_owned);
        let proposals: Vec<String> = entries
            .values()
            .filter(|(entry, _)| entry.kind == EntryKind::Proposal && text(entry, "decisionDigest").as_ref() == Some(&digest))
            .filter_map(|(entry, _)| text(entry, "proposalId"))
            .collect();
        for (index, (entry, _)) in entries {
            let steps = matches!(entry.kind, EntryKind::Tally | EntryKind::Queueing | EntryKind::Execution);
            if steps && text(entry, "proposalId").is_none_or(|id| !proposals.contains(&id)) {
                report.wrong("story", format!("entry {index}, a {}, is about a proposal that did not carry this decision", entry.kind));
            }
        }
        if self.left_out > 0 {
            report.open("story", format!("{} more entries of the log name this decision; search the log for them", self.left_out));
        }
        let told: Vec<&str> =
            EntryKind::ALL.into_iter().filter(|kind| entries.values().any(|(entry, _)| entry.kind == *kind)).map(EntryKind::name).collect();
        report.holds("story", format!("the log tells of {}", told.join(", ")));
        if entries.values().any(|(entry, _)| entry.kind == EntryKind::Correction) {
            report.open("story", "an entry was corrected later: read the correction");
        }
    }

    fn check_anchors(&self, checkpoint: &Checkpoint, report: &mut Report) {
        if self.anchors.is_empty() {
            report.open("anchor", "the bundle names no anchor on chain");
        }
        for anchor in &self.anchors {
            let grown = verify_consistency(anchor.size, checkpoint.size, &anchor.growth, anchor.root, checkpoint.root);
            match grown {
                Err(error) => report.wrong("anchor", format!("the log did not grow from the anchor at {}: {error}", anchor.size)),
                Ok(()) => {
                    report.holds("anchor", format!("the log grew from the anchor at {} entries", anchor.size));
                    let words = format!(
                        "that the chain holds it, ask {}: rootOf({}, sha256 of the origin, {}) on contract {} should answer 0x{}",
                        anchor.chain,
                        anchor.account,
                        anchor.size,
                        anchor.contract,
                        hex::encode(anchor.root.0)
                    );
                    report.open("anchor", words);
                }
            }
        }
    }
}

fn check_body(about: &str, body: &Body, bundled: &BundledBody, report: &mut Report) {
    match (hex::decode(&bundled.salt), BASE64.decode(&bundled.bytes)) {
        (Ok(salt), Ok(bytes)) if body.is(&salt, &bytes) => report.holds(about, format!("its body is the one it names, {}", body.sha256)),
        (Ok(_), Ok(_)) => report.wrong(about, format!("its body is not the one it names, {}", body.sha256)),
        _ => report.wrong(about, "its body is not hex and base64"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EntryRef, Frontier, SigningKey, merkle};
    use super::*;
    use proptest::prelude::*;

    /// The first three entries of a log of five: a decision, its proposal and the tally.
    fn bundle() -> Bundle {
        let key = SigningKey::from_seed("log.example", &[7; 32]).unwrap();
        let decision = B256::repeat_byte(0xab);
        let mut decided = Entry::new(EntryKind::Decision, format!("decision/{decision}"), 5).with_fact("digest", decision.to_string());
        decided.body = Some(Body::public(b"a record", "application/json"));
        let first = leaf_hash(&decided.to_leaf().unwrap());
        let mut proposed =
            Entry::new(EntryKind::Proposal, "proposal/1", 6).with_fact("proposalId", "1").with_fact("decisionDigest", decision.to_string());
        proposed.refs.push(EntryRef { index: 0, leaf: first });
        let tally = Entry::new(EntryKind::Tally, "tally/1", 7).with_fact("proposalId", "1").with_fact("outcome", "passed");
        let tally = Entry { body: Some(Body::erasable(&[9; 32], b"votes", "application/json")), ..tally };
        let others = (0..2).map(|number| Entry::new(EntryKind::Review, format!("review/{number}"), 8));
        let leaves: Vec<Vec<u8>> = [decided, proposed, tally].into_iter().chain(others).map(|entry| entry.to_leaf().unwrap()).collect();
        let mut tree = Frontier::new();
        let mut nodes = BTreeMap::new();
        for leaf in &leaves {
            tree.push_each(leaf_hash(leaf), |level, index, hash| nodes.extend([((level, index), hash)]));
        }
        let read = |level, index| Ok::<_, merkle::MerkleError>(nodes[&(level, index)]);
        let entries = leaves[..3].iter().enumerate().map(|(index, leaf)| BundledEntry {
            index: index as u64,
            leaf: String::from_utf8(leaf.clone()).unwrap(),
            path: merkle::prove_inclusion(index as u64, 5, read).unwrap(),
        });
        let votes = BundledBody { salt: hex::encode([9; 32]), bytes: BASE64.encode(b"votes") };
        Bundle {
            format: FORMAT.into(),
            decision,
            chain_id: 1,
            registry: Address::ZERO,
            vkey: key.verifier().to_string(),
            checkpoint: Checkpoint { origin: "log.example".into(), size: 5, root: tree.root() }.sign(&key).unwrap().to_string(),
            record: None,
            entries: entries.collect(),
            left_out: 0,
            bodies: BTreeMap::from([(Body::erasable(&[9; 32], b"votes", "application/json").sha256.to_string(), votes)]),
            anchors: vec![BundledAnchor {
                chain: "eip155:1".into(),
                contract: Address::ZERO,
                account: Address::ZERO,
                transaction: String::new(),
                size: 3,
                root: merkle::root_at(3, read).unwrap(),
                growth: merkle::prove_consistency(3, 5, read).unwrap(),
            }],
            model: None,
            background: None,
        }
    }

    fn wrong(bundle: &Bundle) -> Vec<String> {
        let findings = bundle.verify(None).findings;
        findings.into_iter().filter(|finding| finding.outcome == Outcome::Wrong).map(|finding| finding.about).collect()
    }

    #[test]
    fn what_holds_is_told_and_what_is_open_too() {
        let report = bundle().verify(None);
        assert_eq!(report.first_wrong(), None, "{report:#?}");
        let open: Vec<&str> =
            report.findings.iter().filter(|finding| finding.outcome == Outcome::Open).map(|finding| finding.about.as_str()).collect();
        assert_eq!(open, ["checkpoint", "record", "anchor"]);
    }

    #[test]
    fn each_part_that_is_changed_is_named() {
        let changed = |change: fn(&mut Bundle)| {
            let mut other = bundle();
            change(&mut other);
            wrong(&other)
        };
        assert_eq!(changed(|bundle| bundle.anchors[0].root = Hash([1; 32])), ["anchor"]);
        assert_eq!(changed(|bundle| bundle.anchors[0].growth.clear()), ["anchor"]);
        assert_eq!(changed(|bundle| bundle.bodies.values_mut().next().unwrap().bytes = BASE64.encode(b"other")), ["entry 2"]);
        assert_eq!(changed(|bundle| bundle.bodies.values_mut().next().unwrap().salt.clear()), ["entry 2"]);
        assert_eq!(changed(|bundle| bundle.entries.swap(0, 1)), ["entry 0"]);
        assert_eq!(changed(|bundle| bundle.record = Some("another record".into())), ["record"]);
        assert_eq!(changed(|bundle| bundle.decision = B256::ZERO), ["record", "story"]);
        assert_eq!(changed(|bundle| bundle.vkey.clear()), ["checkpoint"]);
    }

    #[test]
    fn what_is_no_bundle_is_refused() {
        assert!(matches!(Bundle::parse(b"{}"), Err(BundleError::NotJson(_))));
        assert!(matches!(Bundle::parse(&vec![b' '; LARGEST + 1]), Err(BundleError::TooLarge { .. })));
        let text = |bundle: &Bundle| serde_json::to_vec(bundle).unwrap();
        let other = Bundle { format: "wherefore.bundle/v2".into(), ..bundle() };
        assert!(matches!(Bundle::parse(&text(&other)), Err(BundleError::Format { .. })));
        let none = Bundle { entries: vec![], ..bundle() };
        assert!(matches!(Bundle::parse(&text(&none)), Err(BundleError::Entries { found: 0 })));
    }

    proptest! {
        #[test]
        fn any_change_of_a_byte_is_refused_or_found_or_changes_no_claim(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut text = serde_json::to_vec(&bundle()).unwrap();
            let place = place.index(text.len());
            text[place] = byte;
            if let Ok(read) = Bundle::parse(&text) {
                let report = read.verify(None);
                // What only the chain can confirm, and what only says where to ask, may differ unseen.
                let mut same = read.clone();
                same.chain_id = bundle().chain_id;
                same.registry = bundle().registry;
                same.left_out = bundle().left_out;
                // A body under another name is one that is left out.
                same.bodies = bundle().bodies;
                same.anchors.iter_mut().zip(bundle().anchors).for_each(|(anchor, known)| {
                    *anchor = BundledAnchor { size: anchor.size, root: anchor.root, growth: anchor.growth.clone(), ..known };
                });
                prop_assert!(report.first_wrong().is_some() || same == bundle(), "byte {place}");
            }
        }

        #[test]
        fn a_bundle_that_is_cut_short_is_refused(end in any::<prop::sample::Index>()) {
            let text = serde_json::to_vec(&bundle()).unwrap();
            prop_assert!(Bundle::parse(&text[..end.index(text.len())]).is_err());
        }
    }
}
