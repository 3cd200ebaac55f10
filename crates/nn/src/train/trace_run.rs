//! Traces of runs.

use std::any::Any;
use std::collections::HashMap;

use ops::{Float, Tensor};
use tape::trace::{Change, Run, RunStep, Update};
use tape::{Tape, Trace, Var};

use crate::ground::Error;
use crate::model::{Gradients, Module, ParameterId, Pass};
use crate::optim::{Changes, Lbfgs, Optimizer};

/// Traces a run of training: `Trace::of_run`.
pub trait TraceRun<'t, A: Float> {
    /// Trains a model for a number of steps and keeps all of them, to be looked at: both passes, the
    /// optimiser's step for every parameter, number by number, and the loss after it.
    ///
    /// `loss` records the loss of step `n`, counted from 0, in a pass whose seed is `n`. It is called
    /// a second time after the update, for the loss with the new parameters, and has to record the
    /// same. The numbers are those of the plain loop, bit for bit: `pass.gradients(loss)` and
    /// `optimizer.step` are what runs.
    ///
    /// The tape grows with every step: this is for runs of which someone looks at the steps.
    ///
    /// ```
    /// use nn::prelude::*;
    /// use tape::Trace;
    /// use tape::trace::Layout;
    ///
    /// let data = nn::data::xor::<f64>();
    /// let batch = data.batches(4, None)?.next().unwrap();
    /// let mut rng = nn::rng(1);
    /// let mut model = Sequential::new()
    ///     .then(Dense::new(2, 4, &mut rng))
    ///     .then(Tanh)
    ///     .then(Dense::new(4, 1, &mut rng));
    /// let mut optimizer = Adam::new(0.05)?;
    /// let tape = Tape::new();
    /// let run = Trace::of_run(&tape, 20, &mut model, &mut optimizer, |pass, model, _| {
    ///     let output = model.forward(pass, pass.input(&batch.inputs));
    ///     MeanSquaredError.loss(output, &batch.targets)
    /// })?;
    /// assert!(run.steps()[19].loss_after() < run.losses()[0]);
    /// let text = run.steps()[0].text(Layout::default()).to_string();
    /// assert!(text.contains("ηₜ = η / (1 - β₁^t)"), "{text}");
    /// # Ok::<(), nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If `loss` fails or gives no scalar, or the optimiser refuses the step.
    fn of_run<M: Module<A>>(
        tape: &'t Tape<A>,
        steps: usize,
        model: &mut M,
        optimizer: &mut dyn Optimizer<A>,
        loss: impl FnMut(&Pass<'t, A>, &M, usize) -> Result<Var<'t, A>, Error>,
    ) -> Result<Run<'t, A>, Error>;

    /// The same with [`Lbfgs`], which evaluates the loss at several points a step. Of each parameter
    /// the run tells the directions, how far each iteration went, and how often its line search
    /// evaluated the loss; with `iterations(1)` each step is one iteration. Of a step of more than
    /// 20 iterations it tells the values before and after.
    ///
    /// ```
    /// use nn::prelude::*;
    /// use tape::Trace;
    /// use tape::trace::Layout;
    ///
    /// let data = nn::data::xor::<f64>();
    /// let batch = data.batches(4, None)?.next().unwrap();
    /// let mut rng = nn::rng(1);
    /// let mut model = Sequential::new()
    ///     .then(Dense::new(2, 4, &mut rng))
    ///     .then(Tanh)
    ///     .then(Dense::new(4, 1, &mut rng));
    /// let mut optimizer = Lbfgs::new().line_search().iterations(1)?.evaluations(10)?;
    /// let tape = Tape::new();
    /// let run = Trace::of_lbfgs(&tape, 8, &mut model, &mut optimizer, |pass, model, _| {
    ///     let output = model.forward(pass, pass.input(&batch.inputs));
    ///     MeanSquaredError.loss(output, &batch.targets)
    /// })?;
    /// assert!(run.steps()[7].loss_after() < run.losses()[0]);
    /// let text = run.steps()[1].update_text(Layout::default()).to_string();
    /// assert!(text.contains("0.weight + t₁ · d₁") && text.contains("line search, "), "{text}");
    /// # Ok::<(), nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`of_run`](TraceRun::of_run).
    fn of_lbfgs<M: Module<A>>(
        tape: &'t Tape<A>,
        steps: usize,
        model: &mut M,
        optimizer: &mut Lbfgs<A>,
        loss: impl FnMut(&Pass<'t, A>, &M, usize) -> Result<Var<'t, A>, Error>,
    ) -> Result<Run<'t, A>, Error>;
}

impl<'t, A: Float> TraceRun<'t, A> for Trace<'t, A> {
    fn of_run<M: Module<A>>(
        tape: &'t Tape<A>,
        steps: usize,
        model: &mut M,
        optimizer: &mut dyn Optimizer<A>,
        loss: impl FnMut(&Pass<'t, A>, &M, usize) -> Result<Var<'t, A>, Error>,
    ) -> Result<Run<'t, A>, Error> {
        traced(tape, steps, model, loss, |model, _, output, pass, _| {
            let gradients = pass.gradients(output)?;
            let changes = optimizer.trace_step(model, &gradients)?;
            Ok((changes, gradients))
        })
    }

    fn of_lbfgs<M: Module<A>>(
        tape: &'t Tape<A>,
        steps: usize,
        model: &mut M,
        optimizer: &mut Lbfgs<A>,
        loss: impl FnMut(&Pass<'t, A>, &M, usize) -> Result<Var<'t, A>, Error>,
    ) -> Result<Run<'t, A>, Error> {
        traced(tape, steps, model, loss, |model, n, output, pass, loss| {
            // The first point is that of the passes that are shown.
            let first = pass.gradients(output)?;
            let mut shown = Some((number(output).to_f64(), first.clone()));
            let changes = optimizer.trace_step(model, |model| {
                if let Some(shown) = shown.take() {
                    return Ok(shown);
                }
                let model: &dyn Any = model;
                let model: &M = model.downcast_ref().expect("the model that is trained");
                let pass = Pass::train(tape, n as u64);
                let output = loss(&pass, model, n)?;
                Ok((number(output).to_f64(), pass.gradients(output)?))
            })?;
            Ok((changes, first))
        })
    }
}

