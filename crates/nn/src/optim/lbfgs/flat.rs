//! All trained parameters of a model as one vector, and back.

use ops::Float;

use crate::ground::Error;
use crate::model::{Gradients, Module, ParameterId};
use crate::optim::driver::elements_mut;

/// The trained parameters of a model and their sizes, in order.
pub(super) fn layout<A: Float>(model: &dyn Module<A>) -> Vec<(ParameterId, usize)> {
    let parameters = model.parameters().into_iter().filter(|(_, p)| p.is_trained());
    parameters.map(|(_, parameter)| (parameter.id(), parameter.value.len())).collect()
}

/// The same in words.
pub(super) fn parameters<A: Float>(model: &dyn Module<A>) -> String {
    let parameters = model.parameters().into_iter().filter(|(_, p)| p.is_trained());
    let words: Vec<_> =
        parameters.map(|(path, p)| format!("{path} {:?}", p.value.shape())).collect();
    words.join(", ")
}

/// All trained parameters as one vector.
pub(super) fn weights<A: Float>(model: &dyn Module<A>) -> Vec<A> {
    let mut all = Vec::new();
    model.visit(&mut |_, parameter| {
        if parameter.is_trained() {
            all.extend(parameter.value.view().iter());
        }
    });
    all
}

/// Gives all trained parameters their numbers from one vector.
pub(super) fn set_weights<A: Float>(model: &mut dyn Module<A>, mut x: &[A]) {
    model.visit_mut(&mut |_, parameter| {
        if parameter.is_trained() {
            let (here, rest) = x.split_at(parameter.value.len());
            elements_mut(&mut parameter.value).copy_from_slice(here);
            x = rest;
        }
    });
}

/// All gradients as one vector.
pub(super) fn flat_gradient<A: Float>(
    model: &dyn Module<A>,
    gradients: &Gradients<A>,
) -> Result<Vec<A>, Error> {
    let mut all = Vec::new();
    let mut wrong = Ok(());
    model.visit(&mut |path, parameter| {
        let shape = parameter.value.shape();
        match gradients.of(parameter) {
            _ if !parameter.is_trained() => {}
            None => all.resize(all.len() + parameter.value.len(), A::zero()),
            Some(gradient) if gradient.shape() == shape => all.extend(gradient.view().iter()),
            Some(gradient) => {
                let (parameter, gradient) = (path.to_owned(), gradient.shape().to_vec());
                wrong = Err(Error::GradientShape { parameter, shape: shape.to_vec(), gradient });
            }
        }
    });
    wrong.map(|()| all)
}
