//! What is only speed. A reader of rules never has to open this file.

use crate::number::Float;
use crate::tensor::Tensor;

/// Quicker ways of a rule to results that the rule gives anyway, to the same bits. The engine asks
/// for them by name; every method has a default that says there is none.
pub trait Shortcuts<A: Float> {
    /// The value and the contributions at numbers, if the rule is elementwise.
    fn at_numbers(&self) -> Option<&dyn AtNumbers<A>> {
        None
    }

    /// Whether [`accumulate`](Shortcuts::accumulate) adds the value at operands of these shapes
    /// without computing it first.
    fn accumulates(&self, _operands: &[&[usize]]) -> bool {
        false
    }

    /// Adds the value to a tensor of its shape.
    fn accumulate(&self, _operands: &[&Tensor<A>], _to: &mut Tensor<A>) {}

    /// The value from the sum of all elements of the operand, which has this shape, if that is all that
    /// the rule takes.
    fn of_sum(&self, _operand: &[usize], _sum: A) -> Option<A> {
        None
    }

    /// The operand that the rule copies before it computes, if there is one. Given the
    /// [`copy`](Shortcuts::copy) it computes the same bits, so that one copy serves several ops.
    fn copies(&self, _operands: &[&Tensor<A>]) -> Option<usize> {
        None
    }

    /// Copies such an operand into a tensor of its shape.
    fn copy(&self, _operand: &Tensor<A>, _to: &mut Tensor<A>) {}

    /// The multiply-adds of a product, by which networks are measured.
    fn mult_adds(&self, _operands: &[&[usize]], _output: &[usize]) -> u64 {
        0
    }
}

/// An elementwise rule at the numbers of single elements.
pub trait AtNumbers<A: Float>: Send + Sync {
    /// The value; `None` for another number of operands than the rule has.
    fn value(&self, operands: &[A]) -> Option<A>;

    /// What each of up to three operands gets from the cotangent; `None` for more operands.
    fn contributions(&self, operands: &[A], output: A, cotangent: A) -> Option<[Option<A>; 3]>;

    /// The values of a chunk of elements. All slices have one length.
    fn fill(&self, operands: &[&[A]], out: &mut [A]);

    /// The values at some of `numbers`, as [`Step::fill_at`](crate::fuse::Step::fill_at).
    fn fill_at(&self, numbers: &mut [A], to: usize, last: A, indices: &[u32]) -> A;
}
