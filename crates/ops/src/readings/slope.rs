//! Slopes times v as steps of a program, which runs them element by element.

use super::plain::TimesSlope;
use crate::ground::Attributes;
use crate::kernel::{self, Point};
use crate::number::{Elementwise, Float, SlopeReads};

/// The slope of a rule with respect to one operand, times v, as one step of a program.
///
/// Its operands are what the slope reads, which is some of the rule's operands and its output, in
/// this order; and v, the last.
///
/// ```
/// use ops::{SlopeStep, rules::Tanh};
///
/// let step = SlopeStep::new(Tanh, 0); // v · (1 − y²)
/// assert!(step.reads().output() && !step.reads().operand(0));
/// assert_eq!(step.value(&[0.5, 2.0]), 1.5);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SlopeStep<E, const N: usize> {
    slope: TimesSlope<E>,
    reads: SlopeReads,
    /// The number of operands.
    arity: usize,
}

impl<E: Elementwise<N>, const N: usize> SlopeStep<E, N> {
    /// The slope of `rule` with respect to operand number `operand`.
    pub fn new(rule: E, operand: usize) -> Self {
        let reads = SlopeReads::of(rule, operand);
        let arity = (0..N).filter(|&i| reads.operand(i)).count() + usize::from(reads.output()) + 1;
        Self { slope: TimesSlope { rule, operand }, reads, arity }
    }

    /// What the slope reads.
    pub fn reads(&self) -> SlopeReads {
        self.reads
    }

    /// The value at single numbers.
    ///
    /// # Panics
    /// If there are no operands.
    pub fn value<A: Float>(&self, operands: &[A]) -> A {
        let (x, yv) = spread(self.reads, operands);
        self.slope.at(x, yv)
    }

    /// The values of a chunk of elements. All slices have one length.
    ///
    /// # Panics
    /// If there are no operands, or the slices differ in length.
    pub fn fill<A: Float>(&self, operands: &[&[A]], out: &mut [A]) {
        let (x, yv) = spread(self.reads, operands);
        kernel::fill(self.slope, x, yv, out);
    }

    /// The values at some of `numbers`, as [`Step::fill_at`](crate::fuse::Step::fill_at).
    ///
    /// # Panics
    /// If an index is beyond the end of `numbers`.
    #[inline]
    pub fn fill_at<A: Float>(
        &self,
        numbers: &mut [A],
        mut to: usize,
        mut last: A,
        mut indices: &[u32],
    ) -> A {
        while let Some((own, others)) = indices.split_at_checked(self.arity) {
            let (x, yv) = spread(self.reads, own);
            let number = |index| kernel::fuse::number_at(numbers, to, last, index);
            last = self.slope.at(x.map(number), yv.map(number));
            numbers[to] = last;
            (to, indices) = (to + 1, others);
        }
        last
    }

    /// The settings of the rule, and the operand.
    pub fn settings(&self) -> Attributes {
        let mut settings = self.slope.rule.settings();
        settings.push(("operand", self.slope.operand.into()));
        settings
    }
}

/// A rule's operands, and its output and v. What the slope does not read is replaced by v.
#[inline]
fn spread<T: Copy, const N: usize>(reads: SlopeReads, given: &[T]) -> ([T; N], [T; 2]) {
    let (&v, given) = given.split_last().expect("v is the last operand");
    let mut given = given.iter();
    let mut next = |is_read| if is_read { given.next().copied().unwrap_or(v) } else { v };
    let x = std::array::from_fn(|i| next(reads.operand(i)));
    (x, [next(reads.output()), v])
}
