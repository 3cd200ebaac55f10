//! Views: passes and graphs as text, pictures, pages and screens. The engine imports none of them.

#[cfg(debug_assertions)]
pub mod instances;
pub mod latex;
#[cfg(feature = "page")]
pub mod page;
pub mod picture;
mod plan;
#[cfg(feature = "page")]
pub mod slides;
#[cfg(feature = "terminal")]
pub mod terminal;
pub mod trace;
