//! How the elements of a tensor fall into those that are reduced to one result.

use smallvec::SmallVec;

use super::layout::{Order, in_order, ordered};
use crate::ground::memory;
use crate::number::Float;
use crate::tensor::Tensor;

/// The elements of a tensor in memory order, each with the number of the result it is reduced to.
///
/// Memory is passed in runs. Either all elements of a run belong to one result, or each belongs to
/// the result after that of the element before.
pub struct Reduction {
    /// The outer axes: length, and how many results further one step along it leads.
    outer: SmallVec<[(usize, usize); 4]>,
    /// The length of a run.
    pub run: usize,
    /// Whether a run belongs to one result.
    pub inner: bool,
    /// The number of results.
    pub results: usize,
    /// The number of elements that are reduced to one result.
    pub size: usize,
}

/// The axes that a reduction keeps.
pub struct Kept {
    shape: Order,
    /// The order in which they lie in memory.
    pub order: Order,
}

impl Kept {
    /// The results as a tensor of `shape`, in which axes of length 1 may have been added.
    pub fn tensor<A: Float>(&self, results: Vec<A>, shape: &[usize]) -> Tensor<A> {
        let tensor = in_order(results, &self.shape, &self.order);
        if tensor.shape() == shape {
            return tensor;
        }
        let elements = ordered(&tensor).into_owned();
        Tensor::from_shape_vec(shape, elements).expect("as many elements as the shape holds")
    }
}

impl Reduction {
    /// Reduces axes of `shape`, which is the order of memory.
    fn new(shape: &[usize], reduced: &[usize]) -> Self {
        let is_reduced = |axis: usize| reduced.contains(&axis);
        let inner = shape.last().is_none() || is_reduced(shape.len() - 1);
        let axes = (0..shape.len()).rev().take_while(|&axis| is_reduced(axis) == inner).count();
        let (outer_shape, run_shape) = shape.split_at(shape.len() - axes);
        let run = run_shape.iter().product();
        let mut results = if inner { 1 } else { run };
        let mut outer = SmallVec::new();
        for (axis, &n) in outer_shape.iter().enumerate().rev() {
            outer.push((n, if is_reduced(axis) { 0 } else { results }));
            results *= if is_reduced(axis) { 1 } else { n };
        }
        outer.reverse();
        let size = reduced.iter().map(|&axis| shape[axis]).product();
        Self { outer, run, inner, results, size }
    }

    /// Reduces axes of a tensor of `shape` that lies in memory in an order of its axes.
    pub fn in_order(shape: &[usize], reduced: &[usize], order: &[usize]) -> (Self, Kept) {
        let lengths: Order = order.iter().map(|&axis| shape[axis]).collect();
        let is_reduced = |&i: &usize| reduced.contains(&order[i]);
        let reduced_lengths: Order = (0..order.len()).filter(is_reduced).collect();
        let kept: Order = (0..shape.len()).filter(|axis| !reduced.contains(axis)).collect();
        let number = |axis: &usize| kept.iter().position(|kept| kept == axis);
        let order = order.iter().filter_map(number).collect();
        let shape = kept.iter().map(|&axis| shape[axis]).collect();
        (Self::new(&lengths, &reduced_lengths), Kept { shape, order })
    }

    /// Calls `visit` with the offset of each run and the number of its first result.
    #[inline(always)]
    pub fn for_each_run(&self, mut visit: impl FnMut(usize, usize)) {
        let runs: usize = self.outer.iter().map(|&(length, _)| length).product();
        let mut index = SmallVec::<[usize; 4]>::from_elem(0, self.outer.len());
        let mut result = 0;
        for run in 0..runs {
            visit(run * self.run, result);
            for (i, &(length, step)) in index.iter_mut().zip(&self.outer).rev() {
                *i += 1;
                result += step;
                if *i < length {
                    break;
                }
                *i = 0;
                result -= length * step;
            }
        }
    }

    /// Computes `f` of each element of the operands `x` and the numbers `of` its result.
    #[inline(always)]
    pub fn map<A: Float, const N: usize, const K: usize>(
        &self,
        x: [&[A]; N],
        of: [&[A]; K],
        f: impl Fn([A; N], [A; K]) -> A,
    ) -> Vec<A> {
        let mut out = memory::take(x[0].len());
        self.for_each_run(|start, result| {
            let x = x.map(|x| &x[start..][..self.run]);
            let out = &mut out[start..][..self.run];
            if self.inner {
                let of = of.map(|of| of[result]);
                for (i, out) in out.iter_mut().enumerate() {
                    *out = f(x.map(|x| x[i]), of);
                }
            } else {
                let of = of.map(|of| &of[result..][..self.run]);
                for (i, out) in out.iter_mut().enumerate() {
                    *out = f(x.map(|x| x[i]), of.map(|of| of[i]));
                }
            }
        });
        out
    }
}
