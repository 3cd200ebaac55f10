//! # tape: a graph of recorded ops, and the reverse sweep over it
//!
//! A [`Tape`] records what is computed with its variables as a directed graph: nodes are values,
//! edges run from operand to result. Backpropagation is one walk over that graph in reverse
//! topological order ([`Var::backward`]), in which every op contributes what its rule in crate
//! [`ops`] says; no layer, loss or example contains a derivative.
//!
//! ```
//! use tape::Tape;
//! use tape::prelude::*;
//!
//! let tape = Tape::new();
//! let (w, x, b) = (tape.var(0.5), tape.var(2.0), tape.var(0.1));
//! let y = (w * x + b).tanh();
//! let gradients = y.backward();
//! assert_eq!(gradients.wrt(w).item(), 2.0 * (1.0 - y.item() * y.item()));
//! ```
//!
//! | module | for |
//! |---|---|
//! | [`check`] | holding a gradient against finite differences |
//! | [`transform`] | gradients, Jacobians, Hessians and their products, of plain functions |
//! | [`trace`] | a program's passes step by step: every number, formula and reason |
//! | [`picture`] | the graph as DOT, Mermaid and SVG |
//! | `page` | a trace as a page for a browser, with the feature of that name |
//! | `terminal` | a trace as a screen in the terminal, with the feature of that name |
//! | `expression` | expressions that a user types, with the feature of that name |
//! | [`error`] | what can go wrong, in sentences |

pub mod check;
mod custom;
mod debug;
pub mod error;
#[cfg(feature = "expression")]
pub mod expression;
mod forward;
mod gradients;
#[cfg(any(feature = "expression", feature = "terminal"))]
mod nearest;
mod op;
mod operators;
#[cfg(feature = "page")]
pub mod page;
pub mod picture;
mod program;
mod scope;
mod sweep;
mod tape;
#[cfg(feature = "terminal")]
pub mod terminal;
pub mod trace;
pub mod transform;
mod var;

pub use custom::{check_custom_vjp, checkpoint, custom_vjp};
pub use gradients::Gradients;
pub use ops;
pub use picture::Picture;
pub use program::{Home, Plan, PlannedStep, PlannedValue, Program, ProgramError};
pub use scope::Scope;
pub use tape::Tape;
pub use trace::{Trace, one_line};
pub use var::{Place, Var};

/// What a user of the tape needs in scope: the methods of variables.
pub mod prelude {
    pub use crate::{Tape, Var};
    pub use ops::prelude::*;
}

/// The programs of the chapter on stepping compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/src/stepping.md")]
struct Stepping;

/// So do those of the chapter on the step program.
#[cfg(all(doctest, feature = "expression"))]
#[doc = include_str!("../../../docs/src/step.md")]
struct StepProgram;
