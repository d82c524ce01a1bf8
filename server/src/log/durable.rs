//! Small files that must be there, whole, after a power cut.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// The path with something added to its file name.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}

/// Replaces a file so that a reader, now or after a crash, finds the old bytes or the new ones, and after this returns
/// only the new ones. Only its owner may read it.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = beside(path, &format!(".{:08x}.tmp", rand::random::<u32>()));
    let written = write_new(&draft, bytes).and_then(|()| std::fs::rename(&draft, path)).and_then(|()| sync_folder(path));
    if written.is_err() {
        // Nothing may be there; that is fine.
        let _ = std::fs::remove_file(&draft);
    }
    written
}

/// Makes a file that must not be there yet.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_new(path, bytes).and_then(|()| sync_folder(path))
}

/// Moves a file and makes the move last.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to).and_then(|()| sync_folder(to))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A name is durable only once its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
