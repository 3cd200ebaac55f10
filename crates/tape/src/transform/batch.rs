//! A recording over a whole batch: what was recorded for one row, once more with a batch axis in
//! front of everything that depends on the row.

use std::ops::Range;
use std::panic::Location;

use ndarray::SliceInfoElem;
use ops::methods::LinearMethods;
use ops::{Batched, Float, Lead, Shape};
use petgraph::graph::NodeIndex;
use smallvec::SmallVec;

use crate::graph::node::{Source, operands};
use crate::graph::op::{BoxedOp, Op};
use crate::graph::tape::Tape;
use crate::graph::var::Var;

/// The recording for one row, node by node, and what it is for the batch.
pub(super) struct Batch<'t, A: Float> {
    tape: &'t Tape<A>,
    /// The length of the batch axis.
    rows: usize,
    /// The number of the first node that may depend on a row.
    since: usize,
    /// From `since` on: the values for the whole batch, of the nodes that depend on a row.
    whole: Vec<Option<Var<'t, A>>>,
    /// The names of ops that each row was computed with by itself.
    pub looped: Vec<&'static str>,
}

/// An operand of an op over a batch.
struct Operand<'t, A: Float> {
    /// The value for one row.
    row: Var<'t, A>,
    /// That for the batch, if it depends on the row.
    whole: Option<Var<'t, A>>,
}

impl<'t, A: Float> Batch<'t, A> {
    /// Records the batch in which each of `inputs`, leaves of the recording for one row, stands for a
    /// value with the batch axis in front. The recording ends before node number `end`.
    pub fn new(
        tape: &'t Tape<A>,
        rows: usize,
        inputs: &[(Var<'t, A>, Var<'t, A>)],
        end: usize,
    ) -> Self {
        let since = inputs.iter().map(|(row, _)| row.position()).min().unwrap_or(end);
        let whole = vec![None; end - since];
        let mut batch = Self { tape, rows, since, whole, looped: Vec::new() };
        for &(row, whole) in inputs {
            batch.whole[row.position() - since] = Some(whole);
        }
        batch.record_nodes(since..end);
        batch
    }

