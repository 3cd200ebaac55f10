//! Batches for training: shuffled in each epoch, augmented, and made ahead of time.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, JoinHandle};

use chacha20::ChaCha8Rng;
use ops::Float;
use rand::SeedableRng;

use super::augment::{Augment, augment};
use super::dataset::{Batch, Dataset, shuffled};
use crate::ground::epoch_seed;
use crate::ground::error::DataError;

/// Deals out a dataset in batches, epoch by epoch: in order or shuffled, with the last incomplete
/// batch or without, as they are or augmented, on this thread or prefetched by another.
///
/// An epoch depends on the loader's settings and the epoch's number, and on nothing else: the
/// order and the augmentation are the same on every machine, with and without
/// [`prefetch`](Self::prefetch), whatever the timing of threads, and whichever epochs were asked
/// for before. Training that is resumed in epoch 7 sees what it would have seen.
///
/// With [`shuffle`](Self::shuffle)`(seed)`, epoch `e` has the order of
/// [`Dataset::batches`]`(batch_size, Some(`[`epoch_seed`]`(seed, e)))`.
///
/// ```
/// use nn::data::{Augment, DataError, DataLoader, digits};
///
/// let images = digits::<f32>().reshape_samples(&[8, 8])?;
/// let loader = DataLoader::new(images, 64)?
///     .shuffle(1)
///     .drop_last()?
///     .augment([Augment::shift(1), Augment::noise(0.05)], 1)?
///     .prefetch(2);
/// assert_eq!(loader.batches_per_epoch(), 28);
/// for epoch in 1..=2 {
///     for batch in loader.epoch(epoch) {
///         assert_eq!(batch.inputs.shape(), [64, 8, 8]);
///     }
/// }
/// # Ok::<(), DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DataLoader<A: Float> {
    data: Arc<Dataset<A>>,
    batch_size: usize,
    shuffle: Option<u64>,
    drop_last: bool,
    augment: Arc<[Augment<A>]>,
    augment_seed: u64,
    prefetch: usize,
}

impl<A: Float> DataLoader<A> {
    /// A loader of batches of `batch_size`, in the dataset's order, the last batch with what is
    /// left.
    ///
    /// Takes a dataset or an `Arc` of one, which several loaders and threads can share.
    ///
    /// # Errors
    /// If `batch_size` is 0.
    pub fn new(data: impl Into<Arc<Dataset<A>>>, batch_size: usize) -> Result<Self, DataError> {
        if batch_size == 0 {
            return Err(DataError::BatchSize);
        }
        Ok(Self {
            data: data.into(),
            batch_size,
            shuffle: None,
            drop_last: false,
            augment: Arc::new([]),
            augment_seed: 0,
            prefetch: 0,
        })
    }

