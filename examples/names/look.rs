//! A transformer small enough to be looked into: one block, whose attention is the only way from one
//! letter to another. Its weights are in the repository, so that everybody sees the same.

use std::fmt::Write;
use std::path::Path;

use nn::data::{Dataset, names};
use nn::layers::AttentionMask;
use nn::prelude::*;
use nn::save::Loading;
use nn::schedule::Cosine;

use super::{END, NOTHING, as_data, vocabulary};

/// The weights, as [`train`] has saved them.
const WEIGHTS: &[u8] = include_bytes!("../../docs/figures/names.safetensors");
const WIDTH: usize = 24;
pub const HEADS: usize = 2;
const EPOCHS: usize = 40;
/// What stands for the mark before a name.
const START: char = '·';

type Failure = Box<dyn std::error::Error>;

/// The network for names of up to `steps` characters with the mark.
// ANCHOR: model
fn model(characters: usize, steps: usize, seed: u64) -> Sequential<f32> {
    let mut rng = nn::rng(seed);
    let block = TransformerBlock::new(WIDTH, HEADS, 4 * WIDTH, &mut rng).pre_norm().causal();
    Sequential::new()
        .named("letter", Embedding::new(characters, WIDTH, &mut rng))
        .named("position", LearnedPosition::new(steps, WIDTH, &mut rng))
        .named("block", block.dropout(0.0))
        .named("norm", LayerNorm::new(&[WIDTH]))
        .named("next", Dense::new(WIDTH, characters, &mut rng))
}
// ANCHOR_END: model

/// Trains the network, saves its weights, and gives its bits per character on names that it has not
/// seen.
pub fn train(file: &Path, seed: u64) -> Result<f64, Failure> {
    let (train, test) = data()?;
    let mut model = model(vocabulary().len(), train.sample_shape()[0], seed);
    let loss = CrossEntropy.ignore(NOTHING);
    Fit::new()
        .epochs(EPOCHS)
        .batch_size(64)
        .seed(seed)
        .validation(&test)
        .callback(ClipGradients::Norm(1.0))
        .callback(LearningRate::new(Cosine::new(EPOCHS)?))
        .run(&mut model, &train, &loss, &mut AdamW::new(0.01)?)?;
    nn::save::save_weights(&model, file)?;
    bits(&model, &test)
}

fn data() -> Result<(Dataset<f32>, Dataset<f32>), Failure> {
    Ok(as_data(&names(), &vocabulary())?.split(0.1, 0)?)
}

fn bits(model: &Sequential<f32>, test: &Dataset<f32>) -> Result<f64, Failure> {
    Ok(evaluate(model, test, &CrossEntropy.ignore(NOTHING))?.loss / std::f64::consts::LN_2)
}

/// The characters of the longest name.
fn longest() -> usize {
    names().iter().map(|name| name.chars().count()).max().unwrap_or(0)
}

/// The network with the weights of the repository.
pub fn trained() -> Result<Sequential<f32>, Failure> {
    let mut model = model(vocabulary().len(), 1 + longest(), 0);
    Loading::new().bytes(&mut model, WEIGHTS)?;
    Ok(model)
}

/// The weights of attention of the trained network, `[N, heads, steps, steps]`, while it reads beginnings
/// of names with the mark, `[N, steps]`.
// ANCHOR: look
fn weights(beginnings: &Tensor<f32>) -> Result<Tensor<f32>, Failure> {
    let model = trained()?;
    let tape = Tape::new();
    let pass = Pass::evaluate(&tape);
    let x = part::<Embedding<f32>>(&model, "letter").forward(&pass, pass.input(beginnings));
    let x = part::<LearnedPosition<f32>>(&model, "position").forward(&pass, x);
    let block = part::<TransformerBlock<f32>>(&model, "block");
    Ok(block.attend(&pass, x, &AttentionMask::new()).weights.value())
}
// ANCHOR_END: look

/// A name with the mark before it, `[1, steps]`.
fn marked(name: &str) -> Result<Tensor<f32>, Failure> {
    let (length, longest) = (name.chars().count(), longest());
    if length > longest {
        return Err(
            format!("{name:?} has {length} letters; the network reads up to {longest}").into()
        );
    }
    let input = vocabulary().encode(&format!("{END}{name}"))?;
    let input: Vec<f32> = input.iter().map(|&i| i as f32).collect();
    Ok(Tensor::from_shape_vec(&[1, input.len()], input)?)
}

