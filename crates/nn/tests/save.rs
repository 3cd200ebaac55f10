//! Saving and loading: what comes back is what was saved, and what is wrong is refused whole.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nn::layers::Recurrence;
use nn::ops::Shape;
use nn::prelude::*;
use nn::save::{Checkpoint, Loading, Misfit, SaveError, Weights, load_weights, save_weights};
use nn::{Error, State};
use rand::{Rng, RngExt};

fn mlp<A: nn::ops::Float>(seed: u64) -> Sequential<A> {
    let mut rng = nn::rng(seed);
    Sequential::new().then(Dense::new(5, 7, &mut rng)).then(Tanh).then(Dense::new(7, 3, &mut rng))
}

/// A weight, and a buffer as PyTorch's batch normalisation has one.
struct Counted<A: nn::ops::Float> {
    weight: Parameter<A>,
    batches: Parameter<A>,
}

impl<A: nn::ops::Float> Counted<A> {
    fn new() -> Self {
        Self {
            weight: Parameter::new(Tensor::zeros(&[2])),
            batches: Parameter::buffer(Tensor::scalar(A::zero())),
        }
    }
}

impl<A: nn::ops::Float> Module<A> for Counted<A> {
    fn forward<'t>(&self, pass: &Pass<'t, A>, x: Var<'t, A>) -> Var<'t, A> {
        x * pass.parameter(&self.weight)
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(input))
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<A>)) {
        visit("weight", &self.weight);
        visit("num_batches_tracked", &self.batches);
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<A>)) {
        visit("weight", &mut self.weight);
        visit("num_batches_tracked", &mut self.batches);
    }
}

/// A safetensors file by hand: a header and numbers.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn misfit(error: Error) -> Misfit {
    match error {
        Error::Save(SaveError::Misfit(misfit)) => misfit,
        other => panic!("not a misfit: {other}"),
    }
}

#[test]
fn weights_come_back_bit_for_bit() -> Result<(), Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.safetensors");
    let odd = [f32::NAN, -f32::NAN, -0.0, f32::INFINITY, f32::MIN_POSITIVE / 8.0, f32::MAX, 0.1];
    let mut model = mlp::<f32>(1);
    model[0].visit_mut(&mut |_, parameter| {
        let mut numbers = odd.into_iter().cycle();
        parameter.value = parameter.value.map(|_| numbers.next().unwrap());
    });
    save_weights(&model, &path)?;
    let mut other = mlp::<f32>(2);
    load_weights(&mut other, &path)?;
    let bits = |model: &Sequential<f32>| -> Vec<u32> {
        let all = model.parameters().into_iter();
        all.flat_map(|(_, p)| p.value.to_vec()).map(f32::to_bits).collect()
    };
    assert_eq!(bits(&model), bits(&other));

    let model = mlp::<f64>(1);
    let mut other = mlp::<f64>(2);
    Loading::new().bytes(&mut other, &Weights::of(&model)?.to_bytes()?)?;
    assert_eq!(Weights::of(&model)?, Weights::of(&other)?);
    Ok(())
}

#[test]
fn the_same_weights_give_the_same_bytes() -> Result<(), Error> {
    let bytes = || Weights::of(&mlp::<f32>(1))?.to_bytes();
    assert_eq!(bytes()?, bytes()?);
    let mut state = State::<f32>::new();
    for i in 0..20 {
        state.texts.insert(format!("text {i}"), "…".repeat(i));
        state.numbers.insert(format!("number {i}"), i as f64);
    }
    let bytes = || Checkpoint::of(&mlp::<f32>(1), state.clone())?.to_bytes();
    assert_eq!(bytes()?, bytes()?);
    Ok(())
}

/// What `scripts/torch_reference.py` stored of the state dicts of this folder.
fn torch_models() -> serde_json::Value {
    let file = fs::File::open(torch("models.json.gz")).unwrap();
    serde_json::from_reader(flate2::read::GzDecoder::new(file)).unwrap()
}

