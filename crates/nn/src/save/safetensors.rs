//! Reading and writing the safetensors format: a length, a JSON header that says which tensor is
//! where, and the numbers.
//!
//! The crate `safetensors` writes and checks headers. Reading is done here, piece by piece, so
//! that no more memory is taken than there are bytes, whatever lengths a header claims.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use ndarray::ArrayViewD;
use ops::{Float, Tensor, visible_whole};
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, View};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use crate::ground::error::SaveError;

/// The longest header that the format allows.
const MAX_HEADER: u64 = 100_000_000;
/// The most axes that a tensor has in any program.
const MAX_AXES: usize = 64;
/// The name of the metadata in a header.
const METADATA: &str = "__metadata__";

/// A tensor as the format holds it.
pub(super) struct Stored {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Stored {
    pub fn new<A: Float>(tensor: &Tensor<A>) -> Self {
        let mut bytes = Vec::with_capacity(tensor.len() * size_of::<A>());
        for number in tensor.view() {
            bytes.extend_from_slice(number.to_le_bytes().as_ref());
        }
        let dtype = if size_of::<A>() == 4 { Dtype::F32 } else { Dtype::F64 };
        Self { dtype, shape: tensor.shape().to_vec(), bytes }
    }
}

impl View for &Stored {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// The bytes of a file of tensors with one entry of metadata. The same tensors give the same bytes.
pub(super) fn to_bytes(
    tensors: &BTreeMap<String, Stored>,
    metadata: (&str, String),
) -> Result<Vec<u8>, SaveError> {
    let problem = |problem: String| SaveError::Model { problem };
    if tensors.contains_key(METADATA) {
        return Err(problem(format!("no tensor can be named {METADATA}")));
    }
    let metadata = [(metadata.0.to_owned(), metadata.1)].into_iter().collect();
    safetensors::serialize(tensors, Some(metadata))
        .map_err(|error| problem(visible_whole(&error.to_string()).into_owned()))
}

/// What was read: a header that has been checked, and the numbers.
pub(super) struct Contents {
    /// Where it is from, for messages.
    pub origin: String,
    pub metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, TensorInfo>,
    data: Vec<u8>,
}

/// What a library or this crate says of a header, in which names of the file stand as they are.
fn wrong_header(problem: &str) -> String {
    format!("its header is wrong: {}", visible_whole(problem))
}

impl Contents {
    /// Reads all of `reader`.
    pub fn read(mut reader: impl Read, origin: &str) -> Result<Self, SaveError> {
        let wrong = |problem: String| SaveError::Format { origin: origin.to_owned(), problem };
        let length = up_to(&mut reader, 8, origin)?;
        let Ok(length) = <[u8; 8]>::try_from(&length[..]).map(u64::from_le_bytes) else {
            let given = length.len();
            return Err(wrong(format!("it has {given} bytes, and a safetensors file 8 or more")));
        };
        if length > MAX_HEADER {
            return Err(wrong(format!(
                "its header claims to be {length} bytes long, and {MAX_HEADER} are allowed; it may \
                 not be a safetensors file"
            )));
        }
        let header = up_to(&mut reader, length, origin)?;
        if (header.len() as u64) < length {
            let given = header.len();
            return Err(wrong(format!("its header has {length} bytes, but it ends after {given}")));
        }
        let header: Header = serde_json::from_slice(&header)
            .map_err(|error| wrong(wrong_header(&error.to_string())))?;
        let size = header.check().map_err(|problem| wrong(wrong_header(&problem)))?;
        let data = up_to(&mut reader, size.saturating_add(1), origin)?;
        let given = data.len() as u64;
        if given != size {
            let given = if given < size { given.to_string() } else { "more".to_owned() };
            return Err(wrong(format!(
                "its tensors have {size} bytes, but {given} follow the header"
            )));
        }
        let Header { metadata, tensors } = header;
        Ok(Self { origin: origin.to_owned(), metadata, tensors, data })
    }

    pub fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.tensors.iter().map(|(name, info)| (&**name, &*info.shape))
    }

    /// A tensor, its numbers converted; or why that cannot be.
    pub fn tensor<A: Float>(&self, name: &str) -> Result<Tensor<A>, String> {
        let Some(info) = self.tensors.get(name) else { return Err("it is not there".into()) };
        let (start, end) = info.data_offsets;
        let numbers = numbers(info.dtype, &self.data[start..end])?;
        let loaded = ArrayViewD::from_shape(&info.shape[..], &numbers)
            .map_err(|_| "its shape is larger than any tensor".to_owned())?;
        Ok(Tensor::from(loaded)) // A copy begins at a line of the cache.
    }

