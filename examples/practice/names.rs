//! Names of values, of their elements and of their adjoints, as they are shown and as they are read.

/// The name of the adjoint: a bar over the first letter.
///
/// ```
/// assert_eq!(practice::names::adjoint("c₁"), "c̄₁");
/// ```
pub fn adjoint(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map_or(String::new(), |first| format!("{first}\u{304}"));
    first + letters.as_str()
}

/// The indices of element number `element`, in brackets; nothing for a number.
pub fn indices(shape: &[usize], element: usize) -> String {
    if shape.is_empty() {
        return String::new();
    }
    let mut rest = element;
    let mut words: Vec<String> = Vec::new();
    for &length in shape.iter().rev() {
        words.insert(0, (rest % length).to_string());
        rest /= length;
    }
    format!("[{}]", words.join(","))
}

/// What stands between a name and its indices where only a name can stand.
const BETWEEN: &str = "__";

/// Letters that exist with their bar as one letter.
const ONE_LETTER: [(char, char); 14] = [
    ('ā', 'a'),
    ('ē', 'e'),
    ('ḡ', 'g'),
    ('ī', 'i'),
    ('ō', 'o'),
    ('ū', 'u'),
    ('ȳ', 'y'),
    ('Ā', 'A'),
    ('Ē', 'E'),
    ('Ḡ', 'G'),
    ('Ī', 'I'),
    ('Ō', 'O'),
    ('Ū', 'U'),
    ('Ȳ', 'Y'),
];

/// A name with indices as one name: `W[1,0]` as `W__1_0`. The bar over a letter is a letter of its
/// own, so that it does not matter which way it was typed.
pub fn flat(text: &str) -> String {
    let mut flat = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let (before, after) = rest.split_at(at);
        flat.push_str(before);
        let named = before.chars().next_back().is_some_and(in_name);
        let inside = after[1..].find(']').map(|end| &after[1..=end]);
        if let Some(inside) = inside.filter(|inside| named && are_indices(inside)) {
            let indices: Vec<&str> = inside.split(',').map(str::trim).collect();
            flat.push_str(BETWEEN);
            flat.push_str(&indices.join("_"));
            rest = &after[inside.len() + 2..];
        } else {
            flat.push('[');
            rest = &after[1..];
        }
    }
    flat.push_str(rest);
    let flat = with_bars(&flat);
    ONE_LETTER
        .iter()
        .fold(flat, |flat, &(one, letter)| flat.replace(one, &format!("{letter}\u{304}")))
}

/// Names that end with `bar` with a bar over the first letter: `zbar` is z̄.
fn with_bars(text: &str) -> String {
    let mut whole = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(in_name) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !in_name(c)).unwrap_or(from.len()));
        let (base, indices) = word.split_at(word.find(BETWEEN).unwrap_or(word.len()));
        let named = base.strip_suffix("bar").map(|name| name.trim_end_matches('_'));
        whole.push_str(before);
        match named.filter(|name| !name.is_empty()) {
            Some(name) => whole.extend([&adjoint(name)[..], indices]),
            None => whole.push_str(word),
        }
        rest = after;
    }
    whole + rest
}

/// A sentence with flat names in it, as a person writes them.
pub fn unflat(text: &str) -> String {
    let mut whole = String::new();
    let mut pieces = text.split(BETWEEN);
    whole.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let end = piece.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(piece.len());
        let (indices, after) = piece.split_at(end);
        if indices.is_empty() {
            whole.push_str(BETWEEN);
        } else {
            whole.extend(["[", &indices.replace('_', ","), "]"]);
        }
        whole.push_str(after);
    }
    whole
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '\u{300}'..='\u{36f}')
}

fn are_indices(text: &str) -> bool {
    let whole = |index: &str| {
        let index = index.trim();
        !index.is_empty() && index.len() < 4 && index.bytes().all(|c| c.is_ascii_digit())
    };
    text.split(',').all(whole)
}
