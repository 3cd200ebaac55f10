//! A language that sets every sentence in brackets, and what is said outside of them.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use tape::words::{Catalogue, Language};

/// A template in brackets.
pub fn mark(text: &'static str) -> &'static str {
    format!("⟦{text}⟧").leak()
}

/// The language of the views in which every sentence is in brackets.
pub fn marked_views() -> Language {
    static MARKED: OnceLock<Catalogue> = OnceLock::new();
    let marked = || Language::ENGLISH.catalogue().changed("en-x-marked", "Marked", &mark);
    Language::of(MARKED.get_or_init(marked))
}

/// The words of a text that are neither in brackets nor known: not names of the program, of ops or of
/// files.
pub fn unmarked(text: &str, known: &[&str]) -> BTreeSet<String> {
    let mut outside = String::new();
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '⟦' => depth += 1,
            '⟧' => depth = depth.checked_sub(1).unwrap_or_else(|| panic!("brackets: {text}")),
            _ if depth == 0 => outside.push(c),
            _ => outside.push('\u{0}'),
        }
    }
    assert_eq!(depth, 0, "brackets: {text}");
    let tokens = outside.split_whitespace().filter(|token| !token.contains(".rs:"));
    let words = tokens.flat_map(|token| token.split(|c: char| !c.is_alphabetic()));
    let words = words.filter(|word| word.chars().count() > 1 && !known.contains(word));
    words.map(str::to_owned).collect()
}
