//! Lesson 8: the gradient of a gradient.
//!
//! `cargo run --example lesson_08_second_order`

mod lessons;

use tape::{Tape, Trace};

use lessons::{Asked, Outcome, check, say};

fn main() -> Outcome {
    let asked = Asked::from_command_line()?;
    say(
        "A gradient is computed by ops too. If the sweep itself is recorded, its result is a value like
any other, and can be differentiated again. Take y = x³ at x = 2:",
    );
    let tape = Tape::new();
    let x = tape.var(2.0).named("x");
    let y = (x * x * x).named("y");
    let before = tape.len();
    let slope = y.backward_recorded().wrt(x).named("slope");
    println!("  y = {}, from {before} values on the tape;", y.item());
    println!("  ∂y/∂x = 3x² = {}, recorded with {} more;", slope.item(), tape.len() - before);
    let curvature = slope.backward_recorded().wrt(x).named("curvature");
    println!("  ∂²y/∂x² = 6x = {};", curvature.item());
    let third = curvature.backward().wrt(x).item();
    println!("  ∂³y/∂x³ = {third}.\n");
    println!("This is how the slope was computed, and how its own gradient follows from that:\n");
    print!("{}", Trace::of(slope)?);

    println!("\nWhat for? Newton's method divides the slope by the curvature: here for the lowest");
    println!("point of t⁴/4 − 2t, which is at the cube root of 2.\n");
    let mut at = 2.0;
    for round in 1..=6 {
        let tape = Tape::<f64>::new();
        let t = tape.var(at);
        let slope = (t * t * t * t * 0.25 - 2.0 * t).backward_recorded().wrt(t);
        at -= slope.item() / slope.backward().wrt(t).item();
        println!("  round {round}: t = {at:.15}");
    }
    asked.page(slope)?;
    let powers = [y.item(), slope.item(), curvature.item(), third] == [8.0, 12.0, 12.0, 6.0];
    let root = (at - 2.0_f64.cbrt()).abs() < 4.0 * f64::EPSILON;
    check("8, 12, 12 and 6 are exact, and Newton's method found ∛2", powers && root)
}
