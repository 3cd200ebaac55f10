//! Lesson: how optimisers differ.
//!
//! Draws the paths of all optimisers on Rosenbrock's curved valley and on a bowl that is fifty times
//! steeper one way than the other, and trains a network on the digits with each.
//!
//! `cargo run --release --features plot --example optimizers -- --out DIR` writes `rosenbrock.svg` and `bowl.svg`
//! to DIR, which is the present directory unless given.

use std::error::Error as StdError;
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use nn::ops::{Float, Shape};
use nn::prelude::*;
use nn::schedule::Cosine;
use nn::{Error, Gradients};
use plotters::coord::Shift;
use plotters::prelude::{
    BLUE, ChartBuilder, Circle, Color, DrawingArea, IntoDrawingArea, LineSeries, PathElement, RED,
    RGBColor, SVGBackend, WHITE,
};

/// An optimiser, and its learning rates on Rosenbrock's function, on the bowl and on the digits. A
/// rate that falls along a cosine to 0 is marked as such.
struct Entry {
    name: &'static str,
    rosenbrock: Rate,
    bowl: Rate,
    digits: f64,
}

#[derive(Clone, Copy)]
enum Rate {
    Constant(f64),
    Falling(f64),
}
use Rate::{Constant, Falling};

const fn entry(name: &'static str, rosenbrock: Rate, bowl: Rate, digits: f64) -> Entry {
    Entry { name, rosenbrock, bowl, digits }
}

/// The rates are the best of a few, by eye.
const ENTRIES: [Entry; 12] = [
    entry("SGD", Constant(0.002), Constant(0.039), 0.2),
    entry("momentum", Constant(0.002), Constant(0.02), 0.03),
    entry("Nesterov", Constant(0.001), Constant(0.01), 0.03),
    entry("AdaGrad", Constant(1.5), Constant(2.0), 0.05),
    entry("RMSProp", Falling(0.05), Constant(0.1), 0.002),
    entry("AdaDelta", Falling(3.0), Falling(100.0), 1.0),
    entry("Adam", Constant(0.3), Constant(0.3), 0.005),
    entry("AMSGrad", Constant(0.3), Constant(0.3), 0.005),
    entry("AdamW", Constant(0.3), Constant(0.3), 0.005),
    entry("NAdam", Falling(0.05), Constant(0.3), 0.005),
    entry("Lion", Falling(0.01), Falling(0.2), 0.001),
    entry("L-BFGS", Constant(1.0), Constant(1.0), 1.0),
];

/// The optimiser of this name; `None` is L-BFGS, which is used in another way.
fn optimizer<A: Float>(name: &str, rate: f64) -> Result<Option<Box<dyn Optimizer<A>>>, Error> {
    Ok(Some(match name {
        "SGD" => Box::new(Sgd::new(rate)?),
        "momentum" => Box::new(Sgd::momentum(rate, 0.9)?),
        "Nesterov" => Box::new(Sgd::nesterov(rate, 0.9)?),
        "AdaGrad" => Box::new(AdaGrad::new(rate)?),
        "RMSProp" => Box::new(RmsProp::new(rate)?),
        "AdaDelta" => Box::new(AdaDelta::new(rate)?),
        "Adam" => Box::new(Adam::new(rate)?),
        "AMSGrad" => Box::new(Adam::new(rate)?.amsgrad()),
        "AdamW" => Box::new(AdamW::new(rate)?),
        "NAdam" => Box::new(NAdam::new(rate)?),
        "Lion" => Box::new(Lion::new(rate)?),
        _ => return Ok(None),
    }))
}

// ---------------------------------------------------------------------------------------------
// Paths in the plane.

/// A function of two numbers, which are the parameters of a model.
struct Plane {
    name: &'static str,
    file: &'static str,
    value: for<'t> fn(Var<'t, f64>, Var<'t, f64>) -> Var<'t, f64>,
    /// The point with value c in the direction θ from the minimum, for the level curves.
    level: fn(c: f64, theta: f64) -> (f64, f64),
    levels: &'static [f64],
    start: [f64; 2],
    minimum: (f64, f64),
    /// The part of the plane to draw.
    x: std::ops::Range<f64>,
    y: std::ops::Range<f64>,
    steps: usize,
    /// The loss that counts as reached.
    goal: f64,
    /// The loss that every optimiser must end below.
    bound: f64,
    rate: fn(&Entry) -> Rate,
}

