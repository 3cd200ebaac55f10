//! Linear rules. Each is its own forward mode, and the gradient of each is its adjoint.
//!
//! | rule | adjoint |
//! |---|---|
//! | sum, mean | broadcast (of a multiple) |
//! | broadcast_to | sum, which the engine does wherever an operand was stretched |
//! | reshape | reshape back |
//! | permute | the inverse permutation |
//! | slice | slice_adjoint: zeros with the slice put in its place |
//! | several slices | assemble: zeros with each of them added in its place |
//! | concat | slices |
//! | index_select (gather) | index_add (scatter-add) |
//! | pick (one element a row) | place |

mod assemble;
mod broadcast;
mod concat;
mod identity;
mod index;
mod mean;
mod methods;
mod part;
mod permute;
mod pick;
mod reshape;
mod shared;
mod slice;
mod sum;

pub use assemble::Assemble;
pub use broadcast::BroadcastTo;
pub use concat::Concat;
pub use identity::Identity;
pub use index::{IndexAdd, IndexSelect};
pub use mean::Mean;
pub use methods::{LinearMethods, NewShape};
pub use permute::Permute;
pub use pick::{Pick, Place};
pub use reshape::Reshape;
pub(crate) use shared::{labelled_rows, reduction_shape, show_reduction, spread};
pub use slice::{Slice, SliceAdjoint};
pub use sum::Sum;
