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

mod report;
mod stencil;

use ops::declare::sample;
use ops::methods::{BinaryMethods, LinearMethods};
use ops::{Call, Float, Tensor};

use crate::graph::tape::{Tape, operands};
use crate::graph::var::Var;
use crate::sweep::adjoints::Reach;
use crate::sweep::sweep::sweep;
pub use report::{CheckError, Comparison, Fault, Report};
use stencil::stencil;

type Function<'f, A> = dyn for<'t> Fn(&[Var<'t, A>]) -> Var<'t, A> + 'f;

/// A gradient check, with its settings. The default is every element of every input, first order.
///
/// Beside the finite differences, a check runs the gradient twice and requires the same bits, and
/// holds forward mode against reverse mode. A difference that is due to a kink inside the stencil
/// is reported as such and does not fail. When a gradient is wrong, each recorded op is checked in
/// place, and the first that is at fault is named with its line.
#[derive(Clone, Debug)]
pub struct Check {
    second_order: bool,
    fast: bool,
    tolerance: Option<(f64, f64)>,
}

impl Default for Check {
    fn default() -> Self {
        Self::new()
    }
}

/// The numbers of a check that depend on the element type.
struct Scale {
    /// The step of the stencil, for inputs up to 1 in size; it grows in proportion beyond.
    step: f64,
    relative: f64,
    absolute: f64,
    warning: Option<&'static str>,
}

impl Scale {
    fn of<A: Float>(tolerance: Option<(f64, f64)>) -> Self {
        let (step, standard, warning) = if A::NAME == "f64" {
            (7e-4, (1e-8, 1e-10), None)
        } else {
            let weak = "the inputs are f32, whose rounding hides errors below about one part in a \
                        hundred; check in f64";
            (4e-2, (1e-2, 1e-3), Some(weak))
        };
        let (relative, absolute) = tolerance.unwrap_or(standard);
        Self { step, relative, absolute, warning }
    }
}

impl Check {
    /// First order, every element of every input.
    pub fn new() -> Self {
        Self { second_order: false, fast: false, tolerance: None }
    }

    /// Checks the gradient of the gradient too.
    #[must_use]
    pub fn second_order(mut self) -> Self {
        self.second_order = true;
        self
    }

    /// Compares one random direction an input, not every element: five evaluations an
    /// input, whatever its size.
    #[must_use]
    pub fn fast(mut self) -> Self {
        self.fast = true;
        self
    }

    /// Sets the difference allowed: |analytic − numeric| ≤ `relative`·max(|analytic|, |numeric|) +
    /// `absolute`·max(1, |f|). The default is 10⁻⁸ and 10⁻¹⁰ (in `f32`, 10⁻² and 10⁻³).
    #[must_use]
    pub fn tolerance(mut self, relative: f64, absolute: f64) -> Self {
        self.tolerance = Some((relative, absolute));
        self
    }

    /// Checks the gradient of `f` at `inputs`. A result that is not a scalar is multiplied by a
    /// fixed tensor in general position and summed, so that no term can hide.
    ///
    /// # Errors
    /// If a derivative disagrees with its finite difference, forward mode with reverse mode, or one
    /// run with the next; or if they cannot be compared.
    pub fn run<A, F>(&self, f: F, inputs: &[Tensor<A>]) -> Result<Report, CheckError>
    where
        A: Float,
        F: for<'t> Fn(&[Var<'t, A>]) -> Var<'t, A>,
    {
        self.run_function(&f, inputs)
    }

    /// [`run`](Check::run), compiled once for all functions.
    fn run_function<A: Float>(
        &self,
        f: &Function<'_, A>,
        inputs: &[Tensor<A>],
    ) -> Result<Report, CheckError> {
        let scale = Scale::of::<A>(self.tolerance);
        let mut found = Found::default();
        let value = |inputs: &[Tensor<A>]| {
            let tape = Tape::new();
            scalar(f, &variables(&tape, inputs)).item().to_f64()
        };
        let gradient = || {
            let tape = Tape::new();
            let x = variables(&tape, inputs);
            gradient_or_zeros(scalar(f, &x), &x)
        };
        let first = gradient();
        if let Some(input) = first.iter().zip(&gradient()).position(|(a, b)| !same_bits(a, b)) {
            return Err(CheckError::NotRepeatable { input });
        }
        self.compare(1, &scale, &value, &first, inputs, &mut found)?;
        compare_modes(f, inputs, &first, &scale)?;
        if self.second_order {
            let value = |inputs: &[Tensor<A>]| {
                let tape = Tape::new();
                projected(f, &variables(&tape, inputs)).map_or(0.0, |y| y.item().to_f64())
            };
            let tape = Tape::new();
            let x = variables(&tape, inputs);
            let analytic = match projected(f, &x) {
                Some(projected) => gradient_or_zeros(projected, &x),
                None => inputs.iter().map(|x| Tensor::zeros(x.shape())).collect(),
            };
            self.compare(2, &scale, &value, &analytic, inputs, &mut found)?;
        }
        found.conclude(inputs.len(), scale.warning, || fault(f, inputs, &scale))
    }

    /// Compares the derivatives of `value` with `analytic`, at every element or along directions.
    fn compare<A: Float>(
        &self,
        order: u8,
        scale: &Scale,
        value: &dyn Fn(&[Tensor<A>]) -> f64,
        analytic: &[Tensor<A>],
        inputs: &[Tensor<A>],
        found: &mut Found,
    ) -> Result<(), CheckError> {
        for (input, x) in inputs.iter().enumerate().filter(|(_, x)| !x.is_empty()) {
            let directions: Vec<(Option<Vec<usize>>, Tensor<A>)> = if self.fast {
                vec![(None, direction(x, 5 + input))]
            } else {
                let unit = |i: usize| {
                    let mut unit = vec![A::zero(); x.len()];
                    unit[i] = A::one();
                    let direction = Tensor::from_shape_vec(x.shape(), unit).expect("as many");
                    (Some(position(i, x.shape())), direction)
                };
                (0..x.len()).map(unit).collect()
            };
            for (element, direction) in directions {
                let size = match &element {
                    Some(index) => x.view()[&index[..]].to_f64().abs(),
                    None => x.view().iter().fold(0.0, |most: f64, v| most.max(v.to_f64().abs())),
                };
                let h = scale.step * size.max(1.0);
                let mut moved = inputs.to_vec();
                let stencil = stencil(h, |steps| {
                    moved[input] = x.add(direction.scale(steps * h));
                    let value = value(&moved);
                    if value.is_finite() {
                        Ok(value)
                    } else {
                        Err(CheckError::NotFinite { input, element: element.clone(), value })
                    }
                })?;
                let (analytic, numeric) = (inner(&analytic[input], &direction), stencil.slope());
                let difference = (analytic - numeric).abs();
                let most = analytic.abs().max(numeric.abs());
                let level = stencil.left.abs().max(stencil.right.abs()).max(1.0);
                let comparison = Comparison {
                    order,
                    input,
                    element,
                    analytic,
                    numeric,
                    excess: difference / (scale.relative * most + scale.absolute * level),
                    error: if most == 0.0 { 0.0 } else { difference / most },
                };
                if comparison.excess > 1.0 && stencil.has_kink_at(analytic) {
                    found.kinks.push(comparison);
                } else {
                    found.comparisons.push(comparison);
                }
            }
        }
        Ok(())
    }
}

