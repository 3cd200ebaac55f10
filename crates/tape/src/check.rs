//! Gradient checks: holding a gradient against finite differences.
//!
//! ```
//! use tape::check::Check;
//! use tape::prelude::*;
//!
//! let x = ops::Tensor::from([[0.3, -1.2], [0.8, 2.0]]);
//! let report = Check::new().second_order().run(|v| v[0].tanh().square().sum(), &[x])?;
//! assert!(report.worst.error < 1e-9, "{report}");
//! # Ok::<(), tape::check::CheckError>(())
//! ```
//!
//! The numeric side is the five-point central difference
//! f′(x) ≈ (f(x − 2h) − 8f(x − h) + 8f(x + h) − f(x + 2h)) / 12h
//! (Abramowitz & Stegun, *Handbook of Mathematical Functions*, 25.3.6), whose error is h⁴/30·f⁽⁵⁾
//! from truncation and about 1.5·ε·|f|/h from rounding; with h = 7·10⁻⁴ the first is
//! 8·10⁻¹⁵·|f⁽⁵⁾| and the second 5·10⁻¹³·|f|.

use std::fmt::{self, Display};

use ops::declare::sample;
use ops::methods::{BinaryMethods, LinearMethods};
use ops::{Float, Tensor};
use thiserror::Error;

use crate::tape::Tape;
use crate::var::Var;

/// The step of the stencil, for inputs up to 1 in size; it grows in proportion beyond.
const STEP: f64 = 7e-4;

type Function<'f> = dyn for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64> + 'f;

/// How to check a gradient. The default is every element of every input, first order.
#[derive(Clone, Debug)]
pub struct Check {
    second_order: bool,
    fast: bool,
    relative: f64,
    absolute: f64,
}

impl Default for Check {
    fn default() -> Self {
        Self::new()
    }
}

/// The derivative with respect to one element (or along one direction), both ways.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// 1 for the gradient, 2 for the gradient of the gradient.
    pub order: u8,
    /// Which input, from 0.
    pub input: usize,
    /// The index of the element within the input; `None` for a direction (fast mode).
    pub element: Option<Vec<usize>>,
    /// What backpropagation gives.
    pub analytic: f64,
    /// What the finite difference gives.
    pub numeric: f64,
    /// |analytic − numeric| relative to what is allowed: above 1 the check fails.
    pub excess: f64,
    /// |analytic − numeric| / max(|analytic|, |numeric|), 0 if both are 0.
    pub error: f64,
}

/// A check that passed.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// How many derivatives were compared.
    pub compared: usize,
    /// The one that came nearest to failing.
    pub worst: Comparison,
}

/// A check that failed, or could not be made.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum CheckError {
    /// A derivative is wrong.
    #[error("the gradient is wrong at {failed} of {compared} places; the worst:\n  {worst}")]
    Wrong {
        /// How many derivatives disagree.
        failed: usize,
        /// How many were compared.
        compared: usize,
        /// The one that disagrees most.
        worst: Comparison,
    },
    /// The function is not finite at or near an input.
    #[error("the function is not finite near {} of input {input}: it gives {value}", place(element.as_deref()))]
    NotFinite {
        /// Which input was varied, from 0.
        input: usize,
        /// The index of the element that was varied.
        element: Option<Vec<usize>>,
        /// The value of the function there.
        value: f64,
    },
    /// A gradient of another shape than its input.
    #[error(
        "the gradient with respect to input {input} has shape {given:?}, but the input has shape {wanted:?}"
    )]
    Shape {
        /// Which input, from 0.
        input: usize,
        /// The shape of the gradient.
        given: Vec<usize>,
        /// The shape of the input.
        wanted: Vec<usize>,
    },
    /// There is no input, or none with an element.
    #[error("there is nothing to compare: {inputs} inputs with 0 elements in all")]
    Nothing {
        /// How many inputs were given.
        inputs: usize,
    },
}

impl Check {
    /// First order, every element of every input.
    pub fn new() -> Self {
        Self { second_order: false, fast: false, relative: 1e-8, absolute: 1e-10 }
    }

