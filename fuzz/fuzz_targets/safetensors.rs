//! Any bytes as weights, for a model and by themselves, and as a checkpoint.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use nn::prelude::*;
use nn::save::{Checkpoint, Loading, Weights};

thread_local! {
    static MODEL: RefCell<Sequential<f32>> =
        RefCell::new(Sequential::new().then(Dense::new(2, 3, &mut nn::rng(1))));
}

fuzz_target!(|bytes: &[u8]| {
    MODEL.with_borrow_mut(|model| {
        let before = Weights::of(model).expect("paths of its own");
        let bits = |weights: &Weights<f32>| -> Vec<u32> {
            let tensors = weights.tensors.values();
            tensors.flat_map(|tensor| tensor.to_vec()).map(f32::to_bits).collect()
        };
        for loading in [Loading::new(), Loading::new().allow_missing().allow_unexpected()] {
            if loading.bytes(model, bytes).is_err() {
                let after = Weights::of(model).expect("paths of its own");
                assert_eq!(bits(&before), bits(&after), "a refused file changes nothing");
            }
            before.restore(model).expect("its own weights");
        }
    });
    let _ = Weights::<f64>::read(bytes);
    if let Ok(checkpoint) = Checkpoint::<f32>::read(bytes) {
        let written = checkpoint.to_bytes().expect("what was read can be written");
        let again = Checkpoint::<f32>::read(&written[..]).expect("what was written can be read");
        assert_eq!(written, again.to_bytes().expect("again"));
    }
});
