//! The guides' programs: their gradients on random networks, and what the book quotes of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use ndarray::Array2;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// The programs, for their networks.
#[allow(dead_code, clippy::duplicate_mod)]
#[path = "../../../examples/guides"]
mod programs {
    #[path = "guide_class.rs"]
    pub mod class;
    #[path = "guide_derivation.rs"]
    pub mod derivation;
    #[path = "guide_fifty.rs"]
    pub mod fifty;
    #[path = "guide_network.rs"]
    pub mod network;
}

fn normal(shape: [usize; 2], rng: &mut impl Rng) -> Array2<f64> {
    Array2::from_shape_simple_fn(shape, || StandardNormal.sample(rng))
}

/// A line of the derivation, to be spoiled.
type Line = fn(&mut programs::derivation::Derivatives) -> &mut Array2<f64>;

#[test]
fn the_derivation_is_the_sweep_and_a_slip_in_it_is_seen() {
    use programs::derivation::{Parameters, backward, beside_the_sweep, forward};
    let mut rng = nn::rng(1);
    let [x, y] = [normal([4, 1], &mut rng), normal([3, 1], &mut rng)];
    let p = Parameters {
        w1: normal([5, 4], &mut rng),
        b1: normal([5, 1], &mut rng),
        w2: normal([3, 5], &mut rng),
        b2: normal([3, 1], &mut rng),
    };
    let hand = || backward(&p, &forward(&p, &x, &y), &x, &y);
    assert!(beside_the_sweep(&p, &hand(), &x, &y).is_ok());
    let lines: [(&str, Line); 8] = [
        ("∂L/∂a₂", |d| &mut d.a2),
        ("∂L/∂z₂", |d| &mut d.z2),
        ("∂L/∂W₂", |d| &mut d.w2),
        ("∂L/∂b₂", |d| &mut d.b2),
        ("∂L/∂a₁", |d| &mut d.a1),
        ("∂L/∂z₁", |d| &mut d.z1),
        ("∂L/∂W₁", |d| &mut d.w1),
        ("∂L/∂b₁", |d| &mut d.b1),
    ];
    for (name, line) in lines {
        let mut wrong = hand();
        line(&mut wrong)[[0, 0]] *= 1.0 + 1e-3;
        let told = beside_the_sweep(&p, &wrong, &x, &y).unwrap_err();
        assert!(told.starts_with(&format!("{name}: by hand")), "{told}");
    }
}

#[test]
fn the_class_of_the_first_guide_is_the_sweep_for_both_costs() {
    use programs::class::{Cost, NeuralNetwork, beside_the_sweep};
    let mut rng = nn::rng(2);
    let mut network = NeuralNetwork::new(&[6, 5, 4, 3], &mut rng);
    // Away from the start, where all biases are zero and no unit is far from it.
    network.weights.iter_mut().for_each(|w| *w *= 10.0);
    let shapes: Vec<_> = network.biases.iter().map(|b| [b.nrows(), 1]).collect();
    network.biases = shapes.into_iter().map(|shape| normal(shape, &mut rng)).collect();
    let x = normal([6, 1], &mut rng);
    let y = Array2::from_shape_vec((3, 1), vec![0.0, 1.0, 0.0]).unwrap();
    let (activations, zs) = network.forward(&x);
    let told = |by: Cost, held: Cost| {
        let gradients = network.backward(&activations, &zs, &y, by);
        beside_the_sweep(&network, &gradients, &x, &y, held)
    };
    for cost in [Cost::HalfSquaredError, Cost::CrossEntropy] {
        told(cost, cost).unwrap();
    }
    // The guide prints the one and descends the other: they are not the same.
    let error = told(Cost::HalfSquaredError, Cost::CrossEntropy).unwrap_err();
    assert!(error.starts_with("δ of layer 4: by hand"), "{error}");
}

#[test]
fn the_fifty_units_of_the_second_guide_are_the_sweep() {
    use programs::fifty::{NeuralNetwork, beside_the_sweep};
    let mut rng = nn::rng(3);
    let network = NeuralNetwork { w1: normal([6, 5], &mut rng), w2: normal([5, 10], &mut rng) };
    let (x, y) = (normal([7, 6], &mut rng), normal([7, 10], &mut rng));
    let mut hand = network.backward(&x, &y, &network.forward(&x));
    beside_the_sweep(&network, &hand, &x, &y).unwrap();
    hand.w1 /= 7.0; // The gradient of the mean.
    let error = beside_the_sweep(&network, &hand, &x, &y).unwrap_err();
    assert!(error.starts_with("∂W₁: by hand"), "{error}");
}

