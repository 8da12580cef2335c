//! Builds the firmware.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// What the linker said.
#[derive(Debug)]
pub enum Link {
    /// No panic is reachable: the path of the ELF file.
    Clean(PathBuf),
    /// It refused: cargo's output.
    Refused(String),
}

/// Whether symbols without a definition are an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undefined {
    /// They are: the proof.
    Refuse,
    /// They are not: to see who calls them.
    Allow,
}

/// Builds the firmware `binary` for `target` with `features`. The folder is its own, so that cargo in cargo does not wait for itself.
///
/// # Panics
/// If cargo cannot be started.
pub fn link(binary: &str, target: &str, features: &str, undefined: Undefined) -> Link {
    // Builds for one target take each other's place, and tests run side by side.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.join("../..");
    let folder = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| OsString::from("target"));
    // Builds with and without the flag live side by side instead of undoing each other.
    let folder = root.join(folder).join(if undefined == Undefined::Allow { "panicfree-callers" } else { "panicfree" });
    let mut flags = vec!["-Zemit-stack-sizes"];
    if undefined == Undefined::Allow {
        flags.push("-Clink-arg=--unresolved-symbols=ignore-all");
    }
    let output = Command::new(env!("CARGO"))
        .current_dir(&root)
        .args(["build", "--offline", "--profile", "firmware", "--package", "leafgate-tests-panicfree"])
        .args(["--bin", binary, "--target", target, "--no-default-features", "--features", features])
        .arg("--target-dir")
        .arg(&folder)
        // `-Z emit-stack-sizes` only adds a section; the code is that of the stable compiler.
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .output()
        .expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Link::Refused(said);
    }
    let elf = folder.join(target).join("firmware").join(binary);
    // The next build for this target has other features and takes this place.
    let kept = elf.with_file_name(format!("{binary}-{}", features.replace(',', "-")));
    // Another test may be reading the one of before: it is replaced whole.
    let partial = kept.with_extension("partial");
    std::fs::copy(&elf, &partial).expect("the ELF file is where cargo puts it");
    std::fs::rename(&partial, &kept).expect("both lie in one folder");
    Link::Clean(kept)
}
