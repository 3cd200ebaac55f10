//! Parameters and their gradients.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use ops::{Float, Tensor};

/// What tells one parameter from every other in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParameterId(u64);

impl ParameterId {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A tensor that training changes: a weight, a bias.
///
/// A clone has the same value and an identity of its own, so a cloned model trains apart from
/// the original.
#[derive(Debug)]
pub struct Parameter<A: Float> {
    id: ParameterId,
    /// The value. Only an optimiser, or the program itself, changes it.
    pub value: Tensor<A>,
}

impl<A: Float> Parameter<A> {
    /// A parameter that starts at `value`.
    pub fn new(value: impl Into<Tensor<A>>) -> Self {
        Self { id: ParameterId::new(), value: value.into() }
    }

    /// Its identity, by which optimisers keep their state.
    pub fn id(&self) -> ParameterId {
        self.id
    }
}

impl<A: Float> Clone for Parameter<A> {
    fn clone(&self) -> Self {
        Self::new(&self.value)
    }
}

/// The gradient of a loss with respect to the parameters that it was computed with.
#[derive(Clone, Debug, Default)]
pub struct Gradients<A: Float> {
    by_id: HashMap<ParameterId, Tensor<A>>,
}

impl<A: Float> Gradients<A> {
    pub(crate) fn new(by_id: HashMap<ParameterId, Tensor<A>>) -> Self {
        Self { by_id }
    }

    /// The gradient with respect to a parameter, in its shape; `None` if the loss was not
    /// computed with it.
    pub fn of(&self, parameter: &Parameter<A>) -> Option<&Tensor<A>> {
        self.by_id.get(&parameter.id)
    }
}
