//! Every network of the zoo, all digits, every machine: identical outputs to the host engine and to the independent reference.
//!
//! A device reports a CRC-32 over all output values of each digit; comparing classes would hide differences.

use std::time::Duration;

use leafgate::arena_bytes;
use leafgate_convert::check::check;
use leafgate_convert::convert::{Options, Ranges, convert};
use leafgate_convert::import::{ImportOptions, import};
use leafgate_convert::quantize::calibrate::Calibration;
use leafgate_emulate::{
    Emulation, Exit, ExitCode, Machine, Sizes, build_firmware, build_firmware_for, machines, workspace_root,
};
use leafgate_tests_parity::prediction::{is_close, outlook, predicted, within_bounds};
use leafgate_tests_parity::{DIGITS, NETWORKS, as_bytes, digits, host_outputs, zoo_image};

/// Stack of `Session::run` and of `Model::parse` on thumbv7em, in bytes.
const STACK_LIMITS: (u32, u32) = (512, 768);

/// Text of the runtime's functions in the application for mps2-an386, which has every feature, in bytes: where it stands, rounded up.
const RUNTIME_TEXT_LIMIT: u64 = 24 * 1024;

/// Accuracy on the test digits that each network must keep, in percent.
const FLOORS: [(&str, f64); 3] = [("digits-fff", 96.0), ("digits-gates", 94.0), ("digits-moe", 96.0)];

#[test]
fn host_and_reference_agree_on_every_digit() {
    let samples = as_bytes(&digits());
    for name in NETWORKS {
        let report = check(&zoo_image(name), &samples, 1000, 3).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(report.samples, DIGITS);
        println!("{name}: {} values equal, {} rows proven", report.values_compared, report.rows_proven);
    }
}

#[test]
fn the_zoo_is_as_accurate_as_its_cards_say() {
    let digits = digits();
    let (samples, labels) = (as_bytes(&digits), digits.labels.unwrap());
    for (name, floor) in FLOORS {
        let outputs = host_outputs(&zoo_image(name), &samples);
        let right =
            outputs.iter().zip(&labels).filter(|(output, label)| output.class() == Some(**label as usize)).count();
        let accuracy = 100.0 * right as f64 / DIGITS as f64;
        println!("{name}: {accuracy:.2} % in integers");
        assert!(accuracy >= floor, "{name}: {accuracy:.2} %, wanted {floor}");
    }
}

#[test]
fn the_zoo_images_are_what_their_weights_convert_to() {
    for name in NETWORKS {
        let folder = workspace_root().unwrap().join("models/zoo").join(name);
        let graph = import(&folder.join("weights.safetensors"), &ImportOptions::default()).unwrap();
        let table = std::fs::read_to_string(folder.join("calibration.json")).unwrap();
        let table: Calibration = serde_json::from_str(&table).unwrap();
        let conversion = convert(graph, Ranges::Table(&table), &Options::default()).unwrap();
        assert!(
            conversion.image == zoo_image(name),
            "{name}: not the same bytes; run `cargo xtask zoo` and look at the change"
        );
    }
}

#[test]
fn every_machine_gives_the_same_integers() {
    let samples = as_bytes(&digits());
    let hosts: Vec<_> = NETWORKS.map(|name| (name, zoo_image(name))).into_iter().collect();
    let expected: Vec<_> = hosts.iter().map(|(_, image)| host_outputs(image, &samples)).collect();
    let outlooks: Vec<_> = hosts.iter().map(|(_, image)| outlook(image, &samples)).collect();
    assert!(machines().len() >= 8);
    for machine in machines() {
        for (((name, image), expected), outlook) in hosts.iter().zip(&expected).zip(&outlooks) {
            let firmware = build_firmware_for(&workspace_root().unwrap(), machine, image);
            let firmware = firmware.unwrap_or_else(|error| panic!("{error}"));
            let emulation = Emulation::new(machine, &firmware).image_bytes(image.clone()).samples(samples.clone());
            let outcome = emulation
                .timeout(Duration::from_secs(300))
                .run()
                .unwrap_or_else(|error| panic!("{} {name}: {error}", machine.name));
            assert_eq!(outcome.exit, Exit::Code(ExitCode::Success), "{} {name}: {:#?}", machine.name, outcome.lines);
            assert_eq!(outcome.samples.len(), DIGITS, "{} {name}", machine.name);
            for (sample, want) in outcome.samples.iter().zip(expected) {
                assert_eq!(sample.crc32, want.crc32, "{} {name}, digit {}", machine.name, sample.index);
                assert_eq!(sample.class, want.class(), "{} {name}, digit {}", machine.name, sample.index);
            }
            let stack = (outcome.stack_run_bytes.unwrap(), outcome.stack_parse_bytes.unwrap());
            let limit = machine.budgets.stack_bytes;
            let (run_limit, parse_limit) =
                if machine.target.starts_with("thumbv7em") { STACK_LIMITS } else { (limit, limit) };
            assert!(stack.0 <= run_limit && stack.1 <= parse_limit, "{} {name}: stack {stack:?}", machine.name);
            assert_eq!(outcome.arena_bytes.map(|bytes| bytes as usize), Some(arena_bytes(image)), "{name}");
            let insns: Vec<u64> = outcome.samples.iter().map(|sample| sample.insns).collect();
            let prediction = predicted(machine, outlook).unwrap_or_else(|why| panic!("{} {name}: {why}", machine.name));
            within_bounds(machine, name, &prediction, &insns);
            let [mean, most] = is_close(machine, name, &prediction, &insns);
            println!(
                "{:14} {name:13} {DIGITS} digits equal, {} instructions at most (predicted: mean {mean:+.2} %, bound {most:+.2} %), stack {} B run, {} B parse",
                machine.name,
                outcome.worst_run_insns().unwrap_or(0),
                stack.0,
                stack.1,
            );
        }
    }
}

/// The same file that gives stack and instructions.
#[test]
fn the_runtime_in_the_application_is_within_its_text_budget() {
    let machine = Machine::by_name("mps2-an386").unwrap();
    let firmware = build_firmware(&workspace_root().unwrap(), machine).unwrap_or_else(|error| panic!("{error}"));
    let sizes = Sizes::of(&firmware).unwrap();
    let text = sizes.runtime_text_bytes;
    println!("{}: runtime text {text} B of {} B, the limit {RUNTIME_TEXT_LIMIT}", machine.name, sizes.text_bytes);
    // Far less would mean that symbols are no longer understood.
    assert!(text > RUNTIME_TEXT_LIMIT / 2, "{text} B of runtime are found: are functions inlined, or renamed?");
    assert!(text <= RUNTIME_TEXT_LIMIT, "the runtime takes {text} B of text, the limit is {RUNTIME_TEXT_LIMIT}");
}
