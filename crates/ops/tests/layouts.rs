//! How a tensor lies in memory changes no result.

use ndarray::{ArrayD, IxDyn};
use ops::declare::sample;
use ops::rules::window::{Conv, MaxPool, MaxPoolSlope, Part, Slide, Slides};
use ops::{Float, Reading, Tensor, prelude::*};

/// All orders of so many axes.
fn orders(axes: usize) -> Vec<Vec<usize>> {
    if axes == 0 {
        return vec![vec![]];
    }
    let shorter = orders(axes - 1);
    let insert = |order: &Vec<usize>, place: usize| {
        let mut order = order.clone();
        order.insert(place, axes - 1);
        order
    };
    shorter.iter().flat_map(|order| (0..axes).map(move |place| insert(order, place))).collect()
}

/// The tensor with its axes in another order in memory.
fn laid_out(x: &Tensor<f64>, order: &[usize]) -> Tensor<f64> {
    let in_memory = x.view().permuted_axes(IxDyn(order)).as_standard_layout().into_owned();
    let mut back = vec![0; order.len()];
    order.iter().enumerate().for_each(|(place, &axis)| back[axis] = place);
    let array: ArrayD<f64> = in_memory.permuted_axes(IxDyn(&back));
    Tensor::from(array)
}

/// `f` gives the same for operands of these shapes however they lie in memory.
fn alike(what: &str, shapes: &[&[usize]], f: impl Fn(&[Tensor<f64>]) -> Tensor<f64>) {
    alike_where(what, shapes, |_, _| true, f);
}

/// [`alike`], where each order of an operand meets only those of the first whose numbers are `paired` with
/// its own.
fn alike_where(
    what: &str,
    shapes: &[&[usize]],
    paired: impl Fn(usize, usize) -> bool,
    f: impl Fn(&[Tensor<f64>]) -> Tensor<f64>,
) {
    let x: Vec<Tensor<f64>> = shapes.iter().enumerate().map(|(i, s)| sample(s, i)).collect();
    let expected = f(&x);
    let doubled = expected.add(&expected).to_vec();
    let firsts = orders(shapes[0].len()).into_iter();
    let firsts: Vec<_> = firsts.map(|order| (laid_out(&x[0], &order), order)).collect();
    for (operand, shape) in shapes.iter().enumerate() {
        for (number, order) in orders(shape.len()).iter().enumerate() {
            let mut x = x.clone();
            x[operand] = laid_out(&x[operand], order);
            // The first operand itself meets no other order of itself.
            let others = if operand == 0 { &firsts[number..=number] } else { &firsts };
            for (other, (first, first_order)) in others.iter().enumerate() {
                if operand > 0 && !paired(number, other) {
                    continue;
                }
                x[0] = first.clone();
                let given = f(&x);
                assert_eq!(given.shape(), expected.shape(), "{what}");
                assert!(
                    are_close(&given.to_vec(), &expected.to_vec()),
                    "{what}: {given} for {expected}, operand {operand} in order {order:?}, the first in {first_order:?}"
                );
                // What lies in another order is used further like any other.
                let again = given.add(&given).reshape(&[given.len()][..]);
                assert!(are_close(&again.to_vec(), &doubled), "{what}, reshaped");
            }
        }
    }
}

fn are_close(given: &[f64], expected: &[f64]) -> bool {
    let mut pairs = given.iter().zip(expected);
    given.len() == expected.len() && pairs.all(|(a, b)| (a - b).abs() <= 1e-12 * (1.0 + b.abs()))
}

#[test]
fn elementwise() {
    alike("a sum", &[&[2, 3, 4], &[2, 3, 4]], |x| x[0].add(&x[1]));
    alike("a broadcast product", &[&[2, 3, 4], &[3, 1]], |x| x[0].mul(&x[1]));
    alike("a short row", &[&[50, 3], &[3]], |x| x[0].mul(&x[1]).tanh());
    alike("a short column", &[&[3, 200], &[3, 1]], |x| x[0].sub(&x[1]));
    alike("accumulation", &[&[4, 3], &[4, 3]], |x| accumulated(&x[0], &x[1]));
}

