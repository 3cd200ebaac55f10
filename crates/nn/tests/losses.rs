//! Losses: values and gradients against formulas worked out here, extremes, and refusals.

use approx::assert_relative_eq;
use nn::Error;
use nn::prelude::*;
use nn::tape::check::Check;

fn values(values: impl Into<Tensor<f64>>) -> Targets<f64> {
    Targets::Values(values.into())
}

fn labels(labels: &[usize]) -> Targets<f64> {
    Targets::Labels(labels.to_vec())
}

fn value(loss: &dyn Loss<f64>, output: impl Into<Tensor<f64>>, targets: &Targets<f64>) -> f64 {
    loss.loss(Tape::new().var(output), targets).unwrap().item()
}

fn gradient(
    loss: &dyn Loss<f64>,
    output: impl Into<Tensor<f64>>,
    targets: &Targets<f64>,
) -> Tensor<f64> {
    let tape = Tape::new();
    let output = tape.var(output);
    loss.loss(output, targets).unwrap().backward().wrt(output)
}

fn refusal(loss: &dyn Loss<f64>, output: &[usize], targets: &Targets<f64>) -> String {
    loss.check(output, targets).unwrap_err().to_string()
}

const LOGITS: [[f64; 3]; 4] =
    [[0.5, -1.0, 2.0], [1.5, 0.25, -0.75], [-0.5, 0.125, 1.0], [2.0, 1.0, 0.0]];
const WEIGHTS: [f64; 3] = [0.5, 2.0, 1.25];

fn log_softmax(row: [f64; 3]) -> [f64; 3] {
    let sum: f64 = row.iter().map(|x| x.exp()).sum();
    row.map(|x| x - sum.ln())
}

/// Gradients of both orders against finite differences. `numbers` are away from the kinks.
fn check(loss: &dyn Loss<f64>, output: impl Into<Tensor<f64>>, targets: &Targets<f64>) {
    let report = Check::new()
        .second_order()
        .run(|v| loss.loss(v[0], targets).unwrap(), &[output.into()])
        .unwrap_or_else(|error| panic!("{}: {error}", loss.name()));
    assert!(report.kinks.is_empty(), "{}: {report}", loss.name());
}

#[test]
fn gradients_of_both_orders_match_finite_differences() {
    let y = [[0.8, -0.3, 1.9], [-1.6, 0.6, 0.2]];
    let t = values([[1.0, 0.25, -0.5], [0.5, 0.0, 0.4]]);
    for loss in [&MeanSquaredError as &dyn Loss<f64>, &HalfSquaredError, &MeanAbsoluteError] {
        check(loss, y, &t);
    }
    check(&Huber::new(0.7).unwrap(), y, &t);
    check(&SmoothL1::new(0.7).unwrap(), y, &t);

    let p = values([[1.0, 0.25, 0.0], [0.5, 0.0, 1.0]]);
    let weighted = BinaryCrossEntropyWithLogits.positive_weights(&WEIGHTS).unwrap();
    check(&BinaryCrossEntropyWithLogits, y, &p);
    check(&weighted, y, &p);
    check(&BinaryCrossEntropy, [[0.8, 0.3, 0.9], [0.6, 0.45, 0.2]], &p);
    let signs = values([[1.0, -1.0, -1.0], [1.0, 1.0, -1.0]]);
    check(&Hinge, y, &signs);
    check(&SquaredHinge, y, &signs);

    let t = values([[0.2, 0.3, 0.5], [0.0, 0.25, 0.75], [1.0, 0.0, 0.0], [0.4, 0.4, 0.2]]);
    let l = values([2.0, 0.0, 1.0, 1.0]);
    let all = || CrossEntropy.class_weights(&WEIGHTS).unwrap().label_smoothing(0.1).unwrap();
    for targets in [&t, &l] {
        check(&CrossEntropy, LOGITS, targets);
        check(&all(), LOGITS, targets);
        check(&all().ignore(1), LOGITS, targets);
    }
    check(&NegativeLogLikelihood::new().class_weights(&WEIGHTS).unwrap().ignore(0), LOGITS, &l);
    check(&KlDivergence::default(), LOGITS, &t);
    let logs = values(Tensor::from(LOGITS.map(log_softmax)));
    check(&KlDivergence { log_targets: true }, LOGITS, &logs);
    let margin = || MultiMargin::new().margin(0.6).unwrap().class_weights(&WEIGHTS).unwrap();
    check(&margin(), LOGITS, &l);
    check(&margin().squared(), LOGITS, &l);
}

