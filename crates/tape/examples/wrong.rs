//! What a gradient check says to a wrong slope.

use ops::{Number, Tensor, Unary};
use tape::check::Check;

#[derive(Clone, Copy, Debug)]
struct WrongTanh;

impl Unary for WrongTanh {
    const NAME: &'static str = "wrong_tanh";
    fn value<R: Number>(self, x: R) -> R {
        x.tanh()
    }
    fn slope<R: Number>(self, _x: R, y: R) -> R {
        R::lit(1.0) + y * y
    }
}

fn main() {
    let x = Tensor::from([0.5, 1.5, 0.0]);
    let error = Check::new().run(|v| v[0].unary(WrongTanh), &[x]).unwrap_err();
    println!("{error}");
}
