//! Lesson: models of language, one character at a time.
//!
//! Each network reads a first name character by character and says at each place how likely each
//! character is to come next. How good it is, is measured in bits per character on names that it
//! has never seen: the base-2 logarithm of one over the probability that it gave to the character
//! that came. A table of pairs of characters is the mark to beat. Then the networks invent names.
//!
//! A fourth network, small enough to be looked into, has its weights in the repository. `--look NAME`
//! prints what its attention looks at in a name; `--save FILE` trains it and saves them.
//!
//! `cargo run --release --example names [-- --epochs N] [--seed N] [--look NAME | --save FILE]`

#[path = "names/look.rs"]
pub(crate) mod look;

use std::path::PathBuf;
use std::process::ExitCode;

use nn::data::{Vocabulary, names};
use nn::prelude::*;
use rand::RngExt;

/// What stands before a name and after it.
const END: char = '\n';
/// The label of places after the end of a name, which do not count.
const NOTHING: i64 = -1;
const WIDTH: usize = 48;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Box<dyn std::error::Error>> {
    let Options { epochs, seed, look, save } = options()?;
    if let Some(name) = look {
        print!("{}", look::text(&name)?);
        return Ok(true);
    }
    if let Some(file) = save {
        println!("{:.3} bits per character on the test names", look::train(&file, seed)?);
        return Ok(true);
    }
    let (names, vocabulary) = (names(), vocabulary());
    let data = as_data(&names, &vocabulary)?;
    let (train, test) = data.split(0.1, 0)?;
    let steps = data.sample_shape()[0];
    println!("{} names for training, {} for the test", train.len(), test.len());

    let mut rng = nn::rng(seed);
    // ANCHOR: models
    let characters = vocabulary.len();
    let embedding = || Embedding::new(characters, WIDTH, &mut nn::rng(seed));
    let models: [(&str, Sequential<f32>); 3] = [
        (
            "RNN",
            Sequential::new()
                .then(embedding())
                .then(SimpleRnn::new(WIDTH, 2 * WIDTH, &mut rng))
                .then(Dense::new(2 * WIDTH, characters, &mut rng)),
        ),
        (
            "LSTM",
            Sequential::new()
                .then(embedding())
                .then(Lstm::new(WIDTH, 2 * WIDTH, &mut rng))
                .then(Dense::new(2 * WIDTH, characters, &mut rng)),
        ),
        (
            "transformer",
            Sequential::new()
                .then(embedding())
                .then(LearnedPosition::new(steps, WIDTH, &mut rng))
                .then(TransformerBlock::new(WIDTH, 4, 4 * WIDTH, &mut rng).pre_norm().causal())
                .then(TransformerBlock::new(WIDTH, 4, 4 * WIDTH, &mut rng).pre_norm().causal())
                .then(LayerNorm::new(&[WIDTH]))
                .then(Dense::new(WIDTH, characters, &mut rng)),
        ),
    ];
    // ANCHOR_END: models

    let uniform = (characters as f64).log2();
    let pairs = pair_table(&train, &test, characters);
    let mut rows = vec![("all characters alike", uniform), ("table of pairs", pairs)];
    for (name, mut model) in models {
        println!("\n{name}: {} parameters", model.parameter_count());
        let loss = CrossEntropy.ignore(NOTHING);
        Fit::new()
            .epochs(epochs)
            .batch_size(64)
            .seed(seed)
            .validation(&test)
            .callback(ClipGradients::Norm(1.0))
            .run(&mut model, &train, &loss, &mut AdamW::new(0.003)?)?;
        // The test set is one batch, so that its loss is the mean over all its characters.
        rows.push((name, evaluate(&model, &test, &loss)?.loss / std::f64::consts::LN_2));
        let mut rng = nn::rng(seed);
        let invented: Vec<String> = (0..10)
            .map(|_| invent(&model, &vocabulary, steps, &mut rng))
            .collect::<Result<_, _>>()?;
        println!("{}", invented.join(", "));
    }

    println!("\nbits per character on the test names");
    for (name, bits) in &rows {
        println!("  {name:<22} {bits:.3}");
    }
    let reached = rows[2..].iter().all(|(_, bits)| *bits <= pairs - 0.25);
    let word = if reached { "reached" } else { "missed" };
    println!("to be reached: each network at least 0.25 below the table of pairs: {word}");
    Ok(reached)
}

