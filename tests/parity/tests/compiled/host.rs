//! On the host, input by input.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use leafgate_convert::emit::{EmitError, EmitOptions, emit};
use leafgate_convert::reference::{Crc, read};
use leafgate_tests_laws::draw::Draw;
use leafgate_tests_laws::gates::signals_as_scores;
use leafgate_tests_laws::layout;
use leafgate_tests_parity::{as_bytes, digits, host_outputs};

use crate::cases::{Case, cargo, cases, folder};

/// Inputs of each image without samples of its own.
const INPUTS: usize = 200;

/// The values and classes of each input: count and words, little-endian.
fn expected(image: &[u8], inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for output in host_outputs(image, inputs) {
        for words in [&output.values, &output.classes] {
            bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        }
    }
    bytes
}

fn inputs(name: &str, input_bytes: usize, draw: &mut Draw) -> Vec<Vec<u8>> {
    if name.starts_with("digits") {
        return as_bytes(&digits());
    }
    let mut input = |_| {
        let mut bytes = vec![0; input_bytes];
        draw.fill(&mut bytes);
        bytes
    };
    (0..INPUTS).map(&mut input).collect()
}

/// The main program: every network on every input, compared with what the engine gave.
const MAIN: &str = r#"
fn words(bytes: &[u8]) -> Vec<i32> {
    bytes.as_chunks::<4>().0.iter().map(|word| i32::from_le_bytes(*word)).collect()
}

/// Of the input's type.
trait Element: Copy {
    fn of(bytes: &[u8]) -> Vec<Self>;
}

impl Element for i8 {
    fn of(bytes: &[u8]) -> Vec<Self> {
        bytes.iter().map(|&byte| byte as i8).collect()
    }
}

impl Element for u32 {
    fn of(bytes: &[u8]) -> Vec<Self> {
        words(bytes).into_iter().map(|word| word as u32).collect()
    }
}

fn arrays<T: Element, const N: usize>(bytes: &[u8]) -> Vec<[T; N]> {
    T::of(bytes).as_chunks::<N>().0.to_vec()
}

macro_rules! compare {
    ($network:ident) => {
        let inputs = arrays(include_bytes!(concat!("../data/", stringify!($network), ".inputs")));
        let want = words(include_bytes!(concat!("../data/", stringify!($network), ".outputs")));
        let per_input = $network::OUTPUT_LEN + $network::CLASSES;
        assert_eq!(inputs.len() * per_input, want.len(), stringify!($network));
        let mut state = $network::State::new();
        for (i, (input, want)) in inputs.iter().zip(want.chunks(per_input)).enumerate() {
            let output = $network::run(&mut state, input);
            let classes = output.classes.iter().map(|&class| class as i32);
            let have: Vec<i32> = output.values.iter().map(|&value| value.into()).chain(classes).collect();
            assert_eq!(have, want, "{}, input {i}", stringify!($network));
        }
        println!("{}: {} inputs equal", stringify!($network), inputs.len());
    };
}
"#;

const MANIFEST: &str = r#"
[package]
name = "compiled"
version = "0.0.0"
edition = "2024"

[workspace]

# Arithmetic that could overflow would show.
[profile.dev]
opt-level = 1
"#;

/// Writes the package.
fn write(folder: &Path) -> usize {
    std::fs::write(folder.join("Cargo.toml"), MANIFEST).unwrap();
    let mut draw = Draw::new(5);
    let (mut modules, mut calls) = (String::new(), String::new());
    let cases = cases();
    for Case { name, image, options } in &cases {
        let parsed = read(image, Crc::Check).unwrap();
        let emitted = emit(&parsed, options).unwrap_or_else(|error| panic!("{name}: {error}"));
        std::fs::write(folder.join("src").join(format!("{name}.rs")), emitted.source).unwrap();
        let inputs = inputs(name, parsed.tensors[parsed.header.input].bytes(), &mut draw);
        std::fs::write(folder.join(format!("data/{name}.inputs")), inputs.concat()).unwrap();
        std::fs::write(folder.join(format!("data/{name}.outputs")), expected(image, &inputs)).unwrap();
        // As a user would have it: the name and what it is allowed are the user's.
        writeln!(modules, "#[allow(dead_code, reason = \"a user calls what it needs\")]\nmod {name};").unwrap();
        writeln!(calls, "    {{ compare!({name}); }}").unwrap();
        if parsed.golden.is_some() {
            writeln!(calls, "    assert!({name}::self_test(&mut {name}::State::new()), \"{name}\");").unwrap();
        }
    }
    let head = "//! Compiled networks, and what they must give.\n#![deny(warnings, missing_docs, unsafe_code)]\n";
    std::fs::write(folder.join("src/main.rs"), format!("{head}\n{modules}{MAIN}\nfn main() {{\n{calls}}}\n")).unwrap();
    cases.len()
}

#[test]
fn compiled_networks_give_the_integers_of_the_engine() {
    let folder = folder("host");
    let count = write(&folder);
    let said = cargo(&folder, &["run"]);
    print!("{said}");
    assert_eq!(said.lines().count(), count);
    cargo(&folder, &["clippy"]);
    let modules = std::fs::read_dir(folder.join("src")).unwrap().map(|entry| entry.unwrap().path());
    let modules: Vec<_> = modules.filter(|path| !path.ends_with("main.rs")).collect();
    // The folder with this file has the default style.
    std::fs::write(folder.join("rustfmt.toml"), "").unwrap();
    let mut rustfmt = Command::new("rustfmt");
    let style = rustfmt.args(["--check", "--edition", "2024", "--config-path"]).arg(&folder).args(&modules);
    let output = style.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The scores are the words of a list: arrays of a type each cannot be that.
#[test]
fn a_network_whose_ops_exchange_bytes_is_refused() {
    let image = read(&layout::emptied_list(), Crc::Check).unwrap();
    let error = emit(&image, &EmitOptions::default()).unwrap_err();
    let holds = "another tensor, at byte 0 of the arena".into();
    assert_eq!(error, EmitError::Overlap { op: 1, name: "READOUT", tensor: 2, holds });
    assert_eq!(error.code(), "E0203");
}

/// Of signals only the lowest bits have a meaning.
#[test]
fn a_network_that_reads_signals_as_numbers_is_refused() {
    let image = read(&signals_as_scores(), Crc::Check).unwrap();
    let error = emit(&image, &EmitOptions::default()).unwrap_err();
    let what = "tensor 1, both signals of a netlist and numbers,".into();
    assert_eq!(error, EmitError::Unsupported { op: 1, name: "READOUT", what });
}
