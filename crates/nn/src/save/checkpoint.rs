//! Checkpoints: a model and all that training remembers, in one file.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use ops::{Float, Tensor, visible, visible_whole};
use serde_json::{Map, Value};

use super::atomic::write_atomically;
use super::earlier::earlier;
use super::safetensors::{Contents, Stored, to_bytes};
use super::weights::{Weights, read_file};
use crate::ground::error::SaveError;
use crate::ground::words::shown_path;
use crate::ground::{Checksum, Error, State};
use crate::model::Module;

/// The version of the format that is written; a later one is refused.
const VERSION: u64 = 1;
/// The entry of metadata that makes a file of tensors a checkpoint.
const KEY: &str = "chainrule.checkpoint";
/// The entry of its text with the checksum of all the rest.
const CHECKSUM: &str = "crc32";
const WEIGHTS: &str = "model.";
const TENSORS: &str = "state.";
const NUMBERS: &str = "number.";

/// A model's weights and all else that training remembers: state of the optimiser, of the schedule,
/// of callbacks, the epoch. Training goes on from it bit for bit.
///
/// A checkpoint is a safetensors file, which other programs can read: weights under `model.`,
/// tensors of the state under `state.`, its numbers as 64-bit scalars under `number.`, its texts,
/// the version of the format and a checksum of everything in the metadata. A damaged file is
/// refused.
///
/// ```
/// use nn::prelude::*;
/// use nn::State;
/// use nn::save::Checkpoint;
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("last.checkpoint");
/// let mut model = Sequential::<f32>::new().then(Dense::new(4, 2, &mut nn::rng(1)));
/// let mut state = State::new();
/// state.numbers.insert("epoch".into(), 7.0);
/// state.texts.insert("seed".into(), u64::MAX.to_string());
/// Checkpoint::of(&model, state)?.save(&path)?;
///
/// let checkpoint = Checkpoint::load(&path)?;
/// checkpoint.weights.restore(&mut model)?;
/// assert_eq!(checkpoint.state.numbers["epoch"], 7.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint<A: Float> {
    /// Parameters and buffers of the model; [`restore`](Weights::restore) puts them there.
    pub weights: Weights<A>,
    /// All the rest.
    pub state: State<A>,
}

impl<A: Float> Checkpoint<A> {
    /// A checkpoint of a model as it is now, with all else to be remembered.
    ///
    /// # Errors
    /// If the model shows two parameters under one path.
    pub fn of(model: &(impl Module<A> + ?Sized), state: State<A>) -> Result<Self, Error> {
        Ok(Self { weights: Weights::of(model)?, state })
    }

