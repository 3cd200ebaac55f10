//! Any bytes as an IDX file of images and of labels.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nn::data::{read_images_from, read_labels_from};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(images) = read_images_from::<f32>(bytes) {
        assert_eq!(images.ndim(), 3);
        assert!(images.view().iter().all(|pixel| (0.0..=1.0).contains(pixel)));
    }
    if let Ok(labels) = read_labels_from(bytes) {
        assert!(!labels.is_empty() && labels.iter().all(|&label| label < 256));
    }
});
