//! What a rule is: traits for elementwise rules and for rules over whole tensors.

use std::fmt::Debug;

use ndarray::SliceInfoElem;
use smallvec::SmallVec;
use typed_arena::Arena;

use crate::algebra::Reading;
use crate::declare::Samples;
use crate::describe::Attributes;
use crate::error::{OpError, Problem};
use crate::float::Float;
use crate::formula::{Formula, Notation};
use crate::kernel::{self, Point};
use crate::probe::SlopeReads;
use crate::reading::AsNumber;
use crate::real::Number;
use crate::shape::{Shape, broadcast};
use crate::tensor::Tensor;

/// An elementwise rule of one operand: y = f(x) with its slope dy/dx.
///
/// This is all there is to write for a new op. Broadcasting, gradients of any order, forward
/// mode, the formula shown to a reader and the generated tests are readings of these lines.
///
/// ```
/// use ops::{Number, Unary, Tensor, apply, rules::Lift};
///
/// /// Gaussian bump: y = e^(−x²), dy/dx = −2xy.
/// #[derive(Clone, Copy, Debug)]
/// struct Bump;
/// impl Unary for Bump {
///     const NAME: &'static str = "bump";
///     fn value<R: Number>(self, x: R) -> R {
///         (-x.square()).exp()
///     }
///     fn slope<R: Number>(self, x: R, y: R) -> R {
///         R::lit(-2.0) * x * y
///     }
/// }
/// assert_eq!(apply(&Lift::unary(Bump), &[&Tensor::scalar(0.0)])?, Tensor::scalar(1.0));
/// # Ok::<(), ops::OpError>(())
/// ```
// ANCHOR: unary
pub trait Unary: Copy + Debug + Send + Sync + 'static {
    /// The name in formulas and messages.
    const NAME: &'static str;
    /// How the op is written in a formula.
    const NOTATION: Notation = Notation::Call;
    /// Where to test the rule, and what is known of it.
    const DECLARED: Samples<1> = Samples::anywhere();

    /// y = f(x).
    fn value<R: Number>(self, x: R) -> R;
    /// dy/dx at `x`, where the output is `y`.
    fn slope<R: Number>(self, x: R, y: R) -> R;
    /// The op as text, around its operand.
    fn write(self, x: &Formula) -> Formula {
        Formula::notate(Self::NAME, Self::NOTATION, &[x])
    }
    /// The settings as data.
    fn attributes(self) -> Attributes {
        Attributes::new()
    }
    /// The rule with other settings, in the order of [`attributes`](Unary::attributes); `None`
    /// if it has another number of them.
    fn with_settings(self, settings: &[f64]) -> Option<Self> {
        settings.is_empty().then_some(self)
    }
}
// ANCHOR_END: unary

/// An elementwise rule of two operands, broadcast by NumPy's rule: y = f(a, b).
pub trait Binary: Copy + Debug + Send + Sync + 'static {
    /// The name in formulas and messages.
    const NAME: &'static str;
    /// How the op is written in a formula.
    const NOTATION: Notation = Notation::Call;
    /// Where to test the rule, and what is known of it.
    const DECLARED: Samples<2> = Samples::anywhere();

    /// y = f(a, b).
    fn value<R: Number>(self, a: R, b: R) -> R;
    /// ∂y/∂a at `a` and `b`, where the output is `y`.
    fn slope_a<R: Number>(self, a: R, b: R, y: R) -> R;
    /// ∂y/∂b at `a` and `b`, where the output is `y`.
    fn slope_b<R: Number>(self, a: R, b: R, y: R) -> R;
}

/// An elementwise rule of `N` operands. Every [`Unary`] rule is one of 1, every [`Binary`] of 2.
pub trait Elementwise<const N: usize>: Copy + Debug + Send + Sync + 'static {
    /// The name in formulas and messages.
    const NAME: &'static str;
    /// Where to test the rule, and what is known of it.
    const DECLARED: Samples<N>;

    /// The value at `x`.
    fn value<R: Number>(self, x: [R; N]) -> R;
    /// The partial derivative with respect to operand number `operand`.
    fn slope<R: Number>(self, operand: usize, x: [R; N], y: R) -> R;
    /// The op as text, around its operands.
    fn write(self, x: [&Formula; N]) -> Formula {
        Formula::notate(Self::NAME, Notation::Call, &x)
    }
    /// The settings as data.
    fn attributes(self) -> Attributes {
        Attributes::new()
    }
    /// The rule with other settings, in the order of [`attributes`](Elementwise::attributes); `None`
    /// if it has another number of them.
    ///
    /// ```
    /// use ops::{Elementwise, rules::LeakyRelu};
    ///
    /// let leaky = LeakyRelu { alpha: 0.2 };
    /// assert_eq!(Elementwise::with_settings(leaky, &[0.5]).unwrap().alpha, 0.5);
    /// assert!(Elementwise::with_settings(leaky, &[]).is_none());
    /// ```
    fn with_settings(self, settings: &[f64]) -> Option<Self> {
        settings.is_empty().then_some(self)
    }
}