#[test]
fn losses_of_numbers_follow_their_formulas() {
    // Errors 0.5, −0.2, 3 and −2.
    let (y, t) = ([[1.5, 0.8], [4.0, -1.0]], values([[1.0, 1.0], [1.0, 1.0]]));
    assert_relative_eq!(value(&MeanAbsoluteError, y, &t), 5.7 / 4.0, epsilon = 1e-15);
    assert_eq!(gradient(&MeanAbsoluteError, y, &t), Tensor::from([[0.25, -0.25], [0.25, -0.25]]));
    assert_eq!(gradient(&MeanAbsoluteError, [1.0], &values([1.0])), Tensor::from([0.0]));

    // ½·0.25 + ½·0.04 + 1.5(3 − 0.75) + 1.5(2 − 0.75), δ = 1.5.
    let huber = Huber::new(1.5).unwrap();
    assert_relative_eq!(
        value(&huber, y, &t),
        (0.125 + 0.02 + 3.375 + 1.875) / 4.0,
        epsilon = 1e-15
    );
    let slopes = Tensor::from([[0.125, -0.05], [0.375, -0.375]]);
    assert_relative_eq!(gradient(&huber, y, &t), slopes, epsilon = 1e-15);
    let smooth = SmoothL1::new(1.5).unwrap();
    assert_relative_eq!(value(&smooth, y, &t), value(&huber, y, &t) / 1.5, epsilon = 1e-15);
    // At the seam both pieces have the slope δ.
    assert_eq!(gradient(&huber, [1.5, -1.5], &values([0.0, 0.0])), Tensor::from([0.75, -0.75]));
}

#[test]
fn binary_losses_follow_their_formulas() {
    let (x, t) = ([[0.5, -1.0], [2.0, 0.25]], [[1.0, 0.0], [0.25, 1.0]]);
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let mut expected = 0.0;
    for (x, t) in x.iter().flatten().zip(t.iter().flatten()) {
        let weight = 3.0;
        expected -= weight * t * sigmoid(*x).ln() + (1.0 - t) * (1.0 - sigmoid(*x)).ln();
    }
    let weighted = BinaryCrossEntropyWithLogits.positive_weights(&[3.0]).unwrap();
    assert_relative_eq!(value(&weighted, x, &values(t)), expected / 4.0, epsilon = 1e-14);
    let each = BinaryCrossEntropyWithLogits.positive_weights(&[1.0, 1.0]).unwrap();
    let plain = value(&BinaryCrossEntropyWithLogits, x, &values(t));
    assert_relative_eq!(value(&each, x, &values(t)), plain, epsilon = 1e-15);
    // σ(x) − t, over the number of elements.
    let p_minus_t = Tensor::from([
        [sigmoid(0.5) - 1.0, sigmoid(-1.0)],
        [sigmoid(2.0) - 0.25, sigmoid(0.25) - 1.0],
    ]);
    let gradients = gradient(&BinaryCrossEntropyWithLogits, x, &values(t));
    assert_relative_eq!(gradients, p_minus_t.scale(0.25), epsilon = 1e-15);

    // Shortfalls 0.5, 0 (beyond the margin), 3 and 0.75.
    let (y, s) = ([[0.5], [-1.5], [2.0], [0.25]], [[1.0], [-1.0], [-1.0], [1.0]]);
    assert_relative_eq!(value(&Hinge, y, &values(s)), 4.25 / 4.0, epsilon = 1e-15);
    let squares = 0.25 + 9.0 + 0.5625;
    assert_relative_eq!(value(&SquaredHinge, y, &values(s)), squares / 4.0, epsilon = 1e-15);
    let slopes = Tensor::from([[-0.25], [0.0], [0.25], [-0.25]]);
    assert_eq!(gradient(&Hinge, y, &values(s)), slopes);
    // 0 for no, and labels, mean the same.
    let zeros = values([[1.0], [0.0], [0.0], [1.0]]);
    for targets in [&zeros, &labels(&[1, 0, 0, 1])] {
        assert_eq!(value(&Hinge, y, targets), value(&Hinge, y, &values(s)));
    }
    let yes = labels(&[1, 0, 0, 1]);
    let loss = &BinaryCrossEntropyWithLogits;
    assert_eq!(value(loss, y, &yes), value(loss, y, &zeros));
    assert_eq!(
        value(loss, [0.5, 1.0], &labels(&[1, 0])),
        value(loss, [0.5, 1.0], &values([1.0, 0.0]))
    );
}

