//! Text from outside, such as a name in a file, as messages show it.

use std::borrow::Cow;

/// The most characters of a text from outside that a message shows.
const LONGEST: usize = 200;

/// Text from outside with everything written out that a reader would not see or that would change
/// what stands around it, and cut if it is long.
///
/// A name in a file, of a parameter or a class may hold line ends, the escape sequences of a
/// terminal, marks that reverse the order of writing, or characters without width. Every message,
/// plan and summary shows such text through this, so that nothing in it can pass for the message.
///
/// ```
/// use ops::visible;
///
/// assert_eq!(visible("weight₁"), "weight₁");
/// assert_eq!(visible("a\u{1b}[31m\nb"), r"a\u{1b}[31m\nb");
/// assert_eq!(visible("user\u{202e}nimda"), r"user\u{202e}nimda");
/// assert!(visible(&"a".repeat(1000)).ends_with("aaa… (1000 characters)"));
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    let cut = text.char_indices().nth(LONGEST).map(|_| {
        let count = text.chars().count();
        let note = format!("… ({count} characters)");
        let end = text.char_indices().nth(LONGEST - note.chars().count());
        (end.map_or(text.len(), |(end, _)| end), note)
    });
    match cut {
        None => visible_whole(text),
        Some((end, note)) => Cow::Owned(visible_whole(&text[..end]).into_owned() + &note),
    }
}

/// As [`visible`], without a cut.
pub fn visible_whole(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden)
}

/// A message of several lines that others wrote, as [`visible_whole`] but with its line ends kept.
///
/// ```
/// assert_eq!(ops::visible_lines("no\n  \u{1b}[2Jyes"), "no\n  \\u{1b}[2Jyes");
/// ```
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && is_hidden(c))
}

fn escaped(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if hidden(c) { written.extend(c.escape_default()) } else { written.push(c) }
    }
    Cow::Owned(written)
}

/// Whether a character is not seen, or moves what follows it.
fn is_hidden(c: char) -> bool {
    c.is_control() || is_mark(c) || is_blank(c) || matches!(c, '\u{e0000}'..='\u{e0fff}') // tags
}

/// Marks of direction, of lines and paragraphs, of annotation, of variants.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2066}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{fe00}'..='\u{fe0f}')
}

/// Characters without width, or that look like none.
fn is_blank(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}')
        || matches!(c, '\u{2060}'..='\u{2065}' | '\u{feff}' | '\u{17b4}' | '\u{17b5}')
        || matches!(
            c,
            '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{1d173}'..='\u{1d17a}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_written_out_and_the_rest_stays() {
        for text in ["", "x", "ȳ · (1 - y²)", "größe 重み ∂L/∂w", r"C:\data"] {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text));
        }
        for c in ['\0', '\r', '\t', '\u{7f}', '\u{9b}', '\u{200d}', '\u{2066}', '\u{e0041}'] {
            let written = visible_whole(&format!("a{c}b")).into_owned();
            assert!(written.starts_with("a\\") && written.ends_with('b'), "{written}");
            assert!(!written.chars().any(is_hidden), "{written}");
        }
        assert_eq!(visible_lines("a\r\nb"), "a\\r\nb");
    }

    #[test]
    fn a_long_text_is_cut_once() {
        let long = "é\n".repeat(500);
        let cut = visible(&long).into_owned();
        assert!(cut.ends_with("… (1000 characters)"), "{cut}");
        let plain = "é".repeat(1000);
        let cut = visible(&plain).into_owned();
        assert_eq!(cut.chars().count(), LONGEST);
        assert_eq!(visible(&cut), cut);
        assert_eq!(visible(&plain[..2 * LONGEST]), plain[..2 * LONGEST]);
    }
}
