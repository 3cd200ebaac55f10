//! A function of numbers, which a loop evaluates at each element.

use crate::number::Number;

/// A function of the elements at one index: the value of a rule, or its slope times a cotangent.
pub trait Point<const N: usize, const M: usize>: Copy + Sync {
    /// Evaluates the function, in any reading of numbers.
    fn at<R: Number>(self, x: [R; N], y: [R; M]) -> R;
}
