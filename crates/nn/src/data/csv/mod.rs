//! Tables in CSV files.

use std::io::Read;
use std::path::Path;

use ::csv::{ByteRecord, ReaderBuilder};
use ops::Float;

use super::dataset::Dataset;
use super::source::{INPUT, Source};
use crate::ground::error::{DataError, TableError};

mod lines;
mod options;
mod table;
#[cfg(test)]
mod tests;

pub use lines::MAX_LINE;
use lines::{Lines, next};
pub use options::{Column, CsvOptions, CsvTargets, Missing};
use table::Table;
pub use table::{MAX_CLASSES, MISSING};

/// The rows of a CSV file, gzipped or not, as inputs of shape `[rows, columns]` and the targets
/// that [`CsvOptions::targets`] says.
///
/// Fields may be quoted and surrounded by spaces. A label is a whole number from 0, which may be
/// written as `3` or `3.0`. Lines end in `\n` or `\r\n`; empty lines may only stand at the end.
///
/// # Errors
/// If the file cannot be read or holds no rows, if a column asked for is not there or none is left
/// as input, if a row has another number of fields than the first, if a field is not a finite
/// number, a label below [`MAX_CLASSES`] or the name of a class, if values are missing, or if a
/// line is longer than [`MAX_LINE`] or the file than [`CsvOptions::max_bytes`].
///
/// ```
/// use nn::data::{CsvOptions, Missing, read_csv};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("boxes.csv");
/// std::fs::write(&path, "height,kind,width\n1.5,crate,2\n0.5,box,NA\n0.5,box,4\n")?;
///
/// let error = read_csv::<f64>(&path, CsvOptions::classes("kind")).unwrap_err().to_string();
/// assert!(error.contains("1 value is missing: line 3, column 3 (\"width\")"));
///
/// let options = CsvOptions { missing: Missing::DropRows, ..CsvOptions::classes("kind") };
/// let data = read_csv::<f64>(&path, options)?;
/// assert_eq!(data.inputs(), &ops::Tensor::from([[1.5, 2.0], [0.5, 4.0]]));
/// assert_eq!(data.labels(), Some(&[1, 0][..]));
/// assert_eq!(data.class_names().unwrap(), ["box", "crate"]);
///
/// std::fs::write(&path, "height,width,kind\n1.5,wide,0\n")?;
/// let error = read_csv::<f64>(&path, CsvOptions::default()).unwrap_err();
/// let position = "line 2, column 2 (\"width\"): a number was expected, but \"wide\" was found";
/// assert!(error.to_string().ends_with(position));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_csv<A: Float>(
    path: impl AsRef<Path>,
    options: CsvOptions,
) -> Result<Dataset<A>, DataError> {
    parse(Source::open(path.as_ref())?, options)
}

/// The rows of a table that is not in a file of its own, as [`read_csv`] reads them.
///
/// # Errors
/// As [`read_csv`]; the messages call the table "the input".
///
/// ```
/// use nn::data::{CsvOptions, DataError, read_csv_from};
///
/// let data = read_csv_from::<f32>("a,b\n1,0\n2,1\n".as_bytes(), CsvOptions::values(["b"]))?;
/// assert_eq!(data.inputs().to_vec(), [1.0, 2.0]);
/// # Ok::<(), DataError>(())
/// ```
pub fn read_csv_from<A: Float>(
    data: impl Read,
    options: CsvOptions,
) -> Result<Dataset<A>, DataError> {
    parse(Source::new(Path::new(INPUT), data)?, options)
}

pub(super) fn parse<A: Float>(
    source: Source<'_>,
    options: CsvOptions,
) -> Result<Dataset<A>, DataError> {
    let delimiter = options.delimiter;
    if !delimiter.is_ascii()
        || delimiter.is_ascii_alphanumeric()
        || b"\"\r\n+-.".contains(&delimiter)
    {
        return Err(TableError::Delimiter { delimiter }.into());
    }
    let path = source.path().to_owned();
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(Lines::new(source, &options));
    let mut record = ByteRecord::new();
    let mut headings = None;
    if options.header && next(&mut reader, &mut record, &path)? {
        let text = |heading: &[u8]| String::from_utf8_lossy(heading.trim_ascii()).into_owned();
        headings = Some(record.iter().map(text).collect());
    }
    let mut table = Table::new(path.clone(), options, headings);
    while next(&mut reader, &mut record, &path)? {
        table.row(reader.get_ref().number, &record)?;
    }
    table.finish()
}
