//! Lesson 6: broadcasting, and why its gradient sums.
//!
//! `cargo run --example lesson_06_broadcasting`

mod lessons;

use std::process::ExitCode;

use ops::Tensor;
use tape::Trace;
use tape::prelude::*;

use lessons::{Asked, Outcome, check, say, show};

const X: [[f64; 2]; 3] = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];

fn main() -> ExitCode {
    lessons::run(&[], lesson)
}

fn lesson(asked: &Asked) -> Outcome {
    say("LESSON 6. BROADCASTING, AND WHY ITS GRADIENT SUMS

x has three rows of two numbers, and the bias b has two numbers. In x + b, b is added to each of
the rows: it is broadcast. It is one b all the same, used three times, and over the uses of a
value contributions add up. So the gradient of b is the sum over the rows, and has the shape of
b. In the step s = x + b below it is written sum(s̄, axes 0).");
    let tape = Tape::new();
    let x = tape.constant(X).named("x");
    let b = tape.var([0.5, 1.0]).named("b");
    let s = (x + b).named("s");
    let cost = s.square().named("q").sum().named("C");
    let trace = Trace::of(cost)?;
    show(&trace, 4)?;

    say("The same without broadcasting, with three biases, one for each row:");
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
        println!("  row {}         ∂C/∂b = {gradient}", i + 1);
        sum = &sum + &gradient;
    }
    println!("  their sum             {sum}\n");
    say(
        "The other way round, a sum has a gradient that is broadcast: C = sum(q) sends the same 1 to
every element of q. Each is the other's gradient.",
    );
    asked.page(cost)?;
    let broadcast = trace.gradient(b).expect("b is a variable");
    check("the gradient of the one b is the sum of those of the three", broadcast == sum)
}
