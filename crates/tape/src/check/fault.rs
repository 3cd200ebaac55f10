//! Which op is wrong: each recorded op checked in place, at the values it was recorded with.

use std::panic::Location;

use ops::declare::sample;
use ops::methods::{BinaryMethods, LinearMethods};
use ops::{Call, Contributions, Float, Tensor};
use petgraph::graph::NodeIndex;

use super::compare::position;
use super::function::{Recorded, gradient_or_zeros, record};
use super::judge::{Judged, Verdict};
use super::probe::{Along, Measure, Probe, direction, inner, numbers, tangent};
use super::report::{Fault, Mode};
use crate::graph::node::{Graph, operands};
use crate::graph::op::Op;
use crate::graph::tape::Tape;
use crate::graph::var::Var;

/// How many parts the elements of an operand are looked at in, at first.
const PARTS: usize = 64;
/// How many parts are looked at in all before an operand is given up.
const LOOKS: usize = 400;

/// The first recorded op whose contribution to an operand is another than its own finite
/// differences converge to.
pub(super) fn find<A: Float>(
    function: &Recorded<'_, A>,
    measure: Measure,
    order: u8,
    mode: Mode,
) -> Option<Fault> {
    let tape = Tape::new();
    record(function, &tape);
    let graph = tape.graph();
    graph.node_indices().find_map(|node| {
        let place = Place::of(&graph, node, measure)?;
        match (order, mode) {
            (1, Mode::Reverse) => place.reverse(),
            (1, Mode::Forward) => place.forward(),
            _ => place.second_order(),
        }
    })
}

/// A recorded op, with a cotangent in general position.
struct Place<'a, A: Float> {
    op: &'a dyn Op<A>,
    operands: Vec<Tensor<A>>,
    wanted: Vec<bool>,
    output: &'a Tensor<A>,
    location: &'static Location<'static>,
    cotangent: Tensor<A>,
    measure: Measure,
}

/// An element at which a derivative is wrong.
struct Wrong {
    operand: usize,
    element: usize,
    analytic: f64,
    numeric: f64,
}

impl<'a, A: Float> Place<'a, A> {
    fn of(graph: &'a Graph<A>, node: NodeIndex, measure: Measure) -> Option<Self> {
        let here = &graph[node];
        let op = here.source.op()?;
        let operands = operands(graph, node);
        Some(Self {
            op,
            operands: operands.iter().map(|&x| graph[x].value.clone()).collect(),
            wanted: operands.iter().map(|&x| graph[x].tracked).collect(),
            output: &here.value,
            location: here.location,
            cotangent: sample(here.value.shape(), 3).cast(),
            measure,
        })
    }

    fn value(&self, operands: &[Tensor<A>]) -> Option<Tensor<A>> {
        let mut value = Tensor::default();
        self.op.forward(&operands.iter().collect::<Vec<_>>(), &mut value).ok()?;
        Some(value)
    }

    /// What each wanted operand gets, in its shape.
    fn contributions(
        &self,
        operands: &[Tensor<A>],
        output: &Tensor<A>,
        cotangent: &Tensor<A>,
    ) -> Vec<Tensor<A>> {
        let values: Vec<&Tensor<A>> = operands.iter().collect();
        let call = Call { operands: &values, output, wanted: &self.wanted };
        let given = self.op.vjp(&call, cotangent);
        let shaped = |(i, x): (usize, &Tensor<A>)| match given.get(i) {
            Some(Some(given)) if self.wanted[i] => given.clone().sum_to(x.shape()),
            _ => Tensor::zeros(x.shape()),
        };
        operands.iter().enumerate().map(shaped).collect()
    }