fn torch(name: &str) -> String {
    format!("{}/tests/torch/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn tensor(stored: &serde_json::Value) -> Tensor<f64> {
    let numbers = |key: &str| stored[key].as_array().unwrap().iter().map(|x| x.as_f64().unwrap());
    let shape: Vec<usize> = numbers("shape").map(|length| length as usize).collect();
    Tensor::from_shape_vec(&shape, numbers("data").collect()).unwrap()
}

fn torch_mlp<A: nn::ops::Float>() -> Sequential<A> {
    let mut rng = nn::rng(1);
    Sequential::new()
        .then(Dense::new(6, 8, &mut rng))
        .then(Relu)
        .then(Dense::new(8, 5, &mut rng))
        .then(Tanh)
        .then(Dense::new(5, 3, &mut rng))
}

/// The networks of PyTorch whose state dicts are stored, by the name of their file.
fn torch_model<A: nn::ops::Float>(file: &str) -> Box<dyn Module<A>> {
    let mut rng = nn::rng(1);
    match file {
        "cnn_batch_norm.safetensors" => Box::new(
            Sequential::new()
                .then(Conv2d::new(2, 4, 3, &mut rng).padding(1))
                .then(BatchNorm2d::new(4))
                .then(Relu)
                .then(MaxPool2d::new(2))
                .then(Conv2d::new(4, 5, 3, &mut rng).without_bias())
                .then(BatchNorm2d::new(5))
                .then(Relu)
                .then(Flatten::new())
                .then(Dense::new(10, 3, &mut rng)),
        ),
        "lstm.safetensors" => {
            let settings = Recurrence { layers: 2, bidirectional: true, ..Recurrence::default() };
            let lstm = Lstm::with_settings(3, 4, settings, &mut rng).unwrap();
            let head = Dense::new(8, 2, &mut rng);
            Box::new(Sequential::new().named("lstm", lstm).named("head", head))
        }
        "transformer_encoder_layer.safetensors" => {
            Box::new(TransformerBlock::new(6, 2, 9, &mut rng).gelu())
        }
        _ => Box::new(torch_mlp()),
    }
}

/// What a model gives for stored inputs, in each type of number, with the weights of a file.
fn check_against_torch<A: nn::ops::Float>(stored: &serde_json::Value, tolerance: f64) {
    let file = stored["file"].as_str().unwrap();
    let mut model = torch_model::<A>(file);
    load_weights(&mut *model, torch(file)).unwrap_or_else(|error| panic!("{error}"));
    let (inputs, theirs) = (tensor(&stored["input"]), tensor(&stored["output"]));
    let tape = Tape::new();
    let pass = Pass::evaluate(&tape);
    let own = model.forward(&pass, pass.input(&inputs.cast())).value();
    assert_eq!(own.shape(), theirs.shape(), "{file}");
    let largest = theirs.view().fold(0.0_f64, |most, x| most.max(x.abs()));
    for (&own, &theirs) in own.view().iter().zip(&theirs.view()) {
        assert!((own.to_f64() - theirs).abs() <= tolerance * largest, "{file}: {own} {theirs}");
    }
}

#[test]
fn a_state_dict_of_pytorch_gives_its_outputs() {
    let models = torch_models();
    let models = models["models"].as_array().unwrap();
    assert_eq!(models.len(), 6);
    for stored in models {
        // The outputs were computed in f64 from the numbers in the file.
        check_against_torch::<f64>(stored, 1e-14);
        check_against_torch::<f32>(stored, 1e-6);
    }
}

#[test]
fn a_state_dict_that_does_not_fit_is_told_in_full() -> Result<(), Error> {
    let stored = &torch_models()["mismatched"][0];
    let mut model = torch_mlp::<f32>();
    let before = Weights::of(&model)?;
    let found = misfit(load_weights(&mut model, torch("mlp_mismatched.safetensors")).unwrap_err());
    let names = |list: &[(String, Vec<usize>)]| -> serde_json::Value {
        list.iter().map(|(name, _)| name.as_str()).collect()
    };
    assert_eq!(names(&found.missing), stored["missing"]);
    assert_eq!(names(&found.unexpected), stored["unexpected"]);
    let misshapen: serde_json::Map<_, _> = found
        .misshapen
        .iter()
        .map(|(name, model, file)| {
            (name.clone(), serde_json::json!({ "expected": model, "found": file }))
        })
        .collect();
    assert_eq!(serde_json::Value::from(misshapen), stored["misshapen"]);
    assert_eq!(Weights::of(&model)?, before);
    Ok(())
}

#[test]
fn everything_that_does_not_fit_is_listed_and_nothing_changes() -> Result<(), Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.safetensors");
    let mut weights = Weights::of(&mlp::<f32>(2))?;
    weights.tensors.remove("0.bias");
    weights.tensors.remove("2.weight");
    weights.tensors.insert("2.bias".into(), Tensor::zeros(&[3, 1]));
    weights.tensors.insert("3.scale".into(), Tensor::zeros(&[]));
    weights.tensors.insert("4.scale".into(), Tensor::zeros(&[9]));
    weights.save(&path)?;
    let mut model = mlp::<f32>(1);
    let before = Weights::of(&model)?;
    let error = load_weights(&mut model, &path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} does not fit the model, which stays as it was:
  missing (2)
    0.bias [7]
    2.weight [3, 7]
  unexpected (2)
    3.scale []
    4.scale [9]
  of another shape (1)
    2.bias is [3] in the model, but [3, 1] there",
            path.display()
        )
    );
    assert_eq!(Weights::of(&model)?, before);
    Ok(())
}

