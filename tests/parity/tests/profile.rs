//! Two ways of counting instructions give the same: the timer that the firmware reads, and the plugin of QEMU.

use leafgate::image::{View, op};
use leafgate_convert::host::AlignedBytes;
use leafgate_emulate::{Emulation, build_firmware_for, build_plugin, machines, workspace_root};
use leafgate_tests_parity::{NETWORKS, as_bytes, digits, zoo_image};

/// Digits that each machine classifies with each network.
const SERVED: usize = 50;

/// How far timer and plugin may be apart, in instructions of a run.
const TOLERANCE: u64 = 2;

/// The ops of an image, as the runtime's modules are called.
fn ops_of(image: &[u8]) -> Vec<String> {
    let bytes = AlignedBytes::copy_of(image);
    let view = View::parse(bytes.as_slice()).unwrap();
    view.ops().iter().map(|record| op::NAMES[usize::from(record.op)].to_lowercase()).collect()
}

#[test]
fn the_timer_and_the_plugin_agree_on_every_machine() {
    let root = workspace_root().unwrap();
    let plugin = build_plugin(&root).unwrap_or_else(|error| panic!("{error}\n{}", error.hint()));
    let mut samples = as_bytes(&digits());
    samples.truncate(SERVED);
    assert!(machines().len() >= 8);
    for machine in machines() {
        for name in NETWORKS {
            let (machine_name, image) = (&machine.name, zoo_image(name));
            let firmware = build_firmware_for(&root, machine, &image);
            let firmware = firmware.unwrap_or_else(|error| panic!("{error}\n{}", error.hint()));
            let outcome = Emulation::new(machine, &firmware)
                .image_bytes(image.clone())
                .samples(samples.clone())
                .profile(&plugin)
                .run()
                .unwrap_or_else(|error| panic!("{machine_name} {name}: {error}\n{}", error.hint()));
            let profile = outcome.profile.unwrap_or_else(|| panic!("{machine_name} {name}: {:#?}", outcome.lines));

            assert_eq!((profile.runs.len(), outcome.samples.len()), (SERVED, SERVED), "{machine_name} {name}");
            let pairs = profile.runs.iter().zip(&outcome.samples);
            let differences = pairs.map(|(&plugin, sample)| sample.insns as i64 - plugin as i64);
            let (least, most) = (differences.clone().min().unwrap(), differences.max().unwrap());
            println!("{machine_name:14} {name:13} timer less plugin: {least} to {most} of {}", profile.runs[0]);
            for difference in [least, most] {
                assert!(
                    difference.unsigned_abs() <= TOLERANCE,
                    "{machine_name} {name}: {difference} instructions apart"
                );
            }

            let sum: u64 = profile.functions.iter().map(|function| function.insns).sum();
            assert_eq!(sum, profile.insns(), "{machine_name} {name}");
            assert!(profile.functions.iter().all(|function| function.name != "?"), "{machine_name} {name}");
            let ops: Vec<_> = profile.ops.iter().map(|op| op.op.clone()).collect();
            assert_eq!(ops, ops_of(&image), "{machine_name} {name}: has the compiler moved an op into its caller?");
            let in_ops: u64 = profile.ops.iter().map(|op| op.insns).sum();
            // What is left is looking up the tensors of each op.
            assert!(in_ops < sum && in_ops > sum / 4 * 3, "{machine_name} {name}: {in_ops} of {sum} in ops");
        }
    }
}
