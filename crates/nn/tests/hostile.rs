//! Damaged and hostile files: thousands of mutations of valid ones, from fixed seeds. Each must
//! give data or an error, without a panic, in bounded memory. `fuzz/` searches further.

use std::io::Write;

use chacha20::ChaCha8Rng;
use flate2::Compression;
use flate2::write::GzEncoder;
use nn::data::{
    CsvOptions, CsvTargets, DataError, Missing, read_csv_from, read_images_from, read_labels_from,
    read_npy_from, read_npy_labels_from, write_npy_to,
};
use nn::prelude::*;
use peak_alloc::PeakAlloc;
use rand::RngExt;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Mutations of each file.
const CASES: u64 = 500;

/// What reading a file of at most a few kilobytes may take, whatever its header claims.
const MEMORY_LIMIT: usize = 16 << 20;

/// Numbers at which arithmetic goes wrong.
const EDGES: [u64; 8] = [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, i64::MAX as u64, u64::MAX];

/// Pieces that mean something to one format or another.
const TOKENS: [&[u8]; 16] = [
    b",",
    b"\"",
    b"\n",
    b"\r\n",
    b"NaN",
    b"1e999",
    b"-",
    b"(",
    b")",
    b"'",
    b"True",
    b"<f8",
    b"99999999999999999999",
    b"PK\x01\x02",
    b"\x1f\x8b",
    b"\xff\xfe",
];

fn mutated(file: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..rng.random_range(1..=4) {
        let at = rng.random_range(0..=bytes.len());
        // Headers are short and worth more attention than what follows.
        let at = if rng.random_bool(0.5) { at.min(at % 80) } else { at };
        let end = (at + rng.random_range(0..=16_usize)).min(bytes.len());
        match rng.random_range(0..7) {
            0 => bytes.truncate(at),
            1 => bytes
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|byte| *byte ^= 1 << rng.random_range(0..8)),
            2 => drop(bytes.splice(at..end, std::iter::empty())),
            3 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy.repeat(rng.random_range(1..5)));
            }
            4 => {
                let token = TOKENS[rng.random_range(0..TOKENS.len())];
                bytes.splice(at..at, token.iter().copied());
            }
            5 => {
                let edge = EDGES[rng.random_range(0..EDGES.len())];
                let width = [1, 2, 4, 8][rng.random_range(0..4)];
                let number = if rng.random_bool(0.5) {
                    edge.to_le_bytes()[..width].to_vec()
                } else {
                    edge.to_be_bytes()[8 - width..].to_vec()
                };
                let end = (at + width).min(bytes.len());
                bytes.splice(at..end, number);
            }
            _ => bytes[at..end].fill(rng.random()),
        }
    }
    bytes
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// How many mutations gave data, and how many an error.
fn survive<T>(
    seed: u64,
    files: &[Vec<u8>],
    read: impl Fn(&[u8]) -> Result<T, DataError>,
) -> [usize; 2] {
    let mut counts = [0; 2];
    for (number, file) in files.iter().enumerate() {
        assert!(read(file).is_ok(), "file {number} is valid");
        let mut rng = nn::rng(seed + number as u64);
        for _ in 0..CASES {
            let bytes = mutated(file, &mut rng);
            let before = MEMORY.current_usage();
            MEMORY.reset_peak_usage();
            match read(&bytes) {
                Ok(_) => counts[0] += 1,
                Err(error) => {
                    let text = error.to_string();
                    assert!(text.len() < 1000, "an error is a sentence or two: {text}");
                    counts[1] += 1;
                }
            }
            let taken = MEMORY.peak_usage().saturating_sub(before);
            assert!(taken < MEMORY_LIMIT, "{taken} bytes of memory for {bytes:?}");
        }
    }
    counts
}

fn idx(magic: u32, lengths: &[u32], elements: &[u8]) -> Vec<u8> {
    let header = std::iter::once(&magic).chain(lengths).flat_map(|n| n.to_be_bytes());
    header.chain(elements.iter().copied()).collect()
}

fn npy(tensor: &Tensor<f64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_npy_to(&mut bytes, tensor).unwrap();
    bytes
}

/// One after the other, as the memory is measured for the whole program.
#[test]
fn no_reader_panics_or_takes_more_memory_than_its_file_deserves() {
    let pixels: Vec<u8> = (0..96).collect();
    let images = idx(0x803, &[4, 4, 6], &pixels);
    let counts =
        survive(1, &[images.clone(), gzipped(&images)], |bytes| read_images_from::<f64>(bytes));
    assert!(counts.iter().all(|&count| count > 0), "{counts:?}");

    let labels = idx(0x801, &[30], &pixels[..30]);
    let counts = survive(2, &[labels.clone(), gzipped(&labels)], |bytes| read_labels_from(bytes));
    assert!(counts.iter().all(|&count| count > 0), "{counts:?}");

    let table = "height,width,kind\n1.5,2,0\n\"0.5\",4e3,1\n-1,.5,1\n7,8,2\n";
    for targets in [
        CsvTargets::Labels("kind".into()),
        CsvTargets::Classes("kind".into()),
        CsvTargets::Values(vec!["kind".into()]),
        CsvTargets::Inputs,
    ] {
        for missing in [Missing::Refuse, Missing::FillMean, Missing::DropRows] {
            let options = CsvOptions { targets: targets.clone(), missing, ..CsvOptions::default() };
            let files = [table.as_bytes().to_vec()];
            let counts = survive(3, &files, |bytes| read_csv_from::<f64>(bytes, options.clone()));
            assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
        }
    }

    let numbers: Vec<f64> = (0..24).map(f64::from).collect();
    let array = npy(&Tensor::from_shape_vec(&[2, 3, 4], numbers).unwrap());
    let header = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3)}\n";
    let length = (header.len() as u32).to_le_bytes();
    let elements = [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6];
    let wide = [b"\x93NUMPY\x03\x00", &length[..], header.as_bytes(), &elements].concat();
    let files = [array, wide];
    let counts = survive(4, &files, |bytes| read_npy_from::<f32>(bytes));
    assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
    let files = [npy(&Tensor::from([1.0, 2.0, 3.0]))];
    let counts = survive(5, &files, |bytes| read_npy_labels_from(bytes));
    assert!(counts.iter().all(|&count| count > 0), "{counts:?}");

    #[cfg(feature = "npz")]
    {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.npz");
        let (a, b) = (Tensor::from([[1.0, 2.0]]), Tensor::from([3.0, 4.0, 5.0]));
        nn::data::write_npz(&path, [("a", &a), ("b", &b)]).unwrap();
        let files = [std::fs::read(&path).unwrap()];
        let counts = survive(6, &files, |bytes| {
            let mut arrays = nn::data::Npz::new(std::io::Cursor::new(bytes))?;
            let names = arrays.names();
            names.iter().try_for_each(|name| arrays.tensor::<f64>(name).map(drop))
        });
        assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
    }
}