#[test]
fn what_is_allowed_is_reported() -> Result<(), Error> {
    let mut weights = Weights::of(&mlp::<f32>(2))?;
    weights.tensors.remove("0.bias");
    weights.tensors.insert("extra".into(), Tensor::zeros(&[]));
    let mut model = mlp::<f32>(1);
    let before = Weights::of(&model)?;
    let bytes = weights.to_bytes()?;
    assert!(Loading::new().allow_missing().bytes(&mut model, &bytes).is_err());
    assert!(Loading::new().allow_unexpected().bytes(&mut model, &bytes).is_err());
    assert_eq!(Weights::of(&model)?, before);
    let loading = Loading::new().allow_missing().allow_unexpected();
    let loaded = loading.bytes(&mut model, &bytes)?;
    assert_eq!(loaded.paths, ["0.weight", "2.bias", "2.weight"]);
    assert_eq!(loaded.missing, ["0.bias"]);
    assert_eq!(loaded.unexpected, ["extra"]);
    let after = Weights::of(&model)?;
    assert_eq!(after.tensors["0.bias"], before.tensors["0.bias"]);
    assert_eq!(after.tensors["0.weight"], weights.tensors["0.weight"]);

    // Not even then another shape.
    weights.tensors.insert("0.weight".into(), Tensor::zeros(&[7]));
    let found = misfit(loading.bytes(&mut model, &weights.to_bytes()?).unwrap_err());
    assert_eq!(found.misshapen, [("0.weight".into(), vec![7, 5], vec![7])]);
    Ok(())
}

