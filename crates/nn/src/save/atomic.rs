//! Files that are whole or not there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::ground::error::SaveError;

/// Writes a file so that at any moment, whatever happens to the program or the machine, `path` is
/// either the old file or the new one, whole: the bytes go to a temporary file beside it, are
/// flushed to the disk, and the temporary file then takes the name.
///
/// A program that is killed in between may leave the temporary file (`.….partial`) behind.
pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), SaveError> {
    replace(path, bytes).map_err(SaveError::io("write", &path.display().to_string()))
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
    let mut file = temporary_file(&directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    if let Ok(old) = fs::metadata(&target) {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.persist(&target).map_err(|error| error.error)?;
    sync_directory(&directory)
}

fn temporary_file(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".partial");
    // A saved model is an ordinary file, not a secret one as temporary files are.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory)
}

/// Makes the new name itself last.
fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}
