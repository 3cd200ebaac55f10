//! The figures of the chapters on networks and on the engine.

use nn::data::{self, Dataset, Targets, blobs, circles, spirals, two_moons};

use super::svg::{BLACK, BLUE, Drawing, Figure, GREY, ORANGE, Plot};

/// Every figure that is drawn here.
pub const ALL: &[Figure] = &[
    ("xor", xor),
    ("three_layers", three_layers),
    ("activations", activations),
    ("steps", steps),
    ("jacobian", jacobian),
    ("dead_relu", dead_relu),
    ("losses", losses),
    ("paths", paths),
    ("toys", toys),
    ("convolution", convolution),
    ("memory", memory),
    ("digits", digits),
    ("epoch", epoch),
    ("whole_file", whole_file),
    ("replayed", replayed),
    ("bumps", bumps),
    ("rooms", rooms),
    ("derivation", derivation),
    ("speed", speed),
    ("blocks", blocks),
];

fn xor() -> String {
    let mut d = Drawing::new(330.0, 300.0);
    let plot = Plot { frame: (50.0, 25.0, 240.0, 220.0), x: (-0.4, 1.4), y: (-0.4, 1.4) };
    plot.axes(&mut d, &[0.0, 1.0], &[0.0, 1.0], ["x₁", "x₂"]);
    d.line(plot.at(-0.4, 0.9), plot.at(0.9, -0.4), GREY, 1.4);
    d.line(plot.at(0.1, 1.4), plot.at(1.4, 0.1), GREY, 1.4);
    for (x, y, one) in [(0.0, 0.0, false), (0.0, 1.0, true), (1.0, 0.0, true), (1.0, 1.0, false)] {
        d.dot(plot.at(x, y), 9.0, if one { ORANGE } else { BLUE });
        let (px, py) = plot.at(x, y);
        d.words((px, py - 14.0), if one { "1" } else { "0" }, if one { ORANGE } else { BLUE });
    }
    d.finish("Exclusive or: two lines are needed")
}

fn three_layers() -> String {
    let mut d = Drawing::new(560.0, 240.0);
    let layers: [(&[(&str, &str)], f64); 3] = [
        (&[("0.05", ""), ("0.1", "")], 80.0),
        (&[("0.5933", "δ 0.01337"), ("0.5969", "δ 0.01500")], 270.0),
        (&[("0.7514", "δ 0.1385")], 460.0),
    ];
    let height = |layer: &[(&str, &str)], i: usize| {
        if layer.len() == 1 { 110.0 } else { 60.0 + 100.0 * i as f64 }
    };
    for pair in layers.windows(2) {
        let ((from, x1), (to, x2)) = (pair[0], pair[1]);
        for i in 0..from.len() {
            for j in 0..to.len() {
                d.arrow((x1 + 36.0, height(from, i)), (x2 - 36.0, height(to, j)), "#9db7d5");
            }
        }
    }
    for (layer, x) in layers {
        for (i, &(value, delta)) in layer.iter().enumerate() {
            let y = height(layer, i);
            d.labelled((x - 36.0, y - 16.0), (72.0, 32.0), value, BLUE);
            d.words((x, y + 34.0), delta, ORANGE);
        }
    }
    for (x, name) in [(80.0, "x"), (270.0, "a₂"), (460.0, "a₃")] {
        d.words((x, 30.0), name, BLACK);
    }
    d.words((280.0, 230.0), "forwards: activations in the boxes; backwards: δ below", GREY);
    d.finish("The textbook's network with activations and δ")
}

fn activations() -> String {
    type Curve<'a> = (&'a str, &'a dyn Fn(f64) -> f64, &'a dyn Fn(f64) -> f64);
    let mut d = Drawing::new(700.0, 290.0);
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let curves: [Curve<'_>; 3] = [
        ("sigmoid", &sigmoid, &|x| sigmoid(x) * (1.0 - sigmoid(x))),
        ("tanh", &f64::tanh, &|x| 1.0 - x.tanh() * x.tanh()),
        ("relu", &|x| x.max(0.0), &|x| f64::from(u8::from(x > 0.0))),
    ];
    for (i, (name, value, slope)) in curves.into_iter().enumerate() {
        let left = 45.0 + 220.0 * i as f64;
        let plot = Plot { frame: (left, 40.0, 190.0, 190.0), x: (-4.0, 4.0), y: (-1.1, 1.5) };
        plot.axes(&mut d, &[-4.0, 0.0, 4.0], &[-1.0, 0.0, 1.0], ["x", ""]);
        plot.curve(&mut d, value, BLUE);
        plot.curve(&mut d, slope, ORANGE);
        d.words((left + 95.0, 25.0), name, BLACK);
    }
    d.words_from((70.0, 60.0), "value", BLUE);
    d.words_from((70.0, 78.0), "slope", ORANGE);
    d.finish("Three activations and their slopes")
}

