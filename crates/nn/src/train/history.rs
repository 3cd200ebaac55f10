//! What a training run gave, epoch by epoch.

use std::fmt::{self, Display};
use std::io::Write;
use std::path::Path;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use ops::Float;

use crate::error::Error;
use crate::state::State;

/// What one epoch gave: named values, in a fixed order, such as `loss`, `accuracy`,
/// `validation loss`, and what callbacks recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EpochRecord {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Each value with its name.
    pub values: Vec<(String, f64)>,
}

impl EpochRecord {
    /// The value of this name.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(known, _)| known == name).map(|&(_, value)| value)
    }

    /// The loss on the training data, averaged over the samples as they were trained on.
    pub fn loss(&self) -> f64 {
        self.value("loss").unwrap_or(f64::NAN)
    }

    /// The fraction of the training data classified rightly as it was trained on; `None` if the
    /// targets are no classes.
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

impl Display for EpochRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {:>3}", self.epoch)?;
        for (name, value) in &self.values {
            write!(f, "  {name} {}", number(*value))?;
        }
        Ok(())
    }
}

/// A value with four decimals, or as many digits where it is small.
fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:.3e}") } else { format!("{value:.4}") }
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
    pub epochs: Vec<EpochRecord>,
    /// Why training stopped before its last epoch, if it did.
    pub stopped: Option<String>,
}

impl History {
    /// The names of all values, in the order in which they first came.
    pub fn columns(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.epochs.iter().flat_map(|record| &record.values) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// The values of one name with their epochs.
    pub fn column(&self, name: &str) -> Vec<(usize, f64)> {
        self.epochs.iter().filter_map(|r| Some((r.epoch, r.value(name)?))).collect()
    }

    /// The last epoch.
    pub fn last(&self) -> Option<&EpochRecord> {
        self.epochs.last()
    }

    /// The epoch in which the value of this name was lowest; the first of equals.
    pub fn lowest(&self, name: &str) -> Option<&EpochRecord> {
        self.best(name, |value, best| value < best)
    }

    /// The epoch in which the value of this name was highest; the first of equals.
    pub fn highest(&self, name: &str) -> Option<&EpochRecord> {
        self.best(name, |value, best| value > best)
    }

    fn best(&self, name: &str, better: impl Fn(f64, f64) -> bool) -> Option<&EpochRecord> {
        let known = self.epochs.iter().filter_map(|record| Some((record, record.value(name)?)));
        let best = known.reduce(|best, this| if better(this.1, best.1) { this } else { best });
        best.map(|(record, _)| record)
    }

    /// Comma-separated values: a line of names, then a line an epoch, every number in full.
    pub fn to_csv(&self) -> String {
        let columns = self.columns();
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = std::iter::once("epoch").chain(columns.iter().copied());
        let text = "text goes into memory";
        writer.write_record(header).expect(text);
        for record in &self.epochs {
            let values = columns.iter().map(|name| record.value(name).map(|v| v.to_string()));
            let fields = values.map(Option::unwrap_or_default);
            writer
                .write_record(std::iter::once(record.epoch.to_string()).chain(fields))
                .expect(text);
        }
        String::from_utf8(writer.into_inner().expect(text)).expect("names and numbers are text")
    }

    /// Writes [`to_csv`](History::to_csv) to a file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let written = std::fs::File::create(path)
            .and_then(|mut file| file.write_all(self.to_csv().as_bytes()));
        written.map_err(|error| Error::file("write", path, &error))
    }

    /// All of it in a form that a checkpoint holds.
    pub(crate) fn state<A: Float>(&self) -> State<A> {
        let mut state = State::new();
        let columns = self.columns();
        for record in &self.epochs {
            for (name, value) in &record.values {
                let column = columns.iter().position(|known| known == name).unwrap_or(0);
                let key = format!("{:06}.{column:03}.{name}", record.epoch);
                state.numbers.insert(key, *value);
            }
        }
        state
    }

    /// [`state`](History::state) undone.
    pub(crate) fn from_state<A: Float>(state: &State<A>) -> Self {
        let mut history = Self::default();
        for (key, &value) in &state.numbers {
            let mut parts = key.splitn(3, '.');
            let epoch = parts.next().and_then(|part| part.parse().ok());
            let (Some(epoch), Some(name)) = (epoch, parts.nth(1)) else { continue };
            if history.epochs.last().is_none_or(|record| record.epoch != epoch) {
                history.epochs.push(EpochRecord { epoch, values: Vec::new() });
            }
            if let Some(record) = history.epochs.last_mut() {
                record.values.push((name.to_owned(), value));
            }
        }
        history
    }
}

impl Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.columns();
        let mut table = Table::new();
        table.load_preset(UTF8_BORDERS_ONLY);
        table.set_header(std::iter::once("epoch").chain(columns.iter().copied()));
        for record in &self.epochs {
            let values = columns.iter().map(|name| record.value(name).map(number));
            let fields = values.map(Option::unwrap_or_default);
            table.add_row(std::iter::once(record.epoch.to_string()).chain(fields));
        }
        for column in table.column_iter_mut() {
            column.set_cell_alignment(CellAlignment::Right);
        }
        write!(f, "{table}")?;
        match &self.stopped {
            Some(reason) => write!(f, "\nstopped: {reason}"),
            None => Ok(()),
        }
    }
}
