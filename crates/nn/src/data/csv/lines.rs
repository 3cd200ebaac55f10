//! A table line by line.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use ::csv::{ByteRecord, ErrorKind, Reader};

use super::CsvOptions;
use crate::data::source::Source;
use crate::ground::error::{DataError, TableError};

/// The longest line that is read, in bytes: 2²⁰.
pub const MAX_LINE: u64 = 1 << 20;

/// Reads the next row into `record`; false at the end of the table.
pub(super) fn next(
    reader: &mut Reader<Lines<'_>>,
    record: &mut ByteRecord,
    path: &Path,
) -> Result<bool, DataError> {
    reader.read_byte_record(record).map_err(|error| {
        let cause = match error.into_kind() {
            ErrorKind::Io(cause) => cause,
            // A reader of bytes that allows rows of any length has no other errors.
            kind => io::Error::other(format!("{kind:?}")),
        };
        cause.downcast().unwrap_or_else(|cause| DataError::Io { path: path.to_owned(), cause })
    })
}

/// Hands the parser one line at a time, so that the number of the line is known when it returns a
/// row, and so that no line and no file makes it take more memory than is allowed.
pub(super) struct Lines<'r> {
    path: PathBuf,
    source: BufReader<Source<'r>>,
    max_bytes: u64,
    delimiter: u8,
    bytes: u64,
    line: Vec<u8>,
    given: usize,
    /// The line that was handed over last, from 1.
    pub(super) number: u64,
    blank: Option<u64>,
}

impl<'r> Lines<'r> {
    pub(super) fn new(source: Source<'r>, options: &CsvOptions) -> Self {
        Self {
            path: source.path().to_owned(),
            source: BufReader::new(source),
            max_bytes: options.max_bytes,
            delimiter: options.delimiter,
            bytes: 0,
            line: Vec::new(),
            given: 0,
            number: 0,
            blank: None,
        }
    }

    fn advance(&mut self) -> io::Result<()> {
        self.given = 0;
        loop {
            self.line.clear();
            let source = &mut self.source;
            let length = source.take(MAX_LINE + 1).read_until(b'\n', &mut self.line)? as u64;
            if length == 0 {
                return Ok(());
            }
            let refuse = |error: TableError| Err(io::Error::other(DataError::from(error)));
            self.number += 1;
            self.bytes += length;
            if self.bytes > self.max_bytes {
                let (path, limit) = (self.path.clone(), self.max_bytes);
                return refuse(TableError::LargeFile { path, limit });
            }
            if length > MAX_LINE {
                let (path, line) = (self.path.clone(), self.number);
                return refuse(TableError::LongLine { path, line, limit: MAX_LINE });
            }
            let delimiter = self.delimiter;
            let blank = |&byte: &u8| byte != delimiter && byte.is_ascii_whitespace();
            if self.line.iter().all(blank) {
                self.blank.get_or_insert(self.number);
            } else if let Some(line) = self.blank {
                return refuse(TableError::BlankLine { path: self.path.clone(), line });
            } else {
                return Ok(());
            }
        }
    }
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.line.len() {
            self.advance()?;
        }
        let rest = &self.line[self.given..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}
