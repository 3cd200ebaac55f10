//! The norms of gradients.

use ops::Float;

use crate::ground::Error;
use crate::train::callback::{Callback, Run, StepView};

/// Records the norm of the gradient over all parameters, averaged over the steps of an epoch, as
/// `gradient norm`; and with [`by_parameter`](GradientNorms::by_parameter) the norm of each
/// parameter too, as `gradient norm 0.weight`: the first place to look when deep layers do not
/// learn.
#[derive(Clone, Debug, Default)]
pub struct GradientNorms {
    by_parameter: bool,
    steps: usize,
    sums: Vec<(String, f64)>,
}

impl GradientNorms {
    /// The norm over all parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the norm of each parameter.
    #[must_use]
    pub fn by_parameter(mut self) -> Self {
        self.by_parameter = true;
        self
    }

    fn add(&mut self, name: &str, norm: f64) {
        match self.sums.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += norm,
            None => self.sums.push((name.to_owned(), norm)),
        }
    }
}

impl<A: Float> Callback<A> for GradientNorms {
    fn name(&self) -> &'static str {
        "gradient norms"
    }

    fn reads_tape(&self) -> bool {
        false
    }

    fn columns(&self) -> Vec<String> {
        vec!["gradient norm".into()]
    }

    fn on_epoch_start(&mut self, _run: &mut Run<'_, A>) -> Result<(), Error> {
        self.steps = 0;
        self.sums.clear();
        Ok(())
    }

    fn on_gradients(
        &mut self,
        run: &mut Run<'_, A>,
        step: &mut StepView<'_, '_, A>,
    ) -> Result<(), Error> {
        let mut total = 0.0;
        let mut each = Vec::new();
        for (path, parameter) in run.model.parameters() {
            let Some(gradient) = step.gradients.of(parameter) else { continue };
            let square: f64 = gradient.view().iter().map(|g| g.to_f64().powi(2)).sum();
            total += square;
            if self.by_parameter {
                each.push((format!("gradient norm {path}"), square.sqrt()));
            }
        }
        self.steps += 1;
        self.add("gradient norm", total.sqrt());
        for (name, norm) in each {
            self.add(&name, norm);
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        for (name, sum) in &self.sums {
            run.log(name, sum / self.steps.max(1) as f64);
        }
        Ok(())
    }
}
