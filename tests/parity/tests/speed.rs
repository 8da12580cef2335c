//! What a dense layer costs: executed instructions of a run of an image with one LINEAR, signed bytes in and out, bias and a requantise record of
//! each row included, in both layouts on every machine, with budgets for the core that the packed layout is measured on.

use leafgate_convert::kernels::{Kernels, choose};
use leafgate_convert::pack::{Extras, pack};
use leafgate_convert::plan::plan;
use leafgate_convert::quantize::integer::{Dtype, IntGraph, IntMap, IntOp, IntTensor, TensorId};
use leafgate_emulate::{Emulation, Machine, build_firmware_for, machines, workspace_root};
use leafgate_image::RequantRecord;
use leafgate_tests_parity::host_outputs;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Columns, rows, and what a whole run may take in pairs on mps2-an386. About 1000 of it are the run around the op.
const SHAPES: [(usize, usize, u64); 4] = [(784, 128, 95_000), (640, 128, 78_000), (128, 128, 18_700), (128, 10, 3_200)];

fn tensor(cols: usize) -> IntTensor {
    IntTensor { name: String::new(), dtype: Dtype::I8, cols, scale: 1.0, zero_point: 0.0, lo: -128, hi: 127 }
}

fn finish(mut graph: IntGraph, output: TensorId, kernels: Kernels) -> Vec<u8> {
    graph.ops.push((String::new(), IntOp::Readout { input: output, output: None, kind: 0, k: 0 }));
    let packing = choose(&mut graph, kernels);
    assert_eq!(packing.plain, []);
    pack(&graph, &plan(&graph).unwrap(), &Extras::default()).unwrap()
}

fn layer(cols: usize, rows: usize, kernels: Kernels) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(cols as u64);
    let mut draw = |from: i32, to: i32| from + (rng.next_u32() % (to - from + 1) as u32) as i32;
    let mut graph = IntGraph::default();
    let (input, output) = (graph.add(tensor(cols)), graph.add(tensor(rows)));
    let weights = (0..rows * cols).map(|_| draw(-127, 127) as i8).collect();
    let bias = (0..rows).map(|_| draw(-20_000, 20_000)).collect();
    let requant = |m: i32| RequantRecord { m: (1 << 30) + m as u32, s: 42, zero_point: 5, lo: -120, hi: 127 };
    let rq = (0..rows).map(|_| requant(draw(0, 1 << 29))).collect();
    graph.ops.push((String::new(), IntOp::Linear { input, output, weights, bias, rq, prepared: None, low_bit: None }));
    finish(graph, output, kernels)
}

/// One op on one element: what a run takes beside its ops, and a little more.
fn hardly_anything() -> Vec<u8> {
    let mut graph = IntGraph::default();
    let (input, output) = (graph.add(tensor(1)), graph.add(tensor(1)));
    graph.ops.push((String::new(), IntOp::Map { input, output, map: IntMap::Clamp { lo: -128, hi: 127 } }));
    finish(graph, output, Kernels::Portable)
}

/// Instructions of the costliest of a few runs, whose outputs are those of the host.
fn insns(machine: &Machine, image: &[u8], cols: usize) -> u64 {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut draw = |_| {
        let mut input = vec![0; cols];
        rng.fill_bytes(&mut input);
        input
    };
    let inputs: Vec<Vec<u8>> = (0..4).map(&mut draw).collect();
    let firmware = build_firmware_for(&workspace_root().unwrap(), machine, image);
    let firmware = firmware.unwrap_or_else(|error| panic!("{error}"));
    let emulation = Emulation::new(machine, &firmware).image_bytes(image.to_vec()).samples(inputs.clone());
    let outcome = emulation.run().unwrap_or_else(|error| panic!("{}: {error}", machine.name));
    assert!(outcome.exit.is_success(), "{}: {}\n{:#?}", machine.name, outcome.exit, outcome.lines);
    let want: Vec<u32> = host_outputs(image, &inputs).iter().map(|output| output.crc32).collect();
    let have: Vec<u32> = outcome.samples.iter().map(|sample| sample.crc32).collect();
    assert_eq!(have, want, "{}", machine.name);
    outcome.worst_run_insns().expect("there are samples")
}

#[test]
fn a_dense_layer_is_within_its_budget() {
    println!("| machine | core | run of one element | cols x rows | plain | of a MAC | in pairs | of a MAC |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut over = Vec::new();
    for machine in machines() {
        let run = insns(machine, &hardly_anything(), 1);
        for (cols, rows, limit) in SHAPES {
            if machine.model.bytes < 0x2_0000 && cols * rows > 20_000 {
                continue;
            }
            let [plain, pairs] =
                [Kernels::Portable, Kernels::Dsp].map(|kernels| insns(machine, &layer(cols, rows, kernels), cols));
            let of_a_mac = |insns: u64| insns as f64 / (cols * rows) as f64;
            println!(
                "| {} | {} | {run} | {cols} x {rows} | {plain} | {:.3} | {pairs} | {:.3} |",
                machine.name,
                machine.core,
                of_a_mac(plain),
                of_a_mac(pairs)
            );
            if machine.name == "mps2-an386" && pairs > limit {
                over.push(format!("{cols} x {rows}: {pairs} instructions, the budget is {limit}"));
            }
        }
    }
    assert!(over.is_empty(), "mps2-an386: {}", over.join("; "));
}
