//! Lesson: what the settings of training do, and how one sees it.
//!
//! A small network learns digits with learning rates that are too small, right, too large and
//! decayed; in batches of 1, 32, 256 and all samples; and, from a deliberately small training set,
//! with nothing against overfitting, with an L2 penalty, with dropout and with early stopping.
//! Every run is repeated with several seeds, which draw the data, the weights and the order of the
//! samples. The conclusions are checked against the numbers; exit code 1 says that one failed.
//!
//! `cargo run --release --features plot --example tuning -- [--out DIR] [--seed N]`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use nn::prelude::*;
use nn::schedule::Exponential;
use plotters::coord::Shift;
use plotters::prelude::*;

const USAGE: &str = "\
Usage: tuning [--out DIR] [--seed N]

--out DIR gets tuning.svg (the curves), curves.csv (their points) and tuning.csv (the tables).
--seed N is the first of the five seeds; without it 0.";

/// Every figure is the mean over this many seeds.
const SEEDS: u64 = 5;

/// The share of the digits that networks are tested on.
const TEST: f64 = 0.5;

/// How many samples the small training set has, and the validation set that goes with it.
const SMALL: usize = 100;
const HELD_OUT: usize = 300;

/// The standard deviation of the noise in the pixels of the small sets; ink is 1, paper 0.
const NOISE: f64 = 0.3;

/// One way to train.
#[derive(Clone)]
struct Setting {
    name: &'static str,
    epochs: usize,
    /// `None` is all samples.
    batch_size: Option<usize>,
    rate: f64,
    /// What the rate is multiplied by after every epoch.
    decay: f64,
    l2: f64,
    dropout: f64,
    patience: Option<usize>,
    /// Whether the training set is the small one.
    small: bool,
}

const PLAIN: Setting = Setting {
    name: "",
    epochs: 30,
    batch_size: Some(32),
    rate: 0.1,
    decay: 1.0,
    l2: 0.0,
    dropout: 0.0,
    patience: None,
    small: false,
};

const RATES: [Setting; 5] = [
    Setting { name: "too small: 0.001", rate: 0.001, ..PLAIN },
    Setting { name: "right: 0.1", rate: 0.1, ..PLAIN },
    Setting { name: "large: 1", rate: 1.0, ..PLAIN },
    Setting { name: "large, decayed: 1 × 0.9ᵗ", rate: 1.0, decay: 0.9, ..PLAIN },
    Setting { name: "too large: 10", rate: 10.0, ..PLAIN },
];

const BATCHES: [Setting; 4] = [
    Setting { name: "1", batch_size: Some(1), rate: 0.05, ..PLAIN },
    Setting { name: "32", batch_size: Some(32), rate: 0.05, ..PLAIN },
    Setting { name: "256", batch_size: Some(256), rate: 0.05, ..PLAIN },
    Setting { name: "all", batch_size: None, rate: 0.05, ..PLAIN },
];

const OVERFITTING: Setting = Setting { small: true, epochs: 300, batch_size: Some(10), ..PLAIN };
const REMEDIES: [Setting; 4] = [
    Setting { name: "nothing", ..OVERFITTING },
    Setting { name: "L2, λ = 0.01", l2: 0.01, ..OVERFITTING },
    Setting { name: "dropout, p = 0.5", dropout: 0.5, ..OVERFITTING },
    Setting { name: "early stopping", patience: Some(10), ..OVERFITTING },
];