fn steps() -> String {
    let mut d = Drawing::new(560.0, 330.0);
    let plot = Plot { frame: (70.0, 30.0, 460.0, 240.0), x: (-12.0, 0.0), y: (-14.0, 0.0) };
    let names = ["step h, as a power of ten", ""];
    plot.axes(&mut d, &[-12.0, -8.0, -4.0, 0.0], &[-12.0, -8.0, -4.0, 0.0], names);
    d.words_from((60.0, 20.0), "error of the quotient, as a power of ten", BLACK);
    // h²/6 of the curve, ε/h of rounding, for a function and a third derivative of size 1.
    let curve = |h: f64| 2.0 * h - 6.0_f64.log10();
    let rounding = |h: f64| f64::EPSILON.log10() - h;
    plot.curve(&mut d, curve, BLUE);
    plot.curve(&mut d, rounding, ORANGE);
    let (x, y) = plot.at(-3.6, -4.6);
    d.words((x, y), "the curve: h²/6", BLUE);
    let (x, y) = plot.at(-8.2, -4.6);
    d.words((x, y), "rounding: ε/h", ORANGE);
    let best = (6.0 * f64::EPSILON).log10() / 3.0;
    d.dot(plot.at(best, curve(best)), 5.0, BLACK);
    let (x, y) = plot.at(-9.3, -11.0);
    d.words((x, y), "best: about 10⁻⁵", BLACK);
    d.finish("Two errors of a central difference")
}

fn jacobian() -> String {
    let mut d = Drawing::new(560.0, 240.0);
    for row in 0..4 {
        for column in 0..5 {
            let fill = match (row, column) {
                (1, 3) => "#e9d3c0",
                (1, _) => "#fbe6d6",
                (_, 3) => "#d5e4f5",
                _ => "#f4f6f8",
            };
            let at = (190.0 + 40.0 * f64::from(column), 40.0 + 40.0 * f64::from(row));
            d.rectangle(at, (40.0, 40.0), fill, GREY);
        }
    }
    d.arrow((440.0, 100.0), (396.0, 100.0), ORANGE);
    d.words_from((446.0, 96.0), "one reverse", ORANGE);
    d.words_from((446.0, 114.0), "sweep: a row", ORANGE);
    d.arrow((330.0, 226.0), (330.0, 204.0), BLUE);
    d.words_from((346.0, 224.0), "one forward sweep: a column", BLUE);
    d.words((290.0, 28.0), "5 inputs", BLACK);
    d.words((130.0, 125.0), "4 outputs", BLACK);
    d.finish("A Jacobian by rows or by columns")
}

fn dead_relu() -> String {
    let mut d = Drawing::new(460.0, 300.0);
    let plot = Plot { frame: (55.0, 30.0, 370.0, 210.0), x: (-4.0, 2.0), y: (-0.5, 2.0) };
    plot.axes(&mut d, &[-4.0, -2.0, 0.0, 2.0], &[0.0, 1.0, 2.0], ["sum before the relu", ""]);
    plot.curve(&mut d, |x| x.max(0.0), BLUE);
    for x in [-3.6, -3.1, -2.4, -1.9, -1.2] {
        d.dot(plot.at(x, 0.0), 5.0, ORANGE);
    }
    let (x, y) = plot.at(-1.95, 0.25);
    d.words((x, y), "every sample is here: value 0, slope 0", ORANGE);
    d.finish("A dead unit")
}

fn losses() -> String {
    let mut d = Drawing::new(520.0, 320.0);
    let plot = Plot { frame: (55.0, 30.0, 430.0, 230.0), x: (-3.0, 3.0), y: (0.0, 4.5) };
    plot.axes(&mut d, &[-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0], &[0.0, 2.0, 4.0], ["d = y − t", ""]);
    plot.curve(&mut d, |d| 0.5 * d * d, BLUE);
    plot.curve(&mut d, f64::abs, GREY);
    plot.curve(&mut d, |d| if d.abs() < 1.0 { 0.5 * d * d } else { d.abs() - 0.5 }, ORANGE);
    for (at, words, color) in [
        ((-1.6, 3.9), "half the square", BLUE),
        ((-0.9, 2.2), "absolute", GREY),
        ((2.2, 0.6), "Huber, δ = 1", ORANGE),
    ] {
        d.words(plot.at(at.0, at.1), words, color);
    }
    d.finish("Three losses for a number")
}

