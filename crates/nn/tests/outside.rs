//! Text from outside comes out of every error and view with nothing in it that a reader would not
//! see or that could pass for the program's own words: names in files, headers of tables, classes,
//! paths of parameters, names of layers.

use std::io::Write as _;
use std::path::PathBuf;

use nn::data::{CsvOptions, CsvTargets, DataError, TableError, read_csv_from, read_npy_from};
#[cfg(feature = "npz")]
use nn::data::{Npz, write_npz};
use nn::metrics::ConfusionMatrix;
use nn::prelude::*;
use nn::save::{Checkpoint, Misfit, SaveError, Weights};
use nn::train::EpochLog;
use nn::{Error, History, State};

/// An escape sequence, a line end, a reversal of the order of writing, tags, blanks of no width.
const HOSTILE: &str = "w\u{1b}[31m\nFORGED\r\t\u{9b}2J\u{202e}\u{2066}\u{e0041}\u{200b}\u{feff}";

#[track_caller]
fn assert_visible(of: &str, text: &str) {
    let hidden = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            || matches!(c, '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
    };
    assert!(!text.contains(hidden), "{of}: {text:?}");
    assert!(!text.contains("\nFORGED"), "{of}: {text:?}");
}

#[track_caller]
fn assert_error_visible<E: std::error::Error>(error: &E) {
    assert_visible("error", &error.to_string());
    assert_visible("its Debug", &format!("{error:?}"));
}

fn text() -> String {
    HOSTILE.to_owned()
}

/// What messages hold that the program wrote, of several lines: line ends stay, all else is shown.
fn message() -> String {
    text().replace('\n', "")
}

fn path() -> PathBuf {
    HOSTILE.into()
}

macro_rules! cases {
    ($Type:ident: $($Variant:ident { $($field:ident: $value:expr),* }),* $(,)?) => {
        vec![$((stringify!($Variant), Box::new($Type::$Variant { $($field: $value),* }) as Box<dyn std::error::Error>)),*]
    };
}

