//! Runs a program.

use std::borrow::Cow;
use std::mem;
use std::ops::Range;

use ops::{Float, Spread, Tensor, each_part, elements_in, elements_to_write, thread_count};
use smallvec::SmallVec;

use super::code::{Group, Instruction, Operand, Run, Scalars, Single, Slot, What, Work};
use super::{Output, Program, ProgramError, refused};

/// The number of results of ops that is worth another thread.
const PER_THREAD: usize = 65_536;

/// The chunks of a group that threads run begin at multiples of this.
const UNIT: usize = 256;

pub(super) fn run<A: Float>(program: &mut Program<A>) -> Result<(), ProgramError> {
    let Program { steps, tensors, numbers, outputs, scratch, kept_views, nothing, .. } = program;
    // Views of the run before: what they show can be written in place only without them.
    for &view in &*kept_views {
        tensors[view as usize].share(nothing);
    }
    let watch = program.stop_at_non_finite;
    let mut result = Ok(());
    for step in &*steps {
        if result.is_ok() {
            result = match &step.work {
                Work::Scalars(scalars) => scalars.run(numbers, watch),
                Work::Group(group) => group.run(tensors, numbers, scratch, watch),
                Work::Single(single) => single.run(tensors, numbers, watch),
                Work::Accumulate { op, operands, to } => {
                    let mut sum = mem::take(&mut tensors[*to as usize]);
                    with_operands(operands, tensors, numbers, |operands| {
                        op.shortcuts()
                            .expect("a rule that accumulates")
                            .accumulate(operands, &mut sum);
                    });
                    tensors[*to as usize] = sum;
                    Ok(())
                }
            };
        }
        for &view in &step.release {
            tensors[view as usize].share(nothing);
        }
    }
    for output in outputs {
        if let Output::Copy(at, value) = output {
            *value = at.value(tensors, numbers);
        }
    }
    result
}

/// Calls `work` with an op's operands.
fn with_operands<A: Float, T>(
    operands: &[Slot],
    tensors: &[Tensor<A>],
    numbers: &[A],
    work: impl FnOnce(&[&Tensor<A>]) -> T,
) -> T {
    let scalar = |slot: &Slot| match slot {
        Slot::Number(number) => Tensor::scalar(numbers[*number as usize]),
        Slot::Tensor(_) => Tensor::default(),
    };
    let scalars: SmallVec<[Tensor<A>; 3]> = operands.iter().map(scalar).collect();
    let operands = operands.iter().zip(&scalars).map(|(at, scalar)| match at {
        Slot::Number(_) => scalar,
        Slot::Tensor(at) => &tensors[*at as usize],
    });
    work(&operands.collect::<SmallVec<[&Tensor<A>; 3]>>())
}

impl<A: Float> Scalars<A> {
    fn run(&self, numbers: &mut [A], watch: bool) -> Result<(), ProgramError> {
        let (mut start, mut operands) = (self.start as usize, &self.operands[..]);
        for Run { op, count, arity } in &self.runs {
            let count = *count as usize;
            let (own, others) = operands.split_at(count * *arity as usize);
            let (before, after) = numbers.split_at_mut(start);
            op.fill_at(before, own, &mut after[..count]);
            (start, operands) = (start + count, others);
        }
        let results = &numbers[self.start as usize..start];
        let first = if watch { results.iter().position(|x| !x.is_finite()) } else { None };
        first.map_or(Ok(()), |first| {
            let ((op, location), value) = (self.origins[first], results[first].to_f64());
            Err(ProgramError::NonFinite { op, value, location })
        })
    }
}

impl<A: Float> Single<A> {
    fn run(
        &self,
        tensors: &mut [Tensor<A>],
        numbers: &mut [A],
        watch: bool,
    ) -> Result<(), ProgramError> {
        let mut out = match self.to {
            Slot::Number(_) => Tensor::default(),
            Slot::Tensor(to) => mem::take(&mut tensors[to as usize]),
        };
        let result = with_operands(&self.operands, tensors, numbers, |operands| {
            self.op.forward(operands, &mut out)
        });
        let result = result
            .map_err(|error| refused(error, &self.site))
            .and_then(|()| self.check(&out, watch));
        match self.to {
            Slot::Number(to) => numbers[to as usize] = out.as_scalar().unwrap_or_default(),
            Slot::Tensor(to) => tensors[to as usize] = out,
        }
        result
    }

    fn check(&self, value: &Tensor<A>, watch: bool) -> Result<(), ProgramError> {
        let op = self.op.name();
        if value.shape() != &self.shape[..] {
            let (shape, given) = (self.shape.to_vec(), value.shape().to_vec());
            return Err(ProgramError::ResultShape { op, shape, given });
        }
        if watch && let Some(value) = value.view().iter().find(|value| !value.is_finite()) {
            let location = self.site.location;
            return Err(ProgramError::NonFinite { op, value: value.to_f64(), location });
        }
        Ok(())
    }
}

