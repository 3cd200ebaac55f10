//! Stage 6: a layer, and a network of layers.

use super::stage_5::{Matrix, Var};

// ANCHOR: parameters
/// What training changes: for each layer its weights, `[inputs, outputs]`, and its bias,
/// `[1, outputs]`.
pub fn parameters(sizes: &[usize], mut draw: impl FnMut() -> f64) -> Vec<Matrix> {
    let layers = sizes.windows(2).flat_map(|pair| {
        let (inputs, outputs) = (pair[0], pair[1]);
        let scale = 1.0 / (inputs as f64).sqrt();
        let weights = Matrix::from_fn([inputs, outputs], |_, _| scale * draw());
        [weights, Matrix::zeros([1, outputs])]
    });
    layers.collect()
}
// ANCHOR_END: parameters

// ANCHOR: layer
/// One layer of tanh units. Each row of `x` is a sample, each column of the result a unit.
pub fn layer<'t>(x: Var<'t>, weights: Var<'t>, bias: Var<'t>) -> Var<'t> {
    (x.matmul(weights) + bias).tanh()
}

/// Layer after layer: the parameters are weights, bias, weights, bias, …
pub fn network<'t>(x: Var<'t>, parameters: &[Var<'t>]) -> Var<'t> {
    let mut x = x;
    for pair in parameters.chunks(2) {
        x = layer(x, pair[0], pair[1]);
    }
    x
}
// ANCHOR_END: layer
