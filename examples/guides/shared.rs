//! What the guides' programs share: the command line, the images, and the comparison of what is
//! written by hand with what the sweep gives.

#![allow(dead_code)] // Each program uses some of it.

use std::error::Error;
use std::fmt::{self, Display};
use std::path::PathBuf;
use std::process::ExitCode;

use ndarray::{Array, Array2, Axis, Dimension, Ix2, concatenate};
use nn::data::{DataError, Dataset, IdxDataset, digits, load_idx_dir};
use ops::Tensor;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

pub type Outcome = Result<(), Box<dyn Error>>;

/// Runs a program; if it fails, its exit code is 1.
pub fn run(program: fn(&Asked) -> Outcome) -> ExitCode {
    match Asked::from_command_line().and_then(|asked| program(&asked)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for: `[--data DIR] [--epochs N] [--seed N] [--seeds N]`.
#[derive(Default)]
pub struct Asked {
    /// A folder with the four files of MNIST. Without it the digits of the library are read.
    pub data: Option<PathBuf>,
    pub epochs: Option<usize>,
    /// The first seed; 0 unless given.
    pub seed: u64,
    /// With how many seeds to train, for a table.
    pub seeds: Option<u64>,
}

impl Asked {
    fn from_command_line() -> Result<Self, Box<dyn Error>> {
        use lexopt::prelude::*;
        let (mut asked, mut words) = (Self::default(), lexopt::Parser::from_env());
        while let Some(word) = words.next()? {
            match word {
                Long("data") => asked.data = Some(words.value()?.into()),
                Long("epochs") => asked.epochs = Some(words.value()?.parse()?),
                Long("seed") => asked.seed = words.value()?.parse()?,
                Long("seeds") => asked.seeds = Some(words.value()?.parse()?),
                other => {
                    let there = "there is [--data DIR] [--epochs N] [--seed N] [--seeds N]";
                    return Err(format!("{}; {there}", other.unexpected()).into());
                }
            }
        }
        Ok(asked)
    }

    /// Chooses between what belongs to MNIST and what belongs to the small digits.
    pub fn choose<T>(&self, mnist: T, digits: T) -> T {
        if self.data.is_some() { mnist } else { digits }
    }

    /// The training and test images, with pixels as the files have them.
    pub fn images(&self) -> Result<(Images, Images), DataError> {
        let (train, test, highest) = if let Some(folder) = &self.data {
            let IdxDataset { train, test } = load_idx_dir(folder)?;
            (train.flatten(), test.flatten(), 255.0)
        } else {
            let (train, test) = digits().split(0.2, 0)?;
            (train, test, 16.0)
        };
        Ok((Images::of(&train, highest), Images::of(&test, highest)))
    }
}

/// Images, one to a row, and their labels.
#[derive(Clone)]
pub struct Images {
    /// From 0, paper, to `highest`, ink.
    pub pixels: Array2<f64>,
    pub labels: Vec<usize>,
    pub highest: f64,
}

impl Images {
    /// The library's readers scale pixels to 0..1; the guides begin with the counts of the file.
    fn of(data: &Dataset<f64>, highest: f64) -> Self {
        let shares: Array2<f64> = data.inputs().to_array::<Ix2>().expect("one row an image");
        let labels = data.labels().expect("labelled").to_vec();
        Self { pixels: shares.mapv_into(|x| (x * highest).round()), labels, highest }
    }

    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Both, the others behind these.
    pub fn and(&self, others: &Self) -> Self {
        let pixels = concatenate![Axis(0), self.pixels, others.pixels];
        Self { pixels, labels: [&self.labels[..], &others.labels].concat(), highest: self.highest }
    }

    /// Those of some rows.
    pub fn rows(&self, rows: &[usize]) -> Self {
        let pixels = self.pixels.select(Axis(0), rows);
        let labels = rows.iter().map(|&row| self.labels[row]).collect();
        Self { pixels, labels, highest: self.highest }
    }

    /// The first of them.
    pub fn first(&self, count: usize) -> Self {
        self.rows(&(0..count.min(self.len())).collect::<Vec<_>>())
    }

    /// The same with pixels from 0 to 1.
    pub fn in_0_1(&self) -> Self {
        let pixels = &self.pixels / self.highest;
        Self { pixels, labels: self.labels.clone(), highest: 1.0 }
    }

    /// The samples one by one: a column of pixels and a column with a 1 at the label.
    pub fn columns(&self) -> impl Iterator<Item = (Array2<f64>, Array2<f64>)> + '_ {
        let rows = self.pixels.rows().into_iter().zip(&self.labels);
        rows.map(|(pixels, &label)| {
            let y = Array2::from_shape_fn((10, 1), |(k, _)| f64::from(u8::from(k == label)));
            (pixels.to_owned().insert_axis(Axis(1)), y)
        })
    }

    /// One row for each label, 1 at the label and 0 elsewhere.
    pub fn one_hot(&self) -> Array2<f64> {
        Array2::from_shape_fn((self.len(), 10), |(row, k)| {
            f64::from(u8::from(k == self.labels[row]))
        })
    }
}

/// Numbers from N(0, 1), row by row.
pub fn normal(shape: [usize; 2], rng: &mut impl Rng) -> Array2<f64> {
    Array2::from_shape_simple_fn(shape, || StandardNormal.sample(rng))
}

/// The numbers 0, 1, … below `count`, shuffled (Fisher and Yates).
pub fn shuffled(count: usize, rng: &mut impl Rng) -> Vec<usize> {
    use rand::seq::SliceRandom;
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(rng);
    order
}

/// The index of the largest element, the first of equal ones.
pub fn argmax<'a>(values: impl IntoIterator<Item = &'a f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (index, &value) in values.into_iter().enumerate() {
        if value > best.1 {
            best = (index, value);
        }
    }
    best.0
}

