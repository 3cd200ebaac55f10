//! L-BFGS.

use ops::{Float, Tensor};

use crate::ground::setting::{check, check_not_negative, check_rate};
use crate::ground::{Error, State, StateReader};
use crate::model::{Gradients, Module, ParameterId};
use crate::optim::Changes;

mod curvature;
mod flat;
mod line_search;
mod told;

use curvature::{Curvature, Pair, dot, largest, sum_of_sizes};
use flat::{flat_gradient, layout, parameters, set_weights, weights};
use line_search::{Trial, strong_wolfe};
use told::Move;

/// L-BFGS: Newton's method, with the curvature learned from the last steps.
///
/// The direction is −H g, where H approximates the inverse of the Hessian from the last m changes
/// of the weights, s, and of the gradient, y: the two-loop recursion, Nocedal & Wright, *Numerical
/// Optimization*, 2nd edition, algorithm 7.4. Its steps and settings are PyTorch's.
///
/// It is for losses that are the same each time: all of the data in one batch, no dropout. There,
/// with a line search, it needs no learning rate and far fewer steps than the others. As it has to
/// evaluate the loss at several points, it takes a closure:
///
/// ```
/// use nn::prelude::*;
///
/// let data = nn::data::xor::<f64>();
/// let batch = data.batches(4, None)?.next().unwrap();
/// let mut rng = nn::rng(1);
/// let mut model = Sequential::new()
///     .then(Dense::new(2, 4, &mut rng))
///     .then(Tanh)
///     .then(Dense::new(4, 1, &mut rng));
/// let mut optimizer = Lbfgs::new().line_search();
/// let mut tape = Tape::new();
/// let mut first = None;
/// for _ in 0..5 {
///     let loss = optimizer.step(&mut model, |model| {
///         tape.reset();
///         let pass = Pass::train(&tape, 0);
///         let output = model.forward(&pass, pass.input(&batch.inputs));
///         let loss = MeanSquaredError.loss(output, &batch.targets)?;
///         Ok((loss.item(), pass.gradients(loss)?))
///     })?;
///     first.get_or_insert(loss);
/// }
/// let last = evaluate(&model, &data, &MeanSquaredError)?.loss;
/// assert!(last < 1e-3 * first.unwrap());
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lbfgs<A: Float = f32> {
    rate: f64,
    iterations: usize,
    evaluations: Option<usize>,
    history: usize,
    gradient_tolerance: f64,
    change_tolerance: f64,
    line_search: bool,
    /// The parameters that `memory` belongs to, and their sizes.
    layout: Vec<(ParameterId, usize)>,
    memory: Curvature<A>,
}

/// An iteration that is done, and the evaluations of its line search, if it made one.
struct Step<'a, A: Float> {
    memory: &'a Curvature<A>,
    searched: Option<usize>,
}

impl<A: Float> Step<'_, A> {
    fn told(&self) -> Move<A> {
        let Curvature { direction, length, pairs, iterations, .. } = self.memory;
        Move {
            direction: direction.clone(),
            length: *length,
            searched: self.searched,
            changes: pairs.len(),
            first: *iterations == 1,
        }
    }
}

/// A loss and its gradient.
struct Point<A> {
    loss: f64,
    gradient: Vec<A>,
}

impl<A: Float> Point<A> {
    /// Refuses a point where anything is infinite or NaN.
    fn finite(self) -> Result<Self, Error> {
        let finite = self.loss.is_finite() && self.gradient.iter().all(|g| g.is_finite());
        if finite { Ok(self) } else { Err(Error::LossNotFinite { loss: self.loss }) }
    }
}

impl<A: Float> Default for Lbfgs<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Float> Lbfgs<A> {
    /// With learning rate 1, 20 iterations and 25 evaluations of the loss a step, a history of 100
    /// changes, and no line search.
    pub fn new() -> Self {
        Self {
            rate: 1.0,
            iterations: 20,
            evaluations: None,
            history: 100,
            gradient_tolerance: 1e-7,
            change_tolerance: 1e-9,
            line_search: false,
            layout: Vec::new(),
            memory: Curvature::default(),
        }
    }

