//! "Make the layers narrower with depth." "Deeper is better." "Sigmoids do not go deep."

use nn::prelude::*;

use crate::{Claim, Spread, accuracy, data, dense, train};

/// Three hidden layers with as many parameters, within a hundredth, in three shapes; and one layer.
const SHAPES: [(&str, &[usize]); 5] = [
    ("narrowing: 64, 32, 16", &[64, 64, 32, 16, 10]),
    ("even: 43, 43, 43", &[64, 43, 43, 43, 10]),
    ("widening: 21, 43, 86", &[64, 21, 43, 86, 10]),
    ("one layer: 92", &[64, 92, 10]),
    ("no hidden layer", &[64, 10]),
];

const DEPTHS: [usize; 4] = [1, 2, 4, 8];

pub fn experiment() -> Result<Vec<Claim>, nn::Error> {
    println!("width: test accuracy after 40 epochs");
    let mut shapes = Vec::new();
    for (name, sizes) in SHAPES {
        let spread = Spread::over_seeds(|seed| {
            let (training, test) = data(seed)?;
            let mut model = dense(sizes, Init::HeNormal, |model, _| model.then(Relu), seed)?;
            train(&mut model, &training, (0.1, 40), seed)?;
            accuracy(&model, &test)
        })?;
        let parameters: usize = sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum();
        println!("  {name:<24}{parameters:>6} parameters   {spread}");
        shapes.push(spread);
    }
    println!("depth: test accuracy after 40 epochs, hidden layers of 32");
    let mut depths = Vec::new();
    for depth in DEPTHS {
        let sizes = [&[64][..], &[32; 8][..depth], &[10]].concat();
        let run = |relu: bool| {
            Spread::over_seeds(|seed| {
                let (training, test) = data(seed)?;
                let mut model = if relu {
                    dense(&sizes, Init::HeNormal, |model, _| model.then(Relu), seed)?
                } else {
                    dense(&sizes, Init::XavierNormal, |model, _| model.then(Sigmoid), seed)?
                };
                train(&mut model, &training, (0.1, 40), seed)?;
                accuracy(&model, &test)
            })
        };
        let [relu, sigmoid] = [run(true)?, run(false)?];
        println!("  {depth} hidden   relu {relu}   sigmoid {sigmoid}");
        depths.push((relu, sigmoid));
    }
    Ok(claims(&shapes, &depths))
}

fn claims(shapes: &[Spread], depths: &[(Spread, Spread)]) -> Vec<Claim> {
    let [narrowing, even, widening, _, line] = shapes else { unreachable!("five shapes") };
    let [(shallow, _), _, (relu, sigmoid), (deep, _)] = depths else { unreachable!("four depths") };
    let between = narrowing.highest - narrowing.lowest;
    vec![
        (
            format!("a hidden layer helps: {:.3} against {:.3} without", even.mean, line.mean),
            even.mean > line.mean,
        ),
        (
            format!(
                "\"narrower with depth\" is a habit: narrowing, even and widening layers ({:.3}, \
                 {:.3}, {:.3}) differ by less than the seeds of one of them, {between:.3}",
                narrowing.mean, even.mean, widening.mean
            ),
            (narrowing.mean - even.mean).abs() < between
                && (narrowing.mean - widening.mean).abs() < between,
        ),
        (
            format!(
                "four layers of sigmoids learn nothing (at most {:.3}), four of relus do (at least \
                 {:.3})",
                sigmoid.highest, relu.lowest
            ),
            sigmoid.highest < 0.2 && relu.lowest > 0.9,
        ),
        (
            format!(
                "deeper is not better by itself: eight layers of relus give {:.3}, one {:.3}",
                deep.mean, shallow.mean
            ),
            deep.mean < shallow.highest,
        ),
    ]
}
