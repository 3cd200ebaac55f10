//! Optimisers: how parameters change, given their gradients.

use std::collections::HashMap;

use ndarray::Zip;
use ops::{Float, Tensor};

use crate::error::Error;
use crate::module::Module;
use crate::parameter::{Gradients, Parameter, ParameterId};

/// Changes the parameters of a model, given the gradient of a loss with respect to them.
pub trait Optimizer<A: Float> {
    /// One step. Parameters without a gradient stay as they are.
    ///
    /// # Errors
    /// If a gradient has another shape than its parameter; nothing is changed then.
    fn step(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error>;

    /// The learning rate η.
    fn learning_rate(&self) -> f64;

    /// Sets the learning rate for the steps to come.
    ///
    /// # Errors
    /// If it is not positive and finite; the old one stays then.
    fn set_learning_rate(&mut self, rate: f64) -> Result<(), Error>;
}

/// Refuses a learning rate that is not positive and finite.
pub(crate) fn check_rate(rate: f64) -> Result<(), Error> {
    if rate > 0.0 && rate.is_finite() {
        Ok(())
    } else {
        let given = rate.to_string();
        Err(Error::Setting { setting: "the learning rate", given, allowed: "positive and finite" })
    }
}

/// Refuses a gradient of another shape than its parameter, before any parameter has changed.
fn check_shapes<A: Float>(model: &dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
    let mut wrong = None;
    model.visit(&mut |path, parameter| {
        let shape = parameter.value.shape();
        if let Some(gradient) = gradients.of(parameter).filter(|g| g.shape() != shape) {
            wrong.get_or_insert_with(|| Error::GradientShape {
                parameter: path.to_owned(),
                shape: shape.to_vec(),
                gradient: gradient.shape().to_vec(),
            });
        }
    });
    wrong.map_or(Ok(()), Err)
}

/// Runs `update` on every parameter that has a gradient.
fn for_each<A: Float>(
    model: &mut dyn Module<A>,
    gradients: &Gradients<A>,
    mut update: impl FnMut(&mut Parameter<A>, &Tensor<A>),
) -> Result<(), Error> {
    check_shapes(model, gradients)?;
    model.visit_mut(&mut |_, parameter| {
        if let Some(gradient) = gradients.of(parameter) {
            update(parameter, gradient);
        } else if let Some(value) = gradients.update_of(parameter) {
            parameter.value = value.clone();
        }
    });
    Ok(())
}

/// Stochastic gradient descent: w ← w − η g.
///
/// ```
/// use nn::prelude::*;
/// assert_eq!(
///     Sgd::new(f64::NAN).unwrap_err().to_string(),
///     "the learning rate is NaN, but must be positive and finite"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Sgd {
    rate: f64,
}

impl Sgd {
    /// With learning rate η.
    ///
    /// # Errors
    /// If the learning rate is not positive and finite.
    pub fn new(rate: f64) -> Result<Self, Error> {
        check_rate(rate)?;
        Ok(Self { rate })
    }
}

impl<A: Float> Optimizer<A> for Sgd {
    fn step(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
        let rate = A::from_f64(self.rate);
        for_each(model, gradients, |parameter, gradient| {
            Zip::from(parameter.value.view_mut())
                .and(&gradient.view())
                .for_each(|w, &g| *w -= rate * g);
        })
    }

    fn learning_rate(&self) -> f64 {
        self.rate
    }

    fn set_learning_rate(&mut self, rate: f64) -> Result<(), Error> {
        check_rate(rate)?;
        self.rate = rate;
        Ok(())
    }
}

/// Adam: steps scaled by running means of the gradient and of its square.
///
/// m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g²,
/// w ← w − η · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε).
/// Kingma & Ba, *Adam: A Method for Stochastic Optimization*, 2015, algorithm 1.
#[derive(Clone, Debug)]
pub struct Adam<A: Float = f32> {
    rate: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    state: HashMap<ParameterId, Moments<A>>,
}

#[derive(Clone, Debug)]
struct Moments<A: Float> {
    steps: i32,
    mean: Tensor<A>,
    square: Tensor<A>,
}

impl<A: Float> Adam<A> {
    /// With learning rate η, β₁ = 0.9, β₂ = 0.999 and ε = 10⁻⁸.
    ///
    /// # Errors
    /// If the learning rate is not positive and finite.
    pub fn new(rate: f64) -> Result<Self, Error> {
        Self::with_settings(rate, 0.9, 0.999, 1e-8)
    }

    /// With all settings.
    ///
    /// # Errors
    /// If the learning rate or ε is not positive and finite, or a β is not in [0, 1).
    pub fn with_settings(rate: f64, beta1: f64, beta2: f64, epsilon: f64) -> Result<Self, Error> {
        check_rate(rate)?;
        for (setting, beta) in [("beta1", beta1), ("beta2", beta2)] {
            if !(0.0..1.0).contains(&beta) {
                let given = beta.to_string();
                return Err(Error::Setting { setting, given, allowed: "at least 0 and below 1" });
            }
        }
        if !(epsilon > 0.0 && epsilon.is_finite()) {
            let given = epsilon.to_string();
            return Err(Error::Setting {
                setting: "epsilon",
                given,
                allowed: "positive and finite",
            });
        }
        Ok(Self { rate, beta1, beta2, epsilon, state: HashMap::new() })
    }
}

impl<A: Float> Optimizer<A> for Adam<A> {
    fn step(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
        let Self { rate, beta1, beta2, epsilon, state } = self;
        for_each(model, gradients, |parameter, gradient| {
            let shape = parameter.value.shape();
            let moments = state.entry(parameter.id()).or_insert_with(|| Moments {
                steps: 0,
                mean: Tensor::zeros(shape),
                square: Tensor::zeros(shape),
            });
            moments.steps = moments.steps.saturating_add(1);
            let (b1, b2) = (A::from_f64(*beta1), A::from_f64(*beta2));
            let (c1, c2) = (A::from_f64(1.0 - *beta1), A::from_f64(1.0 - *beta2));
            let rate = A::from_f64(*rate / (1.0 - beta1.powi(moments.steps)));
            let correction = A::from_f64((1.0 - beta2.powi(moments.steps)).sqrt().recip());
            let epsilon = A::from_f64(*epsilon);
            Zip::from(parameter.value.view_mut())
                .and(moments.mean.view_mut())
                .and(moments.square.view_mut())
                .and(&gradient.view())
                .for_each(|w, m, v, &g| {
                    *m = b1 * *m + c1 * g;
                    *v = b2 * *v + c2 * g * g;
                    *w -= rate * *m / (v.sqrt() * correction + epsilon);
                });
        })
    }

    fn learning_rate(&self) -> f64 {
        self.rate
    }

    fn set_learning_rate(&mut self, rate: f64) -> Result<(), Error> {
        check_rate(rate)?;
        self.rate = rate;
        Ok(())
    }
}
