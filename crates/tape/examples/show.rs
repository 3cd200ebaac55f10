//! The screen of a program's own tape: `cargo run --features terminal --example show`.

use tape::{Tape, Trace, prelude::*, terminal};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tape = Tape::new();
    let (w, x, b) = (tape.var(0.5).named("w"), tape.var(2.0).named("x"), tape.var(0.1).named("b"));
    let y = tape.scope("neuron", || (w * x + b).named("z").tanh()).named("y");
    terminal::show(&Trace::of(y)?)?;
    Ok(())
}
