//! Witnessing (C2SP tlog-witness 1.0): what a log sends to `add-checkpoint`, and
//! whether a witness that remembers what it last cosigned may cosign again.
//!
//! Remembering, the clock and HTTP are left to whoever runs the witness; so is
//! doing the check and the remembering as one step. Checkpoints with extension
//! lines are refused, as everywhere here.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::checkpoint::{Checkpoint, parse_decimal};
use super::merkle::{Hash, MerkleError, empty_root, verify_consistency};
use super::note::{Note, NoteError, VerifierKey};

/// The most proof lines that a request may have.
pub const MOST_PROOF_LINES: usize = 63;

/// Requests larger than this are refused unread, in bytes. A checkpoint of a hundred signatures fits.
pub const LARGEST_REQUEST: usize = 64 * 1024;

/// What a witness is sent: a checkpoint, and the proof that the log has only grown
/// since the size that the witness cosigned last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the log believes the witness cosigned last.
    pub old: u64,
    /// From `old` to the checkpoint's size; empty when `old` is 0.
    pub proof: Vec<Hash>,
    pub note: Note,
}

/// Why a witness does not cosign. [`Refusal::status`] is the HTTP status of each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this is not an add-checkpoint request: {reason}")]
    Malformed { reason: String },
    #[error("no log called {origin:?} is followed here")]
    UnknownOrigin { origin: String },
    #[error("the checkpoint is not signed by a key that is trusted for {origin:?}")]
    NotSigned { origin: String },
    #[error("the checkpoint of size {size} is smaller than the old size {old}")]
    Backwards { old: u64, size: u64 },
    #[error("the size last cosigned is {size}")]
    Conflict { size: u64 },
    #[error("the checkpoint does not continue what was cosigned: {0}")]
    Inconsistent(#[from] MerkleError),
}

impl Refusal {
    /// The HTTP status to refuse with.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed { .. } | Self::Backwards { .. } => 400,
            Self::NotSigned { .. } => 403,
            Self::UnknownOrigin { .. } => 404,
            Self::Conflict { .. } => 409,
            Self::Inconsistent(_) => 422,
        }
    }
}

impl AddCheckpoint {
    /// Reads a request body.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let refuse = |reason: &str| Refusal::Malformed { reason: reason.to_owned() };
        if bytes.len() > LARGEST_REQUEST {
            return Err(refuse("it is larger than 64 KiB"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| refuse("it is not UTF-8"))?;
        let (head, note) = text.split_once("\n\n").ok_or_else(|| refuse("no blank line precedes the checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(parse_decimal);
        let old = old.ok_or_else(|| refuse("the first line is not `old` and a size"))?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == MOST_PROOF_LINES {
                return Err(refuse("it has more than 63 proof lines"));
            }
            let hash = BASE64.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
            proof.push(Hash(hash.ok_or_else(|| refuse("a proof line is not a hash in base64"))?));
        }
        let note = Note::parse(note).map_err(|error| Refusal::Malformed { reason: error.to_string() })?;
        Ok(Self { old, proof, note })
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", hash.to_base64()))?;
        write!(f, "\n{}", self.note)
    }
}

/// The tree that a witness cosigned last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub size: u64,
    pub root: Hash,
}

impl Default for Seen {
    /// Nothing cosigned yet: the empty tree, which any other continues.
    fn default() -> Self {
        Self { size: 0, root: empty_root() }
    }
}

/// The origin that a request is about, so that what was seen of it can be looked up. Nothing else may be believed yet.
pub fn origin_of(request: &AddCheckpoint) -> Result<String, Refusal> {
    Checkpoint::read(&request.note.text)
        .map(|checkpoint| checkpoint.origin)
        .map_err(|error| Refusal::Malformed { reason: error.to_string() })
}

/// Decides whether a witness may cosign. `followed` are the keys of the logs it
/// follows, each named by its log's origin; `seen` is what it cosigned last of
/// this one.
///
/// # Errors
/// In the order in which the specification has them checked, so that nobody learns
/// what was cosigned without a signature of the log.
pub fn consider(request: &AddCheckpoint, followed: &[VerifierKey], seen: Seen) -> Result<Checkpoint, Refusal> {
    let checkpoint = Checkpoint::read(&request.note.text).map_err(|error| Refusal::Malformed { reason: error.to_string() })?;
    let origin = || checkpoint.origin.clone();
    let trusted: Vec<VerifierKey> = followed.iter().filter(|key| key.name() == checkpoint.origin).cloned().collect();
    if trusted.is_empty() {
        return Err(Refusal::UnknownOrigin { origin: origin() });
    }
    match request.note.verify(&trusted) {
        Ok(_) => {}
        Err(NoteError::NotSigned | NoteError::BadSignature { .. }) => return Err(Refusal::NotSigned { origin: origin() }),
        Err(other) => return Err(Refusal::Malformed { reason: other.to_string() }),
    }
    let (old, size) = (request.old, checkpoint.size);
    if old > size {
        return Err(Refusal::Backwards { old, size });
    }
    if old != seen.size {
        return Err(Refusal::Conflict { size: seen.size });
    }
    if size == 0 && checkpoint.root != empty_root() {
        return Err(MerkleError::Root { computed: empty_root(), claimed: checkpoint.root }.into());
    }
    verify_consistency(old, size, &request.proof, seen.root, checkpoint.root)?;
    Ok(checkpoint)
}

#[cfg(test)]
mod tests {
    use super::super::merkle::{prove_consistency, testing::Forest};
    use super::super::note::SigningKey;
    use super::*;
    use proptest::prelude::*;