/// The definition, row by row; what PyTorch documents for `CrossEntropyLoss`.
fn cross_entropy_by_hand(
    rows: &[usize],
    weights: [f64; 3],
    smoothing: f64,
    ignored: Option<usize>,
) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for (row, &label) in LOGITS.iter().zip(rows) {
        if Some(label) == ignored {
            continue;
        }
        let log_p = log_softmax(*row);
        sum -= (1.0 - smoothing) * weights[label] * log_p[label];
        sum -= (0..3).map(|c| smoothing / 3.0 * weights[c] * log_p[c]).sum::<f64>();
        total += weights[label];
    }
    sum / total
}

#[test]
fn cross_entropy_weighs_smooths_and_ignores_as_its_formula_says() {
    let rows = [2, 0, 1, 1];
    let one = [1.0; 3];
    for weights in [one, WEIGHTS] {
        for smoothing in [0.0, 0.1, 1.0] {
            for ignored in [None, Some(1), Some(2)] {
                let mut loss = CrossEntropy.label_smoothing(smoothing).unwrap();
                if weights != one {
                    loss = loss.class_weights(&weights).unwrap();
                }
                if let Some(label) = ignored {
                    loss = loss.ignore(label as i64);
                }
                let expected = cross_entropy_by_hand(&rows, weights, smoothing, ignored);
                let given = value(&loss, LOGITS, &labels(&rows));
                assert_relative_eq!(given, expected, epsilon = 1e-14);
                // The gradient of an ignored row is 0, and of no other.
                let gradient = gradient(&loss, LOGITS, &labels(&rows));
                for (row, label) in gradient.view().rows().into_iter().zip(rows) {
                    let flat = row.iter().all(|g| *g == 0.0);
                    assert_eq!(flat, Some(label) == ignored, "{row} of label {label}");
                }
            }
        }
    }
    let plain = cross_entropy_by_hand(&rows, one, 0.0, None);
    assert_relative_eq!(value(&CrossEntropy, LOGITS, &labels(&rows)), plain, epsilon = 1e-15);
    // A label that is no class can be ignored: as a label, and negative as a value.
    let loss = CrossEntropy.ignore(9);
    let expected = cross_entropy_by_hand(&rows, one, 0.0, Some(1));
    assert_relative_eq!(value(&loss, LOGITS, &labels(&[2, 0, 9, 9])), expected, epsilon = 1e-15);
    let loss = CrossEntropy.ignore(-100);
    let padded = values([2.0, 0.0, -100.0, -100.0]);
    assert_relative_eq!(value(&loss, LOGITS, &padded), expected, epsilon = 1e-15);
}

#[test]
fn the_gradient_of_cross_entropy_is_p_minus_y() {
    let rows = [2, 0, 1, 1];
    let gradient = gradient(&CrossEntropy, LOGITS, &labels(&rows));
    for ((g, logits), label) in gradient.view().rows().into_iter().zip(LOGITS).zip(rows) {
        let p = log_softmax(logits).map(f64::exp);
        for c in 0..3 {
            let y = f64::from(u8::from(c == label));
            assert_relative_eq!(g[c], (p[c] - y) / 4.0, epsilon = 1e-15);
        }
    }
}

