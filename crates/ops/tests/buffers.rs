//! Buffers that are used again bring nothing of what they held, and nobody else's numbers change.

use std::sync::Arc;

use ndarray::{ArcArray, Axis, IxDyn, SliceInfoElem, s};
use ops::declare::sample;
use ops::rules::window::{Conv, MaxPool, MaxPoolSlope, Part, Slide, Slides};
use ops::rules::{Assemble, BroadcastTo, Concat, IndexAdd, IndexSelect, Pick, Place, SliceAdjoint};
use ops::{Float, Reading, Rule, Tensor, apply, apply_into, prelude::*};

/// Leaves free buffers full of NaN behind.
fn leave_nan() {
    let sizes = [1_024, 2_048, 4_096, 5_000, 8_192, 10_000, 16_384];
    let all: Vec<_> =
        sizes.iter().map(|&n| [(); 4].map(|()| Tensor::full(&[n], f32::NAN))).collect();
    drop(all);
}

#[test]
fn products() {
    let (a, b) = (Tensor::<f32>::ones(&[100, 50]), Tensor::<f32>::ones(&[50, 100]));
    leave_nan();
    assert_eq!(a.matmul(&b), Tensor::full(&[100, 100], 50.0));
    leave_nan();
    assert_eq!(a.t().matmul(b.t()), Tensor::full(&[50, 50], 100.0));
    leave_nan();
    let stack = Tensor::<f32>::ones(&[4, 50, 50]);
    assert_eq!(stack.matmul(&stack), Tensor::full(&[4, 50, 50], 50.0));
}

#[test]
fn products_of_nothing() {
    let (a, b) = (Tensor::<f32>::zeros(&[100, 0]), Tensor::<f32>::zeros(&[0, 100]));
    leave_nan();
    assert_eq!(a.matmul(&b), Tensor::zeros(&[100, 100]));
    let (a, b) = (Tensor::<f32>::zeros(&[4, 50, 0]), Tensor::<f32>::zeros(&[4, 0, 50]));
    leave_nan();
    assert_eq!(a.matmul(&b), Tensor::zeros(&[4, 50, 50]));
}

/// The tensor with its channels last in memory.
fn channels_last(x: &Tensor<f32>) -> Tensor<f32> {
    let last = x.view().permuted_axes(IxDyn(&[0, 2, 3, 1])).as_standard_layout().into_owned();
    Tensor::from(last.permuted_axes(IxDyn(&[0, 3, 1, 2])))
}

#[test]
fn windows() {
    let slides = Slides::from_slice(&[Slide::new(2).stride(2), Slide::new(2).stride(2)]);
    let conv = |part| Conv { slides: slides.clone(), groups: 1, part };
    let slope = |adjoint| MaxPoolSlope { slides: slides.clone(), adjoint };
    for shape in [[4, 3, 20, 20], [0, 3, 4, 4], [1, 1, 4, 4], [1, 3, 2, 2]] {
        let ones = Tensor::<f32>::ones(&shape);
        let weight = Tensor::<f32>::ones(&[5, shape[1], 2, 2]);
        for x in [channels_last(&ones), ones] {
            leave_nan();
            let y = Tensor::apply(MaxPool { slides: slides.clone() }, &[&x]);
            assert_eq!(y, Tensor::ones(y.shape()));
            assert_eq!(Tensor::apply(slope(true), &[&x, &y]), Tensor::full(&shape, 0.25));
            assert_eq!(Tensor::apply(slope(false), &[&x, &x]), y);
            leave_nan();
            let y = Tensor::apply(conv(Part::Output), &[&x, &weight]);
            assert_eq!(y, Tensor::full(y.shape(), 4.0 * shape[1] as f32));
            leave_nan();
            let gradient = Tensor::apply(conv(Part::Weight), &[&x, &y]);
            assert_eq!(gradient, Tensor::full(gradient.shape(), y.sum().item() / 5.0));
        }
    }
}

#[test]
fn axes_that_run_backwards() {
    let x: Tensor<f32> = sample(&[40, 50], 0).cast();
    let mut view = x.view();
    view.invert_axis(Axis(0));
    let straight = Tensor::from(view);
    let mut array = x.view().into_owned();
    array.invert_axis(Axis(0));
    let backwards = Tensor::from(array);
    leave_nan();
    assert_eq!(backwards.tanh(), straight.tanh());
    assert_eq!(backwards.t().add(x.t()), straight.t().add(x.t()));
    assert_eq!(accumulated(&backwards, &backwards), straight.add(&straight));
    assert_eq!(accumulated(&backwards, &x), straight.add(&x));
    assert_eq!(accumulated(&x, &backwards), x.add(&straight));
    assert_eq!(backwards.sum_axes(0), straight.sum_axes(0));
    assert_eq!(backwards.matmul(x.t()), straight.matmul(x.t()));
}