/// The path of gradient descent on ½(x² + 12 y²), with momentum or without.
fn path(rate: f64, momentum: f64) -> Vec<(f64, f64)> {
    let (mut at, mut velocity) = ((-3.6, 1.0), (0.0, 0.0));
    let mut path = vec![at];
    for _ in 0..25 {
        velocity = (momentum * velocity.0 + at.0, momentum * velocity.1 + 12.0 * at.1);
        at = (at.0 - rate * velocity.0, at.1 - rate * velocity.1);
        path.push(at);
    }
    path
}

fn paths() -> String {
    let mut d = Drawing::new(620.0, 290.0);
    let plot = Plot { frame: (45.0, 25.0, 550.0, 220.0), x: (-4.0, 1.6), y: (-1.2, 1.2) };
    plot.axes(&mut d, &[-4.0, -2.0, 0.0], &[-1.0, 0.0, 1.0], ["", ""]);
    for level in [0.1_f64, 0.8, 2.5, 5.5] {
        let ring: Vec<(f64, f64)> = (0..=80)
            .map(|i| f64::from(i) / 80.0 * std::f64::consts::TAU)
            .map(|a| ((2.0 * level).sqrt() * a.cos(), (level / 6.0).sqrt() * a.sin()))
            .filter(|(x, _)| *x < 1.6)
            .map(|(x, y)| plot.at(x, y))
            .collect();
        let (first, last) = (ring[0], ring[ring.len() - 1]);
        if (first.0 - last.0).hypot(first.1 - last.1) < 1.0 {
            d.path(&ring, "#cccccc", 1.0);
        }
    }
    for (rate, momentum, color) in [(0.15, 0.0, BLUE), (0.03, 0.7, ORANGE)] {
        let places: Vec<(f64, f64)> =
            path(rate, momentum).into_iter().map(|(x, y)| plot.at(x, y)).collect();
        d.path(&places, color, 1.4);
        for &place in &places {
            d.dot(place, 3.5, color);
        }
    }
    d.words_from((330.0, 50.0), "η = 0.15: leaps from side to side", BLUE);
    d.words_from((330.0, 70.0), "η = 0.03, momentum 0.7: rolls along", ORANGE);
    d.finish("Gradient descent in a narrow valley, with momentum and without")
}

fn toys() -> String {
    let mut d = Drawing::new(720.0, 210.0);
    let sets: [(&str, Dataset<f64>); 4] = [
        ("two_moons", two_moons(120, 0.1, 1).expect("in range")),
        ("circles", circles(120, 0.5, 0.05, 1).expect("in range")),
        ("spirals", spirals(120, 2, 0.02, 1).expect("in range")),
        ("blobs", blobs(120, 3, 0.2, 1).expect("in range")),
    ];
    for (i, (name, data)) in sets.iter().enumerate() {
        let plot = Plot {
            frame: (10.0 + 178.0 * i as f64, 30.0, 166.0, 166.0),
            x: if i == 0 { (-1.5, 2.5) } else { (-1.8, 1.8) },
            y: if i == 0 { (-1.7, 2.3) } else { (-1.8, 1.8) },
        };
        let Targets::Labels(labels) = data.targets() else { unreachable!("they have labels") };
        let places = data.inputs().to_vec();
        let (left, top, width, height) = plot.frame;
        d.rectangle((left, top), (width, height), "none", GREY);
        for (place, &label) in places.chunks(2).zip(labels) {
            d.dot(plot.at(place[0], place[1]), 3.0, [BLUE, ORANGE, BLACK][label]);
        }
        d.words((left + width / 2.0, 20.0), name, BLACK);
    }
    d.finish("Four data sets that are made up from a seed")
}

/// A grid of numbers, with some cells in colour.
fn grid(d: &mut Drawing, (x, y): (f64, f64), rows: &[&[&str]], lit: &[(usize, usize)]) {
    for (r, row) in rows.iter().enumerate() {
        for (c, words) in row.iter().enumerate() {
            let at = (x + 40.0 * c as f64, y + 40.0 * r as f64);
            let fill = if lit.contains(&(r, c)) { "#fbe6d6" } else { "#f4f6f8" };
            d.rectangle(at, (40.0, 40.0), fill, GREY);
            d.words((at.0 + 20.0, at.1 + 25.0), words, BLACK);
        }
    }
}

