//! Running a fused chain.

use std::mem;
use std::ops::Range;

use smallvec::SmallVec;

use super::{Layout, Step};
use crate::ground::{broadcast, memory};
use crate::kernel::layout::{Elements, elements_in, elements_to_write};
use crate::kernel::nest::Broadcast;
use crate::kernel::sums::{BLOCK, BlockSums, sum_of_blocks};
use crate::kernel::threads;
use crate::number::Float;
use crate::tensor::Tensor;

/// The fewest results of steps worth a thread of their own.
const PER_THREAD: usize = 32_768;

/// The most operands that nearly all steps have.
const FEW: usize = 3;

const FITS: &str = "as many elements as are to be computed";

/// A compiled chain: instructions that run on one row of elements after another.
#[derive(Debug)]
pub struct Fused<S> {
    pub(super) layout: Layout,
    pub(super) inputs: Vec<Source>,
    /// Rows that are the same for all rows of a piece, and the input that gives them: filled once a
    /// piece.
    pub(super) repeated: Vec<(u32, usize)>,
    pub(super) code: Vec<Instruction<S>>,
    /// The number of outputs, whose rows are the first.
    pub(super) outputs: usize,
    /// The number of results that are summed.
    pub(super) sums: usize,
    /// The number of rows, the outputs' included.
    pub(super) rows: usize,
    /// The length of a row.
    pub(super) row: usize,
}

/// How an input is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Source {
    /// One number for all elements, written to a row once.
    Number,
    /// As many elements as this over and over, written to a row once.
    Periodic(usize),
    /// Its elements lie as the results' do: they are read where they are.
    Direct,
    /// Its elements are gathered to a row.
    Gathered,
}

#[derive(Debug)]
pub(super) enum Instruction<S> {
    /// Writes a row.
    Write { to: u32, what: What<S> },
    /// Adds a row's elements to a sum.
    Sum { sum: usize, row: u32 },
}

#[derive(Debug)]
pub(super) enum What<S> {
    /// Reads a row of an input.
    Gather { input: usize },
    /// Runs the step that has this number in the chain.
    Step { step: S, number: usize, operands: SmallVec<[Operand; 3]> },
}

/// Where an operand is held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operand {
    Row(u32),
    /// An input that is read directly.
    Input(u32),
}

/// An input of a run.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a, A: Float> {
    /// The same number for all elements.
    Number(A),
    /// A tensor that broadcasts to the shape of the results.
    Tensor(&'a Tensor<A>),
}

/// The first result of a run that is infinite or NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonFinite<A> {
    /// The number of the step in the chain.
    pub step: usize,
    /// The index of the element, in the order of memory.
    pub element: usize,
    /// The result.
    pub value: A,
}

