//! The weights of a model as named tensors, in memory and in files.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use ops::{Float, Tensor, visible};

use super::atomic::write_atomically;
use super::safetensors::{Contents, Stored, to_bytes};
use crate::ground::Error;
use crate::ground::error::{Misfit, SaveError};
use crate::model::Module;

/// Saves the parameters and buffers of a model, under their paths, in the safetensors format.
///
/// The file is written whole or not at all: a program that is killed on the way leaves the old
/// file. PyTorch reads it (`safetensors.torch.load_file`); names and layouts are PyTorch's where a
/// layer has a counterpart there.
///
/// # Errors
/// If the file cannot be written, or the model shows two parameters under one path.
///
/// ```
/// use nn::prelude::*;
/// use nn::save::{load_weights, save_weights};
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("model.safetensors");
/// let model = Sequential::<f32>::new().then(Dense::new(4, 2, &mut nn::rng(1)));
/// save_weights(&model, &path)?;
///
/// let mut other = Sequential::<f32>::new().then(Dense::new(4, 2, &mut nn::rng(2)));
/// load_weights(&mut other, &path)?;
/// let x = Tensor::from([[1.0, 2.0, 3.0, 4.0]]);
/// assert_eq!(predict(&other, &x)?, predict(&model, &x)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn save_weights<A: Float>(
    model: &(impl Module<A> + ?Sized),
    path: impl AsRef<Path>,
) -> Result<(), Error> {
    Weights::of(model)?.save(path)
}

/// Loads what [`save_weights`] or another program saved, strictly: every parameter and buffer of
/// the model must be there, in its shape, and nothing else. [`Loading`] is less strict.
///
/// Numbers may be of any float or integer type. A float is rounded to the model's type; a
/// number that the type cannot hold (a float too large, an integer not exact) is refused.
///
/// # Errors
/// If the file cannot be read, is damaged, or does not fit; then the message lists everything that
/// is missing, unexpected or of another shape, and the model stays as it was.
pub fn load_weights<A: Float>(
    model: &mut (impl Module<A> + ?Sized),
    path: impl AsRef<Path>,
) -> Result<(), Error> {
    Loading::new().file(model, path).map(drop)
}

/// The parameters and buffers of a model at one moment, by path.
///
/// ```
/// use nn::prelude::*;
/// use nn::save::Weights;
///
/// let mut model = Sequential::<f32>::new().then(Dense::new(4, 2, &mut nn::rng(1)));
/// let best = Weights::of(&model)?;
/// model.visit_mut(&mut |_, parameter| parameter.value = Tensor::zeros(parameter.value.shape()));
/// best.restore(&mut model)?;
/// assert_eq!(Weights::of(&model)?, best);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights<A: Float> {
    /// The tensors by path.
    pub tensors: BTreeMap<String, Tensor<A>>,
}

impl<A: Float> Weights<A> {
    /// The weights of a model, as they are now. Cheap: the numbers are shared until one side
    /// changes.
    ///
    /// # Errors
    /// If the model shows two parameters under one path.
    pub fn of(model: &(impl Module<A> + ?Sized)) -> Result<Self, Error> {
        let mut tensors = BTreeMap::new();
        let mut twice = None;
        model.visit(&mut |path, parameter| {
            if tensors.insert(path.to_owned(), parameter.value.clone()).is_some() {
                twice.get_or_insert_with(|| path.to_owned());
            }
        });
        match twice {
            None => Ok(Self { tensors }),
            Some(path) => {
                let problem = format!("two parameters have the path {path:?}");
                Err(SaveError::Model { problem }.into())
            }
        }
    }

    /// Gives them back to a model of the same parameters.
    ///
    /// # Errors
    /// If they do not fit; the model stays as it was.
    pub fn restore(&self, model: &mut (impl Module<A> + ?Sized)) -> Result<(), Error> {
        Loading::new().weights(model, self).map(drop)
    }

    /// Saves them as [`save_weights`] does.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        Ok(write_atomically(path.as_ref(), &self.to_bytes()?)?)
    }

    /// The bytes of the file that [`save`](Weights::save) writes. The same weights give the same
    /// bytes.
    ///
    /// # Errors
    /// If the format does not allow a path (`__metadata__`).
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let stored = |(path, tensor): (&String, _)| (path.clone(), Stored::new(tensor));
        // Libraries around PyTorch need to know that names and layouts are PyTorch's.
        let metadata = ("format", "pt".to_owned());
        Ok(to_bytes(&self.tensors.iter().map(stored).collect(), metadata)?)
    }

    /// Writes these bytes to anything that takes bytes.
    ///
    /// # Errors
    /// If it does not take them.
    pub fn write(&self, mut writer: impl Write) -> Result<(), Error> {
        let written = writer.write_all(&self.to_bytes()?);
        Ok(written.map_err(SaveError::io("write", "the weights"))?)
    }

    /// Reads all tensors of a file, whatever they belong to.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged, or numbers are not this type's.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::read_from(&read_file(path.as_ref())?)
    }

    /// Reads all tensors of the bytes of such a file.
    ///
    /// # Errors
    /// As for [`load`](Weights::load).
    pub fn read(reader: impl Read) -> Result<Self, Error> {
        Self::read_from(&Contents::read(reader, "what was given")?)
    }

    fn read_from(contents: &Contents) -> Result<Self, Error> {
        let (mut tensors, mut unfit) = (BTreeMap::new(), Vec::new());
        for (name, _) in contents.shapes() {
            match contents.tensor(name) {
                Ok(tensor) => drop(tensors.insert(name.to_owned(), tensor)),
                Err(why) => unfit.push(format!("{}: {why}", visible(name))),
            }
        }
        if unfit.is_empty() {
            return Ok(Self { tensors });
        }
        Err(SaveError::format(&contents.origin, unfit.join("; ")).into())
    }
}