    const ORIGIN: &str = "saltmarsh.example/log";

    /// The example of tlog-witness.
    const SPECIFIED: &str = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\
        \n\
        example.com/behind-the-sofa\n\
        20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
        \n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";

    fn key() -> SigningKey {
        SigningKey::from_seed(ORIGIN, &[7; 32]).unwrap()
    }

    fn followed() -> Vec<VerifierKey> {
        vec![key().verifier().clone()]
    }

    fn request(forest: &Forest, old: u64, size: u64) -> AddCheckpoint {
        let checkpoint = Checkpoint { origin: ORIGIN.into(), size, root: forest.root(size) };
        let proof = prove_consistency(old, size, |level, index| forest.read(level, index)).unwrap();
        AddCheckpoint { old, proof, note: key().sign(&checkpoint.text()).unwrap() }
    }

    fn seen(forest: &Forest, size: u64) -> Seen {
        Seen { size, root: forest.root(size) }
    }

    fn status(request: &AddCheckpoint, seen: Seen) -> u16 {
        consider(request, &followed(), seen).map_or_else(|refusal| refusal.status(), |_| 200)
    }

    #[test]
    fn the_example_of_the_specification_survives_reading_and_writing() {
        let request = AddCheckpoint::parse(SPECIFIED.as_bytes()).unwrap();
        assert_eq!((request.old, request.proof.len(), request.note.signatures.len()), (20_852_014, 4, 2));
        assert_eq!(request.to_string(), SPECIFIED);
        assert_eq!(origin_of(&request).unwrap(), "example.com/behind-the-sofa");
    }

    #[test]
    fn growth_is_cosigned_from_nothing_and_from_any_size() {
        let forest = Forest::of(40);
        for size in 0..=40 {
            for old in 0..=size {
                let checkpoint = consider(&request(&forest, old, size), &followed(), seen(&forest, old)).unwrap();
                assert_eq!((checkpoint.size, checkpoint.root), (size, forest.root(size)));
            }
        }
        assert_eq!(status(&request(&forest, 0, 9), Seen::default()), 200);
    }

