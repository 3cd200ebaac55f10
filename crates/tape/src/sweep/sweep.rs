//! The reverse sweep: backpropagation.

use ops::Float;

use super::adjoints::{Adjoints, Reach};
use super::swept::Swept;
use super::watch::Watch;
use crate::graph::var::Var;

// ANCHOR: sweep
/// Walks the graph from `output` backwards. The order of recording is a topological order, so in
/// reverse every node is met after all its uses: its adjoint is complete, and is passed on to its
/// operands, multiplied by the local derivatives.
pub(crate) fn sweep<'t, A: Float, T: Swept<'t, A>>(
    output: Var<'t, A>,
    seed: T,
    reach: Reach<'_>,
    watch: &mut impl Watch<T>,
) -> Adjoints<T> {
    let tape = output.tape();
    let mut adjoints = Adjoints::seeded(output, reach, seed);
    for node in adjoints.nodes().rev() {
        let Some(adjoint) = &adjoints.complete(tape, node, reach) else { continue };
        watch.complete(node, adjoint);
        T::contribute(tape, node, adjoint, &mut adjoints, watch);
    }
    adjoints
}
// ANCHOR_END: sweep
