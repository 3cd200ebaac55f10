//! What can be wrong with the operands of a rule, in sentences.

use std::fmt::{self, Display, Write as _};

use thiserror::Error;

use crate::ground::{Shape, visible_lines};

/// Operands that a rule refuses.
///
/// `Display` gives the rule, the shapes aligned by axis, what is wrong and what would fit:
///
/// ```
/// use ops::prelude::*;
/// use ops::{Tensor, apply, rules};
///
/// let (a, b) = (Tensor::<f64>::zeros(&[64, 256]), Tensor::<f64>::zeros(&[128]));
/// let error = apply(&rules::Lift::binary(rules::Add), &[&a, &b]).unwrap_err();
/// assert!(error.to_string().contains("lengths 256 and 128"), "{error}");
/// ```
#[derive(Clone, Debug, PartialEq, Error)]
pub struct OpError {
    /// The name of the rule.
    pub rule: &'static str,
    /// The shapes of the operands, in order.
    pub shapes: Vec<Shape>,
    /// What is wrong with them.
    pub problem: Problem,
}

/// What is wrong with a rule's operands or settings.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// A rule was given the wrong number of operands.
    #[error("it takes {} but was given {given}", counted(*expected, "operand", "operands"))]
    Arity {
        /// How many it takes.
        expected: usize,
        /// How many it was given.
        given: usize,
    },
    /// Two lengths along an axis cannot be broadcast.
    #[error(
        "the lengths {} and {} of axis -{from_last} (counted from the last) do not broadcast; \
         they would if they were equal or one of them were 1", lengths.0, lengths.1
    )]
    Broadcast {
        /// The axis, counted from the last, which is 1.
        from_last: usize,
        /// The two lengths.
        lengths: (usize, usize),
    },
    /// A shape cannot be broadcast to the one asked for.
    #[error("it cannot be broadcast to {}: {}", show(to), broadcast_rule(*ndim, to.len()))]
    BroadcastTo {
        /// The shape asked for.
        to: Shape,
        /// How many axes the operand has.
        ndim: usize,
    },
    /// A shape that was not broadcast to that of the operand, so that no sum leads back to it.
    #[error("it cannot be summed to {}, a shape that does not broadcast to its own", show(to))]
    SumTo {
        /// The shape asked for.
        to: Shape,
    },
    /// A result that memory cannot hold.
    #[error("{}", too_large(shape, *bytes))]
    TooLarge {
        /// The shape of the result.
        shape: Shape,
        /// The bytes of an element.
        bytes: usize,
    },
    /// The inner lengths of a matrix product differ.
    #[error(
        "the last axis of the left operand has length {left} but the {} of the right operand has \
         length {right}; the two must be equal, so a right operand of shape {} would fit",
        if *right_is_vector { "only axis" } else { "second to last axis" }, show(fitting)
    )]
    Contract {
        /// Columns of the left operand.
        left: usize,
        /// Rows of the right operand.
        right: usize,
        /// Whether the right operand has one axis only.
        right_is_vector: bool,
        /// A shape of the right operand that would fit.
        fitting: Shape,
    },
    /// A rule needs more axes than there are.
    #[error("operand {operand} has {} but at least {} needed", axes(*ndim), number_is(*least))]
    TooFewAxes {
        /// Which operand, from 1.
        operand: usize,
        /// How many axes it has.
        ndim: usize,
        /// How many it needs.
        least: usize,
    },
    /// Another number of axes than a rule takes.
    #[error("operand {operand} has {}, but {} needed", axes(*ndim), number_is(*expected))]
    AxisCount {
        /// Which operand, from 1.
        operand: usize,
        /// How many axes it has.
        ndim: usize,
        /// How many it needs.
        expected: usize,
    },
    /// An axis that does not exist.
    #[error("axis {axis} is out of range: {}", axes_allowed(*ndim))]
    AxisOutOfRange {
        /// The axis asked for.
        axis: isize,
        /// How many axes there are.
        ndim: usize,
    },
    /// An axis named twice.
    #[error("axis {axis} is named twice; each axis may be named once")]
    DuplicateAxis {
        /// The axis.
        axis: isize,
    },
    /// A permutation that does not name each axis once.
    #[error("{axes:?} does not name {} once", each_axis(*ndim))]
    Permutation {
        /// The order asked for.
        axes: Vec<isize>,
        /// How many axes there are.
        ndim: usize,
    },
    /// A reshape to another number of elements.
    #[error(
        "{} cannot be laid out as {to:?}{}",
        counted(*from, "element", "elements"), hint_reshape(*from, to)
    )]
    Reshape {
        /// How many elements there are.
        from: usize,
        /// The shape asked for, −1 where it is to be inferred.
        to: Vec<isize>,
    },
    /// More than one length of a reshape left to be inferred, or a negative one.
    #[error("the shape {to:?} may hold one -1, to be inferred, and no other negative length")]
    ReshapeInference {
        /// The shape asked for.
        to: Vec<isize>,
    },
    /// A slice outside its axis.
    #[error("the slice {slice} of axis {axis} reaches outside its length {length}")]
    SliceOutOfRange {
        /// The axis.
        axis: usize,
        /// Its length.
        length: usize,
        /// The slice, as `start..end;step`.
        slice: String,
    },
    /// A slice for another number of axes.
    #[error("{} given for {}; one for each axis is needed", things_were(*given, "slice", "slices"), axes(*ndim))]
    SliceCount {
        /// How many slices.
        given: usize,
        /// How many axes.
        ndim: usize,
    },
    /// A slice that would insert an axis.
    #[error("a slice cannot insert an axis; use expand_dims for that")]
    SliceNewAxis,
    /// An index outside its axis.
    #[error("index {index} (number {position} of the list) is out of range: axis {axis} has length {length}, so {}", indices_allowed(*length))]
    IndexOutOfRange {
        /// The index.
        index: usize,
        /// Its position in the list of indices.
        position: usize,
        /// The axis it points into.
        axis: usize,
        /// The length of that axis.
        length: usize,
    },
    /// An index, given as data, that is no row of the table.
    #[error("the index at {} is {given}, but {}", show(position), rows_allowed(*rows))]
    Index {
        /// Where it stands among the indices.
        position: Shape,
        /// The index.
        given: f64,
        /// How many rows there are.
        rows: usize,
    },
    /// Another number of labels than rows.
    #[error("there {} for {}; one label a row is needed", are(*labels, "label", "labels"), counted(*rows, "row", "rows"))]
    LabelCount {
        /// How many labels.
        labels: usize,
        /// How many rows.
        rows: usize,
    },
    /// Operands that must agree outside one axis and do not.
    #[error(
        "operand {operand} differs from the first outside axis {axis}; only along that axis may lengths differ"
    )]
    Concat {
        /// Which operand, from 1.
        operand: usize,
        /// The axis of concatenation.
        axis: usize,
    },
    /// An operand of another shape than needed.
    #[error("operand {operand} should have the shape {}, {of}", show(expected))]
    OperandShape {
        /// Which operand, from 1.
        operand: usize,
        /// The shape needed.
        expected: Shape,
        /// What has that shape: `"that of operand 1"`.
        of: &'static str,
    },
    /// An axis of another length than needed.
    #[error("axis {axis} has length {length}, but {expected} is needed")]
    AxisLength {
        /// The axis.
        axis: usize,
        /// Its length.
        length: usize,
        /// The length needed.
        expected: usize,
    },
    /// Indices of a shape that does not fit the operand's.
    #[error(
        "indices of shape {} do not fit: they need the operand's shape but for axis {axis}",
        show(indices)
    )]
    IndicesShape {
        /// The axis that the indices point into.
        axis: usize,
        /// Their shape.
        indices: Shape,
    },
    /// A kernel larger than what it slides over.
    #[error(
        "a kernel of {kernel} with dilation {dilation} spans {} but axis {axis} has length {length} with its padding of {padding}; the kernel must not be larger", window_span(*kernel, *dilation)
    )]
    Kernel {
        /// The axis.
        axis: usize,
        /// The length of the kernel.
        kernel: usize,
        /// The distance between its elements.
        dilation: usize,
        /// The length of the axis, padding included.
        length: usize,
        /// The padding, both sides together.
        padding: usize,
    },
    /// Channels that do not fit the groups of a convolution or its weight.
    #[error(
        "{} and {} in {} do not fit a weight of {} a group; {allowed}",
        counted(*channels, "input channel", "input channels"),
        counted(*outputs, "output channel", "output channels"),
        counted(*groups, "group", "groups"),
        counted(*weight, "channel", "channels")
    )]
    Channels {
        /// Channels of the input.
        channels: usize,
        /// Channels of the output.
        outputs: usize,
        /// The number of groups.
        groups: usize,
        /// Channels a group of the weight.
        weight: usize,
        /// What would fit.
        allowed: String,
    },
    /// A setting out of its range.
    #[error("{setting} is {given}, but must be {allowed}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What was given.
        given: String,
        /// What is allowed.
        allowed: String,
    },
    /// A matrix that is not square.
    #[error("the last two axes have lengths {rows} and {columns}, but a square matrix is needed")]
    Square {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// A singular matrix.
    #[error("matrix {number} of the stack (from 0) is singular: {what}")]
    Singular {
        /// Which matrix of the stack.
        number: usize,
        /// What cannot be done with it.
        what: &'static str,
    },
    /// A mean or a maximum of nothing.
    #[error("axis {axis} has length 0, and the {of} of no elements is undefined")]
    EmptyReduction {
        /// The empty axis.
        axis: usize,
        /// What was to be taken: `"mean"`, `"maximum"`, `"softmax"`.
        of: &'static str,
    },
    /// A variance of too few numbers.
    #[error(
        "{} with a correction of {correction} {} {} degrees of freedom, but more than 0 are needed",
        counted(*count, "number", "numbers"), if *count == 1 { "leaves" } else { "leave" },
        *count as f64 - correction
    )]
    DegreesOfFreedom {
        /// How many numbers.
        count: usize,
        /// What is subtracted from their number.
        correction: f64,
    },
    /// Anything that a rule outside this crate has to say.
    #[error("{0}")]
    Other(String),
}