fn main() -> ExitCode {
    let (out, seed) = match options() {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match tune(out.as_deref(), seed) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The directory to write to and the first seed; `None` if help is asked for.
fn options() -> Result<Option<(Option<PathBuf>, u64)>, lexopt::Error> {
    use lexopt::prelude::*;
    let (mut out, mut seed) = (None, 0);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("out") => out = Some(parser.value()?.into()),
            Long("seed") => seed = parser.value()?.parse()?,
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some((out, seed)))
}

/// Whether all conclusions hold.
fn tune(out: Option<&Path>, seed: u64) -> Result<bool, Box<dyn std::error::Error>> {
    let experiments = [
        Experiment::run("learning rate", Curve::Training, &RATES, seed)?,
        Experiment::run("batch size", Curve::Training, &BATCHES, seed)?,
        Experiment::run("overfitting", Curve::Validation, &REMEDIES, seed)?,
    ];
    for experiment in &experiments {
        println!("{}\n", experiment.table());
    }
    if let Some(dir) = out {
        write(dir, &experiments)?;
    }
    let [rates, batches, remedies] = &experiments;
    let mut claims = about_rates(rates);
    claims.extend(about_batches(batches));
    claims.extend(about_overfitting(remedies));
    for (text, holds) in &claims {
        println!("{}  {text}", if *holds { "holds" } else { "FAILS" });
    }
    Ok(claims.iter().all(|(_, holds)| *holds))
}

/// A conclusion, and whether the numbers bear it out.
type Claim = (String, bool);

// ANCHOR: claims
fn about_rates(rates: &Experiment) -> Vec<Claim> {
    let [small, right, large, decayed, huge] = rates.means();
    vec![
        (
            format!(
                "a rate too small has not finished: its training loss is {:.3}, over 10 times \
                 the {:.3} of the right one",
                small.training_loss, right.training_loss
            ),
            small.training_loss > 10.0 * right.training_loss,
        ),
        (
            format!(
                "a rate too large learns nothing: {:.0} % of the test digits are right, and \
                 guessing gives 10 %",
                100.0 * huge.test_accuracy
            ),
            huge.test_accuracy < 0.2,
        ),
        (
            format!("the right rate reads {:.1} % of the test digits", 100.0 * right.test_accuracy),
            right.test_accuracy > 0.94,
        ),
        (
            format!(
                "decay makes a large rate good: the test loss falls from {:.3} to {:.3}",
                large.test_loss, decayed.test_loss
            ),
            decayed.test_loss < large.test_loss,
        ),
    ]
}

fn about_batches(batches: &Experiment) -> Vec<Claim> {
    let means = batches.means::<4>();
    let losses = means.each_ref().map(|mean| mean.training_loss);
    let [one, .., all] = means;
    vec![
        (
            format!(
                "at one rate and as many epochs, larger batches learn less, as they take fewer \
                 steps: training losses {}",
                losses.map(|loss| format!("{loss:.3}")).join(" < ")
            ),
            losses.is_sorted_by(|a, b| a < b),
        ),
        (
            format!(
                "but an epoch is quicker: {:.1} ms with all samples at once, {:.1} ms with one \
                 at a time, over twice as long",
                1e3 * all.seconds / all.epochs,
                1e3 * one.seconds / one.epochs
            ),
            one.seconds / one.epochs > 2.0 * all.seconds / all.epochs,
        ),
    ]
}

fn about_overfitting(remedies: &Experiment) -> Vec<Claim> {
    let [nothing, l2, dropout, stopped] = remedies.means();
    let least = nothing.validation_curve.iter().copied().fold(f64::INFINITY, f64::min);
    let last = nothing.validation_curve.last().copied().unwrap_or(f64::NAN);
    let mut claims = vec![
        (
            format!(
                "with nothing against it, the network learns the training set by heart (accuracy \
                 {:.3}) and the validation loss rises from {least:.3} to {last:.3}",
                nothing.training_accuracy
            ),
            nothing.training_accuracy == 1.0 && last > 1.05 * least,
        ),
        (
            format!("early stopping needs {:.0} of {:.0} epochs", stopped.epochs, nothing.epochs),
            stopped.epochs < 0.7 * nothing.epochs,
        ),
    ];
    // Dropout is no remedy here: a hundred samples leave it too little to agree on.
    let fitted = dropout.training_accuracy == 1.0;
    claims.push((
        format!(
            "dropout does not keep a hundred samples from being learned by heart (accuracy {:.3}; \
             test loss {:.3} against {:.3})",
            dropout.training_accuracy, dropout.test_loss, nothing.test_loss
        ),
        fitted,
    ));
    for (name, remedy) in [("L2", l2), ("early stopping", stopped)] {
        claims.push((
            format!(
                "{name} gives up training loss ({:.4} against {:.4}) for test loss ({:.3} against \
                 {:.3})",
                remedy.training_loss, nothing.training_loss, remedy.test_loss, nothing.test_loss
            ),
            remedy.training_loss > nothing.training_loss && remedy.test_loss < nothing.test_loss,
        ));
    }
    claims
}
// ANCHOR_END: claims

/// What a run gave, or the mean of several.
#[derive(Clone)]
struct Outcome {
    epochs: f64,
    steps: f64,
    seconds: f64,
    training_loss: f64,
    training_accuracy: f64,
    test_loss: f64,
    test_accuracy: f64,
    /// After each epoch: the loss on the training data as it was trained on, and the loss on the
    /// validation data. Runs that end early leave the rest out.
    training_curve: Vec<f64>,
    validation_curve: Vec<f64>,
}

impl Setting {
    fn run(&self, seed: u64) -> Result<Outcome, nn::Error> {
        let [train, validation, test] = self.data(seed)?;
        let mut model = self.model(seed)?;
        let mut optimizer = Sgd::new(self.rate)?;
        let batch_size = self.batch_size.unwrap_or(train.len());
        let mut fit = Fit::new()
            .epochs(self.epochs)
            .batch_size(batch_size)
            .seed(seed)
            .validation(&validation)
            .callback(TerminateOnNan)
            .callback(LearningRate::new(Exponential::new(self.decay)?))
            .penalty(Penalty::l2(self.l2)?)
            .progress(false);
        if let Some(patience) = self.patience {
            fit = fit.callback(EarlyStopping::new().patience(patience).restore_best());
        }
        let start = Instant::now();
        let history = fit.run(&mut model, &train, &CrossEntropy, &mut optimizer)?;
        let seconds = start.elapsed().as_secs_f64();
        drop(fit);
        let on_train = evaluate(&model, &train, &CrossEntropy)?;
        let on_test = evaluate(&model, &test, &CrossEntropy)?;
        let curve = |name: &str| history.column(name).into_iter().map(|(_, loss)| loss).collect();
        let epochs = history.epochs.len();
        Ok(Outcome {
            epochs: epochs as f64,
            steps: (epochs * train.len().div_ceil(batch_size)) as f64,
            seconds,
            training_loss: on_train.loss,
            training_accuracy: on_train.accuracy.unwrap_or_default(),
            test_loss: on_test.loss,
            test_accuracy: on_test.accuracy.unwrap_or_default(),
            training_curve: curve("loss"),
            validation_curve: curve("validation loss"),
        })
    }

    /// For training, validation and test. The small sets have noise in their pixels, from which
    /// there is nothing to be learned.
    fn data(&self, seed: u64) -> Result<[Dataset<f32>; 3], nn::Error> {
        let digits = nn::data::digits::<f32>();
        if !self.small {
            let (train, test) = digits.split(TEST, seed)?;
            return Ok([train, test.clone(), test]);
        }
        let normal = Init::Normal { sigma: NOISE };
        let noise = normal.tensor::<f32>(digits.inputs().shape(), 1, 1, &mut nn::rng(seed))?;
        let mut noise = noise.to_vec().into_iter();
        let noisy = digits.map_inputs(|x| x + noise.next().expect("one for each pixel"));
        let (pool, test) = noisy.split(TEST, seed)?;
        let rows: Vec<usize> = (0..SMALL + HELD_OUT).collect();
        Ok([pool.select(&rows[..SMALL])?, pool.select(&rows[SMALL..])?, test])
    }

    fn model(&self, seed: u64) -> Result<Sequential<f32>, nn::Error> {
        let mut rng = nn::rng(seed);
        let hidden = Dense::with_init(64, 64, Init::HeNormal, Init::Zeros, &mut rng)?;
        let model = Sequential::new().then(hidden).then(Relu);
        let model =
            if self.dropout > 0.0 { model.then(Dropout::new(self.dropout)?) } else { model };
        Ok(model.then(Dense::new(64, 10, &mut rng)))
    }
}

impl Outcome {
    fn mean(runs: &[Self]) -> Self {
        let mean =
            |number: fn(&Self) -> f64| runs.iter().map(number).sum::<f64>() / runs.len() as f64;
        let curve = |points: fn(&Self) -> &[f64]| {
            let shortest = runs.iter().map(|run| points(run).len()).min().unwrap_or(0);
            let at = |i| runs.iter().map(|run| points(run)[i]).sum::<f64>() / runs.len() as f64;
            (0..shortest).map(at).collect()
        };
        Self {
            epochs: mean(|run| run.epochs),
            steps: mean(|run| run.steps),
            seconds: mean(|run| run.seconds),
            training_loss: mean(|run| run.training_loss),
            training_accuracy: mean(|run| run.training_accuracy),
            test_loss: mean(|run| run.test_loss),
            test_accuracy: mean(|run| run.test_accuracy),
            training_curve: curve(|run| &run.training_curve),
            validation_curve: curve(|run| &run.validation_curve),
        }
    }
}

/// Which loss an experiment is about.
#[derive(Clone, Copy)]
enum Curve {
    Training,
    Validation,
}

/// Some ways to train, each with several seeds.
struct Experiment {
    name: &'static str,
    curve: Curve,
    settings: Vec<(Setting, Vec<Outcome>)>,
}

impl Experiment {
    fn run(
        name: &'static str,
        curve: Curve,
        settings: &[Setting],
        first_seed: u64,
    ) -> Result<Self, nn::Error> {
        let all = |setting: &Setting| {
            let seeds = (0..SEEDS).map(|i| first_seed.wrapping_add(i));
            let outcomes = seeds.map(|seed| setting.run(seed)).collect::<Result<_, _>>()?;
            Ok((setting.clone(), outcomes))
        };
        let settings = settings.iter().map(all).collect::<Result<_, nn::Error>>()?;
        Ok(Self { name, curve, settings })
    }

    fn means<const N: usize>(&self) -> [Outcome; N] {
        std::array::from_fn(|i| Outcome::mean(&self.settings[i].1))
    }

    /// For each setting: the means, and the standard deviation of the test accuracy.
    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(UTF8_BORDERS_ONLY).set_header([
            self.name,
            "epochs",
            "steps",
            "seconds",
            "training loss",
            "accuracy",
            "test loss",
            "accuracy",
        ]);
        for (setting, runs) in &self.settings {
            let mean = Outcome::mean(runs);
            let square = |run: &Outcome| (run.test_accuracy - mean.test_accuracy).powi(2);
            let variance = runs.iter().map(square).sum::<f64>() / (runs.len() - 1) as f64;
            table.add_row([
                setting.name.to_owned(),
                format!("{:.0}", mean.epochs),
                format!("{:.0}", mean.steps),
                format!("{:.2}", mean.seconds),
                format!("{:.4}", mean.training_loss),
                format!("{:.4}", mean.training_accuracy),
                format!("{:.4}", mean.test_loss),
                format!("{:.4} ± {:.4}", mean.test_accuracy, variance.sqrt()),
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    /// The name of each setting with its curve.
    fn curves(&self) -> Vec<(&'static str, Vec<f64>)> {
        let curve = |(setting, runs): &(Setting, Vec<Outcome>)| {
            let mean = Outcome::mean(runs);
            let points = match self.curve {
                Curve::Training => mean.training_curve,
                Curve::Validation => mean.validation_curve,
            };
            (setting.name, points)
        };
        self.settings.iter().map(curve).collect()
    }
}

fn write(dir: &Path, experiments: &[Experiment]) -> Result<(), Box<dyn std::error::Error>> {
    let file = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))
    };
    std::fs::create_dir_all(dir)
        .map_err(|error| format!("cannot make the directory {}: {error}", dir.display()))?;
    let mut numbers = "experiment,setting,seed,epochs,steps,seconds,training loss,training \
                       accuracy,test loss,test accuracy\n"
        .to_owned();
    let mut points = "experiment,setting,epoch,loss\n".to_owned();
    for experiment in experiments {
        for (setting, runs) in &experiment.settings {
            for (i, run) in runs.iter().enumerate() {
                let Outcome { epochs, steps, seconds, .. } = run;
                writeln!(
                    numbers,
                    "{},\"{}\",{i},{epochs},{steps},{seconds},{},{},{},{}",
                    experiment.name,
                    setting.name,
                    run.training_loss,
                    run.training_accuracy,
                    run.test_loss,
                    run.test_accuracy
                )?;
            }
        }
        for (setting, curve) in experiment.curves() {
            for (epoch, loss) in (1..).zip(curve) {
                writeln!(points, "{},\"{setting}\",{epoch},{loss}", experiment.name)?;
            }
        }
    }
    file("tuning.csv", &numbers)?;
    file("curves.csv", &points)?;
    file("tuning.svg", &plot(experiments)?)?;
    println!("tuning.svg, tuning.csv and curves.csv are in {}\n", dir.display());
    Ok(())
}

/// Colours that people with any colour vision can tell apart: Okabe & Ito, 2008.
const COLORS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 86, 86),
];