    /// Checks the gradient of the gradient too.
    #[must_use]
    pub fn second_order(mut self) -> Self {
        self.second_order = true;
        self
    }

    /// Compares one random direction an input in place of every element: four evaluations an
    /// input, whatever its size.
    #[must_use]
    pub fn fast(mut self) -> Self {
        self.fast = true;
        self
    }

    /// What is allowed: |analytic − numeric| ≤ `relative`·max(|analytic|, |numeric|) +
    /// `absolute`·max(1, |f|). The default is 10⁻⁸ and 10⁻¹⁰.
    #[must_use]
    pub fn tolerance(mut self, relative: f64, absolute: f64) -> Self {
        (self.relative, self.absolute) = (relative, absolute);
        self
    }

    /// Checks the gradient of `f` at `inputs`. A result that is not a scalar is multiplied by a
    /// fixed tensor in general position and summed, so that no term can hide.
    ///
    /// # Errors
    /// If a derivative disagrees with its finite difference, or cannot be compared.
    pub fn run<F>(&self, f: F, inputs: &[Tensor<f64>]) -> Result<Report, CheckError>
    where
        F: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
    {
        self.run_function(&f, inputs)
    }

    /// [`run`](Check::run), compiled once for all functions.
    fn run_function(&self, f: &Function<'_>, inputs: &[Tensor<f64>]) -> Result<Report, CheckError> {
        let mut found = Vec::new();
        let value = |inputs: &[Tensor<f64>]| {
            let tape = Tape::new();
            scalar(f, &variables(&tape, inputs)).item()
        };
        let gradient = |inputs: &[Tensor<f64>]| {
            let tape = Tape::new();
            let x = variables(&tape, inputs);
            gradient_or_zeros(scalar(f, &x), &x)
        };
        self.compare(1, &value, &gradient(inputs), inputs, &mut found)?;
        if self.second_order {
            let value = |inputs: &[Tensor<f64>]| {
                let tape = Tape::new();
                projected(f, &variables(&tape, inputs)).map_or(0.0, Var::item)
            };
            let tape = Tape::new();
            let x = variables(&tape, inputs);
            let analytic = match projected(f, &x) {
                Some(projected) => gradient_or_zeros(projected, &x),
                None => inputs.iter().map(|x| Tensor::zeros(x.shape())).collect(),
            };
            self.compare(2, &value, &analytic, inputs, &mut found)?;
        }
        conclude(found, inputs.len())
    }

    /// Compares the derivatives of `value` with `analytic`, at every element or along directions.
    fn compare(
        &self,
        order: u8,
        value: &dyn Fn(&[Tensor<f64>]) -> f64,
        analytic: &[Tensor<f64>],
        inputs: &[Tensor<f64>],
        found: &mut Vec<Comparison>,
    ) -> Result<(), CheckError> {
        for (input, x) in inputs.iter().enumerate().filter(|(_, x)| !x.is_empty()) {
            let directions: Vec<(Option<Vec<usize>>, Tensor<f64>)> = if self.fast {
                vec![(None, sample(x.shape(), 5 + input))]
            } else {
                let unit = |i: usize| {
                    let mut unit = vec![0.0; x.len()];
                    unit[i] = 1.0;
                    let direction = Tensor::from_shape_vec(x.shape(), unit).expect("as many");
                    (Some(position(i, x.shape())), direction)
                };
                (0..x.len()).map(unit).collect()
            };
            for (element, direction) in directions {
                let inner = |a: &Tensor<f64>| -> f64 {
                    a.view().iter().zip(direction.view()).map(|(a, d)| a * d).sum()
                };
                let size = match &element {
                    Some(index) => x.view()[&index[..]].abs(),
                    None => x.view().iter().fold(0.0, |most: f64, v| most.max(v.abs())),
                };
                let h = STEP * size.max(1.0);
                let mut moved = inputs.to_vec();
                let mut at = |steps: f64| {
                    moved[input] = x.add(direction.scale(steps * h));
                    let value = value(&moved);
                    if value.is_finite() {
                        Ok(value)
                    } else {
                        Err(CheckError::NotFinite { input, element: element.clone(), value })
                    }
                };
                let [far_left, left, right, far_right] = [at(-2.0)?, at(-1.0)?, at(1.0)?, at(2.0)?];
                let numeric = (far_left - 8.0 * left + 8.0 * right - far_right) / (12.0 * h);
                let analytic = inner(&analytic[input]);
                let (difference, most) =
                    ((analytic - numeric).abs(), analytic.abs().max(numeric.abs()));
                let level = left.abs().max(right.abs()).max(1.0);
                found.push(Comparison {
                    order,
                    input,
                    element,
                    analytic,
                    numeric,
                    excess: difference / (self.relative * most + self.absolute * level),
                    error: if most == 0.0 { 0.0 } else { difference / most },
                });
            }
        }
        Ok(())
    }
}

