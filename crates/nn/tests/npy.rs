//! NumPy's files: what NumPy wrote is read, what is written is what NumPy writes, and what is
//! damaged is refused.

use nn::data::{
    DataError, Dataset, MAX_ELEMENTS, read_npy, read_npy_from, read_npy_labels,
    read_npy_labels_from, write_npy, write_npy_to,
};
use nn::prelude::*;

/// An NPY file of version 1 with this header.
fn npy(header: &str, elements: &[u8]) -> Vec<u8> {
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), elements].concat()
}

fn described(descr: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    npy(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}"), elements)
}

fn read(bytes: &[u8]) -> Result<Tensor<f64>, DataError> {
    read_npy_from(bytes)
}

fn refused(bytes: &[u8]) -> String {
    read(bytes).expect_err("an error").to_string()
}

fn written<A: ops::Float>(tensor: &Tensor<A>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_npy_to(&mut bytes, tensor).unwrap();
    bytes
}

#[test]
fn what_is_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.npy");
    for shape in [&[][..], &[3], &[1], &[2, 3], &[0], &[2, 0, 5], &[1, 2, 1, 3, 1]] {
        let count = shape.iter().product::<usize>();
        let numbers: Vec<f64> = (0..count).map(|i| i as f64 / 3.0).collect();
        let tensor = Tensor::from_shape_vec(shape, numbers).unwrap();
        write_npy(&path, &tensor).unwrap();
        assert_eq!(read_npy::<f64>(&path).unwrap(), tensor);
        let single = tensor.cast::<f32>();
        write_npy(&path, &single).unwrap();
        assert_eq!(read_npy::<f32>(&path).unwrap(), single);
    }
    let odd = Tensor::from([f64::NAN, f64::INFINITY, -0.0, 5e-324]);
    let bits = |x: &Tensor<f64>| x.to_vec().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&read(&written(&odd)).unwrap()), bits(&odd));
    // Only what was asked for is left behind.
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_transposed_tensor_is_written_in_its_own_order() {
    let tensor = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let across = Tensor::from(tensor.view().reversed_axes());
    assert_eq!(read(&written(&across)).unwrap(), across);
    let fortran = "{'descr': '<f8', 'fortran_order': True, 'shape': (3, 2)}";
    let elements: Vec<u8> = tensor.to_vec().iter().flat_map(|x| x.to_le_bytes()).collect();
    let read = read(&npy(fortran, &elements)).unwrap();
    assert_eq!(read, across);
    // Rows of a dataset are rows whatever the order of the file.
    let data = Dataset::regression(read.clone(), read).unwrap();
    assert_eq!(data.select(&[1]).unwrap().inputs(), &Tensor::from([[2.0, 5.0]]));
}

#[test]
fn a_file_that_cannot_be_written_is_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let error = write_npy(dir.path().join("no/x.npy"), &Tensor::from([1.0])).unwrap_err();
    assert!(matches!(error, DataError::Write { .. }), "{error}");
    // A directory of that name cannot be replaced.
    let error = write_npy(dir.path(), &Tensor::from([1.0])).unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    let many = Tensor::<f64>::ones(&vec![1; 30_000]);
    let error = write_npy_to(Vec::new(), &many).unwrap_err().to_string();
    assert_eq!(error, "30000 axes are too many for NPY");
}

#[test]
fn headers_are_read_in_every_dress() {
    for header in [
        "{'descr': '<u1', 'fortran_order': False, 'shape': (2, 1), }     \n",
        "{\"shape\":(2,1),\"fortran_order\":False,\"descr\":\"|u1\"}",
        " { 'shape' : ( 2L , 1L , ) , 'descr' : 'u1' , 'fortran_order' : False , } ",
    ] {
        assert_eq!(read(&npy(header, &[7, 9])).unwrap(), Tensor::from([[7.0], [9.0]]));
    }
    assert_eq!(read(&described("?", "(3,)", &[0, 1, 2])).unwrap(), Tensor::from([0.0, 1.0, 1.0]));
    assert_eq!(read(&described(">i2", "()", &[255, 254])).unwrap(), Tensor::scalar(-2.0));
    let most = described("<u8", "(1,)", &[255; 8]);
    assert_eq!(read(&most).unwrap().item(), 18_446_744_073_709_551_615.0);
}

