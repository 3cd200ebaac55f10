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

#[macro_use]
mod table;

mod algebra;
pub mod declare;
pub mod describe;
mod dual;
pub mod error;
mod float;
mod formula;
#[allow(unsafe_code)]
mod kernel;
pub mod methods;
mod operators;
pub mod probe;
mod reading;
mod real;
pub mod registry;
mod rule;
pub mod rules;
pub mod shape;
mod tensor;

pub use algebra::Reading;
pub use dual::{Dual, composite_jvp, jvp};
pub use error::{OpError, Problem};
pub use float::Float;
pub use formula::{Binding, Formula, Notation, gradient_formulas, value_formula};
#[doc(hidden)] // For the tape's programs.
pub use kernel::{
    Order, Spread, count as thread_count, each as each_part, elements_in, elements_to_write,
    order_of,
};
pub use kernel::{product_into, update, with_threads};
pub use reading::AsNumber;
pub use real::Number;
pub use rule::{
    Binary, Call, Contributions, Elementwise, Lift, Rule, Unary, WithNumber, apply, apply_into,
    arity, bilinear_jvp, checked_shape, linear_jvp,
};
pub use shape::{Axes, Shape};
pub use tensor::{Tensor, TensorError};

/// What a user of plain tensors needs in scope: the methods of every algebra.
pub mod prelude {
    pub use crate::algebra::Reading as _;
    pub use crate::methods::*;
}