pub(super) fn read_file(path: &Path) -> Result<Contents, SaveError> {
    let origin = path.display().to_string();
    let file = File::open(path).map_err(SaveError::io("open", &origin))?;
    Contents::read(file, &origin)
}

/// From the name in a file to the path in the model; `None` for a tensor that is not wanted.
type Rename = dyn Fn(&str) -> Option<String> + Send + Sync;

/// How to load weights: strictly, as [`load_weights`] does, unless told otherwise.
///
/// In any case, a loaded tensor has the shape of its parameter, and if anything is refused nothing
/// is changed.
///
/// ```
/// use nn::prelude::*;
/// use nn::save::{Loading, Weights};
///
/// // A trained model whose first layer is wanted.
/// let trained = Sequential::<f32>::new()
///     .named("encoder", Sequential::new().then(Dense::new(4, 3, &mut nn::rng(1))).then(Tanh))
///     .named("head", Dense::new(3, 10, &mut nn::rng(2)));
/// let bytes = Weights::of(&trained)?.to_bytes()?;
///
/// let mut model = Sequential::<f32>::new()
///     .then(Dense::new(4, 3, &mut nn::rng(3)))
///     .then(Tanh)
///     .then(Dense::new(3, 2, &mut nn::rng(4)));
/// let loaded = Loading::new().prefix("encoder.").allow_missing().bytes(&mut model, &bytes)?;
/// assert_eq!(loaded.paths, ["0.bias", "0.weight"]);
/// assert_eq!(loaded.missing, ["2.weight", "2.bias"]);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Loading {
    allow_missing: bool,
    allow_unexpected: bool,
    prefix: String,
    rename: Option<Arc<Rename>>,
}

impl fmt::Debug for Loading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loading")
            .field("allow_missing", &self.allow_missing)
            .field("allow_unexpected", &self.allow_unexpected)
            .field("prefix", &self.prefix)
            .field("renames", &self.rename.is_some())
            .finish()
    }
}

/// What a [`Loading`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// The parameters and buffers that have new values.
    pub paths: Vec<String>,
    /// Parameters and buffers without a tensor, which stay as they were.
    pub missing: Vec<String>,
    /// Tensors that belong to no parameter, under their names in the file.
    pub unexpected: Vec<String>,
}

impl Loading {
    /// Strict.
    pub fn new() -> Self {
        Self::default()
    }

    /// Parameters and buffers without a tensor stay as they are.
    #[must_use]
    pub fn allow_missing(self) -> Self {
        Self { allow_missing: true, ..self }
    }

    /// Tensors that the model does not have are ignored.
    #[must_use]
    pub fn allow_unexpected(self) -> Self {
        Self { allow_unexpected: true, ..self }
    }

    /// Loads the tensors whose names begin with `prefix`, which is removed, and ignores all
    /// others: `"encoder."` loads one part of a larger model.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// Loads each tensor (its prefix taken off) to the path that `rename` gives for its name, and
    /// ignores a tensor for which it gives `None`.
    #[must_use]
    pub fn rename(self, rename: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { rename: Some(Arc::new(rename)), ..self }
    }

    /// Loads a file.
    ///
    /// # Errors
    /// As for [`load_weights`], but for what is allowed; or if two names are renamed to one path.
    pub fn file<A: Float>(
        &self,
        model: &mut (impl Module<A> + ?Sized),
        path: impl AsRef<Path>,
    ) -> Result<Loaded, Error> {
        self.load(model, &read_file(path.as_ref())?)
    }

    /// Loads from anything that gives the bytes of a file.
    ///
    /// # Errors
    /// As for [`file`](Loading::file).
    pub fn reader<A: Float>(
        &self,
        model: &mut (impl Module<A> + ?Sized),
        reader: impl Read,
    ) -> Result<Loaded, Error> {
        self.load(model, &Contents::read(reader, "what was given")?)
    }

