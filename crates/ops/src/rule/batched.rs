//! A rule over a batch: the same rule with one more axis in front.

use smallvec::SmallVec;

use crate::ground::{Axes, Problem};

/// A rule as it is applied to a whole batch, and how its operands carry the batch.
///
/// ```
/// use ops::{Batched, Lead, Rule, rules::Sum};
///
/// // The sum over axis 0 of [3, 2], for five of them: over axis 1 of [5, 3, 2].
/// let sum = Sum { axes: 0.into(), keepdims: false };
/// let Batched { rule, lead } = sum.batched(5, &[&[3, 2]], &[true]).unwrap();
/// assert_eq!((rule.axes, lead), (1.into(), Lead::Repeated));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Batched<R> {
    /// The rule, its settings shifted by the axis in front.
    pub rule: R,
    /// How the operands carry the batch.
    pub lead: Lead,
}

/// How the operands of a [`Batched`] rule carry the batch axis. An operand that is the same for
/// the whole batch is *shared*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// In front; shared operands are repeated along it.
    Repeated,
    /// In front; shared operands stay as they are.
    Kept,
    /// In front of as many axes as the result of one row has; shared operands stay as they are, and
    /// broadcast.
    Aligned,
    /// Folded into the first axis, as that many more images; shared operands stay as they are.
    Folded,
    /// Folded into the first axis, to which shared operands are repeated.
    FoldedRepeated,
}

impl<R> Batched<R> {
    /// Operands that all have the axis in front.
    pub fn repeated(rule: R) -> Option<Self> {
        Some(Self { rule, lead: Lead::Repeated })
    }

    /// The rule with another lead.
    pub fn with(rule: R, lead: Lead) -> Option<Self> {
        Some(Self { rule, lead })
    }
}

/// An axis behind one more in front: one that counts from the end stays.
pub fn axis_behind(axis: isize) -> isize {
    if axis < 0 { axis } else { axis.saturating_add(1) }
}

/// Axes of a shape of `ndim` axes, behind one more in front.
///
/// # Errors
/// If an axis is out of range or named twice.
pub fn axes_behind(axes: &Axes, ndim: usize) -> Result<Axes, Problem> {
    let behind: SmallVec<[isize; 4]> =
        axes.resolve(ndim)?.iter().map(|&axis| axis as isize + 1).collect();
    Ok(Axes::from(&behind[..]))
}
