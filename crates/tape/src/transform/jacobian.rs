//! Jacobians: one sweep for all directions at once, as a batch of cotangents or of tangents.

use ops::methods::LinearMethods;
use ops::{Float, Shape, Tensor};
use petgraph::graph::NodeIndex;

use super::batch::Batch;
use super::{elements, variables};
use crate::graph::tape::Tape;
use crate::graph::var::Var;
use crate::sweep::adjoints::Reach;
use crate::sweep::forward::push;
use crate::sweep::sweep::sweep;

/// The most elements that one value of a batch of directions should have; more directions are taken
/// in turns.
const AT_ONCE: usize = 1 << 22;

/// The Jacobian of a function of one input: the shape of the value, then that of the input. By
/// forward mode if the input has fewer elements than the value, by reverse mode otherwise; either
/// way in one sweep over a batch of directions, or in several if one would take too much memory.
///
/// ```
/// use tape::{prelude::*, transform::jacobian};
///
/// let j = jacobian(|x: Var<'_, f64>| x.square(), &ops::Tensor::from([1.0, 2.0]));
/// assert_eq!(j, ops::Tensor::from([[2.0, 0.0], [0.0, 4.0]]));
/// ```
pub fn jacobian<A: Float>(
    f: impl for<'t> Fn(Var<'t, A>) -> Var<'t, A>,
    input: &Tensor<A>,
) -> Tensor<A> {
    value_and_jacobian(f, input).1
}

/// The value of a function of one input, and its [`jacobian`].
pub fn value_and_jacobian<A: Float>(
    f: impl for<'t> Fn(Var<'t, A>) -> Var<'t, A>,
    input: &Tensor<A>,
) -> (Tensor<A>, Tensor<A>) {
    let tape = Tape::new();
    let x = tape.var(input);
    let y = f(x);
    let jacobian = if input.len() < elements(&y.shape()) {
        forward_jacobian(y, x, 0)
    } else {
        reverse_jacobian(y, &[x], 0)[0]
    };
    (y.value(), jacobian.value())
}

/// The Jacobians of a function with respect to each of its inputs, by reverse mode: one sweep over
/// a batch of cotangents gives all of them.
///
/// ```
/// use tape::{prelude::*, transform::jacobians};
///
/// let x = [ops::Tensor::from([1.0, 2.0]), ops::Tensor::scalar(3.0)];
/// let j = jacobians(|v: &[Var<'_, f64>]| v[0] * v[1], &x);
/// assert_eq!(j, [ops::Tensor::from([[3.0, 0.0], [0.0, 3.0]]), ops::Tensor::from([1.0, 2.0])]);
/// ```
pub fn jacobians<A: Float>(
    f: impl for<'t> Fn(&[Var<'t, A>]) -> Var<'t, A>,
    inputs: &[Tensor<A>],
) -> Vec<Tensor<A>> {
    let tape = Tape::new();
    let x = variables(&tape, inputs);
    reverse_jacobian(f(&x), &x, 0).into_iter().map(Var::value).collect()
}

/// The Jacobian by forward mode: one sweep over a batch of tangents, one for each element of the
/// input.
pub fn jacobian_forward<A: Float>(
    f: impl for<'t> Fn(Var<'t, A>) -> Var<'t, A>,
    input: &Tensor<A>,
) -> Tensor<A> {
    let tape = Tape::new();
    let x = tape.var(input);
    forward_jacobian(f(x), x, 0).value()
}

/// The Jacobian by reverse mode: one sweep over a batch of cotangents, one for each element of the
/// value.
pub fn jacobian_reverse<A: Float>(
    f: impl for<'t> Fn(Var<'t, A>) -> Var<'t, A>,
    input: &Tensor<A>,
) -> Tensor<A> {
    let tape = Tape::new();
    let x = tape.var(input);
    reverse_jacobian(f(x), &[x], 0)[0].value()
}

/// The Jacobians of `y` with respect to each of `x`: the sweep recorded for one cotangent, and then
/// for all of them.
pub(super) fn reverse_jacobian<'t, A: Float>(
    y: Var<'t, A>,
    x: &[Var<'t, A>],
    since: usize,
) -> Vec<Var<'t, A>> {
    let (tape, from) = (y.tape(), y.shape());
    let whole = for_all(tape, &from, |seed| {
        let adjoints = sweep(y, seed, Reach::Since(since), &mut ());
        x.iter().map(|x| adjoints.get(x.position()).copied()).collect()
    });
    let shape = |x: &Var<'t, A>| from.iter().copied().chain(x.shape()).collect::<Shape>();
    let zeros = |x: &Var<'t, A>| tape.constant(Tensor::zeros(&shape(x)));
    let of = |(x, row): (&Var<'t, A>, Option<Var<'t, A>>)| {
        row.map_or_else(|| zeros(x), |row| row.reshape(&shape(x)[..]))
    };
    x.iter().zip(whole).map(of).collect()
}

