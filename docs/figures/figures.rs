//! The figures, by their names.

#[path = "../../examples/build/solutions/mod.rs"]
#[allow(dead_code, clippy::duplicate_mod)]
mod engine;

use engine::checks::training::{answers, drawn, moons as moons_data};
use engine::matrix::Matrix;
use engine::stage_7::step;

use super::svg::{BLACK, BLUE, Drawing, Figure, GREY, ORANGE, Plot};

/// Every figure of the book that is drawn here.
pub const ALL: &[Figure] = &[
    ("stages", stages),
    ("product", product),
    ("graph", graph),
    ("diamond", diamond),
    ("neuron", neuron),
    ("broadcast", broadcast),
    ("network", network),
    ("moons", moons),
    ("judge", judge),
    ("line_loss", line_loss),
    ("line_fit", line_fit),
    ("rates", rates),
    ("chain", chain),
    ("cheap", cheap),
    ("crates", crates),
];

fn stages() -> String {
    let mut d = Drawing::new(720.0, 150.0);
    let row = |d: &mut Drawing, y: f64, names: &[(&str, f64)], color: &str| {
        for (i, &(name, x)) in names.iter().enumerate() {
            d.labelled((x, y), (110.0, 40.0), name, color);
            if i > 0 {
                d.arrow((names[i - 1].1 + 110.0, y + 20.0), (x, y + 20.0), color);
            }
        }
    };
    let numbers = [("1 slopes", 10.0), ("2 graph", 150.0), ("3 order", 290.0), ("4 sweep", 430.0)];
    row(&mut d, 15.0, &numbers, BLUE);
    let matrices = [("5 matrices", 150.0), ("6 layer", 290.0), ("7 training", 430.0)];
    row(&mut d, 95.0, &matrices, ORANGE);
    d.arrow((205.0, 55.0), (205.0, 95.0), GREY);
    d.words_from((215.0, 80.0), "the same engine, with matrices for numbers", GREY);
    d.labelled((590.0, 55.0), (110.0, 40.0), "8 judge", BLACK);
    d.arrow((540.0, 40.0), (590.0, 65.0), BLUE);
    d.arrow((540.0, 110.0), (590.0, 85.0), ORANGE);
    d.finish("The eight stages")
}

fn product() -> String {
    let mut d = Drawing::new(500.0, 260.0);
    d.rectangle((60.0, 70.0), (240.0, 150.0), "#e3ecf7", BLUE);
    d.rectangle((300.0, 70.0), (40.0, 150.0), "#fbe6d6", ORANGE);
    d.rectangle((60.0, 40.0), (240.0, 30.0), "#fbe6d6", ORANGE);
    d.words((180.0, 150.0), "a · b", BLUE);
    d.words((320.0, 150.0), "h·b", ORANGE);
    d.words((180.0, 60.0), "h·a", ORANGE);
    d.words((180.0, 240.0), "a", BLACK);
    d.words((320.0, 240.0), "h", BLACK);
    d.words((42.0, 150.0), "b", BLACK);
    d.words((42.0, 60.0), "h", BLACK);
    d.words_from((355.0, 145.0), "wider by h:", GREY);
    d.words_from((355.0, 163.0), "h·b more", GREY);
    d.words_from((315.0, 52.0), "higher by h: h·a more", GREY);
    d.finish("A product grows by h times the other factor")
}

/// The nodes of tanh(w · x + b): centre, what is above and what is in it.
const NODES: [(f64, f64, &str, &str); 6] = [
    (60.0, 60.0, "w", "0.5"),
    (60.0, 150.0, "x", "2"),
    (210.0, 105.0, "p = w·x", "1"),
    (210.0, 210.0, "b", "0.1"),
    (380.0, 150.0, "z = p + b", "1.1"),
    (540.0, 150.0, "y = tanh z", "0.8005"),
];
const EDGES: [(usize, usize); 5] = [(0, 2), (1, 2), (2, 4), (3, 4), (4, 5)];

fn node(d: &mut Drawing, (x, y): (f64, f64), value: &str, color: &str) {
    d.labelled((x - 36.0, y - 16.0), (72.0, 32.0), value, color);
}

