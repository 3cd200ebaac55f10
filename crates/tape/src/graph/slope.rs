//! Products v · slope, which are recorded as formulas and may be replayed as one step each.

use std::any::TypeId;
use std::cell::Ref;
use std::fmt::{self, Debug};

use ops::describe::Attributes;
use ops::probe::SlopeReads;
use ops::{Elementwise, Float, SlopeStep};
use petgraph::graph::NodeIndex;
use smallvec::SmallVec;

use crate::graph::op::Pointwise;
use crate::graph::tape::Tape;
use crate::graph::var::Var;

/// A formula for v times the slope of a rule, recorded node by node.
pub(crate) struct SlopeNote<A: Float> {
    /// The first node of the formula, and the last, which is the product. All between were recorded
    /// for it.
    pub first: NodeIndex,
    pub product: NodeIndex,
    /// What the step reads.
    pub operands: SmallVec<[NodeIndex; 4]>,
    /// The number of ops that the step does, each as often as it is read.
    pub ops: u32,
    /// The product as one step.
    step: Box<dyn Pointwise<A>>,
}

impl<A: Float> Debug for SlopeNote<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}..={:?} from {:?}", self.first, self.product, self.operands)
    }
}

impl<A: Float> SlopeNote<A> {
    pub fn step(&self) -> Box<dyn Pointwise<A>> {
        self.step.boxed()
    }

    /// The same note on another tape, whose nodes `new` gives, if they are all there.
    pub fn moved(&self, new: impl Fn(usize) -> Option<NodeIndex>) -> Option<Self> {
        let product = new(self.product.index())?;
        let first = (self.first.index()..=self.product.index()).find_map(&new)?;
        let operands = self.operands.iter().map(|x| new(x.index())).collect::<Option<_>>()?;
        Some(Self { first, product, operands, ops: self.ops, step: self.step() })
    }
}

impl<A: Float> Tape<A> {
    /// The notes, in the order of recording.
    pub(crate) fn slopes(&self) -> Ref<'_, Vec<SlopeNote<A>>> {
        self.slopes.borrow()
    }

    pub(crate) fn add_slope(&self, note: SlopeNote<A>) {
        self.slopes.borrow_mut().push(note);
    }

    /// Notes that what was recorded from position `first` on is `v` times the slope of a rule.
    pub(crate) fn note_slope<E: Elementwise<N>, const N: usize>(
        &self,
        (first, product): (usize, Var<'_, A>),
        (rule, operand): (E, usize),
        operands: [&Var<'_, A>; N],
        [output, v]: [&Var<'_, A>; 2],
    ) {
        // One node is no formula, and a product that was there before is none of this.
        if first >= product.position() || product.position() + 1 != self.len() {
            return;
        }
        let step = SlopeStep::new(rule, operand);
        self.add_slope(SlopeNote {
            first: NodeIndex::new(first),
            product: product.index(),
            operands: what_is_read(step.reads(), &operands, [output, v]),
            ops: SlopeReads::ops_times_slope(rule, operand),
            step: Box::new(Slope(step)),
        });
    }
}

/// Of the operands and the output of a rule, those that its slope reads, and v.
fn what_is_read<A: Float>(
    reads: SlopeReads,
    operands: &[&Var<'_, A>],
    [output, v]: [&Var<'_, A>; 2],
) -> SmallVec<[NodeIndex; 4]> {
    let read = operands.iter().enumerate().filter(|&(i, _)| reads.operand(i)).map(|(_, x)| *x);
    let output = reads.output().then_some(output);
    read.chain(output).chain([v]).map(|x| x.index()).collect()
}

/// The step, as a program holds it.
#[derive(Clone, Copy, Debug)]
struct Slope<E, const N: usize>(SlopeStep<E, N>);

impl<A: Float, E: Elementwise<N>, const N: usize> Pointwise<A> for Slope<E, N> {
    fn fill(&self, operands: &[&[A]], out: &mut [A]) {
        self.0.fill(operands, out);
    }
    fn fill_at(&self, numbers: &mut [A], to: usize, last: A, indices: &[u32]) -> A {
        self.0.fill_at(numbers, to, last, indices)
    }
    fn identity(&self) -> Option<(TypeId, Attributes)> {
        let settings = self.0.settings();
        // Beside the operand, a rule that is no constant has said what it is made of.
        (size_of::<E>() == 0 || settings.len() > 1).then(|| (TypeId::of::<Self>(), settings))
    }
    fn boxed(&self) -> Box<dyn Pointwise<A>> {
        Box::new(*self)
    }
}
