//! Convolution of few channels to few outputs, as of groups of one channel: each element of the kernel
//! passes over a whole plane where windows move by 1, and over rows of windows with strides or in volumes.
//!
//! What is multiplied by a zero around a plane must be finite; where it is not, rows of windows are taken,
//! which end at the edge.

use std::ops::Range;

use super::Geometry;
use super::shifted::Shifted;
use crate::ground::memory::Buffer;
use crate::kernel::geometry::Grid;
use crate::kernel::simd::vectorised;
use crate::number::Float;

/// Computes the output.
pub fn output<A: Float>(geometry: &Geometry, input: &[A], weight: &[A], result: &mut [A]) {
    let shifted = Shifted::image(&geometry.grid);
    let sides = [Side::Image, Side::Output];
    by_planes(geometry, sides, shifted.as_ref(), [input, weight], result, add_output);
}

/// Computes the gradient of each image.
pub fn input<A: Float>(geometry: &Geometry, outputs: &[A], weight: &[A], result: &mut [A]) {
    let shifted = Shifted::transposed(&geometry.grid);
    let sides = [Side::Output, Side::Image];
    by_planes(geometry, sides, shifted.as_ref(), [outputs, weight], result, add_input);
}

/// The side of a convolution on which a plane is.
#[derive(Clone, Copy)]
enum Side {
    Image,
    Output,
}

/// Adds to each plane of one side what the planes of the other give it: all at once where they are
/// `shifted`, else by `rows`.
fn by_planes<A: Float>(
    geometry: &Geometry,
    [from, to]: [Side; 2],
    shifted: Option<&Shifted>,
    [source, weight]: [&[A]; 2],
    result: &mut [A],
    rows: impl Fn(&Grid, &[A], &[A], &mut [A]) + Sync,
) {
    let (size, kernel) = (geometry.size_of(from), geometry.grid.kernel());
    geometry.by_image(result, geometry.size_of(to), |first, result| {
        result.fill(A::zero());
        let mut rooms = shifted.map(|shifted| (shifted, shifted.room(), shifted.room_of_results()));
        let sources = source[first * size..].chunks_exact(size);
        for (source, result) in sources.zip(result.chunks_exact_mut(geometry.size_of(to))) {
            geometry.for_each_pair(|pair| {
                let weight = &weight[pair.number * kernel..][..kernel];
                let plane = &source[geometry.plane(from, pair)];
                let result = &mut result[geometry.plane(to, pair)];
                match &mut rooms {
                    Some((shifted, room, sums)) if are_finite(weight) => {
                        shifted.lay(plane, room);
                        shifted.sum(room, weight, sums);
                        shifted.add_results(sums, result);
                    }
                    _ => rows(&geometry.grid, weight, plane, result),
                }
            });
        }
    });
}

/// Computes the gradient of the weight, summed over the images.
pub fn weight<A: Float>(geometry: &Geometry, input: &[A], outputs: &[A]) -> Buffer<A> {
    let [size, output] = [Side::Image, Side::Output].map(|side| geometry.size_of(side));
    let kernel = geometry.grid.kernel();
    let shifted = Shifted::image(&geometry.grid);
    geometry.sum_over_images(geometry.weight(), |range, sum| {
        let mut rooms =
            shifted.as_ref().map(|shifted| (shifted, shifted.room(), shifted.room_of_results()));
        let mut products = vec![A::zero(); kernel];
        for n in range {
            let (image, output) = (&input[n * size..][..size], &outputs[n * output..][..output]);
            geometry.for_each_pair(|pair| {
                let plane = &image[geometry.plane(Side::Image, pair)];
                let windows = &output[geometry.plane(Side::Output, pair)];
                let sums = &mut sum[pair.number * kernel..][..kernel];
                if let Some((shifted, room, gradients)) = &mut rooms {
                    shifted.lay(plane, room);
                    shifted.lay_gradients(windows, gradients);
                    shifted.products(room, gradients, &mut products);
                    if are_finite(&products) {
                        let pairs = sums.iter_mut().zip(&products);
                        return pairs.for_each(|(sum, &product)| *sum += product);
                    }
                }
                add_weight(&geometry.grid, plane, windows, sums);
            });
        }
    })
}

