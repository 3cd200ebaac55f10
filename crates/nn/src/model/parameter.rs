//! Parameters, and what a pass gives for them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use ndarray::Axis;
use ops::{Float, Tensor};

use super::Module;
use crate::ground::Error;

/// The identity of a parameter, unique in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParameterId(u64);

impl ParameterId {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What a parameter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Trained,
    Frozen,
    Buffer,
}

/// A tensor that a model keeps: a weight or bias that training changes, or a buffer that a layer
/// keeps for itself, such as the running mean of batch normalisation.
///
/// A clone has the same value and an identity of its own, so a cloned model trains apart from
/// the original.
#[derive(Debug)]
pub struct Parameter<A: Float> {
    id: ParameterId,
    role: Role,
    /// The row that stays 0, if there is one.
    zero_row: Option<usize>,
    /// Its path in the model that it belongs to, once that is known.
    path: OnceLock<Arc<str>>,
    /// The value. Only an optimiser, or the program itself, changes it.
    pub value: Tensor<A>,
}

impl<A: Float> Parameter<A> {
    /// A parameter that starts at `value` and is trained.
    pub fn new(value: impl Into<Tensor<A>>) -> Self {
        Self {
            id: ParameterId::new(),
            role: Role::Trained,
            zero_row: None,
            path: OnceLock::new(),
            value: value.into(),
        }
    }

    /// A tensor that belongs to the model and is saved with it, but has no gradient. A layer
    /// gives it a new value with [`Pass::update`](crate::Pass::update).
    pub fn buffer(value: impl Into<Tensor<A>>) -> Self {
        Self { role: Role::Buffer, ..Self::new(value) }
    }

    /// Sets a row to zeros, which it stays when a value is loaded.
    pub(crate) fn keep_row_zero(&mut self, row: usize) {
        self.zero_row = Some(row);
        self.value.view_mut().index_axis_mut(Axis(0), row).fill(A::zero());
    }

    /// Gives it a value from elsewhere, of its shape.
    pub(crate) fn load(&mut self, value: Tensor<A>) {
        self.value = value;
        if let Some(row) = self.zero_row {
            self.keep_row_zero(row);
        }
    }

    /// Its path in the model that it belongs to, as far as that is known.
    pub(crate) fn path(&self) -> Option<&Arc<str>> {
        self.path.get()
    }

    /// Tells it its path, unless it knows one.
    pub(crate) fn tell_path(&self, path: &str) -> &Arc<str> {
        self.path.get_or_init(|| path.into())
    }

    /// Tells it another path: it has become part of a larger model.
    pub(crate) fn move_to(&mut self, path: &str) {
        self.path = OnceLock::from(Arc::from(path));
    }

    /// Its identity, by which optimisers keep their state.
    pub fn id(&self) -> ParameterId {
        self.id
    }

    /// Whether it is a buffer, made by [`buffer`](Parameter::buffer).
    pub fn is_buffer(&self) -> bool {
        self.role == Role::Buffer
    }

    /// Whether it has a gradient: it is neither a buffer nor frozen.
    pub fn is_trained(&self) -> bool {
        self.role == Role::Trained
    }

    /// Keeps it as it is in training, as in fine-tuning only the last layers of a model. Without
    /// effect on a buffer.
    ///
    /// ```
    /// use nn::prelude::*;
    ///
    /// let mut model = Sequential::<f32>::new()
    ///     .then(Dense::new(4, 3, &mut nn::rng(0)))
    ///     .then(Dense::new(3, 2, &mut nn::rng(1)));
    /// model[0].visit_mut(&mut |_, parameter| parameter.freeze());
    /// let trained: Vec<_> = model.parameters().iter().map(|(_, p)| p.is_trained()).collect();
    /// assert_eq!(trained, [false, false, true, true]);
    /// ```
    pub fn freeze(&mut self) {
        if self.role == Role::Trained {
            self.role = Role::Frozen;
        }
    }

    /// Undoes [`freeze`](Parameter::freeze).
    pub fn unfreeze(&mut self) {
        if self.role == Role::Frozen {
            self.role = Role::Trained;
        }
    }
}

impl<A: Float> Clone for Parameter<A> {
    fn clone(&self) -> Self {
        Self { role: self.role, zero_row: self.zero_row, ..Self::new(&self.value) }
    }
}

/// What a pass gives for a model's parameters: the gradient of the loss with respect to every
/// trained parameter, and new values of buffers.
#[derive(Clone, Debug, Default)]
pub struct Gradients<A: Float> {
    by_id: HashMap<ParameterId, Tensor<A>>,
    updates: HashMap<ParameterId, Tensor<A>>,
}

impl<A: Float> Gradients<A> {
    pub(crate) fn new(
        by_id: HashMap<ParameterId, Tensor<A>>,
        updates: HashMap<ParameterId, Tensor<A>>,
    ) -> Self {
        Self { by_id, updates }
    }

    /// The gradient with respect to a parameter, in its shape; `None` if the loss was not
    /// computed with it, or it is not trained.
    pub fn of(&self, parameter: &Parameter<A>) -> Option<&Tensor<A>> {
        self.by_id.get(&parameter.id)
    }

    /// The same, to change it: to clip it, to add noise to it.
    pub fn of_mut(&mut self, parameter: &Parameter<A>) -> Option<&mut Tensor<A>> {
        self.by_id.get_mut(&parameter.id)
    }

    /// Gives a parameter a gradient that was computed elsewhere, instead of any that it has. A
    /// step refuses one of another shape than the parameter's.
    pub fn insert(&mut self, parameter: &Parameter<A>, gradient: impl Into<Tensor<A>>) {
        self.by_id.insert(parameter.id, gradient.into());
    }

    /// Refuses gradients of which none is of a parameter of `model`: a step would change nothing
    /// and say nothing.
    pub(crate) fn check_owner(&self, model: &dyn Module<A>) -> Result<(), Error> {
        let mut known = self.by_id.is_empty();
        model.visit(&mut |_, parameter| known |= self.by_id.contains_key(&parameter.id));
        let gradients = self.by_id.len();
        if known { Ok(()) } else { Err(Error::ForeignGradients { gradients }) }
    }

    /// The value that a layer gave a buffer in the pass, if any. Every optimiser's step puts it
    /// there.
    pub fn update_of(&self, buffer: &Parameter<A>) -> Option<&Tensor<A>> {
        self.updates.get(&buffer.id)
    }
}
