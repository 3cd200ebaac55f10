//! What a rule declares of itself, from which its tests are generated.

use crate::rule::Rule;
use crate::tensor::Tensor;

/// What an elementwise rule of `N` operands declares: where to test it, its kinks, and values
/// known from elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Samples<const N: usize> {
    /// For each operand, numbers of its domain, in any combination away from every kink.
    pub samples: [&'static [f64]; N],
    /// Points where the derivative jumps, and the subgradient that the rule takes there.
    pub kinks: &'static [Kink<N>],
    /// Values computed with an independent program, to 17 digits.
    pub known: &'static [([f64; N], f64)],
}

/// A point where a rule is not differentiable, and what is taken there.
#[derive(Clone, Copy, Debug)]
pub struct Kink<const N: usize> {
    /// The operands.
    pub at: [f64; N],
    /// The slope with respect to each operand that the rule gives there.
    pub slopes: [f64; N],
}

/// Samples of both signs.
pub const ANY: &[f64] = &[-1.3, 0.45, -0.6, 1.7, 0.8, -2.1];
/// Samples of both signs that share no number with [`ANY`], for a second operand.
pub const ANY_OTHER: &[f64] = &[0.7, -1.1, 1.35, -0.55, 2.2, 1.6];
/// Positive samples.
pub const POSITIVE: &[f64] = &[0.3, 1.7, 0.9, 2.6, 0.55, 1.2];

/// Samples between −1 and 1.
pub const INSIDE_ONE: &[f64] = &[-0.7, 0.45, -0.6, 0.35, 0.8, -0.15];
/// Samples above 1.
pub const ABOVE_ONE: &[f64] = &[1.3, 2.7, 1.9, 3.6, 1.55, 2.2];

impl<const N: usize> Samples<N> {
    /// A rule that is smooth on the samples of both signs, of which no value is known.
    pub const fn anywhere() -> Self {
        Self { samples: [ANY; N], kinks: &[], known: &[] }
    }
}

/// A rule with operands to test it on, and its value there if it is known.
#[derive(Clone, Debug)]
pub struct Example<R> {
    /// The rule, with its settings.
    pub rule: R,
    /// Operands in general position: away from kinks, no two numbers equal.
    pub operands: Vec<Tensor<f64>>,
    /// The value as computed by hand or by an independent program.
    pub value: Option<Tensor<f64>>,
    /// The operand that is not varied, if there is one: indices, which are whole numbers.
    pub fixed: Option<usize>,
}

/// Operands that a rule refuses, and words that its message must contain.
#[derive(Clone, Debug)]
pub struct Refusal<R> {
    /// The rule, with its settings.
    pub rule: R,
    /// The shapes of the operands.
    pub shapes: Vec<Vec<usize>>,
    /// Part of the message.
    pub says: &'static str,
}

/// A rule over whole tensors that declares its own tests.
pub trait Cases: Rule {
    /// Cases to test the rule on.
    fn examples() -> Vec<Example<Self>>;

    /// Operands that the rule refuses.
    fn refusals() -> Vec<Refusal<Self>>;
}

/// An example without a known value.
pub fn example<R>(rule: R, operands: impl Into<Vec<Tensor<f64>>>) -> Example<R> {
    Example { rule, operands: operands.into(), value: None, fixed: None }
}

impl<R> Example<R> {
    /// The same example with its value.
    pub fn gives(self, value: impl Into<Tensor<f64>>) -> Self {
        Self { value: Some(value.into()), ..self }
    }

    /// The same example with an operand that is not varied.
    pub fn fixed(self, operand: usize) -> Self {
        Self { fixed: Some(operand), ..self }
    }

    /// The operands that are varied.
    pub fn varied(&self) -> Vec<Tensor<f64>> {
        let operands = self.operands.iter().enumerate();
        operands.filter(|(i, _)| Some(*i) != self.fixed).map(|(_, x)| x.clone()).collect()
    }

    /// All operands, given those that are varied, in another reading, and how to read the one that
    /// is not.
    pub fn complete<T: Clone>(&self, varied: &[T], read: impl FnOnce(&Tensor<f64>) -> T) -> Vec<T> {
        let mut operands = varied.to_vec();
        if let Some(operand) = self.fixed {
            operands.insert(operand, read(&self.operands[operand]));
        }
        operands
    }
}

/// A refusal of operands of the given shapes.
pub fn refusal<R>(rule: R, shapes: &[&[usize]], says: &'static str) -> Refusal<R> {
    Refusal { rule, shapes: shapes.iter().map(|shape| shape.to_vec()).collect(), says }
}

/// A tensor of numbers in general position: distinct, of both signs, none near 0.
pub fn sample(shape: &[usize], seed: usize) -> Tensor<f64> {
    let golden = 0.618_033_988_749_895;
    let count = shape.iter().product::<usize>();
    let numbers = (0..count).map(|i| {
        let u = ((i + 7 * seed + 1) as f64 * golden).fract();
        let magnitude = 0.25 + 1.5 * u;
        if (i + seed).is_multiple_of(2) { magnitude } else { -magnitude }
    });
    Tensor::from_shape_vec(shape, numbers.collect()).expect("as many numbers as the shape holds")
}
