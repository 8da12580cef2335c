//! What every Leafgate board shares beneath its application: exit codes, panic and fault handlers, the log transport,
//! flash partitions from linker symbols, the stack mark and the tick counters.
//!
//! Why one crate: an exit code is a contract between the device and whatever started it, so device and host take it from
//! the same [`ExitCode`]; and everything here that touches memory behind the compiler's back (stack paint, partitions,
//! timer registers) is in one place, so that the application itself needs no `unsafe`.
//!
//! The log is defmt over semihosting. Handlers are our own: `panic-probe` hangs under an emulator, and a fault, a panic
//! and a refused image must be told apart by exit code alone.
//!
//! On the host only [`ExitCode`] exists, and with the feature `table` the board table.
#![cfg_attr(not(feature = "table"), no_std)]

#[cfg(target_os = "none")]
mod arena;
mod exit;
#[cfg(feature = "table")]
pub mod table;

#[cfg(target_os = "none")]
pub mod clock;
#[cfg(target_os = "none")]
pub mod flash;
#[cfg(target_os = "none")]
mod handlers;
#[cfg(target_os = "none")]
mod once;
#[cfg(target_os = "none")]
pub mod partition;
#[cfg(target_os = "none")]
pub mod provoke;
#[cfg(target_os = "none")]
mod registers;
#[cfg(target_os = "none")]
mod reset;
#[cfg(target_os = "none")]
pub mod stack;
#[cfg(target_os = "none")]
pub mod uart;

pub use exit::ExitCode;

// Linked for what they define: the log transport and the critical section it needs.
#[cfg(all(target_os = "none", target_arch = "arm"))]
use cortex_m as _;
#[cfg(target_os = "none")]
use defmt_semihosting as _;
#[cfg(all(target_os = "none", target_arch = "riscv32"))]
use riscv as _;

/// The start-up code: its `entry` attribute marks a main program.
#[cfg(all(target_os = "none", target_arch = "arm"))]
pub use cortex_m_rt as rt;
/// The start-up code: its `entry` attribute marks a main program.
#[cfg(all(target_os = "none", target_arch = "riscv32"))]
pub use riscv_rt as rt;

#[cfg(target_os = "none")]
pub use {
    arena::{ArenaCell, GuardedArena},
    exit::exit,
    once::Once,
    reset::reset,
};