fn planes() -> [Plane; 2] {
    [
        Plane {
            name: "(1 − x)² + 100 (y − x²)²",
            file: "rosenbrock.svg",
            value: |x, y| (-x + 1.0).square() + (y - x.square()).square() * 100.0,
            level: |c, theta| {
                let x = 1.0 - c.sqrt() * theta.cos();
                (x, x * x + c.sqrt() * theta.sin() / 10.0)
            },
            levels: &[0.1, 1.0, 4.0, 12.0, 40.0, 120.0, 400.0],
            start: [-1.2, 1.0],
            minimum: (1.0, 1.0),
            x: -1.8..1.8,
            y: -0.8..2.6,
            steps: 2000,
            goal: 1e-3,
            bound: 0.1,
            rate: |entry| entry.rosenbrock,
        },
        Plane {
            name: "½ (x² + 50 y²)",
            file: "bowl.svg",
            value: |x, y| (x.square() + y.square() * 50.0) * 0.5,
            level: |c, theta| {
                let r = (2.0 * c).sqrt();
                (r * theta.cos(), r * theta.sin() / 50_f64.sqrt())
            },
            levels: &[0.3, 2.0, 8.0, 20.0, 40.0, 70.0, 110.0],
            start: [-9.0, 1.5],
            minimum: (0.0, 0.0),
            x: -11.0..4.0,
            y: -2.2..2.2,
            steps: 300,
            goal: 1e-3,
            bound: 1e-3,
            rate: |entry| entry.bowl,
        },
    ]
}

/// A point of the plane as a model.
struct Point {
    x: Parameter<f64>,
    y: Parameter<f64>,
}

impl Module<f64> for Point {
    fn forward<'t>(&self, _: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
        x
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(input))
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f64>)) {
        visit("x", &self.x);
        visit("y", &self.y);
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f64>)) {
        visit("x", &mut self.x);
        visit("y", &mut self.y);
    }
}

/// Where an optimiser came: the points, and the loss at each.
struct Trail {
    name: &'static str,
    points: Vec<(f64, f64)>,
    losses: Vec<f64>,
}

impl Trail {
    fn last(&self) -> f64 {
        self.losses.last().copied().unwrap_or(f64::INFINITY)
    }

    /// How many gradients it took to come to a loss of at most `goal`.
    fn reached(&self, goal: f64) -> Option<usize> {
        self.losses.iter().position(|&loss| loss <= goal)
    }
}

impl Plane {
    fn evaluate(&self, model: &dyn Module<f64>) -> Result<(f64, Gradients<f64>), Error> {
        let tape = Tape::new();
        let pass = Pass::train(&tape, 0);
        let [x, y] = [0, 1].map(|i| pass.parameter(model.parameters()[i].1));
        let loss = (self.value)(x, y);
        Ok((loss.item(), pass.gradients(loss)?))
    }

    fn trail(&self, entry: &Entry) -> Result<Trail, Error> {
        let [x, y] = self.start.map(Parameter::new);
        let mut model = Point { x, y };
        let mut trail = Trail { name: entry.name, points: Vec::new(), losses: Vec::new() };
        let (rate, cosine) = match (self.rate)(entry) {
            Constant(rate) => (rate, None),
            Falling(rate) => (rate, Some(Cosine::new(self.steps)?)),
        };
        let Some(mut optimizer) = optimizer(entry.name, rate)? else {
            return self.lbfgs_trail(model, trail);
        };
        for step in 0..self.steps {
            if let Some(cosine) = &cosine {
                optimizer.set_learning_rate(cosine.rate(rate, step))?;
            }
            let (loss, gradients) = self.evaluate(&model)?;
            trail.points.push((model.x.value.item(), model.y.value.item()));
            trail.losses.push(loss);
            optimizer.step(&mut model, &gradients)?;
        }
        Ok(trail)
    }

    /// L-BFGS. Every point where it evaluates the loss is one of the trail, those too that its line
    /// search tries.
    fn lbfgs_trail(&self, mut model: Point, mut trail: Trail) -> Result<Trail, Error> {
        let mut optimizer = Lbfgs::new().line_search().iterations(200)?.tolerances(1e-12, 0.0)?;
        optimizer.step(&mut model, |model| {
            let at = |i: usize| model.parameters()[i].1.value.item();
            let (loss, gradients) = self.evaluate(model)?;
            trail.points.push((at(0), at(1)));
            trail.losses.push(loss);
            Ok((loss, gradients))
        })?;
        Ok(trail)
    }

