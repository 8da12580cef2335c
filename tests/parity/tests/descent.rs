//! A tree's way from its root to a leaf: what a level executes beside the product of its node's row, and that it ends at the host's leaf.

use leafgate_emulate::{Emulation, Machine, build_firmware, build_plugin, workspace_root};
use leafgate_image::*;
use leafgate_tests_laws::layout::Layout;
use leafgate_tests_parity::host_outputs;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

const COLS: u32 = 64;
/// Levels of the two trees that are compared.
const LEVELS: [u32; 2] = [1, 7];
const INPUTS: usize = 8;

/// Instructions of a level beside the product.
const LIMITS: [(&str, u64); 6] =
    [("mps2-an385", 12), ("microbit", 17), ("virt", 19), ("mps2-an386", 11), ("mps2-an505", 12), ("mps3-an547", 12)];

/// A tree, each leaf of which has one output of its own and no neurons.
fn tree(levels: u32) -> Vec<u8> {
    let mut at = Layout::new(3, dtype::I8, 1, COLS);
    let (nodes, leaves) = ((1 << levels) - 1, 1 << levels);
    let (list, hidden) = (at.tensor(dtype::LIST, 1, 1), at.tensor(dtype::I8, 1, 1));
    let acc = at.tensor(dtype::I32, 1, 1);
    let (weights, bias) = (at.weights(nodes * COLS), at.biases(nodes));
    at.op(&RouteRecord {
        op: op::ROUTE,
        kind: route::TREE,
        input: 0,
        list,
        count: 1,
        depth: levels,
        cols: COLS,
        weights,
        bias,
        scores: NO_TENSOR,
        weight: ONE_Q15,
        gate_rq: NONE,
        gate_table: NONE,
        weight_format: WEIGHT_W8,
        ..RouteRecord::default()
    });
    let names: Vec<i32> = (0..leaves as i32).collect();
    let value_bias = at.constant(&names);
    at.ranges.extend((0..leaves).map(|i| RangeRecord {
        keys: NONE,
        key_bias: NONE,
        key_rq: NONE,
        ups: NONE,
        values: NONE,
        value_bias: value_bias + 4 * i,
        flags: range_flag::OUTPUT_MAJOR,
        ..RangeRecord::default()
    }));
    at.op(&FfnRecord {
        op: op::FFN,
        input: 0,
        output: acc,
        list,
        hidden,
        acc,
        partial: NO_TENSOR,
        range_count: leaves,
        cols: COLS,
        rows: 1,
        shared_bias: NONE,
        rq: NONE,
        lut: NONE,
        weight_format: WEIGHT_W8,
        ..FfnRecord::default()
    });
    at.finish(acc, readout::NONE, 0)
}

#[test]
fn a_level_takes_hardly_more_than_its_product() {
    let root = workspace_root().unwrap();
    let plugin = build_plugin(&root).unwrap_or_else(|error| panic!("{error}\n{}", error.hint()));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut inputs = vec![vec![0; COLS as usize]; INPUTS];
    inputs.iter_mut().for_each(|input| rng.fill_bytes(input));
    println!("| machine | a product of {COLS} | a level beside it |\n|---|---|---|");
    let mut over = Vec::new();
    for (name, limit) in LIMITS {
        let machine = Machine::by_name(name).unwrap();
        let firmware = build_firmware(&root, machine).unwrap_or_else(|error| panic!("{error}"));
        // Instructions of all runs, and of a product.
        let [few, many] = LEVELS.map(|levels| {
            let image = tree(levels);
            let emulation = Emulation::new(machine, &firmware).image_bytes(image.clone()).samples(inputs.clone());
            let outcome = emulation.profile(&plugin).run().unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(outcome.exit.is_success(), "{name}: {}\n{:#?}", outcome.exit, outcome.lines);
            let have: Vec<u32> = outcome.samples.iter().map(|sample| sample.crc32).collect();
            let want = host_outputs(&image, &inputs);
            assert_eq!(have, want.iter().map(|output| output.crc32).collect::<Vec<_>>(), "{name}, {levels} levels");
            assert!(levels < 2 || want.iter().any(|output| output.crc32 != want[0].crc32), "all end at the same leaf");
            let profile = outcome.profile.unwrap();
            let dot = profile.functions.iter().find(|function| function.name.ends_with("::dot")).unwrap();
            assert_eq!(dot.calls, INPUTS as u64 * u64::from(levels), "{name}");
            (profile.insns(), dot.insns / dot.calls)
        });
        let levels = INPUTS as u64 * u64::from(LEVELS[1] - LEVELS[0]);
        let beside = (many.0 - few.0).div_ceil(levels) - many.1;
        println!("| {name} | {} | {beside} |", many.1);
        if beside > limit {
            over.push(format!("{name}: {beside} instructions a level beside the product, the limit is {limit}"));
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}
