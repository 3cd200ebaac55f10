//! Units that no longer learn.

use std::fmt::Write as _;

use ops::{Float, Stops};
use tape::Var;

use crate::ground::Error;
use crate::model::Module;
use crate::train::callback::{Callback, Run, StepView};

/// Records how many rectified units were 0 for every sample of an epoch, as `dead units`: they
/// have no gradient and never come back by themselves. A unit is an element of a sample, a channel
/// of an image or of another convolution's output, or a feature of a sequence's steps.
#[derive(Clone, Debug, Default)]
pub struct DeadUnits {
    /// For each relu, by its position on the tape: where it is, and which units were alive.
    layers: Vec<(usize, String, Vec<bool>)>,
}

impl DeadUnits {
    /// Counts the units of every `relu`.
    pub fn new() -> Self {
        Self::default()
    }

    /// The layers of the last epoch, with the numbers of their dead units and of all.
    pub fn by_layer(&self) -> Vec<(String, usize, usize)> {
        let count = |alive: &[bool]| alive.iter().filter(|alive| !**alive).count();
        self.layers
            .iter()
            .map(|(_, name, alive)| (name.clone(), count(alive), alive.len()))
            .collect()
    }

    fn look<A: Float>(&mut self, relu: Var<'_, A>) {
        let value = relu.value();
        let shape = value.shape();
        // [N, units], [N, steps, features] or [N, channels, …], with the positions of a feature or of
        // a channel taken together.
        let (units, positions) = match shape {
            [_, units] => (*units, 1),
            [_, _, features] if !is_convolved(relu) => (*features, 1),
            [_, channels, rest @ ..] => (*channels, rest.iter().product()),
            _ => return,
        };
        let position = relu.position();
        let known = self.layers.iter().position(|layer| layer.0 == position);
        let layer = known.unwrap_or_else(|| {
            let path = relu.scope_path().join(" / ");
            let name = if path.is_empty() { format!("relu {position}") } else { path };
            self.layers.push((position, name, vec![false; units]));
            self.layers.len() - 1
        });
        let alive = &mut self.layers[layer].2;
        for (i, &y) in value.view().iter().enumerate() {
            if y > A::zero() {
                alive[i / positions % units] = true;
            }
        }
    }
}

/// Whether a value was made of a convolution's, along first operands.
fn is_convolved<'t, A: Float>(var: Var<'t, A>) -> bool {
    let operand = |var: &Var<'t, A>| var.operands().first().copied();
    let rules = std::iter::successors(Some(var), operand).filter_map(Var::described);
    rules.map(|rule| rule.name()).find_map(made_of).unwrap_or(false)
}

/// Whether a rule makes channels, if it makes anything but each element of its own.
fn made_of(rule: &'static str) -> Option<bool> {
    match rule {
        "matmul" => Some(false),
        name if name.starts_with("conv") => Some(true),
        _ => None,
    }
}

/// Whether a value is that of units which can be off, such as a relu's.
fn can_be_off<A: Float>(var: Var<'_, A>) -> bool {
    var.described().is_some_and(|rule| rule.remarks().stops == Some(Stops::Off))
}

impl<A: Float> Callback<A> for DeadUnits {
    fn name(&self) -> &'static str {
        "dead units"
    }

    fn columns(&self, _model: &dyn Module<A>) -> Vec<String> {
        vec!["dead units".into()]
    }

    fn on_epoch_start(&mut self, _run: &mut Run<'_, A>) -> Result<(), Error> {
        self.layers.clear();
        Ok(())
    }

    fn on_gradients(
        &mut self,
        _run: &mut Run<'_, A>,
        step: &mut StepView<'_, '_, A>,
    ) -> Result<(), Error> {
        for var in step.tape.vars().filter(|var| can_be_off(*var)) {
            self.look(var);
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let dead: usize = self.by_layer().iter().map(|(_, dead, _)| dead).sum();
        run.log("dead units", dead as f64);
        Ok(())
    }
}

/// The dead units of each layer, a line a layer.
impl std::fmt::Display for DeadUnits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        for (name, dead, units) in self.by_layer() {
            writeln!(text, "{name}: {dead} of {units} units are dead")?;
        }
        f.write_str(&text)
    }
}
