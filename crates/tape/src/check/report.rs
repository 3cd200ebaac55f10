//! What a check says.

use std::fmt::{self, Display};
use std::panic::Location;

use thiserror::Error;

/// The derivative with respect to one element (or along one direction), both ways.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// 1 for the gradient, 2 for the gradient of the gradient.
    pub order: u8,
    /// The number of the input, from 0.
    pub input: usize,
    /// The index of the element within the input; `None` for a direction (fast mode).
    pub element: Option<Vec<usize>>,
    /// The element itself; `None` for a direction.
    pub at: Option<f64>,
    /// The number of the random point, from 1; `None` for the inputs that were given.
    pub point: Option<usize>,
    /// The derivative by backpropagation.
    pub analytic: f64,
    /// The derivative that the finite differences converge to; NaN if they converge to none.
    pub numeric: f64,
    /// How far `numeric` may be off.
    pub uncertainty: f64,
    /// |analytic − numeric| relative to what is allowed: above 1 the check fails.
    pub excess: f64,
    /// |analytic − numeric| / max(|analytic|, |numeric|), 0 if both are 0.
    pub error: f64,
}

/// A derivative on which finite differences give no verdict.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Unclear {
    /// The derivative.
    pub comparison: Comparison,
    /// The reason.
    pub reason: Reason,
}

/// The reason that finite differences give no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The function jumps at the point.
    Jump,
    /// The slope grows without end as the step shrinks, as that of a root at 0.
    Steep,
    /// The steps disagree with each other, and converge to nothing.
    Steps,
    /// The rounding of the function hides the derivative.
    Rounding,
    /// Several elements of a direction are at kinks, whose slopes from either side add up.
    Kinks,
}

/// A check that passed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The number of derivatives compared.
    pub compared: usize,
    /// The one that came nearest to failing.
    pub worst: Comparison,
    /// Derivatives at a kink: the slopes from the left and from the right converge to different
    /// numbers, and the gradient lies between them. They are not counted.
    pub kinks: Vec<Comparison>,
    /// Derivatives of which finite differences cannot tell whether they are right. They are not
    /// counted.
    pub unclear: Vec<Unclear>,
    /// The reason that the check is weak, if it is.
    pub warning: Option<&'static str>,
}

/// A mode of differentiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Reverse mode: the rule's `vjp`.
    Reverse,
    /// Forward mode, which follows from the rule's family.
    Forward,
}

/// The first recorded op whose own gradient disagrees with its own finite differences.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Fault {
    /// The op.
    pub op: &'static str,
    /// The operand with respect to which it is wrong, from 0; the number of operands for the
    /// cotangent, which a gradient of second order depends on too.
    pub operand: usize,
    /// The line that called it.
    pub location: &'static Location<'static>,
    /// 1 if its gradient is wrong, 2 if only the gradient of its gradient is.
    pub order: u8,
    /// The mode that is wrong.
    pub mode: Mode,
    /// Whether the other mode is right; `None` where only one can be compared.
    pub other_is_right: Option<bool>,
    /// The index of the element of the operand.
    pub element: Vec<usize>,
    /// The element.
    pub at: f64,
    /// With respect to the element, for a fixed cotangent: what its rule gives.
    pub analytic: f64,
    /// With respect to the same element: the finite differences.
    pub numeric: f64,
    pub(super) of_cotangent: bool,
}

/// A check that failed, or could not be made.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum CheckError {
    /// A derivative is wrong.
    #[error(
        "the gradient is wrong at {failed} of {compared} places; the worst:\n  {worst}{}{}",
        whereabouts(worst),
        line(fault.as_deref())
    )]
    Wrong {
        /// The number of derivatives that disagree.
        failed: usize,
        /// The number of derivatives compared.
        compared: usize,
        /// The one that disagrees most, of the lowest order at which one does.
        worst: Box<Comparison>,
        /// The op at fault, where checking each op in place finds one.
        fault: Option<Box<Fault>>,
    },
    /// Finite differences give no verdict on any derivative.
    #[error(
        "finite differences cannot tell whether the gradient is right, at any of {compared} \
         places; the first:\n  {first}"
    )]
    CannotTell {
        /// The number of derivatives compared.
        compared: usize,
        /// The first of them.
        first: Box<Unclear>,
    },
    /// Two runs gave different gradients.
    #[error(
        "two runs gave different gradients with respect to input {input}: the function does not \
         give the same result each time, so it cannot be checked"
    )]
    NotRepeatable {
        /// The number of the input, from 0.
        input: usize,
    },
    /// Forward and reverse mode disagree.
    #[error(
        "forward mode gives {forward:e} {} of input {input}, reverse mode {reverse:e}; the two \
         must be equal{}{}",
        element.as_ref().map_or("along a direction".into(), |at| format!("at element {at:?}")),
        numeric.map_or(String::new(), |n| format!(". Finite differences give {n:e}: forward mode is wrong")),
        line(fault.as_deref())
    )]
    Modes {
        /// The number of the input, from 0.
        input: usize,
        /// The index of the element; `None` for a direction.
        element: Option<Vec<usize>>,
        /// The derivative by forward mode.
        forward: f64,
        /// The derivative by reverse mode.
        reverse: f64,
        /// The derivative by finite differences, where they converge.
        numeric: Option<f64>,
        /// The op at fault, where checking each op in place finds one.
        fault: Option<Box<Fault>>,
    },
    /// The function is not finite at or near an input.
    #[error("the function is not finite near {} of input {input}: it gives {value}", place(element.as_deref()))]
    NotFinite {
        /// The number of the input that was varied, from 0.
        input: usize,
        /// The index of the element that was varied.
        element: Option<Vec<usize>>,
        /// The value of the function there.
        value: f64,
    },
    /// A gradient of another shape than its input.
    #[error(
        "the gradient with respect to input {input} has shape {given:?}, but the input has shape \
         {wanted:?}"
    )]
    Shape {
        /// The number of the input, from 0.
        input: usize,
        /// The shape of the gradient.
        given: Vec<usize>,
        /// The shape of the input.
        wanted: Vec<usize>,
    },
    /// There is no input, or none with an element.
    #[error("there is nothing to compare: {inputs} inputs with 0 elements in all")]
    Nothing {
        /// The number of inputs given.
        inputs: usize,
    },
}

