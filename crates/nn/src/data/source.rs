//! A file as a stream of bytes, decompressed if it is gzipped, that knows how far it has been read.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::ground::error::DataError;

/// The name of data from a reader, in errors.
pub(super) const INPUT: &str = "the input";

const CHUNK: usize = 1 << 14;

pub(super) struct Source<'r> {
    path: PathBuf,
    reader: Box<dyn Read + 'r>,
    gzip: bool,
    offset: u64,
}

impl<'r> Source<'r> {
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let file =
            File::open(path).map_err(|cause| DataError::Io { path: path.to_owned(), cause })?;
        Self::new(path, file)
    }

    pub(super) fn new(path: &Path, bytes: impl Read + 'r) -> Result<Self, DataError> {
        let mut source =
            Self { path: path.to_owned(), reader: Box::new(bytes), gzip: false, offset: 0 };
        let mut head = [0; 2];
        let count = source.fill(&mut head)?;
        source.offset = 0;
        source.gzip = head == [0x1f, 0x8b];
        let whole = Cursor::new(head).take(count as u64).chain(source.reader);
        // A gzip file may have several members; what follows the last one is then an error, and
        // not passed over.
        source.reader =
            if source.gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
        Ok(source)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads until `buffer` is full or the data ends; returns how many bytes were read.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, DataError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_some(&mut buffer[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }

    /// Reads until `buffer` is full. `part` is what is read, and `expected` where it ends.
    pub(super) fn exact(
        &mut self,
        buffer: &mut [u8],
        part: &str,
        expected: u64,
    ) -> Result<(), DataError> {
        if self.fill(buffer)? == buffer.len() {
            return Ok(());
        }
        let (path, end, part) = (self.path.clone(), self.offset, part.to_owned());
        Err(DataError::Truncated { path, end, part, expected })
    }

    /// Hands over `count` bytes, which must be all that is left, in chunks whose length is a
    /// multiple of 8 except the last. No memory is reserved for missing bytes.
    pub(super) fn body(
        &mut self,
        claim: &str,
        count: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let end = self.offset + count;
        let mut chunk = [0; CHUNK];
        while self.offset < end {
            let size = (end - self.offset).min(CHUNK as u64) as usize;
            self.exact(&mut chunk[..size], claim, end)?;
            take(&chunk[..size])?;
        }
        // Reading to the end also lets the decoder of a gzipped file check its checksum.
        if self.fill(&mut chunk[..1])? != 0 {
            let (path, claim) = (self.path.clone(), claim.to_owned());
            return Err(DataError::Trailing { path, end, claim });
        }
        Ok(())
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, DataError> {
        loop {
            match self.reader.read(buffer) {
                Ok(count) => {
                    self.offset += count as u64;
                    return Ok(count);
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                // The decoder passes on the operating system's errors, which have a code; its own
                // have none.
                Err(cause) if self.gzip && cause.raw_os_error().is_none() => {
                    let (path, offset) = (self.path.clone(), self.offset);
                    return Err(DataError::Gzip { path, offset, cause });
                }
                Err(cause) => return Err(DataError::Io { path: self.path.clone(), cause }),
            }
        }
    }
}

/// For readers of other libraries: the error is a [`DataError`] inside an [`io::Error`], for
/// the caller to take out with [`io::Error::downcast`].
impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_some(buffer).map_err(io::Error::other)
    }
}
