//! From `board.toml`: a linker script for each binary, and the machines as Rust types.

use leafgate_board_support::table::{Machine, build};

/// The machine that the examples are linked for.
const EXAMPLES: &str = "mps2-an386";

fn main() {
    let arguments = ["--nmagic", "-Tlink.x", "-Tdefmt.x"];
    let Some(out) = build::link(Machine::cortex_m_script, &arguments) else { return };
    println!("cargo::rustc-link-arg-examples=-L{}", out.join(EXAMPLES).display());
    for argument in arguments {
        println!("cargo::rustc-link-arg-examples={argument}");
    }
}