/// Errors of one type, by the names of their variants.
type Errors = Vec<(&'static str, Box<dyn std::error::Error>)>;

/// Every variant that holds text, with hostile text.
fn errors() -> Vec<(&'static str, Errors)> {
    let cause = || std::io::Error::other("as the system says");
    let history = || Box::new(History::default());
    vec![
        (
            include_str!("../src/ground/error/mod.rs"),
            cases! { Error:
                LayerInput { layer: text(), wanted: text(), given: vec![1], from: Some(text()) },
                Targets { measure: text(), output: vec![1], targets: text(), remedy: message() },
                TargetValue { measure: text(), row: 1, index: vec![], value: 1.0, allowed: text() },
                TargetSum { measure: text(), row: 1, sum: 2.0 },
                NothingCounts { measure: text(), rows: 1 },
                LastBatch { samples: 1, batch_size: 1, problem: message() },
                Token { layer: text(), position: vec![0], given: 0.5, count: 0 },
                Setting { setting: "the rate", given: text(), allowed: "above 0" },
                NotFinite { epoch: 1, batch: 1, loss: f64::NAN, first: message(), history: history() },
                StepNotFinite {
                    what: message(), epoch: 1, batch: 1, loss: 1.0, first: message(), history: history()
                },
                ParameterNotFinite { parameter: text(), epoch: 1, history: history() },
                Monitor { name: text(), known: message() },
                WatchedTooEarly { callback: "early stopping", name: text() },
                SameColumn { name: text() },
                Interrupt { reason: message() },
                State { problem: message() },
                File { action: "read", path: path(), reason: message() },
                GradientShape { parameter: text(), shape: vec![1], gradient: vec![2] },
                Model { problem: message() },
                NothingToTrain { problem: message() },
                GradientNotFinite { parameter: text() },
                Unmatched { choice: text(), parameters: vec![text()] },
            },
        ),
        (
            include_str!("../src/ground/error/data.rs"),
            cases! { DataError:
                Setting { of: "f", setting: "n", given: 1.0, expected: message() },
                SampleShape { what: "f", expected: message(), given: vec![] },
                Io { path: path(), cause: cause() },
                Gzip { path: path(), offset: 1, cause: cause() },
                Missing { dir: path(), file: "a" },
                Magic { path: path(), found: 1, expected: 2, meaning: message() },
                Claim { path: path(), claim: message(), limit: 1 },
                Truncated { path: path(), end: 1, part: message(), expected: 2 },
                Trailing { path: path(), end: 1, claim: message() },
                ImagesAndLabels { images_path: path(), images: 1, labels_path: path(), labels: 2 },
                ImageSizes { dir: path(), train: [1, 1], test: [2, 2] },
                Write { path: path(), cause: cause() },
                Npy { path: path(), problem: message() },
                Element { path: path(), at: vec![0], found: message(), expected: message() },
                Archive { path: path(), problem: message() },
                NoArray { path: path(), name: text(), names: vec![text()] },
            },
        ),
        (
            include_str!("../src/ground/error/table.rs"),
            cases! { TableError:
                NoRows { path: path(), header: true, dropped: 0 },
                NoColumn { path: path(), wanted: message(), columns: 1, names: vec![text()] },
                ColumnTwice { path: path(), column: 1, heading: Some(message()) },
                NoInputs { path: path(), columns: 1 },
                MissingValues { path: path(), count: 1, places: vec![message()] },
                EmptyColumn { path: path(), column: 1, heading: Some(message()) },
                NoFirstClass { path: path(), least: 1, most: 2 },
                Ragged { path: path(), line: 1, expected: 1, found: 2 },
                Field {
                    path: path(), line: 1, column: 1, heading: Some(message()), expected: message(),
                    found: message()
                },
                BlankLine { path: path(), line: 1 },
                LongLine { path: path(), line: 1, limit: 1 },
                LargeFile { path: path(), limit: 1 },
            },
        ),
        (
            include_str!("../src/ground/error/save.rs"),
            cases! { SaveError:
                Io { action: "read", origin: text(), source: cause() },
                Format { origin: text(), problem: message() },
                Model { problem: message() },
            },
        ),
    ]
}

/// The variants in a source whose fields hold text, by name.
fn variants_with_text(source: &str) -> Vec<&str> {
    let (mut variants, mut variant) = (Vec::new(), "");
    let body = source.split("pub enum ").nth(1).expect("an enum").split("\n}\n").next().unwrap();
    for line in body.lines() {
        if let Some(name) = line.strip_prefix("    ").and_then(|line| line.strip_suffix(" {"))
            && name.chars().all(char::is_alphanumeric)
        {
            variant = name;
        }
        let holds_text = ["String", "PathBuf"].iter().any(|text| line.contains(text));
        if line.starts_with("        ") && holds_text && variants.last() != Some(&variant) {
            variants.push(variant);
        }
    }
    variants
}

#[test]
fn every_error_shows_what_is_hidden_in_its_text() {
    for (source, cases) in errors() {
        let known: Vec<&str> = cases.iter().map(|(name, _)| *name).collect();
        for variant in variants_with_text(source) {
            assert!(known.contains(&variant), "{variant} needs a case here");
        }
        assert!(known.len() > 2);
        for (name, error) in cases {
            assert_visible(name, &error.to_string());
            assert_visible(name, &format!("{error:?}"));
        }
    }
    let mut misfit = Misfit::default();
    assert!(misfit.is_empty());
    misfit.origin = text();
    misfit.missing = vec![(text(), vec![1])];
    misfit.unexpected = vec![(text(), vec![1])];
    misfit.misshapen = vec![(text(), vec![1], vec![2])];
    misfit.unfit = vec![(text(), text())];
    assert_error_visible(&misfit);
}

/// A safetensors file of one tensor, with the JSON of its header as given.
fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn names_and_types_in_files_of_weights_are_shown() {
    let name = serde_json::to_string(HOSTILE).unwrap();
    let entry = |dtype: &str, shape: &str, end: usize| {
        format!("{{{name}:{{\"dtype\":{dtype},\"shape\":{shape},\"data_offsets\":[0,{end}]}}}}")
    };
    let axes = format!("[{}]", vec!["1"; 100].join(","));
    let nan = f64::NAN.to_le_bytes();
    for (header, data) in [
        (entry(&name, "[1]", 4), &[0; 4][..]),
        (entry("\"F32\"", &axes, 4), &[0; 4]),
        (entry("\"F32\"", "[7]", 4), &[0; 4]),
        (entry("\"F64\"", "[1]", 8), &1e300_f64.to_le_bytes()),
        (entry("\"F64\"", "[1]", 8), &nan),
        (entry("\"F8_E5M2\"", "[1]", 1), &[0]),
        (format!("{{{name}:3}}"), &[]),
        (format!("{{{name}:{{{name}:3}}}}"), &[]),
        (format!("{{\"__metadata__\":{{{name}:3}}}}"), &[]),
    ] {
        let file = safetensors(&header, data);
        match Weights::<f32>::read(&file[..]) {
            Ok(weights) => {
                let mut model = Dense::<f32>::new(1, 1, &mut nn::rng(0));
                assert_error_visible(&weights.restore(&mut model).unwrap_err());
            }
            Err(error) => assert_error_visible(&error),
        }
        assert_error_visible(&Checkpoint::<f32>::read(&file[..]).unwrap_err());
    }
}

#[test]
fn keys_in_checkpoints_are_shown() {
    let model = Dense::<f64>::new(1, 1, &mut nn::rng(0));
    let mut state = State::new();
    state.tensors.insert(text(), Tensor::scalar(1.0));
    state.numbers.insert(text(), 1.0);
    state.texts.insert(text(), text());
    assert_error_visible(&state.number("\u{202e}").unwrap_err());
    assert_error_visible(&state.text("\u{202e}").unwrap_err());
    let mut adam = Adam::<f64>::new(0.1).unwrap();
    assert_error_visible(&adam.load_state(&model, &state).unwrap_err());
    let bytes = Checkpoint::of(&model, state).unwrap().to_bytes().unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    for (from, to) in
        [("\\\"version\\\":", "\\\"ver\\u202eion\\\":"), ("weights.", "weig\u{202e}.")]
    {
        let Some(at) = text.find(from) else { continue };
        let mut changed = bytes[8..].to_vec();
        changed.splice(at - 8..at - 8 + from.len(), to.bytes());
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap());
        let header = length + to.len() as u64 - from.len() as u64;
        let file = [&header.to_le_bytes()[..], &changed].concat();
        assert_error_visible(&Checkpoint::<f64>::read(&file[..]).unwrap_err());
    }
}

