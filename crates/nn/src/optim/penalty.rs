//! Penalties on weights, added to the loss.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use ops::methods::{BinaryMethods, LinearMethods, UnaryMethods};
use ops::{Float, Tensor};
use tape::Var;

use crate::ground::Error;
use crate::ground::setting::check_not_negative;
use crate::model::{Module, Pass};

/// A penalty on large weights, which is added to the loss and recorded as it is:
/// λ₁ Σ |w| + ½ λ₂ Σ w².
///
/// L2 pulls every weight towards 0 in proportion to its size: its gradient is λ₂ w. L1 pulls all
/// alike, by λ₁, and so sets weights that matter little to 0 or near it.
///
/// The factor ½ makes λ₂ the `weight_decay` of [`Sgd`](super::Sgd), whose step is the same.
/// (Keras's `L2(λ)` has no ½: it is `Penalty::l2(2.0 * λ)` here.) With optimisers that scale the
/// gradient, such as [`Adam`](super::Adam), a penalty is scaled with it; the decoupled decay of
/// [`AdamW`](super::AdamW) is not, and does not appear in the loss.
///
/// ```
/// use nn::prelude::*;
///
/// # let model = Sequential::<f32>::new().then(Dense::new(2, 1, &mut nn::rng(0)));
/// # let batch = nn::data::xor::<f32>().batches(4, None)?.next().unwrap();
/// let penalty = Penalty::l2(1e-3)?;
/// let tape = Tape::new();
/// let pass = Pass::train(&tape, 0);
/// let output = model.forward(&pass, pass.input(&batch.inputs));
/// let loss = MeanSquaredError.loss(output, &batch.targets)? + penalty.loss(&pass, &model)?;
/// let gradients = pass.gradients(loss)?;
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone)]
pub struct Penalty {
    l1: f64,
    l2: f64,
    chosen: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    made: &'static Location<'static>,
}

impl Penalty {
    /// λ Σ |w|.
    ///
    /// # Errors
    /// If λ is negative, infinite or NaN.
    #[track_caller]
    pub fn l1(lambda: f64) -> Result<Self, Error> {
        Self::l1_l2(lambda, 0.0)
    }

    /// ½ λ Σ w².
    ///
    /// # Errors
    /// If λ is negative, infinite or NaN.
    #[track_caller]
    pub fn l2(lambda: f64) -> Result<Self, Error> {
        Self::l1_l2(0.0, lambda)
    }

    /// Both, the "elastic net": λ₁ Σ |w| + ½ λ₂ Σ w².
    ///
    /// # Errors
    /// If a λ is negative, infinite or NaN.
    #[track_caller]
    pub fn l1_l2(l1: f64, l2: f64) -> Result<Self, Error> {
        check_not_negative("the factor of the L1 penalty", l1)?;
        check_not_negative("the factor of the L2 penalty", l2)?;
        Ok(Self { l1, l2, chosen: Arc::new(|path| !is_bias(path)), made: Location::caller() })
    }

    /// On the parameters whose path `chosen` says yes to. Without this, on all but biases:
    /// parameters with the word `bias` in the last part of their path.
    #[must_use]
    pub fn on(mut self, chosen: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.chosen = Arc::new(chosen);
        self
    }

    /// Its factors, and which parameters of the model it is on, each under its name.
    pub(crate) fn settings<A: Float>(&self, model: &dyn Module<A>) -> [(&'static str, String); 3] {
        let paths = model.parameters().into_iter().map(|(path, _)| path);
        let chosen: Vec<String> = paths.filter(|path| (self.chosen)(path)).collect();
        [
            ("factor of the L1 penalty", self.l1.to_string()),
            ("factor of the L2 penalty", self.l2.to_string()),
            ("penalty on the parameters", chosen.join(", ")),
        ]
    }

    /// Records the penalty, a scalar. Frozen parameters are left out: they would have no effect.
    ///
    /// # Errors
    /// If no parameter of the model is chosen.
    pub fn loss<'t, A: Float>(
        &self,
        pass: &Pass<'t, A>,
        model: &dyn Module<A>,
    ) -> Result<Var<'t, A>, Error> {
        let parameters = model.parameters();
        let (chosen, others): (Vec<_>, Vec<_>) =
            parameters.into_iter().partition(|(path, _)| (self.chosen)(path));
        if chosen.is_empty() {
            let choice = format!("the penalty made at {}", self.made);
            let parameters = others.into_iter().map(|(path, _)| path).collect();
            return Err(Error::Unmatched { choice, parameters });
        }
        let zero = pass.tape().constant(Tensor::scalar(A::zero()));
        let trained = chosen.iter().filter(|(_, parameter)| parameter.is_trained());
        Ok(trained.fold(zero, |sum, (_, parameter)| sum + self.of(pass.parameter(parameter))))
    }

    fn of<'t, A: Float>(&self, w: Var<'t, A>) -> Var<'t, A> {
        let l1 = |w: Var<'t, A>| w.abs().sum().scale(self.l1);
        let l2 = |w: Var<'t, A>| w.square().sum().scale(0.5 * self.l2);
        match (self.l1 > 0.0, self.l2 > 0.0) {
            (true, false) => l1(w),
            (true, true) => l1(w) + l2(w),
            (false, _) => l2(w),
        }
    }
}

fn is_bias(path: &str) -> bool {
    path.rsplit('.').next().is_some_and(|last| last.contains("bias"))
}

impl fmt::Debug for Penalty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Penalty {{ l1: {}, l2: {}, made at {} }}", self.l1, self.l2, self.made)
    }
}
