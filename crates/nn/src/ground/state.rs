//! What is remembered between steps of training, in a form that can be saved.

use std::collections::{BTreeMap, BTreeSet};

use ops::{Float, Tensor, visible};

use super::Error;
use super::words::shown_list;

/// Named tensors, numbers and texts: all that an optimiser, a schedule or a callback remembers.
/// A checkpoint holds it, and training goes on from it as if it had never stopped.
///
/// Names are paths, with a dot between their parts: `exp_avg.0.weight`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State<A: Float> {
    /// Tensors, such as the running means of Adam.
    pub tensors: BTreeMap<String, Tensor<A>>,
    /// Numbers, such as the number of steps taken.
    pub numbers: BTreeMap<String, f64>,
    /// Texts, such as a seed, which has more digits than a number holds.
    pub texts: BTreeMap<String, String>,
}

impl<A: Float> State<A> {
    /// Nothing.
    pub fn new() -> Self {
        Self { tensors: BTreeMap::new(), numbers: BTreeMap::new(), texts: BTreeMap::new() }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty() && self.numbers.is_empty() && self.texts.is_empty()
    }

    /// The number of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn number(&self, name: &str) -> Result<f64, Error> {
        let missing =
            || Error::State { problem: format!("the number {} is missing", visible(name)) };
        self.numbers.get(name).copied().ok_or_else(missing)
    }

    /// The text of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn text(&self, name: &str) -> Result<&str, Error> {
        let missing = || Error::State { problem: format!("the text {} is missing", visible(name)) };
        self.texts.get(name).map(String::as_str).ok_or_else(missing)
    }

    /// Puts all of `part` under `name`.
    ///
    /// ```
    /// use nn::State;
    ///
    /// let mut adam = State::<f32>::new();
    /// adam.numbers.insert("step".into(), 7.0);
    /// let mut all = State::new();
    /// all.nest("optimizer", adam.clone());
    /// assert_eq!(all.numbers["optimizer.step"], 7.0);
    /// assert_eq!(all.nested("optimizer"), adam);
    /// ```
    pub fn nest(&mut self, name: &str, part: Self) {
        let path = |key: String| format!("{name}.{key}");
        self.tensors.extend(part.tensors.into_iter().map(|(key, value)| (path(key), value)));
        self.numbers.extend(part.numbers.into_iter().map(|(key, value)| (path(key), value)));
        self.texts.extend(part.texts.into_iter().map(|(key, value)| (path(key), value)));
    }

    /// All that was put under `name`.
    #[must_use]
    pub fn nested(&self, name: &str) -> Self {
        fn under<T: Clone>(map: &BTreeMap<String, T>, name: &str) -> BTreeMap<String, T> {
            let below = |key: &str| Some(key.strip_prefix(name)?.strip_prefix('.')?.to_owned());
            map.iter().filter_map(|(key, value)| Some((below(key)?, value.clone()))).collect()
        }
        Self {
            tensors: under(&self.tensors, name),
            numbers: under(&self.numbers, name),
            texts: under(&self.texts, name),
        }
    }
}

/// Reads a state entry by entry, and reports at the end everything that was wrong. What cannot be
/// read comes as a zero, which is not used.
pub(crate) struct StateReader<'s, A: Float> {
    state: &'s State<A>,
    read: BTreeSet<String>,
    missing: Vec<String>,
    wrong: Vec<String>,
}

impl<'s, A: Float> StateReader<'s, A> {
    pub(crate) fn new(state: &'s State<A>) -> Self {
        Self { state, read: BTreeSet::new(), missing: Vec::new(), wrong: Vec::new() }
    }

    fn read<T>(
        &mut self,
        key: &str,
        map: impl Fn(&'s State<A>) -> &'s BTreeMap<String, T>,
    ) -> Option<&'s T> {
        let value = map(self.state).get(key);
        if value.is_some() {
            self.read.insert(key.to_owned());
        } else {
            self.missing.push(key.to_owned());
        }
        value
    }

    /// A number that is not NaN.
    pub(crate) fn number(&mut self, key: &str) -> f64 {
        let number = self.read(key, |state| &state.numbers).copied().unwrap_or(0.0);
        if number.is_nan() {
            self.wrong(format!("{} is NaN", visible(key)));
        }
        number
    }

    /// A number of things.
    pub(crate) fn count(&mut self, key: &str) -> u64 {
        let number = self.number(key);
        if number < 0.0 || number > 2_f64.powi(53) || number.fract() != 0.0 {
            self.wrong(format!("{} is {number}, but must be a whole number", visible(key)));
        }
        number as u64
    }

    /// A tensor of this shape.
    pub(crate) fn tensor(&mut self, key: &str, shape: &[usize]) -> Tensor<A> {
        let Some(tensor) = self.read(key, |state| &state.tensors) else {
            return Tensor::zeros(shape);
        };
        if tensor.shape() != shape {
            let (key, given) = (visible(key), tensor.shape());
            self.wrong(format!("{key} has shape {given:?}, but must have {shape:?}"));
        }
        tensor.clone()
    }

    /// A text that must be `expected`.
    pub(crate) fn expect_text(&mut self, key: &str, expected: &str) {
        if let Some(text) = self.read(key, |state| &state.texts)
            && text != expected
        {
            let key = visible(key);
            self.wrong(format!("{key} is {text:?}, but must be {expected:?}"));
        }
    }

    /// Notes what is wrong, in a sentence.
    pub(crate) fn wrong(&mut self, sentence: String) {
        self.wrong.push(sentence);
    }

    /// Refuses the state if anything was missing or wrong, or if anything in it was not read. `of`
    /// names the reader.
    pub(crate) fn finish(self, of: &str) -> Result<(), Error> {
        let State { tensors, numbers, texts } = self.state;
        let keys = tensors.keys().chain(numbers.keys()).chain(texts.keys());
        let unexpected: Vec<_> = keys.filter(|key| !self.read.contains(*key)).cloned().collect();
        let mut problems = self.wrong;
        for (what, list) in [("unexpected", unexpected), ("missing", self.missing)] {
            if !list.is_empty() {
                problems.insert(0, format!("{what}: {}", shown_list(&list)));
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(Error::State { problem: format!("of {of}, {}", problems.join("; ")) })
    }
}
