//! What to look at before a long training and while it runs: the first loss, one batch by heart, and the
//! learning curves.
//!
//! `cargo run --example babysit`

use std::error::Error;
use std::fmt::Write;
use std::sync::LazyLock;

use nn::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", text()?);
    Ok(())
}

fn network(init: Init, seed: u64) -> Result<Sequential<f64>, nn::Error> {
    let mut rng = nn::rng(seed);
    Ok(Sequential::new()
        .then(Dense::with_init(64, 48, init, Init::Zeros, &mut rng)?)
        .then(Relu)
        .then(Dense::with_init(48, 10, init, Init::Zeros, &mut rng)?))
}

/// The loss of every class alike, the losses of fresh networks, and that of all-zero weights.
fn first_loss(text: &mut String) -> Result<(), Box<dyn Error>> {
    let data = nn::data::digits::<f64>();
    writeln!(text, "first loss, before any step; ln 10 = {:.4}", 10_f64.ln())?;
    let starts = [
        ("weights zero", Init::Zeros),
        ("weights by He", Init::HeNormal),
        ("weights N(0, 1)", Init::Normal { sigma: 1.0 }),
    ];
    for (name, init) in starts {
        let of_seed = |seed| Ok(evaluate(&network(init, seed)?, &data, &CrossEntropy)?.loss);
        let losses = (0..5).map(of_seed).collect::<Result<Vec<f64>, nn::Error>>()?;
        let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = losses.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        writeln!(text, "  {name:<18}{lowest:>8.4} to {highest:.4}")?;
        let fits = match init {
            Init::Zeros => (lowest - 10_f64.ln()).abs() < 1e-12 && lowest == highest,
            Init::HeNormal => lowest > 2.0 && highest < 3.0,
            _ => lowest > 10.0,
        };
        assert!(fits, "{name}: {lowest} to {highest}");
    }
    Ok(())
}

/// What may be wrong with a program.
#[derive(Clone, Copy, PartialEq)]
enum Slip {
    None,
    SoftmaxTwice,
    FirstLayerForgotten,
    InputZeroed,
}

// ANCHOR: batch
/// Trains on the same 32 images again and again. Returns the loss after each step.
fn one_batch(slip: Slip) -> Result<Vec<f64>, nn::Error> {
    let batch = nn::data::digits::<f64>().first_rows(32)?;
    let mut model = network(Init::HeNormal, 0)?;
    let mut optimizer = Adam::new(0.01)?;
    let mut losses = vec![];
    for _ in 0..=200 {
        let tape = Tape::new();
        let pass = Pass::train(&tape, 0);
        let x = pass.input(batch.inputs());
        let x = if slip == Slip::InputZeroed { x * 0.0 } else { x };
        let scores = model.forward(&pass, x);
        // The loss takes logits, and makes probabilities of them itself.
        let scores = if slip == Slip::SoftmaxTwice { scores.softmax(-1) } else { scores };
        let loss = CrossEntropy.loss(scores, batch.targets())?;
        losses.push(loss.item());
        let gradients = pass.gradients(loss)?;
        if slip == Slip::FirstLayerForgotten {
            let first = model.layer_mut::<Dense<f64>>("0").expect("the first layer");
            first.weight.freeze();
            first.bias.freeze();
        }
        optimizer.step(&mut model, &gradients)?;
    }
    Ok(losses)
}
// ANCHOR_END: batch

