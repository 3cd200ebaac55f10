//! A soak: for as long as it is given, trains random models, kills and resumes them, damages files,
//! misuses ops, and says what it tried and what did not hold.
//!
//! `scripts/soak --minutes 120`
//!
//! What one round does follows from its seed alone; `--seed S --rounds 1` repeats it.

mod damage;
mod misuse;
mod run;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rand::{Rng, RngExt as _};

type Outcome = Result<(), String>;

/// What a soak does, and what it found.
#[derive(Default)]
struct Tally {
    tried: BTreeMap<&'static str, usize>,
    failures: Vec<String>,
}

impl Tally {
    fn add(&mut self, what: &'static str, seed: u64, times: usize, outcome: Outcome) {
        *self.tried.entry(what).or_default() += times;
        if let Err(problem) = outcome {
            println!("FAILED {what}, --seed {seed}: {problem}");
            self.failures.push(format!("{what}, seed {seed}: {problem}"));
        }
    }
}

struct Options {
    minutes: f64,
    rounds: usize,
    seed: u64,
    child: Option<run::Child>,
}

fn options() -> Result<Options, Box<dyn Error>> {
    use lexopt::prelude::*;
    let (mut minutes, mut rounds, mut seed) = (f64::INFINITY, usize::MAX, None);
    let mut folder = None::<PathBuf>;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("minutes") => minutes = arguments.value()?.parse()?,
            Long("rounds") => rounds = arguments.value()?.parse()?,
            Long("seed") => seed = Some(arguments.value()?.parse()?),
            // For the processes that are killed.
            Long("train-into") => folder = Some(arguments.value()?.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    if minutes.is_infinite() && rounds == usize::MAX {
        minutes = 5.0;
    }
    let seed = seed.unwrap_or_else(|| {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
        since.map_or(0, |time| time.as_secs())
    });
    let child = folder.map(|folder| run::Child { seed, folder });
    Ok(Options { minutes, rounds, seed, child })
}

fn main() -> ExitCode {
    match options().and_then(soak) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn soak(options: Options) -> Result<ExitCode, Box<dyn Error>> {
    if let Some(child) = options.child {
        child.train()?;
        return Ok(ExitCode::SUCCESS);
    }
    // A panic that is caught is looked at, not printed.
    std::panic::set_hook(Box::new(|_| {}));
    let end = Duration::try_from_secs_f64(60.0 * options.minutes).unwrap_or(Duration::MAX);
    let start = Instant::now();
    let mut tally = Tally::default();
    for round in 0..options.rounds {
        if start.elapsed() >= end {
            break;
        }
        let seed = options.seed.wrapping_add(round as u64);
        let mut rng = nn::rng(seed);
        let (kills, outcome) = run::killed_and_resumed(seed, &mut rng)?;
        tally.add("kills -9 of a run that is resumed", seed, kills, outcome);
        tally.add("numbers of threads", seed, 7, run::threads_agree(seed, &mut rng));
        let (files, outcome) = damage::files(&mut rng)?;
        tally.add("damaged files", seed, files, outcome);
        let (calls, outcome) = misuse::calls(&mut rng);
        tally.add("misuses of ops", seed, calls, outcome);
    }
    println!("{:.1} minutes from seed {}", start.elapsed().as_secs_f64() / 60.0, options.seed);
    for (what, times) in &tally.tried {
        println!("{times:>8} {what}");
    }
    println!("{:>8} did not hold", tally.failures.len());
    Ok(ExitCode::from(u8::from(!tally.failures.is_empty())))
}

/// One of a list.
fn one_of<T: Clone>(rng: &mut impl Rng, list: &[T]) -> T {
    list[rng.random_range(0..list.len())].clone()
}