impl<U: Unary> Elementwise<1> for U {
    const NAME: &'static str = U::NAME;
    const DECLARED: Samples<1> = U::DECLARED;
    #[inline(always)]
    fn value<R: Number>(self, [x]: [R; 1]) -> R {
        self.value(x)
    }
    #[inline(always)]
    fn slope<R: Number>(self, _operand: usize, [x]: [R; 1], y: R) -> R {
        self.slope(x, y)
    }
    fn write(self, [x]: [&Formula; 1]) -> Formula {
        self.write(x)
    }
    fn attributes(self) -> Attributes {
        Unary::attributes(self)
    }
    fn with_settings(self, settings: &[f64]) -> Option<Self> {
        Unary::with_settings(self, settings)
    }
}

impl<B: Binary> Elementwise<2> for B {
    const NAME: &'static str = B::NAME;
    const DECLARED: Samples<2> = B::DECLARED;
    #[inline(always)]
    fn value<R: Number>(self, [a, b]: [R; 2]) -> R {
        self.value(a, b)
    }
    #[inline(always)]
    fn slope<R: Number>(self, operand: usize, [a, b]: [R; 2], y: R) -> R {
        if operand == 0 { self.slope_a(a, b, y) } else { self.slope_b(a, b, y) }
    }
    fn write(self, x: [&Formula; 2]) -> Formula {
        Formula::notate(B::NAME, B::NOTATION, &x)
    }
}

/// A binary rule with a number in the place of one operand: `2.0 * x`, `x + 1.0`, x³.
#[derive(Clone, Copy, Debug)]
pub struct WithNumber<B> {
    rule: B,
    number: f64,
    number_is_left: bool,
}

impl<B: Binary> WithNumber<B> {
    /// f(number, x).
    pub fn left(number: f64, rule: B) -> Self {
        Self { rule, number, number_is_left: true }
    }
    /// f(x, number).
    pub fn right(rule: B, number: f64) -> Self {
        Self { rule, number, number_is_left: false }
    }
}

impl<B: Binary> Unary for WithNumber<B> {
    const NAME: &'static str = B::NAME;
    #[inline(always)]
    fn value<R: Number>(self, x: R) -> R {
        let number = R::lit(self.number);
        if self.number_is_left { self.rule.value(number, x) } else { self.rule.value(x, number) }
    }
    #[inline(always)]
    fn slope<R: Number>(self, x: R, y: R) -> R {
        let number = R::lit(self.number);
        if self.number_is_left {
            self.rule.slope_b(number, x, y)
        } else {
            self.rule.slope_a(x, number, y)
        }
    }
    fn write(self, x: &Formula) -> Formula {
        let number = Formula::number(self.number);
        let operands = if self.number_is_left { [&number, x] } else { [x, &number] };
        Formula::notate(B::NAME, B::NOTATION, &operands)
    }
    fn attributes(self) -> Attributes {
        let side = if self.number_is_left { "left" } else { "right" };
        vec![(side, self.number.into())]
    }
}

