//! Tables in CSV files.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use ::csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};
use ops::Float;

use super::DataError;
use super::dataset::{Dataset, tensor};
use super::source::{INPUT, Source};

/// The longest line that is read, in bytes: 2²⁰.
pub const MAX_LINE: u64 = 1 << 20;

/// The most classes that a label column may tell apart. A larger label is taken for a sign that
/// the column holds something else.
pub const MAX_CLASSES: usize = 1_000_000;

/// The fields that mean a missing value, in upper or lower case. In a column of class names only
/// an empty field does, for the others may well be names.
pub const MISSING: [&str; 6] = ["", "na", "n/a", "nan", "null", "?"];

/// The places of missing values that an error names; the others are only counted.
const PLACES: usize = 5;

/// A column of a table, by its place or by its name in the header line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Column {
    /// The first column.
    First,
    /// The last column.
    Last,
    /// The column of this index, counted from 0.
    Index(usize),
    /// The column of this name.
    Name(String),
}

impl From<usize> for Column {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl From<&str> for Column {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<String> for Column {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

/// Which columns of a table hold the targets, and what kind they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CsvTargets {
    /// Labels that are whole numbers from 0; the number of classes is the largest and 1.
    Labels(Column),
    /// Names of classes. The labels count the names in their sorted order (by code points), or in
    /// the order of [`CsvOptions::class_names`]; the dataset keeps the names.
    Classes(Column),
    /// Numbers that are to be predicted: values of shape `[rows, columns]`, in this order.
    Values(Vec<Column>),
    /// The inputs themselves, as an autoencoder needs them.
    Inputs,
}

/// What to do about missing values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missing {
    /// Refuse the table, with the number of missing values and where the first are.
    #[default]
    Refuse,
    /// Put the mean of the column's other values in the place of a missing input. A missing target
    /// is refused. The mean is taken over the whole table; if the table is split afterwards, it
    /// has seen the test set, if only a little.
    FillMean,
    /// Leave out rows with a missing value.
    DropRows,
}

/// How a CSV file is to be read.
///
/// ```
/// use nn::data::{CsvOptions, CsvTargets, Missing};
///
/// let options = CsvOptions::classes("species");
/// assert!(options.header);
/// let options = CsvOptions { missing: Missing::DropRows, delimiter: b';', ..options };
/// assert_eq!(options.targets, CsvTargets::Classes("species".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CsvOptions {
    /// Whether the first line holds the names of the columns. The default is true.
    pub header: bool,
    /// The columns of the targets. The default is labels in the last column.
    pub targets: CsvTargets,
    /// The names of the classes in the order of their labels, if they are known: for a test set,
    /// those of the training set. Another name in the column is then refused.
    pub class_names: Option<Vec<String>>,
    /// Columns that are not read: row numbers, remarks. The default is none.
    pub ignored: Vec<Column>,
    /// What to do about missing values. The default is to refuse them.
    pub missing: Missing,
    /// The character between two columns. The default is the comma.
    pub delimiter: u8,
    /// The most bytes that are read, after decompression. The default is 2²⁸ (256 MiB).
    pub max_bytes: u64,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            header: true,
            targets: CsvTargets::Labels(Column::Last),
            class_names: None,
            ignored: Vec::new(),
            missing: Missing::Refuse,
            delimiter: b',',
            max_bytes: 1 << 28,
        }
    }
}

impl CsvOptions {
    /// A table with labels, whole numbers from 0, in a column.
    pub fn labels(column: impl Into<Column>) -> Self {
        Self { targets: CsvTargets::Labels(column.into()), ..Self::default() }
    }

    /// A table with names of classes in a column.
    pub fn classes(column: impl Into<Column>) -> Self {
        Self { targets: CsvTargets::Classes(column.into()), ..Self::default() }
    }

    /// A table with numbers in some columns that are to be predicted from the others.
    pub fn values<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Self {
        let columns = columns.into_iter().map(Into::into).collect();
        Self { targets: CsvTargets::Values(columns), ..Self::default() }
    }

