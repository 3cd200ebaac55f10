//! Products of matrices.

mod dots;
mod job;
mod method;
mod outer;
mod run;
#[cfg(test)]
mod tests;
mod turn;
mod vector;

use ndarray::{ArrayView2, ArrayViewD, ArrayViewMut2, Axis, Ix2, Slice};

use super::threads;
use crate::number::Float;
use method::Method;
use run::Level;
use turn::{copy_rows, row_by_row};

/// The fewest multiply-adds worth a thread of their own.
const PER_THREAD: usize = 1 << 20;

/// Rows and columns are divided at multiples of this, as tiles and the library's blocks are.
const BLOCK: usize = 16;

/// Terms that a product sums before it adds them to the result, at the least.
///
/// With no more of them [`add_product`] rounds as a product and then a sum do.
pub const SUMMED_AT_ONCE: usize = 256;

/// Multiplies two matrices into a third, divided among threads along its longer side.
pub fn product_into<A: Float>(
    a: &ArrayView2<'_, A>,
    b: &ArrayView2<'_, A>,
    out: &mut ArrayViewMut2<'_, A>,
) {
    divided(a, b, false, out);
}

/// Adds the product of two matrices to a third.
pub fn add_product<A: Float>(
    a: &ArrayView2<'_, A>,
    b: &ArrayView2<'_, A>,
    to: &mut ArrayViewMut2<'_, A>,
) {
    divided(a, b, true, to);
}

/// Tells whether the product of two matrices begins with a copy of the second, by rows.
pub fn copies_second<A: Float>(a: &ArrayView2<'_, A>, b: &ArrayView2<'_, A>) -> bool {
    Method::of(a, b) == Method::Copied
}

/// Copies a matrix row by row into `to`, as products do that begin so.
pub fn copy_second<A: Float>(b: &ArrayView2<'_, A>, to: &mut [A]) {
    copy_rows(Level::fastest(), b, to);
}

/// Computes `out ← a @ b`, or adds the product to `out`, on this thread.
pub fn product_here<A: Float>(
    a: &ArrayView2<'_, A>,
    b: &ArrayView2<'_, A>,
    adds: bool,
    out: &mut ArrayViewMut2<'_, A>,
) {
    Method::of(a, b).run(Level::fastest(), a, b, adds, out);
}

/// Computes `out ← a @ b`, or adds the product to `out`, divided among threads.
fn divided<A: Float>(
    a: &ArrayView2<'_, A>,
    b: &ArrayView2<'_, A>,
    adds: bool,
    out: &mut ArrayViewMut2<'_, A>,
) {
    let (method, level) = (Method::of(a, b), Level::fastest());
    let (m, k, n) = (a.nrows(), a.ncols(), b.ncols());
    let pieces = threads::pieces(m * n * k, PER_THREAD).min(m.max(n) / BLOCK);
    if pieces <= 1 {
        return method.run(level, a, b, adds, out);
    }
    if method == Method::Copied {
        let copy = row_by_row(level, b);
        let b = ArrayView2::from_shape(b.dim(), &copy).expect("all elements");
        return by_pieces(Method::Outer, pieces, a, &b, adds, out);
    }
    by_pieces(method, pieces, a, b, adds, out);
}

/// Computes pieces of a product on several threads, all in the same way.
fn by_pieces<A: Float>(
    method: Method,
    pieces: usize,
    a: &ArrayView2<'_, A>,
    b: &ArrayView2<'_, A>,
    adds: bool,
    out: &mut ArrayViewMut2<'_, A>,
) {
    let level = Level::fastest();
    let axis = Axis(usize::from(out.ncols() > out.nrows()));
    let length = out.len_of(axis).div_ceil(pieces * BLOCK) * BLOCK;
    let all = out.axis_chunks_iter_mut(axis, length).enumerate();
    threads::each(all, |(i, mut out)| {
        let piece = Slice::from(i * length..i * length + out.len_of(axis));
        let (a, b) = if axis.0 == 0 {
            (a.slice_axis(axis, piece), b.view())
        } else {
            (a.view(), b.slice_axis(axis, piece))
        };
        method.run(level, &a, &b, adds, &mut out);
    });
}

/// Multiplies two stacks of matrices, `[…, m, k]` and `[…, k, n]` with equal leading axes.
pub fn batched_into<A: Float>(
    a: &ArrayViewD<'_, A>,
    b: &ArrayViewD<'_, A>,
    shape: &[usize],
    out: &mut [A],
) {
    let (leading, matrix) = shape.split_at(shape.len() - 2);
    let size = matrix.iter().product();
    if out.is_empty() || size == 0 {
        return;
    }
    let inner = a.shape()[a.ndim() - 1];
    let least = (PER_THREAD / inner.max(1)).max(size);
    threads::divide(out, size, least, |start, out| {
        for (i, out) in out.chunks_exact_mut(size).enumerate() {
            let (a, b) = (nth(a, leading, start / size + i), nth(b, leading, start / size + i));
            let out = ArrayViewMut2::from_shape((a.nrows(), b.ncols()), out);
            product_here(&a, &b, false, &mut out.expect("as many elements as the matrix holds"));
        }
    });
}

/// Matrix number `index` of a stack with these leading axes.
fn nth<'a, A: Float>(
    stack: &'a ArrayViewD<'_, A>,
    leading: &[usize],
    mut index: usize,
) -> ArrayView2<'a, A> {
    let mut matrix = stack.view();
    for (axis, &length) in leading.iter().enumerate().rev() {
        matrix.collapse_axis(Axis(axis), index % length);
        index /= length;
    }
    for _ in leading {
        matrix.index_axis_inplace(Axis(0), 0);
    }
    matrix.into_dimensionality::<Ix2>().expect("the leading axes were indexed away")
}
