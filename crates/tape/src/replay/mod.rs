//! Programs: recorded values computed again with other numbers.
//!
//! A tape records anew at every step, which costs a node for every op. Where the steps repeat, one
//! recording is enough: [`Tape::compile`] makes a [`Program`] of it, which computes the same values
//! from new leaves, without a graph and with its memory planned ahead. Gradients come in by way of
//! [`Var::backward_recorded`], whose results are values of the tape like all others.
//!
//! | file | what it does |
//! |---|---|
//! | `expand` | replaces composed ops by their parts |
//! | `slopes` | finds what is recorded as a formula and can be computed in one step |
//! | `schedule` | decides on the order, and on which ops share a pass over the data |
//! | `allocate` | decides where each value lives, and for how long |
//! | `copies` | finds copies that several ops would make, which are made once |
//! | `scalars`, `group` | compile ops of scalars, and ops that share a pass |
//! | `code` | is what a compiled program consists of |
//! | `run` | runs it |
//! | `plan` | says what runs and what lives where |

use std::collections::HashMap;

use ops::{Float, OpError, Shape, Tensor, error::show};
use smallvec::SmallVec;
use thiserror::Error;

use crate::graph::error::{Origin, RecordError};
use crate::graph::tape::Tape;
use crate::graph::var::Var;

mod allocate;
mod code;
mod copies;
mod expand;
mod group;
mod plan;
mod run;
mod scalars;
mod schedule;
mod slopes;

use code::{CallSite, ProgramStep, Slot};
pub use plan::{Plan, PlannedStep, PlannedValue, Storage};

/// Values that a tape recorded, as a program that computes them again from new leaves.
///
/// It is made by [`Tape::compile`], and does not borrow the tape, which may be reset or dropped.
/// Every rule computes what it computed when it was recorded, and every sum is added in the same
/// order, so that from equal leaves come equal bits. What is saved is the recording, and memory:
///
/// - elementwise ops, and sums and means of all that they compute, run several at a time, stretch by
///   stretch, and what only they need is never stored in full;
/// - a gradient times the slope of such an op is one step, not one for each op of the slope's formula;
/// - values that do not live at the same time share a buffer;
/// - a graph of scalars becomes a list of numbers, in which equal ops stand side by side.
///
/// The program is what was recorded and nothing else: a branch that the recording took is taken
/// again whatever the new numbers are, and what was a setting of an op and no operand (a dropout
/// mask drawn, indices picked, the shape of a reshape) stays as it was.
///
/// ```
/// use tape::{Tape, prelude::*};
///
/// let tape = Tape::new();
/// let (w, x) = (tape.var([2.0, -1.0]), tape.constant([3.0, 4.0]));
/// let loss = (w * x).tanh().sum();
/// let slope = loss.backward_recorded().wrt(w);
///
/// let mut program = tape.compile(&[loss, slope]);
/// program.set(w.position(), &ops::Tensor::from([0.0, 0.0]))?;
/// program.run()?;
/// assert_eq!(program.value(0).item(), 0.0);
/// assert_eq!(*program.value(1), ops::Tensor::from([3.0, 4.0]));
/// # Ok::<(), tape::ProgramError>(())
/// ```
#[derive(Debug)]
pub struct Program<A: Float> {
    steps: Vec<ProgramStep<A>>,
    /// The slots of tensors: leaves, buffers and views.
    tensors: Vec<Tensor<A>>,
    /// The slots of scalars.
    numbers: Vec<A>,
    /// The leaves, by position on the tape.
    leaves: HashMap<usize, Leaf>,
    /// The number of values on the tape when it was compiled.
    recorded: usize,
    outputs: Vec<Output<A>>,
    /// Slots of views that are outputs, and so outlive the run.
    kept_views: Vec<u32>,
    /// The rows that groups keep for themselves.
    scratch: Vec<A>,
    /// An empty tensor, for the slots of views between runs.
    nothing: Tensor<A>,
    /// Stops at the first infinite or NaN value, if true.
    stop_at_non_finite: bool,
    plan: Plan,
}

/// A leaf of the program.
#[derive(Debug)]
struct Leaf {
    slot: Slot,
    shape: Shape,
    label: String,
}

