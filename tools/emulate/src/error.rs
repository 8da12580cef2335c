//! What can go wrong between a request and its outcome, each with what to do about it.

use crate::machine::machines;
use std::path::PathBuf;
use std::time::Duration;

/// Why there is no outcome. What the firmware itself complains of is an outcome, with an exit code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmulateError {
    /// No machine of this name.
    #[error("there is no machine `{name}`")]
    UnknownMachine {
        /// The name asked for.
        name: String,
    },
    /// The emulator is not installed.
    #[error("the emulator `{program}` is not installed")]
    EmulatorMissing {
        /// The program looked for.
        program: String,
        /// The Debian package that has it.
        package: String,
    },
    /// The firmware has not been built.
    #[error("there is no firmware at {path}")]
    FirmwareMissing {
        /// The path looked at.
        path: PathBuf,
        /// The command that builds it.
        command: String,
    },
    /// The plugin that counts has not been built.
    #[error("there is no plugin at {path}")]
    PluginMissing {
        /// The path looked at.
        path: PathBuf,
        /// The command that builds it.
        command: String,
    },
    /// What the plugin wrote does not go with the firmware's run.
    #[error("the run was not profiled: {reason}")]
    Profile {
        /// What is wrong.
        reason: String,
    },
    /// Neither the current folder nor the place where this was built is in a checkout of Leafgate.
    #[error("there is no firmware, and no workspace to build it from")]
    NoWorkspace,
    /// The board table names no flash and no port for updates of this machine.
    #[error("{machine} takes no updates")]
    NoUpdates {
        /// Its name.
        machine: String,
    },
    /// The file is no firmware of ours.
    #[error("{path} is no firmware: {reason}")]
    NoFirmware {
        /// The file.
        path: PathBuf,
        /// What is missing in it.
        reason: String,
    },
    /// The firmware was built for another machine.
    #[error("{path} was built for {built_for}, not for {machine}")]
    WrongMachine {
        /// The file.
        path: PathBuf,
        /// The machine it says.
        built_for: String,
        /// The machine asked for.
        machine: String,
    },
    /// The file does not fit its partition.
    #[error("{what} has {have} bytes, the {what} partition of {machine} has {want}")]
    TooLarge {
        /// `model` or `samples`.
        what: &'static str,
        /// The machine.
        machine: String,
        /// Bytes of the partition.
        want: u64,
        /// Bytes of the file.
        have: u64,
    },
    /// Samples that differ in length, or are none, make no region.
    #[error("sample {index} has {have} bytes, the first has {want}")]
    UnequalSamples {
        /// The first sample that differs.
        index: usize,
        /// Bytes of sample 0.
        want: usize,
        /// Bytes of this one.
        have: usize,
    },
    /// Cargo did not build the firmware.
    #[error("`{command}` failed")]
    Build {
        /// The command.
        command: String,
        /// What it printed.
        output: String,
    },
    /// The firmware was still running when its time was over; the emulator has been ended.
    #[error("still running after {} s; the last line was: {last_line}", limit.as_secs())]
    Timeout {
        /// The time it had.
        limit: Duration,
        /// The last line of log.
        last_line: String,
    },
    /// What came out of the emulator is no log of this firmware.
    #[error("the log cannot be decoded after {lines} lines: {reason}")]
    Undecodable {
        /// Lines decoded before.
        lines: usize,
        /// What is wrong.
        reason: String,
    },
    /// A line of the application's log does not have the form that it should.
    #[error("the log line `{line}` was not understood")]
    Unexpected {
        /// The line.
        line: String,
    },
    /// The emulator itself gave up.
    #[error("the emulator ended without running the firmware to its end: {stderr}")]
    Emulator {
        /// What it said.
        stderr: String,
    },
    /// The machine's clock does not keep the ratio of the board table.
    #[error("the clock of {machine} counts {have} instructions in a loop of {want}")]
    ClockOff {
        /// The machine.
        machine: String,
        /// Instructions in the loop.
        want: u64,
        /// Instructions that the ticks stand for.
        have: u64,
    },
    /// A file could not be read or written, or a process not be started.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
}

impl EmulateError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownMachine { .. } => {
                let names: Vec<_> = machines().iter().map(|machine| machine.name.as_str()).collect();
                format!("the machines are {}", names.join(", "))
            }
            Self::EmulatorMissing { package, .. } => format!("install it: sudo apt-get install {package}"),
            Self::FirmwareMissing { command, .. } | Self::PluginMissing { command, .. } => {
                format!("build it: {command}")
            }
            Self::Profile { .. } => "build plugin and firmware again, both from the same checkout".into(),
            Self::NoWorkspace => "run this in a checkout of Leafgate, or name a firmware that is built already".into(),
            Self::NoUpdates { .. } => "take one whose entry in the board table has `update`".into(),
            Self::NoFirmware { .. } => {
                "give an ELF file of a package under boards/, or name its machine with --machine".into()
            }
            Self::WrongMachine { built_for, .. } => format!("run it on {built_for}, or build it for the other machine"),
            Self::TooLarge { .. } => {
                "convert the model to a smaller one, serve fewer samples, or take a larger machine".into()
            }
            Self::UnequalSamples { .. } => "give at least one sample, all of the model's input length".into(),
            Self::Build { output, .. } => {
                let target = if output.contains("can't find crate for `core`") {
                    "; is the target installed (rustup target add)?"
                } else {
                    ""
                };
                format!("cargo says{target}\n{output}")
            }
            Self::Timeout { .. } => "give it more time, or look for an endless loop".into(),
            Self::Undecodable { .. } => {
                "firmware and log disagree: build again, and print nothing but defmt in the firmware".into()
            }
            Self::Unexpected { .. } => "firmware and emulator are of different versions: build both again".into(),
            Self::Emulator { .. } => "see what it says; this was written for QEMU 7.2 and later".into(),
            Self::ClockOff { .. } => {
                "correct the machine's clock in board.toml; QEMU may have changed its frequency".into()
            }
            Self::Io { .. } => "check that the path exists and may be read and written".into(),
        }
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
