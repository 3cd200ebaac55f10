//! Words of messages.

/// A count with its noun: `1 row`, `2 rows`, `3 classes`, `4 axes`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    match noun.strip_suffix("is") {
        _ if count == 1 => format!("1 {noun}"),
        Some(stem) => format!("{count} {stem}es"),
        None if noun.ends_with('s') => format!("{count} {noun}es"),
        None => format!("{count} {noun}s"),
    }
}