fn are_finite<A: Float>(numbers: &[A]) -> bool {
    numbers.iter().all(|number| number.is_finite())
}

/// An output and a channel of its group, which have a kernel of their own.
#[derive(Clone, Copy)]
struct Pair {
    number: usize,
    channel: usize,
    output: usize,
}

impl Geometry {
    /// Calls `visit` with each pair, in the order of their kernels.
    fn for_each_pair(&self, mut visit: impl FnMut(Pair)) {
        let (channels, outputs) = (self.channels / self.groups, self.outputs / self.groups);
        for number in 0..self.outputs * channels {
            let output = number / channels;
            let channel = output / outputs * channels + number % channels;
            visit(Pair { number, channel, output });
        }
    }

    /// Elements of an image on a side.
    fn size_of(&self, side: Side) -> usize {
        match side {
            Side::Image => self.image(),
            Side::Output => self.output(),
        }
    }

    /// Where the plane of a pair is in an image on a side.
    fn plane(&self, side: Side, pair: Pair) -> Range<usize> {
        let (length, number) = match side {
            Side::Image => (self.grid.area(), pair.channel),
            Side::Output => (self.windows(), pair.output),
        };
        number * length..(number + 1) * length
    }
}

vectorised! {
    /// Adds to each window the products of a channel's elements under it.
    fn add_output<A: Float>(grid: &Grid, weight: &[A], channel: &[A], windows: &mut [A]) {
        let stride = grid.slides[1].stride;
        grid.for_each_meeting(|k, range, from| {
            let (x, weight) = (channel[from..].iter().step_by(stride), weight[k]);
            windows[range].iter_mut().zip(x).for_each(|(sum, &x)| *sum += weight * x);
        });
    }
}

vectorised! {
    /// Adds to each element of a channel the products of the windows' gradients.
    fn add_input<A: Float>(grid: &Grid, weight: &[A], windows: &[A], channel: &mut [A]) {
        let stride = grid.slides[1].stride;
        grid.for_each_meeting(|k, range, to| {
            let (sums, weight) = (channel[to..].iter_mut().step_by(stride), weight[k]);
            sums.zip(&windows[range]).for_each(|(sum, &y)| *sum += weight * y);
        });
    }
}

