//! Files that are whole or not there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::ground::error::SaveError;

/// How much of a file's name its temporary files have in theirs: some systems allow 255 bytes.
const NAME: usize = 64;

/// What `tempfile` puts into the name of a temporary file.
const RANDOM: usize = 6;

/// Writes a file so that at any moment, whatever happens to the program or the machine, `path` is
/// either the old file or the new one, whole: the bytes go to a temporary file beside it, are
/// flushed to the disk, and the temporary file then takes the name.
///
/// A program that is killed in between may leave the temporary file (`.name.….partial`) behind; the
/// next to write `path` removes it.
pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), SaveError> {
    let written = replace(path, bytes).or_else(|error| match error.kind() {
        // Another program may have taken the temporary file for one that was left behind, in the
        // moment before it was locked.
        io::ErrorKind::NotFound => replace(path, bytes),
        _ => Err(error),
    });
    written.map_err(SaveError::io("write", &path.display().to_string()))
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A symbolic link stays one, and what it points to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if target.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let prefix = prefix(&target);
    let mut file = temporary_file(&directory, &prefix)?;
    // While it is written. A temporary file without a lock is one whose writer is gone.
    let _ = file.as_file().try_lock();
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    if let Ok(old) = fs::metadata(&target) {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.persist(&target).map_err(|error| error.error)?;
    remove_abandoned(&directory, &prefix);
    sync_directory(&directory)
}

/// How the names of a file's temporary files begin.
fn prefix(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let end = name.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|&end| end <= NAME);
    format!(".{}.", &name[..end.last().unwrap_or(0)])
}

const SUFFIX: &str = ".partial";

fn temporary_file(directory: &Path, prefix: &str) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).rand_bytes(RANDOM).suffix(SUFFIX);
    // A saved model is an ordinary file, not a secret one as temporary files are.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory)
}

/// Removes the temporary files of writers that are gone. It is only cleaning: what cannot be removed
/// stays.
fn remove_abandoned(directory: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let random = name.to_str().and_then(|name| name.strip_prefix(prefix)?.strip_suffix(SUFFIX));
        let is_ours = random.is_some_and(|random| {
            random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        if is_ours
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Makes the new name itself last.
fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}