/// A tensor from outside, as a group reads it.
#[allow(clippy::large_enum_variant)] // A box would be an allocation in every run.
enum Reader<'a, A: Float> {
    /// The elements lie in the group's order.
    Straight(Cow<'a, [A]>),
    Spread(Spread<'a, A>),
}

/// The elements of a group that one thread computes.
struct Chunk<'a, A> {
    start: usize,
    length: usize,
    outs: SmallVec<[&'a mut [A]; 8]>,
    scratch: &'a mut [A],
}

/// The first infinite or NaN value: its instruction, its index and itself.
type Found<A> = Option<(usize, usize, A)>;

impl<A: Float> Group<A> {
    fn run(
        &self,
        tensors: &mut [Tensor<A>],
        numbers: &[A],
        scratch: &mut Vec<A>,
        watch: bool,
    ) -> Result<(), ProgramError> {
        let mut outs: SmallVec<[Tensor<A>; 8]> =
            self.outs.iter().map(|&out| mem::take(&mut tensors[out as usize])).collect();
        let found = self.compute(&mut outs, tensors, numbers, scratch, watch);
        for (&at, out) in self.outs.iter().zip(outs) {
            tensors[at as usize] = out;
        }
        let Some((instruction, _, value)) = found else { return Ok(()) };
        let What::Op { name, location, .. } = self.code[instruction].what else { return Ok(()) };
        Err(ProgramError::NonFinite { op: name, value: value.to_f64(), location })
    }

    fn compute(
        &self,
        outs: &mut [Tensor<A>],
        tensors: &[Tensor<A>],
        numbers: &[A],
        scratch: &mut Vec<A>,
        watch: bool,
    ) -> Found<A> {
        let readers: SmallVec<[Reader<'_, A>; 8]> = self
            .externals
            .iter()
            .map(|external| {
                let tensor = &tensors[external.slot as usize];
                if external.straight {
                    Reader::Straight(elements_in(tensor, &self.order))
                } else {
                    Reader::Spread(Spread::new(tensor, &self.shape, &self.order))
                }
            })
            .collect();
        let number = |slot: Slot| match slot {
            Slot::Number(number) => numbers[number as usize],
            Slot::Tensor(tensor) => tensors[tensor as usize].item(),
        };
        let uniform: SmallVec<[(u32, A); 8]> =
            self.uniform.iter().map(|&(row, slot)| (row, number(slot))).collect();

        let length: usize = self.shape.iter().product();
        let count = length * self.code.len() / PER_THREAD;
        let count = if count > 1 { count.min(thread_count()).min(length / UNIT) } else { 1 }.max(1);
        let chunk_length = if count == 1 { length } else { length.div_ceil(count * UNIT) * UNIT };
        scratch.resize((self.rows * self.row * count).max(scratch.len()), A::zero());
        let mut scratch = &mut scratch[..];
        let mut rest: SmallVec<[&mut [A]; 8]> =
            outs.iter_mut().map(|out| elements_to_write(out, &self.shape, &self.order)).collect();
        let chunks = (0..count).map(|chunk| {
            let start = chunk * chunk_length;
            let length = chunk_length.min(length.saturating_sub(start));
            let (own, others) = mem::take(&mut scratch).split_at_mut(self.rows * self.row);
            scratch = others;
            let outs = rest.iter_mut().map(|rest| {
                let (own, others) = mem::take(rest).split_at_mut(length);
                *rest = others;
                own
            });
            Chunk { start, length, outs: outs.collect(), scratch: own }
        });
        if !watch {
            each_part(chunks, |chunk| {
                self.run_chunk(chunk, &readers, &uniform, false);
            });
            return None;
        }
        let found = chunks.filter_map(|chunk| self.run_chunk(chunk, &readers, &uniform, true));
        found.min_by_key(|&(instruction, index, _)| (instruction, index))
    }

    /// Runs all instructions on one row of elements, then on the next.
    fn run_chunk(
        &self,
        chunk: Chunk<'_, A>,
        readers: &[Reader<'_, A>],
        uniform: &[(u32, A)],
        watch: bool,
    ) -> Found<A> {
        let Chunk { start, length, mut outs, scratch } = chunk;
        let mut rows: SmallVec<[&mut [A]; 24]> =
            scratch.chunks_exact_mut(self.row.max(1)).take(self.rows).collect();
        rows.extend(outs.iter().map(|_| Default::default()));
        for &(row, number) in uniform {
            rows[row as usize].fill(number);
        }
        let mut found: Found<A> = None;
        let mut done = 0;
        while done < length {
            let count = self.row.min(length - done);
            let elements = start + done..start + done + count;
            for (row, rest) in rows[self.rows..].iter_mut().zip(&mut outs) {
                let (own, others) = mem::take(rest).split_at_mut(count);
                (*row, *rest) = (own, others);
            }
            for (number, Instruction { to, what }) in self.code.iter().enumerate() {
                let row = mem::take(&mut rows[*to as usize]);
                what.run(&mut row[..count], &rows, readers, &elements);
                if watch && found.is_none_or(|(first, ..)| number < first) {
                    found = what
                        .not_finite(&row[..count])
                        .map_or(found, |(i, value)| Some((number, elements.start + i, value)));
                }
                rows[*to as usize] = row;
            }
            done += count;
        }
        found
    }
}

impl<A: Float> What<A> {
    /// Computes one row: the given elements of the group.
    #[inline]
    fn run(
        &self,
        out: &mut [A],
        rows: &[&mut [A]],
        readers: &[Reader<'_, A>],
        elements: &Range<usize>,
    ) {
        match self {
            Self::Load(external) => match &readers[*external as usize] {
                Reader::Straight(x) => out.copy_from_slice(&x[elements.clone()]),
                Reader::Spread(x) => x.read(elements.start, out),
            },
            Self::Op { op, operands, .. } => {
                let operands = operands.iter().map(|operand| match operand {
                    Operand::Row(row) => &rows[*row as usize][..out.len()],
                    Operand::External(x) => match &readers[*x as usize] {
                        Reader::Straight(x) => &x[elements.clone()],
                        Reader::Spread(_) => unreachable!("it is read into a row"),
                    },
                });
                let operands: SmallVec<[&[A]; 4]> = operands.collect();
                op.fill(&operands, out);
            }
        }
    }

    /// Finds the first infinite or NaN result of an op.
    fn not_finite(&self, row: &[A]) -> Option<(usize, A)> {
        let Self::Op { .. } = self else { return None };
        let index = row.iter().position(|value| !value.is_finite())?;
        Some((index, row[index]))
    }
}