    /// A table without targets: the inputs are their own.
    pub fn inputs() -> Self {
        Self { targets: CsvTargets::Inputs, ..Self::default() }
    }
}

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
/// let place = "line 2, column 2 (\"width\"): a number was expected, but \"wide\" was found";
/// assert!(error.to_string().ends_with(place));
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
        return Err(DataError::Delimiter { delimiter });
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

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Input,
    Label,
    Class,
    /// The value of this place in a row of values.
    Value(usize),
    Ignored,
}

/// A table as far as it has been read.
struct Table<A: Float> {
    path: PathBuf,
    options: CsvOptions,
    headings: Option<Vec<String>>,
    /// One for each column, known from the first row on.
    roles: Vec<Role>,
    /// How many of the columns are inputs.
    width: usize,
    rows: usize,
    dropped: usize,
    /// NaN where a value is missing, and nowhere else.
    inputs: Vec<A>,
    values: Vec<A>,
    labels: Vec<usize>,
    classes: HashMap<String, usize>,
    /// Missing values that the options do not provide for.
    missing: u64,
    places: Vec<String>,
}

impl<A: Float> Table<A> {
    fn new(path: PathBuf, options: CsvOptions, headings: Option<Vec<String>>) -> Self {
        let names = options.class_names.iter().flatten().cloned();
        Self {
            classes: names.zip(0..).collect(),
            path,
            options,
            headings,
            roles: Vec::new(),
            width: 0,
            rows: 0,
            dropped: 0,
            inputs: Vec::new(),
            values: Vec::new(),
            labels: Vec::new(),
            missing: 0,
            places: Vec::new(),
        }
    }

    fn row(&mut self, line: u64, record: &ByteRecord) -> Result<(), DataError> {
        if self.roles.is_empty() {
            let expected = self.headings.as_ref().map_or(record.len(), Vec::len);
            self.same_length(line, expected, record.len())?;
            self.roles = self.roles_of(record.len())?;
            self.width = self.roles.iter().filter(|role| **role == Role::Input).count();
        }
        self.same_length(line, self.roles.len(), record.len())?;
        let before = (self.inputs.len(), self.values.len(), self.labels.len());
        let first_value = self.values.len();
        let outputs = self.roles.iter().filter(|role| matches!(role, Role::Value(_))).count();
        self.values.resize(first_value + outputs, A::zero());
        let mut complete = true;
        for (index, field) in record.iter().enumerate() {
            complete &= self.field(line, index, field.trim_ascii(), first_value)?;
        }
        if complete || self.options.missing != Missing::DropRows {
            self.rows += 1;
        } else {
            self.dropped += 1;
            self.inputs.truncate(before.0);
            self.values.truncate(before.1);
            self.labels.truncate(before.2);
        }
        Ok(())
    }

    fn same_length(&self, line: u64, expected: usize, found: usize) -> Result<(), DataError> {
        if expected == found {
            return Ok(());
        }
        Err(DataError::Ragged { path: self.path.clone(), line, expected, found })
    }

    /// Takes up a field; returns whether there is something in it.
    fn field(
        &mut self,
        line: u64,
        index: usize,
        field: &[u8],
        first_value: usize,
    ) -> Result<bool, DataError> {
        let role = self.roles[index];
        let refuse = |table: &Self, expected: String| {
            let (path, heading) = (table.path.clone(), table.heading(index));
            let found = shown(field);
            Err(DataError::Field { path, line, column: index + 1, heading, expected, found })
        };
        let absent = match role {
            Role::Ignored => return Ok(true),
            Role::Class => field.is_empty(),
            _ => MISSING.iter().any(|marker| field.eq_ignore_ascii_case(marker.as_bytes())),
        };
        if absent {
            self.note_missing(line, index);
            match role {
                Role::Input => self.inputs.push(A::from_f64(f64::NAN)),
                Role::Label | Role::Class => self.labels.push(0),
                Role::Value(_) | Role::Ignored => {}
            }
            return Ok(false);
        }
        let text = std::str::from_utf8(field);
        if role == Role::Class {
            let Ok(text) = text else { return refuse(self, "a name in UTF-8".to_owned()) };
            match self.class(text) {
                Ok(label) => self.labels.push(label),
                Err(expected) => return refuse(self, expected),
            }
            return Ok(true);
        }
        let number = text.ok().and_then(|text| text.parse::<f64>().ok());
        if role == Role::Label {
            let expected = format!("a label, a whole number from 0 to {}", MAX_CLASSES - 1);
            let hint = " (names of classes are read with `CsvOptions::classes`)";
            let Some(number) = number else { return refuse(self, expected + hint) };
            let Some(label) = label(number) else { return refuse(self, expected) };
            self.labels.push(label);
            return Ok(true);
        }
        let Some(number) = number else { return refuse(self, "a number".to_owned()) };
        let number = A::from_f64(number);
        if !number.is_finite() {
            return refuse(self, format!("a finite number that fits {}", A::NAME));
        }
        match role {
            Role::Value(place) => self.values[first_value + place] = number,
            _ => self.inputs.push(number),
        }
        Ok(true)
    }

