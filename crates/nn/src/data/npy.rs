//! NPY files, in which NumPy keeps an array.
//!
//! The format: a magic string, the version, the length of the header, the header, the elements. The
//! header is a Python dictionary written out:
//! `{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }`. The format is specified in
//! `numpy.lib.format`. Libraries for it bring a parser of all Python literals, where three known
//! keys need the page of code at the end, and reserve the memory that a header asks for.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, IxDyn, ShapeBuilder};
use ops::{Float, Tensor};

use super::csv::MAX_CLASSES;
use super::source::{INPUT, Source};
use crate::ground::error::DataError;

/// The most elements that are read from one array: 2³⁰.
pub const MAX_ELEMENTS: u64 = 1 << 30;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The longest header that is read, as in NumPy.
const MAX_HEADER: u64 = 10_000;

/// The array of an NPY file, gzipped or not, as a tensor of its shape.
///
/// Elements may be floats of 4 or 8 bytes, integers of 1 to 8 bytes, signed or not, or booleans
/// (0 and 1), little- or big-endian, in C or Fortran order. Numbers are rounded to the nearest of
/// the element type, as NumPy's `astype` does; infinity and NaN are read as they are
/// ([`Dataset::check_finite`](super::Dataset::check_finite) finds them).
///
/// # Errors
/// If the file cannot be read, is not an NPY file of version 1 to 3, holds elements of another type
/// or more than [`MAX_ELEMENTS`], ends early or goes on after the last, or a finite number is too
/// large for the element type. A false claim of the header costs no memory.
///
/// ```
/// use nn::data::{read_npy, write_npy};
/// use ops::Tensor;
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("x.npy");
/// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
/// write_npy(&path, &x)?;
/// assert_eq!(read_npy::<f64>(&path)?, x);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_npy<A: Float>(path: impl AsRef<Path>) -> Result<Tensor<A>, DataError> {
    read_tensor(Source::open(path.as_ref())?)
}

/// The array of NPY data that is not in a file of its own, as [`read_npy`] reads it.
///
/// # Errors
/// As [`read_npy`]; the messages call the data "the input".
pub fn read_npy_from<A: Float>(data: impl Read) -> Result<Tensor<A>, DataError> {
    read_tensor(Source::new(Path::new(INPUT), data)?)
}

/// The labels of an NPY file with one axis (or a second of length 1) of whole numbers from 0.
///
/// # Errors
/// As [`read_npy`], and if the array has another shape, or an element is not a label below
/// [`MAX_CLASSES`](super::MAX_CLASSES).
///
/// ```
/// # use nn::data::{DataError, Dataset, read_npy, read_npy_labels};
/// # fn load() -> Result<Dataset<f32>, DataError> {
/// Dataset::classification(read_npy("x.npy")?, read_npy_labels("y.npy")?, 10)
/// # }
/// ```
pub fn read_npy_labels(path: impl AsRef<Path>) -> Result<Vec<usize>, DataError> {
    read_labels(Source::open(path.as_ref())?)
}

/// The labels of NPY data that is not in a file of its own, as [`read_npy_labels`] reads them.
///
/// # Errors
/// As [`read_npy_labels`]; the messages call the data "the input".
pub fn read_npy_labels_from(data: impl Read) -> Result<Vec<usize>, DataError> {
    read_labels(Source::new(Path::new(INPUT), data)?)
}

/// Writes a tensor into an NPY file, little-endian in C order, which `numpy.load` reads. A file of
/// that name is replaced once the new one is complete.
///
/// # Errors
/// If the file cannot be written.
pub fn write_npy<A: Float>(path: impl AsRef<Path>, tensor: &Tensor<A>) -> Result<(), DataError> {
    replace(path.as_ref(), |file| write(file, tensor))
}

/// Writes a tensor as NPY data, as [`write_npy`] does.
///
/// # Errors
/// If the writer refuses.
pub fn write_npy_to<A: Float>(mut writer: impl Write, tensor: &Tensor<A>) -> io::Result<()> {
    write(&mut writer, tensor)
}

/// Writes a new file beside the old one, then renames it: whatever happens on the way, one of the
/// two is whole.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), DataError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(name);
    let written = File::create(&beside).and_then(|file| {
        let mut file = BufWriter::new(file);
        write(&mut file)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&beside, path)
    });
    written.map_err(|cause| {
        // Failing to remove it, too, is not worth a second error.
        let _ = fs::remove_file(&beside);
        DataError::Write { path: path.to_owned(), cause }
    })
}

