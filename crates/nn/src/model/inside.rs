//! What a layer sees to when its forward pass begins and ends: that its input fits, that what it
//! records has the line of the program that called it, and that its parameters have names.

use std::sync::Arc;

use ops::Float;
use tape::{OnBehalf, Tape, Var};

use super::{Module, Parameter, Pass};

/// How the paths of the files of this crate begin.
const SOURCES: &str = {
    let here = "model/inside.rs".len();
    file!().split_at(file!().len() - here).0
};

/// Inside a layer, until it is dropped.
pub(crate) struct Inside<'p, 't, A: Float> {
    pass: &'p Pass<'t, A>,
    layer: &'p dyn Module<A>,
    _line: OnBehalf<'t>,
}

impl<A: Float> Drop for Inside<'_, '_, A> {
    fn drop(&mut self) {
        let depth = self.pass.depth.get() - 1;
        self.pass.depth.set(depth);
        // Once in the life of a model: a parameter keeps its path.
        if depth == 0 && self.pass.is_path_missing.replace(false) && !std::thread::panicking() {
            self.pass.tell_paths(self.layer);
        }
    }
}

/// Lets what this crate records on a tape have the line of its caller, until it is dropped.
#[track_caller]
pub(crate) fn on_behalf<A: Float>(tape: &Tape<A>) -> OnBehalf<'_> {
    tape.on_behalf(SOURCES)
}

impl<'t, A: Float> Pass<'t, A> {
    /// Begins the forward pass of a layer of this crate.
    ///
    /// # Panics
    /// With the layer's refusal if it cannot take `x`: broadcasting would hide a wrong shape.
    #[track_caller]
    pub(crate) fn enter<'p>(
        &'p self,
        layer: &'p impl Module<A>,
        x: Var<'t, A>,
    ) -> Inside<'p, 't, A> {
        if let Err(refusal) = layer.output_shape(&x.shape()) {
            panic!("{refusal}");
        }
        self.begin(layer)
    }

    /// [`enter`](Pass::enter), without a look at the input.
    #[track_caller]
    pub(crate) fn begin<'p>(&'p self, layer: &'p dyn Module<A>) -> Inside<'p, 't, A> {
        let line = on_behalf(self.tape);
        self.depth.set(self.depth.get() + 1);
        Inside { pass: self, layer, _line: line }
    }

    /// Names what a parameter is recorded as by its path, if that is known.
    pub(super) fn name(&self, parameter: &Parameter<A>, var: Var<'t, A>) {
        match parameter.path() {
            Some(path) => self.call(var, path),
            None => self.is_path_missing.set(true),
        }
    }

    /// Tells the parameters of a layer their paths, and names what is recorded for them.
    fn tell_paths(&self, layer: &dyn Module<A>) {
        let parameters = self.parameters.borrow();
        layer.visit(&mut |path, parameter| {
            if parameter.path().is_some() {
                return;
            }
            let path = parameter.tell_path(path);
            if let Some((var, _)) = parameters.get(&parameter.id()) {
                self.call(*var, path);
            }
        });
    }

    /// Names what is recorded for a parameter, unlike any other of the pass: two layers of a model
    /// that says nothing of itself may both have a `weight`.
    fn call(&self, var: Var<'t, A>, path: &Arc<str>) {
        let mut paths = self.paths.borrow_mut();
        let (mut name, mut number) = (path.clone(), paths.get(path).copied().unwrap_or(1));
        while paths.contains_key(&name) {
            number += 1;
            name = format!("{path}_{number}").into();
        }
        paths.insert(path.clone(), number);
        paths.entry(name.clone()).or_insert(1);
        var.named_by_default(name);
    }

    /// Names what the pass has recorded for the parameters of a model by their paths in it. Layers
    /// of this crate do so themselves, a [`Sequential`](crate::layers::Sequential) with the whole
    /// path; a model of your own has names of its layers that they do not know. What the program
    /// named keeps its name.
    ///
    /// ```
    /// use nn::prelude::*;
    ///
    /// struct Model {
    ///     hidden: Dense<f64>,
    /// }
    /// # impl Module<f64> for Model {
    /// #     fn forward<'t>(&self, pass: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
    /// #         self.hidden.forward(pass, x)
    /// #     }
    /// #     fn output_shape(&self, input: &[usize]) -> Result<nn::ops::Shape, nn::Error> {
    /// #         self.hidden.output_shape(input)
    /// #     }
    /// #     fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f64>)) {
    /// #         self.hidden.visit(&mut |path, parameter| visit(&format!("hidden.{path}"), parameter));
    /// #     }
    /// # }
    /// // impl Module<f64> for Model …
    /// let model = Model { hidden: Dense::new(2, 1, &mut nn::rng(0)) };
    /// let tape = Tape::new();
    /// let pass = Pass::train(&tape, 0);
    /// let loss = model.forward(&pass, tape.constant([[1.0, 2.0]])).sum();
    /// let names = || tape.vars().filter_map(|x| x.name()).collect::<Vec<_>>();
    /// assert_eq!(names(), ["weight", "bias"]);
    /// pass.name_parameters(&model);
    /// assert_eq!(names(), ["hidden.weight", "hidden.bias"]);
    /// # let _ = loss;
    /// ```
    pub fn name_parameters(&self, model: &dyn Module<A>) {
        let parameters = self.parameters.borrow();
        model.visit(&mut |path, parameter| {
            if let Some((var, _)) = parameters.get(&parameter.id()) {
                var.named_by_default(path);
            }
        });
    }
}