    /// The label of a class, or what was expected instead.
    fn class(&mut self, name: &str) -> Result<usize, String> {
        if let Some(&label) = self.classes.get(name) {
            return Ok(label);
        }
        if let Some(names) = &self.options.class_names {
            let known: Vec<_> =
                names.iter().take(PLACES).map(|name| shown(name.as_bytes())).collect();
            let more = if names.len() > PLACES { ", ..." } else { "" };
            return Err(format!("one of the {} classes {}{more}", names.len(), known.join(", ")));
        }
        let label = self.classes.len();
        if label == MAX_CLASSES {
            return Err(format!("one of the {MAX_CLASSES} classes found before"));
        }
        self.classes.insert(name.to_owned(), label);
        Ok(label)
    }

    fn note_missing(&mut self, line: u64, index: usize) {
        let provided_for = match self.options.missing {
            Missing::Refuse => false,
            Missing::FillMean => self.roles[index] == Role::Input,
            Missing::DropRows => true,
        };
        if provided_for {
            return;
        }
        self.missing += 1;
        if self.places.len() < PLACES {
            let heading = self.heading(index).map(|name| format!(" ({name})")).unwrap_or_default();
            self.places.push(format!("line {line}, column {}{heading}", index + 1));
        }
    }

    fn heading(&self, index: usize) -> Option<String> {
        Some(shown(self.headings.as_ref()?.get(index)?.as_bytes()))
    }

    fn roles_of(&self, columns: usize) -> Result<Vec<Role>, DataError> {
        let mut roles = vec![Role::Input; columns];
        let mut assign = |column: &Column, role| {
            let index = self.index(column, columns)?;
            if roles[index] != Role::Input {
                let (path, column) = (self.path.clone(), index + 1);
                return Err(DataError::ColumnTwice { path, column, heading: self.heading(index) });
            }
            roles[index] = role;
            Ok(())
        };
        match &self.options.targets {
            CsvTargets::Labels(column) => assign(column, Role::Label)?,
            CsvTargets::Classes(column) => assign(column, Role::Class)?,
            CsvTargets::Values(columns) => {
                for (place, column) in columns.iter().enumerate() {
                    assign(column, Role::Value(place))?;
                }
            }
            CsvTargets::Inputs => {}
        }
        for column in &self.options.ignored {
            assign(column, Role::Ignored)?;
        }
        if !roles.contains(&Role::Input) {
            return Err(DataError::NoInputs { path: self.path.clone(), columns });
        }
        Ok(roles)
    }

    fn index(&self, column: &Column, columns: usize) -> Result<usize, DataError> {
        let (index, wanted) = match column {
            Column::First => (Some(0), String::new()),
            Column::Last => (Some(columns - 1), String::new()),
            Column::Index(index) => {
                (Some(*index).filter(|&index| index < columns), format!("with index {index}"))
            }
            Column::Name(name) => {
                let headings = self.headings.iter().flatten().enumerate();
                let mut found = headings.filter(|(_, heading)| *heading == name).map(|(i, _)| i);
                match (found.next(), found.next()) {
                    (Some(_), Some(_)) => (None, format!("of the unique name {name:?}")),
                    (index, _) => (index, format!("named {name:?}")),
                }
            }
        };
        index.ok_or_else(|| {
            let names = self.headings.iter().flatten().take(PLACES);
            let names = names.map(|name| shown(name.as_bytes())).collect();
            DataError::NoColumn { path: self.path.clone(), wanted, columns, names }
        })
    }

