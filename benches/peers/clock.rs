//! The command line and the clock of the peers that are written in Rust.

use std::time::{Duration, Instant};

/// Distinct batches that the steps go through in turn.
pub const BATCHES: usize = 8;

pub struct Args {
    pub workload: String,
    pub threads: usize,
    steps: usize,
    limit: Duration,
}

impl Args {
    /// Reads `--workload W2 --threads 1 --steps 200 --max-seconds 8`.
    pub fn read() -> Self {
        let words: Vec<String> = std::env::args().collect();
        let option = |name: &str, default: &str| -> String {
            let found = words.iter().position(|word| word == name);
            found.and_then(|i| words.get(i + 1)).map_or(default.to_owned(), String::clone)
        };
        Self {
            workload: option("--workload", "W2"),
            threads: option("--threads", "1").parse().expect("a number of threads"),
            steps: option("--steps", "200").parse().expect("a number of steps"),
            limit: Duration::from_secs_f64(option("--max-seconds", "8").parse().expect("seconds")),
        }
    }

    /// Times `step`, of which `parts` count as one, and prints the line.
    pub fn time(&self, peer: &str, parts: usize, mut step: impl FnMut()) {
        let start = Instant::now();
        for _ in 0..(self.steps / 10).max(3) {
            step();
            if start.elapsed() > self.limit / 2 {
                break;
            }
        }
        let (start, mut times) = (Instant::now(), Vec::new());
        for _ in 0..self.steps {
            let begin = Instant::now();
            step();
            times.push(begin.elapsed().as_secs_f64() * 1e3 / parts as f64);
            if start.elapsed() > self.limit && times.len() >= 5 {
                break;
            }
        }
        times.sort_by(f64::total_cmp);
        let (median, least, n) = (times[times.len() / 2], times[0], times.len());
        let Self { workload, threads, .. } = self;
        println!(
            "{peer},{workload},{threads},{median:.6},{least:.6},n={n} rss_mb={:.0}",
            peak_mb()
        );
    }

    /// Ends the program, because the peer does not have the workload.
    pub fn missing(&self, peer: &str) -> ! {
        eprintln!("{peer}: {} is not written", self.workload);
        std::process::exit(1)
    }
}

fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|kb| kb.trim().strip_suffix(" kB")?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// Numbers below 1 from a linear congruential generator (Knuth's MMIX): the data need not be good.
pub struct Random(pub u64);

impl Random {
    pub fn number(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    pub fn numbers(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.number()).collect()
    }

    /// Classes of ten.
    pub fn labels(&mut self, count: usize) -> Vec<u32> {
        (0..count).map(|_| (self.number() * 10.0) as u32).collect()
    }

    /// Rows of ten numbers, of which one is 1.
    pub fn one_hot(&mut self, count: usize) -> Vec<f32> {
        let labels = self.labels(count);
        labels
            .iter()
            .flat_map(|&label| (0..10).map(move |i| if i == label { 1.0 } else { 0.0 }))
            .collect()
    }
}
