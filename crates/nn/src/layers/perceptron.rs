//! The perceptron.

use ops::methods::{MatmulMethods, UnaryMethods};
use ops::{Float, Shape, Tensor};
use tape::Var;

use crate::ground::Error;
use crate::ground::setting::check_rate;
use crate::model::{Module, Parameter, Pass};

/// Rosenblatt's perceptron: y = step(w·x + b), `[…, inputs] → […]`.
///
/// Its slope is 0 everywhere, so backpropagation cannot train it; it has its own learning
/// rule, [`learn`](Perceptron::learn).
///
/// ```
/// use nn::prelude::*;
///
/// // AND of two inputs.
/// let x = Tensor::from([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
/// let mut unit = Perceptron::<f32>::new(2);
/// while unit.learn(&x, &[0, 0, 0, 1], 1.0)? > 0 {}
/// assert_eq!(predict(&unit, &x)?, Tensor::from([0.0, 0.0, 0.0, 1.0]));
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Perceptron<A: Float> {
    /// w, `[inputs]`.
    pub weight: Parameter<A>,
    /// b, a scalar.
    pub bias: Parameter<A>,
}

impl<A: Float> Perceptron<A> {
    /// A perceptron whose weights and bias are 0.
    ///
    /// # Panics
    /// If memory cannot hold a number for each.
    #[track_caller]
    pub fn new(inputs: usize) -> Self {
        Self {
            weight: Parameter::new(Tensor::zeros(&[inputs])),
            bias: Parameter::new(Tensor::scalar(A::zero())),
        }
    }

    /// One pass of the perceptron learning rule over samples `x`, `[samples, inputs]`, with
    /// labels 0 or 1: for each sample in turn, w += η (label − y) x and b += η (label − y).
    /// Returns the number of samples that were wrong. If the two classes can be separated by a
    /// line, it reaches 0 after finitely many passes (Rosenblatt, 1962; Novikoff, 1962).
    ///
    /// # Errors
    /// If the shapes do not fit, a label is neither 0 nor 1, η is not positive and finite, or an input
    /// is infinite or NaN; nothing is changed then.
    pub fn learn(&mut self, x: &Tensor<A>, labels: &[usize], rate: f64) -> Result<usize, Error> {
        let inputs = self.weight.value.len();
        if x.ndim() != 2 || x.shape()[1] != inputs {
            return Err(self.input_error(x.shape()));
        }
        if x.shape()[0] != labels.len() {
            return Err(Error::Setting {
                setting: "the number of labels",
                given: labels.len().to_string(),
                allowed: "the number of samples",
            });
        }
        if let Some(row) = labels.iter().position(|&label| label > 1) {
            return Err(Error::Label { row, label: labels[row], classes: 2 });
        }
        check_rate(rate)?;
        if let Some(x) = x.view().iter().find(|x| !x.is_finite()) {
            let (setting, given) = ("an input of the perceptron", x.to_string());
            return Err(Error::Setting { setting, given, allowed: "finite" });
        }
        let mut wrong = 0;
        for (row, &label) in x.view().outer_iter().zip(labels) {
            let mut weight = self.weight.value.view_mut();
            let sum: A = row.iter().zip(weight.iter()).map(|(&x, &w)| x * w).sum();
            let output = usize::from(sum + self.bias.value.item() > A::zero());
            if output != label {
                wrong += 1;
                let change = A::from_f64(rate * (label as f64 - output as f64));
                weight.iter_mut().zip(&row).for_each(|(w, &x)| *w += change * x);
                self.bias.value = Tensor::scalar(self.bias.value.item() + change);
            }
        }
        Ok(wrong)
    }

    fn input_error(&self, given: &[usize]) -> Error {
        let inputs = self.weight.value.len();
        Error::layer_input(format!("Perceptron({inputs})"), format!("[…, {inputs}]"), given)
    }
}

impl<A: Float> Module<A> for Perceptron<A> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        (x.matmul(pass.parameter(&self.weight)) + pass.parameter(&self.bias)).step()
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        match input.split_last() {
            Some((&last, leading)) if last == self.weight.value.len() => {
                Ok(Shape::from_slice(leading))
            }
            _ => Err(self.input_error(input)),
        }
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        visit("weight", &self.weight);
        visit("bias", &self.bias);
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        visit("weight", &mut self.weight);
        visit("bias", &mut self.bias);
    }
}