pub(super) fn write<A: Float>(writer: &mut impl Write, tensor: &Tensor<A>) -> io::Result<()> {
    let double = A::NAME == "f64";
    let descr = if double { "<f8" } else { "<f4" };
    let lengths: Vec<_> = tensor.shape().iter().map(usize::to_string).collect();
    // A tuple of one has a comma.
    let comma = if tensor.ndim() == 1 { "," } else { "" };
    let lengths = lengths.join(", ") + comma;
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({lengths}), }}");
    // The elements start at a multiple of 64 bytes, so that the file can be mapped into memory.
    let before = MAGIC.len() + 4;
    while !(before + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(|_| {
        let axes = tensor.ndim();
        io::Error::new(io::ErrorKind::InvalidInput, format!("{axes} axes are too many for NPY"))
    })?;
    writer.write_all(MAGIC)?;
    writer.write_all(&[1, 0])?;
    writer.write_all(&length.to_le_bytes())?;
    writer.write_all(header.as_bytes())?;
    for number in tensor.view().iter().map(|number| number.to_f64()) {
        if double {
            writer.write_all(&number.to_le_bytes())?;
        } else {
            writer.write_all(&(number as f32).to_le_bytes())?;
        }
    }
    Ok(())
}

pub(super) fn read_tensor<A: Float>(mut source: Source<'_>) -> Result<Tensor<A>, DataError> {
    let header = Header::read(&mut source)?;
    let mut elements: Vec<A> = Vec::new();
    header.each(&mut source, |path, header, number| {
        let value = A::from_f64(number.to_f64());
        if !value.is_finite() && number.to_f64().is_finite() {
            let expected = format!("a number that fits {}", A::NAME);
            return Err(header.element(path, elements.len(), number, expected));
        }
        elements.push(value);
        Ok(())
    })?;
    let shape = IxDyn(&header.shape).set_f(header.fortran_order);
    let array = ArrayD::from_shape_vec(shape, elements).expect("as many as the shape holds");
    Ok(Tensor::from(array))
}

pub(super) fn read_labels(mut source: Source<'_>) -> Result<Vec<usize>, DataError> {
    let header = Header::read(&mut source)?;
    if !matches!(header.shape[..], [_] | [_, 1]) {
        let problem = format!("labels are an array of shape [samples], not {:?}", header.shape);
        return Err(DataError::Npy { path: source.path().to_owned(), problem });
    }
    let mut labels = Vec::new();
    header.each(&mut source, |path, header, number| {
        let value = number.to_f64();
        if !(value >= 0.0 && value < MAX_CLASSES as f64 && value.fract() == 0.0) {
            let expected = format!("a label, a whole number from 0 to {}", MAX_CLASSES - 1);
            return Err(header.element(path, labels.len(), number, expected));
        }
        labels.push(value as usize);
        Ok(())
    })?;
    Ok(labels)
}

/// The kinds of elements that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dtype {
    Float,
    Signed,
    Unsigned,
    Bool,
}

/// One element as it stands in the file.
#[derive(Clone, Copy, Debug)]
enum Number {
    Float(f64),
    Signed(i64),
    Unsigned(u64),
}

impl Number {
    fn to_f64(self) -> f64 {
        match self {
            Self::Float(number) => number,
            Self::Signed(number) => number as f64,
            Self::Unsigned(number) => number as f64,
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Short for large and small numbers alike.
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Signed(number) => write!(f, "{number}"),
            Self::Unsigned(number) => write!(f, "{number}"),
        }
    }
}

#[derive(Debug, PartialEq)]
struct Header {
    kind: Dtype,
    /// Bytes of an element.
    width: usize,
    big_endian: bool,
    fortran_order: bool,
    shape: Vec<usize>,
    /// How many elements the shape holds.
    count: u64,
}

