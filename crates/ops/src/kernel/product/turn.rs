//! Copying a matrix row by row that lies column by column.

#[cfg(target_arch = "x86_64")]
use std::any::TypeId;

use ndarray::{ArrayView2, ArrayViewMut2, s};

use super::run::Level;
use crate::ground::memory::{self, Buffer};
use crate::number::Float;

/// Rows that are written before the next columns are read: what is written of a row shares cache
/// lines with what follows.
const BAND: usize = 64;

/// Columns that are read side by side.
const BLOCK: usize = 16;

/// Copies a matrix row by row.
pub fn row_by_row<A: Float>(level: Level, x: &ArrayView2<'_, A>) -> Buffer<A> {
    let mut copy = memory::take(x.len());
    copy_rows(level, x, &mut copy);
    copy
}

/// Writes the elements of a matrix row by row.
///
/// # Panics
/// If there is not room for just as many.
#[allow(unsafe_code)]
pub fn copy_rows<A: Float>(level: Level, x: &ArrayView2<'_, A>, to: &mut [A]) {
    assert_eq!(to.len(), x.len(), "room for all elements");
    let side = Squares::side(level, x).filter(|&side| side <= x.nrows().min(x.ncols()));
    let Some(side) = side else { return by_columns(x, to) };
    let (rows, columns) = (x.nrows() / side * side, x.ncols() / side * side);
    for band in (0..rows).step_by(BAND) {
        for block in (0..columns).step_by(BLOCK) {
            for row in (band..rows.min(band + BAND)).step_by(side) {
                for column in (block..columns.min(block + BLOCK)).step_by(side) {
                    // SAFETY: this is the side.
                    unsafe { Squares::turn(x, to, row, column) };
                }
            }
        }
    }
    let mut to = ArrayViewMut2::from_shape(x.dim(), to).expect("room for all elements");
    for rest in [s![..rows, columns..], s![rows.., ..]] {
        to.slice_mut(rest).assign(&x.slice(rest));
    }
}

/// [`copy_rows`] as the compiler makes it.
fn by_columns<A: Float>(x: &ArrayView2<'_, A>, to: &mut [A]) {
    let columns = x.ncols();
    let slices = x.columns().into_iter().map(|column| column.to_slice());
    let Some(slices) = slices.collect::<Option<Vec<&[A]>>>() else {
        let to = ArrayViewMut2::from_shape(x.dim(), to);
        return to.expect("room for all elements").assign(x);
    };
    let (blocks, rest) = slices.as_chunks::<BLOCK>();
    for (band, to) in to.chunks_mut(BAND * columns.max(1)).enumerate() {
        let (first, rows) = (band * BAND, to.len() / columns);
        for (i, block) in blocks.iter().enumerate() {
            let block = block.map(|column| &column[first..first + rows]);
            for (row, to) in to.chunks_exact_mut(columns).enumerate() {
                let to = to[i * BLOCK..].first_chunk_mut::<BLOCK>().expect("a block of columns");
                to.iter_mut().zip(block).for_each(|(to, column)| *to = column[row]);
            }
        }
        for (row, to) in to.chunks_exact_mut(columns).enumerate() {
            let to = &mut to[blocks.len() * BLOCK..];
            to.iter_mut().zip(rest).for_each(|(to, column)| *to = column[first + row]);
        }
    }
}

/// Squares of a matrix that are turned over in registers of 256 bits.
struct Squares;

#[cfg(target_arch = "x86_64")]
impl Squares {
    /// The rows and columns of a square, if there are such registers and the matrix lies column by
    /// column.
    fn side<A: Float>(level: Level, x: &ArrayView2<'_, A>) -> Option<usize> {
        (level != Level::Plain && x.strides()[0] == 1).then_some(32 / size_of::<A>())
    }

