//! Building a chain, and assigning its values to rows of scratch memory.

use smallvec::SmallVec;

use super::Layout;
use super::fused::{Fused, Instruction, Operand, Source, What};
use crate::ground::memory;
use crate::kernel::layout::{Elements, elements_in};
use crate::number::Float;
use crate::tensor::Tensor;

/// Bytes that the rows of a chain may take: with what is read beside them they stay in the
/// second-level cache.
const ROWS: usize = 64 << 10;

/// The fewest and most elements of a row.
const ROW: (usize, usize) = (256, 1024);

/// A chain of pointwise steps that is being built.
#[derive(Debug)]
pub struct Chain<S> {
    layout: Layout,
    inputs: Vec<Source>,
    steps: Vec<(S, SmallVec<[Value; 3]>)>,
    /// The numbers of the steps whose results are summed.
    sums: Vec<u32>,
}

/// A value of a chain, as an operand of later steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value(Origin);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Origin {
    Input(u32),
    Step(u32),
}

impl<S> Chain<S> {
    /// A chain whose steps have results of this layout.
    pub fn new(layout: Layout) -> Self {
        Self { layout, inputs: Vec::new(), steps: Vec::new(), sums: Vec::new() }
    }

    /// Adds an input, which must have the shape of `example` in every run.
    ///
    /// It may have one element or broadcast to the layout. One that lies in memory as `example` does
    /// is read without being copied.
    pub fn input<A: Float>(&mut self, example: &Tensor<A>) -> Value {
        let Layout { shape, order } = &self.layout;
        let source = if example.len() == 1 {
            Source::Number
        } else if example.shape() == &shape[..]
            && matches!(elements_in(example, order), Elements::Borrowed(_))
        {
            Source::Direct
        } else {
            period(example.shape(), shape, order).map_or(Source::Gathered, Source::Periodic)
        };
        self.inputs.push(source);
        Value(Origin::Input(index(self.inputs.len() - 1)))
    }

    /// Adds a step with some values as operands.
    ///
    /// # Panics
    /// If an operand is a value of another chain that this one does not have.
    pub fn step(&mut self, step: S, operands: &[Value]) -> Value {
        let known = |value: &Value| match value.0 {
            Origin::Input(input) => (input as usize) < self.inputs.len(),
            Origin::Step(step) => (step as usize) < self.steps.len(),
        };
        assert!(operands.iter().all(known), "operands are values of the same chain");
        self.steps.push((step, SmallVec::from_slice(operands)));
        Value(Origin::Step(index(self.steps.len() - 1)))
    }

    /// Adds the sum over all elements of a step's result, which a [run](Fused::run) gives. It has the
    /// bits that the sum of a tensor with these elements has.
    ///
    /// # Panics
    /// If `of` is an input, or a value of another chain that this one does not have.
    pub fn sum(&mut self, of: Value) {
        let Value(Origin::Step(step)) = of else { panic!("a result of a step is summed") };
        assert!((step as usize) < self.steps.len(), "the result of a step of the same chain");
        self.sums.push(step);
    }

    /// Compiles the chain to a kernel that writes the given results of steps.
    ///
    /// # Panics
    /// If one of `outputs` is an input, or stands there twice.
    pub fn compile<A: Float>(mut self, outputs: &[Value]) -> Fused<S> {
        for (i, output) in outputs.iter().enumerate() {
            assert!(matches!(output.0, Origin::Step(_)), "an output is the result of a step");
            assert!(!outputs[..i].contains(output), "an output is written once");
        }
        let period = self.common_period().max(1); // 0 of inputs without elements
        let mut compiler = Compiler::new(&self, outputs);
        let Self { layout, inputs, steps, sums } = self;
        let code = compiler.compile(steps, &sums, outputs);
        let rows = compiler.rows.count as usize;
        let all = rows + inputs.iter().filter(|&source| *source != Source::Number).count();
        let row = (ROWS / size_of::<A>() / all.max(1)).clamp(ROW.0, ROW.1);
        let aligned = least_common_multiple(period, memory::line::<A>());
        let unit = if aligned <= row / 4 { aligned } else { period };
        let row = (row / unit * unit).max(unit).min(layout.len()).max(1);
        let repeated = compiler.repeated();
        let outputs = outputs.len();
        Fused { layout, inputs, repeated, code, outputs, sums: sums.len(), rows, row }
    }

    /// The number of elements after which all periodic inputs begin again. Those that would make it
    /// longer than a row are gathered instead.
    fn common_period(&mut self) -> usize {
        let mut common = 1;
        for source in &mut self.inputs {
            let Source::Periodic(period) = *source else { continue };
            match least_common_multiple(common, period) {
                longer if longer <= ROW.1 => common = longer,
                _ => *source = Source::Gathered,
            }
        }
        common
    }
}

/// The number of elements after which an input of the shape `x` begins again, if it broadcasts to
/// `shape` along the axes that are the outer ones in memory, and along no other.
fn period(x: &[usize], shape: &[usize], order: &[usize]) -> Option<usize> {
    let before = shape.len().checked_sub(x.len())?;
    let length = |axis: usize| axis.checked_sub(before).map_or(1, |axis| x[axis]);
    let inner = |&&axis: &&usize| length(axis) == shape[axis];
    let period: usize = order.iter().rev().take_while(inner).map(|&axis| shape[axis]).product();
    let elements: usize = x.iter().product();
    (period == elements).then_some(period)
}

