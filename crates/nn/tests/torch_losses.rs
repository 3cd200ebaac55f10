//! Losses against PyTorch: tests/torch/README.md says what the file holds.

use crate::common::{list, tensor, unpacked};
use nn::prelude::*;
use ops::Float;
use serde_json::Value;

fn cases() -> Vec<Value> {
    list(&unpacked(include_bytes!("torch/losses.json.gz"))["cases"]).to_vec()
}

/// The axis of classes, PyTorch's second, as the last.
fn classes_last(x: &Tensor<f64>) -> Tensor<f64> {
    let axes = x.ndim() as isize;
    let order: Vec<isize> = [0].into_iter().chain(2..axes).chain([1]).collect();
    x.permute(&order)
}

struct Case {
    value: Value,
    output: Tensor<f64>,
    target: Tensor<f64>,
    gradient: Tensor<f64>,
}

impl Case {
    fn new(value: Value) -> Self {
        let [mut output, mut target, mut gradient] =
            ["input", "target", "gradient"].map(|key| tensor(&value[key]));
        if value["loss"] == "cross_entropy" || value["loss"] == "nll" {
            // Labels have no axis of classes.
            if target.ndim() == output.ndim() {
                target = classes_last(&target);
            }
            (output, gradient) = (classes_last(&output), classes_last(&gradient));
        }
        Self { value, output, target, gradient }
    }
    fn loss(&self) -> &str {
        self.value["loss"].as_str().unwrap()
    }
    fn name(&self) -> &str {
        self.value["name"].as_str().unwrap()
    }
    fn setting(&self, key: &str) -> Option<f64> {
        self.value["settings"].get(key).map(|x| x.as_f64().unwrap())
    }
    fn weights(&self, key: &str) -> Option<Vec<f64>> {
        self.value.get(key).map(|weights| tensor(weights).to_vec())
    }
    fn has_labels(&self) -> bool {
        self.target.shape() != self.output.shape()
    }
    fn ignored(&self) -> i64 {
        self.setting("ignore_index").map_or(-100, |label| label as i64)
    }

    /// The loss as it is made here.
    fn made<A: Float>(&self) -> Box<dyn Loss<A>> {
        let class_weights = self.weights("weight");
        match self.loss() {
            "mse" => Box::new(MeanSquaredError),
            "l1" => Box::new(MeanAbsoluteError),
            "huber" => Box::new(Huber::new(self.setting("delta").unwrap()).unwrap()),
            "smooth_l1" => Box::new(SmoothL1::new(self.setting("beta").unwrap_or(1.0)).unwrap()),
            "bce" => Box::new(BinaryCrossEntropy),
            "bce_with_logits" => match self.weights("pos_weight") {
                Some(positive) => {
                    Box::new(BinaryCrossEntropyWithLogits.positive_weights(&positive).unwrap())
                }
                None => Box::new(BinaryCrossEntropyWithLogits),
            },
            "hinge" => Box::new(Hinge),
            "kl_div" => {
                let log_targets = self.value["settings"]["log_target"].as_bool().unwrap();
                Box::new(KlDivergence { log_targets })
            }
            "nll" => {
                let loss = NegativeLogLikelihood::new().ignore(self.ignored());
                Box::new(match class_weights {
                    Some(weights) => loss.class_weights(&weights).unwrap(),
                    None => loss,
                })
            }
            "multi_margin" => {
                let loss =
                    MultiMargin::new().margin(self.setting("margin").unwrap_or(1.0)).unwrap();
                let loss = if self.setting("p") == Some(2.0) { loss.squared() } else { loss };
                Box::new(match class_weights {
                    Some(weights) => loss.class_weights(&weights).unwrap(),
                    None => loss,
                })
            }
            "cross_entropy" => {
                let smoothing = self.setting("label_smoothing");
                let padded = self.target.to_vec().contains(&(self.ignored() as f64));
                if class_weights.is_none() && smoothing.is_none() && !padded {
                    return Box::new(CrossEntropy);
                }
                let loss = CrossEntropy.label_smoothing(smoothing.unwrap_or(0.0)).unwrap();
                let loss = loss.ignore(self.ignored());
                Box::new(match class_weights {
                    Some(weights) => loss.class_weights(&weights).unwrap(),
                    None => loss,
                })
            }
            other => panic!("no loss for {other}"),
        }
    }

