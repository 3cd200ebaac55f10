//! The contract of a rule.

use std::fmt::Debug;

use crate::ground::{Attributes, Formula, Notation, Problem, Shape};
use crate::number::{Float, Remarks};
use crate::rule::{Batched, Call, Contributions, Family, Out, Reading, Shortcuts};
use crate::tensor::Tensor;

// ANCHOR: rule
/// A rule over whole tensors: what an op computes, and what its operands contribute.
///
/// A scalar rule is one by [`Lift`](crate::Lift); all others implement it directly. A rule
/// *returns* contributions: adding them up, summing over broadcast axes and seeding belong to the
/// engine. Forward mode follows from the [`Family`].
pub trait Rule: Clone + Debug + Send + Sync + Sized + 'static {
    /// The name in formulas and messages.
    fn name(&self) -> &'static str;

    /// The shape of the result, or why the operands are refused. Computes nothing else.
    ///
    /// # Errors
    /// If the operands do not fit the rule or each other.
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem>;

    /// Computes the value into `out`. The operands are ones that `shape` has accepted.
    ///
    /// # Errors
    /// If the rule refuses the numbers themselves, such as a singular matrix.
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], out: Out<'_, A>) -> Result<(), Problem>;

    /// Reverse mode: what each wanted operand receives from the cotangent ȳ of the output. A
    /// contribution may have the shape of the output where the operand was broadcast to it; the
    /// engine sums it back.
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T>;

    /// The kind of function that the rule is, from which forward mode follows.
    fn family(&self) -> Family<'_>;

    /// Computes the same value by simpler rules, if there are any: what is fused here for speed or
    /// stability, written out.
    fn compose<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        let _ = operands;
        None
    }

    /// The rule on a whole batch at once: on operands of which those in `along` have one more axis in
    /// front, of length `rows`, before the shapes given here. `None` if each row has to be computed
    /// by itself, or [composed](Rule::compose).
    fn batched(&self, rows: usize, operands: &[&[usize]], along: &[bool]) -> Option<Batched<Self>> {
        let _ = (rows, operands, along);
        None
    }

    /// The settings as data, from which another program can compute the same.
    fn settings(&self) -> Attributes {
        Attributes::new()
    }

    /// The op as text, around its operands.
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::notate(self.name(), Notation::Call, operands)
    }

    /// What else is known of the rule, for messages.
    fn remarks(&self) -> Remarks {
        Remarks::NONE
    }

    /// What is only speed, if there is anything.
    fn shortcuts<A: Float>(&self) -> Option<&dyn Shortcuts<A>> {
        None
    }
}
// ANCHOR_END: rule
