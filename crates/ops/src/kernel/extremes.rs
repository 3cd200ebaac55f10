//! The largest or smallest elements over axes.

use super::reduction::{Reduction, reduce_into};
use super::simd::{LANES, fold_lanes, vectorised};
use crate::number::Float;
use crate::tensor::Tensor;

/// Finds the largest (or smallest) element over axes, NaN where there is one, into `out`, of the
/// result's shape, reusing its buffer where possible.
pub fn extreme_into<A: Float>(x: &Tensor<A>, axes: &[usize], largest: bool, out: &mut Tensor<A>) {
    reduce_into(x, axes, out, |reduction, x, most| reduction.extremes(x, largest, most));
}

impl Reduction {
    /// Finds the largest (or smallest) element of each result.
    fn extremes<A: Float>(&self, x: &[A], largest: bool, most: &mut [A]) {
        most.fill(A::from_f64(if largest { f64::NEG_INFINITY } else { f64::INFINITY }));
        if x.is_empty() {
            return; // However many rows of no elements there are.
        }
        if self.is_of_rows() {
            return extremes_of_rows(x, self.run, largest, most);
        }
        self.for_each_run(|start, result| {
            let x = &x[start..][..self.run];
            if self.inner {
                extremes_of_rows(x, self.run, largest, &mut most[result..=result]);
            } else {
                pick_each(&mut most[result..][..x.len()], x, largest);
            }
        });
    }
}

#[inline(always)]
fn pick<A: Float>(largest: bool, a: A, b: A) -> A {
    if largest { a.maximum(b) } else { a.minimum(b) }
}

vectorised! {
    /// Picks the larger (or smaller) of each number and the largest of its row of `length` elements.
    fn extremes_of_rows<A: Float>(x: &[A], length: usize, largest: bool, most: &mut [A]) {
        match length {
            0 => {}
            1..=8 => extremes_in_lanes::<A, 8>(x, length, largest, most),
            9..=16 => extremes_in_lanes::<A, 16>(x, length, largest, most),
            _ => extremes_in_lanes::<A, LANES>(x, length, largest, most),
        }
    }
}

#[inline(always)] // To be compiled for the instructions of the function that calls it.
fn extremes_in_lanes<A: Float, const L: usize>(
    x: &[A],
    length: usize,
    largest: bool,
    most: &mut [A],
) {
    for (row, most) in x.chunks_exact(length).zip(most) {
        let mut lanes = [row[0]; L];
        let (chunks, rest) = row.as_chunks::<L>();
        for chunk in chunks {
            lanes.iter_mut().zip(chunk).for_each(|(lane, &x)| *lane = pick(largest, *lane, x));
        }
        lanes.iter_mut().zip(rest).for_each(|(lane, &x)| *lane = pick(largest, *lane, x));
        *most = pick(largest, *most, fold_lanes(lanes, |a, b| pick(largest, a, b)));
    }
}

vectorised! {
    /// Picks the larger (or smaller) of each number and the element beside it.
    fn pick_each<A: Float>(most: &mut [A], x: &[A], largest: bool) {
        most.iter_mut().zip(x).for_each(|(most, &x)| *most = pick(largest, *most, x));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of all lengths, axes in front, behind and between, with and without NaN, against a loop
    /// over all elements.
    #[test]
    fn extremes_are_those_of_a_plain_loop() {
        let number = |i: usize| if i % 97 == 41 { f64::NAN } else { (i as f64 * 0.7).sin() };
        for shape in [[2, 3, 5], [3, 40, 8], [5, 2, 16], [2, 2, 33], [4, 7, 1], [1, 1, 100]] {
            let elements: Vec<f64> = (0..shape.iter().product()).map(number).collect();
            let x = Tensor::from_shape_vec(&shape, elements.clone()).unwrap();
            // The same elements, with the first axis fastest in memory.
            let turned = Tensor::from(x.view().reversed_axes().as_standard_layout().to_owned());
            let turned = Tensor::from(turned.view().reversed_axes().to_owned());
            assert!(turned.elements().is_none() || shape == [1, 1, 100]);
            for axes in [&[0][..], &[1], &[2], &[0, 1], &[1, 2], &[0, 2], &[0, 1, 2], &[]] {
                let mut kept = shape;
                for &axis in axes {
                    kept[axis] = 1;
                }
                for (largest, none) in [(true, f64::NEG_INFINITY), (false, f64::INFINITY)] {
                    let mut wanted = vec![none; kept.iter().product()];
                    for (at, &x) in elements.iter().enumerate() {
                        let index =
                            [at / shape[2] / shape[1], at / shape[2] % shape[1], at % shape[2]];
                        let to = (index[0] % kept[0] * kept[1] + index[1] % kept[1]) * kept[2];
                        let to = &mut wanted[to + index[2] % kept[2]];
                        let better = if largest { x > *to } else { x < *to };
                        if better || x.is_nan() {
                            *to = x;
                        }
                    }
                    for x in [&x, &turned] {
                        let mut found = Tensor::zeros(&kept);
                        extreme_into(x, axes, largest, &mut found);
                        assert_eq!(found.shape(), kept);
                        for (found, &wanted) in found.to_vec().into_iter().zip(&wanted) {
                            let same = found == wanted || found.is_nan() && wanted.is_nan();
                            assert!(same, "{found} for {wanted}, {axes:?} of {shape:?}");
                        }
                    }
                }
            }
        }
    }
}
