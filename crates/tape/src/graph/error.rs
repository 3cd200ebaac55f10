//! What can go wrong on a tape, in sentences with the numbers in them.

use std::fmt::{self, Display};
use std::panic::Location;

use ops::error::show;
use ops::{Float, OpError, visible};
use thiserror::Error;

use crate::graph::var::Var;
use crate::words::Language;

/// A recorded value as messages speak of it: its name, if it has one, and the line of the program
/// that recorded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(Box<Facts>); // In a box, so that results with errors in them stay small.

#[derive(Clone, Debug, PartialEq, Eq)]
struct Facts {
    name: Option<String>,
    op: Option<&'static str>,
    location: &'static Location<'static>,
}

impl Origin {
    pub(crate) fn of<A: Float>(x: Var<'_, A>) -> Self {
        Self(Box::new(Facts { name: x.name(), op: x.op(), location: x.location() }))
    }

    /// The name given with [`Var::named`].
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The op that computed the value, `None` for a variable or a constant.
    pub fn op(&self) -> Option<&'static str> {
        self.0.op
    }

    /// The line that recorded the value.
    pub fn location(&self) -> &'static Location<'static> {
        self.0.location
    }
}

impl<A: Float> From<Var<'_, A>> for Origin {
    fn from(x: Var<'_, A>) -> Self {
        Self::of(x)
    }
}

impl Origin {
    /// It in words.
    pub(crate) fn text(&self, language: Language) -> String {
        let place = self.location();
        match (self.name(), self.op()) {
            (Some(name), _) => language.origin_named(visible(name), place),
            (None, Some(op)) => language.origin_of_op(op, place),
            (None, None) => language.origin(place),
        }
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::ENGLISH))
    }
}

/// Operands that a rule refused, with where they came from.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordError {
    /// The reason that the rule gave.
    pub error: OpError,
    /// The origin of each operand.
    pub operands: Vec<Origin>,
    /// The line that called the op.
    pub location: &'static Location<'static>,
}

impl Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let notes: Vec<String> = self.operands.iter().map(Origin::to_string).collect();
        write!(f, "{}\n  called at {}", self.error.with_notes(&notes), self.location)
    }
}

impl std::error::Error for RecordError {}

/// An error of recording or of a sweep.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum TapeError {
    /// A rule refused its operands.
    #[error("{0}")]
    Record(Box<RecordError>),
    /// An op was given no operands, so there is no tape to record on.
    #[error("{op}: it was given no operands; at least one recorded value is needed")]
    NoOperands {
        /// The op.
        op: &'static str,
    },
    /// Operands of two tapes.
    #[error(
        "{op}: operand {operand} belongs to another tape than the first; values of two tapes \
         cannot meet in one op (put the number on this tape with var or constant)\n  \
         operand 1  {first}\n  operand {operand}  {foreign}\n  called at {location}"
    )]
    OtherTape {
        /// The op.
        op: &'static str,
        /// The number of the operand, from 1.
        operand: usize,
        /// The origin of the first operand.
        first: Origin,
        /// The origin of the foreign one.
        foreign: Origin,
        /// The line that called the op.
        location: &'static Location<'static>,
    },
    /// Backpropagation from a value that is not a scalar.
    #[error("{}", Language::ENGLISH.sweep_from_tensor(show(shape), output))]
    NotScalar {
        /// The value.
        output: Origin,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// A seed of another shape than the value.
    #[error(
        "the seed of backward_with() has shape {}, but the value has shape {}; the two must be equal",
        show(seed),
        show(shape)
    )]
    Seed {
        /// The shape of the value.
        shape: Vec<usize>,
        /// The shape of the seed.
        seed: Vec<usize>,
    },
    /// An infinite or NaN value, on a tape that stops at the first.
    #[error("{0}")]
    NonFinite(Box<NonFinite>),
    /// A function that cannot be computed for a batch.
    #[error("{0}")]
    Batch(#[from] BatchError),
    /// Backpropagation from a value into which no variable went.
    #[error("{}", Language::ENGLISH.sweep_without_variable(output))]
    Untracked {
        /// The value.
        output: Origin,
    },
}

impl TapeError {
    /// The error in words: in the language, if no sweep can start from a value; else as `Display` says it.
    ///
    /// ```
    /// use tape::words::Language;
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let error = tape.var([1.0, 2.0]).try_backward().unwrap_err();
    /// assert_eq!(error.text(Language::ENGLISH), error.to_string());
    /// ```
    pub fn text(&self, language: Language) -> String {
        match self {
            Self::NotScalar { output, shape } => {
                language.sweep_from_tensor(show(shape), output.text(language))
            }
            Self::Untracked { output } => language.sweep_without_variable(output.text(language)),
            other => other.to_string(),
        }
    }
}

