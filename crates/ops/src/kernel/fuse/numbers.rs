//! Pointwise steps on single numbers.

use smallvec::SmallVec;

use super::Step;
use crate::number::Float;

/// Steps on a list of numbers, which write their results one after another behind the given ones.
///
/// Equal steps follow one another and are run together: a run is one call, not one for each result.
///
/// ```
/// use ops::fuse::{Numbers, Step};
///
/// struct Sum;
/// impl Step<f64> for Sum {
///     fn fill(&self, _: &[&[f64]], _: &mut [f64]) {}
///     fn fill_at(&self, numbers: &[f64], indices: &[u32], out: &mut [f64]) {
///         ops::fuse::fill_at(numbers, indices, out, |[a, b]| a + b);
///     }
/// }
///
/// // Two numbers are given; the results are their sum, and that sum doubled.
/// let mut steps = Numbers::new(2);
/// steps.begin(Sum, 2);
/// steps.result([0, 1]);
/// steps.begin(Sum, 2);
/// steps.result([2, 2]);
/// let mut numbers = [1.0, 2.0, 0.0, 0.0];
/// assert_eq!(steps.run(&mut numbers), [3.0, 6.0]);
/// ```
#[derive(Debug)]
pub struct Numbers<S> {
    /// The index of the first result.
    start: usize,
    runs: Vec<Run<S>>,
    /// The indices of the operands, result by result.
    operands: Vec<u32>,
}

/// A step, as often as it is run in a row.
#[derive(Debug)]
struct Run<S> {
    step: S,
    arity: usize,
    results: usize,
}

impl<S> Numbers<S> {
    /// No steps yet; the first result will be at the index `start`.
    pub fn new(start: usize) -> Self {
        Self { start, runs: Vec::new(), operands: Vec::new() }
    }

    /// Begins a run of a step of `arity` operands, which are no results of the same run.
    pub fn begin(&mut self, step: S, arity: usize) {
        self.runs.push(Run { step, arity, results: 0 });
    }

    /// Adds a result to the run begun last, from operands at some indices.
    ///
    /// # Panics
    /// If no run was begun, or the run's step has another number of operands.
    pub fn result(&mut self, operands: impl IntoIterator<Item = u32>) {
        let run = self.runs.last_mut().expect("a run was begun");
        let before = self.operands.len();
        self.operands.extend(operands);
        assert_eq!(self.operands.len() - before, run.arity, "as many operands as the step has");
        run.results += 1;
    }

    /// Computes all results, in place, and gives them.
    ///
    /// # Panics
    /// If `numbers` is too short, or an operand is not computed before it is read.
    pub fn run<'n, A: Float>(&self, numbers: &'n mut [A]) -> &'n [A]
    where
        S: Step<A>,
    {
        let (mut start, mut operands) = (self.start, &self.operands[..]);
        for Run { step, arity, results } in &self.runs {
            let (own, others) = operands.split_at(results * arity);
            let (before, after) = numbers.split_at_mut(start);
            step.fill_at(before, own, &mut after[..*results]);
            (start, operands) = (start + results, others);
        }
        &numbers[self.start..start]
    }
}

/// Computes `f` of `N` numbers for each of `out`, at the next `N` of `indices`.
#[inline]
pub fn fill_at<A: Copy, const N: usize>(
    numbers: &[A],
    indices: &[u32],
    out: &mut [A],
    f: impl Fn([A; N]) -> A,
) {
    let (indices, _) = indices.as_chunks::<N>();
    for (out, indices) in out.iter_mut().zip(indices) {
        *out = f(each_at(numbers, indices));
    }
}

/// The numbers at some indices: a function of its own, so that it is compiled once for all `f`.
#[inline(always)]
fn each_at<A: Copy, const N: usize>(numbers: &[A], indices: &[u32; N]) -> [A; N] {
    indices.map(|index| numbers[index as usize])
}

/// The same for a number of indices that is known only when it runs.
fn all_at<A: Copy>(numbers: &[A], indices: &[u32]) -> SmallVec<[A; 8]> {
    indices.iter().map(|&index| numbers[index as usize]).collect()
}

/// [`fill_at`] of a number of operands that is known only when it runs.
#[inline(always)]
pub fn fill_at_any<A: Float>(
    arity: usize,
    numbers: &[A],
    indices: &[u32],
    out: &mut [A],
    f: impl Fn(&[A]) -> A,
) {
    match arity {
        1 => fill_at(numbers, indices, out, |x: [A; 1]| f(&x)),
        2 => fill_at(numbers, indices, out, |x: [A; 2]| f(&x)),
        3 => fill_at(numbers, indices, out, |x: [A; 3]| f(&x)),
        _ => {
            for (out, indices) in out.iter_mut().zip(indices.chunks_exact(arity.max(1))) {
                *out = f(&all_at(numbers, indices));
            }
        }
    }
}