/// The results of a check so far.
#[derive(Default)]
pub(crate) struct Found {
    pub comparisons: Vec<Comparison>,
    kinks: Vec<Comparison>,
}

impl Found {
    /// Passes or fails; on failure looks for the op at fault.
    pub fn conclude(
        self,
        inputs: usize,
        warning: Option<&'static str>,
        fault: impl FnOnce() -> Option<Fault>,
    ) -> Result<Report, CheckError> {
        let Self { comparisons, kinks } = self;
        let compared = comparisons.len() + kinks.len();
        let failed = comparisons.iter().filter(|c| c.excess > 1.0 || c.excess.is_nan()).count();
        let by_excess = |a: &Comparison, b: &Comparison| a.excess.total_cmp(&b.excess);
        let worst = comparisons.into_iter().max_by(by_excess).or_else(|| kinks.first().cloned());
        match worst {
            None => Err(CheckError::Nothing { inputs }),
            Some(worst) if failed == 0 => Ok(Report { compared, worst, kinks, warning }),
            Some(worst) => {
                let (worst, fault) = (Box::new(worst), fault().map(Box::new));
                Err(CheckError::Wrong { failed, compared, worst, fault })
            }
        }
    }
}

fn inner<A: Float>(a: &Tensor<A>, b: &Tensor<A>) -> f64 {
    a.view().iter().zip(b.view()).map(|(a, b)| a.to_f64() * b.to_f64()).sum()
}

/// A direction in general position, in the shape of `x`.
fn direction<A: Float>(x: &Tensor<A>, seed: usize) -> Tensor<A> {
    sample(x.shape(), seed).cast()
}

fn same_bits<A: Float>(a: &Tensor<A>, b: &Tensor<A>) -> bool {
    let bits = |x: &A| x.to_f64().to_bits();
    a.view().iter().map(bits).eq(b.view().iter().map(bits))
}

