//! Functions as single nodes: with a gradient of the user's own, or recomputed in the sweep.

use std::fmt::{self, Debug};
use std::rc::Rc;

use ndarray::Dimension;
use ops::methods::{BinaryMethods, LinearMethods};
use ops::{Call, Contributions, Float, Formula, Notation, OpError, Reading, Tensor};

use smallbox::smallbox;

use crate::check::{CheckError, Comparison, Found, Report};
use crate::graph::error::TapeError;
use crate::graph::op::{BoxedOp, Op};
use crate::graph::tape::Tape;
use crate::graph::var::Var;
use crate::sweep::adjoints::{Adjoints, Reach};
use crate::sweep::forward::push;
use crate::sweep::sweep::sweep;

type Function<A> = dyn for<'t> Fn(&[Var<'t, A>]) -> Var<'t, A>;
type Backward<A> = dyn for<'t> Fn(&[Var<'t, A>], Var<'t, A>, Var<'t, A>) -> Vec<Var<'t, A>>;

/// Computes `f` of `inputs` as one node: what happens inside is not kept but recomputed when the
/// sweep comes by. It trades a second forward computation for the memory of every value inside.
///
/// The gradient is that of `f`, bit for bit, to any order. (An input that is used elsewhere too
/// sums the same contributions in another order, and may differ in the last bit.)
///
/// # Panics
/// If there are no inputs.
///
/// ```
/// use tape::{Tape, checkpoint, prelude::*};
///
/// let tape = Tape::new();
/// let x = tape.var([0.5, -1.0]);
/// let y = checkpoint(|v| v[0].sin().exp().tanh(), &[x]);
/// assert_eq!(tape.len(), 2);
/// assert_eq!(y.sum().backward().wrt(x), x.sin().exp().tanh().sum().backward().wrt(x));
/// ```
#[track_caller]
pub fn checkpoint<'t, A: Float>(
    f: impl for<'s> Fn(&[Var<'s, A>]) -> Var<'s, A> + 'static,
    inputs: &[Var<'t, A>],
) -> Var<'t, A> {
    record(Checkpoint { f: Rc::new(f) }, inputs)
}

/// Computes `f` of `inputs` as one node whose gradient is what `backward` says: from the inputs,
/// the output and its cotangent, one contribution for each input, in its shape.
///
/// `backward` is written on variables, so it can be differentiated again. Forward mode follows
/// from it too, as long as it is recorded: from one that reads the numbers of its cotangent, only reverse
/// mode does. [`check_custom_vjp`] holds it against the gradient of `f` itself.
///
/// # Panics
/// If there are no inputs.
///
/// ```
/// use tape::{Tape, custom_vjp, prelude::*};
///
/// // Rounding that lets the gradient through as if it were not there.
/// let tape = Tape::new();
/// let x = tape.var([0.4, 1.7]);
/// let y = custom_vjp("straight_through", |v| v[0].round(), |_, _, cotangent| vec![cotangent], &[x]);
/// assert_eq!(y.value(), ops::Tensor::from([0.0, 2.0]));
/// assert_eq!(y.sum().backward().wrt(x), ops::Tensor::from([1.0, 1.0]));
/// ```
#[track_caller]
pub fn custom_vjp<'t, A: Float>(
    name: &'static str,
    f: impl for<'s> Fn(&[Var<'s, A>]) -> Var<'s, A> + 'static,
    backward: impl for<'s> Fn(&[Var<'s, A>], Var<'s, A>, Var<'s, A>) -> Vec<Var<'s, A>> + 'static,
    inputs: &[Var<'t, A>],
) -> Var<'t, A> {
    record(CustomVjp { name, f: Rc::new(f), backward: Rc::new(backward) }, inputs)
}

/// Compares a gradient written for [`custom_vjp`] with that of the function itself, at `inputs`,
/// for a cotangent in general position; both are exact, so the tolerance is rounding.
///
/// # Errors
/// If they differ, and where.
pub fn check_custom_vjp(
    f: impl for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
    backward: impl for<'t> Fn(&[Var<'t, f64>], Var<'t, f64>, Var<'t, f64>) -> Vec<Var<'t, f64>>,
    inputs: &[Tensor<f64>],
) -> Result<Report, CheckError> {
    let tape = Tape::new();
    let x: Vec<_> = inputs.iter().map(|x| tape.var(x)).collect();
    let y = f(&x);
    let cotangent = ops::declare::sample(&y.shape(), 3);
    let own = backward(&x, y, tape.constant(&cotangent));
    let adjoints = sweep(y, cotangent, Reach::All, &mut ());
    let mut found = Found::default();
    for (input, &x) in x.iter().enumerate() {
        let zeros = || Tensor::zeros(&x.shape());
        let traced = adjoints.get(x.position()).cloned().unwrap_or_else(zeros);
        let own = own.get(input).map_or_else(zeros, |own| own.value());
        if own.shape() != traced.shape() {
            return Err(CheckError::Shape {
                input,
                given: own.shape().to_vec(),
                wanted: traced.shape().to_vec(),
            });
        }
        for (index, &numeric) in traced.view().indexed_iter() {
            let analytic = own.view()[&index];
            let index = Some(index.as_array_view().to_vec());
            let allowed = 1e-12 * analytic.abs().max(numeric.abs()).max(1.0);
            let comparison = Comparison::new(1, (input, index), (analytic, numeric), allowed);
            if comparison.excess <= 1.0 {
                found.comparisons.push(comparison);
            } else {
                found.wrong(comparison);
            }
        }
    }
    found.conclude(inputs.len(), None)
}

