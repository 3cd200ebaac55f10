//! How surprising the labels are to a model that gives logits.

use ops::{Float, Tensor};

use super::{Count, Metric, checked};
use crate::ground::{Error, Targets};
use crate::loss::targets::labels;

/// Bits per symbol: the mean of −log₂ pₗ over rows of logits `[…, classes]`, p their softmax and l
/// the label. For characters, bits per character.
///
/// It is the cross-entropy divided by ln 2: what a perfect code by this model would take for each
/// symbol. log₂ C of C classes is what guessing gives. Shannon, *A Mathematical Theory of
/// Communication*, 1948.
///
/// ```
/// use nn::data::Targets;
/// use nn::metrics::{BitsPerSymbol, Metric, Perplexity};
/// use nn::ops::Tensor;
///
/// let (outputs, targets) = (Tensor::<f64>::zeros(&[3, 8]), Targets::Labels(vec![4, 0, 7]));
/// let mut bits = BitsPerSymbol::new().start();
/// bits.add(&outputs, &targets);
/// assert!((bits.value() - 3.0).abs() < 1e-14);
/// let mut perplexity = Perplexity::new().start();
/// perplexity.add(&outputs, &targets);
/// assert!((perplexity.value() - 8.0).abs() < 1e-13);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct BitsPerSymbol {
    ignored: Option<i64>,
}

/// Perplexity: e to the mean cross-entropy of logits `[…, classes]`, 2 to the [`BitsPerSymbol`].
///
/// The number of classes among which guessing would be as hard. It is not the mean of the
/// perplexities of batches. Jelinek et al., *Perplexity: a Measure of the Difficulty of Speech
/// Recognition Tasks*, 1977.
#[derive(Clone, Copy, Debug, Default)]
pub struct Perplexity {
    ignored: Option<i64>,
}

/// The cross-entropy summed over rows, in nats.
struct Surprise {
    name: &'static str,
    ignored: Option<i64>,
    sum: f64,
    rows: u64,
    value: fn(f64) -> f64,
}

impl<A: Float> Count<A> for Surprise {
    fn add(&mut self, outputs: &Tensor<A>, targets: &Targets<A>) {
        let labels = checked(labels(self.name, outputs.shape(), targets, self.ignored));
        let ignored = self.ignored.map(|label| label as f64);
        let view = outputs.view();
        for (row, label) in view.rows().into_iter().zip(labels.view()) {
            let label = label.to_f64();
            if Some(label) == ignored {
                continue;
            }
            let logits = || row.iter().map(|x| x.to_f64());
            let most = logits().fold(f64::NEG_INFINITY, f64::max);
            let log_sum = most + logits().map(|x| (x - most).exp()).sum::<f64>().ln();
            self.sum += log_sum - row[label as usize].to_f64();
            self.rows += 1;
        }
    }
    fn value(&self) -> f64 {
        (self.value)(self.sum / self.rows as f64)
    }
}

macro_rules! surprise_metric {
    ($Metric:ident, $name:literal, $value:expr) => {
        impl $Metric {
            /// Over all labels.
            pub fn new() -> Self {
                Self::default()
            }

            /// Leaves out the rows that have this label, such as padding.
            pub fn ignore(mut self, label: i64) -> Self {
                self.ignored = Some(label);
                self
            }
        }

        impl<A: Float> Metric<A> for $Metric {
            fn name(&self) -> String {
                $name.to_owned()
            }
            fn check(&self, output: &[usize], targets: &Targets<A>) -> Result<(), Error> {
                labels($name, output, targets, self.ignored).map(|_| ())
            }
            fn start(&self) -> Box<dyn Count<A>> {
                let (name, ignored) = ($name, self.ignored);
                Box::new(Surprise { name, ignored, sum: 0.0, rows: 0, value: $value })
            }
        }
    };
}
surprise_metric!(BitsPerSymbol, "bits per symbol", |nats| nats / std::f64::consts::LN_2);
surprise_metric!(Perplexity, "perplexity", f64::exp);
