//! A picture of a neuron, with its values and gradients.

use tape::{Picture, Tape, prelude::*};

fn main() {
    let tape = Tape::new();
    let w = tape.var(0.5).named("w");
    let x = tape.constant(2.0).named("x");
    let b = tape.var(0.1).named("b");
    let z = tape.scope("neuron", || ((w * x).named("p") + b).named("z"));
    let y = z.tanh().named("y");
    let picture = Picture::of(y).values().gradients(&y.backward());
    print!("{}", picture.to_svg());
}
