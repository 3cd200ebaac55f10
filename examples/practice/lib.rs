//! Problems in the chain rule, made from a seed.
//!
//! A problem is a small program that is recorded on the tape; what is asked are its local derivatives
//! and adjoints, and the key is the sweep's own gradient.

pub mod answer;
pub mod cli;
#[path = "../command_line.rs"]
mod command_line;
pub mod draw;
mod factor;
pub mod facts;
mod hints;
pub mod moodle;
pub mod names;
pub mod page;
pub mod problem;
pub mod programs;
pub mod session;
mod slips;
pub mod words;
pub mod worksheet;

use problem::Problem;
use words::{ENGLISH, Speech};

/// The problems of one seed and level.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// The level, from 1.
    pub level: usize,
    /// The seed.
    pub seed: u64,
    /// The problems.
    pub problems: Vec<Problem>,
    /// The language of all that is said.
    pub speech: Speech,
}

impl Sheet {
    /// Makes a sheet in English: the same for the same level, seed and number of problems.
    ///
    /// # Panics
    /// If there is no such level.
    pub fn new(level: usize, seed: u64, count: usize) -> Self {
        Self::new_in(ENGLISH, level, seed, count)
    }

    /// Makes the same sheet in another language.
    ///
    /// # Panics
    /// If there is no such level.
    pub fn new_in(speech: Speech, level: usize, seed: u64, count: usize) -> Self {
        // Problems of neighbouring seeds differ.
        let seed_of = |number: usize| seed.wrapping_mul(1000).wrapping_add(number as u64);
        let problems = (0..count).map(|number| Problem::new_in(speech, level, seed_of(number)));
        Self { level, seed, problems: problems.collect(), speech }
    }

    /// The title.
    pub fn title(&self) -> String {
        let name = (programs::LEVELS[self.level - 1].name)(&self.speech);
        self.speech.title(self.level, name)
    }
}
