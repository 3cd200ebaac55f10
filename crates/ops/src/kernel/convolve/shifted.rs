//! Windows that move by 1 over a plane: under each element of the kernel all of them together are the
//! plane, shifted.

use crate::ground::memory::{self, Buffer};
use crate::kernel::geometry::Grid;
use crate::kernel::simd::{fold_lanes, vectorised};
use crate::number::Float;

/// Results whose sums are kept in registers.
const BLOCK: usize = 32;

/// How many times as large as plane and results the plane with its zeros may be.
const MOST_ROOM: usize = 8;

/// A plane with zeros around it. Its rows follow one another, and so do those of the results, with the same
/// pitch: what stands between two rows of them is of no use, but one loop runs over all.
pub struct Shifted {
    /// Rows and columns of the plane.
    plane: [usize; 2],
    /// Zeros above it and to the left.
    before: [usize; 2],
    /// Rows and columns of the results.
    results: [usize; 2],
    /// Elements from one row to the next.
    pitch: usize,
    /// Rows with those of zeros.
    rows: usize,
    /// How far the plane is shifted for each element of the kernel.
    shifts: Vec<usize>,
}

impl Shifted {
    /// The windows over an image, if they move by 1 along two axes.
    pub fn image(grid: &Grid) -> Option<Self> {
        let padding = grid.slides.map(|slide| slide.padding);
        Self::new(grid, grid.size, padding, grid.counts)
    }

    /// The other way round: the image's elements over the gradients of the windows. The elements of the
    /// kernel come in reverse.
    pub fn transposed(grid: &Grid) -> Option<Self> {
        let mut padding = [(0, 0); 2];
        for (padding, slide) in padding.iter_mut().zip(grid.slides) {
            let reach = slide.span() - 1;
            *padding = (reach.checked_sub(slide.padding.0)?, reach.checked_sub(slide.padding.1)?);
        }
        let mut shifted = Self::new(grid, grid.counts, padding, grid.size)?;
        shifted.shifts.reverse();
        Some(shifted)
    }

    fn new(
        grid: &Grid,
        plane: [usize; 2],
        padding: [(usize, usize); 2],
        results: [usize; 2],
    ) -> Option<Self> {
        let [down, across] = grid.slides;
        if !grid.is_flat() || down.stride != 1 || across.stride != 1 {
            return None;
        }
        let [rows, pitch] = [0, 1].map(|axis| plane[axis] + padding[axis].0 + padding[axis].1);
        let used = plane[0] * plane[1] + results[0] * results[1];
        if rows.checked_mul(pitch)? / MOST_ROOM > used {
            return None;
        }
        let shifts = (0..down.kernel).flat_map(|y| {
            (0..across.kernel).map(move |x| y * down.dilation * pitch + x * across.dilation)
        });
        let shifts = shifts.collect();
        Some(Self {
            plane,
            before: padding.map(|(before, _)| before),
            results,
            pitch,
            rows,
            shifts,
        })
    }

    /// Zeros, for a plane with those around it.
    pub fn room<A: Float>(&self) -> Buffer<A> {
        memory::filled(self.rows * self.pitch, A::zero())
    }

    /// Zeros, for results or their gradients.
    pub fn room_of_results<A: Float>(&self) -> Buffer<A> {
        let length = (self.results[0] - 1) * self.pitch + self.results[1];
        memory::filled(length, A::zero())
    }

    /// Copies a plane into the middle of its room.
    pub fn lay<A: Float>(&self, plane: &[A], room: &mut [A]) {
        let rows = room[self.before[0] * self.pitch..].chunks_mut(self.pitch);
        for (row, to) in plane.chunks_exact(self.plane[1]).zip(rows) {
            to[self.before[1]..][..row.len()].copy_from_slice(row);
        }
    }

    /// Copies the gradients of results to the pitch of the plane.
    pub fn lay_gradients<A: Float>(&self, gradients: &[A], room: &mut [A]) {
        let rows = gradients.chunks_exact(self.results[1]).zip(room.chunks_mut(self.pitch));
        rows.for_each(|(row, to)| to[..row.len()].copy_from_slice(row));
    }

    /// Adds results to a plane of them.
    pub fn add_results<A: Float>(&self, results: &[A], to: &mut [A]) {
        for (to, row) in to.chunks_exact_mut(self.results[1]).zip(results.chunks(self.pitch)) {
            to.iter_mut().zip(row).for_each(|(to, &x)| *to += x);
        }
    }

    /// Computes the sum of the shifted planes, each times its weight.
    ///
    /// The zeros are multiplied, too, so that a weight which is not finite gives NaN beside an edge.
    pub fn sum<A: Float>(&self, plane: &[A], weights: &[A], results: &mut [A]) {
        sum_shifted(&self.shifts, plane, weights, results);
    }

    /// Computes the sum of the products of the gradients with each shifted plane.
    ///
    /// What stands between the rows is multiplied by 0, so that an element which is not finite gives NaN
    /// also where no window meets it.
    pub fn products<A: Float>(&self, plane: &[A], gradients: &[A], sums: &mut [A]) {
        products_shifted(&self.shifts, plane, gradients, sums);
    }
}

vectorised! {
    fn sum_shifted<A: Float>(shifts: &[usize], plane: &[A], weights: &[A], results: &mut [A]) {
        let count = results.len();
        if count < BLOCK {
            for (i, result) in results.iter_mut().enumerate() {
                let terms = shifts.iter().zip(weights);
                *result = terms.fold(A::zero(), |sum, (&by, &weight)| sum + weight * plane[by + i]);
            }
            return;
        }
        // The last block begins earlier where it would be too long.
        for at in (0..count).step_by(BLOCK).map(|at| at.min(count - BLOCK)) {
            let mut sums = [A::zero(); BLOCK];
            for (&by, &weight) in shifts.iter().zip(weights) {
                let x: &[A; BLOCK] = plane[by + at..].first_chunk().expect("a plane as long");
                for i in 0..BLOCK {
                    sums[i] += weight * x[i];
                }
            }
            results[at..at + BLOCK].copy_from_slice(&sums);
        }
    }
}

vectorised! {
    fn products_shifted<A: Float>(shifts: &[usize], plane: &[A], gradients: &[A], sums: &mut [A]) {
        let (blocks, rest) = gradients.as_chunks::<BLOCK>();
        for (&by, sum) in shifts.iter().zip(sums) {
            let (x, x_rest) = plane[by..by + gradients.len()].as_chunks::<BLOCK>();
            let mut lanes = [A::zero(); BLOCK];
            for (y, x) in blocks.iter().zip(x) {
                for i in 0..BLOCK {
                    lanes[i] += y[i] * x[i];
                }
            }
            lanes.iter_mut().zip(rest).zip(x_rest).for_each(|((lane, &y), &x)| *lane += y * x);
            *sum = fold_lanes(lanes, |a, b| a + b);
        }
    }
}
