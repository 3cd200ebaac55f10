//! Windows that slide over images: how many there are, and where their elements lie.

use std::ops::Range;

use smallvec::SmallVec;

use crate::ground::problem::window_span;
use crate::ground::{Problem, Shape};

/// How a window slides along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slide {
    /// The length of the window.
    pub kernel: usize,
    /// How far it moves at a time.
    pub stride: usize,
    /// Elements added before and after the axis.
    pub padding: (usize, usize),
    /// The distance between the elements of the window.
    pub dilation: usize,
}

impl Slide {
    /// A window of `kernel` that moves by 1, without padding.
    pub const fn new(kernel: usize) -> Self {
        Self { kernel, stride: 1, padding: (0, 0), dilation: 1 }
    }
    /// This slide with another stride.
    #[must_use]
    pub const fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }
    /// This slide with `padding` elements on both sides.
    #[must_use]
    pub const fn padding(self, padding: usize) -> Self {
        Self { padding: (padding, padding), ..self }
    }
    /// This slide with another dilation.
    #[must_use]
    pub const fn dilation(self, dilation: usize) -> Self {
        Self { dilation, ..self }
    }

    /// The length of the axis that a window covers.
    pub const fn span(&self) -> usize {
        window_span(self.kernel, self.dilation)
    }

    /// An axis of `length` with its padding, at most the largest number there is.
    const fn padded(&self, length: usize) -> usize {
        length.saturating_add(self.padding.0).saturating_add(self.padding.1)
    }

    /// The length of the axis that `count` windows cover, without the padding around it: what a
    /// transposed convolution gives. At most the largest number there is.
    pub(crate) const fn covered(&self, count: usize, extra: usize) -> usize {
        let steps = count.saturating_sub(1).saturating_mul(self.stride);
        let full = steps.saturating_add(self.span()).saturating_add(extra);
        full.saturating_sub(self.padding.0).saturating_sub(self.padding.1)
    }

    /// The number of windows that fit an axis of `length`.
    ///
    /// # Errors
    /// If a setting is 0 or the window is larger than the padded axis.
    pub fn count(&self, axis: usize, length: usize) -> Result<usize, Problem> {
        for (setting, value) in [
            ("the kernel", self.kernel),
            ("the stride", self.stride),
            ("the dilation", self.dilation),
        ] {
            if value == 0 {
                let (given, allowed) = ("0".into(), "at least 1".into());
                return Err(Problem::Setting { setting, given, allowed });
            }
        }
        let padded = self.padded(length);
        if isize::try_from(padded).is_err() {
            let given = format!("{} before and {} after the axis", self.padding.0, self.padding.1);
            let allowed = "so short that memory can address the axis with it".into();
            return Err(Problem::Setting { setting: "the padding", given, allowed });
        }
        if self.span() > padded {
            let (kernel, dilation) = (self.kernel, self.dilation);
            let padding = padded - length;
            return Err(Problem::Kernel { axis, kernel, dilation, length: padded, padding });
        }
        Ok((padded - self.span()) / self.stride + 1)
    }

    /// This slide with the padding after the axis that a last, partial window needs.
    ///
    /// That window must begin inside the axis or in the padding before it (PyTorch's `ceil_mode`).
    #[must_use]
    pub fn ceil(self, length: usize) -> Self {
        let span = self.span();
        let room = self.padded(length).saturating_sub(span);
        let begun = length.saturating_add(self.padding.0);
        let mut last = room.div_ceil(self.stride.max(1)).saturating_mul(self.stride);
        if last >= begun {
            last = last.saturating_sub(self.stride);
        }
        let needed = last.saturating_add(span).saturating_sub(begun);
        Self { padding: (self.padding.0, needed.max(self.padding.1)), ..self }
    }
}

/// The slides along the spatial axes: one, two or three.
pub type Slides = SmallVec<[Slide; 2]>;