    fn finish(mut self) -> Result<Dataset<A>, DataError> {
        let path = self.path.clone();
        if self.rows == 0 {
            let (header, dropped) = (self.headings.is_some(), self.dropped);
            return Err(DataError::NoRows { path, header, dropped });
        }
        if self.missing > 0 {
            let (count, places) = (self.missing, self.places);
            return Err(DataError::MissingValues { path, count, places });
        }
        if self.options.missing == Missing::FillMean {
            self.fill_means()?;
        }
        let rows = self.rows;
        let inputs = tensor(&[rows, self.width], self.inputs);
        match &self.options.targets {
            CsvTargets::Labels(_) => {
                let classes = self.labels.iter().max().expect("a label in each row") + 1;
                Dataset::classification(inputs, self.labels, classes)
            }
            CsvTargets::Classes(_) => {
                let (labels, names) = in_order(self.labels, self.classes, self.options.class_names);
                Dataset::classification(inputs, labels, names.len())?.with_class_names(names)
            }
            CsvTargets::Values(columns) => {
                Dataset::regression(inputs, tensor(&[rows, columns.len()], self.values))
            }
            CsvTargets::Inputs => Dataset::regression(inputs.clone(), inputs),
        }
    }

    fn fill_means(&mut self) -> Result<(), DataError> {
        let inputs = (0..self.roles.len()).filter(|&index| self.roles[index] == Role::Input);
        for (place, index) in inputs.enumerate() {
            let column = || self.inputs.iter().skip(place).step_by(self.width);
            if column().all(|x| !x.is_nan()) {
                continue;
            }
            let (mut mean, mut count) = (0.0, 0.0);
            for x in column().filter(|x| !x.is_nan()) {
                count += 1.0;
                // Divided before they are added, as a sum may overflow.
                mean += x.to_f64() / count - mean / count;
            }
            if count == 0.0 {
                let (path, heading) = (self.path.clone(), self.heading(index));
                return Err(DataError::EmptyColumn { path, column: index + 1, heading });
            }
            let column = self.inputs.iter_mut().skip(place).step_by(self.width);
            column.filter(|x| x.is_nan()).for_each(|x| *x = A::from_f64(mean));
        }
        Ok(())
    }
}

/// The labels and names of classes in the order that was given, or else sorted. The labels so far
/// count the names in the order in which they appeared.
fn in_order(
    labels: Vec<usize>,
    classes: HashMap<String, usize>,
    given: Option<Vec<String>>,
) -> (Vec<usize>, Vec<String>) {
    if let Some(names) = given {
        return (labels, names);
    }
    // A class that is only in rows that were left out is none.
    let used: HashSet<usize> = labels.iter().copied().collect();
    let mut names: Vec<_> = classes.into_iter().filter(|(_, label)| used.contains(label)).collect();
    names.sort_unstable();
    let sorted: HashMap<_, _> = names.iter().map(|&(_, label)| label).zip(0..).collect();
    let labels = labels.iter().map(|label| sorted[label]).collect();
    (labels, names.into_iter().map(|(name, _)| name).collect())
}

fn label(number: f64) -> Option<usize> {
    let whole = number >= 0.0 && number < MAX_CLASSES as f64 && number.fract() == 0.0;
    whole.then_some(number as usize)
}

/// A field as an error message shows it: in quotes, and not longer than a line.
fn shown(field: &[u8]) -> String {
    const LONGEST: usize = 40;
    if field.is_empty() {
        return "nothing".to_owned();
    }
    let text = String::from_utf8_lossy(&field[..field.len().min(4 * LONGEST)]);
    let start: String = text.chars().take(LONGEST).collect();
    if start.len() < field.len() && text.chars().count() > LONGEST {
        format!("{start:?}...")
    } else {
        format!("{start:?}")
    }
}

