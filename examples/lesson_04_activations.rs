//! Lesson 4: activation functions and their slopes.
//!
//! `cargo run --example lesson_04_activations -- --svg plots` also writes a plot of each.

#[path = "lessons/en/lesson_04.rs"]
mod en;
#[path = "lessons/mod.rs"]
mod lessons;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use plotters::prelude::*;
use tape::Trace;
use tape::prelude::*;
use tape::trace::Rounding;

use lessons::{Asked, Outcome, difference, filled, say, typed};

tape::catalogue! {
    /// What the lesson says, in its order; `lessons/en/lesson_04.rs` has the text.
    pub struct Words {
        a_bend_and_its_slope();
        value();
        slope();
        no_slope_anywhere();
        which_learn();
        plots_are_in(count, folder);
        slopes_agree(worst);
    }
}
text! { "en": en::WORDS }

type Activation = (&'static str, for<'t> fn(Var<'t, f64>) -> Var<'t, f64>);

const ALL: [Activation; 13] = [
    ("step", |x| x.step()),
    ("sigmoid", |x| x.sigmoid()),
    ("tanh", |x| x.tanh()),
    ("relu", |x| x.relu()),
    ("leaky_relu", |x| x.leaky_relu(0.1)),
    ("elu", |x| x.elu(1.0)),
    ("selu", |x| x.selu()),
    ("softplus", |x| x.softplus()),
    ("softsign", |x| x.softsign()),
    ("gelu", |x| x.gelu()),
    ("silu", |x| x.silu()),
    ("mish", |x| x.mish()),
    ("hard_sigmoid", |x| x.hard_sigmoid()),
];

/// The values at the points, and the slopes there, from one sweep.
fn values_and_slopes(f: Activation, points: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let tape = Tape::new();
    let x = tape.var(points.to_vec());
    let y = f.1(x);
    (y.value().to_vec(), y.sum().backward().wrt(x).to_vec())
}

fn plot(f: Activation, directory: &Path, words: &Words) -> Result<(), Box<dyn Error>> {
    let points: Vec<f64> = (-200..=200).map(|i| f64::from(i) / 50.0).collect();
    let (values, slopes) = values_and_slopes(f, &points);
    let file = directory.join(format!("{}.svg", f.0));
    let area = SVGBackend::new(&file, (480, 360)).into_drawing_area();
    area.fill(&WHITE)?;
    let lowest = values.iter().chain(&slopes).copied().fold(-0.5, f64::min);
    let highest = values.iter().chain(&slopes).copied().fold(1.2, f64::max);
    let mut chart = ChartBuilder::on(&area)
        .caption(f.0, ("sans-serif", 20))
        .margin(10)
        .x_label_area_size(25)
        .y_label_area_size(35)
        .build_cartesian_2d(-4.0..4.0, lowest - 0.1..highest)?;
    let height = |y: &f64| format!("{:.1}", if y.abs() < 1e-9 { 0.0 } else { *y });
    chart.configure_mesh().light_line_style(WHITE).y_label_formatter(&height).draw()?;
    for (name, heights, color) in [(words.value(), &values, BLUE), (words.slope(), &slopes, RED)] {
        let line = points.iter().copied().zip(heights.iter().copied());
        // A step is not drawn as a wall.
        let pieces: Vec<Vec<(f64, f64)>> = split(line);
        for (i, piece) in pieces.into_iter().enumerate() {
            let drawn = chart.draw_series(LineSeries::new(piece, color.stroke_width(2)))?;
            if i == 0 {
                drawn.label(name).legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2))
                });
            }
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .border_style(BLACK)
        .draw()?;
    area.present()?;
    Ok(())
}

/// A line, split where it jumps.
fn split(line: impl Iterator<Item = (f64, f64)>) -> Vec<Vec<(f64, f64)>> {
    let mut pieces: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    for (x, y) in line {
        let last = pieces.last().and_then(|piece| piece.last());
        if last.is_some_and(|&(_, before)| (y - before).abs() > 0.1) {
            pieces.push(Vec::new());
        }
        pieces.last_mut().expect("a piece").push((x, y));
    }
    pieces
}

/// The formula of the slope, as its rule has it.
fn slope_formula(f: Activation, words: &Words) -> String {
    let tape = Tape::new();
    let y = f.1(tape.var(0.5).named("x")).named("y");
    let formula = Trace::of(y)
        .ok()
        .and_then(|trace| trace.backward()[0].local_formula(0, Rounding::default()));
    formula.map_or(words.no_slope_anywhere().to_owned(), |formula| formula.names)
}

fn main() -> ExitCode {
    lessons::run(&["svg"], lesson)
}

fn lesson(asked: &Asked<Words>) -> Outcome {
    let words = asked.words;
    say(words.a_bend_and_its_slope());
    let points = [-4.0, -2.0, -0.5, 0.5, 2.0, 4.0];
    let row = |numbers: &[f64]| {
        let words: Vec<String> = numbers.iter().map(|x| format!("{x:>9.4}")).collect();
        words.concat()
    };
    println!("{:>22}{}\n", "x", row(&points));
    let mut worst = 0.0_f64;
    for f in ALL {
        let (values, slopes) = values_and_slopes(f, &points);
        println!("{}", filled(&format!("{}: ∂y/∂x = {}", f.0, slope_formula(f, words)), "    "));
        println!("{:>22}{}", words.value(), row(&values));
        println!("{:>22}{}\n", words.slope(), row(&slopes));
        // Central differences of step h are off by h²/6 · |f‴|, and by rounding, ε/h.
        let h = 1e-5;
        let at = |by: f64| values_and_slopes(f, &points.map(|x| x + by)).0;
        let differences: Vec<f64> =
            at(h).iter().zip(at(-h)).map(|(up, down)| (up - down) / (2.0 * h)).collect();
        worst = worst.max(difference(&slopes, &differences));
    }
    say(words.which_learn());
    if let Some(directory) = asked.path("svg") {
        let refused = |error: Box<dyn Error>| asked.no_file(directory, error);
        std::fs::create_dir_all(directory).map_err(|error| refused(error.into()))?;
        ALL.into_iter().try_for_each(|f| plot(f, directory, words)).map_err(refused)?;
        say(&words.plots_are_in(ALL.len(), typed(directory)));
    }
    let tape = Tape::new();
    let x = tape.var(0.5).named("x");
    let all = ALL.map(|(name, f)| f(x).named(name));
    asked.page(all.into_iter().reduce(|a, b| a + b).expect("activations").named("sum"))?;
    asked.check(&words.slopes_agree(format!("{worst:.0e}")), worst < 1e-9)
}
