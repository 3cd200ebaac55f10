//! The way of a gradient from the output to a part of a value, and what stops it there.

use ops::declare::sample;
use ops::methods::LinearMethods;
use ops::{Call, Family, Float, Stops, Tensor};
use petgraph::graph::NodeIndex;

use crate::graph::error::Origin;
use crate::graph::node::{Graph, Source, operands};
use crate::graph::op::Op;
use crate::graph::tape::Tape;
use crate::graph::var::Var;
use crate::words::Language;

/// Marks on the elements of a value, in the order of the axes.
type Marks = Vec<bool>;

/// An op on the way, and the number of its operand that the gradient goes on to.
pub(super) type Place = (NodeIndex, usize);

/// The ops between a part of a value and the output.
pub(super) struct Way<'t, A: Float> {
    tape: &'t Tape<A>,
    x: NodeIndex,
    /// For each node up to the output: which of its elements depend on the part; `None` off the
    /// way.
    depends: Vec<Option<Marks>>,
    /// Which elements a gradient can get to.
    open: Vec<Marks>,
    language: Language,
}

/// What an op does to a gradient on its way to one operand.
struct Passage {
    node: NodeIndex,
    position: usize,
    operand: NodeIndex,
    /// How many elements of the operand are asked about.
    asked: usize,
    /// To how many of them a gradient in general position gets.
    passed: usize,
    /// Whether the rule passes anything to this operand, at any values.
    has_slope: bool,
    /// The largest number that a cotangent of about 1 becomes.
    gain: f64,
}

impl<'t, A: Float> Way<'t, A> {
    /// The way from the node at `output` to the marked part of `x`.
    pub fn new(x: Var<'t, A>, output: usize, part: Marks, language: Language) -> Self {
        let tape = x.tape();
        let graph = tape.graph();
        let mut depends = vec![None; output + 1];
        depends[x.position()] = Some(part);
        for node in (x.position() + 1..=output).map(NodeIndex::new) {
            let live = !matches!(graph[node].source, Source::Detached);
            let mut operands = graph.operands(node);
            if live && operands.any(|operand| depends[operand.index()].is_some()) {
                depends[node.index()] = Some(dependent(&graph, node, &depends));
            }
        }
        let open = graph.nodes().iter().take(output + 1).map(|n| vec![false; n.value.len()]);
        let mut open: Vec<Marks> = open.collect();
        open[output].fill(true);
        drop(graph);
        let mut way = Self { tape, x: x.index(), depends, open, language };
        way.cut_dead_ends(output);
        way
    }

    /// Takes off the way what leads to the output by no live edge.
    fn cut_dead_ends(&mut self, output: usize) {
        let graph = self.tape.graph();
        let mut leads = vec![false; output + 1];
        leads[output] = true;
        for node in (0..=output).rev() {
            if leads[node] && self.depends[node].is_some() {
                for operand in graph.operands(NodeIndex::new(node)) {
                    leads[operand.index()] = true;
                }
            }
        }
        drop(graph);
        for (node, leads) in leads.into_iter().enumerate() {
            if !leads {
                self.depends[node] = None;
            }
        }
    }