    /// With a line search for the strong Wolfe conditions, so that every step lowers the
    /// loss. Recommended.
    #[must_use]
    pub fn line_search(mut self) -> Self {
        self.line_search = true;
        self
    }

    /// With learning rate η: how much of each direction to go; with a line search, what it tries
    /// first.
    ///
    /// # Errors
    /// If it is not positive and finite.
    pub fn rate(mut self, rate: f64) -> Result<Self, Error> {
        check_rate(rate)?;
        self.rate = rate;
        Ok(self)
    }

    /// With this many iterations a step, and 5/4 times as many [evaluations](Self::evaluations).
    ///
    /// # Errors
    /// If it is 0.
    pub fn iterations(mut self, iterations: usize) -> Result<Self, Error> {
        check("the number of iterations a step", iterations, iterations > 0, "at least 1")?;
        self.iterations = iterations;
        Ok(self)
    }

    /// With this many evaluations of the loss a step: no iteration begins after them. A line search
    /// that has begun may take one more.
    ///
    /// # Errors
    /// If it is 0.
    pub fn evaluations(mut self, evaluations: usize) -> Result<Self, Error> {
        check("the number of evaluations a step", evaluations, evaluations > 0, "at least 1")?;
        self.evaluations = Some(evaluations);
        Ok(self)
    }

    /// With a memory of this many changes. Each takes twice the memory of the parameters.
    ///
    /// # Errors
    /// If it is 0.
    pub fn history(mut self, history: usize) -> Result<Self, Error> {
        check("the length of the history", history, history > 0, "at least 1")?;
        self.history = history;
        Ok(self)
    }

    /// A step ends where no number of the gradient is larger than `gradient` (10⁻⁷ unless set), or
    /// where the loss, or every weight, changes by no more than `change` (10⁻⁹).
    ///
    /// # Errors
    /// If one is negative, infinite or NaN.
    pub fn tolerances(mut self, gradient: f64, change: f64) -> Result<Self, Error> {
        check_not_negative("the tolerance of the gradient", gradient)?;
        check_not_negative("the tolerance of changes", change)?;
        (self.gradient_tolerance, self.change_tolerance) = (gradient, change);
        Ok(self)
    }

    /// The learning rate.
    pub fn learning_rate(&self) -> f64 {
        self.rate
    }

    /// Sets the learning rate for the steps to come. It may be 0.
    ///
    /// # Errors
    /// If it is negative, infinite or NaN.
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<(), Error> {
        check_not_negative("the learning rate", rate)?;
        self.rate = rate;
        Ok(())
    }

    /// One step of several iterations. `evaluate` gives the loss of a model and its gradients.
    /// Returns the loss from before the step.
    ///
    /// Trained parameters that `evaluate` gives no gradient for count as having a gradient of 0.
    /// Buffers take the values of the step's first evaluation. If other parameters are trained than
    /// in the step before, what was learned of the curvature is forgotten.
    ///
    /// # Errors
    /// If `evaluate` fails, or the loss or its gradient is not finite at a point that the step
    /// cannot avoid. The parameters are then as they were at the last point that was good.
    pub fn step(
        &mut self,
        model: &mut dyn Module<A>,
        evaluate: impl FnMut(&dyn Module<A>) -> Result<(f64, Gradients<A>), Error>,
    ) -> Result<f64, Error> {
        self.step_observed(model, evaluate, &mut |_| {}).map(|(loss, _)| loss)
    }

