//! Metrics against their definitions, counted over batches, and refusals.

use approx::assert_relative_eq;
use nn::metrics::{
    Accuracy, Average, BitsPerSymbol, ConfusionMatrix, F1, MeanAbsolute, Metric, Perplexity,
    Precision, R2, Recall, RootMeanSquared, TopK, accuracy, argmax_rows,
};
use nn::prelude::*;

/// A made-up classifier's outputs for 40 rows of 4 classes, and labels that it often misses. The
/// classes are of different sizes.
fn classified() -> (Tensor<f64>, Vec<usize>) {
    let number = |i: usize| (i as f64 * 0.618_033_988_749_895).fract();
    let outputs: Vec<f64> = (0..160).map(|i| number(7 * i + i / 4)).collect();
    let labels = (0..40).map(|row| [0, 1, 1, 0, 3, 1, 0, 0, 2, 1][row % 10]).collect();
    (Tensor::from_shape_vec(&[40, 4], outputs).unwrap(), labels)
}

/// The measure of batches of `size` rows.
fn measure(
    metric: &dyn Metric<f64>,
    outputs: &Tensor<f64>,
    targets: &Targets<f64>,
    size: usize,
) -> f64 {
    metric.check(outputs.shape(), targets).unwrap();
    let mut count = metric.start();
    let data = match targets {
        Targets::Labels(labels) => Dataset::classification(outputs.clone(), labels.clone(), 1000),
        Targets::Values(values) => Dataset::regression(outputs.clone(), values.clone()),
    };
    for batch in data.unwrap().batches(size, None).unwrap() {
        count.add(&batch.inputs, &batch.targets);
    }
    count.value()
}

fn refusal(metric: &dyn Metric<f64>, output: &[usize], targets: &Targets<f64>) -> String {
    metric.check(output, targets).unwrap_err().to_string()
}

#[test]
fn every_metric_is_counted_over_all_batches() {
    let (outputs, labels) = classified();
    let labels = Targets::Labels(labels);
    let values = Targets::Values(outputs.map(|y| 3.0 * y * y - 0.2));
    let classes: [&dyn Metric<f64>; 10] = [
        &Accuracy::new(),
        &TopK::new(2).unwrap(),
        &Precision::new(Average::Macro),
        &Recall::new(Average::Weighted),
        &F1::new(Average::Macro),
        &F1::new(Average::Micro),
        &Precision::new(Average::Class(1)),
        &Recall::new(Average::Class(0)),
        &Perplexity::new(),
        &BitsPerSymbol::new(),
    ];
    let numbers: [&dyn Metric<f64>; 3] = [&R2, &MeanAbsolute, &RootMeanSquared];
    for (metrics, targets) in [(&classes[..], &labels), (&numbers[..], &values)] {
        for metric in metrics {
            let whole = measure(*metric, &outputs, targets, 40);
            assert!(whole > 0.0 && whole.is_finite(), "{}: {whole}", metric.name());
            // 16 does not divide 40, so that a mean over batches would be another number.
            for size in [16, 1] {
                let batched = measure(*metric, &outputs, targets, size);
                assert_relative_eq!(batched, whole, max_relative = 1e-13);
            }
        }
    }
}

