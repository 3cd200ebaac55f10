//! The element types that a tensor may hold.

use std::fmt::{Debug, Display, LowerExp};
use std::iter::Sum;
use std::ops::{AddAssign, MulAssign, SubAssign};

use crate::ground::memory::{Pooled, pooled};
use crate::number::Number;
use crate::number::fast::Machine;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// An element type: `f32` or `f64`. The one bound that generic code over tensors needs.
///
/// The trait is sealed: rules are generic over [`Number`], which has further readings; only
/// storage is limited to the two machine floats.
///
/// ```
/// use ops::{Float, Tensor};
///
/// fn halve<A: Float>(x: &Tensor<A>) -> Tensor<A> {
///     x.map(|v| v * A::from_f64(0.5))
/// }
/// assert_eq!(halve(&Tensor::from([2.0_f32, 4.0])), Tensor::from([1.0_f32, 2.0]));
/// ```
pub trait Float:
    sealed::Sealed
    + Pooled
    + Number
    + Machine
    + ndarray::LinalgScalar
    + AddAssign
    + SubAssign
    + MulAssign
    + PartialOrd
    + Default
    + Display
    + LowerExp
    + Debug
    + Sum
    + Send
    + Sync
{
    /// The name that error messages and checks use: `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// The distance from 1 to the next larger number.
    const EPSILON: Self;
    /// Minus infinity, the neutral element of a maximum.
    const NEG_INFINITY: Self;

    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;
    /// The same number as an `f64`, exactly.
    fn to_f64(self) -> f64;
    /// Whether the number is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// Whether the number is NaN.
    fn is_nan(self) -> bool;
    /// The bits of the number as files hold them, the lowest byte first.
    fn to_le_bytes(self) -> impl AsRef<[u8]>;
    /// The number whose bits these are, the lowest byte first; `None` if there are too few or too
    /// many.
    fn from_le_bytes(bytes: &[u8]) -> Option<Self>;
}

macro_rules! float {
    ($float:ident) => {
        impl Float for $float {
            const NAME: &'static str = stringify!($float);
            const EPSILON: Self = $float::EPSILON;
            const NEG_INFINITY: Self = $float::NEG_INFINITY;

            fn from_f64(value: f64) -> Self {
                value as $float
            }
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            fn is_finite(self) -> bool {
                self.is_finite()
            }
            fn is_nan(self) -> bool {
                self.is_nan()
            }
            fn to_le_bytes(self) -> impl AsRef<[u8]> {
                $float::to_le_bytes(self)
            }
            fn from_le_bytes(bytes: &[u8]) -> Option<Self> {
                Some($float::from_le_bytes(bytes.try_into().ok()?))
            }
        }
    };
}
float!(f32);
float!(f64);
pooled!(f32);
pooled!(f64);
