//! Value rows of neurons that may be skipped: what a run executes, and that it gives the host's integers.

use leafgate_convert::pack::{Extras, pack};
use leafgate_convert::plan::plan;
use leafgate_convert::quantize::integer::{Dtype, IntGraph, IntOp, IntRange, IntTensor};
use leafgate_emulate::{Emulation, Machine, build_firmware_for, workspace_root};
use leafgate_image::{RequantRecord, activation, ffn_flag, readout};
use leafgate_tests_laws::draw::Draw;
use leafgate_tests_parity::host_outputs;

const NEURONS: usize = 64;
const INPUTS: usize = 4;

/// Instructions per multiply-accumulate that more outputs cost (of 256, what 128 do not take), and the part of them that skipping half of the
/// neurons saves at least. A vector is of sixteen neurons, whether they are skipped or not.
const LIMITS: [(&str, f64, f64); 6] = [
    ("mps2-an385", 2.6, 0.45),
    ("microbit", 4.65, 0.45),
    ("virt", 3.95, 0.45),
    ("mps2-an386", 1.8, 0.45),
    ("mps2-an505", 1.8, 0.45),
    ("mps3-an547", 0.42, 0.1),
];

/// Neurons without keys, of which every `skipped`-th is below 0.
fn image(outputs: usize, skipped: usize) -> Vec<u8> {
    let mut draw = Draw::new(outputs as u64);
    let mut graph = IntGraph::default();
    let tensor =
        |dtype, cols| IntTensor { name: String::new(), dtype, cols, scale: 1.0, zero_point: 0.0, lo: -128, hi: 127 };
    let (input, acc) = (graph.add(tensor(Dtype::I8, INPUTS)), graph.add(tensor(Dtype::I32, outputs)));
    let bias = |j: usize| (1 + draw.below(127) as i32) * if (j + 1).is_multiple_of(skipped) { -1 } else { 1 };
    let range = IntRange {
        neurons: NEURONS,
        key_bias: (0..NEURONS).map(bias).collect(),
        key_rq: vec![RequantRecord { m: 1 << 30, s: 30, zero_point: 0, lo: -128, hi: 127 }],
        values: (0..NEURONS * outputs).map(|i| (i * 89 % 255) as i8).collect(),
        ..IntRange::default()
    };
    let ffn = IntOp::Ffn {
        input,
        output: acc,
        list: None,
        hidden: None,
        acc,
        partial: None,
        ranges: vec![range],
        activation: activation::RELU,
        flags: ffn_flag::KEEP_POSITIVE,
        rq: None,
        lut: None,
    };
    graph.ops.push((String::new(), ffn));
    graph.ops.push((String::new(), IntOp::Readout { input: acc, output: None, kind: readout::NONE, k: 0 }));
    pack(&graph, &plan(&graph).unwrap(), &Extras::default()).unwrap()
}

/// Instructions of a run, whose outputs are those of the host.
fn insns(machine: &Machine, image: &[u8]) -> f64 {
    let inputs = vec![vec![0; INPUTS]];
    let firmware = build_firmware_for(&workspace_root().unwrap(), machine, image);
    let firmware = firmware.unwrap_or_else(|error| panic!("{error}"));
    let outcome = Emulation::new(machine, &firmware).image_bytes(image.to_vec()).samples(inputs.clone()).run();
    let outcome = outcome.unwrap_or_else(|error| panic!("{}: {error}", machine.name));
    assert!(outcome.exit.is_success(), "{}: {}\n{:#?}", machine.name, outcome.exit, outcome.lines);
    assert_eq!(outcome.samples[0].crc32, host_outputs(image, &inputs)[0].crc32, "{}", machine.name);
    outcome.samples[0].insns as f64
}

#[test]
fn a_product_of_a_value_row_takes_few_instructions() {
    println!(
        "| machine | a product of 256 outputs | whole runs of 256 | of 10 | of 256, half of the neurons skipped |"
    );
    println!("|---|---|---|---|---|");
    let mut over = Vec::new();
    for (name, limit, saved) in LIMITS {
        let machine = Machine::by_name(name).unwrap();
        let run = |outputs, skipped| insns(machine, &image(outputs, skipped)) / (NEURONS * outputs) as f64;
        let [whole, small, half] = [run(256, NEURONS + 1), run(10, NEURONS + 1), run(256, 2)];
        let product = 2.0 * whole - run(128, NEURONS + 1);
        println!("| {name} | {product:.3} | {whole:.3} | {small:.3} | {half:.3} |");
        if product > limit {
            over.push(format!("{name}: {product:.3} instructions per MAC, the limit is {limit}"));
        }
        // A row that is skipped is not multiplied.
        if half > whole - saved * product {
            over.push(format!("{name}: {half:.3} with half of the neurons, {whole:.3} with all"));
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}
