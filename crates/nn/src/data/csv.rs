//! Tables of numbers in CSV files.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use ::csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};
use ops::Float;

use super::DataError;
use super::dataset::{Dataset, tensor};
use super::source::Source;

/// The longest line that is read, in bytes: 2²⁰.
pub const MAX_LINE: u64 = 1 << 20;

/// The most classes that a label column may tell apart. A larger label is taken for a sign that
/// the column holds something else.
pub const MAX_CLASSES: usize = 1_000_000;

/// Which column of a table holds the labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LabelColumn {
    /// The first column.
    First,
    /// The last column.
    Last,
    /// The column of this index, counted from 0.
    Index(usize),
    /// No column: all are inputs, and the targets are the inputs themselves, as an autoencoder
    /// needs them.
    None,
}

/// How a CSV file is to be read.
///
/// ```
/// use nn::data::{CsvOptions, LabelColumn};
///
/// let options = CsvOptions { delimiter: b';', ..CsvOptions::default() };
/// assert!(options.header);
/// assert_eq!(options.label_column, LabelColumn::Last);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CsvOptions {
    /// Whether the first line holds the names of the columns. The default is true.
    pub header: bool,
    /// Which column holds the labels. The default is the last one.
    pub label_column: LabelColumn,
    /// The character between two columns. The default is the comma.
    pub delimiter: u8,
    /// The most bytes that are read, after decompression. The default is 2²⁸ (256 MiB).
    pub max_bytes: u64,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self { header: true, label_column: LabelColumn::Last, delimiter: b',', max_bytes: 1 << 28 }
    }
}

/// The rows of a CSV file of numbers, gzipped or not, as inputs of shape `[rows, columns]` and a
/// label from the label column.
///
/// Fields may be quoted and surrounded by spaces. A label is a whole number from 0, which may be
/// written as `3` or `3.0`; the number of classes is the largest label and 1. Lines end in `\n` or
/// `\r\n`; empty lines may only stand at the end.
///
/// # Errors
/// If the file cannot be read or holds no rows, if the label column is not there or the only one,
/// if a row has another number of fields than the first, or a field is not a finite number or not
/// a label below [`MAX_CLASSES`], or if a line is longer than [`MAX_LINE`] or the file than
/// [`CsvOptions::max_bytes`].
///
/// ```
/// use nn::data::{CsvOptions, read_csv};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("boxes.csv");
/// std::fs::write(&path, "height,width,kind\n1.5,2,0\n0.5,4,1\n")?;
/// let data = read_csv::<f64>(&path, CsvOptions::default())?;
/// assert_eq!(data.inputs(), &ops::Tensor::from([[1.5, 2.0], [0.5, 4.0]]));
/// assert_eq!(data.labels(), Some(&[0, 1][..]));
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

pub(super) fn parse<A: Float>(
    source: Source,
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
        .from_reader(Lines::new(source, options));
    let mut record = ByteRecord::new();

    let headings: Option<Vec<String>> = if options.header && next(&mut reader, &mut record, &path)?
    {
        Some(record.iter().map(|heading| shown(heading.trim_ascii())).collect())
    } else {
        None
    };
    let mut columns = headings.as_ref().map(Vec::len);
    let (mut inputs, mut labels, mut rows) = (Vec::<A>::new(), Vec::new(), 0_usize);
    let mut label_index = None;
    while next(&mut reader, &mut record, &path)? {
        let line = reader.get_ref().number;
        let (expected, found) = (*columns.get_or_insert(record.len()), record.len());
        if found != expected {
            return Err(DataError::Ragged { path, line, expected, found });
        }
        if rows == 0 {
            label_index = label_column(options.label_column, expected, &path)?;
        }
        rows += 1;
        for (index, field) in record.iter().enumerate() {
            let refuse = |expected: String| {
                let heading = headings.as_ref().and_then(|headings| headings.get(index)).cloned();
                let (path, found) = (path.clone(), shown(field.trim_ascii()));
                DataError::Field { path, line, column: index + 1, heading, expected, found }
            };
            let number = std::str::from_utf8(field.trim_ascii()).ok().and_then(|t| t.parse().ok());
            let Some(number) = number else { return Err(refuse("a number".to_owned())) };
            if label_index == Some(index) {
                let label = label(number).ok_or_else(|| {
                    refuse(format!("a label, a whole number from 0 to {}", MAX_CLASSES - 1))
                })?;
                labels.push(label);
            } else {
                let value = A::from_f64(number);
                if !value.is_finite() {
                    return Err(refuse(format!("a finite number that fits {}", A::NAME)));
                }
                inputs.push(value);
            }
        }
    }
    if rows == 0 {
        return Err(DataError::NoRows { path, header: headings.is_some() });
    }
    let inputs = tensor(&[rows, inputs.len() / rows], inputs);
    if let Some(largest) = labels.iter().max() {
        let classes = largest + 1;
        Dataset::classification(inputs, labels, classes)
    } else {
        Dataset::regression(inputs.clone(), inputs)
    }
}

