//! Sizes that no memory holds are refused in sentences, and not wrapped.

use ops::methods::*;
use ops::rules::{Indices, NewShape, Padding, Slide};
use ops::shape::{count, room};
use ops::{Tensor, TensorError};

const HALF: usize = 1 << 63;

/// The message of the panic, which is at a line of this file.
#[track_caller]
fn refusal<T>(run: impl FnOnce() -> T) -> String {
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    let payload = payload.err().expect("it should be refused");
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast::<&str>().expect("a message")).to_owned(),
    }
}

#[test]
fn the_elements_of_a_shape_are_counted_without_wrapping() {
    assert_eq!(count(&[], 8), Ok(1));
    assert_eq!(count(&[3, 4], 8), Ok(12));
    assert_eq!(count(&[usize::MAX >> 1, 0], 1), Ok(0));
    for shape in [&[HALF, 2][..], &[HALF], &[usize::MAX], &[1 << 32, 1 << 32], &[HALF, 0]] {
        let error = count(shape, 8).unwrap_err().to_string();
        assert!(error.contains(&format!("{shape:?}")), "{error}");
    }
    // It could be addressed, but no machine has it.
    assert!(count(&[1 << 50], 8).is_ok());
    let error = room(&[1 << 50], 8).unwrap_err().to_string();
    assert_eq!(
        error,
        "a tensor of shape [1125899906842624] would take 9.0e15 bytes, which is more than can be \
         allocated"
    );
    assert!(room(&[1 << 50, 0], 8).is_ok());
}

#[test]
fn a_result_that_memory_cannot_hold_is_refused_with_its_size() {
    let x = Tensor::<f64>::ones(&[2, 3]);
    let empty = Tensor::<f64>::ones(&[3, 0]);
    let (row, column) = (Tensor::<f64>::ones(&[1, 1 << 20]), Tensor::<f64>::ones(&[1 << 20, 1]));
    let labels = Tensor::<f64>::zeros(&[2]);
    for message in [
        refusal(|| Tensor::<f64>::zeros(&[HALF, 2])),
        refusal(|| Tensor::<f32>::full(&[1 << 45, 4], 1.0)),
        refusal(|| x.repeat(0, HALF + 1)),
        refusal(|| x.tile(0, HALF + 1)),
        refusal(|| empty.repeat(0, 1 << 50)),
        refusal(|| x.pad(0, usize::MAX, 1, Padding::Edge)),
        refusal(|| x.pad(1, 1, usize::MAX, Padding::Constant(0.0))),
        refusal(|| labels.one_hot(HALF)),
        refusal(|| x.upsample_nearest(0, usize::MAX)),
        refusal(|| x.upsample_linear(0, 1 << 50)),
        refusal(|| x.adaptive_avg_pool(1, HALF)),
        refusal(|| x.broadcast_to(&[usize::MAX, 2, 3])),
        refusal(|| column.mul(&row).outer(&column.mul(&row))),
        refusal(|| x.index_add(0, &[0, 1], usize::MAX)),
    ] {
        let size = message.contains(" bytes") || message.contains(" GB");
        assert!(message.contains("shape [") && size, "{message}");
    }
}

#[test]
fn numbers_at_their_bounds_are_refused_or_right() {
    let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let message = refusal(|| x.reshape([isize::MAX, 3]));
    assert!(message.contains("holds more than memory can address"), "{message}");
    // It used to be read as −1, which stands for what is left.
    let message = refusal(|| x.reshape(NewShape::from(&[usize::MAX][..])));
    assert!(message.contains("6 elements cannot be laid out as"), "{message}");
    let message = refusal(|| x.reshape([0, -1]));
    assert!(message.contains("beside a length of 0 none can be inferred"), "{message}");
    let message = refusal(|| x.split(1, &[usize::MAX, 4]));
    assert!(message.contains("sum to 18446744073709551615"), "{message}");
    assert_eq!(x.triu(isize::MIN), x);
    assert_eq!(x.tril(isize::MIN), x.zeros_like());
    assert_eq!(x.triu(isize::MAX), x.zeros_like());
    assert_eq!(x.roll(1, isize::MIN), x.roll(1, isize::MIN.rem_euclid(3)));
    assert_eq!(x.roll(1, 1), Tensor::from([[3.0, 1.0, 2.0], [6.0, 4.0, 5.0]]));
    assert_eq!(x.diagonal(isize::MIN).shape(), [0]);
    let message = refusal(|| x.sum_to(&[2, 2, 3]));
    assert!(message.contains("sum_to: it cannot be summed to [2, 2, 3]"), "{message}");
    let error = Indices::new(&[HALF, 2], vec![]).unwrap_err();
    assert!(matches!(error, TensorError::Elements { .. }));
    assert!(error.to_string().contains("larger than memory can be addressed"), "{error}");
}