#[test]
fn probabilities_agree_with_labels_where_they_are_one_hot() {
    let rows = [2, 0, 1, 1];
    let hot = rows.map(|label| [0, 1, 2].map(|c| f64::from(u8::from(c == label))));
    let smoothed = || CrossEntropy.label_smoothing(0.2).unwrap();
    for loss in [&CrossEntropy as &dyn Loss<f64>, &smoothed()] {
        let (a, b) = (value(loss, LOGITS, &labels(&rows)), value(loss, LOGITS, &values(hot)));
        assert_relative_eq!(a, b, epsilon = 1e-14);
    }
    // With weights, probabilities are averaged over rows, labels over weights.
    let weighted = || CrossEntropy.class_weights(&WEIGHTS).unwrap();
    let weight: f64 = rows.iter().map(|&label| WEIGHTS[label]).sum();
    let by_labels = value(&weighted(), LOGITS, &labels(&rows));
    let by_values = value(&weighted(), LOGITS, &values(hot));
    assert_relative_eq!(by_labels * weight, by_values * 4.0, epsilon = 1e-13);
    // The entropy of the targets is what is between cross-entropy and divergence.
    let soft: [[f64; 3]; 4] =
        [[0.2, 0.3, 0.5], [0.0, 0.25, 0.75], [1.0, 0.0, 0.0], [0.4, 0.4, 0.2]];
    let entropy: f64 = soft.iter().flatten().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
    let logs = LOGITS.map(log_softmax);
    let divergence = value(&KlDivergence::default(), logs, &values(soft));
    let cross = value(&CrossEntropy, LOGITS, &values(soft));
    assert_relative_eq!(divergence, cross - entropy / 4.0, epsilon = 1e-14);
    let log_targets = values(soft.map(|row| row.map(f64::ln)));
    let from_logs = value(&KlDivergence { log_targets: true }, logs, &log_targets);
    assert_relative_eq!(from_logs, divergence, epsilon = 1e-14);
}

#[test]
fn sequences_have_their_classes_last() {
    // Two samples of two steps: the same rows as four samples.
    let sequence = Tensor::from([[LOGITS[0], LOGITS[1]], [LOGITS[2], LOGITS[3]]]);
    let steps = values([[2.0, 0.0], [1.0, 1.0]]);
    let weighted = CrossEntropy.class_weights(&WEIGHTS).unwrap().label_smoothing(0.1).unwrap();
    let likelihood = NegativeLogLikelihood::new().class_weights(&WEIGHTS).unwrap();
    let margin = MultiMargin::new();
    for loss in [&CrossEntropy as &dyn Loss<f64>, &weighted, &likelihood, &margin] {
        let flat = value(loss, LOGITS, &labels(&[2, 0, 1, 1]));
        assert_relative_eq!(value(loss, sequence.clone(), &steps), flat, epsilon = 1e-15);
        let listed = value(loss, sequence.clone(), &labels(&[2, 0, 1, 1]));
        assert_relative_eq!(listed, flat, epsilon = 1e-15);
    }
}

#[test]
fn negative_log_likelihood_of_log_softmax_is_cross_entropy() {
    let rows = labels(&[2, 0, 1, 1]);
    let tape = Tape::new();
    let logits = tape.var(LOGITS);
    let loss = NegativeLogLikelihood::new().class_weights(&WEIGHTS).unwrap().ignore(0);
    let likelihood = loss.loss(logits.log_softmax(-1), &rows).unwrap();
    let cross = CrossEntropy.class_weights(&WEIGHTS).unwrap().ignore(0);
    assert_relative_eq!(likelihood.item(), value(&cross, LOGITS, &rows), epsilon = 1e-14);
    let expected = gradient(&cross, LOGITS, &rows);
    assert_relative_eq!(likelihood.backward().wrt(logits), expected, epsilon = 1e-15);
}

#[test]
fn the_multi_class_margin_follows_its_formula() {
    for (margin, squared) in [(1.0, false), (1.0, true), (0.6, false), (2.0, true)] {
        let mut expected = 0.0;
        for (row, label) in LOGITS.iter().zip([2, 0, 1, 1]) {
            for c in (0..3).filter(|&c| c != label) {
                let missing = (margin - row[label] + row[c]).max(0.0);
                expected +=
                    WEIGHTS[label] * if squared { missing * missing } else { missing } / 3.0;
            }
        }
        let loss = MultiMargin::new().margin(margin).unwrap().class_weights(&WEIGHTS).unwrap();
        let loss = if squared { loss.squared() } else { loss };
        let given = value(&loss, LOGITS, &labels(&[2, 0, 1, 1]));
        assert_relative_eq!(given, expected / 4.0, epsilon = 1e-14);
    }
}

