//! Buffers that are used again.
//!
//! A training step asks for the same large buffers again and again. Fresh ones from the system cost
//! more than most loops over them, since every page is first cleared and mapped; so what a dropped
//! tensor leaves is kept for the next one of about its size.

use std::collections::BTreeMap;

/// Smaller buffers are left to the allocator, which is quick with them.
const LEAST: usize = 4096;

/// The free buffers of a thread.
///
/// Free and used buffers together are at most one and a half times the bytes that were ever in use
/// at once: a step that needs other sizes at its end than at its beginning finds both. If there are
/// too many, the sizes that were not asked for the longest go first.
#[derive(Debug, Default)]
pub struct Free<A> {
    by_capacity: BTreeMap<usize, Same<A>>,
    /// Bytes of the free buffers.
    bytes: usize,
    /// Bytes that were taken and not given back.
    in_use: usize,
    /// The most bytes that were ever in use.
    most_in_use: usize,
    /// How often a buffer was taken.
    taken: u64,
}

/// The free buffers of one capacity.
#[derive(Debug)]
struct Same<A> {
    buffers: Vec<Vec<A>>,
    last_taken: u64,
}

impl<A: Pooled> Free<A> {
    /// A buffer for `length` elements that is not much too large.
    fn take(&mut self, length: usize) -> Option<Vec<A>> {
        self.taken += 1;
        let mut fitting = self.by_capacity.range_mut(length..=length + length / 2);
        let found = fitting.find(|(_, same)| !same.buffers.is_empty());
        let bytes = found.as_ref().map_or(length, |(capacity, _)| **capacity) * size_of::<A>();
        self.in_use += bytes;
        self.most_in_use = self.most_in_use.max(self.in_use);
        let (_, same) = found?;
        same.last_taken = self.taken;
        self.bytes -= bytes;
        same.buffers.pop()
    }

    fn give(&mut self, buffer: Vec<A>) {
        let (capacity, bytes) = (buffer.capacity(), buffer.capacity() * size_of::<A>());
        self.in_use = self.in_use.saturating_sub(bytes);
        self.bytes += bytes;
        let new = || Same { buffers: Vec::new(), last_taken: 0 };
        self.by_capacity.entry(capacity).or_insert_with(new).buffers.push(buffer);
        while self.bytes + self.in_use > self.most_in_use + self.most_in_use / 2 {
            let oldest = self.by_capacity.iter().min_by_key(|(_, same)| same.last_taken);
            let capacity = *oldest.expect("some buffer is free").0;
            let same = self.by_capacity.get_mut(&capacity).expect("it was found there");
            if same.buffers.pop().is_some() {
                self.bytes -= capacity * size_of::<A>();
            }
            if same.buffers.is_empty() {
                self.by_capacity.remove(&capacity);
            }
        }
    }
}

/// An element type whose free buffers each thread keeps.
pub trait Pooled: Copy + Default + 'static {
    /// The free buffers of the thread; `None` when the thread ends.
    fn with_free<T>(visit: impl FnOnce(&mut Free<Self>) -> T) -> Option<T>;
}

/// Defines where a thread keeps its free buffers of an element type.
macro_rules! pooled {
    ($float:ident) => {
        impl $crate::ground::memory::Pooled for $float {
            fn with_free<T>(
                visit: impl FnOnce(&mut $crate::ground::memory::Free<Self>) -> T,
            ) -> Option<T> {
                thread_local! {
                    static FREE: std::cell::RefCell<$crate::ground::memory::Free<$float>> =
                        std::cell::RefCell::default();
                }
                // A thread that ends drops tensors after this.
                FREE.try_with(|free| visit(&mut free.borrow_mut())).ok()
            }
        }
    };
}
pub(crate) use pooled;

/// A buffer of `length` elements of any value.
pub fn take<A: Pooled>(length: usize) -> Vec<A> {
    let mut buffer = if length * size_of::<A>() < LEAST {
        // Not asked for as zeros: of those, as glibc's `calloc` gives them, none comes from what the
        // thread has just given back.
        Vec::with_capacity(length)
    } else {
        let free = A::with_free(|free| free.take(length)).flatten();
        free.unwrap_or_else(|| vec![A::default(); length])
    };
    buffer.resize(length, A::default());
    buffer
}

/// A buffer of `length` times `value`.
pub fn filled<A: Pooled>(length: usize, value: A) -> Vec<A> {
    let mut buffer = take(length);
    buffer.fill(value);
    buffer
}

/// Takes back a buffer that is no longer used.
pub fn give<A: Pooled>(buffer: Vec<A>) {
    if buffer.capacity() * size_of::<A>() >= LEAST {
        A::with_free(|free| free.give(buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;

    #[test]
    fn the_buffer_of_a_dropped_tensor_is_used_again() {
        let x = Tensor::<f64>::zeros(&[100, 100]);
        let place = x.view().as_ptr();
        let shared = x.clone();
        drop(x);
        assert_ne!(Tensor::<f64>::zeros(&[100, 100]).view().as_ptr(), place, "still in use");
        drop(shared);
        let y = Tensor::<f64>::ones(&[99, 100]);
        assert_eq!(y.view().as_ptr(), place);
        assert!(y.view().iter().all(|&x| x == 1.0));
    }

    #[test]
    fn a_buffer_that_is_much_too_large_is_left() {
        drop(Tensor::<f32>::zeros(&[1_000_000]));
        let small = take::<f32>(2_000);
        assert!(small.capacity() < 5_000, "{}", small.capacity());
    }
}