#[track_caller]
fn record<'t, A: Float>(op: impl Op<A> + 'static, inputs: &[Var<'t, A>]) -> Var<'t, A> {
    let Some(first) = inputs.first() else {
        panic!("{}", TapeError::NoOperands { op: op.name() });
    };
    match first.tape().record_op(op, inputs) {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

/// Runs `f` on a tape of its own.
fn apart<A: Float, T>(
    operands: &[&Tensor<A>],
    run: impl for<'s> FnOnce(&'s Tape<A>, Vec<Var<'s, A>>) -> T,
) -> T {
    let tape = Tape::new();
    let x = operands.iter().map(|&x| tape.var(x)).collect();
    run(&tape, x)
}

struct Checkpoint<A: Float> {
    f: Rc<Function<A>>,
}

impl<A: Float> Debug for Checkpoint<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Checkpoint")
    }
}

/// What each of `x` gets from a sweep over what is recorded since node `since`.
fn contributions<T: Reading>(
    adjoints: &Adjoints<T>,
    x: impl Iterator<Item = usize>,
    wanted: &[bool],
) -> Contributions<T> {
    let adjoint = |position: usize| adjoints.get(position).cloned();
    x.zip(wanted).map(|(position, wanted)| wanted.then(|| adjoint(position))?).collect()
}

impl<A: Float> Op<A> for Checkpoint<A> {
    fn name(&self) -> &'static str {
        "checkpoint"
    }
    fn forward_again(
        &self,
        operands: &[&Tensor<A>],
        _shape: &[usize],
        out: &mut Tensor<A>,
    ) -> Result<(), OpError> {
        self.forward(operands, out)
    }
    fn forward(&self, operands: &[&Tensor<A>], out: &mut Tensor<A>) -> Result<(), OpError> {
        *out = apart(operands, |_, x| (self.f)(&x).value());
        Ok(())
    }
    fn vjp(&self, call: &Call<'_, Tensor<A>>, cotangent: &Tensor<A>) -> Contributions<Tensor<A>> {
        apart(call.operands, |_, x| {
            let adjoints = sweep((self.f)(&x), cotangent.clone(), Reach::All, &mut ());
            contributions(&adjoints, x.iter().map(|x| x.position()), call.wanted)
        })
    }
    fn vjp_recorded<'t>(
        &self,
        call: &Call<'_, Var<'t, A>>,
        cotangent: &Var<'t, A>,
    ) -> Contributions<Var<'t, A>> {
        let since = cotangent.tape().len();
        let x: Vec<_> = call.operands.iter().map(|x| x.alias()).collect();
        let adjoints = sweep((self.f)(&x), *cotangent, Reach::Since(since), &mut ());
        contributions(&adjoints, x.iter().map(|x| x.position()), call.wanted)
    }
    fn jvp(
        &self,
        call: &Call<'_, Tensor<A>>,
        tangents: &[Option<&Tensor<A>>],
    ) -> Option<Tensor<A>> {
        apart(call.operands, |_, x| push((self.f)(&x), 0, &pairs(&x, tangents)))
    }
    fn jvp_recorded<'t>(
        &self,
        call: &Call<'_, Var<'t, A>>,
        tangents: &[Option<&Var<'t, A>>],
    ) -> Option<Var<'t, A>> {
        let since = call.output.tape().len();
        let x: Vec<_> = call.operands.iter().map(|x| x.alias()).collect();
        push((self.f)(&x), since, &pairs(&x, tangents))
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::notate("checkpoint", Notation::Call, operands)
    }
    fn vjp_formulas(&self, call: &Call<'_, Formula>, _: &Formula) -> Contributions<Formula> {
        formulas(call, "recomputed")
    }
    fn boxed(&self) -> BoxedOp<A> {
        smallbox!(Self { f: Rc::clone(&self.f) })
    }
}

/// Every contribution as the same words, where there is no rule to read.
fn formulas(call: &Call<'_, Formula>, words: &str) -> Contributions<Formula> {
    let symbol = |x: &Formula| Formula::symbol(words, &ops::Reading::shape(x));
    call.operands.iter().zip(call.wanted).map(|(x, wanted)| wanted.then(|| symbol(x))).collect()
}

/// The inputs that have a tangent, with it.
fn pairs<'t, A: Float, T: Clone>(
    x: &[Var<'t, A>],
    tangents: &[Option<&T>],
) -> Vec<(Var<'t, A>, T)> {
    x.iter().zip(tangents).filter_map(|(&x, &tangent)| Some((x, tangent?.clone()))).collect()
}

