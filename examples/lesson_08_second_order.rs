//! Lesson 8: the gradient of a gradient.
//!
//! `cargo run --example lesson_08_second_order`

#[path = "lessons/en/lesson_08.rs"]
mod en;
#[path = "lessons/mod.rs"]
mod lessons;

use std::process::ExitCode;

use tape::{Tape, Trace};

use lessons::{Asked, Outcome, say};

tape::catalogue! {
    /// What the lesson says, in its order; `lessons/en/lesson_08.rs` has the text.
    pub struct Words {
        a_gradient_is_computed_too();
        what_the_sweep_recorded(before, recorded);
        newtons_method();
        round(number, t, off);
        exact_and_the_cube_root();
    }
}
text! { "en": en::WORDS }

fn main() -> ExitCode {
    lessons::run(&[], lesson)
}

fn lesson(asked: &Asked<Words>) -> Outcome {
    let words = asked.words;
    say(words.a_gradient_is_computed_too());
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
    say(&words.what_the_sweep_recorded(before, recorded));
    asked.show(&Trace::of(slope)?, 4)?;

    say(words.newtons_method());
    let mut at = 2.0;
    for round in 1..=6 {
        let tape = Tape::<f64>::new();
        let t = tape.var(at);
        let slope = (t * t * t * t * 0.25 - 2.0 * t).backward_recorded().wrt(t);
        at -= slope.item() / slope.backward().wrt(t).item();
        let off = format!("{:.0e}", (at - 2.0_f64.cbrt()).abs());
        println!("{}", words.round(round, format!("{at:.15}"), off));
    }
    println!();
    asked.page(slope)?;
    let powers = [y.item(), slope.item(), curvature.item(), third] == [64.0, 48.0, 24.0, 6.0];
    let root = (at - 2.0_f64.cbrt()).abs() < 4.0 * f64::EPSILON;
    asked.check(words.exact_and_the_cube_root(), powers && root)
}
