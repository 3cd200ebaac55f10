//! Lesson 8: the gradient of a gradient.
//!
//! `cargo run --example lesson_08_second_order`

mod lessons;

use std::process::ExitCode;

use tape::{Tape, Trace};

use lessons::{Asked, Outcome, check, say, show};

fn main() -> ExitCode {
    lessons::run(&[], lesson)
}

fn lesson(asked: &Asked) -> Outcome {
    say("LESSON 8. THE GRADIENT OF A GRADIENT

A gradient is computed by ops too: the sweep multiplies and adds. If these ops are recorded as
well, the gradient is a value on the tape like any other, and can be differentiated again. Take
y = x³ at x = 4:");
    let tape = Tape::new();
    let x = tape.var(4.0).named("x");
    let y = (x * x * x).named("y");
    let before = tape.len();
    let slope = y.backward_recorded().wrt(x).named("slope");
    let recorded = tape.len() - before;
    let curvature = slope.backward_recorded().wrt(x).named("curvature");
    let third = curvature.backward().wrt(x).item();
    println!("  y                     = {:>2}", y.item());
    println!("  ∂y/∂x    = 3x²        = {:>2}", slope.item());
    println!("  ∂²y/∂x²  = 6x         = {:>2}", curvature.item());
    println!("  ∂³y/∂x³  = 6          = {third:>2}\n");
    say(&format!(
        "There were {before} values on the tape before the first sweep, and that sweep recorded {recorded} more. Each
belongs to the line of the op whose gradient it is. Here is how they lead to the slope, and a
second sweep, back through them, to the curvature:"
    ));
    show(&Trace::of(slope)?, 4)?;

    say(
        "What for? Newton's method divides the slope by the curvature and so knows how far to go. Here it
looks for the lowest point of t⁴/4 - 2t, which is at the cube root of 2. The right digits double
with every round:",
    );
    let mut at = 2.0;
    for round in 1..=6 {
        let tape = Tape::<f64>::new();
        let t = tape.var(at);
        let slope = (t * t * t * t * 0.25 - 2.0 * t).backward_recorded().wrt(t);
        at -= slope.item() / slope.backward().wrt(t).item();
        println!("  round {round}: t = {at:.15}, off by {:.0e}", (at - 2.0_f64.cbrt()).abs());
    }
    println!();
    asked.page(slope)?;
    let powers = [y.item(), slope.item(), curvature.item(), third] == [64.0, 48.0, 24.0, 6.0];
    let root = (at - 2.0_f64.cbrt()).abs() < 4.0 * f64::EPSILON;
    check("64, 48, 24 and 6 are exact, and Newton's method found ∛2", powers && root)
}
