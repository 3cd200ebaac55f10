//! Lesson: an op of one's own, checked and differentiated twice.
//!
//! The rule is two lines, the value and its slope, written over any number. From them follow the
//! gradient on tensors, the gradient of the gradient, forward mode, the formula, and the check.
//!
//! `cargo run --release --example custom_op`

use nn::prelude::*;
use ops::{Number, Unary};
use tape::check::Check;

/// Gaussian error linear unit in its sigmoid form: y = x·σ(1.702x). Hendrycks & Gimpel, 2016.
#[derive(Clone, Copy, Debug)]
struct QuickGelu;

impl Unary for QuickGelu {
    const NAME: &'static str = "quick_gelu";

    fn value<R: Number>(self, x: R) -> R {
        x * (R::lit(1.702) * x).sigmoid()
    }

    fn slope<R: Number>(self, x: R, _y: R) -> R {
        let s = (R::lit(1.702) * x).sigmoid();
        s + R::lit(1.702) * x * s * (R::lit(1.0) - s)
    }
}

fn main() -> Result<(), nn::Error> {
    let tape = Tape::<f64>::new();
    let x = tape.var([-2.0, -0.5, 0.5, 2.0]).named("x");
    let y = x.unary(QuickGelu).named("y");
    println!("y = {} = {:.4}", y.formula().expect("an op"), y.value().view());
    println!("x̄ = {}", y.gradient_formulas()[0].as_ref().expect("a gradient"));

    let slope = y.sum().backward_recorded().wrt(x);
    let curvature = slope.sum().backward().wrt(x);
    println!("dy/dx = {:.4}", slope.value().view());
    println!("d²y/dx² = {:.4}", curvature.view());

    let report = Check::new()
        .second_order()
        .run(|v| v[0].unary(QuickGelu), &[x.value()])
        .expect("a right gradient");
    println!("check: {report}");

    // A rule of one operand is a layer as it stands.
    let mut rng = nn::rng(0);
    let model = Sequential::new().then(Dense::new(4, 3, &mut rng)).then(QuickGelu);
    println!("as a layer: {:.4}", predict(&model, &x.value().reshape([1, 4]))?.view());
    Ok(())
}
