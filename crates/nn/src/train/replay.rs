//! Training steps that are recorded once and then replayed.

use ops::{Float, Shape, Tensor};
use tape::{Program, Tape, Var};

use crate::data::Batch;
use crate::loss::Loss;
use crate::model::{Gradients, Module, ParameterId, Pass};
use crate::optim::Penalty;

/// The number of shapes of batches that get a program. Where there are more, such as sequences of
/// every length, a program would seldom be used again.
const MOST_SHAPES: usize = 8;

/// What a training step computes before the optimiser's.
pub(super) struct StepResult<A: Float> {
    pub loss: A,
    pub output: Tensor<A>,
    pub gradients: Gradients<A>,
}

/// Programs of a run's training steps, one for each shape of batches.
pub(super) struct Replays<A: Float> {
    /// With the shapes of inputs and targets. `None` for steps that have to be recorded every time.
    by_shape: Vec<(Shape, Shape, Option<Recorded<A>>)>,
    allowed: bool,
}

impl<A: Float> Replays<A> {
    pub fn new(allowed: bool) -> Self {
        Self { by_shape: Vec::new(), allowed }
    }

    /// The step on a batch, if there is a program for it and the loss is a finite number.
    pub fn step(
        &mut self,
        model: &dyn Module<A>,
        batch: &Batch<A>,
        loss: &dyn Loss<A>,
    ) -> Option<StepResult<A>> {
        let inputs = batch.inputs.shape();
        let mut of_shape = self.by_shape.iter_mut().filter(|(shape, ..)| shape[..] == *inputs);
        of_shape.find_map(|(_, shape, recorded)| {
            let recorded = recorded.as_mut()?;
            let target = loss.target(&recorded.output, &batch.targets).ok()?;
            let fits = target.shape() == &shape[..];
            fits.then(|| recorded.step(model, &batch.inputs, &target))?
        })
    }

    /// Makes a program for batches of this shape, unless that was tried before. It is given the
    /// step as it was recorded, and gives the step that is to be used: the program's, if it
    /// computes the same loss.
    pub fn add(
        &mut self,
        model: &dyn Module<A>,
        batch: &Batch<A>,
        (loss, penalty): (&dyn Loss<A>, Option<&Penalty>),
        step: StepResult<A>,
    ) -> StepResult<A> {
        let target = loss.target(step.output.shape(), &batch.targets);
        let (true, Ok(target)) = (self.allowed && self.by_shape.len() < MOST_SHAPES, target) else {
            return step;
        };
        let [inputs, targets] =
            [&batch.inputs, &target].map(|tensor| Shape::from_slice(tensor.shape()));
        if self.by_shape.iter().any(|known| (&known.0, &known.1) == (&inputs, &targets)) {
            return step;
        }
        let mut recorded = Recorded::new(model, &batch.inputs, &target, (loss, penalty));
        let replayed = recorded.as_mut().and_then(|it| it.step(model, &batch.inputs, &target));
        let same = replayed.filter(|replayed| replayed.loss == step.loss);
        let recorded = recorded.filter(|_| same.is_some());
        self.by_shape.push((inputs, targets, recorded));
        same.unwrap_or(step)
    }
}

/// A training step as a program.
struct Recorded<A: Float> {
    program: Program<A>,
    /// The shape of the model's output.
    output: Shape,
    /// Where inputs and target are on the tape.
    data: [usize; 2],
    /// Where the model's parameters and buffers are, whether each is trained, and which is which.
    parameters: Vec<(ParameterId, bool, usize)>,
    /// Whose gradients, and whose new values, the program gives after loss and output.
    gradients: Vec<ParameterId>,
    updates: Vec<ParameterId>,
}

