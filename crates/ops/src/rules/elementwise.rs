//! Elementwise rules: one entry each, the value and the slope beside each other.
//!
//! An entry is all there is to add for a new op; see CONTRIBUTING.md. Kinks have one written
//! policy: where the derivative jumps the rule takes the value given under `kinks` (0 for `relu`
//! at 0, the mean of both sides where two operands tie), and a test holds it there. Where the slope
//! is infinite (`sqrt` at 0, `asin` at 1) it is given as infinite, not hidden. Where there is no
//! direction to follow (`hypot` and `atan2` at the origin, `pow` where its formula has 0 times
//! infinity) the slopes and all their derivatives are 0, in whichever order they are taken.

use std::borrow::Borrow;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, LN_2, LN_10};

use crate::ground::{Attributes, Binding, Formula, Notation};
use crate::number::{
    ABOVE_ONE, ANY, ANY_OTHER, Binary, Elementwise, INSIDE_ONE, Kink, Number, POSITIVE, Remarks,
    Samples, Stops, Unary, WithNumber, logistic,
};
use crate::rule::{Lift, Reading, Visitor};

/// λ and α of [`Selu`], from the authors' derivation.
const SELU_SCALE: f64 = 1.0507009873554804934193349852946;
const SELU_ALPHA: f64 = 1.6732632423543772848170429916717;
/// Advice of several entries.
const ABOVE_0: &str = "keep the operand above 0, for instance with maximum(ε), or with select(x, 1) where \
                       another branch is taken";
const AWAY_FROM_0: &str = "keep the divisor away from 0, for instance by adding ε";
const UNDER_THE_ROOT: &str = "add ε under the root: its slope at 0 is infinite; or take the root of \
                              select(x, 1) where another branch is taken";
/// √(2/π).
const SQRT_2_OVER_PI: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;

