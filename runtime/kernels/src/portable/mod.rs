//! The portable kernels: plain loops, the definition that every twin is tested against.

pub mod bits;
pub mod dense;
pub mod requantize;
