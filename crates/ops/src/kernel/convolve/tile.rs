//! Tiles of a product whose sums are kept in vector registers, read straight from images.

use multiversion::target::target_cfg_f;

use super::straight::Padded;
use crate::kernel::simd::vectorised;
use crate::number::Float;

/// Adds the products of `x` and some weights to `sums`.
#[inline(always)]
fn add_products<A: Float, const COLUMNS: usize, const FUSED: bool>(
    mut sums: [A; COLUMNS],
    x: A,
    weights: &[A; COLUMNS],
) -> [A; COLUMNS] {
    for (sum, &weight) in sums.iter_mut().zip(weights) {
        *sum = if FUSED { x.mul_add(weight, *sum) } else { x * weight + *sum };
    }
    sums
}

/// A tile of a product, whose sums are kept in vector registers.
trait Tile<const ROWS: usize> {
    /// Computes the products of some windows with a block of weights.
    fn products<A: Float, const COLUMNS: usize, const FUSED: bool>(
        padded: &Padded,
        image: &[A],
        windows: [usize; ROWS],
        weights: &[[A; COLUMNS]],
    ) -> [[A; COLUMNS]; ROWS];

    /// Sums, over the windows of an image, the products of some of their elements with a block of
    /// slopes.
    fn slopes<A: Float, const COLUMNS: usize, const FUSED: bool>(
        padded: &Padded,
        image: &[A],
        elements: [usize; ROWS],
        slopes: &[[A; COLUMNS]],
    ) -> [[A; COLUMNS]; ROWS];
}

struct Tiles;

/// Implements a tile. The compiler keeps the sums in registers if each row is a variable of its own.
macro_rules! tile {
    ($rows:literal: $($sums:ident $x:ident)*) => {
        impl Tile<$rows> for Tiles {
        #[inline(always)]
        fn products<A: Float, const COLUMNS: usize, const FUSED: bool>(
            padded: &Padded,
            image: &[A],
            windows: [usize; $rows],
            weights: &[[A; COLUMNS]],
        ) -> [[A; COLUMNS]; $rows] {
            $(let mut $sums = [A::zero(); COLUMNS];)*
            let [$($x),*] = windows;
            let length = padded.run;
            for (&run, weights) in padded.runs.iter().zip(weights.chunks_exact(length)) {
                $(let $x = &image[$x + run..][..length];)*
                for i in 0..length {
                    let weights = &weights[i];
                    $($sums = add_products::<A, COLUMNS, FUSED>($sums, $x[i], weights);)*
                }
            }
            [$($sums),*]
        }

        #[inline(always)]
        fn slopes<A: Float, const COLUMNS: usize, const FUSED: bool>(
            padded: &Padded,
            image: &[A],
            elements: [usize; $rows],
            slopes: &[[A; COLUMNS]],
        ) -> [[A; COLUMNS]; $rows] {
            $(let mut $sums = [A::zero(); COLUMNS];)*
            let [$($x),*] = elements;
            for (&window, slopes) in padded.windows.iter().zip(slopes) {
                let image = &image[window..];
                $($sums = add_products::<A, COLUMNS, FUSED>($sums, image[$x], slopes);)*
            }
            [$($sums),*]
        }
        }
    };
}
tile!(4: a xa b xb c xc d xd);
tile!(8: a xa b xb c xc d xd e xe f xf g xg h xh);

/// [`products`] by tiles of `ROWS` windows.
#[inline(always)]
fn products_by<A: Float, const ROWS: usize, const COLUMNS: usize, const FUSED: bool>(
    padded: &Padded,
    image: &[A],
    weights: &[A],
    outputs: usize,
    result: &mut [A],
) where
    Tiles: Tile<ROWS>,
{
    let (weights, _) = weights.as_chunks::<COLUMNS>();
    for (windows, result) in padded.windows.chunks(ROWS).zip(result.chunks_mut(ROWS * outputs)) {
        // The last tile may have fewer windows: it computes its last one several times.
        let windows = std::array::from_fn(|row| windows[row.min(windows.len() - 1)]);
        for (block, weights) in weights.chunks_exact(padded.depth()).enumerate() {
            let sums = Tiles::products::<A, COLUMNS, FUSED>(padded, image, windows, weights);
            let columns = block * COLUMNS..outputs.min((block + 1) * COLUMNS);
            for (sums, result) in sums.iter().zip(result.chunks_exact_mut(outputs)) {
                result[columns.clone()].copy_from_slice(&sums[..columns.len()]);
            }
        }
    }
}

