//! Every test of the repository, in the order in which a mistake is found soonest.

use crate::shell::{self, Failure, run_with};

/// Crates that run on a device.
const RUNTIME: [&str; 3] = ["leafgate-image", "leafgate-kernels", "leafgate"];

/// Features of `leafgate` that stand alone.
const FAMILIES: [&str; 4] = ["fff", "gates", "sparse", "speed"];

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
fn package() -> Result<(), Failure> {
    let mut words = vec!["cargo", "package", "--allow-dirty", "--locked", "--quiet"];
    for name in RUNTIME {
        words.extend(["--package", name]);
    }
    shell::run(&words)
}
