//! The families of rules.

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
    /// Linear: the operand's elements in another shape or order, in its memory where possible.
    View,
    /// Linear: a part of the one operand, in its memory. The engine adds the cotangent to that part
    /// of the operand's adjoint.
    Part(&'a [SliceInfoElem]),
    /// Linear in one operand; the others are data: ẏ = f(…, ẋ, …).
    LinearIn(usize),
    /// Linear in each of two operands: ẏ = f(ȧ, b) + f(a, ḃ).
    Bilinear,
    /// The y of a matrix equation a · y = b: a · ẏ = ḃ − ȧ · y.
    Quotient,
    /// Each element of the result depends on the operand's elements along these axes, which no other
    /// element of the result depends on: ẏ = Σ ẋ · ∂y/∂x over the axes. The flag says whether the
    /// axes stay, with length 1.
    Reduction(Axes, bool),
    /// The derivative with respect to each operand is a symmetric matrix: ẏ is the gradient with
    /// the tangent for a cotangent.
    Symmetric,
    /// A function of square matrices with f(xᵀ) = f(x)ᵀ: ẏ is the gradient at xᵀ with the tangent
    /// for a cotangent.
    MatrixFunction,
    /// Made of other rules, and replayed as these: ẏ is that of its composition, read with dual
    /// numbers.
    Composed,
    /// A value and a gradient of its own, and replayed as one op: ẏ is that of its composition, read
    /// with dual numbers.
    Own,
    /// The derivative is zero everywhere: there is no tangent.
    Constant,
}
