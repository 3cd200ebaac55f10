//! What a training run gave, epoch by epoch.

/// What one epoch gave: named values, in a fixed order, such as `loss`, `accuracy`,
/// `validation loss`, and what callbacks logged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EpochLog {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Each value with its name.
    pub values: Vec<(String, f64)>,
}

impl EpochLog {
    /// The value of this name.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(known, _)| known == name).map(|&(_, value)| value)
    }

    /// The loss on the training data as it was trained on, averaged over what
    /// [counts](crate::loss::Loss::counted).
    pub fn loss(&self) -> f64 {
        self.value("loss").unwrap_or(f64::NAN)
    }

    /// The fraction of the training data classified rightly as it was trained on; `None` if the
    /// targets are not classes.
    pub fn accuracy(&self) -> Option<f64> {
        self.value("accuracy")
    }

    /// The loss on the validation data after the epoch, if there is any.
    pub fn validation_loss(&self) -> Option<f64> {
        self.value("validation loss")
    }

    /// The fraction of the validation data classified rightly after the epoch.
    pub fn validation_accuracy(&self) -> Option<f64> {
        self.value("validation accuracy")
    }

    /// Sets a value, in its place if the name is there already.
    pub(crate) fn set(&mut self, name: &str, value: f64) {
        match self.values.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.values.push((name.to_owned(), value)),
        }
    }
}

/// What a training run gave, epoch by epoch. Its `Display` is a table.
///
/// ```
/// use nn::prelude::*;
///
/// let data = nn::data::xor::<f32>();
/// let mut model = Sequential::new().then(Dense::new(2, 1, &mut nn::rng(0)));
/// let mut sgd = Sgd::new(0.1)?;
/// let history = Fit::new().epochs(2).progress(false).run(
///     &mut model, &data, &MeanSquaredError, &mut sgd,
/// )?;
/// assert_eq!(history.column("loss").len(), 2);
/// assert!(history.epochs[1].loss() < history.epochs[0].loss());
/// assert_eq!(history.to_csv().lines().next(), Some("epoch,loss,accuracy"));
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// One entry an epoch.
    pub epochs: Vec<EpochLog>,
    /// Why training stopped before its last epoch, if it did.
    pub stopped: Option<String>,
}

impl History {
    /// The names of all values, in the order in which they first came.
    pub fn columns(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.epochs.iter().flat_map(|log| &log.values) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// The values of one name with their epochs.
    pub fn column(&self, name: &str) -> Vec<(usize, f64)> {
        self.epochs.iter().filter_map(|log| Some((log.epoch, log.value(name)?))).collect()
    }

    /// The last epoch.
    pub fn last(&self) -> Option<&EpochLog> {
        self.epochs.last()
    }

    /// The epoch in which the value of this name was lowest; the first of equals.
    pub fn lowest(&self, name: &str) -> Option<&EpochLog> {
        self.best(name, |value, best| value < best)
    }

    /// The epoch in which the value of this name was highest; the first of equals.
    pub fn highest(&self, name: &str) -> Option<&EpochLog> {
        self.best(name, |value, best| value > best)
    }

    fn best(&self, name: &str, better: impl Fn(f64, f64) -> bool) -> Option<&EpochLog> {
        let known = self.epochs.iter().filter_map(|log| Some((log, log.value(name)?)));
        let best = known.reduce(|best, this| if better(this.1, best.1) { this } else { best });
        best.map(|(log, _)| log)
    }
}
