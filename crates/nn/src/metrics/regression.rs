//! Metrics of numbers.

use ops::{Float, Tensor};

use super::{Count, Metric, checked};
use crate::ground::{Error, Targets};
use crate::loss::targets::{Allowed, values};

/// The coefficient of determination, R² = 1 − Σ (t − y)² / Σ (t − t̄)², averaged over the outputs
/// of a sample: 1 for a model without error, 0 for one that always says the mean of the targets,
/// below 0 for a worse one.
///
/// Where the targets do not vary, it is 1 if there is no error and 0 otherwise, as in scikit-learn.
///
/// ```
/// use nn::data::Targets;
/// use nn::metrics::{Metric, R2};
/// use nn::ops::Tensor;
///
/// let mut count = R2.start();
/// let targets = Targets::Values(Tensor::from([[1.0], [2.0], [3.0]]));
/// count.add(&Tensor::from([[1.0], [2.0], [4.0]]), &targets);
/// assert_eq!(count.value(), 1.0 - 1.0 / 2.0);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct R2;

/// The mean of |y − t| over all elements, in the units of the targets.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeanAbsolute;

/// The root of the mean of (y − t)² over all elements, in the units of the targets. An error twice
/// as large counts four times, so that a few outliers may make up most of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct RootMeanSquared;

macro_rules! regression_metric {
    ($Metric:ident, $name:literal, $count:expr) => {
        impl<A: Float> Metric<A> for $Metric {
            fn name(&self) -> String {
                $name.to_owned()
            }
            fn check(&self, output: &[usize], targets: &Targets<A>) -> Result<(), Error> {
                values($name, output, targets, Allowed::FINITE).map(|_| ())
            }
            fn start(&self) -> Box<dyn Count<A>> {
                Box::new($count)
            }
        }
    };
}
regression_metric!(R2, "R²", Variation::default());
regression_metric!(
    MeanAbsolute,
    "mean absolute error",
    MeanOf::new("mean absolute error", f64::abs, |mean| mean)
);
regression_metric!(
    RootMeanSquared,
    "root mean squared error",
    MeanOf::new("root mean squared error", |error| error * error, f64::sqrt)
);

/// A mean over elements, of a function of the error.
struct MeanOf {
    name: &'static str,
    term: fn(f64) -> f64,
    value: fn(f64) -> f64,
    sum: f64,
    elements: u64,
}

impl MeanOf {
    fn new(name: &'static str, term: fn(f64) -> f64, value: fn(f64) -> f64) -> Self {
        Self { name, term, value, sum: 0.0, elements: 0 }
    }
}

impl<A: Float> Count<A> for MeanOf {
    fn add(&mut self, outputs: &Tensor<A>, targets: &Targets<A>) {
        let targets = checked(values(self.name, outputs.shape(), targets, Allowed::FINITE));
        for (y, t) in outputs.view().iter().zip(targets.view()) {
            self.sum += (self.term)(y.to_f64() - t.to_f64());
        }
        self.elements += outputs.len() as u64;
    }
    fn value(&self) -> f64 {
        (self.value)(self.sum / self.elements as f64)
    }
}

/// For each output of a sample, how far the targets vary and how much of it is left.
#[derive(Default)]
struct Variation {
    columns: Vec<Column>,
}

#[derive(Clone, Copy, Default)]
struct Column {
    rows: u64,
    mean: f64,
    /// Σ (t − t̄)².
    squares: f64,
    /// Σ (t − y)².
    errors: f64,
}

impl Column {
    /// Welford's update, which loses no digits where the mean is large. *Note on a Method for
    /// Calculating Corrected Sums of Squares and Products*, 1962.
    fn add(&mut self, y: f64, t: f64) {
        self.rows += 1;
        let before = t - self.mean;
        self.mean += before / self.rows as f64;
        self.squares += before * (t - self.mean);
        self.errors += (t - y) * (t - y);
    }

    fn determination(&self) -> f64 {
        match (self.errors, self.squares) {
            (errors, _) if errors.is_nan() => f64::NAN,
            (0.0, 0.0) => 1.0,
            (_, 0.0) => 0.0,
            (errors, squares) => 1.0 - errors / squares,
        }
    }
}

impl<A: Float> Count<A> for Variation {
    fn add(&mut self, outputs: &Tensor<A>, targets: &Targets<A>) {
        let targets = checked(values("R²", outputs.shape(), targets, Allowed::FINITE));
        let rows = outputs.shape().first().copied().unwrap_or(1);
        let width = outputs.len() / rows;
        self.columns.resize(width, Column::default());
        let elements = outputs.view().into_iter().zip(targets.view()).enumerate();
        for (i, (y, t)) in elements.map(|(i, (y, t))| (i, (y.to_f64(), t.to_f64()))) {
            self.columns[i % width].add(y, t);
        }
    }
    fn value(&self) -> f64 {
        let sum: f64 = self.columns.iter().map(Column::determination).sum();
        sum / self.columns.len() as f64
    }
}
