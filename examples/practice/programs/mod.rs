//! The levels: what kind of program a problem is, and what it asks.

mod scalars;
mod tensors;

use tape::Var;

use crate::draw::Draw;

/// A level.
#[derive(Debug)]
pub struct Level {
    /// The word for it.
    pub name: &'static str,
    /// What there is to learn.
    pub about: &'static str,
    /// Draws a program, and what is asked of it.
    pub draw: for<'t> fn(&mut Draw<'t>) -> Program<'t>,
}

/// The levels, the first of which is number 1.
pub const LEVELS: [Level; 9] = [
    Level { name: "scalars", about: "one op, one local derivative", draw: scalars::one_op },
    Level {
        name: "chains",
        about: "local derivatives multiply along a chain",
        draw: scalars::chain,
    },
    Level {
        name: "diamonds",
        about: "a value used twice: contributions add",
        draw: scalars::diamond,
    },
    Level {
        name: "products",
        about: "products of matrices, and where the transpose comes from",
        draw: tensors::product,
    },
    Level {
        name: "broadcasting",
        about: "what was spread in the forward pass is summed in the sweep",
        draw: tensors::broadcasting,
    },
    Level {
        name: "cross-entropy",
        about: "softmax and cross-entropy: p - y",
        draw: tensors::cross_entropy,
    },
    Level {
        name: "convolution",
        about: "one kernel, used at every place",
        draw: tensors::convolution,
    },
    Level { name: "lstm", about: "one step of an LSTM cell", draw: scalars::lstm_step },
    Level { name: "attention", about: "one query looks at three words", draw: tensors::attention },
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