/// The part of a convolution that is computed from the two others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The output, from input and weight: the convolution.
    Output,
    /// The input's gradient, from the output's and the weight: the transposed convolution.
    ///
    /// It holds the spatial shape of the result.
    Input(Shape),
    /// The weight's gradient, from the input and the output's.
    Weight,
}

/// The windows over one channel of an image or volume; one of one spatial axis has height 1, one of
/// two has depth 1.
pub(super) struct Grid {
    /// The axis before the two of an image.
    depth: Depth,
    /// Height and width of the image.
    pub size: [usize; 2],
    /// Windows along each axis.
    pub counts: [usize; 2],
    /// How the window slides along each axis.
    pub slides: [Slide; 2],
    /// For each column of the kernel, the windows of a row that meet the image there.
    columns: SmallVec<[Inside; 4]>,
}

/// The outermost of three spatial axes: a volume is a stack of images.
struct Depth {
    /// Images of the stack.
    size: usize,
    /// Windows along it.
    count: usize,
    /// How the window slides along it.
    slide: Slide,
}

/// The windows of a row whose element in one column of the kernel lies inside the image.
#[derive(Clone, Copy)]
pub(super) struct Inside {
    /// The first such window.
    pub first: usize,
    /// One past the last such window.
    pub past: usize,
    /// The column of the image that the first window meets.
    pub column: usize,
}

/// Elements of a window that lie side by side in an image, channels last.
pub(super) struct Run {
    /// The offset of the first element when all windows are laid out as rows.
    pub row: usize,
    /// The offset of the first element in the image.
    pub image: usize,
    /// The number of elements.
    pub length: usize,
}

impl Inside {
    fn new(across: Slide, width: usize, count: usize, offset: usize) -> Self {
        let Slide { stride, padding: (before, _), .. } = across;
        let first = before.saturating_sub(offset).div_ceil(stride).min(count);
        let past = (width + before).saturating_sub(offset).div_ceil(stride);
        let column = (first * stride + offset).saturating_sub(before);
        Self { first, past: past.min(count).max(first), column }
    }
}

impl Slide {
    /// Where element `k` of window number `window` meets an axis of `length`, if it does.
    #[inline]
    fn meets(self, window: usize, k: usize, length: usize) -> Option<usize> {
        let at = (window * self.stride + k * self.dilation).checked_sub(self.padding.0)?;
        (at < length).then_some(at)
    }
}

/// One, two or three values, with `one` for those that are missing before them.
fn last_three<T: Copy>(values: &[T], one: T) -> [T; 3] {
    let mut three = [one; 3];
    three[3 - values.len()..].copy_from_slice(values);
    three
}

impl Grid {
    /// The windows over images of `spatial` axes, `counts` along each.
    pub fn new(slides: &[Slide], spatial: &[usize], counts: &[usize]) -> Self {
        let three = |values: &[usize]| last_three(values, 1);
        let ([deep, down, across], [depth, height, width]) =
            (last_three(slides, Slide::new(1)), three(spatial));
        let [count, rows, columns] = three(counts);
        let depth = Depth { size: depth, count, slide: deep };
        let (slides, size, counts) = ([down, across], [height, width], [rows, columns]);
        let across = slides[1];
        let columns = (0..across.kernel)
            .map(|k| Inside::new(across, size[1], counts[1], k * across.dilation))
            .collect();
        Self { depth, size, counts, slides, columns }
    }

    /// Elements of one channel of an image.
    pub fn area(&self) -> usize {
        self.depth.size * self.size[0] * self.size[1]
    }

    /// Elements of the kernel.
    pub fn kernel(&self) -> usize {
        self.depth.slide.kernel * self.slides[0].kernel * self.slides[1].kernel
    }

    /// Windows of an image.
    pub fn windows(&self) -> usize {
        self.depth.count * self.counts[0] * self.counts[1]
    }

