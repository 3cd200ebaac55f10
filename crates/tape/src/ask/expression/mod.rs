//! Expressions that a user types, such as `z = w*x + b; y = tanh(z)`, read and recorded on a tape.
//!
//! | written | is |
//! |---|---|
//! | `0.5`, `1e-3` | a number |
//! | `w`, `w₁`, `loss` | a value that is given, or that a statement before has named |
//! | `[1, 2, 3]`, `[[1, 2], [3, 4]]` | a tensor |
//! | `a + b`, `a - b`, `a * b`, `a / b`, `-a` | elementwise, broadcast |
//! | `a ^ b` (or `a ** b`), `a²`, `a³` | a power: binds tightest, `2^3^2` is `2^(3^2)`, `-a^2` is `-(a^2)` |
//! | `a @ b` | a matrix product |
//! | `tanh(a)`, `maximum(a, b)` | an op; [`functions`] lists them |
//! | `leaky_relu(a, 0.01)` | an op with a setting, which is a number |
//! | `z = …` | a name for what follows, to be used in later statements |
//!
//! Statements are separated by `;` or by the end of a line. The value of the last one is what the
//! expression gives; without a name it is called `y`. The signs `·`, `×`, `−` and `÷` mean `*`, `-`
//! and `/`, so that a formula that a trace shows can be read again.
//!
//! ```
//! use ops::Tensor;
//! use tape::{Tape, Trace, expression::Expression};
//!
//! let expression = Expression::parse("z = w*x + b; y = tanh(z)")?;
//! assert_eq!(expression.names(), ["w", "x", "b"]);
//! let tape = Tape::new();
//! let given = [("w", 0.5), ("x", 2.0), ("b", 0.1)].map(|(name, x)| (name, Tensor::scalar(x)));
//! let y = expression.record(&tape, &given)?;
//! assert_eq!(y.item(), (0.5 * 2.0 + 0.1_f64).tanh());
//! assert_eq!(y.operands()[0].label(), "z");
//!
//! let error = Expression::parse("tanh(w*x + )").unwrap_err().to_string();
//! assert!(error.contains("tanh(w*x + )\n  |            ^"), "{error}");
//! # Ok::<(), tape::expression::ExpressionError>(())
//! ```

mod constant;
mod error;
mod functions;
mod infix;
mod parse;
mod record;
mod refuse;

use std::collections::HashSet;
use std::ops::Range;

use ops::Tensor;

pub use crate::ask::nearest::nearest;
use crate::words::Language;
pub use error::{ExpressionError, Kind};
pub use functions::{Function, functions};

/// The largest depth to which brackets, signs and powers may be nested.
pub const DEEPEST: usize = 64;

/// An expression that was read: one or more statements.
#[derive(Clone, Debug)]
pub struct Expression {
    source: String,
    /// In which it is said what is wrong.
    language: Language,
    /// The parts of the statements; operands come before the terms that use them, so that no
    /// depth of nesting asks for recursion.
    terms: Vec<Term>,
    statements: Vec<Statement>,
}

/// A statement: an optional name and a term.
#[derive(Clone, Debug)]
struct Statement {
    name: Option<Range<usize>>,
    value: usize,
}

/// A part of an expression, and where it stands.
#[derive(Clone, Debug)]
struct Term {
    content: Content,
    place: Range<usize>,
}

/// Terms refer to others by their position.
#[derive(Clone, Debug)]
enum Content {
    Number(f64),
    Name(Range<usize>),
    List(Vec<usize>),
    Negative(usize),
    Power(usize, f64),
    Infix(Infix, usize, usize),
    Call { name: Range<usize>, operands: Vec<usize> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Infix {
    Add,
    Sub,
    Mul,
    Div,
    Matmul,
    Pow,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// If it does not follow the rules above, with the place and what was expected there.
    ///
    /// ```
    /// use tape::expression::{Expression, Kind};
    ///
    /// let error = Expression::parse("2 x").unwrap_err();
    /// assert_eq!((error.kind(), error.place()), (&Kind::Syntax, 2..3));
    /// ```
    pub fn parse(source: &str) -> Result<Self, ExpressionError> {
        Self::parse_in(Language::ENGLISH, source)
    }

    /// Reads an expression whose errors, also those of [`record`](Self::record), are said in a
    /// language.
    ///
    /// ```
    /// use tape::expression::Expression;
    /// use tape::words::Language;
    ///
    /// let error = Expression::parse_in(Language::ENGLISH, "a ~ b").unwrap_err();
    /// assert_eq!(error, Expression::parse("a ~ b").unwrap_err());
    /// ```
    ///
    /// # Errors
    /// As for [`parse`](Self::parse).
    pub fn parse_in(language: Language, source: &str) -> Result<Self, ExpressionError> {
        parse::expression(language, source)
    }

    /// The text that was read.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names that must be given values, in the order of their first use.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let (mut known, mut start) = (HashSet::new(), 0);
        for statement in &self.statements {
            for term in &self.terms[start..=statement.value] {
                if let Content::Name(name) = &term.content
                    && known.insert(self.text(name))
                {
                    names.push(self.text(name));
                }
            }
            known.extend(self.name_of(statement));
            start = statement.value + 1;
        }
        names
    }

    fn text(&self, place: &Range<usize>) -> &str {
        &self.source[place.clone()]
    }

    fn name_of(&self, statement: &Statement) -> Option<&str> {
        statement.name.as_ref().map(|place| self.text(place))
    }

    fn error(&self, kind: Kind, place: Range<usize>, title: impl Into<String>) -> ExpressionError {
        ExpressionError::new(self.language, kind, &self.source, place, title)
    }
}

/// Reads a value for a name: a number, a tensor such as `[1, 2, 3]`, or arithmetic on numbers.
///
/// # Errors
/// If it is anything else.
///
/// ```
/// use ops::Tensor;
/// use tape::expression::value;
///
/// assert_eq!(value("-1/4")?, Tensor::scalar(-0.25));
/// assert_eq!(value("[[1, 2], [3, 4]]")?, Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
/// let error = value("half").unwrap_err().to_string();
/// assert!(error.contains("`half` is not a number"), "{error}");
/// # Ok::<(), tape::expression::ExpressionError>(())
/// ```
pub fn value(source: &str) -> Result<Tensor<f64>, ExpressionError> {
    value_in(Language::ENGLISH, source)
}

/// Reads a value for a name, with its errors in a language.
///
/// # Errors
/// As for [`value`].
pub fn value_in(language: Language, source: &str) -> Result<Tensor<f64>, ExpressionError> {
    constant::constant(&Expression::parse_in(language, source)?)
}
