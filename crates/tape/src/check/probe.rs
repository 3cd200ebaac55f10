//! A function of tensors near its inputs, along one element or a direction.

use ops::{Float, Tensor};

use super::judge::{Claim, Judged, Near, judge};
use super::ladder::Sample;

/// What is allowed, and how far to step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    pub relative: f64,
    pub absolute: f64,
    epsilon: f64,
    steps: Steps,
}

/// The largest and the smallest step, relative to the larger of 1 and the element.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Steps {
    largest: f64,
    smallest: f64,
    /// The smallest relative to an element below 1, where that is smaller still.
    smallest_of_small: Option<f64>,
}

impl Measure {
    pub fn of<A: Float>(tolerance: Option<(f64, f64)>, steps: Option<(f64, f64)>) -> Self {
        let power = |n: i32| 2.0_f64.powi(n);
        let ((relative, absolute), largest, smallest, of_small) = if A::NAME == "f64" {
            ((1e-8, 0.0), power(-6), power(-40), power(-14))
        } else {
            ((1e-2, 1e-3), power(-4), power(-16), power(-6))
        };
        let (relative, absolute) = tolerance.unwrap_or((relative, absolute));
        let steps = match steps {
            Some((largest, smallest)) => Steps { largest, smallest, smallest_of_small: None },
            None => Steps { largest, smallest, smallest_of_small: Some(of_small) },
        };
        Self { relative, absolute, epsilon: A::EPSILON.to_f64(), steps }
    }
}

/// A part of a direction: which elements of one input move, and by how much for a step of 1.
pub(super) type Along = [(usize, f64)];

/// The elements of `x` in a direction in general position, each in proportion to its size. The
/// numbers have few digits, so that steps along them are exact.
pub(super) fn direction<A: Float>(x: &Tensor<A>, seed: usize) -> Vec<(usize, f64)> {
    let uneven = ops::declare::sample(x.shape(), seed);
    let sizes = x.view().iter().map(|x| x.to_f64().abs().max(1.0)).collect::<Vec<_>>();
    let uneven = uneven.view().iter().map(|d| (d * 32.0).round() / 32.0).collect::<Vec<_>>();
    let scaled = uneven.into_iter().zip(sizes);
    scaled.map(|(d, size)| d * 2.0_f64.powi(size.log2().floor() as i32)).enumerate().collect()
}

/// The derivative along a direction from that with respect to each element.
pub(super) fn inner<A: Float>(gradient: &Tensor<A>, along: &Along) -> f64 {
    let gradient = numbers(gradient);
    along.iter().map(|&(i, by)| gradient[i] * by).sum()
}

/// The elements in the order of the axes.
pub(super) fn numbers<A: Float>(x: &Tensor<A>) -> Vec<f64> {
    x.view().iter().map(|x| x.to_f64()).collect()
}

/// A direction as a tensor.
pub(super) fn tangent<A: Float>(shape: &[usize], along: &Along) -> Tensor<A> {
    let mut elements = vec![A::zero(); shape.iter().product()];
    for &(i, by) in along {
        elements[i] = A::from_f64(by);
    }
    Tensor::from_shape_vec(shape, elements).expect("as many as the shape holds")
}

/// A function of tensors with several tensors for a result, each weighted and all added up.
pub(super) struct Probe<'a, A: Float> {
    pub inputs: &'a [Tensor<A>],
    /// The function; `None` where it refuses its operands.
    #[allow(clippy::type_complexity)]
    pub outputs: &'a dyn Fn(&[Tensor<A>]) -> Option<Vec<Tensor<A>>>,
    /// The results at the inputs.
    pub base: Vec<Vec<f64>>,
    pub weights: Vec<Vec<f64>>,
    /// The size of all that the function adds up where it changes between its inputs and others.
    pub bound: &'a dyn Fn(&[Tensor<A>]) -> f64,
    pub measure: Measure,
}

/// A probe along one direction of one input.
struct Line<'a, 'p, A: Float> {
    probe: &'p Probe<'a, A>,
    input: usize,
    along: &'p Along,
    elements: Vec<A>,
    /// Which elements of the results have been seen to move.
    moved: Vec<Vec<bool>>,
    /// The last result that was not finite.
    not_finite: f64,
    largest: f64,
}

impl<A: Float> Probe<'_, A> {
    /// Judges a derivative along a direction of one input.
    ///
    /// # Errors
    /// If the function is finite on both sides of the point at no step: a value that it has there.
    pub fn judge(&self, input: usize, along: &Along, analytic: f64) -> Result<Judged, f64> {
        let x = &self.inputs[input];
        let elements: Vec<A> = x.view().iter().copied().collect();
        let size = match along {
            &[(i, 1.0)] => elements[i].to_f64().abs(),
            _ => 1.0, // The direction grows with the elements.
        };
        if !size.is_finite() {
            return Err(size);
        }
        let Measure { relative, absolute, epsilon, steps } = self.measure;
        let smallest = match steps.smallest_of_small {
            Some(small) if size > 0.0 && size < 1.0 => steps.smallest.min(small * size),
            _ => steps.smallest,
        };
        let steps = (steps.largest, smallest);
        let scale = size.max(1.0);
        let moved = self.base.iter().map(|y| vec![false; y.len()]).collect();
        let (not_finite, largest) = (f64::NAN, 0.0);
        let mut line = Line { probe: self, input, along, elements, moved, not_finite, largest };
        let elements = along.len();
        let claim = Claim { analytic, relative, absolute, epsilon, size, scale, steps, elements };
        judge(claim, &mut line).ok_or(line.not_finite)
    }
}

impl<A: Float> Line<'_, '_, A> {
    /// The inputs at a step, and the step that was made.
    fn inputs_at(&self, step: f64) -> (Vec<Tensor<A>>, f64) {
        let mut elements = self.elements.clone();
        let mut made = step;
        for &(i, by) in self.along {
            let before = elements[i].to_f64();
            elements[i] = A::from_f64(before + step * by);
            if self.along.len() == 1 {
                made = (elements[i].to_f64() - before) / by;
            }
        }
        let mut inputs = self.probe.inputs.to_vec();
        let shape = inputs[self.input].shape().to_vec();
        inputs[self.input] = Tensor::from_shape_vec(&shape, elements).expect("as many as before");
        (inputs, made)
    }
}

impl<A: Float> Near for Line<'_, '_, A> {
    fn at(&mut self, step: f64) -> Option<Sample> {
        let (inputs, step) = self.inputs_at(step);
        let outputs = (self.probe.outputs)(&inputs)?;
        self.largest = self.largest.max(step);
        let (mut change, mut level) = (0.0, 0.0);
        for (i, output) in outputs.iter().enumerate() {
            let (base, weights) = (&self.probe.base[i], &self.probe.weights[i]);
            if output.len() != base.len() {
                return None;
            }
            for (j, y) in output.view().iter().enumerate() {
                let (y, before) = (y.to_f64(), base[j]);
                let moved = &mut self.moved[i][j];
                if y != before {
                    change += weights[j] * (y - before);
                    *moved = true;
                }
                if *moved {
                    level += (weights[j] * y).abs().max((weights[j] * before).abs());
                }
            }
        }
        if !change.is_finite() {
            self.not_finite = outputs.iter().flat_map(numbers).find(|y| !y.is_finite())?;
            return None;
        }
        Some(Sample { step, change, level })
    }

    fn bound(&mut self) -> f64 {
        (self.probe.bound)(&self.inputs_at(self.largest).0)
    }
}
