//! What a user types: expressions, and names that look like another.

#[cfg(feature = "expression")]
pub mod expression;
#[cfg(any(feature = "expression", feature = "terminal"))]
pub(crate) mod nearest;
