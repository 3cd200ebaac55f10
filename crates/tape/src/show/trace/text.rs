//! Text for people: spans of a role, set in lines of a given width.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

use ops::{Float, Tensor, visible_whole};
use textwrap::core::display_width;
use textwrap::{WordSeparator, WordSplitter, WrapAlgorithm};

use super::formula::Rounding;
use super::summary::Summary;
use crate::words::{Language, Piece, pieces};

/// The setting of text: numbers, tensors and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The numbers, everywhere; and in formulas, which tensors keep their labels.
    pub rounding: Rounding,
    /// A tensor of more elements than this is summarised: its shape, a corner, and the smallest,
    /// mean and largest element.
    pub elements: usize,
    /// The number of columns, which no line exceeds; `usize::MAX` for lines of any length.
    pub width: usize,
    /// The language of the sentences.
    pub language: Language,
}

impl Default for Layout {
    /// 80 columns, tensors of up to 12 elements in full, the rounding of formulas, English.
    fn default() -> Self {
        let (rounding, language) = (Rounding::default(), Language::ENGLISH);
        Self { rounding, elements: 12, width: 80, language }
    }
}

impl From<Rounding> for Layout {
    fn from(rounding: Rounding) -> Self {
        Self { rounding, ..Self::default() }
    }
}

impl Layout {
    /// Sets the number of significant digits.
    pub fn digits(mut self, digits: usize) -> Self {
        self.rounding.digits = digits;
        self
    }

    /// Sets the language.
    pub fn language(mut self, language: Language) -> Self {
        self.language = language;
        self
    }

    /// The layout that a format asks for: `{:.6}` for six digits.
    pub(super) fn of(f: &fmt::Formatter<'_>) -> Self {
        f.precision().map_or_else(Self::default, |digits| Self::default().digits(digits))
    }
}

/// The role of a part of a line, from which its colour follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A title, and what a step is about.
    Heading,
    /// A formula in labels.
    Formula,
    /// A formula with numbers.
    Numbers,
    /// A result.
    Value,
    /// A sentence.
    Note,
    /// A source position.
    Place,
    /// Spaces and signs between.
    Space,
}

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The role.
    pub role: Role,
    /// Its characters, none of which is a control character.
    pub text: String,
}

/// The column at which places end in wider text.
const RIGHT_END: usize = 120;

/// Lines of text. [`Display`] writes them without colour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    pub(super) lines: Vec<Vec<Span>>,
    width: usize,
}

impl Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            line.iter().try_for_each(|span| f.write_str(&span.text))?;
            f.write_char('\n')?;
        }
        Ok(())
    }
}

impl Text {
    /// The lines, each of parts in their order.
    pub fn lines(&self) -> &[Vec<Span>] {
        &self.lines
    }

    pub(super) fn new(layout: Layout) -> Self {
        Self { lines: Vec::new(), width: layout.width }
    }

    pub(super) fn line(&mut self, spans: Vec<Span>) {
        self.lines.extend(broken(spans, self.width));
    }

    /// Adds the lines of another text.
    pub(super) fn append(&mut self, other: Self) {
        self.lines.extend(other.lines);
    }

    pub(super) fn blank(&mut self) {
        self.line(Vec::new());
    }

    /// A sentence, continued on further lines a little to the right.
    pub(super) fn note(&mut self, role: Role, indent: usize, text: &str) {
        let hanging = if indent == 0 { 0 } else { indent + 2 };
        for (i, part) in wrap(text, self.width.saturating_sub(hanging)).into_iter().enumerate() {
            let indent = if i == 0 { indent } else { hanging };
            self.line(vec![space(indent), span(role, part)]);
        }
    }

    /// `left = a = b = c` on one line, or each on a line of its own, the signs below each other.
    pub(super) fn equation(&mut self, indent: usize, left: &[Span], sign: &str, sides: Vec<Span>) {
        let start = indent + columns(left) + 1 + display_width(sign);
        let length: usize = sides.iter().map(|s| display_width(&s.text) + 3).sum();
        let mut line = vec![space(indent)];
        line.extend_from_slice(left);
        line.push(span(Role::Space, format!(" {sign} ")));
        if start.saturating_add(length) <= self.width.saturating_add(2) {
            for (i, side) in sides.into_iter().enumerate() {
                if i > 0 {
                    line.push(span(Role::Space, " = "));
                }
                line.push(side);
            }
            return self.line(line);
        }
        // Beside a long name the rest would have no room: it goes below.
        let below = start > self.width / 2;
        let start = if below { indent + 4 } else { start };
        if below {
            line.pop();
            line.push(span(Role::Space, format!(" {sign}")));
            self.line(std::mem::replace(&mut line, vec![space(start + 1)]));
        }
        for (i, Span { role, text }) in sides.into_iter().enumerate() {
            if i > 0 {
                line = vec![space(start - 1), span(Role::Space, "= ")];
            }
            for part in wrap(&text, self.width.saturating_sub(start + 1)) {
                line.push(span(role, part));
                self.line(std::mem::replace(&mut line, vec![space(start + 1)]));
            }
        }
    }