#[test]
fn scores_follow_their_definitions() {
    let (outputs, labels) = classified();
    let said = argmax_rows(&outputs);
    let targets = Targets::Labels(labels.clone());
    let count = |holds: &dyn Fn(usize, usize) -> bool| {
        labels.iter().zip(&said).filter(|&(&truth, &said)| holds(truth, said)).count() as f64
    };
    let ratio = |part: f64, whole: f64| if whole == 0.0 { 0.0 } else { part / whole };
    let mut by_class = Vec::new();
    for class in 0..4 {
        let hits = count(&|truth, said| truth == class && said == class);
        let (are, says) = (count(&|truth, _| truth == class), count(&|_, said| said == class));
        let (precision, recall) = (ratio(hits, says), ratio(hits, are));
        let f1 = ratio(2.0 * precision * recall, precision + recall);
        by_class.push(([precision, recall, f1], are));
        let of = Average::Class(class);
        for (metric, expected) in [
            (&Precision::new(of) as &dyn Metric<f64>, precision),
            (&Recall::new(of), recall),
            (&F1::new(of), f1),
        ] {
            let given = measure(metric, &outputs, &targets, 7);
            assert_relative_eq!(given, expected, epsilon = 1e-15);
        }
    }
    let recalls: Vec<f64> = by_class.iter().map(|(scores, _)| scores[1]).collect();
    assert!(recalls.iter().all(|r| recalls.iter().filter(|s| *s == r).count() == 1), "{recalls:?}");
    let accuracy = count(&|truth, said| truth == said) / 40.0;
    let matrix = ConfusionMatrix::of(&outputs, &targets, 0.5).unwrap();
    for (i, [macro_of, weighted, micro]) in
        [[Average::Macro, Average::Weighted, Average::Micro]; 3].into_iter().enumerate()
    {
        let metric = |average| -> Box<dyn Metric<f64>> {
            match i {
                0 => Box::new(Precision::new(average)),
                1 => Box::new(Recall::new(average)),
                _ => Box::new(F1::new(average)),
            }
        };
        let of_matrix = |average| match i {
            0 => matrix.precision(average),
            1 => matrix.recall(average),
            _ => matrix.f1(average),
        };
        let mean = by_class.iter().map(|(scores, _)| scores[i]).sum::<f64>() / 4.0;
        let by_size = by_class.iter().map(|(scores, are)| scores[i] * are).sum::<f64>() / 40.0;
        for (average, expected) in [(macro_of, mean), (weighted, by_size), (micro, accuracy)] {
            let given = measure(&*metric(average), &outputs, &targets, 7);
            assert_relative_eq!(given, expected, epsilon = 1e-15);
            assert_eq!(of_matrix(average), given);
        }
    }
    assert_eq!(measure(&Accuracy::new(), &outputs, &targets, 7), accuracy);
    assert_eq!(measure(&TopK::new(1).unwrap(), &outputs, &targets, 7), accuracy);
    assert_eq!(measure(&TopK::new(4).unwrap(), &outputs, &targets, 7), 1.0);
    assert_eq!((matrix.accuracy(), matrix.total()), (accuracy, 40));
    for (truth, predicted) in [(0, 0), (0, 1), (1, 0), (3, 2)] {
        let expected = count(&|t, s| (t, s) == (truth, predicted));
        assert_eq!(matrix.count(truth, predicted) as f64, expected);
    }
}

/// Truths 0 0 1 1 3 and predictions 0 1 1 1 0 of five classes, by hand, with scikit-learn's
/// conventions: 0 for 0/0, and no part in the macro average for a class that is in neither.
#[test]
fn a_class_without_rows_scores_as_in_scikit_learn() {
    let said = [0, 1, 1, 1, 0];
    let outputs = said.map(|said: usize| std::array::from_fn(|c| f64::from(u8::from(c == said))));
    let outputs = Tensor::from(outputs as [[f64; 5]; 5]);
    let targets = Targets::Labels(vec![0, 0, 1, 1, 3]);
    let of = |metric: &dyn Metric<f64>| measure(metric, &outputs, &targets, 5);
    // Class 3 is never said, class 4 neither occurs nor is said, nor does class 2.
    assert_eq!(of(&Precision::new(Average::Class(3))), 0.0);
    assert_eq!(of(&Recall::new(Average::Class(4))), 0.0);
    assert_eq!(of(&F1::new(Average::Class(4))), 0.0);
    // The macro average is over classes 0, 1 and 3.
    let precision = (0.5 + 2.0 / 3.0 + 0.0) / 3.0;
    assert_relative_eq!(of(&Precision::new(Average::Macro)), precision, epsilon = 1e-15);
    assert_relative_eq!(of(&Recall::new(Average::Macro)), (0.5 + 1.0 + 0.0) / 3.0, epsilon = 1e-15);
    assert_relative_eq!(of(&F1::new(Average::Macro)), (0.5 + 0.8 + 0.0) / 3.0, epsilon = 1e-15);
}

