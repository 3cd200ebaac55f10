//! The methods of convolution and pooling.

use std::borrow::Borrow;

use super::{Conv, MaxPool, Part, Slide, Slides, Windows};
use crate::ground::Shape;
use crate::rule::Reading;
use crate::rules::layout::Padding;
use crate::rules::methods::{BinaryMethods, LayoutMethods, LinearMethods};

/// Convolution and pooling, for every reading of tensors, of `[batch, channels, length]`,
/// `[batch, channels, height, width]` or `[batch, channels, depth, height, width]`; one [`Slide`]
/// for each spatial axis. Every method panics
/// with a sentence where channels, axes or kernel do not fit.
pub trait WindowMethods: Reading {
    /// Convolution with a weight `[outputs, channels/groups, …kernel]`.
    ///
    /// # Panics
    /// If channels or kernel do not fit.
    #[doc(alias = "conv1d")]
    #[doc(alias = "conv2d")]
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
    #[doc(alias = "conv_transpose2d")]
    #[track_caller]
    fn conv_transposed(
        &self,
        weight: impl Borrow<Self>,
        slides: &[Slide],
        groups: usize,
        output_padding: &[usize],
    ) -> Self {
        let shape = self.shape();
        assert!(
            output_padding.len() == slides.len(),
            "conv_transposed: there are {} output paddings for {} spatial axes; one for each is \
             needed",
            output_padding.len(),
            slides.len()
        );
        let mut to = Shape::new();
        // A loop and not a closure, so that a panic is at the caller's line.
        for (&n, (s, &extra)) in shape.iter().skip(2).zip(slides.iter().zip(output_padding)) {
            assert!(
                extra < s.stride,
                "conv_transposed: the output padding {extra} must be below the stride {}",
                s.stride
            );
            to.push(s.covered(n, extra));
        }
        let conv = Conv { slides: Slides::from_slice(slides), groups, part: Part::Input(to) };
        Self::apply(conv, &[self, weight.borrow()])
    }
    /// The largest element of each window; ties share the gradient. With `ceil`, a last window
    /// that is only partly inside counts too.
    ///
    /// # Panics
    /// If a window does not fit, or the padding exceeds half the window.
    #[doc(alias = "max_pool2d")]
    #[track_caller]
    fn max_pool(&self, slides: &[Slide], ceil: bool) -> Self {
        Self::apply(MaxPool { slides: pool_slides(self, slides, ceil) }, &[self])
    }
    /// The mean of each window. Padding counts as zeros, or, without `count_padding`, not at all.
    ///
    /// # Panics
    /// If a window does not fit, or the padding exceeds half the window.
    #[doc(alias = "avg_pool2d")]
    #[track_caller]
    fn avg_pool(&self, slides: &[Slide], ceil: bool, count_padding: bool) -> Self {
        let all = pool_slides(self, slides, ceil);
        let windows =
            |slides: &[Slide]| Windows { slides: Slides::from_slice(slides), adjoint: None };
        let sums = Self::apply(windows(&all), &[self]).sum_axes(2);
        let size: usize = all.iter().map(|s| s.kernel).product(); // The windows had room.
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
    for slide in slides {
        let most = slide.padding.0.max(slide.padding.1);
        assert!(
            most <= slide.span() / 2,
            "pooling: a padding of {most} exceeds half the window of {}, so that a window could lie \
             outside altogether",
            slide.span()
        );
    }
    let fitted = slides.iter().enumerate().map(|(i, slide)| match shape.get(i + 2) {
        Some(&length) if ceil => slide.ceil(length),
        _ => *slide,
    });
    fitted.collect()
}
