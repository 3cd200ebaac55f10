//! What is said where no gradient can be given.

use tape::{Tape, prelude::*};

fn main() {
    let tape = Tape::new();
    let w = tape.var(0.5).named("w");
    let x = tape.constant(2.0).named("x");
    let gradients = (w * x).tanh().backward();
    println!("{}", gradients.try_wrt(x).unwrap_err());
}