#[test]
fn tensors_can_be_renamed_and_left_out() -> Result<(), Error> {
    let mut weights = Weights::<f32>::default();
    for (path, tensor) in Weights::of(&mlp::<f32>(2))?.tensors {
        weights.tensors.insert(format!("module.fc{path}"), tensor);
    }
    weights.tensors.insert("module.optimizer".into(), Tensor::zeros(&[]));
    weights.tensors.insert("other".into(), Tensor::zeros(&[]));
    let mut model = mlp::<f32>(1);
    let rename = |name: &str| name.strip_prefix("fc").map(str::to_owned);
    let loaded = Loading::new().prefix("module.").rename(rename).weights(&mut model, &weights)?;
    assert_eq!(loaded.paths.len(), 4);
    assert_eq!(Weights::of(&model)?, Weights::of(&mlp::<f32>(2))?);

    let both = Loading::new().rename(|_| Some("0.bias".into()));
    let error = both.weights(&mut model, &weights).unwrap_err().to_string();
    assert!(error.contains("\"module.fc0.weight\" are both renamed to \"0.bias\""), "{error}");

    // A part of the model is a model, and takes a file of its own.
    let layer = Weights::of(&Dense::<f32>::new(5, 7, &mut nn::rng(9)))?;
    Loading::new().weights(&mut model[0], &layer)?;
    assert_eq!(Weights::of(&model)?.tensors["0.weight"], layer.tensors["weight"]);
    Ok(())
}

#[test]
fn frozen_parameters_stay_frozen() -> Result<(), Error> {
    let mut model = mlp::<f32>(1);
    model[0].visit_mut(&mut |_, parameter| parameter.freeze());
    Weights::of(&mlp::<f32>(2))?.restore(&mut model)?;
    let trained: Vec<_> = model.parameters().iter().map(|(_, p)| p.is_trained()).collect();
    assert_eq!(trained, [false, false, true, true]);
    Ok(())
}

#[test]
fn numbers_of_any_type_are_converted() -> Result<(), Error> {
    let load = |dtype: &str, data: &[u8]| -> Result<f32, Error> {
        let mut model = Counted::<f32>::new();
        let header = format!(
            r#"{{"num_batches_tracked":{{"dtype":"{dtype}","shape":[],"data_offsets":[0,{}]}}}}"#,
            data.len()
        );
        Loading::new().allow_missing().bytes(&mut model, &file(&header, data))?;
        Ok(model.batches.value.item())
    };
    assert_eq!(load("I64", &(-1234_i64).to_le_bytes())?, -1234.0);
    assert_eq!(load("U64", &(1_u64 << 63).to_le_bytes())?, 2.0_f32.powi(63));
    assert_eq!(load("I32", &7_i32.to_le_bytes())?, 7.0);
    assert_eq!(load("U32", &7_u32.to_le_bytes())?, 7.0);
    assert_eq!(load("I16", &(-7_i16).to_le_bytes())?, -7.0);
    assert_eq!(load("U16", &7_u16.to_le_bytes())?, 7.0);
    assert_eq!(load("I8", &[0xff])?, -1.0);
    assert_eq!(load("U8", &[0xff])?, 255.0);
    assert_eq!(load("BOOL", &[1])?, 1.0);
    assert_eq!(load("F16", &[0x00, 0xc2])?, -3.0);
    assert_eq!(load("BF16", &[0x40, 0xc0])?, -3.0);
    assert_eq!(load("F64", &0.1_f64.to_le_bytes())?, 0.1);
    assert_eq!(load("F64", &f64::NEG_INFINITY.to_le_bytes())?, f32::NEG_INFINITY);

    let unfit =
        |dtype: &str, data: &[u8]| misfit(load(dtype, data).unwrap_err()).unfit[0].1.clone();
    assert_eq!(unfit("F64", &1e300_f64.to_le_bytes()), "number 0 is 1e300, too large for f32");
    let inexact = "number 0 is 16777217, which no f32 is exactly";
    assert_eq!(unfit("I64", &16_777_217_i64.to_le_bytes()), inexact);
    assert_eq!(unfit("F8_E4M3", &[0]), "numbers of type F8_E4M3 cannot be read");
    Ok(())
}

