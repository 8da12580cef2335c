//! The portable kernels: plain loops, the definition that every twin is tested against.

pub(crate) mod bits;
pub(crate) mod dense;
#[cfg_attr(leafgate_dsp, allow(dead_code, reason = "the twin takes its place"))]
pub(crate) mod pairs;
pub(crate) mod requantize;