#[test]
fn damaged_headers_are_refused() {
    let header = |header: &str| refused(&npy(header, &[1; 64]));
    let wrong = "the input: the header is wrong: ";
    for (text, problem) in [
        ("", "\"{\" was expected, but its end was found"),
        ("[1]", "\"{\" was expected, but \"[1]\" was found"),
        ("{", "a text in quotes was expected, but its end was found"),
        ("{'descr", "a text in quotes was expected"),
        ("{}", "the key \"descr\" is missing"),
        ("{'descr': '<u1', 'fortran_order': False}", "the key \"shape\" is missing"),
        ("{'descr': '<u1', 'shape': (1,)}", "the key \"fortran_order\" is missing"),
        ("{'colour': 1}", "the key \"colour\" is not one of an NPY file"),
        ("{'descr' '<u1'}", "\":\" was expected, but \"'<u1'}\" was found"),
        ("{'fortran_order': 0}", "True or False was expected, but \"0}\" was found"),
        ("{'shape': 3}", "\"(\" was expected, but \"3}\" was found"),
        ("{'shape': (-1,)}", "a length of an axis was expected, but \"-1,)}\" was found"),
        ("{'shape': (99999999999999999999999,)}", "a length of an axis was expected"),
        ("{'shape': (1 2)}", "\")\" was expected, but \"2)}\" was found"),
        ("{'shape': (1,) 'descr'", "\"}\" was expected, but \"'descr'\" was found"),
        ("{'descr': [('a', '<f4')]}", "an array with one number to an element, not a record, was"),
        ("{'descr': '<f4', 'fortran_order': True, 'shape': (1,)} x", "the end of the header was"),
    ] {
        let error = header(text);
        assert!(error.starts_with(&format!("{wrong}{problem}")), "{text}: {error}");
    }
    assert!(refused(&npy("\0\0", &[])).starts_with(wrong));
    let nested = format!("{{'shape': {}", "(".repeat(60_000));
    assert!(refused(&npy(&nested, &[])).contains("a header of 60010 bytes; up to 10000 are read"));
    let no_text = refused(b"\x93NUMPY\x01\x00\x02\x00\xff\xfe");
    assert_eq!(no_text, format!("{wrong}it is not text in UTF-8"));
}

#[test]
fn other_kinds_of_elements_are_refused() {
    for descr in ["<f2", "<c16", "|O", "<U4", "|S3", "<M8[ns]", "f16", "", "<", ">>f8", "i3", "é"]
    {
        let error = refused(&described(descr, "(1,)", &[0; 16]));
        let expected = format!("elements of type {descr:?} are not read, only f4, f8");
        assert!(error.contains(&expected), "{error}");
    }
}

#[test]
fn files_of_another_kind_or_version_are_refused() {
    let start = "the input: the data do not start with \\x93NUMPY, as an NPY file does";
    for bytes in [&b""[..], b"\x93", b"PK\x03\x04", b"1,2,3\n", b"\x93NUMPX\x01\x00"] {
        assert_eq!(refused(bytes), start);
    }
    for version in [[0, 0], [1, 1], [4, 0], [255, 255]] {
        let error = refused(&[b"\x93NUMPY", &version[..], &[0; 8]].concat());
        let [major, minor] = version;
        assert!(error.contains(&format!("version {major}.{minor} of NPY")), "{error}");
    }
}

#[test]
fn absurd_shapes_are_refused_before_memory_is_spent() {
    for shape in [
        "(1073741825,)",
        "(18446744073709551615,)",
        "(4294967296, 4294967296)",
        "(9223372036854775807, 9223372036854775807, 0)",
        "(0, 4294967296, 4294967296)",
        "(0, 2147483648)",
    ] {
        let error = refused(&described("<f8", shape, &[]));
        assert!(error.contains("holds more than the 1073741824 elements"), "{error}");
    }
    // The largest claim allowed, in a tiny file.
    let header = described("<f8", "(1073741824,)", &[]);
    let error = read(&[&header[..], &[0; 8]].concat()).unwrap_err();
    let there = header.len() as u64;
    match error {
        DataError::Truncated { end, expected, .. } => {
            assert_eq!((end, expected), (there + 8, there + 8 * MAX_ELEMENTS));
        }
        error => panic!("{error}"),
    }
    let long = [b"\x93NUMPY\x02\x00", &u32::MAX.to_le_bytes()[..]].concat();
    assert!(refused(&long).contains("a header of 4294967295 bytes"));
}