#[test]
fn products() {
    alike("2×2", &[&[2, 2], &[2, 2]], |x| x[0].matmul(&x[1]));
    alike("a row", &[&[1, 3], &[3, 4]], |x| x[0].matmul(&x[1]));
    alike("a column", &[&[4, 3], &[3, 1]], |x| x[0].matmul(&x[1]));
    alike("an outer product", &[&[4, 1], &[1, 3]], |x| x[0].matmul(&x[1]));
    alike("twice", &[&[2, 2], &[2, 2]], |x| x[0].matmul(&x[1]).matmul(&x[1]).t());
    alike("stacks", &[&[2, 3, 4], &[2, 4, 2]], |x| x[0].matmul(&x[1]));
    alike("a stack and a matrix", &[&[2, 3, 4], &[4, 2]], |x| x[0].matmul(&x[1]));
}

#[test]
fn reductions() {
    for axes in [&[0][..], &[1], &[2], &[0, 2], &[0, 1], &[1, 2]] {
        alike("a sum", &[&[2, 3, 4]], |x| x[0].sum_axes(axes));
        alike("a kept sum", &[&[2, 3, 4]], |x| x[0].sum_keepdims(axes));
        alike("a variance", &[&[2, 3, 4]], |x| x[0].var(axes, 1.0));
        alike("a normalisation", &[&[2, 3, 4]], |x| x[0].normalize(axes, 1e-5));
        alike("a maximum", &[&[2, 3, 4]], |x| x[0].max_axes(axes));
    }
    alike("softmax", &[&[2, 3, 4]], |x| x[0].softmax(1));
    alike("the sum of all", &[&[2, 3, 4]], |x| x[0].sum());
}

#[test]
fn layout() {
    alike("reshape", &[&[2, 3, 4]], |x| x[0].reshape([6, 4]).reshape([3, 8]));
    alike("concat", &[&[2, 3], &[2, 3]], |x| x[0].concat(&x[1..], 0));
    alike("squeeze", &[&[2, 1, 3]], |x| x[0].squeeze(1));
    alike("squeeze of a permutation", &[&[1, 2, 2]], |x| x[0].permute(&[1, 0, 2]).squeeze(1));
}

/// Convolution puts the elements of each operand in order by itself (`elements_in`), whatever the other's is. So
/// each of the 24 orders of the one meets four of the other, its own among them.
#[test]
fn windows() {
    let paired = |one: usize, other: usize| (other + 24 - one).is_multiple_of(6);
    let slides = || Slides::from_slice(&[Slide::new(2).padding(1), Slide::new(2).dilation(2)]);
    let conv = |part, groups| Conv { slides: slides(), groups, part };
    for groups in [1, 2] {
        let weight = [4, 4 / groups, 2, 2];
        let output = conv(Part::Output, groups);
        alike_where("a convolution", &[&[2, 4, 3, 5], &weight], paired, |x| {
            Tensor::apply(output.clone(), &[&x[0], &x[1]])
        });
        let input = conv(Part::Input([3, 5].into_iter().collect()), groups);
        alike_where("its input's gradient", &[&[2, 4, 4, 3], &weight], paired, |x| {
            Tensor::apply(input.clone(), &[&x[0], &x[1]])
        });
        let of_weight = conv(Part::Weight, groups);
        alike_where("its weight's gradient", &[&[2, 4, 3, 5], &[2, 4, 4, 3]], paired, |x| {
            Tensor::apply(of_weight.clone(), &[&x[0], &x[1]])
        });
    }
    for slide in [Slide::new(2).stride(2), Slide::new(3).stride(2).padding(1), Slide::new(2)] {
        let slides = Slides::from_slice(&[slide, slide]);
        let pool = MaxPool { slides: slides.clone() };
        alike("pooling", &[&[2, 3, 4, 5]], |x| Tensor::apply(pool.clone(), &[&x[0]]));
        let y = Tensor::apply(pool.clone(), &[&sample(&[2, 3, 4, 5], 0)]);
        for adjoint in [false, true] {
            let slope = MaxPoolSlope { slides: slides.clone(), adjoint };
            let v: &[usize] = if adjoint { y.shape() } else { &[2, 3, 4, 5] };
            alike("its slope", &[&[2, 3, 4, 5], v], |x| {
                Tensor::apply(slope.clone(), &[&x[0], &x[1]])
            });
        }
    }
}

/// One tensor added to another in place.
fn accumulated<A: Float>(to: &Tensor<A>, other: &Tensor<A>) -> Tensor<A> {
    let mut sum = to.clone();
    sum.accumulate(other.clone());
    sum
}