fn edges(d: &mut Drawing) {
    for (from, to) in EDGES {
        let ((x1, y1, ..), (x2, y2, ..)) = (NODES[from], NODES[to]);
        d.arrow((x1 + 36.0, y1), (x2 - 36.0, y2 + (y1 - y2) * 0.12), GREY);
    }
}

fn graph() -> String {
    let mut d = Drawing::new(600.0, 260.0);
    edges(&mut d);
    let places = [0, 1, 2, 3, 4, 5];
    for (place, (x, y, name, value)) in places.into_iter().zip(NODES) {
        node(&mut d, (x, y), value, BLUE);
        d.words((x, y - 24.0), name, BLACK);
        d.words((x, y + 34.0), &format!("place {place}"), GREY);
    }
    d.finish("The graph of tanh(w·x + b)")
}

fn neuron() -> String {
    let mut d = Drawing::new(600.0, 270.0);
    edges(&mut d);
    let adjoints = ["0.7184", "0.1796", "0.3592", "0.3592", "0.3592", "1"];
    for (adjoint, (x, y, name, value)) in adjoints.into_iter().zip(NODES) {
        node(&mut d, (x, y), value, BLUE);
        d.words((x, y - 24.0), name, BLACK);
        d.words((x, y + 34.0), adjoint, ORANGE);
    }
    d.words_from((300.0, 40.0), "in the boxes: values, computed forwards", BLUE);
    d.words_from((300.0, 60.0), "below: adjoints, passed backwards", ORANGE);
    d.finish("Values and adjoints of a neuron")
}

fn diamond() -> String {
    let mut d = Drawing::new(560.0, 180.0);
    let xs = [70.0, 280.0, 490.0];
    for (pair, arriving) in xs.windows(2).zip(["2", "1"]) {
        for side in [-1.0, 1.0] {
            let y = 80.0 + 9.0 * side;
            d.arrow((pair[0] + 36.0, y), (pair[1] - 36.0, y), GREY);
            d.words((f64::midpoint(pair[0], pair[1]), y + 14.0 * side + 5.0), arriving, ORANGE);
        }
    }
    let nodes =
        [("3", "a", "2 + 2 = 4"), ("6", "b = a + a", "1 + 1 = 2"), ("12", "c = b + b", "1")];
    for ((value, name, adjoint), x) in nodes.into_iter().zip(xs) {
        node(&mut d, (x, 80.0), value, BLUE);
        d.words((x, 48.0), name, BLACK);
        d.words((x, 122.0), adjoint, ORANGE);
    }
    d.words(
        (280.0, 162.0),
        "adjoints, passed back from the right; each sum is passed on once",
        ORANGE,
    );
    d.finish("b = a + a, c = b + b")
}

/// A grid of cells with words in them.
fn cells(d: &mut Drawing, (x, y): (f64, f64), rows: &[[&str; 2]], color: &str) {
    for (r, row) in rows.iter().enumerate() {
        for (c, words) in row.iter().enumerate() {
            let at = (x + 50.0 * c as f64, y + 32.0 * r as f64);
            d.rectangle(at, (50.0, 32.0), "#f4f6f8", color);
            d.words((at.0 + 25.0, at.1 + 21.0), words, color);
        }
    }
}

fn broadcast() -> String {
    let mut d = Drawing::new(640.0, 190.0);
    d.words((140.0, 24.0), "forwards: one row is repeated", BLUE);
    cells(&mut d, (20.0, 78.0), &[["0.5", "1"]], BLUE);
    cells(&mut d, (180.0, 46.0), &[["0.5", "1"]; 3], BLUE);
    d.words((480.0, 24.0), "backwards: the rows are summed", ORANGE);
    cells(&mut d, (360.0, 46.0), &[["1", "2"], ["3", "4"], ["5", "6"]], ORANGE);
    cells(&mut d, (520.0, 78.0), &[["9", "12"]], ORANGE);
    for row in 0..3 {
        let y = 62.0 + 32.0 * f64::from(row);
        d.arrow((122.0, 94.0), (176.0, y), BLUE);
        d.arrow((462.0, y), (516.0, 94.0), ORANGE);
    }
    d.words((320.0, 170.0), "what was repeated forwards is summed backwards", GREY);
    d.finish("Broadcasting and summing back")
}

