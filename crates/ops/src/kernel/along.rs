//! Maps along one axis: sparse ones, and cumulative sums.

use std::ops::Range;

use super::layout::ordered;
use super::simd::vectorised;
use super::{simd, threads};
use crate::number::Float;
use crate::tensor::Tensor;

/// The fewest results worth a thread of their own.
const PER_THREAD: usize = 32_768;

/// The fewest elements that are computed as a row.
const SHORT: usize = 16;

/// Cumulative sums along rows that are computed side by side, since each waits for the one before.
const SIDE_BY_SIDE: usize = 4;

/// A sparse linear map along an axis: of each result, the elements that it is the sum of, with their
/// weights.
pub struct SparseMap<A> {
    /// Where the terms of each result begin, and where the last end.
    starts: Vec<usize>,
    from: Vec<usize>,
    weights: Vec<A>,
}

/// How results that follow one another are computed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// As rows of memory: each has the terms of the one before, of elements that are one further.
    Rows,
    /// Each as a copy of an element.
    Gathered,
    /// Each as a sum.
    Summed,
}

impl<A: Float> SparseMap<A> {
    /// A map to so many results by its terms: the number of a result, that of an element, and its
    /// weight. The terms of one result are added in this order.
    pub fn new(results: usize, terms: impl Iterator<Item = (usize, usize, f64)> + Clone) -> Self {
        let mut starts = vec![0; results + 1];
        terms.clone().for_each(|(to, ..)| starts[to + 1] += 1);
        (0..results).for_each(|to| starts[to + 1] += starts[to]);
        let count = starts[results];
        let (mut from, mut weights) = (vec![0; count], vec![A::zero(); count]);
        let mut next = starts.clone();
        for (to, element, weight) in terms {
            let at = &mut next[to];
            (from[*at], weights[*at]) = (element, A::from_f64(weight));
            *at += 1;
        }
        Self { starts, from, weights }
    }

    /// A map that copies the element of each index to the result of its number.
    pub fn choosing(indices: &[usize]) -> Self {
        Self::new(indices.len(), indices.iter().enumerate().map(|(to, &from)| (to, from, 1.0)))
    }

    /// The adjoint of [`choosing`](Self::choosing): it adds each element to the result of its index.
    pub fn adding(indices: &[usize], results: usize) -> Self {
        Self::new(results, indices.iter().enumerate().map(|(from, &to)| (to, from, 1.0)))
    }

    /// Applies the map along an axis of `x`, and writes all results in the order of the axes.
    ///
    /// # Panics
    /// If `out` has not as many elements as there are results.
    pub fn apply(&self, x: &Tensor<A>, axis: usize, out: &mut [A]) {
        let (length, inner) = (x.shape()[axis], x.shape()[axis + 1..].iter().product::<usize>());
        let results = self.starts.len() - 1;
        assert_eq!(out.len() * length, x.len() * results, "as many elements as there are results");
        if out.is_empty() {
            return;
        }
        let x = ordered(x);
        let runs = self.runs(inner);
        threads::divide(out, results * inner, PER_THREAD, |start, out| {
            let first = start / (results * inner);
            for (i, out) in out.chunks_exact_mut(results * inner).enumerate() {
                let x = &x[(first + i) * length * inner..][..length * inner];
                for (way, run) in &runs {
                    let out = &mut out[run.start * inner..run.end * inner];
                    self.apply_run(*way, run.clone(), x, inner, out);
                }
            }
        });
    }

    /// The terms of a result.
    fn terms(&self, to: usize) -> impl Iterator<Item = (usize, A)> {
        let terms = self.starts[to]..self.starts[to + 1];
        terms.map(|term| (self.from[term], self.weights[term]))
    }

    /// Whether a result is an element as it is.
    fn is_copy(&self, to: usize) -> bool {
        let mut terms = self.terms(to);
        terms.next().is_some_and(|(_, weight)| weight == A::one()) && terms.next().is_none()
    }

    /// Whether a result has the terms of the one before, of elements that are one further.
    fn follows(&self, to: usize) -> bool {
        let before = self.terms(to - 1).map(|(from, weight)| (from + 1, weight));
        self.starts[to + 1] - self.starts[to] == self.starts[to] - self.starts[to - 1]
            && before.eq(self.terms(to))
    }

