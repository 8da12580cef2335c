//! Weights of few bits: every machine gives the host's integers, and in how many instructions.

use std::path::{Path, PathBuf};

use leafgate_emulate::{Emulation, Machine, build_binary, build_firmware, machines, workspace_root};
use leafgate_image::{
    GROUP_COLS, WEIGHT_T2_BYTES, WEIGHT_T2_COLUMNS, WEIGHT_T2_ROWS, WEIGHT_W4_COLUMNS, WEIGHT_W4_ROWS,
};
use leafgate_tests_laws::low_bit::layer;
use leafgate_tests_parity::host_outputs;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

const FORMATS: [u8; 5] = [WEIGHT_W4_ROWS, WEIGHT_W4_COLUMNS, WEIGHT_T2_ROWS, WEIGHT_T2_COLUMNS, WEIGHT_T2_BYTES];
/// The field of a record that says so.
const GROUPS: u8 = GROUP_COLS as u8;

/// The formats that a machine's kernels are made for, and the most instructions for a multiply-accumulate of a run with 784 x 128: of 4 bits, with
/// one group a row, and ternary. Ternary weights also take fewer than those of 4 bits, and groups of 32 columns at most 1.2 times as many.
fn limits(machine: &Machine) -> ([u8; 2], [f64; 2]) {
    match machine.core.as_str() {
        "Cortex-M0" => ([WEIGHT_W4_COLUMNS, WEIGHT_T2_COLUMNS], [3.7, 3.7]),
        "Cortex-M3" => ([WEIGHT_W4_COLUMNS, WEIGHT_T2_COLUMNS], [2.28, 2.28]),
        core if core.starts_with("RV32") => ([WEIGHT_W4_COLUMNS, WEIGHT_T2_COLUMNS], [2.93, 2.93]),
        core if core.starts_with("Cortex-M55") => ([WEIGHT_W4_ROWS, WEIGHT_T2_BYTES], [0.6, 0.402]),
        _ => ([WEIGHT_W4_ROWS, WEIGHT_T2_ROWS], [1.3, 1.3]),
    }
}

/// Random inputs, and the extremes.
fn inputs(bytes: u32) -> Vec<Vec<u8>> {
    let mut rng = ChaCha8Rng::seed_from_u64(bytes.into());
    let mut inputs = vec![vec![0; bytes as usize]; 3];
    inputs.iter_mut().for_each(|input| rng.fill_bytes(input));
    inputs.extend([0x80, 0x7F, 0].map(|byte| vec![byte; bytes as usize]));
    inputs
}

fn firmware(machine: &Machine) -> PathBuf {
    build_firmware(&workspace_root().unwrap(), machine).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs all inputs, compares with the host, and gives the most instructions.
fn run(machine: &Machine, firmware: &Path, image: &[u8], inputs: &[Vec<u8>]) -> u64 {
    let outcome = Emulation::new(machine, firmware).image_bytes(image).samples(inputs).run();
    let outcome = outcome.unwrap_or_else(|error| panic!("{}: {error}", machine.name));
    assert!(outcome.exit.is_success(), "{}: {}\n{:#?}", machine.name, outcome.exit, outcome.lines);
    let have: Vec<u32> = outcome.samples.iter().map(|sample| sample.crc32).collect();
    let want: Vec<u32> = host_outputs(image, inputs).iter().map(|output| output.crc32).collect();
    assert_eq!(have, want, "{}", machine.name);
    outcome.worst_run_insns().unwrap()
}

#[test]
fn weights_of_few_bits_take_few_instructions() {
    let (rows, cols) = (128, 784);
    println!("| machine | format | group | instructions | per MAC |");
    println!("|---|---|---|---|---|");
    let mut over = Vec::new();
    for machine in machines() {
        let firmware = firmware(machine);
        let (formats, limits) = limits(machine);
        let mut w4 = [0.0; 2];
        for (i, (format, limit)) in formats.into_iter().zip(limits).enumerate() {
            let each = [0, GROUPS].map(|group| {
                let insns = run(machine, &firmware, &layer(format, group, (rows, cols), false), &inputs(cols));
                let per_mac = insns as f64 / f64::from(rows * cols);
                println!("| {} | {format} | {group} | {insns} | {per_mac:.3} |", machine.name);
                per_mac
            });
            if each[0] > limit || each[1] > 1.2 * limit || i > 0 && each[0] >= w4[0] {
                over.push(format!("{}: format {format}: {each:.3?} per MAC, the limit is {limit}", machine.name));
            }
            if i == 0 {
                w4 = each;
            }
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}

/// All formats on all machines; what is left over of rows and columns, and more columns than a kernel takes at once.
#[test]
fn every_machine_gives_the_same_integers() {
    for machine in machines() {
        let firmware = firmware(machine);
        for format in FORMATS {
            let cases = [(0, (19, 1203)), (GROUPS, (19, 1203)), (0, (5, 481)), (GROUPS, (33, 33)), (0, (17, 7))];
            for (i, (group, shape)) in cases.into_iter().enumerate() {
                run(machine, &firmware, &layer(format, group, shape, i % 2 == 0), &inputs(shape.1));
            }
        }
        println!("{:<14} equal", machine.name);
    }
}

/// Fields of any value, every number of columns, with groups and without.
#[test]
fn every_twin_gives_the_sums_of_plain_weights() {
    for machine in machines() {
        // An M4 and an M7 run what another M4 runs.
        let binary = format!("{}-trials", machine.name);
        if ["mps2-an386", "mps2-an500"].contains(&machine.name.as_str()) {
            continue;
        }
        let firmware = build_binary(&workspace_root().unwrap(), machine, &binary).unwrap_or_else(|e| panic!("{e}"));
        let outcome = Emulation::new(machine, firmware).samples_bytes(*b"LGTR\x0a\0\0\0").run();
        let outcome = outcome.unwrap_or_else(|error| panic!("{}: {error}", machine.name));
        assert!(outcome.exit.is_success(), "{}: {}\n{:#?}", machine.name, outcome.exit, outcome.lines);
        let is_equal = outcome.lines.last().is_some_and(|line| line.contains("weights of few bits: equal"));
        assert!(is_equal, "{}: {:#?}", machine.name, outcome.lines);
    }
}
