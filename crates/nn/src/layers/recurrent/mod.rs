//! Recurrent layers: one layer with a cell of any kind, and the usual cells.

mod cell;
mod gru;
mod layer;
mod lstm;
mod settings;
mod simple;
mod state;
mod weights;

pub use cell::Cell;
pub use gru::{Gru, GruCell};
pub use layer::Recurrent;
pub use lstm::{Lstm, LstmCell};
pub use settings::{Recurrence, Returns};
pub use simple::{Nonlinearity, SimpleCell, SimpleRnn};
pub use state::{RecurrentOutput, RecurrentState};
pub use weights::RecurrentWeights;
