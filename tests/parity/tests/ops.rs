//! Every op, kind and flag of the format on every machine: small images of random graphs and of records laid out by hand, on
//! random inputs. The zoo uses a part of them only.

use leafgate::Model;
use leafgate_convert::host::AlignedBytes;
use leafgate_emulate::{Emulation, build_firmware_for, machines, workspace_root};
use leafgate_tests_laws::samples::small;
use leafgate_tests_parity::host_outputs;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

const INPUTS: usize = 24;

struct Case {
    name: String,
    image: Vec<u8>,
    inputs: Vec<Vec<u8>>,
    crcs: Vec<u32>,
}

/// The images that fit the smallest machine, with the host's answers, which the reference has confirmed.
fn cases() -> Vec<Case> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut cases = Vec::new();
    for sample in small() {
        let aligned = AlignedBytes::copy_of(&sample.image);
        let input_bytes = Model::parse(aligned.as_slice()).unwrap().input_bytes();
        let mut draw = || {
            let mut input = vec![0; input_bytes];
            rng.fill_bytes(&mut input);
            input
        };
        let inputs: Vec<Vec<u8>> = (0..INPUTS).map(|_| draw()).collect();
        let crcs = host_outputs(&sample.image, &inputs).iter().map(|output| output.crc32).collect();
        cases.push(Case { name: sample.name, image: sample.image, inputs, crcs });
    }
    cases
}

#[test]
fn every_op_gives_the_same_integers_on_every_machine() {
    let cases = cases();
    assert!(cases.len() >= 10, "{} images", cases.len());
    for machine in machines() {
        for Case { name, image, inputs, crcs } in &cases {
            let firmware = build_firmware_for(&workspace_root().unwrap(), machine, image);
            let firmware = firmware.unwrap_or_else(|error| panic!("{error}"));
            let emulation = Emulation::new(machine, &firmware).image_bytes(image.clone()).samples(inputs.clone());
            let outcome = emulation.run().unwrap_or_else(|error| panic!("{} {name}: {error}", machine.name));
            assert!(outcome.exit.is_success(), "{} {name}: {}\n{:#?}", machine.name, outcome.exit, outcome.lines);
            let have: Vec<u32> = outcome.samples.iter().map(|sample| sample.crc32).collect();
            assert_eq!(&have, crcs, "{} {name}", machine.name);
        }
        println!("{:14} {} images, {INPUTS} inputs each: equal", machine.name, cases.len());
    }
}
