//! The verbs, one file each: arguments, work, report.

mod accuracy_report;
pub mod boards;
pub mod check;
pub mod completions;
pub mod compress;
pub mod conversion_report;
pub mod convert;
pub mod emit;
pub mod emulate;
pub mod inspect;
pub mod keygen;
pub mod profile_report;
pub mod run;
pub mod sign;
pub mod train;
pub mod update;
pub mod verify;
