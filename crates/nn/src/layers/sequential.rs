//! Layers one after the other.

use std::any::Any;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

use ops::{Float, Shape, Tensor};
use tape::Var;

use crate::ground::Error;
use crate::ground::words::counted;
use crate::model::{Module, Parameter, Pass};

/// Layers one after the other: each takes the output of the layer before. Parameters have
/// the number or name of their layer in their path: `0.weight`, `encoder.0.weight`. A sequence can
/// be shared by threads, behind an [`Arc`], each with passes of its own.
///
/// ```
/// use nn::prelude::*;
///
/// let mut rng = nn::rng(0);
/// let encoder = Sequential::<f32>::new().then(Dense::new(784, 30, &mut rng)).then(Sigmoid);
/// let model = Sequential::new()
///     .named("encoder", encoder)
///     .then(Dense::new(30, 10, &mut rng));
/// assert_eq!(model.parameter_count(), 784 * 30 + 30 + 30 * 10 + 10);
/// let paths: Vec<String> = model.parameters().into_iter().map(|(path, _)| path).collect();
/// assert_eq!(paths, ["encoder.0.weight", "encoder.0.bias", "1.weight", "1.bias"]);
/// assert_eq!(model.layer::<Dense<f32>>("1").unwrap().weight.value.shape(), [10, 30]);
///
/// // Layers that do not fit each other are both named, before anything is computed.
/// let wrong = model.then(Dense::new(20, 5, &mut rng));
/// assert_eq!(
///     wrong.output_shape(&[1, 784]).unwrap_err().to_string(),
///     "layer 2 Dense(20 → 5) takes an input of shape […, 20], but is given [1, 10] by layer 1 \
///      Dense(30 → 10)"
/// );
/// ```
#[derive(Default)]
pub struct Sequential<A: Float> {
    layers: Vec<Layer<A>>,
}

/// One layer of a sequence.
struct Layer<A: Float> {
    name: String,
    /// Name and description, for the tape.
    label: Arc<str>,
    module: Box<dyn Module<A> + Send + Sync>,
}

impl<A: Float> Sequential<A> {
    /// No layers yet: the identity.
    pub fn new() -> Self {
        Self { layers: Vec::new() }
    }

    /// The same with one more layer at the end, named by its number from 0.
    ///
    /// # Panics
    /// If an earlier layer was given that number for a name.
    #[must_use]
    #[track_caller]
    pub fn then(self, layer: impl Module<A> + Send + Sync) -> Self {
        let number = self.layers.len().to_string();
        self.named(number, layer)
    }

    /// The same with one more layer at the end, and a name for it.
    ///
    /// # Panics
    /// If the name is empty, has a dot in it, or is taken by an earlier layer.
    #[must_use]
    #[track_caller]
    pub fn named(
        mut self,
        name: impl Into<String>,
        mut layer: impl Module<A> + Send + Sync,
    ) -> Self {
        let name = name.into();
        assert!(
            !name.is_empty() && !name.contains('.'),
            "a layer cannot be named {name:?}: a name has at least one character and no dot"
        );
        assert!(self.position(&name).is_none(), "two layers are named {name:?}");
        let label = format!("{name} {}", layer.describe()).into();
        let mut whole = String::with_capacity(PATH);
        layer.visit_mut(&mut |path, parameter| parameter.move_to(joined(&mut whole, &name, path)));
        self.layers.push(Layer { name, label, module: Box::new(layer) });
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

    /// The names of the layers, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().map(|layer| &*layer.name)
    }

    /// The layer of this name, if there is one of this type.
    pub fn layer<M: Module<A>>(&self, name: &str) -> Option<&M> {
        let layer: &dyn Any = &*self.layers[self.position(name)?].module;
        layer.downcast_ref()
    }

    /// [`layer`](Sequential::layer), to change it.
    pub fn layer_mut<M: Module<A>>(&mut self, name: &str) -> Option<&mut M> {
        let position = self.position(name)?;
        let layer: &mut dyn Any = &mut *self.layers[position].module;
        layer.downcast_mut()
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.layers.iter().position(|layer| layer.name == name)
    }

    #[track_caller]
    fn expect_position(&self, name: &str) -> usize {
        let names = || self.names().collect::<Vec<_>>().join(", ");
        let Some(position) = self.position(name) else {
            panic!("no layer is named {name:?}; there are: {}", names())
        };
        position
    }
}

impl<A: Float> Index<usize> for Sequential<A> {
    type Output = dyn Module<A>;
    fn index(&self, layer: usize) -> &Self::Output {
        &*self.layers[layer].module
    }
}

impl<A: Float> IndexMut<usize> for Sequential<A> {
    fn index_mut(&mut self, layer: usize) -> &mut Self::Output {
        &mut *self.layers[layer].module
    }
}

impl<A: Float> Index<&str> for Sequential<A> {
    type Output = dyn Module<A>;
    #[track_caller]
    fn index(&self, name: &str) -> &Self::Output {
        &self[self.expect_position(name)]
    }
}

impl<A: Float> IndexMut<&str> for Sequential<A> {
    #[track_caller]
    fn index_mut(&mut self, name: &str) -> &mut Self::Output {
        let position = self.expect_position(name);
        &mut self[position]
    }
}

impl<A: Float> std::fmt::Debug for Sequential<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sequential ")?;
        f.debug_list().entries(self.layers.iter().map(|layer| &layer.label)).finish()
    }
}

/// Room for most paths.
const PATH: usize = 64;

/// The path of a parameter; overwrites the one before.
fn joined<'w>(whole: &'w mut String, layer: &str, path: &str) -> &'w str {
    whole.clear();
    whole.extend([layer, ".", path]);
    whole
}

impl<A: Float> Module<A> for Sequential<A> {
    #[track_caller]
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        // Here the caller's line is known: behind `dyn` it is not.
        let _inside = pass.enter(self, x);
        self.layers.iter().fold(x, |x, layer| {
            pass.scope(Arc::clone(&layer.label), || layer.module.forward(pass, x))
        })
    }

    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        let mut shape = Shape::from_slice(input);
        let mut before = None;
        for layer in &self.layers {
            let output = layer.module.output_shape(&shape);
            shape = output.map_err(|error| error.within(&layer.name, before))?;
            before = Some(&*layer.label);
        }
        Ok(shape)
    }

    fn check_input(&self, input: &Tensor<A>) -> Result<(), Error> {
        self.output_shape(input.shape())?;
        self.layers.first().map_or(Ok(()), |layer| layer.module.check_input(input))
    }

    fn describe(&self) -> String {
        format!("Sequential({})", counted(self.layers.len(), "layer"))
    }

    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        let mut whole = String::with_capacity(PATH);
        for Layer { name, module, .. } in &self.layers {
            module.visit(&mut |path, parameter| visit(joined(&mut whole, name, path), parameter));
        }
    }

    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        let mut whole = String::with_capacity(PATH);
        for Layer { name, module, .. } in &mut self.layers {
            module
                .visit_mut(&mut |path, parameter| visit(joined(&mut whole, name, path), parameter));
        }
    }
}
