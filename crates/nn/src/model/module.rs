//! What a layer or a model is.

use std::any::Any;

use ops::{Float, Shape, Tensor, Unary};
use tape::Var;

use super::{Parameter, Pass, on_behalf};
use crate::ground::Error;

/// A layer or a model: parameters, and a forward pass that records.
///
/// Models are plain structs of layers, layers plain structs of parameters. A model of your own
/// lists its parameters in `visit` and `visit_mut`, in the same order:
///
/// ```
/// use nn::prelude::*;
/// use nn::ops::Shape;
///
/// /// y = s·x, with one learned s.
/// struct Scale {
///     s: Parameter<f32>,
/// }
/// impl Module<f32> for Scale {
///     fn forward<'t>(&self, pass: &Pass<'t, f32>, x: Var<'t, f32>) -> Var<'t, f32> {
///         x * pass.parameter(&self.s)
///     }
///     fn output_shape(&self, input: &[usize]) -> Result<Shape, nn::Error> {
///         Ok(Shape::from_slice(input))
///     }
///     fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f32>)) {
///         visit("s", &self.s);
///     }
///     fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f32>)) {
///         visit("s", &mut self.s);
///     }
/// }
/// let model = Scale { s: Parameter::new(2.0) };
/// assert_eq!(predict(&model, &Tensor::from([1.0, 3.0]))?, Tensor::from([2.0, 6.0]));
/// # Ok::<(), nn::Error>(())
/// ```
pub trait Module<A: Float>: Any {
    /// Records the forward pass. `x` has the batch along its first axis.
    ///
    /// # Panics
    /// If the layer cannot take an input of this shape; [`output_shape`](Module::output_shape)
    /// says so as an error, without computing.
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A>;

    /// The shape of the output for an input of shape `input`, both with the batch first.
    ///
    /// # Errors
    /// If the layer cannot take such an input: which layer, and what it takes.
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error>;

    /// Whether the model can take these inputs, as far as that can be told without computing: by
    /// their shape and, for tokens, by their numbers.
    ///
    /// # Errors
    /// If it cannot: which layer, and what it takes.
    fn check_input(&self, input: &Tensor<A>) -> Result<(), Error> {
        self.output_shape(input.shape()).map(drop)
    }

    /// What it is, in a word or two, for messages and summaries: `Dense(784 → 30)`.
    fn describe(&self) -> String {
        let path = std::any::type_name::<Self>();
        let name = path.split('<').next().unwrap_or(path);
        name.rsplit("::").next().unwrap_or(name).to_owned()
    }

    /// Shows each parameter and buffer with its path (`0.weight`), always in the same order.
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        let _ = visit;
    }

    /// [`visit`](Module::visit), to change the parameters.
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        let _ = visit;
    }

    /// All parameters with their paths, without buffers.
    fn parameters(&self) -> Vec<(String, &Parameter<A>)> {
        let mut list = Vec::new();
        self.visit(&mut |path, parameter| {
            if !parameter.is_buffer() {
                list.push((path.to_owned(), parameter));
            }
        });
        list
    }

    /// All buffers with their paths.
    fn buffers(&self) -> Vec<(String, &Parameter<A>)> {
        let mut list = Vec::new();
        self.visit(&mut |path, parameter| {
            if parameter.is_buffer() {
                list.push((path.to_owned(), parameter));
            }
        });
        list
    }

    /// The number of learned numbers in all parameters.
    fn parameter_count(&self) -> usize {
        self.parameters().iter().map(|(_, parameter)| parameter.value.len()).sum()
    }
}

/// Every elementwise rule of one operand is a layer, yours included.
impl<A: Float, U: Unary> Module<A> for U {
    #[track_caller]
    fn forward<'t>(&self, _pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        x.unary(*self)
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(input))
    }
    fn describe(&self) -> String {
        U::NAME.to_owned()
    }
}

/// Layers of any kind. What they record has the line of the program that calls them, which behind
/// `dyn` alone is not known.
macro_rules! boxed {
    ($($layer:ty),*) => {$(
        impl<A: Float> Module<A> for Box<$layer> {
            #[track_caller]
            fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
                let _line = on_behalf(pass.tape());
                (**self).forward(pass, x)
            }
            fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
                (**self).output_shape(input)
            }
            fn check_input(&self, input: &Tensor<A>) -> Result<(), Error> {
                (**self).check_input(input)
            }
            fn describe(&self) -> String {
                (**self).describe()
            }
            fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
                (**self).visit(visit);
            }
            fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
                (**self).visit_mut(visit);
            }
        }
    )*};
}
boxed!(dyn Module<A>, dyn Module<A> + Send + Sync);
