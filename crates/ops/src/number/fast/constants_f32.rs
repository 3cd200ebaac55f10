//! Constants of the vectorised functions in `f32`, printed by scripts/minimax.py.

#![allow(clippy::approx_constant)] // parts of constants, rounded to this type

/// ln 2 in two parts.
pub const LN_2: [f32; 2] = [0.6931472, -1.9046542e-09];
/// log₁₀ 2 in two parts.
pub const LOG10_2: [f32; 2] = [0.30103, -1.4320989e-08];
/// log₁₀ e in two parts.
pub const LOG10_E: [f32; 2] = [0.4342945, -1.010305e-08];
/// log₂ e in two parts.
pub const LOG2_E: [f32; 2] = [1.442695, 1.925963e-08];
/// π/2 in three parts.
pub const FRAC_PI_2: [f32; 3] = [1.5707964, -4.371139e-08, -1.7151245e-15];
/// Below this `TANH` is used.
pub const TANH_SMALL: f32 = 0.55;
/// Below this `SINH` is used.
pub const SINH_SMALL: f32 = 1.0;
/// Below this `ERF` is used.
pub const ERF_SMALL: f32 = 1.0;
/// The point around which `ERFCX` is.
pub const ERF_CENTRE: f32 = 2.0;
/// From here on erf is 1.
pub const ERF_ONE: f32 = 4.0;
/// (e^r − 1 − r)/r² for |r| ≤ ln 2/2, for e^r; error 2^−28.28.
pub const EXP: [f32; 5] = [0.49999994, 0.1666652, 0.041668393, 0.00836878, 0.0013814466];
/// (e^r − 1 − r)/r² for |r| ≤ ln 2/2, for e^r − 1; error 2^−31.95.
pub const EXP_M1: [f32; 6] = [0.5, 0.16666666, 0.04166636, 0.00833339, 0.001394072, 0.00019845866];
/// (2^r − 1)/r for |r| ≤ 1/2; error 2^−28.92.
pub const EXP_2: [f32; 6] =
    [0.6931472, 0.24022648, 0.055503324, 0.009618437, 0.0013398874, 0.00015353374];
/// (ln((1 + s)/(1 − s)) − 2s)/s³ in s², for (1 + s)/(1 − s) between √2/2 and √2; error 2^−30.21.
pub const LN: [f32; 3] = [0.66666776, 0.39977574, 0.29870936];
/// (sin r − r)/r³ in r², for |r| ≤ π/4; error 2^−37.31.
pub const SIN: [f32; 4] = [-0.16666667, 0.008333329, -0.00019839211, 2.717159e-06];
/// (cos r − 1 + r²/2)/r⁴ in r², for |r| ≤ π/4; error 2^−32.82.
pub const COS: [f32; 3] = [0.041666646, -0.0013887234, 2.4423627e-05];
/// (tan r − r)/r³ in r², for |r| ≤ π/4; error 2^−29.23.
pub const TAN: [f32; 7] =
    [0.33333352, 0.13332528, 0.054075573, 0.02119966, 0.011053708, -0.00019129687, 0.004516882];
/// (tanh x − x)/x³ in x², for |x| ≤ 0.55; error 2^−29.84.
pub const TANH: [f32; 5] = [-0.33333316, 0.13332586, -0.053852312, 0.021071684, -0.0062742457];
/// (sinh x − x)/x³ in x², for |x| ≤ 1.0; error 2^−34.16.
pub const SINH: [f32; 4] = [0.16666667, 0.00833335, 0.0001983616, 2.816951e-06];
/// erf(x)/x − 1 in x², for |x| ≤ 1.0; error 2^−29.62.
pub const ERF: [f32; 7] =
    [0.12837917, -0.37612626, 0.112835854, -0.026853811, 0.0051883273, -0.0008010192, 7.853858e-05];
/// e^(x²)·(1 − erf x) in x − 2.0, for x from 1.0 to 4; the error is that of erf; error 2^−28.63.
pub const ERFCX: [f32; 9] = [
    0.2553956,
    -0.106797785,
    0.041801568,
    -0.01544301,
    0.005475548,
    -0.0018573973,
    0.0005035016,
    -0.00020231596,
    0.00010684052,
];
