//! Checkpoints (C2SP tlog-checkpoint): what a log says of itself at one size, as
//! the text of a signed note.
//!
//! Whether two checkpoints agree is for [`super::merkle::verify_consistency`];
//! remembering the last one seen is left to the reader.

use super::merkle::{Hash, empty_root};
use super::note::{Note, NoteError, SigningKey, VerifierKey};

/// A log's origin, its size and its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The one name of the log, such as `saltmarsh.example/log`.
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

/// Why a checkpoint cannot be read, signed or believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("this is not a checkpoint: {reason}")]
    Malformed { reason: &'static str },
    #[error("the checkpoint is of {found:?}, not of {expected:?}")]
    Origin { found: String, expected: String },
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())
    }

    /// Reads a checkpoint's text, which has exactly three lines: extension lines
    /// are refused, since nobody could audit them.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let checkpoint = Self::read(text)?;
        if checkpoint.size == 0 && checkpoint.root != empty_root() {
            return Err(CheckpointError::Malformed { reason: "the root is not that of an empty tree" });
        }
        Ok(checkpoint)
    }

    /// Reads the three lines, for whoever judges by himself whether they make sense.
    pub(super) fn read(text: &str) -> Result<Self, CheckpointError> {
        let refuse = |reason| CheckpointError::Malformed { reason };
        let body = text.strip_suffix('\n').ok_or_else(|| refuse("it does not end in a newline"))?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next()) else {
            return Err(refuse("it does not have the three lines origin, size and root"));
        };
        if origin.is_empty() || origin.contains(char::is_control) {
            return Err(refuse("the origin is empty or has control characters"));
        }
        let size = parse_decimal(size).ok_or_else(|| refuse("the size is not a plain decimal number"))?;
        let root = Hash::from_base64(root).map_err(|_| refuse("the root is not a hash in base64"))?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// Signs the checkpoint. That it is consistent with every one signed before
    /// is for the caller to make sure of first.
    pub fn sign(&self, key: &SigningKey) -> Result<Note, CheckpointError> {
        let text = self.text();
        // What could not be opened again is not signed.
        Self::parse(&text)?;
        Ok(key.sign(&text)?)
    }

    /// Opens a checkpoint that `key` signed for the log called `origin`.
    pub fn open(note: impl AsRef<[u8]>, key: &VerifierKey, origin: &str) -> Result<Self, CheckpointError> {
        let note = Note::parse(note)?;
        note.verify(std::slice::from_ref(key))?;
        let checkpoint = Self::parse(&note.text)?;
        if checkpoint.origin != origin {
            return Err(CheckpointError::Origin { found: checkpoint.origin, expected: origin.to_owned() });
        }
        Ok(checkpoint)
    }
}

/// A number in ASCII digits without leading zeros.
pub(super) fn parse_decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|c| c.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::super::merkle::leaf_hash;
    use super::*;
    use proptest::prelude::*;

    const ORIGIN: &str = "saltmarsh.example/log";

    fn key() -> SigningKey {
        SigningKey::from_seed(ORIGIN, &[7; 32]).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: ORIGIN.into(), size: 257, root: leaf_hash(b"tide") }
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let checkpoint = Checkpoint::parse(text).unwrap();
        assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
        assert_eq!(checkpoint.text(), text);
    }

    #[test]
    fn a_signed_checkpoint_opens_for_its_key_and_origin() {
        let note = checkpoint().sign(&key()).unwrap().to_string();
        assert_eq!(Checkpoint::open(&note, key().verifier(), ORIGIN), Ok(checkpoint()));
        let elsewhere = Checkpoint::open(&note, key().verifier(), "saltmarsh.example/other");
        assert!(matches!(elsewhere, Err(CheckpointError::Origin { .. })));
        let stranger = SigningKey::from_seed(ORIGIN, &[8; 32]).unwrap();
        let unsigned = Checkpoint::open(&note, stranger.verifier(), ORIGIN);
        assert_eq!(unsigned, Err(CheckpointError::Note(NoteError::NotSigned)));
    }

    #[test]
    fn the_checkpoint_of_an_empty_log_has_the_empty_root() {
        let empty = Checkpoint { size: 0, root: empty_root(), ..checkpoint() };
        assert_eq!(empty.text().lines().nth(2), Some("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
        let note = empty.sign(&key()).unwrap().to_string();
        assert_eq!(Checkpoint::open(note, key().verifier(), ORIGIN), Ok(empty));
        assert!(Checkpoint { size: 0, ..checkpoint() }.sign(&key()).is_err());
    }

    #[test]
    fn an_origin_with_a_line_of_its_own_is_not_signed() {
        for origin in ["", "a\nb", "a\n1"] {
            assert!(Checkpoint { origin: origin.into(), ..checkpoint() }.sign(&key()).is_err(), "{origin:?}");
        }
    }

    #[test]
    fn a_text_in_any_other_shape_is_refused() {
        let root = leaf_hash(b"tide").to_base64();
        let refused = [
            String::new(),
            "\n".into(),
            format!("o\n1\n{root}"),
            format!("o\n1\n{root}\n\n"),
            format!("o\n1\n{root}\nextension\n"),
            format!("\n1\n{root}\n"),
            format!("o\n\n{root}\n"),
            format!("o\n01\n{root}\n"),
            format!("o\n+1\n{root}\n"),
            format!("o\n-1\n{root}\n"),
            format!("o\n 1\n{root}\n"),
            format!("o\n1\r\n{root}\n"),
            format!("o\n18446744073709551616\n{root}\n"),
            format!("o\n0\n{root}\n"),
            format!("o\n1\n{}\n", root.trim_end_matches('=')),
            format!("o\n1\n{root}=\n"),
            format!("o\n1\n{}\n", leaf_hash(b"tide")),
            "o\n1\n\n".into(),
            "o\n1\n".into(),
        ];
        for text in refused {
            assert!(matches!(Checkpoint::parse(&text), Err(CheckpointError::Malformed { .. })), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_checkpoint_survives_signing_and_opening(size in 1u64.., root in any::<[u8; 32]>(), seed in any::<[u8; 32]>()) {
            let key = SigningKey::from_seed(ORIGIN, &seed).unwrap();
            let checkpoint = Checkpoint { origin: ORIGIN.into(), size, root: Hash(root) };
            let note = checkpoint.sign(&key).unwrap().to_string();
            prop_assert_eq!(Checkpoint::open(note, key.verifier(), ORIGIN), Ok(checkpoint));
        }

        #[test]
        fn a_text_that_is_read_is_the_text_that_would_be_written(text in "[a-z/.]{0,8}\n[0-9]{1,4}\n[A-Za-z0-9+/]{42}[A-Za-z0-9]=\n") {
            if let Ok(checkpoint) = Checkpoint::parse(&text) {
                prop_assert_eq!(checkpoint.text(), text);
            }
        }
    }
}
