//! Vector registers, so that a tile of a product is written once for all instructions.

use crate::number::Float;
use crate::number::fast::Machine;

/// A vector register.
///
/// # Safety of all methods
/// The processor has the instructions of the register. What is loaded from or stored to holds as
/// many numbers as the register, or `count` of them.
#[allow(unsafe_code)]
pub trait Vector: Copy {
    /// What the register holds.
    type Number: Float;
    /// How many it holds.
    const LANES: usize;
    /// Rows of a tile of outer products and registers of its columns, which leave registers for the
    /// operands beside the sums.
    const TILE: (usize, usize);

    unsafe fn zero() -> Self;
    unsafe fn splat(x: Self::Number) -> Self;
    unsafe fn load(from: *const Self::Number) -> Self;
    /// Loads the first `count` numbers, at least one, and zeros for the others.
    unsafe fn load_first(count: usize, from: *const Self::Number) -> Self;
    unsafe fn store(self, to: *mut Self::Number);
    /// Stores the first `count` numbers, at least one.
    unsafe fn store_first(self, count: usize, to: *mut Self::Number);
    unsafe fn add(self, other: Self) -> Self;
    /// Computes self · factor + summand.
    unsafe fn mul_add(self, factor: Self, summand: Self) -> Self;
    /// Sums the numbers of each of four registers, all in the same order.
    unsafe fn sums(four: [Self; 4]) -> [Self::Number; 4];
}

/// Numbers that the compiler may put in vector registers, for machines without a version of their
/// own.
#[derive(Clone, Copy)]
pub struct Plain<A, const N: usize>([A; N]);

/// Whether a multiply-add is one instruction of the machine that the program is compiled for.
const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

