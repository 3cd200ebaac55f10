//! The plan of a program as text.

use std::fmt::{self, Display};

use ops::error::show;

use crate::replay::{Plan, PlannedStep, PlannedValue, Storage};

/// Bytes with a unit.
fn bytes(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// A number of things.
fn many(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

impl Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (steps, Self { numbers, values, .. }) = (self.steps(), self);
        write!(f, "{values} values in {}; ", many(steps.len(), "step"))?;
        write!(
            f,
            "{} buffers and {numbers} numbers take {}, ",
            self.buffers().len(),
            bytes(self.bytes())
        )?;
        writeln!(f, "the values recorded take {}", bytes(self.recorded_bytes()))?;
        for (number, step) in steps.iter().enumerate() {
            write!(f, "{:>4}  ", number + 1)?;
            match step {
                PlannedStep::Single(value) => writeln!(f, "{value} {}", show(&value.shape))?,
                PlannedStep::Fused(values) => {
                    let (ops, shape) = (many(values.len(), "op"), show(&values[0].shape));
                    writeln!(f, "{ops} in one pass over {shape}")?;
                    values.iter().try_for_each(|value| writeln!(f, "        {value}"))?;
                }
                PlannedStep::Scalars(runs) => {
                    let count: usize = runs.iter().map(|(_, positions)| positions.len()).sum();
                    let ops = if count == 1 { "op on scalars" } else { "ops on scalars" };
                    writeln!(f, "{count} {ops} in {}", many(runs.len(), "run"))?;
                    runs.iter().take(MOST_RUNS).try_for_each(|run| show_run(f, run))?;
                    if runs.len() > MOST_RUNS {
                        writeln!(f, "        and {} more runs", runs.len() - MOST_RUNS)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The number of runs of scalars that are listed, and of results of each.
const MOST_RUNS: usize = 12;
const MOST_SCALARS: usize = 8;

fn show_run(f: &mut fmt::Formatter<'_>, (op, positions): &(&str, Vec<u32>)) -> fmt::Result {
    write!(f, "        {op} × {}:", positions.len())?;
    positions.iter().take(MOST_SCALARS).try_for_each(|position| write!(f, " #{position}"))?;
    writeln!(f, "{}", if positions.len() > MOST_SCALARS { " …" } else { "" })
}

impl Display for PlannedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, formula, storage, .. } = self;
        // Formulas count in characters, not in bytes.
        let text = format!("{label} = {formula}");
        let space = 44_usize.saturating_sub(text.chars().count());
        write!(f, "{text}{:space$} ", "")?;
        match storage {
            Storage::Buffer(number) => write!(f, "buffer {number}"),
            Storage::Row => f.write_str("row"),
            Storage::View => f.write_str("view"),
            Storage::Number => f.write_str("number"),
        }
    }
}
