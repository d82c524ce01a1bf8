//! Cosignatures (C2SP tlog-cosignature 1.0): what a witness adds below a log's
//! checkpoint, saying that at a certain time this was the largest tree it had seen
//! of the log, and that it had only ever grown.
//!
//! Only Ed25519 (type `0x04`) is made and checked; ML-DSA-44 lines are carried
//! along unread. Whether a witness may cosign is for [`super::witness`], and how
//! many cosignatures are enough for [`super::policy`].

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::Signer as _;

use super::note::{KeyId, NamedKey, Note, NoteError, Signature};

/// The signature type of Ed25519 cosignatures.
const COSIGNATURE: u8 = 0x04;

/// The latest time a cosignature may name, in Unix seconds: 2^63 − 1.
pub const LATEST: u64 = i64::MAX as u64;

/// A witness's public key and the name it signs under. Written `name+id+key`.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessKey(NamedKey);

impl WitnessKey {
    /// The name the witness signs under.
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

    /// Whether a signature line claims to be of this witness. It may still be wrong.
    pub fn made(&self, signature: &Signature) -> bool {
        self.0.made(signature)
    }

    /// The time at which this witness cosigned the text, in Unix seconds; `None`
    /// when the signature does not hold.
    pub fn time_of(&self, text: &str, signature: &Signature) -> Option<u64> {
        if !self.made(signature) {
            return None;
        }
        let (time, bytes) = signature.bytes.split_first_chunk::<8>()?;
        let time = u64::from_be_bytes(*time);
        let holds = (1..=LATEST).contains(&time) && self.0.accepts(message(text, time).as_bytes(), bytes);
        holds.then_some(time)
    }

    /// When this witness cosigned the note, in Unix seconds; the latest time when
    /// it did so more than once, `None` when it did not.
    ///
    /// # Errors
    /// A line with this witness's name and id that does not hold condemns the note,
    /// as the signed-note format demands.
    pub fn cosigned(&self, note: &Note) -> Result<Option<u64>, NoteError> {
        let mut latest = None;
        for signature in note.signatures.iter().filter(|signature| self.made(signature)) {
            let time = self.time_of(&note.text, signature);
            latest = latest.max(Some(time.ok_or_else(|| NoteError::BadSignature { name: self.name().to_owned() })?));
        }
        Ok(latest)
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessKey({self})")
    }
}

impl FromStr for WitnessKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        NamedKey::parse(text, COSIGNATURE, "the key is not of a witness: Ed25519 cosignatures, type 4, are needed").map(Self)
    }
}

/// A witness's private key and the name it signs under.
#[derive(Clone)]
pub struct CosignerKey {
    secret: ed25519_dalek::SigningKey,
    verifier: WitnessKey,
}

impl CosignerKey {
    /// The key that belongs to a seed of 32 random bytes. The signed message does
    /// not commit to the name, so a seed must serve one witness only.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let secret = ed25519_dalek::SigningKey::from_bytes(seed);
        Ok(Self { verifier: WitnessKey(NamedKey::new(name, COSIGNATURE, secret.verifying_key())?), secret })
    }

    /// The public half, which others check cosignatures with.
    pub fn verifier(&self) -> &WitnessKey {
        &self.verifier
    }

    /// The line to add below a checkpoint with this text. `time` is in Unix
    /// seconds. That the checkpoint may be cosigned is for the caller to know.
    pub fn cosign(&self, text: &str, time: u64) -> Result<Signature, NoteError> {
        if !(1..=LATEST).contains(&time) {
            return Err(NoteError::Text { reason: "the time is zero or after 2^63 seconds" });
        }
        if !text.ends_with('\n') {
            return Err(NoteError::Text { reason: "it does not end in a newline" });
        }
        let signature = self.secret.sign(message(text, time).as_bytes());
        let bytes = time.to_be_bytes().into_iter().chain(signature.to_bytes()).collect();
        Ok(Signature { name: self.verifier.name().to_owned(), id: self.verifier.id(), bytes })
    }
}

impl fmt::Debug for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosignerKey(of {})", self.verifier)
    }
}

