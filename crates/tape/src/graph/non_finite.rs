//! Finding out what went wrong with a gradient: where it turned infinite or NaN, and why it is
//! zero or missing.

use std::panic::Location;

use ops::{Call, Float, Tensor};
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use smallvec::SmallVec;

use crate::graph::error::{NonFinite, Origin, TapeError};
use crate::graph::tape::{Graph, Source, Tape, operands};
use crate::graph::var::Var;
use crate::sweep::gradients::Gradients;
use crate::sweep::sweep::Event;

/// The index and value of the first element that is not finite.
fn first_non_finite<A: Float>(x: &Tensor<A>) -> Option<(Vec<usize>, f64)> {
    let view = x.view();
    let (index, value) = view.indexed_iter().find(|(_, value)| !value.is_finite())?;
    Some((ndarray::Dimension::slice(&index).to_vec(), value.to_f64()))
}

/// The operand's element that goes with `index` of the result, if it broadcasts to it.
fn element_at<A: Float>(x: &Tensor<A>, index: &[usize]) -> Option<A> {
    let shape = x.shape();
    let added = index.len().checked_sub(shape.len())?;
    let own: Vec<usize> =
        shape.iter().zip(&index[added..]).map(|(&n, &i)| if n == 1 { 0 } else { i }).collect();
    x.view().get(&own[..]).copied()
}

fn describe<A: Float>(x: Var<'_, A>, index: &[usize]) -> String {
    let value = x.value();
    let numbers = match element_at(&value, index) {
        Some(element) => format!("{element:e} there"),
        None => crate::one_line(&value, 6),
    };
    format!("{}: {numbers}", Origin::of(x))
}

pub(crate) fn non_finite_value<A: Float>(
    op: &'static str,
    value: &Tensor<A>,
    operands: &[&Var<'_, A>],
    location: &'static Location<'static>,
) -> TapeError {
    let (index, number) = first_non_finite(value).expect("an element that is not finite");
    let remedy = remedy(op, operands.iter().map(|x| **x));
    TapeError::NonFinite(Box::new(NonFinite {
        op,
        backward: false,
        value: number,
        operands: operands.iter().map(|x| describe(**x, &index)).collect(),
        index,
        location,
        remedy,
    }))
}

/// Watches a sweep for the first contribution that is not finite.
pub(crate) struct Watch<'t, A: Float> {
    tape: &'t Tape<A>,
    at: Option<(NodeIndex, Tensor<A>)>,
    pub first: Option<TapeError>,
}

impl<'t, A: Float> Watch<'t, A> {
    pub fn new(tape: &'t Tape<A>) -> Self {
        Self { tape, at: None, first: None }
    }

    pub fn observe(&mut self, event: &Event<'_, Tensor<A>>) {
        match (event, &self.at) {
            (&Event::Complete { node, adjoint }, _) => self.at = Some((node, adjoint.clone())),
            (&Event::Pass { position, contribution, .. }, Some((node, adjoint)))
                if self.first.is_none() =>
            {
                let node = Var::new(self.tape, *node);
                self.first = non_finite_contribution(node, adjoint, position, contribution);
            }
            _ => {}
        }
    }
}

fn non_finite_contribution<A: Float>(
    node: Var<'_, A>,
    adjoint: &Tensor<A>,
    position: usize,
    contribution: &Tensor<A>,
) -> Option<TapeError> {
    let (index, value) = first_non_finite(contribution)?;
    let op = node.op().unwrap_or("leaf");
    Some(TapeError::NonFinite(Box::new(NonFinite {
        op,
        backward: true,
        value,
        operands: vec![
            describe(node.operands()[position], &index),
            format!("the incoming gradient: {}", crate::one_line(adjoint, 6)),
        ],
        index,
        location: node.location(),
        remedy: remedy(op, node.operands().into_iter()),
    })))
}

/// What is known to be stable in the place of an op on such operands.
fn remedy<'t, A: Float>(
    op: &str,
    operands: impl Iterator<Item = Var<'t, A>>,
) -> Option<&'static str> {
    let first = operands.into_iter().next()?;
    let below = first.op();
    Some(match (op, below) {
        ("ln", Some("softmax")) => "log_softmax(axis) is ln(softmax(x)) without overflow",
        ("ln", Some("sigmoid")) => "log_sigmoid() is ln(sigmoid(x)) without underflow",
        ("ln", Some("sum")) => "logsumexp(axes) is ln(sum(exp(x))) without overflow",
        ("ln", Some("add")) => "ln_1p() is ln(1 + x), exact for small x",
        ("ln" | "log2" | "log10", _) => "keep the operand above 0, for instance with maximum(ε)",
        ("exp", _) => {
            "subtract the largest element first; softmax, logsumexp and sigmoid do so themselves"
        }
        ("div" | "recip", _) => "keep the divisor away from 0, for instance by adding ε",
        ("sqrt", Some("sum")) => "norm(axes) is sqrt(sum(x²)) with gradient 0 at 0",
        ("sqrt" | "rsqrt", _) => "add ε under the root: its slope at 0 is infinite",
        ("pow", _) => "keep the base above 0: a negative base has no real power in general",
        _ => return None,
    })
}

