//! Clipping gradients.

use ops::{Float, Tensor};

use crate::ground::Error;
use crate::ground::setting::{check, check_positive};
use crate::model::{Gradients, Module};

/// What PyTorch adds to a norm before it divides by it.
const NORM_EPSILON: f64 = 1e-6;

/// Scales all gradients of a model by one factor, so that their common Euclidean norm is at most
/// `max`, and returns the norm from before. The direction stays.
///
/// The usual remedy for the rare huge gradient of a recurrent network. Call it between the pass's
/// gradients and the step. Pascanu, Mikolov & Bengio, *On the difficulty of training recurrent
/// neural networks*, 2013, algorithm 1, with PyTorch's factor max / (norm + 10⁻⁶).
///
/// # Errors
/// If `max` is not positive and finite, or a gradient is infinite or NaN: which. No gradient is
/// changed then.
///
/// ```
/// use nn::prelude::*;
///
/// let layer = Dense::<f32>::new(2, 1, &mut nn::rng(0));
/// let mut gradients = nn::Gradients::default();
/// gradients.insert(&layer.weight, [[3.0, 0.0]]);
/// gradients.insert(&layer.bias, [4.0]);
/// assert_eq!(clip_norm(&mut gradients, &layer, 1.0)?, 5.0);
/// let [w, b] = [&layer.weight, &layer.bias].map(|p| gradients.of(p).unwrap().to_vec());
/// assert!((w[0] - 0.6).abs() < 1e-6 && (b[0] - 0.8).abs() < 1e-6);
/// # Ok::<(), nn::Error>(())
/// ```
pub fn clip_norm<A: Float>(
    gradients: &mut Gradients<A>,
    model: &dyn Module<A>,
    max: f64,
) -> Result<f64, Error> {
    clip_p_norm(gradients, model, max, 2.0)
}

/// [`clip_norm`] with the p-norm (Σ |g|ᵖ)^(1/p); with p = ∞, the largest |g|.
///
/// # Errors
/// As [`clip_norm`], and if p is below 1 or NaN.
pub fn clip_p_norm<A: Float>(
    gradients: &mut Gradients<A>,
    model: &dyn Module<A>,
    max: f64,
    p: f64,
) -> Result<f64, Error> {
    check_positive("the largest norm", max)?;
    let (most, norm) = checked_norm(gradients, model, p)?;
    // With a common factor of 1 the norm itself; the norm alone may be beyond all numbers.
    let factor = max / most / (norm + NORM_EPSILON / most);
    if factor < 1.0 {
        if factor >= f64::from(f32::MIN_POSITIVE) {
            let factor = A::from_f64(factor);
            change(gradients, model, |g| g * factor);
        } else {
            change(gradients, model, |g| A::from_f64(g.to_f64() * factor));
        }
    }
    Ok(most * norm)
}

/// The p-norm of all gradients of a model together: (Σ |g|ᵖ)^(1/p), for p = ∞ the largest |g|. 0 if
/// nothing has a gradient.
///
/// It is summed in `f64` and in a fixed order, so that it is the same each time.
///
/// # Errors
/// If p is below 1 or NaN, a gradient is infinite or NaN (which), or all are another model's.
pub fn gradient_norm<A: Float>(
    gradients: &Gradients<A>,
    model: &dyn Module<A>,
    p: f64,
) -> Result<f64, Error> {
    let (most, norm) = checked_norm(gradients, model, p)?;
    Ok(most * norm)
}

