//! What a rule declares of itself, from which its tests are generated.

use crate::rule::Rule;
use crate::tensor::Tensor;

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

/// Operands of the given shapes in general position.
pub fn samples(shapes: &[&[usize]]) -> Vec<Tensor<f64>> {
    shapes.iter().enumerate().map(|(seed, shape)| sample(shape, seed)).collect()
}
