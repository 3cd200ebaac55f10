//! Mean and variance over axes, and normalisation by them.

use smallvec::SmallVec;

use super::layout::{elements_in, in_order, order_of};
use super::reduction::{Reduction, lane_sum};
use super::simd::vectorised;
use crate::ground::memory::{self, Buffer};
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
    let variance = reduction.means([&x], [&mean], |[x], [mean]| (x - mean) * (x - mean));
    let size = reduction.size as f64;
    let unbiased = A::from_f64(size / (size - correction));
    kept.tensor(memory::of(variance.into_iter().map(|variance| variance * unbiased)), shape)
}

/// Computes √(Σ (x − mean)²/(n − `correction`)) over axes.
pub fn deviation<A: Float>(
    x: &Tensor<A>,
    axes: &[usize],
    correction: f64,
    shape: &[usize],
) -> Tensor<A> {
    let order = order_of(x);
    let (reduction, kept) = Reduction::in_order(x.shape(), axes, &order);
    let x = elements_in(x, &order);
    let mean = wide_means(&x, &reduction);
    let roots = roots(&x, &mean, &reduction, reduction.size as f64 - correction);
    kept.tensor(memory::of(roots.into_iter().map(A::from_f64)), shape)
}

/// Computes √Σ x² over axes, right also where a square is too large or too small for the type.
pub fn norm<A: Float>(x: &Tensor<A>, axes: &[usize], shape: &[usize]) -> Tensor<A> {
    let order = order_of(x);
    let (reduction, kept) = Reduction::in_order(x.shape(), axes, &order);
    let roots = roots(&elements_in(x, &order), &vec![0.0; reduction.results], &reduction, 1.0);
    kept.tensor(memory::of(roots.into_iter().map(A::from_f64)), shape)
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

fn normal<A: Float>(x: &[A], reduction: &Reduction, by: &Normalization) -> Buffer<A> {
    let (mean, inverse) = reduction.moments(x, by);
    reduction.map([x], [&mean, &inverse], |[x], [mean, inverse]| (x - mean) * inverse)
}

fn slope<A: Float>(x: &[A], v: &[A], reduction: &Reduction, by: &Normalization) -> Buffer<A> {
    let (mean, inverse) = reduction.moments(x, by);
    let mean_v = reduction.means_if(by.centred, v);
    let normal = [&mean[..], &inverse];
    let along = reduction.means([x, v], normal, |[x, v], [mean, inverse]| v * (x - mean) * inverse);
    let of = [&mean[..], &inverse, &mean_v, &along];
    reduction.map([x, v], of, |[x, v], [mean, inverse, mean_v, along]| {
        inverse * (v - mean_v - (x - mean) * inverse * along)
    })
}

vectorised! {
    /// The mean of each result.
    fn wide_means<A: Float>(x: &[A], reduction: &Reduction) -> Vec<f64> {
        let mut means = reduction.wide_sums(x, &vec![(); reduction.results], |x, ()| x);
        for mean in &mut means {
            *mean /= reduction.size as f64;
        }
        means
    }
}

/// Sums of squares that no square of an element was lost from, for being too large or too small.
const SAFE: std::ops::Range<f64> = 1e-280..f64::INFINITY;

vectorised! {
    /// √(Σ (x − mean)²/n) of each result.
    ///
    /// Squares are summed in f64, which holds those of any f32; where one is beyond even that, the
    /// largest element is taken out first.
    fn roots<A: Float>(x: &[A], mean: &[f64], reduction: &Reduction, n: f64) -> Vec<f64> {
        let sums = reduction.wide_sums(x, mean, |x, mean| (x - mean) * (x - mean));
        let mut roots: Vec<f64> = sums.iter().map(|sum| (sum / n).sqrt()).collect();
        let lost: Vec<usize> = (0..sums.len()).filter(|&i| !SAFE.contains(&sums[i])).collect();
        if lost.is_empty() {
            return roots;
        }
        let scales: Vec<(f64, f64)> = reduction.farthest(x, mean).into_iter().zip(mean).map(
            |(most, &mean)| (if most > 0.0 && most.is_finite() { most } else { 1.0 }, mean)
        ).collect();
        let sums = reduction.wide_sums(x, &scales, |x, (scale, mean)| {
            let part = (x - mean) / scale;
            part * part
        });
        for i in lost {
            roots[i] = scales[i].0 * (sums[i] / n).sqrt();
        }
        roots
    }
}

impl Reduction {
    /// The sum, for each result, of `f` of the elements and what is given `of` the result.
    #[inline(always)]
    fn wide_sums<A: Float, T: Copy>(
        &self,
        x: &[A],
        of: &[T],
        f: impl Fn(f64, T) -> f64,
    ) -> Vec<f64> {
        let mut sums = vec![0.0; self.results];
        self.for_each_run(|start, result| {
            let x = &x[start..][..self.run];
            if self.inner {
                let of = of[result];
                sums[result] += lane_sum([x], |[x]| f(x.to_f64(), of));
            } else {
                let sums = sums[result..][..self.run].iter_mut();
                sums.zip(x)
                    .zip(&of[result..])
                    .for_each(|((sum, x), &of)| *sum += f(x.to_f64(), of));
            }
        });
        sums
    }

    /// The largest |x − mean| of each result.
    fn farthest<A: Float>(&self, x: &[A], mean: &[f64]) -> Vec<f64> {
        let mut most = vec![0.0_f64; self.results];
        self.for_each_run(|start, result| {
            for (i, x) in x[start..][..self.run].iter().enumerate() {
                let result = if self.inner { result } else { result + i };
                most[result] = most[result].max((x.to_f64() - mean[result]).abs());
            }
        });
        most
    }

    /// Mean and 1/σ of each result.
    fn moments<A: Float>(&self, x: &[A], by: &Normalization) -> (Vec<A>, Vec<A>) {
        let mut mean = self.means_if(by.centred, x);
        let variance = self.means([x], [&mean], |[x], [mean]| (x - mean) * (x - mean));
        let epsilon = A::from_f64(by.epsilon);
        let tiny = A::from_f64(if A::EPSILON.to_f64() > 1e-10 { 1e-30 } else { 1e-280 });
        let mut inverse: Vec<A> =
            variance.iter().map(|&v| A::one() / (v + epsilon).sqrt()).collect();
        // The results in which a square was too large or too small for the type.
        let lost = |&i: &usize| {
            let v = variance[i] + epsilon;
            !(v.is_finite() && v > tiny)
        };
        let lost: Vec<usize> = (0..self.results).filter(lost).collect();
        if !lost.is_empty() {
            let zeros = || vec![0.0; self.results];
            let wide = if by.centred { wide_means(x, self) } else { zeros() };
            let deviation = roots(x, &wide, self, self.size as f64);
            for i in lost {
                mean[i] = A::from_f64(wide[i]);
                inverse[i] = A::from_f64(deviation[i].hypot(by.epsilon.sqrt()).recip());
            }
        }
        (mean, inverse)
    }

    /// The mean of each result, or zeros.
    fn means_if<A: Float>(&self, centred: bool, x: &[A]) -> Vec<A> {
        if centred { self.means([x], [], |[x], []| x) } else { vec![A::zero(); self.results] }
    }

    /// The mean, for each result, of `f` of the operands' elements and the numbers `of` the result.
    fn means<A: Float, const N: usize, const K: usize>(
        &self,
        x: [&[A]; N],
        of: [&[A]; K],
        f: impl Fn([A; N], [A; K]) -> A + Sync,
    ) -> Vec<A> {
        let size = self.size as f64;
        self.totals(x, of, f).into_iter().map(|sum| A::from_f64(sum / size)).collect()
    }
}
