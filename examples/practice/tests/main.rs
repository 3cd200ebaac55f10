//! The practice program: keys are the sweep's gradients, answers are judged, forms can be read.

mod answers;
mod forms;
mod keys;
mod session;
mod words;