    /// Shuffles the samples, in another order in each epoch.
    #[must_use]
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.shuffle = Some(seed);
        self
    }

    /// Leaves out the last batch of an epoch if it is incomplete. Which samples that leaves out
    /// changes from epoch to epoch if they are shuffled.
    ///
    /// # Errors
    /// If no batch would be left.
    pub fn drop_last(mut self) -> Result<Self, DataError> {
        let (batch_size, rows) = (self.batch_size, self.data.len());
        if batch_size > rows {
            return Err(DataError::NoBatch { batch_size, rows });
        }
        self.drop_last = true;
        Ok(self)
    }

    /// The same settings for other data, such as one part of a split.
    ///
    /// # Errors
    /// If the augmentation cannot be used on samples of that shape, or the last incomplete batch is
    /// left out and no other would be left.
    pub fn with_data(&self, data: impl Into<Arc<Dataset<A>>>) -> Result<Self, DataError> {
        let other = Self { data: data.into(), ..self.clone() };
        let other = other.augment(self.augment.iter().cloned(), self.augment_seed)?;
        if self.drop_last { other.drop_last() } else { Ok(other) }
    }

    /// Changes each sample at random by these steps, one after the other, each time that it is
    /// dealt out. `seed` draws the changes.
    ///
    /// # Errors
    /// If a step cannot be used on samples of this shape, or has a setting out of range.
    pub fn augment(
        mut self,
        steps: impl IntoIterator<Item = Augment<A>>,
        seed: u64,
    ) -> Result<Self, DataError> {
        let steps: Arc<[Augment<A>]> = steps.into_iter().collect();
        for step in steps.iter() {
            step.check(self.data.sample_shape())?;
        }
        (self.augment, self.augment_seed) = (steps, seed);
        Ok(self)
    }

    /// Makes up to `batches` batches ahead of time on a thread of its own, while the batch before
    /// is trained on. Changes when a batch is made, never its content. 0, the default, makes
    /// each batch when it is asked for.
    ///
    /// It pays where making a batch takes a large part of a step's time. Each batch ahead takes
    /// memory.
    #[must_use]
    pub fn prefetch(mut self, batches: usize) -> Self {
        self.prefetch = batches;
        self
    }

    /// The data that the loader deals out.
    pub fn dataset(&self) -> &Dataset<A> {
        &self.data
    }

    /// The number of samples to a batch; the last batch of an epoch may have fewer.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// What decides the content of batches, besides the data, each under its name.
    pub(crate) fn settings(&self) -> [(&'static str, String); 4] {
        let seed = self.shuffle.map_or("none".to_owned(), |seed| seed.to_string());
        let augmentation = match &*self.augment {
            [] => "none".to_owned(),
            steps => format!("{steps:?} from seed {}", self.augment_seed),
        };
        [
            ("batch size", self.batch_size.to_string()),
            ("seed of shuffling", seed),
            ("augmentation", augmentation),
            ("last batch left out", self.drop_last.to_string()),
        ]
    }

    /// The number of batches in an epoch, at least 1.
    pub fn batches_per_epoch(&self) -> usize {
        self.samples_per_epoch().div_ceil(self.batch_size)
    }

    /// The number of samples in an epoch: all, or as many as fill whole batches.
    pub fn samples_per_epoch(&self) -> usize {
        let rows = self.data.len();
        if self.drop_last { rows - rows % self.batch_size } else { rows }
    }

    /// The batches of one epoch. [`Fit`](crate::Fit) counts epochs from 1.
    pub fn epoch(&self, epoch: usize) -> Epoch<A> {
        let rows = self.data.len();
        let mut order = match self.shuffle {
            Some(seed) => shuffled(rows, epoch_seed(seed, epoch)),
            None => (0..rows).collect(),
        };
        order.truncate(self.samples_per_epoch());
        let work = Arc::new(Work { loader: self.clone(), order, epoch });
        let count = self.batches_per_epoch();
        // Where no thread can be had, the same batches are made on this one.
        let worker =
            (self.prefetch > 0).then(|| Worker::spawn(&work, count, self.prefetch)).flatten();
        Epoch { work, worker, next: 0, count }
    }
}

/// What makes the batches of an epoch: a pure function of the batch's number.
#[derive(Debug)]
struct Work<A: Float> {
    loader: DataLoader<A>,
    order: Vec<usize>,
    epoch: usize,
}

impl<A: Float> Work<A> {
    fn batch(&self, number: usize) -> Batch<A> {
        let loader = &self.loader;
        // With the largest batch size there is only batch 0, so this does not overflow.
        let start = number * loader.batch_size;
        let rest = &self.order[start..];
        let mut batch = loader.data.batch(&rest[..rest.len().min(loader.batch_size)]);
        if !loader.augment.is_empty() {
            let mut rng = batch_rng(loader.augment_seed, self.epoch, number);
            batch.inputs = augment(batch.inputs, &loader.augment, &mut rng);
        }
        batch
    }
}

