//! The results of a check so far.

use super::report::{CheckError, Comparison, Fault, Report, Unclear};

/// The results of a check so far.
#[derive(Default)]
pub(crate) struct Found {
    pub comparisons: Vec<Comparison>,
    pub kinks: Vec<Comparison>,
    pub unclear: Vec<Unclear>,
    wrong: Vec<Comparison>,
    #[allow(clippy::option_option)] // Not searched for; searched for in vain; found.
    fault: Option<Option<Fault>>,
}

impl Found {
    pub fn wrong(&mut self, comparison: Comparison) {
        self.wrong.push(comparison);
    }

    /// The lowest order at which a derivative is wrong.
    pub fn wrong_order(&self) -> Option<u8> {
        self.wrong.iter().map(|c| c.order).min()
    }

    /// Looks for the op at fault, once.
    pub fn look_for_fault(&mut self, look: impl FnOnce() -> Option<Fault>) {
        self.fault.get_or_insert_with(look);
    }

    /// Passes or fails.
    pub fn conclude(
        self,
        inputs: usize,
        warning: Option<&'static str>,
    ) -> Result<Report, CheckError> {
        let order = self.wrong_order();
        let Self { comparisons, kinks, unclear, wrong, fault } = self;
        let failed = wrong.len();
        let compared = comparisons.len() + kinks.len() + unclear.len() + failed;
        let by_excess = |a: &Comparison, b: &Comparison| a.excess.total_cmp(&b.excess);
        let wrong = wrong.into_iter().filter(|c| Some(c.order) == order).max_by(by_excess);
        if let Some(worst) = wrong {
            let (worst, fault) = (Box::new(worst), fault.flatten().map(Box::new));
            return Err(CheckError::Wrong { failed, compared, worst, fault });
        }
        let worst = comparisons.into_iter().max_by(by_excess).or_else(|| kinks.first().cloned());
        match (worst, unclear.first()) {
            (Some(worst), _) => Ok(Report { compared, worst, kinks, unclear, warning }),
            (None, Some(first)) => {
                Err(CheckError::CannotTell { compared, first: Box::new(first.clone()) })
            }
            (None, None) => Err(CheckError::Nothing { inputs }),
        }
    }
}
