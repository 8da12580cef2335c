//! The firmware's log: defmt frames from the emulator's standard output.

use crate::EmulateError;
use defmt_decoder::{DecodeError, StreamDecoder, Table};
use std::path::Path;

/// The strings of a firmware, which its log refers to.
pub(crate) struct Strings(Table);

impl Strings {
    /// Reads them from an ELF file.
    pub(crate) fn of_elf(path: &Path, elf: &[u8]) -> Result<Self, EmulateError> {
        let no_firmware = |reason: String| EmulateError::NoFirmware { path: path.to_owned(), reason };
        match Table::parse(elf) {
            Ok(Some(table)) => Ok(Self(table)),
            Ok(None) => Err(no_firmware("it has no defmt section".into())),
            Err(error) => Err(no_firmware(error.to_string())),
        }
    }

    /// A decoder that has read nothing yet.
    pub(crate) fn decoder(&self) -> Decoder<'_> {
        Decoder { stream: self.0.new_stream_decoder(), lines: 0, pending: false }
    }
}

/// Turns bytes into lines, as they come.
pub(crate) struct Decoder<'t> {
    stream: Box<dyn StreamDecoder + Send + Sync + 't>,
    lines: usize,
    pending: bool,
}

impl Decoder<'_> {
    /// Takes bytes and gives every line that is complete with them.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, EmulateError> {
        self.stream.received(bytes);
        if let Some(last) = bytes.last() {
            // Frames end with a zero.
            self.pending = *last != 0;
        }
        let mut lines = Vec::new();
        loop {
            match self.stream.decode() {
                Ok(frame) => lines.push(frame.display_message().to_string()),
                Err(DecodeError::UnexpectedEof) => break,
                Err(DecodeError::Malformed) => {
                    let lines = self.lines + lines.len();
                    return Err(EmulateError::Undecodable { lines, reason: "a malformed frame".into() });
                }
            }
        }
        self.lines += lines.len();
        Ok(lines)
    }

    /// Whether the last frame began but did not end.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.pending
    }
}
