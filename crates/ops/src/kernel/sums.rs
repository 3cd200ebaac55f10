//! Sums over all elements and over axes.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::reduction::{Reduction, reduce_into};
use super::simd::{LANES, fold_lanes, vectorised};
use super::{simd, threads};
use crate::number::Float;
use crate::tensor::Tensor;

/// Sums that are kept side by side where a run is short.
const WIDE: usize = 256;

/// Elements whose sum is a block of a large sum, and the fewest blocks worth a thread of their own.
pub const BLOCK: usize = 1 << 14;
const BLOCKS_PER_THREAD: usize = 4;

/// Rows that are added to the same sums before those are added to larger ones, in `f64`.
const ROWS: usize = 32;

/// Sums all elements.
///
/// The sums of blocks are added in `f64`, so that a large tensor loses nothing in `f32` and the
/// result does not depend on the number of threads.
pub fn sum<A: Float>(x: &Tensor<A>) -> A {
    let stored = x.stored().map_or_else(|| Cow::Owned(x.to_vec()), |(x, _)| Cow::Borrowed(x));
    let mut sums = SmallVec::<[A; 8]>::from_elem(A::zero(), stored.len().div_ceil(BLOCK));
    threads::divide(&mut sums, 1, BLOCKS_PER_THREAD, |start, sums| {
        let blocks = stored[start * BLOCK..].chunks(BLOCK);
        sums.iter_mut().zip(blocks).for_each(|(sum, block)| *sum = sum_of(block));
    });
    sum_of_blocks(&sums)
}

/// The sum of all elements, from those of its blocks.
pub fn sum_of_blocks<A: Float>(blocks: &[A]) -> A {
    match *blocks {
        [sum] => sum,
        // From 0.0: the empty sum of an iterator is -0.0.
        _ => A::from_f64(blocks.iter().fold(0.0, |total, sum| total + sum.to_f64())),
    }
}

/// The sums of blocks of elements that come a few at a time: those of [`sum`], bit for bit.
pub struct BlockSums<'a, A> {
    /// The sums of the blocks, of which there is one for each block that is begun.
    blocks: std::slice::IterMut<'a, A>,
    lanes: [A; LANES],
    /// The number of elements of the block so far.
    there: usize,
}

impl<'a, A: Float> BlockSums<'a, A> {
    /// No elements yet; the sum of each block will be in `blocks`.
    pub fn new(blocks: &'a mut [A]) -> Self {
        Self { blocks: blocks.iter_mut(), lanes: [A::zero(); LANES], there: 0 }
    }

    /// Adds the elements that come next.
    ///
    /// # Panics
    /// If they are more than there are blocks for.
    pub fn add(&mut self, mut x: &[A]) {
        while !x.is_empty() {
            let room = BLOCK - self.there;
            let (now, later) = x.split_at(room.min(x.len()));
            // What comes first may belong to any lane.
            let lane = self.there % LANES;
            let (before, now) = now.split_at(((LANES - lane) % LANES).min(now.len()));
            self.lanes[lane..].iter_mut().zip(before).for_each(|(lane, &x)| *lane += x);
            add_to_lanes(&mut self.lanes, now);
            self.there += before.len() + now.len();
            if self.there == BLOCK {
                self.end();
            }
            x = later;
        }
    }

    /// Ends a block.
    fn end(&mut self) {
        let sum = fold_lanes(self.lanes, |a, b| a + b);
        *self.blocks.next().expect("as many blocks as the elements make up") = sum;
        (self.lanes, self.there) = ([A::zero(); LANES], 0);
    }

    /// Ends the last block.
    pub fn finish(mut self) {
        if self.there > 0 {
            self.end();
        }
    }
}

/// Sums over axes into `out`, of the result's shape, reusing its buffer where possible.
pub fn sum_axes_into<A: Float>(x: &Tensor<A>, axes: &[usize], out: &mut Tensor<A>) {
    reduce_into(x, axes, out, Reduction::sums);
}

impl Reduction {
    /// Sums the elements of each result.
    fn sums<A: Float>(&self, x: &[A], sums: &mut [A]) {
        sums.fill(A::zero());
        if x.is_empty() {
            return; // However many rows of no elements there are.
        }
        if !self.inner && self.results == self.run {
            return self.sum_rows(x, sums);
        }
        // Where each sum is of a single block, nothing is lost in the type of the elements.
        if self.is_of_rows() && self.run <= BLOCK {
            return sum_of_rows(x, self.run, sums);
        }
        if !self.inner && self.size <= ROWS {
            return self.for_each_run(|start, result| {
                simd::add(&mut sums[result..][..self.run], &x[start..][..self.run]);
            });
        }
        let mut totals = vec![0.0; sums.len()];
        self.for_each_run(|start, result| {
            let x = &x[start..][..self.run];
            if self.inner {
                x.chunks(BLOCK).for_each(|block| totals[result] += sum_of(block).to_f64());
            } else {
                simd::add_wide(&mut totals[result..][..self.run], x);
            }
        });
        sums.iter_mut().zip(totals).for_each(|(sum, total)| *sum = A::from_f64(total));
    }