fn overfit(text: &mut String) -> Result<(), Box<dyn Error>> {
    writeln!(text, "\none batch of 32 by heart, Adam, η = 0.01")?;
    writeln!(text, "  step                             0       20      100      200")?;
    let slips = [
        ("as it should be", Slip::None),
        ("softmax before the loss", Slip::SoftmaxTwice),
        ("the first layer never moves", Slip::FirstLayerForgotten),
        ("the input is lost", Slip::InputZeroed),
    ];
    for (name, slip) in slips {
        let losses = one_batch(slip)?;
        write!(text, "  {name:<28}")?;
        for step in [0, 20, 100, 200] {
            write!(text, "{:>9.4}", losses[step])?;
        }
        writeln!(text)?;
        let last = losses[200];
        // Softmax of numbers between 0 and 1: the best is e / (e + 9).
        let floor = (1.0 + 9.0 * (-1_f64).exp()).ln();
        let fits = match slip {
            Slip::None => last < 0.01,
            Slip::SoftmaxTwice => last > floor && last < floor + 0.2,
            Slip::FirstLayerForgotten => last > 2.0 * one_batch(Slip::None)?[200],
            Slip::InputZeroed => last > 2.2,
        };
        assert!(fits, "{name}: {last}");
    }
    Ok(())
}

/// A training and its curves: loss on the training samples and on others, after each epoch.
pub(crate) struct Curves {
    /// What is set.
    pub name: &'static str,
    /// The loss on the training images.
    pub training: Vec<f64>,
    /// The loss on the others.
    pub validation: Vec<f64>,
}

// ANCHOR: curves
/// Trains on `samples` images with SGD.
fn curves(
    name: &'static str,
    (samples, batch): (usize, usize),
    rate: f64,
) -> Result<Curves, nn::Error> {
    let (train, validation) = nn::data::digits::<f64>().split(0.2, 0)?;
    let train = train.first_rows(samples)?;
    let mut model = network(Init::HeNormal, 0)?;
    let mut fit = Fit::new().epochs(30).batch_size(batch).validation(&validation).progress(false);
    let history = fit.run(&mut model, &train, &CrossEntropy, &mut Sgd::new(rate)?)?;
    let column = |name| history.column(name).into_iter().map(|(_, value)| value).collect();
    Ok(Curves { name, training: column("loss"), validation: column("validation loss") })
}
// ANCHOR_END: curves

/// The four trainings, once for all who look at them.
pub(crate) fn all_curves() -> &'static Result<Vec<Curves>, nn::Error> {
    static ALL: LazyLock<Result<Vec<Curves>, nn::Error>> = LazyLock::new(train_all);
    &ALL
}

fn train_all() -> Result<Vec<Curves>, nn::Error> {
    let trainings = [
        ("η = 0.001", (960, 32), 0.001),
        ("η = 0.1", (960, 32), 0.1),
        ("η = 2", (960, 32), 2.0),
        ("η = 0.1, 64 images", (64, 4), 0.1),
    ];
    trainings.into_iter().map(|(name, samples, rate)| curves(name, samples, rate)).collect()
}

fn learning_curves(text: &mut String) -> Result<(), Box<dyn Error>> {
    writeln!(text, "\nlearning curves: loss on training and validation images after epoch")?;
    writeln!(text, "                                  1                10                30")?;
    let all = all_curves().as_ref()?;
    for Curves { name, training, validation } in all {
        write!(text, "  {name:<20}")?;
        for epoch in [1, 10, 30] {
            write!(text, "   {:>6.3}  {:>6.3}", training[epoch - 1], validation[epoch - 1])?;
        }
        writeln!(text)?;
    }
    let last = |i: usize| (all[i].training[29], all[i].validation[29]);
    let [slow, good, wild, few] = [0, 1, 2, 3].map(last);
    assert!(slow.0 > 1.0 && (slow.1 / slow.0 - 1.0).abs() < 0.1, "it has not learned yet");
    assert!(good.0 < 0.1 && good.1 < 0.2, "it has learned");
    assert!(wild.0 > 2.0, "too large a rate has killed it");
    assert!(few.1 > 5.0 * few.0, "it has learned by heart");
    Ok(())
}

/// What the program prints.
pub(crate) fn text() -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    first_loss(&mut text)?;
    overfit(&mut text)?;
    learning_curves(&mut text)?;
    writeln!(
        text,
        "\nCHECKED: the first loss, what one batch tells of four programs, and four curves."
    )?;
    Ok(text)
}
