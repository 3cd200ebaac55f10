//! Words of messages.

use std::path::Path;

use ops::{visible, visible_whole};

/// A path as messages show it.
pub(crate) fn shown_path(path: &Path) -> String {
    visible_whole(&path.display().to_string()).into_owned()
}

/// A list of names as messages show it.
pub(crate) fn shown_list<'n>(names: impl IntoIterator<Item = &'n String>) -> String {
    names.into_iter().map(|name| visible(name)).collect::<Vec<_>>().join(", ")
}

/// The scopes around a value as messages show them: `model / 0 Dense`.
pub(crate) fn shown_scopes(scopes: &[String]) -> String {
    scopes.iter().map(|name| visible(name)).collect::<Vec<_>>().join(" / ")
}

/// A count with its noun: `1 row`, `2 rows`, `3 classes`, `4 axes`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    match noun.strip_suffix("is") {
        _ if count == 1 => format!("1 {noun}"),
        Some(stem) => format!("{count} {stem}es"),
        None if noun.ends_with('s') => format!("{count} {noun}es"),
        None => format!("{count} {noun}s"),
    }
}
