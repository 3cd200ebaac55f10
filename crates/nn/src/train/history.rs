//! A training run as a table, as comma-separated values, and as state that can be saved.

use std::fmt::{self, Display};
use std::io::Write;
use std::path::Path;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use ops::{Float, visible, visible_lines};

use crate::ground::{EpochLog, Error, History, State};

impl Display for EpochLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {:>3}", self.epoch)?;
        for (name, value) in &self.values {
            write!(f, "  {} {}", visible(name), number(*value))?;
        }
        Ok(())
    }
}

/// A value with four decimals, or with four digits where it is small.
fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:.3e}") } else { format!("{value:.4}") }
}

impl History {
    /// Comma-separated values: a line of names, then a line an epoch, every number in full.
    pub fn to_csv(&self) -> String {
        let columns = self.columns();
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = std::iter::once("epoch").chain(columns.iter().copied());
        let text = "text goes into memory";
        writer.write_record(header).expect(text);
        for log in &self.epochs {
            let values = columns.iter().map(|name| log.value(name).map(|v| v.to_string()));
            let fields = values.map(Option::unwrap_or_default);
            writer.write_record(std::iter::once(log.epoch.to_string()).chain(fields)).expect(text);
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
        if let Some(reason) = &self.stopped {
            state.texts.insert("stopped".into(), reason.clone());
        }
        let columns = self.columns();
        for log in &self.epochs {
            for (name, value) in &log.values {
                let column = columns.iter().position(|known| known == name).unwrap_or(0);
                let key = format!("{:06}.{column:03}.{name}", log.epoch);
                state.numbers.insert(key, *value);
            }
        }
        state
    }

    /// The inverse of [`state`](History::state).
    pub(crate) fn from_state<A: Float>(state: &State<A>) -> Self {
        let mut history = Self { stopped: state.texts.get("stopped").cloned(), ..Self::default() };
        for (key, &value) in &state.numbers {
            let mut parts = key.splitn(3, '.');
            let epoch = parts.next().and_then(|part| part.parse().ok());
            let (Some(epoch), Some(name)) = (epoch, parts.nth(1)) else { continue };
            if history.epochs.last().is_none_or(|log| log.epoch != epoch) {
                history.epochs.push(EpochLog { epoch, values: Vec::new() });
            }
            if let Some(log) = history.epochs.last_mut() {
                log.values.push((name.to_owned(), value));
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
        let names = columns.iter().map(|name| visible(name));
        table.set_header(std::iter::once("epoch".into()).chain(names));
        for log in &self.epochs {
            let values = columns.iter().map(|name| log.value(name).map(number));
            let fields = values.map(Option::unwrap_or_default);
            table.add_row(std::iter::once(log.epoch.to_string()).chain(fields));
        }
        for column in table.column_iter_mut() {
            column.set_cell_alignment(CellAlignment::Right);
        }
        write!(f, "{table}")?;
        match &self.stopped {
            Some(reason) => write!(f, "\nstopped: {}", visible_lines(reason)),
            None => Ok(()),
        }
    }
}
