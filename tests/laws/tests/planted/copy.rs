//! A copy of the engine with every error in it, each behind a switch, and a program that checks images with it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use leafgate_tests_laws::samples::workspace;

use crate::errors::{ERRORS, Planted};

/// Reads the number of the error that is switched on.
const SWITCH: &str = "#![no_std]
#![allow(missing_docs)]
use core::sync::atomic::{AtomicU32, Ordering};
pub static WHICH: AtomicU32 = AtomicU32::new(0);
#[inline]
pub fn is(number: u32) -> bool {
    WHICH.load(Ordering::Relaxed) == number
}
";

/// For every error and every image: what `check` says.
const CHECKER: &str = r#"
use std::sync::atomic::Ordering;
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let errors: u32 = arguments[0].parse().unwrap();
    for error in 0..=errors {
        planted::WHICH.store(error, Ordering::Relaxed);
        for path in &arguments[1..] {
            let image = std::fs::read(path).unwrap();
            match leafgate_convert::check::check(&image, &[], 256, 7) {
                Ok(_) => println!("{error}\t{path}\tpassed\t"),
                Err(found) => println!("{error}\t{path}\t{}\t{found}", found.code()),
            }
        }
    }
}
"#;

/// `check` and what it needs of the converter, no importers: the rest takes longer to build than to run.
const CONVERTER: &str = "
#![allow(missing_docs)]
pub mod check;
pub mod host;
pub mod reference;
";

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("the folder can be made");
    // An unchanged file keeps its time, so that a second build has nothing to do.
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return;
    }
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn copy(from: &Path, to: &Path, change: &impl Fn(&Path, String) -> String) {
    // What an earlier copy has and the source no longer has would be built as well.
    for stale in fs::read_dir(to).into_iter().flatten().flatten().filter(|entry| !from.join(entry.file_name()).exists())
    {
        let removed =
            if stale.path().is_dir() { fs::remove_dir_all(stale.path()) } else { fs::remove_file(stale.path()) };
        removed.expect("the copy is ours");
    }
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())).flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            if entry.file_name() != "target" {
                copy(&from, &to, change);
            }
        } else if let Ok(text) = fs::read_to_string(&from) {
            write(&to, &change(&from, text));
        }
    }
}

/// Puts an error into the text of its file.
fn plant(text: &str, number: usize, error: &Planted) -> String {
    let Planted { name, file, right, nth, wrong } = error;
    let found = text.match_indices(right).nth(*nth);
    let (at, _) = found.unwrap_or_else(|| panic!("`{right}` is no longer in runtime/{file}: plant `{name}` elsewhere"));
    let wrong = wrong.replace("$on", &format!("planted::is({number})"));
    format!("{}{wrong}{}", &text[..at], &text[at + right.len()..])
}

/// Writes the copy and builds it; returns the checker.
pub fn build() -> PathBuf {
    let root = workspace();
    let folder = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| OsString::from("target"));
    let folder = root.join(folder).join("planted");
    let source = folder.join("source");
    let with_switch = |path: &Path, text: String| {
        let mut text = text;
        if path.ends_with("Cargo.toml") {
            return text.replacen("[dependencies]\n", "[dependencies]\nplanted = { path = \"../../planted\" }\n", 1);
        }
        // From the last to the first of a file, so that an earlier one does not move the count of a later.
        for (i, error) in ERRORS.iter().enumerate().rev() {
            if path.ends_with(Path::new("runtime").join(error.file)) {
                text = plant(&text, i + 1, error);
            }
        }
        text
    };
    copy(&root.join("runtime"), &source.join("runtime"), &with_switch);
    let unchanged = |_: &Path, text: String| text;
    let (from, to) = (root.join("tools/convert/src"), source.join("convert/src"));
    for folder in ["reference", "host"] {
        copy(&from.join(folder), &to.join(folder), &unchanged);
    }
    write(&to.join("check.rs"), &fs::read_to_string(from.join("check.rs")).expect("the converter has this file"));
    // Left by copies of before it was a folder.
    let _ = fs::remove_file(to.join("host.rs"));
    write(&source.join("convert/src/lib.rs"), CONVERTER);
    write(&source.join("planted/src/lib.rs"), SWITCH);
    write(&source.join("checker/src/main.rs"), CHECKER);
    let manifest = |name: &str, dependencies: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\n{dependencies}")
    };
    write(&source.join("planted/Cargo.toml"), &manifest("planted", ""));
    let converter = "leafgate = { workspace = true, features = [\"batch\", \"packed\", \"speed\", \"low-bit\", \"structure\"] }\ncrc.workspace = true\nrand_chacha = \"0.9\"\n\
                     multiversion = { version = \"0.9\", default-features = false, features = [\"std\"] }\n\
                     serde.workspace = true\nthiserror.workspace = true\nzerocopy.workspace = true\n";
    write(&source.join("convert/Cargo.toml"), &manifest("leafgate-convert", converter));
    let checker = "leafgate-convert = { path = \"../convert\" }\nplanted = { path = \"../planted\" }\n";
    write(&source.join("checker/Cargo.toml"), &manifest("checker", checker));
    write(&source.join("Cargo.toml"), &workspace_manifest(&root));
    // The same versions as the workspace; cargo drops what is not used here.
    let lock = fs::read_to_string(root.join("Cargo.lock")).expect("the workspace has a lock file");
    write(&source.join("Cargo.lock"), &lock);

    let output = Command::new(env!("CARGO"))
        .current_dir(&source)
        .args(["build", "--offline", "--quiet", "--package", "checker", "--target-dir"])
        .arg(folder.join("target"))
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the copy with the planted errors does not build:\n{said}");
    folder.join("target/debug/checker")
}

/// The workspace's manifest with other members: the same dependencies and profiles.
fn workspace_manifest(root: &Path) -> String {
    let text = fs::read_to_string(root.join("Cargo.toml")).expect("the workspace has a manifest");
    let shared = text.find("[workspace.package]").expect("the workspace has shared package fields");
    let members =
        "members = [\"runtime/image\", \"runtime/kernels\", \"runtime/engine\", \"convert\", \"planted\", \"checker\"]";
    format!("[workspace]\nresolver = \"3\"\n{members}\n\n{}", &text[shared..])
}
