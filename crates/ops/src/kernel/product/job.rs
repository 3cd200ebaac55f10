//! A product as addresses and strides.

use ndarray::{ArrayView2, ArrayViewMut2};

/// `out ← a @ b`, or `out ← out + a @ b`, of matrices that lie in memory in any way.
///
/// Element (i, j) of a matrix lies i times the first stride and j times the second after its first.
#[derive(Clone, Copy, Debug)]
pub struct Job<A> {
    pub rows: usize,
    /// Terms of a sum.
    pub depth: usize,
    pub columns: usize,
    pub a: (*const A, [isize; 2]),
    pub b: (*const A, [isize; 2]),
    pub out: (*mut A, [isize; 2]),
    /// Whether the product is added to what is there.
    pub adds: bool,
}

impl<A> Job<A> {
    /// The product of two matrices. All elements that it addresses are those of the views.
    pub fn new(
        a: &ArrayView2<'_, A>,
        b: &ArrayView2<'_, A>,
        adds: bool,
        out: &mut ArrayViewMut2<'_, A>,
    ) -> Self {
        let strides = |strides: &[isize]| [strides[0], strides[1]];
        let (rows, depth, columns) = (a.nrows(), a.ncols(), b.ncols());
        assert_eq!((b.nrows(), out.dim()), (depth, (rows, columns)), "matrices that fit");
        Self {
            rows,
            depth,
            columns,
            a: (a.as_ptr(), strides(a.strides())),
            b: (b.as_ptr(), strides(b.strides())),
            out: (out.as_mut_ptr(), strides(out.strides())),
            adds,
        }
    }

    /// The same product transposed: `outᵀ ← bᵀ @ aᵀ`.
    pub fn transposed(&self) -> Self {
        let swap = |[rows, columns]: [isize; 2]| [columns, rows];
        Self {
            rows: self.columns,
            columns: self.rows,
            a: (self.b.0, swap(self.b.1)),
            b: (self.a.0, swap(self.a.1)),
            out: (self.out.0, swap(self.out.1)),
            ..*self
        }
    }

    /// The same addresses as those of numbers of another type.
    pub fn cast<B>(&self) -> Job<B> {
        let Self { rows, depth, columns, a, b, out, adds } = *self;
        Job {
            rows,
            depth,
            columns,
            a: (a.0.cast(), a.1),
            b: (b.0.cast(), b.1),
            out: (out.0.cast(), out.1),
            adds,
        }
    }
}
