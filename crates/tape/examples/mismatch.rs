//! Two shapes that do not broadcast.

use ops::Tensor;
use tape::prelude::*;

fn main() {
    let tape = Tape::<f64>::new();
    let hidden = tape.var(Tensor::zeros(&[64, 256])).named("hidden");
    let bias = tape.var(Tensor::zeros(&[128])).named("bias");
    let _ = hidden + bias;
}
