//! Lesson: a network that reads handwritten digits.
//!
//! Trains a 64-48-10 network on four fifths of the 1,797 digits that the crate carries (8×8 pixels
//! each) and tests it on the rest, which it has never seen.
//!
//! `cargo run --release --example digits`

use nn::prelude::*;

fn main() -> Result<(), nn::Error> {
    let (train, test) = nn::data::digits::<f32>().split(0.2, 0)?;
    let mut rng = nn::rng(0);
    let mut model = Sequential::new()
        .then(Dense::new(64, 48, &mut rng))
        .then(Relu)
        .then(Dense::new(48, 10, &mut rng));
    let mut optimizer = Adam::new(0.005)?;
    Fit::new().epochs(30).batch_size(32).validation(&test).run(
        &mut model,
        &train,
        &CrossEntropy,
        &mut optimizer,
    )?;
    let evaluation = evaluate(&model, &test, &CrossEntropy)?;
    println!("test accuracy {:.4}", evaluation.accuracy.unwrap_or_default());
    Ok(())
}
