//! Loops over large data, divided among threads.
//!
//! Every element is computed by one thread, from the same operands in the same order however many
//! threads there are, so results do not depend on their number.

#[cfg(feature = "threads")]
use std::sync::{Mutex, PoisonError};

#[cfg(feature = "threads")]
use smallvec::SmallVec;

/// The number of threads to divide work among: that of rayon's pool.
///
/// `RAYON_NUM_THREADS` sets it, or the pool in which the caller runs.
pub fn count() -> usize {
    #[cfg(feature = "threads")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "threads"))]
    1
}

/// How many times smaller a piece may be while a thread that helps is awake.
#[cfg(feature = "threads")]
const AWAKE: usize = 4;

/// The number of pieces, of at least `least` elements each, to divide `length` elements into; of a
/// quarter as many while a thread that helps is awake.
pub fn pieces(length: usize, least: usize) -> usize {
    #[cfg(feature = "threads")]
    let least = if super::crew::is_awake() { least / AWAKE } else { least };
    let pieces = length / least.max(1);
    if pieces > 1 { pieces.min(count()) } else { 1 }
}

/// Calls `work` with each piece of `data` and the offset of its first element.
///
/// There are as many pieces as threads, if each has `least` elements. Pieces begin at multiples of
/// `unit`.
pub fn divide<A: Send>(
    data: &mut [A],
    unit: usize,
    least: usize,
    work: impl Fn(usize, &mut [A]) + Sync,
) {
    let units = data.len().div_ceil(unit.max(1));
    let pieces = pieces(data.len(), least).min(units);
    if pieces <= 1 {
        return work(0, data);
    }
    let length = units.div_ceil(pieces) * unit;
    each(data.chunks_mut(length).enumerate(), |(i, piece)| work(i * length, piece));
}

/// [`divide`] for several slices of one length, divided alike.
pub fn divide_all<A: Send, const N: usize>(
    first: &mut [A],
    others: [&mut [A]; N],
    least: usize,
    work: impl Fn(usize, &mut [A], [&mut [A]; N]) + Sync,
) {
    let pieces = pieces(first.len(), least);
    if pieces <= 1 {
        return work(0, first, others);
    }
    let length = first.len().div_ceil(pieces);
    let mut others = others.map(|other| other.chunks_mut(length));
    let alike = first.chunks_mut(length).enumerate().map(|(i, first)| {
        let others = others.each_mut().map(|pieces| pieces.next().expect("slices of one length"));
        (i, first, others)
    });
    each(alike, |(i, first, others)| work(i * length, first, others));
}

/// Calls `work` with each piece, on this thread and on those that come to help.
#[cfg(feature = "threads")]
pub fn each<P: Send>(pieces: impl Iterator<Item = P>, work: impl Fn(P) + Sync) {
    let mut pieces: SmallVec<[P; 4]> = pieces.collect();
    pieces.reverse(); // The last is taken first.
    let helpers = pieces.len().saturating_sub(1);
    let pieces = Mutex::new(pieces);
    let take = || pieces.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let all_that_are_left = || {
        while let Some(piece) = take() {
            work(piece);
        }
    };
    super::crew::help(helpers, &all_that_are_left);
}

/// Calls `work` with one piece after the other.
#[cfg(not(feature = "threads"))]
pub fn each<P: Send>(pieces: impl Iterator<Item = P>, work: impl Fn(P) + Sync) {
    pieces.for_each(work);
}

/// Runs `work` with large loops divided among `threads` threads, whatever `RAYON_NUM_THREADS` says.
///
/// ```
/// use ops::{Tensor, prelude::*};
///
/// let x = Tensor::full(&[200_000], 0.5_f32);
/// let alone = ops::with_threads(1, || x.exp());
/// assert_eq!(ops::with_threads(2, || x.exp()), alone); // The number changes no result.
/// ```
///
/// # Panics
/// If the system gives no more threads.
pub fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    #[cfg(feature = "threads")]
    {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap_or_else(|error| panic!("no pool of {threads} threads: {error}")).install(work)
    }
    #[cfg(not(feature = "threads"))]
    {
        let _ = threads;
        work()
    }
}
