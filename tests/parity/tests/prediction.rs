//! The bound of a run is one, whatever the input: networks and small images of every op, on inputs made to meet it.

use leafgate::Model;
use leafgate_convert::host::AlignedBytes;
use leafgate_emulate::{Emulation, build_firmware_for, machines, workspace_root};
use leafgate_tests_laws::draw::Draw;
use leafgate_tests_laws::samples::{Sample, small, zoo};
use leafgate_tests_parity::prediction::{outlook, predicted, within_bounds};

/// Any bytes, few bytes, both ends, all alike, both ends by turns.
fn inputs(bytes: usize) -> Vec<Vec<u8>> {
    let mut draw = Draw::new(bytes as u64);
    let mut inputs = vec![vec![0u8; bytes]; 12];
    inputs.iter_mut().for_each(|input| draw.fill(input));
    for input in &mut inputs[..4] {
        input.iter_mut().for_each(|byte| *byte %= 17);
    }
    for input in &mut inputs[4..8] {
        input.iter_mut().for_each(|byte| *byte = if *byte < 128 { 0x80 } else { 0x7F });
    }
    inputs.extend([0, 1, 0x7F, 0x80, 0xFF].map(|byte| vec![byte; bytes]));
    inputs.extend([[0x80, 0x7F], [0, 0x7F], [0x80, 0]].map(|pair| pair.into_iter().cycle().take(bytes).collect()));
    inputs
}

#[test]
fn no_input_exceeds_the_bound() {
    let samples: Vec<Sample> = zoo().into_iter().chain(small()).collect();
    let works: Vec<_> = samples.iter().map(|sample| outlook(&sample.image, &[])).collect();
    for machine in machines() {
        let (mut held, mut silent) = (0, Vec::<String>::new());
        for (Sample { name, image }, work) in samples.iter().zip(&works) {
            let prediction = match predicted(machine, work) {
                Ok(prediction) => prediction,
                Err(why) => {
                    silent.push(format!("{name}: {why}"));
                    continue;
                }
            };
            let firmware = build_firmware_for(&workspace_root().unwrap(), machine, image);
            let firmware = firmware.unwrap_or_else(|error| panic!("{error}"));
            let aligned = AlignedBytes::copy_of(image);
            let input_bytes = Model::parse(aligned.as_slice()).unwrap().input_bytes();
            let emulation = Emulation::new(machine, &firmware).image_bytes(image.clone()).samples(inputs(input_bytes));
            let outcome = emulation.run().unwrap_or_else(|error| panic!("{} {name}: {error}", machine.name));
            assert!(outcome.exit.is_success(), "{} {name}: {}\n{:#?}", machine.name, outcome.exit, outcome.lines);
            let insns: Vec<u64> = outcome.samples.iter().map(|sample| sample.insns).collect();
            within_bounds(machine, name, &prediction, &insns);
            held += 1;
        }
        println!("{:14} {held} images within their bounds, no figure for {silent:#?}", machine.name);
        // Products that leave their bounds downwards have no cost yet: none of the corpus does on every machine.
        silent.retain(|why| !why.contains("`map.mul."));
        assert!(silent.is_empty(), "{}: no figures of {silent:#?}", machine.name);
    }
}
