//! Plain data that every room speaks of: what can go wrong, state that can be saved, targets,
//! seeds.

mod checksum;
pub(crate) mod error;
mod finite;
mod history;
mod seed;
pub(crate) mod setting;
mod state;
mod targets;
pub(crate) mod words;

pub(crate) use checksum::Checksum;
pub use error::Error;
pub(crate) use finite::all_finite;
pub use history::{EpochLog, History};
pub use seed::{epoch_seed, rng, step_seed};
pub use state::State;
pub(crate) use state::StateReader;
pub use targets::Targets;