/// [`add_slopes`] by tiles of `ROWS` elements of a window.
#[inline(always)]
fn add_slopes_by<A: Float, const ROWS: usize, const COLUMNS: usize, const FUSED: bool>(
    padded: &Padded,
    image: &[A],
    slopes: &[A],
    outputs: usize,
    sums: &mut [A],
) where
    Tiles: Tile<ROWS>,
{
    let elements = padded.runs.iter().flat_map(|&begin| begin..begin + padded.run);
    let elements: Vec<usize> = elements.collect();
    let mut filled_up = Vec::new();
    for (block, sums) in sums.chunks_exact_mut(elements.len() * COLUMNS).enumerate() {
        let columns = block * COLUMNS..outputs.min((block + 1) * COLUMNS);
        let slopes = if outputs == COLUMNS {
            slopes
        } else {
            filled_up.clear();
            for row in slopes.chunks_exact(outputs) {
                filled_up.extend_from_slice(&row[columns.clone()]);
                filled_up.extend(std::iter::repeat_n(A::zero(), COLUMNS - columns.len()));
            }
            &filled_up
        };
        let (slopes, _) = slopes.as_chunks::<COLUMNS>();
        for (elements, sums) in elements.chunks(ROWS).zip(sums.chunks_mut(ROWS * COLUMNS)) {
            // The last tile may have fewer elements: it computes its last one several times.
            let elements = std::array::from_fn(|row| elements[row.min(elements.len() - 1)]);
            let tile = Tiles::slopes::<A, COLUMNS, FUSED>(padded, image, elements, slopes);
            sums.iter_mut().zip(tile.as_flattened()).for_each(|(sum, &more)| *sum += more);
        }
    }
}

vectorised! { long:
    /// Computes the products of each window of an image with `outputs` weights, packed in blocks.
    pub fn products<A: Float, const COLUMNS: usize>(
        padded: &Padded,
        image: &[A],
        weights: &[A],
        outputs: usize,
        result: &mut [A],
    ) {
        if target_cfg_f!(target_feature = "avx512f") {
            products_by::<A, 8, COLUMNS, true>(padded, image, weights, outputs, result);
        } else if target_cfg_f!(target_feature = "fma") || cfg!(target_arch = "aarch64") {
            products_by::<A, 4, COLUMNS, true>(padded, image, weights, outputs, result);
        } else {
            products_by::<A, 4, COLUMNS, false>(padded, image, weights, outputs, result);
        }
    }
}

vectorised! { long:
    /// Adds the gradient of the weights over the windows of an image to `sums`, packed in blocks.
    pub fn add_slopes<A: Float, const COLUMNS: usize>(
        padded: &Padded,
        image: &[A],
        slopes: &[A],
        outputs: usize,
        sums: &mut [A],
    ) {
        if target_cfg_f!(target_feature = "avx512f") {
            add_slopes_by::<A, 8, COLUMNS, true>(padded, image, slopes, outputs, sums);
        } else if target_cfg_f!(target_feature = "fma") || cfg!(target_arch = "aarch64") {
            add_slopes_by::<A, 4, COLUMNS, true>(padded, image, slopes, outputs, sums);
        } else {
            add_slopes_by::<A, 4, COLUMNS, false>(padded, image, slopes, outputs, sums);
        }
    }
}

vectorised! { long:
    /// Whether a vector register holds 512 bits, so that a block may have twice the columns.
    pub fn has_long_vectors() -> bool {
        target_cfg_f!(target_feature = "avx512f")
    }
}
