//! Decides which faster twins are built in.
//!
//! Stable rustc shows no cfg for the DSP extension of Arm cores, so it is derived from the target and its flags. A core that is not
//! named here gets the portable kernels, which give the same integers.

use std::env;

/// Cores of Armv8-M that have the extension unless a flag takes it away; in Armv7E-M every core has it.
const DSP_CORES: [&str; 4] = ["cortex-m33", "cortex-m35p", "cortex-m55", "cortex-m85"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(leafgate_dsp)");
    let target = env::var("TARGET").unwrap_or_default();
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    if has_dsp(&target, &flags) {
        println!("cargo::rustc-cfg=leafgate_dsp");
    }
}

/// Flags are separated by U+001F, as cargo hands them on; `-C` may stand before its value or with it.
fn has_dsp(target: &str, flags: &str) -> bool {
    let mut has = target.starts_with("thumbv7em-");
    let options = flags.split('\u{1f}').map(|flag| flag.strip_prefix("-C").unwrap_or(flag));
    for option in options {
        if let Some(core) = option.strip_prefix("target-cpu=") {
            has |= target.starts_with("thumbv8m.main-") && DSP_CORES.contains(&core);
        }
        for feature in option.strip_prefix("target-feature=").unwrap_or_default().split(',') {
            match feature {
                "+dsp" => has |= target.starts_with("thumbv8m.main-"),
                "-dsp" => return false,
                _ => {}
            }
        }
    }
    has
}
