//! Reading what PyTorch computed: `torch/README.md` says what the files hold.

// Each test reads another part of the files.
#![allow(dead_code)]

use std::io::Read;

use nn::ops::{Float, Tensor};
use serde_json::Value;

/// The JSON object in a compressed file.
pub fn unpacked(file: &[u8]) -> Value {
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("a gzip file");
    serde_json::from_str(&text).expect("a JSON file")
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

pub fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(|x| x.as_f64().expect("a number")).collect()
}

pub fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("inf") => f64::INFINITY,
        _ => value.as_f64().expect("a number"),
    }
}

pub fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().expect("a count")).expect("a small count")
}

pub fn counts(value: &Value) -> Vec<usize> {
    list(value).iter().map(count).collect()
}

pub fn flag(value: &Value) -> bool {
    value.as_bool().expect("true or false")
}

pub fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

pub fn tensor(value: &Value) -> Tensor<f64> {
    let data = numbers(&value["data"]);
    Tensor::from_shape_vec(&counts(&value["shape"]), data).expect("as many numbers as the shape")
}

/// A mask, `[rows, columns]`.
pub fn mask(value: &Value) -> ndarray::Array2<bool> {
    let [rows, columns] = counts(&value["shape"])[..] else { panic!("a mask has two axes") };
    let data = list(&value["data"]).iter().map(flag).collect();
    ndarray::Array2::from_shape_vec((rows, columns), data).expect("as many as the shape")
}

/// Tensors by name.
pub fn tensors(value: &Value) -> impl Iterator<Item = (&str, Tensor<f64>)> {
    let by_name = value.as_object().expect("tensors by name");
    by_name.iter().map(|(name, x)| (&**name, tensor(x)))
}

/// Holds each element against PyTorch's, `tolerance` being relative to the largest of them.
pub fn assert_close<A: Float>(what: &str, ours: &Tensor<A>, theirs: &Tensor<f64>, tolerance: f64) {
    assert_eq!(ours.shape(), theirs.shape(), "{what}: another shape");
    let largest = theirs.view().iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    for (place, (a, b)) in ours.view().iter().zip(theirs.view()).enumerate() {
        let off = (a.to_f64() - b).abs();
        assert!(
            off <= tolerance * largest,
            "{what}: element {place} is {a}, but {b} in PyTorch, where the largest is {largest}"
        );
    }
}
