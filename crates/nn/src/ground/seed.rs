//! Seeds, and the generator that they start.

/// A random number generator, which gives the same numbers for the same seed on every machine and
/// in every later version.
pub fn rng(seed: u64) -> chacha20::ChaCha8Rng {
    rand::SeedableRng::seed_from_u64(seed)
}

/// The seed with which [`Fit`](crate::Fit) shuffles the data in an epoch (from 1) of a run with
/// seed `seed`: far from the seeds of neighbouring epochs and runs.
pub fn epoch_seed(seed: u64, epoch: usize) -> u64 {
    seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(epoch as u64)
}

/// The seed from which [`Fit`](crate::Fit) draws what is random in the step on batch number `batch`
/// (from 0) of an epoch (from 1), such as dropout.
pub fn step_seed(seed: u64, epoch: usize, batch: usize) -> u64 {
    epoch_seed(epoch_seed(seed, epoch), batch)
}
