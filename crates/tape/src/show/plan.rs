//! The plan of a program as text.

use std::fmt::{self, Display, Write};

use ops::error::show;

use crate::replay::{Plan, PlannedStep, PlannedValue, Storage};
use crate::words::Language;

/// Bytes with a unit.
fn bytes(bytes: usize, language: Language) -> String {
    match bytes {
        0..10_000 => language.plan_bytes(bytes),
        10_000..10_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

impl Plan {
    /// The plan in words.
    ///
    /// ```
    /// use tape::words::Language;
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let y = tape.var([1.0, 2.0]).tanh().sum();
    /// let program = tape.compile(&[y]);
    /// let plan = program.plan();
    /// assert_eq!(plan.text(Language::ENGLISH), plan.to_string());
    /// ```
    pub fn text(&self, language: Language) -> String {
        let (steps, Self { numbers, values, .. }) = (self.steps(), self);
        let [own, recorded] = [self.bytes(), self.recorded_bytes()].map(|n| bytes(n, language));
        let mut text = language.plan_values(
            language.plan_of_values(*values),
            language.plan_steps(steps.len()),
            language.plan_buffers(self.buffers().len()),
            language.plan_numbers(*numbers),
            own,
            recorded,
        );
        for (number, step) in steps.iter().enumerate() {
            let _ = write!(text, "\n{:>4}  ", number + 1);
            match step {
                PlannedStep::Single(value) => {
                    text.extend([&*value.text(language), " ", &*show(&value.shape)]);
                }
                PlannedStep::Copy(value) => {
                    let label = language.plan_copied(&value.label);
                    let copy = PlannedValue { label, ..value.clone() };
                    text.extend([&*copy.text(language), " ", &*show(&value.shape)]);
                }
                PlannedStep::Fused(values) => {
                    text += &language.plan_ops(values.len(), show(&values[0].shape));
                    let lines = values.iter().map(|value| value.text(language));
                    lines.for_each(|line| text.extend(["\n        ", &line]));
                }
                PlannedStep::Scalars(runs) => {
                    let count: usize = runs.iter().map(|(_, positions)| positions.len()).sum();
                    text += &language.plan_scalars(count, language.plan_runs(runs.len()));
                    runs.iter().take(MOST_RUNS).for_each(|run| write_run(&mut text, run));
                    if let Some(more @ 1..) = runs.len().checked_sub(MOST_RUNS) {
                        text.extend(["\n        ", &language.plan_more_runs(more)]);
                    }
                }
            }
        }
        text + "\n"
    }
}

impl Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::ENGLISH))
    }
}

/// The number of runs of scalars that are listed, and of results of each.
const MOST_RUNS: usize = 12;
const MOST_SCALARS: usize = 8;

fn write_run(text: &mut String, (op, positions): &(&str, Vec<u32>)) {
    let _ = write!(text, "\n        {op} × {}:", positions.len());
    for position in positions.iter().take(MOST_SCALARS) {
        let _ = write!(text, " #{position}");
    }
    if positions.len() > MOST_SCALARS {
        text.push_str(" …");
    }
}

impl PlannedValue {
    /// What the value is and where it lives, in words.
    pub fn text(&self, language: Language) -> String {
        let Self { label, formula, storage, .. } = self;
        // Formulas count in characters, not in bytes.
        let text = format!("{label} = {formula}");
        let space = 44_usize.saturating_sub(text.chars().count());
        let storage = match storage {
            Storage::Buffer(number) => language.plan_buffer(number),
            Storage::Row => language.plan_row().to_owned(),
            Storage::View => language.plan_view().to_owned(),
            Storage::Number => language.plan_number().to_owned(),
        };
        format!("{text}{:space$} {storage}", "")
    }
}

impl Display for PlannedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::ENGLISH))
    }
}