/// What each letter of a name looks at, the mark before the name among them.
#[derive(Debug)]
pub struct Look {
    pub letters: Vec<char>,
    /// The weights of each head: a row for the letter that looks, a column for the one looked at.
    pub heads: Vec<Vec<Vec<f32>>>,
}

/// Looks into the attention of the trained network while it reads a name.
pub fn look(name: &str) -> Result<Look, Failure> {
    let input = marked(name)?;
    let steps = input.len();
    let weights = weights(&input)?.to_vec();
    let rows = |head: &[f32]| head.chunks(steps).map(<[f32]>::to_vec).collect();
    Ok(Look {
        letters: [START].into_iter().chain(name.chars()).collect(),
        heads: weights.chunks(steps * steps).map(rows).collect(),
    })
}

/// The names that the network has not seen in training.
pub fn unseen() -> Result<Vec<String>, Failure> {
    let (vocabulary, inputs) = (vocabulary(), data()?.1.inputs().clone());
    let mark = vocabulary.encode(&END.to_string())?[0];
    let mut names = vec![];
    for row in inputs.to_vec().chunks(inputs.shape()[1]) {
        let letters = row[1..].iter().map(|&x| x as usize).take_while(|&x| x != mark);
        names.push(vocabulary.decode(&letters.collect::<Vec<_>>())?);
    }
    Ok(names)
}

/// The mean share that each head gives to the letter itself, the one before, and so on up to four back,
/// by letters of unseen names from the fourth on, which have four places before them with the mark's.
pub fn shares_by_distance() -> Result<Vec<[f64; 5]>, Failure> {
    let (names, inputs) = (unseen()?, data()?.1.inputs().clone());
    let steps = inputs.shape()[1];
    let (weights, mut shares, mut count) = (weights(&inputs)?.to_vec(), [[0.0; 5]; HEADS], 0.0);
    for (name, heads) in names.iter().zip(weights.chunks(HEADS * steps * steps)) {
        for at in 4..=name.chars().count() {
            count += 1.0;
            for (shares, head) in shares.iter_mut().zip(heads.chunks(steps * steps)) {
                for (back, share) in shares.iter_mut().enumerate() {
                    *share += f64::from(head[at * steps + at - back]);
                }
            }
        }
    }
    Ok(shares.map(|shares| shares.map(|share| share / count)).to_vec())
}

fn part<'m, M: Module<f32>>(model: &'m Sequential<f32>, name: &str) -> &'m M {
    model.layer(name).expect("the model has it")
}

/// What the network gives each letter to come next after a beginning, the likeliest first.
pub fn next(beginning: &str) -> Result<Vec<(char, f64)>, Failure> {
    let (vocabulary, input) = (vocabulary(), marked(beginning)?);
    let logits = predict(&trained()?, &input)?;
    let last = logits.to_vec().split_off((input.len() - 1) * vocabulary.len());
    let sum: f64 = last.iter().map(|&x| f64::from(x).exp()).sum();
    let chances = last.iter().map(|&x| f64::from(x).exp() / sum);
    let mut next: Vec<_> = vocabulary.characters().iter().copied().zip(chances).collect();
    next.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(next)
}

/// What attention does in a name, in percent, as a table for each head; what the network expects next;
/// and the mean shares by distance.
pub fn text(name: &str) -> Result<String, Failure> {
    let Look { letters, heads } = look(name)?;
    let mut text = String::new();
    for (number, rows) in heads.iter().enumerate() {
        write!(text, "head {}, % ", number + 1)?;
        letters.iter().try_for_each(|letter| write!(text, "{letter:>4}"))?;
        for (at, row) in rows.iter().enumerate() {
            write!(text, "\n{:>10} ", letters[at])?;
            row[..=at].iter().try_for_each(|weight| write!(text, "{:>4.0}", 100.0 * weight))?;
        }
        text.push_str("\n\n");
    }
    let next = next(name)?;
    let next: Vec<String> = next[..3]
        .iter()
        .map(|&(letter, chance)| {
            let letter = if letter == END { "the end".to_owned() } else { letter.to_string() };
            format!("{letter} {:.0} %", 100.0 * chance)
        })
        .collect();
    writeln!(text, "next after {name}: {}\n", next.join(", "))?;
    writeln!(
        text,
        "mean over {} unseen names from the fourth letter on, % to the letter itself, one back, …",
        unseen()?.len()
    )?;
    for (number, shares) in shares_by_distance()?.iter().enumerate() {
        write!(text, "    head {} ", number + 1)?;
        shares.iter().try_for_each(|share| write!(text, "{:>4.0}", 100.0 * share))?;
        text.push('\n');
    }
    Ok(text)
}