/// An input as the instructions read it.
#[allow(clippy::large_enum_variant)] // A box would be an allocation in every run.
enum Reader<'a, A: Float> {
    Number(A),
    Direct(Elements<'a, A>),
    Gathered(Broadcast<'a, A>),
}

/// The elements that one thread computes.
struct Piece<'a, A> {
    start: usize,
    length: usize,
    outputs: SmallVec<[&'a mut [A]; 8]>,
    sums: Sums<BlockSums<'a, A>>,
    scratch: &'a mut [A],
}

/// One for each result that is summed.
type Sums<T> = SmallVec<[T; 2]>;

impl<S> Fused<S> {
    /// Runs all steps, writes the outputs, each in its tensor, and gives the sums, as they were added
    /// to the chain.
    ///
    /// A tensor of the right shape and layout is overwritten, any other is replaced. `scratch` is
    /// memory that is used again: a run allocates nothing if it was there in the run before.
    ///
    /// # Panics
    /// If there are fewer inputs or outputs than the chain has, or of other shapes.
    pub fn run<A: Float>(
        &self,
        inputs: &[Input<'_, A>],
        outputs: &mut [Tensor<A>],
        scratch: &mut Vec<A>,
    ) -> SmallVec<[A; 2]>
    where
        S: Step<A>,
    {
        let readers = self.readers(inputs);
        threads::each(self.pieces(outputs, scratch), |piece| {
            self.run_piece(piece, &readers, |_, _, _| {});
        });
        self.totals(scratch)
    }

    /// Runs all steps as [`run`](Self::run) does, and looks for results that are not finite.
    ///
    /// Gives the first one: of the first step that has any, the first in memory. Sums are not given.
    ///
    /// # Panics
    /// If there are fewer inputs or outputs than the chain has, or of other shapes.
    pub fn run_checked<A: Float>(
        &self,
        inputs: &[Input<'_, A>],
        outputs: &mut [Tensor<A>],
        scratch: &mut Vec<A>,
    ) -> Option<NonFinite<A>>
    where
        S: Step<A>,
    {
        let readers = self.readers(inputs);
        let mut first: Option<NonFinite<A>> = None;
        for piece in self.pieces(outputs, scratch) {
            self.run_piece(piece, &readers, |step, start, row| {
                if first.is_none_or(|first| step < first.step)
                    && let Some(i) = row.iter().position(|value| !value.is_finite())
                {
                    first = Some(NonFinite { step, element: start + i, value: row[i] });
                }
            });
        }
        first
    }

    /// The number of pieces that a run is divided into: one for each thread, or some for each where
    /// they consist of blocks, which would not come out even.
    fn count_pieces(&self) -> usize {
        let is_step = |code: &&Instruction<S>| {
            matches!(code, Instruction::Write { what: What::Step { .. }, .. })
        };
        let steps = self.code.iter().filter(is_step);
        match threads::pieces(self.layout.len() * steps.count(), PER_THREAD) {
            0 | 1 => 1,
            threads if self.sums == 0 => threads.min(self.layout.len() / self.unit()).max(1),
            threads => (4 * threads).min(self.blocks()),
        }
    }

    /// What a thread computes begins at a multiple of it.
    fn unit(&self) -> usize {
        if self.sums == 0 { self.row } else { BLOCK }
    }

    /// The elements from one row of scratch memory to the next, which begins at a line of the cache.
    fn stride<A>(&self) -> usize {
        self.row.next_multiple_of(memory::line::<A>())
    }

    /// The number of blocks whose sums make up each sum.
    fn blocks(&self) -> usize {
        self.layout.len().div_ceil(BLOCK)
    }

    /// The sums, from those of their blocks, which are first in the scratch memory.
    fn totals<A: Float>(&self, scratch: &[A]) -> SmallVec<[A; 2]> {
        let blocks = self.blocks();
        (0..self.sums).map(|sum| sum_of_blocks(&scratch[sum * blocks..][..blocks])).collect()
    }

    fn readers<'a, A: Float>(&self, inputs: &[Input<'a, A>]) -> SmallVec<[Reader<'a, A>; 8]> {
        assert_eq!(inputs.len(), self.inputs.len(), "as many inputs as the chain has");
        let Layout { shape, order } = &self.layout;
        let pairs = self.inputs.iter().zip(inputs);
        pairs
            .map(|pair| match pair {
                (Source::Number, Input::Number(number)) => Reader::Number(*number),
                (Source::Number, Input::Tensor(x)) => Reader::Number(x.item()),
                (_, Input::Number(_)) => panic!("a number for a tensor of several elements"),
                (Source::Direct, Input::Tensor(x)) => {
                    assert_eq!(x.shape(), &shape[..], "an input of the shape of the results");
                    Reader::Direct(elements_in(x, order))
                }
                (Source::Gathered | Source::Periodic(_), Input::Tensor(x)) => {
                    let fits = broadcast(&[x.shape(), shape]).is_ok_and(|all| all == *shape);
                    assert!(fits, "an input of shape {:?} for results of {shape:?}", x.shape());
                    Reader::Gathered(Broadcast::new(x, shape, order))
                }
            })
            .collect()
    }

    /// Divides outputs and scratch among the threads.
    fn pieces<'a, A: Float>(
        &self,
        outputs: &'a mut [Tensor<A>],
        scratch: &'a mut Vec<A>,
    ) -> impl Iterator<Item = Piece<'a, A>> {
        assert_eq!(outputs.len(), self.outputs, "as many outputs as the chain has");
        let (count, length, unit) = (self.count_pieces(), self.layout.len(), self.unit());
        let most = if count == 1 { length } else { length.div_ceil(count * unit) * unit };
        let (room, blocks) = ((self.rows - self.outputs) * self.stride::<A>(), self.blocks());
        let all = self.sums * blocks + memory::line::<A>() + room * count;
        scratch.resize(all.max(scratch.len()), A::zero());
        let (sums, scratch) = scratch.split_at_mut(self.sums * blocks);
        let before = memory::before_line(scratch);
        let mut scratch = &mut scratch[before..];
        let mut sums: Sums<&mut [A]> = sums.chunks_exact_mut(blocks.max(1)).collect();
        let Layout { shape, order } = &self.layout;
        let mut rest: SmallVec<[&mut [A]; 8]> =
            outputs.iter_mut().map(|out| elements_to_write(out, shape, order)).collect();
        (0..count).map(move |piece| {
            let start = piece * most;
            let length = most.min(length.saturating_sub(start));
            let outputs =
                rest.iter_mut().map(|rest| rest.split_off_mut(..length).expect(FITS)).collect();
            let sums = sums.iter_mut().map(|rest| {
                let blocks = rest.split_off_mut(..length.div_ceil(BLOCK));
                BlockSums::new(blocks.expect(FITS))
            });
            let sums = sums.collect();
            let scratch = scratch.split_off_mut(..room).expect(FITS);
            Piece { start, length, outputs, sums, scratch }
        })
    }

    /// Runs all instructions on one row of elements, then on the next.
    ///
    /// `look` sees the row that each step has written, with the step's number and that of the row's
    /// first element.
    fn run_piece<A: Float>(
        &self,
        piece: Piece<'_, A>,
        readers: &[Reader<'_, A>],
        mut look: impl FnMut(usize, usize, &[A]),
    ) where
        S: Step<A>,
    {
        let Piece { start, length, mut outputs, mut sums, scratch } = piece;
        if length == 0 {
            return;
        }
        let mut rows: SmallVec<[&mut [A]; 24]> =
            outputs.iter().map(|_| Default::default()).collect();
        rows.extend(scratch.chunks_exact_mut(self.stride::<A>()));
        for &(row, input) in &self.repeated {
            match &readers[input] {
                Reader::Number(number) => rows[row as usize][..self.row].fill(*number),
                Reader::Gathered(x) => {
                    let Source::Periodic(period) = self.inputs[input] else { unreachable!() };
                    x.read(start % period, &mut rows[row as usize][..self.row]);
                }
                Reader::Direct(_) => unreachable!("an input that does not repeat"),
            }
        }
        let mut done = 0;
        while done < length {
            let count = self.row.min(length - done);
            let elements = start + done..start + done + count;
            for (row, rest) in rows.iter_mut().zip(&mut outputs) {
                *row = rest.split_off_mut(..count).expect(FITS);
            }
            for instruction in &self.code {
                let (to, what) = match instruction {
                    Instruction::Write { to, what } => (*to as usize, what),
                    Instruction::Sum { sum, row } => {
                        sums[*sum].add(&rows[*row as usize][..count]);
                        continue;
                    }
                };
                let row = mem::take(&mut rows[to]);
                what.run(&mut row[..count], &rows, readers, &elements);
                if let What::Step { number, .. } = what {
                    look(*number, elements.start, &row[..count]);
                }
                rows[to] = row;
            }
            done += count;
        }
        sums.into_iter().for_each(BlockSums::finish);
    }
}

