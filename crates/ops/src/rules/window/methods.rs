//! The methods of convolution and pooling.

use std::borrow::Borrow;

use crate::kernel::{Part, Slide, Slides};
use crate::rule::Reading;
use crate::rules::layout::Padding;
use crate::rules::methods::{BinaryMethods, LayoutMethods, LinearMethods, ReduceMethods};
use crate::rules::window::{Conv, MaxPool, Windows};

/// Convolution and pooling, for every algebra of tensors, of `[batch, channels, length]` or
/// `[batch, channels, height, width]`; one [`Slide`] for each spatial axis. Every method panics
/// with a sentence where channels, axes or kernel do not fit.
pub trait WindowMethods: Reading {
    /// Convolution with a weight `[outputs, channels/groups, …kernel]`.
    ///
    /// # Panics
    /// If channels or kernel do not fit.
    #[track_caller]
    fn conv(&self, weight: impl Borrow<Self>, slides: &[Slide], groups: usize) -> Self {
        let conv = Conv { slides: Slides::from_slice(slides), groups, part: Part::Output };
        Self::apply(conv, &[self, weight.borrow()])
    }
    /// Transposed convolution with a weight `[channels, outputs/groups, …kernel]`: the adjoint of
    /// the convolution with the same weight, to a result longer by `output_padding` than the
    /// shortest that the convolution would take to this shape.
    ///
    /// # Panics
    /// If channels or kernel do not fit, or the output padding is not below the stride.
    #[track_caller]
    fn conv_transposed(
        &self,
        weight: impl Borrow<Self>,
        slides: &[Slide],
        groups: usize,
        output_padding: &[usize],
    ) -> Self {
        let shape = self.shape();
        let lengths = shape.iter().skip(2).zip(slides.iter().zip(output_padding));
        let to = lengths
            .map(|(&n, (s, &extra))| {
                assert!(
                    extra < s.stride,
                    "conv_transposed: the output padding {extra} must be below the stride {}",
                    s.stride
                );
                let full = n.saturating_sub(1) * s.stride + s.span() + extra;
                full.saturating_sub(s.padding.0 + s.padding.1)
            })
            .collect();
        let conv = Conv { slides: Slides::from_slice(slides), groups, part: Part::Input(to) };
        Self::apply(conv, &[self, weight.borrow()])
    }
    /// The largest element of each window; ties share the gradient. With `ceil`, a last window
    /// that is only partly inside counts too.
    ///
    /// # Panics
    /// If a window does not fit, or the padding exceeds half the window.
    #[track_caller]
    fn max_pool(&self, slides: &[Slide], ceil: bool) -> Self {
        Self::apply(MaxPool { slides: pool_slides(self, slides, ceil) }, &[self])
    }
    /// The mean of each window. Padding counts as zeros, or, without `count_padding`, not at all.
    ///
    /// # Panics
    /// If a window does not fit, or the padding exceeds half the window.
    #[track_caller]
    fn avg_pool(&self, slides: &[Slide], ceil: bool, count_padding: bool) -> Self {
        let all = pool_slides(self, slides, ceil);
        let windows =
            |slides: &[Slide]| Windows { slides: Slides::from_slice(slides), adjoint: None };
        let sums = Self::apply(windows(&all), &[self]).sum_axes(2);
        let size: usize = all.iter().map(|s| s.kernel).product();
        let plain = all.iter().zip(slides).all(|(a, s)| a.padding == s.padding)
            && (count_padding || all.iter().all(|s| s.padding == (0, 0)));
        if plain {
            return sums.scale(1.0 / size as f64);
        }
        // How many elements each window counts: the same windows of ones.
        let mut ones = self.scalar(1.0).broadcast_to(&self.shape());
        let mut counted = all.clone();
        if count_padding {
            for (axis, (slide, asked)) in counted.iter_mut().zip(slides).enumerate() {
                let (before, after) = asked.padding;
                ones = ones.pad(axis as isize + 2, before, after, Padding::Constant(1.0));
                slide.padding = (0, slide.padding.1 - after);
            }
        }
        sums.div(Self::apply(windows(&counted), &[&ones]).sum_axes(2))
    }
}
impl<T: Reading> WindowMethods for T {}

#[track_caller]
fn pool_slides<T: Reading>(x: &T, slides: &[Slide], ceil: bool) -> Slides {
    let shape = x.shape();
    slides
        .iter()
        .enumerate()
        .map(|(i, slide)| {
            let (before, after) = slide.padding;
            assert!(
                before.max(after) * 2 <= slide.span(),
                "pooling: a padding of {} exceeds half the window of {}, so that a window could \
                 lie outside altogether",
                before.max(after),
                slide.span()
            );
            match shape.get(i + 2) {
                Some(&length) if ceil => slide.ceil(length),
                _ => *slide,
            }
        })
        .collect()
}