#[allow(unsafe_code)] // The loads and stores are as long as the caller has promised.
impl<A: Float, const N: usize> Vector for Plain<A, N> {
    type Number = A;
    const LANES: usize = N;
    const TILE: (usize, usize) = (4, 2);

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([A::zero(); N])
    }
    #[inline(always)]
    unsafe fn splat(x: A) -> Self {
        Self([x; N])
    }
    #[inline(always)]
    unsafe fn load(from: *const A) -> Self {
        // SAFETY: the caller promises N numbers; an array of them is aligned as one is.
        Self(unsafe { from.cast::<[A; N]>().read() })
    }
    #[inline(always)]
    unsafe fn load_first(count: usize, from: *const A) -> Self {
        if count == N {
            // SAFETY: the caller promises `count` numbers.
            return unsafe { Self::load(from) };
        }
        let mut all = [A::zero(); N];
        // SAFETY: the caller promises `count` numbers.
        let some = unsafe { std::slice::from_raw_parts(from, count) };
        all.iter_mut().zip(some).for_each(|(to, &from)| *to = from);
        Self(all)
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut A) {
        // SAFETY: the caller promises room for N numbers.
        unsafe { to.cast::<[A; N]>().write(self.0) }
    }
    #[inline(always)]
    unsafe fn store_first(self, count: usize, to: *mut A) {
        for (i, &x) in self.0.iter().enumerate().take(count) {
            // SAFETY: the caller promises room for `count` numbers.
            unsafe { to.add(i).write(x) }
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, summand: Self) -> Self {
        let (a, b, c) = (self.0, factor.0, summand.0);
        Self(std::array::from_fn(|i| {
            if FUSED { Machine::mul_add(a[i], b[i], c[i]) } else { a[i] * b[i] + c[i] }
        }))
    }
    #[inline(always)]
    unsafe fn sums(four: [Self; 4]) -> [A; 4] {
        four.map(|x| crate::kernel::simd::fold_lanes(x.0, |a, b| a + b))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    #[allow(clippy::wildcard_imports)] // Sixty names.
    use std::arch::x86_64::*;

    use super::Vector;

    /// Implements a register by its intrinsics.
    macro_rules! register {
        (
            $register:ident of $number:ident, $lanes:literal lanes, $tile:expr,
            $zero:ident $splat:ident $load:ident $store:ident $add:ident $mul_add:ident,
            load_first: |$count:ident, $from:ident| $load_first:expr,
            store_first: |$x:ident, $to:ident| $store_first:expr,
            sums: |$four:ident| $sums:expr
        ) => {
            #[allow(unsafe_code)]
            // SAFETY of all blocks: the caller promises that the processor has the instructions, and
            // that memory holds as many numbers as are loaded or stored.
            impl Vector for $register {
                type Number = $number;
                const LANES: usize = $lanes;
                const TILE: (usize, usize) = $tile;

                #[inline(always)]
                unsafe fn zero() -> Self {
                    unsafe { $zero() }
                }
                #[inline(always)]
                unsafe fn splat(x: $number) -> Self {
                    unsafe { $splat(x) }
                }
                #[inline(always)]
                unsafe fn load(from: *const $number) -> Self {
                    unsafe { $load(from) }
                }
                #[inline(always)]
                unsafe fn load_first($count: usize, $from: *const $number) -> Self {
                    unsafe { $load_first }
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut $number) {
                    unsafe { $store(to, self) }
                }
                #[inline(always)]
                unsafe fn store_first(self, $count: usize, $to: *mut $number) {
                    let $x = self;
                    unsafe { $store_first }
                }
                #[inline(always)]
                unsafe fn add(self, other: Self) -> Self {
                    unsafe { $add(self, other) }
                }
                #[inline(always)]
                unsafe fn mul_add(self, factor: Self, summand: Self) -> Self {
                    unsafe { $mul_add(self, factor, summand) }
                }
                #[inline(always)]
                unsafe fn sums($four: [Self; 4]) -> [$number; 4] {
                    unsafe { $sums }
                }
            }
        };
    }

    register! {
        __m512 of f32, 16 lanes, (8, 3),
        _mm512_setzero_ps _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_add_ps
        _mm512_fmadd_ps,
        load_first: |count, from| _mm512_maskz_loadu_ps(u16::MAX >> (16 - count), from),
        store_first: |x, to| _mm512_mask_storeu_ps(to, u16::MAX >> (16 - count), x),
        sums: |four| {
            let [a, b, c, d] = four;
            let ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
            let cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
            let (ab, cd) = (_mm512_castps_pd(ab), _mm512_castps_pd(cd));
            let (even, odd) = (_mm512_unpacklo_pd(ab, cd), _mm512_unpackhi_pd(ab, cd));
            // Each quarter holds a sum of each register.
            let quarters = _mm512_add_ps(_mm512_castpd_ps(even), _mm512_castpd_ps(odd));
            halves(_mm256_add_ps(
                _mm512_castps512_ps256(quarters),
                _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(quarters))),
            ))
        }
    }

    register! {
        __m512d of f64, 8 lanes, (8, 3),
        _mm512_setzero_pd _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_add_pd
        _mm512_fmadd_pd,
        load_first: |count, from| _mm512_maskz_loadu_pd(u8::MAX >> (8 - count), from),
        store_first: |x, to| _mm512_mask_storeu_pd(to, u8::MAX >> (8 - count), x),
        sums: |four| {
            let [a, b, c, d] = four;
            let ab = _mm512_add_pd(_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
            let cd = _mm512_add_pd(_mm512_unpacklo_pd(c, d), _mm512_unpackhi_pd(c, d));
            let upper = (_mm512_extractf64x4_pd::<1>(ab), _mm512_extractf64x4_pd::<1>(cd));
            let ab = _mm256_add_pd(_mm512_castpd512_pd256(ab), upper.0);
            let cd = _mm256_add_pd(_mm512_castpd512_pd256(cd), upper.1);
            pairs(ab, cd)
        }
    }

    register! {
        __m256 of f32, 8 lanes, (6, 2),
        _mm256_setzero_ps _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_add_ps
        _mm256_fmadd_ps,
        load_first: |count, from| _mm256_maskload_ps(from, mask_f32(count)),
        store_first: |x, to| _mm256_maskstore_ps(to, mask_f32(count), x),
        sums: |four| {
            let [a, b, c, d] = four;
            let ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            let (ab, cd) = (_mm256_castps_pd(ab), _mm256_castps_pd(cd));
            let (even, odd) = (_mm256_unpacklo_pd(ab, cd), _mm256_unpackhi_pd(ab, cd));
            halves(_mm256_add_ps(_mm256_castpd_ps(even), _mm256_castpd_ps(odd)))
        }
    }

    register! {
        __m256d of f64, 4 lanes, (6, 2),
        _mm256_setzero_pd _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_add_pd
        _mm256_fmadd_pd,
        load_first: |count, from| _mm256_maskload_pd(from, mask_f64(count)),
        store_first: |x, to| _mm256_maskstore_pd(to, mask_f64(count), x),
        sums: |four| {
            let [a, b, c, d] = four;
            let ab = _mm256_add_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            let cd = _mm256_add_pd(_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
            pairs(ab, cd)
        }
    }

    /// The sums of four registers, of which each half holds a part.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn halves(parts: __m256) -> [f32; 4] {
        let sums = _mm_add_ps(_mm256_castps256_ps128(parts), _mm256_extractf128_ps::<1>(parts));
        let mut four = [0.0; 4];
        // SAFETY: there is room for four numbers.
        #[allow(unsafe_code)]
        unsafe {
            _mm_storeu_ps(four.as_mut_ptr(), sums);
        }
        four
    }

    /// The sums of four registers, of which each half of `ab` and of `cd` holds parts of two.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn pairs(ab: __m256d, cd: __m256d) -> [f64; 4] {
        let lower = _mm256_permute2f128_pd::<0x20>(ab, cd);
        let sums = _mm256_add_pd(lower, _mm256_permute2f128_pd::<0x31>(ab, cd));
        let mut four = [0.0; 4];
        // SAFETY: there is room for four numbers.
        #[allow(unsafe_code)]
        unsafe {
            _mm256_storeu_pd(four.as_mut_ptr(), sums);
        }
        four
    }

    /// The mask of the first lanes.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn mask_f32(count: usize) -> __m256i {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lanes)
    }

    /// The mask of the first lanes.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn mask_f64(count: usize) -> __m256i {
        _mm256_cmpgt_epi64(_mm256_set1_epi64x(count as i64), _mm256_setr_epi64x(0, 1, 2, 3))
    }
}
