//! Convolution with the channels last: windows of some images as rows, then one matrix product.

use super::{Geometry, matrix, matrix_mut};
use crate::ground::memory::{self, Buffer};
use crate::kernel::geometry::Run;
use crate::kernel::product::product_here;
use crate::kernel::simd;
use crate::number::Float;

/// Elements of windows laid out at a time, which the second-level cache holds.
const BLOCK: usize = 1 << 16;

/// Computes the output: rows · wᵀ.
pub fn output<A: Float>(geometry: &Geometry, input: &[A], weight: &[A], result: &mut [A]) {
    let (image, output, depth) = (geometry.image(), geometry.output(), geometry.depth());
    let (weight, block) = (matrix(weight, depth), geometry.block());
    geometry.by_image(result, output, |first, result| {
        let mut room = memory::take(block * geometry.rows());
        let inputs = input[first * image..].chunks(block * image);
        for (inputs, outputs) in inputs.zip(result.chunks_mut(block * output)) {
            let inputs = &inputs[..outputs.len() / output * image];
            let rows = matrix(geometry.lay_rows_out(inputs, &mut room), depth);
            let mut y = matrix_mut(outputs, geometry.outputs);
            product_here(&rows, &weight.t(), false, &mut y);
        }
    });
}

/// Computes the gradient of the input: ȳ · w, added back to where the rows came from.
pub fn input<A: Float>(geometry: &Geometry, outputs: &[A], weight: &[A], result: &mut [A]) {
    let (image, output, depth) = (geometry.image(), geometry.output(), geometry.depth());
    let (weight, block) = (matrix(weight, depth), geometry.block());
    geometry.by_image(result, image, |first, result| {
        let mut room = memory::take(block * geometry.rows());
        let outputs = outputs[first * output..].chunks(block * output);
        for (outputs, inputs) in outputs.zip(result.chunks_mut(block * image)) {
            let count = inputs.len() / image;
            let rows = &mut room[..count * geometry.rows()];
            let y = matrix(&outputs[..count * output], geometry.outputs);
            product_here(&y, &weight, false, &mut matrix_mut(rows, depth));
            geometry.add_rows_back(rows, inputs);
        }
    });
}

/// Computes the gradient of the weight: ȳᵀ · rows, summed over the images.
pub fn weight<A: Float>(geometry: &Geometry, input: &[A], outputs: &[A]) -> Buffer<A> {
    let (image, output, depth) = (geometry.image(), geometry.output(), geometry.depth());
    let block = geometry.block();
    geometry.sum_over_images(geometry.weight(), |range, sum| {
        let mut room = memory::take(block * geometry.rows());
        let inputs = input[range.start * image..range.end * image].chunks(block * image);
        let slopes = outputs[range.start * output..range.end * output].chunks(block * output);
        for (inputs, slopes) in inputs.zip(slopes) {
            let rows = matrix(geometry.lay_rows_out(inputs, &mut room), depth);
            let (y, mut w) = (matrix(slopes, geometry.outputs), matrix_mut(sum, depth));
            product_here(&y.t(), &rows, true, &mut w);
        }
    })
}

impl Geometry {
    /// Elements of an image's windows.
    fn rows(&self) -> usize {
        self.windows() * self.depth()
    }

    /// Images whose windows are laid out at a time.
    fn block(&self) -> usize {
        (BLOCK / self.rows()).clamp(1, self.images)
    }

    /// Lays the windows of images out as rows, in `room` unless they are the images themselves.
    fn lay_rows_out<'c, A: Float>(&self, images: &'c [A], room: &'c mut [A]) -> &'c [A] {
        if self.grid.is_pointwise() {
            return images;
        }
        let rows = &mut room[..images.len() / self.image() * self.rows()];
        if self.grid.is_padded() {
            rows.fill(A::zero());
        }
        let pairs = images.chunks_exact(self.image()).zip(rows.chunks_exact_mut(self.rows()));
        for (image, rows) in pairs {
            self.grid.for_each_run(self.channels, |Run { row, image: start, length }| {
                rows[row..][..length].copy_from_slice(&image[start..][..length]);
            });
        }
        rows
    }

    /// Replaces images by the sums of the rows at each of their elements.
    fn add_rows_back<A: Float>(&self, rows: &[A], images: &mut [A]) {
        images.fill(A::zero());
        let pairs = rows.chunks_exact(self.rows()).zip(images.chunks_exact_mut(self.image()));
        for (rows, image) in pairs {
            self.grid.for_each_run(self.channels, |Run { row, image: start, length }| {
                simd::add(&mut image[start..][..length], &rows[row..][..length]);
            });
        }
    }
}
