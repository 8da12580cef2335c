//! No panic is reachable: a firmware whose panic handler calls what does not exist links all the same.

use std::fmt::Write;

use leafgate_convert::emit::emit;
use leafgate_convert::reference::{Crc, read};

use crate::cases::{cargo, cases, folder, try_cargo};

const TARGETS: [&str; 4] =
    ["thumbv6m-none-eabi", "thumbv7em-none-eabihf", "thumbv8m.main-none-eabihf", "riscv32imac-unknown-none-elf"];

/// Arithmetic is checked: that it cannot overflow is part of what is shown.
const MANIFEST: &str = r#"
[package]
name = "compiled"
version = "0.0.0"
edition = "2024"

[features]
planted = []

[workspace]

[profile.release]
opt-level = 3
lto = "fat"
codegen-units = 1
panic = "abort"
overflow-checks = true

[profile.size]
inherits = "release"
opt-level = "s"
"#;

const MAIN: &str = r#"
use core::hint::black_box;

unsafe extern "C" {
    fn a_panic_is_reachable() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: it does not exist, and is not called.
    unsafe { a_panic_is_reachable() }
}
"#;

#[test]
fn no_panic_is_reachable_in_compiled_networks() {
    let folder = folder("links");
    std::fs::write(folder.join("Cargo.toml"), MANIFEST).unwrap();
    let (mut modules, mut calls) = (String::new(), String::new());
    for case in cases() {
        let name = &case.name;
        let emitted = emit(&read(&case.image, Crc::Check).unwrap(), &case.options).unwrap();
        std::fs::write(folder.join("src").join(format!("{name}.rs")), emitted.source).unwrap();
        writeln!(modules, "#[allow(dead_code)]\nmod {name};").unwrap();
        writeln!(calls, "    static mut {}: {name}::State = {name}::State::new();", name.to_uppercase()).unwrap();
        // SAFETY of what is written: the program is not run.
        writeln!(calls, "    let state = unsafe {{ &mut *black_box(&raw mut {}) }};", name.to_uppercase()).unwrap();
        writeln!(calls, "    black_box({name}::self_test(state));").unwrap();
        writeln!(calls, "    black_box({name}::run(state, black_box(&[0; {name}::INPUT_LEN])));").unwrap();
    }
    let planted = "    #[cfg(feature = \"planted\")]\n    assert!(black_box(true));\n";
    let main = format!(
        "#![no_std]\n#![no_main]\n\n{modules}{MAIN}\n#[unsafe(no_mangle)]\nextern \"C\" fn _start() -> ! {{\n{calls}{planted}    loop {{}}\n}}\n"
    );
    std::fs::write(folder.join("src/main.rs"), main).unwrap();
    for target in TARGETS {
        for profile in ["release", "size"] {
            cargo(&folder, &["build", "--profile", profile, "--target", target]);
            println!("{target:30} {profile}: links, no panic is reachable");
        }
    }
    // What must not link does not.
    let planted = ["build", "--release", "--features", "planted", "--target", TARGETS[0]];
    let said = try_cargo(&folder, &planted).expect_err("a reachable panic links");
    assert!(said.contains("a_panic_is_reachable"), "{said}");
}