impl<S> What<S> {
    /// Computes the elements of one row.
    #[inline(always)]
    fn run<A: Float>(
        &self,
        out: &mut [A],
        rows: &[&mut [A]],
        readers: &[Reader<'_, A>],
        elements: &Range<usize>,
    ) where
        S: Step<A>,
    {
        match self {
            Self::Gather { input } => match &readers[*input] {
                Reader::Gathered(x) => x.read(elements.start, out),
                _ => unreachable!("any other input is read where it lies"),
            },
            Self::Step { step, operands, .. } => {
                let read = |operand: &Operand| match operand {
                    Operand::Row(row) => &rows[*row as usize][..out.len()],
                    Operand::Input(x) => match &readers[*x as usize] {
                        Reader::Direct(x) => &x[elements.clone()],
                        _ => unreachable!("any other input is read into a row"),
                    },
                };
                // On short rows, collecting a handful of slices would cost as much as the step.
                let mut few: [&[A]; FEW] = [&[]; FEW];
                if operands.len() <= FEW {
                    few.iter_mut().zip(operands).for_each(|(to, operand)| *to = read(operand));
                    step.fill(&few[..operands.len()], out);
                } else {
                    step.fill(&operands.iter().map(read).collect::<SmallVec<[&[A]; 8]>>(), out);
                }
            }
        }
    }
}