    /// The value for the whole batch of what was recorded for one row.
    pub fn value(&self, row: Var<'t, A>) -> Var<'t, A> {
        self.get(row).unwrap_or_else(|| repeated(row, self.rows))
    }

    fn get(&self, row: Var<'t, A>) -> Option<Var<'t, A>> {
        *self.whole.get(row.position().checked_sub(self.since)?)?
    }

    /// Records the nodes of a range over the batch.
    fn record_nodes(&mut self, nodes: Range<usize>) {
        for position in nodes {
            let missing = position + 1 - self.since;
            self.whole.resize(self.whole.len().max(missing), None);
            if self.whole[missing - 1].is_none() {
                self.whole[missing - 1] = self.node(NodeIndex::new(position));
            }
        }
    }

    /// The value of a node for the whole batch, if it depends on the row.
    fn node(&mut self, node: NodeIndex) -> Option<Var<'t, A>> {
        let graph = self.tape.graph();
        let given: SmallVec<[Operand<'t, A>; 3]> = operands(&graph, node)
            .iter()
            .map(|&x| Var::new(self.tape, x))
            .map(|row| Operand { row, whole: self.get(row) })
            .collect();
        if given.iter().all(|x| x.whole.is_none()) {
            return None;
        }
        let (origin, tracked) = ((graph[node].location, graph[node].scope), graph[node].tracked);
        let op = graph[node].source.op().map(Op::boxed);
        let detached = matches!(graph[node].source, Source::Detached);
        drop(graph);
        let tape = self.tape;
        let whole = match op {
            Some(op) => tape.at(origin, || self.op(&op, &given, &Var::new(tape, node), origin.0)),
            None if detached => {
                tape.at(origin, || tape.record_detached(given[0].whole.unwrap_or(given[0].row)))
            }
            None => return None,
        };
        if tracked {
            tape.track(whole);
        }
        Some(whole)
    }

    /// An op on the whole batch: by a rule of its kind, by its parts, or row by row.
    fn op(
        &mut self,
        op: &BoxedOp<A>,
        given: &[Operand<'t, A>],
        row: &Var<'t, A>,
        location: &'static Location<'static>,
    ) -> Var<'t, A> {
        let shapes: SmallVec<[Shape; 3]> = given.iter().map(|x| x.row.shape()).collect();
        let shapes: SmallVec<[&[usize]; 3]> = shapes.iter().map(|shape| &shape[..]).collect();
        let along: SmallVec<[bool; 3]> = given.iter().map(|x| x.whole.is_some()).collect();
        if let Some(Batched { rule, lead }) = op.batched(self.rows, &shapes, &along) {
            let axes = row.shape().len();
            let given: SmallVec<[Var<'t, A>; 3]> =
                given.iter().map(|x| x.lead(lead, self.rows, axes)).collect();
            let whole = self.record(rule, &given, location);
            return match lead {
                Lead::Folded | Lead::FoldedRepeated => {
                    whole.reshape(&batch_shape(*row, self.rows)[..])
                }
                _ => whole,
            };
        }
        let before = self.tape.len();
        let rows: SmallVec<[&Var<'t, A>; 3]> = given.iter().map(|x| &x.row).collect();
        if let Some(composed) = op.compose(&rows) {
            self.record_nodes(before..self.tape.len());
            return self.value(composed);
        }
        self.row_by_row(op, given, *row, location)
    }

    /// An op on one row after the other; `row` is its result for one.
    fn row_by_row(
        &mut self,
        op: &BoxedOp<A>,
        given: &[Operand<'t, A>],
        row: Var<'t, A>,
        location: &'static Location<'static>,
    ) -> Var<'t, A> {
        if !self.looped.contains(&op.name()) {
            self.looped.push(op.name());
        }
        let results: Vec<Var<'t, A>> = (0..self.rows)
            .map(|row| {
                let of = |x: &Operand<'t, A>| x.whole.map_or(x.row, |whole| row_of(whole, row));
                let given: SmallVec<[Var<'t, A>; 3]> = given.iter().map(of).collect();
                self.record(op.boxed(), &given, location)
            })
            .collect();
        match results.split_first() {
            Some((first, rest)) => first.stack(rest, 0),
            None => repeated(row, 0),
        }
    }

    fn record(
        &self,
        op: BoxedOp<A>,
        operands: &[Var<'t, A>],
        location: &'static Location<'static>,
    ) -> Var<'t, A> {
        match self.tape.record_boxed(op, operands, location) {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        }
    }
}

impl<'t, A: Float> Operand<'t, A> {
    /// The operand as an op that is led so takes it; `axes` is the number of axes of its result for
    /// one row.
    fn lead(&self, lead: Lead, rows: usize, axes: usize) -> Var<'t, A> {
        let shape = self.row.shape();
        let Some(whole) = self.whole else {
            return match lead {
                Lead::Kept | Lead::Aligned | Lead::Folded => self.row,
                Lead::Repeated => repeated(self.row, rows),
                Lead::FoldedRepeated => folded(repeated(self.row, rows), rows),
            };
        };
        match lead {
            Lead::Repeated | Lead::Kept => whole,
            Lead::Folded | Lead::FoldedRepeated => folded(whole, rows),
            Lead::Aligned if shape.len() == axes => whole,
            Lead::Aligned => {
                let added = std::iter::repeat_n(1, axes.saturating_sub(shape.len()));
                let aligned: Shape = std::iter::once(rows).chain(added).chain(shape).collect();
                whole.reshape(&aligned[..])
            }
        }
    }
}

/// The shape of a value for the whole batch.
fn batch_shape<A: Float>(row: Var<'_, A>, rows: usize) -> Shape {
    std::iter::once(rows).chain(row.shape()).collect()
}

/// A value that is the same for every row, once for each.
fn repeated<A: Float>(row: Var<'_, A>, rows: usize) -> Var<'_, A> {
    row.stretch_to(&batch_shape(row, rows))
}

/// The batch axis folded into the one behind it.
fn folded<A: Float>(whole: Var<'_, A>, rows: usize) -> Var<'_, A> {
    let shape = whole.shape();
    let behind = shape.get(1).copied().unwrap_or(1);
    let rest = shape.iter().skip(2).copied();
    let shape: Shape = std::iter::once(rows * behind).chain(rest).collect();
    whole.reshape(&shape[..])
}

/// Row number `row` of a value with a batch axis in front.
fn row_of<A: Float>(whole: Var<'_, A>, row: usize) -> Var<'_, A> {
    let all = SliceInfoElem::Slice { start: 0, end: None, step: 1 };
    let rest = std::iter::repeat_n(all, whole.shape().len() - 1);
    let part: Vec<_> = std::iter::once(SliceInfoElem::Index(row as isize)).chain(rest).collect();
    whole.slice(part)
}
