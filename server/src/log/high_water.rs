//! The high-water mark: a copy of the newest checkpoint, away from the database, written before a signature leaves.
//!
//! It is the operator's own file, so its signatures are not checked: whoever can write it can delete it. A file that
//! cannot be read is an error all the same, never a file that is not there.

use std::{
    fs::{File, OpenOptions},
    io::ErrorKind,
    path::PathBuf,
};

use governance::log::{Checkpoint, Note};

use super::{LogError, durable};

/// What messages call the copy; where it stands is nobody's business but its operator's.
pub(super) const NAME: &str = "the high-water copy";

#[derive(Debug)]
pub(super) struct HighWater {
    file: PathBuf,
    origin: String,
}

impl HighWater {
    pub fn new(file: PathBuf, origin: &str) -> Self {
        Self { file, origin: origin.to_owned() }
    }

    /// Where it stands, for its operator alone.
    pub fn place(&self) -> String {
        self.file.display().to_string()
    }

    /// The newest checkpoint that was signed; `None` before the first.
    pub fn read(&self) -> Result<Option<Checkpoint>, LogError> {
        let bytes = match std::fs::read(&self.file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let note = Note::parse(bytes).map_err(|error| self.failed(error))?;
        let checkpoint = Checkpoint::parse(&note.text).map_err(|error| self.failed(error))?;
        if checkpoint.origin != self.origin {
            return Err(self.failed(format!("it is of the log {:?}, and this one is {:?}", checkpoint.origin, self.origin)));
        }
        Ok(Some(checkpoint))
    }

    /// Raises the mark. A larger one stays: another process of this log may have been faster.
    pub fn raise(&self, checkpoint: &Checkpoint, note: &Note) -> Result<(), LogError> {
        let _turn = self.turn().map_err(|error| self.failed(error))?;
        let text = note.to_string();
        match self.read()? {
            Some(mark) if mark.size > checkpoint.size => return Ok(()),
            // Asked again and again while witnesses are missing; the disk need not hear of it.
            Some(_) if std::fs::read(&self.file).is_ok_and(|bytes| bytes == text.as_bytes()) => return Ok(()),
            _ => {}
        }
        durable::replace(&self.file, text.as_bytes()).map_err(|error| self.failed(error))
    }

    /// Held while the mark is read and raised; the lock goes with the file handle.
    fn turn(&self) -> std::io::Result<File> {
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(durable::beside(&self.file, ".lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    fn failed(&self, reason: impl std::fmt::Display) -> LogError {
        LogError::HighWater { path: self.file.display().to_string(), reason: reason.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use governance::log::{SigningKey, leaf_hash};

    use super::*;

    const ORIGIN: &str = "saltmarsh.example/log";

    fn signed(size: u64) -> (Checkpoint, Note) {
        let checkpoint = Checkpoint { origin: ORIGIN.into(), size, root: leaf_hash(&size.to_be_bytes()) };
        let note = checkpoint.sign(&SigningKey::from_seed(ORIGIN, &[1; 32]).unwrap()).unwrap();
        (checkpoint, note)
    }

    #[test]
    fn the_mark_only_rises() {
        let dir = tempfile::tempdir().unwrap();
        let mark = HighWater::new(dir.path().join("mark"), ORIGIN);
        assert_eq!(mark.read().unwrap(), None);
        for (raised, expected) in [(3, 3), (5, 5), (4, 5), (5, 5), (6, 6)] {
            let (checkpoint, note) = signed(raised);
            mark.raise(&checkpoint, &note).unwrap();
            assert_eq!(mark.read().unwrap().unwrap().size, expected);
        }
        assert!(HighWater::new(dir.path().join("mark"), "other.example/log").read().is_err());
    }

    #[test]
    fn a_damaged_mark_is_an_error_and_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let mark = HighWater::new(dir.path().join("mark"), ORIGIN);
        let (checkpoint, note) = signed(3);
        mark.raise(&checkpoint, &note).unwrap();
        let whole = std::fs::read(&mark.file).unwrap();
        std::fs::write(&mark.file, &whole[..40]).unwrap();
        assert!(mark.read().is_err());
        let (checkpoint, note) = signed(4);
        assert!(mark.raise(&checkpoint, &note).is_err());
        assert_eq!(std::fs::read(&mark.file).unwrap(), &whole[..40]);
    }
}
