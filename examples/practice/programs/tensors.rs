//! Programs of vectors, matrices and images.

use ops::rules::Slide;
use tape::Var;
use tape::prelude::*;

use super::{Asked, Program};
use crate::draw::Draw;

/// A scalar of a tensor: the sum of squares, or a weighted sum.
fn to_scalar<'t>(draw: &mut Draw<'t>, x: Var<'t, f64>) -> (Vec<Asked<'t>>, Var<'t, f64>) {
    let terms = match draw.pick(3) {
        0 => x.square().named("s"),
        1 => x.tanh().named("s"),
        _ => {
            let weights = draw.constant("t", &x.shape());
            (x * weights).named("s")
        }
    };
    let element = draw.pick(super::length(x));
    let local = Asked::Local { node: terms, element, operand: 0, of: element };
    (vec![Asked::some(draw, terms), local], terms.sum().named("L"))
}

/// Level 4: a matrix and a vector, or two matrices.
pub fn product<'t>(draw: &mut Draw<'t>) -> Program<'t> {
    let (left, right, result) = if draw.pick(2) == 0 {
        let (w, x) = (draw.variable("W", &[2, 3]), draw.variable("x", &[3]));
        (w, x, w.matmul(x).named("z"))
    } else {
        let (a, b) = (draw.variable("A", &[2, 2]), draw.variable("B", &[2, 2]));
        (a, b, a.matmul(b).named("C"))
    };
    let (mut asked, output) = to_scalar(draw, result);
    asked.push(Asked::some(draw, result));
    for operand in [left, right] {
        asked.extend([Asked::some(draw, operand), Asked::some(draw, operand)]);
    }
    Program { output, asked }
}

/// Level 5: a vector added to every row, a number times a vector, or a column and a row.
pub fn broadcasting<'t>(draw: &mut Draw<'t>) -> Program<'t> {
    let (wide, spread, result) = match draw.pick(3) {
        0 => {
            let (x, b) = (draw.variable("X", &[2, 3]), draw.variable("b", &[3]));
            (x, b, (x + b).named("Z"))
        }
        1 => {
            let (v, s) = (draw.variable("v", &[3]), draw.variable("s₀", &[]));
            (v, s, (s * v).named("z"))
        }
        _ => {
            let (row, column) = (draw.variable("r", &[3]), draw.variable("c", &[2, 1]));
            (row, column, (column * row).named("Z"))
        }
    };
    let (mut asked, output) = to_scalar(draw, result);
    asked.push(Asked::some(draw, result));
    asked.extend([wide, spread].map(|x| Asked::some(draw, x)));
    asked.push(Asked::some(draw, spread));
    Program { output, asked }
}

/// Level 6: three scores, of which one class is right.
pub fn cross_entropy<'t>(draw: &mut Draw<'t>) -> Program<'t> {
    let (w, x) = (draw.variable("W", &[3, 2]), draw.variable("x", &[2]));
    let scores = w.matmul(x).named("z");
    let right = draw.pick(3);
    let target: Vec<f64> = (0..3).map(|class| f64::from(u8::from(class == right))).collect();
    let target = draw.fixed("y", target);
    let (mut asked, output) = if draw.pick(2) == 0 {
        (Vec::new(), scores.softmax_cross_entropy(target).named("L"))
    } else {
        // Op by op, as the textbook has it.
        let p = scores.softmax(-1).named("p");
        let logarithms = p.ln().named("l");
        let chosen = (target * logarithms).named("c");
        let sum = chosen.sum().named("S");
        let output = (-sum).named("L");
        let of = Asked::Local { node: p, element: right, operand: 0, of: draw.pick(3) };
        let asked = [
            Asked::Adjoint { node: logarithms, element: right },
            Asked::Adjoint { node: p, element: right },
            of,
        ];
        (asked.to_vec(), output)
    };
    asked.extend((0..3).map(|element| Asked::Adjoint { node: scores, element }));
    asked.extend([w, w, x].map(|x| Asked::some(draw, x)));
    Program { output, asked }
}

/// Level 7: a kernel that slides over a row of numbers or over an image.
pub fn convolution<'t>(draw: &mut Draw<'t>) -> Program<'t> {
    let (image, kernel, slides): (&[usize], &[usize], &[Slide]) = if draw.pick(2) == 0 {
        (&[1, 1, 4], &[1, 1, 2], &[Slide::new(2)])
    } else {
        (&[1, 1, 3, 3], &[1, 1, 2, 2], &[Slide::new(2), Slide::new(2)])
    };
    let plain = |shape: &'static [usize]| &shape[2..];
    let (x, k) = (draw.variable("x", plain(image)), draw.variable("k", plain(kernel)));
    // A batch of one image with one channel.
    let batch = x.reshape(image).named("X");
    let weight = k.reshape(kernel).named("K");
    let out = batch.conv(weight, slides, 1).named("Z");
    let last: Vec<usize> = out.shape()[2..].to_vec();
    let result = out.reshape(&last[..]).named("z");
    let (mut asked, output) = to_scalar(draw, result);
    asked.push(Asked::some(draw, result));
    asked.extend([k, k, x, x].map(|x| Asked::some(draw, x)));
    Program { output, asked }
}

/// Level 9: scores of a query against three keys, softmax, and the weighted sum of three values.
pub fn attention<'t>(draw: &mut Draw<'t>) -> Program<'t> {
    let (q, k, v) =
        (draw.variable("q", &[2]), draw.variable("K", &[3, 2]), draw.variable("V", &[3, 2]));
    let scores = k.matmul(q).named("s");
    let root = draw.fixed("d", 0.5_f64.sqrt());
    let scaled = (scores * root).named("r");
    let weights = scaled.softmax(-1).named("a");
    let result = weights.matmul(v).named("o");
    let target = draw.constant("t", &[2]);
    let output = (result * target).named("m").sum().named("L");
    let asked = [result, weights, weights, scaled, scores, v, q, q, k];
    let asked = asked.map(|x| Asked::some(draw, x)).to_vec();
    Program { output, asked }
}
