//! Metrics of classes.

use ops::{Float, Tensor};

use super::confusion::{Average, PerClass, Score};
use super::decisions::Decisions;
use super::{Count, Metric, checked};
use crate::ground::words::counted;
use crate::ground::{Error, Targets};
use crate::loss::targets::{labels, mismatch};

/// The settings that metrics of classes share.
macro_rules! decision_settings {
    () => {
        /// The threshold above which a single output says class 1 and not class 0: 0.5, which is
        /// right for probabilities; for logits it is 0 ([`Loss::threshold`](crate::loss::Loss)).
        pub fn above(mut self, threshold: f64) -> Self {
            self.decisions.threshold = threshold;
            self
        }

        /// Leaves out the rows that have this label, such as padding.
        pub fn ignore(mut self, label: i64) -> Self {
            self.decisions.ignored = Some(label);
            self
        }
    };
}

/// The fraction of rows that are classified rightly: by the largest of several outputs, the first
/// of equals, or by whether a single one lies above a threshold.
///
/// Targets are labels; or values of the output's shape, whose largest in a row is the class;
/// or for a single output values of 1 for *yes* and 0 for *no*, or also −1 if the threshold is 0.
///
/// If 99 of 100 samples are of one class, a model that always says that class reaches 0.99: look at
/// [`Recall`] or a [`ConfusionMatrix`](super::ConfusionMatrix) too.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accuracy {
    decisions: Decisions,
}

impl Accuracy {
    /// With a threshold of 0.5 for single outputs.
    pub fn new() -> Self {
        Self::default()
    }
    decision_settings!();
}

/// How many rows were right, of how many.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    right: u64,
    rows: u64,
    not_a_number: bool,
}

impl Tally {
    pub fn add(&mut self, truths: &[Option<usize>], predictions: &[Option<usize>]) {
        for (truth, prediction) in truths.iter().zip(predictions) {
            if truth.is_some() {
                self.rows += 1;
                self.right += u64::from(truth == prediction);
                self.not_a_number |= prediction.is_none();
            }
        }
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    pub fn fraction(&self) -> f64 {
        if self.not_a_number { f64::NAN } else { self.right as f64 / self.rows as f64 }
    }
}

struct AccuracyCount {
    decisions: Decisions,
    tally: Tally,
}

impl<A: Float> Metric<A> for Accuracy {
    fn name(&self) -> String {
        "accuracy".to_owned()
    }
    fn check(&self, output: &[usize], targets: &Targets<A>) -> Result<(), Error> {
        self.decisions.truths("accuracy", output, targets).map(|_| ())
    }
    fn start(&self) -> Box<dyn Count<A>> {
        Box::new(AccuracyCount { decisions: self.decisions, tally: Tally::default() })
    }
}

impl<A: Float> Count<A> for AccuracyCount {
    fn add(&mut self, outputs: &Tensor<A>, targets: &Targets<A>) {
        let truths = checked(self.decisions.truths("accuracy", outputs.shape(), targets));
        self.tally.add(&truths, &self.decisions.predictions(outputs));
    }
    fn value(&self) -> f64 {
        self.tally.fraction()
    }
}

/// The fraction of rows whose label is among the k largest outputs. Of equal outputs the first
/// counts as the largest, so that with k = 1 it is [`Accuracy`].
///
/// ```
/// use nn::data::Targets;
/// use nn::metrics::{Metric, TopK};
/// use nn::ops::Tensor;
///
/// let mut count = TopK::new(2)?.start();
/// let outputs = Tensor::from([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]);
/// count.add(&outputs, &Targets::Labels(vec![1, 2]));
/// assert_eq!(count.value(), 0.5);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TopK {
    k: usize,
    ignored: Option<i64>,
}

impl TopK {
    /// Among the `k` largest.
    ///
    /// # Errors
    /// If `k` is 0.
    pub fn new(k: usize) -> Result<Self, Error> {
        if k == 0 {
            let (setting, given) = ("the k of top-k accuracy", k.to_string());
            return Err(Error::Setting { setting, given, allowed: "at least 1" });
        }
        Ok(Self { k, ignored: None })
    }

    /// Leaves out the rows that have this label, such as padding.
    pub fn ignore(mut self, label: i64) -> Self {
        self.ignored = Some(label);
        self
    }

    fn label(&self) -> String {
        format!("top-{} accuracy", self.k)
    }

    fn truths<A: Float>(
        &self,
        output: &[usize],
        targets: &Targets<A>,
    ) -> Result<Vec<Option<usize>>, Error> {
        let classes = output.last().copied().unwrap_or(0);
        if classes < self.k || output.len() < 2 {
            let remedy =
                format!("it needs an output of at least {} a row", counted(self.k, "class"));
            return Err(mismatch(&self.label(), output, targets, remedy));
        }
        if classes == 1 {
            // One class, which is always among the first: read as labels, not as yes or no.
            let labels = labels(&self.label(), output, targets, self.ignored)?;
            return Ok(vec![Some(0); labels.len()]);
        }
        let decisions = Decisions { ignored: self.ignored, ..Decisions::default() };
        decisions.truths(&self.label(), output, targets)
    }
}

