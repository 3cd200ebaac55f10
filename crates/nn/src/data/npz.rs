//! NPZ files, in which NumPy keeps several arrays: ZIP archives of NPY files.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use ops::{Float, Tensor};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::npy;
use super::source::{INPUT, Source};
use crate::ground::error::DataError;

/// The names that an error lists.
const NAMES: usize = 10;

/// An NPZ file, whose arrays are read one by one, by name.
///
/// Archives that are not compressed (`numpy.savez`) and deflated ones (`numpy.savez_compressed`)
/// are read.
///
/// ```
/// use nn::data::{Dataset, Npz, write_npz};
/// use ops::Tensor;
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("data.npz");
/// let (x, y) = (Tensor::from([[0.5, 1.0], [2.0, 3.0]]), Tensor::from([1.0, 0.0]));
/// write_npz(&path, [("x_train", &x), ("y_train", &y)])?;
///
/// let mut arrays = Npz::open(&path)?;
/// assert_eq!(arrays.names(), ["x_train", "y_train"]);
/// let data = Dataset::classification(arrays.tensor("x_train")?, arrays.labels("y_train")?, 2)?;
/// assert_eq!((data.inputs(), data.labels()), (&x, Some(&[1, 0][..])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Npz<R> {
    path: PathBuf,
    archive: ZipArchive<R>,
}

impl Npz<BufReader<File>> {
    /// The archive in a file.
    ///
    /// # Errors
    /// If the file cannot be read or is not a ZIP archive.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        let file =
            File::open(path).map_err(|cause| DataError::Io { path: path.to_owned(), cause })?;
        Self::within(path, BufReader::new(file))
    }
}

impl<R: Read + Seek> Npz<R> {
    /// An archive that is not in a file of its own; messages call it "the input".
    ///
    /// # Errors
    /// If the data cannot be read or are not a ZIP archive.
    pub fn new(data: R) -> Result<Self, DataError> {
        Self::within(Path::new(INPUT), data)
    }

    fn within(path: &Path, data: R) -> Result<Self, DataError> {
        let archive = ZipArchive::new(data).map_err(|error| DataError::Archive {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
        Ok(Self { path: path.to_owned(), archive })
    }

    /// The names of the arrays, in the order of the archive.
    pub fn names(&self) -> Vec<String> {
        let names = self.archive.file_names_raw().map(String::from_utf8_lossy);
        names.map(|name| name.strip_suffix(".npy").unwrap_or(&name).to_owned()).collect()
    }

    /// An array as a tensor of its shape, as [`read_npy`](super::read_npy) reads it.
    ///
    /// # Errors
    /// If there is no array of this name, the archive is damaged, or [`read_npy`](super::read_npy)
    /// would refuse the array.
    pub fn tensor<A: Float>(&mut self, name: &str) -> Result<Tensor<A>, DataError> {
        npy::read_tensor(self.source(name)?)
    }

    /// An array of labels, as [`read_npy_labels`](super::read_npy_labels) reads it.
    ///
    /// # Errors
    /// If there is no array of this name, the archive is damaged, or
    /// [`read_npy_labels`](super::read_npy_labels) would refuse the array.
    pub fn labels(&mut self, name: &str) -> Result<Vec<usize>, DataError> {
        npy::read_labels(self.source(name)?)
    }

    fn source(&mut self, name: &str) -> Result<Source<'_>, DataError> {
        let path = PathBuf::from(format!("{}, array {name:?}", self.path.display()));
        let spellings = [format!("{name}.npy"), name.to_owned()];
        let index = spellings.iter().find_map(|name| self.archive.index_for_name(name));
        let Some(index) = index else {
            let (path, name) = (self.path.clone(), name.to_owned());
            let names = self.names().into_iter().take(NAMES).collect();
            return Err(DataError::NoArray { path, name, names });
        };
        match self.archive.by_index(index) {
            Ok(entry) => Source::new(&path, entry),
            Err(error) => Err(DataError::Archive { path, problem: error.to_string() }),
        }
    }
}

/// Writes tensors with their names into an NPZ file, deflated, which `numpy.load` reads. A file of
/// that name is replaced once the new one is complete.
///
/// # Errors
/// If the file cannot be written, or two tensors have the same name.
pub fn write_npz<'t, A: Float, S: AsRef<str>>(
    path: impl AsRef<Path>,
    tensors: impl IntoIterator<Item = (S, &'t Tensor<A>)>,
) -> Result<(), DataError> {
    npy::replace(path.as_ref(), |file| {
        let mut archive = ZipWriter::new(file);
        for (name, tensor) in tensors {
            // Beyond 4 GiB an entry needs the larger kind of header.
            let large = tensor.len().saturating_mul(size_of::<A>()) >= 0xffff_0000;
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .large_file(large);
            archive
                .start_file(format!("{}.npy", name.as_ref()), options)
                .map_err(io::Error::other)?;
            npy::write(&mut archive, tensor)?;
        }
        archive.finish().map_err(io::Error::other)?.flush()
    })
}
