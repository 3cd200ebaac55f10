//! Windows of an image laid out side by side, and added back.

use super::geometry::{Grid, Inside, Slide};
use super::layout::ordered;
use crate::ground::memory;
use crate::number::Float;
use crate::tensor::Tensor;

impl Grid {
    /// Lays the windows of one channel out as columns, `[kernel, windows]`, with zeros outside.
    pub(super) fn gather<A: Float>(&self, channel: &[A], columns: &mut [A]) {
        let stride = self.slides[1].stride;
        self.for_each_row(|to, from, Inside { first, past, column }| {
            let row = &mut columns[to..to + self.counts[1]];
            let Some(from) = from else { return row.fill(A::zero()) };
            row[..first].fill(A::zero());
            row[past..].fill(A::zero());
            if first == past {
                return;
            }
            let source = &channel[from + column..];
            if stride == 1 {
                row[first..past].copy_from_slice(&source[..past - first]);
            } else {
                let source = source.iter().step_by(stride);
                row[first..past].iter_mut().zip(source).for_each(|(to, &from)| *to = from);
            }
        });
    }

    /// Adds columns back to the channel they were laid out from: the adjoint of `gather`.
    pub(super) fn scatter<A: Float>(&self, columns: &[A], channel: &mut [A]) {
        let stride = self.slides[1].stride;
        self.for_each_row(|from, to, Inside { first, past, column }| {
            let Some(to) = to else { return };
            if first == past {
                return;
            }
            let row = &columns[from + first..from + past];
            let target = &mut channel[to + column..];
            if stride == 1 {
                target.iter_mut().zip(row).for_each(|(to, &from)| *to += from);
            } else {
                let target = target.iter_mut().step_by(stride);
                target.zip(row).for_each(|(to, &from)| *to += from);
            }
        });
    }
}

/// Lays every window of `x` out, side by side, with zeros outside the image.
pub fn windows<A: Float>(x: &Tensor<A>, shape: &[usize], slides: &[Slide]) -> Tensor<A> {
    let grid = Grid::new(slides, &x.shape()[2..], &shape[3..]);
    let (from, to) = (grid.area(), grid.kernel() * grid.windows());
    by_channel(x, shape, [from, to], |channel, columns| grid.gather(channel, columns))
}

/// Adds every window of `x` back to an image of `shape`: the adjoint of [`windows`].
pub fn windows_adjoint<A: Float>(x: &Tensor<A>, shape: &[usize], slides: &[Slide]) -> Tensor<A> {
    let grid = Grid::new(slides, &shape[2..], &x.shape()[3..]);
    let (from, to) = (grid.kernel() * grid.windows(), grid.area());
    by_channel(x, shape, [from, to], |columns, channel| grid.scatter(columns, channel))
}

/// Computes each channel of the result, zero at first, from the same channel of `x`.
fn by_channel<A: Float>(
    x: &Tensor<A>,
    shape: &[usize],
    [from, to]: [usize; 2],
    work: impl Fn(&[A], &mut [A]),
) -> Tensor<A> {
    let mut result = memory::filled(shape.iter().product(), A::zero());
    if from > 0 && to > 0 {
        let pairs = ordered(x);
        let pairs = pairs.chunks_exact(from).zip(result.chunks_exact_mut(to));
        pairs.for_each(|(from, to)| work(from, to));
    }
    Tensor::from_buffer(shape, result)
}
