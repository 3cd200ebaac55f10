//! The tables of five seeds, which need data that the repository may not ship: each figure of a row
//! follows from the runs in it, and every place that repeats one has the same.

use std::path::Path;

/// A row: the preset, and its figures in ten-thousandths.
struct Row {
    preset: String,
    mean: u32,
    lowest: u32,
    highest: u32,
    runs: Vec<u32>,
    before: Option<(u32, u32)>,
    must_reach: u32,
}

fn read(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(name)).unwrap()
}

/// A fraction of at most four places, as ten-thousandths.
fn figure(text: &str) -> u32 {
    let places = text.strip_prefix("0.").unwrap_or_else(|| panic!("{text:?} is no fraction"));
    assert!(matches!(places.len(), 3 | 4), "{text:?} has another number of places");
    format!("{places:0<4}").parse().unwrap()
}

/// The tables of a chapter that tell how well the presets do.
fn tables(chapter: &str) -> Vec<Vec<Vec<String>>> {
    let cells = |line: &str| -> Vec<String> {
        let inside = line.trim_matches('|').split('|');
        inside.map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    let mut found = vec![];
    let mut lines = chapter.lines().peekable();
    while let Some(line) = lines.next() {
        if ["| preset | mean |", "| `NAME` |", "| `--preset` |"]
            .iter()
            .any(|of| line.starts_with(of))
        {
            lines.next().unwrap();
            let mut table = vec![cells(line)];
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                table.push(cells(row));
            }
            found.push(table);
        }
    }
    found
}

fn rows(table: &[Vec<String>]) -> Vec<Row> {
    let row = |cells: &Vec<String>| {
        let before = (cells.len() == 7).then(|| {
            let (low, high) = cells[5].split_once(" to ").unwrap();
            (figure(low), figure(high))
        });
        Row {
            preset: cells[0].clone(),
            mean: figure(&cells[1]),
            lowest: figure(&cells[2]),
            highest: figure(&cells[3]),
            runs: cells[4].split(' ').map(figure).collect(),
            before,
            must_reach: figure(cells.last().unwrap()),
        }
    };
    table[1..].iter().map(row).collect()
}

/// The mean, the lowest, the highest, and what must be reached: the lowest of all runs less the
/// distance between the lowest and the highest, rounded down to three places.
fn follows(runs: &[u32], before: Option<(u32, u32)>) -> [u32; 4] {
    let (lowest, highest) = (*runs.iter().min().unwrap(), *runs.iter().max().unwrap());
    let (of_all, up_to) =
        before.map_or((lowest, highest), |(low, high)| (lowest.min(low), highest.max(high)));
    let count = runs.len() as u32;
    let mean = (2 * runs.iter().sum::<u32>() + count) / (2 * count);
    [mean, lowest, highest, (of_all - (up_to - of_all)) / 10 * 10]
}

#[test]
fn the_figures_of_a_row_follow_from_its_runs() {
    assert_eq!(follows(&[9525, 9535, 9521], Some((9499, 9536))), [9527, 9521, 9535, 9460]);
    let tables = tables(&read("docs/src/training.md"));
    assert_eq!(tables.len(), 2, "MNIST and Fashion-MNIST");
    for row in tables.iter().flat_map(|table| rows(table)) {
        let shown = [row.mean, row.lowest, row.highest, row.must_reach];
        assert_eq!(row.runs.len(), 5, "{}", row.preset);
        assert_eq!(shown, follows(&row.runs, row.before), "{}", row.preset);
    }
}

#[test]
fn what_must_be_reached_is_the_same_wherever_it_is_said() {
    let program = read("examples/mnist.rs");
    let tables = tables(&read("docs/src/training.md"));
    let [mnist, fashion] = [rows(&tables[0]), rows(&tables[1])];
    for (row, other) in mnist.iter().zip(&fashion) {
        assert_eq!(row.preset, other.preset);
        let three = |of: &Row| format!("0.{:03}", of.must_reach / 10);
        // What the program says it demands, and what it demands.
        let help =
            program.lines().find(|line| line.starts_with(&format!("  {} ", row.preset))).unwrap();
        assert!(help.contains(&format!("  {}  {}  ", three(row), three(other))), "{help}");
        let mut name = row.preset.clone();
        name[..1].make_ascii_uppercase();
        let mut demands = program.lines().filter(|line| line.contains(&format!("Self::{name} ")));
        let numbers = format!(", {}, {}),", three(row), three(other));
        assert!(demands.any(|line| line.ends_with(&numbers)), "{name}");
    }
}

#[test]
fn other_pages_repeat_the_rows() {
    let tables_of_all = tables(&read("docs/src/training.md"));
    let [mnist, fashion] = [rows(&tables_of_all[0]), rows(&tables_of_all[1])];
    let of = |cell: &str| {
        let other_data = cell.strip_suffix("` on Fashion-MNIST");
        let table = if other_data.is_some() { &fashion } else { &mnist };
        let row = table.iter().find(|row| row.preset == other_data.unwrap_or(cell)).unwrap();
        [row.mean, row.lowest, row.highest, row.must_reach]
    };
    let experiments = tables(&read("docs/src/experiments.md"));
    assert_eq!((experiments.len(), experiments[0].len()), (1, 5));
    for cells in &experiments[0][1..] {
        let repeated: Vec<u32> = cells[2..].iter().map(|cell| figure(cell)).collect();
        assert_eq!(repeated, of(&cells[0]), "{}", cells[0]);
    }
    let readme = tables(&read("README.md"));
    assert_eq!((readme.len(), readme[0].len()), (1, 8));
    for cells in &readme[0][1..] {
        let repeated = [3, 4, 5, 2].map(|column| figure(&cells[column]));
        assert_eq!(repeated, of(&cells[0]), "{}", cells[0]);
    }
}

/// The one run that the chapter quotes is the first of the five.
#[test]
fn a_quoted_run_is_that_of_seed_0() {
    let chapter = read("docs/src/training.md");
    let rows = rows(&tables(&chapter)[0]);
    let mut quoted = 0;
    for block in chapter.split("```console\n").skip(1) {
        let block = block.split("\n```").next().unwrap();
        let Some((_, rest)) = block.split_once("--example mnist -- --data DIR --preset ") else {
            continue;
        };
        let (preset, output) = rest.split_once('\n').unwrap();
        let row = rows.iter().find(|row| row.preset == preset).unwrap();
        let last = output.lines().last().unwrap();
        let three = format!("0.{:03}", row.must_reach / 10);
        let said = format!(
            "test accuracy 0.{:04} on 10000 images; to be reached: {three}: reached",
            row.runs[0]
        );
        assert_eq!(last, said);
        quoted += 1;
    }
    assert_eq!(quoted, 2);
}
