//! Faster twins of portable kernels, by instruction set. Each takes and gives the same, bit for bit and for any bytes.

#[cfg(leafgate_dsp)]
mod dsp;

#[cfg(leafgate_dsp)]
pub(crate) use dsp::pairs;

#[cfg(not(leafgate_dsp))]
pub(crate) use crate::portable::pairs;
