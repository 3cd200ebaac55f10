//! Rules that move elements.

use ops::rules;

use super::super::graph::{Graph, integer, integers};
use super::super::proto;
use super::super::symint::SymInt;
use super::{Op, Translations, from_zero, reshape};

impl Translations {
    pub(super) fn layouts(&mut self) {
        self.rule::<rules::Identity>(|_, op| Ok(op.inputs[0].to_owned()));
        self.rule::<rules::Reshape>(|graph, op| Ok(reshape(graph, op.inputs[0], &op.output)));
        self.rule::<rules::BroadcastTo>(|graph, op| {
            let shape = graph.counts(&op.output);
            Ok(graph.node("Expand", &[op.inputs[0], &shape], vec![]))
        });
        self.rule::<rules::Permute>(|graph, op| {
            let ndim = op.shapes[0].len() as i64;
            let axes = op.settings.integers("axes")?.unwrap_or_else(|| (0..ndim).rev().collect());
            let axes = from_zero(axes, ndim);
            Ok(graph.node("Transpose", op.inputs, vec![integers("perm", axes)]))
        });
        self.rule::<rules::Concat>(|graph, op| {
            let axis = op.axis("axis")?;
            Ok(graph.node("Concat", op.inputs, vec![integer("axis", axis)]))
        });
        self.rule::<rules::Slice>(slice);
        self.rule::<rules::IndexSelect>(|graph, op| {
            let indices = graph.integers(&op.settings.list("indices")?);
            let axis = op.axis("axis")?;
            Ok(graph.node("Gather", &[op.inputs[0], &indices], vec![integer("axis", axis)]))
        });
        self.rule::<rules::Gather>(|graph, op| {
            let indices = whole_numbers(graph, op.inputs[1]);
            Ok(graph.node("Gather", &[op.inputs[0], &indices], vec![integer("axis", 0)]))
        });
        self.rule::<rules::OneHot>(|graph, op| {
            let labels = whole_numbers(graph, op.inputs[0]);
            let classes = graph.shaped_integers(&[], &[op.settings.integer("classes")?]);
            let off_and_on = graph.tensor("off_and_on", &[2], &[0.0, 1.0]);
            Ok(graph.node("OneHot", &[&labels, &classes, &off_and_on], vec![]))
        });
        self.rule::<rules::TakeAlong>(|graph, op| {
            let (shape, indices) = (op.settings.list("shape")?, op.settings.list("indices")?);
            let indices = graph.shaped_integers(&shape, &indices);
            let axis = op.axis("axis")?;
            Ok(graph.node("GatherElements", &[op.inputs[0], &indices], vec![integer("axis", axis)]))
        });
        self.rule::<rules::AxisMap>(axis_map);
        self.rule::<rules::Triangle>(|graph, op| {
            let offset = graph.shaped_integers(&[], &[op.settings.integer("offset")?]);
            let upper = integer("upper", op.settings.flag("upper").into());
            Ok(graph.node("Trilu", &[op.inputs[0], &offset], vec![upper]))
        });
        self.rule::<rules::Cumsum>(|graph, op| {
            let axis = graph.shaped_integers(&[], &[op.axis("axis")?]);
            let reverse = integer("reverse", op.settings.flag("reverse").into());
            Ok(graph.node("CumSum", &[op.inputs[0], &axis], vec![reverse]))
        });
    }
}

/// Indices and labels, which are floats here.
fn whole_numbers(graph: &mut Graph, x: &str) -> String {
    graph.node("Cast", &[x], vec![integer("to", proto::INT64.into())])
}

fn slice(graph: &mut Graph, op: &Op<'_>) -> Result<String, String> {
    let of = |name| op.settings.counts(name).ok_or("it is not known what is taken");
    let (starts, ends, steps) = (of("starts")?, of("ends")?, op.settings.list("steps")?);
    let whole = |&axis: &usize| {
        (starts[axis], ends[axis], steps[axis]) == (SymInt::Fixed(0), SymInt::Fixed(END), 1)
    };
    let axes: Vec<usize> = (0..steps.len()).filter(|axis| !whole(axis)).collect();
    let mut x = op.inputs[0].to_owned();
    if !axes.is_empty() {
        let bounds = axes.iter().map(|&axis| bounds(starts[axis], ends[axis], steps[axis]));
        let (starts, ends): (Vec<SymInt>, Vec<SymInt>) =
            bounds.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        let steps: Vec<i64> = axes.iter().map(|&axis| steps[axis]).collect();
        let axes: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
        let (starts, ends) = (graph.counts(&starts), graph.counts(&ends));
        let (axes, steps) = (graph.integers(&axes), graph.integers(&steps));
        x = graph.node("Slice", &[&x, &starts, &ends, &axes, &steps], vec![]);
    }
    let removed = op.settings.list("removed")?;
    if removed.is_empty() {
        return Ok(x);
    }
    let removed = graph.integers(&removed);
    Ok(graph.node("Squeeze", &[&x, &removed], vec![]))
}

/// What stands for the end of an axis, in rules as in ONNX.
const END: i64 = i64::MAX;

/// The bounds of a slice as ONNX has them. A negative step goes from the last element of the
/// range backwards: in ONNX such a slice starts at its end.
fn bounds(start: SymInt, end: SymInt, step: i64) -> Result<(SymInt, SymInt), String> {
    if step > 0 {
        return Ok((start, end));
    }
    let (SymInt::Fixed(start), SymInt::Fixed(end)) = (start, end) else {
        return Err("a slice that goes backwards depends on the batch".into());
    };
    let from = if end == END { -1 } else { end - 1 };
    let to = if start == 0 { i64::MIN } else { start - 1 };
    Ok((SymInt::Fixed(from), SymInt::Fixed(to)))
}

/// A linear map along an axis: indices that are taken, or a matrix product.
fn axis_map(graph: &mut Graph, op: &Op<'_>) -> Result<String, String> {
    let list = |name| op.settings.list(name);
    let (mut to, mut from) = (list("to")?, list("from")?);
    let (mut rows, mut length) = (op.settings.integer("rows")?, op.settings.integer("length")?);
    if op.settings.flag("adjoint") {
        (to, from) = (from, to);
        (rows, length) = (length, rows);
    }
    let (weights, axis, x) = (op.settings.numbers("weights"), op.axis("axis")?, op.inputs[0]);
    let copies = weights.iter().all(|&weight| weight == 1.0) && to.iter().copied().eq(0..rows);
    if copies {
        let from = graph.integers(&from);
        return Ok(graph.node("Gather", &[x, &from], vec![integer("axis", axis)]));
    }
    let mut matrix = vec![0.0_f32; (length * rows) as usize];
    for ((&to, &from), &weight) in to.iter().zip(&from).zip(weights) {
        matrix[(from * rows + to) as usize] += weight as f32;
    }
    let matrix = graph.tensor("map", &[length as usize, rows as usize], &matrix);
    let ndim = op.shapes[0].len() as i64;
    let mut last: Vec<i64> = (0..ndim).collect();
    last.swap(axis as usize, ndim as usize - 1);
    let x = graph.node("Transpose", &[x], vec![integers("perm", &last[..])]);
    let product = graph.node("MatMul", &[&x, &matrix], vec![]);
    Ok(graph.node("Transpose", &[&product], vec![integers("perm", last)]))
}