/// Holds forward mode against reverse mode, along one direction for each input.
fn compare_modes<A: Float>(
    f: &Function<'_, A>,
    inputs: &[Tensor<A>],
    reverse: &[Tensor<A>],
    scale: &Scale,
) -> Result<(), CheckError> {
    let tape = Tape::new();
    let x = variables(&tape, inputs);
    let y = scalar(f, &x);
    for (input, &x) in x.iter().enumerate() {
        let along = direction(&inputs[input], 5 + input);
        let reverse = inner(&reverse[input], &along);
        let forward = y.tangent(&[(x, along)]).item().to_f64();
        let most = forward.abs().max(reverse.abs());
        // Both are exact but for rounding, which the terms of the sum may leave behind.
        let level = y.item().to_f64().abs().max(1.0);
        if (forward - reverse).abs() > scale.relative * most + scale.absolute * level {
            return Err(CheckError::Modes { input, forward, reverse });
        }
    }
    Ok(())
}

/// Checks each recorded op in place, at the values it was recorded with: the first whose
/// contribution to an operand disagrees with the finite difference of its own value.
fn fault<A: Float>(f: &Function<'_, A>, inputs: &[Tensor<A>], scale: &Scale) -> Option<Fault> {
    let tape = Tape::new();
    let x = variables(&tape, inputs);
    scalar(f, &x);
    let graph = tape.graph();
    for node in graph.node_indices() {
        let here = &graph[node];
        let Some(op) = here.source.op() else { continue };
        let operands = operands(&graph, node);
        let values: Vec<&Tensor<A>> = operands.iter().map(|&x| &graph[x].value).collect();
        let wanted: Vec<bool> = operands.iter().map(|&x| graph[x].tracked).collect();
        let cotangent = direction(&here.value, 3);
        let call = Call { operands: &values, output: &here.value, wanted: &wanted };
        let contributions = op.vjp(&call, &cotangent);
        for (operand, &x) in values.iter().enumerate().filter(|&(i, x)| wanted[i] && !x.is_empty())
        {
            let along = direction(x, 5 + operand);
            let analytic = match contributions.get(operand).cloned().flatten() {
                Some(given) => {
                    inner(&ops::methods::LinearMethods::sum_to(given, x.shape()), &along)
                }
                None => 0.0,
            };
            let size = x.view().iter().fold(1.0, |most: f64, v| most.max(v.to_f64().abs()));
            let h = scale.step * size;
            let mut moved: Vec<Tensor<A>> = values.iter().map(|&x| x.clone()).collect();
            let stencil = stencil(h, |steps| {
                moved[operand] = x.add(along.scale(steps * h));
                let mut value = Tensor::default();
                op.forward(&moved.iter().collect::<Vec<_>>(), &mut value).map_err(|_| ())?;
                Ok::<f64, ()>(inner(&value, &cotangent))
            });
            let Ok(stencil) = stencil else { continue };
            let numeric = stencil.slope();
            let most = analytic.abs().max(numeric.abs());
            let level = stencil.left.abs().max(stencil.right.abs()).max(1.0);
            // A direction mixes elements, so more is allowed than for one of them.
            let allowed = 10.0 * (scale.relative * most + scale.absolute * level);
            if (analytic - numeric).abs() > allowed && !stencil.has_kink_at(analytic) {
                let (op, location) = (op.name(), here.location);
                return Some(Fault { op, operand, location, analytic, numeric });
            }
        }
    }
    None
}

fn variables<'t, A: Float>(tape: &'t Tape<A>, inputs: &[Tensor<A>]) -> Vec<Var<'t, A>> {
    inputs.iter().map(|x| tape.var(x)).collect()
}

/// The result of `f` as a scalar, weighted so that its elements cannot cancel.
fn scalar<'t, A: Float>(f: &Function<'_, A>, x: &[Var<'t, A>]) -> Var<'t, A> {
    let y = f(x);
    if y.shape().is_empty() {
        return y;
    }
    y.mul(y.tape().constant(sample(&y.shape(), 3).cast())).sum()
}

/// ⟨∇f, v⟩ for a fixed v in general position: a scalar in which every second derivative counts.
fn projected<'t, A: Float>(f: &Function<'_, A>, x: &[Var<'t, A>]) -> Option<Var<'t, A>> {
    let first = scalar(f, x);
    if !first.is_tracked() {
        return None;
    }
    let gradients = first.backward_recorded();
    let terms = x.iter().enumerate().filter_map(|(i, &x)| {
        let slope = gradients.try_wrt(x).ok()?;
        let v = sample(&slope.shape(), 11 + i).cast();
        Some(slope.mul(slope.tape().constant(v)).sum())
    });
    terms.reduce(|a, b| a + b)
}

/// The gradient with respect to each of `x`: zeros where `y` does not depend on it.
fn gradient_or_zeros<A: Float>(y: Var<'_, A>, x: &[Var<'_, A>]) -> Vec<Tensor<A>> {
    let adjoints = sweep(y, Tensor::ones(&y.shape()), Reach::All, &mut ());
    let of = |x: Var<'_, A>| adjoints.get(x.position()).cloned();
    x.iter().map(|&x| of(x).unwrap_or_else(|| Tensor::zeros(&x.shape()))).collect()
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
