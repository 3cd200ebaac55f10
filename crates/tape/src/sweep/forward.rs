//! Forward mode over what is recorded.

use ops::{Float, Tensor};
use petgraph::graph::NodeIndex;
use smallvec::SmallVec;

use crate::graph::node::operands;
use crate::graph::var::Var;
use crate::sweep::adjoints::plus;
use crate::sweep::swept::Swept;

/// Walks the graph forwards to `output`, from node number `since`: each op pushes the tangents of
/// its operands on to its result.
pub(crate) fn push<'t, A: Float, T: Swept<'t, A>>(
    output: Var<'t, A>,
    since: usize,
    along: &[(Var<'t, A>, T)],
) -> Option<T> {
    let tape = output.tape();
    let mut tangents: Vec<Option<T>> = vec![None; output.position() + 1];
    for (x, tangent) in along {
        if let Some(slot) = tangents.get_mut(x.position()) {
            plus(slot, tangent.clone());
        }
    }
    for node in (since..tangents.len()).map(NodeIndex::new) {
        let operands = operands(&tape.graph(), node);
        let given: SmallVec<[Option<&T>; 3]> =
            operands.iter().map(|x| tangents[x.index()].as_ref()).collect();
        if given.iter().all(Option::is_none) {
            continue;
        }
        if let Some(tangent) = T::pushforward(tape, node, &operands, &given) {
            drop(given);
            plus(&mut tangents[node.index()], tangent);
        }
    }
    tangents.pop().flatten()
}

impl<A: Float> Var<'_, A> {
    /// Forward mode: the derivative of this value along the given tangents of what it was
    /// computed from, in its own shape. One sweep, in the order of recording.
    ///
    /// # Panics
    /// If a tangent has another shape than its value, or a value is of another tape.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let (x, y) = (tape.var([1.0, 2.0]), tape.var(3.0));
    /// let product = x * y;
    /// let along = product.tangent(&[(x, [1.0, 0.0].into()), (y, 0.5.into())]);
    /// assert_eq!(along, ops::Tensor::from([3.5, 1.0]));
    /// ```
    #[track_caller]
    pub fn tangent(self, along: &[(Self, Tensor<A>)]) -> Tensor<A> {
        for (x, tangent) in along {
            assert!(
                std::ptr::eq(x.tape(), self.tape()),
                "a tangent was given for a value of another tape, recorded at {}",
                x.location()
            );
            let (shape, given) = (x.shape(), tangent.shape());
            assert!(
                shape[..] == *given,
                "a tangent of shape {given:?} was given for a value of shape {shape:?}, recorded \
                 at {}; the two must be equal",
                x.location()
            );
        }
        self.tape().note_reading();
        push(self, 0, along).unwrap_or_else(|| Tensor::zeros(&self.shape()))
    }
}