/// A rule over whole tensors: what an op computes, and what its operands contribute.
///
/// Rules of the linear and bilinear families implement it directly; elementwise rules through
/// [`Lift`]. A rule *returns* contributions: adding them up, summing over broadcast axes and
/// seeding belong to the engine.
pub trait Rule: Clone + Debug + Send + Sync + Sized + 'static {
    /// The name in formulas and messages.
    fn name(&self) -> &'static str;

    /// The shape of the result, or why the operands are refused. Computes nothing else.
    ///
    /// # Errors
    /// If the operands do not fit the rule or each other.
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem>;

    /// The value; `shape` is what [`Rule::shape`] gave for these operands.
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A>;

    /// The value of a rule that may refuse the numbers themselves, such as a singular matrix.
    ///
    /// # Errors
    /// If the rule has no value there. Most rules have one everywhere.
    #[inline]
    fn try_forward<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        shape: &[usize],
    ) -> Result<Tensor<A>, Problem> {
        Ok(self.forward(operands, shape))
    }

    /// The value, in the place of another tensor of its shape, whose memory is used again where the
    /// rule can: what a program that computes the same again and again needs.
    ///
    /// # Errors
    /// If the rule has no value there, as [`try_forward`](Rule::try_forward).
    fn forward_into<A: Float>(
        &self,
        operands: &[&Tensor<A>],
        shape: &[usize],
        out: &mut Tensor<A>,
    ) -> Result<(), Problem> {
        *out = self.try_forward(operands, shape)?;
        Ok(())
    }

    /// Reverse mode: what each wanted operand's adjoint gets from the cotangent ȳ of the
    /// output. A contribution may have the shape of the output where the operand was broadcast
    /// to it; the engine sums it back.
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T>;

    /// Forward mode: the output's tangent from those of the operands (`None` stands for zero).
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T>;

    /// The op as text, around its operands.
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::notate(self.name(), Notation::Call, operands)
    }

    /// The settings as data, from which another program can compute the same.
    fn attributes(&self) -> Attributes {
        Attributes::new()
    }

    /// The same value computed with other, simpler rules, if it can be: what is fused or named for
    /// speed or stability here, written out. An elementwise rule is its scalar function, read once
    /// more.
    fn expand<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        let _ = operands;
        None
    }

    /// Whether each element of the result depends on one element of each operand, so that the
    /// local derivative is a number for each element.
    fn is_elementwise(&self) -> bool {
        false
    }

    /// The part of its one operand that the result is, if the rule does no more than to take it.
    /// The engine may then add the cotangent to that part of the operand's adjoint in place of
    /// the [`vjp`](Rule::vjp), which puts zeros around it.
    fn part(&self) -> Option<&[SliceInfoElem]> {
        None
    }

    /// Whether [`expand`](Rule::expand) computes the same value by rules that are no part of this one: a
    /// program then runs those.
    fn is_composed(&self) -> bool {
        false
    }

    /// Whether the value can be the elements of the operand in another shape or order.
    fn is_view(&self) -> bool {
        false
    }

    /// Whether [`accumulate`](Rule::accumulate) adds the value at operands of these shapes without
    /// computing it first, and to the same bits.
    fn accumulates(&self, _operands: &[&[usize]]) -> bool {
        false
    }

    /// Adds the value to a tensor of its shape, in place.
    fn accumulate<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize], to: &mut Tensor<A>) {
        kernel::accumulate(to, &self.forward(operands, shape));
    }

    /// The values at many places, of a rule each element of whose result depends on that element of
    /// each operand, operands being broadcast to the shape of the result; whether it is such a rule.
    /// All slices have one length. What rules leave at each place may then be computed stretch by
    /// stretch, one rule after the other.
    #[inline]
    fn fill<A: Float>(&self, _operands: &[&[A]], _out: &mut [A]) -> bool {
        false
    }

    /// The value at numbers, of a rule that works elementwise: what a graph of scalars needs, without
    /// shapes.
    #[inline]
    fn at<A: Float>(&self, _operands: &[A]) -> Option<A> {
        None
    }

    /// The [`vjp`](Rule::vjp) at numbers, of a rule that works elementwise and has no more than three
    /// operands.
    #[inline]
    fn vjp_at<A: Float>(
        &self,
        _operands: &[A],
        _output: A,
        _cotangent: A,
    ) -> Option<[Option<A>; 3]> {
        None
    }

    /// The multiply-adds of a product, by which networks are measured; 0 for any other rule.
    fn mult_adds(&self, operands: &[&[usize]], output: &[usize]) -> u64 {
        let _ = (operands, output);
        0
    }

    /// The local derivative with respect to each wanted operand, for a rule that works elementwise;
    /// nothing for the others, whose derivative is not one number for each element.
    fn slopes<T: Reading>(&self, _call: &Call<'_, T>) -> Contributions<T> {
        Contributions::new()
    }
}

/// One application of a rule: its operands and output, and which operands want a gradient.
#[derive(Debug)]
pub struct Call<'a, T> {
    /// The operands, in order.
    pub operands: &'a [&'a T],
    /// The output.
    pub output: &'a T,
    /// For each operand, whether its gradient is asked for.
    pub wanted: &'a [bool],
}

/// One entry for each operand: its contribution, or `None` where there is none (not wanted, or
/// zero everywhere).
pub type Contributions<T> = SmallVec<[Option<T>; 2]>;