#[test]
fn one_row_has_a_score_and_no_rows_have_none() {
    let outputs = Tensor::from([[0.1, 0.7, 0.2]]);
    let of = |metric: &dyn Metric<f64>| measure(metric, &outputs, &Targets::Labels(vec![1]), 1);
    assert_eq!(of(&F1::new(Average::Class(1))), 1.0);
    assert_eq!(of(&Recall::new(Average::Micro)), 1.0);
    let nothing = F1::new(Average::Class(1)).ignore(1);
    assert!(of(&nothing).is_nan());
}

#[test]
fn a_matrix_is_shown_with_a_row_for_each_truth() {
    let outputs = Tensor::from([[0.1, 0.7], [0.9, 0.1], [0.2, 0.8]]);
    let matrix = ConfusionMatrix::of(&outputs, &Targets::Labels(vec![1, 0, 0]), 0.5).unwrap();
    let text = matrix.to_string();
    let digits = |line: &str| line.chars().filter(char::is_ascii_digit).collect::<String>();
    let rows: Vec<_> = text.lines().map(digits).filter(|row| !row.is_empty()).collect();
    assert_eq!(rows, ["01", "011", "101"], "{text}");
}

#[test]
fn single_outputs_are_decided_by_a_threshold() {
    let outputs = Tensor::from([[0.7], [0.2], [0.6], [-0.4]]);
    let labels = Targets::Labels(vec![1, 0, 0, 1]);
    let values = Targets::Values(Tensor::from([[1.0], [0.0], [0.0], [1.0]]));
    let signs = Targets::Values(Tensor::from([[1.0], [-1.0], [-1.0], [1.0]]));
    assert_eq!(measure(&Accuracy::new().above(0.0), &outputs, &signs, 3), 0.25);
    assert_eq!(accuracy(&outputs, &signs, 0.0), Some(0.25));
    assert_eq!(accuracy(&outputs, &signs, 0.5), None);
    for targets in [&labels, &values] {
        for (threshold, expected) in [(0.5, 0.5), (0.65, 0.75), (0.0, 0.25)] {
            let metric = Accuracy::new().above(threshold);
            assert_eq!(measure(&metric, &outputs, targets, 3), expected, "above {threshold}");
            assert_eq!(accuracy(&outputs, targets, threshold), Some(expected));
        }
        let yes = Average::Class(1);
        assert_eq!(measure(&Precision::new(yes), &outputs, targets, 3), 0.5);
        assert_eq!(measure(&Precision::new(yes).above(0.65), &outputs, targets, 3), 1.0);
        assert_eq!(measure(&Recall::new(yes), &outputs, targets, 3), 0.5);
        let matrix = ConfusionMatrix::of(&outputs, targets, 0.5).unwrap();
        assert_eq!((matrix.classes(), matrix.count(1, 0), matrix.count(0, 1)), (2, 1, 1));
    }
}