    #[test]
    fn each_refusal_has_the_status_that_the_specification_gives_it() {
        let forest = Forest::of(40);
        let good = request(&forest, 5, 9);
        assert_eq!(status(&good, seen(&forest, 5)), 200);

        // Unknown logs.
        let elsewhere = SigningKey::from_seed("other.example/log", &[7; 32]).unwrap();
        assert_eq!(consider(&good, &[elsewhere.verifier().clone()], seen(&forest, 5)).unwrap_err().status(), 404);
        assert_eq!(consider(&good, &[], seen(&forest, 5)).unwrap_err().status(), 404);
        // Strangers, and a wrong signature of a known key even beside a right one.
        let stranger = SigningKey::from_seed(ORIGIN, &[8; 32]).unwrap();
        let unsigned = AddCheckpoint { note: stranger.sign(&good.note.text).unwrap(), ..good.clone() };
        assert_eq!(status(&unsigned, seen(&forest, 5)), 403);
        let mut two = good.clone();
        two.note.add(stranger.signature(&good.note.text).unwrap());
        assert_eq!(status(&two, seen(&forest, 5)), 200);
        let mut wrong = key().signature("another\n").unwrap();
        two.note.add(wrong.clone());
        assert_eq!(status(&two, seen(&forest, 5)), 403);
        wrong.bytes.truncate(3);
        assert_eq!(
            status(&AddCheckpoint { note: Note { signatures: vec![wrong], ..good.note.clone() }, ..good.clone() }, seen(&forest, 5)),
            403
        );
        // Backwards.
        assert_eq!(status(&AddCheckpoint { old: 10, ..good.clone() }, seen(&forest, 10)), 400);
        // Another size than was cosigned last, in either direction.
        for last in [0, 4, 6, 9, 12] {
            let refusal = consider(&good, &followed(), seen(&forest, last)).unwrap_err();
            assert_eq!(refusal, Refusal::Conflict { size: last });
            assert_eq!(refusal.status(), 409);
        }
        // A proof too many, too few, or of something else.
        assert_eq!(status(&AddCheckpoint { proof: vec![], ..good.clone() }, seen(&forest, 5)), 422);
        assert_eq!(status(&AddCheckpoint { old: 0, ..good.clone() }, Seen::default()), 422);
        assert_eq!(status(&request(&forest, 5, 10), Seen { size: 5, root: forest.root(4) }), 422);
        // One size, two roots.
        let fork = Forest::from_entries((0..40u8).map(|i| vec![i]));
        assert_eq!(status(&request(&fork, 9, 9), seen(&forest, 9)), 422);
        assert_eq!(status(&request(&fork, 5, 12), seen(&forest, 5)), 422);
        assert_eq!(status(&request(&forest, 9, 9), seen(&forest, 9)), 200);
        // An empty tree with entries.
        let empty = format!("{ORIGIN}\n0\n{}\n", forest.root(3).to_base64());
        let empty = AddCheckpoint { old: 0, proof: vec![], note: key().sign(&empty).unwrap() };
        assert_eq!(status(&empty, Seen::default()), 422);
    }

    #[test]
    fn a_request_in_any_other_shape_is_refused() {
        let line = Forest::of(1).root(1).to_base64();
        let rest = format!("\no\n1\n{line}\n\n— o AAAAAAAA\n");
        assert!(AddCheckpoint::parse(format!("old 0\n{rest}").as_bytes()).is_ok());
        let most = format!("{line}\n").repeat(MOST_PROOF_LINES);
        assert!(AddCheckpoint::parse(format!("old 0\n{most}{rest}").as_bytes()).is_ok());
        for head in [
            "",
            "old\n",
            "old \n",
            "old 01\n",
            "old -1\n",
            "old +1\n",
            "old  1\n",
            "Old 1\n",
            "old 1 \n",
            "old 1\r\n",
            "old 18446744073709551616\n",
            "old 0\nx\n",
            &format!("old 0\n{most}{line}\n"),
            &format!("old 0\n{line} \n"),
            &format!("old 0\n{}\n", line.trim_end_matches('=')),
        ] {
            let refused = AddCheckpoint::parse(format!("{head}{rest}").as_bytes());
            assert!(matches!(refused, Err(Refusal::Malformed { .. })), "{head:?}");
        }
        assert!(AddCheckpoint::parse(&vec![b'o'; LARGEST_REQUEST + 1]).is_err());
        // Extension lines could not be audited.
        let extended = key().sign(&format!("{ORIGIN}\n1\n{line}\nmore\n")).unwrap();
        let extended = AddCheckpoint { old: 0, proof: vec![], note: extended };
        assert_eq!(status(&extended, Seen::default()), 400);
    }

    proptest! {
        #[test]
        fn a_request_survives_the_wire((old, size) in (0u64..60).prop_flat_map(|size| (0..=size, Just(size)))) {
            let request = request(&Forest::of(60), old, size);
            prop_assert_eq!(AddCheckpoint::parse(request.to_string().as_bytes()), Ok(request));
        }

        #[test]
        fn a_cut_or_mangled_request_is_never_cosigned_as_something_else(cut in 0usize..600, at in 0usize..600, byte in any::<u8>()) {
            let forest = Forest::of(40);
            let whole = request(&forest, 21, 40);
            let mut bytes = whole.to_string().into_bytes();
            let place = at % bytes.len();
            bytes[place] = byte;
            bytes.truncate(bytes.len().max(cut));
            let shorter = bytes[..cut.min(bytes.len())].to_vec();
            for bytes in [bytes, shorter] {
                if let Ok(read) = AddCheckpoint::parse(&bytes) && let Ok(checkpoint) = consider(&read, &followed(), seen(&forest, 21)) {
                    prop_assert_eq!(checkpoint.text(), whole.note.text.clone());
                }
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = AddCheckpoint::parse(&bytes);
        }
    }
}
