//! A bias that every row shares: its gradient is a sum over the rows.

use tape::{Tape, prelude::*};

fn main() {
    let tape = Tape::<f64>::new();
    let x = tape.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    let b = tape.var([0.5, 1.0]);
    let gradients = (x + b).square().sum().backward();
    println!("{}", gradients.wrt(b)); // for each column, Σ 2(x + b) over the rows
}
