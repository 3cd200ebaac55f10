//! What a hostile file claims takes no memory; what it holds takes a bounded multiple of its size.
//! A program of its own: the allocator counts for the whole process.

use nn::save::{Checkpoint, Weights};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn file(header: &str, length: u64) -> Vec<u8> {
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes
}

#[test]
fn memory_is_bounded_by_what_is_there() {
    let terabyte =
        r#"{"a":{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]}}"#;
    let many_axes = format!(
        r#"{{"a":{{"dtype":"U8","shape":[{}0],"data_offsets":[0,0]}}}}"#,
        "0,".repeat(1_000_000)
    );
    let tensor = |i| format!(r#""{i}":{{"dtype":"U8","shape":[],"data_offsets":[0,0]}}"#);
    let many_tensors = (0..20_000).map(tensor).collect::<Vec<_>>().join(",");
    let many_tensors = format!("{{{many_tensors}}}");
    let texts =
        format!(r#"{{"__metadata__":{{"chainrule.checkpoint":"[{}"}}}}"#, "[],".repeat(300_000));
    for (header, length) in [
        ("{", 99_999_999),
        (terabyte, terabyte.len() as u64),
        (&many_axes, many_axes.len() as u64),
        (&many_tensors, many_tensors.len() as u64),
        (&texts, texts.len() as u64),
    ] {
        let bytes = file(header, length);
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let _ = Weights::<f32>::read(&bytes[..]);
        let read_checkpoint = Checkpoint::<f32>::read(&bytes[..]).map(drop);
        let peak = MEMORY.peak_usage() - before;
        let start = &header[..header.len().min(60)];
        assert!(read_checkpoint.is_err(), "{start}");
        // Numbers of two characters become eight bytes, twice, in vectors that grow by doubling;
        // empty JSON arrays of three characters 32 bytes, likewise.
        assert!(peak <= 50 * bytes.len() + 100_000, "{start}… {} bytes: {peak}", bytes.len());
    }
}
