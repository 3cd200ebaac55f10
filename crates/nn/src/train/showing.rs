//! Whether a model shows its parameters as training needs them.

use std::collections::HashMap;

use ops::Float;
use tape::error::TapeError;

use crate::ground::Error;
use crate::ground::error::SaveError;
use crate::model::{Module, ParameterId, Pass};
use crate::save::shapes_of;

/// Refuses a model that shows two parameters under one path, one parameter under two, or others to
/// an optimiser than to the rest of the world.
pub(super) fn check_paths<A: Float>(model: &mut dyn Module<A>) -> Result<(), Error> {
    shapes_of(model).map_err(|error| match error {
        Error::Save(SaveError::Model { problem }) => Error::Model { problem },
        other => other,
    })?;
    let mut paths: HashMap<ParameterId, String> = HashMap::new();
    let mut twice = None;
    model.visit(&mut |path, parameter| {
        if let Some(before) = paths.insert(parameter.id(), path.to_owned()) {
            twice = Some(format!(
                "{before:?} and {path:?} are one parameter, of which every step would be taken twice"
            ));
        }
    });
    twice.map_or(Ok(()), |problem| Err(Error::Model { problem }))
}

/// Refuses a model whose forward pass uses what its `visit` does not show.
pub(super) fn check_shown<A: Float>(
    pass: &Pass<'_, A>,
    model: &dyn Module<A>,
) -> Result<(), Error> {
    let Some(hidden) = pass.hidden(model) else { return Ok(()) };
    let problem = format!(
        "its forward pass uses {hidden} that the model's visit does not show, so that it would be \
         neither trained nor saved"
    );
    Err(Error::Model { problem })
}

/// Why there is no gradient, in the words of a model.
pub(super) fn in_words<A: Float>(error: TapeError, model: &dyn Module<A>) -> Error {
    let TapeError::Untracked { .. } = error else { return error.into() };
    let parameters = model.parameters();
    let problem = match parameters.len() {
        0 => "the model has no parameters".to_owned(),
        all if parameters.iter().all(|(_, parameter)| !parameter.is_trained()) => {
            format!("all {all} parameters of the model are frozen")
        }
        _ => "no trained parameter goes into the loss".to_owned(),
    };
    Error::NothingToTrain { problem }
}