    /// A tensor, if no number has to be converted.
    pub fn exact_tensor<A: Float>(&self, name: &str) -> Result<Tensor<A>, String> {
        let dtype = self.tensors.get(name).map(|info| info.dtype);
        let wanted = if size_of::<A>() == 4 { Dtype::F32 } else { Dtype::F64 };
        match dtype {
            Some(dtype) if dtype != wanted => {
                Err(format!("its numbers are {dtype}, but {wanted} are wanted"))
            }
            _ => self.tensor(name),
        }
    }
}

/// Reads `count` bytes, or fewer if there are no more.
fn up_to(reader: &mut impl Read, count: u64, origin: &str) -> Result<Vec<u8>, SaveError> {
    let mut bytes = Vec::new();
    reader.take(count).read_to_end(&mut bytes).map_err(SaveError::io("read", origin))?;
    Ok(bytes)
}

/// The header of a file, each name once.
#[derive(Default)]
struct Header {
    metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, TensorInfo>,
}

impl Header {
    /// Refuses tensors that overlap or leave gaps, or whose shape and type do not make their
    /// number of bytes; gives the number of all bytes.
    fn check(&self) -> Result<u64, String> {
        let mut tensors = self.tensors.iter();
        if let Some((name, info)) = tensors.find(|(_, info)| info.shape.len() > MAX_AXES) {
            let axes = info.shape.len();
            return Err(format!("{name} has {axes} axes, and {MAX_AXES} are allowed"));
        }
        let mut tensors: Vec<(String, TensorInfo)> =
            self.tensors.iter().map(|(name, info)| (name.clone(), info.clone())).collect();
        tensors.sort_by_key(|(_, info)| info.data_offsets);
        let checked = Metadata::new(None, tensors).map_err(|error| error.to_string())?;
        Ok(checked.data_len() as u64)
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the names of tensors, each with its type, shape and bytes")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Header, M::Error> {
        let mut header = Header::default();
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA {
                header.metadata = map.next_value()?;
            } else if let Some(twice) = header.tensors.insert(name.clone(), map.next_value()?) {
                let shape = twice.shape;
                return Err(M::Error::custom(format!("{name:?} comes twice, once as {shape:?}")));
            }
        }
        Ok(header)
    }
}

/// Numbers of any type as a model's.
fn numbers<A: Float>(dtype: Dtype, bytes: &[u8]) -> Result<Vec<A>, String> {
    match dtype {
        Dtype::F32 if size_of::<A>() == 4 => Ok(same(bytes)),
        Dtype::F64 if size_of::<A>() == 8 => Ok(same(bytes)),
        Dtype::F16 => floats(bytes, |b| f16_to_f64(u16::from_le_bytes(b))),
        Dtype::BF16 => {
            floats(bytes, |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16).into())
        }
        Dtype::F32 => floats(bytes, |b| f32::from_le_bytes(b).into()),
        Dtype::F64 => floats(bytes, f64::from_le_bytes),
        Dtype::BOOL | Dtype::U8 => integers(bytes, |b| u8::from_le_bytes(b).into()),
        Dtype::I8 => integers(bytes, |b| i8::from_le_bytes(b).into()),
        Dtype::U16 => integers(bytes, |b| u16::from_le_bytes(b).into()),
        Dtype::I16 => integers(bytes, |b| i16::from_le_bytes(b).into()),
        Dtype::U32 => integers(bytes, |b| u32::from_le_bytes(b).into()),
        Dtype::I32 => integers(bytes, |b| i32::from_le_bytes(b).into()),
        Dtype::U64 => integers(bytes, |b| u64::from_le_bytes(b).into()),
        Dtype::I64 => integers(bytes, |b| i64::from_le_bytes(b).into()),
        other => Err(format!("numbers of type {other} cannot be read")),
    }
}

fn same<A: Float>(bytes: &[u8]) -> Vec<A> {
    bytes.chunks_exact(size_of::<A>()).filter_map(A::from_le_bytes).collect()
}

/// `bytes` in chunks of `N`.
fn chunks<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.chunks_exact(N).map(|chunk| chunk.try_into().expect("N bytes"))
}

/// Floats, rounded if need be; a finite one must stay finite.
fn floats<A: Float, const N: usize>(
    bytes: &[u8],
    read: impl Fn([u8; N]) -> f64,
) -> Result<Vec<A>, String> {
    chunks(bytes)
        .enumerate()
        .map(|(i, chunk)| {
            let (number, converted) = (read(chunk), A::from_f64(read(chunk)));
            if number.is_finite() && !Float::is_finite(converted) {
                return Err(format!("number {i} is {number:e}, too large for {}", A::NAME));
            }
            Ok(converted)
        })
        .collect()
}

/// Integers, which must not be rounded.
fn integers<A: Float, const N: usize>(
    bytes: &[u8],
    read: impl Fn([u8; N]) -> i128,
) -> Result<Vec<A>, String> {
    chunks(bytes)
        .enumerate()
        .map(|(i, chunk)| {
            let number = read(chunk);
            let converted = A::from_f64(number as f64);
            if converted.to_f64() as i128 != number {
                return Err(format!("number {i} is {number}, which no {} is exactly", A::NAME));
            }
            Ok(converted)
        })
        .collect()
}

/// A number of the 16 bits of IEEE 754 binary16: 1 of sign, 5 of exponent, 10 of fraction.
fn f16_to_f64(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2.0_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2.0_f64.powi(exponent - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_precision_number_is_read_as_the_crate_half_reads_it() {
        for bits in 0..=u16::MAX {
            let (own, theirs) = (f16_to_f64(bits), half::f16::from_bits(bits).to_f64());
            assert!(own == theirs || (own.is_nan() && theirs.is_nan()), "{bits:#x}");
            assert!(
                own.is_nan() || own.is_sign_negative() == theirs.is_sign_negative(),
                "{bits:#x}"
            );
            let own: Vec<f64> = numbers(Dtype::BF16, &bits.to_le_bytes()).unwrap();
            let theirs = half::bf16::from_bits(bits).to_f64();
            assert!(own[0] == theirs || (own[0].is_nan() && theirs.is_nan()), "{bits:#x}");
        }
    }
}
