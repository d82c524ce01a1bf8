//! Checking an entry in the reader's browser: its bytes, its place in the tree, the signature over the tree, who signed for
//! it, and its body.

use governance::{
    log::{
        Checkpoint, Entry, EntryKind, Hash, InclusionProof, SignatureScheme, SignedError, VerifierKey, check_record, check_signature,
        leaf_hash, merkle::verify_inclusion,
    },
    onchain::hex,
};

use crate::{
    components::{Glyph, Icon},
    views::EntryView,
};
use leptos::prelude::*;

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    Holds,
    Fails,
    /// It could not be checked here, and says nothing against the entry.
    Open,
}

/// One thing that was checked, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub came: Came,
    pub words: String,
}

impl Step {
    pub fn new(came: Came, words: impl Into<String>) -> Self {
        Self { came, words: words.into() }
    }

    pub fn fails(words: impl Into<String>) -> Self {
        Self::new(Came::Fails, words)
    }
}

fn step(ok: bool, holds: impl Into<String>, fails: impl Into<String>) -> Step {
    if ok { Step::new(Came::Holds, holds) } else { Step::new(Came::Fails, fails) }
}

/// Steps as a list with marks.
#[component]
pub fn Checks(steps: Vec<Step>) -> impl IntoView {
    let rows: Vec<_> = steps
        .into_iter()
        .map(|step| {
            let (class, glyph) = match step.came {
                Came::Holds => ("check check-good", Glyph::Check),
                Came::Fails => ("check check-bad", Glyph::Cross),
                Came::Open => ("check muted", Glyph::Ring),
            };
            view! { <li class=class><Icon glyph/><span>{step.words}</span></li> }
        })
        .collect();
    view! { <ul class="checks">{rows}</ul> }
}

/// Who signed for an entry, and whether its body is the one it names. `registry` is the contract that decisions are about.
pub fn check_actor(view: &EntryView, registry: &str) -> Vec<Step> {
    // That it cannot be read is a step of `check`.
    let Ok(entry) = Entry::parse(view.leaf.as_bytes()) else { return Vec::new() };
    let body = view.body.as_deref().map(str::as_bytes);
    let mut steps = Vec::new();
    if let Some(signature) = &entry.signature {
        let scheme = match signature.scheme {
            SignatureScheme::Eip712 => "EIP-712",
            SignatureScheme::Dsse => "DSSE",
        };
        steps.push(match check_signature(&entry, body) {
            Ok(signer) => Step::new(Came::Holds, format!("The {scheme} signature in it was made by {signer}, whom it names as its actor.")),
            Err(SignedError::NeedsStatement) => {
                Step::new(Came::Open, "Its DSSE signature is over a statement that is not here, so it was not checked.")
            }
            Err(error) => Step::fails(format!("Its {scheme} signature does not speak for its actor: {error}.")),
        });
        if entry.kind == EntryKind::Decision && signature.scheme == SignatureScheme::Eip712 {
            steps.push(match (body, registry.parse()) {
                (Some(body), Ok(registry)) => match check_record(&entry, body, registry) {
                    Ok(()) => Step::new(Came::Holds, "What was signed is this decision record, for this registry and chain."),
                    Err(error) => Step::fails(format!("What was signed is not this decision record: {error}.")),
                },
                _ => Step::new(Came::Open, "The record is not here, so that it is what was signed was not checked."),
            });
        }
    } else if entry.actor.is_some() {
        steps.push(Step::new(
            Came::Open,
            "The entry names an actor and carries no signature: that the actor did it rests on the chain or on the log's operator.",
        ));
    }
    if let Some(named) = &entry.body {
        steps.push(match (body, hex::decode(&view.body_salt)) {
            (Some(body), Ok(salt)) => step(
                named.is(&salt, body),
                format!("The body below has the {} bytes and the fingerprint that the entry names.", named.bytes),
                "The body below is not the one that the entry names.",
            ),
            (Some(_), Err(_)) => Step::fails("The body's salt is not hex digits."),
            (None, _) => Step::new(Came::Open, "The entry names a body that is not shown here, so its fingerprint was not compared."),
        });
    }
    steps
}

/// Every step, also those after one that failed, so that a reader sees how much of it stands.
pub fn check(leaf: &str, proof: &InclusionProof, vkey: &str) -> Vec<Step> {
    let hash = leaf_hash(leaf.as_bytes());
    let mut steps = vec![
        step(
            Entry::parse(leaf.as_bytes()).is_ok(),
            "The text below is an entry in its one canonical form.",
            "The text below is not an entry in canonical form.",
        ),
        step(
            hash == proof.leaf,
            format!("Its bytes hash to {}, the leaf that the proof speaks of.", short(&hash)),
            format!("Its bytes hash to {}, but the proof speaks of {}.", short(&hash), short(&proof.leaf)),
        ),
    ];
    let key: VerifierKey = match vkey.trim().parse() {
        Ok(key) => key,
        Err(error) => {
            steps.push(Step::fails(format!("The log's verifier key cannot be read: {error}.")));
            return steps;
        }
    };
    match Checkpoint::open(&proof.checkpoint, &key, key.name()) {
        Ok(checkpoint) => {
            let inclusion = verify_inclusion(hash, proof.index, proof.size, &proof.path, checkpoint.root);
            steps.push(step(
                inclusion.is_ok() && checkpoint.size == proof.size,
                format!(
                    "With {} neighbouring {}, that leaf leads to root {} at place {} of {}.",
                    proof.path.len(),
                    if proof.path.len() == 1 { "hash" } else { "hashes" },
                    short(&checkpoint.root),
                    proof.index,
                    proof.size
                ),
                "The neighbouring hashes do not lead from that leaf to the checkpoint's root.",
            ));
            let words = format!("The checkpoint over these {} entries carries a valid signature of {}.", checkpoint.size, key.name());
            steps.push(Step::new(Came::Holds, words));
        }
        Err(error) => steps.push(Step::fails(format!("The checkpoint is not one that {} signed: {error}.", key.name()))),
    }
    steps
}

