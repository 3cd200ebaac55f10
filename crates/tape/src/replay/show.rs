//! What a program is going to do, for people.

use std::fmt::{self, Display};

use ops::{Float, Shape, Tensor, error::show};
use petgraph::graph::NodeIndex;

use super::plan::{At, Place};
use crate::graph::tape::Tape;
use crate::graph::var::Var;

/// What a [`Program`](crate::Program) does in which order, which ops share a pass over the data, and
/// where each value lives.
///
/// ```
/// use tape::{Tape, prelude::*};
///
/// let tape = Tape::new();
/// let x = tape.var([0.5, 1.0]).named("x");
/// let plan = tape.compile(&[(x.tanh() * x.sigmoid()).exp()]).plan().to_string();
/// assert!(plan.contains("4 ops in one pass over [2]"), "{plan}");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Plan {
    steps: Vec<PlannedStep>,
    buffers: Vec<Shape>,
    buffer_bytes: usize,
    recorded_bytes: usize,
    numbers: usize,
    values: usize,
}

/// What runs at a time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PlannedStep {
    /// Ops of scalars, in runs of equal ops: the name of each run's op, and the positions on the
    /// tape of what it computes.
    Scalars(Vec<(&'static str, Vec<u32>)>),
    /// Elementwise ops that share a pass over places of one shape: each stretch of places goes
    /// through all of them before the next.
    Fused(Vec<PlannedValue>),
    /// One op.
    Single(PlannedValue),
}

/// A value of a program.
#[derive(Clone, Debug)]
pub struct PlannedValue {
    /// Its position on the tape; of a part of a composed op, such as softmax, that of the op.
    pub position: usize,
    /// Its name on the tape, or `v` and its position; of the parts of v7 v7.1, v7.2 and so on.
    pub label: String,
    /// How it is computed, in the labels of its operands.
    pub formula: String,
    /// Its shape.
    pub shape: Shape,
    /// Where it lives.
    pub home: Home,
}

/// Where a value of a program lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Home {
    /// In a buffer, by its number. Values that do not live at the same time share one.
    Buffer(usize),
    /// Nowhere in full: it is computed and used stretch by stretch.
    Row,
    /// In the memory of the value that it shows in another shape or order.
    View,
    /// In the program's list of scalars.
    Number,
}

impl Plan {
    /// What runs, in order.
    pub fn steps(&self) -> &[PlannedStep] {
        &self.steps
    }

    /// The shapes of the buffers that hold tensors, by number, without leaves.
    pub fn buffers(&self) -> &[Shape] {
        &self.buffers
    }

    /// The bytes of all buffers and scalars, without leaves.
    pub fn bytes(&self) -> usize {
        self.buffer_bytes
    }

    /// The bytes of the same values as the tape recorded them.
    pub fn recorded_bytes(&self) -> usize {
        self.recorded_bytes
    }

    pub(super) fn begin_step(&mut self) {
        self.steps.push(PlannedStep::Scalars(Vec::new()));
    }

    pub(super) fn begin_run(&mut self, op: &'static str) {
        if let Some(PlannedStep::Scalars(runs)) = self.steps.last_mut() {
            runs.push((op, Vec::new()));
        }
    }

    pub(super) fn scalar<A: Float>(&mut self, node: usize) {
        self.values += 1;
        self.recorded_bytes += size_of::<A>();
        if let Some(PlannedStep::Scalars(runs)) = self.steps.last_mut()
            && let Some((_, positions)) = runs.last_mut()
        {
            positions.push(node as u32);
        }
    }

    pub(super) fn member<A: Float>(&mut self, tape: &Tape<A>, node: usize, at: Option<At>) {
        let home = at.map_or(Home::Row, Home::from);
        let value = self.value(tape, node, home);
        match self.steps.last_mut() {
            Some(PlannedStep::Fused(values)) => values.push(value),
            Some(step) => *step = PlannedStep::Fused(vec![value]),
            None => {}
        }
    }

    pub(super) fn single<A: Float>(&mut self, tape: &Tape<A>, node: usize, at: At, is_view: bool) {
        let home = if is_view { Home::View } else { at.into() };
        let value = self.value(tape, node, home);
        if let Some(step) = self.steps.last_mut() {
            *step = PlannedStep::Single(value);
        }
    }

