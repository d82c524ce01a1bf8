//! Signed notes (C2SP signed-note): a text with lines below it that say which
//! keys signed it.
//!
//! Only plain Ed25519 signatures (type `0x01`) are made and checked here; all
//! others are carried along unread, as the format demands. Those of witnesses are
//! for [`super::cosignature`], what a text means for [`super::checkpoint`], and
//! where a seed is kept for whoever passes it in.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256};

/// The signature type of plain Ed25519.
const ED25519: u8 = 0x01;

/// Notes larger than this are refused unread.
const LARGEST_NOTE: usize = 1 << 20;

/// Notes with more signatures than this are refused.
const MOST_SIGNATURES: usize = 100;

/// What is wrong with a note, a key, or a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("{name:?} cannot name a key: it is empty, or contains a space or a plus")]
    KeyName { name: String },
    #[error("this is not a verifier key: {reason}")]
    VerifierKey { reason: &'static str },
    #[error("this is not a signed note: {reason}")]
    Malformed { reason: &'static str },
    #[error("the text cannot be signed: {reason}")]
    Text { reason: &'static str },
    #[error("the signature by {name} does not fit the text")]
    BadSignature { name: String },
    #[error("none of the known keys signed the note")]
    NotSigned,
}

/// Tells keys of one name apart: the first four bytes of a SHA-256 over name,
/// signature type and public key.
pub type KeyId = [u8; 4];

fn key_id(name: &str, kind: u8, public: &[u8; 32]) -> KeyId {
    let hash = Sha256::new().chain_update(name).chain_update([b'\n', kind]).chain_update(public).finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

fn check_name(name: &str) -> Result<(), NoteError> {
    let unfit = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.contains(unfit) {
        return Err(NoteError::KeyName { name: name.to_owned() });
    }
    Ok(())
}

/// Finds what keeps a text out of a note.
fn check_text(text: &str) -> Result<(), &'static str> {
    if !text.ends_with('\n') {
        return Err("it does not end in a newline");
    }
    if text.bytes().any(|c| c < 0x20 && c != b'\n') {
        return Err("it contains a control character");
    }
    Ok(())
}

/// An Ed25519 key with the name it signs under and the type of its signatures,
/// which the key id commits to. What the type says of the signed message is left
/// to [`VerifierKey`] and [`super::cosignature`].
#[derive(Clone, PartialEq, Eq)]
pub(super) struct NamedKey {
    pub name: String,
    kind: u8,
    pub id: KeyId,
    pub public: ed25519_dalek::VerifyingKey,
}

impl NamedKey {
    pub fn new(name: &str, kind: u8, public: ed25519_dalek::VerifyingKey) -> Result<Self, NoteError> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), kind, id: key_id(name, kind, public.as_bytes()), public })
    }

    /// Reads `name+id+key`; `other` says what is wrong with a key of another type.
    pub fn parse(text: &str, kind: u8, other: &'static str) -> Result<Self, NoteError> {
        let refuse = |reason| NoteError::VerifierKey { reason };
        // Base64 may contain a plus; names and ids cannot.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(refuse("it is not of the form name+id+key"));
        };
        let typed = BASE64.decode(key).map_err(|_| refuse("the key is not base64"))?;
        let Some((found, public)) = typed.split_first() else {
            return Err(refuse("the key is empty"));
        };
        if *found != kind {
            return Err(refuse(other));
        }
        let public = <&[u8; 32]>::try_from(public).map_err(|_| refuse("the key is not 32 bytes long"))?;
        let public = ed25519_dalek::VerifyingKey::from_bytes(public);
        let key = Self::new(name, kind, public.map_err(|_| refuse("the key is not a point of the curve"))?)?;
        if id != format!("{:08x}", u32::from_be_bytes(key.id)) {
            return Err(refuse("the id is not that of the name and key"));
        }
        Ok(key)
    }

    /// Whether a signature line claims to be of this key.
    pub fn made(&self, signature: &Signature) -> bool {
        self.name == signature.name && self.id == signature.id
    }

    pub fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else {
            return false;
        };
        self.public.verify_strict(message, &signature).is_ok()
    }
}

impl fmt::Display for NamedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed: Vec<u8> = [self.kind].into_iter().chain(self.public.to_bytes()).collect();
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id), BASE64.encode(typed))
    }
}

/// A public key and the name it signs under. Written `name+id+key`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey(NamedKey);