fn network() -> String {
    let mut d = Drawing::new(460.0, 250.0);
    let layers: [&[f64]; 3] = [&[85.0, 165.0], &[35.0, 95.0, 155.0, 215.0], &[125.0]];
    let xs = [70.0, 230.0, 390.0];
    for (i, pair) in layers.windows(2).enumerate() {
        for &from in pair[0] {
            for &to in pair[1] {
                d.line((xs[i], from), (xs[i + 1], to), "#9db7d5", 1.2);
            }
        }
    }
    for (layer, x) in layers.into_iter().zip(xs) {
        for &y in layer {
            d.dot((x, y), 15.0, if x < 100.0 { GREY } else { BLUE });
        }
    }
    d.words((70.0, 240.0), "2 inputs", GREY);
    d.words((310.0, 240.0), "4 units", BLUE);
    d.words((390.0, 165.0), "1 output", BLUE);
    d.finish("A network of sizes [2, 4, 1]")
}

fn moons() -> String {
    let mut d = Drawing::new(680.0, 270.0);
    let (x, target) = moons_data(100);
    let mut parameters = drawn(&[2, 8, 8, 1], 1);
    let mut taken = 0;
    for (steps, left) in [(10, 20.0), (1000, 350.0)] {
        while taken < steps {
            step(&mut parameters, &x, &target, 0.3);
            taken += 1;
        }
        let plot = Plot { frame: (left, 35.0, 310.0, 220.0), x: (-1.6, 2.6), y: (-1.1, 1.6) };
        shade(&mut d, plot, &parameters);
        for row in 0..100 {
            let color = if target.at(row, 0) > 0.0 { ORANGE } else { BLUE };
            d.dot(plot.at(x.at(row, 0), x.at(row, 1)), 3.5, color);
        }
        d.words((left + 155.0, 22.0), &format!("after {steps} steps"), BLACK);
    }
    d.finish("Two moons, divided by the reader's network")
}

/// Colours the plane by what a network answers.
fn shade(d: &mut Drawing, plot: Plot, parameters: &[Matrix]) {
    let (columns, rows) = (62, 44);
    let (left, top, width, height) = plot.frame;
    let (w, h) = (width / columns as f64, height / rows as f64);
    let part = |i: usize, n: usize, (low, high): (f64, f64)| {
        low + (high - low) * (i as f64 + 0.5) / n as f64
    };
    for row in 0..rows {
        let y = part(rows - 1 - row, rows, plot.y);
        let line =
            Matrix::from_fn(
                [columns, 2],
                |i, axis| {
                    if axis == 0 { part(i, columns, plot.x) } else { y }
                },
            );
        let answers = answers(parameters, &line);
        let shades: Vec<&str> = answers.elements().iter().map(|&y| tint(y)).collect();
        let mut first = 0;
        for run in shades.chunk_by(|a, b| a == b) {
            let place = (left + w * first as f64, top + h * row as f64);
            d.rectangle(place, (w * run.len() as f64, h + 0.2), run[0], "none");
            first += run.len();
        }
    }
}

fn tint(y: f64) -> &'static str {
    match y {
        y if y < -0.5 => "#c9dcf1",
        y if y < 0.0 => "#e8f0f9",
        y if y < 0.5 => "#fcefe4",
        _ => "#f7d9bf",
    }
}

