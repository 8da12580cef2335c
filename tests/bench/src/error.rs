//! What can go wrong between an item and its figure.

use std::path::PathBuf;

use leafgate_convert::ConvertError;
use leafgate_emulate::EmulateError;

/// Why there is no figure, or no file of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// An image could not be made.
    #[error("{item}: {source}")]
    Image {
        /// The item.
        item: String,
        /// What the converter says.
        source: Box<ConvertError>,
    },
    /// The host's engine does not run the image.
    #[error("{item}: the host's engine: {source}")]
    Host {
        /// The item.
        item: String,
        /// What the engine says.
        source: leafgate_convert::host::HostError,
    },
    /// The emulator did not come to an end.
    #[error("{item} on {machine}: {source}\n  hint: {}", source.hint())]
    Emulate {
        /// The item.
        item: String,
        /// The machine.
        machine: String,
        /// What it says.
        source: Box<EmulateError>,
    },
    /// The firmware ended otherwise than with success.
    #[error("{item} on {machine}: {have}\n{log}")]
    Ended {
        /// The item.
        item: String,
        /// The machine.
        machine: String,
        /// How it ended.
        have: String,
        /// Its log.
        log: String,
    },
    /// The device does not give the host's integers: its figures are worth nothing.
    #[error("{item} on {machine}, input {index}: the outputs' checksum is {have:#010x}, the host's {want:#010x}")]
    Differs {
        /// The item.
        item: String,
        /// The machine.
        machine: String,
        /// The input.
        index: usize,
        /// The host's checksum.
        want: u32,
        /// The device's.
        have: u32,
    },
    /// The application does not report a figure.
    #[error("{item} on {machine}: the log has no {want}")]
    Missing {
        /// The item.
        item: String,
        /// The machine.
        machine: String,
        /// The figure.
        want: &'static str,
    },
    /// The firmware that text and stack are read from does not link.
    #[error("{family}: {why}")]
    Link {
        /// The families it was built with.
        family: String,
        /// The linker's words, or what is unbounded.
        why: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path}: {why}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A program gives no answer.
    #[error("`{command}` gives no answer")]
    Program {
        /// The command.
        command: String,
    },
    /// The plot could not be drawn.
    #[error("the plot: {0}")]
    Plot(String),
}