impl VerifierKey {
    /// The name the key signs under; for a log's key, its origin.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What tells this key from others of its name.
    pub fn id(&self) -> KeyId {
        self.0.id
    }

    /// The 32 bytes of the public key.
    pub fn public_bytes(&self) -> [u8; 32] {
        self.0.public.to_bytes()
    }

    /// Whether a signature line claims to be of this key. It may still be wrong.
    pub fn made(&self, signature: &Signature) -> bool {
        self.0.made(signature)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        NamedKey::parse(text, ED25519, "the key is not of type Ed25519").map(Self)
    }
}

/// A private key and the name it signs under.
#[derive(Clone)]
pub struct SigningKey {
    secret: ed25519_dalek::SigningKey,
    verifier: VerifierKey,
}

impl SigningKey {
    /// The key that belongs to a seed of 32 random bytes.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let secret = ed25519_dalek::SigningKey::from_bytes(seed);
        Ok(Self { verifier: VerifierKey(NamedKey::new(name, ED25519, secret.verifying_key())?), secret })
    }

    /// The name the key signs under.
    pub fn name(&self) -> &str {
        self.verifier.name()
    }

    /// The public half, which others check signatures with.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs a text, which must end in a newline.
    pub fn sign(&self, text: &str) -> Result<Note, NoteError> {
        Ok(Note { text: text.to_owned(), signatures: vec![self.signature(text)?] })
    }

    /// A signature line for a text, for a note that others sign as well.
    pub fn signature(&self, text: &str) -> Result<Signature, NoteError> {
        check_text(text).map_err(|reason| NoteError::Text { reason })?;
        let bytes = self.secret.sign(text.as_bytes()).to_bytes().to_vec();
        Ok(Signature { name: self.name().to_owned(), id: self.verifier.id(), bytes })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.verifier)
    }
}

/// One signature line of a note, by a key that need not be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub name: String,
    pub id: KeyId,
    /// The signature itself, after the key id.
    pub bytes: Vec<u8>,
}

impl Signature {
    /// Reads a signature line, without the newline at its end.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let refuse = |reason| NoteError::Malformed { reason };
        let rest = line.strip_prefix("— ").ok_or_else(|| refuse("a signature line does not begin with a dash"))?;
        let (name, encoded) = rest.split_once(' ').ok_or_else(|| refuse("a signature line has no key name"))?;
        check_name(name).map_err(|_| refuse("a signature line has an impossible key name"))?;
        let decoded = BASE64.decode(encoded).map_err(|_| refuse("a signature is not base64"))?;
        match decoded.split_first_chunk::<4>() {
            Some((id, bytes)) if !bytes.is_empty() => Ok(Self { name: name.to_owned(), id: *id, bytes: bytes.to_vec() }),
            _ => Err(refuse("a signature is too short")),
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "— {} {}", self.name, BASE64.encode([&self.id[..], &self.bytes].concat()))
    }
}

/// A text and its signatures. Nothing may be read from the text before
/// [`Note::verify`] has accepted a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text, with its final newline.
    pub text: String,
    /// The signatures, in the order of their lines.
    pub signatures: Vec<Signature>,
}