struct TopKCount {
    metric: TopK,
    tally: Tally,
}

impl<A: Float> Metric<A> for TopK {
    fn name(&self) -> String {
        self.label()
    }
    fn check(&self, output: &[usize], targets: &Targets<A>) -> Result<(), Error> {
        self.truths(output, targets).map(|_| ())
    }
    fn start(&self) -> Box<dyn Count<A>> {
        Box::new(TopKCount { metric: *self, tally: Tally::default() })
    }
}

impl<A: Float> Count<A> for TopKCount {
    fn add(&mut self, outputs: &Tensor<A>, targets: &Targets<A>) {
        let truths = checked(self.metric.truths(outputs.shape(), targets));
        let view = outputs.view();
        let found = view.rows().into_iter().zip(&truths).map(|(row, &truth)| {
            let truth = truth?;
            let before =
                |(class, y): (usize, &A)| *y > row[truth] || (*y == row[truth] && class < truth);
            let rank = row.iter().enumerate().filter(|&entry| before(entry)).count();
            // Any other class stands for a miss.
            let class = if rank < self.metric.k { truth } else { usize::MAX };
            (!row.iter().any(|y| y.is_nan())).then_some(class)
        });
        let found: Vec<_> = found.collect();
        self.tally.add(&truths, &found);
    }
    fn value(&self) -> f64 {
        self.tally.fraction()
    }
}

/// Counts hits class by class, and takes a score from them.
struct ScoreCount {
    score: Score,
    average: Average,
    decisions: Decisions,
    per_class: PerClass,
}

impl ScoreCount {
    fn truths<A: Float>(
        score: Score,
        average: Average,
        decisions: Decisions,
        output: &[usize],
        targets: &Targets<A>,
    ) -> Result<Vec<Option<usize>>, Error> {
        let (name, classes) = (average.name(score), Decisions::classes(output));
        match average {
            Average::Class(class) if class >= classes => {
                let remedy =
                    format!("the output has {}, counted from 0", counted(classes, "class"));
                Err(mismatch(&name, output, targets, remedy))
            }
            _ => decisions.truths(&name, output, targets),
        }
    }
}

impl<A: Float> Count<A> for ScoreCount {
    fn add(&mut self, outputs: &Tensor<A>, targets: &Targets<A>) {
        let (score, average, shape) = (self.score, self.average, outputs.shape());
        let truths = checked(Self::truths(score, average, self.decisions, shape, targets));
        self.per_class.grow(Decisions::classes(shape));
        self.per_class.add(&truths, &self.decisions.predictions(outputs));
    }
    fn value(&self) -> f64 {
        self.per_class.score(self.score, self.average)
    }
}

macro_rules! score_metric {
    ($(#[$doc:meta])* $Metric:ident, $score:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $Metric {
            average: Average,
            decisions: Decisions,
        }

        impl $Metric {
            /// Of one class, or averaged over classes; with a threshold of 0.5 for single outputs,
            /// which have the classes 0 (*no*) and 1 (*yes*).
            pub fn new(average: Average) -> Self {
                Self { average, decisions: Decisions::default() }
            }
            decision_settings!();
        }

        impl<A: Float> Metric<A> for $Metric {
            fn name(&self) -> String {
                self.average.name($score)
            }
            fn check(&self, output: &[usize], targets: &Targets<A>) -> Result<(), Error> {
                let (average, decisions) = (self.average, self.decisions);
                ScoreCount::truths($score, average, decisions, output, targets).map(|_| ())
            }
            fn start(&self) -> Box<dyn Count<A>> {
                let (average, decisions) = (self.average, self.decisions);
                let per_class = PerClass::default();
                Box::new(ScoreCount { score: $score, average, decisions, per_class })
            }
        }
    };
}

score_metric! {
    /// Precision of a class: the fraction of its predictions that are right.
    ///
    /// 0 if the model never says the class, as in scikit-learn.
    ///
    /// ```
    /// use nn::data::Targets;
    /// use nn::metrics::{Average, Metric, Precision};
    /// use nn::ops::Tensor;
    ///
    /// let mut count = Precision::new(Average::Class(1)).start();
    /// let outputs = Tensor::from([[0.9], [0.8], [0.7], [0.2]]); // Says yes three times.
    /// count.add(&outputs, &Targets::Labels(vec![1, 1, 0, 1])); // Right twice.
    /// assert_eq!(count.value(), 2.0 / 3.0);
    /// ```
    Precision, Score::Precision
}
score_metric! {
    /// Recall of a class: the fraction of its rows that the model finds.
    ///
    /// 0 if the class never occurs, as in scikit-learn.
    Recall, Score::Recall
}
score_metric! {
    /// F₁ of a class, the harmonic mean of precision and recall:
    /// 2·hits / (rows of the class + predictions of the class).
    ///
    /// 0 if the class neither occurs nor is said, as in scikit-learn. Van Rijsbergen, *Information
    /// Retrieval*, 1979, chapter 7.
    F1, Score::F1
}