fn label_column(
    column: LabelColumn,
    columns: usize,
    path: &Path,
) -> Result<Option<usize>, DataError> {
    let index = match column {
        LabelColumn::First => 0,
        LabelColumn::Last => columns.saturating_sub(1),
        LabelColumn::Index(index) => index,
        LabelColumn::None => return Ok(None),
    };
    if index >= columns || columns < 2 {
        return Err(DataError::LabelIndex { path: path.to_owned(), index, columns });
    }
    Ok(Some(index))
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
    reader: &mut Reader<Lines>,
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
struct Lines {
    path: PathBuf,
    source: BufReader<Source>,
    max_bytes: u64,
    delimiter: u8,
    bytes: u64,
    line: Vec<u8>,
    given: usize,
    number: u64,
    blank: Option<u64>,
}

impl Lines {
    fn new(source: Source, options: CsvOptions) -> Self {
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

impl Read for Lines {
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

    const PLAIN: CsvOptions = CsvOptions {
        header: false,
        label_column: LabelColumn::Last,
        delimiter: b',',
        max_bytes: 1 << 28,
    };
    const HEADED: CsvOptions = CsvOptions { header: true, ..PLAIN };

    fn read(bytes: &[u8], options: CsvOptions) -> Result<Dataset<f64>, DataError> {
        parse(Source::new(Path::new("t.csv"), Cursor::new(bytes.to_vec()))?, options)
    }

    fn refused(text: &str, options: CsvOptions) -> String {
        read(text.as_bytes(), options).unwrap_err().to_string()
    }

    #[test]
    fn tables_are_read_in_every_dress() {
        let expected = read(b"1,2,0\n3,-4e-1,2\n", PLAIN).unwrap();
        assert_eq!(expected.inputs(), &Tensor::from([[1.0, 2.0], [3.0, -0.4]]));
        assert_eq!((expected.labels(), expected.classes()), (Some(&[0, 2][..]), Some(3)));
        for text in [
            "1,2,0\n3,-4e-1,2",
            "1,2,0\r\n3,-0.4,2\r\n",
            "\u{feff}1,2,0\n3,-0.4,2\n",
            " 1 ,\t2,0.0\n3,-.4, 2e0\n\n \r\n\n",
            "\"1\",\"2\",\"0\"\n3,\"-0.4\",2\n",
        ] {
            assert_eq!(read(text.as_bytes(), PLAIN).unwrap(), expected, "{text:?}");
        }
        assert_eq!(read(b"a,\"b, c\",\"d\"\n1,2,0\n3,-0.4,2\n", HEADED).unwrap(), expected);
        let tabs = CsvOptions { delimiter: b'\t', ..PLAIN };
        assert_eq!(read(b"1\t2\t0\n3\t-0.4\t2\n", tabs).unwrap(), expected);
        let first = CsvOptions { label_column: LabelColumn::First, ..PLAIN };
        assert_eq!(read(b"0,1,2\n2,3,-0.4\n", first).unwrap(), expected);
        let second = CsvOptions { label_column: LabelColumn::Index(1), ..PLAIN };
        assert_eq!(read(b"1,0,2\n3,2,-0.4\n", second).unwrap(), expected);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(b"1,2,0\n3,-0.4,2\n").unwrap();
        let gzip = gzip.finish().unwrap();
        assert_eq!(read(&gzip, PLAIN).unwrap(), expected);
        let error = read(&gzip[..gzip.len() - 4], PLAIN).unwrap_err();
        assert!(matches!(error, DataError::Gzip { .. }), "{error}");
    }

    #[test]
    fn without_labels_the_targets_are_the_inputs() {
        let none = CsvOptions { label_column: LabelColumn::None, ..PLAIN };
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
            refused("x,y,kind\n1,2,0\n1,?,0\n", HEADED),
            "t.csv, line 3, column 2 (\"y\"): a number was expected, but \"?\" was found"
        );
        assert_eq!(
            refused("1,2,0\r\n, 2,0\r\n", PLAIN),
            "t.csv, line 2, column 1: a number was expected, but nothing was found"
        );
        for text in ["nan", "NaN", "inf", "-infinity", "1e999"] {
            let error = refused(&format!("1,2,0\n3,{text},0\n"), PLAIN);
            let expected = format!("a finite number that fits f64 was expected, but {text:?}");
            assert!(error.contains(&expected), "{error}");
        }
        let source = Source::new(Path::new("t.csv"), &b"1e39,0\n"[..]).unwrap();
        let error = parse::<f32>(source, PLAIN).unwrap_err().to_string();
        assert!(error.contains("fits f32"), "{error}");
        assert!(
            refused(&format!("{},0\n", "ab\u{e9}".repeat(50)), PLAIN).contains("b\u{e9}a\"...")
        );
        assert!(read(b"\xff\xfe,0\n", PLAIN).unwrap_err().to_string().contains('\u{fffd}'));
        // A quote that is not closed takes the rest of the file into its field.
        assert!(refused("\"1,0\n2,1\n", PLAIN).contains("columns is 1,"));
    }

    #[test]
    fn a_label_that_is_no_class_is_refused() {
        for text in ["-1", "0.5", "nan", "inf", "1000000", "1e300"] {
            let error = refused(&format!("1,0\n2,{text}\n"), PLAIN);
            let expected = format!(
                "t.csv, line 2, column 2: a label, a whole number from 0 to 999999 was expected, \
                 but {text:?} was found"
            );
            assert_eq!(error, expected);
        }
        assert!(refused("1,setosa\n", PLAIN).contains("a number was expected, but \"setosa\""));
        assert!(refused("1,\n", PLAIN).contains("nothing"));
    }

    #[test]
    fn rows_of_another_length_and_empty_lines_are_refused() {
        assert_eq!(
            refused("1,2,0\n1,2,3,0\n", PLAIN),
            "t.csv, line 2: 3 fields were expected as in the first line, but there are 4"
        );
        assert!(refused("a,b\n1,2,0\n", HEADED).contains("line 2: 2 fields"));
        assert!(refused("1,2,0\r\n1,2,0\r\n1,2\r\n", PLAIN).contains("line 3: 3 fields"));
        assert_eq!(
            refused("1,0\n\n\n2,0\n", PLAIN),
            "t.csv, line 2: the line is empty, but rows follow it"
        );
        let tabs = CsvOptions { delimiter: b'\t', ..PLAIN };
        assert!(refused("1\t0\n\t\n", tabs).contains("line 2, column 1: a number was expected"));
    }

    #[test]
    fn files_without_rows_are_refused() {
        for text in ["", "\n \n", "\u{feff}"] {
            let error = read(text.as_bytes(), PLAIN).unwrap_err();
            assert!(matches!(error, DataError::NoRows { header: false, .. }), "{error}");
            assert!(matches!(read(text.as_bytes(), HEADED), Err(DataError::NoRows { .. })));
        }
        assert_eq!(refused("a,b\n", HEADED), "t.csv holds no rows of numbers, only a header line");
    }

    #[test]
    fn options_that_do_not_fit_the_table_are_refused() {
        let third = CsvOptions { label_column: LabelColumn::Index(3), ..PLAIN };
        assert!(
            refused("1,2,0\n", third)
                .contains("columns is 3, and the label column cannot have the index 3")
        );
        assert!(refused("1\n2\n", PLAIN).contains("columns is 1,"));
        for delimiter in [b'"', b'\n', b'\r', b'1', b'e', b'.', b'-', 0xe9] {
            let error = refused("1,0\n", CsvOptions { delimiter, ..PLAIN });
            assert!(error.contains("cannot separate columns"), "{error}");
        }
    }

    #[test]
    fn long_lines_and_files_are_refused() {
        let limited = CsvOptions { max_bytes: 11, ..PLAIN };
        assert_eq!(read(b"1,2,0\n3,4,1", limited).unwrap().len(), 2);
        let error = refused("1,2,0\n3,4,1\n", limited);
        assert!(error.starts_with("t.csv holds more than 11 bytes;"), "{error}");
        let long = format!("1,0\n{}1,0\n", " ".repeat(MAX_LINE as usize));
        let error = refused(&long, PLAIN);
        assert_eq!(error, "t.csv, line 2: the line is longer than 1048576 bytes");
        // Endless data without a line end.
        let endless = Source::new(Path::new("t.csv"), io::repeat(b'1')).unwrap();
        assert!(matches!(parse::<f64>(endless, PLAIN), Err(DataError::LongLine { .. })));
    }
}
