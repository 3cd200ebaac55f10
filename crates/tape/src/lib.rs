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
//! | [`picture`] | the graph as DOT, Mermaid, SVG and TikZ |
//! | [`latex`] | the derivation of a gradient in LaTeX |
//! | `slides` | the same as slides, a step a slide, with the feature `page` |
//! | `page` | a trace as a page for a browser, with the feature of that name |
//! | `terminal` | a trace as a screen in the terminal, with the feature of that name |
//! | [`words`] | the sentences of all views, in the language of the reader |
//! | `expression` | expressions that a user types, with the feature of that name |
//! | [`error`] | what can go wrong, in sentences |
//!
//! Letters: `'t` is the life of a tape, `A` the type of its numbers (`f32` or `f64`), `T` what a
//! sweep computes (numbers or recorded values), `R` a rule, `F` a function.

mod ask;
pub mod check;
mod graph;
mod replay;
mod show;
mod sweep;
pub mod transform;
pub mod words;

#[cfg(feature = "expression")]
pub use ask::expression;
pub use graph::error;
pub use graph::line::OnBehalf;
pub use graph::one_line::one_line;
pub use graph::scope::Scope;
pub use graph::tape::Tape;
pub use graph::var::{Place, Var};
pub use ops;
pub use replay::{Plan, PlannedStep, PlannedValue, Program, ProgramError, Storage};
#[cfg(debug_assertions)]
#[doc(hidden)] // For no one to call: it only says what is compiled here.
pub use show::instances;
pub use show::latex;
#[cfg(feature = "page")]
pub use show::page;
pub use show::picture::{self, Picture};
#[cfg(feature = "page")]
pub use show::slides;
#[cfg(feature = "terminal")]
pub use show::terminal;
pub use show::trace::{self, Trace};
pub use sweep::gradients::Gradients;
pub use transform::custom::{check_custom_vjp, checkpoint, custom_vjp};

/// The names that a user of the tape needs in scope: types, and the methods of variables.
pub mod prelude {
    pub use crate::{Tape, Var};
    pub use ops::prelude::*;
}

/// The programs of the chapter on stepping compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/src/stepping.md")]
struct Stepping;

/// The programs of the chapter on the step program compile and run.
#[cfg(all(doctest, feature = "expression"))]
#[doc = include_str!("../../../docs/src/step.md")]
struct StepProgram;

/// The programs of the chapter for the lecture compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/src/lecture.md")]
struct Lecture;
