//! The training loop, written out: forward, loss, gradient, step.
//!
//! `cargo run --release --example by_hand`

use nn::prelude::*;

fn main() -> Result<(), nn::Error> {
    let data = nn::data::xor::<f64>();
    let mut rng = nn::rng(1);
    let mut model = Sequential::new()
        .then(Dense::new(2, 3, &mut rng))
        .then(Tanh)
        .then(Dense::new(3, 1, &mut rng));
    let mut optimizer = Adam::new(0.05)?;

    let mut tape = Tape::new();
    for epoch in 0..600 {
        for batch in data.batches(4, Some(epoch))? {
            tape.reset();
            let pass = Pass::train(&tape, epoch);
            let output = model.forward(&pass, pass.input(&batch.inputs));
            let loss = BinaryCrossEntropyWithLogits.loss(output, &batch.targets)?;
            let gradients = pass.gradients(loss)?;
            optimizer.step(&mut model, &gradients)?;
        }
    }

    let result = evaluate(&model, &data, &BinaryCrossEntropyWithLogits)?;
    println!("loss {:.4}, accuracy {:?}", result.loss, result.accuracy);
    Ok(())
}