vectorised! {
    /// Adds, for each element of the kernel, the products of the elements and the windows' gradients.
    fn add_weight<A: Float>(grid: &Grid, channel: &[A], windows: &[A], sums: &mut [A]) {
        let stride = grid.slides[1].stride;
        grid.for_each_meeting(|k, range, from| {
            let pairs = windows[range].iter().zip(channel[from..].iter().step_by(stride));
            sums[k] += pairs.fold(A::zero(), |sum, (&y, &x)| sum + x * y);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::planes;
    use super::*;
    use crate::kernel::geometry::Slide;

    /// Against [`planes`], with strides, padding, dilation and one to three axes.
    #[test]
    fn rows_of_windows_give_what_columns_give() {
        let number = |i: usize| ((i * 37 % 61) as f64 - 30.0) / 8.0; // Sums of products are exact.
        let numbers = |count: usize| -> Vec<f64> { (0..count).map(number).collect() };
        let slides: [(&[Slide], &[usize]); 9] = [
            (&[Slide::new(3).padding(1); 2], &[9, 23]),
            (&[Slide::new(3); 2], &[5, 6]),
            (&[Slide::new(2).padding(3), Slide::new(3).dilation(2).padding(1)], &[6, 9]),
            (&[Slide::new(3).dilation(2).padding(1), Slide::new(2).dilation(3)], &[9, 12]),
            (&[Slide::new(3).stride(2); 2], &[8, 21]),
            (&[Slide::new(2).dilation(3).padding(2), Slide::new(5).stride(3).padding(4)], &[7, 40]),
            (&[Slide::new(4)], &[37]),
            (&[Slide::new(2).padding(1); 3], &[3, 4, 5]),
            (&[Slide::new(1).stride(2).padding(1); 2], &[1, 3]),
        ];
        for (slides, spatial) in slides {
            for (groups, channels, outputs) in [(1, 1, 1), (3, 3, 3), (2, 2, 4), (2, 4, 2)] {
                let pairs = slides.iter().zip(spatial).enumerate();
                let counts = pairs.map(|(axis, (slide, &length))| slide.count(axis, length));
                let counts: Vec<usize> = counts.collect::<Result<_, _>>().unwrap();
                let images = 3;
                let shape = |channels, spatial: &[usize]| [&[images, channels], spatial].concat();
                let (input_shape, output_shape) =
                    (shape(channels, spatial), shape(outputs, &counts));
                let geometry = Geometry::new(&input_shape, &output_shape, slides, groups);
                let x = numbers(images * geometry.image());
                let w = numbers(geometry.weight());
                let y = numbers(images * geometry.output());
                let two = |length: usize| [vec![0.0; length], vec![1.0; length]];
                let [mut wanted, mut found] = two(y.len());
                planes::output(&geometry, &x, &w, &mut wanted);
                super::output(&geometry, &x, &w, &mut found);
                assert_eq!(found, wanted, "output, {slides:?}, {groups} groups");
                let [mut wanted, mut found] = two(x.len());
                planes::input(&geometry, &y, &w, &mut wanted);
                super::input(&geometry, &y, &w, &mut found);
                assert_eq!(found, wanted, "input, {slides:?}, {groups} groups");
                let wanted = planes::weight(&geometry, &x, &y);
                let found = super::weight(&geometry, &x, &y);
                assert_eq!(found[..], wanted[..], "weight, {slides:?}, {groups} groups");
            }
        }
    }

    /// Elements and weights that are infinite count only where a window meets them.
    #[test]
    fn what_is_not_finite_stays_where_it_is() {
        for padding in [0, 1] {
            let slides = [Slide::new(3).padding(padding); 2];
            let count = 2 + 2 * padding;
            let geometry = Geometry::new(&[1, 1, 4, 4], &[1, 1, count, count], &slides, 1);
            let (mut x, mut w) = (vec![1.0; 16], vec![1.0; 9]);
            x[3] = f64::INFINITY; // The end of the first row.
            w[0] = f64::INFINITY; // Up and to the left.
            let y = vec![1.0; count * count];
            let mut found = vec![0.0; 16];
            super::input(&geometry, &y, &w, &mut found);
            let is_met = |at: usize| at / 4 + padding < count && at % 4 + padding < count;
            for (at, found) in found.into_iter().enumerate() {
                assert_eq!(found.is_infinite(), is_met(at), "{found} at {at}, padding {padding}");
                assert!(!found.is_nan());
            }
            let sums = super::weight(&geometry, &x, &y);
            for (k, &sum) in sums.iter().enumerate() {
                // The window above whose element is that pixel must be there.
                let (row, column) = (k / 3, k % 3);
                let meets = row <= padding && 3 + padding - column < count;
                assert_eq!(sum.is_infinite(), meets, "{sum} of {k}, padding {padding}");
                assert!(!sum.is_nan());
            }
            w[0] = 1.0;
            w[8] = f64::INFINITY; // Down and to the right.
            let mut windows = vec![0.0; count * count];
            super::output(&geometry, &[1.0; 16], &w, &mut windows);
            for (at, window) in windows.into_iter().enumerate() {
                let meets = at / count + 2 < 4 + padding && at % count + 2 < 4 + padding;
                assert_eq!(window.is_infinite(), meets, "{window} at {at}, padding {padding}");
                assert!(!window.is_nan());
            }
        }
    }

    /// Few windows in wide padding do not take memory for all of it.
    #[test]
    fn zeros_around_a_plane_have_a_limit() {
        for dilation in [100_000, 1 << 33] {
            let slides = [Slide::new(2).dilation(dilation).padding(dilation / 2); 2];
            let geometry = Geometry::new(&[1, 1, 1, 1], &[1, 1, 1, 1], &slides, 1);
            let mut found = [7.0];
            super::output(&geometry, &[2.0], &[1.0, 2.0, 3.0, 4.0], &mut found);
            assert_eq!(found, [0.0]); // The window's elements are all in the padding.
            super::input(&geometry, &[2.0], &[1.0, 2.0, 3.0, 4.0], &mut found);
            assert_eq!(found, [0.0]);
            assert_eq!(super::weight(&geometry, &[2.0], &[3.0])[..], [0.0; 4]);
        }
    }
}
