//! What the formulas need of a machine float: its bits and its constants.

use std::fmt::Debug;
use std::num::Wrapping;
use std::ops::{Add, BitAnd, BitOr, BitXor, Shl, Shr, Sub};

use super::{constants_f32, constants_f64};
use crate::number::Number;

/// The bits of a float, as a number whose sums and differences wrap.
pub trait Bits:
    Copy
    + Debug
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Shl<usize, Output = Self>
    + Shr<usize, Output = Self>
{
    const ZERO: Self;
    const ONE: Self;
    const TWO: Self;
}

macro_rules! bits {
    ($bits:ident) => {
        impl Bits for Wrapping<$bits> {
            const ZERO: Self = Wrapping(0);
            const ONE: Self = Wrapping(1);
            const TWO: Self = Wrapping(2);
        }
    };
}
bits!(u32);
bits!(u64);

/// A machine float: its bits, the constants of its format, and those of its functions.
pub trait Machine: Number + PartialOrd + 'static {
    /// An integer of the same size.
    type Bits: Bits;

    /// Bits of the whole number, and of its mantissa.
    const BITS: usize;
    const MANTISSA: usize;
    /// The bits of the mantissa, of 1, and of √2/2.
    const MANTISSA_BITS: Self::Bits;
    const ONE_BITS: Self::Bits;
    const ROOT_HALF_BITS: Self::Bits;
    /// The bias of an exponent, as an integer and as a number.
    const BIAS_BITS: Self::Bits;
    const BIAS: Self;

    /// The first number above which all are integers: its lowest bits are those of an integer.
    const WHOLE: Self;
    /// Adding this rounds a number to an integer, in the lowest bits of the sum.
    const ROUND: Self;
    /// Adding this also adds twice the bias of an exponent to that integer.
    const ROUND_BIASED: Self;
    /// Multiplying a subnormal number by this makes it normal; the bias to subtract then.
    const SCALE: Self;
    const SCALED_BIAS: Self;
    /// The smallest normal number.
    const NORMAL: Self;
    /// Below this, eˣ − 1 is x.
    const TINY: Self;
    const INFINITE: Self;
    const NOT_A_NUMBER: Self;
    const FRAC_2_PI: Self;

    /// Below the first, the power of 2 is 0; above the second, it is infinite.
    const UNDERFLOW_2: Self;
    const OVERFLOW_2: Self;
    /// Below the first, the power of e is 0; above the second, it is infinite.
    const UNDERFLOW: Self;
    const OVERFLOW: Self;
    /// Above this, half the power of e is infinite.
    const HALF_OVERFLOW: Self;
    /// Below this, eˣ is nothing beside 1.
    const MINUS_ONE: Self;
    /// Above this, e⁻ˣ is nothing beside 1.
    const TANH_ONE: Self;
    /// Angles up to this are reduced well enough by a π/2 in three parts.
    const LARGEST_ANGLE: Self;

    /// Constants in several parts, from the tables.
    const LN_2: [Self; 2];
    const LOG10_2: [Self; 2];
    const LOG10_E: [Self; 2];
    const LOG2_E: [Self; 2];
    const FRAC_PI_2: [Self; 3];
    /// Where a polynomial gives way to another formula, from the tables.
    const TANH_SMALL: Self;
    const SINH_SMALL: Self;
    const ERF_SMALL: Self;
    const ERF_CENTRE: Self;
    const ERF_ONE: Self;
    /// Polynomials, from the tables: the constant term first.
    const EXP: &'static [Self];
    const EXP_M1: &'static [Self];
    const EXP_2: &'static [Self];
    const LN: &'static [Self];
    const SIN: &'static [Self];
    const COS: &'static [Self];
    const TAN: &'static [Self];
    const TANH: &'static [Self];
    const SINH: &'static [Self];
    const ERF: &'static [Self];
    const ERFCX: &'static [Self];

    /// The number's bits.
    fn bits(self) -> Self::Bits;
    /// The number of these bits.
    fn of_bits(bits: Self::Bits) -> Self;
    /// `self`·`factor` + `term`, rounded once.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// Whether it is NaN.
    fn is_not_a_number(self) -> bool;
}