#[test]
fn a_model_that_cannot_be_saved_is_refused() {
    struct Twice(Parameter<f32>);
    impl Module<f32> for Twice {
        fn forward<'t>(&self, _: &Pass<'t, f32>, x: Var<'t, f32>) -> Var<'t, f32> {
            x
        }
        fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
            Ok(Shape::from_slice(input))
        }
        fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f32>)) {
            visit("a", &self.0);
            visit("a", &self.0);
        }
    }
    struct Forgets(Parameter<f32>);
    impl Module<f32> for Forgets {
        fn forward<'t>(&self, _: &Pass<'t, f32>, x: Var<'t, f32>) -> Var<'t, f32> {
            x
        }
        fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
            Ok(Shape::from_slice(input))
        }
        fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f32>)) {
            visit("a", &self.0);
        }
    }
    let twice = Weights::of(&Twice(Parameter::new(1.0))).unwrap_err().to_string();
    assert!(twice.ends_with("two parameters have the path \"a\""), "{twice}");
    let mut forgets = Forgets(Parameter::new(1.0));
    let error = Weights::of(&forgets).unwrap().restore(&mut forgets).unwrap_err().to_string();
    assert!(error.ends_with("its visit shows 1 parameters, and its visit_mut 0"), "{error}");
}

#[test]
fn damaged_and_hostile_files_are_refused_in_words() {
    let entry = |shape: &str, offsets: &str| {
        format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    let huge = |length: u64| length.to_le_bytes().to_vec();
    let nested = format!(r#"{{"a":{}"#, "[".repeat(100_000));
    let two = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#;
    let twice = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    // Eight tensors of 2⁶¹ − 1 bytes: no more fit into 64 bits.
    let eighth = (1_u64 << 61) - 1;
    let large = (0..8).map(|i| {
        let (start, end) = (i * eighth, (i + 1) * eighth);
        format!(r#""{i}":{{"dtype":"U8","shape":[{eighth}],"data_offsets":[{start},{end}]}}"#)
    });
    let large = format!("{{{}}}", large.collect::<Vec<_>>().join(","));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "it has 0 bytes, and a safetensors file 8 or more"),
        (vec![1, 2, 3], "it has 3 bytes"),
        (huge(u64::MAX), "its header claims to be 18446744073709551615 bytes long"),
        (huge(99_000_000), "its header has 99000000 bytes, but it ends after 0"),
        (file("", &[]), "EOF while parsing"),
        (file("[]", &[]), "invalid type: sequence, expected the names of tensors"),
        (file("{\"a\": \u{0}}", &[]), "its header is wrong"),
        (file(&nested, &[]), "its header is wrong"),
        (file(&entry("[2]", "[0,8]"), &[0; 7]), "its tensors have 8 bytes, but 7 follow"),
        (file(&entry("[2]", "[0,8]"), &[0; 9]), "its tensors have 8 bytes, but more follow"),
        (file(&entry("[2]", "[0,7]"), &[0; 7]), "invalid shape, data type, or offset"),
        (file(&entry("[2]", "[8,0]"), &[0; 8]), "invalid offset for tensor `a`"),
        (file(&entry("[1]", "[4,8]"), &[0; 8]), "invalid offset for tensor `a`"),
        (file(two, &[0; 6]), "invalid offset for tensor `b`"),
        (file(twice, &[0; 8]), "\"a\" comes twice"),
        (file(&entry("[4611686018427387904,4]", "[0,0]"), &[]), "overflow"),
        (file(&large, &[]), "its tensors have 18446744073709551608 bytes, but 0 follow"),
        (file(&entry("[0,9223372036854775807,4]", "[0,0]"), &[]), "larger than any tensor"),
        (file(&entry("[-1]", "[0,4]"), &[0; 4]), "invalid value"),
        (file(&entry("[1e99]", "[0,4]"), &[0; 4]), "its header is wrong"),
        (file(&entry("[1]", "[0,4]").replace("F32", "F31"), &[0; 4]), "unknown variant `F31`"),
    ];
    for (bytes, says) in cases {
        let error = Weights::<f32>::read(&bytes[..]).unwrap_err().to_string();
        assert!(error.starts_with("what was given cannot be read: "), "{error}");
        assert!(error.contains(says), "{error}\ndoes not contain\n{says}");
    }
}

#[test]
fn thousands_of_mutated_files_do_no_harm() -> Result<(), Error> {
    let mut rng = nn::rng(7);
    let model = mlp::<f32>(1);
    let mut state = State::new();
    state.numbers.insert("epoch".into(), 3.0);
    state.texts.insert("seed".into(), "18446744073709551615".into());
    state.tensors.insert("exp_avg.0.bias".into(), Tensor::zeros(&[7]));
    let originals = [Weights::of(&model)?.to_bytes()?, Checkpoint::of(&model, state)?.to_bytes()?];
    let (mut refused, mut taken) = (0, 0);
    for round in 0..6000 {
        let mut bytes = originals[round % 2].clone();
        mutate(&mut bytes, &mut rng);
        let mut target = mlp::<f32>(2);
        let before = Weights::of(&target)?;
        if Loading::new().bytes(&mut target, &bytes).is_ok() {
            taken += 1;
        } else {
            refused += 1;
            assert_eq!(Weights::of(&target)?, before);
        }
        let _ = Weights::<f64>::read(&bytes[..]);
        let _ = Checkpoint::<f32>::read(&bytes[..]);
        let _ = Checkpoint::<f64>::read(&bytes[..]);
    }
    // A changed number is a number still; anything else is found out.
    assert!(refused > 1000 && taken > 100, "{refused} {taken}");
    Ok(())
}

/// Changes a file in one to four places: bits, bytes, digits of the header, pieces taken out,
/// doubled or cut off.
fn mutate(bytes: &mut Vec<u8>, rng: &mut impl Rng) {
    for _ in 0..rng.random_range(1..=4) {
        if bytes.is_empty() {
            return;
        }
        let header = bytes.len().min(600);
        let reach = if rng.random_bool(0.5) { header } else { bytes.len() };
        let at = rng.random_range(0..reach);
        let end = (at + rng.random_range(1..40)).min(bytes.len());
        match rng.random_range(0..7) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => bytes[at] = rng.random(),
            2 => bytes[at] = *b"0123456789,:[]{}\"-e.".get(rng.random_range(0..20)).unwrap(),
            3 => drop(bytes.drain(at..end)),
            4 => bytes.truncate(at),
            5 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let digits: Vec<usize> =
                    (0..header.min(bytes.len())).filter(|&i| bytes[i].is_ascii_digit()).collect();
                if !digits.is_empty() {
                    bytes[digits[rng.random_range(0..digits.len())]] =
                        rng.random_range(b'0'..=b'9');
                }
            }
        }
    }
}

