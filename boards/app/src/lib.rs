//! The Leafgate device application: self-test, serve samples, classify, report.
//!
//! One application for every board. It knows nothing of a processor or an emulator; what it needs is the `Board` trait, and
//! a board is a type that implements it. At boot it
//!
//! 1. says what it is and where it runs, and probes the tick counter with a loop of known length;
//! 2. parses the model partition (refused: `ExitCode::BadImage`) and checks the arena (`ArenaTooSmall`);
//! 3. runs the golden vectors twice, each time with the arena painted differently beforehand. A wrong value is
//!    `SelfTestFailed`, outputs that depend on the paint are `OutputsDiffer`, a changed byte next to the arena is
//!    `CanaryBroken`;
//! 4. serves every sample of the samples partition, if there is one ([`samples`] has the format; `BadSamples`);
//! 5. says what memory it used, and exits with `Success`.
//!
//! # The log
//! defmt lines at level info. The emulator reads figures from them, so their wording is fixed:
//!
//! ```text
//! leafgate-app 0.1.0 on microbit (Cortex-M0)
//! clock: 41 ticks empty, 409600 ticks in 100000 insns
//! model: 7360 bytes, 64 input bytes, arena 1216 of 10240 bytes
//! parse: 20311 ticks, 296 stack bytes
//! self-test: 8 vectors, 2 paints
//! samples: 1797 of 64 bytes
//! sample 0: class 7, crc32 0x1c291ca3, 9612 ticks
//! run: 208 stack bytes, 1204 arena bytes
//! done: 1797 samples
//! ```
//! A class of -1 means that the image names none. The ticks of a sample are those of `Session::run` alone: nothing is logged
//! meanwhile, and what the call of an empty function takes is subtracted. Ticks are the board's; under the emulator they are
//! instructions times a ratio that the board table holds.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(target_os = "none")]
mod batches;
#[cfg(target_os = "none")]
mod board;
#[cfg(all(target_os = "none", feature = "compiled"))]
pub mod compiled;
mod program;
#[cfg(target_os = "none")]
mod run;
pub mod samples;
#[cfg(target_os = "none")]
mod selftest;
#[cfg(target_os = "none")]
mod serve;
#[cfg(target_os = "none")]
pub mod trials;
#[cfg(target_os = "none")]
pub mod update;

#[cfg(target_os = "none")]
pub use {
    board::{Board, UpdatedBoard},
    run::run,
};

/// What the main program of a machine runs.
#[cfg(all(target_os = "none", feature = "compiled"))]
#[doc(hidden)]
pub use compiled::run as main;
/// What the main program of a machine runs.
#[cfg(all(target_os = "none", not(feature = "compiled")))]
#[doc(hidden)]
pub use run::run as main;

/// For the macros.
#[cfg(target_os = "none")]
#[doc(hidden)]
pub use leafgate_board_support as support;
