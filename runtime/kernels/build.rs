//! Which twins fit the target: `leafgate_isa` is set and is `armv6m`, `armv7m`, `dsp`, `mve` or `rv32`, or is not set.
//!
//! The compiler knows, but tells nobody on the stable channel: neither the architecture's version nor the DSP extension is a `cfg`.

use std::env::var;

/// Processors with the DSP extension among those whose target does not imply it, and with the vector extension as well.
const DSP: [&str; 2] = ["cortex-m33", "cortex-m35p"];
const MVE: [&str; 2] = ["cortex-m55", "cortex-m85"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!(
        "cargo::rustc-check-cfg=cfg(leafgate_isa, values(none(), \"armv6m\", \"armv7m\", \"dsp\", \"mve\", \"rv32\"))"
    );
    let target = var("TARGET").unwrap_or_default();
    let flags = var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let cpu = flags.split('\x1f').filter_map(|flag| flag.split_once("target-cpu=")).map(|(_, cpu)| cpu).next_back();
    let cpu = cpu.filter(|cpu| DSP.contains(cpu) || MVE.contains(cpu));
    let features = var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    let has = |feature| features.split(',').any(|have| have == feature);
    let isa = match (target.split('-').next(), cpu) {
        (Some("thumbv6m" | "thumbv8m.base"), _) => "armv6m",
        (Some("thumbv8m.main"), Some(cpu)) if MVE.contains(&cpu) => "mve",
        (Some("thumbv7em"), _) | (Some("thumbv8m.main"), Some(_)) => "dsp",
        (Some("thumbv7m" | "thumbv8m.main"), _) => "armv7m",
        // Not RV32E, which has half the registers.
        _ if var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "riscv32") && has("m") && !has("e") => "rv32",
        _ => return,
    };
    println!("cargo::rustc-cfg=leafgate_isa");
    println!("cargo::rustc-cfg=leafgate_isa=\"{isa}\"");
    // The assembler of a naked function goes by the target, and not by the processor that the compiler has been given.
    let directive = cpu.map(|cpu| format!(".cpu {cpu}")).unwrap_or_default();
    println!("cargo::rustc-env=LEAFGATE_CPU={directive}");
}