    /// Whether it is an image: only then may [`for_each_run`](Self::for_each_run) and
    /// [`for_each_window`](Self::for_each_window) be used.
    pub fn is_flat(&self) -> bool {
        self.depth.size == 1 && self.depth.slide == Slide::new(1)
    }

    /// Whether the windows of an image are the image itself.
    pub fn is_pointwise(&self) -> bool {
        let point = |slide: &Slide| slide.kernel == 1 && slide.stride == 1;
        self.is_flat() && self.slides.iter().all(point) && !self.is_padded()
    }

    /// Whether a window may reach beyond the image.
    pub fn is_padded(&self) -> bool {
        self.slides.iter().any(|slide| slide.padding != (0, 0))
    }

    /// Whether each pixel of an image is in one window, and in no other.
    pub fn divides_the_image(&self) -> bool {
        let divides = |(slide, size): (&Slide, usize)| {
            let apart = slide.kernel == 1 || slide.dilation == 1;
            apart && slide.stride == slide.kernel && size % slide.kernel == 0
        };
        self.is_flat() && !self.is_padded() && self.slides.iter().zip(self.size).all(divides)
    }

    /// Calls `visit` with each row of windows under each element of the kernel.
    ///
    /// Its arguments are the offset of the row in `[kernel, windows]`, the offset of the image row
    /// it meets (`None` outside the image), and the windows that meet it.
    #[inline]
    pub fn for_each_row(&self, mut visit: impl FnMut(usize, Option<usize>, Inside)) {
        let windows = self.windows();
        self.for_each_line(|k, row, start, inside| visit(k * windows + row, start, inside));
    }

    /// Calls `visit` with each row of windows that meets the image under an element of the kernel.
    ///
    /// Its arguments are the element of the kernel, the windows, and the offset of the first window's
    /// element in the image; the next window's lies one stride further.
    #[inline(always)] // To be compiled for the instructions of the function that calls it.
    pub fn for_each_meeting(&self, mut visit: impl FnMut(usize, Range<usize>, usize)) {
        self.for_each_line(|k, row, start, Inside { first, past, column }| {
            let Some(start) = start else { return };
            if first < past {
                visit(k, row + first..row + past, start + column);
            }
        });
    }

    /// Calls `visit` with each element of the kernel and each row of windows: the first window's number,
    /// the offset of the image row that they meet, and which of them do.
    #[inline(always)] // As above.
    fn for_each_line(&self, mut visit: impl FnMut(usize, usize, Option<usize>, Inside)) {
        let ([down, across], deep) = (self.slides, self.depth.slide);
        for k in 0..self.kernel() {
            let (k_outer, inside) = (k / across.kernel, self.columns[k % across.kernel]);
            let (kz, ky) = (k_outer / down.kernel, k_outer % down.kernel);
            for layer in 0..self.depth.count {
                let z = deep.meets(layer, kz, self.depth.size);
                for row in 0..self.counts[0] {
                    let y = down.meets(row, ky, self.size[0]);
                    let start = z.zip(y).map(|(z, y)| (z * self.size[0] + y) * self.size[1]);
                    let row = (layer * self.counts[0] + row) * self.counts[1];
                    visit(k, row, start, inside);
                }
            }
        }
    }

    /// Calls `visit` with each run of elements of each window, in images of `channels` last.
    #[inline]
    pub fn for_each_run(&self, channels: usize, mut visit: impl FnMut(Run)) {
        let ([down, across], [height, width]) = (self.slides, self.size);
        let mut row = 0;
        for window in 0..self.windows() {
            let top = window / self.counts[1] * down.stride;
            let left = window % self.counts[1] * across.stride;
            for ky in 0..down.kernel {
                let y = (top + ky * down.dilation).wrapping_sub(down.padding.0);
                if y < height && across.dilation == 1 {
                    // A row of the kernel is one run.
                    let before = across.padding.0.saturating_sub(left).min(across.kernel);
                    let x = (left + before).saturating_sub(across.padding.0);
                    let count = (across.kernel - before).min(width.saturating_sub(x));
                    let image = (y * width + x) * channels;
                    if count > 0 {
                        visit(Run {
                            row: row + before * channels,
                            image,
                            length: count * channels,
                        });
                    }
                } else if y < height {
                    for kx in 0..across.kernel {
                        let x = (left + kx * across.dilation).wrapping_sub(across.padding.0);
                        if x < width {
                            let image = (y * width + x) * channels;
                            visit(Run { row: row + kx * channels, image, length: channels });
                        }
                    }
                }
                row += across.kernel * channels;
            }
        }
    }

