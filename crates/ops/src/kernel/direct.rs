//! Products of windows and weights straight from images whose channels lie side by side.
//!
//! An element of a window is read where it lies in the image: nothing is laid out for the general
//! product and packed by it, which costs more than the multiply-adds where there are few outputs.

use multiversion::multiversion;
use multiversion::target::target_cfg_f;

use crate::ground::memory;
use crate::number::Float;
use crate::number::fast::Reads;
use crate::rules::window::Slide;

/// Images whose channels lie side by side, and where their windows lie when zeros have been put
/// around them.
pub(super) struct Images {
    channels: usize,
    size: [usize; 2],
    /// Rows above the image and columns left of it.
    before: [usize; 2],
    padded: [usize; 2],
    /// Where each window begins.
    windows: Vec<usize>,
    /// The stretches of a window whose elements lie side by side: where each begins, from the
    /// beginning of the window.
    runs: Vec<usize>,
    /// The length of a stretch.
    run: usize,
}

impl Images {
    pub(super) fn new(
        slides: [Slide; 2],
        size: [usize; 2],
        counts: [usize; 2],
        channels: usize,
    ) -> Self {
        let [down, across] = slides;
        let before = slides.map(|slide| slide.padding.0);
        let padded = [0, 1].map(|i| size[i] + slides[i].padding.0 + slides[i].padding.1);
        let place = move |y: usize, x: usize| (y * padded[1] + x) * channels;
        let window = |i| place(i / counts[1] * down.stride, i % counts[1] * across.stride);
        // A row of the kernel is one stretch unless it is dilated.
        let (stretches, run) = match across.dilation {
            1 => (1, across.kernel * channels),
            _ => (across.kernel, channels),
        };
        let begin = |i| place(i / stretches * down.dilation, i % stretches * across.dilation);
        let windows = (0..counts[0] * counts[1]).map(window).collect();
        let runs = (0..down.kernel * stretches).map(begin).collect();
        Self { channels, size, before, padded, windows, runs, run }
    }

    /// Elements of an image.
    pub(super) fn image(&self) -> usize {
        self.size[0] * self.size[1] * self.channels
    }

    /// Windows of an image.
    pub(super) fn windows(&self) -> usize {
        self.windows.len()
    }

    /// Elements of a window.
    pub(super) fn depth(&self) -> usize {
        self.runs.len() * self.run
    }

    /// Zeros for an image and what is around it.
    pub(super) fn room<A: Float>(&self) -> Vec<A> {
        memory::filled(self.padded[0] * self.padded[1] * self.channels, A::zero())
    }

    /// An image with zeros around it, in the room for it.
    pub(super) fn pad<'x, A: Float>(&self, image: &'x [A], room: &'x mut [A]) -> &'x [A] {
        if self.padded == self.size {
            return image;
        }
        let [row, padded_row] = [self.size[1], self.padded[1]].map(|width| width * self.channels);
        let left = self.before[1] * self.channels;
        let rows = room.chunks_exact_mut(padded_row).skip(self.before[0]);
        for (row, to) in image.chunks_exact(row).zip(rows) {
            to[left..][..row.len()].copy_from_slice(row);
        }
        room
    }
}

/// A matrix in blocks of so many columns, the rows of each one after the other; the last block is
/// filled up with zeros. `at` gives its elements.
pub(super) fn in_blocks<A: Float, const COLUMNS: usize>(
    rows: usize,
    columns: usize,
    at: impl Fn(usize, usize) -> A,
) -> Vec<A> {
    let blocks = columns.div_ceil(COLUMNS);
    let mut packed = memory::filled(blocks * rows * COLUMNS, A::zero());
    for (i, packed) in packed.chunks_exact_mut(COLUMNS).enumerate() {
        let (row, first) = (i % rows, i / rows * COLUMNS);
        for (column, to) in (first..columns).zip(packed) {
            *to = at(row, column);
        }
    }
    packed
}

/// `sums` with the products of `x` and some weights added.
#[inline(always)]
fn add_products<A: Float, const COLUMNS: usize, const FUSED: bool>(
    mut sums: [A; COLUMNS],
    x: A,
    weights: &[A; COLUMNS],
) -> [A; COLUMNS] {
    for (sum, &weight) in sums.iter_mut().zip(weights) {
        *sum = if FUSED { A::Fast::mul_add(x, weight, *sum) } else { x * weight + *sum };
    }
    sums
}

/// A tile of a product, whose sums are kept in vector registers.
trait Tile<const ROWS: usize> {
    /// For some windows the products with a block of weights.
    fn products<A: Float, const COLUMNS: usize, const FUSED: bool>(
        images: &Images,
        image: &[A],
        windows: [usize; ROWS],
        weights: &[[A; COLUMNS]],
    ) -> [[A; COLUMNS]; ROWS];

