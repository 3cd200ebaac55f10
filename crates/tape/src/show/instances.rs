//! Instances for `f64` of what programs that go step by step use, compiled in this crate: without
//! optimisation, a generic function that a library has compiled is not compiled again in each program
//! that calls it.

use ops::Tensor;

use crate::Trace;
use crate::check::Check;
use crate::prelude::*;
use crate::trace::Layout;

/// Never called; what it calls is compiled.
#[used]
static INSTANCES: fn(&Tensor<f64>) -> Option<()> = instances;

fn instances(x: &Tensor<f64>) -> Option<()> {
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
    Some(())
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
