//! Convolution channel by channel: an image's windows as columns, then one product a group.

use super::{Geometry, matrix, matrix_mut};
use crate::ground::memory::{self, Buffer};
use crate::kernel::product::product_here;
use crate::number::Float;

/// Computes the output y = w · columns of each image and group.
pub fn output<A: Float>(geometry: &Geometry, input: &[A], weight: &[A], result: &mut [A]) {
    geometry.by_image(result, geometry.output(), |first, result| {
        let mut columns = memory::take(geometry.columns());
        let images = input[first * geometry.image()..].chunks_exact(geometry.image());
        for (image, output) in images.zip(result.chunks_exact_mut(geometry.output())) {
            geometry.lay_out(image, &mut columns);
            geometry.for_each_group(weight, &columns, output, |w, columns, output| {
                let (w, x) = (matrix(w, geometry.depth()), matrix(columns, geometry.windows()));
                let mut y = matrix_mut(output, geometry.windows());
                product_here(&w, &x, false, &mut y);
            });
        }
    });
}

/// Computes the gradient of each image: wᵀ · ȳ, added back to where the columns came from.
pub fn input<A: Float>(geometry: &Geometry, outputs: &[A], weight: &[A], result: &mut [A]) {
    geometry.by_image(result, geometry.image(), |first, result| {
        let mut columns = memory::take(geometry.columns());
        let outputs = outputs[first * geometry.output()..].chunks_exact(geometry.output());
        for (output, image) in outputs.zip(result.chunks_exact_mut(geometry.image())) {
            geometry.for_each_group(weight, output, &mut columns, |w, output, columns| {
                let (w, y) = (matrix(w, geometry.depth()), matrix(output, geometry.windows()));
                let mut x = matrix_mut(columns, geometry.windows());
                product_here(&w.t(), &y, false, &mut x);
            });
            geometry.add_back(&columns, image);
        }
    });
}

/// Computes the gradient of the weight: ȳ · columnsᵀ, summed over the images.
pub fn weight<A: Float>(geometry: &Geometry, input: &[A], outputs: &[A]) -> Buffer<A> {
    let (size, output) = (geometry.image(), geometry.output());
    geometry.sum_over_images(geometry.weight(), |range, sum| {
        let mut columns = memory::take(geometry.columns());
        for n in range {
            geometry.lay_out(&input[n * size..][..size], &mut columns);
            let output = &outputs[n * output..][..output];
            geometry.for_each_group(output, &columns, sum, |output, columns, sum| {
                let (y, x) =
                    (matrix(output, geometry.windows()), matrix(columns, geometry.windows()));
                let mut w = matrix_mut(sum, geometry.depth());
                product_here(&y, &x.t(), true, &mut w);
            });
        }
    })
}

impl Geometry {
    /// Elements of an image's columns.
    fn columns(&self) -> usize {
        self.depth() * self.groups * self.windows()
    }

    /// Lays the windows of an image out as columns, `[channels, kernel, windows]`.
    fn lay_out<A: Float>(&self, image: &[A], columns: &mut [A]) {
        let channels = image.chunks_exact(self.grid.area());
        let pairs = channels.zip(columns.chunks_exact_mut(self.grid.kernel() * self.windows()));
        pairs.for_each(|(from, to)| self.grid.gather(from, to));
    }

    /// Replaces an image by the sum of the columns at each of its elements.
    fn add_back<A: Float>(&self, columns: &[A], image: &mut [A]) {
        image.fill(A::zero());
        let channels = image.chunks_exact_mut(self.grid.area());
        let pairs = columns.chunks_exact(self.grid.kernel() * self.windows()).zip(channels);
        pairs.for_each(|(from, to)| self.grid.scatter(from, to));
    }

    /// Calls `product` with each group's share of three stacks of matrices.
    fn for_each_group<A>(
        &self,
        a: &[A],
        b: &[A],
        out: &mut [A],
        product: impl Fn(&[A], &[A], &mut [A]),
    ) {
        let share = |length: usize| length / self.groups;
        let pairs = a.chunks_exact(share(a.len())).zip(b.chunks_exact(share(b.len())));
        let size = share(out.len());
        pairs.zip(out.chunks_exact_mut(size)).for_each(|((a, b), out)| product(a, b, out));
    }
}