    /// By what our mean is to be multiplied to be PyTorch's reduction.
    fn factor(&self) -> f64 {
        let (samples, elements) = (self.output.shape()[0] as f64, self.output.len() as f64);
        let rows = elements / *self.output.shape().last().unwrap() as f64;
        match (self.value["settings"]["reduction"].as_str().unwrap(), self.loss()) {
            ("mean", "kl_div") => samples / elements,
            ("mean" | "batchmean", _) => 1.0,
            ("sum", "kl_div") => samples,
            ("sum", "cross_entropy" | "nll") if self.has_labels() => {
                let weights = self.weights("weight");
                let labels = self.target.to_vec().into_iter();
                let counting = labels.filter(|&label| label != self.ignored() as f64);
                counting.map(|l| weights.as_ref().map_or(1.0, |w| w[l as usize])).sum()
            }
            ("sum", "cross_entropy" | "multi_margin") => rows,
            ("sum", _) => elements,
            other => panic!("no reduction {other:?}"),
        }
    }

    /// Our value and gradient, by PyTorch's reduction.
    fn run<A: Float>(&self) -> (f64, Tensor<f64>) {
        let tape = Tape::<A>::new();
        let output = tape.var(self.output.cast::<A>());
        let (loss, target) = (self.made::<A>(), self.target.cast::<A>());
        // Weights of samples: the loss of each by itself, weighed here.
        let value = match self.weights("weight").filter(|_| self.loss().starts_with("bce")) {
            Some(weights) => {
                let mean = 1.0 / weights.len() as f64;
                let rows = weights.iter().enumerate().map(|(row, weight)| {
                    let target = Targets::Values(target.index_select(0, &[row]));
                    let loss = loss.loss(output.index_select(0, &[row]), &target).unwrap();
                    loss.scale(weight * mean)
                });
                rows.reduce(|a, b| a + b).unwrap()
            }
            None => loss.loss(output, &Targets::Values(target.clone())).unwrap(),
        };
        if self.has_labels() && !target.to_vec().iter().any(|label| label.to_f64() < 0.0) {
            let labels = target.to_vec().iter().map(|label| label.to_f64() as usize).collect();
            let listed = loss.loss(output, &Targets::Labels(labels)).unwrap();
            assert_eq!(listed.item(), value.item(), "{}: labels as a list", self.name());
        }
        let value = value.scale(self.factor());
        (value.item().to_f64(), value.backward().wrt(output).cast())
    }
}

/// |a − b| relative to the larger of both, but not below `floor`.
fn error(a: f64, b: f64, floor: f64) -> f64 {
    (a - b).abs() / a.abs().max(b.abs()).max(floor)
}

fn hold_all<A: Float>(tolerance: f64) {
    let cases: Vec<Case> = cases().into_iter().map(Case::new).collect();
    assert!(cases.len() >= 100, "{} cases", cases.len());
    for case in &cases {
        let (value, gradient) = case.run::<A>();
        let wanted = case.value["value"].as_f64().unwrap();
        // A divergence may cancel to less than its terms, the largest of which is about 1.
        let off = error(value, wanted, 1.0);
        assert!(off <= tolerance, "{}: {value} is not {wanted}", case.name());
        assert_eq!(gradient.shape(), case.gradient.shape(), "{}", case.name());
        let largest = case.gradient.to_vec().iter().fold(0.0_f64, |most, g| most.max(g.abs()));
        for (a, b) in gradient.to_vec().into_iter().zip(case.gradient.to_vec()) {
            let off = error(a, b, largest);
            assert!(off <= tolerance, "{}: a gradient of {a} is not {b}", case.name());
        }
    }
}

#[test]
fn losses_and_gradients_are_those_of_pytorch_in_f64() {
    hold_all::<f64>(1e-12);
}

#[test]
fn losses_and_gradients_are_those_of_pytorch_in_f32() {
    hold_all::<f32>(1e-5);
}
