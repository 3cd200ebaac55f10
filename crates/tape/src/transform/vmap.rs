//! A function of one row, over a whole batch.

use ndarray::Axis;
use ops::methods::LinearMethods;
use ops::{Float, Shape, Tensor};

use super::batch::Batch;
use crate::graph::error::{BatchError, TapeError};
use crate::graph::tape::Tape;
use crate::graph::var::Var;

/// The values of a function for every row of a batch at once: the result has a batch axis in front.
///
/// `axes` says, for each input, which of its axes counts the rows; `None` for an input that is the
/// same for all of them. The function is recorded once, for one row, and computed for all of them
/// by the same ops with one more axis. Written with variables, it is [`nested::vmap`], which can
/// stand inside a function that is differentiated, and around one:
///
/// ```
/// use tape::transform::{nested, vmap};
/// use tape::prelude::*;
///
/// // The gradient of each row's own loss.
/// fn loss<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
///     (v[0] * v[1]).sum().square()
/// }
/// let gradients = vmap(
///     |v| nested::grad(loss, v)[1],
///     &[ops::Tensor::from([[1.0, 2.0], [3.0, 4.0]]), ops::Tensor::from([1.0, -1.0])],
///     &[Some(0), None],
/// )?;
/// assert_eq!(gradients, ops::Tensor::from([[-2.0, -4.0], [-6.0, -8.0]])); // 2 (x·w) x
/// # Ok::<(), tape::error::TapeError>(())
/// ```
///
/// [`nested::vmap`]: super::nested::vmap
///
/// # Errors
/// If there is not one axis for each input, an axis does not exist, the inputs have different
/// numbers of rows, or none has rows.
pub fn vmap<A: Float>(
    f: impl for<'t> Fn(&[Var<'t, A>]) -> Var<'t, A>,
    inputs: &[Tensor<A>],
    axes: &[Option<isize>],
) -> Result<Tensor<A>, TapeError> {
    let tape = Tape::new();
    let x = super::variables(&tape, inputs);
    over_rows(&tape, |x| f(x), &x, axes).map(|(value, _)| value.value())
}

/// The names of the ops that [`vmap`] computes row by row, because no rule of theirs takes a whole
/// batch: where the time goes, if a batch is slow.
///
/// ```
/// use tape::transform::vmap_loops;
/// use tape::prelude::*;
///
/// let x = [ops::Tensor::from([[3.0, 1.0, 2.0], [0.5, 0.2, 0.9]])];
/// assert!(vmap_loops(|v| v[0].softmax(0).ln(), &x, &[Some(0)])?.is_empty());
/// # Ok::<(), tape::error::TapeError>(())
/// ```
///
/// # Errors
/// As of [`vmap`].
pub fn vmap_loops<A: Float>(
    f: impl for<'t> Fn(&[Var<'t, A>]) -> Var<'t, A>,
    inputs: &[Tensor<A>],
    axes: &[Option<isize>],
) -> Result<Vec<&'static str>, TapeError> {
    let tape = Tape::new();
    let x = super::variables(&tape, inputs);
    over_rows(&tape, |x| f(x), &x, axes).map(|(_, looped)| looped)
}

/// The value of `f` for every row, and the names of the ops that were computed row by row.
#[track_caller]
pub(super) fn over_rows<'t, A: Float>(
    tape: &'t Tape<A>,
    f: impl Fn(&[Var<'t, A>]) -> Var<'t, A>,
    inputs: &[Var<'t, A>],
    axes: &[Option<isize>],
) -> Result<(Var<'t, A>, Vec<&'static str>), TapeError> {
    let shapes: Vec<Shape> = inputs.iter().map(|x| x.shape()).collect();
    let (rows, axes) = rows_of(&shapes, axes)?;
    let mut of_row = inputs.to_vec();
    let mut pairs = Vec::new();
    for ((input, axis), shape) in of_row.iter_mut().zip(&axes).zip(&shapes) {
        let Some(axis) = *axis else { continue };
        let whole = axis_in_front(*input, axis, shape.len());
        let row = first_row(tape, whole);
        pairs.push((row, whole));
        *input = row;
    }
    let (y, read) = tape.with_reading(|| f(&of_row));
    if read {
        return Err(BatchError::ValueRead.into());
    }
    let batch = Batch::new(tape, rows, &pairs, tape.len());
    Ok((batch.value(y), batch.looped))
}

/// The number of rows, and the resolved axis that counts them in each input.
fn rows_of(
    shapes: &[Shape],
    axes: &[Option<isize>],
) -> Result<(usize, Vec<Option<usize>>), BatchError> {
    if shapes.len() != axes.len() {
        return Err(BatchError::AxisCount { axes: axes.len(), inputs: shapes.len() });
    }
    let mut rows: Option<(usize, usize)> = None;
    let mut resolved = Vec::with_capacity(axes.len());
    for (input, (shape, &axis)) in shapes.iter().zip(axes).enumerate() {
        let Some(axis) = axis else {
            resolved.push(None);
            continue;
        };
        let ndim = shape.len();
        let position = ops::shape::resolve_axis(axis, ndim)
            .map_err(|_| BatchError::NoSuchAxis { input: input + 1, axis, ndim })?;
        let length = shape[position];
        match rows {
            Some((first, known)) if known != length => {
                return Err(BatchError::Rows { first, rows: known, other: input + 1, length });
            }
            Some(_) => {}
            None => rows = Some((input + 1, length)),
        }
        resolved.push(Some(position));
    }
    Ok((rows.ok_or(BatchError::NoRows)?.1, resolved))
}

fn axis_in_front<A: Float>(x: Var<'_, A>, axis: usize, ndim: usize) -> Var<'_, A> {
    if axis == 0 {
        return x;
    }
    let others = (0..ndim).filter(|&other| other != axis);
    let order: Vec<isize> = std::iter::once(axis).chain(others).map(|axis| axis as isize).collect();
    x.permute(&order)
}

/// A leaf that stands for one row while the function is recorded: the first, or zeros if there is
/// none.
#[track_caller]
fn first_row<'t, A: Float>(tape: &'t Tape<A>, whole: Var<'t, A>) -> Var<'t, A> {
    let graph = tape.graph();
    let value = &graph[whole.index()].value;
    let row = if value.shape()[0] == 0 {
        Tensor::zeros(&value.shape()[1..])
    } else {
        Tensor::from(value.view().index_axis(Axis(0), 0))
    };
    let tracked = graph[whole.index()].tracked;
    drop(graph);
    if tracked { tape.var(row) } else { tape.constant(row) }
}
