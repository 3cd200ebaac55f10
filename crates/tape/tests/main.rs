//! Tests of the crate from outside, in one program: one is linked faster than one for each file.
//! What needs a process of its own, for its allocator, directory or signals, has a program of its own.

mod any_rule;
#[cfg(feature = "linalg")]
mod batch;
#[cfg(all(feature = "svg", feature = "terminal"))] // Its programs are built.
mod book;
mod checks;
mod command_line;
mod composed;
mod debug;
#[cfg(feature = "expression")]
mod expression;
#[cfg(feature = "page")]
mod latex;
mod listings;
mod messages;
#[cfg(feature = "linalg")]
mod op_table;
mod outside;
#[cfg(feature = "page")]
mod page;
mod picture;
mod program;
mod properties;
#[cfg(feature = "linalg")]
mod reference;
mod rules;
mod slopes;
mod sweep;
#[cfg(feature = "terminal")]
mod terminal;
mod terms;
mod text;
mod trace;
mod transform;
mod unwind;
mod values;
mod words;
