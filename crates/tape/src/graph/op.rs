//! The object-safe face of a rule, so that nodes of one graph can hold rules of any type.

use std::any::TypeId;
use std::fmt::Debug;

use ops::describe::{AnyRule, Attributes};
use ops::{
    AtNumbers, Batched, Call, Contributions, Family, Float, Formula, OpError, Remarks, Rule,
    Shortcuts, Tensor, apply_again, apply_into, fuse, pushforward,
};
use smallbox::{SmallBox, smallbox, space::S2};

use crate::graph::var::Var;

/// An op of any type in a node. One whose settings are no more than two words, as of all elementwise
/// rules, needs no memory of its own.
pub(crate) type BoxedOp<A> = SmallBox<dyn Op<A>, S2>;

/// Declares the face and, from the same list, what each of its methods is for a rule. A method with
/// `or` has that value for an op that is no rule: a function of the user's as one node.
macro_rules! face {
    ($(
        $(#[$doc:meta])*
        fn $method:ident $(<$t:lifetime>)? ($($argument:ident: $Type:ty),*) -> $Result:ty
            $(, or $default:expr)?, of a rule |$rule:ident| $is:expr;
    )*) => {
        /// A rule as a node of the graph holds it: each generic reading, at the types the tape needs.
        /// Every [`Rule`] has it, one written in a user's crate included.
        #[allow(unused_variables)] // By the defaults.
        pub(crate) trait Op<A: Float>: Debug {
            $(face! { $(#[$doc])* $method [$($t)?] ($($argument: $Type),*) $Result [$($default)?] })*
        }

        impl<A: Float, R: Rule> Op<A> for R {
            $(
                // Called through a table only: so one copy in a library serves all programs.
                #[inline(never)]
                fn $method $(<$t>)? (&self $(, $argument: $Type)*) -> $Result {
                    let $rule = self;
                    $is
                }
            )*
        }
    };
    ($(#[$doc:meta])* $method:ident [$($t:lifetime)?] ($($argument:ident: $Type:ty),*)
        $Result:ty []) => {
        $(#[$doc])*
        fn $method $(<$t>)? (&self $(, $argument: $Type)*) -> $Result;
    };
    ($(#[$doc:meta])* $method:ident [$($t:lifetime)?] ($($argument:ident: $Type:ty),*)
        $Result:ty [$default:expr]) => {
        $(#[$doc])*
        fn $method $(<$t>)? (&self $(, $argument: $Type)*) -> $Result {
            $default
        }
    };
}

face! {
    fn name() -> &'static str, of a rule |rule| Rule::name(rule);
    /// Computes the value into `out`, reusing its buffer where possible.
    fn forward(operands: &[&Tensor<A>], out: &mut Tensor<A>) -> Result<(), OpError>,
        of a rule |rule| apply_into(rule, operands, out);
    /// The same for operands that had these shapes before, with a value of `shape`: not checked again.
    fn forward_again(operands: &[&Tensor<A>], shape: &[usize], out: &mut Tensor<A>)
        -> Result<(), OpError>, of a rule |rule| apply_again(rule, operands, shape, out);
    fn vjp(call: &Call<'_, Tensor<A>>, cotangent: &Tensor<A>) -> Contributions<Tensor<A>>,
        of a rule |rule| Rule::vjp(rule, call, cotangent);
    fn vjp_recorded<'t>(call: &Call<'_, Var<'t, A>>, cotangent: &Var<'t, A>)
        -> Contributions<Var<'t, A>>, of a rule |rule| Rule::vjp(rule, call, cotangent);
    fn vjp_formulas(call: &Call<'_, Formula>, cotangent: &Formula) -> Contributions<Formula>,
        of a rule |rule| Rule::vjp(rule, call, cotangent);
    fn jvp(call: &Call<'_, Tensor<A>>, tangents: &[Option<&Tensor<A>>]) -> Option<Tensor<A>>,
        of a rule |rule| pushforward(rule, call, tangents);
    fn jvp_recorded<'t>(call: &Call<'_, Var<'t, A>>, tangents: &[Option<&Var<'t, A>>])
        -> Option<Var<'t, A>>, of a rule |rule| pushforward(rule, call, tangents);
    fn family() -> Family<'_>, or Family::Own, of a rule |rule| Rule::family(rule);
    fn compose<'t>(operands: &[&Var<'t, A>]) -> Option<Var<'t, A>>, or None,
        of a rule |rule| Rule::compose(rule, operands);
    /// The op on a whole batch at once.
    fn batched(rows: usize, operands: &[&[usize]], along: &[bool])
        -> Option<Batched<BoxedOp<A>>>, or None, of a rule |rule| {
            let Batched { rule, lead } = Rule::batched(rule, rows, operands, along)?;
            Some(Batched { rule: smallbox!(rule), lead })
        };
    fn remarks() -> Remarks, or Remarks::NONE, of a rule |rule| Rule::remarks(rule);
    fn write(operands: &[&Formula]) -> Formula, of a rule |rule| Rule::write(rule, operands);
    fn shortcuts() -> Option<&dyn Shortcuts<A>>, or None, of a rule |rule| Rule::shortcuts(rule);
    /// The op as data.
    fn as_rule() -> Option<Box<dyn AnyRule>>, or None, of a rule |rule| Some(Box::new(rule.clone()));
    /// The op element by element, if it is elementwise.
    fn pointwise() -> Option<Box<dyn Pointwise<A>>>, or None,
        of a rule |rule| Rule::shortcuts::<A>(rule)?.at_numbers().map(|_| Box::new(rule.clone()) as _);
    /// What each operand gets at the numbers of scalars, in one call.
    fn contributions_at(operands: &[A], output: A, cotangent: A) -> Option<[Option<A>; 3]>, or None,
        of a rule |rule| Rule::shortcuts(rule)?.at_numbers()?.contributions(operands, output, cotangent);
    fn boxed() -> BoxedOp<A>, of a rule |rule| smallbox!(rule.clone());
}

/// An elementwise rule as a program runs it, on any thread.
pub(crate) trait Pointwise<A: Float>: Debug + Send + Sync {
    /// Computes the values of a chunk of elements.
    fn fill(&self, operands: &[&[A]], out: &mut [A]);
    /// Computes the values at some of `numbers`, as [`fuse::Step::fill_at`].
    fn fill_at(&self, numbers: &mut [A], to: usize, last: A, indices: &[u32]) -> A;
    /// What tells the rule from others: two that are equal in it compute the same. `None` if that
    /// cannot be known.
    fn identity(&self) -> Option<(TypeId, Attributes)>;
    /// A copy.
    fn boxed(&self) -> Box<dyn Pointwise<A>>;
}

impl<A: Float> fuse::Step<A> for Box<dyn Pointwise<A>> {
    #[inline]
    fn fill(&self, operands: &[&[A]], out: &mut [A]) {
        (**self).fill(operands, out);
    }
    #[inline]
    fn fill_at(&self, numbers: &mut [A], to: usize, last: A, indices: &[u32]) -> A {
        (**self).fill_at(numbers, to, last, indices)
    }
}

/// The rule at numbers, which it has said it has.
#[inline(always)]
fn at_numbers<A: Float, R: Rule>(rule: &R) -> &dyn AtNumbers<A> {
    rule.shortcuts().and_then(Shortcuts::at_numbers).expect("an elementwise rule")
}

impl<A: Float, R: Rule> Pointwise<A> for R {
    #[inline(never)]
    fn fill(&self, operands: &[&[A]], out: &mut [A]) {
        at_numbers(self).fill(operands, out);
    }
    fn fill_at(&self, numbers: &mut [A], to: usize, last: A, indices: &[u32]) -> A {
        at_numbers(self).fill_at(numbers, to, last, indices)
    }
    fn identity(&self) -> Option<(TypeId, Attributes)> {
        let settings = Rule::settings(self);
        (size_of::<R>() == 0 || !settings.is_empty()).then(|| (TypeId::of::<R>(), settings))
    }
    fn boxed(&self) -> Box<dyn Pointwise<A>> {
        Box::new(self.clone())
    }
}
