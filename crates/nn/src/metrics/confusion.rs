//! Counts of predicted against true classes, and the scores that follow.

use std::fmt;

use comfy_table::{Cell, CellAlignment, Table, presets};
use ops::shape::room;
use ops::{Float, Tensor, visible};

use super::decisions::Decisions;
use crate::ground::{Error, Targets};

/// How the scores of classes become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Average {
    /// The mean over the classes that occur in targets or predictions, each counting alike: a small
    /// class weighs as much as a large one.
    #[default]
    Macro,
    /// Over all rows at once, whatever their class. Where each row has one class, as here,
    /// precision, recall and F₁ are then all equal to accuracy.
    Micro,
    /// The mean over classes, each counting by how often it occurs in the targets.
    Weighted,
    /// Of this class alone, counted from 0.
    Class(usize),
}

/// What is measured of a class.
#[derive(Clone, Copy, Debug)]
pub(super) enum Score {
    Precision,
    Recall,
    F1,
}

impl Average {
    pub(super) fn name(self, score: Score) -> String {
        let score = match score {
            Score::Precision => "precision",
            Score::Recall => "recall",
            Score::F1 => "F1",
        };
        match self {
            Self::Macro => format!("{score} (macro)"),
            Self::Micro => format!("{score} (micro)"),
            Self::Weighted => format!("{score} (weighted)"),
            Self::Class(class) => format!("{score} of class {class}"),
        }
    }
}

/// For each class, what its scores are made of.
#[derive(Clone, Debug, Default)]
pub(super) struct PerClass {
    classes: Vec<ClassCount>,
    not_a_number: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct ClassCount {
    /// Rows of the class that are predicted as such.
    hits: u64,
    /// Rows that are predicted as the class.
    said: u64,
    /// Rows of the class.
    are: u64,
}

impl ClassCount {
    fn score(self, score: Score) -> f64 {
        let (part, whole) = match score {
            Score::Precision => (self.hits, self.said),
            Score::Recall => (self.hits, self.are),
            Score::F1 => (2 * self.hits, self.said + self.are),
        };
        if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
    }
}

impl PerClass {
    /// Makes room for `classes`.
    pub fn grow(&mut self, classes: usize) {
        if self.classes.len() < classes {
            self.classes.resize(classes, ClassCount::default());
        }
    }

    pub fn add(&mut self, truths: &[Option<usize>], predictions: &[Option<usize>]) {
        for (&truth, &prediction) in truths.iter().zip(predictions) {
            let Some(truth) = truth else { continue };
            let Some(prediction) = prediction else {
                self.not_a_number = true;
                continue;
            };
            self.count(truth, prediction, 1);
        }
    }

    fn count(&mut self, truth: usize, prediction: usize, rows: u64) {
        self.classes[truth].are += rows;
        self.classes[prediction].said += rows;
        if truth == prediction {
            self.classes[truth].hits += rows;
        }
    }

    pub fn score(&self, score: Score, average: Average) -> f64 {
        let rows: u64 = self.classes.iter().map(|class| class.are).sum();
        if self.not_a_number || rows == 0 {
            return f64::NAN;
        }
        match average {
            Average::Class(class) => self.classes[class].score(score),
            Average::Micro => {
                self.classes.iter().map(|class| class.hits).sum::<u64>() as f64 / rows as f64
            }
            Average::Weighted => {
                let weighted =
                    self.classes.iter().map(|class| class.are as f64 * class.score(score));
                weighted.sum::<f64>() / rows as f64
            }
            Average::Macro => {
                let there = self.classes.iter().filter(|class| class.are + class.said > 0);
                there.clone().map(|class| class.score(score)).sum::<f64>() / there.count() as f64
            }
        }
    }
}

/// How often each class was taken for each: rows are the truth, columns the prediction.
///
/// ```
/// use nn::data::Targets;
/// use nn::metrics::ConfusionMatrix;
/// use nn::ops::Tensor;
///
/// let outputs = Tensor::from([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]);
/// let matrix = ConfusionMatrix::of(&outputs, &Targets::Labels(vec![0, 1, 1]), 0.5)?;
/// let matrix = matrix.with_names(["cat", "dog"])?;
/// assert_eq!(matrix.count(1, 0), 1); // One dog was taken for a cat.
/// assert_eq!(matrix.accuracy(), 2.0 / 3.0);
/// let table = "\
/// ┌───────────────────┬─────┬─────┐
/// │ truth ╲ predicted ┆ cat ┆ dog │
/// ╞═══════════════════╪═════╪═════╡
/// │ cat               ┆   1 ┆   0 │
/// │ dog               ┆   1 ┆   1 │
/// └───────────────────┴─────┴─────┘";
/// assert_eq!(matrix.to_string(), table);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    // One row after the other; the square of `classes` in all.
    counts: Vec<u64>,
    names: Option<Vec<String>>,
}

