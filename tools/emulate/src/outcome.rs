//! What came of a run.

use crate::Profile;
use leafgate_board_support::ExitCode;
use std::fmt;

/// How the firmware ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// With one of the application's codes.
    Code(ExitCode),
    /// With another code.
    Other(i32),
    /// The processor locked up (a fault while entering a fault, such as a stack overflow), which ends the emulator.
    Lockup,
}

impl Exit {
    /// Whether it is the one success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        *self == Exit::Code(ExitCode::Success)
    }

    /// A number to pass on as a process exit code.
    #[must_use]
    pub fn code(&self) -> i32 {
        match self {
            Exit::Code(code) => i32::from(code.code()),
            Exit::Other(code) => *code,
            Exit::Lockup => 134,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exit code {}: {}", code.code(), code.meaning()),
            Exit::Other(code) => write!(f, "exit code {code}"),
            Exit::Lockup => write!(f, "the processor locked up"),
        }
    }
}

/// What the device says of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleReport {
    /// Its place in the samples region.
    pub index: usize,
    /// The class, if the image names one.
    pub class: Option<usize>,
    /// CRC-32 over all output values as little-endian i32.
    pub crc32: u32,
    /// Instructions of `Session::run`.
    pub insns: u64,
}

/// What came of a run. A figure is `None` if the firmware ended before it, or is not the application.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// How it ended.
    pub exit: Exit,
    /// The decoded log, a message a line.
    pub lines: Vec<String>,
    /// Instructions measured in a loop of known length, and its length.
    pub clock_insns: Option<(u64, u64)>,
    /// Bytes of the image.
    pub model_bytes: Option<u32>,
    /// Bytes of an input.
    pub input_bytes: Option<u32>,
    /// Bytes of arena that the image wants.
    pub arena_bytes: Option<u32>,
    /// Bytes of arena that the application has reserved.
    pub arena_reserved_bytes: Option<u32>,
    /// Bytes of arena up to the last that a run wrote.
    pub arena_used_bytes: Option<u32>,
    /// Instructions of `Model::parse`.
    pub parse_insns: Option<u64>,
    /// Stack of `Model::parse`.
    pub stack_parse_bytes: Option<u32>,
    /// Stack of `Session::run`: the highest mark of all runs.
    pub stack_run_bytes: Option<u32>,
    /// Golden vectors that passed.
    pub vectors: Option<u32>,
    /// Every sample served, in order.
    pub samples: Vec<SampleReport>,
    /// Where the instructions of the runs went, if that was asked for and the firmware succeeded.
    pub profile: Option<Profile>,
}

impl Outcome {
    pub(crate) fn new() -> Self {
        Self {
            exit: Exit::Other(-1),
            lines: Vec::new(),
            clock_insns: None,
            model_bytes: None,
            input_bytes: None,
            arena_bytes: None,
            arena_reserved_bytes: None,
            arena_used_bytes: None,
            parse_insns: None,
            stack_parse_bytes: None,
            stack_run_bytes: None,
            vectors: None,
            samples: Vec::new(),
            profile: None,
        }
    }

    /// The most instructions of a sample.
    #[must_use]
    pub fn worst_run_insns(&self) -> Option<u64> {
        self.samples.iter().map(|sample| sample.insns).max()
    }
}
