//! The formulas, for any machine float; the constants are in files of their own.
//!
//! J.-M. Muller et al., Handbook of Floating-Point Arithmetic, 2nd edition 2018, chapters 4 (error-free
//! sums), 5 (fused multiply-add) and 10 (elementary functions); W. J. Cody & W. Waite, Software Manual
//! for the Elementary Functions, 1980 (argument reduction); P. T. P. Tang, Table-driven implementation
//! of the exponential function, and of the logarithm function, in IEEE floating-point arithmetic, ACM
//! TOMS 1989 and 1990 (where the roundings go).
//!
//! What the formulas rely on: `mul_add` rounds once; a choice written as `if` between two values
//! that are both at hand is a select, not a branch; and nothing is ever converted between floats
//! and integers, for which AVX2 has no instruction in 64 bits. Adding a large constant rounds to
//! an integer and leaves it in the lowest bits instead. Everything is inlined, since a loop becomes
//! vector instructions only as a whole.

use super::machine::{Bits, Machine};

/// Evaluates the terms of a polynomial from number `first` on, `step` apart, by Horner's scheme.
#[inline(always)]
fn horner<A: Machine>(x: A, c: &[A], first: usize, step: usize) -> A {
    let mut k = first + (c.len() - 1 - first) / step * step;
    let mut sum = c[k];
    while k > first {
        k -= step;
        sum = sum.mul_add(x, c[k]);
    }
    sum
}

/// Evaluates c₀ + c₁x + c₂x² + …
///
/// In a long polynomial even and odd powers go side by side, as each step of a chain has to wait
/// for the one before.
#[inline(always)]
fn polynomial<A: Machine>(x: A, c: &[A]) -> A {
    if c.len() > 12 {
        horner(x * x, c, 1, 2).mul_add(x, horner(x * x, c, 0, 2))
    } else {
        horner(x, c, 0, 1)
    }
}

