//! Which of the ways to multiply is taken.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use super::job::Job;
use super::run::{Level, Tiles};
use super::turn::row_by_row;
use crate::number::Float;

/// A way to multiply two matrices.
///
/// All but `Library` read the operands where they lie. The order of the terms of a sum depends on
/// the way alone, not on where in the result it stands nor on how the result lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Outer products; the rows of `b`, or the columns of `a`, lie without gaps.
    Outer,
    /// Dot products; the rows of `a` and the columns of `b` lie without gaps.
    Dots,
    /// Outer products, after `b` has been copied row by row.
    Copied,
    /// `matrixmultiply`'s, which packs both operands.
    Library,
}

/// Terms from which dot products pay: each ends with the sum of a register's lanes.
const LONG: usize = 48;
/// The same for rows so few that copying the other operand does not pay either.
const SHORT: usize = 8;
/// Rows (or columns, whichever are fewer) up to which they do: all of them are read for each tile of
/// the others.
const FEW: usize = 96;
/// Rows from which copying the other operand pays.
const ENOUGH: usize = 16;
/// Rows and columns from which it pays even where dot products could be taken, with registers of 512
/// bits and few terms.
const MANY: usize = 48;
/// Terms from which the columns of a tile no longer fit the second-level cache.
const PANEL: usize = 2048;
/// Rows, terms and columns from which packing both operands costs nothing that is seen.
const LARGE: usize = 512;
/// Multiply-adds up to which the tiles are used where the compiler does not optimise them: the
/// library is compiled with optimisation even then.
const UNOPTIMISED: usize = 1 << 12;

impl Method {
    /// The fastest way, by measurements that `kernel/README.md` lists.
    pub fn of<A>(a: &ArrayView2<'_, A>, b: &ArrayView2<'_, A>) -> Self {
        let (m, k, n) = (a.nrows(), a.ncols(), b.ncols());
        let large = cfg!(debug_assertions) && m * k * n > UNOPTIMISED;
        if large || Level::fastest() == Level::Plain && cfg!(target_arch = "x86_64") {
            return Self::Library;
        }
        let lies = |length: usize, stride: isize| length <= 1 || stride == 1;
        let a_by_terms = lies(k, a.strides()[1]);
        let b_by_terms = lies(k, b.strides()[0]);
        let long = k >= LONG || k >= SHORT && m < ENOUGH;
        let copied = m.min(n) >= MANY && Level::fastest().copies_for(k);
        if a_by_terms && b_by_terms && long && m.min(n) <= FEW && !copied {
            return Self::Dots;
        }
        let direct = lies(n, b.strides()[1]) || lies(m, a.strides()[0]);
        if k >= PANEL || m.min(k).min(n) >= LARGE {
            return Self::Library;
        }
        match direct {
            true => Self::Outer,
            false if m >= ENOUGH => Self::Copied,
            false => Self::Library,
        }
    }

    /// Computes `out ← a @ b`, or adds the product to `out`.
    #[allow(unsafe_code)]
    pub fn run<A: Float>(
        self,
        level: Level,
        a: &ArrayView2<'_, A>,
        b: &ArrayView2<'_, A>,
        adds: bool,
        out: &mut ArrayViewMut2<'_, A>,
    ) {
        if out.is_empty() {
            return;
        }
        let job = match self {
            Self::Library => {
                let keep = if adds { A::one() } else { A::zero() };
                return general_mat_mul(A::one(), a, b, keep, out);
            }
            Self::Copied => {
                let copy = row_by_row(level, b);
                let b = ArrayView2::from_shape(b.dim(), &copy).expect("all elements");
                return Self::Outer.run(level, a, &b, adds, out);
            }
            Self::Outer | Self::Dots => Job::new(a, b, adds, out),
        };
        // Written row by row, a tile is stored by registers.
        let by_columns = job.out.1[1] != 1 && job.out.1[0] == 1;
        let lies = |length: usize, stride: isize| length <= 1 || stride == 1;
        let direct = |job: &Job<A>| job.depth == 0 || lies(job.columns, job.b.1[1]);
        let transposed = match self {
            Self::Dots => job.rows > job.columns,
            _ if by_columns => direct(&job.transposed()),
            _ => !direct(&job),
        };
        let job = if transposed { job.transposed() } else { job };
        let tiles = if self == Self::Dots { Tiles::Dots } else { Tiles::Outer };
        let fits = match tiles {
            Tiles::Outer => direct(&job),
            Tiles::Dots => lies(job.depth, job.a.1[1]) && lies(job.depth, job.b.1[0]),
        };
        assert!(fits, "operands that lie as the tiles read them");
        let first = if transposed { b.t() } else { a.view() };
        let copy =
            (tiles == Tiles::Outer && level.copies_first(&job)).then(|| row_by_row(level, &first));
        let job = match &copy {
            Some(copy) => Job { a: (copy.as_ptr(), [job.depth as isize, 1]), ..job },
            None => job,
        };
        // SAFETY: the views and the copy are borrowed while this runs, `out` by nobody else, and the job
        // addresses none but their elements. They lie as the tiles ask, which was just seen. A level is
        // only made by asking the processor for it.
        unsafe { tiles.run(level, &job) }
    }
}
