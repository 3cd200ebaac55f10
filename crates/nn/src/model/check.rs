//! Gradient checks of whole layers and models.
//!
//! ```
//! use nn::check::ModuleCheck;
//! use nn::prelude::*;
//!
//! let mut rng = nn::rng(0);
//! let model = Sequential::<f64>::new().then(Dense::new(3, 2, &mut rng)).then(Tanh);
//! let report = ModuleCheck::new().second_order().run(&model, &Tensor::ones(&[4, 3]))?;
//! assert_eq!(report.compared, 2 * (4 * 3 + 2 * 3 + 2));
//! # Ok::<(), nn::check::ModuleCheckError>(())
//! ```

use std::ops::Range;

use ops::{Float, Tensor};
use tape::check::{Check, CheckError, Report};
use thiserror::Error as ThisError;

use super::{Mode, Module, Pass};
use crate::ground::Error;

/// How to check the gradients of a module with respect to its input and all its parameters, in
/// their order, against finite differences: a [`Check`] in which input number 0 is the module's
/// input and the others are its trained parameters.
///
/// Give it a model in `f64`. What is random is drawn from one seed in every evaluation.
#[derive(Clone, Debug)]
pub struct ModuleCheck {
    check: Check,
    mode: Mode,
    input_too: bool,
}

/// A gradient check of a module that failed, or could not be made.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum ModuleCheckError {
    /// The module cannot take the input.
    #[error(transparent)]
    Refused(#[from] Error),
    /// A gradient is wrong, or cannot be compared.
    #[error("{check}\n  {inputs}")]
    Check {
        /// What is wrong.
        #[source]
        check: CheckError,
        /// The meaning of each input's number: `input 0 is the module's input, 1 is weight`.
        inputs: String,
    },
}

impl Default for ModuleCheck {
    fn default() -> Self {
        Self::new()
    }
}

impl ModuleCheck {
    /// First order, in training, every number of the input and of the parameters.
    pub fn new() -> Self {
        Self { check: Check::new(), mode: Mode::Train { seed: 1 }, input_too: true }
    }

    /// Checks the gradient of the gradient too.
    #[must_use]
    pub fn second_order(mut self) -> Self {
        self.check = self.check.second_order();
        self
    }

    /// Compares one random direction instead of every number: see [`Check::fast`].
    #[must_use]
    pub fn fast(mut self) -> Self {
        self.check = self.check.fast();
        self
    }

    /// What is allowed: see [`Check::tolerance`].
    #[must_use]
    pub fn tolerance(mut self, relative: f64, absolute: f64) -> Self {
        self.check = self.check.tolerance(relative, absolute);
        self
    }

    /// Sets the largest and the smallest step: see [`Check::steps`].
    #[must_use]
    pub fn steps(mut self, largest: f64, smallest: f64) -> Self {
        self.check = self.check.steps(largest, smallest);
        self
    }

    /// Checks at random points too, where every number of the input and of the parameters is drawn
    /// from a range: see [`Check::random_points`].
    ///
    /// ```
    /// use nn::check::ModuleCheck;
    /// use nn::prelude::*;
    ///
    /// let model = Sequential::<f64>::new().then(Dense::new(2, 3, &mut nn::rng(0))).then(Gelu);
    /// let check = ModuleCheck::new().random_points(3, -2.0..2.0);
    /// let report = check.run(&model, &Tensor::ones(&[1, 2]))?;
    /// assert_eq!(report.compared, (1 + 3) * (2 + 2 * 3 + 3));
    /// # Ok::<(), nn::check::ModuleCheckError>(())
    /// ```
    #[must_use]
    pub fn random_points(mut self, points: usize, range: Range<f64>) -> Self {
        self.check = self.check.random_points(points, range);
        self
    }

    /// Checks the module in evaluation.
    #[must_use]
    pub fn evaluation(mut self) -> Self {
        self.mode = Mode::Evaluate;
        self
    }

    /// Checks the parameters only, for a module whose input has no gradient, such as the numbers
    /// of tokens.
    #[must_use]
    pub fn parameters_only(mut self) -> Self {
        self.input_too = false;
        self
    }

    /// Checks `module` at `input`.
    ///
    /// # Errors
    /// If the module cannot take the input, or a gradient is wrong.
    pub fn run<A: Float>(
        &self,
        module: &impl Module<A>,
        input: &Tensor<A>,
    ) -> Result<Report, ModuleCheckError> {
        module.output_shape(input.shape())?;
        let mut parameters = module.parameters();
        parameters.retain(|(_, parameter)| parameter.is_trained());
        let mut inputs: Vec<Tensor<A>> = parameters.iter().map(|(_, p)| p.value.clone()).collect();
        let mut names: Vec<&str> = parameters.iter().map(|(path, _)| &**path).collect();
        if self.input_too {
            inputs.insert(0, input.clone());
            names.insert(0, "the module's input");
        }
        let report = self.check.run(
            |x| {
                let pass = Pass::new(x[0].tape(), self.mode);
                let values = &x[usize::from(self.input_too)..];
                for ((_, parameter), &value) in parameters.iter().zip(values) {
                    pass.substitute(parameter, value);
                }
                module.forward(&pass, if self.input_too { x[0] } else { pass.input(input) })
            },
            &inputs,
        );
        report.map_err(|check| {
            let numbered = names.iter().enumerate().map(|(i, name)| format!("{i} is {name}"));
            let inputs = format!("input {}", numbered.collect::<Vec<_>>().join(", "));
            ModuleCheckError::Check { check, inputs }
        })
    }
}
