//! # ops: rules of differentiation
//!
//! > One rule per op, written once over a generic number, and read many ways.
//!
//! This crate defines each op's forward rule and its local chain-rule gradient. It does not know
//! that there is a graph: recording and sweeping are the `tape` crate's.
//!
//! An elementwise rule ([`Unary`], [`Binary`], [`Elementwise`]) is a scalar function and its
//! slope, generic over [`Number`]. A rule over whole tensors ([`Rule`]) is generic over
//! [`Reading`]. The readings:
//!
//! | read with | gives |
//! |---|---|
//! | [`Tensor`]`<f32>` or `<f64>` | the value and the gradient, in one pass over the data |
//! | a recorded variable (crate `tape`) | a gradient that can be differentiated again |
//! | [`Dual`] | the forward-mode derivative, and a check of composite rules |
//! | [`Formula`] | the text that a learner sees: `ȳ · (1 - y²)` |
//! | [`probe::Probe`] | which numbers the slope reads, and whether it is constant |
//!
//! ```
//! use ops::prelude::*;
//! use ops::Tensor;
//!
//! let x = Tensor::from([[0.0, 1.0], [2.0, 3.0]]);
//! let w = Tensor::from([0.5, -0.5]);
//! assert_eq!(x.matmul(&w), Tensor::from([-0.5, -0.5]));
//! ```

mod ground;
mod kernel;
mod number;
mod readings;
#[macro_use]
mod rule;
pub mod rules;
mod tensor;

pub use ground::attribute::{Attribute, Attributes};
pub use ground::problem::{self as error, OpError, Problem};
pub use ground::shape::{self, Axes, Shape};
pub use ground::{Binding, Formula, Notation, visible, visible_lines, visible_whole};
pub use kernel::{fuse, product_into, update, with_threads};
pub use number::probe;
pub use number::{Binary, Elementwise, Float, Number, Remarks, Stops, Unary, WithNumber};
pub use readings::{
    AnyUpdate, AsNumber, Dual, SlopeStep, UpdateKind, UpdateLabels, UpdateLine, UpdateNumber,
    WriteNumber, any_update, gradient_formulas, jvp, pushforward, times_slope, update_lines,
    value_formula,
};
pub use rule::{
    AtNumbers, Batched, Call, Contributions, Family, Lead, Lift, Naming, Out, ReadScalar, Reading,
    Rule, Scalar, Shortcuts, Unnamed, UpdateRule, apply, apply_again, apply_into, arity,
    checked_shape, forward_by_parts,
};
pub use rules::methods;
pub use tensor::{Tensor, TensorError};

/// What rules declare of themselves, from which their tests are generated.
pub mod declare {
    pub use crate::number::samples::*;
    pub use crate::rule::cases::*;
}

/// Rules as plain data, for other formats and other programs: what a rule is, its settings, and
/// what it is composed of.
pub mod describe {
    pub use crate::ground::attribute::{Attribute, Attributes};
    pub use crate::readings::term::{AnyRule, Term};
}

/// The list of all rules, for tests and tables that go through every one of them.
pub mod registry {
    pub use crate::rule::visit::{Visitor, elementwise_examples};
    pub use crate::rules::registry::visit;
}

/// What a user of plain tensors needs in scope: the methods of every reading.
pub mod prelude {
    pub use crate::methods::*;
    pub use crate::rule::Reading as _;
}