fn judge() -> String {
    let mut d = Drawing::new(660.0, 170.0);
    d.labelled((10.0, 65.0), (160.0, 40.0), "random calculation", BLACK);
    d.labelled((240.0, 20.0), (140.0, 40.0), "your engine", BLUE);
    d.labelled((240.0, 110.0), (140.0, 40.0), "tape", ORANGE);
    d.labelled((490.0, 65.0), (150.0, 40.0), "judge: distance", BLACK);
    d.arrow((170.0, 78.0), (240.0, 42.0), GREY);
    d.arrow((170.0, 92.0), (240.0, 128.0), GREY);
    d.arrow((380.0, 42.0), (490.0, 78.0), BLUE);
    d.arrow((380.0, 128.0), (490.0, 92.0), ORANGE);
    d.words((455.0, 40.0), "value, gradient", BLUE);
    d.words((455.0, 142.0), "value, gradient", ORANGE);
    d.finish("Two engines and a judge")
}

/// The three points of the line fitted by hand.
const POINTS: [(f64, f64); 3] = [(1.0, 2.0), (2.0, 3.0), (3.0, 5.0)];

fn loss(w: f64) -> f64 {
    POINTS.iter().map(|(x, t)| (w * x - t).powi(2)).sum::<f64>() / 3.0
}

fn slope(w: f64) -> f64 {
    POINTS.iter().map(|(x, t)| 2.0 * (w * x - t) * x).sum::<f64>() / 3.0
}

/// The weights of the first steps from 0.
fn walk(rate: f64, steps: usize) -> Vec<f64> {
    let mut walk = vec![0.0];
    for _ in 0..steps {
        let w = walk[walk.len() - 1];
        walk.push(w - rate * slope(w));
    }
    walk
}

fn line_loss() -> String {
    let mut d = Drawing::new(520.0, 330.0);
    let plot = Plot { frame: (60.0, 30.0, 430.0, 240.0), x: (-0.2, 3.4), y: (0.0, 16.0) };
    plot.axes(&mut d, &[0.0, 1.0, 2.0, 3.0], &[0.0, 5.0, 10.0, 15.0], ["w", "loss"]);
    plot.curve(&mut d, loss, BLUE);
    let walk = walk(0.05, 5);
    for pair in walk.windows(2) {
        d.line(plot.at(pair[0], loss(pair[0])), plot.at(pair[1], loss(pair[1])), ORANGE, 1.2);
    }
    for &w in &walk {
        d.dot(plot.at(w, loss(w)), 4.5, ORANGE);
    }
    let (x, y) = plot.at(0.15, 13.2);
    d.words_from((x, y), "w = 0, slope −15.33", ORANGE);
    let (x, y) = plot.at(2.0, 2.6);
    d.words((x, y), "lowest at w = 23/14", BLACK);
    d.finish("The loss of one weight, and five steps down")
}

fn line_fit() -> String {
    let mut d = Drawing::new(460.0, 330.0);
    let plot = Plot { frame: (60.0, 30.0, 370.0, 240.0), x: (0.0, 3.6), y: (0.0, 6.0) };
    plot.axes(&mut d, &[0.0, 1.0, 2.0, 3.0], &[0.0, 2.0, 4.0, 6.0], ["x", "y"]);
    let walk = walk(0.05, 20);
    for (steps, color) in [(0, GREY), (1, "#9db7d5"), (2, "#5f8fc4"), (20, BLUE)] {
        let w = walk[steps];
        plot.curve(&mut d, |x| w * x, color);
        let (x, y) = plot.at(2.55, w * 2.55);
        let words = format!("{steps} step{}", if steps == 1 { "" } else { "s" });
        d.words_from((x + 4.0, y + if steps == 0 { -8.0 } else { 18.0 }), &words, color);
    }
    for (x, t) in POINTS {
        d.dot(plot.at(x, t), 5.5, ORANGE);
    }
    d.finish("Three points and the line after 0, 1, 2 and 20 steps")
}

fn rates() -> String {
    let mut d = Drawing::new(700.0, 290.0);
    for (rate, left, name) in [
        (0.01, 50.0, "0.01: too small"),
        (0.1, 270.0, "0.1: about right"),
        (0.22, 490.0, "0.22: too large"),
    ] {
        let plot = Plot { frame: (left, 40.0, 190.0, 190.0), x: (-0.4, 3.8), y: (0.0, 25.0) };
        plot.axes(&mut d, &[0.0, 1.0, 2.0, 3.0], &[0.0, 10.0, 20.0], ["w", ""]);
        plot.curve(&mut d, loss, BLUE);
        let walk = walk(rate, 7);
        let places: Vec<(f64, f64)> = walk.iter().map(|&w| plot.at(w, loss(w))).collect();
        d.path(&places, ORANGE, 1.2);
        for &place in &places {
            d.dot(place, 4.0, ORANGE);
        }
        d.words((left + 95.0, 25.0), name, BLACK);
    }
    d.finish("Seven steps with three learning rates")
}

