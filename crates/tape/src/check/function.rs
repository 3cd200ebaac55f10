//! The function that is checked, recorded at its inputs and near them.

use std::cell::OnceCell;

use ops::declare::sample;
use ops::methods::{BinaryMethods, LinearMethods};
use ops::{Float, Tensor};
use petgraph::graph::NodeIndex;

use super::probe::numbers;
use crate::graph::tape::Tape;
use crate::graph::var::Var;
use crate::sweep::adjoints::Reach;
use crate::sweep::sweep::sweep;

pub(super) type Function<'f, A> = dyn for<'t> Fn(&[Var<'t, A>]) -> Var<'t, A> + 'f;

/// The function that is checked, and where.
pub(super) struct Recorded<'a, A: Float> {
    pub f: &'a Function<'a, A>,
    pub inputs: &'a [Tensor<A>],
}

impl<A: Float> Recorded<'_, A> {
    /// The function's own value.
    pub fn value(&self, inputs: &[Tensor<A>]) -> Tensor<A> {
        let tape = Tape::new();
        (self.f)(&variables(&tape, inputs)).value()
    }

    /// The value as a scalar, weighted so that its elements cannot cancel.
    pub fn scalar<'t>(&self, x: &[Var<'t, A>]) -> Var<'t, A> {
        let y = (self.f)(x);
        if y.shape().is_empty() {
            return y;
        }
        y.mul(y.tape().constant(weights::<A>(&y.shape()))).sum()
    }

    /// The gradient with respect to each input: zeros where the value does not depend on it.
    pub fn gradient(&self, inputs: &[Tensor<A>]) -> Vec<Tensor<A>> {
        let tape = Tape::new();
        let x = variables(&tape, inputs);
        gradient_or_zeros(self.scalar(&x), &x)
    }

    /// ⟨∇f, v⟩ for a fixed v in general position: a scalar in which every second derivative
    /// counts.
    fn projected<'t>(&self, x: &[Var<'t, A>]) -> Option<Var<'t, A>> {
        let first = self.scalar(x);
        if !first.is_tracked() {
            return None;
        }
        let gradients = first.backward_recorded();
        let terms = x.iter().enumerate().filter_map(|(i, &x)| {
            let slope = gradients.try_wrt(x).ok()?;
            let v = along::<A>(&slope.shape(), i);
            Some(slope.mul(slope.tape().constant(v)).sum())
        });
        terms.reduce(|a, b| a + b)
    }

    /// The gradient of ⟨∇f, v⟩.
    pub fn second_gradient(&self) -> Vec<Tensor<A>> {
        let tape = Tape::new();
        let x = variables(&tape, self.inputs);
        match self.projected(&x) {
            Some(projected) => gradient_or_zeros(projected, &x),
            None => self.inputs.iter().map(|x| Tensor::zeros(x.shape())).collect(),
        }
    }

    /// What bounds the rounding of the value, or of its gradient.
    pub fn bound(&self, order: u8) -> Bound<'_, A> {
        Bound { function: self, order, parts: OnceCell::new() }
    }
}

/// ε times the sum of |ȳ·y| over every number y that was computed on the way bounds the rounding of
/// the result, to first order (Wilkinson's running error analysis).
pub(super) struct Bound<'a, A: Float> {
    function: &'a Recorded<'a, A>,
    order: u8,
    /// The numbers of each node at the inputs, and their adjoints.
    parts: OnceCell<Vec<Part>>,
}

struct Part {
    value: Vec<f64>,
    adjoint: Vec<f64>,
}

