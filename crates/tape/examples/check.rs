//! A gradient check: the right gradient of a function.

use ops::Tensor;
use tape::check::Check;
use tape::prelude::*;

fn main() {
    let x = Tensor::from([[0.3, -1.2], [0.8, 2.0]]);
    let report = Check::new().second_order().run(|v| v[0].tanh().square().sum(), &[x]);
    println!("{}", report.expect("a right gradient"));
}
