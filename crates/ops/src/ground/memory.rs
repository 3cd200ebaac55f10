//! Buffers that are used again.
//!
//! A training step asks for the same large buffers again and again. Fresh ones from the system cost
//! more than most loops over them, since every page is first cleared and mapped; so what a dropped
//! tensor leaves is kept for the next one of about its size.

use std::collections::BTreeMap;
use std::mem;
use std::ops::{Deref, DerefMut};

use ndarray::{Array1, ArrayD, IxDyn, s};

/// Smaller buffers are left to the allocator, which is quick with them.
const LEAST: usize = 4096;

/// The bytes of a line of the cache: a register that lies in two takes two accesses.
const LINE: usize = 64;

/// The elements of a line of the cache.
pub const fn line<A>() -> usize {
    LINE / size_of::<A>()
}

/// The number of elements before the first that begins a line of the cache; at most a line.
pub fn before_line<A>(elements: &[A]) -> usize {
    elements.as_ptr().align_offset(LINE).min(line::<A>())
}

/// Elements that begin at a line of the cache, unless they are few. Their memory is used again
/// when they are dropped.
#[derive(Debug)]
pub struct Buffer<A: Pooled> {
    memory: Vec<A>,
    /// The elements of the memory that are before those of the buffer.
    before: usize,
}

impl<A: Pooled> Buffer<A> {
    /// Keeps the first elements only.
    pub fn truncate(&mut self, length: usize) {
        self.memory.truncate(self.before + length);
    }

    /// An array of these elements, the last axis fastest.
    ///
    /// # Panics
    /// If the shape holds another number of elements.
    pub fn into_array(mut self, shape: &[usize]) -> ArrayD<A> {
        let (memory, before) = (mem::take(&mut self.memory), self.before);
        let array = if before == 0 {
            ArrayD::from_shape_vec(IxDyn(shape), memory)
        } else {
            Array1::from(memory).slice_move(s![before..]).into_shape_with_order(IxDyn(shape))
        };
        array.expect("as many elements as the shape holds")
    }
}

impl<A: Pooled> Deref for Buffer<A> {
    type Target = [A];
    #[inline]
    fn deref(&self) -> &[A] {
        &self.memory[self.before..]
    }
}

impl<A: Pooled> DerefMut for Buffer<A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [A] {
        &mut self.memory[self.before..]
    }
}

impl<A: Pooled> Drop for Buffer<A> {
    fn drop(&mut self) {
        give(mem::take(&mut self.memory));
    }
}

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
    /// A buffer for `length` elements that is not much too large; one with room for what may be before
    /// them if there is any.
    fn take(&mut self, length: usize) -> Option<Vec<A>> {
        self.taken += 1;
        let room = length + line::<A>();
        let is_there = |same: &Same<A>| !same.buffers.is_empty();
        let mut roomy = self.by_capacity.range(room..=length + length / 2);
        let least = if roomy.any(|(_, same)| is_there(same)) { room } else { length };
        let mut fitting = self.by_capacity.range_mut(least..=length + length / 2);
        let found = fitting.find(|(_, same)| is_there(same));
        let bytes = found.as_ref().map_or(room, |(capacity, _)| **capacity) * size_of::<A>();
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
pub fn take<A: Pooled>(length: usize) -> Buffer<A> {
    if length * size_of::<A>() < LEAST {
        // Not asked for as zeros: of those, as glibc's `calloc` gives them, none comes from what the
        // thread has just given back.
        let mut memory = Vec::with_capacity(length);
        memory.resize(length, A::default());
        return Buffer { memory, before: 0 };
    }
    let free = A::with_free(|free| free.take(length)).flatten();
    let mut memory = free.unwrap_or_else(|| vec![A::default(); length + line::<A>()]);
    // What was a vector of someone else's may have no room.
    let before = before_line(&memory);
    let before = if before + length <= memory.capacity() { before } else { 0 };
    memory.resize(before + length, A::default());
    Buffer { memory, before }
}

/// A buffer of `length` times `value`.
pub fn filled<A: Pooled>(length: usize, value: A) -> Buffer<A> {
    let mut buffer = take(length);
    buffer.fill(value);
    buffer
}

/// A buffer of some numbers.
pub fn of<A: Pooled>(numbers: impl ExactSizeIterator<Item = A>) -> Buffer<A> {
    let mut buffer = take(numbers.len());
    buffer.iter_mut().zip(numbers).for_each(|(to, number)| *to = number);
    buffer
}

/// Takes back memory that is no longer used.
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
    fn large_buffers_begin_at_a_line_of_the_cache() {
        let mut kept = Vec::new();
        for length in (1000..40_000).step_by(997) {
            let buffer = of((0..length).map(|i| i as f32));
            assert!(buffer.len() == length && buffer.memory.len() < length + line::<f32>());
            if length * size_of::<f32>() >= LEAST {
                assert_eq!(buffer.as_ptr().addr() % LINE, 0, "{length} elements");
            }
            assert!(buffer.iter().enumerate().all(|(i, &x)| x == i as f32));
            if length % 2 == 0 {
                kept.push(buffer); // The others are used again.
            }
        }
    }

    #[test]
    fn a_tensor_has_the_elements_of_a_buffer_and_no_others() {
        let memory = (-5..3_001).map(f64::from).collect();
        let mut buffer = Buffer { memory, before: 5 };
        buffer.truncate(3_000);
        let begin = buffer.as_ptr();
        let mut x = Tensor::from_buffer(&[30, 100], buffer);
        assert_eq!(x.view().as_ptr(), begin, "moved, not copied");
        let shared = x.clone();
        x.view_mut()[[29, 99]] = -1.0;
        assert_eq!(shared.view()[[29, 99]], 2_999.0);
        assert_eq!(x.view()[[29, 99]], -1.0);
        let array = shared.into_array::<ndarray::Ix2>().unwrap();
        assert_eq!(
            array.iter().copied().collect::<Vec<_>>(),
            (0..3_000).map(f64::from).collect::<Vec<_>>()
        );
        assert_eq!(x.view()[[0, 0]], 0.0);
    }

    #[test]
    fn a_vector_that_has_just_room_is_used_again() {
        drop(take::<f64>(10_000)); // Of what was never in use nothing is kept.
        let x = Tensor::from_shape_vec(&[2_345], vec![1.0_f64; 2_345]).unwrap();
        let place = x.view().as_ptr();
        drop(x);
        let buffer = take::<f64>(2_345);
        assert!(buffer.as_ptr() == place && buffer.len() == 2_345);
    }

    #[test]
    fn a_buffer_that_is_much_too_large_is_left() {
        drop(Tensor::<f32>::zeros(&[1_000_000]));
        let small = take::<f32>(2_000);
        assert!(small.memory.capacity() < 5_000, "{}", small.memory.capacity());
    }
}
