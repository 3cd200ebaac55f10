//! Schedules one after another.

use std::collections::BTreeMap;

use super::{Schedule, read};
use crate::ground::setting::check;
use crate::ground::{Error, State};

/// Schedules one after another, each with its own time from 0.
#[derive(Debug)]
pub struct Chain {
    /// From when on, and what.
    parts: Vec<(usize, Box<dyn Schedule + Send>)>,
}

impl Chain {
    /// This one first.
    pub fn new(first: impl Schedule + Send + 'static) -> Self {
        Self { parts: vec![(0, Box::new(first))] }
    }

    /// From time `at` on, this one.
    ///
    /// # Errors
    /// If `at` is not after the start of the part before.
    pub fn then(mut self, at: usize, next: impl Schedule + Send + 'static) -> Result<Self, Error> {
        let after = self.parts.last().is_some_and(|(start, _)| at > *start);
        check("the start of a part of a chain", at, after, "after the start of the part before")?;
        self.parts.push((at, Box::new(next)));
        Ok(self)
    }

    fn load_parts(&mut self, state: &BTreeMap<String, f64>) -> Result<(), Error> {
        let all = State::<f64> { numbers: state.clone(), ..State::new() };
        let mut parts = self.parts.iter_mut().enumerate();
        parts.try_for_each(|(i, (_, part))| part.load_state(&all.nested(&i.to_string()).numbers))
    }

    /// Which part is for time t.
    fn part(&self, t: usize) -> usize {
        self.parts.partition_point(|(start, _)| *start <= t) - 1
    }
}

impl Schedule for Chain {
    fn rate(&self, base: f64, t: usize) -> f64 {
        let (start, part) = &self.parts[self.part(t)];
        part.rate(base, t - start)
    }

    fn observe(&mut self, t: usize, value: f64) {
        let part = self.part(t);
        let (start, part) = &mut self.parts[part];
        part.observe(t - *start, value);
    }

    fn is_observer(&self) -> bool {
        self.parts.iter().any(|(_, part)| part.is_observer())
    }

    fn state(&self) -> BTreeMap<String, f64> {
        let mut all = State::<f64>::new();
        for (i, (_, part)) in self.parts.iter().enumerate() {
            all.nest(&i.to_string(), State { numbers: part.state(), ..State::new() });
        }
        all.numbers
    }

    fn load_state(&mut self, state: &BTreeMap<String, f64>) -> Result<(), Error> {
        let is_known = |key: &str| {
            let number = key.split('.').next().and_then(|part| part.parse::<usize>().ok());
            number.is_some_and(|number| number < self.parts.len())
        };
        read(state, "the chain of schedules", |reader| {
            for key in state.keys().filter(|key| is_known(key)) {
                reader.number(key);
            }
        })?;
        let before = self.state();
        let result = self.load_parts(state);
        if result.is_err() {
            self.load_parts(&before)?;
        }
        result
    }
}
