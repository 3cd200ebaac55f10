//! The norms of gradients.

use ops::Float;

use crate::ground::Error;
use crate::model::Module;
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

/// The square root of the sum of squares, which are taken of parts of the largest where they would
/// overflow or vanish.
fn norm<I: Iterator<Item = f64>>(numbers: impl Fn() -> I) -> f64 {
    let square_sum = |by: f64| numbers().map(|x| (x / by).powi(2)).sum::<f64>();
    let plain = square_sum(1.0);
    let largest = numbers().fold(0.0, |most: f64, x| most.max(x.abs()));
    if plain.is_normal() || plain.is_nan() || largest == 0.0 || largest.is_infinite() {
        return plain.sqrt();
    }
    largest * square_sum(largest).sqrt()
}

impl<A: Float> Callback<A> for GradientNorms {
    fn name(&self) -> &'static str {
        "gradient norms"
    }

    fn reads_tape(&self) -> bool {
        false
    }

    fn columns(&self, model: &dyn Module<A>) -> Vec<String> {
        let mut columns = vec!["gradient norm".to_owned()];
        if self.by_parameter {
            let trained = model.parameters().into_iter().filter(|(_, p)| p.is_trained());
            columns.extend(trained.map(|(path, _)| format!("gradient norm {path}")));
        }
        columns
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
        let mut each = Vec::new();
        for (path, parameter) in run.model.parameters() {
            let Some(gradient) = step.gradients.of(parameter) else { continue };
            each.push((path, norm(|| gradient.view().into_iter().map(|g| g.to_f64()))));
        }
        self.steps += 1;
        self.add("gradient norm", norm(|| each.iter().map(|(_, norm)| *norm)));
        if self.by_parameter {
            for (path, norm) in each {
                self.add(&format!("gradient norm {path}"), norm);
            }
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