impl<'t, A: Float> Gradients<'t, A, Tensor<A>> {
    /// Explains in a sentence why the gradient with respect to `x` is missing or zero, or that it
    /// is neither.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let x = tape.var([-1.0, -2.0]).named("x");
    /// let why = x.relu().sum().backward().why(x);
    /// assert!(why.contains("all 2 units of relu") && why.contains("are off"), "{why}");
    /// ```
    pub fn why(&self, x: Var<'t, A>) -> String {
        let gradient = match self.try_wrt(x) {
            Ok(gradient) => gradient,
            Err(reason) => return reason.to_string(),
        };
        let most = gradient.view().iter().fold(0.0, |most: f64, g| most.max(g.to_f64().abs()));
        let origin = Origin::of(x);
        if most != 0.0 {
            return format!("the gradient ({origin}) is not zero: its largest element is {most:e}");
        }
        if gradient.is_empty() {
            return format!("the gradient ({origin}) has no elements: the value has none");
        }
        let stops = self.stops(x);
        let first: Vec<&String> = stops.iter().take(3).collect();
        let list = first.iter().map(|s| s.as_str()).collect::<Vec<_>>().join("; and ");
        let more =
            if stops.len() > 3 { format!("; and {} more", stops.len() - 3) } else { String::new() };
        if stops.is_empty() {
            return format!("the gradient ({origin}) is zero: contributions to it cancel exactly");
        }
        format!("the gradient ({origin}) is zero: {list}{more}")
    }

    /// What stops the gradient on each way from the output to `x`.
    fn stops(&self, x: Var<'t, A>) -> Vec<String> {
        let tape = x.tape();
        let graph = tape.graph();
        // The values on a way from x to the output.
        let mut between = vec![false; self.position() + 1];
        between[x.position()] = true;
        for node in (x.position() + 1..between.len()).map(NodeIndex::new) {
            let live = !matches!(graph[node].source, Source::Detached);
            let mut sources = graph.neighbors_directed(node, Direction::Incoming);
            between[node.index()] = live && sources.any(|operand| between[operand.index()]);
        }
        let mut stops = Vec::new();
        for node in (0..between.len()).rev().map(NodeIndex::new).filter(|n| between[n.index()]) {
            let Some(adjoint) = self.adjoint(node.index()) else { continue };
            if adjoint.view().iter().all(|&g| g == A::zero()) {
                continue;
            }
            let operands = operands(&graph, node);
            for i in (0..operands.len()).filter(|&i| between[operands[i].index()]) {
                stops.extend(stop(tape, &graph, node, &operands, i, adjoint));
            }
        }
        stops
    }
}

/// Why the op at `node` passes nothing on to its operand number `i`, if it passes nothing.
fn stop<A: Float>(
    tape: &Tape<A>,
    graph: &Graph<A>,
    node: NodeIndex,
    operands: &[NodeIndex],
    i: usize,
    adjoint: &Tensor<A>,
) -> Option<String> {
    let here = &graph[node];
    let op = here.source.op()?;
    let values: SmallVec<[&Tensor<A>; 3]> = operands.iter().map(|&x| &graph[x].value).collect();
    let wanted = vec![true; values.len()];
    let call = Call { operands: &values, output: &here.value, wanted: &wanted };
    let contribution = op.vjp(&call, adjoint).get(i).cloned().flatten();
    let (name, place) = (op.name(), here.location);
    let Some(contribution) = contribution else {
        return Some(format!("{name} (at {place}) has slope 0 everywhere, so nothing passes it"));
    };
    if contribution.view().iter().any(|&g| g != A::zero()) {
        return None;
    }
    let units = here.value.len();
    let operand = Origin::of(Var::new(tape, operands[i]));
    Some(match name {
        "relu" => format!(
            "all {units} units of relu (at {place}) are off: its operand ({operand}) is nowhere \
             above 0"
        ),
        "mul" => {
            format!("mul (at {place}) multiplies by a factor that is 0 wherever a gradient arrives")
        }
        "clamp" | "hard_tanh" | "hard_sigmoid" => {
            format!("{name} (at {place}) is at or beyond its bounds in all {units} places")
        }
        "maximum" | "minimum" | "max" | "min" => {
            format!("{name} (at {place}) never takes this operand ({operand})")
        }
        "sigmoid" | "tanh" | "softmax" | "erf" => {
            format!("{name} (at {place}) is saturated: its slope rounds to 0 in all {units} places")
        }
        _ => format!("{name} (at {place}) passes on 0, its slope being 0 at these values"),
    })
}