/// A value that was asked for.
#[derive(Debug)]
enum Output<A: Float> {
    /// The slot in which the program computes it.
    Tensor(u32),
    /// A copy of a number or a leaf, and its slot.
    Copy(Slot, Tensor<A>),
}

/// An error of a program.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// The value is not a leaf of the program.
    #[error("the value at position {position} cannot be set: {reason}")]
    NotALeaf {
        /// The position that was given.
        position: usize,
        /// The reason.
        reason: &'static str,
    },
    /// A value of another shape than the leaf's.
    #[error(
        "the leaf {label} was recorded with shape {}, so it cannot be set to a value of shape {}; \
         record and compile once for each shape",
        show(shape),
        show(given)
    )]
    Shape {
        /// The label of the leaf.
        label: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The shape of the value.
        given: Vec<usize>,
    },
    /// An op that refuses the numbers, such as the inverse of a singular matrix.
    #[error("{0}")]
    Op(Box<RecordError>),
    /// A function of the user's whose result has another shape than when it was recorded.
    #[error(
        "{op} gave a value of shape {}, but of shape {} when it was recorded; a program can only \
         replay what keeps its shape",
        show(given),
        show(shape)
    )]
    ResultShape {
        /// The name of the function.
        op: &'static str,
        /// The shape that was recorded.
        shape: Vec<usize>,
        /// The shape of the result.
        given: Vec<usize>,
    },
    /// An infinite or NaN value, in the program of a tape that stops at the first.
    #[error("{op} gives {value}, called at {location}")]
    NonFinite {
        /// The op.
        op: &'static str,
        /// The value: infinite or NaN.
        value: f64,
        /// The line that recorded it.
        location: &'static std::panic::Location<'static>,
    },
}

impl<A: Float> Tape<A> {
    /// Makes a [`Program`] that computes `outputs` again from other leaves. It holds the values
    /// that are recorded now until it runs for the first time.
    ///
    /// It takes some ten times as long as recording the values did, and so pays for what runs more
    /// often than that.
    ///
    /// # Panics
    /// If an output is a value of another tape.
    #[track_caller]
    pub fn compile(&self, outputs: &[Var<'_, A>]) -> Program<A> {
        for (number, output) in outputs.iter().enumerate() {
            assert!(
                std::ptr::eq(output.tape(), self),
                "output number {number} is a value of another tape ({}); a program computes what \
                 one tape recorded",
                Origin::of(*output)
            );
        }
        allocate::compile(self, outputs)
    }
}

impl<A: Float> Program<A> {
    /// Gives a variable or constant a new value, which it keeps until it is given another. Its
    /// position is that of [`Var::position`]; leaves that are not set keep the value recorded.
    ///
    /// The elements are shared and not copied, as by every clone of a tensor. Whoever then changes
    /// them in place, such as an optimiser, has to copy them first; [`run_with`](Program::run_with)
    /// spares that.
    ///
    /// # Errors
    /// If there is no leaf at this position that the outputs were computed from, or the value has
    /// another shape than it.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let x = tape.var([1.0, 2.0]).named("x");
    /// let mut program = tape.compile(&[x.sum()]);
    /// let error = program.set(x.position(), &ops::Tensor::from([1.0])).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "the leaf x was recorded with shape [2], so it cannot be set to a value of shape [1]; \
    ///      record and compile once for each shape"
    /// );
    /// ```
    pub fn set(&mut self, position: usize, value: &Tensor<A>) -> Result<(), ProgramError> {
        self.exchange(position, value.clone()).map(drop)
    }

    /// Tells whether there is a leaf at this position that the outputs are computed from, which can be
    /// [`set`](Program::set).
    pub fn has_leaf(&self, position: usize) -> bool {
        self.leaves.contains_key(&position)
    }

    /// Computes the outputs.
    ///
    /// # Errors
    /// If an op has no value at these numbers, such as the inverse of a singular matrix; or, of a
    /// tape that [stops at what is not finite](Tape::stop_at_non_finite), at the first such value.
    pub fn run(&mut self) -> Result<(), ProgramError> {
        run::run(self)
    }