/// A run of steps, each made by `step` from the loss that was recorded: what became of the parameters,
/// and their gradients.
fn traced<'t, A: Float, M: Module<A>, L>(
    tape: &'t Tape<A>,
    steps: usize,
    model: &mut M,
    mut loss: L,
    mut step: impl FnMut(
        &mut M,
        usize,
        Var<'t, A>,
        &Pass<'t, A>,
        &mut L,
    ) -> Result<(Changes<A>, Gradients<A>), Error>,
) -> Result<Run<'t, A>, Error>
where
    L: FnMut(&Pass<'t, A>, &M, usize) -> Result<Var<'t, A>, Error>,
{
    let mut run = Run::default();
    for n in 0..steps {
        let pass = Pass::train(tape, n as u64);
        let output = loss(&pass, model, n)?;
        pass.name_parameters(model);
        let trace = Trace::of(output)?;
        let before = values(model);
        let (changes, gradients) = step(model, n, output, &pass, &mut loss)?;
        let updates = updates(&pass, model, &before, changes, &gradients);
        let after = number(loss(&Pass::train(tape, n as u64), model, n)?);
        run.push(RunStep::new(trace, updates, after));
    }
    Ok(run)
}

/// The first number of a value.
fn number<A: Float>(x: Var<'_, A>) -> A {
    x.value().view().iter().copied().next().unwrap_or_default()
}

/// The values of a model's parameters.
fn values<A: Float>(model: &dyn Module<A>) -> HashMap<ParameterId, Tensor<A>> {
    let mut values = HashMap::new();
    model.visit(&mut |_, parameter| {
        values.insert(parameter.id(), parameter.value.clone());
    });
    values
}

/// What became of each parameter of the pass, as the optimiser tells it; of one that it does not
/// tell of, the values before and after.
fn updates<'t, A: Float>(
    pass: &Pass<'t, A>,
    model: &dyn Module<A>,
    before: &HashMap<ParameterId, Tensor<A>>,
    mut changes: Changes<A>,
    gradients: &Gradients<A>,
) -> Vec<Update<'t, A>> {
    let mut updates = Vec::new();
    let vars: HashMap<_, _> = pass.leaves().into_iter().collect();
    model.visit(&mut |_, parameter| {
        let id = parameter.id();
        let (Some(&var), Some(gradient)) = (vars.get(&id), gradients.of(parameter)) else { return };
        let told = changes.iter().position(|change| change.0 == id);
        let change = told.map(|i| changes.swap_remove(i).1).or_else(|| {
            let before = before.get(&id)?.clone();
            let (gradient, after) = (gradient.clone(), parameter.value.clone());
            Some(Change { before, gradient, after, kept: Vec::new(), rule: None })
        });
        updates.extend(change.map(|change| Update::new(var, change)));
    });
    updates
}