/// Why [`vmap`](crate::transform::vmap) refuses a function or its inputs.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// Another number of axes than of inputs.
    #[error(
        "vmap: {axes} axes were given for {inputs} inputs; there must be one for each, or None"
    )]
    AxisCount {
        /// The number of axes.
        axes: usize,
        /// The number of inputs.
        inputs: usize,
    },
    /// An axis that the input does not have.
    #[error("vmap: axis {axis} of input {input} was to count the rows, but it has {ndim} axes")]
    NoSuchAxis {
        /// The number of the input, from 1.
        input: usize,
        /// The axis.
        axis: isize,
        /// The number of axes that the input has.
        ndim: usize,
    },
    /// Inputs of different numbers of rows.
    #[error("vmap: input {first} has {rows} rows but input {other} has {length}; they must agree")]
    Rows {
        /// The number of the first input with rows, from 1.
        first: usize,
        /// Its rows.
        rows: usize,
        /// The number of the other, from 1.
        other: usize,
        /// Its rows.
        length: usize,
    },
    /// No input that has rows.
    #[error("vmap: no input has rows; give at least one of them the axis that counts them")]
    NoRows,
    /// A function that looks at a number of one row.
    #[error(
        "vmap: the function looked at a number of its recording (value(), item(), backward()), and what \
         it recorded may depend on it; a batch has one for each row. Write a choice with select(), \
         a gradient with nested::grad() instead"
    )]
    ValueRead,
}

impl From<RecordError> for TapeError {
    fn from(error: RecordError) -> Self {
        Self::Record(Box::new(error))
    }
}

/// The first infinite or NaN value of a computation.
#[derive(Clone, Debug, PartialEq)]
pub struct NonFinite {
    /// The op.
    pub op: &'static str,
    /// True if it arose in the reverse sweep, in a contribution of the op.
    pub backward: bool,
    /// The value: infinite or NaN.
    pub value: f64,
    /// Its index.
    pub index: Vec<usize>,
    /// The operands, by name and origin, with the numbers that went into it.
    pub operands: Vec<String>,
    /// The line that called the op.
    pub location: &'static Location<'static>,
    /// The numerically stable alternative, where one is known.
    pub remedy: Option<&'static str>,
}

impl Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { op, value, index, location, .. } = self;
        if self.backward {
            write!(f, "the gradient that {op} passes on is {value} at index {index:?}")?;
        } else {
            write!(f, "{op} gives {value} at index {index:?}")?;
        }
        write!(f, ", called at {location}")?;
        for operand in &self.operands {
            write!(f, "\n  from {operand}")?;
        }
        match self.remedy {
            Some(remedy) => write!(f, "\n  instead: {remedy}"),
            None => Ok(()),
        }
    }
}

/// The reason that there is no gradient with respect to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoGradient {
    /// The value is of another tape.
    OtherTape {
        /// The value asked for.
        x: Origin,
        /// The value that was differentiated.
        output: Origin,
    },
    /// The value is a constant.
    Constant {
        /// The value asked for.
        x: Origin,
    },
    /// The value is detached.
    Detached {
        /// The value asked for.
        x: Origin,
    },
    /// The value was computed from constants.
    FromConstants {
        /// The value asked for.
        x: Origin,
    },
    /// Every path from the value to the output passes a detached value.
    Cut {
        /// The value asked for.
        x: Origin,
        /// The value that was differentiated.
        output: Origin,
        /// The detached value.
        at: Origin,
    },
    /// The gradient was dropped in the sweep.
    NotAsked {
        /// The value asked for.
        x: Origin,
    },
    /// The output does not depend on the value.
    NotAncestor {
        /// The value asked for.
        x: Origin,
        /// The value that was differentiated.
        output: Origin,
    },
}

impl NoGradient {
    /// The reason in words.
    ///
    /// ```
    /// use tape::words::Language;
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let c = tape.constant(2.0);
    /// let y = tape.var(3.0) * c;
    /// let reason = y.backward().try_wrt(c).unwrap_err();
    /// assert_eq!(reason.text(Language::ENGLISH), reason.to_string());
    /// ```
    pub fn text(&self, language: Language) -> String {
        let said = |origin: &Origin| origin.text(language);
        match self {
            Self::OtherTape { x, output } => language.no_gradient_other_tape(said(x), said(output)),
            Self::Constant { x } => language.no_gradient_constant(said(x)),
            Self::Detached { x } => language.no_gradient_detached(said(x)),
            Self::FromConstants { x } => language.no_gradient_from_constants(said(x)),
            Self::Cut { x, output, at } => {
                language.no_gradient_cut(said(x), said(output), said(at))
            }
            Self::NotAsked { x } => language.no_gradient_not_asked(said(x)),
            Self::NotAncestor { x, output } => {
                language.no_gradient_not_ancestor(said(x), said(output))
            }
        }
    }
}

impl Display for NoGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::ENGLISH))
    }
}

impl std::error::Error for NoGradient {}