/// Keeps `x` between two bounds; NaN stays NaN.
#[inline(always)]
fn clamp<A: Machine>(x: A, low: A, high: A) -> A {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// Splits 2ⁿ, n in the lowest bits of `shifted`, into 2^⌊n/2⌋ and 2^⌈n/2⌉.
///
/// Neither of them overflows or is subnormal.
#[inline(always)]
fn power_of_two<A: Machine>(shifted: A) -> (A, A) {
    let low = shifted.bits() >> 1;
    let high = shifted.bits() - low;
    (A::of_bits(low << A::MANTISSA), A::of_bits(high << A::MANTISSA))
}

/// Gives `y`, which is not negative, the sign of `x`; `a` is |x|.
#[inline(always)]
fn signed<A: Machine>(y: A, x: A, a: A) -> A {
    A::of_bits(y.bits() | (x.bits() ^ a.bits()))
}

/// Splits eˣ = 2ⁿ(1 + p), |ln(1 + p)| ≤ ln 2/2: n in the lowest bits of the first result, and p.
#[inline(always)]
fn split_exp<A: Machine>(x: A) -> (A, A) {
    let shifted = x.mul_add(A::LOG2_E[0], A::ROUND_BIASED);
    let n = shifted - A::ROUND_BIASED;
    let r = n.mul_add(-A::LN_2[0], x); // exact
    let r = n.mul_add(-A::LN_2[1], r);
    (shifted, (r * r).mul_add(polynomial(r, A::EXP), r))
}

#[inline(always)]
pub fn exp<A: Machine>(x: A) -> A {
    let (n, p) = split_exp(clamp(x, A::UNDERFLOW, A::OVERFLOW));
    let (low, high) = power_of_two(n);
    low.mul_add(p, low) * high
}

#[inline(always)]
pub fn exp2<A: Machine>(x: A) -> A {
    let x = clamp(x, A::UNDERFLOW_2, A::OVERFLOW_2);
    let shifted = x + A::ROUND_BIASED;
    let r = x - (shifted - A::ROUND_BIASED); // exact
    let (low, high) = power_of_two(shifted);
    r.mul_add(polynomial(r, A::EXP_2), A::lit(1.0)) * low * high
}

/// 2ⁿp + (2ⁿ − 1), where p = eʳ − 1 has the rounding error of r added back.
#[inline(always)]
pub fn exp_m1<A: Machine>(x: A) -> A {
    let bounded = clamp(x, A::MINUS_ONE, A::OVERFLOW);
    let shifted = bounded.mul_add(A::LOG2_E[0], A::ROUND_BIASED);
    let n = shifted - A::ROUND_BIASED;
    let whole = n.mul_add(-A::LN_2[0], bounded); // exact
    let r = n.mul_add(-A::LN_2[1], whole);
    let lost = n.mul_add(-A::LN_2[1], whole - r);
    let p = r + (r * r).mul_add(polynomial(r, A::EXP_M1), lost);
    // Half of 2ⁿ, which does not overflow where the result does not.
    let half = A::of_bits((shifted.bits() - A::BIAS_BITS - A::Bits::ONE) << A::MANTISSA);
    let y = A::lit(2.0) * half.mul_add(p, half - A::lit(0.5));
    if x.abs() < A::TINY { x } else { y }
}

/// 1 − 2/(e^(2x) + 1), and a polynomial near 0.
#[inline(always)]
pub fn tanh<A: Machine>(x: A) -> A {
    let a = x.abs();
    let twice = a + a;
    let (shifted, p) = split_exp(if twice > A::TANH_ONE { A::TANH_ONE } else { twice });
    let power = A::of_bits((shifted.bits() - A::BIAS_BITS) << A::MANTISSA);
    let large = A::lit(1.0) - A::lit(2.0) / (power + power.mul_add(p, A::lit(1.0)));
    let z = a * a;
    let small = (a * z).mul_add(polynomial(z, A::TANH), a);
    signed(if a < A::TANH_SMALL { small } else { large }, x, a)
}

/// e^|x|/2.
#[inline(always)]
fn half_exp<A: Machine>(a: A) -> A {
    let (n, p) = split_exp(if a > A::HALF_OVERFLOW { A::HALF_OVERFLOW } else { a });
    let (low, high) = power_of_two(n);
    low.mul_add(p, low) * (A::lit(0.5) * high)
}

/// (eˣ − e⁻ˣ)/2, and a polynomial near 0.
#[inline(always)]
pub fn sinh<A: Machine>(x: A) -> A {
    let a = x.abs();
    let half = half_exp(a);
    let large = half - A::lit(0.25) / half;
    let z = a * a;
    let small = (a * z).mul_add(polynomial(z, A::SINH), a);
    signed(if a < A::SINH_SMALL { small } else { large }, x, a)
}

/// (eˣ + e⁻ˣ)/2.
#[inline(always)]
pub fn cosh<A: Machine>(x: A) -> A {
    let half = half_exp(x.abs());
    half + A::lit(0.25) / half
}

/// 1 − e^(−x²)·g(x), and a polynomial near 0.
#[inline(always)]
pub fn erf<A: Machine>(x: A) -> A {
    let a = x.abs();
    let z = a * a;
    let small = a.mul_add(polynomial(z, A::ERF), a);
    let bounded = if a > A::ERF_ONE { A::ERF_ONE } else { a };
    let (shifted, p) = split_exp(-(bounded * bounded));
    let power = A::of_bits((shifted.bits() - A::BIAS_BITS) << A::MANTISSA);
    let g = polynomial(bounded - A::ERF_CENTRE, A::ERFCX);
    let large = (power * g).mul_add(A::lit(-1.0) - p, A::lit(1.0));
    signed(if a < A::ERF_SMALL { small } else { large }, x, a)
}

/// Splits a normal positive x = 2ᵉ(1 + f), 1 + f between √2/2 and √2.
///
/// The results are the biased exponent, in the lowest bits, and f.
#[inline(always)]
fn split_log<A: Machine>(x: A) -> (A::Bits, A) {
    let moved = x.bits() + (A::ONE_BITS - A::ROOT_HALF_BITS);
    let reduced = (moved & A::MANTISSA_BITS) + A::ROOT_HALF_BITS;
    (moved >> A::MANTISSA, A::of_bits(reduced) - A::lit(1.0))
}

/// Converts a small integer, held as bits, to a number.
#[inline(always)]
fn number<A: Machine>(bits: A::Bits) -> A {
    A::of_bits(bits | A::WHOLE.bits()) - A::WHOLE
}

/// s = f/(2 + f), and the second part of ln(1 + f) = f + (s(h + R(s²)) − h), where h = f²/2.
#[inline(always)]
fn log_tail<A: Machine>(f: A) -> (A, A) {
    let s = f / (A::lit(2.0) + f);
    let z = s * s;
    let h = A::lit(0.5) * f * f;
    (s, s.mul_add(h + z * polynomial(z, A::LN), -h))
}

/// e, f and the second part of ln(1 + f) for a positive x, a subnormal one too.
#[inline(always)]
fn log_parts<A: Machine>(x: A) -> (A, A, A) {
    let subnormal = x < A::NORMAL;
    let scaled = if subnormal { A::SCALE * x } else { x };
    let bias = if subnormal { A::SCALED_BIAS } else { A::BIAS };
    let (exponent, f) = split_log(scaled);
    (number::<A>(exponent) - bias, f, log_tail(f).1)
}

/// Gives the logarithm `y` of `x` its values at the ends of its domain and outside.
#[inline(always)]
fn log_domain<A: Machine>(x: A, y: A) -> A {
    let y = if x < A::INFINITE { y } else { x };
    let y = if x > A::lit(0.0) { y } else { A::NOT_A_NUMBER };
    if x == A::lit(0.0) { -A::INFINITE } else { y }
}

#[inline(always)]
pub fn ln<A: Machine>(x: A) -> A {
    let (e, f, tail) = log_parts(x);
    let y = e.mul_add(A::LN_2[0], f + e.mul_add(A::LN_2[1], tail));
    log_domain(x, y)
}

/// f + `tail` in units of a logarithm to another base, given in two parts.
#[inline(always)]
fn rebased<A: Machine>(f: A, tail: A, unit: [A; 2]) -> A {
    f.mul_add(unit[0], f.mul_add(unit[1], tail * unit[0]))
}

#[inline(always)]
pub fn log2<A: Machine>(x: A) -> A {
    let (e, f, tail) = log_parts(x);
    log_domain(x, e + rebased(f, tail, A::LOG2_E))
}

#[inline(always)]
pub fn log10<A: Machine>(x: A) -> A {
    let (e, f, tail) = log_parts(x);
    let part = e.mul_add(A::LOG10_2[1], rebased(f, tail, A::LOG10_E));
    log_domain(x, e.mul_add(A::LOG10_2[0], part))
}

/// ln u, where u is 1 + x rounded, and the rounding error divided by u.
#[inline(always)]
pub fn ln_1p<A: Machine>(x: A) -> A {
    let u = A::lit(1.0) + x;
    let added = u - A::lit(1.0);
    let error = (A::lit(1.0) - (u - added)) + (x - added);
    let (exponent, f) = split_log(u);
    let inverse = A::BIAS_BITS + A::BIAS_BITS + A::Bits::ONE - exponent;
    let twice = error * A::of_bits(inverse << A::MANTISSA);
    let (s, tail) = log_tail(f);
    // 1/(1 + f) = (1 − s)/(1 + s), of which an error calls for two digits at most.
    let correction = twice.mul_add(s * (s - A::lit(1.0)), A::lit(0.5) * twice);
    let e = number::<A>(exponent) - A::BIAS;
    let part = tail + e.mul_add(A::LN_2[1], correction);
    let y = log_domain(u, e.mul_add(A::LN_2[0], f + part));
    if x == A::lit(0.0) { x } else { y }
}

/// Reduces an angle x = nπ/2 + r, |r| ≤ π/4.
///
/// The results are n in the lowest bits, n as a number, and r as far as the first part of π/2 gives
/// it, which is exact.
#[inline(always)]
fn split_angle<A: Machine>(x: A) -> (A::Bits, A, A) {
    let shifted = x.mul_add(A::FRAC_2_PI, A::ROUND);
    let n = shifted - A::ROUND;
    (shifted.bits(), n, n.mul_add(-A::FRAC_PI_2[0], x))
}

/// Computes the sine of an angle `quarters` quarter turns ahead of x.
#[inline(always)]
fn sin_ahead<A: Machine>(x: A, quarters: A::Bits) -> A {
    let (turns, n, r) = split_angle(x);
    let r = n.mul_add(-A::FRAC_PI_2[1], r);
    let r = n.mul_add(-A::FRAC_PI_2[2], r);
    let turns = turns + quarters;
    let z = r * r;
    let sin = (r * z).mul_add(polynomial(z, A::SIN), r);
    let h = A::lit(0.5) * z;
    let one = A::lit(1.0) - h;
    let tail = (z * z).mul_add(polynomial(z, A::COS), (A::lit(1.0) - one) - h);
    let cos = one + tail;
    let y = if turns & A::Bits::ONE == A::Bits::ZERO { sin } else { cos };
    let y = A::of_bits(y.bits() ^ ((turns & A::Bits::TWO) << (A::BITS - 2)));
    if x.abs() <= A::LARGEST_ANGLE { y } else { A::NOT_A_NUMBER }
}

#[inline(always)]
pub fn sin<A: Machine>(x: A) -> A {
    let y = sin_ahead(x, A::Bits::ZERO);
    if x == A::lit(0.0) { x } else { y }
}

#[inline(always)]
pub fn cos<A: Machine>(x: A) -> A {
    sin_ahead(x, A::Bits::ONE)
}

/// tan r, or −1/tan r after an odd number of quarter turns, with one step of Newton's.
#[inline(always)]
pub fn tan<A: Machine>(x: A) -> A {
    let (turns, n, whole) = split_angle(x);
    let product = n * A::FRAC_PI_2[1];
    let r = whole - product;
    let lost = ((whole - r) - product) - n.mul_add(A::FRAC_PI_2[1], -product);
    let lost = n.mul_add(-A::FRAC_PI_2[2], lost);
    let z = r * r;
    let cubic = r * z * polynomial(z, A::TAN);
    let rough = r + cubic;
    let tail = cubic + rough.mul_add(rough * lost, lost);
    let tan = r + tail;
    let lost = (r - tan) + tail;
    let q = A::lit(-1.0) / tan;
    let cot = q.mul_add(q.mul_add(lost, q.mul_add(tan, A::lit(1.0))), q);
    let y = if turns & A::Bits::ONE == A::Bits::ZERO { tan } else { cot };
    let y = if x.abs() <= A::LARGEST_ANGLE { y } else { A::NOT_A_NUMBER };
    if x == A::lit(0.0) { x } else { y }
}
