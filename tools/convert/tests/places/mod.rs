//! Where the tests find files.
#![allow(dead_code, reason = "each test program uses some of it")]

use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder that holds Cargo.toml and README.md.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The data folder, which is not part of the repository: `LEAFGATE_DATA`, or `../shared/data` beside the workspace. If it has no
/// `part`, nothing, and a line that says that `test` is skipped.
pub fn data(part: &str, test: &str) -> Option<PathBuf> {
    let place = std::env::var_os("LEAFGATE_DATA").map_or_else(|| workspace().join("../shared/data"), PathBuf::from);
    if place.join(part).exists() {
        return Some(place);
    }
    // Past the capture of passing tests: a skipped test must not look like one that passed.
    let place = place.join(part);
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED {test}: there is no {}; set LEAFGATE_DATA to the data folder",
        place.display()
    );
    None
}