#[test]
fn a_file_cut_at_any_byte_or_too_long_is_refused() {
    let whole = written(&Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    assert_eq!(whole.len(), 128 + 32);
    for cut in 0..whole.len() {
        let error = read(&whole[..cut]).unwrap_err();
        let truncated = matches!(error, DataError::Truncated { end, .. } if end == cut as u64);
        assert!(truncated || cut < 6, "{cut}: {error}");
    }
    let longer = [&whole[..], &[0]].concat();
    let error = "the input goes on after byte 160, where its 4 elements of shape [2, 2] end; the \
                 header or the file is wrong";
    assert_eq!(refused(&longer), error);
}

#[test]
fn numbers_that_do_not_fit_are_refused_with_their_place() {
    let elements = Tensor::from([[1.0, 2.0, 3.0], [1.0, -1e39, 3.0]]);
    let error = read_npy_from::<f32>(&written(&elements)[..]).unwrap_err().to_string();
    let expected = "the input: element [1, 1] is -1e39, but a number that fits f32 was expected";
    assert_eq!(error, expected);
    let fortran = "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2)}";
    let bytes: Vec<u8> =
        [0.0, 1e300, 0.0, 0.0].iter().flat_map(|x: &f64| x.to_le_bytes()).collect();
    let error = read_npy_from::<f32>(&npy(fortran, &bytes)[..]).unwrap_err().to_string();
    assert!(error.contains("element [1, 0] is 1e300"), "{error}");
    // What is infinite in the file stays so.
    let infinite = written(&Tensor::from([f64::INFINITY]));
    assert_eq!(read_npy_from::<f32>(&infinite[..]).unwrap().item(), f32::INFINITY);
}

#[test]
fn labels_are_whole_numbers_on_one_axis() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("y.npy");
    write_npy(&path, &Tensor::from([3.0, 0.0, 999_999.0])).unwrap();
    assert_eq!(read_npy_labels(&path).unwrap(), [3, 0, 999_999]);
    let labels = |bytes: &[u8]| read_npy_labels_from(bytes);
    assert_eq!(labels(&described("|u1", "(2, 1)", &[4, 5])).unwrap(), [4, 5]);
    for (number, found) in [(-1.0, "-1.0"), (0.5, "0.5"), (1e6, "1000000.0"), (f64::NAN, "NaN")] {
        let error = labels(&written(&Tensor::from([1.0, number]))).unwrap_err().to_string();
        let expected = format!(
            "the input: element [1] is {found}, but a label, a whole number from 0 to 999999 was \
             expected"
        );
        assert_eq!(error, expected);
    }
    for shape in ["()", "(1, 2)", "(2, 1, 1)"] {
        let error = labels(&described("|u1", shape, &[0, 0])).unwrap_err().to_string();
        assert!(error.contains("labels are an array of shape [samples], not"), "{error}");
    }
}

#[test]
fn a_gzipped_file_is_read() {
    use std::io::Write;
    let tensor = Tensor::from([1.5, 2.5]);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&written(&tensor)).unwrap();
    let bytes = encoder.finish().unwrap();
    assert_eq!(read(&bytes).unwrap(), tensor);
    assert!(matches!(read(&bytes[..bytes.len() - 1]), Err(DataError::Gzip { .. })));
}

#[cfg(feature = "npz")]
mod npz {
    use std::io::Cursor;

    use nn::data::{Npz, write_npz};

    use super::*;

    const NUMPY: &[u8] = include_bytes!("numpy.npz");

