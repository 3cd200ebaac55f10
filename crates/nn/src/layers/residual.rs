//! Residual connections.

use ops::{Float, Shape};
use tape::Var;

use super::Identity;
use crate::ground::Error;
use crate::model::{Module, Parameter, Pass};

/// A residual connection: y = x + f(x), or, with a projection shortcut s, y = s(x) + f(x). Shape of
/// the input: what f takes; of the output: what f gives.
///
/// The gradient of x is the gradient of y plus what comes back through f, so that it does not fade
/// however many such layers are stacked. He et al., *Deep residual learning*, 2016. Parameters are
/// named `body.…` and `shortcut.…`.
///
/// ```
/// use nn::prelude::*;
///
/// let mut rng = nn::rng(0);
/// let block = Sequential::<f32>::new()
///     .then(Conv2d::new(16, 32, 3, &mut rng).stride(2).padding(1))
///     .then(Relu)
///     .then(Conv2d::new(32, 32, 3, &mut rng).padding(1));
/// let layer = Residual::new(block).shortcut(Conv2d::new(16, 32, 1, &mut rng).stride(2));
/// assert_eq!(layer.output_shape(&[8, 16, 28, 28])?[..], [8, 32, 14, 14]);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Residual<F, S = Identity> {
    /// f.
    pub body: F,
    /// s, by default the identity.
    pub shortcut: S,
}

impl<F> Residual<F> {
    /// x + f(x).
    pub fn new(body: F) -> Self {
        Self { body, shortcut: Identity }
    }
}

impl<F, S> Residual<F, S> {
    /// s(x) + f(x), for an f that changes the shape.
    #[must_use]
    pub fn shortcut<P>(self, shortcut: P) -> Residual<F, P> {
        Residual { body: self.body, shortcut }
    }
}

impl<A: Float, F: Module<A>, S: Module<A>> Module<A> for Residual<F, S> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        let _inside = pass.enter(self, x);
        let shortcut = pass.scope("shortcut", || self.shortcut.forward(pass, x));
        shortcut + pass.scope("body", || self.body.forward(pass, x))
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        let body = self.body.output_shape(input).map_err(|error| error.within("body", None))?;
        let shortcut = self.shortcut.output_shape(input);
        let shortcut = shortcut.map_err(|error| error.within("shortcut", None))?;
        if body == shortcut {
            return Ok(body);
        }
        let wanted = format!(
            "that body and shortcut take to one shape, which they take to {:?} and {:?}",
            &body[..],
            &shortcut[..]
        );
        Err(Error::layer_input(Module::<A>::describe(self), wanted, input))
    }

    fn describe(&self) -> String {
        format!("Residual({})", self.body.describe())
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        self.body.visit(&mut |path, parameter| visit(&format!("body.{path}"), parameter));
        self.shortcut.visit(&mut |path, parameter| visit(&format!("shortcut.{path}"), parameter));
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        self.body.visit_mut(&mut |path, parameter| visit(&format!("body.{path}"), parameter));
        self.shortcut
            .visit_mut(&mut |path, parameter| visit(&format!("shortcut.{path}"), parameter));
    }
}
