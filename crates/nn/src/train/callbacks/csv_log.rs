//! A log file.

use std::fs::File;
use std::path::{Path, PathBuf};

use ops::Float;

use crate::ground::Error;
use crate::train::callback::{Callback, Run};

/// Writes a line of comma-separated values for every epoch, as soon as it ends.
#[derive(Debug)]
pub struct CsvLog {
    path: PathBuf,
    file: Option<csv::Writer<File>>,
    columns: Vec<String>,
}

impl CsvLog {
    /// To a file that is created at the start of the run; a resumed run adds to it.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), file: None, columns: Vec::new() }
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

    fn on_start(&mut self, run: &mut Run<'_, A>, columns: &[String]) -> Result<(), Error> {
        let resumed = !run.history.epochs.is_empty() && self.path.exists();
        let file = if resumed {
            File::options().append(true).open(&self.path)
        } else {
            File::create(&self.path)
        };
        let file = file.map_err(|error| Error::file("write", &self.path, &error))?;
        self.file = Some(csv::Writer::from_writer(file));
        self.columns = columns.to_vec();
        if resumed {
            return Ok(());
        }
        let header: Vec<String> =
            std::iter::once("epoch".to_owned()).chain(columns.iter().cloned()).collect();
        self.line(&header)
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_, A>) -> Result<(), Error> {
        let Some(record) = run.history.last() else { return Ok(()) };
        let value = |name: &String| record.value(name).map(|v| v.to_string()).unwrap_or_default();
        let fields: Vec<String> = std::iter::once(record.epoch.to_string())
            .chain(self.columns.iter().map(value))
            .collect();
        self.line(&fields)
    }
}