    /// One panel for each trail, three in a row.
    fn draw(&self, trails: &[Trail], path: &Path) -> Result<(), Box<dyn StdError>> {
        let rows = trails.len().div_ceil(3);
        let mut svg = String::new();
        {
            let size = (1200, 40 + 300 * rows as u32);
            let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
            let draw = || -> Result<(), Box<dyn StdError + '_>> {
                root.fill(&WHITE)?;
                let root = root.titled(self.name, ("sans-serif", 22))?;
                for (area, trail) in root.split_evenly((rows, 3)).iter().zip(trails) {
                    self.draw_panel(area, trail)?;
                }
                root.present()?;
                Ok(())
            };
            draw().map_err(|error| error.to_string())?;
        }
        std::fs::write(path, svg).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        Ok(())
    }

    fn draw_panel<'a>(
        &self,
        area: &DrawingArea<SVGBackend<'a>, Shift>,
        trail: &Trail,
    ) -> Result<(), Box<dyn StdError + 'a>> {
        let gray = RGBColor(190, 190, 190);
        let reached = trail.reached(self.goal);
        let caption = match reached {
            Some(step) => format!("{}: {} after {step} gradients", trail.name, self.goal),
            None => format!("{}: {:.1e} after {}", trail.name, trail.last(), trail.losses.len()),
        };
        let mut chart = ChartBuilder::on(area)
            .caption(caption, ("sans-serif", 16))
            .margin(8)
            .x_label_area_size(20)
            .y_label_area_size(34)
            .build_cartesian_2d(self.x.clone(), self.y.clone())?;
        let mut mesh = chart.configure_mesh();
        mesh.disable_mesh().x_labels(6).y_labels(6).label_style(("sans-serif", 11)).draw()?;
        for &c in self.levels {
            let curve = (0..=2000).map(|i| (self.level)(c, TAU * f64::from(i) / 2000.0));
            chart.draw_series(
                self.inside(curve)
                    .into_iter()
                    .map(|part| PathElement::new(part, gray.stroke_width(1))),
            )?;
        }
        for part in self.inside(trail.points.iter().copied()) {
            chart.draw_series(LineSeries::new(part.clone(), BLUE.stroke_width(1)))?;
            // Single steps, as long as there is space for them.
            let steps = part.iter().take(60).map(|&point| Circle::new(point, 2, BLUE.filled()));
            chart.draw_series(steps)?;
        }
        chart.draw_series([Circle::new(self.minimum, 4, RED.filled())])?;
        Ok(())
    }

    /// The parts of a line that lie in the picture.
    fn inside(&self, line: impl Iterator<Item = (f64, f64)>) -> Vec<Vec<(f64, f64)>> {
        let mut parts = vec![Vec::new()];
        for (x, y) in line {
            if self.x.contains(&x) && self.y.contains(&y) {
                parts.last_mut().expect("at least one part").push((x, y));
            } else {
                parts.push(Vec::new());
            }
        }
        parts.retain(|part| part.len() > 1);
        parts
    }
}

// ---------------------------------------------------------------------------------------------
// The digits.

const EPOCHS: usize = 20;

/// What training on the digits came to.
struct Outcome {
    name: &'static str,
    rate: f64,
    steps: usize,
    /// How many times a gradient was computed for a sample, per sample.
    passes: usize,
    loss: f64,
    accuracy: f64,
}

fn train_on_digits(entry: &Entry) -> Result<Outcome, Error> {
    let (train, test) = nn::data::digits::<f32>().split(0.2, 0)?;
    let mut rng = nn::rng(0);
    let mut model = Sequential::new()
        .then(Dense::new(64, 32, &mut rng))
        .then(Relu)
        .then(Dense::new(32, 10, &mut rng));
    let (steps, passes) = match optimizer(entry.name, entry.digits)? {
        Some(mut optimizer) => {
            let mut fit = Fit::new().epochs(EPOCHS).batch_size(32).progress(false);
            fit.run(&mut model, &train, &CrossEntropy, &mut optimizer)?;
            (EPOCHS * train.len().div_ceil(32), EPOCHS)
        }
        None => lbfgs_on_digits(&mut model, &train)?,
    };
    Ok(Outcome {
        name: entry.name,
        rate: entry.digits,
        steps,
        passes,
        loss: evaluate(&model, &train, &CrossEntropy)?.loss,
        accuracy: evaluate(&model, &test, &CrossEntropy)?.accuracy.unwrap_or_default(),
    })
}

