//! Data to train on: one [`Dataset`] type, and readers and generators that make it.
//!
//! | from | with |
//! |---|---|
//! | the library itself: 1,797 handwritten digits of 8 × 8 pixels | [`digits`] |
//! | the library itself: points drawn from a seed | [`xor`], [`two_moons`], [`spirals`] |
//! | MNIST and its relatives, in IDX files | [`load_idx_dir`], [`read_images`], [`read_labels`] |
//! | a table of numbers in a CSV file | [`read_csv`] |
//!
//! A file is gzipped or not; its first two bytes tell, not its name. A file is not trusted: what
//! its header claims is checked against what it holds before memory is spent on it, and whatever
//! does not fit is a [`DataError`] that names the file and the place.
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

mod csv;
mod dataset;
mod digits;
mod error;
mod idx;
mod source;
mod toy;

pub use self::csv::{CsvOptions, LabelColumn, MAX_CLASSES, MAX_LINE, read_csv};
pub use self::dataset::{Batch, Batches, Dataset, Targets};
pub use self::digits::digits;
pub use self::error::DataError;
pub use self::idx::{IdxDataset, MAX_LABELS, MAX_PIXELS, load_idx_dir, read_images, read_labels};
pub use self::toy::{MAX_SAMPLES, spirals, two_moons, xor};
