//! Tests of the crate from outside, in one program: one is linked faster than one for each file.

mod buffers;
mod contributing;
mod describe;
mod fuse;
mod layouts;
mod loops;
mod sizes;
#[cfg(feature = "threads")]
mod threads;
mod updates;
