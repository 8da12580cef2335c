//! Whole files of the data folder, gzip-compressed or not.

use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::error::DataError;

/// The content of `path`, decompressed if it starts as gzip files do.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    if !path.is_file() {
        return Err(DataError::Missing { path: path.to_owned() });
    }
    let failed = |source| DataError::File { path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(failed)?;
    if !bytes.starts_with(b"\x1f\x8b") {
        return Ok(bytes);
    }
    let mut plain = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).map_err(failed)?;
    Ok(plain)
}
