//! The graph of a state dict in a file beside it: a description, and tensors that the state dict lacks.

use super::tensors::Tensors;
use super::{recognise, unreadable};
use crate::error::ConvertError;
use std::path::{Path, PathBuf};

/// A description is some kilobytes; with the wiring of a large network in it some megabytes.
const MAX_BYTES: u64 = 1 << 28;

/// A file that describes the network whose state dict is another file: the JSON text of `docs/graph-format.md`, or a safetensors
/// file with that text as its `leafgate.graph` and with tensors that the state dict lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphFile {
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
}

impl GraphFile {
    /// Reads the file; what is in it is read with the state dict.
    ///
    /// # Errors
    /// If it cannot be read, or is larger than 256 MiB.
    pub fn read(path: &Path) -> Result<Self, ConvertError> {
        let io = |source| ConvertError::Io { path: path.to_owned(), source };
        let metadata = std::fs::metadata(path).map_err(io)?;
        if !metadata.is_file() {
            return Err(unreadable(path, "not a regular file"));
        }
        if metadata.len() > MAX_BYTES {
            return Err(ConvertError::TooLarge {
                place: path.display().to_string(),
                what: "the file, in bytes".into(),
                want: MAX_BYTES,
                have: metadata.len(),
            });
        }
        Ok(Self::new(path, std::fs::read(path).map_err(io)?))
    }

    /// A file that is in memory; `path` is its name in errors.
    pub fn new(path: &Path, bytes: Vec<u8>) -> Self {
        Self { path: path.to_owned(), bytes }
    }

    /// The description, and the tensors beside it.
    pub(super) fn parts(&self) -> Result<(String, Tensors<'_>), ConvertError> {
        let bad = |why: &str| unreadable(&self.path, why);
        if recognise::kind(&self.bytes) == recognise::Kind::Safetensors {
            let (tensors, text) = Tensors::from_safetensors(&self.bytes).map_err(|why| bad(&why))?;
            let text = text.ok_or_else(|| bad("a safetensors file without a `leafgate.graph` description"))?;
            return Ok((text, tensors));
        }
        match std::str::from_utf8(&self.bytes) {
            Ok(text) if text.trim_start().starts_with('{') => Ok((text.to_owned(), Tensors::default())),
            _ => Err(bad("neither a JSON text nor a safetensors file with a `leafgate.graph` description")),
        }
    }
}
