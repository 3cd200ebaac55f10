//! What can be wrong with a table, in sentences.

use std::path::PathBuf;

use ops::visible_lines;
use thiserror::Error;

use crate::ground::words::{shown_list, shown_path};

/// A table that is refused, or a way of reading that does not fit it.
///
/// Lines and columns count from 1.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableError {
    /// A character that cannot separate the columns of a table.
    #[error(
        "{:?} cannot separate columns: it must be an ASCII character that is not in a number, \
         a quote or a line end",
        char::from(*delimiter)
    )]
    Delimiter {
        /// The character.
        delimiter: u8,
    },
    /// A table without rows.
    #[error("{} holds no rows{}", shown_path(path), only(*header, *dropped))]
    NoRows {
        /// The file.
        path: PathBuf,
        /// Whether a header line was there.
        header: bool,
        /// How many rows were left out because a value is missing.
        dropped: usize,
    },
    /// A column that the table does not have.
    #[error(
        "{} has no column {wanted}: it has {columns}{}",
        shown_path(path),
        named(names, *columns), wanted = visible_lines(wanted))]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column asked for, in words.
        wanted: String,
        /// The number of columns.
        columns: usize,
        /// The first names in the header line, if there is one, shortened.
        names: Vec<String>,
    },
    /// A column asked for twice.
    #[error(
        "{}: column {column}{} was asked for twice, as a target or as ignored",
        shown_path(path), shown_heading(heading.as_ref())
    )]
    ColumnTwice {
        /// The file.
        path: PathBuf,
        /// The column, counted from 1.
        column: usize,
        /// The column's name in the header line, if there is one, shortened.
        heading: Option<String>,
    },
    /// A table whose columns are all targets or ignored.
    #[error(
        "{}: the number of columns is {columns}, and all are targets or ignored; at least one \
         other column is needed as input",
        shown_path(path)
    )]
    NoInputs {
        /// The file.
        path: PathBuf,
        /// The number of columns.
        columns: usize,
    },
    /// Missing values that the options do not provide for.
    #[error(
        "{}: {count} {} missing: {}{}. To leave out such rows or to fill missing inputs with the \
         mean of their column, set `CsvOptions::missing`",
        shown_path(path),
        if *count == 1 { "value is" } else { "values are" },
        visible_lines(&places.join("; ")),
        more(*count - places.len() as u64)
    )]
    MissingValues {
        /// The file.
        path: PathBuf,
        /// How many are missing.
        count: u64,
        /// Where the first are: line, column and the column's name.
        places: Vec<String>,
    },
    /// A column that cannot be filled with its mean, as it has no value.
    #[error(
        "{}: column {column}{} holds no value in any row, so missing ones cannot be filled with a \
         mean; it can be left out with `CsvOptions::ignored`",
        shown_path(path), shown_heading(heading.as_ref())
    )]
    EmptyColumn {
        /// The file.
        path: PathBuf,
        /// The column, counted from 1.
        column: usize,
        /// The column's name in the header line, if there is one, shortened.
        heading: Option<String>,
    },
    /// Labels without a 0.
    #[error(
        "{}: the labels are {least} to {most}, so class 0 would have no rows; labels count from 0. \
         If these count from {least}, subtract it, or read them as names with `CsvOptions::classes`; \
         if class 0 is only absent here, give the names of all classes in `CsvOptions::class_names`",
        shown_path(path)
    )]
    NoFirstClass {
        /// The file.
        path: PathBuf,
        /// The lowest label.
        least: usize,
        /// The highest label.
        most: usize,
    },
    /// A row with another number of fields than the first.
    #[error(
        "{}, line {line}: {} expected as in the first line, but there {}",
        shown_path(path),
        if *expected == 1 { "1 field was".to_owned() } else { format!("{expected} fields were") },
        if *found == 1 { "is 1".to_owned() } else { format!("are {found}") })]
    Ragged {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// How many fields the first line has.
        expected: usize,
        /// How many this one has.
        found: usize,
    },
    /// A field that does not fit its column.
    #[error(
        "{}, line {line}, column {column}{}: {expected} was expected, but {found} was found",
        shown_path(path),
        shown_heading(heading.as_ref()), expected = visible_lines(expected), found = visible_lines(found))]
    Field {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The column.
        column: usize,
        /// The column's name in the header line, if there is one, shortened.
        heading: Option<String>,
        /// What was expected.
        expected: String,
        /// What was found, shortened.
        found: String,
    },
    /// A line without fields before the end of the file.
    #[error("{}, line {line}: the line is empty, but rows follow it", shown_path(path))]
    BlankLine {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
    },
    /// A line that is too long.
    #[error("{}, line {line}: the line is longer than {limit} bytes", shown_path(path))]
    LongLine {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The longest line that is read, in bytes.
        limit: u64,
    },
    /// A table that is too large.
    #[error(
        "{} holds more than {limit} bytes; a larger limit can be set in `CsvOptions::max_bytes`",
        shown_path(path)
    )]
    LargeFile {
        /// The file.
        path: PathBuf,
        /// The most bytes that are read.
        limit: u64,
    },
}

fn shown_heading(heading: Option<&String>) -> String {
    heading.map(|heading| format!(" ({})", visible_lines(heading))).unwrap_or_default()
}

fn more(others: u64) -> String {
    if others == 0 { String::new() } else { format!("; and {others} more") }
}

/// What a table without rows has instead.
fn only(header: bool, dropped: usize) -> String {
    match (header, dropped) {
        (true, 0) => ", only a header line".to_owned(),
        (false, 0) => String::new(),
        (_, 1) => ": in its only one a value is missing".to_owned(),
        (_, dropped) => format!(": in each of its {dropped} a value is missing"),
    }
}

fn named(names: &[String], columns: usize) -> String {
    match names.len() {
        0 => " and no header line with names".to_owned(),
        shown if shown < columns => format!(", named {}, ...", shown_list(names)),
        _ => format!(", named {}", shown_list(names)),
    }
}