fn least_common_multiple(a: usize, b: usize) -> usize {
    let divisor = std::iter::successors(Some((a, b)), |&(a, b)| (b > 0).then(|| (b, a % b)));
    (a / divisor.last().map_or(1, |(divisor, _)| divisor.max(1))).saturating_mul(b)
}

/// The rows of a chain's values while it is compiled.
struct Compiler {
    inputs: Vec<Source>,
    /// The last step that reads each input and each step's result.
    last_read_of_input: Vec<Option<u32>>,
    last_read_of_step: Vec<Option<u32>>,
    /// Where each input is held, once a step has read it, and each step's result.
    held_inputs: Vec<Option<Operand>>,
    results: Vec<u32>,
    rows: Rows,
}

impl Compiler {
    fn new<S>(chain: &Chain<S>, outputs: &[Value]) -> Self {
        let mut compiler = Self {
            inputs: chain.inputs.clone(),
            last_read_of_input: vec![None; chain.inputs.len()],
            last_read_of_step: vec![None; chain.steps.len()],
            held_inputs: vec![None; chain.inputs.len()],
            results: Vec::with_capacity(chain.steps.len()),
            rows: Rows { first: index(outputs.len()), count: index(outputs.len()), free: vec![] },
        };
        for (step, (_, operands)) in chain.steps.iter().enumerate() {
            for value in operands {
                *compiler.last_read(*value) = Some(index(step));
            }
        }
        // A row that repeats is filled once a piece, so it is kept to the end.
        for (source, last_read) in chain.inputs.iter().zip(&mut compiler.last_read_of_input) {
            if source.repeats() {
                *last_read = None;
            }
        }
        compiler
    }

    fn last_read(&mut self, value: Value) -> &mut Option<u32> {
        match value.0 {
            Origin::Input(input) => &mut self.last_read_of_input[input as usize],
            Origin::Step(step) => &mut self.last_read_of_step[step as usize],
        }
    }

    fn compile<S>(
        &mut self,
        steps: Vec<(S, SmallVec<[Value; 3]>)>,
        sums: &[u32],
        outputs: &[Value],
    ) -> Vec<Instruction<S>> {
        let mut code = Vec::new();
        for (number, (step, values)) in steps.into_iter().enumerate() {
            let operands = values.iter().map(|&value| self.operand(value, &mut code)).collect();
            // An output is written where it stays, any other result to a row of scratch memory.
            let result = Value(Origin::Step(index(number)));
            let output = outputs.iter().position(|&output| output == result);
            let to = output.map_or_else(|| self.rows.take(), index);
            self.results.push(to);
            code.push(Instruction::Write { to, what: What::Step { step, number, operands } });
            let is_its = |&(_, &step): &(usize, &u32)| step as usize == number;
            let sums = sums.iter().enumerate().filter(is_its);
            code.extend(sums.map(|(sum, _)| Instruction::Sum { sum, row: to }));
            for (i, &value) in values.iter().enumerate() {
                let is_last = *self.last_read(value) == Some(index(number));
                if is_last && !values[..i].contains(&value) {
                    self.release(value);
                }
            }
            if self.last_read(result).is_none() {
                self.release(result);
            }
        }
        code
    }

    /// Finds where a value is held, after reading it into a row if need be.
    fn operand<S>(&mut self, value: Value, code: &mut Vec<Instruction<S>>) -> Operand {
        let input = match value.0 {
            Origin::Step(step) => return Operand::Row(self.results[step as usize]),
            Origin::Input(input) => input as usize,
        };
        *self.held_inputs[input].get_or_insert_with(|| match self.inputs[input] {
            Source::Direct => Operand::Input(index(input)),
            Source::Number | Source::Periodic(_) => Operand::Row(self.rows.add()),
            Source::Gathered => {
                let to = self.rows.take();
                code.push(Instruction::Write { to, what: What::Gather { input } });
                Operand::Row(to)
            }
        })
    }

    /// Gives back the row of a value that no later step reads.
    fn release(&mut self, value: Value) {
        match value.0 {
            Origin::Step(step) => self.rows.give(self.results[step as usize]),
            Origin::Input(input) => {
                if let Some(Operand::Row(row)) = self.held_inputs[input as usize] {
                    self.rows.give(row);
                }
            }
        }
    }

    /// The rows of inputs that repeat.
    fn repeated(&self) -> Vec<(u32, usize)> {
        let held = self.held_inputs.iter().enumerate();
        held.filter_map(|(input, held)| match held {
            Some(Operand::Row(row)) if self.inputs[input].repeats() => Some((*row, input)),
            _ => None,
        })
        .collect()
    }
}

impl Source {
    /// Whether all rows of a piece are the same.
    fn repeats(self) -> bool {
        matches!(self, Self::Number | Self::Periodic(_))
    }
}

/// The rows of scratch memory, which follow the outputs' rows, and which of them are free.
struct Rows {
    first: u32,
    /// The number of rows, the outputs' included.
    count: u32,
    free: Vec<u32>,
}

impl Rows {
    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| self.add())
    }

    fn add(&mut self) -> u32 {
        self.count += 1;
        self.count - 1
    }

    fn give(&mut self, row: u32) {
        if row >= self.first {
            self.free.push(row);
        }
    }
}

fn index(number: usize) -> u32 {
    u32::try_from(number).expect("fewer than 2³² values")
}