    /// [`step`](Lbfgs::step), and what became of each parameter.
    pub(crate) fn trace_step(
        &mut self,
        model: &mut dyn Module<A>,
        evaluate: impl FnMut(&dyn Module<A>) -> Result<(f64, Gradients<A>), Error>,
    ) -> Result<Changes<A>, Error> {
        let (before, mut moves) = (weights(model), Vec::new());
        let mut observe = |step: &Step<'_, A>| moves.push(step.told());
        let (_, gradients) = self.step_observed(model, evaluate, &mut observe)?;
        Ok(told::changes(model, &before, &gradients, &moves))
    }

    /// The step. Returns the loss and the gradients from before it.
    fn step_observed(
        &mut self,
        model: &mut dyn Module<A>,
        mut evaluate: impl FnMut(&dyn Module<A>) -> Result<(f64, Gradients<A>), Error>,
        observe: &mut dyn FnMut(&Step<'_, A>),
    ) -> Result<(f64, Gradients<A>), Error> {
        let layout = layout(model);
        if layout != self.layout {
            (self.layout, self.memory) = (layout, Curvature::default());
        }
        let (loss, gradients) = evaluate(model)?;
        gradients.check_owner(model)?;
        let mut here = Point { loss, gradient: flat_gradient(model, &gradients)? };
        if !loss.is_finite() {
            return Err(Error::LossNotFinite { loss });
        }
        check_finite(model, &gradients)?;
        super::update_buffers(model, &gradients);

        let mut x = weights(model);
        let mut point = |x: &[A]| {
            set_weights(model, x);
            let (loss, gradients) = evaluate(model)?;
            Ok(Point { loss, gradient: flat_gradient(model, &gradients)? })
        };
        let result = self.iterate(&mut here, &mut x, &mut point, observe);
        set_weights(model, &x);
        result.map(|()| (loss, gradients))
    }

    /// The iterations of a step. Leaves in `x` the last point that was good.
    fn iterate(
        &mut self,
        here: &mut Point<A>,
        x: &mut Vec<A>,
        point: &mut impl FnMut(&[A]) -> Result<Point<A>, Error>,
        observe: &mut dyn FnMut(&Step<'_, A>),
    ) -> Result<(), Error> {
        let most_evaluations =
            self.evaluations.unwrap_or(self.iterations.saturating_add(self.iterations / 4));
        let mut evaluations = 1;
        if largest(&here.gradient) <= self.gradient_tolerance {
            return Ok(());
        }
        for iteration in 1..=self.iterations {
            let first = self.memory.iterations == 0;
            self.memory.turn(&here.gradient, self.history);
            let near = if first { sum_of_sizes(&here.gradient).recip().min(1.0) } else { 1.0 };
            self.memory.length = near * self.rate;
            let slope = dot(&here.gradient, &self.memory.direction);
            if slope > -self.change_tolerance {
                return Ok(());
            }
            let before = here.loss;
            let is_last = iteration == self.iterations;
            let mut searched = None;
            if self.line_search {
                let most = most_evaluations.saturating_sub(evaluations);
                let count = self.search(here, x, slope, most, point)?;
                evaluations += count;
                searched = Some(count);
            } else {
                let next = self.memory.along(x, self.memory.length);
                // With the last move the step is done: what is there, the next step will see.
                if !is_last {
                    *here = point(&next)?.finite()?;
                    evaluations += 1;
                }
                *x = next;
            }
            observe(&Step { memory: &self.memory, searched });
            let moved = self.memory.length.abs() * largest(&self.memory.direction);
            if is_last
                || evaluations >= most_evaluations
                || largest(&here.gradient) <= self.gradient_tolerance
                || moved <= self.change_tolerance
                || (here.loss - before).abs() < self.change_tolerance
            {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Goes along the direction to where the line search says, and returns how often it evaluated
    /// the loss.
    fn search(
        &mut self,
        here: &mut Point<A>,
        x: &mut Vec<A>,
        slope: f64,
        most: usize,
        point: &mut impl FnMut(&[A]) -> Result<Point<A>, Error>,
    ) -> Result<usize, Error> {
        let memory = &mut self.memory;
        let start = Trial { t: 0.0, loss: here.loss, slope, gradient: here.gradient.clone() };
        let mut evaluations = 0;
        let narrow = self.change_tolerance / largest(&memory.direction);
        let found = strong_wolfe(&start, memory.length, most, narrow, |t| {
            evaluations += 1;
            let Point { loss, gradient } = point(&memory.along(x, t))?;
            let slope = dot(&gradient, &memory.direction);
            // A point where anything is not finite is as bad as any other.
            let loss = if loss.is_finite() && slope.is_finite() { loss } else { f64::INFINITY };
            Ok(Trial { t, loss, slope, gradient })
        })?;
        *x = memory.along(x, found.t);
        memory.length = found.t;
        *here = Point { loss: found.loss, gradient: found.gradient };
        Ok(evaluations)
    }

    /// All that it remembers between steps: its learning rate, and of the last step the direction,
    /// its length, the gradient where it began, and the changes from which it knows the curvature.
    pub fn state(&self, model: &dyn Module<A>) -> State<A> {
        let mut state = State::new();
        state.texts.insert("optimizer".into(), "Lbfgs".into());
        state.numbers.insert("learning_rate".into(), self.rate);
        // The memory of other parameters would be forgotten in the next step, so it is left out.
        let known = self.layout == layout(model);
        let fresh = Curvature::default();
        let memory = if known { &self.memory } else { &fresh };
        state.numbers.insert("step".into(), memory.iterations as f64);
        if memory.iterations == 0 {
            return state;
        }
        state.texts.insert("parameters".into(), parameters(model));
        state.numbers.insert("length".into(), memory.length);
        state.numbers.insert("changes".into(), memory.pairs.len() as f64);
        let mut insert = |name: String, x: &[A]| state.tensors.insert(name, Tensor::from(x));
        insert("direction".into(), &memory.direction);
        insert("gradient".into(), &memory.gradient);
        for (i, pair) in memory.pairs.iter().enumerate() {
            insert(format!("s.{i}"), &pair.s);
            insert(format!("y.{i}"), &pair.y);
        }
        state
    }

    /// Goes back to what [`state`](Lbfgs::state) gave, from where it goes on bit for bit.
    ///
    /// # Errors
    /// If the state is of another optimiser or of other parameters: all that is missing, unexpected
    /// or misshapen. Nothing is changed then.
    pub fn load_state(&mut self, model: &dyn Module<A>, state: &State<A>) -> Result<(), Error> {
        let mut reader = StateReader::new(state);
        reader.expect_text("optimizer", "Lbfgs");
        let rate = reader.number("learning_rate");
        let mut memory = Curvature { iterations: reader.count("step"), ..Curvature::default() };
        if memory.iterations > 0 {
            reader.expect_text("parameters", &parameters(model));
            let size = layout(model).iter().map(|(_, size)| size).sum();
            let mut vector = |name: &str| reader.tensor(name, &[size]).to_vec();
            (memory.direction, memory.gradient) = (vector("direction"), vector("gradient"));
            memory.length = reader.number("length");
            let changes = reader.count("changes");
            if changes > self.history as u64 {
                let history = self.history;
                reader.wrong(format!("it has {changes} changes, but the history is {history}"));
            }
            for i in 0..changes.min(self.history as u64) {
                let mut vector = |name: &str| reader.tensor(&format!("{name}.{i}"), &[size]);
                let (s, y) = (vector("s").to_vec(), vector("y").to_vec());
                memory.pairs.push_back(Pair::new(s, y));
            }
        }
        reader.finish("Lbfgs")?;
        self.set_learning_rate(rate)?;
        (self.layout, self.memory) = (layout(model), memory);
        Ok(())
    }
}

/// Refuses a gradient that is not finite, by the name of its parameter.
fn check_finite<A: Float>(model: &dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
    super::gradient_norm(gradients, model, f64::INFINITY).map(|_| ())
}