impl<A: Float> Bound<'_, A> {
    fn record<'t>(&self, tape: &'t Tape<A>, inputs: &[Tensor<A>]) -> Option<Var<'t, A>> {
        let x = variables(tape, inputs);
        match self.order {
            1 => Some(self.function.scalar(&x)),
            _ => self.function.projected(&x),
        }
    }

    fn parts(&self) -> Vec<Part> {
        let tape = Tape::new();
        let Some(y) = self.record(&tape, self.function.inputs) else { return Vec::new() };
        let adjoints = sweep(y, Tensor::ones(&y.shape()), Reach::All, &mut ());
        let graph = tape.graph();
        let part = |node: NodeIndex| {
            let value = numbers(&graph[node].value);
            let adjoint = adjoints.get(node.index()).map(numbers);
            Part { adjoint: adjoint.unwrap_or_else(|| vec![0.0; value.len()]), value }
        };
        graph.node_indices().map(part).collect()
    }

    /// The sum over what differs between the inputs and others near them, and over what does not
    /// although an operand does: it may have been rounded away.
    pub fn between(&self, moved: &[Tensor<A>]) -> f64 {
        let parts = self.parts.get_or_init(|| self.parts());
        let tape = Tape::new();
        self.record(&tape, moved);
        let graph = tape.graph();
        let mut touched = vec![false; graph.nodes().len()];
        let mut sum = 0.0;
        for (part, node) in parts.iter().zip(graph.node_indices()) {
            let Part { value, adjoint } = part;
            let after = numbers(&graph[node].value);
            let mut sizes = value.iter().zip(adjoint).map(|(y, adjoint)| (y * adjoint).abs());
            let differs: Vec<bool> = value.iter().zip(&after).map(|(a, b)| a != b).collect();
            let mut operands = graph.operands(node);
            let size: f64 = if differs.contains(&true) {
                sizes
                    .zip(&differs)
                    .filter(|(size, differs)| **differs && size.is_finite())
                    .map(|s| s.0)
                    .sum()
            } else if operands.any(|operand| touched[operand.index()]) {
                sizes.by_ref().filter(|size| size.is_finite()).sum()
            } else {
                continue;
            };
            touched[node.index()] = true;
            sum += if graph[node].source.op().is_some() { size } else { 0.0 };
        }
        sum
    }
}

fn variables<'t, A: Float>(tape: &'t Tape<A>, inputs: &[Tensor<A>]) -> Vec<Var<'t, A>> {
    inputs.iter().map(|x| tape.var(x)).collect()
}

/// The function at its inputs, recorded on a tape.
pub(super) fn record<'t, A: Float>(
    function: &Recorded<'_, A>,
    tape: &'t Tape<A>,
) -> (Var<'t, A>, Vec<Var<'t, A>>) {
    let x = variables(tape, function.inputs);
    (function.scalar(&x), x)
}

/// What a value of a shape is multiplied by, element by element: 1 if it is a scalar.
pub(super) fn weights<A: Float>(shape: &[usize]) -> Tensor<A> {
    if shape.is_empty() { Tensor::ones(shape) } else { sample(shape, 3).cast() }
}

/// The direction along which a gradient is projected.
fn along<A: Float>(shape: &[usize], input: usize) -> Tensor<A> {
    sample(shape, 11 + input).cast()
}

/// What each element of a gradient is multiplied by when it is projected.
pub(super) fn projection<A: Float>(gradient: &Tensor<A>, input: usize) -> Vec<f64> {
    numbers(&along::<A>(gradient.shape(), input))
}

/// The gradient with respect to each of `x`: zeros where `y` does not depend on it.
pub(super) fn gradient_or_zeros<A: Float>(y: Var<'_, A>, x: &[Var<'_, A>]) -> Vec<Tensor<A>> {
    let adjoints = sweep(y, Tensor::ones(&y.shape()), Reach::All, &mut ());
    let of = |x: Var<'_, A>| adjoints.get(x.position()).cloned();
    x.iter().map(|&x| of(x).unwrap_or_else(|| Tensor::zeros(&x.shape()))).collect()
}

pub(super) fn same_bits<A: Float>(a: &Tensor<A>, b: &Tensor<A>) -> bool {
    let bits = |x: &A| x.to_f64().to_bits();
    a.view().iter().map(bits).eq(b.view().iter().map(bits))
}
