//! What is missing is named, with the command that gets it.

mod tiny;

use leafgate_emulate::{EmulateError, Emulation, Machine, build_binary, build_example, build_plugin, workspace_root};

#[test]
fn the_emulator() {
    let mut machine = Machine::by_name("virt").unwrap().clone();
    machine.emulator = "qemu-system-nowhere".into();
    let firmware = leafgate_emulate::build_firmware(&workspace_root().unwrap(), &machine).unwrap();
    let error = Emulation::new(&machine, firmware).run().unwrap_err();
    assert!(matches!(&error, EmulateError::EmulatorMissing { .. }), "{error}");
    assert_eq!(error.hint(), "install it: sudo apt-get install qemu-system-misc");
}

#[test]
fn the_firmware() {
    let machine = Machine::by_name("mps2-an505").unwrap();
    let error = Emulation::new(machine, "nowhere/mps2-an505").run().unwrap_err();
    assert!(matches!(&error, EmulateError::FirmwareMissing { .. }), "{error}");
    let want = "build it: RUSTFLAGS='-Ctarget-cpu=cortex-m33' cargo build --profile firmware --package leafgate-qemu-arm \
                --bin mps2-an505 --target thumbv8m.main-none-eabihf";
    assert_eq!(error.hint(), want);
}

#[test]
fn a_mark_in_the_firmware() {
    let machine = Machine::by_name("virt").unwrap();
    let error = Emulation::new(machine, std::env::current_exe().unwrap()).run().unwrap_err();
    assert!(matches!(&error, EmulateError::NoFirmware { .. }), "{error}");
}

#[test]
fn a_binary_of_the_package() {
    let machine = Machine::by_name("virt").unwrap();
    let error = build_binary(&workspace_root().unwrap(), machine, "nowhere").unwrap_err();
    assert!(matches!(&error, EmulateError::Build { .. }), "{error}");
    assert!(error.hint().contains("no bin target named `nowhere`"), "{}", error.hint());
}

#[test]
fn the_plugin() {
    let machine = Machine::by_name("virt").unwrap();
    let firmware = leafgate_emulate::build_firmware(&workspace_root().unwrap(), machine).unwrap();
    let error = Emulation::new(machine, firmware).profile("nowhere/plugin.so").run().unwrap_err();
    assert!(matches!(&error, EmulateError::PluginMissing { .. }), "{error}");
    assert_eq!(error.hint(), "build it: cargo build --release --package leafgate-emulate-plugin");
}

#[test]
fn runs_to_profile() {
    let root = workspace_root().unwrap();
    let machine = Machine::by_name("mps2-an386").unwrap();
    let firmware = build_example(&root, machine, "hello").unwrap();
    let error = Emulation::new(machine, firmware).profile(build_plugin(&root).unwrap()).run().unwrap_err();
    assert!(matches!(&error, EmulateError::NoFirmware { .. }), "{error}");
    assert!(error.to_string().contains("run_once"), "{error}");
}

#[test]
fn a_library_that_the_emulator_loads() {
    let root = workspace_root().unwrap();
    let machine = Machine::by_name("virt").unwrap();
    let firmware = leafgate_emulate::build_firmware(&root, machine).unwrap();
    let error = Emulation::new(machine, &firmware).profile(&firmware).run().unwrap_err();
    assert!(matches!(&error, EmulateError::Emulator { .. }), "{error}");
}
