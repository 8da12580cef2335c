//! From `board.toml`: a linker script for each binary, and the machines as Rust types.

use leafgate_board_support::table::Boards;
use std::path::PathBuf;
use std::{env, fs};

/// The machine that the examples are linked for.
const EXAMPLES: &str = "mps2-an386";

fn main() {
    println!("cargo::rerun-if-changed=board.toml");
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let text = fs::read_to_string("board.toml").expect("board.toml is beside this script");
    let boards = Boards::parse(&text).unwrap_or_else(|error| panic!("board.toml: {error}"));
    for machine in &boards.machines {
        let folder = out.join(&machine.name);
        fs::create_dir_all(&folder).expect("OUT_DIR is writable");
        fs::write(folder.join("memory.x"), machine.cortex_m_script()).expect("OUT_DIR is writable");
        for binary in [machine.name.clone(), format!("{}-trials", machine.name)] {
            if PathBuf::from(format!("src/bin/{binary}.rs")).is_file() {
                println!("cargo::rustc-link-arg-bin={binary}=-L{}", folder.display());
            }
        }
    }
    println!("cargo::rustc-link-arg-examples=-L{}", out.join(EXAMPLES).display());
    fs::write(out.join("machines.rs"), boards.rust_types()).expect("OUT_DIR is writable");
    for argument in ["--nmagic", "-Tlink.x", "-Tdefmt.x"] {
        println!("cargo::rustc-link-arg-bins={argument}");
        println!("cargo::rustc-link-arg-examples={argument}");
    }
}