    /// Puts the place at the right end of line number `line`, or on a line of its own.
    pub(super) fn place(&mut self, line: usize, place: &str) {
        let used = columns(&self.lines[line]);
        let place = span(Role::Place, visible(place));
        let length = display_width(&place.text);
        if used + 2 + length <= self.width {
            let end = self.width.min(RIGHT_END);
            let between = end.saturating_sub(used + length).max(2);
            self.lines[line].extend([space(between), place]);
        } else {
            let indent = self.width.min(RIGHT_END).saturating_sub(length);
            self.line(vec![space(indent), place]);
        }
    }
}

fn columns(spans: &[Span]) -> usize {
    spans.iter().map(|span| display_width(&span.text)).sum()
}

/// Breaks a line that is too long for the width, between letters.
fn broken(spans: Vec<Span>, width: usize) -> Vec<Vec<Span>> {
    if columns(&spans) <= width {
        return vec![spans];
    }
    let (mut lines, mut used) = (vec![Vec::new()], 0);
    for Span { role, text } in spans {
        let mut part = String::new();
        for c in text.chars() {
            let columns = display_width(c.encode_utf8(&mut [0; 4]));
            if used > 0 && used + columns > width {
                lines.last_mut().expect("a line").push(span(role, std::mem::take(&mut part)));
                lines.push(Vec::new());
                used = 0;
            }
            used += columns;
            part.push(c);
        }
        lines.last_mut().expect("a line").push(span(role, part));
    }
    lines
}

pub(super) fn span(role: Role, text: impl Into<String>) -> Span {
    Span { role, text: text.into() }
}

/// A sentence, given what stands in its gaps.
pub(super) fn spans(role: Role, template: &'static str, gaps: &[(&str, Span)]) -> Vec<Span> {
    let part = |piece: Piece| match piece {
        Piece::Text(text) => Some(span(role, text)),
        Piece::Gap(name) => gaps.iter().find(|gap| gap.0 == name).map(|gap| gap.1.clone()),
    };
    pieces(template).filter_map(part).collect()
}

fn space(columns: usize) -> Span {
    span(Role::Space, " ".repeat(columns))
}

/// Breaks a text into lines of the given width, between words where these are not too long.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width.max(1))
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .break_words(true);
    textwrap::wrap(text, options).into_iter().map(Cow::into_owned).collect()
}

/// A name or a text with names in it, with what cannot be seen [written out](ops::visible): `a\nb`.
pub(crate) fn visible(text: &str) -> String {
    visible_whole(text).into_owned()
}

/// A tensor on one line: in full, or summarised.
///
/// ```
/// use tape::trace::{Layout, tensor_text};
///
/// let small = ops::Tensor::from([[0.5, -1.0], [2.0 / 3.0, 0.0]]);
/// assert_eq!(tensor_text(&small, Layout::default()), "[[0.5, -1], [0.6667, 0]]");
/// let large = ops::Tensor::full(&[400], 0.25);
/// assert_eq!(
///     tensor_text(&large, Layout::default()),
///     "[400] numbers [0.25, 0.25, 0.25, …], min 0.25, mean 0.25, max 0.25"
/// );
/// ```
pub fn tensor_text<A: Float>(x: &Tensor<A>, layout: Layout) -> String {
    let number = |x: A| layout.rounding.number(x);
    if x.len() <= layout.elements {
        return nested(x, x.shape(), number);
    }
    let Summary { shape, corner, min, mean, max, not_finite } = Summary::new(x);
    let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
    let (lengths, language) = (format!("[{}]", lengths.join("×")), layout.language);
    let first = language.large_tensor(lengths, nested(&corner, &shape, number));
    let least = min.map(|x| language.least(number(x)));
    let mean = mean.map(|x| language.mean(number(x)));
    let most = max.map(|x| language.most(number(x)));
    let not_finite = (not_finite > 0).then(|| language.not_finite(not_finite));
    let facts = [Some(first), least, mean, most, not_finite];
    facts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The elements in brackets, with `…` where the whole has more along an axis; a corner lacks the
/// axes of the whole before its own.
fn nested<A: Float>(x: &Tensor<A>, whole: &[usize], number: impl Fn(A) -> String) -> String {
    let mut words: Vec<String> = x.to_vec().into_iter().map(number).collect();
    let whole_of_own = &whole[whole.len() - x.ndim()..];
    for axis in (0..x.ndim()).rev() {
        let length = x.shape()[axis];
        let more = if length < whole_of_own[axis] { ", …" } else { "" };
        let count: usize = x.shape()[..axis].iter().product();
        let row = |i: usize| words[i * length..(i + 1) * length].join(", ");
        words = (0..count).map(|i| format!("[{}{more}]", row(i))).collect();
    }
    for &of in whole[..whole.len() - x.ndim()].iter().rev() {
        let more = if of > 1 { ", …" } else { "" };
        words = vec![format!("[{}{more}]", words.join(", "))];
    }
    words.pop().unwrap_or_else(|| "[]".to_owned()) // Of shape [0, 2].
}
