//! A training step recorded once and replayed: what the program does, and that it learns XOR.
//!
//! `cargo run --example replay`

use ops::Tensor;
use ops::declare::sample;
use tape::{ProgramError, Tape, prelude::*};

fn main() -> Result<(), ProgramError> {
    let tape = Tape::<f64>::new();
    let x = tape.constant([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).named("x");
    let t = tape.constant([[-1.0], [1.0], [1.0], [-1.0]]).named("t");
    let parameters = [("w1", &[2, 8][..]), ("b1", &[8]), ("w2", &[8, 1]), ("b2", &[1])]
        .map(|(name, shape)| tape.var(&sample(shape, shape[0]) * 0.5).named(name));
    let [w1, b1, w2, b2] = parameters;

    let h = (x.matmul(w1) + b1).tanh().named("h");
    let y = (h.matmul(w2) + b2).tanh().named("y");
    let loss = (y - t).square().mean().named("loss");
    let gradients = loss.backward_recorded();

    let outputs = [loss].into_iter().chain(parameters.map(|w| gradients.wrt(w)));
    let mut program = tape.compile(&outputs.collect::<Vec<_>>());
    print!("{}", program.plan());

    let mut values = parameters.map(Var::value);
    for step in 0..=300 {
        let leaves: Vec<_> = parameters.iter().map(|w| w.position()).zip(&values).collect();
        program.run_with(&leaves)?;
        if step % 100 == 0 {
            println!("step {step}: loss {:.6}", program.value(0).item());
        }
        for (number, value) in values.iter_mut().enumerate() {
            let gradient: &Tensor<f64> = program.value(number + 1);
            *value = &*value - &(0.2 * gradient);
        }
    }
    Ok(())
}
