//! From `board.toml`: a linker script for each binary, and the machines as Rust types.

use leafgate_board_support::table::{Machine, build};

fn main() {
    let _ = build::link(Machine::riscv_script, &["-Tmemory.x", "-Tlink.x", "-Tdefmt.x"]);
}
