//! The log's keys: one signs; while a key is being replaced, two do.
//!
//! The key file holds a seed of 32 bytes. A new key stands beside the old one, in a file of the same name with `.new`
//! at its end, until everybody who verifies knows it; then it takes the old one's place.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use governance::log::{Note, NoteError, Signature, SigningKey, VerifierKey};

use super::{LogError, durable};

/// What a checkpoint is signed with, newest key first. There is always one.
#[derive(Debug)]
pub(super) struct Keys(Vec<SigningKey>);

impl Keys {
    /// Reads the keys at `file`; `None` when there are none.
    pub fn load(origin: &str, file: &Path) -> Result<Option<Self>, LogError> {
        let old = read(origin, file)?;
        let new = read(origin, &beside(file))?;
        let keys: Vec<SigningKey> = new.into_iter().chain(old).collect();
        Ok((!keys.is_empty()).then_some(Self(keys)))
    }

    /// Makes the first key of a log.
    pub fn make(origin: &str, file: &Path) -> Result<Self, LogError> {
        make(origin, file).map(|key| Self(vec![key]))
    }

    pub fn newest(&self) -> &SigningKey {
        &self.0[0]
    }

    pub fn verifiers(&self) -> Vec<VerifierKey> {
        self.0.iter().map(|key| key.verifier().clone()).collect()
    }

    /// Whether every key has signed the note, by what its lines claim.
    pub fn have_all_signed(&self, note: &Note) -> bool {
        self.0.iter().all(|key| note.signatures.iter().any(|signature| key.verifier().made(signature)))
    }

    /// One line of each key, for the text of a checkpoint.
    pub fn sign(&self, text: &str) -> Result<Vec<Signature>, NoteError> {
        self.0.iter().map(|key| key.signature(text)).collect()
    }
}

/// Where the key that will replace the one at `file` stands meanwhile.
fn beside(file: &Path) -> PathBuf {
    durable::beside(file, ".new")
}

fn failed(file: &Path, reason: impl std::fmt::Display) -> LogError {
    LogError::Key { path: file.display().to_string(), reason: reason.to_string() }
}

fn read(origin: &str, file: &Path) -> Result<Option<SigningKey>, LogError> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(file, error)),
    };
    let seed: [u8; 32] = bytes.try_into().map_err(|bytes: Vec<u8>| failed(file, format!("it has {} bytes, 32 are needed", bytes.len())))?;
    SigningKey::from_seed(origin, &seed).map(Some).map_err(|error| failed(file, error))
}

fn make(origin: &str, file: &Path) -> Result<SigningKey, LogError> {
    let seed: [u8; 32] = rand::random();
    let key = SigningKey::from_seed(origin, &seed).map_err(|error| failed(file, error))?;
    durable::create(file, &seed).map_err(|error| failed(file, error))?;
    Ok(key)
}

/// Puts a new key beside the one at `file`. From its next start on, the bridge signs with both.
///
/// # Errors
/// When there is no key to replace, or one is being replaced already.
pub fn begin_rotation(origin: &str, file: &Path) -> Result<VerifierKey, LogError> {
    if read(origin, file)?.is_none() {
        return Err(failed(file, "there is no key to replace; if it is lost for good, use --lost"));
    }
    if read(origin, &beside(file))?.is_some() {
        return Err(failed(&beside(file), "a rotation has begun already; end it with --finish"));
    }
    make(origin, &beside(file)).map(|key| key.verifier().clone())
}

/// Puts the new key in the old one's place. The old one is kept under its id, for its owner to store away or destroy.
pub fn finish_rotation(origin: &str, file: &Path) -> Result<VerifierKey, LogError> {
    let new = beside(file);
    let key = read(origin, &new)?.ok_or_else(|| failed(&new, "no rotation has begun; begin it without --finish"))?;
    // A crash between the two moves left only the new key.
    if let Some(old) = read(origin, file)? {
        let id = u32::from_be_bytes(old.verifier().id());
        let aside = durable::beside(file, &format!(".retired-{id:08x}"));
        durable::rename(file, &aside).map_err(|error| failed(file, error))?;
    }
    durable::rename(&new, file).map_err(|error| failed(&new, error))?;
    Ok(key.verifier().clone())
}

/// Makes a new key for a log whose key is gone.
///
/// # Errors
/// When the key is there after all.
pub fn replace_lost(origin: &str, file: &Path) -> Result<VerifierKey, LogError> {
    if Keys::load(origin, file)?.is_some() {
        return Err(failed(file, "the key is there and can be read; replace it without --lost"));
    }
    make(origin, file).map(|key| key.verifier().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "saltmarsh.example/log";

    #[test]
    fn a_key_is_replaced_in_two_steps_and_a_crash_between_them_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("log.key");
        assert!(begin_rotation(ORIGIN, &file).is_err() && finish_rotation(ORIGIN, &file).is_err());
        let old = Keys::make(ORIGIN, &file).unwrap().newest().verifier().clone();
        assert!(replace_lost(ORIGIN, &file).is_err());
        let new = begin_rotation(ORIGIN, &file).unwrap();
        assert!(begin_rotation(ORIGIN, &file).is_err());
        let both = Keys::load(ORIGIN, &file).unwrap().unwrap();
        assert_eq!(both.verifiers(), [new.clone(), old]);
        let note = Note { text: "a\n".into(), signatures: both.sign("a\n").unwrap() };
        assert_eq!(note.verify(&both.verifiers()).unwrap().len(), 2);

        // As if the machine had stopped after the first move.
        let aside = dir.path().join("aside");
        std::fs::rename(&file, &aside).unwrap();
        assert_eq!(Keys::load(ORIGIN, &file).unwrap().unwrap().newest().verifier(), &new);
        std::fs::rename(&aside, &file).unwrap();
        assert_eq!(finish_rotation(ORIGIN, &file).unwrap(), new);
        let after = Keys::load(ORIGIN, &file).unwrap().unwrap();
        assert_eq!(after.verifiers(), [new]);
        assert!(!after.have_all_signed(&Note { text: "a\n".into(), signatures: vec![] }) && after.have_all_signed(&note));
    }

    #[test]
    fn a_key_of_the_wrong_length_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("log.key");
        std::fs::write(&file, [1; 31]).unwrap();
        let refused = Keys::load(ORIGIN, &file).unwrap_err().to_string();
        assert!(refused.contains("31 bytes"), "{refused}");
        assert_eq!(std::fs::read(&file).unwrap().len(), 31);
    }
}
