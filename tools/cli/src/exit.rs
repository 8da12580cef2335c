//! Exit codes: what a script needs to know without reading a word.

use std::process::ExitCode;

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// All is well.
    Ok = 0,
    /// A check or a comparison found a difference.
    Differs = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// A file cannot be read or written, or holds what this version does not understand.
    Input = 3,
    /// The model is beyond the limits of the format or of the board.
    DoesNotFit = 4,
    /// The image is malformed.
    Malformed = 5,
    /// A program that is needed (an emulator, cargo) is missing or did not do its work.
    ToolMissing = 6,
    /// The device or emulated machine failed, or took too long.
    Device = 7,
    /// A defect of this program.
    Internal = 70,
    /// Interrupted, in good order: 128 + SIGINT, what shells expect.
    #[cfg(feature = "train")]
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The table of codes, for `--help`.
pub const HELP: &str = "\
Exit codes:
  0   success
  1   a check or comparison found a difference
  2   the command line makes no sense
  3   a file cannot be read or written, or is not supported
  4   the model exceeds the limits of the format or of the board
  5   the image is malformed
  6   an emulator or another tool is missing
  7   the device failed, or took too long
  70  a defect of leafgate";