#[test]
fn slides_at_their_bounds_are_refused_or_right() {
    let x = Tensor::<f64>::ones(&[1, 1, 4]);
    let weight = Tensor::<f64>::ones(&[1, 1, 2]);
    let pair = Slide::new(2);
    for (slide, says) in [
        (pair.padding(HALF), "the padding is 9223372036854775808 before"),
        (pair.stride(0), "the stride is 0"),
        (pair.dilation(0), "the dilation is 0"),
        (pair.dilation(usize::MAX), "spans 18446744073709551615"),
    ] {
        let message = refusal(|| x.conv(&weight, &[slide], 1));
        assert!(message.contains(says), "{message}");
        let message = refusal(|| x.max_pool(&[slide], true));
        let padded = message.contains("half the window") || message.contains("the padding is");
        assert!(message.contains(says) || padded, "{message}");
    }
    // A window of more columns than memory has room for.
    let wide = Slide { padding: (1 << 49, 1 << 49), ..Slide::new(1 << 50) };
    assert!(refusal(|| x.max_pool(&[wide], false)).contains("more than can be allocated"));
    assert!(refusal(|| x.conv(&weight, &[], 1)).contains("must be 1, 2 or 3"));
    assert!(refusal(|| x.conv(&weight, &[pair], 0)).contains("0 groups"));
    assert!(refusal(|| x.conv(&weight, &[pair], usize::MAX)).contains("groups"));
    let huge = pair.stride(usize::MAX);
    assert!(refusal(|| x.conv_transposed(&weight, &[huge], 1, &[0])).contains("conv1d_transposed"));
    assert_eq!(x.conv(&weight, &[huge], 1), Tensor::from([[[2.0]]]));
    assert_eq!(huge.ceil(4).count(2, 4), Ok(1));
    assert_eq!(pair.stride(2).ceil(5).count(2, 5), Ok(3));
}

#[cfg(feature = "linalg")]
#[test]
fn the_determinant_of_an_empty_matrix_is_one() {
    assert_eq!(Tensor::<f64>::zeros(&[0, 0]).det(), Tensor::scalar(1.0));
    assert_eq!(Tensor::<f64>::zeros(&[2, 0, 0]).det(), Tensor::from([1.0, 1.0]));
    assert_eq!(Tensor::<f64>::zeros(&[0, 0]).logdet(), Tensor::scalar(0.0));
    assert_eq!(Tensor::<f64>::zeros(&[0, 0]).inverse().shape(), [0, 0]);
    let (a, b) = (Tensor::<f64>::ones(&[2, 3, 3]), Tensor::<f64>::ones(&[3, 3, 1]));
    let message = refusal(|| a.solve(&b));
    assert!(message.contains("operand 2 should have the shape [2, 3, 1]"), "{message}");
}

#[test]
fn elements_that_do_not_fit_a_shape_are_counted_in_words() {
    let says = |shape: &[usize], given: usize| {
        Tensor::from_shape_vec(shape, vec![0.0_f64; given]).unwrap_err().to_string()
    };
    let text = says(&[2, 3], 1);
    assert!(text.contains("holds 6 elements, but 1 was given"), "{text}");
    let text = says(&[1], 2);
    assert!(text.contains("holds 1 element, but 2 were given"), "{text}");
}

#[test]
fn as_many_of_the_largest_as_there_are_can_be_had() {
    let x = Tensor::from([[2.0, 5.0, 3.0]]);
    let all = x.top_k(1, 3).unwrap();
    assert_eq!(x.take_along_axis(1, &all).to_vec(), [5.0, 3.0, 2.0]);
    assert!(x.top_k(1, 4).is_err() && Tensor::<f64>::zeros(&[2, 0]).top_k(1, 0).is_err());
}

#[test]
fn tensors_of_two_shapes_are_not_close() {
    use approx::{abs_diff_eq, abs_diff_ne, relative_eq, relative_ne};
    let (x, near) = (Tensor::from([1.0, 2.0]), Tensor::from([1.0, 2.1]));
    assert!(abs_diff_eq!(x, near, epsilon = 0.2));
    assert!(abs_diff_ne!(x, near, epsilon = 0.05));
    assert!(abs_diff_ne!(x, Tensor::from([[1.0, 2.0]]), epsilon = 0.2));
    // 0.1 of 2.1 is less than a twentieth, and more than a twenty-fifth.
    assert!(relative_eq!(x, near, max_relative = 0.05));
    assert!(relative_ne!(x, near, max_relative = 0.04));
    assert!(relative_ne!(x, Tensor::from([[1.0, 2.0]]), max_relative = 0.05));
}
