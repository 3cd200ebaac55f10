//! Models that PyTorch has saved: `torch/README.md` says what the files hold.
//!
//! Each file loads into a model of ours with the same names, nothing missing and nothing left over,
//! which then gives PyTorch's outputs.

use std::path::PathBuf;

use crate::common::{assert_close, counts, list, mask, tensor, text, unpacked};
use nn::Error;
use nn::layers::{AttentionMask, Recurrence};
use nn::prelude::*;
use nn::save::{SaveError, load_weights};
use serde_json::Value;

const TOLERANCE: f64 = 1e-5;

fn file() -> Value {
    unpacked(include_bytes!("torch/models.json.gz"))
}

fn stored(name: &Value) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "torch", text(name)].iter().collect()
}

fn mlp() -> Sequential<f32> {
    let rng = &mut nn::rng(0);
    Sequential::new()
        .then(Dense::new(6, 8, rng))
        .then(Relu)
        .then(Dense::new(8, 5, rng))
        .then(Tanh)
        .then(Dense::new(5, 3, rng))
}

fn cnn_batch_norm() -> Sequential<f32> {
    let rng = &mut nn::rng(0);
    Sequential::new()
        .then(Conv2d::new(2, 4, 3, rng).padding(1))
        .then(BatchNorm2d::new(4))
        .then(Relu)
        .then(MaxPool2d::new(2))
        .then(Conv2d::new(4, 5, 3, rng).without_bias())
        .then(BatchNorm2d::new(5))
        .then(Relu)
        .then(Flatten::new())
        .then(Dense::new(10, 3, rng))
}

fn lstm() -> Sequential<f32> {
    let rng = &mut nn::rng(0);
    let settings = Recurrence { layers: 2, bidirectional: true, ..Recurrence::default() };
    let lstm = Lstm::with_settings(3, 4, settings, rng).expect("settings in range");
    Sequential::new().named("lstm", lstm).named("head", Dense::new(8, 2, rng))
}

fn transformer() -> TransformerBlock<f32> {
    TransformerBlock::new(6, 2, 9, &mut nn::rng(0)).gelu()
}

/// The names and shapes of all that a model keeps.
fn kept(model: &impl Module<f32>) -> Vec<(String, Vec<usize>)> {
    let mut kept = Vec::new();
    model.visit(&mut |path, parameter| {
        kept.push((path.to_owned(), parameter.value.shape().to_vec()));
    });
    kept.sort();
    kept
}

/// Loads the file of a model of PyTorch's, and holds its outputs against ours.
fn hold<M: Module<f32>>(stored_model: &Value, mut model: M) -> M {
    let name = text(&stored_model["name"]);
    let tensors = stored_model["tensors"].as_object().expect("shapes by name");
    let mut wanted: Vec<_> = tensors.iter().map(|(n, shape)| (n.clone(), counts(shape))).collect();
    wanted.sort();
    assert_eq!(kept(&model), wanted, "{name}");

    load_weights(&mut model, stored(&stored_model["file"])).expect(name);
    let output = predict(&model, &tensor(&stored_model["input"]).cast()).expect(name);
    assert_close(name, &output, &tensor(&stored_model["output"]), TOLERANCE);
    model
}

#[test]
fn models_that_pytorch_saved_give_its_outputs() {
    let file = file();
    let models = list(&file["models"]);
    assert_eq!(models.len(), 6);
    for stored_model in models {
        match text(&stored_model["name"]) {
            "mlp" | "mlp_f16" | "mlp_bf16" => {
                let model = hold(stored_model, mlp());
                // Subnormal in float16.
                let smallest =
                    model.layer::<Dense<f32>>("4").expect("a layer").bias.value.to_vec()[0];
                assert!((smallest - 3e-6).abs() < 3e-8, "{smallest}");
            }
            "cnn_batch_norm" => {
                let model = hold(stored_model, cnn_batch_norm());
                let norm = model.layer::<BatchNorm2d<f32>>("1").expect("a layer");
                assert_eq!(norm.num_batches_tracked.value.item(), 5.0);
            }
            "lstm" => drop(hold(stored_model, lstm())),
            "transformer_encoder_layer" => {
                let block = hold(stored_model, transformer());
                let (tape, padding) = (Tape::new(), mask(&stored_model["key_padding_mask"]));
                let (pass, x) = (Pass::evaluate(&tape), tensor(&stored_model["input"]));
                let mask = AttentionMask::new().causal().padding(padding);
                let output = block.forward_masked(&pass, pass.input(&x.cast()), &mask).value();
                let wanted = tensor(&stored_model["output_causal_and_masked"]);
                assert_close("causal and masked", &output, &wanted, TOLERANCE);
            }
            other => panic!("no model for {other}"),
        }
    }
}

#[test]
fn a_file_that_does_not_fit_is_refused_with_everything_that_is_wrong() {
    let file = file();
    let [mismatched] = list(&file["mismatched"]) else { panic!("one file") };
    assert_eq!(mismatched["of"], "mlp");
    let mut model = mlp();
    let before: Vec<_> = model.parameters().iter().map(|(_, p)| p.value.to_vec()).collect();

    let refusal = load_weights(&mut model, stored(&mismatched["file"])).unwrap_err();
    let Error::Save(SaveError::Misfit(misfit)) = &refusal else { panic!("{refusal}") };
    let names = |key: &str| list(&mismatched[key]).iter().map(text).collect::<Vec<_>>();
    let found = |list: &[(String, Vec<usize>)]| -> Vec<String> {
        list.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(found(&misfit.missing), names("missing"));
    assert_eq!(found(&misfit.unexpected), names("unexpected"));
    let misshapen = mismatched["misshapen"].as_object().expect("shapes by name").iter();
    let misshapen = misshapen.map(|(name, shapes)| {
        (name.clone(), counts(&shapes["expected"]), counts(&shapes["found"]))
    });
    assert_eq!(misfit.misshapen, misshapen.collect::<Vec<_>>());
    assert!(misfit.unfit.is_empty(), "{:?}", misfit.unfit);

    let sentence = refusal.to_string();
    for name in misfit.missing.iter().chain(&misfit.unexpected).map(|(name, _)| name) {
        assert!(sentence.contains(name), "{sentence}");
    }
    assert!(sentence.contains("0.weight"), "{sentence}");
    let after: Vec<_> = model.parameters().iter().map(|(_, p)| p.value.to_vec()).collect();
    assert_eq!(after, before, "a refused file changes nothing");
}