unary_rules! {
    /// Minus x: y = −x.
    Neg neg as Notation::Prefix("-"),
        value |x| -x, slope |_x, _y| R::lit(-1.0), on ANY, known [1.5 => -1.5];
    /// Exponential: y = eˣ, dy/dx = y.
    Exp exp,
        value |x| x.exp(), slope |_x, y| y, on ANY,
        known [0.5 => 1.6487212707001282, -1.25 => 0.2865047968601901],
        remarks Remarks::instead(&[(
            "",
            "subtract the largest element first; softmax, logsumexp and sigmoid do so themselves",
        )]);
    /// eˣ − 1 without cancellation near 0: dy/dx = y + 1.
    Expm1 exp_m1,
        value |x| x.exp_m1(), slope |_x, y| y + R::lit(1.0), on ANY,
        known [0.5 => 0.6487212707001282, 1e-10 => 1.000_000_000_05e-10];
    /// Natural logarithm: y = ln x, dy/dx = 1/x.
    Ln ln,
        value |x| x.ln(), slope |x, _y| x.recip(), on POSITIVE,
        known [0.25 => -1.3862943611198906, 2.5 => 0.9162907318741551],
        remarks Remarks::instead(&[
            ("softmax", "log_softmax(axis) is ln(softmax(x)) without overflow"),
            ("sigmoid", "log_sigmoid() is ln(sigmoid(x)) without underflow"),
            ("sum", "logsumexp(axes) is ln(sum(exp(x))) without overflow"),
            ("add", "ln_1p() is ln(1 + x), exact for small x"),
            ("", ABOVE_0),
        ]);
    /// ln(1 + x) without cancellation near 0: dy/dx = 1/(1 + x).
    Log1p ln_1p,
        value |x| x.ln_1p(), slope |x, _y| (R::lit(1.0) + x).recip(), on POSITIVE,
        known [0.5 => 0.4054651081081644, 1e-10 => 9.999_999_999_5e-11];
    /// Square root: y = √x, dy/dx = 1/(2y).
    Sqrt sqrt,
        value |x| x.sqrt(), slope |_x, y| R::lit(0.5) / y, on POSITIVE,
        known [0.3 => 0.5477225575051661, 2.5 => 1.5811388300841898],
        remarks Remarks::instead(&[
            ("sum", "norm(axes) is sqrt(sum(x²)) with gradient 0 at 0"),
            ("", UNDER_THE_ROOT),
        ]);
    /// Square: y = x², dy/dx = 2x.
    Square square as Notation::Postfix("²"),
        value |x| x * x, slope |x, _y| R::lit(2.0) * x, on ANY, known [-1.5 => 2.25];
    /// Reciprocal: y = 1/x, dy/dx = −y².
    Reciprocal recip as Notation::Prefix("1/"),
        value |x| R::lit(1.0) / x, slope |_x, y| -y.square(), on ANY, known [-0.25 => -4.0],
        remarks Remarks::instead(&[("", AWAY_FROM_0)]);
    /// Absolute value: y = |x|, dy/dx = sign x, taken as 0 at 0.
    Abs abs as Notation::Fence("|", "", "|"),
        value |x| x.abs(), slope |x, _y| x.sign(), on ANY,
        kinks [0.0 => 0.0], known [-1.5 => 1.5];
    /// Sine of an angle in radians: dy/dx = cos x.
    Sin sin,
        value |x| x.sin(), slope |x, _y| x.cos(), on ANY,
        known [0.5 => 0.479425538604203, -1.25 => -0.9489846193555862];
    /// Cosine of an angle in radians: dy/dx = −sin x.
    Cos cos,
        value |x| x.cos(), slope |x, _y| -x.sin(), on ANY,
        known [0.5 => 0.8775825618903728, -1.25 => 0.3153223623952687];
    // ANCHOR: table
    /// Hyperbolic tangent: y = tanh x, dy/dx = 1 − y².
    Tanh tanh,
        value |x| x.tanh(), slope |_x, y| R::lit(1.0) - y.square(), on ANY,
        known [0.5 => 0.46211715726000974, -1.25 => -0.8482836399575129],
        remarks Remarks::stops(Stops::Saturation);
    /// Logistic sigmoid: y = 1/(1 + e⁻ˣ), dy/dx = y(1 − y).
    Sigmoid sigmoid,
        value |x| logistic(x), slope |_x, y| y * (R::lit(1.0) - y), on ANY,
        known [0.5 => 0.6224593312018546, -1.25 => 0.22270013882530884, -1000.0 => 0.0, 1000.0 => 1.0],
        remarks Remarks::stops(Stops::Saturation);
    /// Rectified linear unit: y = max(x, 0), dy/dx is 1 for x > 0 and 0 otherwise, at 0 too.
    Relu relu,
        value |x| x.maximum(R::lit(0.0)), slope |x, _y| x.greater(R::lit(0.0)), on ANY,
        kinks [0.0 => 0.0], known [-1.5 => 0.0, 1.5 => 1.5],
        remarks Remarks::stops(Stops::Off);
    // ANCHOR_END: table
    /// Leaky rectified linear unit: y = x for x > 0, αx otherwise; dy/dx is 1 or α, α at 0.
    LeakyRelu leaky_relu with (alpha = 0.2),
        value |x| x.greater(R::lit(0.0)).select(x, alpha * x),
        slope |x, _y| x.greater(R::lit(0.0)).select(R::lit(1.0), alpha), on ANY,
        kinks [0.0 => 0.2], known [-1.5 => -0.3, 1.5 => 1.5];
    /// Softplus, a smooth relu: y = ln(1 + eˣ), dy/dx = σ(x).
    Softplus softplus,
        value |x| x.maximum(R::lit(0.0)) + (-x.abs()).exp().ln_1p(),
        slope |x, _y| x.sigmoid(), on ANY,
        known [0.5 => 0.9740769841801067, -1.25 => 0.2519290813453729, 1000.0 => 1000.0, -1000.0 => 0.0];
    /// Logarithm of the sigmoid: y = −ln(1 + e⁻ˣ), dy/dx = σ(−x).
    LogSigmoid log_sigmoid,
        value |x| x.minimum(R::lit(0.0)) - (-x.abs()).exp().ln_1p(),
        slope |x, _y| (-x).sigmoid(), on ANY,
        known [0.5 => -0.4740769841801067, -1.25 => -1.501929081345373, 1000.0 => 0.0, -1000.0 => -1000.0];
    /// Power of two: y = 2ˣ, dy/dx = y ln 2.
    Exp2 exp2,
        value |x| x.exp2(), slope |_x, y| R::lit(LN_2) * y, on ANY,
        known [0.75 => 1.681792830507429, -1.25 => 0.42044820762685725];
    /// Logarithm to base 2: dy/dx = 1/(x ln 2).
    Log2 log2,
        value |x| x.log2(), slope |x, _y| R::lit(1.0 / LN_2) / x, on POSITIVE,
        known [0.3 => -1.736965594166206, 2.5 => 1.3219280948873624],
        remarks Remarks::instead(&[("", ABOVE_0)]);
    /// Logarithm to base 10: dy/dx = 1/(x ln 10).
    Log10 log10,
        value |x| x.log10(), slope |x, _y| R::lit(1.0 / LN_10) / x, on POSITIVE,
        known [0.3 => -0.5228787452803375, 2.5 => 0.3979400086720376],
        remarks Remarks::instead(&[("", ABOVE_0)]);
    /// Reciprocal square root: y = 1/√x, dy/dx = −y³/2.
    Rsqrt rsqrt,
        value |x| R::lit(1.0) / x.sqrt(), slope |_x, y| R::lit(-0.5) * y * y.square(), on POSITIVE,
        known [0.3 => 1.8257418583505538, 2.5 => 0.6324555320336759],
        remarks Remarks::instead(&[("", UNDER_THE_ROOT)]);
    /// Tangent of an angle in radians: dy/dx = 1 + y².
    Tan tan,
        value |x| x.tan(), slope |_x, y| R::lit(1.0) + y.square(), on INSIDE_ONE,
        known [0.5 => 0.5463024898437905, -1.25 => -3.0095696738628313];
    /// Arc sine, in radians: dy/dx = 1/√(1 − x²).
    Asin asin,
        value |x| x.asin(), slope |x, _y| (R::lit(1.0) - x.square()).sqrt().recip(), on INSIDE_ONE,
        known [0.4 => 0.41151684606748806, -0.75 => -0.848062078981481];
    /// Arc cosine, in radians: dy/dx = −1/√(1 − x²).
    Acos acos,
        value |x| x.acos(), slope |x, _y| -(R::lit(1.0) - x.square()).sqrt().recip(), on INSIDE_ONE,
        known [0.4 => 1.1592794807274085, -0.75 => 2.4188584057763776];
    /// Arc tangent, in radians: dy/dx = 1/(1 + x²).
    Atan atan,
        value |x| x.atan(), slope |x, _y| (R::lit(1.0) + x.square()).recip(), on ANY,
        known [0.5 => 0.4636476090008061, -1.25 => -0.8960553845713439];
    /// Hyperbolic sine: dy/dx = cosh x.
    Sinh sinh,
        value |x| x.sinh(), slope |x, _y| x.cosh(), on ANY,
        known [0.5 => 0.5210953054937474, -1.25 => -1.6019190803008256];
    /// Hyperbolic cosine: dy/dx = sinh x.
    Cosh cosh,
        value |x| x.cosh(), slope |x, _y| x.sinh(), on ANY,
        known [0.5 => 1.1276259652063807, -1.25 => 1.8884238771610158];
    /// Inverse hyperbolic sine: dy/dx = 1/√(x² + 1).
    Asinh asinh,
        value |x| x.asinh(), slope |x, _y| x.hypot(R::lit(1.0)).recip(), on ANY,
        known [0.5 => 0.48121182505960347, -1.25 => -1.0475930126492587];
    /// Inverse hyperbolic cosine: dy/dx = 1/√(x² − 1).
    Acosh acosh,
        value |x| x.acosh(), slope |x, _y| ((x - R::lit(1.0)).sqrt() * (x + R::lit(1.0)).sqrt()).recip(), on ABOVE_ONE,
        known [1.5 => 0.9624236501192069, 3.25 => 1.8472460857138377];
    /// Inverse hyperbolic tangent: dy/dx = 1/(1 − x²).
    Atanh atanh,
        value |x| x.atanh(), slope |x, _y| (R::lit(1.0) - x.square()).recip(), on INSIDE_ONE,
        known [0.3 => 0.3095196042031117, -0.75 => -0.9729550745276566];
    /// Error function: dy/dx = (2/√π) e^(−x²).
    Erf erf,
        value |x| x.erf(), slope |x, _y| R::lit(FRAC_2_SQRT_PI) * (-x.square()).exp(), on ANY,
        known [0.5 => 0.5204998778130465, -1.25 => -0.9229001282564583],
        remarks Remarks::stops(Stops::Saturation);
    /// Gaussian error linear unit: y = xΦ(x), dy/dx = Φ(x) + xφ(x), Φ and φ being the normal
    /// distribution and its density. Hendrycks & Gimpel, 2016.
    Gelu gelu,
        value |x| R::lit(0.5) * x * (R::lit(1.0) + (R::lit(FRAC_1_SQRT_2) * x).erf()),
        slope |x, _y| R::lit(0.5) * (R::lit(1.0) + (R::lit(FRAC_1_SQRT_2) * x).erf())
            + x * (R::lit(-0.5) * x.square()).exp() * R::lit(0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2),
        on ANY, known [0.5 => 0.34573123063700656, -1.25 => -0.13206221708356908];
    /// The tanh form of [`Gelu`]: y = x(1 + tanh u)/2, u = √(2/π)(x + 0.044715x³).
    GeluTanh gelu_tanh,
        value |x| R::lit(0.5) * x * (R::lit(1.0)
            + (R::lit(SQRT_2_OVER_PI) * x * (R::lit(1.0) + R::lit(0.044715) * x.square())).tanh()),
        slope |x, _y| {
            // Beyond ±20 tanh u is ±1; the square of a larger x may be infinite.
            let x = x.maximum(R::lit(-20.0)).minimum(R::lit(20.0));
            let t = (R::lit(SQRT_2_OVER_PI) * x * (R::lit(1.0) + R::lit(0.044715) * x.square())).tanh();
            let du = R::lit(SQRT_2_OVER_PI) * (R::lit(1.0) + R::lit(3.0 * 0.044715) * x.square());
            R::lit(0.5) * (R::lit(1.0) + t + x * (R::lit(1.0) - t.square()) * du)
        },
        on ANY, known [0.5 => 0.34571400982514394, -1.25 => -0.1322857970302854];
    /// Sigmoid linear unit (swish): y = xσ(x), dy/dx = σ + y(1 − σ).
    Silu silu,
        value |x| x * x.sigmoid(),
        slope |x, y| { let s = x.sigmoid(); s + y * (R::lit(1.0) - s) }, on ANY,
        known [0.5 => 0.3112296656009273, -1.25 => -0.27837517353163604];
    /// Exponential linear unit: y = x for x > 0, α(eˣ − 1) otherwise; dy/dx is 1 or y + α, α at 0.
    Elu elu with (alpha = 0.7),
        value |x| x.greater(R::lit(0.0)).select(x, alpha * x.minimum(R::lit(0.0)).exp_m1()),
        slope |x, y| x.greater(R::lit(0.0)).select(R::lit(1.0), y + alpha), on ANY,
        kinks [0.0 => 0.7], known [0.5 => 0.5, -1.25 => -0.49944664219786694];
    /// Scaled exponential linear unit: λ times [`Elu`], α and λ such that mean 0 and variance 1
    /// are kept. Klambauer et al., 2017.
    Selu selu,
        value |x| R::lit(SELU_SCALE) * x.greater(R::lit(0.0))
            .select(x, R::lit(SELU_ALPHA) * x.minimum(R::lit(0.0)).exp_m1()),
        slope |x, y| x.greater(R::lit(0.0))
            .select(R::lit(SELU_SCALE), y + R::lit(SELU_SCALE * SELU_ALPHA)), on ANY,
        kinks [0.0 => 1.7580993408473766], known [0.5 => 0.5253504936777402, -1.25 => -1.254395446337865];
    /// Continuously differentiable exponential linear unit: y = x for x > 0, α(e^(x/α) − 1)
    /// otherwise; dy/dx is 1 or y/α + 1. Barron, 2017.
    Celu celu with (alpha = 0.7),
        value |x| x.greater(R::lit(0.0)).select(x, alpha * (x.minimum(R::lit(0.0)) / alpha).exp_m1()),
        slope |x, y| x.greater(R::lit(0.0)).select(R::lit(1.0), y / alpha + R::lit(1.0)), on ANY,
        known [0.5 => 0.5, -1.25 => -0.5826259258737421];
    /// Mish: y = x·tanh(softplus x). Misra, 2019.
    Mish mish,
        value |x| x * (x.maximum(R::lit(0.0)) + (-x.abs()).exp().ln_1p()).tanh(),
        slope |x, _y| {
            let t = (x.maximum(R::lit(0.0)) + (-x.abs()).exp().ln_1p()).tanh();
            t + x * (R::lit(1.0) - t.square()) * x.sigmoid()
        },
        on ANY, known [0.5 => 0.37524521130489513, -1.25 => -0.3084139611415277];
    /// Softsign: y = x/(1 + |x|), dy/dx = 1/(1 + |x|)².
    Softsign softsign,
        value |x| x / (R::lit(1.0) + x.abs()),
        slope |x, _y| (R::lit(1.0) + x.abs()).square().recip(), on ANY,
        known [0.5 => 0.3333333333333333, -1.25 => -0.5555555555555556];
    /// Piecewise linear sigmoid: y = x/6 + 1/2 between 0 and 1; dy/dx is 1/6 inside, 0 outside
    /// and at the bounds.
    HardSigmoid hard_sigmoid,
        value |x| (x / R::lit(6.0) + R::lit(0.5)).maximum(R::lit(0.0)).minimum(R::lit(1.0)),
        slope |x, _y| R::lit(3.0).greater(x.abs()) / R::lit(6.0), on ANY,
        kinks [-3.0 => 0.0, 3.0 => 0.0], known [0.5 => 0.5833333333333334, -4.0 => 0.0, 4.0 => 1.0],
        remarks Remarks::stops(Stops::Bounds);
    /// Piecewise linear tanh: x between −1 and 1; dy/dx is 1 inside, 0 outside and at the bounds.
    HardTanh hard_tanh,
        value |x| x.maximum(R::lit(-1.0)).minimum(R::lit(1.0)),
        slope |x, _y| R::lit(1.0).greater(x.abs()), on ANY,
        kinks [-1.0 => 0.0, 1.0 => 0.0], known [0.5 => 0.5, -4.0 => -1.0, 4.0 => 1.0],
        remarks Remarks::stops(Stops::Bounds);
    /// x kept between two bounds; dy/dx is 1 inside, 0 outside and at the bounds.
    Clamp clamp with (low = -0.9, high = 1.1),
        value |x| x.maximum(low).minimum(high),
        slope |x, _y| x.greater(low) * high.greater(x), on ANY,
        kinks [-0.9 => 0.0, 1.1 => 0.0], known [0.5 => 0.5, -4.0 => -0.9, 4.0 => 1.1],
        remarks Remarks::stops(Stops::Bounds);
    /// −1, 0 or 1, the sign of x; dy/dx = 0 everywhere.
    Sign sign,
        value |x| x.sign(), slope |_x, _y| R::lit(0.0), on ANY,
        kinks [0.0 => 0.0], known [0.5 => 1.0, -0.5 => -1.0];
    /// The largest integer ≤ x; dy/dx = 0 everywhere.
    Floor floor,
        value |x| x.floor(), slope |_x, _y| R::lit(0.0), on ANY,
        kinks [2.0 => 0.0], known [0.5 => 0.0, -0.5 => -1.0];
    /// The smallest integer ≥ x; dy/dx = 0 everywhere.
    Ceil ceil,
        value |x| x.ceil(), slope |_x, _y| R::lit(0.0), on ANY,
        kinks [2.0 => 0.0], known [0.5 => 1.0, -0.5 => 0.0];
    /// The nearest integer, the even one of two; dy/dx = 0 everywhere.
    Round round,
        value |x| x.round(), slope |_x, _y| R::lit(0.0), on ANY,
        kinks [2.5 => 0.0], known [0.7 => 1.0, -0.7 => -1.0];
    /// The perceptron's step: y = 1 for x > 0, 0 otherwise; dy/dx = 0 everywhere.
    Step step,
        value |x| x.greater(R::lit(0.0)), slope |_x, _y| R::lit(0.0), on ANY,
        kinks [0.0 => 0.0], known [-0.5 => 0.0, 0.5 => 1.0];
}