fn convolution() -> String {
    let mut d = Drawing::new(560.0, 210.0);
    let image: [&[&str]; 3] = [&["1", "2", "0"], &["0", "1", "3"], &["2", "0", "1"]];
    grid(&mut d, (20.0, 50.0), &image, &[(0, 1), (0, 2), (1, 1), (1, 2)]);
    grid(&mut d, (230.0, 70.0), &[&["1", "0"], &["−1", "2"]], &[]);
    grid(&mut d, (410.0, 70.0), &[&["3", "7"], &["−2", "3"]], &[(0, 1)]);
    d.words((80.0, 36.0), "image", BLACK);
    d.words((270.0, 56.0), "kernel", BLACK);
    d.words((450.0, 56.0), "result", BLACK);
    d.words((185.0, 115.0), "∗", BLACK);
    d.words((360.0, 115.0), "=", BLACK);
    d.words((300.0, 195.0), "2·1 + 0·0 + 1·(−1) + 3·2 = 7", ORANGE);
    d.finish("A convolution by hand")
}

fn memory() -> String {
    let mut d = Drawing::new(560.0, 330.0);
    let plot = Plot { frame: (60.0, 30.0, 360.0, 240.0), x: (0.0, 100.0), y: (0.0, 1.2) };
    plot.axes(&mut d, &[0.0, 50.0, 100.0], &[0.0, 0.5, 1.0], ["steps back", ""]);
    d.words_from((40.0, 20.0), "what is left of a gradient", BLACK);
    for (factor, words, color) in [
        (1.0, "f = 1: open", BLACK),
        (0.99, "f = 0.99", ORANGE),
        (0.9, "0.9", GREY),
        (0.5, "0.5: half shut", BLUE),
    ] {
        plot.curve(&mut d, |t| f64::powf(factor, t), color);
        let end = f64::powf(factor, 100.0);
        let (x, y) = plot.at(100.0, end);
        let lift = if factor == 0.9 { -12.0 } else { 5.0 };
        d.words_from((x + 8.0, y + lift), words, color);
    }
    d.finish("The factor of the forget gate, step after step")
}

fn digits() -> String {
    let mut d = Drawing::new(700.0, 175.0);
    let data = data::digits::<f64>();
    let Targets::Labels(labels) = data.targets() else { unreachable!("digits have labels") };
    let pixels = data.inputs().to_vec();
    let largest = pixels.iter().copied().fold(0.0, f64::max);
    for i in 0..10 {
        let (left, top) = (12.0 + 69.0 * i as f64, 20.0);
        for (place, &ink) in pixels[64 * i..64 * (i + 1)].iter().enumerate() {
            // Sixteen levels of ink; the least of it is not drawn.
            let level = (15.0 * ink / largest).round() as usize;
            if level > 0 {
                let shade = format!("#{0:02x}{0:02x}{0:02x}", 255 - 16 * level);
                let at = (left + 7.0 * (place % 8) as f64, top + 7.0 * (place / 8) as f64);
                d.rectangle(at, (7.0, 7.0), &shade, "none");
            }
        }
        d.rectangle((left, top), (56.0, 56.0), "none", GREY);
        d.words((left + 28.0, top + 80.0), &format!("{}", labels[i]), BLUE);
    }
    d.words((350.0, 135.0), "8 × 8 numbers of ink go in, one of ten labels comes out", GREY);
    d.finish("Ten of the handwritten digits and their labels")
}

fn epoch() -> String {
    let mut d = Drawing::new(700.0, 190.0);
    let steps = ["batch", "forward", "loss", "gradients", "step"];
    for (i, name) in steps.into_iter().enumerate() {
        let x = 20.0 + 120.0 * i as f64;
        d.labelled((x, 40.0), (96.0, 36.0), name, BLUE);
        if i > 0 {
            d.arrow((x - 24.0, 58.0), (x, 58.0), GREY);
        }
    }
    d.line((548.0, 76.0), (548.0, 104.0), GREY, 1.6);
    d.line((548.0, 104.0), (68.0, 104.0), GREY, 1.6);
    d.arrow((68.0, 104.0), (68.0, 76.0), GREY);
    d.words((308.0, 124.0), "for every batch of the epoch", GREY);
    d.arrow((596.0, 58.0), (624.0, 100.0), ORANGE);
    d.words((600.0, 122.0), "validate", ORANGE);
    d.words((600.0, 142.0), "callbacks", ORANGE);
    d.words((600.0, 162.0), "stop, or go on", ORANGE);
    d.finish("What fit does in an epoch")
}

