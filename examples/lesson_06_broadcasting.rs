//! Lesson 6: broadcasting, and why its gradient sums.
//!
//! `cargo run --example lesson_06_broadcasting`

mod lessons;

use ops::Tensor;
use tape::Trace;
use tape::prelude::*;

use lessons::{Asked, Outcome, check, say};

const X: [[f64; 2]; 3] = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];

fn main() -> Outcome {
    let asked = Asked::from_command_line()?;
    say(
        "A bias b of two numbers is added to each of three rows. It is one b, used three times, and
over uses contributions add up. So its gradient is the sum over the rows:",
    );
    let tape = Tape::new();
    let x = tape.constant(X).named("x");
    let b = tape.var([0.5, 1.0]).named("b");
    let s = (x + b).named("s");
    let cost = s.square().named("q").sum().named("C");
    let trace = Trace::of(cost)?;
    print!("{trace}");

    println!("\nThe same without broadcasting: three biases, one for each row.\n");
    let rows_tape = Tape::new();
    let rows = X.map(|row| {
        let (x, b) = (rows_tape.constant(row), rows_tape.var([0.5, 1.0]));
        (b, (x + b).square().sum())
    });
    let total = rows[0].1 + rows[1].1 + rows[2].1;
    let gradients = total.backward();
    let mut sum = Tensor::zeros(&[2]);
    for (i, (b, _)) in rows.iter().enumerate() {
        let gradient = gradients.wrt(*b);
        println!("  row {}: ∂C/∂b = {gradient}", i + 1);
        sum = &sum + &gradient;
    }
    println!("  their sum    = {sum}");
    asked.page(cost)?;
    let broadcast = trace.gradient(b).expect("b is a variable");
    check("the gradient of the one b is the sum of those of the three", broadcast == sum)
}
