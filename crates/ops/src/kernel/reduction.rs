//! How the elements of a tensor fall into those that are reduced to one result.

use std::ops::Range;

use smallvec::SmallVec;

use super::layout::{Order, elements_in, in_order, order_of, ordered};
use super::simd::{blocks, fold_lanes, vectorised, whole_blocks};
use super::threads;
use crate::ground::memory::{self, Buffer};
use crate::number::Float;
use crate::tensor::Tensor;

/// The fewest elements worth a thread of their own.
const PER_THREAD: usize = 32_768;

/// Columns are divided at multiples of this, so that threads seldom write to one cache line.
const COLUMNS: usize = 16;

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
    pub fn tensor<A: Float>(&self, results: Buffer<A>, shape: &[usize]) -> Tensor<A> {
        let tensor = in_order(results, &self.shape, &self.order);
        if tensor.shape() == shape {
            return tensor;
        }
        Tensor::from_buffer(shape, ordered(&tensor).into_buffer())
    }
}

/// Reduces axes of `x` into `out`, of the result's shape, reusing its buffer where possible: `reduce` gets
/// the elements and writes each result.
pub fn reduce_into<A: Float>(
    x: &Tensor<A>,
    axes: &[usize],
    out: &mut Tensor<A>,
    reduce: impl FnOnce(&Reduction, &[A], &mut [A]),
) {
    let order = order_of(x);
    let (reduction, kept) = Reduction::in_order(x.shape(), axes, &order);
    let x = elements_in(x, &order);
    if let (true, Some(results)) = (kept.order.is_sorted(), out.elements_mut()) {
        return reduce(&reduction, &x, results);
    }
    let mut results = memory::take(reduction.results);
    reduce(&reduction, &x, &mut results);
    *out = kept.tensor(results, &Order::from_slice(out.shape()));
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

    /// The number of runs.
    fn runs(&self) -> usize {
        self.outer.iter().map(|&(length, _)| length).product()
    }

    /// Whether the results can be divided among threads: each is that of one run, or of a column of
    /// all runs.
    fn divides(&self) -> bool {
        self.results == if self.inner { self.runs() } else { self.run }
    }

    /// Whether each run is reduced to the result of its own number.
    pub fn is_of_rows(&self) -> bool {
        self.inner && self.size == self.run
    }

    /// Calls `visit` with the offset of each run and the number of its first result.
    #[inline(always)]
    pub fn for_each_run(&self, visit: impl FnMut(usize, usize)) {
        self.for_runs(0..self.runs(), visit);
    }

    /// [`for_each_run`](Self::for_each_run) of some of the runs.
    #[inline(always)]
    fn for_runs(&self, runs: Range<usize>, mut visit: impl FnMut(usize, usize)) {
        let mut index = SmallVec::<[usize; 4]>::from_elem(0, self.outer.len());
        let (mut result, mut rest) = (0, runs.start);
        for (i, &(length, step)) in index.iter_mut().zip(&self.outer).rev() {
            *i = rest % length.max(1);
            rest /= length.max(1);
            result += *i * step;
        }
        for run in runs {
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
    pub fn map<A: Float, const N: usize, const K: usize>(
        &self,
        x: [&[A]; N],
        of: [&[A]; K],
        f: impl Fn([A; N], [A; K]) -> A + Sync,
    ) -> Buffer<A> {
        let mut out = memory::take(x[0].len());
        threads::divide(&mut out, self.run, PER_THREAD, |start, out| {
            map_runs(self, start, x, of, out, &f);
        });
        out
    }

    /// Sums, for each result, `f` of the operands' elements and the numbers `of` the result, from
    /// the first to the last, in `f64`, so that a large batch loses nothing in `f32`.
    pub fn totals<A: Float, const N: usize, const K: usize>(
        &self,
        x: [&[A]; N],
        of: [&[A]; K],
        f: impl Fn([A; N], [A; K]) -> A + Sync,
    ) -> Vec<f64> {
        let mut totals = vec![0.0; self.results];
        let (unit, least) = match self.divides() {
            true if self.inner => (1, PER_THREAD / self.size.max(1)),
            true => (COLUMNS, PER_THREAD / self.size.max(1)),
            false => (self.results, self.results),
        };
        threads::divide(&mut totals, unit, least.max(1), |first, totals| {
            add_totals(self, first, x, of, totals, &f);
        });
        totals
    }
}

vectorised! {
    /// Computes `f` of the elements of whole runs, from the element `first` on.
    fn map_runs<A: Float, F: Fn([A; N], [A; K]) -> A, const N: usize, const K: usize>(
        reduction: &Reduction,
        first: usize,
        x: [&[A]; N],
        of: [&[A]; K],
        out: &mut [A],
        f: &F,
    ) {
        let run = reduction.run;
        let runs = |elements: usize| elements.checked_div(run).unwrap_or(0);
        reduction.for_runs(runs(first)..runs(first + out.len()), |start, result| {
            let x = x.map(|x| &x[start..][..run]);
            let out = &mut out[start - first..][..run];
            if reduction.inner {
                let of = of.map(|of| of[result]);
                for (i, out) in out.iter_mut().enumerate() {
                    *out = f(x.map(|x| x[i]), of);
                }
            } else {
                let of = of.map(|of| &of[result..][..run]);
                for (i, out) in out.iter_mut().enumerate() {
                    *out = f(x.map(|x| x[i]), of.map(|of| of[i]));
                }
            }
        });
    }
}

vectorised! {
    /// Adds the terms of all results, or of those from `first` on, if they divide.
    fn add_totals<A: Float, F: Fn([A; N], [A; K]) -> A, const N: usize, const K: usize>(
        reduction: &Reduction,
        first: usize,
        x: [&[A]; N],
        of: [&[A]; K],
        totals: &mut [f64],
        f: &F,
    ) {
        let some = first..first + totals.len();
        if reduction.inner {
            let runs = if reduction.divides() { some } else { 0..reduction.runs() };
            return reduction.for_runs(runs, |start, result| {
                let x = x.map(|x| &x[start..][..reduction.run]);
                let of = of.map(|of| of[result]);
                let sum = lane_sum(x, |x| f(x, of));
                totals[result - first] += sum.to_f64();
            });
        }
        let columns = if reduction.divides() { some } else { 0..reduction.run };
        reduction.for_each_run(|start, result| {
            let x = x.map(|x| &x[start + columns.start..][..columns.len()]);
            let of = of.map(|of| &of[result + columns.start..][..columns.len()]);
            // Where there are several results to a column, all are wanted.
            let totals = totals[result + columns.start - first..][..columns.len()].iter_mut();
            for (i, total) in totals.enumerate() {
                *total += f(x.map(|x| x[i]), of.map(|of| of[i])).to_f64();
            }
        });
    }
}

/// Sums `f` of the operands' elements in lanes, which the compiler may put side by side.
#[inline(always)]
pub fn lane_sum<A: Float, B: Float, const N: usize>(x: [&[A]; N], f: impl Fn([A; N]) -> B) -> B {
    const LANES: usize = 16;
    let mut lanes = [B::zero(); LANES];
    let count = x[0].len();
    let whole = whole_blocks(x, count / LANES);
    for number in 0..count / LANES {
        let x: [&[A; LANES]; N] = blocks(whole, number);
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += f(x.map(|x| x[lane]));
        }
    }
    let rest = x.map(|x| &x[count - count % LANES..]);
    for (i, sum) in lanes[..count % LANES].iter_mut().enumerate() {
        *sum += f(rest.map(|x| x[i]));
    }
    fold_lanes(lanes, |a, b| a + b)
}
