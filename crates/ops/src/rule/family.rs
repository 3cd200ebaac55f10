//! The families of rules, from which forward mode follows.

use ndarray::SliceInfoElem;

use crate::ground::Axes;

/// What kind of function a rule is. Its forward mode follows from it, in
/// [`pushforward`](crate::pushforward), and is written in no rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Family<'a> {
    /// Each element of the result depends on that element of each operand: ẏ = Σ ẋ · ∂y/∂x.
    Elementwise,
    /// Linear in all operands together: ẏ = f(ẋ).
    Linear,
    /// Linear, the operand's elements in another shape or order, which can share its memory.
    View,
    /// Linear, a part of the one operand, which can share its memory. The engine adds the cotangent
    /// to that part of the operand's adjoint.
    Part(&'a [SliceInfoElem]),
    /// Linear in one operand; the others are data: ẏ = f(…, ẋ, …).
    LinearIn(usize),
    /// Linear in each of two operands: ẏ = f(ȧ, b) + f(a, ḃ).
    Bilinear,
    /// The y of a matrix equation a · y = b: a · ẏ = ḃ − ȧ · y.
    Quotient,
    /// Each element of the result depends on the elements along these axes of the one operand, and
    /// no other does on those: ẏ = Σ ẋ · ∂y/∂x over the axes, which stay with length 1 or not.
    Reduction(Axes, bool),
    /// The derivative with respect to each operand is a symmetric matrix: ẏ is the gradient with
    /// the tangent for a cotangent.
    Symmetric,
    /// A function of square matrices with f(xᵀ) = f(x)ᵀ: ẏ is the gradient at xᵀ with the tangent
    /// for a cotangent.
    MatrixFunction,
    /// Made of other rules, of which a replay runs the parts: its composition, read with dual
    /// numbers.
    Composed,
    /// A value and a gradient of its own: its composition, read with dual numbers.
    Own,
    /// The derivative is zero everywhere: there is no tangent.
    Constant,
}
