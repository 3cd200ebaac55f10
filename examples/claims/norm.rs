//! "Batch norm trains faster, forgives the initialisation, and regularises a little."

use nn::prelude::*;

use crate::{Claim, Spread, accuracy, data, dense, train};

const SIZES: [usize; 6] = [64, 32, 32, 32, 32, 10];
const SIGMAS: [f64; 4] = [0.02, 0.1, 0.5, 2.0];

fn network(normalized: bool, init: Init, seed: u64) -> Result<Sequential<f32>, nn::Error> {
    let layer = |model: Sequential<f32>, width| {
        let model = if normalized { model.then(BatchNorm1d::new(width)) } else { model };
        model.then(Relu)
    };
    dense(&SIZES, init, layer, seed)
}

fn row(name: &str, [without, with]: &[Spread; 2]) {
    println!("  {name:<36}without {without}   with {with}");
}

pub fn experiment() -> Result<Vec<Claim>, nn::Error> {
    println!("batch norm: four hidden layers of 32");
    let both = |run: &dyn Fn(bool, u64) -> Result<f64, nn::Error>| -> Result<_, nn::Error> {
        Ok([
            Spread::over_seeds(|seed| run(false, seed))?,
            Spread::over_seeds(|seed| run(true, seed))?,
        ])
    };
    let speed = both(&|normalized, seed| {
        let (training, test) = data(seed)?;
        let mut model = network(normalized, Init::HeNormal, seed)?;
        train(&mut model, &training, (0.05, 3), seed)?;
        accuracy(&model, &test)
    })?;
    row("test accuracy after 3 epochs", &speed);
    let mut starts = Vec::new();
    for sigma in SIGMAS {
        let start = both(&|normalized, seed| {
            let (training, test) = data(seed)?;
            let mut model = network(normalized, Init::Normal { sigma }, seed)?;
            train(&mut model, &training, (0.05, 20), seed)?;
            accuracy(&model, &test)
        })?;
        row(&format!("20 epochs, weights from N(0, {sigma}²)"), &start);
        starts.push(start);
    }
    let small = both(&|normalized, seed| {
        let (training, test) = data(seed)?;
        let mut model = network(normalized, Init::HeNormal, seed)?;
        train(&mut model, &training.first_rows(96)?, (0.05, 200), seed)?;
        accuracy(&model, &test)
    })?;
    row("96 samples, 200 epochs", &small);
    let better = starts.iter().all(|[without, with]| with.mean > without.mean);
    let range = |i: usize| {
        let means = || starts.iter().map(|start| start[i].mean);
        (means().fold(1.0, f64::min), means().fold(0.0, f64::max))
    };
    let ((worst_without, best_without), (worst_with, best_with)) = (range(0), range(1));
    Ok(vec![
        (
            format!("faster: after 3 epochs {:.3} against {:.3}", speed[1].mean, speed[0].mean),
            speed[1].lowest > speed[0].highest,
        ),
        (
            format!(
                "forgiving: over a hundredfold range of σ {worst_with:.3} to {best_with:.3} with it, \
                 {worst_without:.3} to {best_without:.3} without"
            ),
            better && best_with - worst_with < 0.5 * (best_without - worst_without),
        ),
        (
            format!(
                "that it regularises is not to be seen here: from 96 samples {:.3} with it, {:.3} \
                 without",
                small[1].mean, small[0].mean
            ),
            small[1].mean < small[0].highest,
        ),
    ])
}