binary_rules! {
    /// Sum: y = a + b.
    Add add as Notation::Infix(" + ", Binding::Sum),
        value |a, b| a + b, slopes |_a, _b, _y| [R::lit(1.0), R::lit(1.0)],
        on [ANY, ANY_OTHER], known [[1.5, -0.25] => 1.25];
    /// Difference: y = a − b.
    Sub sub as Notation::Infix(" - ", Binding::Sum),
        value |a, b| a - b, slopes |_a, _b, _y| [R::lit(1.0), R::lit(-1.0)],
        on [ANY, ANY_OTHER], known [[1.5, -0.25] => 1.75];
    /// Product: y = a·b, ∂y/∂a = b, ∂y/∂b = a.
    Mul mul as Notation::Infix(" · ", Binding::Product),
        value |a, b| a * b, slopes |a, b, _y| [b, a],
        on [ANY, ANY_OTHER], known [[1.5, -0.25] => -0.375],
        remarks Remarks::stops(Stops::Factor);
    /// Product with a weight: y = a·b, and 0 where the weight a is 0 even if b is infinite or NaN:
    /// what does not count adds nothing to a sum. ∂y/∂a = b, ∂y/∂b = a.
    Weigh weigh,
        value |a, b| weighed(a, b), slopes |a, b, _y| [b, a],
        on [ANY, ANY_OTHER], known [[1.5, -0.25] => -0.375, [0.0, 2.5] => 0.0];
    /// Quotient: y = a/b, ∂y/∂a = 1/b, ∂y/∂b = −y/b.
    Div div as Notation::Infix(" / ", Binding::Product),
        value |a, b| a / b, slopes |_a, b, y| [b.recip(), -y / b],
        on [ANY, ANY_OTHER], known [[1.5, -0.25] => -6.0],
        remarks Remarks::instead(&[("", AWAY_FROM_0)]);
    /// Power: y = aᵇ, ∂y/∂a = b·aᵇ⁻¹, ∂y/∂b = y·ln a, both taken as 0 where a = 0 makes them
    /// 0 times infinity. At a = 0 and b = 0 or 1 the derivatives of both are 0, too.
    Pow pow as Notation::Infix("^", Binding::Power),
        value |a, b| a.pow(b),
        slopes |a, b, y| [
            {
                // At 0⁰ and 0¹ the slope is a number, 0 or 1, and the formula is read elsewhere.
                let (zero, one) = (R::lit(0.0), R::lit(1.0));
                let corner = b.equal(zero).select(a.equal(zero), b.equal(one).select(a.equal(zero), zero));
                corner.select(b.equal(one), b * corner.select(one, a).pow(b - one))
            },
            y * a.equal(R::lit(0.0)).select(R::lit(1.0), a).ln()
        ],
        on [POSITIVE, ANY_OTHER], kinks [[0.0, 0.0] => [0.0, 0.0], [0.0, 1.0] => [1.0, 0.0]],
        known [[2.5, -1.5] => 0.25298221281347033, [0.5, 0.25] => 0.8408964152537145],
        remarks Remarks::instead(&[(
            "",
            "keep the base above 0: a negative base has no real power in general",
        )]);
    /// The larger of a and b; its gradient goes to the larger, in halves where they tie.
    Maximum maximum,
        value |a, b| a.maximum(b),
        slopes |a, b, _y| [
            a.greater(b) + R::lit(0.5) * a.equal(b),
            b.greater(a) + R::lit(0.5) * a.equal(b)
        ],
        on [ANY, ANY_OTHER], kinks [[0.4, 0.4] => [0.5, 0.5]], known [[1.5, -0.25] => 1.5],
        remarks Remarks::stops(Stops::Choice);
    /// The smaller of a and b; its gradient goes to the smaller, in halves where they tie.
    Minimum minimum,
        value |a, b| a.minimum(b),
        slopes |a, b, _y| [
            b.greater(a) + R::lit(0.5) * a.equal(b),
            a.greater(b) + R::lit(0.5) * a.equal(b)
        ],
        on [ANY, ANY_OTHER], kinks [[0.4, 0.4] => [0.5, 0.5]], known [[1.5, -0.25] => -0.25],
        remarks Remarks::stops(Stops::Choice);
    /// Leaky relu with a learned slope: y = x for x > 0, a·x otherwise; ∂y/∂x is 1 or a (a at 0),
    /// ∂y/∂a is 0 or x. He et al., 2015.
    Prelu prelu,
        value |x, a| x.greater(R::lit(0.0)).select(x, a * x),
        slopes |x, a, _y| [
            x.greater(R::lit(0.0)).select(R::lit(1.0), a),
            x.greater(R::lit(0.0)).select(R::lit(0.0), x)
        ],
        on [ANY, ANY_OTHER], kinks [[0.0, 0.2] => [0.2, 0.0]],
        known [[1.5, 0.25] => 1.5, [-1.5, 0.25] => -0.375];
    /// ln(eᵃ + eᵇ) without overflow: ∂y/∂a = σ(a − b), ∂y/∂b = σ(b − a). The difference of equal
    /// infinities, which is NaN, is taken as 0.
    LogAddExp logaddexp,
        value |a, b| {
            let d = a - b;
            a.maximum(b) + (-d.equal(d).select(d, R::lit(0.0)).abs()).exp().ln_1p()
        },
        slopes |a, b, _y| [
            { let d = a - b; d.equal(d).select(d, R::lit(0.0)).sigmoid() },
            { let d = b - a; d.equal(d).select(d, R::lit(0.0)).sigmoid() }
        ],
        on [ANY, ANY_OTHER], kinks [[f64::NEG_INFINITY, f64::NEG_INFINITY] => [0.5, 0.5]],
        known [[0.5, -1.25] => 0.6602241504380872, [0.5, 0.5] => 1.1931471805599454];
    /// √(a² + b²) without overflow on the way: ∂y/∂a = a/y, ∂y/∂b = b/y, both and their
    /// derivatives taken as 0 at the origin.
    Hypot hypot,
        value |a, b| a.hypot(b),
        slopes |a, b, y| [
            a / nonzero(y),
            b / nonzero(y)
        ],
        on [ANY, ANY_OTHER], kinks [[0.0, 0.0] => [0.0, 0.0]], known [[0.5, -1.25] => 1.346291201783626];
    /// The angle of the point (b, a) from the positive x-axis, in radians:
    /// ∂y/∂a = b/(a² + b²), ∂y/∂b = −a/(a² + b²), both and their derivatives taken as 0 at the
    /// origin. The square is divided by in two steps, since it may overflow.
    Atan2 atan2,
        value |a, b| a.atan2(b),
        slopes |a, b, _y| [
            { let r = nonzero(a.hypot(b)); b / r / r },
            { let r = nonzero(a.hypot(b)); -a / r / r }
        ],
        on [ANY, ANY_OTHER], kinks [[0.0, 0.0] => [0.0, 0.0]], known [[0.5, -1.25] => 2.761086276477428, [-0.75, 2.0] => -0.35877067027057225];
    /// The mask of a > b: 1 or 0, with slope 0.
    Greater greater as Notation::Fence("[", " > ", "]"),
        value |a, b| a.greater(b), slopes |_a, _b, _y| [R::lit(0.0), R::lit(0.0)],
        on [ANY, ANY_OTHER], known [[1.5, -0.25] => 1.0, [0.5, -0.5] => 1.0];
    /// The mask of a ≥ b: 1 or 0, with slope 0.
    GreaterEqual greater_equal as Notation::Fence("[", " ≥ ", "]"),
        value |a, b| a.maximum(b).equal(a), slopes |_a, _b, _y| [R::lit(0.0), R::lit(0.0)],
        on [ANY, ANY_OTHER], known [[1.5, -0.25] => 1.0, [-0.5, 0.5] => 0.0];
    /// The mask of a < b: 1 or 0, with slope 0.
    Less less as Notation::Fence("[", " < ", "]"),
        value |a, b| b.greater(a), slopes |_a, _b, _y| [R::lit(0.0), R::lit(0.0)],
        on [ANY, ANY_OTHER], known [[1.5, -0.25] => 0.0, [-0.5, 0.5] => 1.0];
    /// The mask of a ≤ b: 1 or 0, with slope 0.
    LessEqual less_equal as Notation::Fence("[", " ≤ ", "]"),
        value |a, b| a.minimum(b).equal(a), slopes |_a, _b, _y| [R::lit(0.0), R::lit(0.0)],
        on [ANY, ANY_OTHER], known [[1.5, -0.25] => 0.0, [-0.5, 0.5] => 1.0];
    /// The mask of a = b: 1 or 0, with slope 0.
    Equal equal as Notation::Fence("[", " = ", "]"),
        value |a, b| a.equal(b), slopes |_a, _b, _y| [R::lit(0.0), R::lit(0.0)],
        on [ANY, ANY_OTHER], known [[1.5, -0.25] => 0.0];
    /// The mask of a ≠ b: 1 or 0, with slope 0.
    NotEqual not_equal as Notation::Fence("[", " ≠ ", "]"),
        value |a, b| R::lit(1.0) - a.equal(b), slopes |_a, _b, _y| [R::lit(0.0), R::lit(0.0)],
        on [ANY, ANY_OTHER], known [[1.5, -0.25] => 1.0];
    /// Binary cross-entropy of logits x and target probabilities t, for each element:
    /// y = −t·ln σ(x) − (1 − t)·ln(1 − σ(x)), computed as x·(1 − t) for x > 0 or −x·t, plus
    /// ln(1 + e^(−|x|)), which neither overflows nor cancels; an infinite x that the target agrees
    /// with costs 0. ∂y/∂x = σ(x) − t, ∂y/∂t = −x.
    SigmoidCrossEntropy sigmoid_cross_entropy,
        value |x, t| {
            let miss = x.greater(R::lit(0.0)).select(R::lit(1.0) - t, t);
            weighed(miss, x.abs()) + (-x.abs()).exp().ln_1p()
        },
        slopes |x, t, _y| [x.sigmoid() - t, -x],
        on [ANY, POSITIVE],
        known [[0.5, 0.25] => 0.8490769841801067, [-1.25, 1.0] => 1.501929081345373, [1000.0, 0.5] => 500.0];
}