    /// Copies the square at a row and a column.
    ///
    /// # Safety
    /// [`side`](Self::side) has given the square's size.
    #[allow(unsafe_code)]
    unsafe fn turn<A: Float>(x: &ArrayView2<'_, A>, to: &mut [A], row: usize, column: usize) {
        let (side, columns) = (32 / size_of::<A>(), x.ncols());
        assert!(row + side <= x.nrows() && column + side <= columns && to.len() == x.len());
        assert_eq!(x.strides()[0], 1, "a matrix that lies column by column");
        let across = x.strides()[1];
        // SAFETY: the square is within the matrix and within `to`, which was just seen; a column's
        // elements lie side by side, as do those of a row of `to`. The processor has AVX2, since
        // there is a side. The type of the numbers is the one that was asked for.
        unsafe {
            let from = x.as_ptr().offset(row as isize + column as isize * across);
            let to = to.as_mut_ptr().add(row * columns + column);
            if TypeId::of::<A>() == TypeId::of::<f32>() {
                x86::turn_f32(from.cast(), across, to.cast(), columns);
            } else {
                x86::turn_f64(from.cast(), across, to.cast(), columns);
            }
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl Squares {
    fn side<A: Float>(_: Level, _: &ArrayView2<'_, A>) -> Option<usize> {
        None
    }
    #[allow(unsafe_code)]
    unsafe fn turn<A: Float>(_: &ArrayView2<'_, A>, _: &mut [A], _: usize, _: usize) {
        unreachable!("there is no side")
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    #[allow(clippy::wildcard_imports)] // Twenty names.
    use std::arch::x86_64::*;
    use std::array;

    /// Copies eight columns of eight numbers, `across` apart, to rows that are `down` apart.
    ///
    /// # Safety
    /// The columns may be read and the rows written.
    #[allow(unsafe_code)]
    #[target_feature(enable = "avx2")]
    pub unsafe fn turn_f32(from: *const f32, across: isize, to: *mut f32, down: usize) {
        // SAFETY: that of this function.
        let x: [__m256; 8] =
            array::from_fn(|i| unsafe { _mm256_loadu_ps(from.offset(i as isize * across)) });
        let pairs: [__m256d; 8] = array::from_fn(|i| {
            let (a, b) = (x[i / 2 * 2], x[i / 2 * 2 + 1]);
            let pair = if i % 2 == 0 { _mm256_unpacklo_ps(a, b) } else { _mm256_unpackhi_ps(a, b) };
            _mm256_castps_pd(pair)
        });
        // Four columns each: two of the rows, one in each half.
        let fours: [__m256d; 8] = array::from_fn(|i| {
            let (a, b) = (pairs[i / 4 * 4 + i % 4 / 2], pairs[i / 4 * 4 + i % 4 / 2 + 2]);
            if i % 2 == 0 { _mm256_unpacklo_pd(a, b) } else { _mm256_unpackhi_pd(a, b) }
        });
        for row in 0..4 {
            let [upper, lower] = halves(fours[row], fours[row + 4]);
            // SAFETY: that of this function.
            unsafe {
                _mm256_storeu_ps(to.add(row * down), _mm256_castpd_ps(upper));
                _mm256_storeu_ps(to.add((row + 4) * down), _mm256_castpd_ps(lower));
            }
        }
    }

    /// Copies four columns of four numbers, `across` apart, to rows that are `down` apart.
    ///
    /// # Safety
    /// The columns may be read and the rows written.
    #[allow(unsafe_code)]
    #[target_feature(enable = "avx2")]
    pub unsafe fn turn_f64(from: *const f64, across: isize, to: *mut f64, down: usize) {
        // SAFETY: that of this function.
        let x: [__m256d; 4] =
            array::from_fn(|i| unsafe { _mm256_loadu_pd(from.offset(i as isize * across)) });
        let even = halves(_mm256_unpacklo_pd(x[0], x[1]), _mm256_unpacklo_pd(x[2], x[3]));
        let odd = halves(_mm256_unpackhi_pd(x[0], x[1]), _mm256_unpackhi_pd(x[2], x[3]));
        for (row, x) in [even[0], odd[0], even[1], odd[1]].into_iter().enumerate() {
            // SAFETY: that of this function.
            unsafe { _mm256_storeu_pd(to.add(row * down), x) }
        }
    }

    /// The first halves of both, and the second.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn halves(a: __m256d, b: __m256d) -> [__m256d; 2] {
        [_mm256_permute2f128_pd::<0x20>(a, b), _mm256_permute2f128_pd::<0x31>(a, b)]
    }
}
