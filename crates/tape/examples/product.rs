//! A trace of a value that is used three times.

use tape::{Tape, Trace};

fn main() {
    let tape = Tape::new();
    let a = tape.var(3.0).named("a");
    let b = (a + a).named("b");
    let c = (b * a).named("c");
    let trace = Trace::of(c).expect("a scalar that was computed from a variable");
    print!("{trace}");
}