    /// Writes the file, whole or not at all: whatever happens on the way, the last good one stays.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        Ok(write_atomically(path.as_ref(), &self.to_bytes()?)?)
    }

    /// The bytes of the file. The same checkpoint gives the same bytes.
    ///
    /// # Errors
    /// If there are more names than the format allows (100 MB of them).
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let weights = self.weights.tensors.iter();
        let weights = weights.map(|(path, x)| (format!("{WEIGHTS}{path}"), Stored::new(x)));
        let tensors = self.state.tensors.iter();
        let tensors = tensors.map(|(key, x)| (format!("{TENSORS}{key}"), Stored::new(x)));
        let numbers = self.state.numbers.iter();
        let numbers = numbers
            .map(|(key, &x)| (format!("{NUMBERS}{key}"), Stored::new(&Tensor::<f64>::scalar(x))));
        let texts: Map<_, _> = self
            .state
            .texts
            .iter()
            .map(|(key, text)| (key.clone(), text.as_str().into()))
            .collect();
        let metadata = serde_json::json!({
            "version": VERSION,
            "numbers": A::NAME,
            "texts": texts,
            CHECKSUM: self.checksum(),
        });
        let all = weights.chain(tensors).chain(numbers).collect();
        Ok(to_bytes(&all, (KEY, metadata.to_string()))?)
    }

    /// Reads a file that [`save`](Checkpoint::save) wrote.
    ///
    /// # Errors
    /// If it cannot be read, is damaged, is not a checkpoint, or has a later version or numbers of
    /// another type than `A`. If an earlier one is there and whole (`path.1`, …: see
    /// [`SaveCheckpoint::keep`](crate::train::callbacks::SaveCheckpoint::keep)), it is named.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let read = |path: &Path| Self::from_contents(&read_file(path)?);
        let path = path.as_ref();
        read(path).map_err(|error| {
            let SaveError::Format { origin, mut problem } = error else { return error.into() };
            if let Some(whole) = earlier(path).find(|file| read(file).is_ok()) {
                let whole = shown_path(&whole);
                problem = format!("{problem}; the checkpoint before it, {whole}, is whole");
            }
            SaveError::Format { origin, problem }.into()
        })
    }

    /// Reads the bytes of such a file.
    ///
    /// # Errors
    /// As for [`load`](Checkpoint::load).
    pub fn read(reader: impl Read) -> Result<Self, Error> {
        Ok(Self::from_contents(&Contents::read(reader, "what was given")?)?)
    }

    fn from_contents(contents: &Contents) -> Result<Self, SaveError> {
        let wrong = |problem: String| SaveError::format(&contents.origin, problem);
        let Some(metadata) = contents.metadata.get(KEY) else {
            return Err(wrong("it is no checkpoint, though it may be a file of weights".into()));
        };
        let (texts, checksum) = texts(metadata, A::NAME).map_err(wrong)?;
        let mut checkpoint = Self { weights: Weights::default(), state: State::new() };
        checkpoint.state.texts = texts;
        for (name, _) in contents.shapes() {
            checkpoint
                .put(contents, name)
                .map_err(|why| wrong(format!("tensor {}: {why}", visible(name))))?;
        }
        // A file of a time without checksums has none.
        if checksum.is_some_and(|checksum| checksum != checkpoint.checksum()) {
            return Err(wrong("it is damaged: its content and its checksum disagree".into()));
        }
        Ok(checkpoint)
    }

    /// A checksum of every name, shape, number and text.
    fn checksum(&self) -> String {
        let mut sum = Checksum::new();
        sum.bytes(A::NAME.as_bytes());
        for tensors in [&self.weights.tensors, &self.state.tensors] {
            sum.counts(&[tensors.len()]);
            for (name, tensor) in tensors {
                sum.bytes(name.as_bytes());
                sum.tensor(tensor);
            }
        }
        sum.counts(&[self.state.numbers.len()]);
        for (name, number) in &self.state.numbers {
            sum.bytes(name.as_bytes());
            sum.bytes(&number.to_le_bytes());
        }
        for text in self.state.texts.iter().flat_map(|(name, text)| [name, text]) {
            sum.bytes(text.as_bytes());
        }
        sum.digits()
    }

    /// Puts one tensor of a file where its name says.
    fn put(&mut self, contents: &Contents, name: &str) -> Result<(), String> {
        if let Some(path) = name.strip_prefix(WEIGHTS) {
            self.weights.tensors.insert(path.to_owned(), contents.exact_tensor(name)?);
        } else if let Some(key) = name.strip_prefix(TENSORS) {
            self.state.tensors.insert(key.to_owned(), contents.exact_tensor(name)?);
        } else if let Some(key) = name.strip_prefix(NUMBERS) {
            let number = contents.exact_tensor::<f64>(name)?;
            if number.ndim() != 0 {
                return Err(format!("a number has no axes, but this has {}", number.ndim()));
            }
            self.state.numbers.insert(key.to_owned(), number.item());
        } else {
            return Err(format!("its name begins with none of {WEIGHTS} {TENSORS} {NUMBERS}"));
        }
        Ok(())
    }
}

/// The texts in the metadata, and the checksum if there is one, after a check of its version and
/// type of numbers.
fn texts(
    metadata: &str,
    wanted: &str,
) -> Result<(BTreeMap<String, String>, Option<String>), String> {
    let metadata: Value = serde_json::from_str(metadata)
        .map_err(|error| format!("its metadata is wrong: {}", visible_whole(&error.to_string())))?;
    match metadata["version"].as_u64() {
        Some(VERSION) => {}
        Some(later) if later > VERSION => {
            return Err(format!(
                "it has version {later} of the format, and this program reads {VERSION}"
            ));
        }
        _ => return Err("its metadata has no version".into()),
    }
    match metadata["numbers"].as_str() {
        Some(numbers) if numbers == wanted => {}
        Some(numbers) => {
            return Err(format!(
                "it was made with {}, but the program computes with {wanted}",
                visible(numbers)
            ));
        }
        None => return Err("its metadata has no type of numbers".into()),
    }
    // A damaged name must not make the checksum one that is not there.
    let known = ["version", "numbers", "texts", CHECKSUM];
    let entries = metadata.as_object().into_iter().flatten();
    if let Some((name, _)) = entries.into_iter().find(|(name, _)| !known.contains(&&***name)) {
        return Err(format!("its metadata has an entry {name:?}, which it should not have"));
    }
    let checksum = match &metadata[CHECKSUM] {
        Value::Null => None,
        given => Some(given.as_str().ok_or("its checksum is no text")?.to_owned()),
    };
    let texts = metadata["texts"].as_object().ok_or("its metadata has no texts")?;
    let text = |(key, text): (&String, &Value)| {
        Ok((key.clone(), text.as_str().ok_or(format!("its text {key:?} is none"))?.to_owned()))
    };
    Ok((texts.iter().map(text).collect::<Result<_, String>>()?, checksum))
}