/// One panel for each experiment, as SVG.
fn plot(experiments: &[Experiment]) -> Result<String, Box<dyn std::error::Error>> {
    let mut svg = String::new();
    {
        let size = (760, 380 * experiments.len() as u32);
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE)?;
        for (area, experiment) in root.split_evenly((experiments.len(), 1)).iter().zip(experiments)
        {
            draw(area, experiment).map_err(|error| error.to_string())?;
        }
        root.present()?;
    }
    Ok(svg)
}

fn draw<'a>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    experiment: &Experiment,
) -> Result<(), Box<dyn std::error::Error + 'a>> {
    let curves = experiment.curves();
    let points = || curves.iter().flat_map(|(_, curve)| curve.iter().copied());
    let finite = || points().filter(|loss| loss.is_finite() && *loss > 0.0);
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(0.0, f64::max);
    let last = curves.iter().map(|(_, curve)| curve.len()).max().unwrap_or(1).max(2);
    let what = match experiment.curve {
        Curve::Training => "training loss",
        Curve::Validation => "validation loss",
    };
    // The legend stands in the room to the right of the last epoch.
    let room = last + last * 2 / 5;
    let mut chart = ChartBuilder::on(area)
        .caption(format!("{}: {what}", experiment.name), ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(58)
        .build_cartesian_2d(1..room, (low * 0.9..high * 1.1).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .label_style(("sans-serif", 13))
        .x_desc("epoch")
        .draw()?;
    for ((name, curve), color) in curves.iter().zip(COLORS) {
        let line = (1..).zip(curve.iter().copied()).filter(|(_, loss)| loss.is_finite());
        chart
            .draw_series(LineSeries::new(line, color.stroke_width(2)))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .label_font(("sans-serif", 13))
        .background_style(WHITE)
        .border_style(BLACK.mix(0.2))
        .draw()?;
    Ok(())
}
