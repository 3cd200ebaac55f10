//! The object-safe face of a rule, so that nodes of one graph can hold rules of any type.

use std::fmt::Debug;

use ndarray::SliceInfoElem;
use ops::describe::Described;
use ops::{Call, Contributions, Float, Formula, OpError, Rule, Tensor, apply};

use crate::var::Var;

/// A rule as a node of the graph holds it: each generic reading, at the types the tape needs.
/// Every [`Rule`] has it, one written in a user's crate included.
pub(crate) trait Op<A: Float>: Debug {
    fn name(&self) -> &'static str;
    fn forward(&self, operands: &[&Tensor<A>]) -> Result<Tensor<A>, OpError>;
    fn vjp(&self, call: &Call<'_, Tensor<A>>, cotangent: &Tensor<A>) -> Contributions<Tensor<A>>;
    fn vjp_recorded<'t>(
        &self,
        call: &Call<'_, Var<'t, A>>,
        cotangent: &Var<'t, A>,
    ) -> Contributions<Var<'t, A>>;
    fn jvp(&self, call: &Call<'_, Tensor<A>>, tangents: &[Option<&Tensor<A>>])
    -> Option<Tensor<A>>;
    fn jvp_recorded<'t>(
        &self,
        call: &Call<'_, Var<'t, A>>,
        tangents: &[Option<&Var<'t, A>>],
    ) -> Option<Var<'t, A>>;
    fn write(&self, operands: &[&Formula]) -> Formula;
    fn vjp_formulas(&self, call: &Call<'_, Formula>, cotangent: &Formula)
    -> Contributions<Formula>;
    /// The local derivatives as text, if the op works elementwise.
    fn slope_formulas(&self, _call: &Call<'_, Formula>) -> Contributions<Formula> {
        Contributions::new()
    }
    fn is_elementwise(&self) -> bool;
    fn part(&self) -> Option<&[SliceInfoElem]> {
        None
    }
    fn mult_adds(&self, operands: &[&[usize]], output: &[usize]) -> u64;
    /// The op as data, if it is a rule and no function of the user's.
    fn described(&self) -> Option<Box<dyn Described>> {
        None
    }
    fn clone_box(&self) -> Box<dyn Op<A>>;
}

impl<A: Float, R: Rule> Op<A> for R {
    fn name(&self) -> &'static str {
        Rule::name(self)
    }
    fn forward(&self, operands: &[&Tensor<A>]) -> Result<Tensor<A>, OpError> {
        apply(self, operands)
    }
    fn vjp(&self, call: &Call<'_, Tensor<A>>, cotangent: &Tensor<A>) -> Contributions<Tensor<A>> {
        Rule::vjp(self, call, cotangent)
    }
    fn vjp_recorded<'t>(
        &self,
        call: &Call<'_, Var<'t, A>>,
        cotangent: &Var<'t, A>,
    ) -> Contributions<Var<'t, A>> {
        Rule::vjp(self, call, cotangent)
    }
    fn jvp(
        &self,
        call: &Call<'_, Tensor<A>>,
        tangents: &[Option<&Tensor<A>>],
    ) -> Option<Tensor<A>> {
        Rule::jvp(self, call, tangents)
    }
    fn jvp_recorded<'t>(
        &self,
        call: &Call<'_, Var<'t, A>>,
        tangents: &[Option<&Var<'t, A>>],
    ) -> Option<Var<'t, A>> {
        Rule::jvp(self, call, tangents)
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Rule::write(self, operands)
    }
    fn vjp_formulas(
        &self,
        call: &Call<'_, Formula>,
        cotangent: &Formula,
    ) -> Contributions<Formula> {
        Rule::vjp(self, call, cotangent)
    }
    fn slope_formulas(&self, call: &Call<'_, Formula>) -> Contributions<Formula> {
        Rule::slopes(self, call)
    }
    fn is_elementwise(&self) -> bool {
        Rule::is_elementwise(self)
    }
    fn part(&self) -> Option<&[SliceInfoElem]> {
        Rule::part(self)
    }
    fn mult_adds(&self, operands: &[&[usize]], output: &[usize]) -> u64 {
        Rule::mult_adds(self, operands, output)
    }
    fn described(&self) -> Option<Box<dyn Described>> {
        Some(Box::new(self.clone()))
    }
    fn clone_box(&self) -> Box<dyn Op<A>> {
        Box::new(self.clone())
    }
}
