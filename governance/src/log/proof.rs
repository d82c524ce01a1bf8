//! A proof that an entry is in the log, complete enough to keep and to check
//! offline with nothing but the log's verifier key.
//!
//! The same proof travels as JSON ([`InclusionProof`]) and in the interchange
//! format of C2SP ([`TlogProof`], files ending in `.tlog-proof`). Witness
//! cosignatures on the checkpoint are carried along, and not judged here.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::checkpoint::{Checkpoint, CheckpointError, parse_decimal};
use super::merkle::{Hash, MerkleError, leaf_hash, verify_inclusion};
use super::note::{Note, VerifierKey};

/// The first line of a proof in the interchange format.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// No tree is deeper than this.
const LONGEST_PATH: usize = 64;

/// That the entry with this leaf hash is number `index` in a log of `size`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    pub index: u64,
    pub size: u64,
    pub leaf: Hash,
    /// The hashes beside the way to the root, the leaf's neighbour first.
    pub path: Vec<Hash>,
    /// The checkpoint at `size`, as the signed note it was published as.
    pub checkpoint: String,
}

/// What a proof has proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub index: u64,
    pub leaf: Hash,
    /// What the log signed; its root covers the entry.
    pub checkpoint: Checkpoint,
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("the proof's checkpoint does not hold")]
    Checkpoint(#[from] CheckpointError),
    #[error("the proof is for a log of {proof}, its checkpoint for one of {checkpoint}")]
    Size { proof: u64, checkpoint: u64 },
    #[error("the entry has leaf hash {entry}, the proof is for {proof}")]
    Entry { entry: Hash, proof: Hash },
    #[error("the entry is not where the proof says")]
    Inclusion(#[from] MerkleError),
    #[error("this is not a tlog-proof: {reason}")]
    Malformed { reason: &'static str },
}

impl InclusionProof {
    /// Checks the proof against the log's key, whose name is the log's origin.
    pub fn verify(&self, key: &VerifierKey) -> Result<Verified, ProofError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, key, key.name())?;
        if checkpoint.size != self.size {
            return Err(ProofError::Size { proof: self.size, checkpoint: checkpoint.size });
        }
        verify_inclusion(self.leaf, self.index, self.size, &self.path, checkpoint.root)?;
        Ok(Verified { index: self.index, leaf: self.leaf, checkpoint })
    }

    /// Checks that the proof is about these bytes, and that it holds.
    pub fn verify_entry(&self, entry: &[u8], key: &VerifierKey) -> Result<Verified, ProofError> {
        let entry = leaf_hash(entry);
        if entry != self.leaf {
            return Err(ProofError::Entry { entry, proof: self.leaf });
        }
        self.verify(key)
    }

    /// The proof in the interchange format, which leaves out the leaf: whoever
    /// checks it has the entry.
    pub fn to_tlog_proof(&self) -> TlogProof {
        let (path, checkpoint) = (self.path.clone(), self.checkpoint.clone());
        TlogProof { extra: None, index: self.index, path, checkpoint }
    }
}

/// A proof in the format `c2sp.org/tlog-proof@v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Bytes of the issuer's choice, which nothing vouches for.
    pub extra: Option<Vec<u8>>,
    pub index: u64,
    pub path: Vec<Hash>,
    pub checkpoint: String,
}

