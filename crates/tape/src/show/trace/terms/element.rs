//! Elements: their names, their numbers, and which of them broadcasting joins.

use ops::{Binding, Float, Formula, Notation, Shape, Tensor};

use super::Factor;
use crate::graph::var::Var;
use crate::show::trace::Rounding;
use crate::show::trace::formula::scalar;

/// `W[1,0]`; of a scalar, its name.
pub(super) fn name(value: &str, index: &[usize]) -> String {
    if index.is_empty() {
        return value.to_owned();
    }
    let index: Vec<String> = index.iter().map(usize::to_string).collect();
    format!("{value}[{}]", index.join(","))
}

/// An element of a tensor.
pub(super) fn at<A: Float>(x: &Tensor<A>, index: &[usize]) -> A {
    x.view()[index]
}

/// The index of an element, from its number in order.
pub(crate) fn index_of(shape: &[usize], mut number: usize) -> Shape {
    let mut index = Shape::from_elem(0, shape.len());
    for axis in (0..shape.len()).rev() {
        index[axis] = number % shape[axis];
        number /= shape[axis];
    }
    index
}

/// All indices of a shape, in order.
pub(crate) fn indices(shape: &[usize]) -> impl Iterator<Item = Shape> + '_ {
    (0..shape.iter().product()).map(|number| index_of(shape, number))
}

/// A tensor that is 1 at one element and 0 elsewhere.
pub(super) fn unit<A: Float>(shape: &[usize], index: &[usize]) -> Tensor<A> {
    let mut unit = Tensor::zeros(shape);
    unit.view_mut()[index] = A::from_f64(1.0);
    unit
}

/// The element of an operand that an element of the result reads, where it is broadcast.
pub(super) fn broadcast_index(operand: &[usize], index: &[usize]) -> Shape {
    let own = &index[index.len() - operand.len()..];
    own.iter().zip(operand).map(|(&i, &length)| if length == 1 { 0 } else { i }).collect()
}

/// The elements of the result that read an element of an operand, where it is broadcast.
pub(super) fn readers(result: &[usize], operand: &[usize], index: &[usize]) -> Vec<Shape> {
    let missing = result.len() - operand.len();
    let lengths: Shape = result
        .iter()
        .enumerate()
        .map(|(axis, &length)| match axis.checked_sub(missing) {
            Some(own) if operand[own] == length => 1,
            _ => length,
        })
        .collect();
    let place = |free: Shape| -> Shape {
        let own = |axis: usize| match axis.checked_sub(missing) {
            Some(own) if operand[own] == result[axis] => index[own],
            _ => free[axis],
        };
        (0..result.len()).map(own).collect()
    };
    indices(&lengths).map(place).collect()
}

/// An element of a node as a symbol, as its number, and as a factor.
pub(super) struct Symbol {
    pub name: Formula,
    pub number: Formula,
    pub factor: Factor,
}

impl Symbol {
    /// An element of a value.
    pub fn value<A: Float>(x: Var<'_, A>, index: &[usize], rounding: Rounding) -> Self {
        Self::new(x, x.enclosed_label(), at(&x.value(), index), index, rounding)
    }

    /// An element of an adjoint.
    pub fn adjoint<A: Float>(
        x: Var<'_, A>,
        adjoint: &Tensor<A>,
        index: &[usize],
        rounding: Rounding,
    ) -> Self {
        Self::new(x, x.adjoint_label(), at(adjoint, index), index, rounding)
    }

    fn new<A: Float>(
        x: Var<'_, A>,
        label: String,
        value: A,
        index: &[usize],
        rounding: Rounding,
    ) -> Self {
        Self {
            name: Formula::symbol(name(&label, index), &[]),
            number: scalar(value, rounding),
            factor: Factor { position: x.position(), name: label, index: index.into() },
        }
    }
}

/// The product of numbers and elements, in names and in numbers. A coefficient of 1 is not written.
pub(super) fn product<A: Float>(
    coefficient: A,
    symbols: &[Symbol],
    rounding: Rounding,
) -> (String, String) {
    let write = |part: fn(&Symbol) -> &Formula| {
        let mut factors: Vec<Formula> = symbols.iter().map(|symbol| part(symbol).clone()).collect();
        let c = coefficient.to_f64();
        let minus = c == -1.0 && !factors.is_empty();
        if c != 1.0 && !minus || factors.is_empty() {
            factors.insert(0, scalar(coefficient, rounding));
        }
        let times = |a: Formula, b: Formula| {
            Formula::notate("", Notation::Infix(" · ", Binding::Product), &[&a, &b])
        };
        let all = factors.into_iter().reduce(times).expect("there is a factor");
        let all = if minus { Formula::notate("", Notation::Prefix("-"), &[&all]) } else { all };
        all.compact().to_string()
    };
    (write(|symbol| &symbol.name), write(|symbol| &symbol.number))
}
