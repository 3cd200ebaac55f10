//! "Unsupervised learning finds the classes by itself": an autoencoder and a k-means on its code,
//! against a classifier.

use ndarray::{Array2, Axis, Ix2};
use nn::prelude::*;
use rand::seq::SliceRandom;

use crate::{Claim, Spread, accuracy, data, dense, train};

/// How many numbers the autoencoder makes of 64 pixels.
const CODE: usize = 8;
/// How many labels the second comparison has.
const FEW: usize = 50;

/// 64 → 32 → 8 → 32 → 64, trained to give back its input. Returns the first half.
fn encoder(images: &Dataset<f32>, seed: u64) -> Result<Sequential<f32>, nn::Error> {
    let tanh = |model: Sequential<f32>, _| model.then(Tanh);
    let encoder = dense(&[64, 32, CODE], Init::XavierNormal, tanh, seed)?;
    let decoder = dense(&[CODE, 32, 64], Init::XavierNormal, tanh, seed + 1000)?;
    let mut model = Sequential::new().named("encoder", encoder).named("decoder", decoder);
    let same = Dataset::regression(images.inputs().clone(), images.inputs().clone())?;
    let mut optimizer = Adam::new(0.002)?;
    let fit = Fit::new().epochs(100).batch_size(32).seed(seed).progress(false);
    { fit }.run(&mut model, &same, &MeanSquaredError, &mut optimizer)?;
    Ok(std::mem::take(model.layer_mut::<Sequential<f32>>("encoder").expect("named above")))
}

// ANCHOR: kmeans
/// Lloyd's algorithm: assigns every row to the nearest centre, moves every centre to the mean of its
/// rows, and repeats. Returns the group of each row.
fn k_means(rows: &Array2<f32>, k: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.nrows()).collect();
    order.shuffle(&mut nn::rng(seed));
    let mut centres = rows.select(Axis(0), &order[..k]);
    let mut groups = Vec::new();
    for _ in 0..100 {
        let nearest = |row: ndarray::ArrayView1<'_, f32>| {
            let far = |centre: &usize| {
                let apart = &row - &centres.row(*centre);
                apart.dot(&apart)
            };
            (0..k).min_by(|a, b| far(a).total_cmp(&far(b))).expect("k is not 0")
        };
        let now: Vec<usize> = rows.rows().into_iter().map(nearest).collect();
        if now == groups {
            break;
        }
        groups = now;
        for centre in 0..k {
            let own: Vec<usize> = (0..rows.nrows()).filter(|&row| groups[row] == centre).collect();
            if let Some(mean) = rows.select(Axis(0), &own).mean_axis(Axis(0)) {
                centres.row_mut(centre).assign(&mean);
            }
        }
    }
    groups
}
// ANCHOR_END: kmeans

/// The share of the rows that are of the commonest class of their group.
fn purity(groups: &[usize], labels: &[usize], k: usize) -> f64 {
    let commonest = |group: usize| {
        let mut counts = [0; 10];
        for (_, &label) in groups.iter().zip(labels).filter(|(g, _)| **g == group) {
            counts[label] += 1;
        }
        counts.into_iter().max().unwrap_or(0)
    };
    (0..k).map(commonest).sum::<usize>() as f64 / labels.len() as f64
}

pub fn experiment() -> Result<Vec<Claim>, nn::Error> {
    println!("labels: what is found without them, and what they add");
    let spreads = Spread::each_over_seeds(|seed| {
        let (training, test) = data(seed)?;
        let labels = test.labels().expect("digits are labelled");
        let encoder = encoder(&training, seed)?;
        let rows = |x: &Tensor<f32>| x.to_array::<Ix2>().expect("a row for each image");
        let code = predict(&encoder, test.inputs())?;
        let group = |x: &Tensor<f32>, k| purity(&k_means(&rows(x), k, seed), labels, k);
        let relu = |model: Sequential<f32>, _| model.then(Relu);
        let mut all = dense(&[64, 64, 10], Init::HeNormal, relu, seed)?;
        train(&mut all, &training, (0.1, 40), seed)?;
        let few = training.first_rows(FEW)?;
        let mut on_pixels = dense(&[64, 10], Init::XavierNormal, relu, seed)?;
        train(&mut on_pixels, &few, (0.1, 300), seed)?;
        let coded = |data: &Dataset<f32>| -> Result<_, nn::Error> {
            let labels = data.labels().expect("digits are labelled").to_vec();
            Ok(Dataset::classification(predict(&encoder, data.inputs())?, labels, 10)?)
        };
        let mut on_code = dense(&[CODE, 10], Init::XavierNormal, relu, seed)?;
        train(&mut on_code, &coded(&few)?, (0.1, 300), seed)?;
        Ok([
            group(test.inputs(), 10),
            group(&code, 10),
            group(&code, 30),
            accuracy(&on_pixels, &test)?,
            accuracy(&on_code, &coded(&test)?)?,
            accuracy(&all, &test)?,
        ])
    })?;
    let names = [
        "k-means on pixels, 10 groups",
        "k-means on the code, 10 groups",
        "k-means on the code, 30 groups",
        "50 labels, a layer on pixels",
        "50 labels, a layer on the code",
        "all labels, a network",
    ];
    for (name, spread) in names.iter().zip(&spreads) {
        println!("  {name:<32}{spread}");
    }
    let [pixels, code, _, few_pixels, few_code, all] = &spreads;
    Ok(vec![
        (
            format!("without a label, groups are digits to {:.3} (chance 0.1)", code.mean),
            code.lowest > 0.5,
        ),
        (
            format!(
                "labels are worth more: {:.3} against {:.3}",
                all.mean,
                pixels.mean.max(code.mean)
            ),
            all.lowest > pixels.highest.max(code.highest),
        ),
        (
            format!(
                "with {FEW} labels a code of {CODE} numbers is no better than 64 pixels: {:.3} \
                 against {:.3}",
                few_code.mean, few_pixels.mean
            ),
            few_code.mean < few_pixels.highest,
        ),
    ])
}
