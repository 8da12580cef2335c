//! The Leafgate device application: self-test, serve samples, classify, report.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(target_os = "none")]
mod board;
#[cfg(target_os = "none")]
mod run;
#[cfg(target_os = "none")]
pub use {board::Board, run::run};
