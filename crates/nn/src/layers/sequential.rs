//! Layers one after the other.

use std::ops::{Index, IndexMut};

use ops::{Float, Shape};
use tape::Var;

use crate::error::Error;
use crate::module::Module;
use crate::parameter::Parameter;
use crate::pass::Pass;

/// Layers one after the other, each of which takes the output of the one before. Parameters have
/// the number of their layer in their path: `0.weight`.
///
/// ```
/// use nn::prelude::*;
///
/// let mut rng = nn::rng(0);
/// let model = Sequential::<f32>::new()
///     .then(Dense::new(784, 30, &mut rng))
///     .then(Sigmoid)
///     .then(Dense::new(30, 10, &mut rng));
/// assert_eq!(model.parameter_count(), 784 * 30 + 30 + 30 * 10 + 10);
/// assert_eq!(model.parameters()[2].0, "2.weight");
///
/// // Layers that do not fit each other are named, before anything is computed.
/// let wrong = model.then(Dense::new(20, 5, &mut rng));
/// assert_eq!(
///     wrong.output_shape(&[1, 784]).unwrap_err().to_string(),
///     "layer 3 Dense(20 → 5) takes an input of shape […, 20], but is given [1, 10]"
/// );
/// ```
#[derive(Default)]
pub struct Sequential<A: Float> {
    layers: Vec<Box<dyn Module<A>>>,
}

impl<A: Float> Sequential<A> {
    /// No layers yet: the identity.
    pub fn new() -> Self {
        Self { layers: Vec::new() }
    }

    /// The same with one more layer at the end.
    #[must_use]
    pub fn then(mut self, layer: impl Module<A> + 'static) -> Self {
        self.layers.push(Box::new(layer));
        self
    }

    /// The number of layers.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are no layers.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }
}

impl<A: Float> Index<usize> for Sequential<A> {
    type Output = dyn Module<A>;
    fn index(&self, layer: usize) -> &Self::Output {
        &*self.layers[layer]
    }
}

impl<A: Float> IndexMut<usize> for Sequential<A> {
    fn index_mut(&mut self, layer: usize) -> &mut Self::Output {
        &mut *self.layers[layer]
    }
}

impl<A: Float> std::fmt::Debug for Sequential<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sequential of {} layers: ", self.layers.len())?;
        let shapes =
            self.parameters().into_iter().map(|(path, p)| (path, p.value.shape().to_vec()));
        f.debug_map().entries(shapes).finish()
    }
}

impl<A: Float> Module<A> for Sequential<A> {
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        self.layers.iter().fold(x, |x, layer| layer.forward(pass, x))
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        let start = Shape::from_slice(input);
        self.layers.iter().enumerate().try_fold(start, |shape, (i, layer)| {
            layer.output_shape(&shape).map_err(|error| error.within(i))
        })
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        for (i, layer) in self.layers.iter().enumerate() {
            layer.visit(&mut |path, parameter| visit(&format!("{i}.{path}"), parameter));
        }
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        for (i, layer) in self.layers.iter_mut().enumerate() {
            layer.visit_mut(&mut |path, parameter| visit(&format!("{i}.{path}"), parameter));
        }
    }
}