fn chain() -> String {
    let mut d = Drawing::new(620.0, 170.0);
    let boxes = [("x = 2", 30.0), ("u = 3x + 1 = 7", 220.0), ("y = u² = 49", 450.0)];
    let widths = [80.0, 140.0, 130.0];
    for ((words, x), width) in boxes.into_iter().zip(widths) {
        d.labelled((x, 60.0), (width, 40.0), words, BLUE);
    }
    d.arrow((110.0, 80.0), (220.0, 80.0), GREY);
    d.arrow((360.0, 80.0), (450.0, 80.0), GREY);
    d.words((165.0, 68.0), "times 3", ORANGE);
    d.words((405.0, 68.0), "times 14", ORANGE);
    d.words((70.0, 40.0), "+ h", GREY);
    d.words((290.0, 40.0), "+ 3h", GREY);
    d.words((515.0, 40.0), "+ 14·3h = 42h", GREY);
    d.words((310.0, 145.0), "along a chain, slopes multiply: dy/dx = 14 · 3 = 42", ORANGE);
    d.finish("A chain of two steps")
}

fn cheap() -> String {
    let mut d = Drawing::new(520.0, 330.0);
    let plot = Plot { frame: (70.0, 30.0, 420.0, 240.0), x: (0.0, 100.0), y: (0.0, 100.0) };
    let name = ["number of weights", "cost of the gradient, in forward passes"];
    plot.axes(
        &mut d,
        &[0.0, 25.0, 50.0, 75.0, 100.0],
        &[0.0, 25.0, 50.0, 75.0, 100.0],
        [name[0], ""],
    );
    d.words_from((70.0, 20.0), name[1], BLACK);
    // For a unit of n weights: n products, n sums and a tanh; see the chapter.
    let ops = |n: f64| 2.0 * n + 1.0;
    let forward = |n: f64| (ops(n) + (n + 1.0) * (3.0 * n + n + 3.0)) / ops(n);
    let reverse = |n: f64| (ops(n) + 4.0 * n + 2.0 * n + 4.0) / ops(n);
    plot.curve(&mut d, forward, ORANGE);
    plot.curve(&mut d, reverse, BLUE);
    let (x, y) = plot.at(52.0, 80.0);
    d.words_from((x, y), "one forward sweep a weight", ORANGE);
    let (x, y) = plot.at(30.0, 8.0);
    d.words_from((x, y), "one reverse sweep: about 4, at most 5", BLUE);
    d.finish("Forward mode grows with the number of weights, reverse mode does not")
}

fn crates() -> String {
    let mut d = Drawing::new(720.0, 300.0);
    let floors = [
        ("your program", "a model, its data, a call of fit; or a function and its gradient", GREY),
        ("nn", "layers, losses, optimisers, training: forward passes and nothing else", ORANGE),
        ("tape", "the graph of what was computed, and the sweep back over it", BLUE),
        ("ops", "tensors, and for each op its value and its local derivative", BLACK),
    ];
    for (floor, (name, holds, color)) in floors.into_iter().enumerate() {
        let top = 12.0 + 74.0 * floor as f64;
        d.labelled((30.0, top), (130.0, 44.0), name, color);
        d.words_from((200.0, top + 27.0), holds, color);
        if floor > 0 {
            d.arrow((95.0, top - 30.0), (95.0, top), GREY);
        }
    }
    // A program may leave the networks out.
    d.path(&[(30.0, 34.0), (14.0, 34.0), (14.0, 182.0)], GREY, 1.6);
    d.arrow((14.0, 182.0), (30.0, 182.0), GREY);
    d.finish("A program and the three crates below it")
}