impl TlogProof {
    /// Joins the proof with the leaf hash of the entry it is about, ready for
    /// [`InclusionProof::verify`]. Nothing has been checked yet.
    pub fn for_leaf(self, leaf: Hash) -> Result<InclusionProof, ProofError> {
        let note = Note::parse(&self.checkpoint).map_err(CheckpointError::from)?;
        let size = Checkpoint::parse(&note.text)?.size;
        let Self { index, path, checkpoint, .. } = self;
        Ok(InclusionProof { index, size, leaf, path, checkpoint })
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{}", hash.to_base64()))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for TlogProof {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<Self, ProofError> {
        let refuse = |reason| ProofError::Malformed { reason };
        let (head, checkpoint) = text.split_once("\n\n").ok_or_else(|| refuse("it has no checkpoint"))?;
        if checkpoint.is_empty() {
            return Err(refuse("it has no checkpoint"));
        }
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(refuse("its first line is another"));
        }
        let extra = lines.next_if(|line| line.starts_with("extra ")).map(|line| BASE64.decode(&line["extra ".len()..]));
        let extra = extra.transpose().map_err(|_| refuse("its extra data are not base64"))?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(parse_decimal);
        let index = index.ok_or_else(|| refuse("it has no index"))?;
        let path: Vec<Hash> =
            lines.map(Hash::from_base64).collect::<Result<_, _>>().map_err(|_| refuse("one of its lines is not a hash in base64"))?;
        if path.len() > LONGEST_PATH {
            return Err(refuse("it has more hashes than any tree is deep"));
        }
        Ok(Self { extra, index, path, checkpoint: checkpoint.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::merkle::prove_inclusion;
    use super::super::merkle::testing::Forest;
    use super::super::note::{NoteError, SigningKey};
    use super::*;
    use proptest::prelude::*;

    const ORIGIN: &str = "saltmarsh.example/log";

    fn key() -> SigningKey {
        SigningKey::from_seed(ORIGIN, &[7; 32]).unwrap()
    }

    /// A proof about entry `index` of a log whose entries are their own indexes.
    fn proof_of(index: u64, size: u64) -> InclusionProof {
        let tree = Forest::of(size);
        let checkpoint = Checkpoint { origin: ORIGIN.into(), size: tree.size(), root: tree.root(size) };
        InclusionProof {
            index,
            size,
            leaf: tree.levels[0][index as usize],
            path: prove_inclusion(index, size, |level, index| tree.read(level, index)).unwrap(),
            checkpoint: checkpoint.sign(&key()).unwrap().to_string(),
        }
    }

    #[test]
    fn a_kept_proof_is_checked_with_the_key_alone() {
        let json = serde_json::to_string(&proof_of(11, 300)).unwrap();
        let proof: InclusionProof = serde_json::from_str(&json).unwrap();
        let vkey: VerifierKey = key().verifier().to_string().parse().unwrap();
        let verified = proof.verify_entry(&11u64.to_be_bytes(), &vkey).unwrap();
        assert_eq!((verified.index, verified.checkpoint.size), (11, 300));
        let other = proof.verify_entry(&12u64.to_be_bytes(), &vkey);
        assert!(matches!(other, Err(ProofError::Entry { .. })));
    }

    #[test]
    fn a_proof_of_another_log_proves_nothing() {
        let stranger = SigningKey::from_seed("other.example/log", &[7; 32]).unwrap();
        let refusal = proof_of(0, 1).verify(stranger.verifier());
        assert_eq!(refusal, Err(ProofError::Checkpoint(CheckpointError::Note(NoteError::NotSigned))));
        // The right key name, over a checkpoint of another origin.
        let mut elsewhere = proof_of(0, 1);
        let checkpoint = Checkpoint { origin: "other.example/log".into(), size: 1, root: elsewhere.leaf };
        elsewhere.checkpoint = checkpoint.sign(&key()).unwrap().to_string();
        let refusal = elsewhere.verify(key().verifier());
        assert!(matches!(refusal, Err(ProofError::Checkpoint(CheckpointError::Origin { .. }))));
    }

    #[test]
    fn a_proof_must_be_for_the_size_of_its_checkpoint() {
        let stale = InclusionProof { size: 8, ..proof_of(3, 9) };
        assert_eq!(stale.verify(key().verifier()), Err(ProofError::Size { proof: 8, checkpoint: 9 }));
    }

    #[test]
    fn a_proof_travels_in_the_interchange_format() {
        let proof = proof_of(5, 7);
        let text = proof.to_tlog_proof().to_string();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
        assert_eq!(lines.next(), Some("index 5"));
        assert!(text.ends_with(&format!("\n\n{}", proof.checkpoint)));
        let read = text.parse::<TlogProof>().unwrap().for_leaf(leaf_hash(&5u64.to_be_bytes())).unwrap();
        assert_eq!(read, proof);
        assert!(read.verify(key().verifier()).is_ok());
    }

    #[test]
    fn extra_data_and_an_empty_path_are_read() {
        let text = "c2sp.org/tlog-proof@v1\nextra dGlkZQ==\nindex 0\n\no\n1\n";
        let proof: TlogProof = text.parse().unwrap();
        assert_eq!((proof.extra.as_deref(), proof.path.len()), (Some(&b"tide"[..]), 0));
        assert_eq!(proof.to_string(), text);
    }

    #[test]
    fn a_proof_in_any_other_shape_is_refused() {
        let hash = leaf_hash(b"").to_base64();
        let refused = [
            String::new(),
            "c2sp.org/tlog-proof@v1\n".into(),
            "c2sp.org/tlog-proof@v1\nindex 0\n\n".into(),
            "c2sp.org/tlog-proof@v1\n\ncheckpoint\n".into(),
            "c2sp.org/tlog-proof@v2\nindex 0\n\ncheckpoint\n".into(),
            "c2sp.org/tlog-proof@v1\r\nindex 0\n\ncheckpoint\n".into(),
            "c2sp.org/tlog-proof@v1\nindex 00\n\ncheckpoint\n".into(),
            "c2sp.org/tlog-proof@v1\nindex -1\n\ncheckpoint\n".into(),
            "c2sp.org/tlog-proof@v1\nindex\n\ncheckpoint\n".into(),
            "c2sp.org/tlog-proof@v1\nextra !\nindex 0\n\ncheckpoint\n".into(),
            "c2sp.org/tlog-proof@v1\nindex 0\nextra dGlkZQ==\n\ncheckpoint\n".into(),
            format!("c2sp.org/tlog-proof@v1\nindex 0\n{}\n\ncheckpoint\n", &hash[..40]),
            format!("c2sp.org/tlog-proof@v1\nindex 0{}\n\ncheckpoint\n", format!("\n{hash}").repeat(65)),
        ];
        for text in refused {
            assert!(matches!(text.parse::<TlogProof>(), Err(ProofError::Malformed { .. })), "{text:?}");
        }
    }

    /// A proof with one bit of one of its parts changed.
    fn with_bit_changed(good: &InclusionProof, part: usize, bit: usize) -> InclusionProof {
        let mut proof = good.clone();
        let flip = |hash: &mut Hash| hash.0[bit % 256 / 8] ^= 1 << (bit % 8);
        match part {
            0 => flip(&mut proof.leaf),
            1 => proof.index ^= 1 << (bit % 64),
            2 => proof.size ^= 1 << (bit % 64),
            3 => {
                let length = proof.path.len();
                flip(&mut proof.path[bit / 256 % length]);
            }
            _ => {
                let mut note = proof.checkpoint.into_bytes();
                let byte = bit / 8 % note.len();
                // The lowest four bits only, which keeps ASCII what it is.
                note[byte] ^= 1 << (bit % 4);
                proof.checkpoint = String::from_utf8_lossy(&note).into_owned();
            }
        }
        proof
    }

    proptest! {
        #[test]
        fn any_bit_changed_in_a_proof_condemns_it((size, index) in (2u64..=70).prop_flat_map(|s| (Just(s), 0..s)), part in 0usize..5, bit in 0usize..4096) {
            let good = proof_of(index, size);
            prop_assert!(good.verify(key().verifier()).is_ok());
            prop_assert!(with_bit_changed(&good, part, bit).verify(key().verifier()).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_proof_or_an_error(text in "c2sp.org/tlog-proof@v1\n(extra [A-Za-z]{4}\n)?index [0-9]{1,3}\n([A-Za-z0-9+/]{42}[AEIM]=\n){0,2}\n(.|\n){0,30}") {
            if let Ok(proof) = text.parse::<TlogProof>() {
                prop_assert_eq!(proof.to_string(), text);
            }
        }
    }
}
