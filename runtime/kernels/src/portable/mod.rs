//! The portable kernels: plain loops, the definition that every twin is tested against.

pub mod bits;
pub mod dense;
#[cfg(feature = "low-bit")]
#[cfg_attr(leafgate_isa, allow(dead_code, reason = "twins take the places of some"))]
pub(crate) mod lowbit;
pub mod netlist;
#[cfg_attr(any(leafgate_isa = "dsp", leafgate_isa = "mve"), allow(dead_code, reason = "the twin takes its place"))]
pub(crate) mod pairs;
pub mod requantize;