    /// All results, in runs that are computed in one way, where a result has `inner` elements.
    fn runs(&self, inner: usize) -> Vec<(Way, Range<usize>)> {
        let results = self.starts.len() - 1;
        let mut runs: Vec<(Way, Range<usize>)> = Vec::new();
        let mut to = 0;
        while to < results {
            let mut end = to + 1;
            while end < results && self.follows(end) {
                end += 1;
            }
            let way = match () {
                () if (end - to) * inner >= SHORT => Way::Rows,
                () if self.is_copy(to) => Way::Gathered,
                () => Way::Summed,
            };
            match runs.last_mut() {
                Some((last, run)) if *last == way && way != Way::Rows => run.end = end,
                _ => runs.push((way, to..end)),
            }
            to = end;
        }
        runs
    }

    /// Computes a run of results, each of `inner` elements.
    fn apply_run(&self, way: Way, run: Range<usize>, x: &[A], inner: usize, out: &mut [A]) {
        let from = &self.from[self.starts[run.start]..self.starts[run.end]];
        match way {
            Way::Rows => self.sum_rows(run.start, x, inner, out),
            Way::Gathered if inner == 1 => {
                out.iter_mut().zip(from).for_each(|(out, &from)| *out = x[from]);
            }
            Way::Gathered => {
                let rows = out.chunks_exact_mut(inner).zip(from);
                rows.for_each(|(out, from)| out.copy_from_slice(&x[from * inner..][..inner]));
            }
            Way::Summed if inner == 1 => {
                for (out, to) in out.iter_mut().zip(run) {
                    let terms = self.terms(to).map(|(from, weight)| weight * x[from]);
                    *out = terms.reduce(|sum, term| sum + term).unwrap_or(A::zero());
                }
            }
            Way::Summed => {
                let rows = out.chunks_exact_mut(inner).zip(run);
                rows.for_each(|(out, to)| self.sum_rows(to, x, inner, out));
            }
        }
    }

    /// Computes a result, and as many that follow as there are elements to write.
    fn sum_rows(&self, to: usize, x: &[A], inner: usize, out: &mut [A]) {
        let count = out.len();
        let mut terms = self.terms(to).map(|(from, w)| (&x[from * inner..][..count], w));
        let Some((x, weight)) = terms.next() else { return out.fill(A::zero()) };
        if weight == A::one() {
            out.copy_from_slice(x);
        } else {
            out.iter_mut().zip(x).for_each(|(out, &x)| *out = weight * x);
        }
        terms.for_each(|(x, weight)| add_scaled(out, x, weight));
    }
}

vectorised! {
    /// Adds a row times a weight.
    fn add_scaled<A: Float>(out: &mut [A], x: &[A], weight: A) {
        out.iter_mut().zip(x).for_each(|(out, &x)| *out += weight * x);
    }
}

/// Sums along an axis up to each element, from the front or from the back, and writes the sums in the
/// order of the axes.
pub fn cumulate<A: Float>(x: &Tensor<A>, axis: usize, from_the_back: bool, out: &mut [A]) {
    let (length, inner) = (x.shape()[axis], x.shape()[axis + 1..].iter().product::<usize>());
    if out.is_empty() {
        return;
    }
    let x = ordered(x);
    threads::divide(out, length * inner, PER_THREAD, |start, out| {
        let x = &x[start..][..out.len()];
        if inner == 1 {
            let mut several = out.chunks_exact_mut(SIDE_BY_SIDE * length);
            let mut from = x.chunks_exact(SIDE_BY_SIDE * length);
            for (out, x) in several.by_ref().zip(from.by_ref()) {
                cumulate_rows::<A, SIDE_BY_SIDE>(x, length, from_the_back, out);
            }
            let rest = several.into_remainder().chunks_exact_mut(length);
            for (out, x) in rest.zip(from.remainder().chunks_exact(length)) {
                cumulate_rows::<A, 1>(x, length, from_the_back, out);
            }
            return;
        }
        for (out, x) in out.chunks_exact_mut(length * inner).zip(x.chunks_exact(length * inner)) {
            out.copy_from_slice(x);
            for step in 1..length {
                // The row that is added, and the one that it is added to.
                let (before, here) = if from_the_back {
                    let (here, before) = out.split_at_mut((length - step) * inner);
                    (&before[..inner], &mut here[(length - step - 1) * inner..])
                } else {
                    let (before, here) = out.split_at_mut(step * inner);
                    (&before[(step - 1) * inner..], &mut here[..inner])
                };
                simd::add(here, before);
            }
        }
    });
}

