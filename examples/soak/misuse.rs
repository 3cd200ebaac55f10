//! Ops with extreme arguments: each gives a value or a panic with a sentence of ours.

#[path = "../../crates/tape/tests/common/accidents.rs"]
mod accidents;

use std::panic::{AssertUnwindSafe, catch_unwind};

use ndarray::SliceInfoElem;
use nn::ops::Tensor;
use nn::tape::{Tape, Var, prelude::*};
use rand::Rng;

use crate::{Outcome, one_of};

type Call = for<'t> fn(Var<'t, f64>, [isize; 2]) -> Var<'t, f64>;

const CALLS: [(&str, Call); 18] = [
    ("sum_axes", |x, [a, _]| x.sum_axes(a)),
    ("softmax", |x, [a, _]| x.softmax(a)),
    ("reshape", |x, [a, b]| x.reshape([a, b])),
    ("permute", |x, [a, b]| x.permute(&[a, b])),
    ("expand_dims", |x, [a, _]| x.expand_dims(a)),
    ("repeat", |x, [a, b]| x.repeat(a, b as usize)),
    ("roll", |x, [a, b]| x.roll(a, b)),
    ("triu", |x, [a, _]| x.triu(a)),
    ("tril", |x, [a, _]| x.tril(a)),
    ("cumsum", |x, [a, _]| x.cumsum(a)),
    ("flip", |x, [a, _]| x.flip(a)),
    ("one_hot", |x, [a, _]| x.one_hot(a as usize)),
    ("index_select", |x, [a, b]| x.index_select(a, &[b as usize])),
    ("slice", |x, [a, b]| x.slice([SliceInfoElem::Index(a), SliceInfoElem::Index(b)])),
    ("concat", |x, [a, _]| x.concat(&[x], a)),
    ("stack", |x, [a, _]| x.stack(&[x], a)),
    ("broadcast_to", |x, [a, b]| x.broadcast_to(&[a as usize, b as usize])),
    ("matmul", |x, [a, _]| x.matmul(x.expand_dims(a % 3))),
];

/// Calls ops with extreme arguments; how often, and the first that was not met with a sentence.
pub fn calls(rng: &mut impl Rng) -> (usize, Outcome) {
    let numbers = [0, 1, -1, 2, -3, 7, isize::MAX, isize::MIN, 1 << 40, -(1 << 62)];
    let shapes: [&[usize]; 6] = [&[], &[0], &[1, 0], &[2, 3], &[3, 3, 3], &[1, 1, 1, 1, 1]];
    let mut tried = 0;
    for _ in 0..200 {
        let (name, call) = one_of(rng, &CALLS);
        let arguments = [one_of(rng, &numbers), one_of(rng, &numbers)];
        let shape = one_of(rng, &shapes);
        let fill = one_of(rng, &[0.0, 1.0, f64::NAN, f64::INFINITY, -1e300]);
        tried += 1;
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let tape = Tape::new();
            let x = tape.var(Tensor::full(shape, fill));
            call(x, arguments).sum().backward().wrt(x).len()
        }));
        let Err(panic) = caught else { continue };
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("");
        let accident = accidents::ACCIDENTS.iter().any(|accident| message.contains(accident));
        if message.is_empty() || accident {
            let problem = format!("{name}{arguments:?} of a value of shape {shape:?}: {message}");
            return (tried, Err(problem));
        }
    }
    (tried, Ok(()))
}
