//! What the build script of a board package does.

use super::{Boards, Machine};
use std::path::PathBuf;
use std::{env, fs};

/// Writes the Rust types of `board.toml` to `OUT_DIR`, and a folder for each machine with its linker script, and has the
/// machine's binaries linked with that script and with `arguments`. Gives `OUT_DIR`, or nothing on the host, which links no firmware.
///
/// # Panics
/// If there is no valid `board.toml` beside the build script, or `OUT_DIR` cannot be written: the build ends there.
#[must_use]
pub fn link(script: impl Fn(&Machine) -> String, arguments: &[&str]) -> Option<PathBuf> {
    println!("cargo::rerun-if-changed=board.toml");
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return None;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let text = fs::read_to_string("board.toml").expect("board.toml is beside the build script");
    let boards = Boards::parse(&text).unwrap_or_else(|error| panic!("board.toml: {error}"));
    for machine in &boards.machines {
        let folder = out.join(&machine.name);
        fs::create_dir_all(&folder).expect("OUT_DIR is writable");
        fs::write(folder.join("memory.x"), script(machine)).expect("OUT_DIR is writable");
        for binary in [machine.name.clone(), format!("{}-trials", machine.name)] {
            if PathBuf::from(format!("src/bin/{binary}.rs")).is_file() {
                println!("cargo::rustc-link-arg-bin={binary}=-L{}", folder.display());
            }
        }
    }
    fs::write(out.join("machines.rs"), boards.rust_types()).expect("OUT_DIR is writable");
    for argument in arguments {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    Some(out)
}
