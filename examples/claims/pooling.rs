//! "Pooling makes a network forgive shifts."

use ndarray::{Array4, Ix2, s};
use nn::prelude::*;

use crate::{Claim, Spread, accuracy, data, dense, train};

const NAMES: [&str; 4] = ["dense", "convolution", "and max pooling", "and global pooling"];

fn network(kind: usize, seed: u64) -> Result<Sequential<f32>, nn::Error> {
    let mut rng = nn::rng(seed);
    let convolution =
        |inputs, outputs, rng: &mut _| Conv2d::new(inputs, outputs, 3, rng).padding(Padding::Same);
    let model = Sequential::new();
    if kind == 0 {
        return Ok(model.then(Flatten::new()).then(dense(
            &[64, 64, 10],
            Init::HeNormal,
            |model, _| model.then(Relu),
            seed,
        )?));
    }
    let model = model.then(convolution(1, 8, &mut rng)).then(Relu);
    let model = if kind == 1 { model } else { model.then(MaxPool2d::new(2)) };
    let model = model.then(convolution(8, 16, &mut rng)).then(Relu);
    Ok(match kind {
        1 => model.then(Flatten::new()).then(Dense::new(16 * 64, 10, &mut rng)),
        2 => model.then(MaxPool2d::new(2)).then(Flatten::new()).then(Dense::new(
            16 * 4,
            10,
            &mut rng,
        )),
        _ => model.then(GlobalMaxPool).then(Dense::new(16, 10, &mut rng)),
    })
}

/// The images moved by `pixels` in each of the four directions, with paper coming in.
fn moved(images: &Dataset<f32>, pixels: usize) -> Result<Dataset<f32>, nn::Error> {
    let flat = images.inputs().to_array::<Ix2>().expect("a row for each image");
    let count = images.len();
    let image = flat.into_shape_with_order((count, 1, 8, 8)).expect("64 pixels");
    let mut all = Array4::zeros((4 * count, 1, 8, 8));
    let mut direction =
        |at: usize, to: [std::ops::Range<usize>; 2], from: [std::ops::Range<usize>; 2]| {
            let [[ty, tx], [fy, fx]] = [to, from];
            all.slice_mut(s![at * count..(at + 1) * count, .., ty, tx]).assign(&image.slice(s![
                ..,
                ..,
                fy,
                fx
            ]));
        };
    let (head, tail) = (0..8 - pixels, pixels..8);
    direction(0, [tail.clone(), 0..8], [head.clone(), 0..8]);
    direction(1, [head.clone(), 0..8], [tail.clone(), 0..8]);
    direction(2, [0..8, tail.clone()], [0..8, head.clone()]);
    direction(3, [0..8, head.clone()], [0..8, tail]);
    let labels = images.labels().expect("digits are labelled").repeat(4);
    Ok(Dataset::classification(all.into(), labels, 10)?)
}

pub fn experiment() -> Result<Vec<Claim>, nn::Error> {
    println!("pooling: test accuracy of images in place, moved by 1 pixel and by 2");
    let mut spreads = Vec::new();
    for (kind, name) in NAMES.iter().enumerate() {
        let spread = Spread::each_over_seeds(|seed| {
            let (training, test) = data(seed)?;
            let mut model = network(kind, seed)?;
            let training = training.reshape_samples(&[1, 8, 8])?;
            train(&mut model, &training, (0.1, 30), seed)?;
            let mut figures = [0.0; 3];
            figures[0] = accuracy(&model, &test.reshape_samples(&[1, 8, 8])?)?;
            figures[1] = accuracy(&model, &moved(&test, 1)?)?;
            figures[2] = accuracy(&model, &moved(&test, 2)?)?;
            Ok(figures)
        })?;
        println!("  {name:<20}{}   {}   {}", spread[0], spread[1], spread[2]);
        spreads.push(spread);
    }
    let [dense, convolution, pooled, global] = &spreads[..] else { unreachable!("four networks") };
    Ok(vec![(
        format!(
            "a convolution alone does not forgive a shift ({:.3}, dense {:.3}), pooling does more ({:.3}), \
                 pooling over all positions most ({:.3})",
            convolution[1].mean, dense[1].mean, pooled[1].mean, global[1].mean
        ),
        convolution[1].mean < pooled[1].mean && pooled[1].mean < global[1].mean,
    )])
}
