//! Integer and bit kernels of the Leafgate runtime: pure functions on slices.
//!
//! `portable` is the meaning of every kernel; faster twins for instruction sets have the same signatures and are compared
//! with it bit for bit. All sums wrap modulo 2^32 by definition, so the order of additions is free; the converter proves that
//! none wraps in the images it writes.
//!
//! This is the only runtime crate that may hold unsafe code (instructions that the compiler does not know): `arch`, and nothing else.
#![no_std]

mod arch;
pub mod pairs;
mod portable;

pub use portable::bits::{count_ones, gates_gathered, gates_word};
pub use portable::dense::{axpy, dot, dot_strided};
pub use portable::requantize::{Requant, rescale, with_weight};
