//! Loops over the groups of elements that share a mean: variance and normalisation.

use multiversion::multiversion;

use smallvec::SmallVec;

use crate::number::Float;
use crate::rules::methods::LinearMethods;
use crate::rules::normalize::{Normalize, Variance};
use crate::tensor::Tensor;

use super::map::{Order, elements_in, in_order, order_of};
use super::{simd, threads};
use crate::ground::memory;

/// Sums of short stretches that are kept side by side.
const WIDE: usize = 256;

/// How the elements of a tensor fall into groups, of which all that differ along the reduced axes
/// only are one. Memory is walked in stretches: in each, either all elements belong to one group,
/// or each belongs to the group after that of the one before.
struct Groups {
    /// The outer axes: length, and how many groups further one step along it leads.
    outer: SmallVec<[(usize, usize); 4]>,
    /// The length of a stretch.
    length: usize,
    /// Whether a stretch belongs to one group.
    together: bool,
    /// The number of groups.
    count: usize,
    /// The number of elements of a group.
    size: usize,
}

/// The axes by which groups differ.
struct Kept {
    shape: Order,
    /// In which order they lie in memory.
    order: Order,
}

impl Kept {
    /// The tensor of `shape`, in which axes of length 1 may have been added, from one element a
    /// group.
    fn tensor<A: Float>(&self, elements: Vec<A>, shape: &[usize]) -> Tensor<A> {
        let tensor = in_order(elements, &self.shape, &self.order);
        if tensor.shape() == shape { tensor } else { tensor.reshape(shape) }
    }
}

impl Groups {
    fn new(shape: &[usize], reduced: &[usize]) -> Self {
        let is_reduced = |axis: usize| reduced.contains(&axis);
        let together = shape.last().is_none() || is_reduced(shape.len() - 1);
        let inner = (0..shape.len()).rev().take_while(|&axis| is_reduced(axis) == together).count();
        let (outer, inner) = shape.split_at(shape.len() - inner);
        let length = inner.iter().product();
        let mut count = if together { 1 } else { length };
        let mut axes = SmallVec::new();
        for (axis, &n) in outer.iter().enumerate().rev() {
            axes.push((n, if is_reduced(axis) { 0 } else { count }));
            count *= if is_reduced(axis) { 1 } else { n };
        }
        axes.reverse();
        let size = reduced.iter().map(|&axis| shape[axis]).product();
        Self { outer: axes, length, together, count, size }
    }

    /// The groups of a tensor that lies in memory in this order of its axes, and the order of the
    /// axes that are kept.
    fn in_order(shape: &[usize], reduced: &[usize], order: &[usize]) -> (Self, Kept) {
        let lengths: Order = order.iter().map(|&axis| shape[axis]).collect();
        let is_reduced = |&place: &usize| reduced.contains(&order[place]);
        let places: Order = (0..order.len()).filter(is_reduced).collect();
        let kept: Order = (0..shape.len()).filter(|axis| !reduced.contains(axis)).collect();
        let place = |axis: &usize| kept.iter().position(|kept| kept == axis);
        let order = order.iter().filter_map(place).collect();
        let shape = kept.iter().map(|&axis| shape[axis]).collect();
        (Self::new(&lengths, &places), Kept { shape, order })
    }

    /// Calls `visit` with the start of each stretch and the group of its first element.
    #[inline(always)]
    fn for_each_stretch(&self, mut visit: impl FnMut(usize, usize)) {
        let stretches: usize = self.outer.iter().map(|&(length, _)| length).product();
        let mut index = SmallVec::<[usize; 4]>::from_elem(0, self.outer.len());
        let mut group = 0;
        for stretch in 0..stretches {
            visit(stretch * self.length, group);
            for (i, &(length, step)) in index.iter_mut().zip(&self.outer).rev() {
                *i += 1;
                group += step;
                if *i < length {
                    break;
                }
                *i = 0;
                group -= length * step;
            }
        }
    }

