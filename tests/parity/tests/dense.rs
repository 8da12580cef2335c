//! Dense layers of signed bytes, row by row in the image: what a run executes, and that it gives the host's integers.

use leafgate_emulate::{Emulation, Machine, Outcome, build_binary, build_firmware_for, machines, workspace_root};
use leafgate_tests_laws::dense::layers;
use leafgate_tests_parity::host_outputs;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Inputs and outputs of the layers.
const SHAPES: [(u32, u32); 6] = [(784, 128), (640, 128), (128, 128), (128, 10), (16, 10), (8, 10)];

/// Instructions per multiply-accumulate of a run with the first of them.
const LIMITS: [(&str, f64); 6] = [
    ("mps2-an385", 2.5),
    ("microbit", 3.85),
    ("virt", 3.75),
    ("mps2-an386", 1.7),
    ("mps2-an505", 1.7),
    ("mps3-an547", 0.18),
];

/// Instructions of the op alone with the first four on mps3-an547.
const VECTOR_LIMITS: [u64; 4] = [19_500, 16_600, 6_300, 920];

/// Random inputs, and the extremes.
fn inputs(bytes: u32) -> Vec<Vec<u8>> {
    let mut rng = ChaCha8Rng::seed_from_u64(bytes.into());
    let mut inputs = vec![vec![0; bytes as usize]; 6];
    inputs.iter_mut().for_each(|input| rng.fill_bytes(input));
    inputs.extend([0x80, 0x7F, 0].map(|byte| vec![byte; bytes as usize]));
    inputs
}

/// Runs all inputs, and compares.
fn run(machine: &Machine, image: &[u8], inputs: &[Vec<u8>]) -> Outcome {
    let firmware = build_firmware_for(&workspace_root().unwrap(), machine, image);
    let firmware = firmware.unwrap_or_else(|error| panic!("{error}"));
    let emulation = Emulation::new(machine, &firmware).image_bytes(image).samples(inputs);
    let outcome = emulation.run().unwrap_or_else(|error| panic!("{}: {error}", machine.name));
    assert!(outcome.exit.is_success(), "{}: {}\n{:#?}", machine.name, outcome.exit, outcome.lines);
    let have: Vec<u32> = outcome.samples.iter().map(|sample| sample.crc32).collect();
    let want: Vec<u32> = host_outputs(image, inputs).iter().map(|output| output.crc32).collect();
    assert_eq!(have, want, "{}", machine.name);
    outcome
}

#[test]
fn a_dense_layer_takes_few_instructions() {
    println!("| machine | inputs x outputs | instructions | per MAC |");
    println!("|---|---|---|---|");
    let mut over = Vec::new();
    for (name, limit) in LIMITS {
        let machine = Machine::by_name(name).unwrap();
        for (i, (cols, mut rows)) in SHAPES.into_iter().enumerate() {
            let mut image = layers(1, &[cols, rows], false);
            // As many rows as the machine has flash for: with fewer, what is done once weighs more.
            while image.len() > machine.model.bytes as usize {
                rows -= 8;
                image = layers(1, &[cols, rows], false);
            }
            let insns = run(machine, &image, &inputs(cols)).worst_run_insns().unwrap();
            let per_mac = insns as f64 / f64::from(cols * rows);
            println!("| {name} | {cols} x {rows} | {insns} | {per_mac:.3} |");
            if i == 0 && per_mac > limit {
                over.push(format!("{name}: {per_mac:.3} instructions per MAC, the limit is {limit}"));
            }
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}

/// With a layer behind it less that layer alone: what a run takes beside its ops is taken away.
#[test]
fn an_op_of_vectors_is_within_its_limit() {
    const BEHIND: u32 = 16;
    let machine = Machine::by_name("mps3-an547").unwrap();
    let insns = |shape: &[u32]| run(machine, &layers(1, shape, false), &inputs(shape[0])).worst_run_insns().unwrap();
    let mut over = Vec::new();
    for ((cols, rows), limit) in SHAPES.into_iter().zip(VECTOR_LIMITS) {
        let insns = insns(&[cols, rows, BEHIND]) - insns(&[rows, BEHIND]);
        println!("{cols} x {rows}: {insns} instructions");
        if insns > limit {
            over.push(format!("{cols} x {rows}: {insns} instructions, the limit is {limit}"));
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}

/// Sums, requantised rows and value rows of random bytes, at every address of a word.
#[test]
fn every_twin_gives_what_plain_loops_give() {
    for machine in machines() {
        // An M4 and an M7 run what the other M4 runs.
        if ["mps2-an386", "mps2-an500"].contains(&machine.name.as_str()) {
            continue;
        }
        let binary = format!("{}-trials", machine.name);
        let firmware = build_binary(&workspace_root().unwrap(), machine, &binary).unwrap_or_else(|e| panic!("{e}"));
        let outcome = Emulation::new(machine, firmware).samples_bytes(*b"LGTR\x0B\0\0\0").run();
        let outcome = outcome.unwrap_or_else(|error| panic!("{}: {error}", machine.name));
        assert!(outcome.exit.is_success(), "{}: {}\n{:#?}", machine.name, outcome.exit, outcome.lines);
        assert_eq!(outcome.lines.last().map(|line| line.contains("dense: equal")), Some(true), "{}", machine.name);
    }
}

/// Every remainder of rows and columns, in chains: an error anywhere reaches the end.
#[test]
fn odd_shapes_give_the_same_integers() {
    let shapes: [&[u32]; 3] = [
        &[17, 5, 9, 2, 7, 19, 3, 6, 13, 4, 11, 1, 8, 14, 12, 10, 15],
        &[1, 4, 4, 1, 5, 16, 2, 4, 3, 8, 6, 18, 7],
        &[784, 21, 785, 9],
    ];
    for (name, _) in LIMITS {
        let machine = Machine::by_name(name).unwrap();
        for (seed, shape) in shapes.into_iter().enumerate() {
            for is_raw in [false, true] {
                run(machine, &layers(seed as u64, shape, is_raw), &inputs(shape[0]));
            }
        }
        println!("{name:<14} {} chains equal", shapes.len());
    }
}