    /// Says in clauses why nothing arrives, the nearest to the output first, each with the place that
    /// it speaks of. `adjoint` gives what arrived at each node.
    pub fn reasons<'a>(
        mut self,
        adjoint: impl Fn(usize) -> Option<&'a Tensor<A>>,
    ) -> Vec<(String, Option<Place>)>
    where
        A: 'a,
    {
        let passages = self.passages();
        let graph = self.tape.graph();
        let stops = |whole: bool| {
            let stops = passages.iter().filter(move |p| p.passed == 0 || !whole);
            let stops = stops.filter(|p| p.passed < p.asked);
            stops.map(|p| (self.describe(&graph, p), Some((p.node, p.position))))
        };
        let mut reasons: Vec<_> = stops(true).collect();
        let x = self.x.index();
        let depends = self.depends[x].iter().flatten();
        if depends.zip(&self.open[x]).any(|(&asked, &open)| asked && open) {
            reasons.push(self.cancelled(&graph, &passages, &adjoint));
        } else if reasons.is_empty() {
            // No op stops it alone: one stops one part, another the other.
            reasons.extend(stops(false));
        }
        reasons
    }

    /// Sends cotangents in general position over every edge, from the output down.
    fn passages(&mut self) -> Vec<Passage> {
        let tape = self.tape;
        let graph = tape.graph();
        let mut passages = Vec::new();
        for node in (self.x.index() + 1..self.depends.len()).rev().map(NodeIndex::new) {
            let Some(depends) = self.depends[node.index()].clone() else { continue };
            let both = depends.iter().zip(&self.open[node.index()]).map(|(a, b)| *a && *b);
            let open: Marks = both.collect();
            for (position, operand) in operands(&graph, node).into_iter().enumerate() {
                let Some(asked) = self.depends[operand.index()].clone() else { continue };
                let given = contribution(&graph, node, position, operand, &depends);
                let passed = given.as_ref().map(sizes).unwrap_or_default();
                let reached = passed.iter().zip(&asked).filter(|&(&g, &asked)| asked && g > 0.0);
                passages.push(Passage {
                    node,
                    position,
                    operand,
                    asked: asked.iter().filter(|&&asked| asked).count(),
                    passed: reached.count(),
                    has_slope: given.is_some(),
                    gain: passed.iter().copied().fold(0.0, f64::max),
                });
                let given = if open == depends {
                    given
                } else {
                    contribution(&graph, node, position, operand, &open)
                };
                let passed = given.as_ref().map(sizes).unwrap_or_default();
                for (open, size) in self.open[operand.index()].iter_mut().zip(passed) {
                    *open |= size > 0.0;
                }
            }
        }
        passages
    }

    /// Says where contributions that could arrive cancel, or become too small.
    fn cancelled<'a>(
        &self,
        graph: &Graph<A>,
        passages: &[Passage],
        adjoint: &impl Fn(usize) -> Option<&'a Tensor<A>>,
    ) -> (String, Option<Place>)
    where
        A: 'a,
    {
        for passage in passages.iter().filter(|p| p.passed > 0) {
            let Passage { node, position, operand, .. } = *passage;
            let Some(arrived) = adjoint(node.index()) else { continue };
            let most = sizes(arrived).into_iter().fold(0.0, f64::max);
            let given = vjp(graph, node, position, arrived);
            let given = given.map(|given| given.sum_to(graph[operand].value.shape()));
            let asked = self.depends[operand.index()].iter().flatten();
            let passed = given.as_ref().map(sizes).unwrap_or_default();
            if most == 0.0 || asked.zip(passed).any(|(&asked, size)| asked && size > 0.0) {
                continue;
            }
            let (name, language) = (self.name(graph, node), self.language);
            let least = if A::NAME == "f64" { f64::MIN_POSITIVE } else { f32::MIN_POSITIVE.into() };
            let reason = if most * passage.gain < least {
                language.why_too_small(name, format!("{most:e}"))
            } else {
                language.why_cancels(name)
            };
            return (reason, Some((node, position)));
        }
        (self.language.why_cancels_somewhere().to_owned(), None)
    }

    /// Says how an op stops a gradient, all of it or a part.
    fn describe(&self, graph: &Graph<A>, passage: &Passage) -> String {
        let &Passage { node, position, operand, asked, passed, has_slope, .. } = passage;
        let here = &graph[node];
        let op = here.source.op().expect("a node with operands that are not detached has an op");
        let (at, language) = (self.name(graph, node), self.language);
        let origin = Origin::of(Var::new(self.tape, operand)).text(language);
        let units = self.depends[node.index()].iter().flatten().filter(|&&on| on).count();
        if units == 0 {
            return language.why_not_read(at, origin);
        }
        if !has_slope {
            return language.why_no_slope(at);
        }
        if passed > 0 {
            return language.why_stops_some(at, asked - passed, asked);
        }
        let places = || language.in_places(units);
        match op.remarks().stops {
            Some(Stops::Off) if units == 1 => language.why_unit_off(at, origin),
            Some(Stops::Off) if units < here.value.len() => {
                language.why_units_off_there(at, units, origin)
            }
            Some(Stops::Off) => language.why_units_off(at, units, origin),
            Some(Stops::Mask) if position == 1 => language.why_masked_0(at, origin),
            Some(Stops::Mask) => language.why_masked_1(at, origin),
            Some(Stops::Factor) => language.why_factor(at, places()),
            Some(Stops::Bounds) => language.why_bounds(at, places()),
            Some(Stops::Choice) => language.why_choice(at, origin),
            Some(Stops::Saturation) => language.why_saturated(at, places()),
            None if op.family() == Family::Bilinear => {
                let other = operands(graph, node)[1 - position.min(1)];
                let other = Origin::of(Var::new(self.tape, other));
                language.why_other_factor(at, other.text(language))
            }
            None => language.why_slope_0(at),
        }
    }

    /// An op and its line.
    fn name(&self, graph: &Graph<A>, node: NodeIndex) -> String {
        let here = &graph[node];
        self.language.op_at(here.source.op().map_or("detach", Op::name), here.location)
    }
}

