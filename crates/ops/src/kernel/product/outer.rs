//! Products as sums of outer products: each number of a column of `a` times a row of `b`.
//!
//! A tile of some rows and a few registers of columns has its sums in registers, from the first term
//! to the last. Rows of `b` must lie without gaps; `a` may lie in any way, since its
//! numbers are read one by one.

use super::job::Job;
use super::vector::Vector;
use crate::ground::memory;
use crate::number::Float;

/// Registers of columns of a tile that has a single row.
const WIDE_ROW: usize = 8;

/// Terms up to which tiles have a single row: the time goes into writing the result, which is then
/// written from its beginning to its end.
const SHORT: usize = 2;

/// Elements of `b` up to which all of it is read for some rows of `a`, and not all of `a` for some
/// columns: the second-level cache holds them, and the result is written along its rows.
const SMALL: usize = 1 << 15;

/// Rows from which it pays to copy the columns of each tile side by side; of the first operand, rows and
/// columns.
pub const ENOUGH: usize = 32;

/// Elements over which the addresses of an operand's terms reach, up to which a copy does not pay: the
/// first-level cache holds them.
pub const NEAR: usize = 1 << 12;

/// Computes a product, whose sums all run from the first term to the last.
///
/// With narrow tiles the rows of `b` are read where they lie only if there is little of them, or for few
/// rows of `a`. Of long rows a tile reads a few numbers each, at addresses that are apart by a power of
/// 2 as likely as not, so that a few sets of the cache take them all.
///
/// # Safety
/// The processor has the instructions of `V`, the job's matrices may be read and written, and the
/// second stride of `b` is 1 unless it has a single column or no row.
#[allow(unsafe_code)]
#[inline(always)]
pub unsafe fn outer<V: Vector>(job: &Job<V::Number>) {
    let reach = job.depth * job.b.1[0].unsigned_abs();
    let copies = V::TILE.0 < 8 && job.rows >= ENOUGH && job.depth > SHORT && reach > NEAR;
    let most = V::TILE.1 * V::LANES;
    let mut copy = memory::take(if copies { job.depth * most } else { 0 });
    let by_rows = !copies && job.depth * job.columns <= SMALL;
    let (mut row, mut column) = (0, 0);
    while row < job.rows && column < job.columns {
        // SAFETY: that of this function; there are columns from `column` on, and the tile begins within
        // the result. The copy of its columns is not written while the tile is computed.
        let (rows, columns) = unsafe {
            let mut b = (job.b.0.add(column), job.b.1[0]);
            if copies {
                if row == 0 {
                    copy_columns(b, most.min(job.columns - column), most, &mut copy);
                }
                b = (copy.as_ptr(), most as isize);
            }
            tiles::<V>(job, b, row, column)
        };
        if by_rows {
            column += columns;
            if column >= job.columns {
                (row, column) = (row + rows, 0);
            }
        } else {
            row += rows;
            if row >= job.rows {
                (row, column) = (0, column + columns);
            }
        }
    }
}

/// Copies the first columns of a matrix, whose rows lie without gaps, to rows that lie `most` numbers
/// apart.
///
/// # Safety
/// The matrix has so many columns, and as many rows as there is room for.
#[allow(unsafe_code)]
unsafe fn copy_columns<A: Float>(
    (from, down): (*const A, isize),
    columns: usize,
    most: usize,
    to: &mut [A],
) {
    for (row, to) in to.chunks_exact_mut(most).enumerate() {
        // SAFETY: that of this function.
        let from = unsafe { std::slice::from_raw_parts(from.offset(row as isize * down), columns) };
        to[..columns].copy_from_slice(from);
    }
}

/// Computes the tile at a row and a column, and gives its size. Its columns of `b` are at an address,
/// with a stride from one term to the next.
#[allow(unsafe_code)]
#[inline(always)]
unsafe fn tiles<V: Vector>(
    job: &Job<V::Number>,
    b: (*const V::Number, isize),
    row: usize,
    column: usize,
) -> (usize, usize) {
    let left = job.columns - column;
    let alone = job.rows == 1 || job.depth <= SHORT;
    let registers = match left.div_ceil(V::LANES) {
        WIDE_ROW.. if alone => WIDE_ROW,
        registers => registers.min(V::TILE.1),
    };
    let width = left.min(registers * V::LANES);
    let last = width - (registers - 1) * V::LANES;
    macro_rules! tile {
        ($rows:literal, $registers:expr) => {{
            // SAFETY: that of this function; there are so many rows and columns left.
            unsafe { tile::<V, $rows, $registers>(job, b, row, column, last) };
            $rows
        }};
    }
    macro_rules! wide {
        ($rows:literal) => {
            match registers {
                1 => tile!($rows, 1),
                2 => tile!($rows, 2),
                _ => tile!($rows, 3),
            }
        };
    }
    let rows = match job.rows - row {
        _ if registers == WIDE_ROW => tile!(1, WIDE_ROW),
        _ if alone => wide!(1),
        8.. if V::TILE.0 >= 8 => wide!(8),
        6.. if V::TILE.0 >= 6 => wide!(6),
        4.. => wide!(4),
        2.. => wide!(2),
        _ => wide!(1),
    };
    (rows, width)
}

