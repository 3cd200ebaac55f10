//! Lesson 6: broadcasting, and why its gradient sums.
//!
//! `cargo run --example lesson_06_broadcasting`

#[path = "lessons/en/lesson_06.rs"]
mod en;
#[path = "lessons/mod.rs"]
mod lessons;

use std::process::ExitCode;

use ops::Tensor;
use tape::Trace;
use tape::prelude::*;

use lessons::{Asked, Outcome, say};

tape::catalogue! {
    /// What the lesson says, in its order; `lessons/en/lesson_06.rs` has the text.
    pub struct Words {
        one_bias_used_three_times();
        three_biases();
        row(number, gradient);
        their_sum(sum);
        the_other_way_round();
        the_one_is_the_sum();
    }
}
text! { "en": en::WORDS }

const X: [[f64; 2]; 3] = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];

fn main() -> ExitCode {
    lessons::run(&[], lesson)
}

fn lesson(asked: &Asked<Words>) -> Outcome {
    let words = asked.words;
    say(words.one_bias_used_three_times());
    let tape = Tape::new();
    let x = tape.constant(X).named("x");
    let b = tape.var([0.5, 1.0]).named("b");
    let s = (x + b).named("s");
    let cost = s.square().named("q").sum().named("C");
    let trace = Trace::of(cost)?;
    asked.show(&trace, 4)?;

    say(words.three_biases());
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
        println!("{}", words.row(i + 1, &gradient));
        sum = &sum + &gradient;
    }
    println!("{}\n", words.their_sum(&sum));
    say(words.the_other_way_round());
    asked.page(cost)?;
    let holds = trace.gradient(b).expect("b is a variable") == sum;
    asked.check(words.the_one_is_the_sum(), holds)
}
