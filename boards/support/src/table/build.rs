//! What the build script of a board package does.

use super::{Boards, Machine, Place};
use std::path::PathBuf;
use std::{env, fs};

/// What the name of a binary ends in that has the kernels in RAM, whatever the board table says: to measure whether it pays.
pub const IN_RAM: &str = "-ram";

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
        let in_ram = Machine { place: Place::Ram, ..machine.clone() };
        for (suffix, machine) in [("", machine), ("-trials", machine), ("-update", machine), (IN_RAM, &in_ram)] {
            let binary = format!("{}{suffix}", machine.name);
            // An example is linked as the machine's own binary.
            if suffix.is_empty() || PathBuf::from(format!("src/bin/{binary}.rs")).is_file() {
                let folder = out.join(&binary);
                fs::create_dir_all(&folder).expect("OUT_DIR is writable");
                fs::write(folder.join("memory.x"), script(machine)).expect("OUT_DIR is writable");
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
