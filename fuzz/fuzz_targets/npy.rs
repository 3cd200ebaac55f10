//! Any bytes as an NPY file. What was read is written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nn::data::{read_npy_from, read_npy_labels_from, write_npy_to};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(tensor) = read_npy_from::<f64>(bytes) {
        let mut written = Vec::new();
        if write_npy_to(&mut written, &tensor).is_ok() && written.len() < 10_000 {
            let again = read_npy_from::<f64>(&written[..]).expect("what was written is valid");
            assert_eq!(again.shape(), tensor.shape());
            let bits = |x: f64| if x.is_nan() { None } else { Some(x.to_bits()) };
            assert!(again.view().iter().zip(tensor.view()).all(|(&a, &b)| bits(a) == bits(b)));
        }
    }
    let _ = read_npy_from::<f32>(bytes);
    let _ = read_npy_labels_from(bytes);
});