fn rows_allowed(rows: usize) -> String {
    match rows {
        0 => "there are no rows to choose from".into(),
        1 => "must be 0, as there is one row".into(),
        n => format!("must be a whole number from 0 to {}", n - 1),
    }
}

fn axes_allowed(ndim: usize) -> String {
    match ndim {
        0 => "a scalar has no axes".into(),
        1 => "there is 1 axis, so 0 or -1 is allowed".into(),
        n => format!("there are {n} axes, so 0 to {} or -{n} to -1 are allowed", n - 1),
    }
}

fn hint_reshape(from: usize, to: &[isize]) -> String {
    let mut known = to.iter().filter_map(|&length| usize::try_from(length).ok());
    match (known.try_fold(1, usize::checked_mul), to.contains(&-1)) {
        (None, _) => ", which holds more than memory can address".into(),
        (Some(0), true) => ": beside a length of 0 none can be inferred".into(),
        (Some(known), true) => format!(": {from} is not a multiple of {known}"),
        (Some(known), false) => format!(", which holds {known}"),
    }
}

/// The length of an axis that a window covers, at most the largest number there is.
pub(crate) const fn window_span(kernel: usize, dilation: usize) -> usize {
    kernel.saturating_sub(1).saturating_mul(dilation).saturating_add(1)
}