    fn entry(name: &str) -> Vec<u8> {
        use std::io::Read;
        let mut archive = zip::ZipArchive::new(Cursor::new(NUMPY)).unwrap();
        let mut bytes = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Arrays of every kind of element, byte order, memory order and version, made by
    /// `scripts/numpy_samples.py`.
    #[test]
    fn what_numpy_wrote_is_read() {
        let mut arrays = Npz::new(Cursor::new(NUMPY)).unwrap();
        let kinds: Vec<_> = arrays.names().into_iter().filter(|name| name.contains('_')).collect();
        assert_eq!(kinds.len(), 11 * 2 * 2 * 3);
        for name in kinds {
            let expected: Vec<f64> = match name.as_bytes()[0] {
                b'b' => (0..24).map(|i| f64::from(i % 2)).collect(),
                b'u' => (0..24).map(f64::from).collect(),
                _ => (-12..12).map(f64::from).collect(),
            };
            let expected = Tensor::from_shape_vec(&[2, 3, 4], expected).unwrap();
            assert_eq!(arrays.tensor::<f64>(&name).unwrap(), expected, "{name}");
            assert_eq!(arrays.tensor::<f32>(&name).unwrap(), expected.cast::<f32>(), "{name}");
        }
        assert_eq!(arrays.tensor::<f64>("scalar").unwrap(), Tensor::scalar(2.5));
        let vector = arrays.tensor::<f64>("vector").unwrap().to_vec();
        assert!(vector[0] == 0.5 && vector[1] == f64::INFINITY && vector[2].is_nan());
        assert_eq!(arrays.tensor::<f64>("empty").unwrap().shape(), [0, 3]);
        assert_eq!(arrays.labels("labels").unwrap(), [3, 0, 2]);
        assert_eq!(arrays.labels("labels.npy").unwrap(), [3, 0, 2]);
        for (name, problem) in
            [("complex", "\"<c16\" are not read"), ("text", "\"<U1\""), ("record", "not a record")]
        {
            let error = arrays.tensor::<f64>(name).unwrap_err().to_string();
            let place = format!("the input, array {name:?}: the header is wrong: ");
            assert!(error.starts_with(&place) && error.contains(problem), "{error}");
        }
    }

    #[test]
    fn what_is_written_is_what_numpy_writes() {
        let numbers: Vec<f64> = (-12..12).map(f64::from).collect();
        let tensor = Tensor::from_shape_vec(&[2, 3, 4], numbers).unwrap();
        assert_eq!(written(&tensor), entry("f8_little_C_v1.npy"));
        assert_eq!(written(&tensor.cast::<f32>()), entry("f4_little_C_v1.npy"));
        assert_eq!(written(&Tensor::scalar(2.5)), entry("scalar.npy"));
        assert_eq!(written(&Tensor::<f64>::zeros(&[0, 3])), entry("empty.npy"));
        let vector = Tensor::from([0.5, f64::INFINITY, f64::NAN]);
        assert_eq!(written(&vector)[..128], entry("vector.npy")[..128]);
    }

    #[test]
    fn archives_there_and_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data.npz");
        let tensors =
            [Tensor::from([[1.0_f32, 2.0]]), Tensor::scalar(3.0), Tensor::zeros(&[500, 9])];
        write_npz(&path, ["a", "b.c", "größe"].into_iter().zip(&tensors)).unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() < 2000, "deflated");
        let mut arrays = Npz::open(&path).unwrap();
        assert_eq!(arrays.names(), ["a", "b.c", "größe"]);
        for (name, tensor) in arrays.names().iter().zip(&tensors) {
            assert_eq!(&arrays.tensor::<f32>(name).unwrap(), tensor);
        }
        let error = arrays.labels("y").unwrap_err().to_string();
        assert!(error.ends_with("holds no array \"y\"; it holds a, b.c, größe"), "{error}");
        let none: [(&str, &Tensor<f64>); 0] = [];
        write_npz(&path, none).unwrap();
        assert!(Npz::open(&path).unwrap().names().is_empty());
        let twice = write_npz(&path, [("a", &tensors[0]), ("a", &tensors[1])]).unwrap_err();
        assert!(matches!(twice, DataError::Write { .. }), "{twice}");
        assert!(Npz::open(&path).unwrap().names().is_empty(), "the file is still the one before");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        for bytes in [&b""[..], b"PK\x03\x04", b"\x93NUMPY\x01\x00", &[0; 100], &NUMPY[..20_000]] {
            let error = Npz::new(Cursor::new(bytes)).unwrap_err();
            assert!(matches!(error, DataError::Archive { .. }), "{error}");
        }
        let error = Npz::open("nowhere.npz").unwrap_err();
        assert!(matches!(error, DataError::Io { .. }), "{error}");
    }

    /// An entry that would grow to 16 MiB, if it were read to the end.
    #[test]
    fn a_bomb_is_read_only_as_far_as_its_header_claims() {
        use std::io::Write;
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        archive
            .start_file(
                "x.npy",
                zip::write::SimpleFileOptions::default()
                    .compression_method(zip::CompressionMethod::Deflated),
            )
            .unwrap();
        archive.write_all(&described("|u1", "(2,)", &[])).unwrap();
        archive.write_all(&vec![0; 1 << 24]).unwrap();
        let bytes = archive.finish().unwrap().into_inner();
        assert!(bytes.len() < 1 << 17);
        let error = Npz::new(Cursor::new(bytes)).unwrap().tensor::<f32>("x").unwrap_err();
        assert!(matches!(error, DataError::Trailing { .. }), "{error}");
    }
}