#[test]
fn the_network_of_the_last_guide_is_the_sweep() {
    let mut rng = nn::rng(4);
    let network = programs::network::Network::new(&[6, 5, 4, 3], &mut rng);
    let samples: Vec<_> =
        (0..10).map(|_| (normal([6, 1], &mut rng), normal([3, 1], &mut rng))).collect();
    let names = network.beside_the_sweep(&samples).unwrap();
    assert_eq!(names.matches("δ of layer").count(), 3, "{names}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What a program prints that Cargo has built beside this test.
fn printed(example: &str) -> String {
    let here = std::env::current_exe().unwrap();
    let program = here.ancestors().nth(2).unwrap().join("examples").join(example);
    let output = Command::new(&program).output().unwrap_or_else(|error| {
        panic!("{}: {error}; cargo build -p nn --examples", program.display())
    });
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{example}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A line in words and numbers: `0.97)` is a number and a word.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        let after = line[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        let number = c.is_ascii_digit()
            || (c == '.' && before.is_ascii_digit() && after.is_ascii_digit())
            || (c == 'e' && before.is_ascii_digit() && (after == '-' || after.is_ascii_digit()))
            || (c == '-' && before == 'e' && after.is_ascii_digit());
        let was = words.last().unwrap().starts_with(|c: char| c.is_ascii_digit());
        if number != was {
            words.push(String::new());
        }
        words.last_mut().unwrap().push(c);
        before = c;
    }
    // How wide a column is does not matter.
    let words = words.iter().map(|word| word.split_whitespace().collect::<Vec<_>>().join(" "));
    words.filter(|word| !word.is_empty()).collect()
}

/// Whether two lines are the same, up to what another processor's last bits can do to a figure after
/// training: two in a hundred, or one in the last place.
fn alike(quoted: &str, printed: &str) -> bool {
    let [quoted_words, printed_words] = [quoted, printed].map(words);
    let counts = quoted.starts_with("Epoch ");
    let close = |a: &str, b: &str| {
        let fraction = a.contains(['.', 'e']) && b.contains(['.', 'e']);
        if !fraction && !counts {
            return false;
        }
        let (Ok(x), Ok(y)) = (a.parse::<f64>(), b.parse::<f64>()) else { return false };
        let places = a.split_once('.').map_or(0, |(_, places)| places.len());
        let last = if a.contains('e') { 0.0 } else { 10_f64.powi(-(places as i32)) };
        (x - y).abs() <= (0.02 * x.abs()).max(1.001 * last)
    };
    quoted_words.len() == printed_words.len()
        && quoted_words.iter().zip(&printed_words).all(|(a, b)| a == b || close(a, b))
}

/// Whether each part of a quotation, between lines of `…`, stands in the text, in this order; the
/// first part at its start, and the last at its end.
pub(crate) fn quotes(quotation: &str, text: &str) -> bool {
    let (quoted, lines): (Vec<&str>, Vec<&str>) =
        (quotation.trim_end().lines().collect(), text.trim_end().lines().collect());
    let parts: Vec<&[&str]> = quoted.split(|line| *line == "…").collect();
    let mut at = 0;
    for (i, part) in parts.iter().enumerate() {
        let fits = |from: usize| {
            let found = lines.get(from..from + part.len());
            found.is_some_and(|found| part.iter().zip(found).all(|(a, b)| alike(a, b)))
        };
        let last = i + 1 == parts.len();
        let found = match (i, last) {
            (0, true) => (lines.len() == part.len() && fits(0)).then_some(0),
            (0, false) => fits(0).then_some(0),
            (_, true) => lines.len().checked_sub(part.len()).filter(|&f| f >= at && fits(f)),
            (_, false) => (at..lines.len()).find(|&from| fits(from)),
        };
        match found {
            Some(from) => at = from + part.len(),
            // An empty part between two `…`, or at an end.
            None if part.is_empty() => {}
            None => return false,
        }
    }
    true
}

#[test]
fn a_figure_may_differ_by_its_last_bits_and_words_may_not() {
    assert!(alike("Loss: 0.4926, Accuracy: 0.9472", "Loss: 0.4930,  Accuracy: 0.9500"));
    assert!(!alike("Loss: 0.4926, Accuracy: 0.9472", "Loss: 0.5926, Accuracy: 0.9472"));
    assert!(!alike("Loss: 0.4926", "Cost: 0.4926"));
    assert!(alike("Epoch 9: 345 / 359", "Epoch 9: 344 / 359"));
    assert!(!alike("called at fifty.rs:116", "called at fifty.rs:117"));
    assert!(alike("0.01  3.3e-8", "0.01 3.25e-8") && !alike("3.3e-8", "3.3e-7"));
    let text = "a\nb\nc\nd\n";
    for right in ["a\nb\nc\nd", "…\nb\n…", "a\n…\nd", "…\nd", "a\n…"] {
        assert!(quotes(right, text), "{right}");
    }
    for wrong in ["a", "b\n…", "…\nx\n…", "…\nc\n…\nb\n…", "…\nc"] {
        assert!(!quotes(wrong, text), "{wrong}");
    }
}

/// The path of an example as it stands in the repository.
fn tidy(text: &str) -> String {
    text.replace("crates/nn/../../", "")
}

#[test]
fn the_book_quotes_what_the_guides_programs_print() {
    let mut outputs = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("docs/src/guides")).unwrap() {
        let file = entry.unwrap().path();
        let chapter = std::fs::read_to_string(&file).unwrap();
        for block in chapter.split("```console\n").skip(1) {
            let block = block.split("\n```").next().unwrap();
            let (command, quotation) = block.split_once('\n').unwrap_or((block, ""));
            // Where there is a folder with MNIST, there is none in the repository.
            let Some((_, example)) = command.split_once(" --example guide_") else { continue };
            if example.contains(' ') {
                continue;
            }
            let run = || tidy(&printed(&format!("guide_{example}")));
            let output = outputs.entry(example.to_owned()).or_insert_with(run);
            assert!(quotes(quotation, output), "{}: {block}\n{output}", file.display());
        }
    }
    for example in ["class", "fifty", "forward", "derivation", "network"] {
        assert!(outputs.contains_key(example), "{example} in {:?}", outputs.keys());
    }
}
