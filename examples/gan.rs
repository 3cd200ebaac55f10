//! A generative adversarial network that learns to draw points from eight small clouds on a ring, with
//! a training loop written by hand.
//!
//! `cargo run --release --example gan -- [--out DIR]`; DIR gets `gan.csv`, the points of four moments.
//! Exit code 1 says that a figure is missed.

use std::f64::consts::TAU;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use nn::prelude::*;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

/// The clouds of the data, their distance from the middle and their deviation.
const CLOUDS: usize = 8;
const RADIUS: f64 = 1.3;
const SIGMA: f64 = 0.08;
/// The numbers of noise that a point is made of.
const NOISE: usize = 8;
const BATCH: usize = 128;
const STEPS: usize = 4000;

fn main() -> ExitCode {
    match gan() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The middle of a cloud.
fn middle(cloud: usize) -> [f64; 2] {
    let angle = TAU * cloud as f64 / CLOUDS as f64;
    [RADIUS * angle.cos(), RADIUS * angle.sin()]
}

/// Points of the data.
fn real(count: usize, rng: &mut impl Rng) -> Tensor<f32> {
    let mut points = vec![];
    for _ in 0..count {
        let place = middle(rng.random_range(0..CLOUDS));
        points.extend(place.map(|x| {
            let off: f64 = StandardNormal.sample(rng);
            (x + SIGMA * off) as f32
        }));
    }
    Tensor::from(points).reshape([count as isize, 2])
}

fn noise(count: usize, rng: &mut impl Rng) -> Result<Tensor<f32>, nn::Error> {
    Init::Normal { sigma: 1.0 }.tensor(&[count, NOISE], NOISE, NOISE, rng)
}

/// Two hidden layers of 64.
fn network(inputs: usize, outputs: usize, rng: &mut impl Rng) -> Sequential<f32> {
    Sequential::new()
        .then(Dense::new(inputs, 64, rng))
        .then(LeakyRelu { alpha: 0.2 })
        .then(Dense::new(64, 64, rng))
        .then(LeakyRelu { alpha: 0.2 })
        .then(Dense::new(64, outputs, rng))
}

/// The two players, each with an optimiser of its own.
struct Game {
    generator: Sequential<f32>,
    critic: Sequential<f32>,
    optimizers: [Adam<f32>; 2],
}

impl Game {
    fn new(rng: &mut impl Rng) -> Result<Self, nn::Error> {
        let adam = || Adam::new(0.001)?.betas(0.5, 0.999);
        Ok(Self {
            generator: network(NOISE, 2, rng),
            critic: network(2, 1, rng),
            optimizers: [adam()?, adam()?],
        })
    }

    // ANCHOR: step
    /// A step of the critic, then one of the generator.
    fn step(&mut self, tape: &mut Tape<f32>, rng: &mut impl Rng) -> Result<(), nn::Error> {
        // The critic: −ln D(x) − ln(1 − D(G(z))), with D the sigmoid of its logit. The points of
        // the generator are data here, so no gradient flows into it.
        let points = self.draw(BATCH, rng)?;
        tape.reset();
        let pass = Pass::train(tape, 0);
        let of_real = self.critic.forward(&pass, pass.input(&real(BATCH, rng)));
        let of_drawn = self.critic.forward(&pass, pass.input(&points));
        let loss = (-of_real).softplus().mean() + of_drawn.softplus().mean();
        let gradients = pass.gradients(loss)?;
        self.optimizers[0].step(&mut self.critic, &gradients)?;

        // The generator: −ln D(G(z)). The gradient passes through the critic, which stays.
        tape.reset();
        let pass = Pass::train(tape, 0);
        let points = self.generator.forward(&pass, pass.input(&noise(BATCH, rng)?));
        let loss = (-self.critic.forward(&pass, points)).softplus().mean();
        let gradients = pass.gradients(loss)?;
        self.optimizers[1].step(&mut self.generator, &gradients)
    }
    // ANCHOR_END: step

    /// Points of the generator.
    fn draw(&self, count: usize, rng: &mut impl Rng) -> Result<Tensor<f32>, nn::Error> {
        predict(&self.generator, &noise(count, rng)?)
    }
}

fn pairs(points: &Tensor<f32>) -> Vec<[f64; 2]> {
    points.to_vec().chunks(2).map(|p| [f64::from(p[0]), f64::from(p[1])]).collect()
}

fn apart([a, b]: [f64; 2], [c, d]: [f64; 2]) -> f64 {
    (a - c).hypot(b - d)
}

// ANCHOR: distance
/// The energy distance of two samples, 2 E|X − Y| − E|X − X′| − E|Y − Y′|: 0 for the same distribution,
/// and for no other.
fn energy(a: &[[f64; 2]], b: &[[f64; 2]]) -> f64 {
    let mean = |a: &[[f64; 2]], b: &[[f64; 2]]| {
        let sum: f64 = a.iter().map(|&x| b.iter().map(|&y| apart(x, y)).sum::<f64>()).sum();
        sum / (a.len() * b.len()) as f64
    };
    2.0 * mean(a, b) - mean(a, a) - mean(b, b)
}
// ANCHOR_END: distance

/// The clouds that have at least a fortieth of the points, and the share of points within 3 σ of one.
fn clouds(points: &[[f64; 2]]) -> (usize, f64) {
    let mut counts = [0; CLOUDS];
    for &point in points {
        let near = (0..CLOUDS).find(|&cloud| apart(point, middle(cloud)) < 3.0 * SIGMA);
        if let Some(cloud) = near {
            counts[cloud] += 1;
        }
    }
    let near: usize = counts.iter().sum();
    let found = counts.iter().filter(|&&count| 40 * count >= points.len()).count();
    (found, near as f64 / points.len() as f64)
}

/// The slopes of the two losses that a generator may have, at points which the critic sees through.
fn two_slopes() -> bool {
    println!("a point that the critic takes for drawn: what arrives at its logit");
    println!("    D(G(z))      of ln(1 − D)      of −ln D");
    let mut holds = true;
    for share in [0.5_f64, 0.1, 0.01, 0.001] {
        let tape = Tape::<f64>::new();
        let logit = tape.var((share / (1.0 - share)).ln());
        let first = (-logit.softplus()).backward().wrt(logit).item();
        let second = (-logit).softplus().backward().wrt(logit).item();
        println!("   {share:>8}   {first:>15.6}   {second:>11.6}");
        holds &= (first + share).abs() < 1e-12 && (second + 1.0 - share).abs() < 1e-12;
    }
    println!();
    holds
}

fn gan() -> Result<bool, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => None,
        (Some("--out"), Some(dir)) => Some(PathBuf::from(dir)),
        (Some(other), _) => return Err(format!("{other:?}? it takes --out DIR").into()),
    };
    let mut holds = two_slopes();
    println!("of 1,000 points: clouds found, share near one, energy distance to other real points");
    println!("seed   real points            before training        after {STEPS} steps");
    let mut panels = String::new();
    for seed in 0..5 {
        let mut rng = nn::rng(seed);
        let mut game = Game::new(&mut rng)?;
        let mut tape = Tape::new();
        let others = pairs(&real(1000, &mut rng));
        let mut told = vec![pairs(&real(1000, &mut rng)), pairs(&game.draw(1000, &mut rng)?)];
        panel(&mut panels, 0, &told[0])?;
        for step in 1..=STEPS {
            game.step(&mut tape, &mut rng)?;
            if seed == 0 && (step == 100 || step == 500) {
                let drawn = pairs(&game.draw(300, &mut rng)?);
                panel(&mut panels, if step == 100 { 1 } else { 2 }, &drawn)?;
            }
        }
        told.push(pairs(&game.draw(1000, &mut rng)?));
        panel(&mut panels, 3, &told[2])?;
        if let (0, Some(dir)) = (seed, &out) {
            std::fs::write(dir.join("gan.csv"), &panels)?;
        }
        print!("{seed:>4}");
        for points in &told {
            let ((found, near), distance) = (clouds(points), energy(points, &others));
            print!("   {found}   {near:.3}   {distance:>8.5}");
        }
        println!();
        let ((found, near), distance) = (clouds(&told[2]), energy(&told[2], &others));
        let at_first = energy(&told[1], &others);
        holds &= found >= 7 && near > 0.7 && distance < 0.1 * at_first;
    }
    let verdict = if holds { "CHECKED" } else { "MISSED" };
    println!("\n{verdict}: seven clouds or more, seven tenths near one, a tenth of the distance.");
    Ok(holds)
}

/// Appends 300 points of a panel.
fn panel(text: &mut String, number: usize, points: &[[f64; 2]]) -> std::fmt::Result {
    points.iter().take(300).try_for_each(|[x, y]| writeln!(text, "{number},{x:.2},{y:.2}"))
}
