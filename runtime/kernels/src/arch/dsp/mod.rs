//! Armv7E-M, and Armv8-M with the DSP extension: Cortex-M4, M7, M33, M35P, M55, M85.

pub(crate) mod pairs;
