//! Every way in which a run may end has its own exit code, and says why in the log.

mod tiny;

use leafgate_emulate::{
    EmulateError, Emulation, Exit, ExitCode, Machine, Outcome, build_binary, build_firmware, workspace_root,
};
use std::path::PathBuf;
use std::time::Duration;

/// Faults as a real chip does: an access to nothing is no access to something else.
const MACHINE: &str = "netduinoplus2";

fn machine() -> &'static Machine {
    Machine::by_name(MACHINE).unwrap()
}

fn firmware() -> PathBuf {
    build_firmware(&workspace_root().unwrap(), machine()).unwrap_or_else(|error| panic!("{error}\n{}", error.hint()))
}

fn trials(machine: &Machine) -> PathBuf {
    let binary = format!("{}-trials", machine.name);
    build_binary(&workspace_root().unwrap(), machine, &binary)
        .unwrap_or_else(|error| panic!("{error}\n{}", error.hint()))
}

fn run(emulation: Emulation<'_>) -> Outcome {
    emulation.run().unwrap_or_else(|error| panic!("{error}\n{}", error.hint()))
}

/// The application with this image and these bytes of samples ends so, and its last line says this.
fn ends(image: Vec<u8>, samples: &[u8], exit: ExitCode, last_line: &str) {
    let outcome = run(Emulation::new(machine(), firmware()).image_bytes(image).samples_bytes(samples));
    let log = outcome.lines.join("\n");
    assert_eq!(outcome.exit, Exit::Code(exit), "{log}");
    assert!(outcome.lines.last().unwrap().contains(last_line), "{log}");
}

/// The trial of this number ends so on a machine of each architecture.
fn trial_ends(number: u8, exit: ExitCode, last_line: &str) {
    for name in [MACHINE, "microbit", "virt"] {
        let machine = Machine::by_name(name).unwrap();
        let request = [b'L', b'G', b'T', b'R', number, 0, 0, 0];
        let outcome = run(Emulation::new(machine, trials(machine)).samples_bytes(request));
        let log = outcome.lines.join("\n");
        assert_eq!(outcome.exit, Exit::Code(exit), "{name}: {log}");
        assert!(outcome.lines.last().unwrap().contains(last_line), "{name}: {log}");
    }
}

#[test]
fn success_without_samples() {
    ends(tiny::image(), &[0xFF; 64], ExitCode::Success, "done: 0 samples");
    ends(tiny::image(), &[0; 64], ExitCode::Success, "done: 0 samples");
}

#[test]
fn fault() {
    trial_ends(1, ExitCode::Fault, "fault: ");
    trial_ends(5, ExitCode::Fault, "fault: ");
}

#[test]
fn panic() {
    trial_ends(2, ExitCode::Panic, "panic at boards/app/src/trials.rs:");
}

#[test]
fn broken_canary() {
    trial_ends(3, ExitCode::CanaryBroken, "trials on ");
}

#[test]
fn stack_overflow_locks_up_rather_than_runs_on() {
    let request = [b'L', b'G', b'T', b'R', 4, 0, 0, 0];
    for name in [MACHINE, "microbit", "mps2-an385", "mps2-an505"] {
        let machine = Machine::by_name(name).unwrap();
        let outcome = run(Emulation::new(machine, trials(machine)).samples_bytes(request));
        assert_eq!(outcome.exit, Exit::Lockup, "{name}: {:#?}", outcome.lines);
    }
}

#[test]
fn bad_image() {
    ends(vec![0xFF; 1024], &[], ExitCode::BadImage, "image refused: ParseError { defect: Magic");
    ends(tiny::image()[..96].to_vec(), &[], ExitCode::BadImage, "image refused: ParseError { defect: Checksum");
    let mut damaged = tiny::image();
    damaged[200] ^= 0x10;
    ends(damaged, &[], ExitCode::BadImage, "image refused: ParseError { defect: Checksum");
}

#[test]
fn failed_self_test() {
    ends(tiny::image_with_wrong_vector(), &[], ExitCode::SelfTestFailed, "SelfTestError { vector: 1, output: 0");
}

#[test]
fn arena_too_small() {
    let want = machine().arena_bytes + 4;
    let last_line = format!("TooSmall {{ want: {want}, have: {} }}", machine().arena_bytes);
    ends(tiny::image_with_class_at(machine().arena_bytes), &[], ExitCode::ArenaTooSmall, &last_line);
    ends(tiny::image_with_class_at(machine().arena_bytes - 4), &[], ExitCode::Success, "done: 0 samples");
}

#[test]
fn bad_samples() {
    ends(tiny::image(), &[1; 64], ExitCode::BadSamples, "samples refused: Magic");
    let mut damaged = leafgate_emulate::samples_region(&[vec![1, 2, 3, 4]]).unwrap();
    damaged[17] ^= 1;
    ends(tiny::image(), &damaged, ExitCode::BadSamples, "samples refused: Checksum");
    let longer = leafgate_emulate::samples_region(&[vec![1, 2, 3, 4, 5]]).unwrap();
    ends(tiny::image(), &longer, ExitCode::BadSamples, "sample 0 refused: InputError");
}

#[test]
fn an_endless_loop_is_ended() {
    let machine = Machine::by_name("virt").unwrap();
    // On this machine RAM goes on below the stack, so that an overflow goes on for long.
    let request = [b'L', b'G', b'T', b'R', 4, 0, 0, 0];
    let emulation = Emulation::new(machine, trials(machine)).samples_bytes(request).timeout(Duration::from_secs(2));
    let error = emulation.run().unwrap_err();
    assert!(matches!(&error, EmulateError::Timeout { .. }), "{error}");
    assert!(error.to_string().ends_with("trials on virt"), "{error}");
}

#[test]
fn what_does_not_fit_is_not_loaded() {
    let microbit = Machine::by_name("microbit").unwrap();
    let firmware = build_firmware(&workspace_root().unwrap(), microbit).unwrap();
    let error = Emulation::new(microbit, &firmware).image_bytes(vec![0; 65537]).run().unwrap_err();
    let want = "model has 65537 bytes, the model partition of microbit has 65536";
    assert_eq!(error.to_string(), want);
    let error = Emulation::new(machine(), &firmware).run().unwrap_err();
    assert!(matches!(&error, EmulateError::WrongMachine { .. }), "{error}");
}
