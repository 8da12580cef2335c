//! Tick counters: one file per timer peripheral.
//!
//! Under the emulator's instruction counting a timer advances by a fixed time for each instruction, so its ticks are
//! instructions times a known ratio (`board.toml` has it). All of these count at least 32 bits: the 24-bit SysTick would
//! wrap within a second, and on some machines stands still, which is why none here uses it. A run that outlasts the counter is reported as such, not as
//! a wrong figure: each timer has a flag that its wrap sets and that stays set.

mod probe;

#[cfg(target_arch = "arm")]
mod cmsdk;
#[cfg(target_arch = "riscv32")]
mod minstret;
#[cfg(target_arch = "arm")]
mod nrf51;
#[cfg(target_arch = "arm")]
mod sse;
#[cfg(target_arch = "arm")]
mod stm32;

#[cfg(target_arch = "arm")]
pub use cmsdk::Cmsdk;
#[cfg(target_arch = "riscv32")]
pub use minstret::Minstret;
#[cfg(target_arch = "arm")]
pub use nrf51::Nrf51;
pub use probe::{LOOP_INSNS, Probe, count_down, probe, time};
#[cfg(target_arch = "arm")]
pub use sse::Sse;
#[cfg(target_arch = "arm")]
pub use stm32::Stm32;

/// A counter of ticks.
pub trait Clock {
    /// Sets the counter up; called once, before anything else.
    fn init();

    /// Begins a measurement at zero.
    fn start();

    /// Ticks since [`Clock::start`], or `None` if there were more than the counter holds.
    fn elapsed() -> Option<u32>;
}
