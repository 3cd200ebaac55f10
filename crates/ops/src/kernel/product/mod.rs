//! Products of matrices.

use super::threads;
use crate::number::Float;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewD, ArrayViewMut2, Axis, Ix2};

/// The fewest multiply-adds worth a thread of their own.
const PER_THREAD: usize = 1 << 22;

/// Rows and columns are divided at multiples of this, as the product's own blocks are.
const BLOCK: usize = 32;

/// Multiplies two matrices into a third, divided among threads along its longer side.
pub fn product_into<A: Float>(
    a: &ArrayView2<'_, A>,
    b: &ArrayView2<'_, A>,
    out: &mut ArrayViewMut2<'_, A>,
) {
    product_and(a, b, A::zero(), out);
}

/// Terms that a product sums before it adds them to the result.
///
/// With no more of them [`add_product`] rounds as a product and then a sum do.
pub const SUMMED_AT_ONCE: usize = 256;

/// Adds the product of two matrices to a third.
pub fn add_product<A: Float>(
    a: &ArrayView2<'_, A>,
    b: &ArrayView2<'_, A>,
    to: &mut ArrayViewMut2<'_, A>,
) {
    product_and(a, b, A::one(), to);
}

/// `out ← a @ b + keep·out`.
fn product_and<A: Float>(
    a: &ArrayView2<'_, A>,
    b: &ArrayView2<'_, A>,
    keep: A,
    out: &mut ArrayViewMut2<'_, A>,
) {
    let (m, k, n) = (a.nrows(), a.ncols(), b.ncols());
    let pieces = threads::pieces(m * n * k, PER_THREAD).min(m.max(n) / BLOCK);
    if pieces <= 1 {
        return general_mat_mul(A::one(), a, b, keep, out);
    }
    let axis = Axis(usize::from(n > m));
    let length = m.max(n).div_ceil(pieces * BLOCK) * BLOCK;
    let all = out.axis_chunks_iter_mut(axis, length).enumerate();
    threads::each(all, |(i, mut out)| {
        let piece = ndarray::Slice::from(i * length..i * length + out.len_of(axis));
        let (a, b) = if axis.0 == 0 {
            (a.slice_axis(axis, piece), b.view())
        } else {
            (a.view(), b.slice_axis(axis, piece))
        };
        general_mat_mul(A::one(), &a, &b, keep, &mut out);
    });
}

/// Multiplies two stacks of matrices, `[…, m, k]` and `[…, k, n]` with equal leading axes.
pub fn batched_into<A: Float>(
    a: &ArrayViewD<'_, A>,
    b: &ArrayViewD<'_, A>,
    shape: &[usize],
    out: &mut [A],
) {
    let size = shape[shape.len() - 2..].iter().product();
    let inner = a.shape()[a.ndim() - 1];
    if size > 0 {
        let least = (PER_THREAD / inner.max(1)).max(size);
        threads::divide(out, size, least, |start, out| {
            for (i, out) in out.chunks_exact_mut(size).enumerate() {
                let (a, b) =
                    (matrix(a, shape, start / size + i), matrix(b, shape, start / size + i));
                let out = ArrayViewMut2::from_shape((a.nrows(), b.ncols()), out);
                let mut out = out.expect("as many elements as the matrix holds");
                general_mat_mul(A::one(), &a, &b, A::zero(), &mut out);
            }
        });
    }
}

/// Matrix number `index` of a stack with the leading axes of `shape`.
fn matrix<'a, A: Float>(
    stack: &'a ArrayViewD<'_, A>,
    shape: &[usize],
    mut index: usize,
) -> ArrayView2<'a, A> {
    let mut matrix = stack.view();
    let leading = &shape[..shape.len() - 2];
    for (axis, &length) in leading.iter().enumerate().rev() {
        matrix.collapse_axis(Axis(axis), index % length);
        index /= length;
    }
    for _ in leading {
        matrix.index_axis_inplace(Axis(0), 0);
    }
    matrix.into_dimensionality::<Ix2>().expect("the leading axes were indexed away")
}