#[test]
#[cfg(feature = "npz")]
fn names_in_archives_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let array = Tensor::<f64>::ones(&[2]);
    write_npz(folder.path().join("a.npz"), [(HOSTILE, &array)]).unwrap();
    let mut archive = Npz::open(folder.path().join("a.npz")).unwrap();
    assert_error_visible(&archive.tensor::<f64>("x\u{202e}").unwrap_err());
    assert_error_visible(&archive.labels("\u{1b}").unwrap_err());
}

#[test]
fn names_in_arrays_and_tables_are_shown() {
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    let text =
        "{'desc\u{202e}r\u{1b}': '<f8', 'fortran_order': False, 'shape': (1,), }\n".to_owned();
    header.extend((text.len() as u16).to_le_bytes());
    header.write_all(text.as_bytes()).unwrap();
    assert_error_visible(&read_npy_from::<f64>(&header[..]).unwrap_err());

    let quoted = format!("\"{HOSTILE}\"");
    let tables = [
        format!("{quoted},label\n1,0\n{quoted},1\n"),
        format!("{quoted},{quoted}\n,0\n"),
        format!("a,{quoted}\n1,{quoted}\n"),
        format!("{quoted},label\n1,0,{quoted}\n"),
    ];
    let named = CsvOptions { class_names: Some(vec![text.clone()]), ..CsvOptions::classes(1) };
    let choices = [
        CsvOptions::labels(1),
        CsvOptions::classes(HOSTILE),
        named,
        CsvOptions { targets: CsvTargets::Inputs, ..CsvOptions::values(["\u{202e}"]) },
        CsvOptions::values(["\u{202e}"]),
    ];
    let mut refused = 0;
    for table in &tables {
        for options in &choices {
            if let Err(error) = read_csv_from::<f64>(table.as_bytes(), options.clone()) {
                assert_error_visible(&error);
                refused += 1;
            }
        }
    }
    assert!(refused > 10, "{refused}");
}

#[test]
fn names_of_layers_values_and_classes_are_shown() {
    let model = Sequential::<f64>::new()
        .named(HOSTILE, Dense::new(2, 3, &mut nn::rng(0)))
        .named(format!("2{HOSTILE}"), Dense::new(3, 1, &mut nn::rng(0)));
    assert_visible("summary", &summary(&model, &[1, 2]).unwrap().to_string());
    assert_error_visible(&model.output_shape(&[1, 5]).unwrap_err());
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let tape = Tape::new();
        model.forward(&Pass::evaluate(&tape), tape.constant([[1.0, 2.0, 3.0]])).item()
    }));
    let refusal = refused.unwrap_err();
    assert_visible("panic", refusal.downcast_ref::<String>().unwrap());

    let log = EpochLog { epoch: 1, values: vec![(text(), 0.5), ("loss".into(), 1.0)] };
    assert_visible("log", &log.to_string());
    let history = History { epochs: vec![log], stopped: Some(message()) };
    assert_visible("history", &history.to_string());
    #[cfg(feature = "plot")]
    assert_visible("plot", &history.to_svg());
    let mut all = nn::Gradients::default();
    let parameter = Parameter::new(Tensor::from([1.0]));
    all.insert(&parameter, [f64::NAN]);
    let error = clip_norm(&mut all, &Hostile(parameter), 1.0).unwrap_err();
    assert_error_visible(&error);

    let matrix = ConfusionMatrix::new(2).with_names([HOSTILE, "b"]).unwrap();
    assert_visible("confusion matrix", &matrix.to_string());
}

/// A model whose one parameter has a hostile path.
struct Hostile(Parameter<f64>);

impl Module<f64> for Hostile {
    fn forward<'t>(&self, pass: &Pass<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
        x * pass.parameter(&self.0)
    }
    fn output_shape(&self, input: &[usize]) -> Result<ops::Shape, Error> {
        Ok(input.into())
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f64>)) {
        visit(HOSTILE, &self.0);
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f64>)) {
        visit(HOSTILE, &mut self.0);
    }
}
