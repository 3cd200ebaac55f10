//! Rules applied to plain tensors, checked first.

use smallvec::SmallVec;

use crate::ground::shape::{count, has_endless_rows, room};
use crate::ground::{OpError, Problem, Shape};
use crate::number::Float;
use crate::rule::{Out, Rule};
use crate::tensor::Tensor;

/// The value, or a panic at the caller's line that says why there is none.
///
/// `unwrap_or_else` with a closure that panics would name the closure's line.
#[track_caller]
pub(crate) fn or_panic<T>(result: Result<T, impl std::fmt::Display>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

/// Refuses a wrong number of operands.
///
/// # Errors
/// If there are not `expected` operands.
pub fn arity<T>(expected: usize, operands: &[T]) -> Result<(), Problem> {
    if operands.len() == expected {
        Ok(())
    } else {
        Err(Problem::Arity { expected, given: operands.len() })
    }
}

/// The value of a rule on plain tensors, checked first.
///
/// # Errors
/// If the rule refuses the operands: which shapes, and what would fit.
#[inline]
pub fn apply<A: Float, R: Rule>(rule: &R, operands: &[&Tensor<A>]) -> Result<Tensor<A>, OpError> {
    let mut value = Tensor::default();
    apply_into(rule, operands, &mut value)?;
    Ok(value)
}

/// Computes the value of a rule into `out`, reusing its buffer where possible.
///
/// # Errors
/// If the rule refuses the operands; `out` is then as before, or holds part of a result.
///
/// ```
/// use ops::{Tensor, apply_into, rules::Matmul};
///
/// let (a, b) = (Tensor::from([[1.0, 2.0]]), Tensor::from([[3.0], [4.0]]));
/// let mut out = Tensor::zeros(&[1, 1]);
/// apply_into(&Matmul, &[&a, &b], &mut out)?;
/// assert_eq!(out, Tensor::from([[11.0]]));
/// # Ok::<(), ops::OpError>(())
/// ```
#[inline(never)] // One copy in a library serves all programs.
pub fn apply_into<A: Float, R: Rule>(
    rule: &R,
    operands: &[&Tensor<A>],
    out: &mut Tensor<A>,
) -> Result<(), OpError> {
    let shapes = shapes(operands);
    let shape = checked_shape(rule, &shapes)?;
    if !has_endless_rows(&shape) {
        let room = room(&shape, size_of::<A>());
        room.map_err(|problem| refused(rule.name(), &shapes, problem))?;
    }
    apply_again(rule, operands, &shape, out)
}

/// [`apply_into`] for operands whose shapes were accepted before, with a result of `shape`, which
/// [`checked_shape`] gave.
///
/// # Errors
/// If the rule refuses the numbers; `out` then holds part of a result.
///
/// # Panics
/// If the operands have other shapes than those that were accepted.
#[inline]
pub fn apply_again<A: Float, R: Rule>(
    rule: &R,
    operands: &[&Tensor<A>],
    shape: &[usize],
    out: &mut Tensor<A>,
) -> Result<(), OpError> {
    if has_endless_rows(shape) {
        *out = Tensor::zeros(shape); // A loop over the rows would never end.
        return Ok(());
    }
    let result = rule.forward(operands, Out::new(shape, out));
    result.map_err(|problem| refused(rule.name(), &shapes(operands), problem))
}

/// The shape of a rule's result, or an error that carries the shapes.
///
/// # Errors
/// If the rule refuses the operands.
#[inline]
pub fn checked_shape<R: Rule>(rule: &R, shapes: &[&[usize]]) -> Result<Shape, OpError> {
    accepted(rule.shape(shapes), rule.name(), shapes)
}

/// The shape that a rule has given, if a tensor can have so many elements.
fn accepted(
    given: Result<Shape, Problem>,
    rule: &'static str,
    operands: &[&[usize]],
) -> Result<Shape, OpError> {
    let shape = given.and_then(|shape| count(&shape, size_of::<f32>()).map(|_| shape));
    shape.map_err(|problem| refused(rule, operands, problem))
}

#[cold]
fn refused(rule: &'static str, operands: &[&[usize]], problem: Problem) -> OpError {
    OpError { rule, shapes: operands.iter().map(|x| Shape::from_slice(x)).collect(), problem }
}

fn shapes<'a, A: Float>(operands: &[&'a Tensor<A>]) -> SmallVec<[&'a [usize]; 3]> {
    operands.iter().map(|x| x.shape()).collect()
}

/// Computes a value by the rule's composition: the `forward` of a composed rule.
///
/// # Errors
/// None: a part that refuses its operands panics.
pub fn forward_by_parts<A: Float, R: Rule>(
    rule: &R,
    operands: &[&Tensor<A>],
    out: Out<'_, A>,
) -> Result<(), Problem> {
    out.set(rule.compose(operands).expect("a rule that is composed of others"))
}
