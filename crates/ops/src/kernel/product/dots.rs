//! Products as dot products of rows of `a` and columns of `b`, both of which lie without gaps.
//!
//! Four or fewer rows meet four columns at a time. Each sum runs over as many lanes as a register
//! has, which are added at the end; it is the same whatever tile it is in.

use std::array;

use super::job::Job;
use super::vector::Vector;

/// Columns of a tile, and of one that has a single row.
const WIDE: usize = 4;
const WIDE_ROW: usize = 8;

/// Computes a product.
///
/// # Safety
/// The processor has the instructions of `V`, the job's matrices may be read and written, and the
/// strides of `a` and `b` from one term to the next are 1 unless there is a single term.
#[allow(unsafe_code)]
#[inline(always)]
pub unsafe fn dots<V: Vector>(job: &Job<V::Number>) {
    let mut column = 0;
    while column < job.columns {
        let mut row = 0;
        // SAFETY, of all tiles: that of this function; they begin within the output.
        while row < job.rows {
            row += match job.rows - row {
                3.. if V::TILE.0 >= 8 => unsafe { tile::<V, 4, WIDE>(job, row, column) },
                2.. => unsafe { tile::<V, 2, WIDE>(job, row, column) },
                _ if job.rows == 1 => unsafe { tile::<V, 1, WIDE_ROW>(job, row, column) },
                _ => unsafe { tile::<V, 1, WIDE>(job, row, column) },
            };
        }
        column += if job.rows == 1 { WIDE_ROW } else { WIDE };
    }
}

/// Computes a tile of at most `R` rows and `C` columns; gives `R`.
///
/// Where fewer are left, the last of them is read several times.
#[allow(unsafe_code)]
#[allow(clippy::needless_range_loop)] // Of constant length: they are unrolled, sums are registers.
#[inline(always)]
unsafe fn tile<V: Vector, const R: usize, const C: usize>(
    job: &Job<V::Number>,
    row: usize,
    column: usize,
) -> usize {
    let [(a, [a_row, _]), (b, [_, b_column])] = [job.a, job.b];
    let (rows, columns) = ((job.rows - row).min(R), (job.columns - column).min(C));
    let whole = job.depth / V::LANES * V::LANES;
    // SAFETY: rows below `row + rows`, columns below `column + columns` and terms below the depth are
    // within the matrices, whose elements lie at these strides; those of a row of `a` and of a
    // column of `b` lie side by side. The processor has the instructions.
    unsafe {
        let a_rows: [_; R] = array::from_fn(|r| a.offset((row + r.min(rows - 1)) as isize * a_row));
        let b_columns: [_; C] =
            array::from_fn(|c| b.offset((column + c.min(columns - 1)) as isize * b_column));
        let mut sums = [[V::zero(); C]; R];
        let mut term = 0;
        while term < whole {
            let mut factors = [V::zero(); C];
            for c in 0..C {
                factors[c] = V::load(b_columns[c].add(term));
            }
            for r in 0..R {
                let x = V::load(a_rows[r].add(term));
                for c in 0..C {
                    sums[r][c] = x.mul_add(factors[c], sums[r][c]);
                }
            }
            term += V::LANES;
        }
        if term < job.depth {
            let rest = job.depth - term;
            let mut factors = [V::zero(); C];
            for c in 0..C {
                factors[c] = V::load_first(rest, b_columns[c].add(term));
            }
            for r in 0..R {
                let x = V::load_first(rest, a_rows[r].add(term));
                for c in 0..C {
                    sums[r][c] = x.mul_add(factors[c], sums[r][c]);
                }
            }
        }
        // Up to a constant, so that it is unrolled and the sums stay in registers.
        for r in 0..R {
            if r < rows {
                for (four, sums) in sums[r].as_chunks::<4>().0.iter().enumerate() {
                    let left = columns.saturating_sub(four * 4);
                    put(job, row + r, column + four * 4, left, V::sums(*sums));
                }
            }
        }
    }
    R
}

/// Writes the first `count` sums to the output, or adds them.
#[allow(unsafe_code)]
#[inline(always)]
unsafe fn put<A: crate::number::Float>(
    job: &Job<A>,
    row: usize,
    column: usize,
    count: usize,
    sums: [A; 4],
) {
    let (out, [down, right]) = job.out;
    for (i, &sum) in sums.iter().enumerate().take(count) {
        // SAFETY: the caller promises that there are `count` columns from `column` on.
        unsafe {
            let to = out.offset(row as isize * down + (column + i) as isize * right);
            *to = if job.adds { *to + sum } else { sum };
        }
    }
}