    /// ⟨c, J v⟩ by forward mode, v being a direction of one operand.
    fn pushed(&self, operand: usize, along: &Along) -> f64 {
        let values: Vec<&Tensor<A>> = self.operands.iter().collect();
        let wanted: Vec<bool> = (0..values.len()).map(|i| i == operand).collect();
        let tangent = tangent(self.operands[operand].shape(), along);
        let tangents: Vec<Option<&Tensor<A>>> =
            wanted.iter().map(|&wanted| wanted.then_some(&tangent)).collect();
        let call = Call { operands: &values, output: self.output, wanted: &wanted };
        let Some(pushed) = self.op.jvp(&call, &tangents) else { return 0.0 };
        numbers(&pushed).iter().zip(numbers(&self.cotangent)).map(|(a, c)| a * c).sum()
    }

    /// The op's value, weighted with the cotangent.
    fn with_probe<R>(&self, gradients: &[Tensor<A>], run: impl FnOnce(&Probe<'_, A>) -> R) -> R {
        let size = size(&self.operands, gradients) + dot(self.output, &self.cotangent);
        run(&Probe {
            inputs: &self.operands,
            outputs: &|moved| Some(vec![self.value(moved)?]),
            base: vec![numbers(self.output)],
            weights: vec![numbers(&self.cotangent)],
            bound: &|_| size,
            measure: self.measure,
        })
    }

    fn reverse(&self) -> Option<Fault> {
        let gradients = self.contributions(&self.operands, self.output, &self.cotangent);
        self.with_probe(&gradients, |probe| {
            let claim = |operand: usize, along: &Along| inner(&gradients[operand], along);
            let wrong = self.search(probe, &claim)?;
            let other = self.pushed(wrong.operand, &[(wrong.element, 1.0)]);
            Some(self.fault(&wrong, 1, Mode::Reverse, is_right(probe, &wrong, other)))
        })
    }

    fn forward(&self) -> Option<Fault> {
        let gradients = self.contributions(&self.operands, self.output, &self.cotangent);
        self.with_probe(&gradients, |probe| {
            let claim = |operand: usize, along: &Along| self.pushed(operand, along);
            let wrong = self.search(probe, &claim)?;
            let other = inner(&gradients[wrong.operand], &[(wrong.element, 1.0)]);
            Some(self.fault(&wrong, 1, Mode::Forward, is_right(probe, &wrong, other)))
        })
    }

    /// Checks the gradient of the op's gradient, with respect to its operands and the cotangent.
    fn second_order(&self) -> Option<Fault> {
        let mut inputs = self.operands.clone();
        inputs.push(self.cotangent.clone());
        let outputs = |moved: &[Tensor<A>]| {
            let (cotangent, operands) = moved.split_last()?;
            Some(self.contributions(operands, &self.value(operands)?, cotangent))
        };
        let base = outputs(&inputs)?;
        let along: Vec<Tensor<A>> =
            base.iter().enumerate().map(|(i, g)| sample(g.shape(), 11 + i).cast()).collect();
        let gradients = self.second_gradient(&along)?;
        let size = size(&inputs, &gradients)
            + base.iter().zip(&along).map(|(g, v)| dot(g, v)).sum::<f64>();
        let probe = Probe {
            inputs: &inputs,
            outputs: &outputs,
            base: base.iter().map(numbers).collect(),
            weights: along.iter().map(numbers).collect(),
            bound: &|_| size,
            measure: self.measure,
        };
        let claim = |operand: usize, along: &Along| inner(&gradients[operand], along);
        let wrong = self.search(&probe, &claim)?;
        let mut fault = self.fault(&wrong, 2, Mode::Reverse, None);
        fault.of_cotangent = wrong.operand == self.operands.len();
        Some(fault)
    }

    /// The gradient of Σ ⟨contribution, v⟩, by recording what the rule passes on.
    fn second_gradient(&self, along: &[Tensor<A>]) -> Option<Vec<Tensor<A>>> {
        let tape = Tape::new();
        let mut x: Vec<Var<'_, A>> = self
            .operands
            .iter()
            .zip(&self.wanted)
            .map(|(x, &wanted)| if wanted { tape.var(x) } else { tape.constant(x) })
            .collect();
        let cotangent = tape.var(&self.cotangent);
        let operands: Vec<&Var<'_, A>> = x.iter().collect();
        let output = tape.push_value(self.output, self.op.boxed(), &operands, self.location);
        let call = Call { operands: &operands, output: &output, wanted: &self.wanted };
        let given: Contributions<Var<'_, A>> = self.op.vjp_recorded(&call, &cotangent);
        let terms = given.into_iter().zip(along).zip(&self.wanted);
        let terms = terms.filter_map(|((given, v), &wanted)| {
            let given = given.filter(|_| wanted)?;
            Some(given.sum_to(v.shape()).mul(tape.constant(v)).sum())
        });
        let total = terms.reduce(|a, b| a + b)?;
        x.push(cotangent);
        Some(gradient_or_zeros(total, &x))
    }

    /// The first element at which a claimed derivative is wrong.
    fn search(&self, probe: &Probe<'_, A>, claim: &dyn Fn(usize, &Along) -> f64) -> Option<Wrong> {
        let wanted = |i: usize| self.wanted.get(i).copied().unwrap_or(true);
        let operands = probe.inputs.iter().enumerate().filter(|&(i, x)| wanted(i) && !x.is_empty());
        operands.map(|(operand, x)| (operand, direction(x, 5 + operand))).find_map(
            |(operand, whole)| {
                let size = whole.len().div_ceil(PARTS);
                let mut parts: Vec<&Along> = whole.chunks(size).rev().collect();
                let mut looks = 0;
                while let Some(part) = parts.pop() {
                    let single = [(part[0].0, 1.0)];
                    let along = if part.len() == 1 { &single[..] } else { part };
                    let analytic = claim(operand, along);
                    let judged = probe.judge(operand, along, analytic);
                    let verdict = judged.map(|judged| judged.verdict);
                    looks += 1;
                    if verdict == Ok(Verdict::Agrees) {
                        continue;
                    }
                    if part.len() > 1 && looks < LOOKS {
                        let (left, right) = part.split_at(part.len() / 2);
                        parts.extend([right, left]);
                    } else if let Ok(Judged { verdict: Verdict::Wrong, numeric, .. }) = judged {
                        return Some(Wrong { operand, element: part[0].0, analytic, numeric });
                    }
                }
                None
            },
        )
    }

    fn fault(&self, wrong: &Wrong, order: u8, mode: Mode, other_is_right: Option<bool>) -> Fault {
        let &Wrong { operand, element, analytic, numeric } = wrong;
        let x = self.operands.get(operand).unwrap_or(&self.cotangent);
        let index = position(element, x.shape());
        let at = x.view()[&index[..]].to_f64();
        Fault {
            op: self.op.name(),
            operand,
            location: self.location,
            order,
            mode,
            other_is_right,
            element: index,
            at,
            analytic,
            numeric,
            of_cotangent: false,
        }
    }
}

/// Whether another number is the derivative that is wrong; `None` if that cannot be told.
fn is_right<A: Float>(probe: &Probe<'_, A>, wrong: &Wrong, other: f64) -> Option<bool> {
    match probe.judge(wrong.operand, &[(wrong.element, 1.0)], other).ok()?.verdict {
        Verdict::Agrees => Some(true),
        Verdict::Wrong => Some(false),
        Verdict::Kink | Verdict::Unclear(_) => None,
    }
}

/// Σ |a·b| over all elements.
fn dot<A: Float>(a: &Tensor<A>, b: &Tensor<A>) -> f64 {
    let products = a.view().into_iter().zip(b.view()).map(|(a, b)| (a.to_f64() * b.to_f64()).abs());
    products.filter(|size| size.is_finite()).sum()
}

fn size<A: Float>(values: &[Tensor<A>], gradients: &[Tensor<A>]) -> f64 {
    values.iter().zip(gradients).map(|(x, g)| dot(x, g)).sum()
}
