//! The formulas, the same for both types; the constants are in files of their own.
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
//! an integer and leaves it in the lowest bits instead.

macro_rules! functions {
    ($float:ident, $bits:ident, $mantissa:literal, $bias:literal, $constants:ident) => {
        use super::$constants as table;

        /// The lowest bit of an exponent.
        const UNIT: $bits = 1 << $mantissa;
        /// Adding this rounds a number to an integer, in the lowest bits of the sum.
        const ROUND: $float = (UNIT + UNIT / 2) as $float;
        /// The same, with twice the bias of an exponent added to that integer.
        const ROUND_BIASED: $float = (UNIT + UNIT / 2 + 2 * $bias) as $float;
        /// The bits of √2/2.
        const ROOT_HALF: $bits = std::$float::consts::FRAC_1_SQRT_2.to_bits();
        const ONE: $bits = (1.0 as $float).to_bits();
        const MANTISSA: $bits = UNIT - 1;
        const BIAS: $float = $bias as $float;
        /// Of any number below the first the power of 2 is 0, of any above the second it is
        /// infinite; the same for the power of e.
        const UNDERFLOW_2: $float = -(($bias + $mantissa + 2) as $float);
        const OVERFLOW_2: $float = BIAS + 1.25;
        const UNDERFLOW: $float = UNDERFLOW_2 * std::$float::consts::LN_2;
        const OVERFLOW: $float = OVERFLOW_2 * std::$float::consts::LN_2;
        /// Below this, eˣ is nothing beside 1.
        const MINUS_ONE: $float = -($mantissa as $float);
        /// Above this, e⁻ˣ is nothing beside 1.
        const TANH_ONE: $float = $mantissa as $float * 0.8;
        /// Angles up to this are reduced well enough by a π/2 in three parts.
        pub const LARGEST_ANGLE: $float = (1 << ($mantissa / 2 + 4)) as $float;

        /// The terms of a polynomial from number `first` on, `step` apart, by Horner's scheme.
        #[inline(always)]
        fn horner<const N: usize>(x: $float, c: &[$float; N], first: usize, step: usize) -> $float {
            let mut k = first + (N - 1 - first) / step * step;
            let mut sum = c[k];
            while k > first {
                k -= step;
                sum = sum.mul_add(x, c[k]);
            }
            sum
        }

        /// c₀ + c₁x + c₂x² + …; a long one as its even and its odd powers side by side, as each
        /// step of a chain has to wait for the one before.
        #[inline(always)]
        fn polynomial<const N: usize>(x: $float, c: &[$float; N]) -> $float {
            if N > 12 {
                horner(x * x, c, 1, 2).mul_add(x, horner(x * x, c, 0, 2))
            } else {
                horner(x, c, 0, 1)
            }
        }

        /// `x` kept between two bounds; NaN stays NaN.
        #[inline(always)]
        fn clamp(x: $float, low: $float, high: $float) -> $float {
            let x = if x < low { low } else { x };
            if x > high { high } else { x }
        }

        /// 2ⁿ as 2^⌊n/2⌋ · 2^⌈n/2⌉, neither of which overflows or is subnormal; n is in the lowest
        /// bits of `shifted`.
        #[inline(always)]
        fn power_of_two(shifted: $float) -> ($float, $float) {
            let low = shifted.to_bits() >> 1;
            let high = shifted.to_bits().wrapping_sub(low);
            ($float::from_bits(low << $mantissa), $float::from_bits(high << $mantissa))
        }

        /// `y`, which is not negative, with the sign of `x`, of which `a` is the absolute value.
        #[inline(always)]
        fn signed(y: $float, x: $float, a: $float) -> $float {
            $float::from_bits(y.to_bits() | (x.to_bits() ^ a.to_bits()))
        }

        /// eˣ = 2ⁿ(1 + p), |ln(1 + p)| ≤ ln 2/2: n in the lowest bits of the first result, and p.
        #[inline(always)]
        fn split_exp(x: $float) -> ($float, $float) {
            let shifted = x.mul_add(table::LOG2_E[0], ROUND_BIASED);
            let n = shifted - ROUND_BIASED;
            let r = n.mul_add(-table::LN_2[0], x); // exact
            let r = n.mul_add(-table::LN_2[1], r);
            (shifted, (r * r).mul_add(polynomial(r, &table::EXP), r))
        }

        #[inline(always)]
        pub fn exp(x: $float) -> $float {
            let (n, p) = split_exp(clamp(x, UNDERFLOW, OVERFLOW));
            let (low, high) = power_of_two(n);
            (1.0 + p) * low * high
        }

        #[inline(always)]
        pub fn exp2(x: $float) -> $float {
            let x = clamp(x, UNDERFLOW_2, OVERFLOW_2);
            let shifted = x + ROUND_BIASED;
            let r = x - (shifted - ROUND_BIASED); // exact
            let (low, high) = power_of_two(shifted);
            r.mul_add(polynomial(r, &table::EXP_2), 1.0) * low * high
        }

        /// 2ⁿp + (2ⁿ − 1), where p = eʳ − 1 has the rounding error of r added back.
        #[inline(always)]
        pub fn exp_m1(x: $float) -> $float {
            let bounded = clamp(x, MINUS_ONE, OVERFLOW);
            let shifted = bounded.mul_add(table::LOG2_E[0], ROUND_BIASED);
            let n = shifted - ROUND_BIASED;
            let whole = n.mul_add(-table::LN_2[0], bounded); // exact
            let r = n.mul_add(-table::LN_2[1], whole);
            let lost = n.mul_add(-table::LN_2[1], whole - r);
            let p = r + (r * r).mul_add(polynomial(r, &table::EXP_M1), lost);
            // Half of 2ⁿ, which does not overflow where the result does not.
            let half = $float::from_bits(shifted.to_bits().wrapping_sub($bias + 1) << $mantissa);
            let y = 2.0 * half.mul_add(p, half - 0.5);
            if x.abs() < $float::EPSILON * 0.25 { x } else { y }
        }

        /// 1 − 2/(e^(2x) + 1), and a polynomial near 0.
        #[inline(always)]
        pub fn tanh(x: $float) -> $float {
            let a = x.abs();
            let twice = a + a;
            let (shifted, p) = split_exp(if twice > TANH_ONE { TANH_ONE } else { twice });
            let power = $float::from_bits(shifted.to_bits().wrapping_sub($bias) << $mantissa);
            let large = 1.0 - 2.0 / (power + power.mul_add(p, 1.0));
            let z = a * a;
            let small = (a * z).mul_add(polynomial(z, &table::TANH), a);
            signed(if a < table::TANH_SMALL { small } else { large }, x, a)
        }

        /// e^|x|/2.
        #[inline(always)]
        fn half_exp(a: $float) -> $float {
            const DOUBLE: $float = OVERFLOW + std::$float::consts::LN_2;
            let (n, p) = split_exp(if a > DOUBLE { DOUBLE } else { a });
            let (low, high) = power_of_two(n);
            (1.0 + p) * low * (0.5 * high)
        }

        /// (eˣ − e⁻ˣ)/2, and a polynomial near 0.
        #[inline(always)]
        pub fn sinh(x: $float) -> $float {
            let a = x.abs();
            let half = half_exp(a);
            let large = half - 0.25 / half;
            let z = a * a;
            let small = (a * z).mul_add(polynomial(z, &table::SINH), a);
            signed(if a < table::SINH_SMALL { small } else { large }, x, a)
        }

        /// (eˣ + e⁻ˣ)/2.
        #[inline(always)]
        pub fn cosh(x: $float) -> $float {
            let half = half_exp(x.abs());
            half + 0.25 / half
        }

        /// 1 − e^(−x²)·g(x), and a polynomial near 0.
        #[inline(always)]
        pub fn erf(x: $float) -> $float {
            let a = x.abs();
            let z = a * a;
            let small = a.mul_add(polynomial(z, &table::ERF), a);
            let bounded = if a > table::ERF_ONE { table::ERF_ONE } else { a };
            let (shifted, p) = split_exp(-(bounded * bounded));
            let power = $float::from_bits(shifted.to_bits().wrapping_sub($bias) << $mantissa);
            let g = polynomial(bounded - table::ERF_CENTRE, &table::ERFCX);
            let large = (power * g).mul_add(-1.0 - p, 1.0);
            signed(if a < table::ERF_SMALL { small } else { large }, x, a)
        }

        /// x = 2ᵉ(1 + f), 1 + f between √2/2 and √2, for a normal positive x: the biased exponent
        /// (in the lowest bits) and f.
        #[inline(always)]
        fn split_log(x: $float) -> ($bits, $float) {
            let moved = x.to_bits().wrapping_add(ONE - ROOT_HALF);
            let reduced = (moved & MANTISSA).wrapping_add(ROOT_HALF);
            (moved >> $mantissa, $float::from_bits(reduced) - 1.0)
        }

        /// A small integer, held as bits, as a number.
        #[inline(always)]
        fn number(bits: $bits) -> $float {
            const WHOLE: $float = UNIT as $float;
            $float::from_bits(bits | WHOLE.to_bits()) - WHOLE
        }

        /// s = f/(2 + f), and the second part of ln(1 + f) = f + (s(h + R(s²)) − h), where h = f²/2.
        #[inline(always)]
        fn log_tail(f: $float) -> ($float, $float) {
            let s = f / (2.0 + f);
            let z = s * s;
            let h = 0.5 * f * f;
            (s, s.mul_add(h + z * polynomial(z, &table::LN), -h))
        }

        /// e, f and the second part of ln(1 + f) for a positive x, a subnormal one too.
        #[inline(always)]
        fn log_parts(x: $float) -> ($float, $float, $float) {
            const SCALE: $float = (2 * UNIT) as $float;
            const SCALED_BIAS: $float = BIAS + ($mantissa + 1) as $float;
            let subnormal = x < $float::MIN_POSITIVE;
            let scaled = if subnormal { SCALE * x } else { x };
            let bias = if subnormal { SCALED_BIAS } else { BIAS };
            let (exponent, f) = split_log(scaled);
            (number(exponent) - bias, f, log_tail(f).1)
        }

        /// Gives the logarithm `y` of `x` its values at the ends of its domain and outside.
        #[inline(always)]
        fn log_domain(x: $float, y: $float) -> $float {
            let y = if x < $float::INFINITY { y } else { x };
            let y = if x > 0.0 { y } else { $float::NAN };
            if x == 0.0 { $float::NEG_INFINITY } else { y }
        }

        #[inline(always)]
        pub fn ln(x: $float) -> $float {
            let (e, f, tail) = log_parts(x);
            let y = e.mul_add(table::LN_2[0], f + e.mul_add(table::LN_2[1], tail));
            log_domain(x, y)
        }

        /// f + `tail` in units of a logarithm to another base, given in two parts.
        #[inline(always)]
        fn rebased(f: $float, tail: $float, unit: [$float; 2]) -> $float {
            f.mul_add(unit[0], f.mul_add(unit[1], tail * unit[0]))
        }

        #[inline(always)]
        pub fn log2(x: $float) -> $float {
            let (e, f, tail) = log_parts(x);
            log_domain(x, e + rebased(f, tail, table::LOG2_E))
        }

        #[inline(always)]
        pub fn log10(x: $float) -> $float {
            let (e, f, tail) = log_parts(x);
            let part = e.mul_add(table::LOG10_2[1], rebased(f, tail, table::LOG10_E));
            log_domain(x, e.mul_add(table::LOG10_2[0], part))
        }

        /// ln u, where u is 1 + x rounded, and the rounding error divided by u.
        #[inline(always)]
        pub fn ln_1p(x: $float) -> $float {
            let u = 1.0 + x;
            let added = u - 1.0;
            let error = (1.0 - (u - added)) + (x - added);
            let (exponent, f) = split_log(u);
            let inverse = (2 * $bias as $bits + 1).wrapping_sub(exponent);
            let twice = error * $float::from_bits(inverse << $mantissa);
            let (s, tail) = log_tail(f);
            // 1/(1 + f) = (1 − s)/(1 + s), of which an error calls for two digits at most.
            let correction = twice.mul_add(s * (s - 1.0), 0.5 * twice);
            let e = number(exponent) - BIAS;
            let part = tail + e.mul_add(table::LN_2[1], correction);
            let y = log_domain(u, e.mul_add(table::LN_2[0], f + part));
            if x == 0.0 { x } else { y }
        }

        /// x = nπ/2 + r, |r| ≤ π/4: n in the lowest bits of the first result, n as a number, and
        /// r as far as the first part of π/2 gives it, which is exact.
        #[inline(always)]
        fn split_angle(x: $float) -> ($bits, $float, $float) {
            let shifted = x.mul_add(std::$float::consts::FRAC_2_PI, ROUND);
            let n = shifted - ROUND;
            (shifted.to_bits(), n, n.mul_add(-table::FRAC_PI_2[0], x))
        }

        /// sin of an angle `quarters` quarter turns ahead of x.
        #[inline(always)]
        fn sin_ahead(x: $float, quarters: $bits) -> $float {
            let (turns, n, r) = split_angle(x);
            let r = n.mul_add(-table::FRAC_PI_2[1], r);
            let r = n.mul_add(-table::FRAC_PI_2[2], r);
            let turns = turns.wrapping_add(quarters);
            let z = r * r;
            let sin = (r * z).mul_add(polynomial(z, &table::SIN), r);
            let h = 0.5 * z;
            let one = 1.0 - h;
            let tail = (z * z).mul_add(polynomial(z, &table::COS), (1.0 - one) - h);
            let cos = one + tail;
            let y = if turns & 1 == 0 { sin } else { cos };
            let y = $float::from_bits(y.to_bits() ^ ((turns & 2) << ($bits::BITS - 2)));
            if x.abs() <= LARGEST_ANGLE { y } else { $float::NAN }
        }

        #[inline(always)]
        pub fn sin(x: $float) -> $float {
            let y = sin_ahead(x, 0);
            if x == 0.0 { x } else { y }
        }

        #[inline(always)]
        pub fn cos(x: $float) -> $float {
            sin_ahead(x, 1)
        }

        /// tan r, or −1/tan r after an odd number of quarter turns, with one step of Newton's.
        #[inline(always)]
        pub fn tan(x: $float) -> $float {
            let (turns, n, whole) = split_angle(x);
            let product = n * table::FRAC_PI_2[1];
            let r = whole - product;
            let lost = ((whole - r) - product) - n.mul_add(table::FRAC_PI_2[1], -product);
            let lost = n.mul_add(-table::FRAC_PI_2[2], lost);
            let z = r * r;
            let cubic = r * z * polynomial(z, &table::TAN);
            let rough = r + cubic;
            let tail = cubic + rough.mul_add(rough * lost, lost);
            let tan = r + tail;
            let lost = (r - tan) + tail;
            let q = -1.0 / tan;
            let cot = q.mul_add(q.mul_add(lost, q.mul_add(tan, 1.0)), q);
            let y = if turns & 1 == 0 { tan } else { cot };
            let y = if x.abs() <= LARGEST_ANGLE { y } else { $float::NAN };
            if x == 0.0 { x } else { y }
        }
    };
}