    /// The sum of each group.
    fn sums<A: Float>(&self, x: &[A], sums: &mut [A]) {
        sums.fill(A::zero());
        if !self.together && self.count == self.length && !x.is_empty() {
            // Every stretch is added to the same sums. Short ones several at a time, to several sums.
            let several = self.length * (WIDE / self.length).max(1);
            let mut wide = SmallVec::<[A; WIDE]>::from_elem(A::zero(), several);
            for stretches in x.chunks(wide.len()) {
                simd::add(&mut wide, stretches);
            }
            wide.chunks_exact(self.length).for_each(|sum| simd::add(sums, sum));
            return;
        }
        self.for_each_stretch(|start, group| {
            let x = &x[start..][..self.length];
            if self.together {
                sums[group] += simd::sum(x);
            } else {
                simd::add(&mut sums[group..][..self.length], x);
            }
        });
    }

    /// For each group, the mean of `f` over its elements, given those of `x` and the group's own
    /// numbers `of`.
    #[inline(always)]
    fn means<A: Float, const N: usize, const K: usize>(
        &self,
        x: [&[A]; N],
        of: [&[A]; K],
        f: impl Fn([A; N], [A; K]) -> A,
    ) -> Vec<A> {
        // The sum of many short sums, kept in f64 so that a large batch loses nothing in f32.
        let mut sums = vec![0.0; self.count];
        self.for_each_stretch(|start, group| {
            let x = x.map(|x| &x[start..][..self.length]);
            if self.together {
                let of = of.map(|of| of[group]);
                sums[group] += lane_sum(self.length, |i| f(x.map(|x| x[i]), of)).to_f64();
            } else {
                let of = of.map(|of| &of[group..][..self.length]);
                for (i, sum) in sums[group..][..self.length].iter_mut().enumerate() {
                    *sum += f(x.map(|x| x[i]), of.map(|of| of[i])).to_f64();
                }
            }
        });
        let size = self.size as f64;
        sums.iter().map(|sum| A::from_f64(sum / size)).collect()
    }

    /// `f` of each element of `x` and its group's numbers `of`.
    #[inline(always)]
    fn map<A: Float, const N: usize, const K: usize>(
        &self,
        x: [&[A]; N],
        of: [&[A]; K],
        f: impl Fn([A; N], [A; K]) -> A,
    ) -> Vec<A> {
        let mut result = memory::take(x[0].len());
        self.for_each_stretch(|start, group| {
            let x = x.map(|x| &x[start..][..self.length]);
            let result = &mut result[start..][..self.length];
            if self.together {
                let of = of.map(|of| of[group]);
                for (i, result) in result.iter_mut().enumerate() {
                    *result = f(x.map(|x| x[i]), of);
                }
            } else {
                let of = of.map(|of| &of[group..][..self.length]);
                for (i, result) in result.iter_mut().enumerate() {
                    *result = f(x.map(|x| x[i]), of.map(|of| of[i]));
                }
            }
        });
        result
    }
}

/// The sum of `f(0)` to `f(count − 1)`, in lanes, which a compiler may put side by side.
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
    simd::fold_lanes(lanes, |a, b| a + b)
}

/// The sum over axes.
pub fn sum_axes<A: Float>(x: &Tensor<A>, axes: &[usize], shape: &[usize]) -> Tensor<A> {
    let order = order_of(x);
    let (groups, kept) = Groups::in_order(x.shape(), axes, &order);
    let mut sums = memory::take(groups.count);
    groups.sums(&elements_in(x, &order), &mut sums);
    kept.tensor(sums, shape)
}

/// The same in the place of another tensor of the same shape.
pub fn sum_axes_into<A: Float>(x: &Tensor<A>, axes: &[usize], out: &mut Tensor<A>) {
    let order = order_of(x);
    let (groups, kept) = Groups::in_order(x.shape(), axes, &order);
    match out.elements_mut() {
        Some(sums) if kept.order.is_sorted() => groups.sums(&elements_in(x, &order), sums),
        _ => *out = sum_axes(x, axes, &Order::from_slice(out.shape())),
    }
}

