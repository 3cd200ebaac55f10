//! What can be wrong with an expression, shown in its text.

use std::fmt::{self, Display};
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use ops::{visible_lines, visible_whole};

use crate::words::Language;

/// An error in an expression: a sentence, the text with a mark under the place,
/// and help where something would.
///
/// ```
/// use tape::expression::Expression;
///
/// let error = Expression::parse("w * (x + b").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "error: the expression ends before its bracket is closed
///   |
/// 1 | w * (x + b
///   |           ^ expected an operator or `)`"
/// );
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ExpressionError(Box<Facts>); // In a box, so that results with errors in them stay small.

#[derive(Clone, Debug, PartialEq)]
struct Facts {
    language: Language,
    kind: Kind,
    source: String,
    place: Range<usize>,
    title: String,
    label: String,
    help: Vec<String>,
}

/// The kind of an error in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// It cannot be read.
    Syntax,
    /// It is nested more deeply than [`DEEPEST`](super::DEEPEST).
    TooDeep,
    /// A function that does not exist, or one with another number of operands.
    Function,
    /// A name that was given no value.
    NoValue(String),
    /// A name with two values.
    TwoValues(String),
    /// A value that nothing uses.
    Unused(String),
    /// Something else where a number should be.
    NotANumber,
    /// Operands whose shapes do not fit.
    Shape,
    /// A result that has no gradient.
    NoGradient,
}

impl ExpressionError {
    pub(super) fn new(
        language: Language,
        kind: Kind,
        source: &str,
        place: Range<usize>,
        title: impl Into<String>,
    ) -> Self {
        let (source, title) = (source.to_owned(), visible_whole(&title.into()).into_owned());
        let (label, help) = (String::new(), Vec::new());
        Self(Box::new(Facts { language, kind, source, place, title, label, help }))
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.0.label = visible_whole(&label.into()).into_owned();
        self
    }

    /// Adds a line of help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help.push(visible_whole(&help.into()).into_owned());
        self
    }

    /// The kind of error.
    pub fn kind(&self) -> &Kind {
        &self.0.kind
    }

    /// The place of the error, as a range of bytes of the text.
    pub fn place(&self) -> Range<usize> {
        self.0.place.clone()
    }

    /// The error as a sentence, without the text.
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// The error as text, with the escape sequences of a terminal's colours if asked.
    pub fn render(&self, color: bool) -> String {
        let Facts { language, source, place, title, label, help, .. } = &*self.0;
        // Blanks of one byte for others, so that places stay where they are.
        let source = source.replace(['\t', '\r'], " ");
        let [start, end] =
            [place.start, place.end].map(|byte| visible_lines(&source[..byte]).len());
        let mark = AnnotationKind::Primary.span(start..end);
        let mark = if label.is_empty() { mark } else { mark.label(label) };
        let snippet = Snippet::source(visible_lines(&source)).annotation(mark);
        let [error, more] = [
            Level::ERROR.with_name(language.typed_error()),
            Level::HELP.with_name(language.typed_help()),
        ];
        let group = error.primary_title(title).element(snippet);
        let help = help.iter().map(|text| more.clone().message(text));
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group.elements(help)])
    }
}

impl Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ExpressionError {}
