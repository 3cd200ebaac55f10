//! Checksums: CRC-32, which finds every damage of up to 32 bits in a row.

use flate2::Crc;
use ops::{Float, Tensor};

/// How many numbers become bytes at a time.
const CHUNK: usize = 8192;

/// A checksum in the making.
pub(crate) struct Checksum(Crc);

impl Checksum {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self(Crc::new())
    }

    /// Adds bytes and how many they are, so that none can move to what comes next.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Adds a tensor: its shape, and its numbers in the order of the axes.
    pub fn tensor<A: Float>(&mut self, tensor: &Tensor<A>) {
        self.counts(tensor.shape());
        let mut bytes = Vec::with_capacity(CHUNK * size_of::<A>());
        let view = tensor.view();
        let mut numbers = view.iter();
        loop {
            bytes.clear();
            for number in numbers.by_ref().take(CHUNK) {
                bytes.extend_from_slice(number.to_le_bytes().as_ref());
            }
            if bytes.is_empty() {
                return;
            }
            self.0.update(&bytes);
        }
    }

    /// Adds whole numbers and how many they are.
    pub fn counts(&mut self, counts: &[usize]) {
        self.0.update(&(counts.len() as u64).to_le_bytes());
        for &count in counts {
            self.0.update(&(count as u64).to_le_bytes());
        }
    }

    /// The checksum, in eight hexadecimal digits.
    pub fn digits(&self) -> String {
        format!("{:08x}", self.0.sum())
    }
}
