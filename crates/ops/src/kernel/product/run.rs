//! Tiles compiled for the instructions of each kind of machine, and the call of the right ones.

use std::any::TypeId;

use super::dots::dots;
use super::job::Job;
use super::outer::outer;
use super::vector::Plain;
use crate::number::Float;

/// The vector instructions that a product uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    /// What the compiler makes of loops over arrays.
    Plain,
    /// Registers of 256 bits, with fused multiply-adds.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Registers of 512 bits.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// Those that the processor has, the slowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        let all = [
            (Self::Plain, true),
            #[cfg(target_arch = "x86_64")]
            (Self::Avx2, is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")),
            #[cfg(target_arch = "x86_64")]
            (Self::Avx512, is_x86_feature_detected!("avx512f")),
        ];
        // Each level uses the instructions of those before it.
        all.into_iter().take_while(|(_, there)| *there).map(|(level, _)| level)
    }

    /// The fastest that the processor has.
    pub fn fastest() -> Self {
        Self::available().last().unwrap_or(Self::Plain)
    }

    /// Whether dot products of so many terms are slower than outer products with the copy that these need:
    /// registers of 256 bits leave half of the machine unused, and those of 512 have many lanes to add at
    /// the end.
    pub fn copies_for(self, depth: usize) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self == Self::Avx512 && depth < SHORT;
        #[cfg(not(target_arch = "x86_64"))]
        {
            let _ = depth;
            false
        }
    }

    /// Whether outer products begin with a copy of the first operand, row by row: narrow tiles read its
    /// columns again for every few columns of the second, at addresses that are often apart by a power
    /// of 2, so that a few sets of the caches take them all.
    pub fn copies_first<A>(self, job: &Job<A>) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            use super::outer::{ENOUGH, NEAR};
            let reach = job.depth * job.a.1[1].unsigned_abs();
            let apart = job.a.1[1].unsigned_abs() >= ENOUGH && reach > NEAR;
            self == Self::Avx2 && apart && job.rows.min(job.columns) >= ENOUGH
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let _ = job;
            false
        }
    }
}

/// How a product is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tiles {
    /// By [`outer`].
    Outer,
    /// By [`dots`].
    Dots,
}

/// Terms up to which dot products are faster by registers of 256 bits, which have fewer lanes to add at
/// the end, where one of 512 bits takes as long as two of them.
#[cfg(target_arch = "x86_64")]
const SHORT: usize = 512;
/// The same where it takes as long as one.
#[cfg(target_arch = "x86_64")]
const SHORT_AT_ONCE: usize = 64;

/// Whether registers of 512 bits are likely to be computed at once and not half by half, which a virtual
/// machine does not say: Zen 4, which halves them, has no AVX-VNNI. Older processors without it that do not
/// halve them stay with 256 bits.
#[cfg(target_arch = "x86_64")]
fn at_once() -> bool {
    is_x86_feature_detected!("avxvnni")
}

impl Tiles {
    /// Computes a product.
    ///
    /// # Safety
    /// The level is one that the processor has. The job's matrices may be read and written, and lie
    /// as the tiles ask.
    #[allow(unsafe_code)]
    pub unsafe fn run<A: Float>(self, level: Level, job: &Job<A>) {
        #[cfg(target_arch = "x86_64")]
        let level = match (self, level) {
            (Self::Dots, Level::Avx512) if job.depth < SHORT && !at_once() => Level::Avx2,
            (Self::Dots, Level::Avx512) if job.depth < SHORT_AT_ONCE => Level::Avx2,
            _ => level,
        };
        // SAFETY: that of this function, and each level has the instructions of those before it; the
        // type of the numbers is the one that was asked for.
        unsafe {
            if TypeId::of::<A>() == TypeId::of::<f32>() {
                for_f32(level, self, &job.cast());
            } else {
                for_f64(level, self, &job.cast());
            }
        }
    }
}

/// Defines the versions for a type of numbers, and the function that calls one of them.
macro_rules! versions {
    ($function:ident, $number:ident: $plain:literal $avx2:ident $avx512:ident) => {
        #[allow(unsafe_code)] // Its caller promises what the tiles ask.
        unsafe fn $function(level: Level, tiles: Tiles, job: &Job<$number>) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2(tiles: Tiles, job: &Job<$number>) {
                // SAFETY: that of the function around.
                match tiles {
                    Tiles::Outer => unsafe { outer::<std::arch::x86_64::$avx2>(job) },
                    Tiles::Dots => unsafe { dots::<std::arch::x86_64::$avx2>(job) },
                }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma")]
            unsafe fn avx512(tiles: Tiles, job: &Job<$number>) {
                // SAFETY: that of the function around.
                match tiles {
                    Tiles::Outer => unsafe { outer::<std::arch::x86_64::$avx512>(job) },
                    Tiles::Dots => unsafe { dots::<std::arch::x86_64::$avx512>(job) },
                }
            }
            // SAFETY: that of this function.
            unsafe {
                match (level, tiles) {
                    (Level::Plain, Tiles::Outer) => outer::<Plain<$number, $plain>>(job),
                    (Level::Plain, Tiles::Dots) => dots::<Plain<$number, $plain>>(job),
                    #[cfg(target_arch = "x86_64")]
                    (Level::Avx2, _) => avx2(tiles, job),
                    #[cfg(target_arch = "x86_64")]
                    (Level::Avx512, _) => avx512(tiles, job),
                }
            }
        }
    };
}
versions!(for_f32, f32: 4 __m256 __m512);
versions!(for_f64, f64: 2 __m256d __m512d);
