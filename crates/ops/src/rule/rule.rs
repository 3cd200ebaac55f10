//! What a rule is: traits for elementwise rules and for rules over whole tensors.

use std::fmt::Debug;

use ndarray::SliceInfoElem;
use smallvec::SmallVec;

use crate::ground::{Attributes, Formula, Notation, Problem, Shape};
use crate::kernel;
use crate::number::Float;
use crate::rule::Reading;
use crate::rules::methods::LinearMethods;

use crate::tensor::Tensor;

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