impl Note {
    /// Reads a note without checking any signature.
    pub fn parse(bytes: impl AsRef<[u8]>) -> Result<Self, NoteError> {
        let refuse = |reason| NoteError::Malformed { reason };
        let bytes = bytes.as_ref();
        if bytes.len() > LARGEST_NOTE {
            return Err(refuse("it is larger than a megabyte"));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| refuse("it is not UTF-8"))?;
        check_text(note).map_err(refuse)?;
        // The text keeps the first of the two newlines; it may have blank lines
        // of its own, so the last one separates.
        let separator = note.rfind("\n\n").ok_or_else(|| refuse("no blank line separates text and signatures"))?;
        let (text, lines) = (&note[..=separator], &note[separator + 2..]);
        if lines.is_empty() {
            return Err(refuse("it has no signatures"));
        }
        if lines.lines().count() > MOST_SIGNATURES {
            return Err(refuse("it has more than a hundred signatures"));
        }
        let signatures = lines.split_terminator('\n').map(Signature::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Checks the signatures of the known keys and returns the keys that signed.
    /// Signatures of other keys say nothing and are passed over; a wrong one of a
    /// known key condemns the note.
    pub fn verify<'k>(&self, known: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, NoteError> {
        let mut signers = Vec::new();
        for key in known {
            let mut theirs = self.signatures.iter().filter(|signature| key.made(signature)).peekable();
            if theirs.peek().is_none() {
                continue;
            }
            if !theirs.all(|signature| key.0.accepts(self.text.as_bytes(), &signature.bytes)) {
                return Err(NoteError::BadSignature { name: key.name().to_owned() });
            }
            signers.push(key);
        }
        if signers.is_empty() { Err(NoteError::NotSigned) } else { Ok(signers) }
    }

    /// Adds a signature line, unless the note has it already. Whether it holds is
    /// for the caller to find out first.
    pub fn add(&mut self, signature: Signature) {
        if !self.signatures.contains(&signature) {
            self.signatures.push(signature);
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| signature.fmt(f))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example in the documentation of Go's `note` package.
    const NEUMANN_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NEUMANN_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\
        \n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    /// The example of the signed-note specification, whose key is not given there.
    const QUASIMODO_NOTE: &str = "Ognuno sta solo sul cuor della terra\n\
        trafitto da un raggio di sole:\n\
        \n\
        ed è subito sera.\n\
        \n\
        — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

    fn key(name: &str, seed: u8) -> SigningKey {
        SigningKey::from_seed(name, &[seed; 32]).unwrap()
    }

    #[test]
    fn a_note_signed_by_another_implementation_is_accepted() {
        let neumann: VerifierKey = NEUMANN_KEY.parse().unwrap();
        assert_eq!(neumann.to_string(), NEUMANN_KEY);
        let note = Note::parse(NEUMANN_NOTE).unwrap();
        assert_eq!(note.verify(std::slice::from_ref(&neumann)), Ok(vec![&neumann]));
        assert_eq!(note.to_string(), NEUMANN_NOTE);
    }

    #[test]
    fn a_text_may_have_blank_lines_of_its_own() {
        let note = Note::parse(QUASIMODO_NOTE).unwrap();
        assert!(note.text.ends_with("\n\ned è subito sera.\n"));
        assert_eq!(note.signatures[0].name, "quasimodo.example/salvatore");
        assert_eq!(note.signatures[0].bytes.len(), 64);
        assert_eq!(note.to_string(), QUASIMODO_NOTE);
    }

    #[test]
    fn a_signed_text_is_accepted_by_its_verifier_key_alone() {
        let (ours, theirs) = (key("saltmarsh.example/log", 1), key("saltmarsh.example/log", 2));
        let note = ours.sign("neap\n").unwrap();
        assert_eq!(note.verify(&[ours.verifier().clone()]).unwrap(), [ours.verifier()]);
        assert_eq!(note.verify(&[theirs.verifier().clone()]), Err(NoteError::NotSigned));
        assert_eq!(note.verify(&[]), Err(NoteError::NotSigned));
    }

    #[test]
    fn a_signature_of_an_unknown_key_is_passed_over() {
        let (log, witness) = (key("log.example", 1), key("witness.example", 2));
        let mut note = log.sign("spring\n").unwrap();
        let mut garbled = witness.sign("spring\n").unwrap().signatures.remove(0);
        garbled.bytes.truncate(9);
        note.signatures.push(garbled);
        let note = Note::parse(note.to_string()).unwrap();
        assert_eq!(note.verify(&[log.verifier().clone()]).unwrap(), [log.verifier()]);
        let both = [log.verifier().clone(), witness.verifier().clone()];
        assert_eq!(note.verify(&both), Err(NoteError::BadSignature { name: "witness.example".into() }));
    }

    #[test]
    fn one_bad_signature_of_a_known_key_condemns_the_note() {
        let log = key("log.example", 1);
        let mut note = log.sign("ebb\n").unwrap();
        note.signatures.push(log.sign("flow\n").unwrap().signatures.remove(0));
        assert!(matches!(note.verify(&[log.verifier().clone()]), Err(NoteError::BadSignature { .. })));
    }

    #[test]
    fn a_name_and_an_id_must_both_match_for_a_key_to_be_known() {
        let log = key("log.example", 1);
        let mut renamed = log.sign("ebb\n").unwrap();
        renamed.signatures[0].name = "other.example".into();
        assert_eq!(renamed.verify(&[log.verifier().clone()]), Err(NoteError::NotSigned));
        let mut renumbered = log.sign("ebb\n").unwrap();
        renumbered.signatures[0].id[0] ^= 1;
        assert_eq!(renumbered.verify(&[log.verifier().clone()]), Err(NoteError::NotSigned));
    }

    #[test]
    fn a_malformed_note_is_refused() {
        let line = key("log.example", 1).sign("ebb\n").unwrap().signatures[0].to_string();
        let refused = [
            String::new(),
            "ebb\n".into(),
            "ebb\n\n".into(),
            line.clone(),
            format!("ebb\n{line}"),
            format!("ebb\n\n{}", line.trim_end()),
            format!("ebb\r\n\r\n{line}"),
            format!("ebb\tflow\n\n{line}"),
            format!("ebb\n\n{line}ebb\n"),
            format!("ebb\n\n{}", line.replace('—', "-")),
            format!("ebb\n\n{}", line.replace("— ", "—  ")),
            format!("ebb\n\n{}", line.replace("log.example", "log+example")),
            format!("ebb\n\n{}", line.replace("log.example", "")),
            format!("ebb\n\n{}", line.replace('=', "")),
            format!("ebb\n\n{}", line.repeat(101)),
            "ebb\n\n— log.example AAAA\n".into(),
            "ebb\n\n— log.example AAAAAA==\n".into(),
        ];
        for note in refused {
            assert!(matches!(Note::parse(&note), Err(NoteError::Malformed { .. })), "{note}");
        }
        assert!(Note::parse(b"ebb \xff\n\n").is_err());
        assert!(Note::parse(format!("ebb\n\n{}", line.repeat(16))).is_ok());
    }

    #[test]
    fn a_text_that_no_note_could_carry_is_not_signed() {
        let log = key("log.example", 1);
        for text in ["", "ebb", "ebb\r\n", "\u{0}\n"] {
            assert!(matches!(log.sign(text), Err(NoteError::Text { .. })), "{text:?}");
        }
        for name in ["", "two words", "a+b", "thin\u{2009}space", "line\nbreak"] {
            assert!(matches!(SigningKey::from_seed(name, &[1; 32]), Err(NoteError::KeyName { .. })), "{name:?}");
        }
    }

    #[test]
    fn a_verifier_key_that_contradicts_itself_is_refused() {
        let good = key("log.example", 1).verifier().to_string();
        assert!(good.parse::<VerifierKey>().is_ok());
        let (name, rest) = good.split_once('+').unwrap();
        let (id, public) = rest.split_once('+').unwrap();
        let refused = [
            String::new(),
            name.to_owned(),
            format!("{name}+{id}"),
            format!("other.example+{id}+{public}"),
            format!("+{id}+{public}"),
            format!("{name}+{}+{public}", id.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A")),
            format!("{name}+0{id}+{public}"),
            format!("{name}+{id}+{}", public.replacen('A', "B", 1)),
            format!("{name}+{id}+{public}A"),
            format!("{name}+{id}+"),
            format!("{good}\n"),
        ];
        for text in refused {
            assert!(text.parse::<VerifierKey>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_signing_key_does_not_show_its_seed() {
        let shown = format!("{:?}", key("log.example", 0xab));
        assert!(!shown.contains("171, 171") && !shown.contains("abab"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_text_survives_signing_and_reading(lines in prop::collection::vec("[^\\p{Cc}]{0,20}", 1..6), seed in any::<[u8; 32]>()) {
            let text = lines.join("\n") + "\n";
            let key = SigningKey::from_seed("log.example", &seed).unwrap();
            let note = Note::parse(key.sign(&text).unwrap().to_string()).unwrap();
            prop_assert_eq!(&note.text, &text);
            prop_assert!(note.verify(&[key.verifier().clone()]).is_ok());
        }

        #[test]
        fn no_bit_of_a_signed_note_can_change(byte in 0..NEUMANN_NOTE.len(), bit in 0..8) {
            let mut bytes = NEUMANN_NOTE.as_bytes().to_vec();
            bytes[byte] ^= 1u8 << bit;
            let accepted = Note::parse(&bytes).is_ok_and(|note| note.verify(&[NEUMANN_KEY.parse().unwrap()]).is_ok());
            prop_assert!(!accepted);
        }

        #[test]
        fn any_bytes_are_a_note_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "(.|\n){0,40}\n\n(— [a-z ]{0,4} [A-Za-z0-9+/=]{0,12}\n){0,2}") {
            let _ = Note::parse(&bytes);
            if let Ok(note) = Note::parse(&text) {
                prop_assert_eq!(note.to_string(), text);
            }
        }
    }
}
