//! The portable kernels: plain loops, the definition that every twin is tested against.

pub(crate) mod bits;
pub(crate) mod dense;
pub(crate) mod requantize;