impl ConfusionMatrix {
    /// A matrix of zeros for `classes` classes.
    ///
    /// # Panics
    /// If the square of `classes` numbers do not fit into memory.
    #[track_caller]
    pub fn new(classes: usize) -> Self {
        match room(&[classes, classes], size_of::<u64>()) {
            Ok(count) => Self { classes, counts: vec![0; count], names: None },
            Err(problem) => panic!("a confusion matrix of {classes} classes: {problem}"),
        }
    }

    /// The classes that outputs say against the classes of the targets, read as by
    /// [`Accuracy`](super::Accuracy): a single output says class 1 if it lies above `threshold`.
    ///
    /// # Errors
    /// If the targets are not classes or do not fit the outputs, or an output is NaN, in which row.
    pub fn of<A: Float>(
        outputs: &Tensor<A>,
        targets: &Targets<A>,
        threshold: f64,
    ) -> Result<Self, Error> {
        let decisions = Decisions { threshold, ignored: None };
        let truths = decisions.truths("a confusion matrix", outputs.shape(), targets)?;
        let classes = Decisions::classes(outputs.shape());
        if classes == 0 && !truths.is_empty() {
            let (setting, given) = ("the number of classes of an output", classes.to_string());
            return Err(Error::Setting { setting, given, allowed: "1 or more" });
        }
        let mut matrix = Self::new(classes);
        for (row, prediction) in decisions.predictions(outputs).into_iter().enumerate() {
            let prediction = prediction.ok_or(Error::OutputNotANumber { row })?;
            matrix.add(truths[row].expect("no label is ignored"), prediction);
        }
        Ok(matrix)
    }

    /// Names for the classes, shown in the table.
    ///
    /// # Errors
    /// If there is not one for each class.
    pub fn with_names<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        if names.len() != self.classes {
            let (setting, given) = ("the number of class names", names.len().to_string());
            return Err(Error::Setting { setting, given, allowed: "the number of classes" });
        }
        self.names = Some(names);
        Ok(self)
    }

    /// Adds a row of class `truth` that is said to be of class `prediction`.
    ///
    /// # Panics
    /// If either is not a class of the matrix.
    #[track_caller]
    pub fn add(&mut self, truth: usize, prediction: usize) {
        let cell = self.cell(truth, prediction);
        self.counts[cell] += 1;
    }

    /// The number of rows of class `truth` that are said to be of class `prediction`.
    ///
    /// # Panics
    /// If either is not a class of the matrix.
    #[track_caller]
    pub fn count(&self, truth: usize, prediction: usize) -> u64 {
        self.counts[self.cell(truth, prediction)]
    }

    #[track_caller]
    fn cell(&self, truth: usize, prediction: usize) -> usize {
        let classes = self.classes;
        assert!(
            truth < classes && prediction < classes,
            "class {} was asked for, but the confusion matrix has {classes} classes, from 0",
            truth.max(prediction)
        );
        truth * classes + prediction
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The number of rows counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The fraction of rows that are right; NaN if there are none.
    pub fn accuracy(&self) -> f64 {
        self.per_class().score(Score::Recall, Average::Micro)
    }

    /// [`Precision`](super::Precision).
    ///
    /// # Panics
    /// If a class is asked for that the matrix does not have.
    #[track_caller]
    pub fn precision(&self, average: Average) -> f64 {
        self.score(Score::Precision, average)
    }

    /// [`Recall`](super::Recall).
    ///
    /// # Panics
    /// If a class is asked for that the matrix does not have.
    #[track_caller]
    pub fn recall(&self, average: Average) -> f64 {
        self.score(Score::Recall, average)
    }

    /// [`F1`](super::F1).
    ///
    /// # Panics
    /// If a class is asked for that the matrix does not have.
    #[track_caller]
    pub fn f1(&self, average: Average) -> f64 {
        self.score(Score::F1, average)
    }

    #[track_caller]
    fn score(&self, score: Score, average: Average) -> f64 {
        if let Average::Class(class) = average {
            self.cell(class, class);
        }
        self.per_class().score(score, average)
    }

    fn per_class(&self) -> PerClass {
        let mut per_class = PerClass::default();
        per_class.grow(self.classes);
        for (cell, &rows) in self.counts.iter().enumerate() {
            per_class.count(cell / self.classes, cell % self.classes, rows);
        }
        per_class
    }

    fn name(&self, class: usize) -> String {
        self.names
            .as_ref()
            .map_or_else(|| class.to_string(), |names| visible(&names[class]).into_owned())
    }
}

impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let mut table = Table::new();
        table.load_preset(presets::UTF8_FULL_CONDENSED);
        let classes = || (0..self.classes).map(|class| right(self.name(class)));
        table.set_header(std::iter::once(Cell::new("truth ╲ predicted")).chain(classes()));
        for truth in 0..self.classes {
            let counts = (0..self.classes).map(|said| right(self.count(truth, said).to_string()));
            table.add_row(std::iter::once(Cell::new(self.name(truth))).chain(counts));
        }
        table.fmt(f)
    }
}