    /// Computes the outputs with these values for leaves, by position. After the run
    /// the leaves are what they were before and the program holds nothing of the values given, so
    /// that an optimiser can change them in place.
    ///
    /// # Errors
    /// Those of [`set`](Program::set) and [`run`](Program::run). Leaves are then as they were before.
    ///
    /// ```
    /// use tape::{Tape, prelude::*};
    ///
    /// let tape = Tape::new();
    /// let w = tape.var([3.0, -1.0]);
    /// let loss = w.square().sum();
    /// let mut program = tape.compile(&[loss, loss.backward_recorded().wrt(w)]);
    ///
    /// let mut weights = ops::Tensor::from([3.0, -1.0]);
    /// for _ in 0..50 {
    ///     program.run_with(&[(w.position(), &weights)])?;
    ///     let step = 0.1 * program.value(1);
    ///     weights = &weights - &step;
    /// }
    /// assert!(program.value(0).item() < 1e-8);
    /// # Ok::<(), tape::ProgramError>(())
    /// ```
    pub fn run_with(&mut self, leaves: &[(usize, &Tensor<A>)]) -> Result<(), ProgramError> {
        let mut changed = Changed { program: self, before: SmallVec::new() };
        for &(position, value) in leaves {
            let value = changed.program.exchange(position, value.clone())?;
            changed.before.push((position, value));
        }
        changed.program.run()
    }

    /// The value of output number `index`, in the order in which they were given to
    /// [`compile`](Tape::compile): that of the last run, or that recorded before the first.
    ///
    /// # Panics
    /// If there is no such output.
    #[track_caller]
    pub fn value(&self, index: usize) -> &Tensor<A> {
        let outputs = self.outputs.len();
        match self.outputs.get(index) {
            Some(Output::Tensor(at)) => &self.tensors[*at as usize],
            Some(Output::Copy(_, value)) => value,
            None => panic!("there is no output number {index}: the program has {outputs}"),
        }
    }

    /// The number of outputs.
    pub fn len(&self) -> usize {
        self.outputs.len()
    }

    /// Tells whether the program has no outputs.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// The order of ops, which of them share a pass over the data, and where each value lives.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Gives a leaf a new value and returns the one before.
    fn exchange(&mut self, position: usize, value: Tensor<A>) -> Result<Tensor<A>, ProgramError> {
        let Some(leaf) = self.leaves.get(&position) else {
            let reason = if position >= self.recorded {
                "the tape held no value there when the program was compiled"
            } else {
                "it is no variable or constant that the program's outputs were computed from"
            };
            return Err(ProgramError::NotALeaf { position, reason });
        };
        if value.shape() != &leaf.shape[..] {
            let (label, shape) = (leaf.label.clone(), leaf.shape.to_vec());
            return Err(ProgramError::Shape { label, shape, given: value.shape().to_vec() });
        }
        Ok(match leaf.slot {
            Slot::Number(index) => {
                let number = &mut self.numbers[index as usize];
                Tensor::scalar(std::mem::replace(number, value.item()))
            }
            Slot::Tensor(index) => std::mem::replace(&mut self.tensors[index as usize], value),
        })
    }
}

/// A program with other leaves for a while. They come back when the run is over, also if a function
/// of the user's panicked in it.
struct Changed<'p, A: Float> {
    program: &'p mut Program<A>,
    before: SmallVec<[(usize, Tensor<A>); 16]>,
}

impl<A: Float> Drop for Changed<'_, A> {
    fn drop(&mut self) {
        // Backwards, so that of a position given twice the first value comes back last.
        while let Some((position, value)) = self.before.pop() {
            let restored = self.program.exchange(position, value);
            debug_assert!(restored.is_ok(), "the leaf had this value");
        }
    }
}

impl Slot {
    /// The value in the slot.
    fn value<A: Float>(self, tensors: &[Tensor<A>], numbers: &[A]) -> Tensor<A> {
        match self {
            Self::Number(index) => Tensor::scalar(numbers[index as usize]),
            Self::Tensor(index) => tensors[index as usize].clone(),
        }
    }
}

/// An op's refusal, with where it was recorded.
fn refused(error: OpError, site: &CallSite) -> ProgramError {
    let CallSite { operands, location } = site;
    ProgramError::Op(Box::new(RecordError { error, operands: operands.clone(), location }))
}
