//! From the perceptron to softmax regression to three layers, on the digits of the library: the gradient
//! by hand beside that of the sweep, what a linear classifier can and cannot do, and one hidden layer.
//!
//! `cargo run --example softmax`

use std::error::Error;
use std::fmt::Write;

use ndarray::{Array1, Array2, Axis, array};
use nn::data::{Dataset, digits};
use nn::prelude::*;

// ANCHOR: softmax
/// The scores of each row, as shares of 1.
fn softmax(z: &Array2<f64>) -> Array2<f64> {
    // Less the largest, so that no exponential is infinite. The shares stay the same.
    let largest = z.fold_axis(Axis(1), f64::NEG_INFINITY, |&a, &b| a.max(b));
    let e = (z - &largest.insert_axis(Axis(1))).exp();
    let sums = e.sum_axis(Axis(1)).insert_axis(Axis(1));
    e / sums
}
// ANCHOR_END: softmax

// ANCHOR: model
/// Softmax regression: a row of W and an element of b for each class.
pub(crate) struct Regression {
    /// The weights, classes × inputs.
    pub w: Array2<f64>,
    /// A bias for each class.
    pub b: Array1<f64>,
}

impl Regression {
    /// All zeros: there are no hidden units that could stay alike.
    fn new(inputs: usize, classes: usize) -> Self {
        Self { w: Array2::zeros((classes, inputs)), b: Array1::zeros(classes) }
    }

    /// The probability of each class, one sample to a row.
    fn probabilities(&self, x: &Array2<f64>) -> Array2<f64> {
        softmax(&(x.dot(&self.w.t()) + &self.b))
    }

    /// The loss, ∂L/∂W and ∂L/∂b by hand.
    fn gradients(&self, x: &Array2<f64>, t: &Array2<f64>) -> (f64, Array2<f64>, Array1<f64>) {
        let n = x.nrows() as f64;
        let p = self.probabilities(x);
        let loss = -(t * &p.ln()).sum() / n;
        let delta = (p - t) / n; // ∂L/∂Z
        (loss, delta.t().dot(x), delta.sum_axis(Axis(0)))
    }

    /// A step down the slope.
    fn step(&mut self, (dw, db): (&Array2<f64>, &Array1<f64>), eta: f64) {
        self.w.scaled_add(-eta, dw);
        self.b.scaled_add(-eta, db);
    }
}
// ANCHOR_END: model

// ANCHOR: sweep
/// By how much the gradients by hand differ from those of the sweep, which is told the loss alone.
fn beside_the_sweep(model: &Regression, x: &Array2<f64>, t: &Array2<f64>) -> f64 {
    let tape = Tape::new();
    let (w, b) = (tape.var(model.w.view()), tape.var(model.b.view()));
    let z = tape.constant(x.view()).matmul(w.t()) + b;
    let loss = -(tape.constant(t.view()) * z.log_softmax(-1)).sum() / x.nrows() as f64;
    let swept = loss.backward();
    let (_, dw, db) = model.gradients(x, t);
    let by_hand = dw.iter().chain(&db);
    let by_sweep = swept.wrt(w).to_vec().into_iter().chain(swept.wrt(b).to_vec());
    by_hand.zip(by_sweep).map(|(hand, sweep)| (hand - sweep).abs()).fold(0.0, f64::max)
}
// ANCHOR_END: sweep

/// Inputs as rows, targets with a 1 at the label, and the labels.
type Rows = (Array2<f64>, Array2<f64>, Vec<usize>);

fn rows(data: &Dataset<f64>) -> Result<Rows, Box<dyn Error>> {
    let labels = data.labels().ok_or("digits have labels")?.to_vec();
    let classes = data.classes().ok_or("digits have classes")?;
    let t = Array2::from_shape_fn((labels.len(), classes), |(row, class)| {
        f64::from(u8::from(labels[row] == class))
    });
    Ok((data.inputs().to_array()?, t, labels))
}

/// The share of the rows whose largest probability is that of the label.
fn accuracy(model: &Regression, (x, _, labels): &Rows) -> f64 {
    let p = model.probabilities(x);
    let best = |row: ndarray::ArrayView1<'_, f64>| {
        (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).expect("classes")
    };
    let right = p.rows().into_iter().map(best).zip(labels).filter(|(said, label)| said == *label);
    right.count() as f64 / labels.len() as f64
}

/// Trains on four fifths of the digits, in full batches; shows each step's number, loss and model.
pub(crate) fn regression(
    mut show: impl FnMut(usize, f64, &Regression, [&Rows; 2]),
) -> Result<Regression, Box<dyn Error>> {
    let (train, test) = digits().split(0.2, 0)?;
    let (train, test) = (rows(&train)?, rows(&test)?);
    let mut model = Regression::new(64, 10);
    for number in 0..=300 {
        let (loss, dw, db) = model.gradients(&train.0, &train.1);
        show(number, loss, &model, [&train, &test]);
        model.step((&dw, &db), 0.3);
    }
    Ok(model)
}

