//! What is compiled, and the packages that it is compiled in.

use std::path::{Path, PathBuf};
use std::process::Command;

use leafgate_convert::emit::{EmitOptions, Rows};
use leafgate_convert::{Options, Ranges, convert};
use leafgate_emulate::workspace_root;
use leafgate_tests_laws::draw::graph;
use leafgate_tests_laws::gates::{Reads, network};
use leafgate_tests_laws::samples;

/// Random nets of gates, of both wirings.
const NETS: u64 = 12;

/// A network to be compiled.
pub struct Case {
    pub name: String,
    pub image: Vec<u8>,
    pub options: EmitOptions,
}

/// Straight-line code, loops, and loops over single rows.
pub fn variants() -> [(&'static str, EmitOptions); 3] {
    let whole = EmitOptions { unroll_bytes: usize::MAX, rows: Rows::Four };
    [
        ("", whole),
        ("_loops", EmitOptions { unroll_bytes: 0, ..whole }),
        ("_rows", EmitOptions { rows: Rows::One, ..EmitOptions::default() }),
    ]
}

pub fn images() -> Vec<(String, Vec<u8>)> {
    let mut images: Vec<_> = samples::all().into_iter().map(|sample| (sample.name, sample.image)).collect();
    for seed in 100..100 + NETS {
        let family = ["gates-word", "gates-gathered"][seed as usize % 2];
        let made = convert(graph(family, seed), Ranges::Random, &Options::default());
        images
            .push((format!("{family}-{seed}"), made.unwrap_or_else(|error| panic!("{family} {seed}: {error}")).image));
    }
    // Nothing of these is made fewer: inputs that end within a word, gates left over of fours, bytes as input.
    let netlists = [(Reads::Bits, 64, 2, 160), (Reads::Bits, 70, 3, 75), (Reads::Bytes, 33, 1, 200)];
    for (i, (reads, inputs, layers, gates)) in netlists.into_iter().enumerate() {
        images.push((format!("netlist-network-{i}"), network(reads, false, inputs, layers, gates).unwrap()));
    }
    images
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, image) in images() {
        for (suffix, options) in variants() {
            let name = format!("{}{suffix}", name.replace('-', "_"));
            cases.push(Case { name, image: image.clone(), options });
        }
    }
    cases
}

/// A package in the target folder, without sources.
pub fn folder(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let folder = workspace_root().unwrap().join(target).join("compiled").join(name);
    // Modules of before are not of this test.
    std::fs::remove_dir_all(folder.join("src")).ok();
    std::fs::create_dir_all(folder.join("src")).unwrap();
    std::fs::create_dir_all(folder.join("data")).unwrap();
    folder
}

/// Calls cargo there; what it said on standard error if it failed.
pub fn try_cargo(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(folder)
        .args(arguments)
        .args(["--offline", "--quiet", "--target-dir"])
        .arg(folder.join("target"))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(String::from_utf8_lossy(&output.stdout).into_owned()) } else { Err(said) }
}

/// As [`try_cargo`], where it must not fail.
pub fn cargo(folder: &Path, arguments: &[&str]) -> String {
    try_cargo(folder, arguments).unwrap_or_else(|said| panic!("cargo {}: {said}", arguments.join(" ")))
}
