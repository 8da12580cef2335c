//! The portable kernels: plain loops, the definition that every twin is tested against.

pub mod bits;
pub mod dense;
pub mod netlist;
#[cfg_attr(any(leafgate_isa = "dsp", leafgate_isa = "mve"), allow(dead_code, reason = "the twin takes its place"))]
pub(crate) mod pairs;
pub mod requantize;
