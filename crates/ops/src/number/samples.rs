//! Where to test a scalar rule, and what is known of it.

/// What an elementwise rule of `N` operands declares: where to test it, its kinks, and values
/// known from elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Samples<const N: usize> {
    /// For each operand, numbers of its domain, in any combination away from every kink.
    pub samples: [&'static [f64]; N],
    /// Points where the derivative jumps, and the subgradient that the rule takes there.
    pub kinks: &'static [Kink<N>],
    /// Values computed with an independent program, to 17 digits.
    pub known: &'static [([f64; N], f64)],
}

/// A point where a rule is not differentiable, and what is taken there.
#[derive(Clone, Copy, Debug)]
pub struct Kink<const N: usize> {
    /// The operands.
    pub at: [f64; N],
    /// The slope with respect to each operand that the rule gives there.
    pub slopes: [f64; N],
}

/// Samples of both signs.
pub const ANY: &[f64] = &[-1.3, 0.45, -0.6, 1.7, 0.8, -2.1];
/// Samples of both signs that share no number with [`ANY`], for a second operand.
pub const ANY_OTHER: &[f64] = &[0.7, -1.1, 1.35, -0.55, 2.2, 1.6];
/// Positive samples.
pub const POSITIVE: &[f64] = &[0.3, 1.7, 0.9, 2.6, 0.55, 1.2];

/// Samples between −1 and 1.
pub const INSIDE_ONE: &[f64] = &[-0.7, 0.45, -0.6, 0.35, 0.8, -0.15];
/// Samples above 1.
pub const ABOVE_ONE: &[f64] = &[1.3, 2.7, 1.9, 3.6, 1.55, 2.2];

impl<const N: usize> Samples<N> {
    /// The declaration of a rule that is smooth on samples of both signs, without a known value.
    pub const fn anywhere() -> Self {
        Self { samples: [ANY; N], kinks: &[], known: &[] }
    }
}
