//! Takes the module that the environment names.

use std::path::PathBuf;
use std::{env, fs};

/// The path of a module that `leafgate convert --emit rust` has written.
const MODULE: &str = "LEAFGATE_MODULE";

fn main() {
    println!("cargo::rerun-if-env-changed={MODULE}");
    println!("cargo::rustc-check-cfg=cfg(leafgate_module)");
    let Some(module) = env::var_os(MODULE).map(PathBuf::from) else { return };
    println!("cargo::rerun-if-changed={}", module.display());
    println!("cargo::rustc-cfg=leafgate_module");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::copy(&module, out.join("network.rs")).unwrap_or_else(|error| panic!("{}: {error}", module.display()));
}