    /// Calls `visit` with each window and where it meets an image of `channels` last: the offsets of the
    /// pixels.
    #[inline(always)] // To be compiled for the instructions of the function that calls it.
    pub fn for_each_window(&self, channels: usize, mut visit: impl FnMut(usize, &[usize])) {
        debug_assert!(self.is_flat(), "an image has no depth");
        let across = self.slides[1];
        // Of windows that lie within the rows of the image, the next is the same, moved.
        let first = across.padding.0.div_ceil(across.stride);
        let room = (self.size[1] + across.padding.0).checked_sub(across.span());
        let within = first + 1..room.map_or(0, |room| room / across.stride + 1);
        let mut pixels = Vec::new();
        for row in 0..self.counts[0] {
            for column in 0..self.counts[1] {
                if within.contains(&column) {
                    for pixel in &mut pixels {
                        *pixel += across.stride * channels;
                    }
                } else {
                    self.pixels_under([row, column], channels, &mut pixels);
                }
                visit(row * self.counts[1] + column, &pixels);
            }
        }
    }

    /// Collects where a window meets an image of `channels` last: the offset of each pixel.
    fn pixels_under(&self, window: [usize; 2], channels: usize, pixels: &mut Vec<usize>) {
        let ([down, across], [height, width]) = (self.slides, self.size);
        let [top, left] = [window[0] * down.stride, window[1] * across.stride];
        pixels.clear();
        for ky in 0..down.kernel {
            let y = (top + ky * down.dilation).wrapping_sub(down.padding.0);
            for kx in 0..across.kernel {
                let x = (left + kx * across.dilation).wrapping_sub(across.padding.0);
                if y < height && x < width {
                    pixels.push((y * width + x) * channels);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With padding wider than a window, strides over it, dilation and windows that miss the image.
    #[test]
    fn each_window_meets_its_pixels() {
        let slide = |kernel, stride, before, after, dilation| Slide {
            padding: (before, after),
            ..Slide::new(kernel).stride(stride).dilation(dilation)
        };
        let slides = [
            slide(2, 2, 0, 0, 1),
            slide(3, 1, 1, 1, 1),
            slide(3, 2, 0, 2, 1),
            slide(2, 3, 4, 1, 2),
            slide(1, usize::MAX, 0, 0, 1),
        ];
        let channels = 3;
        for [down, across] in slides.iter().flat_map(|down| slides.map(|across| [*down, across])) {
            let (height, width) = (5, 7);
            let counts = [down.count(0, height).unwrap(), across.count(1, width).unwrap()];
            let grid = Grid::new(&[down, across], &[height, width], &counts);
            let mut next = 0;
            grid.for_each_window(channels, |window, pixels| {
                let [row, column] = [window / counts[1], window % counts[1]];
                let mut expected = Vec::new();
                for y in (0..down.kernel).filter_map(|k| down.meets(row, k, height)) {
                    let met = (0..across.kernel).filter_map(|k| across.meets(column, k, width));
                    expected.extend(met.map(|x| (y * width + x) * channels));
                }
                assert_eq!(pixels, expected, "window {window} of {down:?}, {across:?}");
                assert_eq!(window, next);
                next += 1;
            });
            assert_eq!(next, grid.windows());
        }
    }
}