#[test]
fn extreme_outputs_give_finite_losses_and_gradients() {
    let hot = || Targets::Values(Tensor::from([[1.0_f32, 0.0, 0.0], [0.0, 1.0, 0.0]]));
    let rows = || Targets::Labels(vec![0, 1]);
    let far = [[-1e4_f32, 1e4, 0.0], [-1e4, 1e4, 0.0]];
    let all = CrossEntropy.class_weights(&[1.0, 3.0, 1.0]).unwrap().ignore(2);
    let smooth = CrossEntropy.label_smoothing(0.3).unwrap();
    let positive = BinaryCrossEntropyWithLogits.positive_weights(&[3.0]).unwrap();
    let huber = Huber::new(2.0).unwrap();
    let cases: [(&dyn Loss<f32>, Targets<f32>, f32); 10] = [
        (&CrossEntropy, rows(), 2e4 / 2.0),
        (&CrossEntropy, hot(), 2e4 / 2.0),
        (&all, rows(), 2e4 / 4.0),
        // 0.7 of the label and 0.1 of each class: 0.7·2e4, and 0.1·(2e4 + 1e4) in both rows.
        (&smooth, rows(), (1.4e4 + 3e3 + 3e3) / 2.0),
        (&BinaryCrossEntropyWithLogits, hot(), 2e4 / 6.0 + 2.0 * 2.0_f32.ln() / 6.0),
        (&positive, hot(), 4e4 / 6.0 + 2.0 * 2.0_f32.ln() / 6.0),
        (&Hinge, hot(), (10001.0 + 10001.0 + 1.0 + 1.0) / 6.0),
        (&MultiMargin::new(), rows(), (20001.0 + 10001.0) / 6.0),
        (&huber, hot(), 2.0 * (10000.0 + 9999.0 + 9999.0 + 9998.0) / 6.0),
        (&MeanAbsoluteError, hot(), (10001.0 + 10000.0 + 10000.0 + 9999.0) / 6.0),
    ];
    for (loss, targets, expected) in cases {
        let tape = Tape::new();
        let y = tape.var(far);
        let value = loss.loss(y, &targets).unwrap();
        assert_relative_eq!(value.item(), expected, max_relative = 1e-6);
        assert!(value.backward().wrt(y).is_finite(), "{}", loss.name());
    }
    // A class that a mask has made impossible leaves the others alone.
    let tape = Tape::<f64>::new();
    let y = tape.var([[0.0, f64::NEG_INFINITY, 0.0]]);
    let weighted = CrossEntropy.class_weights(&[1.0, 1.0, 3.0]).unwrap();
    for loss in [&CrossEntropy as &dyn Loss<f64>, &weighted] {
        let value = loss.loss(y, &Targets::Labels(vec![2])).unwrap();
        assert_relative_eq!(value.item(), 2.0_f64.ln(), epsilon = 1e-15);
        let gradient = value.backward().wrt(y);
        assert_relative_eq!(gradient, Tensor::from([[0.5, 0.0, -0.5]]), epsilon = 1e-15);
    }
    let certain = [[0.0, f64::NEG_INFINITY]];
    let divergence = gradient(&KlDivergence::default(), certain, &values([[1.0, 0.0]]));
    assert_eq!(divergence, Tensor::from([[-1.0, 0.0]]));
}

#[test]
fn what_is_recorded_holds_the_targets_as_operands() {
    let tape = Tape::new();
    let y = tape.var(LOGITS);
    let loss = CrossEntropy.class_weights(&WEIGHTS).unwrap().ignore(1);
    let target = tape.constant([2.0, 0.0, 1.0, 1.0]).named("labels");
    let recorded = loss.between(y, target);
    let reads_labels = tape.vars().filter(|x| x.operands().iter().any(|o| o.label() == "labels"));
    assert!(reads_labels.count() >= 2, "the mask and the labels come from the operand");
    assert_eq!(recorded.item(), value(&loss, LOGITS, &labels(&[2, 0, 1, 1])));
}