/// Sums along `N` rows of `length` elements.
fn cumulate_rows<A: Float, const N: usize>(
    x: &[A],
    length: usize,
    from_the_back: bool,
    out: &mut [A],
) {
    let (x, out) = (&x[..N * length], &mut out[..N * length]);
    let mut sums = [A::from_f64(-0.0); N]; // Plus anything, it is that.
    for step in 0..length {
        let i = if from_the_back { length - 1 - step } else { step };
        for (row, sum) in sums.iter_mut().enumerate() {
            *sum += x[row * length + i];
            out[row * length + i] = *sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(i: usize) -> f64 {
        (i as f64 * 0.7).sin() * 4.0
    }

    fn tensor(shape: &[usize]) -> Tensor<f64> {
        let elements = (0..shape.iter().product()).map(number).collect();
        Tensor::from_shape_vec(shape, elements).unwrap()
    }

    /// Runs of every way, with and without elements behind the axis.
    #[test]
    fn every_way_gives_the_sums_of_the_terms() {
        let length = 40;
        let terms: Vec<(usize, usize, f64)> = (0..20)
            .flat_map(|i| [(i, i + 3, 1.0), (i, i + 20, -0.5)])
            .chain((20..30).map(|i| (i, 39 - i, 1.0)))
            .chain((31..40).flat_map(|i| [(i, i, 0.5), (i, 2, -2.0), (i, i - 20, 1.0)]))
            .chain((40..43).map(|i| (i, i - 40, 1.0)))
            .chain([(43, 7, 3.0)])
            .collect();
        let map = SparseMap::<f64>::new(64, terms.iter().copied());
        let ways: Vec<_> = map.runs(1).into_iter().map(|(way, _)| way).collect();
        // The last are results without terms.
        let wanted = [Way::Rows, Way::Gathered, Way::Summed, Way::Gathered, Way::Summed, Way::Rows];
        assert_eq!(ways, wanted);
        for (outer, inner) in [(1, 1), (3, 1), (2, 3), (2, 40), (700, 5), (0, 2), (2, 0)] {
            let x = tensor(&[outer, length, inner]);
            let mut out = vec![f64::NAN; outer * 64 * inner];
            map.apply(&x, 1, &mut out);
            let mut wanted = vec![0.0; out.len()];
            for block in 0..outer {
                for &(to, from, weight) in &terms {
                    for i in 0..inner {
                        let term = weight * number((block * length + from) * inner + i);
                        wanted[(block * 64 + to) * inner + i] += term;
                    }
                }
            }
            assert_eq!(out, wanted, "{outer} × {inner}");
        }
    }

    #[test]
    fn a_copy_keeps_the_sign_of_zero() {
        let map = SparseMap::<f64>::new(2, [(0, 1, 1.0), (1, 0, 1.0)].into_iter());
        let mut out = [1.0; 2];
        map.apply(&Tensor::from([-0.0, 5.0]), 0, &mut out);
        assert!(out[0] == 5.0 && out[1].is_sign_negative());
        cumulate(&Tensor::from([-0.0, -0.0]), 0, false, &mut out);
        assert!(out.iter().all(|sum| sum.is_sign_negative()));
    }

    #[test]
    fn cumulative_sums_begin_at_either_end() {
        for (outer, length, inner) in
            [(1, 5, 1), (19, 7, 1), (8, 1, 1), (3, 4, 2), (2, 9, 40), (9000, 5, 1), (3, 0, 2)]
        {
            let x = tensor(&[outer, length, inner]);
            for from_the_back in [false, true] {
                let mut out = vec![f64::NAN; x.len()];
                cumulate(&x, 1, from_the_back, &mut out);
                for (at, &sum) in out.iter().enumerate() {
                    let (block, i, j) = (at / (length * inner), at / inner % length, at % inner);
                    let parts = if from_the_back { i..length } else { 0..i + 1 };
                    let element = |i| number((block * length + i) * inner + j);
                    let wanted: f64 = if from_the_back {
                        parts.rev().map(element).sum()
                    } else {
                        parts.map(element).sum()
                    };
                    assert!((sum - wanted).abs() < 1e-12, "{sum} for {wanted} at {at}");
                }
            }
        }
    }
}