/// One sample of three classes, number by number.
fn one_sample(text: &mut String) -> Result<(), Box<dyn Error>> {
    let (x, t) = (array![[1.0, 2.0]], array![[1.0, 0.0, 0.0]]);
    let model = Regression { w: array![[0.5, 0.1], [0.2, 0.4], [-0.3, 0.1]], b: Array1::zeros(3) };
    let p = model.probabilities(&x);
    let (loss, dw, _) = model.gradients(&x, &t);
    writeln!(text, "one sample x = (1, 2) of class 0 among three:")?;
    writeln!(text, "  scores        z = {:.4}", x.dot(&model.w.t()).row(0))?;
    writeln!(text, "  shares        p = {:.4}", p.row(0))?;
    writeln!(text, "  loss      −ln p₀ = {loss:.4}")?;
    writeln!(text, "  ∂L/∂z     p − t = {:.4}", (&p - &t).row(0))?;
    for (class, row) in dw.rows().into_iter().enumerate() {
        writeln!(text, "  ∂L/∂W, row {class}    = {row:.4}")?;
    }
    let apart = beside_the_sweep(&model, &x, &t);
    writeln!(text, "  equal to the sweep's to 1e-12: {}\n", apart < 1e-12)?;
    assert!(apart < 1e-12, "by hand and by the sweep: {apart}");
    Ok(())
}

/// What the regression is asked: which digit, which digit of a positive or a negative, even or odd.
fn tasks() -> Result<[(&'static str, Dataset<f64>); 3], nn::Error> {
    let data = digits::<f64>();
    let labels = data.labels().expect("digits have labels").to_vec();
    let mut pixels = data.inputs().to_vec();
    for image in pixels.chunks_mut(2 * 64).filter(|pair| pair.len() == 2 * 64) {
        image[64..].iter_mut().for_each(|ink| *ink = 1.0 - *ink);
    }
    let negatives = Tensor::from(pixels).reshape([labels.len() as isize, 64]);
    let odd: Vec<usize> = labels.iter().map(|label| label % 2).collect();
    let parity = Dataset::classification(data.inputs().clone(), odd, 2)?;
    let negatives = Dataset::classification(negatives, labels, 10)?;
    Ok([("which digit", data), ("half of them negatives", negatives), ("even or odd", parity)])
}

/// The test accuracy with this many hidden units, or none.
fn with_hidden(data: &Dataset<f64>, hidden: usize, seed: u64) -> Result<f64, nn::Error> {
    let (train, test) = data.split(0.5, seed)?;
    let classes = data.classes().expect("digits have classes");
    let mut rng = nn::rng(seed);
    // ANCHOR: hidden
    let mut model = if hidden == 0 {
        Sequential::new().then(Dense::new(64, classes, &mut rng))
    } else {
        Sequential::new()
            .then(Dense::new(64, hidden, &mut rng))
            .then(Tanh)
            .then(Dense::new(hidden, classes, &mut rng))
    };
    // ANCHOR_END: hidden
    let mut fit = Fit::new().epochs(10).batch_size(32).seed(seed).progress(false);
    fit.run(&mut model, &train, &CrossEntropy, &mut Adam::new(0.01)?)?;
    Ok(evaluate(&model, &test, &CrossEntropy)?.accuracy.unwrap_or_default())
}

/// Mean, lowest and highest.
struct Spread([f64; 3]);

impl Spread {
    fn over_seeds(run: impl Fn(u64) -> Result<f64, nn::Error>) -> Result<Self, nn::Error> {
        let runs = (0..5).map(run).collect::<Result<Vec<_>, _>>()?;
        let lowest = runs.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = runs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Ok(Self([runs.iter().sum::<f64>() / 5.0, lowest, highest]))
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [mean, lowest, highest] = self.0;
        write!(f, "{mean:.3} ({lowest:.3} to {highest:.3})")
    }
}

/// What the program prints.
pub(crate) fn text() -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    one_sample(&mut text)?;

    writeln!(text, "softmax regression on the digits, 650 numbers, η = 0.3:")?;
    writeln!(text, "   step     loss   training    test   by hand = sweep")?;
    let mut losses = vec![];
    regression(|number, loss, model, [train, test]| {
        losses.push(loss);
        if [0, 1, 10, 100, 300].contains(&number) {
            let (seen, new) = (accuracy(model, train), accuracy(model, test));
            let equal = beside_the_sweep(model, &train.0, &train.1) < 1e-12;
            let _ =
                writeln!(text, "  {number:>5}   {loss:.4}   {seen:>8.3}   {new:.3}   {equal:>15}");
            assert!(equal, "by hand and by the sweep differ at step {number}");
            assert!(number < 300 || new > 0.9, "a line for each digit should do");
        }
    })?;
    assert!((losses[0] - 10_f64.ln()).abs() < 1e-12, "the first loss is ln 10");

    writeln!(text, "\ntest accuracy, five seeds:")?;
    writeln!(text, "                           softmax regression       32 hidden units")?;
    let mut means = vec![];
    for (name, data) in tasks()? {
        let linear = Spread::over_seeds(|seed| with_hidden(&data, 0, seed))?;
        let hidden = Spread::over_seeds(|seed| with_hidden(&data, 32, seed))?;
        writeln!(text, "  {name:<22}   {linear}   {hidden}")?;
        means.push((linear.0, hidden.0));
    }
    assert!(means[0].0[1] > 0.9, "each digit against the others is nearly linear");
    for (linear, hidden) in &means[1..] {
        assert!(linear[2] < 0.93 && hidden[1] > linear[2], "a class of several shapes is not");
    }
    writeln!(
        text,
        "\nCHECKED: p − t is the gradient, the first loss is ln 10, and where a class has"
    )?;
    writeln!(text, "several shapes a hidden layer's worst run beats a linear classifier's best.")?;
    Ok(text)
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", text()?);
    Ok(())
}