/// The norm as a common factor of the gradients and the norm of what is left of them.
fn checked_norm<A: Float>(
    gradients: &Gradients<A>,
    model: &dyn Module<A>,
    p: f64,
) -> Result<(f64, f64), Error> {
    check("the order of the norm", p, p >= 1.0, "at least 1")?;
    gradients.check_owner(model)?;
    let (mut most, mut norms) = (0.0, Vec::new());
    each(gradients, model, |gradient| {
        norms.push(norm(gradient, p));
        most = largest(numbers(gradient), most);
        Ok(())
    })?;
    let total = p_norm(norms.iter().copied(), p);
    // The power of the largest neither overflows nor vanishes.
    let safe = p == f64::INFINITY || most.powf(p).is_normal();
    if most == 0.0 || safe && total.is_finite() {
        return Ok((1.0, total));
    }
    if most.is_finite() {
        norms.clear();
        each(gradients, model, |gradient| {
            norms.push(p_norm(numbers(gradient).map(|g| g / most), p));
            Ok(())
        })?;
        return Ok((most, p_norm(norms.into_iter(), p)));
    }
    each(gradients, model, |gradient| if gradient.is_finite() { Ok(()) } else { Err(()) })?;
    Ok((1.0, total))
}

/// Clips every number of every gradient of a model to [−`max`, `max`]. The direction changes.
///
/// # Errors
/// If `max` is not positive and finite, or a gradient holds a NaN: which. No gradient is changed
/// then.
pub fn clip_value<A: Float>(
    gradients: &mut Gradients<A>,
    model: &dyn Module<A>,
    max: f64,
) -> Result<(), Error> {
    check_positive("the largest value", max)?;
    gradients.check_owner(model)?;
    each(gradients, model, |gradient| {
        if gradient.view().iter().any(|g| g.is_nan()) { Err(()) } else { Ok(()) }
    })?;
    let max = A::from_f64(max);
    change(gradients, model, |g| g.minimum(max).maximum(-max));
    Ok(())
}

/// Looks at every gradient. An error of `look` names the parameter.
fn each<A: Float>(
    gradients: &Gradients<A>,
    model: &dyn Module<A>,
    mut look: impl FnMut(&Tensor<A>) -> Result<(), ()>,
) -> Result<(), Error> {
    let mut result = Ok(());
    model.visit(&mut |path, parameter| {
        if result.is_ok()
            && let Some(gradient) = gradients.of(parameter)
        {
            let parameter = path.to_owned();
            result = look(gradient).map_err(|()| Error::GradientNotFinite { parameter });
        }
    });
    result
}

/// Changes every number of every gradient.
fn change<A: Float>(gradients: &mut Gradients<A>, model: &dyn Module<A>, to: impl Fn(A) -> A) {
    model.visit(&mut |_, parameter| {
        if let Some(gradient) = gradients.of_mut(parameter) {
            gradient.view_mut().map_inplace(|g| *g = to(*g));
        }
    });
}

fn numbers<A: Float>(gradient: &Tensor<A>) -> impl Iterator<Item = f64> {
    gradient.view().into_iter().map(|g| g.to_f64())
}

/// The p-norm of one gradient.
fn norm<A: Float>(gradient: &Tensor<A>, p: f64) -> f64 {
    match gradient.view().as_slice_memory_order() {
        Some(elements) if p == 2.0 => sum_of_squares(elements).sqrt(),
        _ => p_norm(numbers(gradient), p),
    }
}

/// Σ g², in eight sums side by side, which the processor can do at once.
fn sum_of_squares<A: Float>(elements: &[A]) -> f64 {
    let mut sums = [0.0; 8];
    for eight in elements.chunks(8) {
        for (sum, g) in sums.iter_mut().zip(eight) {
            *sum += g.to_f64() * g.to_f64();
        }
    }
    sums.iter().sum()
}

fn p_norm(numbers: impl Iterator<Item = f64>, p: f64) -> f64 {
    if p == f64::INFINITY {
        return largest(numbers, 0.0);
    }
    if p == 2.0 {
        return numbers.map(|x| x * x).sum::<f64>().sqrt();
    }
    numbers.map(|x| x.abs().powf(p)).sum::<f64>().powf(p.recip())
}

/// The largest |x|, or `most` if that is larger, or NaN, which `f64::max` would pass over.
fn largest(numbers: impl Iterator<Item = f64>, most: f64) -> f64 {
    numbers.fold(most, |most, x| if x.abs() <= most { most } else { x.abs() })
}