impl<T: Reading> Call<'_, T> {
    /// Contributions from one closure for each operand, of which only the wanted are run.
    pub fn contributions<const N: usize>(&self, each: [&dyn Fn() -> T; N]) -> Contributions<T> {
        each.iter().zip(self.wanted).map(|(give, &wanted)| wanted.then(give)).collect()
    }
}

/// Forward mode of a linear rule: the rule itself, with zeros for tangents that are absent.
pub fn linear_jvp<T: Reading, R: Rule>(
    rule: &R,
    call: &Call<'_, T>,
    tangents: &[Option<&T>],
) -> Option<T> {
    tangents.iter().any(Option::is_some).then(|| {
        let filled: Vec<T> = tangents
            .iter()
            .zip(call.operands)
            .map(|(tangent, x)| tangent.map_or_else(|| x.zeros_like(), Clone::clone))
            .collect();
        T::apply(rule.clone(), &filled.iter().collect::<Vec<_>>())
    })
}

/// Forward mode of a bilinear rule: f(ȧ, b) + f(a, ḃ).
pub fn bilinear_jvp<T: Reading, R: Rule>(
    rule: &R,
    call: &Call<'_, T>,
    tangents: &[Option<&T>],
) -> Option<T> {
    let (a, b) = (call.operands[0], call.operands[1]);
    let left = tangents[0].map(|tangent| T::apply(rule.clone(), &[tangent, b]));
    let right = tangents[1].map(|tangent| T::apply(rule.clone(), &[a, tangent]));
    match (left, right) {
        (Some(left), Some(right)) => Some(left.accumulate(right)),
        (one, other) => one.or(other),
    }
}

/// An elementwise rule, lifted to tensors: broadcasting forwards, one pass over the data.
#[derive(Clone, Copy, Debug)]
pub struct Lift<E, const N: usize>(pub E);

impl<U: Unary> Lift<U, 1> {
    /// Lifts a rule of one operand.
    pub fn unary(rule: U) -> Self {
        Self(rule)
    }
}

impl<B: Binary> Lift<B, 2> {
    /// Lifts a rule of two operands.
    pub fn binary(rule: B) -> Self {
        Self(rule)
    }
}

impl<E: Elementwise<N>, const N: usize> Rule for Lift<E, N> {
    fn name(&self) -> &'static str {
        E::NAME
    }
    fn shape(&self, operands: &[&[usize]]) -> Result<Shape, Problem> {
        arity(N, operands)?;
        broadcast(operands)
    }
    #[inline]
    fn forward<A: Float>(&self, operands: &[&Tensor<A>], shape: &[usize]) -> Tensor<A> {
        let x: [&Tensor<A>; N] = array(operands);
        kernel::map(shape, x, [], Value(self.0))
    }
    #[inline]
    fn vjp<T: Reading>(&self, call: &Call<'_, T>, cotangent: &T) -> Contributions<T> {
        let x: [&T; N] = array(call.operands);
        (0..N)
            .map(|i| {
                call.wanted[i].then(|| T::times_slope(self.0, i, x, call.output, cotangent))?
            })
            .collect()
    }
    fn jvp<T: Reading>(&self, call: &Call<'_, T>, tangents: &[Option<&T>]) -> Option<T> {
        let x: [&T; N] = array(call.operands);
        let shape = call.output.shape();
        (0..N)
            .filter_map(|i| T::times_slope(self.0, i, x, call.output, tangents[i]?))
            .map(|tangent| tangent.stretch_to(&shape))
            .reduce(T::accumulate)
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        self.0.write(array(operands))
    }
    fn attributes(&self) -> Attributes {
        self.0.attributes()
    }
    fn expand<T: Reading>(&self, operands: &[&T]) -> Option<T> {
        let arena = Arena::new();
        let x: [&T; N] = array(operands);
        match self.0.value(x.map(|x| AsNumber::new(&arena, x))) {
            AsNumber::Lit(_) => None, // The same number everywhere has no shape of its own.
            AsNumber::Value(_, value) => Some(value.clone()),
        }
    }
    fn is_elementwise(&self) -> bool {
        true
    }
    #[inline]
    fn fill<A: Float>(&self, operands: &[&[A]], out: &mut [A]) -> bool {
        kernel::fill(Value(self.0), array(operands), [], out);
        true
    }
    #[inline]
    fn at<A: Float>(&self, operands: &[A]) -> Option<A> {
        let x: [A; N] = operands.try_into().ok()?;
        Some(self.0.value(x))
    }
    #[inline]
    fn vjp_at<A: Float>(&self, operands: &[A], output: A, cotangent: A) -> Option<[Option<A>; 3]> {
        let x: [A; N] = operands.try_into().ok()?;
        let mut given = [None; 3];
        for (i, given) in given.get_mut(..N)?.iter_mut().enumerate() {
            *given = match SlopeReads::of(self.0, i).literal() {
                Some(0.0) => None,
                Some(1.0) => Some(cotangent),
                _ => Some(cotangent * self.0.slope(i, x, output)),
            };
        }
        Some(given)
    }
    fn slopes<T: Reading>(&self, call: &Call<'_, T>) -> Contributions<T> {
        let arena = Arena::new();
        let x = array(call.operands).map(|x: &T| AsNumber::new(&arena, x));
        let y = AsNumber::new(&arena, call.output);
        let slope = |i| match self.0.slope(i, x, y) {
            AsNumber::Lit(number) => call.output.scalar(number),
            AsNumber::Value(_, slope) => slope.clone(),
        };
        (0..N).map(|i| call.wanted[i].then(|| slope(i))).collect()
    }
}