    /// A sum in place, whose second summand has no place of its own.
    pub(super) fn accumulate<A: Float>(
        &mut self,
        tape: &Tape<A>,
        node: usize,
        [sum, added]: [usize; 2],
        at: At,
    ) {
        self.single(tape, node, at, false);
        let var = |node| Var::new(tape, NodeIndex::new(node));
        if let Some(PlannedStep::Single(value)) = self.steps.last_mut() {
            let added = var(added).formula().unwrap_or_default();
            value.formula = format!("{} + {added}", var(sum).label());
        }
    }

    fn value<A: Float>(&mut self, tape: &Tape<A>, node: usize, home: Home) -> PlannedValue {
        let var = Var::new(tape, NodeIndex::new(node));
        let shape = var.shape();
        self.values += 1;
        if home != Home::View {
            self.recorded_bytes += shape.iter().product::<usize>() * size_of::<A>();
        }
        let formula = var.formula().unwrap_or_default();
        PlannedValue { position: node, label: var.label(), formula, shape, home }
    }

    /// Gives each value the position on the tape that it belongs to.
    pub(super) fn take_positions(&mut self, positions: &[usize]) {
        for step in &mut self.steps {
            match step {
                PlannedStep::Scalars(runs) => {
                    for number in runs.iter_mut().flat_map(|(_, numbers)| numbers) {
                        *number = positions[*number as usize] as u32;
                    }
                }
                PlannedStep::Fused(values) => {
                    for value in values {
                        value.position = positions[value.position];
                    }
                }
                PlannedStep::Single(value) => value.position = positions[value.position],
            }
        }
    }

    /// Numbers the buffers, which are some of the program's tensors.
    pub(super) fn finish<A: Float>(
        &mut self,
        tensors: &[Tensor<A>],
        places: &[Place],
        numbers: usize,
    ) {
        let mut number_of = vec![0; tensors.len()];
        for ((number, tensor), place) in number_of.iter_mut().zip(tensors).zip(places) {
            if *place == Place::Buffer {
                *number = self.buffers.len();
                self.buffers.push(Shape::from_slice(tensor.shape()));
                self.buffer_bytes += tensor.len() * size_of::<A>();
            }
        }
        self.numbers = numbers;
        self.buffer_bytes += numbers * size_of::<A>();
        for step in &mut self.steps {
            let values = match step {
                PlannedStep::Scalars(_) => continue,
                PlannedStep::Fused(values) => &mut values[..],
                PlannedStep::Single(value) => std::slice::from_mut(value),
            };
            for value in values {
                if let Home::Buffer(at) = &mut value.home {
                    *at = number_of[*at];
                }
            }
        }
    }
}

impl From<At> for Home {
    /// The number of a buffer is that among all tensors, until the plan is finished.
    fn from(at: At) -> Self {
        match at {
            At::Number(_) => Self::Number,
            At::Tensor(at) => Self::Buffer(at as usize),
        }
    }
}

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
        let Self { steps, buffers, numbers, values, .. } = self;
        write!(f, "{values} values in {} steps; ", steps.len())?;
        write!(
            f,
            "{} buffers and {numbers} numbers take {}, ",
            buffers.len(),
            bytes(self.bytes())
        )?;
        writeln!(f, "the values recorded take {}", bytes(self.recorded_bytes))?;
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

/// As many runs of scalars, and results of each, are shown.
const MOST_RUNS: usize = 12;
const MOST_SCALARS: usize = 8;

fn show_run(f: &mut fmt::Formatter<'_>, (op, positions): &(&str, Vec<u32>)) -> fmt::Result {
    write!(f, "        {op} × {}:", positions.len())?;
    positions.iter().take(MOST_SCALARS).try_for_each(|position| write!(f, " v{position}"))?;
    writeln!(f, "{}", if positions.len() > MOST_SCALARS { " …" } else { "" })
}

impl Display for PlannedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, formula, home, .. } = self;
        // Formulas count in characters, not in bytes.
        let text = format!("{label} = {formula}");
        let space = 44_usize.saturating_sub(text.chars().count());
        write!(f, "{text}{:space$} ", "")?;
        match home {
            Home::Buffer(number) => write!(f, "buffer {number}"),
            Home::Row => f.write_str("row"),
            Home::View => f.write_str("view"),
            Home::Number => f.write_str("number"),
        }
    }
}
