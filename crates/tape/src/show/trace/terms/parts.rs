//! A composed op, opened into the elements of the ops that it is made of.

use std::collections::BTreeSet;

use ops::{Family, Float, Shape};

use super::element::{at, name};
use super::{Sum, Terms, value};
use crate::graph::tape::Tape;
use crate::graph::var::Var;
use crate::show::trace::Rounding;

/// The number of elements inside that are shown.
const MOST_INSIDE: usize = 24;

/// What an element was computed from inside a composed op, and the terms of the element itself.
pub(super) fn open<A: Float>(
    x: Var<'_, A>,
    index: &[usize],
    rounding: Rounding,
) -> (Vec<Sum<A>>, Terms<A>) {
    composed(x, index, rounding).unwrap_or_else(|| (Vec::new(), value::terms(x, index, rounding)))
}

fn composed<A: Float>(
    x: Var<'_, A>,
    index: &[usize],
    rounding: Rounding,
) -> Option<(Vec<Sum<A>>, Terms<A>)> {
    let graph = x.tape().graph();
    let op = graph[x.index()].source.op()?;
    if !matches!(op.family(), Family::Composed | Family::Own) {
        return None;
    }
    let tape = Tape::new();
    let operands: Vec<Var<'_, A>> =
        x.operands().into_iter().map(|x| tape.var(x.value()).named(x.enclosed_label())).collect();
    let result = op.compose(&operands.iter().collect::<Vec<_>>())?;
    if result.op().is_none() || result.shape() != x.shape() {
        return None;
    }
    let terms = value::terms(result, index, rounding);
    let mut parts = inside(&tape, &terms, rounding);
    parts.reverse();
    Some((parts, terms))
}

/// The elements that terms are made of, and those that these are made of, the last computed first.
fn inside<A: Float>(tape: &Tape<A>, terms: &Terms<A>, rounding: Rounding) -> Vec<Sum<A>> {
    let nodes: Vec<Var<'_, A>> = tape.vars().collect();
    let elements = |terms: &Terms<A>| -> Vec<(usize, Shape)> {
        let factors = terms.list.iter().flat_map(|term| &term.factors);
        factors.map(|factor| (factor.position, factor.index.clone())).collect()
    };
    let mut open: BTreeSet<(usize, Shape)> = elements(terms).into_iter().collect();
    let mut parts = Vec::new();
    while let Some((position, index)) = open.pop_last() {
        let node = nodes[position];
        if node.op().is_none() || parts.len() == MOST_INSIDE {
            continue;
        }
        let terms = value::terms(node, &index, rounding);
        open.extend(elements(&terms));
        parts.push(Sum {
            name: name(&node.enclosed_label(), &index),
            from: None,
            terms: terms.list,
            more: terms.more,
            rest: terms.rest,
            value: at(&node.value(), &index),
            product: None,
        });
    }
    parts
}