macro_rules! machine {
    ($float:ident, $bits:ident, $mantissa:literal, $bias:literal, $table:ident) => {
        impl Machine for $float {
            type Bits = Wrapping<$bits>;

            const BITS: usize = $bits::BITS as usize;
            const MANTISSA: usize = $mantissa;
            const MANTISSA_BITS: Self::Bits = Wrapping((1 << $mantissa) - 1);
            const ONE_BITS: Self::Bits = Wrapping((1.0 as $float).to_bits());
            const ROOT_HALF_BITS: Self::Bits =
                Wrapping(std::$float::consts::FRAC_1_SQRT_2.to_bits());
            const BIAS_BITS: Self::Bits = Wrapping($bias);
            const BIAS: Self = $bias as $float;

            const WHOLE: Self = (1_u64 << $mantissa) as $float;
            const ROUND: Self = 1.5 * Self::WHOLE;
            const ROUND_BIASED: Self = Self::ROUND + 2.0 * Self::BIAS;
            const SCALE: Self = 2.0 * Self::WHOLE;
            const SCALED_BIAS: Self = Self::BIAS + ($mantissa + 1) as $float;
            const NORMAL: Self = $float::MIN_POSITIVE;
            const TINY: Self = $float::EPSILON * 0.25;
            const INFINITE: Self = $float::INFINITY;
            const NOT_A_NUMBER: Self = $float::NAN;
            const FRAC_2_PI: Self = std::$float::consts::FRAC_2_PI;

            const UNDERFLOW_2: Self = -(($bias + $mantissa + 2) as $float);
            const OVERFLOW_2: Self = Self::BIAS + 1.25;
            const UNDERFLOW: Self = Self::UNDERFLOW_2 * std::$float::consts::LN_2;
            const OVERFLOW: Self = Self::OVERFLOW_2 * std::$float::consts::LN_2;
            const HALF_OVERFLOW: Self = Self::OVERFLOW + std::$float::consts::LN_2;
            const MINUS_ONE: Self = -($mantissa as $float);
            const TANH_ONE: Self = $mantissa as $float * 0.8;
            const LARGEST_ANGLE: Self = (1 << ($mantissa / 2 + 4)) as $float;

            const LN_2: [Self; 2] = $table::LN_2;
            const LOG10_2: [Self; 2] = $table::LOG10_2;
            const LOG10_E: [Self; 2] = $table::LOG10_E;
            const LOG2_E: [Self; 2] = $table::LOG2_E;
            const FRAC_PI_2: [Self; 3] = $table::FRAC_PI_2;
            const TANH_SMALL: Self = $table::TANH_SMALL;
            const SINH_SMALL: Self = $table::SINH_SMALL;
            const ERF_SMALL: Self = $table::ERF_SMALL;
            const ERF_CENTRE: Self = $table::ERF_CENTRE;
            const ERF_ONE: Self = $table::ERF_ONE;
            const EXP: &'static [Self] = &$table::EXP;
            const EXP_M1: &'static [Self] = &$table::EXP_M1;
            const EXP_2: &'static [Self] = &$table::EXP_2;
            const LN: &'static [Self] = &$table::LN;
            const SIN: &'static [Self] = &$table::SIN;
            const COS: &'static [Self] = &$table::COS;
            const TAN: &'static [Self] = &$table::TAN;
            const TANH: &'static [Self] = &$table::TANH;
            const SINH: &'static [Self] = &$table::SINH;
            const ERF: &'static [Self] = &$table::ERF;
            const ERFCX: &'static [Self] = &$table::ERFCX;

            #[inline(always)]
            fn bits(self) -> Self::Bits {
                Wrapping(self.to_bits())
            }
            #[inline(always)]
            fn of_bits(bits: Self::Bits) -> Self {
                Self::from_bits(bits.0)
            }
            #[inline(always)]
            fn mul_add(self, factor: Self, term: Self) -> Self {
                $float::mul_add(self, factor, term)
            }
            #[inline(always)]
            fn is_not_a_number(self) -> bool {
                self.is_nan()
            }
        }
    };
}
machine!(f32, u32, 23, 127, constants_f32);
machine!(f64, u64, 52, 1023, constants_f64);
