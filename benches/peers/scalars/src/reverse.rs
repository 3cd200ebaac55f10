//! W5 and W6s in the crate `reverse`.
//!
//! `cargo build --release --manifest-path benches/peers/scalars/Cargo.toml`

#[path = "../../clock.rs"]
#[allow(dead_code, reason = "shared with peers that need more")]
mod clock;
mod work;

use std::hint::black_box;

use clock::Args;
use reverse::{Gradient, Tape, Var};
use work::{CHAINS, LEAVES, Moons, Number, chain};

impl Number for Var<'_> {
    fn sin(self) -> Self {
        Var::sin(&self)
    }

    fn tanh(self) -> Self {
        Var::tanh(&self)
    }
}

fn main() {
    let args = Args::read();
    match args.workload.as_str() {
        "W5" => {
            let moons = Moons::new();
            args.time("reverse", 1, || {
                let tape = Tape::new();
                let weights = tape.add_vars(&moons.weights);
                let loss = moons.loss(&weights, |x| tape.add_var(x));
                black_box(loss.grad().wrt(&weights));
            });
        }
        "W6s" => args.time("reverse", CHAINS, || {
            for _ in 0..CHAINS {
                let tape = Tape::new();
                let leaves = LEAVES.map(|x| tape.add_var(x));
                black_box(chain(leaves).grad().wrt(&leaves[1]));
            }
        }),
        _ => args.missing("reverse"),
    }
}
