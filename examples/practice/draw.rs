//! Problems are drawn: the same seed draws the same program with the same numbers.

use chacha20::ChaCha8Rng;
use ops::Tensor;
use rand::{RngExt, SeedableRng};
use tape::{Tape, Var};

/// The source of the values of a program's variables.
#[derive(Debug)]
enum Leaves<'t> {
    /// As they were drawn.
    Drawn,
    /// Moved a little, by random numbers of their own.
    Moved(Box<ChaCha8Rng>),
    /// Recorded elsewhere, in the order in which the program asks for them.
    Given(Vec<Var<'t, f64>>),
}

/// Records a program that it draws.
///
/// What is drawn does not depend on the values of the variables: so the program is the same at other
/// values.
#[derive(Debug)]
pub struct Draw<'t> {
    tape: &'t Tape<f64>,
    rng: ChaCha8Rng,
    leaves: Leaves<'t>,
    variables: Vec<Var<'t, f64>>,
}

impl<'t> Draw<'t> {
    /// Draws with the values of the problem.
    pub fn new(tape: &'t Tape<f64>, seed: u64) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { tape, rng, leaves: Leaves::Drawn, variables: Vec::new() }
    }

    /// Draws the same program at other values, of which there are as many as there are points.
    pub fn moved(tape: &'t Tape<f64>, seed: u64, point: u64) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed ^ (point + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self { leaves: Leaves::Moved(Box::new(rng)), ..Self::new(tape, seed) }
    }

    /// Draws the same program with variables that are recorded already.
    pub fn given(tape: &'t Tape<f64>, seed: u64, variables: &[Var<'t, f64>]) -> Self {
        Self { leaves: Leaves::Given(variables.to_vec()), ..Self::new(tape, seed) }
    }

    /// The variables so far.
    pub fn variables(&self) -> &[Var<'t, f64>] {
        &self.variables
    }

    /// A number below `count`.
    pub fn pick(&mut self, count: usize) -> usize {
        self.rng.random_range(0..count)
    }

    /// A number that is easy to reckon with: one decimal, not 0.
    fn number(&mut self) -> f64 {
        let tenths = f64::from(self.rng.random_range(2..=15));
        if self.rng.random_range(0..3) == 0 { -tenths / 10.0 } else { tenths / 10.0 }
    }

    fn numbers(&mut self, shape: &[usize]) -> Tensor<f64> {
        let numbers = (0..shape.iter().product()).map(|_| self.number()).collect();
        Tensor::from_shape_vec(shape, numbers).expect("a number for each element")
    }

    /// A variable of a shape.
    pub fn variable(&mut self, name: &str, shape: &[usize]) -> Var<'t, f64> {
        let drawn = self.numbers(shape);
        let position = self.variables.len();
        let variable = match &mut self.leaves {
            Leaves::Drawn => self.tape.var(drawn).named(name),
            // Far enough to tell formulas apart, near enough to stay where they make sense.
            Leaves::Moved(rng) => {
                self.tape.var(drawn.map(|x| x * rng.random_range(0.7..1.3))).named(name)
            }
            Leaves::Given(variables) => variables[position],
        };
        self.variables.push(variable);
        variable
    }

    /// A constant of a shape.
    pub fn constant(&mut self, name: &str, shape: &[usize]) -> Var<'t, f64> {
        let drawn = self.numbers(shape);
        self.fixed(name, drawn)
    }

    /// A constant of a value.
    pub fn fixed(&mut self, name: &str, value: impl Into<Tensor<f64>>) -> Var<'t, f64> {
        self.tape.constant(value.into()).named(name)
    }
}
