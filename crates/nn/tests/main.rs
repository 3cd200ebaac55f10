//! Tests of the crate from outside, in one program: one is linked faster than one for each file.
//! What needs a process of its own, for its allocator, directory or signals, has a program of its own.

mod architecture;
mod common;
mod course;
mod data;
mod fit;
mod guides;
#[cfg(feature = "images")]
mod images;
mod layers;
mod line_search;
mod losses;
mod metrics;
#[cfg(feature = "onnx")]
mod models;
mod names;
mod names_and_lines;
mod npy;
#[cfg(feature = "onnx")]
mod onnx;
mod optim;
mod optim_settings;
mod outside;
mod replay;
mod run_trace;
mod save;
mod seeds;
mod sequences;
mod steering;
mod torch_layers;
mod torch_losses;
mod torch_models;
mod torch_optim;
mod training;