/// Which elements of the value at `node` depend on marked elements of its operands: element by
/// element where the op works so, and else those that turn NaN where the operands are made NaN.
fn dependent<A: Float>(graph: &Graph<A>, node: NodeIndex, marks: &[Option<Marks>]) -> Marks {
    let here = &graph[node];
    let Some(op) = here.source.op() else { return Vec::new() };
    let operands = operands(graph, node);
    if op.family() == Family::Elementwise {
        let mut all = vec![false; here.value.len()];
        for &operand in &operands {
            let Some(marks) = &marks[operand.index()] else { continue };
            let stretched = numbers::<A>(graph[operand].value.shape(), |i| f64::from(marks[i]));
            let stretched = stretched.stretch_to(here.value.shape());
            for (mark, on) in all.iter_mut().zip(stretched.view()) {
                *mark |= *on != A::zero();
            }
        }
        return all;
    }
    let poisoned = |&operand: &NodeIndex| {
        let value = &graph[operand].value;
        let Some(marks) = &marks[operand.index()] else { return value.clone() };
        let elements: Vec<f64> = value.view().iter().map(|x| x.to_f64()).collect();
        numbers(value.shape(), |i| if marks[i] { f64::NAN } else { elements[i] })
    };
    let operands: Vec<Tensor<A>> = operands.iter().map(poisoned).collect();
    let mut value = Tensor::default();
    match op.forward(&operands.iter().collect::<Vec<_>>(), &mut value) {
        Ok(()) => {
            let both = value.view().into_iter().zip(here.value.view());
            both.map(|(after, before)| after.is_nan() && !before.is_nan()).collect()
        }
        Err(_) => vec![true; here.value.len()],
    }
}

/// A tensor of numbers given by their place in the order of the axes.
fn numbers<A: Float>(shape: &[usize], at: impl Fn(usize) -> f64) -> Tensor<A> {
    let count = shape.iter().product();
    let elements = (0..count).map(|i| A::from_f64(at(i))).collect();
    Tensor::from_shape_vec(shape, elements).expect("as many numbers as the shape holds")
}

/// The sizes of all elements, in the order of the axes.
fn sizes<A: Float>(x: &Tensor<A>) -> Vec<f64> {
    x.view().iter().map(|x| x.to_f64().abs()).collect()
}

/// What operand number `position` of the op at `node` gets from a cotangent.
fn vjp<A: Float>(
    graph: &Graph<A>,
    node: NodeIndex,
    position: usize,
    cotangent: &Tensor<A>,
) -> Option<Tensor<A>> {
    let here = &graph[node];
    let operands = operands(graph, node);
    let wanted: Vec<bool> = (0..operands.len()).map(|i| i == position).collect();
    let values: Vec<&Tensor<A>> = operands.iter().map(|&x| &graph[x].value).collect();
    let call = Call { operands: &values, output: &here.value, wanted: &wanted };
    here.source.op()?.vjp(&call, cotangent).get(position).cloned().flatten()
}

/// What the operand gets, in its own shape, from a cotangent in general position on the marked
/// elements.
fn contribution<A: Float>(
    graph: &Graph<A>,
    node: NodeIndex,
    position: usize,
    operand: NodeIndex,
    marks: &Marks,
) -> Option<Tensor<A>> {
    let shape = graph[node].value.shape();
    let uneven: Vec<f64> = sample(shape, 3).view().iter().copied().collect();
    let cotangent = numbers(shape, |i| if marks[i] { uneven[i] } else { 0.0 });
    let given = vjp(graph, node, position, &cotangent)?;
    Some(given.sum_to(graph[operand].value.shape()))
}