#[test]
fn sequences_one_hot_targets_and_padding() {
    let outputs = Tensor::from([
        [[0.1, 0.9, 0.0], [0.8, 0.1, 0.1], [0.2, 0.3, 0.5]],
        [[0.6, 0.4, 0.0], [0.3, 0.3, 0.4], [0.9, 0.1, 0.0]],
    ]);
    let steps = Targets::Values(Tensor::from([[1.0, 0.0, 0.0], [0.0, -1.0, -1.0]]));
    assert_eq!(measure(&Accuracy::new().ignore(-1), &outputs, &steps, 1), 0.75);
    assert_eq!(measure(&TopK::new(2).unwrap().ignore(-1), &outputs, &steps, 1), 0.75);
    let recall = measure(&Recall::new(Average::Class(0)).ignore(-1), &outputs, &steps, 1);
    assert_eq!(recall, 2.0 / 3.0);
    let text = refusal(&Accuracy::new(), outputs.shape(), &steps);
    assert!(text.contains("row 1 of the targets holds -1 at [1]"), "{text}");

    let soft = Targets::Values(Tensor::from([[0.2, 0.8], [0.9, 0.1]]));
    let outputs = Tensor::from([[0.1, 0.9], [0.4, 0.6]]);
    assert_eq!(measure(&Accuracy::new(), &outputs, &soft, 1), 0.5);
    // Of equal outputs the first is the largest.
    let equal = Tensor::from([[0.5, 0.5]]);
    assert_eq!(measure(&TopK::new(1).unwrap(), &equal, &Targets::Labels(vec![0]), 1), 1.0);
    assert_eq!(measure(&TopK::new(1).unwrap(), &equal, &Targets::Labels(vec![1]), 1), 0.0);
}

#[test]
fn surprise_is_cross_entropy() {
    let (outputs, labels) = classified();
    let targets = Targets::Labels(labels.clone());
    let cross = |targets: &Targets<f64>| {
        let tape = Tape::new();
        CrossEntropy.ignore(2).loss(tape.var(&outputs), targets).unwrap().item()
    };
    let nats = cross(&targets);
    let bits = measure(&BitsPerSymbol::new().ignore(2), &outputs, &targets, 7);
    assert_relative_eq!(bits, nats / 2.0_f64.ln(), max_relative = 1e-14);
    let perplexity = measure(&Perplexity::new().ignore(2), &outputs, &targets, 7);
    assert_relative_eq!(perplexity, nats.exp(), max_relative = 1e-14);
    let far = Tensor::from([[1e4, -1e4]]);
    let bits = measure(&BitsPerSymbol::new(), &far, &Targets::Labels(vec![1]), 1);
    assert_relative_eq!(bits, 2e4 / 2.0_f64.ln(), max_relative = 1e-14);
}

#[test]
fn errors_of_numbers_follow_their_definitions() {
    let y = Tensor::from([[2.5, 0.5], [0.0, -1.0], [2.0, 7.0], [8.0, 1.0]]);
    let t = Tensor::from([[3.0, 1.0], [-0.5, -1.0], [2.0, 7.0], [7.0, 2.0]]);
    let targets = Targets::Values(t.clone());
    let of = |metric: &dyn Metric<f64>| measure(metric, &y, &targets, 3);
    assert_relative_eq!(of(&MeanAbsolute), 3.5 / 8.0, epsilon = 1e-15);
    assert_relative_eq!(of(&RootMeanSquared), (2.75_f64 / 8.0).sqrt(), epsilon = 1e-15);
    // Σ(t − t̄)²: 29.1875 in the first column, whose errors sum to 1.5; 34.75 and 1.25 in the other.
    let expected = 1.0 - 0.5 * (1.5 / 29.1875 + 1.25 / 34.75);
    assert_relative_eq!(of(&R2), expected, epsilon = 1e-15);
    // Far from 0, where a sum of squares less the square of a sum would lose its digits.
    let (far_y, far_t) = (y.map(|v| v + 1e8), Targets::Values(t.map(|v| v + 1e8)));
    assert_relative_eq!(measure(&R2, &far_y, &far_t, 3), expected, max_relative = 1e-7);

    let mean = Targets::Values(Tensor::from([1.0, 3.0, 5.0]));
    assert_eq!(measure(&R2, &Tensor::from([3.0, 3.0, 3.0]), &mean, 2), 0.0);
    assert!(measure(&R2, &Tensor::from([5.0, 3.0, 1.0]), &mean, 2) < 0.0);
    let flat = Targets::Values(Tensor::from([2.0, 2.0]));
    assert_eq!(measure(&R2, &Tensor::from([2.0, 2.0]), &flat, 2), 1.0);
    assert_eq!(measure(&R2, &Tensor::from([2.0, 2.5]), &flat, 2), 0.0);
}

