//! The reading that carries a tangent along: forward mode.

use smallvec::SmallVec;

use crate::ground::Shape;
use crate::number::Elementwise;
use crate::readings::times_slope;
use crate::rule::{Call, Contributions, Family, Reading, Rule};
use crate::rules::linear::Sum;
use crate::rules::matmul::transposed;
use crate::rules::methods::{BinaryMethods, LinearMethods, MatmulMethods, UnaryMethods};

/// A value with its tangent, the derivative along one direction of the inputs.
///
/// Applying a rule to dual numbers applies it to the primals and pushes the tangents forward by
/// the rule's [`pushforward`]. Duals nest: each level is a type of its own, so a perturbation
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
        let Parts { primals, tangents, wanted } = Parts::of(operands);
        let primal = T::apply(rule.clone(), &primals);
        let call = Call { operands: &primals, output: &primal, wanted: &wanted };
        let tangent = pushforward(&rule, &call, &tangents);
        Self { primal, tangent }
    }

    fn scalar(&self, value: f64) -> Self {
        Self::constant(self.primal.scalar(value))
    }

    fn stop_gradient(&self) -> Self {
        Self::constant(self.primal.stop_gradient())
    }

    fn accumulate(&mut self, other: Self) {
        *self = self.add(&other);
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

/// Dual operands, taken apart.
struct Parts<'a, T> {
    primals: SmallVec<[&'a T; 3]>,
    tangents: SmallVec<[Option<&'a T>; 3]>,
    wanted: SmallVec<[bool; 4]>,
}

impl<'a, T> Parts<'a, T> {
    fn of(duals: &[&'a Dual<T>]) -> Self {
        let tangents = duals.iter().map(|x| x.tangent.as_ref());
        Self {
            primals: duals.iter().map(|x| &x.primal).collect(),
            wanted: tangents.clone().map(|tangent| tangent.is_some()).collect(),
            tangents: tangents.collect(),
        }
    }
}

/// The value of a function and its derivative along the given tangents: forward mode, in one
/// evaluation. Nothing is recorded, so memory does not grow with the depth of the function.
///
/// `f` is written on dual numbers over any reading, so forward mode nests: within a function of
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

/// Forward mode of any rule: the tangent of the output from the tangents of the operands, as it
/// follows from the rule's family. `None` stands for zero.
#[track_caller]
pub fn pushforward<T: Reading, R: Rule>(
    rule: &R,
    call: &Call<'_, T>,
    tangents: &[Option<&T>],
) -> Option<T> {
    if tangents.iter().all(Option::is_none) {
        return None;
    }
    push(rule, call, tangents)
}

/// A rule as forward mode reads it. Behind a table, so that what follows is compiled once for all rules.
trait Read<T> {
    fn family(&self) -> Family<'_>;
    fn apply(&self, operands: &[&T]) -> T;
    fn vjp(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T>;
    fn compose(&self, operands: &[&Dual<T>]) -> Option<Dual<T>>;
}

impl<T: Reading, R: Rule> Read<T> for R {
    fn family(&self) -> Family<'_> {
        Rule::family(self)
    }
    fn apply(&self, operands: &[&T]) -> T {
        T::apply(self.clone(), operands)
    }
    fn vjp(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        Rule::vjp(self, call, cotangent)
    }
    fn compose(&self, operands: &[&Dual<T>]) -> Option<Dual<T>> {
        Rule::compose(self, operands)
    }
}

#[track_caller]
fn push<T: Reading>(rule: &dyn Read<T>, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
    match rule.family() {
        Family::Elementwise | Family::Symmetric => by_symmetry(rule, call, tangents),
        Family::Linear | Family::View | Family::Part(_) => {
            let filled = call.operands.iter().zip(tangents);
            let filled: Vec<T> =
                filled.map(|(x, &t)| t.cloned().unwrap_or_else(|| x.zeros_like())).collect();
            Some(rule.apply(&filled.iter().collect::<Vec<_>>()))
        }
        Family::LinearIn(operand) => {
            let mut operands = call.operands.to_vec();
            operands[operand] = tangents[operand]?;
            Some(rule.apply(&operands))
        }
        Family::Bilinear => {
            let [a, b] = [call.operands[0], call.operands[1]];
            sum([
                tangents[0].map(|a_dot| rule.apply(&[a_dot, b])),
                tangents[1].map(|b_dot| rule.apply(&[a, b_dot])),
            ])
        }
        Family::Quotient => {
            let from_a = tangents[0].map(|a_dot| a_dot.matmul(call.output).neg());
            let right = sum([from_a, tangents[1].cloned()])?;
            Some(rule.apply(&[call.operands[0], &right]))
        }
        Family::Reduction(axes, keepdims) => {
            let ones = call.output.scalar(1.0).stretch_to(&call.output.shape());
            let slope = contribution(rule, call, 0, &ones)?;
            Some(T::apply(Sum { axes, keepdims }, &[&slope.mul(tangents[0]?)]))
        }
        Family::MatrixFunction => {
            let (x, y) = (transposed(call.operands[0]), transposed(call.output));
            let call = Call { operands: &[&x], output: &y, wanted: &[true] };
            contribution(rule, &call, 0, tangents[0]?)
        }
        Family::Composed | Family::Own => {
            let duals = call.operands.iter().zip(tangents);
            let duals: Vec<Dual<T>> = duals
                .map(|(&x, tangent)| Dual { primal: x.clone(), tangent: tangent.cloned() })
                .collect();
            rule.compose(&duals.iter().collect::<Vec<_>>())?.tangent
        }
        Family::Constant => None,
    }
}

/// ẏ of a rule with symmetric Jacobians: the gradients with the tangents for cotangents.
#[track_caller]
fn by_symmetry<T: Reading>(
    rule: &dyn Read<T>,
    call: &Call<'_, T>,
    tangents: &[Option<&T>],
) -> Option<T> {
    let shape = call.output.shape();
    let along = |i: usize| Some(contribution(rule, call, i, tangents[i]?)?.stretch_to(&shape));
    sum((0..tangents.len()).map(along))
}

/// What the rule contributes to one operand.
#[track_caller]
fn contribution<T: Reading>(
    rule: &dyn Read<T>,
    call: &Call<'_, T>,
    operand: usize,
    cotangent: &T,
) -> Option<T> {
    let wanted: SmallVec<[bool; 4]> = (0..call.operands.len()).map(|i| i == operand).collect();
    let call = Call { wanted: &wanted, ..*call };
    rule.vjp(&call, cotangent).into_iter().nth(operand)?
}

/// The sum of the terms, if there are any.
#[track_caller]
fn sum<T: Reading>(terms: impl IntoIterator<Item = Option<T>>) -> Option<T> {
    terms.into_iter().flatten().reduce(|mut sum, term| {
        sum.accumulate(term);
        sum
    })
}
