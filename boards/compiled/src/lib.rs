//! A network compiled ahead of time, for the application to run instead of an image.
//!
//! The environment variable `LEAFGATE_MODULE` names the module; without it this crate is empty. A crate of its own, so that the firmware
//! profile builds it for speed, as it does the kernels, and so that what it takes of the flash can be told by its symbols.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(leafgate_module)]
#[deny(warnings)]
#[allow(missing_docs, reason = "what the constants of one network mean stands beside them")]
pub mod network {
    //! The module as it was written.
    include!(concat!(env!("OUT_DIR"), "/network.rs"));
}

/// Runs the network: a function of its own, which is what is measured and sized.
#[cfg(leafgate_module)]
#[inline(never)]
pub fn run<'s>(state: &'s mut network::State, input: &network::Input) -> network::Output<'s> {
    network::run(state, input)
}