#[test]
fn a_part_of_an_array_that_someone_else_holds() {
    let whole = ArcArray::<f32, _>::zeros((100, 100));
    let part = Tensor::from(whole.clone().slice_move(s![10..20, 5..7]));
    let ones = Tensor::<f32>::ones(&[10, 2]);
    assert_eq!(accumulated(&part, &ones), ones);
    assert_eq!(part, Tensor::zeros(&[10, 2]));
    drop(part);
    leave_nan();
    assert!(whole.iter().all(|&x| x == 0.0));
}

/// The value of a rule is written to the buffer that is there, whatever that held.
fn written_in_place(rule: &impl Rule, operands: &[&Tensor<f64>]) {
    let wanted = apply(rule, operands).unwrap();
    let mut out = Tensor::full(wanted.shape(), f64::NAN);
    let place = out.view().as_ptr();
    apply_into(rule, operands, &mut out).unwrap();
    assert_eq!(out, wanted, "{rule:?}");
    assert_eq!(out.view().as_ptr(), place, "{rule:?}");
}

#[test]
fn what_is_put_together_or_picked() {
    let part = |elements: &[SliceInfoElem]| -> Arc<[SliceInfoElem]> { elements.into() };
    let (x, row) = (&sample(&[3, 4], 0), &sample(&[4], 1));
    let turned = &sample(&[4, 3], 2).t();
    let reversed = &x.slice(s![.., ..;-1]);
    let (columns, other) = (&x.slice(s![.., 1..3]), &sample(&[3, 1], 5));
    written_in_place(&Concat { axis: 1 }, &[x, turned]);
    written_in_place(&Concat { axis: 1 }, &[columns, reversed, other]);
    written_in_place(&Concat { axis: 0 }, &[x, reversed, turned]);
    written_in_place(
        &SliceAdjoint { part: part(s![1..4, ..2].as_ref()), shape: [5, 3].into_iter().collect() },
        &[columns],
    );
    written_in_place(&IndexSelect { axis: 1, indices: [3, 0, 0].into() }, &[turned]);
    written_in_place(&IndexAdd { axis: 0, indices: [4, 1, 4].into(), length: 5 }, &[x]);
    written_in_place(&Pick { indices: [3, 0, 2].into() }, &[turned]);
    written_in_place(&Place { indices: [1, 1, 0, 4].into(), columns: 5 }, &[row]);
    written_in_place(&BroadcastTo { shape: [3, 4].into_iter().collect() }, &[row]);
    let tiles = [part(s![.., 4..].as_ref()), part(s![.., ..4].as_ref())];
    let shape = [3, 8].into_iter().collect();
    written_in_place(&Assemble { parts: tiles.into(), shape }, &[x, turned]);
    let meeting = [part(s![.., 3..].as_ref()), part(s![.., ..4].as_ref())];
    let shape = [3, 8].into_iter().collect();
    written_in_place(&Assemble { parts: meeting.into(), shape }, &[&sample(&[3, 5], 3), x]);
}

/// One tensor added to another in place.
fn accumulated<A: Float>(to: &Tensor<A>, other: &Tensor<A>) -> Tensor<A> {
    let mut sum = to.clone();
    sum.accumulate(other.clone());
    sum
}

#[test]
fn what_shares_memory_is_told() {
    let whole = ArcArray::<f64, _>::zeros((4, 2));
    let part = |rows: std::ops::Range<usize>, step: isize| {
        Tensor::from(whole.clone().slice_move(s![rows; step, ..]))
    };
    let (top, rest, all) = (part(0..2, 1), part(2..4, 1), part(0..4, 1));
    assert!(top.shares_memory_with(&all) && all.shares_memory_with(&rest));
    assert!(!top.shares_memory_with(&rest) && !rest.shares_memory_with(&top), "side by side");
    // From the last row to the first.
    let backwards = part(0..2, -1);
    assert!(backwards.shares_memory_with(&top) && !backwards.shares_memory_with(&rest));
    // The elements of a column lie between those of the rows.
    let column = Tensor::from(whole.clone().slice_move(s![.., 0]));
    assert!(column.shares_memory_with(&rest) && part(1..2, 1).shares_memory_with(&column));
    assert!(!all.shares_memory_with(&Tensor::zeros(&[4, 2])));
}

/// A tensor that takes a number for its elements has no axes afterwards, and one that takes a row has.
#[test]
fn what_is_shared_keeps_its_number_of_axes() {
    let (row, number) = (Tensor::from([1.0, 2.0]), Tensor::scalar(3.0));
    let mut x = Tensor::from([0.0]);
    for (other, scalar) in [(&number, Some(3.0)), (&row, None), (&row, None), (&number, Some(3.0))]
    {
        x.share(other);
        assert_eq!((x.shape(), x.as_scalar()), (other.shape(), scalar));
        assert_eq!((&x, x.shares_memory_with(other)), (other, scalar.is_none()));
    }
}
