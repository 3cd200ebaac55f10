//! Pointwise steps on single numbers.

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
///     fn fill_at(&self, numbers: &mut [f64], to: usize, last: f64, indices: &[u32]) -> f64 {
///         ops::fuse::fill_at(numbers, to, last, indices, |[a, b]| a + b)
///     }
/// }
///
/// // Two numbers are given; the results are their sum, and that sum doubled.
/// let mut steps = Numbers::new(2);
/// steps.begin(Sum, 2);
/// steps.result([0, 1]);
/// steps.result([2, 2]);
/// let mut numbers = [1.0, 2.0, 0.0, 0.0];
/// assert_eq!(steps.run(&mut numbers), [3.0, 6.0]);
/// ```
#[derive(Debug)]
pub struct Numbers<S> {
    /// The index of the first result, and that after the last.
    start: usize,
    end: usize,
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
        Self { start, end: start, runs: Vec::new(), operands: Vec::new() }
    }

    /// Begins a run of a step of `arity` operands.
    ///
    /// # Panics
    /// If the step has no operands.
    pub fn begin(&mut self, step: S, arity: usize) {
        assert!(arity > 0, "a step has operands");
        self.runs.push(Run { step, arity, results: 0 });
    }

    /// Adds a result to the run begun last, from operands at some indices.
    ///
    /// # Panics
    /// If no run was begun, the run's step has another number of operands, or one of them is not computed
    /// before this result.
    pub fn result(&mut self, operands: impl IntoIterator<Item = u32>) {
        let run = self.runs.last_mut().expect("a run was begun");
        let before = self.operands.len();
        self.operands.extend(operands);
        assert_eq!(self.operands.len() - before, run.arity, "as many operands as the step has");
        let own = &self.operands[before..];
        assert!(own.iter().all(|&x| (x as usize) < self.end), "operands come before the result");
        self.end += 1;
        run.results += 1;
    }

    /// Computes all results, in place, and gives them.
    ///
    /// # Panics
    /// If `numbers` is too short.
    pub fn run<'n, A: Float>(&self, numbers: &'n mut [A]) -> &'n [A]
    where
        S: Step<A>,
    {
        let (mut to, mut operands) = (self.start, &self.operands[..]);
        let mut last = to.checked_sub(1).map_or(A::zero(), |before| numbers[before]);
        for Run { step, arity, results } in &self.runs {
            let (own, others) = operands.split_at(results * arity);
            last = step.fill_at(numbers, to, last, own);
            (to, operands) = (to + results, others);
        }
        &numbers[self.start..self.end]
    }
}

/// Computes numbers from the index `to` on, one after another: `f` of those at the next `N` of `indices`.
/// `last` is the one before; the last of all is given back.
///
/// # Panics
/// If an index is beyond the end of `numbers`.
#[inline]
pub fn fill_at<A: Copy, const N: usize>(
    numbers: &mut [A],
    mut to: usize,
    mut last: A,
    indices: &[u32],
    f: impl Fn([A; N]) -> A,
) -> A {
    let (indices, _) = indices.as_chunks::<N>();
    if let [indices] = indices {
        let result = f(indices.map(|index| number_at(numbers, to, last, index)));
        numbers[to] = result;
        return result;
    }
    for indices in indices {
        last = f(each_at(numbers, indices));
        numbers[to] = last;
        to += 1;
    }
    last
}

/// The numbers at some indices: a function of its own, so that it is compiled once for all `f`.
#[inline(always)]
fn each_at<A: Copy, const N: usize>(numbers: &[A], indices: &[u32; N]) -> [A; N] {
    indices.map(|index| numbers[index as usize])
}

/// A number before the one at `to`. `last`, which was just computed, is in a register still; in memory it
/// is some nanoseconds later, for which a chain of single numbers would wait at each.
#[inline(always)]
pub fn number_at<A: Copy>(numbers: &[A], to: usize, last: A, index: u32) -> A {
    if index as usize + 1 == to { last } else { numbers[index as usize] }
}
