//! Mean and variance over axes, and normalisation by them.

use smallvec::SmallVec;

use super::layout::{elements_in, in_order, order_of};
use super::reduction::Reduction;
use super::simd::{fold_lanes, vectorised};
use crate::number::Float;
use crate::tensor::Tensor;

/// A normalisation: (x − mean)/√(variance + ε) over `axes`.
pub struct Normalization {
    /// The axes over which mean and variance are taken.
    pub axes: SmallVec<[usize; 4]>,
    /// ε, added to the variance.
    pub epsilon: f64,
    /// Whether the mean is subtracted; otherwise it counts as 0 in the variance, too.
    pub centred: bool,
}

/// Computes Σ (x − mean)²/(n − `correction`) over axes.
pub fn variance<A: Float>(
    x: &Tensor<A>,
    axes: &[usize],
    correction: f64,
    shape: &[usize],
) -> Tensor<A> {
    let order = order_of(x);
    let (reduction, kept) = Reduction::in_order(x.shape(), axes, &order);
    let x = elements_in(x, &order);
    let mean = reduction.means([&x], [], |[x], []| x);
    let mut variance = reduction.means([&x], [&mean], |[x], [mean]| (x - mean) * (x - mean));
    let size = reduction.size as f64;
    let unbiased = A::from_f64(size / (size - correction));
    for variance in &mut variance {
        *variance *= unbiased;
    }
    kept.tensor(variance, shape)
}

/// Computes y = (x − mean)/σ.
pub fn normalize<A: Float>(x: &Tensor<A>, by: &Normalization) -> Tensor<A> {
    let (shape, order) = (x.shape(), order_of(x));
    let (reduction, _) = Reduction::in_order(shape, &by.axes, &order);
    in_order(normal(&elements_in(x, &order), &reduction, by), shape, &order)
}

/// Computes (v − mean v − y·mean(v·y))/σ: the derivative of [`normalize`] along v.
pub fn normalize_slope<A: Float>(x: &Tensor<A>, v: &Tensor<A>, by: &Normalization) -> Tensor<A> {
    let (shape, order) = (x.shape(), order_of(x));
    let (reduction, _) = Reduction::in_order(shape, &by.axes, &order);
    let (x, v) = (elements_in(x, &order), elements_in(v, &order));
    in_order(slope(&x, &v, &reduction, by), shape, &order)
}

vectorised! {
    fn normal<A: Float>(x: &[A], reduction: &Reduction, by: &Normalization) -> Vec<A> {
        let (mean, inverse) = reduction.moments(x, by);
        reduction.map([x], [&mean, &inverse], |[x], [mean, inverse]| (x - mean) * inverse)
    }
}

vectorised! {
    fn slope<A: Float>(x: &[A], v: &[A], reduction: &Reduction, by: &Normalization) -> Vec<A> {
        let (mean, inverse) = reduction.moments(x, by);
        let mean_v = reduction.means_if(by.centred, v);
        let normal = [&mean[..], &inverse];
        let along =
            reduction.means([x, v], normal, |[x, v], [mean, inverse]| v * (x - mean) * inverse);
        let of = [&mean[..], &inverse, &mean_v, &along];
        reduction.map([x, v], of, |[x, v], [mean, inverse, mean_v, along]| {
            inverse * (v - mean_v - (x - mean) * inverse * along)
        })
    }
}

impl Reduction {
    /// Mean and 1/σ of each result.
    #[inline(always)]
    fn moments<A: Float>(&self, x: &[A], by: &Normalization) -> (Vec<A>, Vec<A>) {
        let mean = self.means_if(by.centred, x);
        let variance = self.means([x], [&mean], |[x], [mean]| (x - mean) * (x - mean));
        let epsilon = A::from_f64(by.epsilon);
        let inverse = variance.iter().map(|&v| A::one() / (v + epsilon).sqrt()).collect();
        (mean, inverse)
    }

    /// The mean of each result, or zeros.
    #[inline(always)]
    fn means_if<A: Float>(&self, centred: bool, x: &[A]) -> Vec<A> {
        if centred { self.means([x], [], |[x], []| x) } else { vec![A::zero(); self.results] }
    }

    /// The mean, for each result, of `f` of the operands' elements and the numbers `of` the result.
    #[inline(always)]
    fn means<A: Float, const N: usize, const K: usize>(
        &self,
        x: [&[A]; N],
        of: [&[A]; K],
        f: impl Fn([A; N], [A; K]) -> A,
    ) -> Vec<A> {
        // The sum of many short sums, kept in f64 so that a large batch loses nothing in f32.
        let mut sums = vec![0.0; self.results];
        self.for_each_run(|start, result| {
            let x = x.map(|x| &x[start..][..self.run]);
            if self.inner {
                let of = of.map(|of| of[result]);
                sums[result] += lane_sum(self.run, |i| f(x.map(|x| x[i]), of)).to_f64();
            } else {
                let of = of.map(|of| &of[result..][..self.run]);
                for (i, sum) in sums[result..][..self.run].iter_mut().enumerate() {
                    *sum += f(x.map(|x| x[i]), of.map(|of| of[i])).to_f64();
                }
            }
        });
        let size = self.size as f64;
        sums.iter().map(|sum| A::from_f64(sum / size)).collect()
    }
}

/// Sums `f(0)` to `f(count − 1)` in lanes, which the compiler may put side by side.
#[inline(always)]
fn lane_sum<A: Float>(count: usize, f: impl Fn(usize) -> A) -> A {
    const LANES: usize = 16;
    let mut lanes = [A::zero(); LANES];
    let whole = count - count % LANES;
    for start in (0..whole).step_by(LANES) {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += f(start + lane);
        }
    }
    (whole..count).for_each(|i| lanes[i - whole] += f(i));
    fold_lanes(lanes, |a, b| a + b)
}
