//! The steps of a trace as sentences and equations.

use std::fmt::Display;

use ops::{Float, Tensor};

use super::math::Math;
use super::name::name;
use super::reading::{self, Written, bar};
use crate::graph::var::Var;
use crate::show::trace::{Backward, Forward, Layout, Received, Rounding, Step, Trace};
use crate::words::{Piece, pieces};

/// A step: what it is about, and its equations.
#[derive(Clone, Debug)]
pub(crate) struct Derived {
    pub pass: Pass,
    /// The position of its node among those that take part.
    #[cfg_attr(not(feature = "page"), allow(dead_code))] // For slides.
    pub place: usize,
    pub sentence: Vec<Word>,
    pub equations: Vec<Equation>,
    pub notes: Vec<Vec<Word>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    Forward,
    Backward,
}

/// A part of a sentence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Word {
    Text(String),
    Math(Math),
}

/// `left = a = b = c`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Equation {
    pub left: Math,
    /// The relation to the first side: `=`, `∈`, or `+=` for what is added.
    pub sign: &'static str,
    pub sides: Vec<Math>,
}

impl Equation {
    fn new(left: Math, sides: Vec<Math>) -> Self {
        Self { left, sign: "=", sides: distinct(sides) }
    }
}

/// Without a side that reads as the one before.
fn distinct(sides: Vec<Math>) -> Vec<Math> {
    let mut kept: Vec<Math> = Vec::new();
    for side in sides {
        if kept.last() != Some(&side) {
            kept.push(side);
        }
    }
    kept
}

/// A sentence about a node, given what else stands in its gaps.
fn about<A: Float>(
    node: Var<'_, A>,
    template: &'static str,
    gaps: &[(&str, &dyn Display)],
) -> Vec<Word> {
    let word = |piece: Piece| match piece {
        Piece::Text(text) => Word::Text(text.to_owned()),
        Piece::Gap("name") => Word::Math(name(&node.label()).0),
        Piece::Gap(gap) => {
            let value = gaps.iter().find(|known| known.0 == gap);
            Word::Text(value.map_or(String::new(), |known| known.1.to_string()))
        }
    };
    pieces(template).map(word).collect()
}

/// `∂a/∂b`.
fn partial<A: Float>(of: Var<'_, A>, by: Var<'_, A>) -> Math {
    let d = |x: Var<'_, A>| Box::new(Math::Row(vec![Math::Sign("∂"), name(&x.label()).0]));
    Math::Fraction(d(of), d(by))
}

/// The equations of all steps.
pub(crate) fn derive<A: Float>(trace: &Trace<'_, A>, layout: Layout) -> Vec<Derived> {
    let step = |step: Step<'_, '_, A>| match step {
        Step::Forward(step) => forward(trace, step, layout),
        Step::Backward(step) => backward(trace, step, layout),
    };
    trace.steps().map(step).collect()
}

/// A value in numbers, or what kind of thing it is.
fn shown<A: Float>(
    left: Math,
    mut sides: Vec<Math>,
    x: &Tensor<A>,
    rounding: Rounding,
) -> Equation {
    if let Some(numbers) = reading::numbers(x, rounding) {
        sides.push(numbers);
        return Equation::new(left, sides);
    }
    if sides.is_empty() {
        return Equation { left, sign: "∈", sides: vec![space(x)] };
    }
    Equation::new(left, sides)
}

/// The space that a tensor is an element of.
fn space<A: Float>(x: &Tensor<A>) -> Math {
    let lengths = x.shape().iter().map(|length| Math::Number(length.to_string()));
    let mut product = Vec::new();
    for length in lengths {
        if !product.is_empty() {
            product.push(Math::Sign("×"));
        }
        product.push(length);
    }
    let reals = Math::Name("ℝ".to_owned());
    Math::Power(Box::new(reals), Box::new(Math::Row(product)))
}

fn sides(written: Option<Written>) -> Vec<Math> {
    written.map_or(Vec::new(), |written| vec![written.names, written.numbers])
}

fn forward<A: Float>(trace: &Trace<'_, A>, step: Forward<'_, A>, layout: Layout) -> Derived {
    let node = step.node;
    let left = name(&node.label()).0;
    let Layout { rounding, language, .. } = layout;
    let sentence = match node.op() {
        Some(op) => about(node, language.is_computed, &[("op", &op)]),
        None if node.is_tracked() => about(node, language.is_variable, &[]),
        None => about(node, language.is_constant, &[]),
    };
    Derived {
        pass: Pass::Forward,
        place: trace.forward_step_of(node).unwrap_or_default(),
        sentence,
        equations: vec![shown(
            left,
            sides(reading::value(node, rounding)),
            &node.value(),
            rounding,
        )],
        notes: Vec::new(),
    }
}

fn backward<A: Float>(trace: &Trace<'_, A>, step: &Backward<'_, A>, layout: Layout) -> Derived {
    let node = step.node;
    let output = trace.output();
    let Layout { rounding, language, .. } = layout;
    let sentence = match step.uses.len() {
        _ if node == output => about(node, language.sweep_starts_at, &[]),
        1 => about(node, language.used_once, &[]),
        uses => about(node, language.used_times.of(uses as u128), &[("count", &uses)]),
    };
    let mut equations =
        vec![shown(bar(node), vec![partial(output, node)], &step.adjoint, rounding)];
    let mut notes = Vec::new();
    for (operand, contribution) in step.contributions.iter().enumerate() {
        match &contribution.received {
            Ok(received) => {
                equations.extend(passed(trace, step, operand, received, rounding));
            }
            Err(reason) => {
                let gaps: &[(&str, &dyn Display)] = &[("reason", &reason.text(language))];
                notes.push(about(contribution.operand, language.nothing_flows_to, gaps));
            }
        }
    }
    let place = trace.forward_step_of(node).unwrap_or_default();
    Derived { pass: Pass::Backward, place, sentence, equations, notes }
}

/// What an operand receives: the local derivative, the contribution, and the sum if there were
/// contributions before.
fn passed<A: Float>(
    trace: &Trace<'_, A>,
    step: &Backward<'_, A>,
    operand: usize,
    received: &Received<A>,
    rounding: Rounding,
) -> Vec<Equation> {
    let (node, to) = (step.node, step.contributions[operand].operand);
    let mut equations = Vec::new();
    if let (Some(written), Some(local)) =
        (reading::local(node, operand, rounding), step.local(operand))
    {
        let sides = vec![written.names, written.numbers];
        equations.push(shown(partial(node, to), sides, &local, rounding));
    }
    let written = reading::contribution(node, &step.adjoint, operand, rounding);
    let mut equation = shown(bar(to), sides(written), &received.value, rounding);
    let turn = trace.backward_step_of(to).and_then(|number| trace.step(number));
    if let Some(Step::Backward(turn)) = turn
        && turn.uses.len() > 1
        && equation.sign == "="
    {
        equation.sign = "+=";
    }
    equations.push(equation);
    if let Some(before) = &received.before
        && let Some(before) = reading::numbers(before, rounding)
        && let Some(value) = reading::numbers(&received.value, rounding)
    {
        let value = match value {
            Math::Row(_) => Math::Fence('(', Box::new(value), ')'),
            value => value,
        };
        let sum = Math::Row(vec![before, Math::Sign("+"), value]);
        equations.push(shown(bar(to), vec![sum], &received.after, rounding));
    }
    equations
}
