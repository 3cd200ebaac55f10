//! Lesson: what one unit cannot do, two layers can.
//!
//! No line separates the inputs whose exclusive or is 1 from those where it is 0, so a single unit
//! fails at XOR (Minsky & Papert, 1969). A hidden layer of three units bends the plane first.
//!
//! `cargo run --release --example xor`

use nn::prelude::*;

fn train(name: &str, mut model: Sequential<f64>) -> Result<f64, nn::Error> {
    let data = nn::data::xor();
    let mut optimizer = Adam::new(0.05)?;
    Fit::new().epochs(600).batch_size(4).progress(false).run(
        &mut model,
        &data,
        &BinaryCrossEntropyWithLogits,
        &mut optimizer,
    )?;
    println!("{name}");
    let probabilities = predict(&model.then(Sigmoid), data.inputs())?;
    let mut right = 0;
    for (x, p) in data.inputs().view().outer_iter().zip(probabilities.to_vec()) {
        let answer = f64::from(u8::from(x[0] != x[1]));
        right += usize::from((p > 0.5) == (answer > 0.5));
        println!("    {} xor {} = {answer}    the network says {p:.3}", x[0], x[1]);
    }
    Ok(right as f64 / 4.0)
}

fn main() -> Result<(), nn::Error> {
    let mut rng = nn::rng(1);
    let alone = Sequential::new().then(Dense::new(2, 1, &mut rng));
    let layered = Sequential::new()
        .then(Dense::new(2, 3, &mut rng))
        .then(Tanh)
        .then(Dense::new(3, 1, &mut rng));
    let alone = train("one unit", alone)?;
    let layered = train("three hidden units", layered)?;
    println!("accuracy of one unit {alone:.2}, with a hidden layer {layered:.2}");
    assert!(alone < 1.0 && layered == 1.0, "the lesson should hold");
    Ok(())
}