fn next(
    reader: &mut Reader<Lines<'_>>,
    record: &mut ByteRecord,
    path: &Path,
) -> Result<bool, DataError> {
    reader.read_byte_record(record).map_err(|error| {
        let cause = match error.into_kind() {
            ErrorKind::Io(cause) => cause,
            // Nothing else is an error for a reader of bytes that allows rows of any length.
            kind => io::Error::other(format!("{kind:?}")),
        };
        cause.downcast().unwrap_or_else(|cause| DataError::Io { path: path.to_owned(), cause })
    })
}

/// Hands the parser one line at a time, so that the number of the line is known when it returns a
/// row, and so that no line and no file makes it take more memory than is allowed.
struct Lines<'r> {
    path: PathBuf,
    source: BufReader<Source<'r>>,
    max_bytes: u64,
    delimiter: u8,
    bytes: u64,
    line: Vec<u8>,
    given: usize,
    number: u64,
    blank: Option<u64>,
}

impl<'r> Lines<'r> {
    fn new(source: Source<'r>, options: &CsvOptions) -> Self {
        Self {
            path: source.path().to_owned(),
            source: BufReader::new(source),
            max_bytes: options.max_bytes,
            delimiter: options.delimiter,
            bytes: 0,
            line: Vec::new(),
            given: 0,
            number: 0,
            blank: None,
        }
    }

