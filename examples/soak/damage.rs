//! Files with random damage: what reads them must refuse them in a sentence, or read what they hold,
//! and never panic.

use std::error::Error;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use nn::prelude::*;
use nn::save::{Checkpoint, Weights};
use nn::{State, data};
use rand::{Rng, RngExt};

use crate::Outcome;

type Reader = fn(&Path) -> Result<(), Box<dyn Error>>;

/// Damages some bytes: bits, stretches, the length.
fn damaged(rng: &mut impl Rng, file: &[u8]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..bytes.len().max(1));
        match rng.random_range(0..5) {
            0 => bytes.truncate(at),
            1 => bytes.extend((0..rng.random_range(1..40)).map(|_| rng.random::<u8>())),
            2 => bytes.iter_mut().skip(at).take(16).for_each(|byte| *byte = 0xff),
            3 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = rng.random()),
            _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (at % 8)),
        }
    }
    bytes
}

/// Reads damaged files of all kinds; how many, and the first that was not met with a sentence.
pub fn files(rng: &mut impl Rng) -> Result<(usize, Outcome), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let model: Sequential<f32> =
        Sequential::new().then(Dense::new(3, 4, rng)).then(BatchNorm1d::new(4));
    let checkpoint = Checkpoint::of(&model, State::new())?.to_bytes()?;
    let table = "a,b,label\n0.5,1,cat\n-2,3e4,dog\n,nan,cat\n".repeat(4).into_bytes();
    let mut array = Vec::new();
    data::write_npy_to(&mut array, &Tensor::<f32>::from([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]))?;
    let mut images = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 3];
    images.extend(0..18_u8);
    let kinds: [(&str, Vec<u8>, Reader); 5] = [
        ("checkpoint", checkpoint, |path| {
            Checkpoint::<f32>::load(path).map_or_else(|error| Err(error.into()), |_| Ok(()))
        }),
        ("weights", Weights::of(&model)?.to_bytes()?, |path| {
            Weights::<f32>::load(path).map_or_else(|error| Err(error.into()), |_| Ok(()))
        }),
        ("CSV", table, |path| {
            data::read_csv::<f32>(path, data::CsvOptions::labels("label"))
                .map_or_else(|error| Err(error.into()), |_| Ok(()))
        }),
        ("NPY", array, |path| {
            data::read_npy::<f32>(path).map_or_else(|error| Err(error.into()), |_| Ok(()))
        }),
        ("IDX", images, |path| {
            data::read_images::<f32>(path).map_or_else(|error| Err(error.into()), |_| Ok(()))
        }),
    ];
    let mut tried = 0;
    for (kind, file, read) in &kinds {
        for _ in 0..100 {
            let bytes = damaged(rng, file);
            let path = folder.path().join("file");
            fs::write(&path, &bytes)?;
            tried += 1;
            let Ok(result) = catch_unwind(AssertUnwindSafe(|| read(&path))) else {
                return Ok((tried, Err(format!("a {kind} of the bytes {bytes:?} is a panic"))));
            };
            if *kind == "checkpoint" && result.is_ok() && bytes != *file {
                return Ok((tried, Err(format!("a damaged checkpoint was read: {bytes:?}"))));
            }
        }
    }
    Ok((tried, Ok(())))
}
