//! Integer and bit kernels of the Leafgate runtime: pure functions on slices.
//!
//! `portable` is the meaning of every kernel; faster twins for instruction sets have the same signatures and are compared
//! with it bit for bit. All sums wrap modulo 2^32 by definition, so the order of additions is free; the converter proves that
//! none wraps in the images it writes.
//!
//! This is the only runtime crate that may hold unsafe code (instructions that the compiler does not know). The portable kernels need none.
//! `arch` has the twins; `build.rs` chooses. The feature `speed` takes larger code where it is faster, `low-bit` adds
//! weights of four and of two bits.
#![no_std]

#[cfg(leafgate_isa)]
mod arch;
#[cfg(feature = "batch")]
pub mod batch;
#[cfg(feature = "low-bit")]
pub mod lowbit;
pub mod pairs;
pub mod portable;

#[cfg(all(leafgate_isa, feature = "speed"))]
pub use arch::axpys;
#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
pub use arch::dot;
#[cfg(all(leafgate_isa, feature = "speed"))]
pub use arch::gates_series;
#[cfg(any(leafgate_isa = "armv7m", leafgate_isa = "dsp", leafgate_isa = "mve"))]
pub use arch::rows_i8;
#[cfg(leafgate_isa)]
pub use arch::{dot4, gates_words};
#[cfg(not(leafgate_isa))]
pub use portable::bits::gates_words;
pub use portable::bits::{count, thresholds};
#[cfg(not(all(leafgate_isa, feature = "speed")))]
pub use portable::dense::axpys;
#[cfg(not(any(leafgate_isa = "dsp", leafgate_isa = "mve")))]
pub use portable::dense::dot;
pub use portable::dense::dot_strided;
#[cfg(not(leafgate_isa))]
pub use portable::dense::dot4;
#[cfg(not(any(leafgate_isa = "armv7m", leafgate_isa = "dsp", leafgate_isa = "mve")))]
pub use portable::dense::rows_i8;
#[cfg(not(all(leafgate_isa, feature = "speed")))]
pub use portable::netlist::gates_series;
pub use portable::netlist::signals_of;
pub use portable::requantize::{Requant, requantize, rescale, with_weight};
