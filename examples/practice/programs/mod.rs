//! The levels: what kind of program a problem is, and what it asks.

mod scalars;
mod tensors;

use tape::Var;

use crate::draw::Draw;
use crate::words::Words;

/// A level.
#[derive(Debug)]
pub struct Level {
    /// The word for it.
    pub name: fn(&Words) -> &'static str,
    /// What there is to learn.
    pub about: fn(&Words) -> &'static str,
    /// Draws a program, and what is asked of it.
    pub draw: for<'t> fn(&mut Draw<'t>) -> Program<'t>,
}

/// The levels, the first of which is number 1.
pub const LEVELS: [Level; 9] = [
    Level { name: Words::scalars, about: Words::about_scalars, draw: scalars::one_op },
    Level { name: Words::chains, about: Words::about_chains, draw: scalars::chain },
    Level { name: Words::diamonds, about: Words::about_diamonds, draw: scalars::diamond },
    Level { name: Words::products, about: Words::about_products, draw: tensors::product },
    Level {
        name: Words::broadcasting,
        about: Words::about_broadcasting,
        draw: tensors::broadcasting,
    },
    Level {
        name: Words::cross_entropy,
        about: Words::about_cross_entropy,
        draw: tensors::cross_entropy,
    },
    Level { name: Words::convolution, about: Words::about_convolution, draw: tensors::convolution },
    Level { name: Words::lstm, about: Words::about_lstm, draw: scalars::lstm_step },
    Level { name: Words::attention, about: Words::about_attention, draw: tensors::attention },
];

/// A program that was drawn.
#[derive(Debug)]
pub struct Program<'t> {
    /// The scalar that is differentiated.
    pub output: Var<'t, f64>,
    /// The questions, in the order of the sweep.
    pub asked: Vec<Asked<'t>>,
}

/// A derivative that is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asked<'t> {
    /// An element of the adjoint of a value.
    Adjoint {
        /// The value.
        node: Var<'t, f64>,
        /// The number of the element.
        element: usize,
    },
    /// The local derivative of an element of a value by one of an operand.
    Local {
        /// The value.
        node: Var<'t, f64>,
        /// The number of the element.
        element: usize,
        /// The position of the operand.
        operand: usize,
        /// The number of its element.
        of: usize,
    },
}

impl<'t> Asked<'t> {
    /// The adjoint of a scalar.
    fn adjoint(node: Var<'t, f64>) -> Self {
        Self::Adjoint { node, element: 0 }
    }

    /// The local derivative of a scalar by a scalar.
    fn local(node: Var<'t, f64>, operand: usize) -> Self {
        Self::Local { node, element: 0, operand, of: 0 }
    }

    /// An element of an adjoint, drawn.
    fn some(draw: &mut Draw<'t>, node: Var<'t, f64>) -> Self {
        Self::Adjoint { node, element: draw.pick(length(node)) }
    }

    /// The node that it is about.
    pub fn node(self) -> Var<'t, f64> {
        let (Self::Adjoint { node, .. } | Self::Local { node, .. }) = self;
        node
    }
}

fn length(node: Var<'_, f64>) -> usize {
    node.shape().iter().product()
}