impl<A: Float> Recorded<A> {
    /// Records a step; `None` if another step would not be the same program with other numbers.
    fn new(
        model: &dyn Module<A>,
        inputs: &Tensor<A>,
        target: &Tensor<A>,
        (loss, penalty): (&dyn Loss<A>, Option<&Penalty>),
    ) -> Option<Self> {
        let tape = Tape::new();
        let pass = Pass::train(&tape, 0);
        let input = pass.input(inputs);
        let output = model.forward(&pass, input);
        let target = tape.constant(target);
        let value = loss.between(output, target);
        let penalty = penalty.map(|penalty| penalty.loss(&pass, model)).transpose().ok()?;
        let penalized = penalty.map_or(value, |penalty| value + penalty);
        if !penalized.is_tracked() || value.shape().iter().product::<usize>() != 1 {
            return None;
        }
        let vars: Vec<(ParameterId, Var<'_, A>)> = pass.leaves();
        if !all_known(&tape, model, &vars) {
            return None;
        }
        let all = penalized.backward_recorded();
        if pass.is_random() || tape.values_were_read() {
            return None;
        }
        let (mut outputs, mut gradients) = (vec![value, output], Vec::new());
        for &(id, var) in &vars {
            if let Ok(gradient) = all.try_wrt(var) {
                gradients.push(id);
                outputs.push(gradient);
            }
        }
        let updates = pass.updates();
        outputs.extend(updates.iter().map(|&(_, value)| value));
        let program = tape.compile(&outputs);
        let parameters = vars.iter().map(|&(id, var)| (id, var.is_tracked(), var.position()));
        Some(Self {
            output: output.shape(),
            data: [input.position(), target.position()],
            parameters: parameters.filter(|&(.., at)| program.has_leaf(at)).collect(),
            gradients,
            updates: updates.into_iter().map(|(id, _)| id).collect(),
            program,
        })
    }

    /// The step with other data and the model's parameters as they are. `None` if it is not finite,
    /// or the model is not as it was, such as with other parameters frozen.
    fn step(
        &mut self,
        model: &dyn Module<A>,
        inputs: &Tensor<A>,
        target: &Tensor<A>,
    ) -> Option<StepResult<A>> {
        let data = self.data.into_iter().zip([inputs, target]);
        let mut leaves: Vec<(usize, &Tensor<A>)> =
            data.filter(|&(at, _)| self.program.has_leaf(at)).collect();
        let data = leaves.len();
        model.visit(&mut |_, parameter| {
            let id = parameter.id();
            let found = self.parameters.iter().find(|known| known.0 == id);
            if let Some(&(_, trained, at)) = found
                && trained == parameter.is_trained()
            {
                leaves.push((at, &parameter.value));
            }
        });
        if leaves.len() - data != self.parameters.len() {
            return None;
        }
        self.program.run_with(&leaves).ok()?;
        let mut results = (0..self.program.len()).map(|i| self.program.value(i));
        let (loss, output) = (results.next()?, results.next()?);
        let mut of = |ids: &[ParameterId]| {
            ids.iter().copied().zip(results.by_ref().take(ids.len()).cloned()).collect()
        };
        let (gradients, updates) = (of(&self.gradients), of(&self.updates));
        let step = StepResult {
            loss: loss.item(),
            output: output.clone(),
            gradients: Gradients::new(gradients, updates),
        };
        step.loss.is_finite().then_some(step)
    }
}

/// Whether every parameter came onto the tape by [`Pass::parameter`]: a program would keep the
/// value of any other.
fn all_known<A: Float>(
    tape: &Tape<A>,
    model: &dyn Module<A>,
    known: &[(ParameterId, Var<'_, A>)],
) -> bool {
    let mut leaves = tape.vars().filter(|var| var.op().is_none());
    leaves.all(|leaf| {
        let is_known = known.iter().any(|&(_, var)| var == leaf);
        let mut is_parameter = leaf.is_tracked();
        model.visit(&mut |_, parameter| {
            is_parameter |= leaf.shares_memory_with(&parameter.value);
        });
        is_known || !is_parameter
    })
}
