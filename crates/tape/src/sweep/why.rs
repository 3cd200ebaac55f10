//! Why a gradient is zero or missing.

use ops::{Call, Float, Stops, Tensor};
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use smallvec::SmallVec;

use super::gradients::Gradients;
use crate::graph::error::Origin;
use crate::graph::tape::{Graph, Source, Tape, operands};
use crate::graph::var::Var;

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

    /// Lists what stops the gradient on each way from the output to `x`.
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

/// Says why the op at `node` passes nothing on to its operand number `i`, if it passes nothing.
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
    Some(match op.remarks().stops {
        Some(Stops::Off) => format!(
            "all {units} units of {name} (at {place}) are off: its operand ({operand}) is nowhere \
             above 0"
        ),
        Some(Stops::Factor) => {
            format!("mul (at {place}) multiplies by a factor that is 0 wherever a gradient arrives")
        }
        Some(Stops::Bounds) => {
            format!("{name} (at {place}) is at or beyond its bounds in all {units} places")
        }
        Some(Stops::Choice) => {
            format!("{name} (at {place}) never takes this operand ({operand})")
        }
        Some(Stops::Saturation) => {
            format!("{name} (at {place}) is saturated: its slope rounds to 0 in all {units} places")
        }
        None => format!("{name} (at {place}) passes on 0, its slope being 0 at these values"),
    })
}
