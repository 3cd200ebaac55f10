//! Runs a program.

use std::borrow::Cow;
use std::mem;

use ops::{Float, Spread, Tensor, each_part, elements_in, elements_to_write, thread_count};
use smallvec::SmallVec;

use super::plan::{At, Call, Group, Instruction, Operand, Run, Scalars, What, Work};
use super::{Output, Program, ProgramError, refused};

/// As many results of ops make it worth a second thread's while.
const PER_THREAD: usize = 65_536;

/// Parts of a group that threads run begin at multiples of this.
const UNIT: usize = 256;

pub(super) fn run<A: Float>(program: &mut Program<A>) -> Result<(), ProgramError> {
    let Program { steps, tensors, numbers, outputs, scratch, kept_views, nothing, .. } = program;
    // Of the run before. What they are views of can be written in place only without them.
    for &view in &*kept_views {
        tensors[view as usize].show(nothing);
    }
    let watch = program.stop_at_non_finite;
    let mut result = Ok(());
    for step in &*steps {
        if result.is_ok() {
            result = match &step.work {
                Work::Scalars(scalars) => scalars.run(numbers, watch),
                Work::Group(group) => group.run(tensors, numbers, scratch, watch),
                Work::Call(call) => call.run(tensors, numbers, watch),
                Work::Accumulate { op, operands, to } => {
                    let mut sum = mem::take(&mut tensors[*to as usize]);
                    with_operands(operands, tensors, numbers, |operands| {
                        op.accumulate(operands, &mut sum);
                    });
                    tensors[*to as usize] = sum;
                    Ok(())
                }
            };
        }
        for &view in &step.release {
            tensors[view as usize].show(nothing);
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
    operands: &[At],
    tensors: &[Tensor<A>],
    numbers: &[A],
    work: impl FnOnce(&[&Tensor<A>]) -> T,
) -> T {
    let scalar = |at: &At| match at {
        At::Number(at) => Tensor::scalar(numbers[*at as usize]),
        At::Tensor(_) => Tensor::default(),
    };
    let scalars: SmallVec<[Tensor<A>; 3]> = operands.iter().map(scalar).collect();
    let operands = operands.iter().zip(&scalars).map(|(at, scalar)| match at {
        At::Number(_) => scalar,
        At::Tensor(at) => &tensors[*at as usize],
    });
    work(&operands.collect::<SmallVec<[&Tensor<A>; 3]>>())
}

impl<A: Float> Scalars<A> {
    fn run(&self, numbers: &mut [A], watch: bool) -> Result<(), ProgramError> {
        let (mut start, mut places) = (self.start as usize, &self.places[..]);
        for Run { op, count, arity } in &self.runs {
            let count = *count as usize;
            let (own, others) = places.split_at(count * *arity as usize);
            let (before, after) = numbers.split_at_mut(start);
            op.fill_at(before, own, &mut after[..count]);
            (start, places) = (start + count, others);
        }
        let results = &numbers[self.start as usize..start];
        let first = if watch { results.iter().position(|x| !x.is_finite()) } else { None };
        first.map_or(Ok(()), |first| {
            let ((op, location), value) = (self.origins[first], results[first].to_f64());
            Err(ProgramError::NonFinite { op, value, location })
        })
    }
}

impl<A: Float> Call<A> {
    fn run(
        &self,
        tensors: &mut [Tensor<A>],
        numbers: &mut [A],
        watch: bool,
    ) -> Result<(), ProgramError> {
        let mut out = match self.to {
            At::Number(_) => Tensor::default(),
            At::Tensor(to) => mem::take(&mut tensors[to as usize]),
        };
        let result = with_operands(&self.operands, tensors, numbers, |operands| {
            self.op.forward_into(operands, &mut out)
        });
        let result = result
            .map_err(|error| refused(error, &self.source))
            .and_then(|()| self.check(&out, watch));
        match self.to {
            At::Number(to) => numbers[to as usize] = out.as_scalar().unwrap_or_default(),
            At::Tensor(to) => tensors[to as usize] = out,
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
            let location = self.source.location;
            return Err(ProgramError::NonFinite { op, value: value.to_f64(), location });
        }
        Ok(())
    }
}

/// What a group reads from outside.
#[allow(clippy::large_enum_variant)] // A box would be an allocation in every run.
enum Source<'a, A: Float> {
    /// Elements that lie as the group's places do.
    Straight(Cow<'a, [A]>),
    Spread(Spread<'a, A>),
}

/// The part of a group's places that a thread runs.
struct Part<'a, A> {
    start: usize,
    length: usize,
    outs: SmallVec<[&'a mut [A]; 8]>,
    scratch: &'a mut [A],
}

/// Where an infinite or NaN value was found: by which instruction, at which place.
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
        let sources: SmallVec<[Source<'_, A>; 8]> = self
            .externals
            .iter()
            .map(|external| {
                let tensor = &tensors[external.at as usize];
                if external.straight {
                    Source::Straight(elements_in(tensor, &self.order))
                } else {
                    Source::Spread(Spread::new(tensor, &self.shape, &self.order))
                }
            })
            .collect();
        let number = |at: At| match at {
            At::Number(at) => numbers[at as usize],
            At::Tensor(at) => tensors[at as usize].item(),
        };
        let uniform: SmallVec<[(u32, A); 8]> =
            self.uniform.iter().map(|&(row, at)| (row, number(at))).collect();

        let length: usize = self.shape.iter().product();
        let parts = length * self.code.len() / PER_THREAD;
        let parts = if parts > 1 { parts.min(thread_count()).min(length / UNIT) } else { 1 }.max(1);
        let part_length = if parts == 1 { length } else { length.div_ceil(parts * UNIT) * UNIT };
        scratch.resize((self.rows * self.row * parts).max(scratch.len()), A::zero());
        let mut scratch = &mut scratch[..];
        let mut rest: SmallVec<[&mut [A]; 8]> =
            outs.iter_mut().map(|out| elements_to_write(out, &self.shape, &self.order)).collect();
        let parts = (0..parts).map(|part| {
            let start = part * part_length;
            let length = part_length.min(length.saturating_sub(start));
            let (own, others) = mem::take(&mut scratch).split_at_mut(self.rows * self.row);
            scratch = others;
            let outs = rest.iter_mut().map(|rest| {
                let (own, others) = mem::take(rest).split_at_mut(length);
                *rest = others;
                own
            });
            Part { start, length, outs: outs.collect(), scratch: own }
        });
        if !watch {
            each_part(parts, |part| {
                self.run_part(part, &sources, &uniform, false);
            });
            return None;
        }
        let found = parts.filter_map(|part| self.run_part(part, &sources, &uniform, true));
        found.min_by_key(|&(instruction, place, _)| (instruction, place))
    }

    /// Runs all instructions on a stretch of places, then on the next.
    fn run_part(
        &self,
        part: Part<'_, A>,
        sources: &[Source<'_, A>],
        uniform: &[(u32, A)],
        watch: bool,
    ) -> Found<A> {
        let Part { start, length, mut outs, scratch } = part;
        let mut rows: SmallVec<[&mut [A]; 24]> =
            scratch.chunks_exact_mut(self.row.max(1)).take(self.rows).collect();
        rows.extend(outs.iter().map(|_| Default::default()));
        for &(row, number) in uniform {
            rows[row as usize].fill(number);
        }
        let mut found: Found<A> = None;
        let mut at = 0;
        while at < length {
            let count = self.row.min(length - at);
            let places = start + at..start + at + count;
            for (row, rest) in rows[self.rows..].iter_mut().zip(&mut outs) {
                let (own, others) = mem::take(rest).split_at_mut(count);
                (*row, *rest) = (own, others);
            }
            for (number, Instruction { to, what }) in self.code.iter().enumerate() {
                let row = mem::take(&mut rows[*to as usize]);
                let out = &mut row[..count];
                match what {
                    What::Load(external) => match &sources[*external as usize] {
                        Source::Straight(x) => out.copy_from_slice(&x[places.clone()]),
                        Source::Spread(x) => x.read(places.start, out),
                    },
                    What::Op { op, operands, .. } => {
                        let operands = operands.iter().map(|operand| match operand {
                            Operand::Row(row) => &rows[*row as usize][..count],
                            Operand::External(x) => match &sources[*x as usize] {
                                Source::Straight(x) => &x[places.clone()],
                                Source::Spread(_) => unreachable!("it is read into a row"),
                            },
                        });
                        let operands: SmallVec<[&[A]; 4]> = operands.collect();
                        op.fill(&operands, out);
                        if watch && found.is_none_or(|(first, ..)| number < first) {
                            let place = out.iter().position(|value| !value.is_finite());
                            found = place.map(|i| (number, places.start + i, out[i])).or(found);
                        }
                    }
                }
                rows[*to as usize] = row;
            }
            at += count;
        }
        found
    }
}