fn too_large(shape: &[usize], bytes: usize) -> String {
    let shown = show(shape);
    if shape.contains(&0) {
        return format!(
            "a tensor of shape {shown} has axes that memory cannot address, even if it is empty"
        );
    }
    let all = shape.iter().fold(bytes as f64, |all, &length| all * length as f64);
    let size = if all < 1e15 { format!("{:.1} GB", all / 1e9) } else { format!("{all:.1e} bytes") };
    format!("a tensor of shape {shown} would take {size}, which is more than can be allocated")
}

/// A shape as text: `[2, 3]`.
pub fn show(shape: &[usize]) -> String {
    format!("{shape:?}")
}

/// A number of things: `1 axis`, `2 axes`.
pub(crate) fn counted(n: usize, one: &str, several: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { several })
}

fn are(n: usize, one: &str, several: &str) -> String {
    format!("{} {}", if n == 1 { "is" } else { "are" }, counted(n, one, several))
}

fn number_is(n: usize) -> String {
    format!("{n} {}", if n == 1 { "is" } else { "are" })
}

fn things_were(n: usize, one: &str, several: &str) -> String {
    format!("{} {}", counted(n, one, several), if n == 1 { "was" } else { "were" })
}

/// A bare number with its verb: `1 was`, `2 were`.
pub(crate) fn number_were(n: usize) -> String {
    format!("{n} {}", if n == 1 { "was" } else { "were" })
}

fn axes(n: usize) -> String {
    counted(n, "axis", "axes")
}

fn each_axis(n: usize) -> String {
    if n == 1 { "the one axis".into() } else { format!("each of the {n} axes") }
}

fn indices_allowed(length: usize) -> String {
    match length {
        0 => "there is nothing to choose from".into(),
        1 => "only 0 is allowed".into(),
        n => format!("0 to {} are allowed", n - 1),
    }
}

fn broadcast_rule(ndim: usize, to: usize) -> String {
    if ndim > to {
        let (has, wanted) = (axes(ndim), number_is(to));
        return format!("it has {has} but {wanted} asked for, and broadcasting removes none");
    }
    "aligned at the last axis, each length must equal the one asked for or be 1".into()
}

impl OpError {
    /// The message, with a note to the right of each operand's shape (where it came from).
    pub fn with_notes(&self, notes: &[String]) -> String {
        let mut text = format!("{}: {}.", self.rule, visible_lines(&self.problem.to_string()));
        let columns = self.shapes.iter().map(Shape::len).max().unwrap_or(0);
        let width = self.shapes.iter().flatten().map(|n| n.to_string().len()).max().unwrap_or(1);
        let labels = match self.shapes.len() {
            1 => vec!["operand".to_owned()],
            2 => vec!["left".to_owned(), "right".to_owned()],
            n => (1..=n).map(|i| format!("operand {i}")).collect(),
        };
        let label_width = labels.iter().map(String::len).max().unwrap_or(0);
        for (i, shape) in self.shapes.iter().enumerate() {
            let mut row = String::new();
            for column in 0..columns {
                let missing = columns - shape.len();
                let cell =
                    column.checked_sub(missing).map_or(String::new(), |c| shape[c].to_string());
                let comma = if column > missing { ", " } else { "  " };
                let _ = write!(row, "{}{cell:>width$}", if column == 0 { "" } else { comma });
            }
            let note = notes.get(i).map_or(String::new(), |note| format!("   {note}"));
            let _ = write!(text, "\n  {:<label_width$}  [{row}]{note}", labels[i]);
        }
        text
    }
}

impl Display for OpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_notes(&[]))
    }
}