/// The Jacobian of `y` with respect to `x`: forward mode recorded for one tangent, and then for all
/// of them.
pub(super) fn forward_jacobian<'t, A: Float>(
    y: Var<'t, A>,
    x: Var<'t, A>,
    since: usize,
) -> Var<'t, A> {
    let (tape, from, to) = (y.tape(), y.shape(), x.shape());
    let whole = for_all(tape, &to, |seed| vec![push(y, since, &[(x, seed)])]);
    let shape: Shape = from.iter().chain(&to).copied().collect();
    match whole[0] {
        Some(columns) => {
            let columns = columns.reshape(&[elements(&to), elements(&from)][..]);
            columns.t().reshape(&shape[..])
        }
        None => tape.constant(Tensor::zeros(&shape)),
    }
}

/// What `record` records for a direction, for all unit directions of a shape: each value with an axis in
/// front that counts them. One recording is for all of them, unless a function of it looks at the numbers of
/// its direction: then each has its own.
fn for_all<'t, A: Float>(
    tape: &'t Tape<A>,
    shape: &[usize],
    record: impl Fn(Var<'t, A>) -> Vec<Option<Var<'t, A>>>,
) -> Vec<Option<Var<'t, A>>> {
    let directions = elements(shape);
    let unit = |range| tape.constant(units(shape, range).reshape(shape));
    let seed = unit(0..directions.min(1));
    let (values, read) = tape.with_reading(|| record(seed));
    if !read {
        return in_batches(seed, &values);
    }
    let others = (1..directions).map(|i| record(unit(i..i + 1)));
    let each: Vec<_> = std::iter::once(values).chain(others).collect();
    let joined = |value: usize| {
        let some = each.iter().find_map(|values| values[value])?;
        let zeros = || tape.constant(Tensor::zeros(&some.shape()));
        let of_each: Vec<Var<'t, A>> =
            each.iter().map(|values| values[value].unwrap_or_else(zeros)).collect();
        Some(of_each[0].stack(&of_each[1..], 0))
    };
    (0..each[0].len()).map(joined).collect()
}

/// What was recorded for one direction, for all unit directions: each of `values` with an axis in
/// front that counts them.
fn in_batches<'t, A: Float>(
    seed: Var<'t, A>,
    values: &[Option<Var<'t, A>>],
) -> Vec<Option<Var<'t, A>>> {
    let (tape, shape) = (seed.tape(), seed.shape());
    let directions = elements(&shape);
    let largest = (seed.position()..tape.len())
        .map(|position| elements(&Var::new(tape, NodeIndex::new(position)).shape()))
        .max();
    let at_once = (AT_ONCE / largest.unwrap_or(1).max(1)).max(1);
    let end = tape.len();
    let mut turns: Vec<Vec<Option<Var<'t, A>>>> = vec![Vec::new(); values.len()];
    for first in (0..directions.max(1)).step_by(at_once) {
        let units = units(&shape, first..directions.min(first + at_once));
        let seeds = tape.constant(units);
        let batch = Batch::new(tape, seeds.shape()[0], &[(seed, seeds)], end);
        for (turns, value) in turns.iter_mut().zip(values) {
            turns.push(value.map(|value| batch.value(value)));
        }
    }
    let joined = |turns: Vec<Option<Var<'t, A>>>| {
        let turns: Option<Vec<Var<'t, A>>> = turns.into_iter().collect();
        let turns = turns?;
        let (first, rest) = turns.split_first()?;
        Some(if rest.is_empty() { *first } else { first.concat(rest, 0) })
    };
    turns.into_iter().map(joined).collect()
}

/// Unit tensors of a shape, one for each number of a range, with an axis in front.
fn units<A: Float>(shape: &[usize], range: std::ops::Range<usize>) -> Tensor<A> {
    let size = elements(shape);
    let mut numbers = vec![A::zero(); range.len() * size];
    for (row, i) in range.clone().enumerate() {
        numbers[row * size + i] = A::one();
    }
    let shape: Shape = std::iter::once(range.len()).chain(shape.iter().copied()).collect();
    Tensor::from_shape_vec(&shape, numbers).expect("as many elements as the shape holds")
}
