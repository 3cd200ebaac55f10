//! Optimisers: how parameters change, given their gradients.
//!
//! | optimiser | the step, in short | for |
//! |---|---|---|
//! | [`Sgd`] | against the gradient, with momentum or Nesterov's look ahead if wished | the baseline; the best known for images, well tuned |
//! | [`AdaGrad`] | each weight by the root of all its squared gradients so far | sparse features |
//! | [`RmsProp`] | each weight by the root of the running mean of its squared gradients | recurrent networks |
//! | [`AdaDelta`] | as `RmsProp`, by the ratio of two running means: no rate to tune | |
//! | [`Adam`] | a running mean of the gradient, each weight by the root of the mean of its square | the default |
//! | [`AdamW`] | `Adam` with weight decay apart from the gradient | transformers |
//! | [`NAdam`] | `Adam` with Nesterov's look ahead | |
//! | [`Lion`] | the sign of a running mean: every weight moves by η | large batches, little memory |
//! | [`Lbfgs`] | Newton's method with curvature learned from the last steps | full batches, few weights |
//!
//! The file of an optimiser, other than L-BFGS, is its published formula for one number w with gradient
//! g, written once over a generic number: it runs, and is the text that a [trace of a
//! run](crate::TraceRun) shows. The walk over the model, the state of each parameter, [groups](Group)
//! and saving are written once, in the driver.
//!
//! Settings have the names and defaults of PyTorch, and the steps are PyTorch's; those of [`Lion`],
//! which it lacks, are its authors'. A test holds every optimiser to 1e-12, and L-BFGS to what rounding
//! does to PyTorch's own path.

use std::collections::BTreeMap;

use ops::Float;
use tape::trace::Change;

use crate::ground::{Error, State, StateReader};
use crate::model::{Gradients, Module, ParameterId};

/// Makes an optimiser of a struct with a `driver`: it gives its memory's names in `slots` and a
/// step's formula in `update`.
macro_rules! optimizer {
    ($Optimizer:ident) => {
        impl<A: Float> $Optimizer<A> {
            /// Other settings for the parameters whose path `chosen` says yes to, such as
            /// `0.weight`. Of several groups that choose a parameter, the last that has a setting
            /// decides it.
            ///
            /// # Errors
            /// If a setting of the group is out of range. A group that chooses no parameter is an
            /// error at the first step.
            ///
            /// ```
            /// use nn::prelude::*;
            ///
            #[doc = concat!("let optimizer = ", stringify!($Optimizer), "::<f32>::new(0.01)?")]
            ///     .group(|path| path.starts_with("encoder."), Group::new().rate_factor(0.1))?
            ///     .group(|path| path.ends_with("bias"), Group::new().weight_decay(0.0))?;
            /// # Ok::<(), nn::Error>(())
            /// ```
            #[track_caller]
            pub fn group(
                mut self,
                chosen: impl Fn(&str) -> bool + Send + Sync + 'static,
                group: $crate::optim::Group,
            ) -> Result<Self, Error> {
                self.driver.add_group(chosen, group)?;
                Ok(self)
            }
        }

        impl<A: Float> $crate::optim::Optimizer<A> for $Optimizer<A> {
            fn step(
                &mut self,
                model: &mut dyn $crate::Module<A>,
                gradients: &$crate::Gradients<A>,
            ) -> Result<(), Error> {
                self.update(model, gradients)
            }
            fn trace_step(
                &mut self,
                model: &mut dyn $crate::Module<A>,
                gradients: &$crate::Gradients<A>,
            ) -> Result<$crate::optim::Changes<A>, Error> {
                self.driver.watch();
                let step = self.update(model, gradients);
                let changes = self.driver.watched();
                step.map(|()| changes)
            }
            fn learning_rate(&self) -> f64 {
                self.driver.learning_rate()
            }
            fn set_learning_rate(&mut self, rate: f64) -> Result<(), Error> {
                self.driver.set_learning_rate(rate)
            }
            fn settings(
                &self,
                model: &dyn $crate::Module<A>,
            ) -> std::collections::BTreeMap<String, f64> {
                let own = self.own_settings().into_iter();
                let mut all = self.driver.settings(model);
                all.extend(own.map(|(name, number)| (name.to_owned(), number)));
                all
            }
            fn state(&self, model: &dyn $crate::Module<A>) -> $crate::State<A> {
                self.driver.state(model, stringify!($Optimizer), self.slots())
            }
            fn load_state(
                &mut self,
                model: &dyn $crate::Module<A>,
                state: &$crate::State<A>,
            ) -> Result<(), Error> {
                let slots = self.slots();
                self.driver.load_state(model, stringify!($Optimizer), slots, state)
            }
        }
    };
}

