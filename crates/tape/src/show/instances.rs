//! Instances for `f64` of what programs that go step by step use, compiled in this crate: without
//! optimisation, a generic function that a library has compiled is not compiled again in each program
//! that calls it.
//!
//! With the feature `instances` there are those of every rule and of programs too, for `f32` and `f64`:
//! sixty programs are built by the tests, and half of their code would be the same.

use ops::Tensor;

use crate::Trace;
use crate::check::Check;
use crate::prelude::*;
use crate::trace::Layout;

/// Never called; what it calls is compiled. Public, because of what is private and not called nothing is.
pub fn instances(x: &Tensor<f64>) -> Option<()> {
    let tape = Tape::new();
    let [a, b] = [tape.var(0.5).named("a"), tape.var(x).named("b")];
    let y = on_numbers(a, b) + on_tensors(a, b);
    let _ = y.backward();
    let trace = Trace::of(y).ok()?;
    trace.gradient(a).ok()?.item();
    let _ = trace.text(Layout::default().digits(4)).to_string();
    #[cfg(feature = "color")]
    trace.text(Layout::default()).print().ok()?;
    #[cfg(feature = "page")]
    let _ = trace.to_html(&crate::page::Settings::default());
    Check::new().run(checked, &[a.value(), b.value()]).ok()?;
    #[cfg(all(feature = "instances", not(test)))]
    {
        every_rule::<f32>();
        every_rule::<f64>();
    }
    Some(())
}

#[cfg(all(feature = "instances", not(test)))]
fn every_rule<A: ops::Float>() {
    use std::hint::black_box;
    use std::marker::PhantomData;

    use ops::Rule;
    use ops::declare::{Example, Refusal};
    use ops::registry::{Visitor, visit};

    use crate::Program;

    struct Recorded<A>(PhantomData<A>);

    impl<A: ops::Float> Visitor for Recorded<A> {
        fn rule<R: Rule>(&mut self, _: &[Example<R>], _: &[Refusal<R>]) {
            black_box(Tape::<A>::record::<R> as *const ());
        }
    }

    visit(&mut Recorded::<A>(PhantomData));
    black_box(Tape::<A>::compile as *const ());
    black_box(Program::<A>::run_with as *const ());
    black_box(Var::<A>::backward_recorded as *const ());
    black_box(Var::<A>::try_backward as *const ());
    black_box(Var::<A>::tangent as *const ());
}

fn checked<'t>(inputs: &[Var<'t, f64>]) -> Var<'t, f64> {
    inputs[0]
}

fn on_numbers<'t>(a: Var<'t, f64>, b: Var<'t, f64>) -> Var<'t, f64> {
    let sums = (a + b) - (a * b) / (1.0 - a) + 2.0 * b + (b - 1.0) * 0.5 + -a;
    sums.tanh().sigmoid().square() + a.exp().ln().relu() + b.sin() * a.cos()
}

fn on_tensors<'t>(a: Var<'t, f64>, b: Var<'t, f64>) -> Var<'t, f64> {
    a.matmul(b).sum() + b.sum_axes(0).mean()
}
