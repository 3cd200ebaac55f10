//! The reading that carries a tangent along: forward mode.

use crate::ground::Shape;
use crate::number::Elementwise;
use crate::readings::times_slope;
use crate::rule::{Call, Reading, Rule};
use crate::rules::methods::BinaryMethods;

/// A value with its tangent, the derivative along one direction of the inputs.
///
/// Applying a rule to dual numbers applies it to the primals and pushes the tangents forward by
/// the rule's [`jvp`](Rule::jvp). Duals nest: each level is a type of its own, so a perturbation
/// of one level is never confused with that of another.
///
/// ```
/// use ops::{Dual, Tensor};
/// use ops::prelude::*;
///
/// // d/dx x³ = 3x² at x = 2, and once more: 6x.
/// let x = Dual::new(Tensor::scalar(2.0), Tensor::scalar(1.0));
/// assert_eq!(x.powf(3.0).tangent(), Some(&Tensor::scalar(12.0)));
///
/// let x = Dual::new(x.clone(), Dual::constant(Tensor::scalar(1.0)));
/// let second = x.powf(3.0).tangent().unwrap().tangent().unwrap().clone();
/// assert_eq!(second, Tensor::scalar(12.0));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Dual<T> {
    primal: T,
    tangent: Option<T>,
}

impl<T: Reading> Dual<T> {
    /// A value that changes along `tangent`.
    ///
    /// # Panics
    /// If the tangent has another shape than the value.
    #[track_caller]
    pub fn new(primal: T, tangent: T) -> Self {
        let (value, direction) = (primal.shape(), tangent.shape());
        assert!(
            value == direction,
            "a tangent of shape {direction:?} was given for a value of shape {value:?}; \
             the two must be equal"
        );
        Self { primal, tangent: Some(tangent) }
    }

    /// A value that does not change.
    pub fn constant(primal: T) -> Self {
        Self { primal, tangent: None }
    }

    /// The value.
    pub fn primal(&self) -> &T {
        &self.primal
    }

    /// The tangent, `None` if the value does not depend on what is varied.
    pub fn tangent(&self) -> Option<&T> {
        self.tangent.as_ref()
    }
}

impl<T: Reading> Reading for Dual<T> {
    fn shape(&self) -> Shape {
        self.primal.shape()
    }

    fn apply<R: Rule>(rule: R, operands: &[&Self]) -> Self {
        let primals: Vec<&T> = operands.iter().map(|x| &x.primal).collect();
        let primal = T::apply(rule.clone(), &primals);
        let tangents: Vec<Option<&T>> = operands.iter().map(|x| x.tangent.as_ref()).collect();
        let wanted: Vec<bool> = tangents.iter().map(Option::is_some).collect();
        let call = Call { operands: &primals, output: &primal, wanted: &wanted };
        let tangent = wanted.contains(&true).then(|| rule.jvp(&call, &tangents)).flatten();
        Self { primal, tangent }
    }

    fn scalar(&self, value: f64) -> Self {
        Self::constant(self.primal.scalar(value))
    }

    fn stop_gradient(&self) -> Self {
        Self::constant(self.primal.stop_gradient())
    }

    fn accumulate(self, other: Self) -> Self {
        self.add(&other)
    }

    fn times_slope<E: Elementwise<N>, const N: usize>(
        rule: E,
        operand: usize,
        operands: [&Self; N],
        output: &Self,
        v: &Self,
    ) -> Option<Self> {
        times_slope(rule, operand, operands, output, v)
    }
}

/// The value of a function and its derivative along the given tangents: forward mode, in one
/// evaluation. Nothing is recorded, so memory does not grow with the depth of the function.
///
/// `f` is written on dual numbers over any algebra, so forward mode nests: within a function of
/// duals, over recorded variables, over duals again. `None` where the result does not depend on
/// the inputs.
///
/// # Panics
/// If there is not one tangent for each input, in its shape.
///
/// ```
/// use ops::{Dual, Tensor, jvp, prelude::*};
///
/// let (x, direction) = (Tensor::from([1.0, 2.0]), Tensor::from([1.0, -1.0]));
/// let (value, tangent) = jvp(|x: &[Dual<Tensor<f64>>]| x[0].powf(3.0).sum(), &[x], &[direction]);
/// assert_eq!((value.item(), tangent.unwrap().item()), (9.0, 3.0 - 12.0));
/// ```
#[track_caller]
pub fn jvp<T: Reading>(
    f: impl FnOnce(&[Dual<T>]) -> Dual<T>,
    inputs: &[T],
    tangents: &[T],
) -> (T, Option<T>) {
    assert!(
        inputs.len() == tangents.len(),
        "jvp: {} tangents were given for {} inputs; there must be one for each",
        tangents.len(),
        inputs.len()
    );
    let pairs = inputs.iter().cloned().zip(tangents.iter().cloned());
    let duals: Vec<Dual<T>> = pairs.map(|(x, tangent)| Dual::new(x, tangent)).collect();
    let result = f(&duals);
    (result.primal, result.tangent)
}

/// Forward mode of a rule that is a composition: the composition, read with dual numbers.
pub fn composite_jvp<T: Reading>(
    call: &Call<'_, T>,
    tangents: &[Option<&T>],
    value: impl Fn(&[&Dual<T>]) -> Dual<T>,
) -> Option<T> {
    let duals: Vec<Dual<T>> = call
        .operands
        .iter()
        .zip(tangents)
        .map(|(&x, tangent)| Dual { primal: x.clone(), tangent: tangent.cloned() })
        .collect();
    value(&duals.iter().collect::<Vec<_>>()).tangent
}
