//! Checking an entry in the reader's browser: its bytes, its place in the tree, and the signature over the tree.

use governance::log::{Checkpoint, Entry, Hash, InclusionProof, VerifierKey, leaf_hash, merkle::verify_inclusion};

/// One thing that was checked, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub ok: bool,
    pub words: String,
}

fn step(ok: bool, holds: impl Into<String>, fails: impl Into<String>) -> Step {
    Step { ok, words: if ok { holds.into() } else { fails.into() } }
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
            steps.push(Step { ok: false, words: format!("The log's verifier key cannot be read: {error}.") });
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
            steps.push(Step {
                ok: true,
                words: format!("The checkpoint over these {} entries carries a valid signature of {}.", checkpoint.size, key.name()),
            });
        }
        Err(error) => steps.push(Step { ok: false, words: format!("The checkpoint is not one that {} signed: {error}.", key.name()) }),
    }
    steps
}

fn short(hash: &Hash) -> String {
    let text = hash.to_base64();
    text.get(..10).map_or_else(|| text.clone(), |head| format!("{head}…"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use governance::log::{EntryKind, Frontier, SigningKey};

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
        assert_eq!(check(&leaf, &proof, &vkey).iter().filter(|step| step.ok).count(), 4);
    }

    #[test]
    fn a_changed_entry_fails_where_it_was_changed() {
        let (leaf, proof, vkey) = signed();
        let steps = check(&leaf.replace("proposal:1", "proposal:2"), &proof, &vkey);
        assert_eq!(steps.iter().map(|step| step.ok).collect::<Vec<_>>(), [true, false, false, true]);
    }

    #[test]
    fn another_logs_key_signs_nothing_here() {
        let (leaf, proof, _) = signed();
        let other = SigningKey::from_seed("log.example", &[8; 32]).unwrap().verifier().to_string();
        assert!(!check(&leaf, &proof, &other).last().unwrap().ok);
    }
}
