//! The figures of trainings: drawn from what the programs of the book compute, which another processor
//! computes to other last bits.

/// The programs.
#[allow(dead_code)]
#[path = "../../examples"]
mod programs {
    pub(crate) mod babysit;
    pub(crate) mod initialisation;
    pub(crate) mod names;
    pub(crate) mod softmax;
}

use programs::babysit::{Curves, all_curves};
use programs::initialisation::{Bend, LAYERS, look, starts};
use programs::names::look::{self as attention, HEADS, Look};

use super::pictured::NAMES;
use super::svg::{BLACK, BLUE, Drawing, Figure, GREY, ORANGE, Plot};

/// Every figure that is drawn here.
pub const ALL: &[Figure] = &[
    ("templates", templates),
    ("widths_tanh", widths_tanh),
    ("widths_relu", widths_relu),
    ("learning_curves", learning_curves),
    ("attention", attention),
];

/// A colour between white and blue for a positive share, between white and orange for a negative one.
fn shade(share: f64) -> String {
    let (full, part) =
        (if share < 0.0 { [0xc2, 0x57, 0x00] } else { [0x1f, 0x5f, 0xa8] }, share.abs().min(1.0));
    let [r, g, b] = full.map(|channel| (255.0 + part * (f64::from(channel) - 255.0)).round() as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// An image of 8 × 8 numbers from −1 to 1.
fn image(d: &mut Drawing, (left, top): (f64, f64), size: f64, numbers: &[f64]) {
    let pixel = size / 8.0;
    for (place, &number) in numbers.iter().enumerate() {
        let at = (left + pixel * (place % 8) as f64, top + pixel * (place / 8) as f64);
        d.rectangle(at, (pixel, pixel), &shade(number), "none");
    }
    d.rectangle((left, top), (size, size), "none", GREY);
}

fn templates() -> String {
    let mut d = Drawing::new(700.0, 130.0);
    let model = programs::softmax::regression(|_, _, _, _| ()).expect("it trains");
    let largest = model.w.iter().fold(0.0, |most: f64, w| most.max(w.abs()));
    for (digit, row) in model.w.rows().into_iter().enumerate() {
        let left = 12.0 + 69.0 * digit as f64;
        let numbers: Vec<f64> = row.iter().map(|w| w / largest).collect();
        image(&mut d, (left, 12.0), 56.0, &numbers);
        d.words((left + 28.0, 88.0), &digit.to_string(), BLACK);
    }
    d.words_from((220.0, 118.0), "ink here speaks for it", BLUE);
    d.words_from((380.0, 118.0), "ink here speaks against it", ORANGE);
    d.finish("The weights of softmax regression, one row as an image for each digit")
}

/// Shares of the numbers in equal intervals from −`reach` to `reach`; what lies beyond counts at the end.
fn histogram(numbers: &[f64], reach: f64) -> Vec<f64> {
    let mut counts = vec![0.0; 41];
    for x in numbers {
        let place = ((x / reach).clamp(-1.0, 1.0) + 1.0) * 20.0;
        counts[place.round() as usize] += 1.0 / numbers.len() as f64;
    }
    counts
}

fn widths(bend: Bend, title: &str) -> String {
    let mut d = Drawing::new(720.0, 470.0);
    for (row, (name, init)) in starts(bend).into_iter().enumerate() {
        let looked = look(name, bend, init).expect("a look");
        let top = 50.0 + 105.0 * row as f64;
        d.words((40.0, top + 45.0), name, BLACK);
        for (column, layer) in [0, 4, LAYERS - 1].into_iter().enumerate() {
            let sides = [
                (&looked.activations[layer], BLUE, 85.0),
                (&looked.gradients[layer], ORANGE, 405.0),
            ];
            for (numbers, color, left) in sides {
                let left = left + 105.0 * column as f64;
                let frame = (left, top, 92.0, 80.0);
                let plot = Plot { frame, x: (-1.0, 1.0), y: (0.0, 0.4) };
                d.rectangle((left, top), (92.0, 80.0), "none", GREY);
                for (i, share) in histogram(numbers, 1.2).into_iter().enumerate() {
                    let (x, y) = plot.at(i as f64 / 20.0 - 1.0, share.min(0.4));
                    d.line((x, top + 80.0), (x, y), color, 2.0);
                }
                if row == 0 {
                    d.words((left + 46.0, 42.0), &format!("layer {}", layer + 1), GREY);
                }
            }
        }
    }
    d.words((240.0, 20.0), "activations, −1.2 to 1.2", BLUE);
    d.words((560.0, 20.0), "gradients, −1.2 to 1.2", ORANGE);
    d.finish(title)
}

fn widths_tanh() -> String {
    widths(Bend::Tanh, "Histograms of activations and gradients through ten layers of tanh")
}

fn widths_relu() -> String {
    widths(Bend::Relu, "Histograms of activations and gradients through ten layers of relu")
}

fn learning_curves() -> String {
    let mut d = Drawing::new(720.0, 260.0);
    for (i, Curves { name, training, validation }) in
        all_curves().as_ref().expect("they train").iter().enumerate()
    {
        let left = 40.0 + 172.0 * i as f64;
        let plot = Plot { frame: (left, 50.0, 150.0, 150.0), x: (1.0, 30.0), y: (0.0, 3.0) };
        plot.axes(&mut d, &[1.0, 15.0, 30.0], &[0.0, 1.0, 2.0, 3.0], ["epoch", ""]);
        for (losses, color) in [(training, BLUE), (validation, ORANGE)] {
            let points: Vec<(f64, f64)> =
                losses.iter().zip(1..).map(|(&y, x)| plot.at(f64::from(x), y.min(3.0))).collect();
            d.path(&points, color, 1.8);
        }
        d.words((left + 75.0, 38.0), name, BLACK);
    }
    d.words_from((240.0, 18.0), "training loss", BLUE);
    d.words_from((380.0, 18.0), "validation loss", ORANGE);
    d.finish("Four learning curves")
}

const CELL: f64 = 26.0;
const HIDDEN: &str = "#e4e4e4";

/// The weights of one head in one name: a row for each letter that looks.
fn heat(d: &mut Drawing, (left, top): (f64, f64), letters: &[char], rows: &[Vec<f32>]) {
    for (at, row) in rows.iter().enumerate() {
        let y = top + CELL * at as f64;
        d.words((left - 10.0, y + 18.0), &letters[at].to_string(), BLACK);
        d.words((left + CELL * (at as f64 + 0.5), top - 7.0), &letters[at].to_string(), BLACK);
        for (place, &weight) in row.iter().enumerate() {
            let (x, weight) = (left + CELL * place as f64, f64::from(weight));
            let fill = if place > at { HIDDEN.to_owned() } else { shade(weight) };
            d.rectangle((x, y), (CELL, CELL), &fill, "none");
            if weight >= 0.4 {
                let ink = if weight > 0.55 { "#ffffff" } else { BLACK };
                d.words((x + CELL / 2.0, y + 18.0), &format!("{:.0}", 100.0 * weight), ink);
            }
        }
    }
    let side = CELL * letters.len() as f64;
    d.rectangle((left, top), (side, side), "none", GREY);
}

fn attention() -> String {
    let looks = NAMES.map(|name| attention::look(name).expect("the network reads names"));
    let mut d = Drawing::new(740.0, 670.0);
    d.words_from((20.0, 22.0), "row: the letter that looks", GREY);
    d.words_from((210.0, 22.0), "column: the letter looked at", GREY);
    d.words_from((420.0, 22.0), "number: percent, from 40 on", GREY);
    for head in 0..HEADS {
        let top = 84.0 + 290.0 * head as f64;
        let mut left = 40.0;
        d.words_from((20.0, top - 28.0), &format!("head {}", head + 1), BLUE);
        for Look { letters, heads } in &looks {
            heat(&mut d, (left, top), letters, &heads[head]);
            left += CELL * letters.len() as f64 + 32.0;
        }
    }
    for (i, share) in [0.0, 0.25, 0.5, 0.75, 1.0].into_iter().enumerate() {
        let x = 40.0 + 62.0 * i as f64;
        d.rectangle((x, 638.0), (18.0, 18.0), &shade(share), GREY);
        d.words_from((x + 22.0, 652.0), &format!("{} %", 100.0 * share), GREY);
    }
    d.rectangle((370.0, 638.0), (18.0, 18.0), HIDDEN, GREY);
    d.words_from((394.0, 652.0), "hidden by the mask", GREY);
    d.words_from((560.0, 652.0), "·  the mark before", GREY);
    d.finish("What each letter of three names looks at, by two heads of attention")
}
