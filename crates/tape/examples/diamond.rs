//! A value that is used twice, and the steps of its sweep.

use tape::Tape;

fn main() {
    let tape = Tape::new();
    let a = tape.var(3.0).named("a");
    let b = (a + a).named("b");
    let c = (b + b).named("c");
    let gradients = c.backward_observed(|step| print!("{step}"));
    println!("∂c/∂a = {}", gradients.wrt(a));
}
