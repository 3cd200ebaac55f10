//! The figures of networks that invent: drawn from the tables that their programs have written.

use super::svg::{BLACK, BLUE, Drawing, Figure, GREY, ORANGE, Plot};

/// Every figure that is drawn here.
pub const ALL: &[Figure] = &[("vae", vae), ("gan", gan)];

/// The rows of a table of numbers that a program has written.
fn rows(table: &str) -> Vec<Vec<f64>> {
    let number = |cell: &str| cell.parse().expect("a number");
    table.lines().map(|line| line.split(',').map(number).collect()).collect()
}

fn vae() -> String {
    let mut d = Drawing::new(600.0, 330.0);
    let images = rows(include_str!("vae.csv"));
    // Eight shades of ink; paper is not drawn.
    for level in 1..=8 {
        let mut corners = vec![];
        for (i, pixels) in images.iter().enumerate() {
            let (left, top) = (20.0 + 32.0 * (i % 9) as f64, 30.0 + 32.0 * (i / 9) as f64);
            let inked = (0..64).filter(|&place| (8.0 * pixels[place]).round() as i32 == level);
            corners
                .extend(inked.map(|place| {
                    (left + 3.5 * (place % 8) as f64, top + 3.5 * (place / 8) as f64)
                }));
        }
        let shade = 255 - 26 * level;
        d.squares(&corners, 3.5, &format!("#{shade:02x}{shade:02x}{shade:02x}"));
    }
    d.words((164.0, 20.0), "what the decoder makes of a grid of codes", BLACK);
    d.words_from((330.0, 80.0), "left to right: z₁ from −2 to 2", GREY);
    d.words_from((330.0, 105.0), "top to bottom: z₂ from 2 to −2", GREY);
    d.words_from((330.0, 150.0), "none of these is in the data;", BLUE);
    d.words_from((330.0, 172.0), "neighbours are alike", BLUE);
    d.finish("A plane of digits, decoded from two numbers each")
}

fn gan() -> String {
    let mut d = Drawing::new(720.0, 210.0);
    let points = rows(include_str!("gan.csv"));
    let panels = ["the data", "after 100 steps", "after 500", "at the end"];
    for (panel, name) in panels.into_iter().enumerate() {
        let left = 10.0 + 178.0 * panel as f64;
        let plot = Plot { frame: (left, 30.0, 166.0, 166.0), x: (-1.8, 1.8), y: (-1.8, 1.8) };
        d.rectangle((left, 30.0), (166.0, 166.0), "none", GREY);
        let own = points.iter().filter(|point| point[0] as usize == panel);
        let corners: Vec<_> =
            own.map(|p| plot.at(p[1].clamp(-1.75, 1.75), p[2].clamp(-1.75, 1.75))).collect();
        d.squares(&corners, 2.6, if panel == 0 { ORANGE } else { BLUE });
        d.words((left + 83.0, 20.0), name, BLACK);
    }
    d.finish("Points that a generator learns to draw")
}