    fn advance(&mut self) -> io::Result<()> {
        self.given = 0;
        loop {
            self.line.clear();
            let source = &mut self.source;
            let length = source.take(MAX_LINE + 1).read_until(b'\n', &mut self.line)? as u64;
            if length == 0 {
                return Ok(());
            }
            let refuse = |error| Err(io::Error::other(error));
            self.number += 1;
            self.bytes += length;
            if self.bytes > self.max_bytes {
                let (path, limit) = (self.path.clone(), self.max_bytes);
                return refuse(DataError::LargeFile { path, limit });
            }
            if length > MAX_LINE {
                let (path, line) = (self.path.clone(), self.number);
                return refuse(DataError::LongLine { path, line, limit: MAX_LINE });
            }
            let delimiter = self.delimiter;
            let blank = |&byte: &u8| byte != delimiter && byte.is_ascii_whitespace();
            if self.line.iter().all(blank) {
                self.blank.get_or_insert(self.number);
            } else if let Some(line) = self.blank {
                return refuse(DataError::BlankLine { path: self.path.clone(), line });
            } else {
                return Ok(());
            }
        }
    }
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.line.len() {
            self.advance()?;
        }
        let rest = &self.line[self.given..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ops::Tensor;

    use super::super::Targets;
    use super::*;

    fn plain() -> CsvOptions {
        CsvOptions { header: false, ..CsvOptions::default() }
    }

    fn headed() -> CsvOptions {
        CsvOptions::default()
    }

    fn read(bytes: &[u8], options: CsvOptions) -> Result<Dataset<f64>, DataError> {
        parse(Source::new(Path::new("t.csv"), Cursor::new(bytes.to_vec()))?, options)
    }

    fn refused(text: &str, options: CsvOptions) -> String {
        read(text.as_bytes(), options).unwrap_err().to_string()
    }

    #[test]
    fn tables_are_read_in_every_dress() {
        let expected = read(b"1,2,0\n3,-4e-1,2\n", plain()).unwrap();
        assert_eq!(expected.inputs(), &Tensor::from([[1.0, 2.0], [3.0, -0.4]]));
        assert_eq!((expected.labels(), expected.classes()), (Some(&[0, 2][..]), Some(3)));
        for text in [
            "1,2,0\n3,-4e-1,2",
            "1,2,0\r\n3,-0.4,2\r\n",
            "\u{feff}1,2,0\n3,-0.4,2\n",
            " 1 ,\t2,0.0\n3,-.4, 2e0\n\n \r\n\n",
            "\"1\",\"2\",\"0\"\n3,\"-0.4\",2\n",
        ] {
            assert_eq!(read(text.as_bytes(), plain()).unwrap(), expected, "{text:?}");
        }
        assert_eq!(read(b"a,\"b, c\",\"d\"\n1,2,0\n3,-0.4,2\n", headed()).unwrap(), expected);
        let tabs = CsvOptions { delimiter: b'\t', ..plain() };
        assert_eq!(read(b"1\t2\t0\n3\t-0.4\t2\n", tabs).unwrap(), expected);
        let first = CsvOptions { targets: CsvTargets::Labels(Column::First), ..plain() };
        assert_eq!(read(b"0,1,2\n2,3,-0.4\n", first).unwrap(), expected);
        let second = CsvOptions { targets: CsvTargets::Labels(Column::Index(1)), ..plain() };
        assert_eq!(read(b"1,0,2\n3,2,-0.4\n", second).unwrap(), expected);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(b"1,2,0\n3,-0.4,2\n").unwrap();
        let gzip = gzip.finish().unwrap();
        assert_eq!(read(&gzip, plain()).unwrap(), expected);
        let error = read(&gzip[..gzip.len() - 4], plain()).unwrap_err();
        assert!(matches!(error, DataError::Gzip { .. }), "{error}");
    }

    #[test]
    fn without_labels_the_targets_are_the_inputs() {
        let none = CsvOptions { targets: CsvTargets::Inputs, ..plain() };
        let data = read(b"1\n2\n", none).unwrap();
        assert_eq!(data.inputs().shape(), [2, 1]);
        assert_eq!(
            (data.targets(), data.classes()),
            (&Targets::Values(data.inputs().clone()), None)
        );
    }

    #[test]
    fn a_field_that_is_no_number_is_refused_with_its_place() {
        assert_eq!(
            refused("x,y,kind\n1,2,0\n1,two,0\n", headed()),
            "t.csv, line 3, column 2 (\"y\"): a number was expected, but \"two\" was found"
        );
        for text in ["inf", "-infinity", "1e999", "-nan"] {
            let error = refused(&format!("1,2,0\n3,{text},0\n"), plain());
            let expected = format!("a finite number that fits f64 was expected, but {text:?}");
            assert!(error.contains(&expected), "{error}");
        }
        let source = Source::new(Path::new("t.csv"), &b"1e39,0\n"[..]).unwrap();
        let error = parse::<f32>(source, plain()).unwrap_err().to_string();
        assert!(error.contains("fits f32"), "{error}");
        assert!(
            refused(&format!("{},0\n", "ab\u{e9}".repeat(50)), plain()).contains("b\u{e9}a\"...")
        );
        assert!(read(b"\xff\xfe,0\n", plain()).unwrap_err().to_string().contains('\u{fffd}'));
        // A quote that is not closed takes the rest of the file into its field.
        assert!(refused("\"1,0\n2,1\n", plain()).contains("columns is 1,"));
    }

    #[test]
    fn a_label_that_is_no_class_is_refused() {
        for text in ["-1", "0.5", "inf", "1000000", "1e300"] {
            let error = refused(&format!("1,0\n2,{text}\n"), plain());
            let expected = format!(
                "t.csv, line 2, column 2: a label, a whole number from 0 to 999999 was expected, \
                 but {text:?} was found"
            );
            assert_eq!(error, expected);
        }
        let error = refused("1,setosa\n", plain());
        let expected = "(names of classes are read with `CsvOptions::classes`) was expected, but";
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn rows_of_another_length_and_empty_lines_are_refused() {
        assert_eq!(
            refused("1,2,0\n1,2,3,0\n", plain()),
            "t.csv, line 2: 3 fields were expected as in the first line, but there are 4"
        );
        assert!(refused("a,b\n1,2,0\n", headed()).contains("line 2: 2 fields"));
        assert!(refused("1,2,0\r\n1,2,0\r\n1,2\r\n", plain()).contains("line 3: 3 fields"));
        assert_eq!(
            refused("1,0\n\n\n2,0\n", plain()),
            "t.csv, line 2: the line is empty, but rows follow it"
        );
        let tabs = CsvOptions { delimiter: b'\t', ..plain() };
        assert!(refused("1\t0\n\t\n", tabs).contains("2 values are missing: line 2, column 1;"));
    }

    #[test]
    fn files_without_rows_are_refused() {
        for text in ["", "\n \n", "\u{feff}"] {
            let error = read(text.as_bytes(), plain()).unwrap_err();
            assert!(matches!(error, DataError::NoRows { header: false, .. }), "{error}");
            assert!(matches!(read(text.as_bytes(), headed()), Err(DataError::NoRows { .. })));
        }
        assert_eq!(refused("a,b\n", headed()), "t.csv holds no rows, only a header line");
    }

    #[test]
    fn options_that_do_not_fit_the_table_are_refused() {
        let third = CsvOptions { targets: CsvTargets::Labels(Column::Index(3)), ..plain() };
        let error = "t.csv has no column with index 3: it has 3 and no header line with names";
        assert_eq!(refused("1,2,0\n", third), error);
        let text = "a,b,kind\n1,2,0\n";
        let error = "t.csv has no column named \"kin\": it has 3, named \"a\", \"b\", \"kind\"";
        assert_eq!(refused(text, CsvOptions::labels("kin")), error);
        assert!(
            refused("a,b,c,d,e,f\n1,2,3,4,5,6\n", CsvOptions::values(["g"])).contains("\"e\", ...")
        );
        let twins = refused("a,kind,kind\n1,2,0\n", CsvOptions::labels("kind"));
        assert!(twins.contains("no column of the unique name \"kind\": it has 3"), "{twins}");
        let twice = CsvOptions { ignored: vec!["kind".into()], ..headed() };
        assert!(refused(text, twice).contains("column 3 (\"kind\") was asked for twice"));
        let all = CsvOptions { ignored: vec![0.into(), "b".into()], ..headed() };
        assert!(refused(text, all).contains("columns is 3, and all are targets or ignored"));
        assert!(refused(text, CsvOptions::values(Vec::<Column>::new())).contains("[1, 0]"));
        assert!(refused("1\n2\n", plain()).contains("columns is 1,"));
        for delimiter in [b'"', b'\n', b'\r', b'1', b'e', b'.', b'-', 0xe9] {
            let error = refused("1,0\n", CsvOptions { delimiter, ..plain() });
            assert!(error.contains("cannot separate columns"), "{error}");
        }
    }

    #[test]
    fn columns_are_taken_by_name_and_left_out() {
        let text = b"id,price,height,width,rooms\n7,10,1,2,3\n8,20,4,5,6\n";
        let options =
            CsvOptions { ignored: vec![Column::First], ..CsvOptions::values(["rooms", "price"]) };
        let data = read(text, options).unwrap();
        assert_eq!(data.inputs(), &Tensor::from([[1.0, 2.0], [4.0, 5.0]]));
        let values = Tensor::from([[3.0, 10.0], [6.0, 20.0]]);
        assert_eq!(data.targets(), &Targets::Values(values));
        let labelled = read(text, CsvOptions::labels("rooms")).unwrap();
        assert_eq!((labelled.labels(), labelled.classes()), (Some(&[3, 6][..]), Some(7)));
    }

    #[test]
    fn names_of_classes_are_sorted_or_in_the_order_given() {
        let text = b"1,pear\n2,apple\n3,pear\n4,NA\n";
        let options = CsvOptions { header: false, ..CsvOptions::classes(Column::Last) };
        let data = read(text, options.clone()).unwrap();
        assert_eq!(data.class_names().unwrap(), ["NA", "apple", "pear"]);
        assert_eq!(data.labels(), Some(&[2, 1, 2, 0][..]));
        let names = ["pear", "plum", "apple", "NA"].map(str::to_owned).to_vec();
        let given = CsvOptions { class_names: Some(names), ..options.clone() };
        let data = read(text, given.clone()).unwrap();
        assert_eq!((data.labels(), data.classes()), (Some(&[0, 2, 0, 3][..]), Some(4)));
        assert_eq!(
            refused("1,fig\n", given),
            "t.csv, line 1, column 2: one of the 4 classes \"pear\", \"plum\", \"apple\", \"NA\" \
             was expected, but \"fig\" was found"
        );
        assert!(refused("1,pear\n2,\n", options.clone()).contains("1 value is missing: line 2"));
        // A class that is only in rows left out is none.
        let dropped = CsvOptions { missing: Missing::DropRows, ..options.clone() };
        let data = read(b"1,pear\n,apple\n2,fig\n", dropped).unwrap();
        assert_eq!(data.class_names().unwrap(), ["fig", "pear"]);
        assert_eq!(data.labels(), Some(&[1, 0][..]));
        let error = read(b"1,\xff\n", options).unwrap_err().to_string();
        assert!(error.contains("a name in UTF-8 was expected"), "{error}");
    }

    #[test]
    fn missing_values_are_counted_and_placed() {
        let text = "a,b,kind\n1,,0\nNA,2,0\n3,n/a,1\nnull,NaN,?\n5,6,1\n";
        assert_eq!(
            refused(text, headed()),
            "t.csv: 6 values are missing: line 2, column 2 (\"b\"); line 3, column 1 (\"a\"); \
             line 4, column 2 (\"b\"); line 5, column 1 (\"a\"); line 5, column 2 (\"b\"); and 1 more. To \
             leave out such rows or to fill missing inputs with the mean of their column, set \
             `CsvOptions::missing`"
        );
        let drop = CsvOptions { missing: Missing::DropRows, ..headed() };
        let data = read(text.as_bytes(), drop.clone()).unwrap();
        assert_eq!((data.inputs(), data.labels()), (&Tensor::from([[5.0, 6.0]]), Some(&[1][..])));
        assert_eq!(
            refused("a,b\n,1\n2,\n", drop),
            "t.csv holds no rows: in each of its 2 a value is missing"
        );
        let fill = CsvOptions { missing: Missing::FillMean, ..headed() };
        let error = refused(text, fill.clone());
        assert!(error.contains("1 value is missing: line 5, column 3 (\"kind\")."), "{error}");
        let data = read(b"a,b,kind\n1,,0\n,2,0\n3,7,1\n", fill.clone()).unwrap();
        assert_eq!(data.inputs(), &Tensor::from([[1.0, 4.5], [2.0, 2.0], [3.0, 7.0]]));
        let large = read(b"a,b,kind\n1e308,1,0\n1e308,1,0\n1e308,1,0\n,1,0\n", fill.clone());
        assert!((large.unwrap().inputs().to_vec()[6] / 1e308 - 1.0).abs() < 1e-14);
        let error = refused("a,b,kind\n1,,0\n2,,0\n", fill);
        assert!(error.contains("column 2 (\"b\") holds no value in any row"), "{error}");
        // What is not read may be missing.
        let ignoring = CsvOptions { ignored: vec!["b".into()], ..headed() };
        assert_eq!(read(b"a,b,kind\n1,,0\n2,x,0\n", ignoring).unwrap().len(), 2);
    }

    #[test]
    fn long_lines_and_files_are_refused() {
        let limited = CsvOptions { max_bytes: 11, ..plain() };
        assert_eq!(read(b"1,2,0\n3,4,1", limited.clone()).unwrap().len(), 2);
        let error = refused("1,2,0\n3,4,1\n", limited);
        assert!(error.starts_with("t.csv holds more than 11 bytes;"), "{error}");
        let long = format!("1,0\n{}1,0\n", " ".repeat(MAX_LINE as usize));
        let error = refused(&long, plain());
        assert_eq!(error, "t.csv, line 2: the line is longer than 1048576 bytes");
        // Endless data without a line end.
        let endless = Source::new(Path::new("t.csv"), io::repeat(b'1')).unwrap();
        assert!(matches!(parse::<f64>(endless, plain()), Err(DataError::LongLine { .. })));
    }
}
