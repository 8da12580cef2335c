//! Rows of features with a class each: reading, checking and splitting them.

mod augment;
mod file;
mod idx;
mod table;
mod thermometer;

pub(crate) use augment::Augmenter;
pub use table::{Rows, Split};
pub(crate) use thermometer::thresholds;

use std::path::{Path, PathBuf};

/// The data folder: `given`, else the environment variable `LEAFGATE_DATA`, else `../shared/data` seen from the root of
/// the workspace.
pub fn folder(given: Option<&Path>) -> PathBuf {
    if let Some(path) = given {
        return path.to_owned();
    }
    if let Some(path) = std::env::var_os("LEAFGATE_DATA") {
        return PathBuf::from(path);
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data")
}
