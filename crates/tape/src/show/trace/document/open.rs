//! Opens the elements of small tensors.

use ops::Float;

use super::{Opening, Settings};
use crate::graph::var::Var;
use crate::show::trace::terms::indices;
use crate::show::trace::{Backward, Sum, Trace};

/// What each element of a value is the sum of; none if it is large or there is no room.
pub(super) fn value<A: Float>(
    trace: &Trace<'_, A>,
    x: Var<'_, A>,
    settings: &Settings,
    room: &mut usize,
) -> Vec<Opening> {
    let operands = x.operands();
    let is_small = |x: &Var<'_, A>| x.value().len() <= settings.elements;
    // Of numbers the formula says it all.
    let has_elements = operands.iter().chain([&x]).any(|x| !x.shape().is_empty());
    if operands.is_empty() || !has_elements || !operands.iter().chain([&x]).all(is_small) {
        return Vec::new();
    }
    let node = trace.nodes().iter().find(|node| node.position() == x.position());
    let Some(&node) = node else { return Vec::new() };
    let mut all = Vec::new();
    for index in indices(&x.shape()) {
        let Ok(opened) = trace.terms(node, &index, settings.rounding) else { return Vec::new() };
        let mut opening = opened.sums.first().map_or_else(Opening::default, Opening::of);
        let part = |sum: &Sum<A>| {
            let value = settings.rounding.number(sum.value);
            format!("{} = {} = {} = {value}", sum.name, sum.names(), sum.numbers())
        };
        opening.parts = opened.parts.iter().map(part).collect();
        all.push(opening);
        if !fits(&all, *room) {
            return Vec::new();
        }
    }
    take(all, room)
}

/// What each element of a contribution is the sum of; none if it is large or there is no room.
pub(super) fn contribution<A: Float>(
    step: &Backward<'_, A>,
    operand: usize,
    settings: &Settings,
    room: &mut usize,
) -> Vec<Opening> {
    let Ok(received) = &step.contributions[operand].received else { return Vec::new() };
    let shape = received.value.shape();
    let large = |length: usize| length > settings.elements;
    if shape.is_empty() && step.adjoint.ndim() == 0
        || large(received.value.len())
        || large(step.adjoint.len())
    {
        return Vec::new();
    }
    let mut all = Vec::new();
    for index in indices(shape) {
        all.extend(step.terms(operand, &index, settings.rounding).map(|sum| Opening::of(&sum)));
        if !fits(&all, *room) {
            return Vec::new();
        }
    }
    take(all, room)
}

impl Opening {
    fn of<A: Float>(sum: &Sum<A>) -> Self {
        let (names, numbers) = (sum.names(), sum.numbers());
        let numbers = if numbers == names { String::new() } else { numbers };
        Self { names, numbers, parts: Vec::new() }
    }

    fn length(&self) -> usize {
        self.names.len() + self.numbers.len() + self.parts.iter().map(String::len).sum::<usize>()
    }
}

pub(super) fn fits(all: &[Opening], room: usize) -> bool {
    all.iter().map(Opening::length).sum::<usize>() <= room
}

pub(super) fn take(all: Vec<Opening>, room: &mut usize) -> Vec<Opening> {
    *room -= all.iter().map(Opening::length).sum::<usize>();
    all
}