/// All of the data in each pass, and an L2 penalty, without which the loss has no minimum.
fn lbfgs_on_digits(
    model: &mut Sequential<f32>,
    train: &Dataset<f32>,
) -> Result<(usize, usize), Error> {
    let mut optimizer = Lbfgs::new().line_search();
    let penalty = Penalty::l2(1e-3)?;
    let batch = train.batches(train.len(), None)?.next().expect("one batch of all");
    let mut tape = Tape::new();
    let mut passes = 0;
    for _ in 0..5 {
        optimizer.step(model, |model| {
            passes += 1;
            tape.reset();
            let pass = Pass::train(&tape, 0);
            let output = model.forward(&pass, pass.input(&batch.inputs));
            let loss = CrossEntropy.loss(output, &batch.targets)? + penalty.loss(&pass, model)?;
            Ok((f64::from(loss.item()), pass.gradients(loss)?))
        })?;
    }
    Ok((passes, passes))
}

// ---------------------------------------------------------------------------------------------

/// A table with numbers to the right.
fn table<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_BORDERS_ONLY).set_header(header).add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn draw_plane(plane: &Plane, out: &Path) -> Result<bool, Box<dyn StdError>> {
    let trails: Vec<_> =
        ENTRIES.iter().map(|entry| plane.trail(entry)).collect::<Result<_, _>>()?;
    let path = out.join(plane.file);
    plane.draw(&trails, &path)?;
    let row = |(trail, entry): (&Trail, &Entry)| {
        let rate = match (plane.rate)(entry) {
            Constant(rate) => rate.to_string(),
            Falling(rate) => format!("{rate} to 0"),
        };
        let reached = trail.reached(plane.goal).map_or("-".into(), |step| step.to_string());
        let steps = trail.losses.len().to_string();
        [trail.name.to_owned(), rate, reached, steps, format!("{:.1e}", trail.last())]
    };
    let goal = format!("gradients to {}", plane.goal);
    println!("{}, from {:?}: see {}", plane.name, plane.start, path.display());
    // For L-BFGS a gradient is not yet a step.
    let header = ["optimiser", "η", &goal, "gradients", "final loss"];
    println!("{}\n", table(header, trails.iter().zip(&ENTRIES).map(row).collect()));
    let failed: Vec<_> =
        trails.iter().filter(|trail| trail.last().is_nan() || trail.last() > plane.bound).collect();
    for trail in &failed {
        println!("{} ended at {:.1e}, above {}", trail.name, trail.last(), plane.bound);
    }
    Ok(failed.is_empty())
}

fn train_all_on_digits() -> Result<bool, Error> {
    let outcomes: Vec<_> = ENTRIES.iter().map(train_on_digits).collect::<Result<_, _>>()?;
    let row = |outcome: &Outcome| {
        [
            outcome.name.to_owned(),
            outcome.rate.to_string(),
            outcome.steps.to_string(),
            outcome.passes.to_string(),
            format!("{:.4}", outcome.loss),
            format!("{:.4}", outcome.accuracy),
        ]
    };
    println!("64-32-10 network on the digits, batches of 32 (L-BFGS: all at once)");
    let header = ["optimiser", "η", "gradients", "passes", "training loss", "test accuracy"];
    println!("{}\n", table(header, outcomes.iter().map(row).collect()));
    let by_accuracy = |a: &&Outcome, b: &&Outcome| a.accuracy.total_cmp(&b.accuracy);
    let best = outcomes.iter().max_by(by_accuracy).expect("some outcomes");
    let worst = outcomes.iter().min_by(by_accuracy).expect("some outcomes");
    println!("best on the digits: {} with {:.4}", best.name, best.accuracy);
    println!(
        "test accuracy of every optimiser at least {:.4}; it must be at least 0.95",
        worst.accuracy
    );
    Ok(worst.accuracy >= 0.95)
}

fn out_directory() -> Result<PathBuf, lexopt::Error> {
    use lexopt::prelude::*;
    let mut out = PathBuf::from(".");
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("out") => out = parser.value()?.into(),
            Short('h') | Long("help") => {
                println!("usage: optimizers [--out DIR]");
                std::process::exit(0);
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(out)
}

fn main() -> Result<ExitCode, Box<dyn StdError>> {
    let out = out_directory()?;
    std::fs::create_dir_all(&out).map_err(|e| format!("cannot make {}: {e}", out.display()))?;
    let mut all_good = true;
    for plane in &planes() {
        all_good &= draw_plane(plane, &out)?;
    }
    all_good &= train_all_on_digits()?;
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
