//! What a check says.

use std::fmt::{self, Display};
use std::panic::Location;

use thiserror::Error;

/// The derivative with respect to one element (or along one direction), both ways.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// 1 for the gradient, 2 for the gradient of the gradient.
    pub order: u8,
    /// The number of the input, from 0.
    pub input: usize,
    /// The index of the element within the input; `None` for a direction (fast mode).
    pub element: Option<Vec<usize>>,
    /// The derivative by backpropagation.
    pub analytic: f64,
    /// The derivative by the finite difference.
    pub numeric: f64,
    /// |analytic − numeric| relative to what is allowed: above 1 the check fails.
    pub excess: f64,
    /// |analytic − numeric| / max(|analytic|, |numeric|), 0 if both are 0.
    pub error: f64,
}

/// A check that passed.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The number of derivatives compared.
    pub compared: usize,
    /// The one that came nearest to failing.
    pub worst: Comparison,
    /// Places where the function has a kink inside the stencil: the slopes from the left and from
    /// the right differ, and the gradient lies between them.
    pub kinks: Vec<Comparison>,
    /// The reason that the check is weak, if it is.
    pub warning: Option<&'static str>,
}

/// The first recorded op whose own gradient disagrees with its own finite difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The op.
    pub op: &'static str,
    /// The operand with respect to which it is wrong, from 0.
    pub operand: usize,
    /// The line that called it.
    pub location: &'static Location<'static>,
    /// Along a fixed direction: what its rule gives.
    pub analytic: f64,
    /// Along the same direction: the finite difference.
    pub numeric: f64,
}

/// A check that failed, or could not be made.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum CheckError {
    /// A derivative is wrong.
    #[error(
        "the gradient is wrong at {failed} of {compared} places; the worst:\n  {worst}{}",
        fault.as_ref().map_or(String::new(), |fault| format!("\n  {fault}"))
    )]
    Wrong {
        /// The number of derivatives that disagree.
        failed: usize,
        /// The number of derivatives compared.
        compared: usize,
        /// The one that disagrees most.
        worst: Box<Comparison>,
        /// The op at fault, where checking each op in place finds one.
        fault: Option<Box<Fault>>,
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
        "forward mode gives {forward:e} along a direction of input {input}, reverse mode \
         {reverse:e}; the two must be equal"
    )]
    Modes {
        /// The number of the input, from 0.
        input: usize,
        /// The derivative by forward mode.
        forward: f64,
        /// The derivative by reverse mode.
        reverse: f64,
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

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} derivatives agree; the worst: {}", self.compared, self.worst)?;
        for kink in &self.kinks {
            write!(f, "\n  a kink inside the stencil, not counted: {kink}")?;
        }
        match self.warning {
            Some(warning) => write!(f, "\n  warning: {warning}"),
            None => Ok(()),
        }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { op, operand, location, analytic, numeric } = self;
        write!(
            f,
            "the op at fault: {op}, called at {location}, with respect to its operand {operand} \
             (from 0): its rule gives {analytic:e}, its finite difference {numeric:e}"
        )
    }
}
