//! Any bytes as an NPZ file, of which all arrays are read.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use nn::data::Npz;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut arrays) = Npz::new(Cursor::new(bytes)) else { return };
    for name in arrays.names() {
        let _ = arrays.tensor::<f32>(&name);
        let _ = arrays.labels(&name);
    }
});