    /// For some elements of a window and a block of outputs the sums over the windows of an image
    /// of their products.
    fn slopes<A: Float, const COLUMNS: usize, const FUSED: bool>(
        images: &Images,
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
            images: &Images,
            image: &[A],
            windows: [usize; $rows],
            weights: &[[A; COLUMNS]],
        ) -> [[A; COLUMNS]; $rows] {
            $(let mut $sums = [A::zero(); COLUMNS];)*
            let [$($x),*] = windows;
            let length = images.run;
            for (&run, weights) in images.runs.iter().zip(weights.chunks_exact(length)) {
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
            images: &Images,
            image: &[A],
            elements: [usize; $rows],
            slopes: &[[A; COLUMNS]],
        ) -> [[A; COLUMNS]; $rows] {
            $(let mut $sums = [A::zero(); COLUMNS];)*
            let [$($x),*] = elements;
            for (&window, slopes) in images.windows.iter().zip(slopes) {
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

/// [`products`] by tiles of so many windows.
#[inline(always)]
fn products_by<A: Float, const ROWS: usize, const COLUMNS: usize, const FUSED: bool>(
    images: &Images,
    image: &[A],
    weights: &[A],
    outputs: usize,
    result: &mut [A],
) where
    Tiles: Tile<ROWS>,
{
    let (weights, _) = weights.as_chunks::<COLUMNS>();
    for (windows, result) in images.windows.chunks(ROWS).zip(result.chunks_mut(ROWS * outputs)) {
        // The last tile may have fewer windows: it computes its last one several times.
        let windows = std::array::from_fn(|row| windows[row.min(windows.len() - 1)]);
        for (block, weights) in weights.chunks_exact(images.depth()).enumerate() {
            let sums = Tiles::products::<A, COLUMNS, FUSED>(images, image, windows, weights);
            let columns = block * COLUMNS..outputs.min((block + 1) * COLUMNS);
            for (sums, result) in sums.iter().zip(result.chunks_exact_mut(outputs)) {
                result[columns.clone()].copy_from_slice(&sums[..columns.len()]);
            }
        }
    }
}

/// [`add_slopes`] by tiles of so many elements of a window.
#[inline(always)]
fn add_slopes_by<A: Float, const ROWS: usize, const COLUMNS: usize, const FUSED: bool>(
    images: &Images,
    image: &[A],
    slopes: &[A],
    outputs: usize,
    sums: &mut [A],
) where
    Tiles: Tile<ROWS>,
{
    let elements = images.runs.iter().flat_map(|&begin| begin..begin + images.run);
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
            let tile = Tiles::slopes::<A, COLUMNS, FUSED>(images, image, elements, slopes);
            sums.iter_mut().zip(tile.as_flattened()).for_each(|(sum, &more)| *sum += more);
        }
    }
}

/// For each window of an image its products with `outputs` weights, which lie [`in_blocks`].
#[multiversion(targets(
    "x86_64+avx2+fma+avx512f+avx512vl+avx512dq+avx512bw",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
pub(super) fn products<A: Float, const COLUMNS: usize>(
    images: &Images,
    image: &[A],
    weights: &[A],
    outputs: usize,
    result: &mut [A],
) {
    if target_cfg_f!(target_feature = "avx512f") {
        products_by::<A, 8, COLUMNS, true>(images, image, weights, outputs, result);
    } else if target_cfg_f!(target_feature = "fma") || cfg!(target_arch = "aarch64") {
        products_by::<A, 4, COLUMNS, true>(images, image, weights, outputs, result);
    } else {
        products_by::<A, 4, COLUMNS, false>(images, image, weights, outputs, result);
    }
}

/// Adds to `sums`, which lie [`in_blocks`], for each element of a window and each output the sum
/// over the windows of an image of their products: the gradient of the weights.
#[multiversion(targets(
    "x86_64+avx2+fma+avx512f+avx512vl+avx512dq+avx512bw",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
pub(super) fn add_slopes<A: Float, const COLUMNS: usize>(
    images: &Images,
    image: &[A],
    slopes: &[A],
    outputs: usize,
    sums: &mut [A],
) {
    if target_cfg_f!(target_feature = "avx512f") {
        add_slopes_by::<A, 8, COLUMNS, true>(images, image, slopes, outputs, sums);
    } else if target_cfg_f!(target_feature = "fma") || cfg!(target_arch = "aarch64") {
        add_slopes_by::<A, 4, COLUMNS, true>(images, image, slopes, outputs, sums);
    } else {
        add_slopes_by::<A, 4, COLUMNS, false>(images, image, slopes, outputs, sums);
    }
}

/// Whether a vector register holds 512 bits, so that a block of outputs may have twice the columns.
#[multiversion(targets(
    "x86_64+avx2+fma+avx512f+avx512vl+avx512dq+avx512bw",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
pub(super) fn has_long_vectors() -> bool {
    target_cfg_f!(target_feature = "avx512f")
}
