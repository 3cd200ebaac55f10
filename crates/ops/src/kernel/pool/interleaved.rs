//! Pooling with the channels last: some channels of a window at a time, in vector registers.

use super::{Geometry, share_of};
use crate::kernel::simd::vectorised;
use crate::number::Float;

/// Channels that are pooled together.
const LANES: usize = 16;

/// Finds the largest elements of each window of some images.
pub fn maxima<A: Float>(geometry: &Geometry, images: &[A], result: &mut [A]) {
    let images = images.chunks_exact(geometry.image());
    for (image, result) in images.zip(result.chunks_exact_mut(geometry.pooled())) {
        find_maxima(geometry, image, result);
    }
}

/// Divides `v` among the largest elements of each window of some images.
pub fn adjoint<A: Float>(geometry: &Geometry, images: &[A], v: &[A], result: &mut [A]) {
    let pairs = images.chunks_exact(geometry.image()).zip(v.chunks_exact(geometry.pooled()));
    for ((image, v), result) in pairs.zip(result.chunks_exact_mut(geometry.image())) {
        divide_among_maxima(geometry, image, v, result);
    }
}

vectorised! { long:
    /// Finds the largest elements of each window of one image.
    fn find_maxima<A: Float>(geometry: &Geometry, image: &[A], result: &mut [A]) {
        let channels = geometry.channels;
        geometry.grid.for_each_window(channels, |window, pixels| {
            let result = &mut result[window * channels..][..channels];
            for (i, result) in result.chunks_mut(LANES).enumerate() {
                set_lanes(result, maxima_at(image, pixels, i * LANES), |_, most| most);
            }
        });
    }
}

vectorised! { long:
    /// Divides `v` among the largest elements of each window of one image.
    fn divide_among_maxima<A: Float>(
        geometry: &Geometry,
        image: &[A],
        v: &[A],
        result: &mut [A],
    ) {
        let channels = geometry.channels;
        // Where each pixel is in one window, nothing is added up.
        let once = geometry.grid.divides_the_image();
        if !once {
            result.fill(A::zero());
        }
        geometry.grid.for_each_window(channels, |window, pixels| {
            let v = &v[window * channels..][..channels];
            for channel in (0..channels).step_by(LANES) {
                let maxima = maxima_at(image, pixels, channel);
                let shares = shares(image, pixels, channel, maxima, lanes(&v[channel..]));
                let count = LANES.min(channels - channel);
                for pixel in pixels {
                    let mut parts = lanes(&image[pixel + channel..]);
                    for ((x, maximum), share) in parts.iter_mut().zip(maxima).zip(shares) {
                        *x = share_of(*x, maximum, share);
                    }
                    let result = &mut result[pixel + channel..][..count];
                    if once {
                        set_lanes(result, parts, |_, part| A::zero() + part);
                    } else {
                        set_lanes(result, parts, |sum, part| sum + part);
                    }
                }
            }
        });
    }
}

/// Divides `v` by the number of elements that attain the maximum.
///
/// Nothing attains a maximum that is NaN; the share is NaN then, so that the gradient shows it.
#[inline(always)]
fn shares<A: Float>(
    image: &[A],
    pixels: &[usize],
    channel: usize,
    maxima: [A; LANES],
    v: [A; LANES],
) -> [A; LANES] {
    let mut ties = [A::zero(); LANES];
    for pixel in pixels {
        let x = lanes(&image[pixel + channel..]);
        ties.iter_mut().zip(x).zip(maxima).for_each(|((n, x), most)| *n += x.equal(most));
    }
    let mut shares = v;
    for ((share, ties), most) in shares.iter_mut().zip(ties).zip(maxima) {
        *share *= if most.is_nan() { most } else { A::one() / ties };
    }
    shares
}

/// Finds the largest elements of some channels at the pixels that a window meets.
#[inline(always)]
fn maxima_at<A: Float>(image: &[A], pixels: &[usize], channel: usize) -> [A; LANES] {
    let mut maxima = [A::NEG_INFINITY; LANES];
    for pixel in pixels {
        let x = lanes(&image[pixel + channel..]);
        maxima.iter_mut().zip(x).for_each(|(most, x)| *most = most.maximum(x));
    }
    maxima
}

/// Reads the first elements, and zeros beyond the end of `x`.
///
/// What lies beyond the channels of a pixel is read, but not used.
#[inline(always)]
fn lanes<A: Float>(x: &[A]) -> [A; LANES] {
    x.first_chunk().copied().unwrap_or_else(|| {
        let mut lanes = [A::zero(); LANES];
        lanes[..x.len()].copy_from_slice(x);
        lanes
    })
}

/// Replaces each of the first elements by `f` of it and its lane.
#[inline(always)]
fn set_lanes<A: Float>(to: &mut [A], lanes: [A; LANES], f: impl Fn(A, A) -> A) {
    if let Some(to) = to.first_chunk_mut::<LANES>() {
        to.iter_mut().zip(lanes).for_each(|(to, lane)| *to = f(*to, lane));
    } else {
        to.iter_mut().zip(lanes).for_each(|(to, lane)| *to = f(*to, lane));
    }
}