fn whole_file() -> String {
    let mut d = Drawing::new(640.0, 170.0);
    d.labelled((20.0, 30.0), (150.0, 40.0), "run.safetensors: old", GREY);
    d.labelled((230.0, 30.0), (170.0, 40.0), "a file beside it: new", BLUE);
    d.labelled((460.0, 30.0), (160.0, 40.0), "run.safetensors: new", BLUE);
    d.arrow((400.0, 50.0), (460.0, 50.0), BLUE);
    d.words((315.0, 100.0), "written, and flushed to the disk", BLUE);
    d.words((540.0, 100.0), "renamed, at one blow", BLUE);
    d.words((320.0, 145.0), "at every moment one whole file has the name", ORANGE);
    d.finish("How a file is replaced")
}

fn replayed() -> String {
    let mut d = Drawing::new(660.0, 180.0);
    let row = |d: &mut Drawing, y: f64, name: &str, each: &[&str], color: &str| {
        d.words_from((10.0, y + 23.0), name, color);
        for (i, words) in each.iter().enumerate() {
            d.labelled((110.0 + 135.0 * i as f64, y), (125.0, 34.0), words, color);
        }
    };
    let step = "record and sweep";
    row(&mut d, 20.0, "a tape:", &[step, step, step, step], BLUE);
    row(&mut d, 90.0, "a program:", &["record and plan", "run", "run", "run"], ORANGE);
    d.words((360.0, 155.0), "the same numbers; nodes, shapes and memory are found once", GREY);
    d.finish("Recording at every step, and once")
}

fn bumps() -> String {
    let mut d = Drawing::new(560.0, 320.0);
    let plot = Plot { frame: (50.0, 25.0, 480.0, 230.0), x: (0.0, 1.0), y: (0.0, 1.5) };
    plot.axes(&mut d, &[0.0, 0.5, 1.0], &[0.0, 0.5, 1.0, 1.5], ["x", "y"]);
    let target = |x: f64| x + 0.3 * (8.0 * x).sin();
    for (count, color, wide) in [(5.0, "#9db7d5", 2.0), (20.0, BLUE, 1.4)] {
        let mut stairs = vec![];
        for k in 0..count as usize {
            let (left, right) = (k as f64 / count, (k as f64 + 1.0) / count);
            let height = target(f64::midpoint(left, right));
            stairs.extend([plot.at(left, height), plot.at(right, height)]);
        }
        d.path(&stairs, color, wide);
    }
    plot.curve(&mut d, target, ORANGE);
    d.words_from((70.0, 50.0), "the function", ORANGE);
    d.words_from((70.0, 70.0), "20 bumps", BLUE);
    d.words_from((70.0, 90.0), "5 bumps", "#7f9fc4");
    d.finish("A function as a sum of bumps")
}

fn rooms() -> String {
    let mut d = Drawing::new(640.0, 400.0);
    let crates: [(&str, &[&str], &str); 3] = [
        (
            "nn",
            &[
                "ground", "model", "data", "layers", "loss", "metrics", "optim", "schedule",
                "save", "train",
            ],
            ORANGE,
        ),
        ("tape", &["words", "graph", "sweep", "check", "transform", "replay", "ask", "show"], BLUE),
        ("ops", &["ground", "number", "tensor", "kernel", "rule", "rules", "readings"], BLACK),
    ];
    for (column, (name, rooms, color)) in crates.into_iter().enumerate() {
        let left = 20.0 + 220.0 * column as f64;
        d.rectangle((left, 40.0), (150.0, 345.0), "none", color);
        d.words((left + 75.0, 28.0), name, color);
        for (row, room) in rooms.iter().enumerate() {
            d.labelled((left + 15.0, 50.0 + 33.0 * row as f64), (105.0, 27.0), room, GREY);
        }
        // What stands below in the list imports what stands above.
        d.arrow((left + 135.0, 375.0), (left + 135.0, 55.0), GREY);
        if column < 2 {
            d.arrow((left + 150.0, 210.0), (left + 220.0, 210.0), color);
        }
    }
    d.finish("The rooms of the crates, and which may import which")
}