    /// Adds every run to the same sums, several short runs at a time to several sums, and the sums
    /// of blocks of them in `f64`.
    fn sum_rows<A: Float>(&self, x: &[A], sums: &mut [A]) {
        let several = self.run * (WIDE / self.run).max(1);
        let side_by_side = if several > self.run { several } else { 0 };
        let mut wide = SmallVec::<[A; WIDE]>::from_elem(A::zero(), side_by_side);
        let blocks = x.chunks(several * ROWS);
        let mut sum_block = |block: &[A], sums: &mut [A]| {
            sums.fill(A::zero());
            if wide.is_empty() {
                return block.chunks(self.run).for_each(|run| simd::add(sums, run));
            }
            wide.fill(A::zero());
            block.chunks(several).for_each(|runs| simd::add(&mut wide, runs));
            wide.chunks_exact(self.run).for_each(|sum| simd::add(sums, sum));
        };
        if blocks.len() == 1 {
            return sum_block(x, sums);
        }
        // On the stack where it fits, as a program asks for no memory in a step.
        let mut totals = SmallVec::<[f64; 512]>::from_elem(0.0, self.run);
        for block in blocks {
            sum_block(block, sums);
            simd::add_wide(&mut totals, sums);
        }
        sums.iter_mut().zip(totals).for_each(|(sum, total)| *sum = A::from_f64(total));
    }
}

vectorised! {
    /// Sums the elements, lane by lane.
    fn sum_of<A: Float>(x: &[A]) -> A {
        sum_in_lanes::<A, LANES>(x)
    }
}

vectorised! {
    /// Sums each row of `length` elements, as [`sum_of`] does.
    fn sum_of_rows<A: Float>(x: &[A], length: usize, sums: &mut [A]) {
        let rows = x.chunks_exact(length.max(1)).zip(sums);
        // Short rows in fewer lanes: to those beyond them nothing would be added.
        match length {
            0..=8 => rows.for_each(|(row, sum)| *sum = sum_in_lanes::<A, 8>(row)),
            9..=16 => rows.for_each(|(row, sum)| *sum = sum_in_lanes::<A, 16>(row)),
            _ => rows.for_each(|(row, sum)| *sum = sum_in_lanes::<A, LANES>(row)),
        }
    }
}

#[inline(always)] // To be compiled for the instructions of the function that calls it.
fn sum_in_lanes<A: Float, const L: usize>(x: &[A]) -> A {
    let mut lanes = [A::zero(); L];
    add_to(&mut lanes, x);
    fold_lanes(lanes, |a, b| a + b)
}

vectorised! {
    /// Adds the elements to lanes, the first to the first.
    fn add_to_lanes<A: Float>(lanes: &mut [A; LANES], x: &[A]) {
        let mut sums = *lanes; // In registers.
        add_to(&mut sums, x);
        *lanes = sums;
    }
}

#[inline(always)] // To be compiled for the instructions of the function that calls it.
fn add_to<A: Float, const L: usize>(lanes: &mut [A; L], x: &[A]) {
    let (chunks, rest) = x.as_chunks::<L>();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &x)| *lane += x);
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, &x)| *lane += x);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any_pieces_give_the_blocks_of_the_whole<A: Float>() {
        let number = |i: usize| A::from_f64((i as f64 * 0.7).sin() * 3.0 + 0.1);
        let x: Vec<A> = (0..3 * BLOCK + 77).map(number).collect();
        for length in [1, 31, 32, 33, 1000, BLOCK, BLOCK + 5, 2 * BLOCK, x.len()] {
            let x = &x[..length];
            let whole: Vec<A> = x.chunks(BLOCK).map(sum_of).collect();
            for piece in [1, 7, 32, 100, 1024, 1020, BLOCK, 20_000] {
                let mut blocks = vec![A::default(); whole.len()];
                let mut sums = BlockSums::new(&mut blocks);
                x.chunks(piece).for_each(|x| sums.add(x));
                sums.finish();
                assert_eq!(blocks, whole, "{length} in pieces of {piece}");
            }
            let tensor = Tensor::from_shape_vec(&[length], x.to_vec()).unwrap();
            assert_eq!(sum_of_blocks(&whole), sum(&tensor));
        }
    }

    #[test]
    fn sums_of_pieces_are_those_of_the_whole() {
        any_pieces_give_the_blocks_of_the_whole::<f32>();
        any_pieces_give_the_blocks_of_the_whole::<f64>();
    }
}
