//! The object-safe face of a rule, so that nodes of one graph can hold rules of any type.

use std::any::TypeId;
use std::fmt::Debug;

use ndarray::SliceInfoElem;
use ops::describe::{AnyRule, Attributes};
use ops::{Call, Contributions, Float, Formula, OpError, Rule, Tensor, apply, apply_into};
use smallvec::SmallVec;

use smallbox::{SmallBox, smallbox, space::S2};

use crate::graph::var::Var;

/// An op of any type in a node. One whose settings are no more than two words, as of all elementwise
/// rules, needs no memory of its own.
pub(crate) type BoxedOp<A> = SmallBox<dyn Op<A>, S2>;

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
    fn described(&self) -> Option<Box<dyn AnyRule>> {
        None
    }
    fn clone_box(&self) -> BoxedOp<A>;
    /// [`Rule::vjp_at`].
    fn vjp_at(&self, _operands: &[A], _output: A, _cotangent: A) -> Option<[Option<A>; 3]> {
        None
    }
    /// The value in the place of another of its shape.
    fn forward_into(&self, operands: &[&Tensor<A>], out: &mut Tensor<A>) -> Result<(), OpError> {
        *out = self.forward(operands)?;
        Ok(())
    }
    /// The rule place by place, if it works so.
    fn pointwise(&self) -> Option<Box<dyn Pointwise<A>>> {
        None
    }
    /// [`Rule::accumulates`].
    fn accumulates(&self, _operands: &[&[usize]]) -> bool {
        false
    }
    /// Adds the value to a tensor of its shape, in place.
    fn accumulate(&self, _operands: &[&Tensor<A>], _to: &mut Tensor<A>) {}
    /// [`Rule::is_composed`].
    fn is_composed(&self) -> bool {
        false
    }
    /// The value as recorded ops, if the op is composed of others.
    fn expand<'t>(&self, _operands: &[&Var<'t, A>]) -> Option<Var<'t, A>> {
        None
    }
    /// The type of the rule, if it is one.
    fn rule_type(&self) -> Option<TypeId> {
        None
    }
}

/// A rule that works place by place, as a program runs it, on any thread.
pub(crate) trait Pointwise<A: Float>: Debug + Send + Sync {
    /// The value at each place.
    fn fill(&self, operands: &[&[A]], out: &mut [A]);
    /// The value at numbers, once for each of `out`: `places` says for each of them where in
    /// `numbers` its operands are.
    fn fill_at(&self, numbers: &[A], places: &[u32], out: &mut [A]);
    /// What tells the rule from others: two that are equal in it compute the same. `None` if that
    /// cannot be known.
    fn identity(&self) -> Option<(TypeId, Attributes)>;
}

impl<A: Float, R: Rule> Pointwise<A> for R {
    fn fill(&self, operands: &[&[A]], out: &mut [A]) {
        Rule::fill(self, operands, out);
    }
    fn fill_at(&self, numbers: &[A], places: &[u32], out: &mut [A]) {
        fn each<A: Float, const N: usize>(
            rule: &impl Rule,
            numbers: &[A],
            places: &[u32],
            out: &mut [A],
        ) {
            let (places, _) = places.as_chunks::<N>();
            for (out, places) in out.iter_mut().zip(places) {
                let x = places.map(|place| numbers[place as usize]);
                *out = rule.at(&x).expect("a rule of that many numbers");
            }
        }
        match places.len() / out.len().max(1) {
            1 => each::<A, 1>(self, numbers, places, out),
            2 => each::<A, 2>(self, numbers, places, out),
            3 => each::<A, 3>(self, numbers, places, out),
            arity => {
                for (out, places) in out.iter_mut().zip(places.chunks_exact(arity)) {
                    let x = places.iter().map(|&place| numbers[place as usize]);
                    let x: SmallVec<[A; 8]> = x.collect();
                    *out = self.at(&x).expect("a rule of that many numbers");
                }
            }
        }
    }
    fn identity(&self) -> Option<(TypeId, Attributes)> {
        let attributes = Rule::attributes(self);
        (size_of::<R>() == 0 || !attributes.is_empty()).then(|| (TypeId::of::<R>(), attributes))
    }
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
    fn described(&self) -> Option<Box<dyn AnyRule>> {
        Some(Box::new(self.clone()))
    }
    fn clone_box(&self) -> BoxedOp<A> {
        smallbox!(self.clone())
    }
    #[inline]
    fn vjp_at(&self, operands: &[A], output: A, cotangent: A) -> Option<[Option<A>; 3]> {
        Rule::vjp_at(self, operands, output, cotangent)
    }
    fn forward_into(&self, operands: &[&Tensor<A>], out: &mut Tensor<A>) -> Result<(), OpError> {
        apply_into(self, operands, out)
    }
    fn pointwise(&self) -> Option<Box<dyn Pointwise<A>>> {
        // Asked with nothing to compute: an elementwise rule of any number of operands says yes.
        Rule::fill::<A>(self, &[&[][..]; 32], &mut []).then(|| Box::new(self.clone()) as _)
    }
    fn accumulates(&self, operands: &[&[usize]]) -> bool {
        Rule::accumulates(self, operands)
    }
    fn is_composed(&self) -> bool {
        Rule::is_composed(self)
    }
    fn expand<'t>(&self, operands: &[&Var<'t, A>]) -> Option<Var<'t, A>> {
        if Rule::is_composed(self) { Rule::expand(self, operands) } else { None }
    }
    fn accumulate(&self, operands: &[&Tensor<A>], to: &mut Tensor<A>) {
        let shape = ops::Shape::from_slice(to.shape());
        Rule::accumulate(self, operands, &shape, to);
    }
    fn rule_type(&self) -> Option<TypeId> {
        Some(TypeId::of::<R>())
    }
}
