//! Lesson: the perceptron and its own learning rule.
//!
//! A step unit has slope 0 everywhere, so there is nothing for backpropagation to pass on. Its
//! rule instead corrects the weights after every mistake, w += η (label − y) x, and finds a
//! separating line if there is one.
//!
//! `cargo run --release --example perceptron`

use nn::prelude::*;

fn main() -> Result<(), nn::Error> {
    let inputs = Tensor::from([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    for (name, labels) in [("and", [0, 0, 0, 1]), ("or", [0, 1, 1, 1]), ("xor", [0, 1, 1, 0])] {
        let mut unit = Perceptron::<f64>::new(2);
        let mut passes = 0;
        let mut mistakes = 4;
        while mistakes > 0 && passes < 20 {
            mistakes = unit.learn(&inputs, &labels, 1.0)?;
            passes += 1;
        }
        let (w, b) = (&unit.weight.value, &unit.bias.value);
        let outcome = if mistakes == 0 { "learned" } else { "not learned" };
        println!("{name:<4} {outcome} after {passes:>2} passes: w = {w}, b = {b}");
        assert_eq!(mistakes == 0, name != "xor", "only xor is beyond a line");
    }

    // The tape agrees that there is nothing to learn from by gradient.
    let tape = Tape::new();
    let unit = Perceptron::<f64>::new(2);
    let pass = Pass::train(&tape, 0);
    let output = unit.forward(&pass, pass.input(&inputs));
    let gradients = pass.gradients(output.sum())?;
    println!("gradient of the step unit: {}", gradients.of(&unit.weight).expect("a gradient"));
    Ok(())
}
