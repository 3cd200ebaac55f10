//! The classes that outputs and targets say.

use ops::{Float, Tensor};

use super::{argmax, argmax_rows};
use crate::ground::{Error, Targets};
use crate::loss::targets::{Allowed, binary, distributions, is_single, labels};

/// How classes are read from outputs and targets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decisions {
    /// The threshold above which a single output says class 1 and not class 0.
    pub threshold: f64,
    /// The label of rows that are left out.
    pub ignored: Option<i64>,
}

/// Targets of single outputs that are decided at 0.
const ANY_NO: Allowed = Allowed {
    words: "1 for yes, and 0 or -1 for no",
    holds: |t| t == 1.0 || t == 0.0 || t == -1.0,
};
/// Targets of other single outputs.
const ZERO_FOR_NO: Allowed = Allowed {
    words: "1 for yes and 0 for no (-1 only if outputs are decided at 0)",
    holds: |t| t == 1.0 || t == 0.0,
};

impl Default for Decisions {
    fn default() -> Self {
        Self { threshold: 0.5, ignored: None }
    }
}

impl Decisions {
    /// The number of classes that an output can say.
    pub fn classes(output: &[usize]) -> usize {
        if is_single(output) { 2 } else { output.last().copied().unwrap_or(0) }
    }

    /// The class of each row by the targets; `None` for a row that is left out.
    pub fn truths<A: Float>(
        self,
        measure: &str,
        output: &[usize],
        targets: &Targets<A>,
    ) -> Result<Vec<Option<usize>>, Error> {
        if self.threshold.is_nan() {
            let (setting, given) = ("the threshold between no and yes", "NaN".to_owned());
            return Err(Error::Setting { setting, given, allowed: "a number" });
        }
        if is_single(output) {
            // With a threshold of ½, an output of 0.2 where −1 and 1 were learned would be a no.
            let allowed = if self.threshold == 0.0 { ANY_NO } else { ZERO_FOR_NO };
            let values = binary(measure, output, targets, allowed)?;
            return Ok(values.view().iter().map(|t| Some(usize::from(*t > A::zero()))).collect());
        }
        if matches!(targets, Targets::Values(values) if values.shape() == output) {
            let rows = distributions(measure, output, targets)?;
            return Ok(argmax_rows(&rows).into_iter().map(Some).collect());
        }
        let labels = labels(measure, output, targets, self.ignored)?;
        let ignored = self.ignored.map(|label| label as f64);
        let class = |label: &A| Some(label.to_f64()).filter(|label| Some(*label) != ignored);
        Ok(labels.view().iter().map(|label| class(label).map(|label| label as usize)).collect())
    }

    /// The class of each row by the outputs; `None` where an output is NaN.
    pub fn predictions<A: Float>(self, outputs: &Tensor<A>) -> Vec<Option<usize>> {
        let view = outputs.view();
        if is_single(outputs.shape()) {
            let class = |y: &A| (!y.is_nan()).then(|| usize::from(y.to_f64() > self.threshold));
            return view.iter().map(class).collect();
        }
        let rows = view.rows().into_iter();
        rows.map(|row| (!row.iter().any(|y| y.is_nan())).then(|| argmax(&row))).collect()
    }
}
