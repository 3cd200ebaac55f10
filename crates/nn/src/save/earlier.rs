//! The files that a file had in its name before.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::ground::error::SaveError;

/// The file before the last, the one before that, and so on: `name.1`, `name.2`.
pub(super) fn earlier(path: &Path) -> impl Iterator<Item = PathBuf> {
    (1..).map(|age| numbered(path, age)).take_while(|file| file.exists())
}

fn numbered(path: &Path, age: usize) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(format!(".{age}"));
    PathBuf::from(name)
}

/// Makes room for a file that is about to be written, so that the last `keep` stay: each gets the
/// name of the next older. At every moment the last whole file has its own name.
pub(crate) fn make_room(path: &Path, keep: usize) -> Result<(), SaveError> {
    if keep < 2 || !path.exists() {
        return Ok(());
    }
    let there = (1..keep - 1).take_while(|&age| numbered(path, age).exists()).count();
    let shifted = (1..=there)
        .rev()
        .try_for_each(|age| fs::rename(numbered(path, age), numbered(path, age + 1)));
    shifted
        .and_then(|()| second_name(path, &numbered(path, 1)))
        .map_err(SaveError::io("keep", &path.display().to_string()))
}

/// Gives a file a second name; a copy of it, where the file system has no second names.
fn second_name(path: &Path, name: &Path) -> io::Result<()> {
    if name.exists() {
        fs::remove_file(name)?;
    }
    fs::hard_link(path, name).or_else(|_| fs::copy(path, name).map(drop))
}