    /// Loads the bytes of a file.
    ///
    /// # Errors
    /// As for [`file`](Loading::file).
    pub fn bytes<A: Float>(
        &self,
        model: &mut (impl Module<A> + ?Sized),
        bytes: &[u8],
    ) -> Result<Loaded, Error> {
        self.reader(model, bytes)
    }

    /// Loads weights that are in memory.
    ///
    /// # Errors
    /// As for [`file`](Loading::file).
    pub fn weights<A: Float>(
        &self,
        model: &mut (impl Module<A> + ?Sized),
        weights: &Weights<A>,
    ) -> Result<Loaded, Error> {
        self.load(model, weights)
    }

    fn load<A: Float>(
        &self,
        model: &mut (impl Module<A> + ?Sized),
        source: &impl Tensors<A>,
    ) -> Result<Loaded, Error> {
        let wanted = shapes_of(model)?;
        let mut names = self.names_by_path(source)?;
        let mut loaded = Loaded::default();
        let mut misfit = Misfit { origin: source.origin().to_owned(), ..Misfit::default() };
        let mut values = HashMap::new();
        for (path, shape) in wanted {
            let Some((name, found)) = names.remove(&path) else {
                loaded.missing.push(path.clone());
                misfit.missing.push((path, shape));
                continue;
            };
            if found != shape {
                misfit.misshapen.push((path, shape, found));
                continue;
            }
            match source.tensor(&name) {
                Ok(tensor) => drop(values.insert(path, tensor)),
                Err(why) => misfit.unfit.push((path, why)),
            }
        }
        loaded.unexpected = names.values().map(|(name, _)| name.clone()).collect();
        misfit.unexpected = names.into_values().collect();
        if self.allow_missing {
            misfit.missing.clear();
        }
        if self.allow_unexpected {
            misfit.unexpected.clear();
        }
        if !misfit.is_empty() {
            return Err(SaveError::from(misfit).into());
        }
        loaded.paths = values.keys().cloned().collect();
        loaded.paths.sort_unstable();
        model.visit_mut(&mut |path, parameter| {
            if let Some(value) = values.remove(path) {
                parameter.load(value);
            }
        });
        Ok(loaded)
    }

    /// For each path to load: the name it has in the source, and the shape.
    fn names_by_path<A: Float>(
        &self,
        source: &impl Tensors<A>,
    ) -> Result<BTreeMap<String, (String, Vec<usize>)>, Error> {
        let mut names = BTreeMap::new();
        for (name, shape) in source.shapes() {
            let Some(rest) = name.strip_prefix(&*self.prefix) else { continue };
            let renamed = match &self.rename {
                None => Some(rest.to_owned()),
                Some(rename) => rename(rest),
            };
            let Some(path) = renamed else { continue };
            if let Some((other, _)) = names.insert(path.clone(), (name.to_owned(), shape.to_vec()))
            {
                let problem = format!("{other:?} and {name:?} are both renamed to {path:?}");
                return Err(SaveError::format(source.origin(), problem).into());
            }
        }
        Ok(names)
    }
}

/// The path and shape of every parameter and buffer, if `visit` and `visit_mut` of the model show
/// the same, so that all is checked before anything is changed.
pub(crate) fn shapes_of<A: Float>(
    model: &mut (impl Module<A> + ?Sized),
) -> Result<Vec<(String, Vec<usize>)>, Error> {
    Weights::of(model)?;
    let (mut read, mut changed) = (Vec::new(), Vec::new());
    model.visit(&mut |path, p| read.push((path.to_owned(), p.value.shape().to_vec())));
    model.visit_mut(&mut |path, p| changed.push((path.to_owned(), p.value.shape().to_vec())));
    if read == changed {
        return Ok(read);
    }
    let differs = |(a, b): &(_, _)| a != b;
    let first = read.iter().zip(&changed).find(differs);
    let (read, changed) = (read.len(), changed.len());
    let problem = match first {
        Some(((a, _), (b, _))) => format!("its visit shows {a:?} where its visit_mut shows {b:?}"),
        None => format!("its visit shows {read} parameters, and its visit_mut {changed}"),
    };
    Err(SaveError::Model { problem }.into())
}

/// Where tensors can be loaded from.
trait Tensors<A: Float> {
    fn origin(&self) -> &str;
    fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])>;
    fn tensor(&self, name: &str) -> Result<Tensor<A>, String>;
}

impl<A: Float> Tensors<A> for Contents {
    fn origin(&self) -> &str {
        &self.origin
    }
    fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.shapes()
    }
    fn tensor(&self, name: &str) -> Result<Tensor<A>, String> {
        self.tensor(name)
    }
}

impl<A: Float> Tensors<A> for Weights<A> {
    fn origin(&self) -> &'static str {
        "what is to be restored"
    }
    fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.tensors.iter().map(|(name, tensor)| (&**name, tensor.shape()))
    }
    fn tensor(&self, name: &str) -> Result<Tensor<A>, String> {
        Ok(self.tensors[name].clone())
    }
}
