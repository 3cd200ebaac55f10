//! The figures of the guides' chapters: drawn from the numbers that the chapters quote.

use super::svg::{BLACK, BLUE, Drawing, Figure, GREY, ORANGE, Plot};

/// Every figure that is drawn here.
pub const ALL: &[Figure] = &[
    ("guide_fifty", guide_fifty),
    ("guide_network", guide_network),
    ("guide_class", guide_class),
    ("seeds", seeds),
];

/// The rows of numbers that follow a line with these words, up to a line that is no such row; where
/// rows are left out the chapter has `…`.
fn rows(chapter: &str, head: &str, columns: usize) -> Vec<Vec<f64>> {
    let lines = chapter.lines().skip_while(|line| !line.contains(head));
    let lines = lines.filter(|line| *line != "…");
    let row = |line: &str| -> Option<Vec<f64>> {
        let cells = line.split_whitespace().map(|cell| cell.trim_start_matches("0.."));
        cells.map(|cell| cell.parse().ok()).collect()
    };
    let rows: Vec<_> = lines.skip(1).map_while(row).collect();
    assert!(rows.len() > 5 && rows.iter().all(|row| row.len() == columns), "the table of {head}");
    rows
}

fn guide_class() -> String {
    let mut d = Drawing::new(520.0, 300.0);
    let plot = Plot { frame: (50.0, 30.0, 440.0, 215.0), x: (1.0, 20.0), y: (0.0, 3.5) };
    plot.axes(&mut d, &[1.0, 5.0, 10.0, 15.0, 20.0], &[0.0, 1.0, 2.0, 3.0], ["epoch", ""]);
    let table = rows(include_str!("../src/guides/class.md"), "epoch      ½ squared", 7);
    for (column, color) in [(2, BLUE), (5, ORANGE)] {
        let points: Vec<_> = table.iter().map(|row| plot.at(row[0], row[column])).collect();
        d.path(&points, color, 1.8);
        for &point in &points {
            d.dot(point, 3.5, color);
        }
    }
    d.words_from((60.0, 20.0), "the printed loss", BLACK);
    d.words_from((220.0, 110.0), "½ squared error is descended", BLUE);
    d.words_from((150.0, 225.0), "cross-entropy is descended", ORANGE);
    d.finish("The loss that the guide prints, with its own gradient and with that of the loss")
}

fn guide_fifty() -> String {
    let mut d = Drawing::new(600.0, 260.0);
    let table = rows(include_str!("../src/guides/fifty.md"), "pixels         η", 9);
    for (i, row) in table.iter().enumerate() {
        let (top, accuracy) = (42.0 + 24.0 * i as f64, row[8]);
        let color = if accuracy > 0.5 { BLUE } else { ORANGE };
        d.words((80.0, top + 14.0), &format!("0..{}, η = {}", row[0], row[1]), BLACK);
        d.rectangle((160.0, top), (380.0 * accuracy, 17.0), color, "none");
        d.words_from((168.0 + 380.0 * accuracy, top + 14.0), &format!("{accuracy}"), color);
    }
    d.line((198.0, 34.0), (198.0, 236.0), GREY, 1.0);
    d.words((198.0, 252.0), "chance", GREY);
    d.words((320.0, 20.0), "test accuracy after 100 iterations, by pixels and rate", BLACK);
    d.finish("One rate of four learns")
}

fn guide_network() -> String {
    let mut d = Drawing::new(520.0, 290.0);
    let plot = Plot { frame: (55.0, 30.0, 430.0, 200.0), x: (0.0, 9.0), y: (0.0, 1.0) };
    plot.axes(&mut d, &[0.0, 3.0, 6.0, 9.0], &[0.0, 0.5, 1.0], ["epoch", ""]);
    let chapter = include_str!("../src/guides/network.md");
    let share = |line: &str| -> Option<(f64, f64)> {
        let (epoch, right) =
            line.strip_prefix("Epoch ")?.strip_suffix(" / 359")?.split_once(": ")?;
        Some((epoch.parse().ok()?, right.parse::<f64>().ok()? / 359.0))
    };
    let shares: Vec<_> = chapter.lines().filter_map(share).collect();
    assert_eq!(shares.len(), 10, "the ten epochs on the digits");
    let points: Vec<_> = shares.iter().map(|&(epoch, share)| plot.at(epoch, share)).collect();
    d.path(&points, BLUE, 1.8);
    for &point in &points {
        d.dot(point, 4.0, BLUE);
    }
    d.words_from((60.0, 20.0), "share of the 359 test images that is right", BLACK);
    d.finish("Ten epochs of the network")
}

/// The runs of each preset on MNIST, and what it must reach.
fn presets() -> Vec<(&'static str, Vec<f64>, f64)> {
    let chapter = include_str!("../src/training.md");
    let table = chapter.split("| preset | mean |").nth(1).expect("the table of presets");
    let row = |line: &'static str| -> Option<(&'static str, Vec<f64>, f64)> {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let &[_, name, _, _, _, runs, _, goal, _] = &cells[..] else { return None };
        let runs: Vec<f64> = runs.split(' ').map(|run| run.parse().expect("a run")).collect();
        Some((name, runs, goal.parse().expect("what must be reached")))
    };
    let rows: Vec<_> = table.lines().skip(2).map_while(row).collect();
    assert!(rows.len() >= 6 && rows.iter().all(|(_, runs, _)| runs.len() == 5), "{rows:?}");
    rows
}

fn seeds() -> String {
    let presets = presets();
    let height = 34.0 * presets.len() as f64;
    let mut d = Drawing::new(660.0, height + 90.0);
    let plot = Plot {
        frame: (110.0, 30.0, 520.0, height),
        x: (0.94, 1.0),
        y: (0.0, presets.len() as f64),
    };
    plot.axes(&mut d, &[0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 1.0], &[], ["test accuracy", ""]);
    for (i, (name, runs, goal)) in presets.iter().enumerate() {
        let middle = presets.len() as f64 - 0.5 - i as f64;
        let (_, y) = plot.at(1.0, middle);
        d.words((60.0, y + 5.0), name.trim_matches('`'), BLACK);
        d.line(plot.at(*goal, middle - 0.35), plot.at(*goal, middle + 0.35), GREY, 1.6);
        for &run in runs {
            d.dot(plot.at(run, middle), 5.0, BLUE);
        }
        let mean = runs.iter().sum::<f64>() / runs.len() as f64;
        d.line(plot.at(mean, middle - 0.35), plot.at(mean, middle + 0.35), ORANGE, 1.6);
    }
    d.words_from((110.0, 20.0), "five runs", BLUE);
    d.words_from((200.0, 20.0), "their mean", ORANGE);
    d.words_from((300.0, 20.0), "what must be reached", GREY);
    d.finish("Runs that differ only in their seed")
}