/// Gradients by hand beside those of the sweep.
#[derive(Default)]
pub struct Beside(Vec<(String, f64)>);

impl Beside {
    /// By how much the two may differ, relative to the largest element.
    pub const EQUAL: f64 = 1e-12;

    pub fn add<D: Dimension>(&mut self, name: &str, hand: &Array<f64, D>, sweep: &Tensor<f64>) {
        self.0.push((name.to_owned(), difference(hand, sweep)));
    }

    /// The names of what was compared, and that all are equal.
    ///
    /// # Errors
    /// If any differs.
    pub fn check(&self) -> Result<String, String> {
        let differ = |apart: f64| apart > Self::EQUAL || apart.is_nan();
        if let Some((name, apart)) = self.0.iter().find(|(_, apart)| differ(*apart)) {
            return Err(format!("{name}: by hand and by the sweep differ by {apart:.1e}"));
        }
        let names: Vec<&str> = self.0.iter().map(|(name, _)| &name[..]).collect();
        Ok(names.join(", "))
    }
}

/// The largest difference of two elements, relative to the largest element of the second array.
fn difference<D: Dimension>(hand: &Array<f64, D>, sweep: &Tensor<f64>) -> f64 {
    if hand.shape() != sweep.shape() {
        return f64::INFINITY;
    }
    let swept = sweep.to_vec();
    let larger = |most: f64, x: f64| if x > most || x.is_nan() { x } else { most };
    let apart = hand.iter().zip(&swept).map(|(a, b)| (a - b).abs()).fold(0.0, larger);
    let scale = swept.iter().map(|x| x.abs()).fold(0.0, larger);
    if apart == 0.0 { 0.0 } else { apart / scale }
}

/// Figures of runs that differ in their seed alone.
pub struct Spread(pub Vec<f64>);

impl Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mean = self.0.iter().sum::<f64>() / self.0.len() as f64;
        let lowest = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        write!(f, "mean {mean:.4}, lowest {lowest:.4}, highest {highest:.4}")
    }
}