/// What is signed: two lines, then the whole text of the checkpoint.
fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::super::note::VerifierKey;
    use super::*;
    use proptest::prelude::*;

    /// Made with the Go packages `sumdb/note` and transparency-dev's `formats/note`, from seeds of 32 nines.
    const FROM_GO: &str = "saltmarsh.example/log\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
        \n\
        — saltmarsh.example/log AZ4ACeOVnEZk11S0oc5antzubU6PJe3Vc3/wIPZWgQjM2jSVNtrr2UfQDybHeOa5BCL+wa2lwu7SvbrnlxxyKRxTVwQ=\n\
        — witness.example/w1 JLXZ/gAAAABrAIpyrvCG/QIirluK/Jb4E2wVyEHwdF5BLXhaHHc4Q0utBRtWW9NgwK1uF7V5g/XEjAP8+kl2Jw9EgWz70ZPEpL4oBw==\n";
    const LOG_IN_GO: &str = "saltmarsh.example/log+019e0009+Af0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";
    const WITNESS_IN_GO: &str = "witness.example/w1+24b5d9fe+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";
    const TIME_IN_GO: u64 = 0x6b00_8a72;

    /// The example of tlog-cosignature, whose keys are not given there.
    const SPECIFIED: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
        \n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

    fn witness() -> CosignerKey {
        CosignerKey::from_seed("witness.example/w1", &[9; 32]).unwrap()
    }

    #[test]
    fn a_cosignature_made_in_go_holds_and_is_made_the_same_here() {
        let note = Note::parse(FROM_GO).unwrap();
        let key: WitnessKey = WITNESS_IN_GO.parse().unwrap();
        assert_eq!(key.cosigned(&note), Ok(Some(TIME_IN_GO)));
        assert_eq!(note.verify(&[LOG_IN_GO.parse().unwrap()]).unwrap().len(), 1);
        assert_eq!(witness().verifier(), &key);
        assert_eq!(witness().cosign(&note.text, TIME_IN_GO).as_ref(), Ok(&note.signatures[1]));
        assert_eq!(key.to_string(), WITNESS_IN_GO);
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        let note = Note::parse(SPECIFIED).unwrap();
        // 1679315147 stands in the specification, too.
        assert_eq!(note.signatures[1].bytes[..8], 1_679_315_147u64.to_be_bytes());
        assert_eq!(note.to_string(), SPECIFIED);
        assert_eq!(witness().verifier().cosigned(&note), Ok(None));
    }

    #[test]
    fn a_key_of_a_log_is_not_one_of_a_witness() {
        assert!(LOG_IN_GO.parse::<WitnessKey>().is_err());
        assert!(WITNESS_IN_GO.parse::<VerifierKey>().is_err());
        // The id commits to the type.
        assert!(WITNESS_IN_GO.replace("24b5d9fe", "6327c7cb").parse::<WitnessKey>().is_err());
    }

    #[test]
    fn a_cosignature_holds_for_its_text_and_time_only() {
        let note = Note::parse(FROM_GO).unwrap();
        let key = witness().verifier().clone();
        let mut other = note.clone();
        other.text = other.text.replace("20852163", "20852164");
        assert!(key.cosigned(&other).is_err());
        for byte in 0..note.signatures[1].bytes.len() {
            let mut other = note.clone();
            other.signatures[1].bytes[byte] ^= 1;
            assert!(key.cosigned(&other).is_err(), "byte {byte}");
        }
        let mut short = note.clone();
        short.signatures[1].bytes.truncate(7);
        assert!(key.cosigned(&short).is_err());
    }

    #[test]
    fn the_latest_of_several_cosignatures_counts_and_a_wrong_one_condemns() {
        let mut note = Note::parse(FROM_GO).unwrap();
        note.add(witness().cosign(&note.text, TIME_IN_GO + 5).unwrap());
        note.add(witness().cosign(&note.text, TIME_IN_GO + 3).unwrap());
        assert_eq!(witness().verifier().cosigned(&note), Ok(Some(TIME_IN_GO + 5)));
        let mut wrong = witness().cosign("another\n", TIME_IN_GO).unwrap();
        wrong.name = witness().verifier().name().into();
        note.add(wrong);
        assert_eq!(witness().verifier().cosigned(&note), Err(NoteError::BadSignature { name: "witness.example/w1".into() }));
    }

    #[test]
    fn no_time_is_no_cosignature() {
        for time in [0, LATEST + 1, u64::MAX] {
            assert!(witness().cosign("a\n", time).is_err());
        }
        assert!(witness().cosign("a", 1).is_err());
        // One that someone signed all the same.
        let secret = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
        for time in [0, LATEST + 1] {
            let bytes = time.to_be_bytes().into_iter().chain(secret.sign(message("a\n", time).as_bytes()).to_bytes()).collect();
            let line = Signature { name: "witness.example/w1".into(), id: witness().verifier().id(), bytes };
            assert_eq!(witness().verifier().time_of("a\n", &line), None);
        }
    }

    proptest! {
        #[test]
        fn any_cosignature_survives_its_note(seed in any::<[u8; 32]>(), time in 1..=LATEST, text in "[a-z]{1,9}\n[0-9]{1,9}\n") {
            let key = CosignerKey::from_seed("w", &seed).unwrap();
            let note = Note { signatures: vec![key.cosign(&text, time).unwrap()], text };
            let read = Note::parse(note.to_string()).unwrap();
            let verifier: WitnessKey = key.verifier().to_string().parse().unwrap();
            prop_assert_eq!(verifier.cosigned(&read), Ok(Some(time)));
        }

        #[test]
        fn a_mangled_key_is_refused_or_another(at in 0usize..80, byte in any::<u8>()) {
            let mut bytes = WITNESS_IN_GO.as_bytes().to_vec();
            let place = at % bytes.len();
            bytes[place] = byte;
            if let Ok(text) = String::from_utf8(bytes) && let Ok(key) = text.parse::<WitnessKey>() {
                prop_assert_eq!(key.to_string(), text);
            }
        }
    }
}