/// The value of a rule, place by place.
#[derive(Clone, Copy)]
struct Value<E>(E);

impl<E: Elementwise<N>, const N: usize> Point<N, 0> for Value<E> {
    #[inline(always)]
    fn at<R: Number>(self, x: [R; N], []: [R; 0]) -> R {
        self.0.value(x)
    }
}

/// The first `N` of `operands`, whose number the rule's `shape` has checked.
fn array<T: Copy, const N: usize>(operands: &[T]) -> [T; N] {
    std::array::from_fn(|i| operands[i])
}

/// Refuses a wrong number of operands.
///
/// # Errors
/// If there are not `expected` operands.
pub fn arity<T>(expected: usize, operands: &[T]) -> Result<(), Problem> {
    if operands.len() == expected {
        Ok(())
    } else {
        Err(Problem::Arity { expected, given: operands.len() })
    }
}

/// The value of a rule on plain tensors, checked first.
///
/// # Errors
/// If the rule refuses the operands: which shapes, and what would fit.
#[inline]
pub fn apply<A: Float, R: Rule>(rule: &R, operands: &[&Tensor<A>]) -> Result<Tensor<A>, OpError> {
    let shape = checked_shape(rule, operands.iter().map(|x| x.shape()))?;
    rule.try_forward(operands, &shape)
        .map_err(|problem| refused(rule, operands.iter().map(|x| x.shape()), problem))
}

/// The value of a rule in the place of another tensor, whose memory is used again where the rule
/// can, if it has the shape of the result.
///
/// # Errors
/// If the rule refuses the operands; `out` is then as before, or holds part of a result.
///
/// ```
/// use ops::{Tensor, apply_into, rules::Matmul};
///
/// let (a, b) = (Tensor::from([[1.0, 2.0]]), Tensor::from([[3.0], [4.0]]));
/// let mut out = Tensor::zeros(&[1, 1]);
/// apply_into(&Matmul, &[&a, &b], &mut out)?;
/// assert_eq!(out, Tensor::from([[11.0]]));
/// # Ok::<(), ops::OpError>(())
/// ```
pub fn apply_into<A: Float, R: Rule>(
    rule: &R,
    operands: &[&Tensor<A>],
    out: &mut Tensor<A>,
) -> Result<(), OpError> {
    let shape = checked_shape(rule, operands.iter().map(|x| x.shape()))?;
    let result = if out.shape() == &shape[..] || rule.is_view() {
        rule.forward_into(operands, &shape, out)
    } else {
        rule.try_forward(operands, &shape).map(|value| *out = value)
    };
    result.map_err(|problem| refused(rule, operands.iter().map(|x| x.shape()), problem))
}

/// The shape of a rule's result, or an error that carries the shapes.
///
/// # Errors
/// If the rule refuses the operands.
#[inline]
pub fn checked_shape<'a, R: Rule>(
    rule: &R,
    shapes: impl Iterator<Item = &'a [usize]>,
) -> Result<Shape, OpError> {
    let shapes: SmallVec<[&[usize]; 3]> = shapes.collect();
    rule.shape(&shapes).map_err(|problem| refused(rule, shapes.into_iter(), problem))
}

#[cold]
fn refused<'a, R: Rule>(
    rule: &R,
    shapes: impl Iterator<Item = &'a [usize]>,
    problem: Problem,
) -> OpError {
    OpError { rule: rule.name(), shapes: shapes.map(Shape::from_slice).collect(), problem }
}
