//! The bytes of a data file, unpacked if they are gzip, with the errors that name the file.
//!
//! Gzip is known by its first two bytes, 1f 8b, never by the name. Neither a CIFAR-10 record (first byte 0 to 9) nor an
//! IDX file (first byte 0) can start that way.

use crate::error::{Error, Result};
use flate2::bufread::GzDecoder;
use std::io::Read;
use std::path::{Path, PathBuf};

/// No more than this is unpacked, so that a small damaged file cannot ask for all memory. The MNIST training images have
/// 47 MB.
const LARGEST_UNPACKED_BYTES: u64 = 1 << 30;

/// The content of one file.
pub(super) struct Content {
    pub bytes: Vec<u8>,
    path: PathBuf,
    unpacked: bool,
}

impl Content {
    /// Reads and, if needed, unpacks a file. Errors: `Io` if it cannot be read, `Damaged` if the gzip stream is corrupt.
    pub fn read(path: &Path) -> Result<Self> {
        Self::of(std::fs::read(path).map_err(Error::io("read", path))?, path)
    }

    /// The same for bytes that are in memory; `path` is what errors call them.
    pub fn of(bytes: Vec<u8>, path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            return Ok(Self { bytes, path, unpacked: false });
        }
        let mut decoder = GzDecoder::new(bytes.as_slice()).take(LARGEST_UNPACKED_BYTES + 1);
        let mut unpacked = Vec::new();
        let outcome = decoder.read_to_end(&mut unpacked);
        let rest = decoder.get_ref().get_ref().len();
        let reason = match outcome {
            Err(source) => format!("corrupt gzip stream: {source}"),
            Ok(_) if unpacked.len() as u64 > LARGEST_UNPACKED_BYTES => {
                format!("gzip stream of more than {LARGEST_UNPACKED_BYTES} bytes")
            }
            Ok(_) if rest > 0 => format!("{rest} bytes after the end of the gzip stream"),
            Ok(_) => return Ok(Self { bytes: unpacked, path, unpacked: true }),
        };
        Err(Error::Damaged { path, offset: (bytes.len() - rest) as u64, reason })
    }

    /// Damage at this offset of the content.
    pub fn damaged(&self, offset: usize, reason: impl Into<String>) -> Error {
        let mut reason = reason.into();
        if self.unpacked {
            reason.push_str(" (byte of the unpacked content)");
        }
        Error::Damaged { path: self.path.clone(), offset: offset as u64, reason }
    }

    /// What errors call the file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
