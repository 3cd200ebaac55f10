//! What is remembered between steps of training, in a form that can be saved.

use std::collections::BTreeMap;

use ops::{Float, Tensor};

use crate::error::Error;

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
        let missing = || Error::State { problem: format!("the number {name} is missing") };
        self.numbers.get(name).copied().ok_or_else(missing)
    }

    /// The text of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn text(&self, name: &str) -> Result<&str, Error> {
        let missing = || Error::State { problem: format!("the text {name} is missing") };
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
