//! Decides which faster twins are built in.
//!
//! Stable rustc shows no cfg for the instruction set of an Arm core, so it is derived from the target. A core that is not named here
//! gets the portable kernels, which give the same integers.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(leafgate_armv6m, leafgate_armv7m, leafgate_rv32)");
    let target = env::var("TARGET").unwrap_or_default();
    if let Some(name) = instruction_set(&target) {
        println!("cargo::rustc-cfg={name}");
    }
}

/// The twins that every core of the target runs.
fn instruction_set(target: &str) -> Option<&'static str> {
    let is_one_of = |prefixes: &[&str]| prefixes.iter().any(|prefix| target.starts_with(prefix));
    match () {
        () if is_one_of(&["thumbv6m-", "thumbv8m.base-"]) => Some("leafgate_armv6m"),
        () if is_one_of(&["thumbv7m-", "thumbv7em-", "thumbv8m.main-"]) => Some("leafgate_armv7m"),
        // Not riscv32e*, which has half of the registers.
        () if is_one_of(&["riscv32i", "riscv32g"]) => Some("leafgate_rv32"),
        () => None,
    }
}