/// Computes a tile of `R` rows and `Z` registers of columns, of which the last holds `last`.
#[allow(unsafe_code)]
#[allow(clippy::needless_range_loop)] // Of constant length: they are unrolled, sums are registers.
#[inline(always)]
unsafe fn tile<V: Vector, const R: usize, const Z: usize>(
    job: &Job<V::Number>,
    (b, b_term): (*const V::Number, isize),
    row: usize,
    column: usize,
    last: usize,
) {
    let (a, [a_row, a_term]) = job.a;
    // SAFETY: rows from `row` to `row + R`, terms below the depth and columns from `column` on, `last`
    // of them in the last register, are within the matrices, whose elements lie at these strides;
    // those of a row of `b` lie side by side. The processor has the instructions.
    unsafe {
        let a = a.offset(row as isize * a_row);
        let mut sums = [[V::zero(); Z]; R];
        for term in 0..job.depth as isize {
            let (a, b) = (a.offset(term * a_term), b.offset(term * b_term));
            let mut b_row = [V::zero(); Z];
            for z in 0..Z - 1 {
                b_row[z] = V::load(b.add(z * V::LANES));
            }
            b_row[Z - 1] = V::load_first(last, b.add((Z - 1) * V::LANES));
            for r in 0..R {
                let factor = V::splat(*a.offset(r as isize * a_row));
                for z in 0..Z {
                    sums[r][z] = factor.mul_add(b_row[z], sums[r][z]);
                }
            }
        }
        let (out, [down, right]) = job.out;
        let to = out.offset(row as isize * down + column as isize * right);
        if right != 1 {
            let mut numbers = [[[<V::Number as Default>::default(); MOST_LANES]; Z]; R];
            for r in 0..R {
                for z in 0..Z {
                    sums[r][z].store(numbers[r][z].as_mut_ptr());
                }
            }
            put_apart(job, to, numbers.as_flattened(), (Z, V::LANES, last));
        } else if job.adds {
            put::<V, R, Z, true>(to, down, last, sums);
        } else {
            put::<V, R, Z, false>(to, down, last, sums);
        }
    }
}

/// Writes a tile's sums, or adds them, to rows that lie `down` numbers apart.
///
/// What is chosen here is chosen outside the loops: those are then unrolled, and the sums stay in
/// registers.
///
/// # Safety
/// The processor has the instructions of `V`, and the tile's numbers may be written.
#[allow(unsafe_code)]
#[allow(clippy::needless_range_loop)] // As for `tile`.
#[inline(always)]
unsafe fn put<V: Vector, const R: usize, const Z: usize, const ADDS: bool>(
    to: *mut V::Number,
    down: isize,
    last: usize,
    sums: [[V; Z]; R],
) {
    // SAFETY: that of this function; the last register holds `last` columns, the others all.
    unsafe {
        for r in 0..R {
            let to = to.offset(r as isize * down);
            for z in 0..Z - 1 {
                let to = to.add(z * V::LANES);
                let sums = if ADDS { V::load(to).add(sums[r][z]) } else { sums[r][z] };
                sums.store(to);
            }
            let (to, sums) = (to.add((Z - 1) * V::LANES), sums[r][Z - 1]);
            if last == V::LANES {
                (if ADDS { V::load(to).add(sums) } else { sums }).store(to);
            } else {
                let sums = if ADDS { V::load_first(last, to).add(sums) } else { sums };
                sums.store_first(last, to);
            }
        }
    }
}

/// Writes a tile's sums, or adds them, to numbers that do not lie side by side. `numbers` holds one
/// register of them after the other, so many to a row, of which the last holds `last`.
///
/// # Safety
/// The tile's numbers, from `to` on, may be written.
#[allow(unsafe_code)]
#[inline(never)]
unsafe fn put_apart<A: Float>(
    job: &Job<A>,
    to: *mut A,
    numbers: &[[A; MOST_LANES]],
    (registers, lanes, last): (usize, usize, usize),
) {
    let [down, right] = job.out.1;
    for (row, numbers) in numbers.chunks_exact(registers).enumerate() {
        let numbers = numbers.iter().flat_map(|register| &register[..lanes]);
        for (column, &sum) in numbers.take((registers - 1) * lanes + last).enumerate() {
            // SAFETY: that of this function; there are so many rows and columns.
            unsafe {
                let to = to.offset(row as isize * down + column as isize * right);
                *to = if job.adds { *to + sum } else { sum };
            }
        }
    }
}

/// The most numbers of a register.
const MOST_LANES: usize = 16;