/// A generator for each batch, so that a batch can be made without the batches before it.
fn batch_rng(seed: u64, epoch: usize, batch: usize) -> ChaCha8Rng {
    let mut key = *b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0augment\0";
    for (part, number) in key.chunks_mut(8).zip([seed, epoch as u64, batch as u64]) {
        part.copy_from_slice(&number.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// The batches of one epoch, made by [`DataLoader::epoch`].
///
/// Dropping it early stops the thread that prefetches, if there is one. A panic on that thread
/// continues on this one, at the batch that it concerns.
#[derive(Debug)]
pub struct Epoch<A: Float> {
    work: Arc<Work<A>>,
    worker: Option<Worker<A>>,
    next: usize,
    count: usize,
}

impl<A: Float> Iterator for Epoch<A> {
    type Item = Batch<A>;

    fn next(&mut self) -> Option<Batch<A>> {
        if self.next == self.count {
            return None;
        }
        let batch = match &mut self.worker {
            Some(worker) => match worker.receive() {
                Ok(batch) => batch,
                Err(panic) => {
                    // Asked again, the epoch is over.
                    self.next = self.count;
                    resume_unwind(panic)
                }
            },
            None => self.work.batch(self.next),
        };
        self.next += 1;
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.count - self.next;
        (left, Some(left))
    }
}

impl<A: Float> ExactSizeIterator for Epoch<A> {}

/// A thread that makes batches in their order and waits when enough are ready.
#[derive(Debug)]
struct Worker<A: Float> {
    // None once the worker must end.
    batches: Option<Receiver<Batch<A>>>,
    thread: Option<JoinHandle<()>>,
}

impl<A: Float> Worker<A> {
    fn spawn(work: &Arc<Work<A>>, count: usize, ahead: usize) -> Option<Self> {
        // One more is finished on the thread and waits to be handed over. No more than there are,
        // as the channel reserves room for all.
        let (sender, batches) = sync_channel((ahead - 1).min(count));
        let work = Arc::clone(work);
        let run = move || {
            for number in 0..count {
                // Nobody receives any more: the epoch was dropped.
                if sender.send(work.batch(number)).is_err() {
                    return;
                }
            }
        };
        let thread = Builder::new().name("data loader".to_owned()).spawn(run).ok()?;
        Some(Self { batches: Some(batches), thread: Some(thread) })
    }

    /// The next batch, or what the thread panicked with.
    fn receive(&mut self) -> std::thread::Result<Batch<A>> {
        let batches = self.batches.as_ref().expect("there until the drop");
        batches.recv().map_err(|_| {
            let thread = self.thread.take().expect("a thread ends once");
            thread.join().expect_err("a thread that sends less than all has panicked")
        })
    }
}

impl<A: Float> Drop for Worker<A> {
    fn drop(&mut self) {
        // First the receiver, so that the thread wakes up and ends; its panic, if any, concerned a
        // batch that nobody asked for.
        drop(self.batches.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a model can be trained on: a [`Dataset`], which is shuffled and dealt out as the training
/// run says, or a [`DataLoader`] with settings of its own.
pub trait TrainingData<A: Float> {
    /// The loader of a run with this batch size and seed. A loader returns itself and keeps its
    /// own settings.
    ///
    /// # Errors
    /// If `batch_size` is 0.
    fn loader(&self, batch_size: usize, seed: u64) -> Result<DataLoader<A>, DataError>;
}

impl<A: Float> TrainingData<A> for Dataset<A> {
    fn loader(&self, batch_size: usize, seed: u64) -> Result<DataLoader<A>, DataError> {
        Ok(DataLoader::new(self.clone(), batch_size)?.shuffle(seed))
    }
}

impl<A: Float> TrainingData<A> for DataLoader<A> {
    fn loader(&self, _batch_size: usize, _seed: u64) -> Result<DataLoader<A>, DataError> {
        Ok(self.clone())
    }
}