pub fn short(hash: &Hash) -> String {
    let text = hash.to_base64();
    text.get(..10).map_or_else(|| text.clone(), |head| format!("{head}…"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::EntrySummary;
    use governance::log::{Frontier, SigningKey};

    fn signed() -> (String, InclusionProof, String) {
        let key = SigningKey::from_seed("log.example", &[7; 32]).unwrap();
        let leaf = String::from_utf8(Entry::new(EntryKind::Proposal, "proposal:1", 5).to_leaf().unwrap()).unwrap();
        let mut tree = Frontier::new();
        tree.push(leaf_hash(leaf.as_bytes()));
        let checkpoint = Checkpoint { origin: "log.example".into(), size: 1, root: tree.root() };
        let note = checkpoint.sign(&key).unwrap().to_string();
        let proof = InclusionProof { index: 0, size: 1, leaf: leaf_hash(leaf.as_bytes()), path: vec![], checkpoint: note };
        (leaf, proof, key.verifier().to_string())
    }

    #[test]
    fn an_entry_of_the_log_passes_every_step() {
        let (leaf, proof, vkey) = signed();
        assert_eq!(check(&leaf, &proof, &vkey).iter().filter(|step| step.came == Came::Holds).count(), 4);
    }

    #[test]
    fn a_changed_entry_fails_where_it_was_changed() {
        let (leaf, proof, vkey) = signed();
        let steps = check(&leaf.replace("proposal:1", "proposal:2"), &proof, &vkey);
        let came: Vec<Came> = steps.iter().map(|step| step.came).collect();
        assert_eq!(came, [Came::Holds, Came::Fails, Came::Fails, Came::Holds]);
    }

    #[test]
    fn another_logs_key_signs_nothing_here() {
        let (leaf, proof, _) = signed();
        let other = SigningKey::from_seed("log.example", &[8; 32]).unwrap().verifier().to_string();
        assert_eq!(check(&leaf, &proof, &other).last().unwrap().came, Came::Fails);
    }

    fn with_body(body: Option<&str>, salt: &str) -> EntryView {
        let mut entry = Entry::new(EntryKind::Outcome, "outcome:1", 5);
        entry.actor = Some("eip155:1:0x70997970c51812dc3a010c7d01b50e0d17dc79c8".into());
        entry.body = Some(governance::log::Body::erasable(&[9; 32], b"Ines", "text/plain"));
        let (_, proof, vkey) = signed();
        EntryView {
            summary: EntrySummary {
                index: 0,
                kind: "outcome".into(),
                sentence: String::new(),
                at: 5,
                leaf_hash: String::new(),
                subject: None,
            },
            leaf: String::from_utf8(entry.to_leaf().unwrap()).unwrap(),
            refs: vec![],
            proof,
            vkey,
            anchor: None,
            body: body.map(str::to_owned),
            body_missing: None,
            body_salt: salt.into(),
            body_href: None,
            referred_by: vec![],
        }
    }

    #[test]
    fn a_body_is_compared_with_its_salt_and_an_erased_one_says_nothing() {
        let came = |body, salt: &str| check_actor(&with_body(body, salt), "").last().unwrap().came;
        assert_eq!(came(Some("Ines"), &"09".repeat(32)), Came::Holds);
        assert_eq!(came(Some("Inez"), &"09".repeat(32)), Came::Fails);
        assert_eq!(came(Some("Ines"), ""), Came::Fails);
        assert_eq!(came(None, ""), Came::Open);
        assert_eq!(check_actor(&with_body(None, ""), "")[0].came, Came::Open, "an actor without a signature");
    }

    #[test]
    fn a_signature_of_somebody_else_is_found_out() {
        let mut view = with_body(None, "");
        let mut entry = Entry::parse(view.leaf.as_bytes()).unwrap();
        let value = format!("0x{}1b", "11".repeat(64));
        entry.signature =
            Some(governance::log::ActorSignature { scheme: SignatureScheme::Eip712, over: format!("0x{}", "22".repeat(32)), value });
        view.leaf = String::from_utf8(entry.to_leaf().unwrap()).unwrap();
        assert_eq!(check_actor(&view, "")[0].came, Came::Fails);
    }
}
