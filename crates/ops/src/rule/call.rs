//! One application of a rule, and what it contributes to its operands.

use smallvec::SmallVec;

use crate::rule::Reading;

/// One application of a rule: its operands and output, and which operands want a gradient.
#[derive(Debug)]
pub struct Call<'a, T> {
    /// The operands, in order.
    pub operands: &'a [&'a T],
    /// The output.
    pub output: &'a T,
    /// For each operand, whether its gradient is asked for.
    pub wanted: &'a [bool],
}

/// One entry for each operand: its contribution, or `None` where there is none (not wanted, or
/// zero everywhere).
pub type Contributions<T> = SmallVec<[Option<T>; 2]>;

impl<T: Reading> Call<'_, T> {
    /// Contributions from one closure for each operand. Only the wanted ones are run.
    pub fn contributions<const N: usize>(&self, each: [&dyn Fn() -> T; N]) -> Contributions<T> {
        each.iter().zip(self.wanted).map(|(give, &wanted)| wanted.then(give)).collect()
    }

    /// Contributions from one closure for all operands. It is run for each that is wanted.
    pub(crate) fn contributions_of(&self, give: &dyn Fn(usize) -> Option<T>) -> Contributions<T> {
        let wanted = self.wanted.iter().enumerate();
        wanted.map(|(operand, &wanted)| wanted.then(|| give(operand))?).collect()
    }
}