#[test]
fn a_checkpoint_holds_everything_bit_for_bit() -> Result<(), Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last");
    let mut state = State::<f64>::new();
    let odd = [f64::from_bits(0x7ff8_0000_dead_beef), -0.0, f64::NEG_INFINITY, 0.1 + 0.2, 5e-324];
    for (i, number) in odd.into_iter().enumerate() {
        state.numbers.insert(format!("odd.{i}"), number);
    }
    state.texts.insert("random".into(), "0123 \"quoted\"\n\u{0}\u{1f980}".into());
    state.texts.insert(String::new(), String::new());
    state
        .tensors
        .insert("exp_avg.0.weight".into(), Tensor::from([[1.0, -0.0], [f64::MAX, 1e-310]]));
    state.tensors.insert("none".into(), Tensor::zeros(&[0, 3]));
    let checkpoint = Checkpoint::of(&mlp::<f64>(1), state.clone())?;
    checkpoint.save(&path)?;
    let back = Checkpoint::<f64>::load(&path)?;
    assert_eq!(back.weights, checkpoint.weights);
    assert_eq!((&back.state.texts, &back.state.tensors), (&state.texts, &state.tensors));
    let bits = |numbers: &BTreeMap<String, f64>| -> Vec<(String, u64)> {
        numbers.iter().map(|(key, number)| (key.clone(), number.to_bits())).collect()
    };
    assert_eq!(bits(&back.state.numbers), bits(&state.numbers));

    let mut model = mlp::<f64>(2);
    back.weights.restore(&mut model)?;
    assert_eq!(Weights::of(&model)?, checkpoint.weights);
    Ok(())
}