struct Options {
    epochs: usize,
    seed: u64,
    look: Option<String>,
    save: Option<PathBuf>,
}

fn options() -> Result<Options, lexopt::Error> {
    use lexopt::prelude::*;
    let mut options = Options { epochs: 8, seed: 0, look: None, save: None };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("epochs") => options.epochs = parser.value()?.parse()?,
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("look") => options.look = Some(parser.value()?.string()?),
            Long("save") => options.save = Some(parser.value()?.into()),
            other => return Err(other.unexpected()),
        }
    }
    if options.look.is_some() && options.save.is_some() {
        return Err(
            "--look reads the weights of the repository, --save trains others: one of the two"
                .into(),
        );
    }
    Ok(options)
}

/// The letters of all names, and the mark.
fn vocabulary() -> Vocabulary {
    Vocabulary::new(&format!("{}{END}", names().concat()))
}

/// Names as inputs `[names, steps]`, the end mark and then the name, and values `[names, steps]`,
/// the character that comes next at each place.
// ANCHOR: data
fn as_data(
    names: &[&str],
    vocabulary: &Vocabulary,
) -> Result<Dataset<f32>, Box<dyn std::error::Error>> {
    let steps = 1 + names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let (mut inputs, mut values) = (Vec::new(), Vec::new());
    for name in names {
        let marked = vocabulary.encode(&format!("{END}{name}{END}"))?;
        let length = marked.len() - 1;
        let number = |index: &usize| *index as f32;
        inputs.extend(marked[..length].iter().map(number));
        inputs.resize(inputs.len() + steps - length, marked[0] as f32);
        values.extend(marked[1..].iter().map(number));
        values.resize(values.len() + steps - length, NOTHING as f32);
    }
    let shape = [names.len(), steps];
    let inputs = Tensor::from_shape_vec(&shape, inputs)?;
    Ok(Dataset::regression(inputs, Tensor::from_shape_vec(&shape, values)?)?)
}
// ANCHOR_END: data

/// Each character with the one that comes next, in all names.
fn pairs(data: &Dataset<f32>) -> Vec<(usize, usize)> {
    let Targets::Values(values) = data.targets() else { unreachable!("names have values") };
    let pairs = data.inputs().to_vec().into_iter().zip(values.to_vec());
    pairs.filter(|&(_, next)| next >= 0.0).map(|(x, next)| (x as usize, next as usize)).collect()
}

/// Bits per character of the frequencies of pairs in the training names, each pair counted once
/// more than it occurs.
fn pair_table(train: &Dataset<f32>, test: &Dataset<f32>, characters: usize) -> f64 {
    let mut counts = vec![vec![1.0_f64; characters]; characters];
    for (character, next) in pairs(train) {
        counts[character][next] += 1.0;
    }
    let test = pairs(test);
    let bits = test.iter().map(|&(character, next)| {
        let row = &counts[character];
        (row.iter().sum::<f64>() / row[next]).log2()
    });
    bits.sum::<f64>() / test.len() as f64
}

/// Draws a name, each character with the probability that the model gives it.
// ANCHOR: invent
fn invent(
    model: &Sequential<f32>,
    vocabulary: &Vocabulary,
    longest: usize,
    rng: &mut impl RngExt,
) -> Result<String, Box<dyn std::error::Error>> {
    let mut text = vocabulary.encode(&END.to_string())?;
    while text.len() < longest {
        let input: Vec<f32> = text.iter().map(|&index| index as f32).collect();
        let logits = predict(model, &Tensor::from_shape_vec(&[1, text.len()], input)?)?;
        let last = logits.to_vec().split_off((text.len() - 1) * vocabulary.len());
        let weights: Vec<f32> = last.iter().map(|x| x.exp()).collect();
        let mut drawn = rng.random_range(0.0..weights.iter().sum());
        let next = weights.iter().position(|weight| {
            drawn -= weight;
            drawn < 0.0
        });
        let next = next.unwrap_or(0);
        if next == text[0] {
            break;
        }
        text.push(next);
    }
    Ok(vocabulary.decode(&text[1..])?)
}
// ANCHOR_END: invent