fn derivation() -> String {
    let mut d = Drawing::new(720.0, 190.0);
    let values = ["x", "z₁", "a₁", "z₂", "a₂", "L"];
    let forwards = ["W₁x + b₁", "σ", "W₂a₁ + b₂", "σ", "½ Σ (a₂ − y)²"];
    let backwards = ["", "⊙ σ′(z₁)", "W₂ᵀ ·", "⊙ σ′(z₂)", "a₂ − y"];
    for (i, value) in values.into_iter().enumerate() {
        let x = 15.0 + 128.0 * i as f64;
        d.labelled((x, 75.0), (50.0, 36.0), value, BLUE);
        if i > 0 {
            let (from, to) = (x - 78.0, x);
            d.arrow((from, 85.0), (to, 85.0), GREY);
            d.words((f64::midpoint(from, to), 62.0), forwards[i - 1], GREY);
            if i > 1 {
                d.arrow((to, 101.0), (from, 101.0), ORANGE);
                d.words((f64::midpoint(from, to), 132.0), backwards[i - 1], ORANGE);
            }
        }
    }
    d.words((168.0, 165.0), "∂W₁ = δ₁ xᵀ, ∂b₁ = δ₁", ORANGE);
    d.words((424.0, 165.0), "∂W₂ = δ₂ a₁ᵀ, ∂b₂ = δ₂", ORANGE);
    d.words((360.0, 25.0), "forwards above the arrows, backwards below", BLACK);
    d.finish("The steps of the derivation, forwards and backwards")
}

/// The first table of the chapter on speed: a workload and how many times as long PyTorch takes.
fn ratios() -> Vec<(&'static str, f64)> {
    let table = include_str!("../src/performance.md");
    let mut rows = table.split("| ms, threads: 1 |").nth(1).expect("the table").lines();
    let head = rows.next().expect("a head").split('|').map(str::trim);
    let column = 2 + head.take_while(|&name| name != "torch / chainrule").count();
    let rows = rows.skip(1);
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        Some((*cells.get(1)?, cells.get(column)?.parse().ok()?))
    };
    rows.map_while(row).collect()
}

fn speed() -> String {
    let ratios = ratios();
    let mut d = Drawing::new(690.0, 70.0 + 26.0 * ratios.len() as f64);
    // A step of the scale is a factor of ten.
    let at = |ratio: f64| 150.0 + 150.0 * ratio.log10();
    for tick in [1.0, 10.0, 100.0, 1000.0] {
        let bottom = 40.0 + 26.0 * ratios.len() as f64;
        d.line((at(tick), 30.0), (at(tick), bottom), "#cccccc", 1.0);
        d.words((at(tick), bottom + 18.0), &format!("{tick}"), GREY);
    }
    for (i, &(name, ratio)) in ratios.iter().enumerate() {
        let y = 36.0 + 26.0 * i as f64;
        let (left, right) = (at(ratio.min(1.0)), at(ratio.max(1.0)));
        let color = if ratio < 1.0 { ORANGE } else { BLUE };
        d.words((45.0, y + 14.0), name, BLACK);
        d.rectangle((left, y), (right - left, 18.0), color, "none");
        d.words_from((right + 8.0, y + 14.0), &format!("{ratio}"), color);
    }
    d.words((320.0, 20.0), "how many times as long PyTorch takes, one thread", BLACK);
    d.finish("Workloads against PyTorch")
}

fn blocks() -> String {
    let mut d = Drawing::new(640.0, 210.0);
    for i in 0..6 {
        let left = 30.0 + 95.0 * f64::from(i);
        let color = if i < 3 { BLUE } else { ORANGE };
        d.labelled((left, 40.0), (85.0, 34.0), "16,384", color);
        d.arrow((left + 42.0, 74.0), (left + 42.0, 108.0), color);
        d.labelled((left + 12.0, 108.0), (60.0, 30.0), &format!("s{}", i + 1), GREY);
        if i > 0 {
            d.arrow((left - 23.0, 123.0), (left + 12.0, 123.0), GREY);
        }
    }
    d.words((160.0, 28.0), "one thread", BLUE);
    d.words((445.0, 28.0), "another", ORANGE);
    d.words((320.0, 170.0), "the sums of the blocks are added from left to right, in f64,", GREY);
    d.words((320.0, 192.0), "whoever has computed them", GREY);
    d.finish("A sum in blocks, whose order no thread changes")
}
