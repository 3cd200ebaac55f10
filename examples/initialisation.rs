//! How wide the weights should start: the spread of activations and of gradients through ten layers.
//!
//! `cargo run --example initialisation`

use std::error::Error;
use std::fmt::Write;

use nn::prelude::*;

/// How deep the networks are.
pub(crate) const LAYERS: usize = 10;
const UNITS: usize = 256;
const SAMPLES: usize = 256;

/// The bends.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Bend {
    /// tanh.
    Tanh,
    /// max(0, z).
    Relu,
}

/// A network that is looked at: the spread of what each layer gives, and of the gradient with respect to it.
pub(crate) struct Look {
    /// How the weights start.
    pub name: &'static str,
    /// The numbers that each layer gives.
    pub activations: Vec<Vec<f64>>,
    /// The gradient of the loss with respect to each of them.
    pub gradients: Vec<Vec<f64>>,
}

impl Look {
    /// The root of the mean square of each layer.
    fn sizes(layers: &[Vec<f64>]) -> Vec<f64> {
        layers.iter().map(|layer| (squares(layer) / layer.len() as f64).sqrt()).collect()
    }
}

fn squares(numbers: &[f64]) -> f64 {
    numbers.iter().map(|x| x * x).sum()
}

// ANCHOR: look
/// Sends normal inputs through ten layers of 256 units, and a normal cotangent back.
pub(crate) fn look(name: &'static str, bend: Bend, init: Init) -> Result<Look, Box<dyn Error>> {
    let mut rng = nn::rng(0);
    let normal = Init::Normal { sigma: 1.0 };
    let tape = Tape::new();
    let mut x = tape.constant(normal.tensor(&[SAMPLES, UNITS], UNITS, UNITS, &mut rng)?);
    let mut outputs = vec![];
    for _ in 0..LAYERS {
        let w = tape.var(init.tensor(&[UNITS, UNITS], UNITS, UNITS, &mut rng)?);
        let z = x.matmul(w.t());
        x = if bend == Bend::Tanh { z.tanh() } else { z.relu() };
        outputs.push(x);
    }
    let cotangent = tape.constant(normal.tensor(&[SAMPLES, UNITS], UNITS, UNITS, &mut rng)?);
    let swept = (x * cotangent).sum().backward();
    Ok(Look {
        name,
        activations: outputs.iter().map(|layer| layer.value().to_vec()).collect(),
        gradients: outputs.iter().map(|&layer| swept.wrt(layer).to_vec()).collect(),
    })
}
// ANCHOR_END: look

/// The starts that are compared, by their standard deviation.
pub(crate) fn starts(bend: Bend) -> [(&'static str, Init); 4] {
    match bend {
        Bend::Tanh => [
            ("σ = 0.01", Init::Normal { sigma: 0.01 }),
            ("Xavier", Init::XavierNormal),
            ("He", Init::HeNormal),
            ("σ = 1", Init::Normal { sigma: 1.0 }),
        ],
        Bend::Relu => [
            ("σ = 0.01", Init::Normal { sigma: 0.01 }),
            ("Xavier", Init::XavierNormal),
            ("He", Init::HeNormal),
            ("σ = 0.2", Init::Normal { sigma: 0.2 }),
        ],
    }
}

/// A row of the tables: every third layer.
fn row(text: &mut String, name: &str, sizes: &[f64]) -> std::fmt::Result {
    write!(text, "  {name:<10}")?;
    for size in sizes.iter().step_by(3) {
        write!(text, "{size:>12.3e}")?;
    }
    writeln!(text)
}

/// The factor of a layer on the way forward and on the way back: the last of nine factors' mean.
fn factors(look: &Look) -> (f64, f64) {
    let (a, g) = (Look::sizes(&look.activations), Look::sizes(&look.gradients));
    let ninth = 1.0 / (LAYERS - 1) as f64;
    ((a[LAYERS - 1] / a[0]).powf(ninth), (g[0] / g[LAYERS - 1]).powf(ninth))
}

/// What the program prints.
pub(crate) fn text() -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    let mut looks = vec![];
    for (bend, name) in [(Bend::Tanh, "tanh"), (Bend::Relu, "relu")] {
        let these = starts(bend).map(|(name, init)| look(name, bend, init));
        let these = these.into_iter().collect::<Result<Vec<_>, _>>()?;
        writeln!(text, "{name}: size of the activations, layers 1, 4, 7, 10")?;
        for look in &these {
            row(&mut text, look.name, &Look::sizes(&look.activations))?;
        }
        writeln!(text, "{name}: size of the gradient with respect to them")?;
        for look in &these {
            row(&mut text, look.name, &Look::sizes(&look.gradients))?;
        }
        writeln!(text)?;
        looks.push(these);
    }

    writeln!(text, "relu, the factor of a layer: √(n σ² / 2), n = {UNITS}")?;
    writeln!(text, "               derived   forward   back")?;
    for (look, sigma) in
        looks[1].iter().zip([0.01, (1.0 / 256_f64).sqrt(), (2.0 / 256_f64).sqrt(), 0.2])
    {
        let derived = (UNITS as f64 * sigma * sigma / 2.0).sqrt();
        let (forward, back) = factors(look);
        writeln!(text, "  {:<10}{derived:>10.3}{forward:>10.3}{back:>7.3}", look.name)?;
        let near = |factor: f64| (factor / derived - 1.0).abs() < 0.05;
        assert!(near(forward) && near(back), "{}: {forward} and {back}", look.name);
    }

    let saturated = |look: &Look| {
        let last = look.activations.last().expect("ten layers");
        last.iter().filter(|a| a.abs() > 0.99).count() as f64 / last.len() as f64
    };
    let shares: Vec<f64> = looks[0].iter().map(saturated).collect();
    writeln!(text, "\ntanh, the share of the last layer beyond ±0.99:")?;
    for (look, share) in looks[0].iter().zip(&shares) {
        writeln!(text, "  {:<10}{share:>8.3}", look.name)?;
    }
    let xavier = factors(&looks[0][1]);
    assert!(xavier.0 > 0.8 && xavier.1 > 0.8, "Xavier keeps the sizes through tanh");
    assert!(shares[1] < 0.01 && shares[3] > 0.7, "wide weights saturate");
    writeln!(
        text,
        "\nCHECKED: through relu a layer's factor is √(n σ² / 2) to 5 %, both ways; through tanh"
    )?;
    writeln!(text, "Xavier's rule keeps four fifths a layer or more, and σ = 1 saturates.")?;
    Ok(text)
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", text()?);
    Ok(())
}
