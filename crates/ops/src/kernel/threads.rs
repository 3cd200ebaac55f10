//! Loops over large data, divided among threads.
//!
//! Every element is computed by one thread, from the same operands in the same order however many
//! threads there are, so results do not depend on their number.

/// The number of threads to divide work among: that of rayon's pool, which `RAYON_NUM_THREADS` sets,
/// or in which the caller runs.
pub fn count() -> usize {
    #[cfg(feature = "threads")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "threads"))]
    1
}

/// How many parts of at least `least` elements to divide `length` of them into.
fn parts(length: usize, least: usize) -> usize {
    let parts = length / least.max(1);
    if parts > 1 { parts.min(count()) } else { 1 }
}

/// Calls `work` with the parts of `data` and where each begins, on as many threads as there are if
/// there are `least` elements for each. Parts begin at multiples of `unit`.
pub fn divide<A: Send>(
    data: &mut [A],
    unit: usize,
    least: usize,
    work: impl Fn(usize, &mut [A]) + Sync,
) {
    let units = data.len().div_ceil(unit.max(1));
    let parts = parts(data.len(), least).min(units);
    if parts <= 1 {
        return work(0, data);
    }
    let length = units.div_ceil(parts) * unit;
    each(data.chunks_mut(length).enumerate(), |(i, part)| work(i * length, part));
}

/// The same with several slices of one length, divided alike.
pub fn divide_all<A: Send, const N: usize>(
    first: &mut [A],
    others: [&mut [A]; N],
    least: usize,
    work: impl Fn(usize, &mut [A], [&mut [A]; N]) + Sync,
) {
    let parts = parts(first.len(), least);
    if parts <= 1 {
        return work(0, first, others);
    }
    let length = first.len().div_ceil(parts);
    let mut others = others.map(|other| other.chunks_mut(length));
    let alike = first.chunks_mut(length).enumerate().map(|(i, first)| {
        let others = others.each_mut().map(|parts| parts.next().expect("slices of one length"));
        (i, first, others)
    });
    each(alike, |(i, first, others)| work(i * length, first, others));
}

/// Calls `work` with each part, the first on this thread and the others on those of the pool.
#[cfg(feature = "threads")]
pub fn each<P: Send>(mut parts: impl Iterator<Item = P>, work: impl Fn(P) + Sync) {
    let Some(own) = parts.next() else { return };
    let work = &work;
    rayon::in_place_scope(|scope| {
        parts.for_each(|part| scope.spawn(move |_| work(part)));
        work(own);
    });
}

/// Without threads, one part after the other.
#[cfg(not(feature = "threads"))]
pub fn each<P: Send>(parts: impl Iterator<Item = P>, work: impl Fn(P) + Sync) {
    parts.for_each(work);
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
