//! The verbs, one file each: arguments, work, report.

pub mod boards;
pub mod check;
pub mod completions;
pub mod compress;
pub mod conversion_report;
pub mod convert;
pub mod emit;
pub mod emulate;
pub mod inspect;
pub mod profile_report;
pub mod run;
pub mod train;