impl Header {
    fn read(source: &mut Source<'_>) -> Result<Self, DataError> {
        let path = source.path().to_owned();
        let refuse = |problem| Err(DataError::Npy { path: path.clone(), problem });
        let mut start = [0; 8];
        let found = source.fill(&mut start)?;
        if found < 6 || start[..6] != *MAGIC {
            return refuse("the data do not start with \\x93NUMPY, as an NPY file does".to_owned());
        }
        if found < 8 {
            let (end, part) = (source.offset(), "the version of the format".to_owned());
            return Err(DataError::Truncated { path, end, part, expected: 8 });
        }
        let part = "the length of the header";
        let length = match start[6..] {
            [1, 0] => {
                let mut length = [0; 2];
                source.exact(&mut length, part, 10)?;
                u64::from(u16::from_le_bytes(length))
            }
            [2 | 3, 0] => {
                let mut length = [0; 4];
                source.exact(&mut length, part, 12)?;
                u64::from(u32::from_le_bytes(length))
            }
            _ => {
                let (major, minor) = (start[6], start[7]);
                return refuse(format!("version {major}.{minor} of NPY; 1.0 to 3.0 are read"));
            }
        };
        if length > MAX_HEADER {
            return refuse(format!("a header of {length} bytes; up to {MAX_HEADER} are read"));
        }
        let mut text = vec![0; length as usize];
        let end = source.offset() + length;
        source.exact(&mut text, "the header", end)?;
        Self::parse(&text).or_else(|problem| refuse(format!("the header is wrong: {problem}")))
    }

    /// The dictionary of a header, or what is wrong with it.
    fn parse(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "it is not text in UTF-8".to_owned())?;
        let mut rest = Literal(text);
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        rest.expect("{")?;
        while !rest.found("}") {
            let key = rest.string()?;
            rest.expect(":")?;
            match key {
                "descr" => descr = Some(rest.string()?),
                "fortran_order" => fortran_order = Some(rest.boolean()?),
                "shape" => shape = Some(rest.shape()?),
                _ => return Err(format!("the key {} is not one of an NPY file", shown(key))),
            }
            if !rest.found(",") {
                rest.expect("}")?;
                break;
            }
        }
        rest.end()?;
        let missing = |key| format!("the key {key:?} is missing");
        let (kind, width, big_endian) = element_type(descr.ok_or_else(|| missing("descr"))?)?;
        let fortran_order = fortran_order.ok_or_else(|| missing("fortran_order"))?;
        let shape = shape.ok_or_else(|| missing("shape"))?;
        let count = count(&shape)?;
        Ok(Self { kind, width, big_endian, fortran_order, shape, count })
    }

    /// Hands over each element, in the order of the file.
    fn each(
        &self,
        source: &mut Source<'_>,
        mut take: impl FnMut(&Path, &Self, Number) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let claim = format!("{} elements of shape {:?}", self.count, self.shape);
        let path: PathBuf = source.path().to_owned();
        source.body(&claim, self.count * self.width as u64, |bytes| {
            bytes
                .chunks_exact(self.width)
                .try_for_each(|bytes| take(&path, self, self.number(bytes)))
        })
    }

    fn number(&self, bytes: &[u8]) -> Number {
        // Little-endian from here on, in the low bytes of eight.
        let mut eight = [0; 8];
        eight[..self.width].copy_from_slice(bytes);
        if self.big_endian {
            eight[..self.width].reverse();
        }
        let bits = u64::from_le_bytes(eight);
        let unused = 64 - 8 * self.width as u32;
        match (self.kind, self.width) {
            (Dtype::Float, 4) => Number::Float(f64::from(f32::from_bits(bits as u32))),
            (Dtype::Float, _) => Number::Float(f64::from_bits(bits)),
            // Shifted up and down again, the sign fills the upper bytes.
            (Dtype::Signed, _) => Number::Signed((bits << unused) as i64 >> unused),
            (Dtype::Unsigned, _) => Number::Unsigned(bits),
            (Dtype::Bool, _) => Number::Unsigned(u64::from(bits != 0)),
        }
    }

    fn element(&self, path: &Path, element: usize, number: Number, expected: String) -> DataError {
        let mut at = vec![0; self.shape.len()];
        let mut element = element;
        let mut axes: Vec<usize> = (0..self.shape.len()).collect();
        if !self.fortran_order {
            axes.reverse();
        }
        for axis in axes {
            at[axis] = element % self.shape[axis];
            element /= self.shape[axis];
        }
        DataError::Element { path: path.to_owned(), at, found: number.to_string(), expected }
    }
}