/// The sum of all elements: of blocks, whose sums are added in f64, so that a large tensor loses
/// nothing in f32 and the result does not depend on the number of threads.
pub fn sum<A: Float>(x: &Tensor<A>) -> A {
    const BLOCK: usize = 1 << 14;
    let stored =
        x.stored().map_or_else(|| x.to_vec().into(), |(x, _)| std::borrow::Cow::Borrowed(x));
    let mut sums = SmallVec::<[A; 8]>::from_elem(A::zero(), stored.len().div_ceil(BLOCK));
    threads::divide(&mut sums, 1, 4, |start, sums| {
        let blocks = stored[start * BLOCK..].chunks(BLOCK);
        sums.iter_mut().zip(blocks).for_each(|(sum, block)| *sum = simd::sum(block));
    });
    match sums[..] {
        [sum] => sum,
        _ => A::from_f64(sums.iter().map(|sum| sum.to_f64()).sum()),
    }
}

/// Σ (x − mean)²/(n − c).
pub fn variance<A: Float>(x: &Tensor<A>, shape: &[usize], rule: &Variance) -> Tensor<A> {
    let axes = rule.axes.resolve(x.ndim()).expect("axes that the rule has accepted");
    let order = order_of(x);
    let (groups, kept) = Groups::in_order(x.shape(), &axes, &order);
    let x = elements_in(x, &order);
    let mean = groups.means([&x], [], |[x], []| x);
    let mut variance = groups.means([&x], [&mean], |[x], [mean]| (x - mean) * (x - mean));
    let size = groups.size as f64;
    let unbiased = A::from_f64(size / (size - rule.correction));
    for variance in &mut variance {
        *variance *= unbiased;
    }
    kept.tensor(variance, shape)
}

/// The groups of a normalisation with the mean and 1/σ of each.
struct Moments<A> {
    groups: Groups,
    mean: Vec<A>,
    inverse: Vec<A>,
}

impl<A: Float> Moments<A> {
    /// Those of elements in an order of axes.
    #[inline(always)]
    fn of(x: &[A], shape: &[usize], order: &[usize], rule: &Normalize) -> Self {
        let axes = rule.axes.resolve(shape.len()).expect("axes that the rule has accepted");
        let (groups, _) = Groups::in_order(shape, &axes, order);
        let mean = if rule.centred {
            groups.means([x], [], |[x], []| x)
        } else {
            vec![A::zero(); groups.count]
        };
        let variance = groups.means([x], [&mean], |[x], [mean]| (x - mean) * (x - mean));
        let epsilon = A::from_f64(rule.epsilon);
        let inverse = variance.iter().map(|&v| A::one() / (v + epsilon).sqrt()).collect();
        Self { groups, mean, inverse }
    }
}

/// y = (x − mean)/σ.
pub fn normalize<A: Float>(x: &Tensor<A>, rule: &Normalize) -> Tensor<A> {
    let (shape, order) = (x.shape(), order_of(x));
    let y = normalize_elements(&elements_in(x, &order), shape, &order, rule);
    in_order(y, shape, &order)
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn normalize_elements<A: Float>(
    x: &[A],
    shape: &[usize],
    order: &[usize],
    rule: &Normalize,
) -> Vec<A> {
    let Moments { groups, mean, inverse } = Moments::of(x, shape, order, rule);
    groups.map([x], [&mean, &inverse], |[x], [mean, inverse]| (x - mean) * inverse)
}

/// (v − mean v − y·mean(v·y))/σ: the derivative of [`normalize`] along v.
pub fn normalize_slope<A: Float>(x: &Tensor<A>, v: &Tensor<A>, rule: &Normalize) -> Tensor<A> {
    let (shape, order) = (x.shape(), order_of(x));
    let (x, v) = (elements_in(x, &order), elements_in(v, &order));
    in_order(slope_elements(&x, &v, shape, &order, rule), shape, &order)
}

#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn slope_elements<A: Float>(
    x: &[A],
    v: &[A],
    shape: &[usize],
    order: &[usize],
    rule: &Normalize,
) -> Vec<A> {
    let Moments { groups, mean, inverse } = Moments::of(x, shape, order, rule);
    let mean_v = if rule.centred {
        groups.means([v], [], |[v], []| v)
    } else {
        vec![A::zero(); groups.count]
    };
    let normal = [&mean[..], &inverse];
    let along = groups.means([x, v], normal, |[x, v], [mean, inverse]| v * (x - mean) * inverse);
    groups.map(
        [x, v],
        [&mean, &inverse, &mean_v, &along],
        |[x, v], [mean, inverse, mean_v, along]| {
            inverse * (v - mean_v - (x - mean) * inverse * along)
        },
    )
}