#[test]
fn nan_outputs_are_not_counted_as_right() {
    let outputs = Tensor::from([[f64::NAN, 0.0], [0.0, 1.0]]);
    let labels = Targets::Labels(vec![0, 1]);
    let metrics: [&dyn Metric<f64>; 5] = [
        &Accuracy::new(),
        &TopK::new(1).unwrap(),
        &F1::new(Average::Macro),
        &Perplexity::new(),
        &BitsPerSymbol::new(),
    ];
    for metric in metrics {
        assert!(measure(metric, &outputs, &labels, 1).is_nan(), "{}", metric.name());
        assert!(metric.start().value().is_nan(), "{} of nothing", metric.name());
    }
    let values = Targets::Values(Tensor::from([[1.0, 0.0], [0.0, 0.5]]));
    for metric in [&R2 as &dyn Metric<f64>, &MeanAbsolute, &RootMeanSquared] {
        assert!(measure(metric, &outputs, &values, 1).is_nan(), "{}", metric.name());
        assert!(metric.start().value().is_nan(), "{} of nothing", metric.name());
    }
    let error = ConfusionMatrix::of(&outputs, &labels, 0.5).unwrap_err().to_string();
    assert_eq!(error, "row 0 of the outputs holds NaN, which says no class");
}

#[test]
fn metrics_of_the_wrong_kind_are_refused() {
    let labels = Targets::Labels(vec![0, 1]);
    let numbers = Targets::Values(Tensor::from([[0.3, 2.0], [1.0, 0.0]]));
    for metric in [&R2 as &dyn Metric<f64>, &MeanAbsolute, &RootMeanSquared] {
        let text = refusal(metric, &[2, 2], &labels);
        assert!(text.contains("with 2 labels: it needs target values"), "{text}");
        assert!(refusal(metric, &[2, 3], &numbers).contains("the two shapes must be equal"));
    }
    let metrics: [&dyn Metric<f64>; 3] =
        [&Accuracy::new(), &F1::new(Average::Macro), &TopK::new(2).unwrap()];
    for metric in metrics {
        let text = refusal(metric, &[2, 2], &numbers);
        assert!(text.contains("row 0 of the targets holds 2 at [1]"), "{text}");
        let text = refusal(metric, &[2, 2], &Targets::Labels(vec![0, 2]));
        assert!(text.starts_with("row 1 has label 2"), "{text}");
        let text = refusal(metric, &[3, 2], &labels);
        assert!(text.contains("with 2 labels: it needs one label for each of 3 rows"), "{text}");
    }
    let text = refusal(&Accuracy::new(), &[1, 1], &Targets::Values(Tensor::from([[0.5]])));
    assert_eq!(
        text,
        "row 0 of the targets holds 0.5 at [0], but accuracy takes 1 for yes and 0 for no (-1 only \
         if outputs are decided at 0)"
    );
    assert!(refusal(&Perplexity::new(), &[2, 2], &numbers).contains("perplexity cannot compare"));
    let text = refusal(&TopK::new(3).unwrap(), &[2, 2], &labels);
    assert!(text.contains("it needs an output of at least 3 classes a row"), "{text}");
    let text = refusal(&Recall::new(Average::Class(2)), &[2, 2], &labels);
    assert!(text.starts_with("recall of class 2 cannot compare"), "{text}");
    assert!(text.ends_with("the output has 2 classes, counted from 0"), "{text}");
    assert!(TopK::new(0).is_err());
    let matrix = ConfusionMatrix::new(3);
    assert!(matrix.accuracy().is_nan());
    let text = matrix.with_names(["one", "two"]).unwrap_err().to_string();
    assert_eq!(text, "the number of class names is 2, but must be the number of classes");
}

#[test]
#[should_panic(expected = "class 3 was asked for, but the confusion matrix has 3 classes")]
fn a_class_that_is_not_in_the_matrix_panics() {
    let _ = ConfusionMatrix::new(3).precision(Average::Class(3));
}