fn place(element: Option<&[usize]>) -> String {
    element.map_or("the elements".into(), |index| format!("element {index:?}"))
}

fn line(fault: Option<&Fault>) -> String {
    fault.map_or(String::new(), |fault| format!("\n  {fault}"))
}

/// Where a derivative was taken, for a message.
fn whereabouts(comparison: &Comparison) -> String {
    let at = comparison.at.map_or(String::new(), |at| format!(", where the element is {at:e}"));
    let point = comparison.point.map_or(String::new(), |n| format!(", at random point {n}"));
    at + &point
}

impl Comparison {
    /// A comparison of two numbers.
    pub(crate) fn new(
        order: u8,
        (input, element): (usize, Option<Vec<usize>>),
        (analytic, numeric): (f64, f64),
        allowed: f64,
    ) -> Self {
        let (difference, most) = ((analytic - numeric).abs(), analytic.abs().max(numeric.abs()));
        let ratio = |by: f64| if difference == 0.0 { 0.0 } else { difference / by };
        let (excess, error) = (ratio(allowed), ratio(most));
        let (at, point, uncertainty) = (None, None, 0.0);
        Self { order, input, element, at, point, analytic, numeric, uncertainty, excess, error }
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input, analytic, numeric, error, .. } = self;
        let order = if self.order == 2 { "second-order gradient, " } else { "" };
        match &self.element {
            Some(index) => write!(f, "{order}input {input}, element {index:?}: ")?,
            None => write!(f, "{order}input {input}, along a random direction: ")?,
        }
        write!(f, "analytic {analytic:e}, numeric {numeric:e}, relative error {error:.1e}")
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jump => "the function jumps there",
            Self::Steep => "the slope grows without end as the step shrinks",
            Self::Steps => "the steps disagree with each other",
            Self::Rounding => "the function's rounding hides it",
            Self::Kinks => "several elements are at kinks, whose slopes add up",
        })
    }
}

impl Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison { order, input, element, analytic, numeric, uncertainty, .. } =
            &self.comparison;
        let order = if *order == 2 { "second-order gradient, " } else { "" };
        let place = match element {
            Some(index) => format!("element {index:?}"),
            None => "along a random direction".into(),
        };
        write!(f, "{order}input {input}, {place}: analytic {analytic:e}; ")?;
        if numeric.is_finite() {
            write!(f, "numeric {numeric:e} ± {uncertainty:.0e}, ")?;
        }
        let at = whereabouts(&self.comparison);
        write!(f, "{}{at}", self.reason)
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agree = self.compared - self.kinks.len() - self.unclear.len();
        write!(f, "{agree} derivatives agree; the worst: {}", self.worst)?;
        for kink in &self.kinks {
            write!(f, "\n  a kink inside the stencil, not counted: {kink}")?;
        }
        for unclear in &self.unclear {
            write!(f, "\n  cannot tell, not counted: {unclear}")?;
        }
        match self.warning {
            Some(warning) => write!(f, "\n  warning: {warning}"),
            None => Ok(()),
        }
    }
}

impl Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reverse => "reverse mode",
            Self::Forward => "forward mode",
        })
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { op, operand, location, analytic, numeric, element, at, .. } = self;
        let place =
            if element.is_empty() { String::new() } else { format!(", element {element:?}") };
        let operand = if self.of_cotangent {
            format!("its cotangent{place} ({at:e})")
        } else {
            format!("its operand {operand} (from 0){place} ({at:e})")
        };
        let gives = match (self.order, self.mode) {
            (2, _) => "the gradient of its gradient is",
            (_, Mode::Reverse) => "its rule gives",
            (_, Mode::Forward) => "its forward mode gives",
        };
        write!(
            f,
            "the op at fault: {op}, called at {location}, with respect to {operand}: {gives} \
             {analytic:e}, its finite difference {numeric:e}"
        )?;
        let other = match self.mode {
            Mode::Reverse => Mode::Forward,
            Mode::Forward => Mode::Reverse,
        };
        match self.other_is_right {
            Some(true) => write!(f, "; its {other} is right"),
            Some(false) => write!(f, "; its {other} is wrong too"),
            None => Ok(()),
        }
    }
}