#[test]
fn targets_that_do_not_fit_are_refused_with_row_and_numbers() {
    let nan = values([[0.0], [f64::NAN]]);
    let huber = Huber::new(1.0).unwrap();
    for loss in [&MeanSquaredError as &dyn Loss<f64>, &HalfSquaredError, &MeanAbsoluteError, &huber]
    {
        let text = refusal(loss, &[2, 1], &nan);
        assert!(text.starts_with("row 1 of the targets holds NaN at [0], but"), "{text}");
        let text = refusal(loss, &[2, 1], &labels(&[0, 1]));
        assert!(text.contains("it needs target values; one_hot()"), "{text}");
    }
    let text = "mean squared error cannot compare an output of shape [2, 3] with values of shape \
                [2, 1]: the two shapes must be equal";
    assert_eq!(refusal(&MeanSquaredError, &[2, 3], &values([[0.0], [1.0]])), text);
    let text = "row 0 of the targets holds 1.5 at [1], but binary cross-entropy takes \
                probabilities, from 0 to 1";
    assert_eq!(refusal(&BinaryCrossEntropyWithLogits, &[1, 2], &values([[1.0, 1.5]])), text);
    let text = "row 1 of the targets holds 2 at [0], but binary cross-entropy takes labels 0 and 1";
    assert_eq!(refusal(&BinaryCrossEntropy, &[2, 1], &labels(&[0, 2])), text);
    let text = refusal(&BinaryCrossEntropy, &[2, 3], &labels(&[0, 2]));
    assert!(text.contains("where each sample has one output"), "{text}");
    let text = refusal(&Hinge, &[3], &values([1.0, -1.0, 0.0]));
    assert_eq!(
        text,
        "row 2 of the targets holds 0, but hinge loss takes 1 and either 0 or -1, not both"
    );
    let text = refusal(&Hinge, &[2], &values([1.0, 0.5]));
    assert!(text.contains("holds 0.5, but hinge loss takes 1 and 0, or 1 and -1"), "{text}");
    let sequence = values([[[0.5, 0.5], [1.0, 0.0], [0.5, 0.7]]]);
    let text = refusal(&CrossEntropy, &[1, 3, 2], &sequence);
    assert!(text.starts_with("row 0 of the targets"), "one sample has one row: {text}");
    let text = refusal(&KlDivergence { log_targets: true }, &[1, 2], &values([[0.5, 0.5]]));
    assert!(text.contains("takes logarithms of probabilities, at most 0"), "{text}");
}

#[test]
fn targets_without_samples_are_empty() {
    assert!(labels(&[]).is_empty() && values(Tensor::zeros(&[0, 3])).is_empty());
    assert!(!labels(&[0]).is_empty() && !values([[0.0, 0.0]]).is_empty());
}

