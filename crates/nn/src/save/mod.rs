//! Saving and loading: weights, checkpoints, and models for other programs.
//!
//! | to | use |
//! |---|---|
//! | keep the weights of a model, or exchange them with PyTorch | [`save_weights`], [`load_weights`] |
//! | load part of a file, or one with other names | [`Loading`] |
//! | hold the best weights in memory | [`Weights`] |
//! | stop training and go on later as if nothing had happened | [`Checkpoint`] |
//! | run a model in another program | `onnx` (with the feature `onnx`) |
//!
//! Files are written whole or not at all. Whatever is read is checked first: a damaged or hostile
//! file is an error, and a model is never left half loaded.

mod atomic;
mod checkpoint;
mod earlier;
#[cfg(feature = "onnx")]
pub mod onnx;
mod safetensors;
mod weights;

pub use crate::ground::error::{Misfit, SaveError};
pub use checkpoint::Checkpoint;
pub(crate) use earlier::make_room;
pub(crate) use weights::shapes_of;
pub use weights::{Loaded, Loading, Weights, load_weights, save_weights};