/// Writes a setter that several optimisers have, under a sentence of the optimiser's own.
macro_rules! setter {
    ($(#[$sentence:meta])* weight_decay) => {
        $(#[$sentence])*
        ///
        /// # Errors
        /// If λ is negative, infinite or NaN.
        pub fn weight_decay(mut self, decay: f64) -> Result<Self, Error> {
            self.driver.set_weight_decay(decay)?;
            Ok(self)
        }
    };
    ($(#[$sentence:meta])* betas) => {
        $(#[$sentence])*
        ///
        /// # Errors
        /// If one is not in [0, 1).
        pub fn betas(mut self, beta1: f64, beta2: f64) -> Result<Self, Error> {
            $crate::ground::setting::check_decay("beta1", beta1)?;
            $crate::ground::setting::check_decay("beta2", beta2)?;
            (self.moments.beta1, self.moments.beta2) = (beta1, beta2);
            Ok(self)
        }
    };
    ($(#[$sentence:meta])* epsilon $(in $owner:ident)?) => {
        $(#[$sentence])*
        ///
        /// # Errors
        /// If it is not positive and finite.
        pub fn epsilon(mut self, epsilon: f64) -> Result<Self, Error> {
            $crate::ground::setting::check_positive("epsilon", epsilon)?;
            self.$($owner.)?epsilon = epsilon;
            Ok(self)
        }
    };
    ($(#[$sentence:meta])* amsgrad) => {
        $(#[$sentence])*
        #[must_use]
        pub fn amsgrad(mut self) -> Self {
            self.amsgrad = true;
            self
        }
    };
}

mod ada_delta;
mod ada_grad;
mod adam;
mod adam_w;
mod clip;
mod driver;
mod lbfgs;
mod lion;
mod n_adam;
mod penalty;
mod rms_prop;
mod sgd;

pub use ada_delta::AdaDelta;
pub use ada_grad::AdaGrad;
pub use adam::Adam;
pub use adam_w::AdamW;
pub use clip::{clip_norm, clip_p_norm, clip_value, gradient_norm};
pub use driver::Group;
pub use lbfgs::Lbfgs;
pub use lion::Lion;
pub use n_adam::NAdam;
pub use penalty::Penalty;
pub use rms_prop::RmsProp;
pub use sgd::Sgd;

/// What a step did with each parameter.
pub type Changes<A> = Vec<(ParameterId, Change<A>)>;

/// Changes the parameters of a model, given the gradient of a loss with respect to them.
///
/// One of your own:
///
/// ```
/// use nn::prelude::*;
/// use nn::Gradients;
/// use nn::ops::Float;
///
/// /// w ← w − η sign(g).
/// struct SignDescent {
///     rate: f64,
/// }
/// impl<A: Float> Optimizer<A> for SignDescent {
///     fn step(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), nn::Error> {
///         nn::optim::update_buffers(model, gradients);
///         model.visit_mut(&mut |_, parameter| {
///             if let Some(gradient) = gradients.of(parameter) {
///                 parameter.value = &parameter.value - gradient.sign().scale(self.rate);
///             }
///         });
///         Ok(())
///     }
///     fn learning_rate(&self) -> f64 {
///         self.rate
///     }
///     fn set_learning_rate(&mut self, rate: f64) -> Result<(), nn::Error> {
///         self.rate = rate;
///         Ok(())
///     }
/// }
/// ```
pub trait Optimizer<A: Float> {
    /// One step. Parameters without a gradient stay as they are; buffers take the values that
    /// layers gave them in the pass.
    ///
    /// # Errors
    /// If a gradient has another shape than its parameter, all gradients are of another model, or a
    /// [group](Group) chooses no parameter of the model; nothing is changed then.
    fn step(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error>;

    /// [`step`](Optimizer::step), and what it did with each parameter, number by number. Nothing,
    /// for an optimiser that tells nothing of it.
    ///
    /// ```
    /// use nn::prelude::*;
    ///
    /// let mut model = Dense::<f64>::new(1, 1, &mut nn::rng(0));
    /// model.weight.value = Tensor::from([[0.5]]);
    /// let mut gradients = nn::Gradients::default();
    /// gradients.insert(&model.weight, [[0.7184]]);
    /// let changes = Sgd::new(0.1)?.trace_step(&mut model, &gradients)?;
    /// let (id, change) = &changes[0];
    /// assert_eq!(*id, model.weight.id());
    /// assert_eq!(change.after, Tensor::from([[0.5 - 0.1 * 0.7184]]));
    /// # Ok::<(), nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As of a step.
    fn trace_step(
        &mut self,
        model: &mut dyn Module<A>,
        gradients: &Gradients<A>,
    ) -> Result<Changes<A>, Error> {
        self.step(model, gradients)?;
        Ok(Vec::new())
    }

    /// The learning rate η.
    fn learning_rate(&self) -> f64;

    /// Sets the learning rate for the steps to come. It may be 0, at which many schedules end.
    ///
    /// # Errors
    /// If it is negative, infinite or NaN; the old one stays then.
    fn set_learning_rate(&mut self, rate: f64) -> Result<(), Error>;

    /// What it was built with, apart from the learning rate, each number under a name: `beta1`,
    /// `weight decay`. A resumed run must have the same. Nothing, for an optimiser that has nothing
    /// to set.
    fn settings(&self, model: &dyn Module<A>) -> BTreeMap<String, f64> {
        let _ = model;
        BTreeMap::new()
    }

    /// All that the optimiser remembers between steps, by the paths of the model's parameters:
    /// `exp_avg.0.weight`, `step.0.weight`, `learning_rate`. The names are PyTorch's. Nothing, for
    /// an optimiser that remembers nothing.
    fn state(&self, model: &dyn Module<A>) -> State<A> {
        let _ = model;
        State::new()
    }

    /// Goes back to what [`state`](Optimizer::state) gave. In an optimiser built with the same
    /// settings, training goes on from there bit for bit.
    ///
    /// # Errors
    /// If the state is of another optimiser or another model: every tensor and number that is
    /// missing, unexpected or misshapen. Nothing is changed then.
    fn load_state(&mut self, model: &dyn Module<A>, state: &State<A>) -> Result<(), Error> {
        let _ = model;
        StateReader::new(state).finish("the optimiser")
    }
}

impl<A: Float, O: Optimizer<A> + ?Sized> Optimizer<A> for Box<O> {
    fn step(&mut self, model: &mut dyn Module<A>, gradients: &Gradients<A>) -> Result<(), Error> {
        (**self).step(model, gradients)
    }
    fn trace_step(
        &mut self,
        model: &mut dyn Module<A>,
        gradients: &Gradients<A>,
    ) -> Result<Changes<A>, Error> {
        (**self).trace_step(model, gradients)
    }
    fn learning_rate(&self) -> f64 {
        (**self).learning_rate()
    }
    fn set_learning_rate(&mut self, rate: f64) -> Result<(), Error> {
        (**self).set_learning_rate(rate)
    }
    fn settings(&self, model: &dyn Module<A>) -> BTreeMap<String, f64> {
        (**self).settings(model)
    }
    fn state(&self, model: &dyn Module<A>) -> State<A> {
        (**self).state(model)
    }
    fn load_state(&mut self, model: &dyn Module<A>, state: &State<A>) -> Result<(), Error> {
        (**self).load_state(model, state)
    }
}

/// Gives the buffers of a model the values that layers had for them in the pass. Every optimiser's
/// step does it.
pub fn update_buffers<A: Float>(model: &mut dyn Module<A>, gradients: &Gradients<A>) {
    model.visit_mut(&mut |_, parameter| {
        if parameter.is_buffer()
            && let Some(value) = gradients.update_of(parameter)
        {
            parameter.value = value.clone();
        }
    });
}