#[test]
fn labels_that_do_not_fit_are_refused_with_row_and_numbers() {
    let likelihood = NegativeLogLikelihood::new();
    let margin = MultiMargin::new();
    for loss in [&CrossEntropy as &dyn Loss<f64>, &likelihood, &margin] {
        let error = loss.check(&[2, 3], &labels(&[0, 3])).unwrap_err();
        assert!(matches!(error, Error::Label { row: 1, label: 3, classes: 3 }), "{error}");
        let text = refusal(loss, &[2, 2, 3], &values([[0.0, 1.0], [2.0, 1.5]]));
        assert!(text.contains("row 1 of the targets holds 1.5 at [1]"), "{text}");
        assert!(text.ends_with("takes labels, whole numbers from 0 to 2"), "{text}");
        assert!(
            refusal(loss, &[1, 3], &values([f64::NAN])).contains("row 0 of the targets holds NaN")
        );
        let text = refusal(loss, &[2, 4, 3], &labels(&[0, 1]));
        assert!(text.contains("one label for each of 8 rows, as values of shape [2, 4]"), "{text}");
        assert!(refusal(loss, &[], &labels(&[0])).contains("needs a last axis of classes"));
        assert!(refusal(loss, &[0, 3], &labels(&[])).contains("0 rows"));
    }
    let text = "cross-entropy cannot compare an output of shape [2, 4, 3] with values of shape [2]: \
                it needs labels of shape [2, 4] or probabilities of shape [2, 4, 3]";
    assert_eq!(refusal(&CrossEntropy, &[2, 4, 3], &values([0.0, 1.0])), text);
    let both = values([[0.5, 0.5, 0.0], [1.0, 1.0, 0.0]]);
    let text = "row 1 of the targets sums to 2, but cross-entropy takes probabilities that sum to 1 \
                along the last axis";
    assert_eq!(refusal(&CrossEntropy, &[2, 3], &both), text);
    let text = "none of 2 rows counts for cross-entropy: each is ignored or of a class with \
                weight 0";
    assert_eq!(refusal(&CrossEntropy.ignore(1), &[2, 3], &labels(&[1, 1])), text);
    let weightless = CrossEntropy.class_weights(&[1.0, 0.0, 1.0]).unwrap();
    assert_eq!(refusal(&weightless, &[2, 3], &labels(&[1, 1])), text);
    let text = "there are 3 weights, but the output has 4 classes; each needs one";
    assert_eq!(refusal(&weightless, &[2, 4], &labels(&[1, 1])), text);
    let positive = BinaryCrossEntropyWithLogits.positive_weights(&[1.0, 2.0, 3.0]).unwrap();
    assert_eq!(refusal(&positive, &[1, 4], &values([[0.0, 1.0, 0.0, 1.0]])), text);
}

#[test]
fn settings_out_of_range_are_refused() {
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Huber::new(bad).is_err() && SmoothL1::new(bad).is_err(), "{bad}");
    }
    for bad in [-0.1, 1.1, f64::NAN] {
        assert!(CrossEntropy.label_smoothing(bad).is_err(), "{bad}");
    }
    for bad in [&[][..], &[0.0, 0.0], &[1.0, -1.0], &[1.0, f64::NAN]] {
        assert!(CrossEntropy.class_weights(bad).is_err(), "{bad:?}");
        assert!(BinaryCrossEntropyWithLogits.positive_weights(bad).is_err(), "{bad:?}");
    }
    assert!(MultiMargin::new().margin(f64::NAN).is_err());
    let text = CrossEntropy.class_weights(&[1.0, -2.0]).unwrap_err().to_string();
    assert_eq!(text, "a class weight is -2, but must be finite and not negative");
}

/// Logits are the inputs, so that a loss of −ln ¼ or −ln ¾ can be chosen for every row.
fn identity() -> Dense<f64> {
    let mut layer = Dense::new(2, 2, &mut nn::rng(0));
    layer.weight.value = Tensor::from([[1.0, 0.0], [0.0, 1.0]]);
    layer.bias.value = Tensor::zeros(&[2]);
    layer
}

/// Rows of logits [0, ln 3], whose softmax is [¼, ¾], with these labels.
fn quarters(labels: &[f64]) -> Dataset<f64> {
    let inputs = labels.iter().flat_map(|_| [0.0, 3.0_f64.ln()]).collect();
    let inputs = Tensor::from_shape_vec(&[labels.len(), 2], inputs).unwrap();
    Dataset::regression(inputs, Tensor::from(labels.to_vec())).unwrap()
}