/// y as a divisor: infinite where it is 0, so that a quotient and its derivatives of any order are
/// 0 there.
#[inline(always)]
fn nonzero<R: Number>(y: R) -> R {
    y.equal(R::lit(0.0)).select(R::lit(f64::INFINITY), y)
}

/// a·b, and 0 where a is 0 whatever b is.
#[inline(always)]
fn weighed<R: Number>(a: R, b: R) -> R {
    a.equal(R::lit(0.0)).select(R::lit(0.0), a * b)
}

/// Choice by a mask: y = a where the mask is not 0, b where it is 0. What is not chosen passes
/// nothing on, not even a NaN.
#[derive(Clone, Copy, Debug)]
pub struct Where;

impl Elementwise<3> for Where {
    const NAME: &'static str = "where";
    const DECLARED: Samples<3> = Samples {
        samples: [&[1.0, 0.0, 0.0, 1.0, 1.0], ANY, ANY_OTHER],
        kinks: &[],
        known: &[([1.0, 2.5, -1.5], 2.5), ([0.0, 2.5, -1.5], -1.5)],
    };
    const REMARKS: Remarks = Remarks::stops(Stops::Mask);
    #[inline(always)]
    fn value<R: Number>(self, [mask, a, b]: [R; 3]) -> R {
        mask.select(a, b)
    }
    #[inline(always)]
    fn slope<R: Number>(self, operand: usize, [mask, _, _]: [R; 3], _y: R) -> R {
        match operand {
            0 => R::lit(0.0),
            1 => mask.select(R::lit(1.0), R::lit(0.0)),
            _ => mask.select(R::lit(0.0), R::lit(1.0)),
        }
    }
    #[inline(always)]
    fn times_slope<R: Number>(self, operand: usize, [mask, _, _]: [R; 3], _y: R, v: R) -> R {
        match operand {
            0 => R::lit(0.0),
            1 => mask.select(v, R::lit(0.0)),
            _ => mask.select(R::lit(0.0), v),
        }
    }
}