/// Passes or fails a list of comparisons.
pub(crate) fn conclude(found: Vec<Comparison>, inputs: usize) -> Result<Report, CheckError> {
    let compared = found.len();
    let failed = found.iter().filter(|c| c.excess > 1.0 || c.excess.is_nan()).count();
    let worst = found.into_iter().max_by(|a, b| a.excess.total_cmp(&b.excess));
    match worst {
        None => Err(CheckError::Nothing { inputs }),
        Some(worst) if failed == 0 => Ok(Report { compared, worst }),
        Some(worst) => Err(CheckError::Wrong { failed, compared, worst }),
    }
}

fn variables<'t, A: Float>(tape: &'t Tape<A>, inputs: &[Tensor<A>]) -> Vec<Var<'t, A>> {
    inputs.iter().map(|x| tape.var(x)).collect()
}

/// The result of `f` as a scalar, weighted so that its elements cannot cancel.
fn scalar<'t>(f: &Function<'_>, x: &[Var<'t, f64>]) -> Var<'t, f64> {
    let y = f(x);
    if y.shape().is_empty() {
        return y;
    }
    y.mul(y.tape().constant(sample(&y.shape(), 3))).sum()
}

/// ⟨∇f, v⟩ for a fixed v in general position: a scalar in which every second derivative counts.
fn projected<'t>(f: &Function<'_>, x: &[Var<'t, f64>]) -> Option<Var<'t, f64>> {
    let first = scalar(f, x);
    if !first.is_tracked() {
        return None;
    }
    let gradients = first.backward_recorded();
    let terms = x.iter().enumerate().filter_map(|(i, &x)| {
        let slope = gradients.try_wrt(x).ok()?;
        let v = sample(&slope.shape(), 11 + i);
        Some(slope.mul(slope.tape().constant(v)).sum())
    });
    terms.reduce(|a, b| a + b)
}

/// The gradient with respect to each of `x`: zeros where `y` does not depend on it.
fn gradient_or_zeros(y: Var<'_, f64>, x: &[Var<'_, f64>]) -> Vec<Tensor<f64>> {
    let gradients = y.try_backward().ok();
    let zeros = |x: Var<'_, f64>| Tensor::zeros(&x.shape());
    x.iter()
        .map(|&x| gradients.as_ref().and_then(|g| g.try_wrt(x).ok()).unwrap_or_else(|| zeros(x)))
        .collect()
}

fn place(element: Option<&[usize]>) -> String {
    element.map_or("the elements".into(), |index| format!("element {index:?}"))
}

/// The index of element number `i` in the order of the axes.
fn position(mut i: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (at, &length) in index.iter_mut().zip(shape).rev() {
        *at = i % length;
        i /= length;
    }
    index
}

impl Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input, analytic, numeric, error, .. } = self;
        let order = if self.order == 2 { "second-order gradient, " } else { "" };
        match &self.element {
            Some(index) => write!(f, "{order}input {input}, element {index:?}: ")?,
            None => write!(f, "{order}input {input}, along a random direction: ")?,
        }
        write!(f, "analytic {analytic:e}, numeric {numeric:e}, relative error {error:.1e}")
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} derivatives agree; the worst: {}", self.compared, self.worst)
    }
}