/// The element type that a description such as `<f8` means: kind, bytes, whether big-endian.
fn element_type(descr: &str) -> Result<(Dtype, usize, bool), String> {
    let (order, kind) = match descr.strip_prefix(['<', '>', '|', '=']) {
        Some(kind) => (descr.as_bytes()[0], kind),
        None => (b'=', descr),
    };
    let (kind, width) = match kind {
        "f4" => (Dtype::Float, 4),
        "f8" => (Dtype::Float, 8),
        "i1" => (Dtype::Signed, 1),
        "i2" => (Dtype::Signed, 2),
        "i4" => (Dtype::Signed, 4),
        "i8" => (Dtype::Signed, 8),
        "u1" => (Dtype::Unsigned, 1),
        "u2" => (Dtype::Unsigned, 2),
        "u4" => (Dtype::Unsigned, 4),
        "u8" => (Dtype::Unsigned, 8),
        "b1" | "?" => (Dtype::Bool, 1),
        _ => {
            return Err(format!(
                "elements of type {} are not read, only f4, f8, i1 to i8, u1 to u8 and b1; in \
                 NumPy, `astype` converts them",
                shown(descr)
            ));
        }
    };
    // No order is given: the reading machine's, as in NumPy.
    let big_endian =
        if order == b'=' || order == b'|' { cfg!(target_endian = "big") } else { order == b'>' };
    Ok((kind, width, big_endian))
}

/// The number of elements of a shape, if they are allowed and fit into memory.
fn count(shape: &[usize]) -> Result<u64, String> {
    let limit = MAX_ELEMENTS;
    // Also without the axes of length 0: the strides of an empty array must not overflow either.
    let product = |skip_zero: bool| {
        let lengths = shape.iter().filter(|&&length| length != 0 || !skip_zero);
        lengths.copied().try_fold(1_u64, |product, length| product.checked_mul(length as u64))
    };
    match (product(true), product(false)) {
        (Some(nonzero), Some(count)) if nonzero <= limit => Ok(count),
        _ => Err(format!("the shape {shape:?} holds more than the {limit} elements that are read")),
    }
}

/// A piece of the header as an error message shows it.
fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    let start: String = text.chars().take(LONGEST).collect();
    if start.len() < text.len() { format!("{start:?}...") } else { format!("{start:?}") }
}

/// A Python literal, as far as it has not been read.
struct Literal<'t>(&'t str);

impl<'t> Literal<'t> {
    fn found(&mut self, token: &str) -> bool {
        self.0 = self.0.trim_start();
        let rest = self.0.strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.found(token) { Ok(()) } else { self.refuse(&format!("{token:?}")) }
    }

    fn refuse<T>(&self, expected: &str) -> Result<T, String> {
        let found = if self.0.is_empty() { "its end".to_owned() } else { shown(self.0) };
        Err(format!("{expected} was expected, but {found} was found"))
    }

    fn string(&mut self) -> Result<&'t str, String> {
        let Some(quote) = ["'", "\""].into_iter().find(|quote| self.found(quote)) else {
            if self.0.starts_with('[') {
                return self.refuse("an array with one number to an element, not a record,");
            }
            return self.refuse("a text in quotes");
        };
        let Some((text, rest)) = self.0.split_once(quote) else {
            return self.refuse("a text in quotes");
        };
        self.0 = rest;
        Ok(text)
    }

    fn boolean(&mut self) -> Result<bool, String> {
        if self.found("True") {
            return Ok(true);
        }
        if self.found("False") { Ok(false) } else { self.refuse("True or False") }
    }

    fn shape(&mut self) -> Result<Vec<usize>, String> {
        let mut shape = Vec::new();
        self.expect("(")?;
        while !self.found(")") {
            shape.push(self.length()?);
            if !self.found(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(shape)
    }

    fn length(&mut self) -> Result<usize, String> {
        let end = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        let Ok(length) = digits.parse() else { return self.refuse("a length of an axis") };
        // Python 2 marks long numbers.
        self.0 = rest.strip_prefix('L').unwrap_or(rest);
        Ok(length)
    }

    fn end(&mut self) -> Result<(), String> {
        self.0 = self.0.trim_start();
        if self.0.is_empty() { Ok(()) } else { self.refuse("the end of the header") }
    }
}
