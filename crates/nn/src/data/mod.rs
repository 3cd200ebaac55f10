//! Data to train on: one [`Dataset`] type, what makes it, and what deals it out in batches.
//!
//! | from | with |
//! |---|---|
//! | the library itself: measured data | [`digits`], [`iris`], [`names`], [`sunspots_yearly`], [`sunspots_monthly`] |
//! | the library itself: points drawn from a seed | [`xor`], [`two_moons`], [`spirals`], [`circles`], [`blobs`], [`line()`] |
//! | MNIST and its relatives, in IDX files | [`load_idx_dir`], [`read_images`], [`read_labels`] |
//! | a table in a CSV file | [`read_csv`] |
//! | images in folders, PNG or JPEG (feature `images`) | `ImageFolder`, `read_image` |
//! | NumPy's arrays, in NPY files, and in NPZ files with the feature `npz` | [`read_npy`], [`read_npy_labels`], `Npz` |
//! | a series | [`windows`] |
//! | text | [`Vocabulary`] |
//!
//! | to | with |
//! |---|---|
//! | divide it | [`Dataset::split`], [`split_three`](Dataset::split_three), [`split_stratified`](Dataset::split_stratified), [`split_at`](Dataset::split_at) |
//! | scale its features | [`Standardize`], [`MinMax`] |
//! | deal it out in batches | [`Dataset::batches`], [`DataLoader`] |
//! | vary images | [`Augment`] |
//!
//! An IDX, CSV or NPY file is gzipped or not; its first two bytes tell, not its name. A file is not
//! trusted: what its header claims is checked against what it holds before memory is spent on it,
//! and whatever does not fit is a [`DataError`] that names the file and the place. What reads such
//! a file, or an archive, has a twin that reads bytes in memory or from any [`std::io::Read`].
//!
//! ```
//! use nn::data::{digits, DataError};
//!
//! let (train, test) = digits::<f32>().split(0.2, 7)?;
//! assert_eq!((train.len(), test.len()), (1438, 359));
//! for batch in train.batches(64, Some(1))? {
//!     assert_eq!(batch.inputs.shape(), [batch.len(), 64]);
//! }
//! # Ok::<(), DataError>(())
//! ```

mod augment;
mod csv;
mod dataset;
mod digits;
mod embedded;
mod fill;
mod idx;
#[cfg(feature = "images")]
mod images;
mod loader;
mod npy;
#[cfg(feature = "npz")]
mod npz;
mod scale;
mod series;
mod source;
mod text;
mod toy;

pub use self::augment::Augment;
pub use self::csv::{
    Column, CsvOptions, CsvTargets, MAX_CLASSES, MAX_LINE, MISSING, Missing, read_csv,
    read_csv_from,
};
pub use self::dataset::{Batch, Batches, Dataset};
pub use self::digits::digits;
pub use self::embedded::{iris, names, sunspots_monthly, sunspots_yearly};
pub use self::fill::FillMeans;
pub use self::idx::{
    IdxDataset, MAX_LABELS, MAX_PIXELS, load_idx_dir, read_images, read_images_from, read_labels,
    read_labels_from,
};
#[cfg(feature = "images")]
pub use self::images::{Channels, ImageFolder, MAX_IMAGE_PIXELS, read_image};
pub use self::loader::{DataLoader, Epoch, TrainingData};
pub use self::npy::{
    MAX_ELEMENTS, read_npy, read_npy_from, read_npy_labels, read_npy_labels_from, write_npy,
    write_npy_to,
};
#[cfg(feature = "npz")]
pub use self::npz::{Npz, write_npz};
pub use self::scale::{MinMax, Scaler, Standardize};
pub use self::series::windows;
pub use self::text::Vocabulary;
pub use self::toy::{MAX_SAMPLES, blobs, circles, line, spirals, two_moons, xor};
pub use crate::ground::Targets;
pub use crate::ground::error::{DataError, ImageError, TableError};
