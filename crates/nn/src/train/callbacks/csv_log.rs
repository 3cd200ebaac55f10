//! A log file.

use std::fs::File;
use std::path::{Path, PathBuf};

use ops::Float;

use crate::ground::{EpochLog, Error};
use crate::train::callback::{Callback, Run};

/// Writes a line of comma-separated values for every epoch, as soon as it ends.
#[derive(Debug)]
pub struct CsvLog {
    path: PathBuf,
    file: Option<csv::Writer<File>>,
    columns: Vec<String>,
}

impl CsvLog {
    /// To a file that is written from the first epoch on. A resumed run begins it again with the
    /// epochs of its history, so that each is there once.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), file: None, columns: Vec::new() }
    }

    /// Begins the file: a line of names, and the epochs before. A value that nobody had announced gets a
    /// column, which the other epochs leave empty.
    fn begin(&mut self, epochs: &[EpochLog]) -> Result<(), Error> {
        for (name, _) in epochs.iter().flat_map(|log| &log.values) {
            if !self.columns.contains(name) {
                self.columns.push(name.clone());
            }
        }
        let file = File::create(&self.path);
        let file = file.map_err(|error| Error::file("write", &self.path, &error))?;
        self.file = Some(csv::Writer::from_writer(file));
        let header: Vec<String> =
            std::iter::once("epoch".to_owned()).chain(self.columns.iter().cloned()).collect();
        self.line(&header)?;
        epochs.iter().try_for_each(|log| self.write(log))
    }

    fn write(&mut self, log: &EpochLog) -> Result<(), Error> {
        let value = |name: &String| log.value(name).map(|v| v.to_string()).unwrap_or_default();
        let fields: Vec<String> =
            std::iter::once(log.epoch.to_string()).chain(self.columns.iter().map(value)).collect();
        self.line(&fields)
    }

    fn line(&mut self, fields: &[String]) -> Result<(), Error> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = file.write_record(fields).map_err(std::io::Error::from);
        written
            .and_then(|()| file.flush())
            .map_err(|error| Error::file("write", &self.path, &error))
    }
}

impl<A: Float> Callback<A> for CsvLog {
    fn name(&self) -> &'static str {
        "CSV log"
    }

    fn reads_tape(&self) -> bool {
        false
    }

    fn on_start(&mut self, _run: &mut Run<'_, A>, columns: &[String]) -> Result<(), Error> {
        // An old log stays as it is until the run has really begun.
        let file = File::options().append(true).create(true).open(&self.path);
        file.map_err(|error| Error::file("write", &self.path, &error))?;
        (self.file, self.columns) = (None, columns.to_vec());
        Ok(())
    }

    fn on_epoch_start(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        if self.file.is_some() { Ok(()) } else { self.begin(&run.history.epochs) }
    }

    /// After all callbacks, of which one behind this may have logged a value.
    fn on_save(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let Some(log) = run.history.last() else { return Ok(()) };
        let is_known = |(name, _): &(String, f64)| self.columns.contains(name);
        if log.values.iter().all(is_known) {
            self.write(log)
        } else {
            self.begin(&run.history.epochs)
        }
    }

    fn on_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        // A run without epochs leaves its names, or what was logged before it.
        if self.file.is_none() { self.begin(&run.history.epochs) } else { Ok(()) }
    }
}