#[test]
fn the_mean_of_batches_weighs_what_counts_in_whatever_order() {
    let (rare, usual) = (4.0_f64.ln(), (4.0_f64 / 3.0).ln());
    // More rows than are evaluated at a time. Of the first 1,024 one counts.
    let mut labels = vec![-1.0; 1024];
    labels[0] = 0.0;
    labels.extend([1.0; 1024]);
    let ignoring = CrossEntropy.ignore(-1);
    let right = (rare + 1024.0 * usual) / 1025.0;
    let forwards = evaluate(&identity(), &quarters(&labels), &ignoring).unwrap().loss;
    assert_relative_eq!(forwards, right, max_relative = 1e-12);
    labels.rotate_left(700);
    let rotated = evaluate(&identity(), &quarters(&labels), &ignoring).unwrap().loss;
    assert_relative_eq!(rotated, right, max_relative = 1e-12);

    // Weights of 1 and 3: Σ wₗ·(−ln pₗ) / Σ wₗ over all rows, however they lie.
    let mut labels = vec![0.0; 1024];
    labels.extend([1.0; 500]);
    let right = (1024.0 * rare + 3.0 * 500.0 * usual) / (1024.0 + 3.0 * 500.0);
    let weighted = CrossEntropy.class_weights(&[1.0, 3.0]).unwrap();
    let loss = evaluate(&identity(), &quarters(&labels), &weighted).unwrap().loss;
    assert_relative_eq!(loss, right, max_relative = 1e-12);
    // Outputs of NLL are logarithms of probabilities: 0 and ln 3 stand for any.
    let likelihood = NegativeLogLikelihood::new().class_weights(&[1.0, 3.0]).unwrap();
    let right = -3.0 * 500.0 * 3.0_f64.ln() / (1024.0 + 3.0 * 500.0);
    let loss = evaluate(&identity(), &quarters(&labels), &likelihood).unwrap().loss;
    assert_relative_eq!(loss, right, max_relative = 1e-12);
}

#[test]
fn the_loss_of_an_epoch_weighs_what_counts() {
    let (rare, usual) = (4.0_f64.ln(), (4.0_f64 / 3.0).ln());
    // Batches of 2 in which 2 rows and 1 row count; a rate at which no weight moves.
    let data = quarters(&[1.0, 1.0, 0.0, -1.0]);
    for replay in [false, true] {
        let loader = nn::data::DataLoader::new(data.clone(), 2).unwrap();
        let history = Fit::new()
            .epochs(2)
            .validation(&data)
            .replay(replay)
            .progress(false)
            .run(&mut identity(), &loader, &CrossEntropy.ignore(-1), &mut Sgd::new(1e-300).unwrap())
            .unwrap();
        for epoch in &history.epochs {
            let right = (rare + 2.0 * usual) / 3.0;
            assert_relative_eq!(epoch.loss(), right, max_relative = 1e-12);
            assert_relative_eq!(epoch.validation_loss().unwrap(), right, max_relative = 1e-12);
        }
    }
}

#[allow(clippy::items_after_statements)] // Beside what it is about.
#[test]
fn a_surely_wrong_sample_keeps_its_gradient() {
    // σ(20) is 1 and σ(−120) is 0 in f32; the slope of the loss is σ(x) − t all the same.
    let tape = Tape::<f32>::new();
    let x = tape.var([[20.0_f32], [-120.0]]);
    let loss = BinaryCrossEntropy.loss(x.sigmoid(), &Targets::Labels(vec![0, 1])).unwrap();
    assert_relative_eq!(loss.item(), 70.0, epsilon = 1e-4); // (20 + 120)/2
    assert_eq!(loss.backward().wrt(x), Tensor::from([[0.5_f32], [-0.5]]));
    // A probability of 1 has the slope 1/(1 − p) of the bound, 1 − ε; the loss is −ln ε there.
    let p = gradient(&BinaryCrossEntropy, [[1.0]], &labels(&[0]));
    assert_relative_eq!(p.item(), f64::EPSILON.recip(), max_relative = 1e-12);
    let bound = value(&BinaryCrossEntropy, [[1.0]], &labels(&[0]));
    assert_relative_eq!(bound, -f64::EPSILON.ln(), max_relative = 1e-12);
    // Another rule of this name is taken for what it is: −ln(1 − 0.25).
    #[derive(Clone, Copy, Debug)]
    struct Quarter;
    impl ops::Unary for Quarter {
        const NAME: &'static str = "sigmoid";
        fn value<R: ops::Number>(self, x: R) -> R {
            x * R::lit(0.25)
        }
        fn slope<R: ops::Number>(self, _x: R, _y: R) -> R {
            R::lit(0.25)
        }
    }
    let tape = Tape::<f64>::new();
    let p = tape.var([[1.0]]).unary(Quarter);
    let loss = BinaryCrossEntropy.loss(p, &Targets::Labels(vec![0])).unwrap();
    assert_relative_eq!(loss.item(), -0.75_f64.ln(), max_relative = 1e-12);
}
