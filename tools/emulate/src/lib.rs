//! Runs firmware and images in QEMU, decodes logs, counts instructions.
//!
//! ```no_run
//! use leafgate_emulate::{Emulation, Machine, build_firmware};
//! use std::path::Path;
//!
//! let machine = Machine::by_name("microbit")?;
//! let firmware = build_firmware(Path::new("."), machine)?;
//! let outcome = Emulation::new(machine, firmware).image("digits.leaf").run()?;
//! println!("{}: parsed in {:?} instructions", outcome.exit, outcome.parse_insns);
//! # Ok::<(), leafgate_emulate::EmulateError>(())
//! ```
//!
//! - [`machines`] is the board table: the `board.toml` of each board package, compiled in.
//! - [`build_firmware_for`], [`build_firmware`], [`build_binary`] and [`build_example`] call cargo for a machine, in the [`workspace_root`];
//!   [`Sizes`] are what a binary takes, for the budgets.
//! - [`Emulation`] loads firmware, image and samples at their own addresses, always under a timeout, and gives an
//!   [`Outcome`]: how it ended, the decoded log, and the figures in it with ticks turned into instructions.
//!
//! - [`Emulation::profile`] has every instruction of the runs counted by a plugin of QEMU, which [`build_plugin`] builds; the
//!   [`Profile`] says where they went, by function and by op.
//!
//! The figures of a sample come from a timer under QEMU's instruction counting, not from the plugin: the firmware under test
//! is the one that is flashed, and measures itself as it does on hardware. A test compares the two ways of counting. Every boot of the application measures a loop of known length, and an
//! [`Emulation`] fails rather than report figures from a clock that disagrees with the board table.

mod emulation;
mod error;
mod features;
mod firmware;
mod log;
mod machine;
mod outcome;
mod profile;
mod qemu;
mod report;
mod samples;

pub use emulation::Emulation;
pub use error::EmulateError;
pub use firmware::{
    CrateSizes, Sizes, build_binary, build_compiled, build_example, build_firmware, build_firmware_for, build_plugin,
    machine_of, workspace_root,
};
pub use leafgate_board_support::{ExitCode, table};
pub use machine::{Machine, machines};
pub use outcome::{Exit, Outcome, SampleReport};
pub use profile::{FunctionCount, OpCount, Profile};
pub use samples::{samples_region, write_samples};
