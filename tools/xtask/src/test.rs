//! Every test of the repository, in the order in which a mistake is found soonest.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::shell::{self, Failure, run_with, workspace};

/// Crates that run on a device.
const RUNTIME: [&str; 3] = ["leafgate-image", "leafgate-kernels", "leafgate"];

/// Features of `leafgate` that stand alone.
const FAMILIES: [&str; 6] = ["fff", "gates", "sparse", "speed", "low-bit", "structure"];

/// Runs everything, the cheapest first. All tests run even if one fails, so that one run shows every failure.
pub fn run() -> Result<(), Failure> {
    shell::run(&["cargo", "fmt", "--all", "--check"])?;
    shell::run(&["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
    // Code that only one feature needs is unused in the others, and a lint may see it there alone.
    for family in FAMILIES {
        let words =
            ["cargo", "clippy", "--package", "leafgate", "--all-targets", "--no-default-features", "--features"];
        shell::run(&[words.as_slice(), &[family, "--locked", "--", "-D", "warnings"]].concat())?;
    }
    run_with(&["cargo", "doc", "--workspace", "--lib", "--no-deps", "--locked"], &[("RUSTDOCFLAGS", "-D warnings")])?;
    package()?;
    shell::run(&["cargo", "test", "--workspace", "--locked", "--no-fail-fast"])?;
    // The command again with its verb `train`, which brings in the training framework; without it, above, it was built without.
    let trained = ["--package", "leafgate-cli", "--features", "train", "--locked"];
    shell::run(&[&["cargo", "clippy", "--all-targets"], trained.as_slice(), &["--", "-D", "warnings"]].concat())?;
    shell::run(&[&["cargo", "test"], trained.as_slice(), &["train"]].concat())
}

/// Every runtime crate can be published: its package builds on its own.
///
/// Cargo unpacks packages that depend on each other under a name made of the target folder's path, and takes what it finds there for
/// the same version: the name of the folder is made of the sources, so that what it finds was made of the same ones.
fn package() -> Result<(), Failure> {
    let root = workspace();
    let mut sources = vec![root.join("Cargo.toml"), root.join("Cargo.lock")];
    list(&root.join("runtime"), &mut sources)?;
    sources.sort();
    let mut hasher = DefaultHasher::new();
    for path in sources {
        fs::read(&path).map_err(failed("reading", &path))?.hash(&mut hasher);
    }
    let target = root.join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
    let folder = target.join(format!("package-{:016x}", hasher.finish())).display().to_string();
    let mut words = vec!["cargo", "package", "--allow-dirty", "--locked", "--quiet", "--target-dir", &folder];
    for name in RUNTIME {
        words.extend(["--package", name]);
    }
    shell::run(&words)?;
    fs::remove_dir_all(&folder).map_err(failed("removing", Path::new(&folder)))
}

/// All files in a folder and below.
fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in fs::read_dir(folder).map_err(failed("reading", folder))? {
        let path = entry.map_err(failed("reading", folder))?.path();
        if path.is_dir() { list(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

fn failed(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let what = format!("{doing} {}", path.display());
    move |error| Failure::new(format!("{what}: {error}"))
}
