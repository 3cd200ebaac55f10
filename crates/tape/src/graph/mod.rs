//! What is recorded: values, the ops between them, and the handles that users hold.

pub mod error;
mod formula;
pub(crate) mod label;
pub(crate) mod line;
pub(crate) mod node;
pub(crate) mod non_finite;
pub(crate) mod one_line;
pub(crate) mod op;
mod operators;
pub(crate) mod scope;
pub(crate) mod slope;
pub(crate) mod tape;
pub(crate) mod var;
