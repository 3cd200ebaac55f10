//! Elementwise rules: one entry each, the value and the slope beside each other.
//!
//! An entry is all there is to add for a new op; see CONTRIBUTING.md. Kinks have one written
//! policy: where the derivative jumps the rule takes the value given under `kinks` (0 for `relu`
//! at 0, the mean of both sides where two operands tie), and a test holds it there.

use std::borrow::Borrow;

use crate::algebra::Algebra;
use crate::declare::{ANY, ANY_OTHER, Declared, Kink, POSITIVE};
use crate::formula::{Binding, Formula, Notation};
use crate::real::Real;
use crate::registry::Visitor;
use crate::rule::{Binary, Bound, Elementwise, Lift, Unary};

unary_rules! {
    /// Minus x: y = −x.
    Neg neg as Notation::Prefix("-"),
        value |x| -x, slope |_x, _y| R::lit(-1.0), on ANY, known [1.5 => -1.5];
    /// Exponential: y = eˣ, dy/dx = y.
    Exp exp,
        value |x| x.exp(), slope |_x, y| y, on ANY,
        known [0.5 => 1.6487212707001282, -1.25 => 0.2865047968601901];
    /// eˣ − 1 without cancellation near 0: dy/dx = y + 1.
    Expm1 exp_m1,
        value |x| x.exp_m1(), slope |_x, y| y + R::lit(1.0), on ANY,
        known [0.5 => 0.6487212707001282, 1e-10 => 1.000_000_000_05e-10];
    /// Natural logarithm: y = ln x, dy/dx = 1/x.
    Ln ln,
        value |x| x.ln(), slope |x, _y| x.recip(), on POSITIVE,
        known [0.25 => -1.3862943611198906, 2.5 => 0.9162907318741551];
    /// ln(1 + x) without cancellation near 0: dy/dx = 1/(1 + x).
    Log1p ln_1p,
        value |x| x.ln_1p(), slope |x, _y| (R::lit(1.0) + x).recip(), on POSITIVE,
        known [0.5 => 0.4054651081081644, 1e-10 => 9.999_999_999_5e-11];
    /// Square root: y = √x, dy/dx = 1/(2y).
    Sqrt sqrt,
        value |x| x.sqrt(), slope |_x, y| R::lit(0.5) / y, on POSITIVE,
        known [0.3 => 0.5477225575051661, 2.5 => 1.5811388300841898];
    /// Square: y = x², dy/dx = 2x.
    Square square as Notation::Postfix("²"),
        value |x| x * x, slope |x, _y| R::lit(2.0) * x, on ANY, known [-1.5 => 2.25];
    /// Reciprocal: y = 1/x, dy/dx = −y².
    Reciprocal recip,
        value |x| R::lit(1.0) / x, slope |_x, y| -y.square(), on ANY, known [-0.25 => -4.0];
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
    /// Hyperbolic tangent: y = tanh x, dy/dx = 1 − y².
    Tanh tanh,
        value |x| x.tanh(), slope |_x, y| R::lit(1.0) - y.square(), on ANY,
        known [0.5 => 0.46211715726000974, -1.25 => -0.8482836399575129];
    /// Logistic sigmoid: y = 1/(1 + e⁻ˣ), dy/dx = y(1 − y).
    Sigmoid sigmoid,
        value |x| R::lit(1.0) / (R::lit(1.0) + (-x).exp()),
        slope |_x, y| y * (R::lit(1.0) - y), on ANY,
        known [0.5 => 0.6224593312018546, -1.25 => 0.22270013882530884, -1000.0 => 0.0, 1000.0 => 1.0];
    /// Rectified linear unit: y = max(x, 0), dy/dx = [x > 0], taken as 0 at 0.
    Relu relu,
        value |x| x.maximum(R::lit(0.0)), slope |x, _y| x.greater(R::lit(0.0)), on ANY,
        kinks [0.0 => 0.0], known [-1.5 => 0.0, 1.5 => 1.5];
    /// Leaky rectified linear unit: y = x for x > 0, αx otherwise; dy/dx is 1 or α, α at 0.
    LeakyRelu(alpha = 0.2) leaky_relu,
        value |x| x.greater(R::lit(0.0)).select(x, alpha * x),
        slope |x, _y| x.greater(R::lit(0.0)).select(R::lit(1.0), alpha), on ANY,
        kinks [0.0 => 0.2], known [-1.5 => -0.3, 1.5 => 1.5];
    /// Softplus, a smooth relu: y = ln(1 + eˣ), dy/dx = σ(x).
    Softplus softplus,
        value |x| x.maximum(R::lit(0.0)) + (-x.abs()).exp().ln_1p(),
        slope |x, _y| x.sigmoid(), on ANY,
        known [0.5 => 0.9740769841801067, -1.25 => 0.2519290813453729, 1000.0 => 1000.0, -1000.0 => 0.0];
    /// The perceptron's step: y = 1 for x > 0, 0 otherwise; dy/dx = 0 everywhere.
    Step step,
        value |x| x.greater(R::lit(0.0)), slope |_x, _y| R::lit(0.0), on ANY,
        kinks [0.0 => 0.0], known [-0.5 => 0.0, 0.0 => 0.0, 0.5 => 1.0];
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
        on [ANY, ANY_OTHER], known [[1.5, -0.25] => -0.375];
    /// Quotient: y = a/b, ∂y/∂a = 1/b, ∂y/∂b = −y/b.
    Div div as Notation::Infix(" / ", Binding::Product),
        value |a, b| a / b, slopes |_a, b, y| [b.recip(), -y / b],
        on [ANY, ANY_OTHER], known [[1.5, -0.25] => -6.0];
    /// Power: y = aᵇ, ∂y/∂a = b·aᵇ⁻¹, ∂y/∂b = y·ln a, both taken as 0 where a = 0 makes them
    /// 0 times infinity.
    Pow pow as Notation::Infix("^", Binding::Power),
        value |a, b| a.pow(b),
        slopes |a, b, y| [
            b * a.pow(b.equal(R::lit(0.0)).select(R::lit(1.0), b - R::lit(1.0))),
            y * a.equal(R::lit(0.0)).select(R::lit(1.0), a).ln()
        ],
        on [POSITIVE, ANY_OTHER],
        known [[2.5, -1.5] => 0.25298221281347033, [0.5, 0.25] => 0.8408964152537145];
    /// The larger of a and b; its gradient goes to the larger, in halves where they tie.
    Maximum maximum,
        value |a, b| a.maximum(b),
        slopes |a, b, _y| [
            a.greater(b) + R::lit(0.5) * a.equal(b),
            b.greater(a) + R::lit(0.5) * a.equal(b)
        ],
        on [ANY, ANY_OTHER], kinks [[0.4, 0.4] => [0.5, 0.5]], known [[1.5, -0.25] => 1.5];
    /// The smaller of a and b; its gradient goes to the smaller, in halves where they tie.
    Minimum minimum,
        value |a, b| a.minimum(b),
        slopes |a, b, _y| [
            b.greater(a) + R::lit(0.5) * a.equal(b),
            a.greater(b) + R::lit(0.5) * a.equal(b)
        ],
        on [ANY, ANY_OTHER], kinks [[0.4, 0.4] => [0.5, 0.5]], known [[1.5, -0.25] => -0.25];
    /// The mask of a > b: 1 or 0, with slope 0.
    Greater greater as Notation::Fence("[", " > ", "]"),
        value |a, b| a.greater(b), slopes |_a, _b, _y| [R::lit(0.0), R::lit(0.0)],
        on [ANY, ANY_OTHER], known [[1.5, -0.25] => 1.0, [0.5, 0.5] => 0.0];
    /// The mask of a = b: 1 or 0, with slope 0.
    Equal equal as Notation::Fence("[", " = ", "]"),
        value |a, b| a.equal(b), slopes |_a, _b, _y| [R::lit(0.0), R::lit(0.0)],
        on [ANY, ANY_OTHER], known [[1.5, -0.25] => 0.0, [0.5, 0.5] => 1.0];
    /// Binary cross-entropy of logits x and target probabilities t, for each element:
    /// y = −t·ln σ(x) − (1 − t)·ln(1 − σ(x)), computed as max(x, 0) − x·t + ln(1 + e^(−|x|)),
    /// which does not overflow. ∂y/∂x = σ(x) − t, ∂y/∂t = −x.
    SigmoidCrossEntropy sigmoid_cross_entropy,
        value |x, t| x.maximum(R::lit(0.0)) - x * t + (-x.abs()).exp().ln_1p(),
        slopes |x, t, _y| [x.sigmoid() - t, -x],
        on [ANY, POSITIVE],
        known [[0.5, 0.25] => 0.8490769841801067, [-1.25, 1.0] => 1.501929081345373, [1000.0, 0.5] => 500.0];
}

/// Choice by a mask: y = a where the mask is not 0, b where it is 0.
#[derive(Clone, Copy, Debug)]
pub struct Where;

impl Elementwise<3> for Where {
    const NAME: &'static str = "where";
    const DECLARED: Declared<3> = Declared {
        samples: [&[1.0, 0.0, 0.0, 1.0, 1.0], ANY, ANY_OTHER],
        kinks: &[],
        known: &[([1.0, 2.5, -1.5], 2.5), ([0.0, 2.5, -1.5], -1.5)],
    };
    #[inline]
    fn value<R: Real>(self, [mask, a, b]: [R; 3]) -> R {
        mask.select(a, b)
    }
    #[inline]
    fn slope<R: Real>(self, operand: usize, [mask, _, _]: [R; 3], _y: R) -> R {
        match operand {
            0 => R::lit(0.0),
            1 => mask.select(R::lit(1.0), R::lit(0.0)),
            _ => mask.select(R::lit(0.0), R::lit(1.0)),
        }
    }
}