struct CustomVjp<A: Float> {
    name: &'static str,
    f: Rc<Function<A>>,
    backward: Rc<Backward<A>>,
}

impl<A: Float> Debug for CustomVjp<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomVjp({})", self.name)
    }
}

impl<A: Float> CustomVjp<A> {
    /// What the user's gradient gives, its number and shapes checked.
    fn pull<'t>(&self, x: &[Var<'t, A>], y: Var<'t, A>, cotangent: Var<'t, A>) -> Vec<Var<'t, A>> {
        let given = (self.backward)(x, y, cotangent);
        assert!(
            given.len() == x.len(),
            "the gradient of {} gave {} contributions for {} inputs; it must give one for each",
            self.name,
            given.len(),
            x.len()
        );
        for (i, (given, x)) in given.iter().zip(x).enumerate() {
            let (given, shape) = (given.shape(), x.shape());
            assert!(
                given == shape,
                "the gradient of {} gave a contribution of shape {given:?} for input {i} of shape \
                 {shape:?}; the two must be equal",
                self.name
            );
        }
        given
    }
}

impl<A: Float> Op<A> for CustomVjp<A> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn forward_again(
        &self,
        operands: &[&Tensor<A>],
        _shape: &[usize],
        out: &mut Tensor<A>,
    ) -> Result<(), OpError> {
        self.forward(operands, out)
    }
    fn forward(&self, operands: &[&Tensor<A>], out: &mut Tensor<A>) -> Result<(), OpError> {
        *out = apart(operands, |_, x| (self.f)(&x).value());
        Ok(())
    }
    fn vjp(&self, call: &Call<'_, Tensor<A>>, cotangent: &Tensor<A>) -> Contributions<Tensor<A>> {
        apart(call.operands, |tape, x| {
            let (y, cotangent) = (tape.constant(call.output), tape.constant(cotangent));
            let given = self.pull(&x, y, cotangent);
            given.iter().zip(call.wanted).map(|(g, wanted)| wanted.then(|| g.value())).collect()
        })
    }
    fn vjp_recorded<'t>(
        &self,
        call: &Call<'_, Var<'t, A>>,
        cotangent: &Var<'t, A>,
    ) -> Contributions<Var<'t, A>> {
        let x: Vec<_> = call.operands.iter().map(|&&x| x).collect();
        let given = self.pull(&x, *call.output, *cotangent);
        given.into_iter().zip(call.wanted).map(|(g, wanted)| wanted.then_some(g)).collect()
    }
    fn jvp(
        &self,
        call: &Call<'_, Tensor<A>>,
        tangents: &[Option<&Tensor<A>>],
    ) -> Option<Tensor<A>> {
        apart(call.operands, |tape, x| {
            let constants: Vec<_> = tangents.iter().map(|t| t.map(|t| tape.constant(t))).collect();
            let constants: Vec<_> = constants.iter().map(Option::as_ref).collect();
            self.transpose(&x, tape.constant(call.output), &constants).map(Var::value)
        })
    }
    fn jvp_recorded<'t>(
        &self,
        call: &Call<'_, Var<'t, A>>,
        tangents: &[Option<&Var<'t, A>>],
    ) -> Option<Var<'t, A>> {
        let x: Vec<_> = call.operands.iter().map(|&&x| x).collect();
        self.transpose(&x, *call.output, tangents)
    }
    fn write(&self, operands: &[&Formula]) -> Formula {
        Formula::notate(self.name, Notation::Call, operands)
    }
    fn vjp_formulas(
        &self,
        call: &Call<'_, Formula>,
        cotangent: &Formula,
    ) -> Contributions<Formula> {
        formulas(call, &format!("{}'s own gradient of {cotangent}", self.name))
    }
    fn boxed(&self) -> BoxedOp<A> {
        let (f, backward) = (Rc::clone(&self.f), Rc::clone(&self.backward));
        smallbox!(Self { name: self.name, f, backward })
    }
}

impl<A: Float> CustomVjp<A> {
    /// Forward mode from the user's reverse mode: the gradient is linear in the cotangent c, and
    /// the derivative of ⟨gradient(c), ẋ⟩ with respect to c is J ẋ.
    fn transpose<'t>(
        &self,
        x: &[Var<'t, A>],
        y: Var<'t, A>,
        tangents: &[Option<&Var<'t, A>>],
    ) -> Option<Var<'t, A>> {
        let since = y.tape().len();
        let c = y.alias();
        let given = self.pull(x, y, c);
        let terms = given.iter().zip(tangents).filter_map(|(g, &t)| Some(g.mul(t?).sum()));
        let inner = terms.reduce(|a, b| a + b)?;
        let seed = y.tape().constant(Tensor::ones(&[]));
        sweep(inner, seed, Reach::Since(since), &mut ()).get(c.position()).copied()
    }
}
