//! W5 and W6s in the crate `easy-ml`, which has no tanh: it is (e²ˣ − 1) / (e²ˣ + 1) here, five ops for one.
//!
//! `cargo build --release --manifest-path benches/peers/scalars/Cargo.toml`

#[path = "../../clock.rs"]
#[allow(dead_code, reason = "shared with peers that need more")]
mod clock;
mod work;

use std::hint::black_box;

use clock::Args;
use easy_ml::differentiation::{Record, WengertList};
use easy_ml::numeric::extra::{Exp, Sin};
use work::{CHAINS, LEAVES, Moons, Number, chain};

impl Number for Record<'_, f64> {
    fn sin(self) -> Self {
        Sin::sin(self)
    }

    fn tanh(self) -> Self {
        let power = (self * 2.0).exp();
        (power - 1.0) / (power + 1.0)
    }
}

fn main() {
    let args = Args::read();
    let list = WengertList::<f64>::new();
    match args.workload.as_str() {
        "W5" => {
            let moons = Moons::new();
            args.time("easy_ml", 1, || {
                list.clear();
                let weights: Vec<_> =
                    moons.weights.iter().map(|&w| Record::variable(w, &list)).collect();
                let slopes = moons.loss(&weights, Record::constant).derivatives();
                black_box(weights.iter().map(|w| slopes[w]).sum::<f64>());
            });
        }
        "W6s" => args.time("easy_ml", CHAINS, || {
            for _ in 0..CHAINS {
                list.clear();
                let leaves = LEAVES.map(|x| Record::variable(x, &list));
                black_box(chain(leaves).derivatives()[&leaves[1]]);
            }
        }),
        _ => args.missing("easy_ml"),
    }
}
