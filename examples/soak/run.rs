//! A random training run: killed at random times and resumed, with other numbers of threads each time,
//! it must end as if nothing had happened.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nn::data::two_moons;
use nn::prelude::*;
use nn::schedule::Cosine;
use rand::{Rng, RngExt};

use crate::{Outcome, one_of};

/// A process that trains into a folder: goes on where the checkpoint there ends.
pub struct Child {
    pub seed: u64,
    pub folder: PathBuf,
}

fn model(rng: &mut impl Rng) -> Result<Sequential<f32>, nn::Error> {
    let mut model = Sequential::new();
    let mut width = 2;
    for _ in 0..rng.random_range(1..4) {
        let next = rng.random_range(2..24);
        model = model.then(Dense::new(width, next, rng));
        width = next;
        if rng.random_bool(0.3) {
            model = model.then(BatchNorm1d::new(width));
        }
        model = match rng.random_range(0..5) {
            0 => model.then(Relu),
            1 => model.then(Tanh),
            2 => model.then(Gelu),
            3 => model.then(Silu),
            _ => model.then(Sigmoid),
        };
        if rng.random_bool(0.3) {
            model = model.then(Dropout::new(0.2)?);
        }
    }
    Ok(model.then(Dense::new(width, 2, rng)))
}

fn optimizer(rng: &mut impl Rng) -> Result<Box<dyn Optimizer<f32>>, nn::Error> {
    Ok(match rng.random_range(0..7) {
        0 => Box::new(Sgd::new(0.05)?),
        1 => Box::new(Sgd::momentum(0.02, 0.9)?),
        2 => Box::new(Sgd::nesterov(0.02, 0.9)?),
        3 => Box::new(Adam::new(0.01)?),
        4 => Box::new(AdamW::new(0.01)?),
        5 => Box::new(RmsProp::new(0.005)?),
        _ => Box::new(NAdam::new(0.01)?),
    })
}

impl Child {
    /// Trains to the end, and writes the parameters and the history to a file.
    pub fn train(&self) -> Result<(), Box<dyn Error>> {
        let mut rng = nn::rng(self.seed);
        let data = two_moons::<f32>(200, 0.1, self.seed)?;
        let mut model = model(&mut rng)?;
        let mut optimizer = optimizer(&mut rng)?;
        let file = self.folder.join("run.checkpoint");
        let epochs = rng.random_range(100..300);
        let mut fit = Fit::new()
            .epochs(epochs)
            .batch_size(one_of(&mut rng, &[7, 16, 50, 150]))
            .drop_last()
            .seed(rng.random())
            .replay(rng.random_bool(0.7))
            .progress(false)
            .callback(SaveCheckpoint::new(&file).keep(rng.random_range(1..3)))
            .callback(CsvLog::new(self.folder.join("log.csv")));
        if rng.random_bool(0.5) {
            fit = fit.validation_split(0.2);
        }
        if rng.random_bool(0.3) {
            fit = fit.callback(ClipGradients::Norm(1.0));
        }
        if rng.random_bool(0.3) {
            fit = fit.callback(EarlyStopping::watching(Monitor::lowest("loss")).patience(8));
        }
        if rng.random_bool(0.3) {
            fit = fit.callback(LearningRate::new(Cosine::new(epochs)?));
        }
        if file.exists() {
            fit = fit.resume(&file);
        }
        let history = fit.run(&mut model, &data, &CrossEntropy, &mut optimizer)?;
        let mut text = String::new();
        for (path, tensor) in nn::save::Weights::of(&model)?.tensors {
            let bits: Vec<u32> = tensor.to_vec().iter().map(|x| x.to_bits()).collect();
            writeln!(text, "{path} {bits:?}")?;
        }
        for epoch in &history.epochs {
            writeln!(text, "{:?}", epoch.values)?;
        }
        text += &fs::read_to_string(self.folder.join("log.csv"))?;
        // Whole or not at all.
        fs::write(self.folder.join("done.partial"), text)?;
        Ok(fs::rename(self.folder.join("done.partial"), self.folder.join("done"))?)
    }
}

/// Starts a process that trains into a folder.
fn start(seed: u64, folder: &Path, threads: usize) -> Result<std::process::Child, Box<dyn Error>> {
    Ok(Command::new(std::env::current_exe()?)
        .args(["--seed", &seed.to_string(), "--train-into"])
        .arg(folder)
        .env("RAYON_NUM_THREADS", threads.to_string())
        .stderr(Stdio::piped())
        .spawn()?)
}

/// Trains once without a break, and once killed again and again; how often it was killed, and whether
/// the end is the same.
pub fn killed_and_resumed(
    seed: u64,
    rng: &mut impl Rng,
) -> Result<(usize, Outcome), Box<dyn Error>> {
    let (whole, broken) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let begun = Instant::now();
    let output = start(seed, whole.path(), 1)?.wait_with_output()?;
    let took = begun.elapsed();
    if !output.status.success() {
        return Ok((0, Err(String::from_utf8_lossy(&output.stderr).into_owned())));
    }
    let mut kills = 0;
    let done = broken.path().join("done");
    while !done.exists() {
        let mut child = start(seed, broken.path(), rng.random_range(1..9))?;
        // Twenty, each long before the end.
        if kills < 20 {
            let wait = rng.random_range(0.0..0.08) * took.as_secs_f64();
            std::thread::sleep(Duration::from_secs_f64(wait));
            child.kill()?; // SIGKILL
            kills += 1;
        }
        let output = child.wait_with_output()?;
        if output.status.code().is_some_and(|code| code != 0) {
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            return Ok((kills, Err(format!("resuming after {kills} kills: {message}"))));
        }
    }
    let expected = fs::read_to_string(whole.path().join("done"))?;
    let found = fs::read_to_string(&done)?;
    let differing = expected.lines().zip(found.lines()).find(|(expected, found)| expected != found);
    let problem = match differing {
        None if expected == found => return Ok((kills, Ok(()))),
        None => "one is longer".to_owned(),
        Some((expected, found)) => format!("{found:.200} where it was {expected:.200}"),
    };
    Ok((kills, Err(format!("the run that was killed {kills} times ended otherwise: {problem}"))))
}

/// Gradients of a random model, on 1 to 8 threads, bit for bit.
pub fn threads_agree(seed: u64, rng: &mut impl Rng) -> Outcome {
    let model = model(rng).map_err(|error| error.to_string())?;
    let rows = rng.random_range(100..20_000);
    let data = two_moons::<f32>(rows, 0.1, seed).map_err(|error| error.to_string())?;
    let outputs = |threads| {
        ops::with_threads(threads, || predict(&model, data.inputs()))
            .map(|outputs| outputs.to_vec().iter().map(|x| x.to_bits()).collect::<Vec<_>>())
            .map_err(|error| error.to_string())
    };
    let alone = outputs(1)?;
    for threads in 2..9 {
        if outputs(threads)? != alone {
            return Err(format!("{threads} threads give other bits for {rows} rows"));
        }
    }
    Ok(())
}
