//! Runs a program.

use std::mem;

use ops::fuse::{Input, NonFinite};
use ops::{Float, Tensor};
use smallvec::SmallVec;

use super::code::{CodeOrigin, Ending, Group, Scalars, Single, Slot, Work};
use super::{Output, Program, ProgramError, refused};

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
                Work::Copy { op, from, to } => {
                    let mut copy = mem::take(&mut tensors[*to as usize]);
                    let rule = op.shortcuts().expect("a rule that copies");
                    rule.copy(&tensors[*from as usize], &mut copy);
                    tensors[*to as usize] = copy;
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
        let results = self.steps.run(numbers);
        let first = if watch { results.iter().position(|x| !x.is_finite()) } else { None };
        first.map_or(Ok(()), |first| Err(non_finite(self.origins[first], results[first])))
    }
}

/// A tensor that is written while others are read. It goes back to its slot also if a function of
/// the user's panics, so that the program can run again.
struct Lent<'s, A: Float> {
    tensors: &'s mut [Tensor<A>],
    slot: Option<usize>,
    out: Tensor<A>,
}

impl<'s, A: Float> Lent<'s, A> {
    fn new(tensors: &'s mut [Tensor<A>], slot: Option<usize>) -> Self {
        let out = slot.map_or_else(Tensor::default, |slot| mem::take(&mut tensors[slot]));
        Self { tensors, slot, out }
    }
}

impl<A: Float> Drop for Lent<'_, A> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.tensors[slot] = mem::take(&mut self.out);
        }
    }
}

impl<A: Float> Single<A> {
    fn run(
        &self,
        tensors: &mut [Tensor<A>],
        numbers: &mut [A],
        watch: bool,
    ) -> Result<(), ProgramError> {
        let slot = match self.to {
            Slot::Number(_) => None,
            Slot::Tensor(to) => Some(to as usize),
        };
        let mut lent = Lent::new(tensors, slot);
        let tensors = &*lent.tensors;
        let result = with_operands(&self.operands, tensors, numbers, |operands| {
            let mut operands = SmallVec::<[&Tensor<A>; 3]>::from_slice(operands);
            if let Some((number, copy)) = self.copied
                && self.op.shortcuts().and_then(|rule| rule.copies(&operands)) == Some(number)
            {
                operands[number] = &tensors[copy as usize];
            }
            self.op.forward_again(&operands, &self.shape, &mut lent.out)
        });
        if let Slot::Number(to) = self.to {
            numbers[to as usize] = lent.out.as_scalar().unwrap_or_default();
        }
        result
            .map_err(|error| refused(error, &self.site))
            .and_then(|()| self.check(&lent.out, watch))
    }

    fn check(&self, value: &Tensor<A>, watch: bool) -> Result<(), ProgramError> {
        let op = self.op.name();
        if value.shape() != &self.shape[..] {
            let (shape, given) = (self.shape.to_vec(), value.shape().to_vec());
            return Err(ProgramError::ResultShape { op, shape, given });
        }
        if watch && let Some(value) = value.view().iter().find(|value| !value.is_finite()) {
            return Err(non_finite((op, self.site.location), *value));
        }
        Ok(())
    }
}

impl<A: Float> Group<A> {
    fn run(
        &self,
        tensors: &mut [Tensor<A>],
        numbers: &mut [A],
        scratch: &mut Vec<A>,
        watch: bool,
    ) -> Result<(), ProgramError> {
        let mut outs: SmallVec<[Tensor<A>; 8]> =
            self.outs.iter().map(|&out| mem::take(&mut tensors[out as usize])).collect();
        let found = self.compute(&mut outs, tensors, numbers, scratch, watch);
        for (&out, value) in self.outs.iter().zip(outs) {
            tensors[out as usize] = value;
        }
        found.map_or(Ok(()), |found| Err(non_finite(self.origins[found.step], found.value)))
    }

    fn compute(
        &self,
        outs: &mut [Tensor<A>],
        tensors: &[Tensor<A>],
        numbers: &mut [A],
        scratch: &mut Vec<A>,
        watch: bool,
    ) -> Option<NonFinite<A>> {
        let inputs = self.inputs.iter().map(|slot| match *slot {
            Slot::Number(number) => Input::Number(numbers[number as usize]),
            Slot::Tensor(tensor) => Input::Tensor(&tensors[tensor as usize]),
        });
        let inputs: SmallVec<[Input<'_, A>; 8]> = inputs.collect();
        if watch {
            return self.fused.run_checked(&inputs, outs, scratch);
        }
        let sums = self.fused.run(&inputs, outs, scratch);
        for (Ending { op, shape, to }, sum) in self.endings.iter().zip(sums) {
            let value = op.shortcuts().and_then(|op| op.of_sum(shape, sum));
            numbers[*to as usize] = value.expect("an op that takes a sum");
        }
        None
    }
}

/// An infinite or NaN result of an op.
fn non_finite<A: Float>((op, location): CodeOrigin, value: A) -> ProgramError {
    ProgramError::NonFinite { op, value: value.to_f64(), location }
}