#[test]
fn a_file_that_is_no_checkpoint_for_this_program_is_refused_in_words() -> Result<(), Error> {
    let says = |bytes: &[u8]| Checkpoint::<f32>::read(bytes).unwrap_err().to_string();
    let weights = Weights::of(&mlp::<f32>(1))?.to_bytes()?;
    assert!(says(&weights).contains("it is no checkpoint, though it may be a file of weights"));
    let other = Checkpoint::of(&mlp::<f64>(1), State::new())?.to_bytes()?;
    assert!(says(&other).contains("it was made with f64, but the program computes with f32"));

    let metadata = |inner: &str, rest: &str| {
        let inner = inner.replace('"', "\\\"");
        file(&format!(r#"{{"__metadata__":{{"chainrule.checkpoint":"{inner}"}}{rest}}}"#), &[0; 8])
    };
    let later = metadata(
        r#"{"version":2}"#,
        r#","number.a":{"dtype":"F64","shape":[],"data_offsets":[0,8]}"#,
    );
    assert!(says(&later).contains("it has version 2 of the format, and this program reads 1"));
    let good = r#"{"version":1,"numbers":"f32","texts":{}}"#;
    for (tensor, problem) in [
        (r#","number.a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}"#, "a number has no axes"),
        (
            r#","number.a":{"dtype":"I64","shape":[],"data_offsets":[0,8]}"#,
            "its numbers are I64, but F64 are wanted",
        ),
        (
            r#","model.a":{"dtype":"F64","shape":[],"data_offsets":[0,8]}"#,
            "its numbers are F64, but F32",
        ),
        (r#","a":{"dtype":"F64","shape":[],"data_offsets":[0,8]}"#, "its name begins with none of"),
    ] {
        let found = says(&metadata(good, tensor));
        assert!(found.contains(problem), "{found}");
    }
    Ok(())
}

#[test]
fn files_that_cannot_be_written_or_read_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let model = mlp::<f32>(1);
    let nowhere = folder.path().join("no/such/folder/model");
    let error = save_weights(&model, &nowhere).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot write {}: ", nowhere.display())), "{error}");
    let error = save_weights(&model, folder.path()).unwrap_err().to_string();
    assert!(error.contains("it is a directory"), "{error}");
    let error = load_weights(&mut mlp::<f32>(1), &nowhere).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot open {}: ", nowhere.display())), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_saved_file_is_an_ordinary_file_and_links_stay_links() -> Result<(), Error> {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (plain, reference) = (folder.path().join("plain"), folder.path().join("reference"));
    let (link, target) = (folder.path().join("link"), folder.path().join("target"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    save_weights(&mlp::<f32>(1), &plain)?;
    fs::write(&reference, "").unwrap();
    assert_eq!(mode(&plain), mode(&reference));

    fs::write(&target, "old").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&target, &link).unwrap();
    save_weights(&mlp::<f32>(1), &link)?;
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(mode(&target) & 0o777, 0o640);
    load_weights(&mut mlp::<f32>(2), &target)?;
    Ok(())
}

/// A model of 20,000 numbers, all of them `number`.
fn uniform(number: f32) -> Counted<f32> {
    let weight = Parameter::new(Tensor::full(&[20_000], number));
    Counted { weight, ..Counted::new() }
}

const FOLDER: &str = "CHAINRULE_TEST_WRITES_TO";

/// Not a test by itself: the process that the next test kills.
#[test]
fn writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    for number in 0.. {
        let mut state = State::new();
        state.numbers.insert("number".into(), f64::from(number));
        let checkpoint = Checkpoint::of(&uniform(number as f32), state).unwrap();
        checkpoint.save(Path::new(&folder).join("last")).unwrap();
        println!("{number}");
    }
}

#[test]
fn a_killed_program_leaves_the_last_good_file() -> Result<(), Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last");
    Checkpoint::of(&uniform(0.0), State::new())?.save(&path)?;
    let mut rng = nn::rng(3);
    let (mut partial, mut saved_after_the_first) = (0, 0);
    // Until it was at work, and was killed in the middle of it, some times: how often that comes
    // depends on the machine.
    for round in 0..1_000 {
        if round >= 40 && saved_after_the_first > 5 && partial > 5 {
            return Ok(());
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "save::writes_until_it_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let at_work = |line: io::Result<String>| line.unwrap().parse::<u32>().is_ok();
        for _ in 0..rng.random_range(1..4) {
            assert!(lines.any(at_work), "it saved something");
        }
        std::thread::sleep(Duration::from_micros(rng.random_range(0..20_000)));
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        let checkpoint = Checkpoint::<f32>::load(&path)?;
        let number = checkpoint.weights.tensors["weight"].view()[[0]];
        assert_eq!(checkpoint.weights, Weights::of(&uniform(number))?);
        if let Some(&saved) = checkpoint.state.numbers.get("number") {
            assert_eq!(saved, f64::from(number));
        }
        saved_after_the_first += usize::from(number > 0.0);
        for entry in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            if entry.path() != path {
                partial += 1;
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }
    panic!(
        "saved after the first {saved_after_the_first} times, killed while saving {partial} times"
    );
}

#[test]
fn a_checkpoint_with_a_flipped_bit_is_refused_or_the_same() -> Result<(), Error> {
    let mut state = State::<f32>::new();
    state.numbers.insert("epoch".into(), 3.0);
    state.texts.insert("seed".into(), "18446744073709551615".into());
    state.tensors.insert("exp_avg.0.bias".into(), Tensor::from([0.5, -1.5]));
    let model = Sequential::<f32>::new().then(Dense::new(3, 2, &mut nn::rng(1)));
    let good = Checkpoint::of(&model, state)?;
    let bytes = good.to_bytes()?;
    assert_eq!(Checkpoint::read(&bytes[..])?, good);
    let mut other = 0;
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        other += usize::from(Checkpoint::read(&damaged[..]).is_ok_and(|read| read != good));
    }
    assert_eq!(other, 0, "of {} bits", bytes.len() * 8);
    Ok(())
}

#[test]
fn what_a_killed_program_left_is_removed_by_the_next() -> Result<(), Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last");
    let mut left = 0;
    for round in 0..1_000 {
        if left > 2 {
            break;
        }
        assert!(round < 999, "the program was not killed while it was saving");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "save::writes_until_it_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let at_work = |line: io::Result<String>| line.unwrap().parse::<u32>().is_ok();
        assert!(lines.any(at_work), "it saved something");
        std::thread::sleep(Duration::from_micros(round * 97 % 20_000));
        child.kill().unwrap();
        child.wait().unwrap();
        left += fs::read_dir(folder.path()).unwrap().count() - 1;
        Checkpoint::of(&uniform(0.0), State::new())?.save(&path)?;
        let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["last"]);
    }
    // The work of a program that is still running, and other files, stay.
    let others = [".last.partial", "last.partial", ".other.1.partial"];
    for name in others {
        fs::write(folder.path().join(name), "").unwrap();
    }
    Checkpoint::of(&uniform(0.0), State::new())?.save(&path)?;
    assert!(others.iter().all(|name| folder.path().join(name).exists()));
    Ok(())
}
